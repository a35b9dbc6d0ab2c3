"""The kernels once more, in NumPy: what to read first, and what runs where nothing was compiled.

Same names, same arguments, same results up to rounding; ``tests/test_kernels.py`` holds them
together. The loop over the kernel positions ``k`` is the definition of a convolution: at position
``k`` every output reads the input shifted by ``k * dilation``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

ZEROS, REFLECT, REPLICATE, CIRCULAR = range(4)

simd_level = "NumPy's"

_threads = 1  # remembered, but of no effect: NumPy's own threads are set by its BLAS


def get_threads() -> int:
    """The number last set."""
    return _threads


def set_threads(count: int) -> None:
    """Remember a number of threads."""
    global _threads
    _threads = count


def have_been_used() -> bool:
    """Whether threads were started that a forked child would miss: never."""
    return False


def has_openmp() -> bool:
    """Whether more than one thread has an effect."""
    return False


def conv1d_forward(
    x: Array,
    w: Array,
    bias: Array | None,
    y: Array,
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None:
    """y[n, o, t] = bias[o] + sum over c, k of w[o, c, k] * padded[n, c, t*stride + k*dilation]"""
    rows = gather(x, left, right, mode)
    total = np.zeros(y.shape)  # in double precision: long sums lose digits
    if bias is not None:
        total += bias[:, None]
    for k, window in taps(w.shape[2], y.shape[2], stride, dilation):
        for o, c in blocks(groups, w.shape[0], x.shape[1]):
            total[:, o] += w[o, :, k] @ rows[:, c, window]
    y[...] = total


def conv1d_input_grad(
    g: Array,
    w: Array,
    x_grad: Array,
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None:
    """padded[n, c, t*stride + k*dilation] += w[o, c, k] * g[n, o, t], then folded into x_grad"""
    N, C, L = x_grad.shape
    rows = np.zeros((N, C, left + L + right))
    for k, window in taps(w.shape[2], g.shape[2], stride, dilation):
        for o, c in blocks(groups, w.shape[0], x_grad.shape[1]):
            rows[:, c, window] += w[o, :, k].T @ g[:, o]
    x_grad[...] = 0
    scatter(rows.astype(x_grad.dtype), x_grad, left, mode)


def conv1d_weight_grad(
    g: Array,
    x: Array,
    w_grad: Array,
    stride: int,
    dilation: int,
    groups: int,
    left: int,
    right: int,
    mode: int,
) -> None:
    """w_grad[o, c, k] = sum over n, t of g[n, o, t] * padded[n, c, t*stride + k*dilation]"""
    rows = gather(x, left, right, mode)
    for k, window in taps(w_grad.shape[2], g.shape[2], stride, dilation):
        for o, c in blocks(groups, w_grad.shape[0], x.shape[1]):
            w_grad[o, :, k] = (g[:, o] @ rows[:, c, window].swapaxes(1, 2)).sum(axis=0)


def taps(K: int, T: int, stride: int, dilation: int) -> Iterator[tuple[int, slice]]:
    """For each kernel position k, the padded positions k*dilation + t*stride, t = 0 .. T-1."""
    for k in range(K):
        yield k, slice(k * dilation, k * dilation + (T - 1) * stride + 1, stride)


def blocks(groups: int, O: int, C: int) -> Iterator[tuple[slice, slice]]:
    """For each group, its output channels and its input channels."""
    for i in range(groups):
        yield (
            slice(i * O // groups, (i + 1) * O // groups),
            slice(i * C // groups, (i + 1) * C // groups),
        )


def pad_index(i: NDArray[np.intp], n: int, mode: int) -> NDArray[np.intp]:
    """Source of each padded position (negative: left of the input) in a row of n; -1 is zero.

    The picture of the four modes is in ``pad.pxd``, beside this function's compiled twin.
    """
    if mode == REFLECT:
        return np.where(i < 0, -i, np.where(i < n, i, 2 * (n - 1) - i))
    if mode == REPLICATE:
        return np.clip(i, 0, n - 1)
    if mode == CIRCULAR:
        return i % n
    return np.where((i >= 0) & (i < n), i, -1)


def gather(x: Array, left: int, right: int, mode: int) -> Array:
    """rows[n, c, i] = x[n, c, pad_index(i - left)], or 0"""
    source = pad_index(np.arange(-left, x.shape[2] + right), x.shape[2], mode)
    rows: Array = x[:, :, source]
    rows[:, :, source < 0] = 0
    return rows


def scatter(rows: Array, x_grad: Array, left: int, mode: int) -> None:
    """x_grad[n, c, pad_index(i - left)] += rows[n, c, i]: the adjoint of gather"""
    source = pad_index(np.arange(rows.shape[2]) - left, x_grad.shape[2], mode)
    inside = source >= 0
    # np.add.at adds up where a position is named twice; moved to the front, it is the only index
    np.add.at(np.moveaxis(x_grad, 2, 0), source[inside], np.moveaxis(rows[:, :, inside], 2, 0))
