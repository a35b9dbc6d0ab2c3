"""conv1d and its two adjoints: three faces of one sum.

With ``p`` the padded input, ``s`` the stride, ``d`` the dilation and ``c`` running over the input
channels of the group that ``o`` belongs to::

    forward          y[n, o, t]  += sum over c, k of  w[o, c, k] * p[n, c, t*s + k*d]
    input gradient   p[n, c, t*s + k*d] += w[o, c, k] * g[n, o, t]     for every o, k, t
    weight gradient  w[o, c, k]  += sum over n, t of  g[n, o, t] * p[n, c, t*s + k*d]

Each kernel copies a row into its padded form once (or, for the input gradient, folds a padded row
back), so that the loops below have no special cases at the edges. Every kernel *adds* to its
output: the caller hands it zeros, or the bias.

Each has a twin of a few lines in ``numpy_twins.py``: read that one first. Kernels trust what they
get; shapes, dtypes and sizes are checked by ``lucid/ops/conv.py`` before any of them is called.
"""

from cython cimport floating

from lucid._ext.pad cimport pad_index

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #define LUCID_SIMD "AVX-512"
    #elif defined(__AVX2__)
    #define LUCID_SIMD "AVX2"
    #elif defined(__SSE2__) || defined(_M_X64)
    #define LUCID_SIMD "SSE2"
    #elif defined(__ARM_NEON)
    #define LUCID_SIMD "NEON"
    #else
    #define LUCID_SIMD "none"
    #endif
    """
    const char* LUCID_SIMD

simd_level = LUCID_SIMD.decode()

# Lanes of partial sums in a dot product. Independent of the machine, so the order of the
# additions, and with it every bit of the result, is the same on all of them.
cdef enum:
    LANES = 16
    BLOCK = 1024


def conv1d_forward(
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    const floating[:, :, ::1] w,      # IN   (O, C / groups, K)
    floating[:, :, ::1] y,            # OUT  (N, O, T), added to
    floating[:, ::1] padded,          # scratch (C, left + L + right)
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    int mode,
):
    """y[n, o, t] += sum over c, k of w[o, c, k] * padded[n, c, t*stride + k*dilation]"""
    cdef Py_ssize_t n, o, c, k, first
    cdef Py_ssize_t C_per_group = w.shape[1], O_per_group = w.shape[0] // groups
    with nogil:
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                gather(x, padded, n, c, left, mode)
            for o in range(w.shape[0]):
                first = (o // O_per_group) * C_per_group
                for c in range(C_per_group):
                    for k in range(w.shape[2]):
                        # y[n, o] += w[o, c, k] * padded[first + c, k*dilation :: stride]
                        axpy_from(w[o, c, k], padded, first + c, k * dilation, stride, y, n, o)


def conv1d_input_grad(
    const floating[:, :, ::1] g,      # IN   (N, O, T)
    const floating[:, :, ::1] w,      # IN   (O, C / groups, K)
    floating[:, :, ::1] x_grad,       # OUT  (N, C, L), added to
    floating[:, ::1] padded,          # scratch (C, left + L + right)
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    int mode,
):
    """padded[n, c, t*stride + k*dilation] += w[o, c, k] * g[n, o, t], then folded into x_grad"""
    cdef Py_ssize_t n, o, c, k, first
    cdef Py_ssize_t C_per_group = w.shape[1], O_per_group = w.shape[0] // groups
    with nogil:
        for n in range(g.shape[0]):
            padded[:, :] = 0
            for o in range(w.shape[0]):
                first = (o // O_per_group) * C_per_group
                for c in range(C_per_group):
                    for k in range(w.shape[2]):
                        # padded[first + c, k*dilation :: stride] += w[o, c, k] * g[n, o]
                        axpy_to(w[o, c, k], g, n, o, padded, first + c, k * dilation, stride)
            for c in range(x_grad.shape[1]):
                scatter(padded, x_grad, n, c, left, mode)


def conv1d_weight_grad(
    const floating[:, :, ::1] g,      # IN   (N, O, T)
    const floating[:, :, ::1] x,      # IN   (N, C, L)
    floating[:, :, ::1] w_grad,       # OUT  (O, C / groups, K), added to
    floating[:, ::1] padded,          # scratch (C, left + L + right)
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    int mode,
):
    """w_grad[o, c, k] += sum over n, t of g[n, o, t] * padded[n, c, t*stride + k*dilation]"""
    cdef Py_ssize_t n, o, c, k, first
    cdef Py_ssize_t C_per_group = w_grad.shape[1], O_per_group = w_grad.shape[0] // groups
    with nogil:
        for n in range(g.shape[0]):
            for c in range(x.shape[1]):
                gather(x, padded, n, c, left, mode)
            for o in range(w_grad.shape[0]):
                first = (o // O_per_group) * C_per_group
                for c in range(C_per_group):
                    for k in range(w_grad.shape[2]):
                        # w_grad[o, c, k] += g[n, o] @ padded[first + c, k*dilation :: stride]
                        w_grad[o, c, k] += dot(g, n, o, padded, first + c, k * dilation, stride)


cdef inline void gather(
    const floating[:, :, ::1] x, floating[:, ::1] padded,
    Py_ssize_t n, Py_ssize_t c, Py_ssize_t left, int mode,
) noexcept nogil:
    """padded[c, i] = x[n, c, pad_index(i - left)], or 0"""
    cdef Py_ssize_t i, source, L = x.shape[2]
    for i in range(padded.shape[1]):
        source = pad_index(i - left, L, mode)
        padded[c, i] = x[n, c, source] if source >= 0 else 0


cdef inline void scatter(
    const floating[:, ::1] padded, floating[:, :, ::1] x,
    Py_ssize_t n, Py_ssize_t c, Py_ssize_t left, int mode,
) noexcept nogil:
    """x[n, c, pad_index(i - left)] += padded[c, i]: the adjoint of gather"""
    cdef Py_ssize_t i, source, L = x.shape[2]
    for i in range(padded.shape[1]):
        source = pad_index(i - left, L, mode)
        if source >= 0:
            x[n, c, source] += padded[c, i]


cdef inline void axpy_from(
    floating a, const floating[:, ::1] padded, Py_ssize_t c, Py_ssize_t offset, Py_ssize_t stride,
    floating[:, :, ::1] y, Py_ssize_t n, Py_ssize_t o,
) noexcept nogil:
    """y[n, o, t] += a * padded[c, offset + t*stride]"""
    cdef Py_ssize_t t
    if stride == 1:                   # the same loop, in a form that the compiler vectorizes
        for t in range(y.shape[2]):
            y[n, o, t] += a * padded[c, offset + t]
    else:
        for t in range(y.shape[2]):
            y[n, o, t] += a * padded[c, offset + t * stride]


cdef inline void axpy_to(
    floating a, const floating[:, :, ::1] g, Py_ssize_t n, Py_ssize_t o,
    floating[:, ::1] padded, Py_ssize_t c, Py_ssize_t offset, Py_ssize_t stride,
) noexcept nogil:
    """padded[c, offset + t*stride] += a * g[n, o, t]: the adjoint of axpy_from"""
    cdef Py_ssize_t t
    if stride == 1:
        for t in range(g.shape[2]):
            padded[c, offset + t] += a * g[n, o, t]
    else:
        for t in range(g.shape[2]):
            padded[c, offset + t * stride] += a * g[n, o, t]


cdef inline floating dot(
    const floating[:, :, ::1] g, Py_ssize_t n, Py_ssize_t o,
    const floating[:, ::1] padded, Py_ssize_t c, Py_ssize_t offset, Py_ssize_t stride,
) noexcept nogil:
    """sum over t of g[n, o, t] * padded[c, offset + t*stride]

    One running sum would be slow (each addition waits for the last) and inexact. LANES sums side
    by side, added up in double precision after every BLOCK positions, are neither.
    """
    cdef floating lanes[LANES]
    cdef double total = 0
    cdef Py_ssize_t t = 0, stop = 0, j, T = g.shape[2]
    while t < T:
        stop = min(stop + BLOCK, T)
        for j in range(LANES):
            lanes[j] = 0
        if stride == 1:
            while t + LANES <= stop:
                for j in range(LANES):
                    lanes[j] += g[n, o, t + j] * padded[c, offset + t + j]
                t += LANES
        while t < stop:
            lanes[t % LANES] += g[n, o, t] * padded[c, offset + t * stride]
            t += 1
        for j in range(LANES):
            total += lanes[j]
    return <floating>total
