"""The gradient of conv1d's weight, the third face of the convolution.

With ``p`` the padded input, ``s`` the stride and ``d`` the dilation::

    w_grad[o, c, k] = sum over n, t of  g[n, o, t] * p[n, c, t*s + k*d]

Its twin is in ``numpy_twins.py``. Here the sum runs along the rows, and there are two ways:

*Tiles.* With many output channels these become the columns of a tile: g is turned round, block by
block, so that channels lie side by side, and ``multiply`` of ``tile.h`` adds up over positions.

*Dots.* With few of them that would waste most of a register. Then positions run along the register,
and its lanes are added up at the end: ``dot`` of ``tile.h``.

The loop over blocks of the weight runs on several threads; each number is summed by one, in a fixed
order. Sums of many float32 numbers are put away in double precision.
"""

from lucid._ext.choose import choose
from lucid._ext.fft import correlate_weight
from lucid._ext.simd import all_finite, register_lanes

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from lucid._ext.rows cimport (
    ROW_NUMBERS, Blocks, Geometry, Rows, aligned, block_of, cut, fill, gcd, pieces, places,
)
from lucid._ext.simd cimport BLOCK, dot, multiply, turn
from lucid._ext.threads cimport team

cdef enum:
    TURNED = 64         # output channels that are turned round at a time,
    POSITIONS = 144     # for so many positions: both together stay in the first cache
    MOST_BLOCKS = 4     # blocks of channels and taps that share what was turned round
    SUMS = 16           # blocks of positions that are added up in single precision


cdef struct Job:
    Geometry geometry
    Py_ssize_t groups, C, O, K, T           # C and O of one group
    Py_ssize_t x_sample, g_sample           # from one to the next in memory
    Py_ssize_t stretch, stretches, parts    # positions at a time; pieces of a row, of the blocks
    Blocks blocks


def conv1d_weight_grad(
    g,          # IN   (N, O, T)
    x,          # IN   (N, C, L)
    w_grad,     # OUT  (O, C / groups, K)
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    Py_ssize_t right,
    int mode,
):
    """w_grad[o, c, k] = sum over n, t of g[n, o, t] * padded[n, c, t*stride + k*dilation]"""
    C, O, K = w_grad.shape[1], w_grad.shape[0] // groups, w_grad.shape[2]
    way = choose("weight", C, O, K, g.shape[2], stride, dilation, register_lanes(w_grad))
    if way == "fft" and g.shape[0] > 0 and all_finite(g) and all_finite(x):
        if correlate_weight(g, x, w_grad.reshape(groups, O, C, K), -left, mode):
            return
        way = "tiles"
    if w_grad.itemsize == 4:
        weight_grad[float](g, x, w_grad, stride, dilation, groups, left, mode, way == "tiles")
    else:
        weight_grad[double](g, x, w_grad, stride, dilation, groups, left, mode, way == "tiles")


cdef int weight_grad(
    const floating[:, :, ::1] g, const floating[:, :, ::1] x, floating[:, :, ::1] w_grad,
    Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups, Py_ssize_t left, int mode,
    bint by_tiles,
) except -1:
    cdef Py_ssize_t N = g.shape[0], items, item, size, blocks, shares
    cdef int threads
    cdef Job job
    cdef Rows rows
    cdef floating* scratch
    if N == 0:
        w_grad[:, :, :] = 0
        return 0
    job.geometry = Geometry(
        x.shape[2], -left, stride, dilation, dilation, stride // gcd(stride, dilation), mode)
    job.groups, job.C = groups, w_grad.shape[1]
    job.O, job.K, job.T = w_grad.shape[0] // groups, w_grad.shape[2], g.shape[2]
    job.x_sample = x.shape[1] * x.shape[2]
    job.g_sample = g.shape[1] * g.shape[2]
    job.stretch = min(job.T, <Py_ssize_t>POSITIONS if by_tiles else <Py_ssize_t>ROW_NUMBERS // 4)
    job.blocks = cut(&job.geometry, job.C, job.K, job.stretch, job.stretch)
    job.stretches = pieces(job.T, job.stretch)
    job.stretch = pieces(job.T, job.stretches)
    block_of(&job.geometry, &job.blocks, 0, job.C, job.K, job.stretch, &rows)
    size = rows.channels * rows.phases * rows.pitch
    blocks = job.blocks.across * job.blocks.along
    threads = team(2.0 * N * groups * job.O * job.T * job.C * job.K)
    if by_tiles:
        # turning g round pays for several blocks at a time, as long as there is enough to share
        shares = 1 if threads == 1 else pieces(4 * threads, groups * pieces(job.O, TURNED))
        job.parts = min(blocks, max(pieces(blocks, MOST_BLOCKS), shares))
        items = groups * pieces(job.O, TURNED) * job.parts
        # the rows, g turned round, the sums of some blocks, and their totals in double precision
        size += POSITIONS * TURNED + pieces(blocks, job.parts) * BLOCK * TURNED * (
            1 + sizeof(double) // sizeof(floating))
    else:
        items = groups * blocks
        size = max(size, min(N * size, <Py_ssize_t>ROW_NUMBERS)) + (
            job.O * rows.channels * rows.taps * (sizeof(double) // sizeof(floating)))
    size = pieces(size, 64) * 64
    scratch = <floating*> malloc((threads * size + 64) * sizeof(floating))
    if scratch == NULL:
        raise MemoryError("no memory for the sums of conv1d's weight gradient")
    with nogil:
        if by_tiles:
            for item in prange(items, num_threads=threads, schedule="dynamic"):
                weight_by_tiles(
                    &job, item, N, &g[0, 0, 0], &x[0, 0, 0], &w_grad[0, 0, 0],
                    aligned(scratch) + threadid() * size)
        else:
            for item in prange(items, num_threads=threads, schedule="dynamic"):
                weight_by_dots(
                    &job, item, N, &g[0, 0, 0], &x[0, 0, 0], &w_grad[0, 0, 0],
                    aligned(scratch) + threadid() * size)
        free(scratch)
    return 0


cdef void weight_by_tiles(
    const Job* job, Py_ssize_t item, Py_ssize_t N, const floating* g, const floating* x,
    floating* w_grad, floating* scratch,
) noexcept nogil:
    """A part of the blocks, for TURNED output channels of a group, which are a tile's columns."""
    cdef Py_ssize_t wide = pieces(job.O, TURNED), blocks = job.blocks.across * job.blocks.along
    cdef Py_ssize_t part = item % job.parts, o = item // job.parts % wide * TURNED
    cdef Py_ssize_t group = item // job.parts // wide
    cdef Py_ssize_t low = part * blocks // job.parts, high = (part + 1) * blocks // job.parts
    cdef Py_ssize_t columns = min(<Py_ssize_t>TURNED, job.O - o)
    cdef Py_ssize_t n, stretch, i, j, c, k, m, added = 0, count = (high - low) * BLOCK * TURNED
    cdef Py_ssize_t row[BLOCK]
    cdef Py_ssize_t col[POSITIONS]
    cdef floating* turned = scratch
    cdef floating* sums = turned + POSITIONS * TURNED
    cdef double* totals = <double*> (sums + count)
    cdef floating* padded = <floating*> (totals + count)
    cdef Rows rows
    g += (group * job.O + o) * job.T
    x += group * job.C * job.geometry.L
    for m in range(POSITIONS):
        col[m] = m * TURNED
    memset(sums, 0, count * sizeof(floating))
    memset(totals, 0, count * sizeof(double))
    for n in range(N):
        for stretch in range(job.stretches):
            rows.t = stretch * job.stretch
            rows.outputs = min(job.stretch, job.T - rows.t)
            turn(g + n * job.g_sample + rows.t, job.T, columns, rows.outputs, turned, TURNED)
            for i in range(low, high):
                block_of(&job.geometry, &job.blocks, i, job.C, job.K, job.stretch, &rows)
                fill(&job.geometry, &rows, x + n * job.x_sample, padded)
                places(&job.geometry, &rows, row)
                # sums[ck, o] += sum over t of padded[ck, t] * g[o, t]
                multiply(
                    padded, row, turned, col, rows.outputs, sums + (i - low) * BLOCK * TURNED,
                    TURNED, rows.channels * rows.taps, columns, <const floating*> NULL)
            added += 1
            if added % SUMS == 0:
                put_away(sums, totals, count)
    put_away(sums, totals, count)
    for i in range(low, high):
        block_of(&job.geometry, &job.blocks, i, job.C, job.K, job.stretch, &rows)
        for c in range(rows.channels):
            for k in range(rows.taps):
                m = ((i - low) * BLOCK + c * rows.taps + k) * TURNED
                for j in range(columns):
                    w_grad[((group * job.O + o + j) * job.C + rows.c + c) * job.K + rows.k + k] = (
                        <floating> totals[m + j])


cdef inline void put_away(floating* sums, double* totals, Py_ssize_t count) noexcept nogil:
    """totals += sums; sums = 0"""
    cdef Py_ssize_t i
    for i in range(count):
        totals[i] += sums[i]
        sums[i] = 0


cdef void weight_by_dots(
    const Job* job, Py_ssize_t item, Py_ssize_t N, const floating* g, const floating* x,
    floating* w_grad, floating* scratch,
) noexcept nogil:
    """One block, for all output channels of a group."""
    cdef Py_ssize_t blocks = job.blocks.across * job.blocks.along
    cdef Py_ssize_t group = item // blocks, n, batch, start, samples, sample, stretch, o, c, k
    cdef Py_ssize_t row[BLOCK]
    cdef Py_ssize_t col[BLOCK]
    cdef Py_ssize_t pairs, some
    cdef Rows rows
    cdef double* totals = <double*> scratch
    cdef floating* padded
    block_of(&job.geometry, &job.blocks, item % blocks, job.C, job.K, job.stretch, &rows)
    sample = rows.channels * rows.phases * rows.pitch
    samples = max(<Py_ssize_t>1, min(N, ROW_NUMBERS // sample))
    pairs = rows.channels * rows.taps
    padded = <floating*> (totals + job.O * pairs)
    memset(totals, 0, job.O * pairs * sizeof(double))
    for o in range(min(job.O, <Py_ssize_t>BLOCK)):
        row[o] = o * job.T
    places(&job.geometry, &rows, col)
    g += group * job.O * job.T
    x += group * job.C * job.geometry.L
    for batch in range(pieces(N, samples)):
        start = batch * samples
        for stretch in range(job.stretches):
            rows.t = stretch * job.stretch
            rows.outputs = min(job.stretch, job.T - rows.t)
            for n in range(start, min(start + samples, N)):
                fill(&job.geometry, &rows, x + n * job.x_sample, padded + (n - start) * sample)
            # totals[o, ck] += sum over n, t of g[n, o, t] * padded[n, ck, t]
            for some in range(pieces(job.O, BLOCK)):
                o = some * BLOCK
                dot(
                    g + start * job.g_sample + o * job.T + rows.t, row, job.g_sample, padded, col,
                    sample, min(samples, N - start), rows.outputs, totals + o * pairs, pairs,
                    min(<Py_ssize_t>BLOCK, job.O - o), pairs)
    for o in range(job.O):
        for c in range(rows.channels):
            for k in range(rows.taps):
                w_grad[((group * job.O + o) * job.C + rows.c + c) * job.K + rows.k + k] = (
                    <floating> totals[o * pairs + c * rows.taps + k])
