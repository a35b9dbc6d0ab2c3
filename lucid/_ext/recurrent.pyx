"""Recurrent layers: the loop over time steps, forward and backward.

Sequences of different lengths lie step by step in memory: first position 0 of all, then position 1
of those that have one, and so on; the longest come first. So a step is a block of neighbouring
rows, and ``sizes`` says how many each step has.

What comes from the input is a matrix product of all steps at once, done before, and so are the
gradients of the weights, done after. Left for the loop is what must wait for the step before: the
product with the last state (``multiply`` in ``tile.h``), and the gates (``gates.h``).

A thread takes some of the sequences through all of their steps, and need never wait for another.
Each sum is that of one sequence: so threads never change a result.
"""

import numpy as np

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

from lucid._ext.simd cimport BLOCK, GRU, LSTM, cell_backward, cell_forward, multiply
from lucid._ext.threads cimport team


def recurrent_forward(
    int kind,
    const long long[::1] sizes,       # IN   (T,), sequences at each step
    const floating[:, ::1] w,         # IN   (H, G + padding), the transposed weight
    const floating[::1] b,            # IN   (G,)
    floating[:, ::1] h,               # OUT  (N, H), the state: first in, then out
    floating[:, ::1] c,               # OUT  (N, H), the same for an LSTM's cells, else None
    floating[:, ::1] gates,           # OUT  (rows, A), first the products of input and weight;
                                      #      then kept for backward, as the next three are
    floating[:, ::1] before,          # OUT  (rows, H), h before each step
    floating[:, ::1] c_before,        # OUT  (rows, H), LSTM only
    floating[:, ::1] tanh_c,          # OUT  (rows, H), LSTM only
    floating[:, ::1] y,               # OUT  (rows, H), h after each step
    bint reverse,
):
    """The formulas are those of the twin, ``recurrent_forward`` in ``recurrent_twins.py``."""
    cdef Py_ssize_t p, N = h.shape[0], H = h.shape[1]
    cdef Py_ssize_t parts = min(N, team(2.0 * y.shape[0] * H * (w.shape[1] + 100)))
    cdef const Py_ssize_t[::1] row = np.arange(N, dtype=np.intp) * H
    cdef const Py_ssize_t[::1] col = np.arange(min(H, BLOCK), dtype=np.intp) * w.shape[1]
    for p in prange(parts, nogil=True, schedule="static", num_threads=parts):
        run_forward(
            kind, sizes, w, b, h, c, gates, before, c_before, tanh_c, y, reverse,
            &row[0], &col[0], N * p // parts, N * (p + 1) // parts,
        )


cdef void run_forward(
    int kind, const long long[::1] sizes, const floating[:, ::1] w, const floating[::1] b,
    floating[:, ::1] h, floating[:, ::1] c, floating[:, ::1] gates, floating[:, ::1] before,
    floating[:, ::1] c_before, floating[:, ::1] tanh_c, floating[:, ::1] y, bint reverse, const Py_ssize_t* row, const Py_ssize_t* col,
    Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """All steps of the sequences first .. last-1."""
    cdef Py_ssize_t step, t, r, i, j, m, n, T = sizes.shape[0], H = h.shape[1], G = b.shape[0]
    cdef Py_ssize_t at = y.shape[0] if reverse else 0, together = 2 * H if kind == GRU else G
    cdef size_t number = sizeof(floating)
    for step in range(T):
        t = T - 1 - step if reverse else step
        at -= sizes[t] if reverse else 0
        r = at + first
        at += 0 if reverse else sizes[t]
        n = min(last, <Py_ssize_t>sizes[t]) - first
        if n <= 0:
            continue
        # before[r : r + n] = h
        memcpy(&before[r, 0], &h[first, 0], n * H * number)
        # gates += b + before @ w; for the last part of a GRU, gates = b + before @ w beside it
        for i in range(r, r + n):
            for j in range(together):
                gates[i, j] += b[j]
            for j in range(together, G):
                gates[i, j + H] = b[j]
        for m in range((H + BLOCK - 1) // BLOCK):
            j = m * BLOCK
            multiply(
                &before[r, j], row, &w[j, 0], col, min(<Py_ssize_t>BLOCK, H - j),
                &gates[r, 0], gates.shape[1], n, together, NULL,
            )
            if kind == GRU:
                multiply(
                    &before[r, j], row, &w[j, 2 * H], col, min(<Py_ssize_t>BLOCK, H - j),
                    &gates[r, 3 * H], gates.shape[1], n, H, NULL,
                )
        # y, c = cell(gates, c);  h = y
        if kind == LSTM:
            memcpy(&c_before[r, 0], &c[first, 0], n * H * number)
            cell_forward(
                kind, &gates[r, 0], &before[r, 0], &c[first, 0], &tanh_c[r, 0], &y[r, 0], n, H
            )
        else:
            cell_forward(kind, &gates[r, 0], &before[r, 0], NULL, NULL, &y[r, 0], n, H)
        memcpy(&h[first, 0], &y[r, 0], n * H * number)


def recurrent_backward(
    int kind,
    const long long[::1] sizes,       # IN   (T,)
    const floating[:, ::1] w,         # IN   (G, H + padding), the weight
    const floating[:, ::1] gates,     # IN   (rows, A), from forward, as the next three
    const floating[:, ::1] before,    # IN   (rows, H)
    const floating[:, ::1] c_before,  # IN   (rows, H)
    const floating[:, ::1] tanh_c,    # IN   (rows, H)
    const floating[:, ::1] gy,        # IN   (rows, H)
    floating[:, ::1] gh,              # OUT  (N, H), the gradient of the state: first in, then out
    floating[:, ::1] gc,              # OUT  (N, H), the same for an LSTM's cells, else None
    floating[:, ::1] gx,              # OUT  (rows, G)
    floating[:, ::1] gu,              # OUT  (rows, G), the gradient of before @ w.T + b
    bint reverse,
):
    """The gradients of ``recurrent_forward``, as its twin has them."""
    cdef Py_ssize_t p, N = gh.shape[0], H = gh.shape[1], G = gx.shape[1]
    cdef Py_ssize_t parts = min(N, team(2.0 * gy.shape[0] * H * (G + 100)))
    cdef const Py_ssize_t[::1] row = np.arange(N, dtype=np.intp) * G
    cdef const Py_ssize_t[::1] col = np.arange(min(G, BLOCK), dtype=np.intp) * w.shape[1]
    for p in prange(parts, nogil=True, schedule="static", num_threads=parts):
        run_backward(
            kind, sizes, w, gates, before, c_before, tanh_c, gy, gh, gc, gx, gu, reverse,
            &row[0], &col[0], N * p // parts, N * (p + 1) // parts,
        )


cdef void run_backward(
    int kind, const long long[::1] sizes, const floating[:, ::1] w, const floating[:, ::1] gates,
    const floating[:, ::1] before, const floating[:, ::1] c_before,
    const floating[:, ::1] tanh_c, const floating[:, ::1] gy, floating[:, ::1] gh,
    floating[:, ::1] gc, floating[:, ::1] gx, floating[:, ::1] gu, bint reverse,
    const Py_ssize_t* row, const Py_ssize_t* col, Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """All steps of the sequences first .. last-1, in the other direction."""
    cdef Py_ssize_t step, t, r, i, j, m, n, T = sizes.shape[0], H = gh.shape[1], G = gx.shape[1]
    cdef Py_ssize_t at = 0 if reverse else gy.shape[0]
    for step in range(T):
        t = step if reverse else T - 1 - step
        at -= 0 if reverse else sizes[t]
        r = at + first
        at += sizes[t] if reverse else 0
        n = min(last, <Py_ssize_t>sizes[t]) - first
        if n <= 0:
            continue
        # gh += gy[r : r + n]
        for i in range(n):
            for j in range(H):
                gh[first + i, j] += gy[r + i, j]
        # gx, gu, gc, and what of gh does not go through the product
        if kind == LSTM:
            cell_backward(
                kind, &gates[r, 0], &before[r, 0], &c_before[r, 0], &tanh_c[r, 0],
                &gh[first, 0], &gc[first, 0], &gx[r, 0], &gu[r, 0], n, H,
            )
        else:
            cell_backward(
                kind, &gates[r, 0], &before[r, 0], NULL, NULL, &gh[first, 0], NULL,
                &gx[r, 0], &gu[r, 0], n, H,
            )
        # gh += gu @ w
        for m in range((G + BLOCK - 1) // BLOCK):
            j = m * BLOCK
            multiply(
                &gu[r, j], row, &w[j, 0], col, min(<Py_ssize_t>BLOCK, G - j),
                &gh[first, 0], H, n, H, NULL,
            )
