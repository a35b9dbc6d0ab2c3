"""The gradient of conv1d's weight, the third face of the convolution.

With ``p`` the padded input, ``s`` the stride and ``d`` the dilation::

    w_grad[o, c, k] = sum over n, t of  g[n, o, t] * p[n, c, t*s + k*d]

Its twin is in ``numpy_twins.py``. Here the sum runs along the rows, and there are two ways (besides
those for many channels, long kernels and short rows, which have files of their own):

*Tiles.* A stretch of the padded input is turned round, so that the channels of a position lie side
by side, and after them those of the next position. What the taps of one output read is then one
piece of memory, from which ``multiply`` of ``tile.h`` takes its columns; g is read as it is.

*Dots.* With few channels and taps that would waste most of a register. Then positions run along the
register, and its lanes are added up at the end: ``dot`` of ``tile.h``.

The loop over blocks of the weight runs on several threads; each number is summed by one, in a fixed
order. Sums of many float32 numbers are put away in double precision.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from lucid._ext import conv1d_toom_weight, fft, toom
from lucid._ext.choose import choose, taps_of_piece
from lucid._ext.few import read_by_outputs, row_of_samples
from lucid._ext.simd import all_finite, register_lanes

from lucid._ext.rows cimport (
    ROW_NUMBERS, SLACK, Blocks, Geometry, Rows, aligned, block_of, cut, fill, fill_row, gcd, pieces,
    places, room,
)
from lucid._ext.simd cimport BLOCK, dot, multiply, turn
from lucid._ext.threads cimport team

cdef enum:
    CHANNELS = 64       # that are turned round at a time,
    POSITIONS = 144     # for so many outputs: both together stay in the first cache
    COLUMNS = 1024      # (tap, channel) pairs at a time
    SUMS = 65536        # numbers that a thread sums at a time
    STRETCHES = 16      # of positions that are added up in single precision
    COLUMN = 4          # neighbouring outputs for toom.py: here more were always better than fewer


cdef struct Job:
    Geometry geometry
    Py_ssize_t groups, C, O, K, T           # C and O of one group
    Py_ssize_t x_sample, g_sample           # from one to the next in memory
    Py_ssize_t stretch, stretches           # positions at a time; pieces of a row
    Py_ssize_t parts                        # pieces of the output channels of a group
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
    if g.size == 0 or w_grad.size == 0:     # nothing to sum, and no sizes to cut the work by
        w_grad[...] = 0
        return
    C, O, K = w_grad.shape[1], w_grad.shape[0] // groups, w_grad.shape[2]
    lanes = register_lanes(w_grad)
    way = choose("weight", x.shape[0], groups, C, O, K, g.shape[2], stride, dilation, lanes)
    if way == "few":
        x2 = read_by_outputs(x, K, g.shape[2], stride, dilation, left, mode)
        g, x, w_grad = row_of_samples(g), x2, w_grad.reshape(groups * O, C * K, 1)
        stride = dilation = 1
        left = mode = 0
        C, K, way = C * K, 1, choose("weight", 1, groups, C * K, O, 1, g.shape[2], 1, 1, lanes)
    if way == "fft" and all_finite(g) and all_finite(x):
        if fft.correlate_weight(g, x, w_grad.reshape(groups, O, C, K), -left, mode):
            return
    if way == "toom":
        scheme = toom.scheme(COLUMN, taps_of_piece(COLUMN, K), g.dtype)
        by_group = w_grad.reshape(groups, O, C, K)
        if conv1d_toom_weight.correlate_weight(g, x, by_group, scheme, -left, mode):
            return
    if w_grad.itemsize == 4:
        weight_grad[float](g, x, w_grad, stride, dilation, groups, left, mode, way != "dots")
    else:
        weight_grad[double](g, x, w_grad, stride, dilation, groups, left, mode, way != "dots")


cdef int weight_grad(
    const floating[:, :, ::1] g, const floating[:, :, ::1] x, floating[:, :, ::1] w_grad,
    Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups, Py_ssize_t left, int mode,
    bint by_tiles,
) except -1:
    cdef Py_ssize_t N = g.shape[0], items, item, size
    cdef int threads
    cdef Job job
    cdef char* scratch
    job.geometry = Geometry(
        x.shape[2], -left, stride, dilation, dilation, stride // gcd(stride, dilation), mode)
    job.groups, job.C = groups, w_grad.shape[1]
    job.O, job.K, job.T = w_grad.shape[0] // groups, w_grad.shape[2], g.shape[2]
    job.x_sample = x.shape[1] * x.shape[2]
    job.g_sample = g.shape[1] * g.shape[2]
    threads = team(2.0 * N * groups * job.O * job.T * job.C * job.K)
    size = plan_tiles(&job, threads) if by_tiles else plan_dots(&job, N, threads)
    size = pieces(size * sizeof(double), 64) * 64
    items = groups * job.blocks.across * job.blocks.along * job.parts
    scratch = <char*> malloc(threads * size + 64)
    if scratch == NULL:
        raise MemoryError("no memory for the sums of conv1d's weight gradient")
    with nogil:
        for item in prange(
            items, num_threads=threads, schedule="dynamic", chunksize=pieces(items, 32 * threads),
        ):
            if by_tiles:
                weight_by_tiles(
                    &job, item, N, &g[0, 0, 0], &x[0, 0, 0], &w_grad[0, 0, 0],
                    <double*> (aligned(scratch) + threadid() * size))
            else:
                weight_by_dots(
                    &job, item, N, &g[0, 0, 0], &x[0, 0, 0], &w_grad[0, 0, 0],
                    <double*> (aligned(scratch) + threadid() * size))
        free(scratch)
    return 0


cdef Py_ssize_t plan_tiles(Job* job, int threads) noexcept nogil:
    """Cut the work; return how many numbers a thread needs room for.

    Blocks and stretches depend on sizes alone: they decide the order of additions. How the output
    channels are shared out does not, so it may depend on the number of threads.
    """
    cdef Py_ssize_t window, numbers, shares
    cdef Blocks* blocks = &job.blocks
    blocks.across = pieces(job.C, CHANNELS)
    blocks.channels = pieces(job.C, blocks.across)
    blocks.along = pieces(job.K * blocks.channels, COLUMNS)
    if job.geometry.apart > POSITIONS * job.geometry.stride:
        blocks.along = job.K    # taps so far apart share nothing
    # at most half of the room for the positions between the first tap and the last
    window = ROW_NUMBERS // blocks.channels
    blocks.along = max(blocks.along, pieces(job.K, 1 + window // 2 // job.geometry.apart))
    blocks.taps = pieces(job.K, blocks.along)
    blocks.along = pieces(job.K, blocks.taps)
    window -= (blocks.taps - 1) * job.geometry.apart
    job.stretch = max(<Py_ssize_t>1, min(<Py_ssize_t>POSITIONS, window // job.geometry.stride))
    job.stretches = pieces(job.T, job.stretch)
    job.stretch = pieces(job.T, job.stretches)
    numbers = blocks.taps * blocks.channels
    # (each part turns the input round anew: so no more parts than there must be)
    shares = pieces(threads, job.groups * blocks.across * blocks.along)
    job.parts = min(job.O, max(pieces(job.O * numbers, SUMS), min(shares, pieces(job.O, 12))))
    # the window as it is and turned round, the sums, and their totals
    window = (blocks.taps - 1) * job.geometry.apart + (job.stretch - 1) * job.geometry.stride + 1
    window += SLACK
    return 2 * (window + SLACK) * blocks.channels + 2 * pieces(job.O, job.parts) * numbers + 256


cdef void weight_by_tiles(
    const Job* job, Py_ssize_t item, Py_ssize_t N, const floating* g, const floating* x,
    floating* w_grad, double* scratch,
) noexcept nogil:
    """One block of channels and taps, for a part of the output channels of a group."""
    cdef Py_ssize_t blocks = job.blocks.across * job.blocks.along
    cdef Py_ssize_t part = item % job.parts, block = item // job.parts % blocks
    cdef Py_ssize_t group = item // job.parts // blocks
    cdef Py_ssize_t stride = job.geometry.stride, apart = job.geometry.apart
    cdef Py_ssize_t low = part * job.O // job.parts, high = (part + 1) * job.O // job.parts
    cdef Py_ssize_t c = block // job.blocks.along * job.blocks.channels
    cdef Py_ssize_t k = block % job.blocks.along * job.blocks.taps
    cdef Py_ssize_t C = min(job.blocks.channels, job.C - c), K = min(job.blocks.taps, job.K - k)
    cdef Py_ssize_t n, stretch, i, j, t, m, o, first, positions, outputs, added = 0
    cdef Py_ssize_t count = (high - low) * K * C
    cdef Py_ssize_t most = (K - 1) * apart + (job.stretch - 1) * stride + 1
    cdef Py_ssize_t row[BLOCK]
    cdef Py_ssize_t col[POSITIONS]
    cdef double* totals = scratch
    cdef floating* sums = <floating*> (totals + count)
    cdef floating* window = sums + count
    cdef floating* turned = window + C * (most + SLACK)
    cdef const floating* g_rows
    # read position by position, whatever the stride
    cdef Geometry line = Geometry(job.geometry.L, 0, 1, 1, 1, 1, job.geometry.mode)
    g += (group * job.O + low) * job.T
    x += (group * job.C + c) * job.geometry.L
    for i in range(BLOCK):
        row[i] = i * job.T
    for m in range(POSITIONS):
        col[m] = m * stride * C
    memset(sums, 0, count * sizeof(floating))
    memset(totals, 0, count * sizeof(double))
    for n in range(N):
        for stretch in range(job.stretches):
            t = stretch * job.stretch
            outputs = min(job.stretch, job.T - t)
            if outputs <= 0:
                continue
            # turned[position, c] = padded x[n, c, first + position]
            first = job.geometry.first + t * stride + k * apart
            positions = (K - 1) * apart + (outputs - 1) * stride + 1
            if first >= 0 and first + positions <= job.geometry.L:
                turn(x + n * job.x_sample + first, job.geometry.L, C, positions, turned, C)
            else:
                for i in range(C):
                    fill_row(
                        &line, x + n * job.x_sample + i * job.geometry.L, first, positions,
                        window + i * (most + SLACK), positions)
                turn(window, most + SLACK, C, positions, turned, C)
            memset(turned + positions * C, 0, SLACK * sizeof(floating))
            # sums[o, k, c] += sum over t of g[o, t] * turned[t*stride + k*apart, c]
            for i in range(pieces(high - low, BLOCK)):
                o = i * BLOCK
                g_rows = g + n * job.g_sample + o * job.T + t
                m = min(<Py_ssize_t>BLOCK, high - low - o)
                if apart == 1 or K == 1:    # the taps' channels follow each other in memory
                    multiply(
                        g_rows, row, turned, col, outputs, sums + o * K * C, K * C, m, K * C,
                        <const floating*> NULL)
                else:
                    for j in range(K):
                        multiply(
                            g_rows, row, turned + j * apart * C, col, outputs,
                            sums + (o * K + j) * C, K * C, m, C, <const floating*> NULL)
            added += 1
            if added % STRETCHES == 0:
                put_away(sums, totals, count)
    put_away(sums, totals, count)
    for o in range(high - low):
        for i in range(C):
            for j in range(K):
                w_grad[((group * job.O + low + o) * job.C + c + i) * job.K + k + j] = (
                    <floating> totals[(o * K + j) * C + i])


cdef inline void put_away(floating* sums, double* totals, Py_ssize_t count) noexcept nogil:
    """totals += sums; sums = 0"""
    cdef Py_ssize_t i
    for i in range(count):
        totals[i] += sums[i]
        sums[i] = 0


cdef Py_ssize_t plan_dots(Job* job, Py_ssize_t N, int threads) noexcept nogil:
    """Cut the work, as ``plan_tiles`` does; return how many numbers a thread needs room for."""
    cdef Py_ssize_t size, pairs, shares
    cdef Rows rows
    job.stretch = min(job.T, <Py_ssize_t>ROW_NUMBERS // 4)
    job.blocks = cut(&job.geometry, job.C, job.K, job.stretch, job.stretch)
    job.stretches = pieces(job.T, job.stretch)
    block_of(&job.geometry, &job.blocks, 0, job.C, job.K, job.stretch, &rows)
    size = rows.channels * rows.phases * rows.pitch
    pairs = rows.channels * rows.taps
    shares = pieces(threads, job.groups * job.blocks.across * job.blocks.along)
    job.parts = max(pieces(job.O * pairs, SUMS), min(shares, pieces(job.O, 12)))
    # the rows of as many samples as there is room for, and the totals
    return max(size, min(N * size, <Py_ssize_t>ROW_NUMBERS)) + room(&job.geometry, &rows) - size + (
        pieces(job.O, job.parts) * pairs + 64)


cdef void weight_by_dots(
    const Job* job, Py_ssize_t item, Py_ssize_t N, const floating* g, const floating* x,
    floating* w_grad, double* scratch,
) noexcept nogil:
    """One block of channels and taps, for a part of the output channels of a group."""
    cdef Py_ssize_t blocks = job.blocks.across * job.blocks.along
    cdef Py_ssize_t part = item % job.parts, group = item // job.parts // blocks
    cdef Py_ssize_t low = part * job.O // job.parts, O = (part + 1) * job.O // job.parts - low
    cdef Py_ssize_t n, batch, start, samples, sample, stretch, pairs, some, o, c, k
    cdef Py_ssize_t row[BLOCK]
    cdef Py_ssize_t col[BLOCK]
    cdef Rows rows
    cdef double* totals = scratch
    cdef floating* padded
    block_of(
        &job.geometry, &job.blocks, item // job.parts % blocks, job.C, job.K, job.stretch, &rows)
    sample = rows.channels * rows.phases * rows.pitch
    samples = max(<Py_ssize_t>1, min(N, ROW_NUMBERS // sample))
    pairs = rows.channels * rows.taps
    padded = <floating*> (totals + O * pairs)
    memset(totals, 0, O * pairs * sizeof(double))
    for o in range(min(O, <Py_ssize_t>BLOCK)):
        row[o] = o * job.T
    places(&job.geometry, &rows, col)
    g += (group * job.O + low) * job.T
    x += group * job.C * job.geometry.L
    for batch in range(pieces(N, samples)):
        start = batch * samples
        for stretch in range(job.stretches):
            rows.t = stretch * job.stretch
            rows.outputs = min(job.stretch, job.T - rows.t)
            for n in range(start, min(start + samples, N)):
                fill(&job.geometry, &rows, x + n * job.x_sample, padded + (n - start) * sample)
            # totals[o, ck] += sum over n, t of g[n, o, t] * padded[n, ck, t]
            for some in range(pieces(O, BLOCK)):
                o = some * BLOCK
                dot(
                    g + start * job.g_sample + o * job.T + rows.t, row, job.g_sample, padded, col,
                    sample, min(samples, N - start), rows.outputs, totals + o * pairs, pairs,
                    min(<Py_ssize_t>BLOCK, O - o), pairs)
    for o in range(O):
        for c in range(rows.channels):
            for k in range(rows.taps):
                w_grad[((group * job.O + low + o) * job.C + rows.c + c) * job.K + rows.k + k] = (
                    <floating> totals[o * pairs + c * rows.taps + k])
