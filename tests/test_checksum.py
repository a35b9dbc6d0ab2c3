"""The checksum that tells whether somebody has written to an array behind lucid's back."""

from __future__ import annotations

import numpy as np
import pytest

from lucid import _ext
from lucid._ext import numpy_twins

KERNELS = [numpy_twins, _ext.kernels] if _ext.COMPILED else [numpy_twins]
everywhere = pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])


@everywhere
@pytest.mark.parametrize("n", [1, 7, 8, 31, 32, 33, 63, 64, 65, 200])
def test_any_changed_bit_changes_it(kernels, n):
    array = np.random.default_rng(n).integers(0, 256, n, dtype=np.uint8)
    before = kernels.checksum(array)
    for byte in range(n):
        for bit in range(8):
            array[byte] ^= 1 << bit
            assert kernels.checksum(array) != before
            array[byte] ^= 1 << bit
    assert kernels.checksum(array) == before


CHANGES = {
    "negated": lambda x: -x,
    "two signs": lambda x: np.concatenate([-x[:1], x[1:4], -x[4:5], x[5:]]),
    "two signs, one after the other": lambda x: np.concatenate([-x[:2], x[2:]]),
    "reversed": lambda x: x[::-1],
    "rolled": lambda x: np.roll(x, 1),
    "rolled by a turn of the sums": lambda x: np.roll(x, 4),
    "exchanged": lambda x: np.concatenate([x[4:8], x[:4], x[8:]]),
    "sorted": np.sort,
    "doubled": lambda x: 2 * x,
    "next to it": lambda x: np.nextafter(x, np.inf),
    "shorter": lambda x: x[:-1],
    "longer": lambda x: np.append(x, 0),
    "zeros": np.zeros_like,
}


@everywhere
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_people_do_to_arrays_changes_it(kernels, dtype, change):
    for n in (12, 64, 1000):
        array = np.random.default_rng(n).standard_normal(n).astype(dtype)
        changed = np.ascontiguousarray(change(array), dtype)
        assert kernels.checksum(array) != kernels.checksum(changed)


@everywhere
def test_lengths_of_zeros_differ(kernels):
    assert len({kernels.checksum(np.zeros(n, np.int64)) for n in range(100)}) == 100


@everywhere
def test_every_shape_and_dtype_may_be_read_only(kernels):
    for array in (np.float32(3), np.zeros((0, 3)), np.ones((2, 3, 4), bool), np.arange(5)):
        array = np.array(array)
        array.flags.writeable = False
        assert kernels.checksum(array) == kernels.checksum(array.copy())
