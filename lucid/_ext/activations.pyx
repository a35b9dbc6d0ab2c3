"""Activations, and losses, of each number by itself.

In NumPy each sign of such a formula reads and writes whole arrays. Here a formula is worked out
while its numbers are at hand. Blocks of BLOCK numbers are handed out to threads; their size does
not depend on the number of threads, and no number on another.

The formulas of smooth activations are in ``activations.h``, compiled for each level of SIMD. A
``kind`` names one, and ``options`` are the numbers in it:

    GELU         x * P(x), P that of ``lucid/ops/normal.py``        the powers of its polynomial
    GELU_TANH    x / (1 + e^-z), z = 2 sqrt(2 / pi) (x + 0.044715 x^3)
    SILU         x / (1 + e^-x)
    MISH         x * tanh(log(1 + e^x))
    SOFTPLUS     log(1 + e^z) / beta, z = beta * x                  beta, threshold
                 x where z > threshold
    LOG_SIGMOID  -log(1 + e^-x)
    ELU          scale * x where x >= 0                             left, rate >= 0, scale
                 left * (e^(rate * x) - 1) else

Kernels trust what they get: contiguous arrays of fitting shapes, checked by ``lucid/ops``.
"""

from cython cimport floating
from cython.parallel cimport prange

from lucid._ext.simd cimport activate, logit_loss, logit_loss_slope, sigmoids, slopes, tanhs
from lucid._ext.threads cimport team

cdef enum:
    BLOCK = 8192   # numbers that one thread takes at a time


cdef inline Py_ssize_t pieces(Py_ssize_t n) noexcept nogil:
    """How many blocks cover n numbers."""
    return (n + BLOCK - 1) // BLOCK


# ------------------------------------------------------------------------------ with a kind


def activation_forward(
    const floating[::1] x,            # IN   (n,)
    floating[::1] y,                  # OUT  (n,)
    int kind,
    const floating[::1] options,      # IN   (m,)
):
    """y = f(x), for the activation f that the kind names"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(50.0 * n)):
        activate(
            kind, &x[i * BLOCK], &options[0], &y[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK)
        )


def activation_backward(
    const floating[::1] g,            # IN   (n,)
    const floating[::1] x,            # IN   (n,)
    floating[::1] gx,                 # OUT  (n,)
    int kind,
    const floating[::1] options,      # IN   (m,)
):
    """gx = g * f'(x)"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(50.0 * n)):
        slopes(
            kind, &g[i * BLOCK], &x[i * BLOCK], &options[0], &gx[i * BLOCK],
            min(<Py_ssize_t>BLOCK, n - i * BLOCK),
        )


# ------------------------------------------------------------------ a loss, of scores and targets


def logit_loss_forward(
    const floating[::1] x,            # IN   (n,)
    floating[::1] y,                  # OUT  (n,)
    const floating[::1] t,            # IN   (n,)
):
    """y = t * log(1 + e^-x) + (1 - t) * log(1 + e^x)"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(50.0 * n)):
        logit_loss(
            &x[i * BLOCK], &t[i * BLOCK], &y[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK)
        )


def logit_loss_backward(
    const floating[::1] g,            # IN   (n,)
    const floating[::1] x,            # IN   (n,)
    floating[::1] gx,                 # OUT  (n,)
    const floating[::1] t,            # IN   (n,)
):
    """gx = g * (1 / (1 + e^-x) - t)"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(50.0 * n)):
        logit_loss_slope(
            &g[i * BLOCK], &x[i * BLOCK], &t[i * BLOCK], &gx[i * BLOCK],
            min(<Py_ssize_t>BLOCK, n - i * BLOCK),
        )


# ------------------------------------------------------------------------- with names of their own


def relu_backward(
    const floating[::1] g,            # IN   (n,)
    const floating[::1] x,            # IN   (n,)
    floating[::1] gx,                 # OUT  (n,)
):
    """gx = 0 where x <= 0, else g"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(30.0 * n)):
        relu_slope_block(
            &g[i * BLOCK], &x[i * BLOCK], &gx[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK)
        )


cdef inline void relu_slope_block(
    const floating* g, const floating* x, floating* gx, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating passed
    for i in range(n):
        passed = g[i]  # read in any case: a loop without branches is vectorized
        gx[i] = 0 if x[i] <= 0 else passed


def leaky_relu(
    const floating[::1] g,            # IN   (n,), x itself in the forward pass
    const floating[::1] x,            # IN   (n,)
    floating[::1] out,                # OUT  (n,)
    double slope,
):
    """out = g where x > 0, else slope * g"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(30.0 * n)):
        leaky_relu_block(
            &g[i * BLOCK], &x[i * BLOCK], &out[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK),
            <floating>slope,
        )


cdef inline void leaky_relu_block(
    const floating* g, const floating* x, floating* out, Py_ssize_t n, floating slope
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating right, left
    for i in range(n):
        right = g[i]
        left = slope * right  # worked out in any case: a loop without branches is vectorized
        out[i] = right if x[i] > 0 else left


def tanh_forward(
    const floating[::1] x,            # IN   (n,)
    floating[::1] y,                  # OUT  (n,)
):
    """y = tanh(x)"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(100.0 * n)):
        tanhs(&x[i * BLOCK], &y[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK))


def tanh_backward(
    const floating[::1] g,            # IN   (n,)
    const floating[::1] y,            # IN   (n,), the output of tanh
    floating[::1] gx,                 # OUT  (n,)
):
    """gx = g * (1 - y * y)"""
    cdef Py_ssize_t i, n = y.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(30.0 * n)):
        tanh_slope_block(
            &g[i * BLOCK], &y[i * BLOCK], &gx[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK)
        )


cdef inline void tanh_slope_block(
    const floating* g, const floating* y, floating* gx, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        gx[i] = g[i] * (1 - y[i] * y[i])


def sigmoid_forward(
    const floating[::1] x,            # IN   (n,)
    floating[::1] y,                  # OUT  (n,)
):
    """y = 1 / (1 + e^-x)"""
    cdef Py_ssize_t i, n = x.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(100.0 * n)):
        sigmoids(&x[i * BLOCK], &y[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK))


def sigmoid_backward(
    const floating[::1] g,            # IN   (n,)
    const floating[::1] y,            # IN   (n,), the output of sigmoid
    floating[::1] gx,                 # OUT  (n,)
):
    """gx = g * y * (1 - y)"""
    cdef Py_ssize_t i, n = y.shape[0]
    for i in prange(pieces(n), nogil=True, schedule="static", num_threads=team(30.0 * n)):
        sigmoid_slope_block(
            &g[i * BLOCK], &y[i * BLOCK], &gx[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK)
        )


cdef inline void sigmoid_slope_block(
    const floating* g, const floating* y, floating* gx, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        gx[i] = g[i] * y[i] * (1 - y[i])
