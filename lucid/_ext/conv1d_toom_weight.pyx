"""The weight gradient of short kernels over many channels, with fewer multiplications.

Read ``toom.py`` and ``conv1d_toom.pyx`` first. The outputs are ``A @ ((G @ w) * (D @ x))``, so with
g their gradient that of the taps is ``G^T @ ((A^T @ g) * (D @ x))``, summed over all columns q:
three products of matrices for each point e, again by ``multiply``::

    s[e, o, q] = sum over i of  A[i, e] * g[o, q*m + i]             the gradients, transformed
    v[e, q, c] = sum over j of  D[e, j] * p[c, first + q*m + j]     the inputs, transformed
    z[e, o, c] = sum over q of  s[e, o, q] * v[e, q, c]             where the work is
    w_grad[o, c, k] = sum over e of  G[e, k] * z[e, o, c]           back to taps

Piece b of a longer kernel reads the columns b further on. v lies column by column, so what all
pieces read at column q is one piece of memory, and (b, c) takes the place of c.

Each thread takes some of the points. In which order a number is summed does not depend on that.
"""

import numpy as np

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from lucid._ext.rows cimport Geometry, aligned, fill_row, pieces
from lucid._ext.simd cimport BLOCK, deal, finite, multiply, turn
from lucid._ext.threads cimport team

cdef enum:
    LINE = 16           # numbers that a row is a multiple of
    SUMS = 131072       # of all points, for a block of channels
    COLUMNS = 131072    # transformed numbers, of inputs and gradients, at a time
    TURNED = 16         # columns that are turned round at a time
    STRETCHES = 16      # of columns, whose sums are added up before they are put away
    POINTS = 16         # at most


cdef struct Job:
    Geometry line               # to read position by position
    Py_ssize_t N, O, C, K, T    # O and C of one group
    Py_ssize_t g_sample, x_sample
    Py_ssize_t first            # the position that output 0 reads at tap 0
    Py_ssize_t m, r, E          # outputs of a column, taps of a piece, points
    Py_ssize_t parts            # pieces of the kernel
    Py_ssize_t outputs, channels            # of a block
    Py_ssize_t columns, stretch, stretches  # of a row, at a time, and how often
    Py_ssize_t samples          # at a time, if their rows are short
    Py_ssize_t apart            # from one sample's columns to the next's
    Py_ssize_t pitch            # from one row of s to the next


def correlate_weight(g, x, w_grad, scheme, Py_ssize_t first, int mode):
    """w_grad[o, c, k] = sum over n, t of g[n, o, t] * padded x[n, c, first + t + k]

    Parameters
    ----------
    g : array
        (N, groups * O, T)
    x : array
        (N, groups * C, L)
    w_grad : array
        (groups, O, C, K), written to.
    scheme : Scheme
        The matrices.
    first : int
        The position that output 0 reads at tap 0.
    mode : int
        Of the padding.

    Returns
    -------
    bool
        Whether all of the result is finite; if not, it must be computed by its definition.
    """
    if g.size == 0 or w_grad.size == 0:     # nothing to sum, and no sizes to cut the work by
        w_grad[...] = 0
        return True
    A, G = np.ascontiguousarray(scheme.A.T), np.ascontiguousarray(scheme.G.T)
    if g.itemsize == 4:
        return run[float](g, x, w_grad, A, G, scheme.D, first, mode)
    return run[double](g, x, w_grad, A, G, scheme.D, first, mode)


cdef bint run(
    const floating[:, :, ::1] g, const floating[:, :, ::1] x, floating[:, :, :, ::1] w_grad,
    const floating[:, ::1] A, const floating[:, ::1] G, const floating[:, ::1] D, Py_ssize_t first,
    int mode,
) except -1:
    cdef Py_ssize_t block, group, o, c, i, along, across, share, shares, size, outputs, channels
    cdef Py_ssize_t groups = w_grad.shape[0]
    cdef floating* z
    cdef floating* scratch
    cdef bint fine = True
    cdef int threads
    cdef Job job
    job.line = Geometry(x.shape[2], 0, 1, 1, 1, 1, mode)
    job.N, job.T, job.first = g.shape[0], g.shape[2], first
    job.O, job.C, job.K = w_grad.shape[1], w_grad.shape[2], w_grad.shape[3]
    job.g_sample, job.x_sample = g.shape[1] * g.shape[2], x.shape[1] * x.shape[2]
    job.E, job.m, job.r = A.shape[0], A.shape[1], G.shape[0]
    job.parts = pieces(job.K, job.r)
    size = plan(&job)
    along, across = pieces(job.O, job.outputs), pieces(job.C, job.channels)
    threads = team(2.0 * job.N * groups * job.O * job.T * job.C * job.K)
    shares = min(<Py_ssize_t>threads, job.E)
    # sums, those that were put away, and what each thread needs
    z = <floating*> malloc(
        (2 * job.E * job.outputs * job.channels * job.parts + LINE) * sizeof(floating))
    scratch = <floating*> malloc((threads * size + 64) * sizeof(floating))
    try:
        if z == NULL or scratch == NULL:
            raise MemoryError("no memory for the sums of conv1d's weight gradient")
        with nogil:
            for block in range(groups * along * across):
                group = block // (along * across)
                o = block // across % along * job.outputs
                c = block % across * job.channels
                outputs, channels = min(job.outputs, job.O - o), min(job.channels, job.C - c)
                for share in prange(shares, num_threads=threads, schedule="static", chunksize=1):
                    sum_points(
                        &job, share * job.E // shares, (share + 1) * job.E // shares,
                        outputs, channels,
                        &g[0, group * job.O + o, 0], &x[0, group * job.C + c, 0], &A[0, 0],
                        &D[0, 0], z, <floating*> aligned(scratch) + threadid() * size)
                for i in prange(outputs, num_threads=threads):
                    back_to_taps(
                        &job, i, outputs, channels,
                        &G[0, 0], z, &w_grad[group, o + i, c, 0],
                        <floating*> aligned(scratch) + threadid() * size, &fine)
    finally:
        free(z)
        free(scratch)
    return fine


cdef Py_ssize_t plan(Job* job) noexcept nogil:
    """Cut the work, by sizes alone; return how many numbers a thread needs room for."""
    cdef Py_ssize_t side, most, slots, window
    # blocks of about as many outputs as channels, because each transforms its inputs anew
    side = 1
    while job.E * job.parts * (side + 1) * (side + 1) <= SUMS:
        side += 1
    job.channels = pieces(job.C, pieces(job.C, side))
    job.outputs = max(<Py_ssize_t>1, SUMS // (job.E * job.parts * job.channels))
    job.outputs = pieces(job.O, pieces(job.O, job.outputs))
    job.channels = max(<Py_ssize_t>1, SUMS // (job.E * job.parts * job.outputs))
    job.channels = pieces(job.C, pieces(job.C, min(job.channels, <Py_ssize_t>BLOCK)))
    most = COLUMNS // (job.E * (job.outputs + job.channels))
    most = max(<Py_ssize_t>LINE, min(most, <Py_ssize_t>BLOCK))
    job.columns = pieces(job.T, job.m)
    job.apart = job.columns + job.parts - 1
    job.samples = max(<Py_ssize_t>1, min(job.N, (most + job.parts - 1) // job.apart))
    job.samples = pieces(job.N, pieces(job.N, job.samples))
    job.stretches = 1 if job.samples > 1 else pieces(job.columns, most)
    job.stretch = pieces(job.columns, job.stretches)
    job.stretches = pieces(job.columns, job.stretch)
    job.apart = job.stretch + job.parts - 1
    slots = job.samples * job.apart
    job.pitch = (pieces(slots, LINE) | 1) * LINE
    window = (TURNED - 1) * job.m + job.E       # positions
    # g's rows dealt, s, v, and a window of the input as it is and turned round
    return pieces(
        (job.m + job.E * job.outputs) * job.pitch + job.E * slots * job.channels
        + 2 * (window + LINE) * job.channels + job.r * job.parts * job.channels + 4 * LINE,
        LINE) * LINE


cdef void sum_points(
    const Job* job, Py_ssize_t low, Py_ssize_t high, Py_ssize_t outputs, Py_ssize_t channels,
    const floating* g, const floating* x, const floating* A, const floating* D, floating* z,
    floating* scratch,
) noexcept nogil:
    """z[e, o, (b, c)] for the points from low to high, over all samples and columns"""
    cdef Py_ssize_t batch, n, stretch, columns, samples, slots, e, o, i, added = 0
    cdef Py_ssize_t count = channels * job.parts, points = high - low
    cdef Py_ssize_t size = points * outputs * count, v_point = job.samples * job.apart * channels
    cdef Py_ssize_t row[BLOCK]
    cdef Py_ssize_t col[BLOCK]
    cdef floating* total = z + (job.E + low) * outputs * count
    cdef floating* dealt = scratch
    cdef floating* s = dealt + job.m * job.pitch
    cdef floating* v = s + points * outputs * job.pitch
    cdef floating* window = v + points * v_point + LINE
    z += low * outputs * count
    memset(z, 0, size * sizeof(floating))
    memset(total, 0, size * sizeof(floating))
    for batch in range(pieces(job.N, job.samples)):
        n = batch * job.samples
        samples = min(job.samples, job.N - n)
        for stretch in range(job.stretches):
            columns = min(job.stretch, job.columns - stretch * job.stretch)
            slots = (samples - 1) * job.apart + columns
            transform_gradients(
                job, A + low * job.m, points, outputs, stretch * job.stretch, columns, samples,
                slots, g + n * job.g_sample, dealt, s)
            for i in range(samples):
                transform_inputs(
                    job, D + low * job.E, points, channels, stretch * job.stretch,
                    columns + job.parts - 1, x + (n + i) * job.x_sample,
                    v + i * job.apart * channels, v_point, window)
            # z[e, o, (b, c)] += sum over q of s[e, o, q] * v[e, q + b, c]
            for i in range(slots):
                col[i] = i * channels
            for i in range(BLOCK):
                row[i] = i * job.pitch
            for e in range(points):
                for i in range(pieces(outputs, BLOCK)):
                    o = e * outputs + i * BLOCK
                    multiply(
                        s + o * job.pitch, row, v + e * v_point, col, slots, z + o * count, count,
                        min(<Py_ssize_t>BLOCK, outputs - i * BLOCK), count, <const floating*> NULL)
            added += 1
            if added % STRETCHES == 0:
                put_away(z, total, size)
    put_away(z, total, size)


cdef inline void put_away(floating* sums, floating* totals, Py_ssize_t count) noexcept nogil:
    """totals += sums; sums = 0"""
    cdef Py_ssize_t i
    for i in range(count):
        totals[i] += sums[i]
        sums[i] = 0


cdef void transform_gradients(
    const Job* job, const floating* A, Py_ssize_t points, Py_ssize_t outputs, Py_ssize_t q,
    Py_ssize_t columns, Py_ssize_t samples, Py_ssize_t slots, const floating* g, floating* dealt,
    floating* s,
) noexcept nogil:
    """s[e, o, q] = sum over i of A[i, e] * g[o, q*m + i]; 0 between samples"""
    cdef Py_ssize_t e, i, j, o, m = job.m, whole = min(columns, job.T // m - q)
    cdef Py_ssize_t row[POINTS]
    cdef Py_ssize_t col[POINTS]
    cdef floating zeros[POINTS]
    cdef const floating* at
    for e in range(points):
        row[e] = e * m
        zeros[e] = 0
    for i in range(m):
        col[i] = i * job.pitch
    memset(dealt, 0, m * job.pitch * sizeof(floating))
    for o in range(outputs):
        for j in range(samples):
            at = g + j * job.g_sample + o * job.T + q * m
            deal(at, m, whole, dealt + j * job.apart, job.pitch)
            if whole < columns:     # the last column of a row has fewer outputs
                for i in range(job.T % m):
                    dealt[i * job.pitch + j * job.apart + whole] = at[whole * m + i]
        multiply(
            A, row, dealt, col, m, s + o * job.pitch, outputs * job.pitch, points, slots, zeros)


cdef void transform_inputs(
    const Job* job, const floating* D, Py_ssize_t points, Py_ssize_t channels, Py_ssize_t q,
    Py_ssize_t columns, const floating* x, floating* v, Py_ssize_t v_point, floating* window,
) noexcept nogil:
    """v[e, q, c] = sum over j of D[e, j] * padded x[c, first + q*m + j]"""
    cdef Py_ssize_t chunk, some, start, inside, positions, e, i, j, L = job.line.L
    cdef Py_ssize_t beyond = job.first + job.T + job.K - 1   # nothing is read from there on
    cdef Py_ssize_t pitch = (TURNED - 1) * job.m + job.E + LINE
    cdef Py_ssize_t row[POINTS]
    cdef Py_ssize_t col[POINTS]
    cdef floating zeros[POINTS]
    cdef floating* turned = window + channels * pitch
    for e in range(points):
        row[e] = e * job.E
        zeros[e] = 0
    for j in range(job.E):
        col[j] = j * channels
    for chunk in range(pieces(columns, TURNED)):
        i = chunk * TURNED
        some = min(<Py_ssize_t>TURNED, columns - i)
        start = job.first + (q + i) * job.m
        positions = (some - 1) * job.m + job.E
        if start >= 0 and start + positions <= min(L, beyond):
            turn(x + start, L, channels, positions, turned, channels)
        else:
            inside = max(<Py_ssize_t>0, min(positions, beyond - start))
            for j in range(channels):
                fill_row(&job.line, x + j * L, start, inside, window + j * pitch, positions)
            turn(window, pitch, channels, positions, turned, channels)
        for j in range(some):
            multiply(
                D, row, turned + j * job.m * channels, col, job.E, v + (i + j) * channels, v_point,
                points, channels, zeros)


cdef void back_to_taps(
    const Job* job, Py_ssize_t o, Py_ssize_t outputs, Py_ssize_t channels, const floating* G,
    const floating* z, floating* w_grad, floating* taps, bint* fine,
) noexcept nogil:
    """w_grad[c, b*r + k] = sum over e of G[e, k] * z[e, o, (b, c)]"""
    cdef Py_ssize_t count = channels * job.parts, b, c, e, k
    cdef Py_ssize_t row[POINTS]
    cdef Py_ssize_t col[POINTS]
    cdef floating zeros[POINTS]
    z += job.E * outputs * count + o * count        # what was put away
    for k in range(job.r):
        row[k] = k * job.E
        zeros[k] = 0
    for e in range(job.E):
        col[e] = e * outputs * count
    multiply(G, row, z, col, job.E, taps, count, job.r, count, zeros)
    if not finite(taps, job.r * count):
        fine[0] = False     # (all threads write the same)
    for b in range(job.parts):
        for k in range(min(job.r, job.K - b * job.r)):
            for c in range(channels):
                w_grad[c * job.K + b * job.r + k] = taps[k * count + b * channels + c]
