"""What the measurements ran on, and the limit that the processor sets."""

from __future__ import annotations

import datetime
import importlib.metadata
import importlib.util
import platform
import statistics
from pathlib import Path
from typing import Any

import lucid
from benchmarks.peers import PEERS
from benchmarks.timing import processors
from lucid import _ext
from lucid._ext import kernels

__all__ = ["Limit", "describe"]


def processor_name() -> str:
    """The model of the processor, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:  # no Linux
        pass
    return platform.processor() or platform.machine()


def describe() -> dict[str, Any]:
    """Date, machine and versions: what every table of times must be read with."""
    versions = {
        "lucid": lucid.__version__,
        "Python": platform.python_version(),
        "NumPy": importlib.metadata.version("numpy"),
    }
    for module, name in PEERS.items():
        if importlib.util.find_spec(module):
            versions[name] = importlib.metadata.version(module)
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor_name(),
        "cores": processors(),
        "system": f"{platform.system()} {platform.machine()}",
        "kernels": "compiled" if _ext.COMPILED else "NumPy twins",
        "simd": kernels.simd_level,
        "versions": versions,
    }


class Limit:
    """How many GFLOP/s one thread reaches if it does nothing but multiply and add.

    The loop keeps all its numbers in registers, at the SIMD level that lucid's kernels use. A
    convolution by the definition cannot be faster. The clock rate changes during a long run, so
    the limit is measured again and again between the cases, and the median counts.
    """

    def __init__(self) -> None:
        self.samples: list[float] = []

    def sample(self) -> None:
        """Measure once more, if these kernels can: it takes about 20 ms."""
        fma_limit = getattr(kernels, "fma_limit", None)
        if fma_limit is not None:
            self.samples.append(fma_limit())

    def gflops(self) -> float | None:
        """The median so far; None if nothing was measured."""
        return statistics.median(self.samples) if self.samples else None
