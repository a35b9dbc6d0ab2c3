"""The layers between the convolutions: batch norm, max pooling, sums over channels.

Each of these formulas is a few lines of NumPy, in ``numpy_twins.py``, and each line there reads and
writes whole arrays: a signal leaves the cache and comes back for every sign in the formula. Here a
formula is worked out while its numbers are at hand.

Two rules hold for every loop:

*What is written is split.* A parallel loop gives each thread channels or rows of the output of its
own, and a sum over a channel is added up by one thread, in one order. So threads never change a
result.

*Sums are kept in double precision*, in LANES running sums side by side: each addition would
otherwise have to wait for the one before it.

Kernels trust what they get: contiguous arrays of fitting shapes, checked by ``lucid/ops``.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport sqrt

from lucid._ext.threads cimport team

cdef enum:
    LANES = 8      # running sums side by side


# ------------------------------------------------------------------------------------- batch norm


def batch_norm_forward(
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    const floating[::1] w,            # IN   (C,)
    const floating[::1] b,            # IN   (C,)
    double[::1] mean,                 # OUT  (C,) in training, else IN
    double[::1] var,                  # OUT  (C,) in training, else IN
    floating[:, :, ::1] y,            # OUT  (N, C, L)
    double eps,
    bint training,
):
    """y[n, c, l] = (x[n, c, l] - mean[c]) / sqrt(var[c] + eps) * w[c] + b[c]"""
    cdef Py_ssize_t c, C = x.shape[1], size = x.shape[0] * x.shape[1] * x.shape[2]
    for c in prange(C, nogil=True, schedule="static", num_threads=team(100.0 * size)):
        normalize_channel(x, w, b, mean, var, y, c, eps, training)


cdef inline void normalize_channel(
    const floating[:, :, ::1] x, const floating[::1] w, const floating[::1] b, double[::1] mean,
    double[::1] var, floating[:, :, ::1] y, Py_ssize_t c, double eps, bint training,
) noexcept nogil:
    """One channel of ``batch_norm_forward``; from the second line on, it comes from the cache."""
    cdef Py_ssize_t n, N = x.shape[0], L = x.shape[2]
    cdef double count = <double>N * L, total = 0, squares = 0, scale
    if L == 0:
        return
    if training:
        # mean = x.mean((0, 2))
        for n in range(N):
            total += row_sum(&x[n, c, 0], L)
        mean[c] = total / count
        # var = ((x - mean)**2).mean((0, 2))
        for n in range(N):
            squares += row_squares(&x[n, c, 0], mean[c], L)
        var[c] = squares / count
    scale = w[c] / sqrt(var[c] + eps)
    # y = (x - mean) * scale + b
    for n in range(N):
        row_affine(&x[n, c, 0], mean[c], scale, b[c], &y[n, c, 0], L)


def batch_norm_backward(
    const floating[:, :, ::1] g,      # IN   (N, C, L)
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    const floating[::1] w,            # IN   (C,)
    const double[::1] mean,           # IN   (C,)
    const double[::1] var,            # IN   (C,)
    floating[:, :, ::1] gx,           # OUT  (N, C, L)
    floating[::1] gw,                 # OUT  (C,)
    floating[::1] gb,                 # OUT  (C,)
    double eps,
    bint training,
):
    """With z = (x - mean) / sqrt(var + eps), and means and sums over n and l::

        gb = sum of g,  gw = sum of g * z
        gx = w / sqrt(var + eps) * (g - mean of g - z * mean of g * z)    in training
        gx = w / sqrt(var + eps) * g                                      else
    """
    cdef Py_ssize_t c, C = x.shape[1], size = x.shape[0] * x.shape[1] * x.shape[2]
    for c in prange(C, nogil=True, schedule="static", num_threads=team(100.0 * size)):
        denormalize_channel(g, x, w, mean, var, gx, gw, gb, c, eps, training)


cdef inline void denormalize_channel(
    const floating[:, :, ::1] g, const floating[:, :, ::1] x, const floating[::1] w,
    const double[::1] mean, const double[::1] var, floating[:, :, ::1] gx, floating[::1] gw,
    floating[::1] gb, Py_ssize_t c, double eps, bint training,
) noexcept nogil:
    """One channel of ``batch_norm_backward``."""
    cdef Py_ssize_t n, N = x.shape[0], L = x.shape[2]
    cdef double count = <double>N * L, total = 0, products = 0, slope = 0, shift = 0
    cdef double per_std = 1 / sqrt(var[c] + eps), scale = w[c] * per_std
    if L > 0:
        # gb, gw = g.sum((0, 2)), (g * (x - mean)).sum((0, 2)) * per_std
        for n in range(N):
            total += row_sum(&g[n, c, 0], L)
            products += row_products(&g[n, c, 0], &x[n, c, 0], mean[c], L)
    gb[c] = <floating>total
    gw[c] = <floating>(products * per_std)
    if L == 0:
        return
    if training:
        shift = -scale * total / count
        slope = -scale * per_std * per_std * products / count
    # gx = scale * g + slope * (x - mean) + shift
    for n in range(N):
        row_combination(&g[n, c, 0], &x[n, c, 0], mean[c], scale, slope, shift, &gx[n, c, 0], L)


# ------------------------------------------------------------------------------------ channel sum


def channel_sum(
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    floating[::1] out,                # OUT  (C,)
):
    """out[c] = sum over n, l of x[n, c, l]"""
    cdef Py_ssize_t c, C = x.shape[1], size = x.shape[0] * x.shape[1] * x.shape[2]
    for c in prange(C, nogil=True, schedule="static", num_threads=team(30.0 * size)):
        out[c] = <floating>sum_of_channel(x, c)


cdef inline double sum_of_channel(const floating[:, :, ::1] x, Py_ssize_t c) noexcept nogil:
    cdef Py_ssize_t n
    cdef double total = 0
    if x.shape[2] > 0:
        for n in range(x.shape[0]):
            total += row_sum(&x[n, c, 0], x.shape[2])
    return total


# ------------------------------------------------------------------------------------ max pooling


def max_pool_forward(
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    floating[:, :, ::1] y,            # OUT  (N, C, T)
    long long[:, :, ::1] places,      # OUT  (N, C, T), where in L; -1 if a window is all padding
    Py_ssize_t K,
    Py_ssize_t stride,
    Py_ssize_t padding,
    Py_ssize_t dilation,
):
    """y[n, c, t] = max over k of x[n, c, t*stride - padding + k*dilation], the first of equals

    A nan counts as the largest.
    """
    cdef Py_ssize_t i, C = x.shape[1], T = y.shape[2], rows = x.shape[0] * x.shape[1]
    if T == 0:
        return
    for i in prange(rows, nogil=True, schedule="static", num_threads=team(30.0 * K * rows * T)):
        row_max(
            &x[i // C, i % C, 0], x.shape[2], &y[i // C, i % C, 0], &places[i // C, i % C, 0],
            T, K, stride, padding, dilation,
        )


cdef inline void row_max(
    const floating* x, Py_ssize_t L, floating* y, long long* places, Py_ssize_t T, Py_ssize_t K,
    Py_ssize_t stride, Py_ssize_t padding, Py_ssize_t dilation,
) noexcept nogil:
    """One row of ``max_pool_forward``, tap by tap."""
    cdef Py_ssize_t t, k, at, first, last, offset
    cdef bint better
    # the first position of each window that is not padding
    for t in range(T):
        at = t * stride - padding
        if at < 0:
            at += (dilation - 1 - at) // dilation * dilation
        if at >= L or at > t * stride - padding + (K - 1) * dilation:
            y[t] = 0
            places[t] = -1
        else:
            y[t] = x[at]
            places[t] = at
    for k in range(1, min(K, (L - 1 + padding) // dilation + 1)):   # none reads inside after that
        offset = k * dilation - padding
        # the windows for which position t * stride + offset is in the row
        first = (stride - 1 - offset) // stride if offset < 0 else 0
        last = min(T, (L - 1 - offset) // stride + 1) if offset < L else 0
        for t in range(first, last):
            at = t * stride + offset
            # which is larger is as good as random: a branch would be guessed wrong half the time
            better = (not x[at] <= y[t]) & (y[t] == y[t])
            places[t] += better * (at - places[t])
            y[t] = x[places[t]]


def max_pool_backward(
    const floating[:, :, ::1] g,      # IN   (N, C, T)
    const long long[:, :, ::1] places,  # IN (N, C, T)
    floating[:, :, ::1] gx,           # OUT  (N, C, L), added to
):
    """gx[n, c, places[n, c, t]] += g[n, c, t]"""
    cdef Py_ssize_t i, C = g.shape[1], T = g.shape[2], rows = g.shape[0] * g.shape[1]
    if T == 0:
        return
    for i in prange(rows, nogil=True, schedule="static", num_threads=team(100.0 * rows * T)):
        row_scatter(&g[i // C, i % C, 0], &places[i // C, i % C, 0], &gx[i // C, i % C, 0], T)


cdef inline void row_scatter(
    const floating* g, const long long* places, floating* gx, Py_ssize_t T
) noexcept nogil:
    cdef Py_ssize_t t
    for t in range(T):
        gx[places[t]] += g[t]


# --------------------------------------------------------------------------------- rows of numbers


cdef inline double row_sum(const floating* x, Py_ssize_t n) noexcept nogil:
    """sum of x[i]"""
    cdef double lane[LANES]
    cdef Py_ssize_t i, j
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            lane[j] += x[i * LANES + j]
    for i in range(n // LANES * LANES, n):
        lane[0] += x[i]
    return lanes_sum(lane)


cdef inline double row_squares(const floating* x, double mean, Py_ssize_t n) noexcept nogil:
    """sum of (x[i] - mean)**2"""
    cdef double lane[LANES]
    cdef double away
    cdef Py_ssize_t i, j
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            away = x[i * LANES + j] - mean
            lane[j] += away * away
    for i in range(n // LANES * LANES, n):
        lane[0] += (x[i] - mean) * (x[i] - mean)
    return lanes_sum(lane)


cdef inline double row_products(
    const floating* g, const floating* x, double mean, Py_ssize_t n
) noexcept nogil:
    """sum of g[i] * (x[i] - mean)"""
    cdef double lane[LANES]
    cdef Py_ssize_t i, j
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            lane[j] += g[i * LANES + j] * (x[i * LANES + j] - mean)
    for i in range(n // LANES * LANES, n):
        lane[0] += g[i] * (x[i] - mean)
    return lanes_sum(lane)


cdef inline double lanes_sum(const double* lane) noexcept nogil:
    """The running sums as one."""
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]))


cdef inline void row_affine(
    const floating* x, double mean, double scale, double shift, floating* y, Py_ssize_t n
) noexcept nogil:
    """y[i] = (x[i] - mean) * scale + shift"""
    # x - near is exact to the last digit where x is close to the mean; what the rounding of the
    # mean leaves behind goes into the shift.
    cdef floating near = <floating>mean, by = <floating>scale
    cdef floating add = <floating>(shift + (near - mean) * scale)
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = (x[i] - near) * by + add


cdef inline void row_combination(
    const floating* g, const floating* x, double mean, double scale, double slope, double shift,
    floating* out, Py_ssize_t n,
) noexcept nogil:
    """out[i] = scale * g[i] + slope * (x[i] - mean) + shift"""
    cdef floating near = <floating>mean, by = <floating>scale, tilt = <floating>slope
    cdef floating add = <floating>(shift + (near - mean) * slope)
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = by * g[i] + tilt * (x[i] - near) + add
