"""conv1d and its two adjoints: three faces of one sum.

With ``p`` the padded input, ``s`` the stride, ``d`` the dilation and ``c`` running over the input
channels of the group that ``o`` belongs to::

    forward          y[n, o, t]  += sum over c, k of  w[o, c, k] * p[n, c, t*s + k*d]
    input gradient   p[n, c, t*s + k*d] += w[o, c, k] * g[n, o, t]     for every o, k, t
    weight gradient  w[o, c, k]  += sum over n, t of  g[n, o, t] * p[n, c, t*s + k*d]

Each has a twin of a few lines in ``numpy_twins.py``: read that one first. Two ideas make the
difference between the twins' simplicity and the loops below.

*Rows.* A sample's channels are copied once into padded rows, so that no loop has special cases at
the edges. With a stride, the row is laid out phase by phase: position i goes to place
``(i % s) * phase + i // s``. What tap k reads for t = 0, 1, 2, ... are then always neighbours in
memory, from ``place(k * d)`` on.

*Tiles.* The sum is computed for TILE_O channels and TILE_T positions at a time, in registers, by
``tile.h``. Rows have TILE_T numbers of slack at their end, so that the last tile needs no code of
its own; what it computes beyond the end is not stored.

Every kernel *adds* to its output: the caller hands it zeros, or the bias. Kernels trust what they
get; shapes, dtypes and sizes are checked by ``lucid/ops/conv.py`` before any of them is called.
"""

import numpy as np

from cython cimport floating

from lucid._ext.pad cimport pad_index

cdef extern from "tile.h" nogil:
    enum:
        TILE_O
        TILE_T
        BLOCK
    const char* LUCID_SIMD

    void float_tile_multiply(
        const float** a, Py_ssize_t step, const float* b, const Py_ssize_t* offset,
        Py_ssize_t count, float* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t columns)
    void double_tile_multiply(
        const double** a, Py_ssize_t step, const double* b, const Py_ssize_t* offset,
        Py_ssize_t count, double* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t columns)
    void float_tile_dot(
        const float** a, const float* b, Py_ssize_t count, float* out, Py_ssize_t out_row,
        Py_ssize_t rows)
    void double_tile_dot(
        const double** a, const double* b, Py_ssize_t count, double* out, Py_ssize_t out_row,
        Py_ssize_t rows)

simd_level = LUCID_SIMD.decode()


def conv1d_forward(
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    const floating[:, :, ::1] w,      # IN   (O, C / groups, K)
    floating[:, :, ::1] y,            # OUT  (N, O, T), added to
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    Py_ssize_t right,
    int mode,
):
    """y[n, o, t] += sum over c, k of w[o, c, k] * padded[n, c, t*stride + k*dilation]"""
    cdef Py_ssize_t C = w.shape[1], O = w.shape[0] // groups, K = w.shape[2], T = y.shape[2]
    cdef Py_ssize_t phase = pieces(left + x.shape[2] + right, stride)
    cdef Py_ssize_t n, group, o, i, j, t, rows
    cdef floating[:, ::1] padded = new_rows(x.shape[1], stride * phase, y)
    cdef const floating* w_rows[TILE_O]
    # what the taps (c, k) of a group read, counted from its first padded row
    cdef Py_ssize_t[::1] taps = np.add.outer(
        np.arange(C) * padded.shape[1], places(K, dilation, stride, phase)
    ).ravel()
    with nogil:
        for n in range(x.shape[0]):
            gather(x, padded, n, left, right, stride, phase, mode)
            for group in range(groups):
                for i in range(pieces(O, TILE_O)):
                    o = group * O + i * TILE_O
                    rows = min(<Py_ssize_t>TILE_O, (group + 1) * O - o)
                    for j in range(TILE_O):
                        w_rows[j] = &w[o + min(j, rows - 1), 0, 0]
                    for j in range(pieces(T, TILE_T)):
                        t = j * TILE_T
                        # y[n, o:, t:] += w[o:] @ padded[group * C:, taps + t]
                        multiply(
                            w_rows, 1, &padded[group * C, t], &taps[0], C * K,
                            &y[n, o, t], T, rows, min(<Py_ssize_t>TILE_T, T - t),
                        )


def conv1d_input_grad(
    const floating[:, :, ::1] g,      # IN   (N, O, T)
    const floating[:, :, ::1] w,      # IN   (O, C / groups, K)
    floating[:, :, ::1] x_grad,       # OUT  (N, C, L), added to
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    Py_ssize_t right,
    int mode,
):
    """padded[n, c, t*stride + k*dilation] += w[o, c, k] * g[n, o, t], then folded into x_grad"""
    cdef Py_ssize_t C = w.shape[1], O = w.shape[0] // groups, K = w.shape[2], T = g.shape[2]
    cdef Py_ssize_t phase = pieces(left + x_grad.shape[2] + right, stride)
    cdef Py_ssize_t n, block, group, c, k, i, j, t, rows
    cdef floating[:, ::1] padded = new_rows(x_grad.shape[1], stride * phase, x_grad)
    cdef floating[:, ::1] g_rows = new_rows(g.shape[1], T, x_grad)
    cdef const floating* w_rows[TILE_O]
    cdef Py_ssize_t[::1] tap = places(K, dilation, stride, phase)
    # the output channels of a group, counted from its first row of g
    cdef Py_ssize_t[::1] outputs = np.arange(O) * g_rows.shape[1]
    with nogil:
        for n in range(g.shape[0]):
            g_rows[:, :T] = g[n]
            for block in range(pieces(K, BLOCK)):
                padded[:, :] = 0
                for group in range(groups):
                    for i in range(pieces(C, TILE_O)):
                        c = i * TILE_O
                        rows = min(<Py_ssize_t>TILE_O, C - c)
                        for k in range(block * BLOCK, min((block + 1) * BLOCK, K)):
                            for j in range(TILE_O):
                                w_rows[j] = &w[group * O, c + min(j, rows - 1), k]
                            for j in range(pieces(T, TILE_T)):
                                t = j * TILE_T
                                # padded[group*C + c:, tap[k] + t:] += w[:, c:, k].T @ g[n, :, t:]
                                multiply(
                                    w_rows, C * K, &g_rows[group * O, t], &outputs[0], O,
                                    &padded[group * C + c, tap[k] + t], padded.shape[1],
                                    rows, min(<Py_ssize_t>TILE_T, T - t),
                                )
                # after BLOCK taps, for long sums lose digits
                scatter(padded, x_grad, n, left, right, stride, phase, mode)


def conv1d_weight_grad(
    const floating[:, :, ::1] g,      # IN   (N, O, T)
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    floating[:, :, ::1] w_grad,       # OUT  (O, C / groups, K), added to
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    Py_ssize_t right,
    int mode,
):
    """w_grad[o, c, k] += sum over n, t of g[n, o, t] * padded[n, c, t*stride + k*dilation]"""
    cdef Py_ssize_t C = w_grad.shape[1], O = w_grad.shape[0] // groups, K = w_grad.shape[2]
    cdef Py_ssize_t phase = pieces(left + x.shape[2] + right, stride)
    cdef Py_ssize_t n, group, o, c, k, i, j, rows
    cdef floating[:, ::1] padded = new_rows(x.shape[1], stride * phase, w_grad)
    cdef const floating* g_rows[TILE_O]
    cdef Py_ssize_t[::1] tap = places(K, dilation, stride, phase)
    with nogil:
        for n in range(g.shape[0]):
            gather(x, padded, n, left, right, stride, phase, mode)
            for group in range(groups):
                for i in range(pieces(O, TILE_O)):
                    o = group * O + i * TILE_O
                    rows = min(<Py_ssize_t>TILE_O, (group + 1) * O - o)
                    for j in range(TILE_O):
                        g_rows[j] = &g[n, o + min(j, rows - 1), 0]
                    for c in range(C):
                        for k in range(K):
                            # w_grad[o:, c, k] += g[n, o:] @ padded[group * C + c, tap[k]:]
                            dot(
                                g_rows, &padded[group * C + c, tap[k]], g.shape[2],
                                &w_grad[o, c, k], C * K, rows,
                            )


# ------------------------------------------------------------------------------------------ tiles


cdef inline void multiply(
    const floating** a, Py_ssize_t step, const floating* b, const Py_ssize_t* offset,
    Py_ssize_t count, floating* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t columns,
) noexcept nogil:
    """out[i, j] += sum over m of a[i][m * step] * b[offset[m] + j]"""
    if floating is float:
        float_tile_multiply(a, step, b, offset, count, out, out_row, rows, columns)
    else:
        double_tile_multiply(a, step, b, offset, count, out, out_row, rows, columns)


cdef inline void dot(
    const floating** a, const floating* b, Py_ssize_t count, floating* out, Py_ssize_t out_row,
    Py_ssize_t rows,
) noexcept nogil:
    """out[i] += sum over t of a[i][t] * b[t]"""
    if floating is float:
        float_tile_dot(a, b, count, out, out_row, rows)
    else:
        double_tile_dot(a, b, count, out, out_row, rows)


# ------------------------------------------------------------------------------------ padded rows


def new_rows(channels, length, like):
    """Zeroed rows in the dtype of ``like``, with the slack that the last tile needs."""
    return np.zeros((channels, length + TILE_T), dtype=np.asarray(like).dtype)


def places(K, dilation, stride, phase):
    """Where the first position that each tap reads is kept in a padded row."""
    first = np.arange(K) * dilation
    return first % stride * phase + first // stride


cdef inline Py_ssize_t pieces(Py_ssize_t length, Py_ssize_t size) noexcept nogil:
    """How many pieces of ``size`` cover ``length``: the quotient, rounded up."""
    return (length + size - 1) // size


cdef inline void gather(
    const floating[:, :, ::1] x, floating[:, ::1] rows, Py_ssize_t n, Py_ssize_t left,
    Py_ssize_t right, Py_ssize_t stride, Py_ssize_t phase, int mode,
) noexcept nogil:
    """rows[c, place(i)] = x[n, c, pad_index(i - left)], or 0"""
    cdef Py_ssize_t c, i, source, L = x.shape[2]
    for c in range(x.shape[1]):
        for i in range(left + L + right):
            source = pad_index(i - left, L, mode)
            rows[c, i % stride * phase + i // stride] = x[n, c, source] if source >= 0 else 0


cdef inline void scatter(
    const floating[:, ::1] rows, floating[:, :, ::1] x, Py_ssize_t n, Py_ssize_t left,
    Py_ssize_t right, Py_ssize_t stride, Py_ssize_t phase, int mode,
) noexcept nogil:
    """x[n, c, pad_index(i - left)] += rows[c, place(i)]: the adjoint of gather"""
    cdef Py_ssize_t c, i, source, L = x.shape[2]
    for c in range(x.shape[1]):
        for i in range(left + L + right):
            source = pad_index(i - left, L, mode)
            if source >= 0:
                x[n, c, source] += rows[c, i % stride * phase + i // stride]
