"""Recurrent layers: the loop over time steps, forward and backward.

Sequences of different lengths lie step by step in memory: first position 0 of all, then position 1
of those that have one, and so on; the longest come first. So a step is a block of neighbouring
rows, and ``sizes`` says how many each step has.

A step is two products, of the input and of the last state with their weights (``multiply`` in
``tile.h``), then the gates (``gates.h``), all while its rows are in the cache. The gradients of the
weights are products of all steps at once.

A thread takes some of the sequences through all of their steps, and need never wait for another.
Each sum is that of one sequence: so threads never change a result.
"""

import numpy as np

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

from lucid._ext.simd cimport BLOCK, GRU, LSTM, cell_backward, cell_forward, multiply, turn
from lucid._ext.threads cimport team

cdef enum:
    PADDING = 16   # columns after those of a matrix, for ``multiply`` reads whole registers


def recurrent_forward(
    int kind,
    const long long[::1] sizes,       # IN   (T,), sequences at each step
    const floating[:, ::1] x,         # IN   (rows, I)
    const floating[:, ::1] w_ih,      # IN   (I, G + padding), the transposed weights
    const floating[:, ::1] w_hh,      # IN   (H, G + padding)
    const floating[::1] b,            # IN   (A,)
    floating[:, ::1] h,               # OUT  (N, H), the state: first in, then out
    floating[:, ::1] c,               # OUT  (N, H), the same for an LSTM's cells, else None
    floating[:, ::1] gates,           # OUT  (rows, A), kept for backward, as the next three
    floating[:, ::1] before,          # OUT  (rows, H), h before each step
    floating[:, ::1] c_before,        # OUT  (rows, H), LSTM only
    floating[:, ::1] tanh_c,          # OUT  (rows, H), LSTM only
    floating[:, ::1] y,               # OUT  (rows, H), h after each step
    bint reverse,
):
    """The formulas are those of the twin, ``recurrent_forward`` in ``recurrent_twins.py``."""
    cdef Py_ssize_t p, N = h.shape[0], H = h.shape[1], I = x.shape[1], G = w_hh.shape[1] - PADDING
    cdef Py_ssize_t parts = min(N, team(2.0 * y.shape[0] * G * (H + I + 30)))
    cdef const Py_ssize_t[::1] x_row = steps(N, I), h_row = steps(N, H)
    cdef const Py_ssize_t[::1] col = steps(BLOCK, G + PADDING)
    for p in prange(parts, nogil=True, schedule="static", num_threads=parts):
        run_forward(
            kind, sizes, x, w_ih, w_hh, b, h, c, gates, before, c_before, tanh_c, y, reverse,
            &x_row[0], &h_row[0], &col[0], N * p // parts, N * (p + 1) // parts,
        )


cdef inline void product(
    const floating* a, const Py_ssize_t* row, const floating[:, ::1] b, Py_ssize_t first,
    Py_ssize_t count, const Py_ssize_t* col, floating* out, Py_ssize_t out_row, Py_ssize_t rows,
    Py_ssize_t columns,
) noexcept nogil:
    """out[i, j] += sum over m < count of a[i, m] * b[m, first + j], block by block"""
    cdef Py_ssize_t k, m
    for k in range((count + BLOCK - 1) // BLOCK):
        m = k * BLOCK
        multiply(
            a + m, row, &b[m, first], col, min(<Py_ssize_t>BLOCK, count - m), out, out_row, rows,
            columns, NULL,
        )


def steps(count, stride):
    """0, stride, 2 * stride, ...: where rows begin"""
    return np.arange(count, dtype=np.intp) * stride


cdef void run_forward(
    int kind, const long long[::1] sizes, const floating[:, ::1] x, const floating[:, ::1] w_ih,
    const floating[:, ::1] w_hh, const floating[::1] b, floating[:, ::1] h, floating[:, ::1] c,
    floating[:, ::1] gates, floating[:, ::1] before, floating[:, ::1] c_before,
    floating[:, ::1] tanh_c, floating[:, ::1] y, bint reverse, const Py_ssize_t* x_row,
    const Py_ssize_t* h_row, const Py_ssize_t* col, Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """All steps of the sequences first .. last-1."""
    cdef Py_ssize_t step, t, r, i, n, T = sizes.shape[0], H = h.shape[1], I = x.shape[1]
    cdef Py_ssize_t at = y.shape[0] if reverse else 0
    cdef Py_ssize_t A = gates.shape[1], together = 2 * H if kind == GRU else A
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
        # gates = b + x @ w_ih + before @ w_hh; a GRU's n and u_n are side by side, not added
        for i in range(r, r + n):
            memcpy(&gates[i, 0], &b[0], A * number)
        product(&x[r, 0], x_row, w_ih, 0, I, col, &gates[r, 0], A, n, A - H if kind == GRU else A)
        product(&before[r, 0], h_row, w_hh, 0, H, col, &gates[r, 0], A, n, together)
        if kind == GRU:
            product(&before[r, 0], h_row, w_hh, 2 * H, H, col, &gates[r, 3 * H], A, n, H)
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
    const floating[:, ::1] w_ih,      # IN   (G, I + padding), the weights
    const floating[:, ::1] w_hh,      # IN   (G, H + padding)
    const floating[:, ::1] gates,     # IN   (rows, A), from forward, as the next three
    const floating[:, ::1] before,    # IN   (rows, H)
    const floating[:, ::1] c_before,  # IN   (rows, H)
    const floating[:, ::1] tanh_c,    # IN   (rows, H)
    const floating[:, ::1] gy,        # IN   (rows, H)
    floating[:, ::1] gh,              # OUT  (N, H), the gradient of the state: first in, then out
    floating[:, ::1] gc,              # OUT  (N, H), the same for an LSTM's cells, else None
    floating[:, ::1] gx,              # OUT  (rows, I), zeros; None if it is not wanted
    floating[:, ::1] gv,              # OUT  (rows, G), the gradient of x @ w_ih.T
    floating[:, ::1] gu,              # OUT  (rows, G), the gradient of before @ w_hh.T
    bint reverse,
):
    """The gradients of ``recurrent_forward``, as its twin has them."""
    cdef Py_ssize_t p, N = gh.shape[0], H = gh.shape[1]
    cdef Py_ssize_t G = gv.shape[1], I = w_ih.shape[1] - PADDING
    cdef Py_ssize_t parts = min(N, team(2.0 * gy.shape[0] * G * (H + I + 30)))
    cdef const Py_ssize_t[::1] row = steps(N, G)
    cdef const Py_ssize_t[::1] x_col = steps(BLOCK, I + PADDING), h_col = steps(BLOCK, H + PADDING)
    for p in prange(parts, nogil=True, schedule="static", num_threads=parts):
        run_backward(
            kind, sizes, w_ih, w_hh, gates, before, c_before, tanh_c, gy, gh, gc, gx, gv, gu,
            reverse, &row[0], &x_col[0], &h_col[0], N * p // parts, N * (p + 1) // parts,
        )


cdef void run_backward(
    int kind, const long long[::1] sizes, const floating[:, ::1] w_ih,
    const floating[:, ::1] w_hh, const floating[:, ::1] gates, const floating[:, ::1] before,
    const floating[:, ::1] c_before, const floating[:, ::1] tanh_c, const floating[:, ::1] gy,
    floating[:, ::1] gh, floating[:, ::1] gc, floating[:, ::1] gx, floating[:, ::1] gv,
    floating[:, ::1] gu, bint reverse, const Py_ssize_t* row, const Py_ssize_t* x_col,
    const Py_ssize_t* h_col, Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """All steps of the sequences first .. last-1, in the other direction."""
    cdef Py_ssize_t step, t, r, i, j, n, T = sizes.shape[0], H = gh.shape[1], G = gv.shape[1]
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
        # gv, gu, gc, and what of gh does not go through the product
        if kind == LSTM:
            cell_backward(
                kind, &gates[r, 0], &before[r, 0], &c_before[r, 0], &tanh_c[r, 0],
                &gh[first, 0], &gc[first, 0], &gv[r, 0], &gu[r, 0], n, H,
            )
        else:
            cell_backward(
                kind, &gates[r, 0], &before[r, 0], NULL, NULL, &gh[first, 0], NULL,
                &gv[r, 0], &gu[r, 0], n, H,
            )
        # gh += gu @ w_hh;  gx = gv @ w_ih
        product(&gu[r, 0], row, w_hh, 0, G, h_col, &gh[first, 0], H, n, H)
        if gx is not None:
            product(&gv[r, 0], row, w_ih, 0, G, x_col, &gx[r, 0], gx.shape[1], n, gx.shape[1])


def rows_products(
    const floating[:, ::1] a,         # IN   (rows, I)
    const floating[:, ::1] b,         # IN   (rows, G)
    floating[:, ::1] out,             # OUT  (I, G), zeros
    double[::1] sums,                 # OUT  (G,), zeros; None if they are not wanted
):
    """out = a.T @ b, sums = b.sum(0): the gradients of a weight and its bias, of all steps"""
    cdef Py_ssize_t p, rows = a.shape[0], I = a.shape[1], G = b.shape[1]
    cdef Py_ssize_t parts = min(I, team(2.0 * rows * G * I))
    cdef const Py_ssize_t[::1] row = steps(I, BLOCK), col = steps(BLOCK, G)
    cdef floating[:, ::1] turned = np.empty((I, BLOCK), np.asarray(out).dtype)
    # the last rows once more, with something behind them that may be read
    cdef Py_ssize_t whole = max(rows - (PADDING + G - 1) // G, 0) // BLOCK * BLOCK
    cdef floating[::1] end = np.zeros((rows - whole) * G + PADDING, np.asarray(out).dtype)
    np.asarray(end)[:-PADDING] = np.asarray(b)[whole:].reshape(-1)
    for p in prange(parts, nogil=True, schedule="static", num_threads=parts):
        add_products(
            a, b, out, sums, turned, end, whole, &row[0], &col[0], I * p // parts,
            I * (p + 1) // parts,
        )


cdef void add_products(
    const floating[:, ::1] a, const floating[:, ::1] b, floating[:, ::1] out, double[::1] sums,
    floating[:, ::1] turned, const floating[::1] end, Py_ssize_t whole, const Py_ssize_t* row,
    const Py_ssize_t* col, Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """Rows first .. last-1 of the output, block by block of what is summed over."""
    cdef Py_ssize_t k, r, i, j, count, rows = a.shape[0], I = a.shape[1], G = b.shape[1]
    cdef Py_ssize_t blocks = (rows + BLOCK - 1) // BLOCK
    for k in range(blocks):
        r = k * BLOCK
        count = min(<Py_ssize_t>BLOCK, rows - r)
        # turned = a[r : r + count].T
        turn(&a[r, first], a.shape[1], count, last - first, &turned[first, 0], BLOCK)
        # out += turned @ b[r : r + count]
        multiply(
            &turned[first, 0], row, &b[r, 0] if r < whole else &end[(r - whole) * G], col, count,
            &out[first, 0], G, last - first, G, NULL,
        )
        # sums += b[r : r + count].sum(0), a part of the columns
        if sums is not None:
            for i in range(r, r + count):
                for j in range(first * G // I, last * G // I):
                    sums[j] += b[i, j]
