"""What was aimed at, and whether it was reached; where lucid is behind."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any, NamedTuple

from benchmarks.peers import PEERS
from benchmarks.timing import QUIET

__all__ = [
    "Target",
    "against_best",
    "behind",
    "best_peer",
    "disturbed",
    "geometric_mean",
    "percent",
    "targets",
    "telling",
]

Case = dict[str, Any]

TITLES = {
    "forward": "conv1d forward",
    "backward": "conv1d forward + backward",
    "steps": "training step",
}
PARALLEL = tuple(TITLES)  # the sections measured at several numbers of threads
MIB = 2**20


class Target(NamedTuple):
    """One line of the table: what is asked for, what was found, whether that is enough."""

    what: str
    target: str
    figure: str
    met: bool | None  # None: not measured in this run


def best_peer(case: Case) -> str:
    """The peer that was fastest in a case."""
    ratios: dict[str, dict[str, float]] = case["ratios"]
    return min(ratios, key=lambda name: ratios[name]["median"])


def against_best(case: Case) -> float:
    """How many times as fast as the fastest peer lucid was."""
    ratio: float = case["ratios"][best_peer(case)]["median"]
    return ratio


def disturbed(case: Case) -> bool:
    """Whether other programs were busy while a case ran."""
    return (case["others"] or 0.0) > QUIET


def telling(cases: Iterable[Case]) -> list[Case]:
    """The cases that say something: not those whose threads had to wait for other programs.

    One thread only becomes slower, as its rivals do; but threads that wait for each other come to
    a standstill, those of one contestant more than those of another.
    """
    return [c for c in cases if c["threads"] == 1 or not disturbed(c)]


def percent(case: Case, gflops: float | None) -> float | None:
    """lucid's speed in percent of the limit for so many threads; the limit is float32's."""
    if gflops is None or case["dtype"] != "float32":
        return None
    reached: float = case["gflop"] / case["times"]["lucid"]["median"]
    threads: int = case["threads"]
    return 100 * reached / (gflops * threads)


def geometric_mean(ratios: Iterable[float]) -> float:
    """exp of the mean of the logs: with it, twice and half as fast cancel out."""
    return statistics.geometric_mean(ratios)


def amount(threads: int) -> str:
    """A number of threads in words."""
    return f"{threads} thread" + ("s" if threads > 1 else "")


def targets(results: dict[str, Any]) -> list[Target]:
    """All targets; those that this run did not measure say so."""
    found = []
    for section, versus_best, versus_torch in (
        ("forward", 1.4, 2.5),
        ("backward", None, 2.5),
        ("steps", None, 1.5),
    ):
        for threads in results["threads"]:
            every = [c for c in select(results, section, threads) if c["listed"]]
            what = f"{TITLES[section]}, {amount(threads)}"
            found += speed(what, every, versus_best, versus_torch)
    for threads in results["threads"]:
        dense = [c for c in telling(select(results, "forward", threads)) if c["dense"]]
        found.append(of_the_limit(threads, dense, results["limit"]["gflops"]))
    return found + small_things(results)


def select(results: dict[str, Any], section: str, threads: int) -> list[Case]:
    """The cases of a section at a number of threads."""
    return [c for c in results.get(section, []) if c["threads"] == threads]


def speed(
    what: str, every: list[Case], versus_best: float | None, versus_torch: float
) -> list[Target]:
    """Each case, and the geometric means."""
    cases = telling(every)
    peers = "the better of PyTorch and ONNX Runtime" if versus_best else "PyTorch"
    each, mean = f"{what}: each case", f"{what}: geometric mean"
    if not cases:
        return [
            Target(each, f"never slower than {peers}", "", None),
            Target(mean, f"≥ {versus_torch}× PyTorch", "", None),
        ]
    worst = min(cases, key=against_best)
    slower = [c for c in cases if against_best(c) < 1]
    figure = f"slower in {len(slower)} of {len(cases)}; lowest {against_best(worst):.2f}×, "
    figure += worst["name"]
    met: bool | None = not slower
    if len(cases) < len(every):
        figure += f"; {len(every) - len(cases)} disturbed"
        met = None if met else met  # what was disturbed might have been slower
    lines = [Target(each, f"never slower than {peers}", figure, met)]
    if versus_best:
        ratio = geometric_mean(map(against_best, cases))
        lines.append(
            Target(mean, f"≥ {versus_best}× {peers}", f"{ratio:.2f}×", ratio >= versus_best)
        )
    ratio = geometric_mean(c["ratios"]["torch"]["median"] for c in cases)
    lines.append(Target(mean, f"≥ {versus_torch}× PyTorch", f"{ratio:.2f}×", ratio >= versus_torch))
    return lines


def of_the_limit(threads: int, dense: list[Case], gflops: float | None) -> Target:
    """Dense shapes beside what the multipliers can do."""
    what, target = f"dense shapes, {amount(threads)}", "≥ 90 % of the FMA limit"
    if gflops is None or not dense:
        return Target(what, target, "", None)
    reached = {c["name"]: percent(c, gflops) or 0.0 for c in dense}
    low = min(reached, key=reached.__getitem__)
    enough = sum(p >= 90 for p in reached.values())
    figure = f"{enough} of {len(dense)} reach it; lowest {reached[low]:.0f} %, {low}"
    return Target(what, target, figure, enough == len(dense))


def small_things(results: dict[str, Any]) -> list[Target]:
    """The small call, memory, and the import."""
    found = []
    calls, memory = results.get("calls"), results.get("memory")
    what, target = "one small call, recorded", "≤ 6 µs"
    if calls:
        taken = 1e6 * calls["small"]["times"]["lucid"]["median"]
        found.append(Target(what, target, f"{taken:.1f} µs", taken <= 6))
    else:
        found.append(Target(what, target, "", None))
    what, target = "memory beyond input and output, 1 thread", "≤ 2 MiB, whatever the kernel"
    if memory:
        most = max(memory, key=lambda c: c["lucid"]["extra"])
        extra = most["lucid"]["extra"] / MIB
        found.append(Target(what, target, f"at most {extra:.2f} MiB, {most['name']}", extra <= 2))
    else:
        found.append(Target(what, target, "", None))
    what, target = "import lucid, beyond NumPy's", "≤ 150 ms"
    if calls:
        taken = 1e3 * calls["imports"]["lucid"]
        found.append(Target(what, target, f"{taken:.0f} ms", taken <= 150))
    else:
        found.append(Target(what, target, "", None))
    return found


def behind(results: dict[str, Any]) -> list[str]:
    """Where a peer was faster: one line for each section and number of threads."""
    lines = []
    for section in PARALLEL:
        for threads in results["threads"]:
            cases = telling(select(results, section, threads))
            if not cases:
                continue
            slower = sorted((c for c in cases if against_best(c) < 1), key=against_best)
            said = [in_words(case) for case in slower]
            text = f"{TITLES[section]}, {amount(threads)}: "
            if slower:
                text += f"{len(slower)} of {len(cases)}. " + "; ".join(said)
            else:
                text += f"in none of {len(cases)}"
            lines.append(text + ".")
    if results.get("calls"):
        small = results["calls"]["small"]
        if against_best(small) < 1:
            lines.append(f"one small call: {in_words(small)}.")
    worse = [
        c["name"]
        for c in results.get("memory") or []
        if c["lucid"]["extra"] > c["torch"]["extra"] + MIB / 2  # what can be told apart
    ]
    if worse:
        lines.append(f"memory, more than PyTorch by over half a MiB: {', '.join(worse)}.")
    return lines


def in_words(case: Case) -> str:
    """One case in which a peer was faster, and whether that could be noise."""
    peer = best_peer(case)
    ratio = case["ratios"][peer]
    text = f"{case['name']} {ratio['median']:.2f}× {PEERS[peer]}"
    return text + (" (within the noise)" if ratio["high"] >= 1 else "")
