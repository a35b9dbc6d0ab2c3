"""The level of SIMD, chosen once at import, and its innermost loops as functions.

``LUCID_SIMD`` asks for a lower level than the machine's widest, so that one machine can test all.
"""

import os
import time

from cython cimport floating

cdef extern from "simd.h" nogil:
    ctypedef struct Simd:
        const char* name
        void (*float_multiply)(
            const float* a, const Py_ssize_t* row, const float* b, const Py_ssize_t* col,
            Py_ssize_t count, float* out, Py_ssize_t out_row,
            Py_ssize_t rows, Py_ssize_t columns, const float* start) noexcept nogil
        void (*double_multiply)(
            const double* a, const Py_ssize_t* row, const double* b, const Py_ssize_t* col,
            Py_ssize_t count, double* out, Py_ssize_t out_row,
            Py_ssize_t rows, Py_ssize_t columns, const double* start) noexcept nogil
        void (*float_dot)(
            const float* a, const Py_ssize_t* row, Py_ssize_t a_jump, const float* b,
            const Py_ssize_t* col, Py_ssize_t b_jump, Py_ssize_t segments, Py_ssize_t count,
            double* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t cols) noexcept nogil
        void (*double_dot)(
            const double* a, const Py_ssize_t* row, Py_ssize_t a_jump, const double* b,
            const Py_ssize_t* col, Py_ssize_t b_jump, Py_ssize_t segments, Py_ssize_t count,
            double* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t cols) noexcept nogil
        void (*float_turn)(
            const float* a, Py_ssize_t a_row, Py_ssize_t rows, Py_ssize_t columns, float* out,
            Py_ssize_t out_row) noexcept nogil
        void (*double_turn)(
            const double* a, Py_ssize_t a_row, Py_ssize_t rows, Py_ssize_t columns, double* out,
            Py_ssize_t out_row) noexcept nogil
        void (*float_deal)(
            const float* a, Py_ssize_t many, Py_ssize_t count, float* out,
            Py_ssize_t out_row) noexcept nogil
        void (*float_weave)(
            const float* a, Py_ssize_t a_row, Py_ssize_t many, Py_ssize_t count, float* out,
            int add) noexcept nogil
        void (*double_deal)(
            const double* a, Py_ssize_t many, Py_ssize_t count, double* out,
            Py_ssize_t out_row) noexcept nogil
        void (*double_weave)(
            const double* a, Py_ssize_t a_row, Py_ssize_t many, Py_ssize_t count, double* out,
            int add) noexcept nogil
        int (*float_finite)(const float* a, Py_ssize_t n) noexcept nogil
        int (*double_finite)(const double* a, Py_ssize_t n) noexcept nogil
        float (*float_burn)(Py_ssize_t count) noexcept nogil
        Py_ssize_t (*float_lanes)() noexcept nogil
        Py_ssize_t (*double_lanes)() noexcept nogil
        void (*float_sigmoids)(const float* x, float* y, Py_ssize_t n) noexcept nogil
        void (*float_tanhs)(const float* x, float* y, Py_ssize_t n) noexcept nogil
        void (*double_sigmoids)(const double* x, double* y, Py_ssize_t n) noexcept nogil
        void (*double_tanhs)(const double* x, double* y, Py_ssize_t n) noexcept nogil
        void (*float_cell_forward)(
            int kind, float* gates, const float* before, float* c, float* tanh_c, float* y,
            Py_ssize_t rows, Py_ssize_t H) noexcept nogil
        void (*float_cell_backward)(
            int kind, const float* gates, const float* before, const float* c_before,
            const float* tanh_c, float* gh, float* gc, float* gx, float* gu,
            Py_ssize_t rows, Py_ssize_t H) noexcept nogil
        void (*double_cell_forward)(
            int kind, double* gates, const double* before, double* c, double* tanh_c, double* y,
            Py_ssize_t rows, Py_ssize_t H) noexcept nogil
        void (*double_cell_backward)(
            int kind, const double* gates, const double* before, const double* c_before,
            const double* tanh_c, double* gh, double* gc, double* gx, double* gu,
            Py_ssize_t rows, Py_ssize_t H) noexcept nogil
        void (*float_activate)(
            int kind, const float* x, const float* options, float* y,
            Py_ssize_t n) noexcept nogil
        void (*float_slopes)(
            int kind, const float* g, const float* x, const float* options, float* gx,
            Py_ssize_t n) noexcept nogil
        void (*float_logit_loss)(
            const float* x, const float* t, float* y, Py_ssize_t n) noexcept nogil
        void (*float_logit_loss_slope)(
            const float* g, const float* x, const float* t, float* gx,
            Py_ssize_t n) noexcept nogil
        void (*float_group_forward)(
            const float* x, const float* w, const float* b, double* mean, double* var, float* y,
            Py_ssize_t P, Py_ssize_t L, double eps, int centered) noexcept nogil
        void (*float_group_backward)(
            const float* g, const float* x, const float* w, double mean, double var, float* gx,
            float* gw, float* gb, Py_ssize_t P, Py_ssize_t L, double eps,
            int centered) noexcept nogil
        void (*double_activate)(
            int kind, const double* x, const double* options, double* y,
            Py_ssize_t n) noexcept nogil
        void (*double_slopes)(
            int kind, const double* g, const double* x, const double* options, double* gx,
            Py_ssize_t n) noexcept nogil
        void (*double_logit_loss)(
            const double* x, const double* t, double* y, Py_ssize_t n) noexcept nogil
        void (*double_logit_loss_slope)(
            const double* g, const double* x, const double* t, double* gx,
            Py_ssize_t n) noexcept nogil
        void (*double_group_forward)(
            const double* x, const double* w, const double* b, double* mean, double* var, double* y,
            Py_ssize_t P, Py_ssize_t L, double eps, int centered) noexcept nogil
        void (*double_group_backward)(
            const double* g, const double* x, const double* w, double mean, double var, double* gx,
            double* gw, double* gb, Py_ssize_t P, Py_ssize_t L, double eps,
            int centered) noexcept nogil
    const Simd** simd_levels()


cdef const Simd* level_named(str wish) except NULL:
    """The widest level of SIMD that this machine has, or the one that LUCID_SIMD asks for."""
    cdef const Simd** level = simd_levels()
    known = []
    while level[0] != NULL:
        name = level[0].name.decode()
        if wish in ("", name):
            return level[0]
        known.append(name)
        level += 1
    cure = f"\n  try: LUCID_SIMD={wish.lower()}" if wish.lower() in known else ""
    raise ImportError(
        f"LUCID_SIMD must be one of {', '.join(known)} on this machine, got {wish!r}{cure}"
    )


cdef const Simd* simd = level_named(os.environ.get("LUCID_SIMD", ""))
simd_level = simd.name.decode()


cdef void multiply(
    const floating* a, const Py_ssize_t* row, const floating* b,
    const Py_ssize_t* col, Py_ssize_t count, floating* out, Py_ssize_t out_row,
    Py_ssize_t rows, Py_ssize_t columns, const floating* start,
) noexcept nogil:
    """out[i, j] = start[i] + sum over m of a[row[i] + m] * b[col[m] + j]

    Without ``start`` it is added to what ``out`` holds.
    """
    if floating is float:
        simd.float_multiply(
            a, row, b, col, count, out, out_row, rows, columns, start)
    else:
        simd.double_multiply(
            a, row, b, col, count, out, out_row, rows, columns, start)


cdef void dot(
    const floating* a, const Py_ssize_t* row, Py_ssize_t a_jump, const floating* b,
    const Py_ssize_t* col, Py_ssize_t b_jump, Py_ssize_t segments, Py_ssize_t count, double* out,
    Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t cols,
) noexcept nogil:
    """out[i, j] += sum over s, t of a[row[i] + s*a_jump + t] * b[col[j] + s*b_jump + t]"""
    if floating is float:
        simd.float_dot(
            a, row, a_jump, b, col, b_jump, segments, count, out, out_row, rows, cols)
    else:
        simd.double_dot(
            a, row, a_jump, b, col, b_jump, segments, count, out, out_row, rows, cols)


cdef void turn(
    const floating* a, Py_ssize_t a_row, Py_ssize_t rows, Py_ssize_t columns, floating* out,
    Py_ssize_t out_row,
) noexcept nogil:
    """out[j, i] = a[i, j]"""
    if floating is float:
        simd.float_turn(a, a_row, rows, columns, out, out_row)
    else:
        simd.double_turn(a, a_row, rows, columns, out, out_row)


cdef void deal(
    const floating* a, Py_ssize_t many, Py_ssize_t count, floating* out, Py_ssize_t out_row
) noexcept nogil:
    """out[i, q] = a[q*many + i]"""
    if floating is float:
        simd.float_deal(a, many, count, out, out_row)
    else:
        simd.double_deal(a, many, count, out, out_row)


cdef void weave(
    const floating* a, Py_ssize_t a_row, Py_ssize_t many, Py_ssize_t count, floating* out, bint add
) noexcept nogil:
    """out[q*many + i] = a[i, q], or added to it"""
    if floating is float:
        simd.float_weave(a, a_row, many, count, out, add)
    else:
        simd.double_weave(a, a_row, many, count, out, add)


cdef void sigmoids(const floating* x, floating* y, Py_ssize_t n) noexcept nogil:
    """y = 1 / (1 + e^-x)"""
    if floating is float:
        simd.float_sigmoids(x, y, n)
    else:
        simd.double_sigmoids(x, y, n)


cdef void tanhs(const floating* x, floating* y, Py_ssize_t n) noexcept nogil:
    """y = tanh(x)"""
    if floating is float:
        simd.float_tanhs(x, y, n)
    else:
        simd.double_tanhs(x, y, n)


cdef bint finite(const floating* a, Py_ssize_t n) noexcept nogil:
    """Whether none of n numbers is infinite or nan."""
    if floating is float:
        return simd.float_finite(a, n) != 0
    else:
        return simd.double_finite(a, n) != 0


cdef Py_ssize_t lanes(const floating* like) noexcept nogil:
    """How many such numbers a register holds."""
    return simd.float_lanes() if floating is float else simd.double_lanes()


cdef void cell_forward(
    int kind, floating* gates, const floating* before, floating* c, floating* tanh_c, floating* y,
    Py_ssize_t rows, Py_ssize_t H,
) noexcept nogil:
    """The gates and the new state of a recurrent layer, for some rows: see ``gates.h``."""
    if floating is float:
        simd.float_cell_forward(kind, gates, before, c, tanh_c, y, rows, H)
    else:
        simd.double_cell_forward(kind, gates, before, c, tanh_c, y, rows, H)


cdef void cell_backward(
    int kind, const floating* gates, const floating* before, const floating* c_before,
    const floating* tanh_c, floating* gh, floating* gc, floating* gx, floating* gu,
    Py_ssize_t rows, Py_ssize_t H,
) noexcept nogil:
    """The gradients of ``cell_forward``."""
    if floating is float:
        simd.float_cell_backward(
            kind, gates, before, c_before, tanh_c, gh, gc, gx, gu, rows, H)
    else:
        simd.double_cell_backward(
            kind, gates, before, c_before, tanh_c, gh, gc, gx, gu, rows, H)


cdef void activate(
    int kind, const floating* x, const floating* options, floating* y, Py_ssize_t n
) noexcept nogil:
    """y = f(x) for the activation f of a kind: see ``activations.h``."""
    if floating is float:
        simd.float_activate(kind, x, options, y, n)
    else:
        simd.double_activate(kind, x, options, y, n)


cdef void slopes(
    int kind, const floating* g, const floating* x, const floating* options, floating* gx,
    Py_ssize_t n,
) noexcept nogil:
    """gx = g * f'(x)"""
    if floating is float:
        simd.float_slopes(kind, g, x, options, gx, n)
    else:
        simd.double_slopes(kind, g, x, options, gx, n)


cdef void logit_loss(
    const floating* x, const floating* t, floating* y, Py_ssize_t n
) noexcept nogil:
    """y = t * log(1 + e^-x) + (1 - t) * log(1 + e^x)"""
    if floating is float:
        simd.float_logit_loss(x, t, y, n)
    else:
        simd.double_logit_loss(x, t, y, n)


cdef void logit_loss_slope(
    const floating* g, const floating* x, const floating* t, floating* gx, Py_ssize_t n
) noexcept nogil:
    """gx = g * (sigmoid(x) - t)"""
    if floating is float:
        simd.float_logit_loss_slope(g, x, t, gx, n)
    else:
        simd.double_logit_loss_slope(g, x, t, gx, n)


cdef void group_forward(
    const floating* x, const floating* w, const floating* b, double* mean, double* var,
    floating* y, Py_ssize_t P, Py_ssize_t L, double eps, bint centered,
) noexcept nogil:
    """One group of a layer, group or RMS norm: see ``norms.h``."""
    if floating is float:
        simd.float_group_forward(x, w, b, mean, var, y, P, L, eps, centered)
    else:
        simd.double_group_forward(x, w, b, mean, var, y, P, L, eps, centered)


cdef void group_backward(
    const floating* g, const floating* x, const floating* w, double mean, double var,
    floating* gx, floating* gw, floating* gb, Py_ssize_t P, Py_ssize_t L, double eps,
    bint centered,
) noexcept nogil:
    """The gradients of ``group_forward``."""
    if floating is float:
        simd.float_group_backward(g, x, w, mean, var, gx, gw, gb, P, L, eps, centered)
    else:
        simd.double_group_backward(g, x, w, mean, var, gx, gw, gb, P, L, eps, centered)


def register_lanes(array):
    """How many of the numbers of an array a register holds."""
    return simd.float_lanes() if array.itemsize == 4 else simd.double_lanes()


def all_finite(array):
    """Whether no number of a contiguous array is infinite or nan."""
    cdef const float[::1] f
    cdef const double[::1] d
    flat = array.reshape(-1)
    if array.itemsize == 4:
        f = flat
        return finite(&f[0], f.shape[0])
    d = flat
    return finite(&d[0], d.shape[0])


def fma_limit():
    """GFLOP/s of one thread that does nothing but multiply-adds on registers, at this level.

    No convolution that multiplies everything out can be faster.
    """
    cdef Py_ssize_t count = 10_000_000
    cdef float result
    start = time.perf_counter()
    with nogil:
        result = simd.float_burn(count)
    seconds = time.perf_counter() - start
    assert result == result
    return 24e-9 * simd.float_lanes() * count / seconds
