"""Rows of few outputs: samples take the place of positions.

A tile puts the outputs of a row side by side in a register. With one to four of them most of it
would stay empty. But there are often many samples, and to lay *them* side by side is a convolution
again, with one tap, of one long row::

    x2[(c, k), (t, n)] = padded x[n, c, t*stride + k*dilation]
    y2[o, (t, n)]      = bias[o] + sum over (c, k) of w[o, (c, k)] * x2[(c, k), (t, n)]

The gradients follow in the same way. What an output reads is copied, but with few outputs that is
hardly more than the input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lucid._ext.numpy_twins import Array, pad_index, quiet

__all__ = ["read_by_outputs", "row_of_samples", "scatter_to_input"]


def read_by_outputs(
    x: Array, K: int, T: int, stride: int, dilation: int, left: int, mode: int
) -> Array:
    """x2, as above: (1, C * K, T * N)"""
    N, C, L = x.shape
    # Only these: the padded row may be huge.
    source = pad_index(places(K, T, stride, dilation, left), L, mode).reshape(-1)
    out = np.ascontiguousarray(x[:, :, source].transpose(1, 2, 0))
    out[:, source < 0] = 0
    return out.reshape(1, C * K, T * N)


def places(K: int, T: int, stride: int, dilation: int, left: int) -> NDArray[np.intp]:
    """places[k, t] = the position of the input that output t reads at tap k"""
    return np.arange(K)[:, None] * dilation + np.arange(T) * stride - left


def row_of_samples(y: Array) -> Array:
    """y2[o, (t, n)] = y[n, o, t]: (1, O, T * N)"""
    N, O, T = y.shape
    return np.ascontiguousarray(y.transpose(1, 2, 0)).reshape(1, O, T * N)


@quiet
def scatter_to_input(
    x2: Array,
    x_grad: Array,
    K: int,
    T: int,
    stride: int,
    dilation: int,
    left: int,
    mode: int,
) -> None:
    """x_grad = the adjoint of ``read_by_outputs`` for x2: what was copied is added up"""
    N, C, L = x_grad.shape
    parts = x2.reshape(C, K, T, N)
    x_grad[...] = 0
    for t, place in enumerate(places(K, T, stride, dilation, left).T):
        part = parts[:, :, t].transpose(2, 0, 1)  # (N, C, K)
        source = pad_index(place, L, mode)
        inside = (place >= 0) & (place < L)
        x_grad[:, :, source[inside]] += part[:, :, inside]
        copied = (source >= 0) & ~inside  # here a position may be named twice
        if copied.any():
            to, added = np.moveaxis(x_grad, 2, 0), np.moveaxis(part[:, :, copied], 2, 0)
            np.add.at(to, source[copied], added)
