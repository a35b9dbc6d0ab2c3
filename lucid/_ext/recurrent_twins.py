"""The kernels of recurrent layers once more, in NumPy.

Sequences lie step by step in memory, the longest first: see ``recurrent.pyx``. With ``u`` for what
comes from the state before, ``u = before @ w_hh``, and ``v`` for what comes from the input,
``v = x @ w_ih``, and the biases in one of the two:

    LSTM   i, f, o = sigmoid of their parts of v + u,  g = tanh of its part
           c = f * c + i * g,  y = o * tanh(c)
    GRU    r, z = sigmoid of their parts of v + u,  n = tanh(v_n + r * u_n)
           y = (1 - z) * n + z * before
    TANH   y = tanh(v + u)        RELU   y = max(v + u, 0)

``gates`` keeps i, f, g, o; r, z, n, u_n; or y, and ``b`` has a part for each of these. Weights have
some columns more than are read here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Kept = Array | None  # of an LSTM only

LSTM, GRU, TANH, RELU = range(4)


def blocks_of_steps(sizes: NDArray[np.int64], reverse: bool) -> Iterator[tuple[int, slice]]:
    """How many sequences each step has, and its rows; the last step first if ``reverse``."""
    ends = np.cumsum(sizes).tolist()
    steps = [(n, slice(end - n, end)) for n, end in zip(sizes.tolist(), ends, strict=True)]
    return reversed(steps) if reverse else iter(steps)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)"""
    out: Array = 1 / (1 + np.exp(-x))
    return out


def recurrent_forward(
    kind: int,
    sizes: NDArray[np.int64],
    x: Array,
    w_ih: Array,
    w_hh: Array,
    b: Array,
    h: Array,
    c: Kept,
    gates: Array,
    before: Array,
    c_before: Kept,
    tanh_c: Kept,
    y: Array,
    reverse: bool,
) -> None:
    """The formulas above, step by step; the weights are transposed."""
    H = h.shape[1]
    G = 3 * H if kind == GRU else len(b)
    with np.errstate(all="ignore"):
        for n, rows in blocks_of_steps(sizes, reverse):
            before[rows] = h[:n]
            v, u = x[rows] @ w_ih[:, :G] + b[:G], before[rows] @ w_hh[:, :G]
            if kind == LSTM:
                assert c is not None  # an LSTM has all three
                assert c_before is not None
                assert tanh_c is not None
                c_before[rows] = c[:n]
                gates[rows] = sigmoid(v + u)
                gates[rows, 2 * H : 3 * H] = np.tanh((v + u)[:, 2 * H : 3 * H])
                i, f, g, o = np.split(gates[rows], 4, axis=1)
                c[:n] = f * c[:n] + i * g
                tanh_c[rows] = np.tanh(c[:n])
                y[rows] = o * tanh_c[rows]
            elif kind == GRU:
                gates[rows, : 2 * H] = sigmoid((v + u)[:, : 2 * H])
                r, z, new, u_n = np.split(gates[rows], 4, axis=1)  # views
                u_n[:] = u[:, 2 * H :] + b[G:]
                new[:] = np.tanh(v[:, 2 * H :] + r * u_n)
                y[rows] = (1 - z) * new + z * before[rows]
            elif kind == TANH:
                y[rows] = gates[rows] = np.tanh(v + u)
            else:
                y[rows] = gates[rows] = np.maximum(v + u, 0)
            h[:n] = y[rows]


def recurrent_backward(
    kind: int,
    sizes: NDArray[np.int64],
    w_ih: Array,
    w_hh: Array,
    gates: Array,
    before: Array,
    c_before: Kept,
    tanh_c: Kept,
    gy: Array,
    gh: Array,
    gc: Kept,
    gx: Kept,
    gv: Array,
    gu: Array,
    reverse: bool,
) -> None:
    """The gradients of x, v, u and the first state, from those of y and the last."""
    H = gh.shape[1]
    with np.errstate(all="ignore"):
        for n, rows in blocks_of_steps(sizes, not reverse):
            gh[:n] += gy[rows]
            g_state = gh[:n]
            if kind == LSTM:
                assert gc is not None  # an LSTM has all three
                assert c_before is not None
                assert tanh_c is not None
                i, f, g, o = np.split(gates[rows], 4, axis=1)
                g_cell = gc[:n] + g_state * o * (1 - tanh_c[rows] ** 2)
                parts = [
                    g_cell * g * i * (1 - i),
                    g_cell * c_before[rows] * f * (1 - f),
                    g_cell * i * (1 - g**2),
                    g_state * tanh_c[rows] * o * (1 - o),
                ]
                gc[:n] = g_cell * f
                gv[rows] = gu[rows] = np.concatenate(parts, axis=1)
                gh[:n] = 0
            elif kind == GRU:
                r, z, new, u_n = np.split(gates[rows], 4, axis=1)
                g_new = g_state * (1 - z) * (1 - new**2)
                g_z = g_state * (before[rows] - new) * z * (1 - z)
                gv[rows] = np.concatenate([g_new * u_n * r * (1 - r), g_z, g_new], axis=1)
                gu[rows] = gv[rows]
                gu[rows, 2 * H :] *= r
                gh[:n] = g_state * z
            else:
                slope = 1 - gates[rows] ** 2 if kind == TANH else gates[rows] > 0
                gv[rows] = gu[rows] = g_state * slope
                gh[:n] = 0
            gh[:n] += gu[rows] @ w_hh[:, :H]
            if gx is not None:
                gx[rows] = gv[rows] @ w_ih[:, : gx.shape[1]]


def rows_products(a: Array, b: Array, out: Array, sums: Kept) -> None:
    """out = a.T @ b, sums = b.sum(0)"""
    with np.errstate(all="ignore"):
        out[:] = a.T @ b
        if sums is not None:
            sums[:] = b.sum(0, dtype=np.float64)
