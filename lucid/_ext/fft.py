"""Long kernels by Fourier transforms: many fewer multiplications than there are products.

The transform of a correlation is a product,

    rfft(y) = rfft(p) * conj(rfft(w)),

where every row is as long as all of it. To keep memory small the signal is transformed in blocks
(overlap-save [1]_): a block of F positions gives F - K + 1 outputs, those whose taps all lie inside
it; the next block begins where they end. Everything is computed in double precision, so that the
result is as exact as that of the tiles.

A transform mixes all positions: one number that is not finite would spoil a whole block, where it
should reach only the windows that touch it. The caller has checked that all are finite; and as the
sum of a whole block can overflow where no window does, the result is checked, too. If it is not
finite, it is not used: the tiles compute it anew.

References
----------
.. [1] A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", section 8.7.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lucid._ext.choose import block_length
from lucid._ext.numpy_twins import Array, pad_index, quiet

__all__ = ["correlate", "correlate_weight"]


@quiet
def correlate(x: Array, w: Array, bias: Array | None, y: Array, first: int, mode: int) -> bool:
    """y[n, o, t] = bias[o] + sum over c, k of w[o, c, k] * padded x[n, c, first + t + k]

    Parameters
    ----------
    x : array
        (N, groups * C, L)
    w : array
        (groups, O, C, K)
    bias : array or None
        (groups * O,)
    y : array
        (N, groups * O, T), written to.
    first : int
        The position that output 0 reads at tap 0; negative in the left padding.
    mode : int
        Of the padding.

    Returns
    -------
    bool
        Whether all of the result is finite.
    """
    groups, O, C, K = w.shape
    F = block_length(K, y.shape[2])
    for group in range(groups):
        spectrum = np.conj(np.fft.rfft(w[group].astype(np.float64), F))
        inputs, outputs = slice(group * C, (group + 1) * C), slice(group * O, (group + 1) * O)
        for n in range(x.shape[0]):
            for t, count in blocks(y.shape[2], F - K + 1):
                rows = padded(x[n, inputs], first + t, count + K - 1, mode)
                product = (spectrum * np.fft.rfft(rows, F)).sum(axis=1)
                y[n, outputs, t : t + count] = np.fft.irfft(product, F)[:, :count]
    if bias is not None:
        y += bias[:, None]
    return bool(np.isfinite(y).all())


@quiet
def correlate_weight(g: Array, x: Array, w_grad: Array, first: int, mode: int) -> bool:
    """w_grad[o, c, k] = sum over n, t of g[n, o, t] * padded x[n, c, first + t + k]

    Again a correlation, of x with g; the blocks are summed up before they are transformed back.

    Parameters
    ----------
    g : array
        (N, groups * O, T)
    x : array
        (N, groups * C, L)
    w_grad : array
        (groups, O, C, K), written to.
    first : int
        As for ``correlate``.
    mode : int
        Of the padding.

    Returns
    -------
    bool
        Whether all of the result is finite.
    """
    groups, O, C, K = w_grad.shape
    F = block_length(K, g.shape[2])
    for group in range(groups):
        inputs, outputs = slice(group * C, (group + 1) * C), slice(group * O, (group + 1) * O)
        total = np.zeros((O, C, F // 2 + 1), np.complex128)
        for n in range(x.shape[0]):
            for t, count in blocks(g.shape[2], F - K + 1):
                rows = padded(x[n, inputs], first + t, count + K - 1, mode)
                part = g[n, outputs, t : t + count].astype(np.float64)
                total += np.conj(np.fft.rfft(part, F))[:, None] * np.fft.rfft(rows, F)
        w_grad[group] = np.fft.irfft(total, F)[:, :, :K]
    return bool(np.isfinite(w_grad).all())


def blocks(T: int, step: int) -> Iterator[tuple[int, int]]:
    """(start, length) of the pieces of a row of T."""
    return ((t, min(step, T - t)) for t in range(0, T, step))


def padded(x: Array, start: int, count: int, mode: int) -> Array:
    """Positions start .. start + count - 1 of the padded rows, in double precision."""
    L = x.shape[1]
    if start >= 0 and start + count <= L:
        return x[:, start : start + count].astype(np.float64)
    source = pad_index(np.arange(start, start + count), L, mode)
    rows = x[:, source].astype(np.float64)
    rows[:, source < 0] = 0
    return rows
