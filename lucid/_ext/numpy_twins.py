"""The kernels once more, in NumPy: what to read first, and what runs where nothing was compiled.

Same names, same arguments, same results up to rounding; ``tests/test_kernels.py`` holds them
together. The loop over the kernel positions ``k`` is the definition of a convolution: at position
``k`` every output reads the input shifted by ``k * dilation``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lucid._ext.activation_twins import (
    activation_backward,
    activation_forward,
    leaky_relu,
    logit_loss_backward,
    logit_loss_forward,
    relu_backward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from lucid._ext.norm_twins import group_norm_backward, group_norm_forward
from lucid._ext.recurrent_twins import recurrent_backward, recurrent_forward, rows_products

__all__ = [
    "activation_backward",
    "activation_forward",
    "group_norm_backward",
    "group_norm_forward",
    "leaky_relu",
    "logit_loss_backward",
    "logit_loss_forward",
    "recurrent_backward",
    "recurrent_forward",
    "relu_backward",
    "rows_products",
    "sigmoid_backward",
    "sigmoid_forward",
    "tanh_backward",
    "tanh_forward",
]  # beside what is defined here

Array = NDArray[np.floating]
AnyArray = NDArray[Any]

quiet = np.errstate(all="ignore")  # IEEE: 0 * inf is nan, without a word

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


def keep_freed_memory(most: int, largest: int) -> bool:
    """Whether the C library was asked to keep freed memory: never."""
    return False


def has_openmp() -> bool:
    """Whether more than one thread has an effect."""
    return False


@quiet
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


@quiet
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


@quiet
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


@quiet
def scatter(rows: Array, x_grad: Array, left: int, mode: int) -> None:
    """x_grad[n, c, pad_index(i - left)] += rows[n, c, i]: the adjoint of gather"""
    source = pad_index(np.arange(rows.shape[2]) - left, x_grad.shape[2], mode)
    inside = source >= 0
    places, which = np.unique(source[inside], return_inverse=True)
    # np.add.at adds up where a position is named twice; in double precision, for that may be often
    total = np.zeros((len(places), *rows.shape[:2]))
    np.add.at(total, which, np.moveaxis(rows[:, :, inside], 2, 0))
    x_grad[:, :, places] += np.moveaxis(total, 0, 2)


# --------------------------------------------------------------------- the layers between (layers)


def batch_norm_forward(
    x: Array,
    w: Array,
    b: Array,
    mean: Array,
    var: Array,
    y: Array,
    eps: float,
    training: bool,
) -> None:
    """y[n, c, l] = (x[n, c, l] - mean[c]) / sqrt(var[c] + eps) * w[c] + b[c]"""
    if training:
        n = x.shape[0] * x.shape[2]
        mean[:] = x.sum((0, 2), dtype=np.float64) / n
        var[:] = ((x - mean[:, None]) ** 2).sum((0, 2)) / n
    scale = w / np.sqrt(var + eps)
    y[:] = (x - mean[:, None]) * scale[:, None] + b[:, None]


def batch_norm_backward(
    g: Array,
    x: Array,
    w: Array,
    mean: Array,
    var: Array,
    gx: Array,
    gw: Array,
    gb: Array,
    eps: float,
    training: bool,
) -> None:
    """With z = (x - mean) / sqrt(var + eps), the normalized input::

    gb = sum of g,  gw = sum of g * z
    gx = w / sqrt(var + eps) * (g - mean of g - z * mean of g * z)    in training
    gx = w / sqrt(var + eps) * g                                      else
    """
    per_std = (1 / np.sqrt(var + eps))[:, None]
    z = (x - mean[:, None]) * per_std
    sum_g, sum_gz = g.sum((0, 2), dtype=np.float64), (g * z).sum((0, 2))
    gb[:], gw[:] = sum_g, sum_gz
    if training:
        n = x.shape[0] * x.shape[2]
        g = g - sum_g[:, None] / n - z * sum_gz[:, None] / n
    gx[:] = w[:, None] * per_std * g


def add(a: Array, b: Array, out: Array) -> None:
    """out = a + b"""
    np.add(a, b, out=out)


def mul(a: Array, b: Array, out: Array) -> None:
    """out = a * b"""
    np.multiply(a, b, out=out)


def checksum(array: AnyArray) -> int:
    """A number that changes with any byte of an array, contiguous in C's order."""
    return zlib.crc32(array.data)


def channel_sum(x: Array, out: Array) -> None:
    """out[c] = sum over n, l of x[n, c, l]"""
    out[:] = x.sum((0, 2), dtype=np.float64)


def max_pool_forward(
    x: Array,
    y: Array,
    places: NDArray[np.int64],
    K: int,
    stride: int,
    padding: int,
    dilation: int,
) -> None:
    """y[n, c, t] = max over k of x[n, c, t*stride - padding + k*dilation], the first of equals

    A nan counts as the largest. All windows are gone through at once, position by position.
    """
    L = x.shape[2]
    y[:], places[:] = 0, -1
    for k in range(min(K, (L - 1 + padding) // dilation + 1)):  # none reads inside after that
        at = np.arange(y.shape[2]) * stride - padding + k * dilation
        inside = (at >= 0) & (at < L)
        value = x[:, :, np.clip(at, 0, L - 1)]
        larger = (value > y) | ((value != value) & (y == y)) | (places < 0)
        better = larger & inside
        y[:], places[:] = np.where(better, value, y), np.where(better, at, places)


def max_pool_backward(g: Array, places: NDArray[np.int64], gx: Array) -> None:
    """gx[n, c, places[n, c, t]] += g[n, c, t]"""
    n, c = np.ogrid[: g.shape[0], : g.shape[1]]
    np.add.at(gx, (n[:, :, None], c[:, :, None], places), g)


# -------------------------------------------------------------------- the optimizers' steps (optim)


def adam_step(
    p: Array,
    grad: Array,
    m: Array,
    v: Array,
    largest: Array | None,
    sign: float,
    decay: float,
    shrink: float,
    beta1: float,
    beta2: float,
    rate: float,
    root: float,
    eps: float,
) -> None:
    """p = shrink * p - rate * m / (sqrt(v) / root + eps), with g = sign * grad + decay * p and::

    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    """
    g = penalized(p, grad, sign, decay)
    p *= shrink
    m += (1 - beta1) * (g - m)  # = beta1 * m + (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g * g
    if largest is not None:
        v = np.maximum(largest, v, out=largest)
    p -= rate * (m / (np.sqrt(v) / root + eps))


def sgd_step(
    p: Array,
    grad: Array,
    buffer: Array | None,
    sign: float,
    decay: float,
    momentum: float,
    new: float,
    rate: float,
    nesterov: bool,
) -> None:
    """p = p - rate * buffer, with g = sign * grad + decay * p and::

        buffer = momentum * buffer + new * g

    Without a buffer the step goes along g; with Nesterov's momentum, along g + momentum * buffer.
    """
    g = penalized(p, grad, sign, decay)
    if buffer is not None:
        buffer *= momentum
        buffer += new * g
        g = g + momentum * buffer if nesterov else buffer
    p -= rate * g


def penalized(p: Array, grad: Array, sign: float, decay: float) -> Array:
    """sign * grad + decay * p; 0 * inf is nan, so a decay of 0 is left out"""
    g = sign * grad
    return g + decay * p if decay != 0 else g
