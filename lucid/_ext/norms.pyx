"""Norms of each sample by itself: layer norm, group norm, RMS norm.

A sample has G groups of P rows of L numbers. Each group gets the mean 0 and the variance 1, and
then row p of group g the scale w[g*P + p] and a shift. In layer norm and RMS norm G and L are 1.
What happens to one group is in ``norms.h``, compiled for each level of SIMD: its numbers are read
several times, and come from the cache but for the first.

Threads take whole groups in ``group_norm_forward``, and blocks of samples in
``group_norm_backward``: the gradients of w and b are summed up for each block by itself. The op
chooses the number of blocks by sizes only, so threads never change a result.

Kernels trust what they get: contiguous arrays of fitting shapes, checked by ``lucid/ops``.
"""

from cython cimport floating
from cython.parallel cimport prange

from lucid._ext.simd cimport group_backward, group_forward
from lucid._ext.threads cimport team


def group_norm_forward(
    const floating[:, :, ::1] x,      # IN   (N * G, P, L)
    const floating[:, ::1] w,         # IN   (G, P)
    const floating[:, ::1] b,         # IN   (G, P)
    double[::1] mean,                 # OUT  (N * G,)
    double[::1] var,                  # OUT  (N * G,)
    floating[:, :, ::1] y,            # OUT  (N * G, P, L)
    double eps,
    bint centered,
):
    """y = (x - mean) / sqrt(var + eps) * w + b, for each group

    Without ``centered``, mean is 0, and var the mean of squares.
    """
    cdef Py_ssize_t i, G = w.shape[0], P = x.shape[1], L = x.shape[2]
    cdef double work = 50.0 * x.shape[0] * P * L
    if P * L == 0:
        return
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=team(work)):
        group_forward(
            &x[i, 0, 0], &w[i % G, 0], &b[i % G, 0], &mean[i], &var[i], &y[i, 0, 0], P, L,
            eps, centered,
        )


def group_norm_backward(
    const floating[:, :, ::1] g,      # IN   (N * G, P, L)
    const floating[:, :, ::1] x,      # IN   (N * G, P, L)
    const floating[:, ::1] w,         # IN   (G, P)
    const double[::1] mean,           # IN   (N * G,)
    const double[::1] var,            # IN   (N * G,)
    floating[:, :, ::1] gx,           # OUT  (N * G, P, L)
    floating[:, :, ::1] gw,           # OUT  (B, G, P), added to
    floating[:, :, ::1] gb,           # OUT  (B, G, P), added to
    double eps,
    bint centered,
):
    """With z = (x - mean) / sqrt(var + eps), h = g * w, and m(.) for the mean over a group::

        gx = (h - m(h) - z * m(h * z)) / sqrt(var + eps)    m(h) only if centered
        gw, gb = sums of g * z, g    over l, and the samples of each of B blocks
    """
    cdef Py_ssize_t i, B = gw.shape[0], G = w.shape[0], P = x.shape[1], L = x.shape[2]
    cdef Py_ssize_t N = x.shape[0] // G
    cdef double work = 50.0 * x.shape[0] * P * L
    if P * L == 0:
        return
    for i in prange(B, nogil=True, schedule="static", num_threads=team(work)):
        block_backward(
            g, x, w, mean, var, gx, &gw[i, 0, 0], &gb[i, 0, 0], i * N // B * G,
            (i + 1) * N // B * G, eps, centered,
        )


cdef inline void block_backward(
    const floating[:, :, ::1] g, const floating[:, :, ::1] x, const floating[:, ::1] w,
    const double[::1] mean, const double[::1] var, floating[:, :, ::1] gx, floating* gw,
    floating* gb, Py_ssize_t first, Py_ssize_t last, double eps, bint centered,
) noexcept nogil:
    """The groups from ``first`` to ``last``, those of whole samples, one after the other."""
    cdef Py_ssize_t i, k, G = w.shape[0], P = x.shape[1], L = x.shape[2]
    for i in range(first, last):
        k = i % G
        group_backward(
            &g[i, 0, 0], &x[i, 0, 0], &w[k, 0], mean[i], var[i], &gx[i, 0, 0], gw + k * P,
            gb + k * P, P, L, eps, centered,
        )
