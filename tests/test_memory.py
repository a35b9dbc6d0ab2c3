"""How much memory a convolution takes beside its input and its output."""

from __future__ import annotations

import sys
import time

import pytest

import lucid
import lucid.nn.functional as F
from lucid import _ext

from running import python

MIB = 1 << 20

# Malloc is asked for fresh memory each time: what an earlier computation has left would hide what
# this one takes. VmHWM is the most that was ever in memory, VmRSS what is there now; both in KiB.
MEASURE = """
import numpy as np
from lucid import _ext

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def extra(run):
    "How far memory grew, at most, while this ran."
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")                 # the most begins again with what there is now
    before = status("VmRSS")
    run()
    return status("VmHWM") - before

def convolve(N, C, L, O, K, padding, dtype="float32"):
    x, w = np.ones((N, C, L), dtype), np.ones((O, C, K), dtype)
    y, gx, gw = np.ones((N, O, L + 2 * padding - K + 1), dtype), np.ones_like(x), np.ones_like(w)
    rest = 1, 1, 1, padding, padding, 0
    return (lambda: _ext.kernels.conv1d_forward(x, w, None, y, *rest),
            lambda: _ext.kernels.conv1d_input_grad(y, w, gx, *rest),
            lambda: _ext.kernels.conv1d_weight_grad(y, x, gw, *rest))

for run in convolve(2, 16, 3000, 16, 9, 4):     # the threads' own stacks, code that is read once
    run()
"""


def measured(code: str, threads: int) -> list[int]:
    """What the code prints."""
    done = python(
        "-c", MEASURE + code, OMP_NUM_THREADS=str(threads), MALLOC_MMAP_THRESHOLD_="65536",
        MALLOC_TRIM_THRESHOLD_="65536",
    )  # fmt: skip
    if "clear_refs" in done.stderr:
        pytest.skip("this system does not let a process measure itself")
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
@pytest.mark.skipif(not _ext.COMPILED, reason="the twins make NumPy's temporaries")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ("64, 32, 512, 32, 39, 19", 0),  # the longest kernel of InceptionTime
        ("1, 1, 160_000, 1, 1025, 512", 0),  # a FIR filter on ten seconds of sound
        ("1, 2, 20_000, 2, 5000, 2500", 2),  # the Fourier transforms of four kernels
        ("1, 512, 3000, 512, 3, 1", 3),  # the input gradient's taps, in its order
        ("16, 256, 140, 128, 3, 1, 'float64'", 0),
        ("1, 256, 600, 512, 5, 2, 'float64'", 10),  # and as large an input gradient's taps
    ],
)
def test_a_convolution_takes_little_beside_its_arrays(shape, more, threads):
    found = measured(f"print(*map(extra, convolve({shape})))", threads)
    assert len(found) == 3
    for face, grown in zip(("forward", "input", "weight"), found, strict=True):
        assert grown <= (2 * threads + 1 + more) * MIB, f"{face}: {grown / MIB:.1f} MiB"


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_the_measure_sees_memory_that_is_freed_again():
    (grown,) = measured("print(extra(lambda: np.ones(8 << 20, np.uint8)))", 1)
    assert 7 * MIB < grown < 10 * MIB


@pytest.mark.parametrize(
    "options",
    [
        {"padding": 2**63 - 5}, {"padding": 2**31 - 1}, {"padding": 2**30}, {"dilation": 2**31 - 1},
        {"dilation": 2**31}, {"dilation": 2**62}, {"stride": 2**31}, {"stride": 2**63},
        {"groups": 2**31 - 1}, {"groups": 2**64},
    ],
    ids=str,
)  # fmt: skip
def test_huge_sizes_are_refused_before_anything_is_allocated(options):
    # contract 13
    x, w = lucid.zeros(1, 1, 4), lucid.zeros(1, 1, 3)
    start = time.perf_counter()
    with pytest.raises((ValueError, MemoryError)):
        F.conv1d(x, w, **options)
    assert time.perf_counter() - start < 1  # it takes microseconds, what it must not do, minutes


@pytest.mark.skipif(not _ext.COMPILED, reason="the twins pad the input")
@pytest.mark.parametrize(("N", "C", "O"), [(1, 1, 1), (256, 8, 16)])
def test_huge_sizes_that_are_allowed_cost_nothing(N, C, O):
    # contract 13: the middle tap reads the input, the other two lie a thousand million away
    x = lucid.tensor([[[1.0, 2.0, 4.0, 8.0]] * C] * N, requires_grad=True)
    w = lucid.tensor([[[3.0, 5.0, 7.0]] * C] * O, requires_grad=True)
    start = time.perf_counter()
    y = F.conv1d(x, w, padding=2**30 - 3, dilation=2**30 - 2)
    y.sum().backward()
    assert y.tolist() == [[[10 * C, 20 * C]] * O] * N
    assert x.grad.tolist() == [[[0, 5 * O, 5 * O, 0]] * C] * N
    assert w.grad.tolist() == [[[0, 6 * N, 0]] * C] * O
    assert time.perf_counter() - start < 1  # as above


@pytest.mark.skipif(not _ext.COMPILED, reason="the twins pad the input")
def test_a_huge_stride_that_is_allowed_costs_nothing():
    # contract 13: the second of three outputs reads the input, the others nothing but padding
    x = lucid.tensor([[[1.0, 2.0, 4.0, 8.0]]], requires_grad=True)
    w = lucid.tensor([[[3.0, 5.0, 7.0]]], requires_grad=True)
    y = F.conv1d(x, w, padding=2**30 - 3, stride=2**30 - 3)
    y.sum().backward()
    assert y.tolist() == [[[0, 3 + 10 + 28, 0]]]
    assert x.grad.tolist() == [[[3, 5, 7, 0]]]
    assert w.grad.tolist() == [[[1, 2, 4]]]
