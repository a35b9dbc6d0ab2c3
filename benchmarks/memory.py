"""Peak memory of one forward, beyond its input and output.

Linux remembers the most memory that a process has ever had resident (``VmHWM``), and forgets it on
request (``5`` written to ``clear_refs``). So, in a process of its own for each case:

1. import everything, make layer and input, and run two small convolutions, so that what is loaded
   or started only once is there;
2. reset the mark and read it: what is resident before;
3. run one forward of the case, the first of its shape, and read the mark again.

The rise, less the size of the output, is what the forward needed. Two things would falsify it.
Memory that was freed but not returned to the system could be used again unseen: the allocator is
told to return whatever is larger than 64 KiB. And huge pages would round everything up to 2 MiB:
they are switched off. Each process also tests its own instrument, on a block of known size.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.fft  # NumPy imports it when first used: that is not to fall into the forward

from benchmarks.shapes import Shape, choose

__all__ = ["CONTESTANTS", "measure", "supported"]

CONTESTANTS = ("lucid", "torch")
ROOT = Path(__file__).parents[1]
KNOWN = 8 * 2**20  # bytes of the block that tests the instrument
TESTED_TO = 2**19  # bytes: Linux counts pages per processor, and adds that up only now and then

SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**16),
    "MALLOC_TRIM_THRESHOLD_": str(2**16),
    "NUMPY_MADVISE_HUGEPAGE": "0",
}


def supported() -> bool:
    """Whether this system keeps the mark, and lets it be reset."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return peak() > 0
    except OSError:
        return False


def peak() -> int:
    """The most bytes resident since the mark was reset."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def rise(call: Callable[[], Any]) -> int:
    """By how many bytes the mark rises in one call, whose result is kept until it is read."""
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    result = call()
    after = peak()
    del result
    return after - before


def without_huge_pages() -> None:
    """Ask Linux for ordinary pages only."""
    PR_SET_THP_DISABLE = 41
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def layer_call(name: str, shape: Shape) -> Callable[[], Any]:
    """A forward of one contestant, under ``no_grad``; only that framework is imported."""
    lib = __import__(name)
    lib.set_num_threads(1)
    sizes = (shape.C_in, shape.C_out, shape.K)
    layer = lib.nn.Conv1d(*sizes, **shape.options, dtype=getattr(lib, shape.dtype))
    x = lib.ones(shape.N, shape.C_in, shape.L, dtype=getattr(lib, shape.dtype))

    def call() -> Any:
        with lib.no_grad():
            return layer(x)

    return call


def child(name: str, shape: Shape) -> dict[str, float]:
    """What the process of one case does."""
    without_huge_pages()
    for small in choose("seed-1,seed-2"):
        layer_call(name, small)()
    call = layer_call(name, shape)
    found = rise(lambda: np.ones(KNOWN // 8).sum())  # the block is gone when the mark is read
    if abs(found - KNOWN) > TESTED_TO:
        raise RuntimeError(f"a block of {KNOWN} bytes was measured as {found}: cannot measure")
    item = np.dtype(shape.dtype).itemsize
    output = shape.N * shape.C_out * shape.L_out * item
    return {
        "extra": max(0, rise(call) - output),
        "input": shape.N * shape.C_in * shape.L * item,
        "output": output,
    }


def measure(name: str, shape: Shape) -> dict[str, float]:
    """Bytes that one forward needs beyond input and output: ``extra``; and the sizes of those."""
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", name, shape.name],
        cwd=ROOT,
        env=os.environ | SETTINGS,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"memory of {shape.name}, {name}:\n{result.stderr}")
    found: dict[str, float] = json.loads(result.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], choose(sys.argv[2])[0])))
