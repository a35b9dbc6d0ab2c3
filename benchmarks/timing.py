"""Timing side by side.

The machine's speed drifts: other programs come and go, and the clock rate changes. If one
contestant ran first and the other a minute later, their ratio would contain that drift. Here all
contestants of a case run in turns of a few milliseconds, round after round, in changing order, and
a ratio is taken *within* each round, where the machine was the same for both. Noise can only ever
slow a run down, now this one and now that; the median over the rounds is not moved by a few bad
ones.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["QUIET", "Race", "Spread", "processors", "race"]

TURN = 2e-3  # seconds: a turn of short calls takes at least this, far more than the clock's ticks

# After a parallel loop its helper threads wait actively for tens of milliseconds, in case there is
# more to do, and take a processor from whoever comes next. With more than one thread each
# contestant therefore runs untimed for as long as that, before its turn counts.
SETTLE = 60e-3

# How many processors other programs may use while a case runs. Threads that wait for each other
# suffer most: when one of two has to wait for its processor, each parallel loop lasts as long as
# the system's time slice, a thousand times too long.
QUIET = 0.1


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles: half of all rounds lie between low and high."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        """The spread of at least two numbers."""
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return Spread(median, low, high)


@dataclass(frozen=True)
class Race:
    """What came out: seconds per call, and how many times as fast as each peer lucid was."""

    times: dict[str, Spread]
    ratios: dict[str, Spread]
    rounds: int
    others: float | None  # processors that other programs used meanwhile; None: not known


def processors() -> int:
    """How many processors this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1


def others_seconds() -> float | None:
    """Processor time that other programs have used since the system started (Linux)."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    busy = user + nice + system + irq + softirq + steal
    own = os.times()
    return busy / os.sysconf("SC_CLK_TCK") - own.user - own.system


def turn(call: Callable[[], object], calls: int) -> float:
    """Seconds per call, over so many calls."""
    repeat = range(calls)
    start = time.perf_counter()
    for _ in repeat:
        call()
    return (time.perf_counter() - start) / calls


def race(
    contestants: dict[str, Callable[[], object]],
    seconds: float,
    threads: int = 1,
    least: int = 5,
) -> Race:
    """Let the contestants run in turns for some seconds, and for ``least`` rounds in any case.

    ``contestants`` maps names to calls that need no arguments. If one is called ``lucid``, ratios
    of the others' times to its time are computed.
    """
    names = list(contestants)
    settle = SETTLE if threads > 1 else 0.0
    calls = {}
    for name, call in contestants.items():
        call()  # the first one pays for what is prepared only once
        calls[name] = max(1, round(TURN / turn(call, 1)))
        calls[name] = max(1, round(TURN / turn(call, calls[name])))
    samples: dict[str, list[float]] = {name: [] for name in names}
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()  # else one contestant pays for what another left behind
    before, start = others_seconds(), time.perf_counter()
    try:
        end = start + seconds
        rounds = 0
        while rounds < least or time.perf_counter() < end:
            first = rounds % len(names)
            for name in names[first:] + names[:first]:
                call = contestants[name]
                ready = time.perf_counter() + settle
                call()  # brings its data back into the cache
                while time.perf_counter() < ready:
                    call()
                samples[name].append(turn(call, calls[name]))
            rounds += 1
    finally:
        if was_enabled:
            gc.enable()
    after, taken = others_seconds(), time.perf_counter() - start
    others = None if before is None or after is None else max(0.0, after - before) / taken
    ours = samples.get("lucid", [])
    ratios = {
        name: Spread.of([peer / own for peer, own in zip(theirs, ours, strict=True)])
        for name, theirs in samples.items()
        if ours and name != "lucid"
    }
    times = {name: Spread.of(values) for name, values in samples.items()}
    return Race(times, ratios, rounds, others)
