"""The kernels of layer norm, group norm and RMS norm once more, in NumPy: see ``norms.pyx``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def group_norm_forward(
    x: Array,
    w: Array,
    b: Array,
    mean: Array,
    var: Array,
    y: Array,
    eps: float,
    centered: bool,
) -> None:
    """y = (x - mean) / sqrt(var + eps) * w + b, for each group

    Without ``centered``, mean is 0, and var the mean of squares.
    """
    mean[:] = x.mean((1, 2), dtype=np.float64) if centered else 0
    away = x - mean[:, None, None]
    var[:] = (away**2).mean((1, 2))
    z = in_samples(away / np.sqrt(var + eps)[:, None, None], w)
    y[:] = (z * w[:, :, None] + b[:, :, None]).reshape(y.shape)


def group_norm_backward(
    g: Array,
    x: Array,
    w: Array,
    mean: Array,
    var: Array,
    gx: Array,
    gw: Array,
    gb: Array,
    eps: float,
    centered: bool,
) -> None:
    """With z = (x - mean) / sqrt(var + eps), h = g * w, and m(.) for the mean over a group::

    gx = (h - m(h) - z * m(h * z)) / sqrt(var + eps)    m(h) only if centered
    gw, gb = sums of g * z, g    over l, and the samples of each of B blocks
    """
    std = np.sqrt(var + eps)[:, None, None]
    z = in_samples((x - mean[:, None, None]) / std, w)
    g = in_samples(g.astype(np.float64), w)
    B, N = len(gw), len(z)
    for i in range(B):
        block = slice(i * N // B, (i + 1) * N // B)
        gw[i] += (g * z)[block].sum((0, 3))
        gb[i] += g[block].sum((0, 3))
    h = g * w[:, :, None]
    middle = h.mean((2, 3), keepdims=True) if centered else 0
    h = h - middle - z * (h * z).mean((2, 3), keepdims=True)
    gx[:] = h.reshape(gx.shape) / std


def in_samples(x: Array, w: Array) -> Array:
    """(N * G, P, L) as (N, G, P, L)."""
    return x.reshape(-1, *w.shape, x.shape[2])
