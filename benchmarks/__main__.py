"""The command: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import peers, report, shapes, timing
from benchmarks.agree import DisagreementError

SECTIONS = ("forward", "backward", "steps", "calls", "memory", "limit")
ROOT = Path(__file__).parents[1]


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure lucid beside PyTorch and ONNX Runtime, in one process, in turns. "
        "Writes results.json, tables and a plot.",
    )
    add = made.add_argument
    add("--threads", default="", metavar="1,2", help="numbers of threads (default: 1 and 2)")
    add("--only", default=",".join(SECTIONS), metavar="LIST", help="any of " + ", ".join(SECTIONS))
    add(
        "--shapes",
        default="all",
        metavar="LIST",
        help="names of convolutions, or the groups listed, more, all (default: all)",
    )
    add("--seconds", type=float, default=1.0, help="time per case (default: 1)")
    add("--tries", type=int, default=2, help="how often, if other programs are busy (default: 2)")
    add(
        "--out",
        type=Path,
        default=ROOT / "benchmarks" / "results",
        metavar="DIR",
        help="where to write (default: benchmarks/results; the docs show docs/benchmark)",
    )
    add("--again", type=Path, metavar="FILE", help="measure nothing: report on this results.json")
    return made


class Run:
    """One run: what was asked for, and what has been found so far."""

    def __init__(
        self,
        threads: list[int],
        sections: list[str],
        chosen: list[shapes.Shape],
        seconds: float,
        tries: int,
    ) -> None:
        # PyTorch first: whoever comes first loads the OpenMP library that both will use, and
        # PyTorch brings the one it was tested with.
        import torch  # noqa: F401  (for what it loads)

        from benchmarks.machine import Limit, describe

        self.threads, self.chosen, self.seconds, self.tries = threads, chosen, seconds, tries
        self.limit = Limit()
        self.done: dict[str, Any] = {
            "machine": describe(),
            "sections": sections,
            "threads": threads,
            "seconds": seconds,
            "errors": [],
        }
        self.start = time.perf_counter()
        measure = {
            "forward": self.forward,
            "backward": self.backward,
            "steps": self.steps,
            "calls": self.calls,
            "memory": self.memory,
            "limit": self.measure_limit,
        }
        for section in sections:
            self.done[section] = measure[section]()
        gflops = self.limit.gflops()
        self.done["limit"] = {"gflops": gflops, "samples": len(self.limit.samples)}
        self.done["minutes"] = (time.perf_counter() - self.start) / 60

    def say(self, text: str) -> None:
        """Progress, on the error stream: the other one is for the summary."""
        print(f"{time.perf_counter() - self.start:7.1f} s  {text}", file=sys.stderr, flush=True)

    def race(self, calls: dict[str, Any], threads: int, **about: Any) -> dict[str, Any]:
        """Time one case, and say how it went; once more if other programs got in the way."""
        for _ in range(self.tries):
            found = timing.race(calls, self.seconds, threads)
            if (found.others or 0.0) <= timing.QUIET:
                break
        times = ", ".join(f"{k} {1e6 * t.median:.1f} us" for k, t in found.times.items())
        busy = "" if (found.others or 0.0) <= timing.QUIET else f" ({found.others:.1f} others busy)"
        self.say(f"{about['name']}, {threads} thread(s): {times}{busy}")
        return {**about, "threads": threads, **asdict(found)}

    def convolutions(self, backward: bool) -> list[dict[str, Any]]:
        """Every chosen shape at every number of threads."""
        from benchmarks.conv import Conv, set_threads

        cases = []
        for threads in self.threads:
            set_threads(threads)
            for shape in self.chosen:
                self.limit.sample()
                about = {
                    "name": shape.name,
                    "listed": shape.listed,
                    "dense": shape.name in shapes.DENSE,
                    "dtype": shape.dtype,
                    "gflop": shape.gflop * (3 if backward else 1),
                }
                try:
                    case = Conv(shape)
                    calls = case.backward() if backward else case.forward(threads)
                except DisagreementError as error:
                    self.failed(error)
                    continue
                cases.append(self.race(calls, threads, **about))
        return cases

    def failed(self, error: DisagreementError) -> None:
        """Note a difference: that case is not timed, and the command will fail."""
        self.done["errors"].append(str(error))
        self.say(f"ERROR  {error}")

    def forward(self) -> list[dict[str, Any]]:
        """conv1d under no_grad."""
        return self.convolutions(backward=False)

    def backward(self) -> list[dict[str, Any]]:
        """conv1d and all its gradients."""
        return self.convolutions(backward=True)

    def steps(self) -> list[dict[str, Any]]:
        """Whole training steps."""
        from benchmarks.conv import set_threads
        from benchmarks.models import MODELS
        from benchmarks.steps import pair

        cases = []
        for threads in self.threads:
            set_threads(threads)
            for model in MODELS:
                self.limit.sample()
                try:
                    calls = pair(model)
                except DisagreementError as error:
                    self.failed(error)
                    continue
                size = [model.N, model.C, model.L]
                cases.append(self.race(calls, threads, name=model.name, size=size, listed=True))
        return cases

    def calls(self) -> dict[str, Any]:
        """Small calls, on one thread, and imports."""
        from benchmarks import calls
        from benchmarks.conv import set_threads

        set_threads(1)
        return {
            "small": self.race(calls.small_call(), 1, name=calls.SMALL),
            "stations": self.race(calls.stations(), 1, name="the stations of that call"),
            "imports": {
                "lucid": calls.import_seconds("lucid", 9),
                "torch": calls.import_seconds("torch", 3),
            },
        }

    def memory(self) -> list[dict[str, Any]]:
        """Peak extra memory: the listed shapes, and others with long kernels."""
        from benchmarks import memory

        if not memory.supported():
            self.say("memory: this system does not keep the peak of a process (Linux does)")
            return []
        cases = []
        for shape in self.chosen:
            if shape.listed or shape.K > 64:
                found = {name: memory.measure(name, shape) for name in memory.CONTESTANTS}
                cases.append({"name": shape.name, "listed": shape.listed, **found})
                parts = [f"{k} {v['extra'] / 2**20:.2f} MiB" for k, v in found.items()]
                self.say(f"memory of {shape.name}: {', '.join(parts)}")
        return cases

    def measure_limit(self) -> None:
        """The limit, some times more: it may be all that was asked for."""
        for _ in range(9):
            self.limit.sample()


def numbers(text: str) -> list[int]:
    """The thread numbers of ``--threads``."""
    available = timing.processors()
    if not text:
        return [n for n in (1, 2) if n <= available]
    wished = [int(part) for part in text.split(",")]
    if not all(1 <= n <= available for n in wished):
        raise ValueError(f"threads go from 1 to the number of processors, {available}")
    return wished


def main() -> int:
    """Parse the options, measure, report."""
    options = parser().parse_args()
    if options.again:
        results = json.loads(options.again.read_text(encoding="utf-8"))
    else:
        missing = peers.missing()
        if missing:
            print(
                f"to measure beside others, {', '.join(missing)} must be installed:\n"
                "  pip install -e '.[bench]'",
                file=sys.stderr,
            )
            return 2
        try:
            sections = [s for s in SECTIONS if s in options.only.split(",")]
            unknown = set(options.only.split(",")) - set(SECTIONS)
            if unknown:
                raise ValueError(f"no section {', '.join(sorted(unknown))}")
            threads, chosen = numbers(options.threads), shapes.choose(options.shapes)
        except ValueError as error:
            parser().error(str(error))
        results = Run(threads, sections, chosen, options.seconds, max(1, options.tries)).done
    print(report.write(results, options.out))
    return 1 if results["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
