"""Results as text and files.

``write`` makes ``results.json`` (everything), ``table.md`` (to read as it is), ``plot.png``,
and four files that ``docs/performance.rst`` includes: ``summary.rst``, ``behind.rst``,
``calls.rst``, ``table.rst``.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.targets import (
    TITLES,
    against_best,
    amount,
    behind,
    best_peer,
    disturbed,
    geometric_mean,
    percent,
    targets,
    telling,
)

__all__ = ["write"]

NAMES = {"lucid": "lucid", **PEERS}


@dataclass
class Table:
    """A heading, a remark below it, and rows of text; the first row names the columns."""

    title: str
    remark: str
    rows: list[list[str]]

    def markdown(self) -> str:
        """As Markdown."""
        head, *body = ["| " + " | ".join(row) + " |" for row in self.rows]
        line = "|" + "---|" * len(self.rows[0])
        table = "\n".join([head, line, *body])
        return "\n\n".join(filter(None, [f"## {self.title}", table, self.remark]))

    def rst(self, heading: bool = True) -> str:
        """As reStructuredText."""
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in self.rows:
            lines += ["   * - " + row[0], *("     - " + cell for cell in row[1:])]
        table = "\n".join(line.rstrip() for line in lines)
        title = f"{self.title}\n{'~' * len(self.title)}" if heading else ""
        return "\n\n".join(filter(None, [title, table, self.remark]))


def short(number: float) -> str:
    """A number with at least three digits."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:.{digits}f}"


def ratio_cell(ratio: dict[str, float]) -> str:
    """A ratio with its quartiles."""
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"


def means(cases: list[dict[str, Any]], what: str) -> str:
    """The geometric means of some cases, as a sentence."""
    best = geometric_mean(map(against_best, cases))
    versus_torch = geometric_mean(c["ratios"]["torch"]["median"] for c in cases)
    versus_best = f"{best:.2f}× the better of the two, " if peers_of(cases) != ["torch"] else ""
    return f"{what} ({len(cases)}): {versus_best}{versus_torch:.2f}× PyTorch."


def peers_of(cases: list[dict[str, Any]]) -> list[str]:
    """The peers that took part in any of the cases."""
    return [peer for peer in PEERS if any(peer in c["ratios"] for c in cases)]


def speed_table(
    section: str, cases: list[dict[str, Any]], threads: int, gflops: float | None
) -> Table:
    """Times and ratios of one section at one number of threads."""
    peers = peers_of(cases)
    convolutions = section != "steps"
    unit, factor = ("µs", 1e6) if convolutions else ("ms", 1e3)
    header = [
        "shape" if convolutions else "model",
        *(f"{NAMES[name]}, {unit}" for name in ("lucid", *peers)),
    ]
    if convolutions:
        header += ["lucid, GFLOP/s", *(["% of the limit"] if gflops else [])]
    header += ["times as fast as the best peer (quartiles)"]
    header += ["as PyTorch"] if len(peers) > 1 else []
    rows = [header]
    for case in cases:
        times = case["times"]
        row = [case["name"] + (" †" if disturbed(case) else "")]
        row += [short(factor * times[n]["median"]) if n in times else "" for n in ("lucid", *peers)]
        if convolutions:
            row.append(f"{case['gflop'] / times['lucid']['median']:.1f}")
            if gflops:
                share = percent(case, gflops)
                row.append("" if share is None else f"{share:.0f}")
        row.append(ratio_cell(case["ratios"][best_peer(case)]))
        if len(peers) > 1:
            row.append(f"{case['ratios']['torch']['median']:.2f}")
        rows.append(row)
    told = telling(cases)
    listed, more = [c for c in told if c["listed"]], [c for c in told if not c["listed"]]
    remark = "Geometric means."
    if listed:
        remark += " " + means(listed, "Listed shapes" if convolutions else "Models")
    if more:
        remark += " " + means(more, "Other shapes")
    if len(told) < len(cases):
        remark += f" Left out as disturbed (†): {len(cases) - len(told)}."
    return Table(f"{TITLES[section]}, {amount(threads)}", remark, rows)


def tables(results: dict[str, Any]) -> list[Table]:
    """All tables but the targets'."""
    found = []
    for section in TITLES:
        for threads in results["threads"]:
            cases = [c for c in results.get(section, []) if c["threads"] == threads]
            if cases:
                gflops = results["limit"]["gflops"]
                found.append(speed_table(section, cases, threads, gflops))
    if results.get("calls"):
        found.append(small_call_table(results["calls"]))
    if results.get("memory"):
        rows = [["shape", "input", "output", "lucid, extra", "PyTorch, extra"]]
        for case in results["memory"]:
            ours, theirs = case["lucid"], case["torch"]
            sizes = (ours["input"], ours["output"], ours["extra"], theirs["extra"])
            rows.append([case["name"], *(f"{size / 2**20:.2f}" for size in sizes)])
        remark = "One forward in a new process, 1 thread; exact to about a quarter of a MiB."
        found.append(Table("peak memory beyond input and output, MiB", remark, rows))
    return found


def small_call_table(calls: dict[str, Any]) -> Table:
    """The small call, and the imports."""
    imports = ", ".join(f"{name} {1e3 * taken:.0f} ms" for name, taken in calls["imports"].items())
    small = calls["small"]["times"]
    small_rows = [[NAMES[name], short(1e6 * t["median"])] for name, t in small.items()]
    return Table(
        "one small call",
        "The shape seed-2, 1 thread; lucid and PyTorch record for a backward. "
        f"Importing, when NumPy has been imported: {imports}.",
        [["contestant", "µs"], *small_rows],
    )


def station_table(calls: dict[str, Any]) -> Table:
    """The stations of lucid's small call, and what each takes beyond the one that it calls."""
    times = {name: 1e6 * t["median"] for name, t in calls["stations"]["times"].items()}
    path = [name for name in times if "no_grad" not in name]  # that one is a way of its own
    beyond = {a: short(times[a] - times[b]) for a, b in itertools.pairwise(path)}
    beyond[path[-1]] = short(times[path[-1]])
    return Table(
        "one small call of lucid, station by station",
        "Each calls the next: the module calls the function, that the node, that the kernel.",
        [
            ["station", "µs", "of which its own"],
            *([name, short(taken), beyond.get(name, "")] for name, taken in times.items()),
        ],
    )


def target_table(results: dict[str, Any]) -> Table:
    """What was aimed at."""
    rows = [["what", "target", "found", ""]]
    for line in targets(results):
        verdict = "not measured" if line.met is None else "met" if line.met else "**missed**"
        rows.append([line.what, line.target, line.figure, verdict])
    return Table("targets", "", rows)


def machine_text(results: dict[str, Any]) -> str:
    """Date, machine and versions in a sentence each."""
    m = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
    gflops = results["limit"]["gflops"]
    limit = (
        "not measured by these kernels" if gflops is None else f"{gflops:.1f} GFLOP/s per thread"
    )
    text = (
        f"Measured on {m['date']} on {m['processor']}, {m['cores']} cores, {m['system']}; "
        f"{versions}. Kernels of lucid: {m['kernels']}, SIMD {m['simd']}. FMA limit: {limit}."
    )
    cases = [case for section in TITLES for case in results.get(section, [])]
    loud = sum(map(disturbed, cases))
    if loud:
        text += (
            f" Other programs used the processors during {loud} of {len(cases)} cases, marked †; "
            "on several threads such cases say nothing, and are left out of means and targets."
        )
    if results["errors"]:
        text += " **Results differed**, and were not timed: " + "; ".join(results["errors"]) + "."
    return text


def rounded(value: Any) -> Any:
    """The same, all floats to five digits: more were never measured."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def write(results: dict[str, Any], folder: Path) -> str:
    """Write all files; return the summary to print."""
    folder.mkdir(parents=True, exist_ok=True)
    about, goals, found = machine_text(results), target_table(results), tables(results)
    stations = [station_table(results["calls"])] if results.get("calls") else []
    everything = [table.markdown() for table in found + stations]
    lines = behind(results) or ["nothing was compared in this run."]
    slower = "\n".join(f"- {line}" for line in lines)
    summary = f"{about}\n\n{goals.markdown()}\n\n## where lucid is behind\n\n{slower}"
    parts = {
        "results.json": json.dumps(rounded(results), indent=1, ensure_ascii=False),
        "table.md": "\n\n".join(["# lucid beside its peers", summary, *everything]),
        "summary.rst": f"{about}\n\n{goals.rst(heading=False)}",
        "behind.rst": slower,
        "calls.rst": "".join(t.rst(heading=False) for t in stations) or "Not measured in this run.",
        "table.rst": "\n\n".join(table.rst() for table in found) or "Nothing was measured.",
    }
    for name, text in parts.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")
    written = list(parts)
    if any(results.get(section) for section in TITLES):
        from benchmarks import plot

        plot.draw(results, folder / "plot.png")
        written.append("plot.png")
    return f"{summary}\n\nwritten to {folder}: {', '.join(written)}"
