"""The definition of conv1d once more, fast enough for long rows: float64, NumPy's own windows.

``test_paths.py`` holds it to the plain loops of ``reference.py``. Nothing here is lucid's.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from reference import output_length, pads

NUMPYS_NAME = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(rows, padding, K, dilation, padding_mode, **constant):
    """Along the last axis, by ``numpy.pad``."""
    width = [(0, 0)] * (rows.ndim - 1) + [pads(padding, K, dilation)]
    return np.pad(rows, width, mode=NUMPYS_NAME[padding_mode], **constant)


def windows(rows, T, K, stride, dilation):
    """view[..., t, k] = rows[..., t*stride + k*dilation], without a copy."""
    view = sliding_window_view(rows, dilation * (K - 1) + 1, axis=-1)
    return view[..., : (T - 1) * stride + 1 : stride, ::dilation]


def conv1d_and_grads(
    x, w, b, g, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros", blas=True
):
    """(y, gx, gw) with gx, gw the gradients of sum(g * y).

    Without ``blas`` every product is formed, as IEEE wants it; with it numbers must be finite.
    """
    x, w, g = (np.asarray(a, np.float64) for a in (x, w, g))
    (N, C, L), (O, _, K), T = x.shape, w.shape, g.shape[2]
    assert output_length(L, K, stride, *pads(padding, K, dilation), dilation) == T
    by_group = w.reshape(groups, O // groups, C // groups, K)
    g_group = g.reshape(N, groups, O // groups, T)
    padded = pad(x, padding, K, dilation, padding_mode)
    seen = windows(padded, T, K, stride, dilation).reshape(N, groups, C // groups, T, K)
    with np.errstate(invalid="ignore"):
        y = np.einsum("gock,ngctk->ngot", by_group, seen, optimize=blas).reshape(N, O, T)
        if b is not None:
            y = y + np.asarray(b, np.float64)[:, None]
        gw = np.einsum("ngot,ngctk->gock", g_group, seen, optimize=blas).reshape(w.shape)

        # Where a number was copied to is found by padding the numbers' places themselves.
        constant = {"constant_values": -1} if padding_mode == "zeros" else {}
        source = pad(np.arange(L), padding, K, dilation, padding_mode, **constant)
        places = windows(source, T, K, stride, dilation).reshape(-1)
        parts = np.einsum("gock,ngot->tkngc", by_group, g_group, optimize=blas)
        gx = np.zeros((L + 1, N * C))  # the last row takes what falls on zeros
        np.add.at(gx, places, parts.reshape(T * K, N * C))
    return y, gx[:L].T.reshape(x.shape).copy(), gw
