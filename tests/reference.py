"""The slow, obvious definitions that everything fast is compared with. float64, plain loops."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def pad_source(i: int, n: int, mode: str) -> int | None:
    """Which of the positions 0 .. n-1 a padded position reads; None reads zero."""
    if 0 <= i < n:
        return i
    if mode == "zeros":
        return None
    if mode == "replicate":
        return min(max(i, 0), n - 1)
    if mode == "circular":
        return i % n
    # reflect: walk to and fro between the edges
    while not 0 <= i < n:
        i = -i if i < 0 else 2 * (n - 1) - i
    return i


def pads(padding: int | str, K: int, dilation: int) -> tuple[int, int]:
    if padding == "valid":
        return 0, 0
    if padding == "same":
        total = dilation * (K - 1)
        return total // 2, total - total // 2
    return int(padding), int(padding)


def output_length(L: int, K: int, stride: int, left: int, right: int, dilation: int) -> int:
    return (L + left + right - dilation * (K - 1) - 1) // stride + 1


def products(
    x_shape, w_shape, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"
) -> Iterator[tuple]:
    """Every product of a convolution: (place in y, place in w, place in x or None)."""
    N, _, L = x_shape
    O, C_per_group, K = w_shape
    left, right = pads(padding, K, dilation)
    T = output_length(L, K, stride, left, right, dilation)
    for n in range(N):
        for o in range(O):
            group = o // (O // groups)
            for t in range(T):
                for c in range(C_per_group):
                    for k in range(K):
                        source = pad_source(t * stride + k * dilation - left, L, padding_mode)
                        place = None if source is None else (n, group * C_per_group + c, source)
                        yield (n, o, t), (o, c, k), place


def conv1d(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    """The output, summed up product by product."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    left, right = pads(padding, w.shape[2], dilation)
    T = output_length(x.shape[2], w.shape[2], stride, left, right, dilation)
    y = np.zeros((x.shape[0], w.shape[0], T))
    if bias is not None:
        y += np.asarray(bias, np.float64)[None, :, None]
    with np.errstate(invalid="ignore"):
        for out, tap, place in products(
            x.shape, w.shape, stride, padding, dilation, groups, padding_mode
        ):
            y[out] += w[tap] * (0.0 if place is None else x[place])
    return y


def close(found, exact, magnitude, tolerance) -> bool:
    """Whether two results agree to ``tolerance``, scaled by the largest number of the exact one.

    A result may be small because large products cancelled, and then no order of additions gets it
    to that accuracy. ``magnitude`` is the same sum over absolute values; what is smaller than a
    tenth of it counts as cancelled, and is compared with that tenth.
    """
    if exact.size == 0:
        return found.shape == exact.shape
    scale = max(np.abs(exact).max(), 0.1 * magnitude.max(), 1e-30)
    return found.shape == exact.shape and np.abs(found - exact).max() <= tolerance * scale


def conv1d_grads(x, w, g, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    """The gradients of sum(g * y) for x, w and the bias."""
    x, w, g = (np.asarray(a, np.float64) for a in (x, w, g))
    gx, gw = np.zeros(x.shape), np.zeros(w.shape)
    with np.errstate(invalid="ignore"):
        for out, tap, place in products(
            x.shape, w.shape, stride, padding, dilation, groups, padding_mode
        ):
            gw[tap] += g[out] * (0.0 if place is None else x[place])
            if place is not None:
                gx[place] += g[out] * w[tap]
    return gx, gw, g.sum((0, 2))
