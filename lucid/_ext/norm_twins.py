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
    per_std: Array,
    y: Array,
    eps: float,
    centered: bool,
) -> None:
    """y = (x - mean) * per_std * w + b, for each group, with per_std = 1 / sqrt(var + eps)

    Without ``centered``, mean is 0, and var the mean of squares.
    """
    wide = x.astype(np.float64)
    mean[:] = wide.mean((1, 2)) if centered else 0
    away = wide - mean[:, None, None]
    per_std[:] = 1 / np.sqrt((away**2).mean((1, 2)) + eps)
    z = in_samples(away * per_std[:, None, None], w)
    y[:] = (z * w[:, :, None] + b[:, :, None]).reshape(y.shape)


def group_norm_backward(
    g: Array,
    x: Array,
    w: Array,
    mean: Array,
    per_std: Array,
    gx: Array,
    gw: Array,
    gb: Array,
    centered: bool,
) -> None:
    """With z = (x - mean) * per_std, h = g * w, and m(.) for the mean over a group::

    gx = (h - m(h) - z * m(h * z)) * per_std      m(h) only if centered
    gw, gb = sums of g * z, g                     over l, and the samples of each of B blocks
    """
    z = in_samples((x - mean[:, None, None]) * per_std[:, None, None], w)
    wide = in_samples(g.astype(np.float64), w)
    B, N = len(gw), len(z)
    for i in range(B):
        block = slice(i * N // B, (i + 1) * N // B)
        gw[i] += (wide * z)[block].sum((0, 3))
        gb[i] += wide[block].sum((0, 3))
    h = wide * w[:, :, None]
    h = h - z * (h * z).mean((2, 3), keepdims=True) - (h.mean((2, 3), keepdims=True) * centered)
    gx[:] = h.reshape(gx.shape) * per_std[:, None, None]


def in_samples(x: Array, w: Array) -> Array:
    """(N * G, P, L) as (N, G, P, L)."""
    return x.reshape(-1, *w.shape, x.shape[2])
