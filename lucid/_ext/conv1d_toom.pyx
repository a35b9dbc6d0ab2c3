"""Short kernels over many channels, with fewer multiplications: read ``toom.py`` first.

m neighbouring outputs are one *column*. For a stretch of columns, three products of matrices::

    v[e, c, q] = sum over j of  D[e, j] * p[c, first + q*m + j]        the inputs, transformed
    z[e, o, q] = sum over c of  u[e, o, c] * v[e, c, q]                where the work is
    y[o, q*m + i] = sum over e of  A[i, e] * z[e, o, q]                back to outputs

with ``u[e, o, c] = sum over k of G[e, k] * w[o, c, k]``. All are ``multiply`` of ``tile.h``. What p
and y hold side by side, ``deal`` and ``weave`` bring into rows and back.

A kernel longer than r taps is cut into pieces of r = m taps: piece b reads what piece 0 reads b
columns later, so that (c, b) takes the place of c in the middle product.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from lucid._ext.rows cimport Geometry, aligned, fill_row, pieces
from lucid._ext.simd cimport BLOCK, deal, finite, multiply, weave
from lucid._ext.threads cimport team

cdef enum:
    LINE = 16           # numbers that a row is a multiple of
    TILE = 256          # bytes: a row of the widest tile
    WEIGHTS = 786432    # transformed weights at a time
    SUMS = 786432       # transformed inputs, and sums, of a thread at a time
    POINTS = 16         # at most, and at most so many inputs of a column


cdef struct Job:
    Geometry line               # to read position by position
    Py_ssize_t N, groups, C, O, K, T        # C and O of one group
    Py_ssize_t first, beyond    # the positions that are read: from, to
    Py_ssize_t m, r, E          # outputs of a column, taps of a piece, points: as many as inputs
    Py_ssize_t parts            # pieces of the kernel
    Py_ssize_t group, c, o, channels, outputs       # of a block: the first, and how many
    Py_ssize_t columns, stretch, stretches          # of a row, at a time, and how often
    Py_ssize_t samples          # at a time, if their rows are short
    Py_ssize_t later            # columns that are read besides
    Py_ssize_t pitch            # from one row to the next


def correlate(x, w, bias, y, scheme, Py_ssize_t first, int mode):
    """y[n, o, t] = bias[o] + sum over c, k of w[o, c, k] * padded x[n, c, first + t + k]

    Parameters
    ----------
    x : array
        (N, groups * C, L)
    w : array
        (groups, O, C, K)
    bias : array or None
        (groups * O,)
    y : array
        (N, groups * O, T), written to.
    scheme : Scheme
        The matrices.
    first : int
        The position that output 0 reads at tap 0; negative in the left padding.
    mode : int
        Of the padding.

    Returns
    -------
    bool
        Whether all of the result is finite. If not, it must be computed by its definition: what is
        not finite spoils a whole column, and the sums of one can overflow where no output does.
    """
    if y.itemsize == 4:
        return run[float](x, w, bias, y, scheme.A, scheme.G, scheme.D, first, mode)
    return run[double](x, w, bias, y, scheme.A, scheme.G, scheme.D, first, mode)


cdef bint run(
    const floating[:, :, ::1] x, const floating[:, :, :, ::1] w, bias, floating[:, :, ::1] y,
    const floating[:, ::1] A, const floating[:, ::1] G, const floating[:, ::1] D, Py_ssize_t first,
    int mode,
) except -1:
    cdef const floating[::1] b
    cdef const floating* start = NULL
    cdef Py_ssize_t across, along, channels, outputs, block, item, items, size
    cdef floating* u
    cdef floating* scratch
    cdef bint fine = True
    cdef int threads
    cdef Job job
    if x.shape[0] == 0:
        return True
    if bias is not None:
        b = bias
        start = &b[0]
    job.line = Geometry(x.shape[2], 0, 1, 1, 1, 1, mode)
    job.N, job.T = y.shape[0], y.shape[2]
    job.groups, job.O, job.C, job.K = w.shape[0], w.shape[1], w.shape[2], w.shape[3]
    job.first, job.beyond = first, first + job.T + job.K - 1
    job.m, job.E, job.r = A.shape[0], A.shape[1], G.shape[1]
    job.parts = pieces(job.K, job.r)
    # blocks of channels, whose transformed weights stay in the second cache
    channels = pieces(job.C, pieces(job.C, BLOCK // job.parts))
    across = pieces(job.C, channels)
    along = max(
        pieces(job.O * job.E * channels * job.parts * sizeof(floating), WEIGHTS),
        pieces(job.O, BLOCK))
    outputs = pieces(job.O, along)
    along = pieces(job.O, outputs)
    threads = team(2.0 * job.N * job.groups * job.O * job.T * job.C * job.K)
    size = plan(&job, threads, channels, outputs, sizeof(floating))
    items = pieces(job.N, job.samples) * job.stretches
    u = <floating*> malloc((job.E * outputs * channels * job.parts + LINE) * sizeof(floating))
    scratch = <floating*> malloc((threads * size + 64) * sizeof(floating))
    try:
        if u == NULL or scratch == NULL:
            raise MemoryError("no memory for conv1d's transformed weights and inputs")
        with nogil:
            for block in range(job.groups * along * across):
                job.group = block // (along * across)
                job.o = block // across % along * outputs
                job.outputs = min(outputs, job.O - job.o)
                job.c = block % across * channels
                job.channels = min(channels, job.C - job.c)
                for item in prange(job.outputs, num_threads=threads):
                    transform_weights(
                        &job, item, &w[job.group, job.o + item, job.c, 0], &G[0, 0], u,
                        <floating*> aligned(scratch) + threadid() * size)
                for item in prange(items, num_threads=threads, schedule="static"):
                    convolve_item(
                        &job, item, &x[0, 0, 0], u, start, &A[0, 0], &D[0, 0], &y[0, 0, 0],
                        <floating*> aligned(scratch) + threadid() * size, &fine)
    finally:
        free(u)
        free(scratch)
    return fine


cdef Py_ssize_t plan(
    Job* job, int threads, Py_ssize_t channels, Py_ssize_t outputs, Py_ssize_t bytes
) noexcept nogil:
    """Cut the columns into stretches; return how many numbers a thread needs room for.

    How they are cut changes no sum, so it may depend on the number of threads.
    """
    cdef Py_ssize_t shares = 1 if threads == 1 else 4 * threads
    cdef Py_ssize_t tile = TILE // bytes
    cdef Py_ssize_t most = SUMS // (bytes * job.E * (channels + outputs)) // tile * tile, room
    job.columns = pieces(job.T, job.m)
    job.later = job.parts - 1 + (job.E - 1) // job.m
    most = min(most, pieces(pieces(job.N * job.columns, shares), tile) * tile)
    most = max(tile, most)
    job.samples = max(<Py_ssize_t>1, min(job.N, (most + job.later) // (job.columns + job.later)))
    job.samples = pieces(job.N, pieces(job.N, job.samples))
    job.stretches = 1 if job.samples > 1 else pieces(job.columns, most)
    job.stretch = pieces(job.columns, job.stretches)
    if job.stretches > 1:
        job.stretch = pieces(job.stretch, tile) * tile
        job.stretches = pieces(job.columns, job.stretch)
    job.pitch = job.samples * (job.stretch + job.later) - job.later     # of these, whole registers
    job.pitch = (pieces(pieces(job.pitch, LINE) * LINE + job.later, LINE) | 1) * LINE
    # inputs in rows and, of one sample, in a line; transformed inputs; sums; outputs; zeros
    room = 2 * job.m * job.pitch + job.E * (channels + outputs) * job.pitch
    room = max(room, job.r * channels * job.parts) + job.m * job.pitch + outputs
    return pieces(room, LINE) * LINE


cdef void transform_weights(
    const Job* job, Py_ssize_t o, const floating* w, const floating* G, floating* u,
    floating* taps,
) noexcept nogil:
    """u[e, o, (c, b)] = sum over k of G[e, k] * w[o, c, b*r + k]"""
    cdef Py_ssize_t count = job.channels * job.parts, last = job.parts - 1, c, k, e
    cdef Py_ssize_t row[POINTS]
    cdef Py_ssize_t col[POINTS]
    cdef floating zeros[POINTS]
    for e in range(job.E):
        row[e] = e * job.r
        zeros[e] = 0
    for k in range(job.r):
        col[k] = k * count
    # taps[k, (c, b)] = w[o, c, b*r + k], and 0 behind the last tap
    if job.K == job.r * job.parts:
        deal(w, job.r, count, taps, count)
    else:
        for c in range(job.channels):
            deal(w + c * job.K, job.r, last, taps + c * job.parts, count)
            for k in range(job.r):
                taps[k * count + c * job.parts + last] = (
                    w[c * job.K + last * job.r + k] if last * job.r + k < job.K else 0)
    multiply(G, row, taps, col, job.r, u + o * count, job.outputs * count, job.E, count, zeros)


cdef void convolve_item(
    const Job* job, Py_ssize_t item, const floating* x, const floating* u, const floating* bias,
    const floating* A, const floating* D, floating* y, floating* scratch, bint* fine,
) noexcept nogil:
    """One stretch of columns, or all those of some samples, for a block of channels."""
    cdef Py_ssize_t n = item // job.stretches * job.samples, samples = min(job.samples, job.N - n)
    cdef Py_ssize_t q = item % job.stretches * job.stretch
    cdef Py_ssize_t columns = min(job.stretch, job.columns - q)
    cdef Py_ssize_t apart = columns + job.later     # from one sample's columns to the next's
    # Between samples sums are computed that nobody needs; but whole registers are quicker.
    cdef Py_ssize_t sums = pieces(samples * apart - job.later, LINE) * LINE
    cdef Py_ssize_t c, o, e, i, b, pitch = job.pitch, count = job.channels * job.parts
    cdef Py_ssize_t x_sample = job.groups * job.C * job.line.L
    cdef Py_ssize_t y_sample = job.groups * job.O * job.T
    cdef Py_ssize_t row[BLOCK]
    cdef Py_ssize_t col[BLOCK]
    cdef floating start[POINTS]
    cdef floating* dealt = scratch
    cdef floating* line = dealt + job.m * pitch
    cdef floating* v = line + job.m * pitch
    cdef floating* z = v + job.E * job.channels * pitch
    cdef floating* out = z + job.E * job.outputs * pitch
    cdef floating* zeros = out + job.m * pitch
    if not fine[0]:
        return      # nobody will look at it
    x += n * x_sample + (job.group * job.C + job.c) * job.line.L
    y += n * y_sample + (job.group * job.O + job.o) * job.T
    memset(dealt, 0, job.m * pitch * sizeof(floating))
    memset(zeros, 0, job.outputs * sizeof(floating))
    # v[e, c, q] = sum over j of D[e, j] * dealt[j % m, q + j // m]
    for e in range(job.E):
        row[e] = e * job.E
        col[e] = e % job.m * pitch + e // job.m
        start[e] = 0
    for c in range(job.channels):
        for i in range(samples):
            deal_input(job, x + i * x_sample + c * job.line.L, q, apart, dealt + i * apart, line)
        multiply(
            D, row, dealt, col, job.E, v + c * pitch, job.channels * pitch, job.E,
            sums + job.parts - 1, start)
    # z[e, o, q] = sum over c, b of u[e, o, (c, b)] * v[e, c, q + b]
    for c in range(job.channels):
        for b in range(job.parts):
            col[c * job.parts + b] = c * pitch + b
    for o in range(job.outputs):
        row[o] = o * count
    for e in range(job.E):
        multiply(
            u + e * job.outputs * count, row, v + e * job.channels * pitch, col, count,
            z + e * job.outputs * pitch, pitch, job.outputs, sums, zeros)
    # out[i, q] = sum over e of A[i, e] * z[e, o, q], then to its places in y
    for e in range(job.E):
        col[e] = e * job.outputs * pitch
    for o in range(job.outputs):
        for i in range(job.m):
            row[i] = i * job.E
            # (to the sums of the first channels those of further ones are added)
            start[i] = bias[job.group * job.O + job.o + o] if bias != NULL and job.c == 0 else 0
        multiply(A, row, z + o * pitch, col, job.E, out, pitch, job.m, sums, start)
        for i in range(samples):
            if not put(job, out + i * apart, q, columns, y + i * y_sample + o * job.T):
                fine[0] = False     # (all threads write the same)


cdef void deal_input(
    const Job* job, const floating* x, Py_ssize_t q, Py_ssize_t length, floating* dealt,
    floating* line,
) noexcept nogil:
    """dealt[j, i] = padded x[first + (q + i)*m + j]"""
    cdef Py_ssize_t at = job.first + q * job.m, total = job.m * length
    if at < 0 or at + total > min(job.line.L, job.beyond):
        fill_row(&job.line, x, at, max(<Py_ssize_t>0, min(total, job.beyond - at)), line, total)
        deal(line, job.m, length, dealt, job.pitch)
    else:
        deal(x + at, job.m, length, dealt, job.pitch)


cdef bint put(
    const Job* job, const floating* out, Py_ssize_t q, Py_ssize_t columns, floating* y
) noexcept nogil:
    """y[(q + j)*m + i] = out[i, j]; added, except for the first block of input channels

    Return whether all of these outputs are finite.
    """
    cdef bint add = job.c > 0
    cdef Py_ssize_t whole = min(columns, job.T // job.m - q), count = whole * job.m, i
    y += q * job.m
    weave(out, job.pitch, job.m, whole, y, add)
    if whole < columns:     # of the last column
        for i in range(job.T % job.m):
            y[count + i] = out[i * job.pitch + whole] + (y[count + i] if add else 0)
        count += job.T % job.m
    return finite(y, count)
