"""Elementwise steps: by a compiled kernel, or in NumPy at the speed of the cache.

SGD and Adam have kernels, as they are what most models are trained with. For the others, a
formula of ten NumPy calls would go through memory ten times if its arrays are large. Done block by
block, all but the first of these passes find their numbers in the cache, and the temporaries are
a few small arrays that are used again and again. The numbers are the same, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lucid._ext import kernels, numpy_twins
from lucid.types import Array

#: Numbers in a block: long enough that calls do not count, short enough for the nearest caches.
BLOCK = 1 << 13


def run(step: str, arrays: list[Array | None], *options: Any) -> None:
    """Call the kernel of that name on arrays of one shape and dtype, in any number of axes."""
    for a in arrays:
        if a is not None and not a.flags.c_contiguous:
            getattr(numpy_twins, step)(*arrays, *options)  # there, the layout does not matter
            return
    # of arrays in order, ravel makes views, not copies
    getattr(kernels, step)(*[a if a is None else a.ravel() for a in arrays], *options)


def blocks(*arrays: Array, scratch: int = 0) -> Iterator[list[Array]]:
    """Yield the arrays block by block: views of one length, and behind them temporaries of it.

    All have one shape and dtype. What is written to the views is written to the arrays.
    """
    first = arrays[0]
    if not all(a.flags.c_contiguous for a in arrays):
        yield [*arrays, *[np.empty(first.shape, first.dtype) for _ in range(scratch)]]
        return
    flat, n = [a.reshape(-1) for a in arrays], first.size  # views, as they are contiguous
    extra = [np.empty(min(n, BLOCK), first.dtype) for _ in range(scratch)]
    if n <= BLOCK:
        yield flat + extra
        return
    for start in range(0, n, BLOCK):
        views = [a[start : start + BLOCK] for a in flat]
        yield views + [a[: views[0].size] for a in extra]


def penalized(p: Array, grad: Array, sign: float, decay: float, out: Array) -> Array:
    """sign * grad + decay * p, for a sign of 1 or -1; in ``out``, or the gradient itself

    A decay of 0 is left out, for 0 * inf is nan.
    """
    if decay != 0:
        np.multiply(p, decay, out=out)
        return np.add(out, grad, out=out) if sign > 0 else np.subtract(out, grad, out=out)
    return grad if sign > 0 else np.negative(grad, out=out)


def running_mean(mean: Array, new: Array, keep: float, out: Array) -> None:
    """mean = keep * mean + (1 - keep) * new, by way of ``out``"""
    np.subtract(new, mean, out=out)
    out *= 1 - keep
    mean += out


def running_square(mean: Array, new: Array, keep: float, out: Array) -> None:
    """mean = keep * mean + (1 - keep) * new**2, by way of ``out``"""
    np.multiply(new, new, out=out)
    out *= 1 - keep
    mean *= keep
    mean += out
