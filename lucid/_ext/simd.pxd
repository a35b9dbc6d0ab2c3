"""The innermost loops, at the level of SIMD in use; what they compute is said in ``tile.h``."""

from cython cimport floating

cdef enum:
    BLOCK = 256     # additions in a row before a sum is put away: long sums lose digits

cdef Py_ssize_t lanes(const floating* like) noexcept nogil

cdef void multiply(
    const floating* a, const Py_ssize_t* row, const floating* b, const Py_ssize_t* col,
    Py_ssize_t count, floating* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t columns,
    const floating* start,
) noexcept nogil

cdef void dot(
    const floating* a, const Py_ssize_t* row, Py_ssize_t a_jump, const floating* b,
    const Py_ssize_t* col, Py_ssize_t b_jump, Py_ssize_t segments, Py_ssize_t count, double* out,
    Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t cols,
) noexcept nogil

cdef void turn(
    const floating* a, Py_ssize_t a_row, Py_ssize_t rows, Py_ssize_t columns, floating* out,
    Py_ssize_t out_row,
) noexcept nogil

cdef void deal(
    const floating* a, Py_ssize_t many, Py_ssize_t count, floating* out, Py_ssize_t out_row
) noexcept nogil

cdef void weave(
    const floating* a, Py_ssize_t a_row, Py_ssize_t many, Py_ssize_t count, floating* out, bint add
) noexcept nogil

cdef bint finite(const floating* a, Py_ssize_t n) noexcept nogil

cdef void sigmoids(const floating* x, floating* y, Py_ssize_t n) noexcept nogil

cdef void tanhs(const floating* x, floating* y, Py_ssize_t n) noexcept nogil

cdef enum:
    LSTM, GRU, TANH, RELU   # as in recurrent_twins.py

cdef void cell_forward(
    int kind, floating* gates, const floating* before, floating* c, floating* tanh_c, floating* y,
    Py_ssize_t rows, Py_ssize_t H,
) noexcept nogil

cdef void cell_backward(
    int kind, const floating* gates, const floating* before, const floating* c_before,
    const floating* tanh_c, floating* gh, floating* gc, floating* gx, floating* gu,
    Py_ssize_t rows, Py_ssize_t H,
) noexcept nogil

cdef enum:
    GELU, GELU_TANH, SILU, MISH, SOFTPLUS, LOG_SIGMOID, ELU   # as in activation_twins.py

cdef void activate(
    int kind, const floating* x, const floating* options, floating* y, Py_ssize_t n
) noexcept nogil

cdef void slopes(
    int kind, const floating* g, const floating* x, const floating* options, floating* gx,
    Py_ssize_t n,
) noexcept nogil

cdef void logit_loss(
    const floating* x, const floating* t, floating* y, Py_ssize_t n
) noexcept nogil

cdef void logit_loss_slope(
    const floating* g, const floating* x, const floating* t, floating* gx, Py_ssize_t n
) noexcept nogil

cdef void group_forward(
    const floating* x, const floating* w, const floating* b, double* mean, double* var,
    floating* y, Py_ssize_t P, Py_ssize_t L, double eps, bint centered,
) noexcept nogil

cdef void group_backward(
    const floating* g, const floating* x, const floating* w, double mean, double var,
    floating* gx, floating* gw, floating* gb, Py_ssize_t P, Py_ssize_t L, double eps,
    bint centered,
) noexcept nogil
