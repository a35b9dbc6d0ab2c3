"""What one small call costs, and what an import costs.

A small convolution is a few hundred nanoseconds of arithmetic. The rest is the way to it: the
module's call, the checks, the graph's node, the output's allocation. Here each station of that way
is called directly, so that the table shows how much each adds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import lucid
import lucid.nn.functional as F
from benchmarks.conv import Conv
from benchmarks.shapes import choose
from lucid._ext import kernels
from lucid.ops.conv import Conv1d as Node
from lucid.ops.conv import Geometry

__all__ = ["import_seconds", "small_call", "stations"]

SMALL = "seed-2"


def small_call() -> dict[str, Callable[[], Any]]:
    """The same small convolution in all three; lucid and PyTorch record for a backward."""
    return Conv(choose(SMALL)[0]).forward(threads=1, recording=True)


def stations() -> dict[str, Callable[[], Any]]:
    """lucid's way from the module to the kernel, each station called directly."""
    case = Conv(choose(SMALL)[0])
    shape, layer = case.shape, case.ours
    x = lucid.tensor(case.x)
    weight, bias = layer.weight, layer.bias
    p = shape.padding
    geometry = Geometry(shape.stride, shape.dilation, shape.groups, p, p, 0)
    T = shape.L_out
    out = np.empty((shape.N, shape.C_out, T), shape.dtype)
    arrays = (case.x, case.weight, case.bias)

    def unrecorded() -> Any:
        with lucid.no_grad():
            return layer(x)

    return {
        "module call, no_grad": unrecorded,
        "module call": lambda: layer(x),
        "functional.conv1d": lambda: F.conv1d(x, weight, bias, padding=p),
        "node, recorded": lambda: Node(geometry, T)(x, weight, bias),
        "node's forward, on arrays": lambda: Node(geometry, T).forward(*arrays),
        "kernel": lambda: kernels.conv1d_forward(*arrays, out, *geometry),
    }


def import_seconds(module: str, times: int) -> float:
    """Seconds that ``import module`` takes in a new process that has imported NumPy, median.

    Python keeps the bytecode of what it has imported once. The first process writes it, as pip does
    for a wheel, and does not count.
    """
    code = (
        "import time, numpy\n"
        "start = time.perf_counter()\n"
        f"import {module}\n"
        "print(time.perf_counter() - start)"
    )
    root = str(Path(lucid.__file__).parents[1])  # the new process is to import this very lucid
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    taken = []
    for _ in range(times + 1):
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append(float(result.stdout))
    return statistics.median(taken[1:])
