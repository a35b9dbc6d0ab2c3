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

from lucid._ext.numpy_twins import Array, gather, scatter, taps

__all__ = ["read_by_outputs", "row_of_samples", "scatter_to_input"]


def read_by_outputs(
    x: Array, K: int, T: int, stride: int, dilation: int, left: int, right: int, mode: int
) -> Array:
    """x2, as above: (1, C * K, T * N)"""
    N, C, _ = x.shape
    rows = gather(x, left, right, mode)
    out = np.empty((C, K, T, N), x.dtype)
    for k, window in taps(K, T, stride, dilation):
        out[:, k] = rows[:, :, window].transpose(1, 2, 0)
    return out.reshape(1, C * K, T * N)


def row_of_samples(y: Array) -> Array:
    """y2[o, (t, n)] = y[n, o, t]: (1, O, T * N)"""
    N, O, T = y.shape
    return np.ascontiguousarray(y.transpose(1, 2, 0)).reshape(1, O, T * N)


def scatter_to_input(
    x2: Array,
    x_grad: Array,
    K: int,
    T: int,
    stride: int,
    dilation: int,
    left: int,
    right: int,
    mode: int,
) -> None:
    """x_grad = the adjoint of ``read_by_outputs`` for x2: what was copied is added up"""
    N, C, L = x_grad.shape
    parts = x2.reshape(C, K, T, N)
    rows = np.zeros((N, C, left + L + right), x_grad.dtype)
    for k, window in taps(K, T, stride, dilation):
        rows[:, :, window] += parts[:, k].transpose(2, 0, 1)
    x_grad[...] = 0
    scatter(rows, x_grad, left, mode)
