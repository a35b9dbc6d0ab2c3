"""conv1d and its two adjoints: three faces of one sum.

With ``p`` the padded input, ``s`` the stride, ``d`` the dilation and ``c`` running over the input
channels of the group that ``o`` belongs to::

    forward          y[n, o, t]  = b[o] + sum over c, k of  w[o, c, k] * p[n, c, t*s + k*d]
    input gradient   gp[n, c, i] = sum over o, k of  w[o, c, k] * g[n, o, (i - k*d) / s]
    weight gradient  gw[o, c, k] = sum over n, t of  g[n, o, t] * p[n, c, t*s + k*d]

Each has a twin of a few lines in ``numpy_twins.py``: read that one first. All three are products of
a matrix with rows that are read from several places, tap by tap: ``multiply`` in ``tile.h``.

*Forward.* For each sample and each stretch of outputs, blocks of channels and taps are copied into
padded rows (``rows.pxd``), and the tile does the rest.

*Input gradient.* The same: with a stride of 1, gp is the convolution of g, padded with zeros, with
the taps in reverse order and the roles of o and c exchanged. With a stride, every s-th position
hears only every s-th tap, so it is s convolutions, one for each phase of gp.

*Weight gradient.* Here the sum runs over positions. With many output channels these become the
tile's columns: g is turned round, block by block. With few of them the sum runs along the registers
instead: ``dot`` in ``tile.h``.

Loops over samples, stretches, groups and blocks run on several threads. They split what is written,
and blocks are summed in a fixed order, so the number of threads never changes a result. Sums of
more than BLOCK float32 numbers lose digits, so no block is longer.

Kernels trust what they get; shapes, dtypes and sizes are checked by ``lucid/ops/conv.py`` before.
"""

import os
import time

import numpy as np

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from lucid._ext import numpy_twins
from lucid._ext.pad cimport ZEROS
from lucid._ext.rows cimport SLACK, Geometry, Rows, fill, lay_out, pieces, places, reach
from lucid._ext.threads cimport team

cdef extern from "simd.h" nogil:
    enum:
        BLOCK
    ctypedef struct Simd:
        const char* name
        void (*float_multiply)(
            const float* a, const Py_ssize_t* row, const float* b, const Py_ssize_t* col,
            Py_ssize_t count, float* out, Py_ssize_t out_row,
            Py_ssize_t out_col, Py_ssize_t rows, Py_ssize_t columns, const float* start) noexcept nogil
        void (*double_multiply)(
            const double* a, const Py_ssize_t* row, const double* b, const Py_ssize_t* col,
            Py_ssize_t count, double* out, Py_ssize_t out_row,
            Py_ssize_t out_col, Py_ssize_t rows, Py_ssize_t columns, const double* start) noexcept nogil
        void (*float_dot)(
            const float* a, const Py_ssize_t* row, Py_ssize_t a_jump, const float* b,
            const Py_ssize_t* col, Py_ssize_t b_jump, Py_ssize_t segments, Py_ssize_t count,
            double* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t cols) noexcept nogil
        void (*double_dot)(
            const double* a, const Py_ssize_t* row, Py_ssize_t a_jump, const double* b,
            const Py_ssize_t* col, Py_ssize_t b_jump, Py_ssize_t segments, Py_ssize_t count,
            double* out, Py_ssize_t out_row, Py_ssize_t rows, Py_ssize_t cols) noexcept nogil
        int (*float_finite)(const float* a, Py_ssize_t n) noexcept nogil
        int (*double_finite)(const double* a, Py_ssize_t n) noexcept nogil
        float (*float_burn)(Py_ssize_t count) noexcept nogil
        Py_ssize_t (*float_lanes)() noexcept nogil
        Py_ssize_t (*double_lanes)() noexcept nogil
    const Simd** simd_levels()


cdef const Simd* choose(str wish) except NULL:
    """The widest level of SIMD that this machine has, or the one that LUCID_SIMD asks for."""
    cdef const Simd** level = simd_levels()
    known = []
    while level[0] != NULL:
        name = level[0].name.decode()
        if wish in ("", name):
            return level[0]
        known.append(name)
        level += 1
    raise ImportError(f"LUCID_SIMD must be one of {', '.join(known)} on this machine, got {wish!r}")


cdef const Simd* simd = choose(os.environ.get("LUCID_SIMD", ""))
simd_level = simd.name.decode()


cdef inline void multiply(
    const floating* a, const Py_ssize_t* row, const floating* b,
    const Py_ssize_t* col, Py_ssize_t count, floating* out, Py_ssize_t out_row, Py_ssize_t out_col,
    Py_ssize_t rows, Py_ssize_t columns, const floating* start,
) noexcept nogil:
    """out[i, j] = start[i] + sum over m of a[row[i] + m] * b[col[m] + j]

    Without ``start`` it is added to what ``out`` holds.
    """
    if floating is float:
        simd.float_multiply(
            a, row, b, col, count, out, out_row, out_col, rows, columns, start)
    else:
        simd.double_multiply(
            a, row, b, col, count, out, out_row, out_col, rows, columns, start)


cdef inline void dot(
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


# ---------------------------------------------------------------- how the work is cut into blocks

cdef enum:
    ROW_NUMBERS = 65536     # numbers in the padded rows of a block: they stay in the second cache
    STRETCH = 1024          # outputs in a row that are computed at a time, at most
    TURNED = 64             # output channels that the weight gradient turns round at a time,
    MOST_BLOCKS = 4         # for so many blocks of channels and taps
    SUMS = 16               # blocks of positions that are added up in single precision


cdef struct Blocks:
    Py_ssize_t channels     # of a block
    Py_ssize_t taps         # of a block
    Py_ssize_t across       # how many blocks of channels there are
    Py_ssize_t along        # how many blocks of taps
    Py_ssize_t outputs      # for so many outputs at a time, at most


cdef inline Blocks cut(
    const Geometry* geometry, Py_ssize_t C, Py_ssize_t K, Py_ssize_t T, Py_ssize_t least
) noexcept nogil:
    """Blocks of up to BLOCK (channel, tap) pairs whose padded rows stay small.

    They are used for stretches of up to T outputs, but if possible not fewer than ``least``. They
    depend on sizes only, not on the number of threads: they decide the order of additions.
    """
    cdef Blocks blocks
    cdef Rows rows
    cdef Py_ssize_t room
    blocks.outputs = min(T, least)
    rows.taps = min(K, <Py_ssize_t>BLOCK)
    lay_out(geometry, &rows, blocks.outputs)
    while rows.taps > 1 and rows.phases * rows.pitch > ROW_NUMBERS:
        rows.taps = pieces(rows.taps, 2)
        lay_out(geometry, &rows, blocks.outputs)
    blocks.along = pieces(K, rows.taps)
    rows.taps = blocks.taps = pieces(K, blocks.along)
    lay_out(geometry, &rows, blocks.outputs)
    blocks.channels = 1
    if blocks.along == 1:       # else a block's weights do not lie side by side
        blocks.channels = max(
            <Py_ssize_t>1,
            min(<Py_ssize_t>BLOCK // blocks.taps, ROW_NUMBERS // (rows.phases * rows.pitch)))
    blocks.across = pieces(C, blocks.channels)
    blocks.channels = pieces(C, blocks.across)
    # what room is left is for more outputs
    room = ROW_NUMBERS // (blocks.channels * rows.phases) - 2 * SLACK
    if rows.own:
        room = min(room, geometry.apart // geometry.stride - 1)
    else:
        room -= reach(geometry, rows.taps)
    blocks.outputs = min(T, max(blocks.outputs, room))
    return blocks


cdef inline void block_of(
    const Geometry* geometry, const Blocks* blocks, Py_ssize_t i, Py_ssize_t C, Py_ssize_t K,
    Py_ssize_t outputs, Rows* rows,
) noexcept nogil:
    """Set ``rows`` to block i, for stretches of up to so many outputs."""
    rows.c = i // blocks.along * blocks.channels
    rows.channels = min(blocks.channels, C - rows.c)
    rows.k = i % blocks.along * blocks.taps
    rows.taps = min(blocks.taps, K - rows.k)
    lay_out(geometry, rows, outputs)


cdef struct Job:
    Geometry geometry
    const void* w               # (groups, O, C, K)
    void* y
    Py_ssize_t groups, C, O, K  # C and O of one group
    Py_ssize_t T                # outputs in a row
    Py_ssize_t x_sample, y_sample, y_row, y_col     # strides in memory
    Py_ssize_t stretch          # outputs at a time
    Py_ssize_t stretches, parts # of a row of outputs; of the output channels of a group
    Blocks blocks


# ---------------------------------------------------------------------- forward, input gradient


def conv1d_forward(
    x,          # IN   (N, C, L)
    w,          # IN   (O, C / groups, K)
    bias,       # IN   (O,) or None
    y,          # OUT  (N, O, T)
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    Py_ssize_t right,
    int mode,
):
    """y[n, o, t] = bias[o] + sum over c, k of w[o, c, k] * padded[n, c, t*stride + k*dilation]"""
    if y.itemsize == 4:
        forward[float](x, w, bias, y, stride, dilation, groups, left, mode)
    else:
        forward[double](x, w, bias, y, stride, dilation, groups, left, mode)


cdef int forward(
    const floating[:, :, ::1] x, const floating[:, :, ::1] w, bias, floating[:, :, ::1] y,
    Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups, Py_ssize_t left, int mode,
) except -1:
    cdef const floating[::1] b
    cdef const floating* start = NULL
    cdef Job job
    if x.shape[0] == 0:
        return 0
    if bias is not None:
        b = bias
        start = &b[0]
    job.geometry = Geometry(
        x.shape[2], -left, stride, dilation, dilation, period(stride, dilation), mode)
    job.groups, job.C, job.O, job.K = groups, w.shape[1], w.shape[0] // groups, w.shape[2]
    job.T = y.shape[2]
    job.x_sample = x.shape[1] * x.shape[2]
    job.y_sample, job.y_row, job.y_col = y.shape[1] * job.T, job.T, 1
    job.w, job.y = &w[0, 0, 0], &y[0, 0, 0]
    convolve(&job, 1, x.shape[0], &x[0, 0, 0], start)
    return 0


cdef int convolve(
    Job* jobs, Py_ssize_t count, Py_ssize_t N, const floating* x, const floating* bias,
) except -1:
    """y[n, o, t] = bias[o] + sum over c, k of w[o, c, k] * padded x[n, c, place of (t, k)]

    for each of some jobs, which differ in their taps and in the places of y that they fill.
    """
    cdef Py_ssize_t lanes = simd.float_lanes() if floating is float else simd.double_lanes()
    cdef Py_ssize_t T = 0, items, item, i, size = 0, shares, stretches
    cdef double work = 0
    cdef int threads
    cdef Job* job
    cdef Rows rows
    cdef Py_ssize_t* row
    cdef floating* scratch
    cdef floating* zeros = NULL
    for i in range(count):
        work += 2.0 * N * jobs[i].groups * jobs[i].O * jobs[i].T * jobs[i].C * jobs[i].K
        T = max(T, jobs[i].T)
    threads = team(work)
    # Enough items for all threads to be done at about the same time: first shorter stretches, then
    # fewer output channels at a time.
    shares = 1 if threads == 1 else pieces(4 * threads, N * jobs.groups)
    stretches = min(shares, pieces(T, 8 * lanes))
    for i in range(count):
        job = &jobs[i]
        job.blocks = cut(
            &job.geometry, job.C, job.K, min(job.T, <Py_ssize_t>STRETCH), 4 * SLACK)
        stretches = max(stretches, pieces(T, job.blocks.outputs))
    for i in range(count):
        job = &jobs[i]
        job.stretch = pieces(pieces(T, stretches), lanes) * lanes
        job.stretches = pieces(T, job.stretch)
        job.parts = min(pieces(shares, job.stretches), pieces(job.O, 12))
        block_of(&job.geometry, &job.blocks, 0, job.C, job.K, job.stretch, &rows)
        size = max(size, pieces(rows.channels * rows.phases * rows.pitch, 64) * 64)
    items = N * jobs.groups * jobs.stretches * jobs.parts * count
    row = <Py_ssize_t*> malloc(jobs.O * count * sizeof(Py_ssize_t))
    scratch = <floating*> malloc((threads * size + 64) * sizeof(floating))
    if bias == NULL:
        zeros = <floating*> calloc(jobs.groups * jobs.O, sizeof(floating))
        bias = zeros
    try:
        if row == NULL or scratch == NULL or bias == NULL:
            raise MemoryError("no memory for conv1d's padded rows")
        with nogil:
            for i in range(jobs.O * count):
                job = &jobs[i // jobs.O]
                row[i] = i % jobs.O * job.C * job.K
            if threads == 1:
                for item in range(items):
                    i = item % count
                    convolve_item(
                        &jobs[i], item // count, x, bias, row + i * jobs.O, aligned(scratch))
            else:
                for item in prange(items, num_threads=threads, schedule="dynamic"):
                    convolve_item(
                        &jobs[item % count], item // count, x, bias,
                        row + item % count * jobs.O, aligned(scratch) + threadid() * size)
    finally:
        free(row)
        free(scratch)
        free(zeros)
    return 0


cdef void convolve_item(
    const Job* job, Py_ssize_t item, const floating* x, const floating* bias,
    const Py_ssize_t* row, floating* scratch,
) noexcept nogil:
    """One stretch of outputs, of one part of the output channels of a group, of one sample."""
    cdef Py_ssize_t i, o, first, columns, t
    cdef Py_ssize_t part = item % job.parts, stretch = item // job.parts % job.stretches
    cdef Py_ssize_t group = item // (job.parts * job.stretches) % job.groups
    cdef Py_ssize_t n = item // (job.parts * job.stretches * job.groups)
    cdef Py_ssize_t col[BLOCK]
    cdef const floating* w = <const floating*> job.w
    cdef floating* y = <floating*> job.y
    cdef Rows rows
    t = stretch * job.stretch
    columns = min(job.stretch, job.T - t)
    if columns <= 0:
        return  # another job has one output more
    first = part * job.O // job.parts
    o = group * job.O + first
    x += n * job.x_sample + group * job.C * job.geometry.L
    y += n * job.y_sample + o * job.y_row + t * job.y_col
    for i in range(job.blocks.across * job.blocks.along):
        block_of(&job.geometry, &job.blocks, i, job.C, job.K, job.stretch, &rows)
        rows.t, rows.outputs = t, columns
        fill(&job.geometry, &rows, x, scratch)
        places(&job.geometry, &rows, col)
        multiply(
            w + (o * job.C + rows.c) * job.K + rows.k, row, scratch, col, rows.channels * rows.taps, y, job.y_row, job.y_col,
            (part + 1) * job.O // job.parts - first, columns,
            bias + o if i == 0 else NULL,
        )


def conv1d_input_grad(
    g,          # IN   (N, O, T)
    w,          # IN   (O, C / groups, K)
    x_grad,     # OUT  (N, C, L)
    Py_ssize_t stride,
    Py_ssize_t dilation,
    Py_ssize_t groups,
    Py_ssize_t left,
    Py_ssize_t right,
    int mode,
):
    """padded[n, c, t*stride + k*dilation] += w[o, c, k] * g[n, o, t], then folded into x_grad

    Beyond its ends g counts as 0. That is no addition at all, but 0 times a weight that is not
    finite would be nan: such weights are left to the twin, which adds only what is there.
    """
    if not all_finite(w):
        x_grad[...] = 0
        numpy_twins.conv1d_input_grad(g, w, x_grad, stride, dilation, groups, left, right, mode)
        return
    L = x_grad.shape[2]
    scatter_range(g, w, x_grad, left, stride, dilation, groups)
    if mode != ZEROS:  # the gradient of a copy is added to that of the original
        for start, width in ((0, left), (left + L, right)):
            if width:
                edge = np.empty((*x_grad.shape[:2], width), x_grad.dtype)
                scatter_range(g, w, edge, start, stride, dilation, groups)
                numpy_twins.scatter(edge, x_grad, left - start, mode)


def all_finite(w):
    """Whether no weight is infinite or nan."""
    cdef const float[::1] f
    cdef const double[::1] d
    flat = w.reshape(-1)
    if w.itemsize == 4:
        f = flat
        return simd.float_finite(&f[0], f.shape[0]) != 0
    d = flat
    return simd.double_finite(&d[0], d.shape[0]) != 0


def scatter_range(
    g, w, out, Py_ssize_t start, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups
):
    """out[n, c, j] = sum over o, k of w[o, c, k] * g[n, o, (start + j - k*dilation) / stride]

    over those k where the division leaves no rest. ``start`` is a position of the padded input.
    """
    cdef Py_ssize_t common = gcd(stride, dilation)
    C, K = w.shape[1], w.shape[2]
    by_group = w.reshape(groups, w.shape[0] // groups, C, K)
    if min(K, stride // common) < stride:
        out[...] = 0    # some phases are read by no tap
    convolutions = []
    for first in range(min(K, stride // common)):
        phase = (first * dilation - start) % stride     # it is read by the taps first, first + ...
        if phase < out.shape[2]:
            taps = by_group[:, :, :, first::stride // common]
            # what tap `first` hears of at output `phase`; the next, at dilation / common before
            t = (start + phase - first * dilation) // stride
            turned = np.ascontiguousarray(taps.swapaxes(1, 2))      # (groups, C, O, taps)
            convolutions.append((turned, phase, t))
    if out.itemsize == 4:
        transposed[float](g, convolutions, out, stride, -(dilation // common))
    else:
        transposed[double](g, convolutions, out, stride, -(dilation // common))


cdef int transposed(
    const floating[:, :, ::1] g, list convolutions, floating[:, :, ::1] out, Py_ssize_t stride,
    Py_ssize_t delta,
) except -1:
    """out[n, c, phase + q*stride] = sum over o, k of w[c, o, k] * g[n, o, q + t + k*delta]

    for each (w, phase, t) of some convolutions.
    """
    cdef const floating[:, :, :, ::1] w
    cdef Py_ssize_t phase, t, i
    cdef Job* jobs
    cdef Job* job
    if g.shape[0] == 0 or not convolutions:
        return 0
    jobs = <Job*> malloc(len(convolutions) * sizeof(Job))
    if jobs == NULL:
        raise MemoryError("no memory for conv1d's input gradient")
    try:
        for i, (weights, phase, t) in enumerate(convolutions):
            job = &jobs[i]
            w = weights
            job.w, job.y = &w[0, 0, 0, 0], &out[0, 0, phase]
            job.geometry = Geometry(g.shape[2], t, 1, delta, -delta, 1, ZEROS)
            job.groups, job.O, job.C, job.K = w.shape[0], w.shape[1], w.shape[2], w.shape[3]
            job.T = pieces(out.shape[2] - phase, stride)
            job.x_sample = g.shape[1] * g.shape[2]
            job.y_sample, job.y_row = out.shape[1] * out.shape[2], out.shape[2]
            job.y_col = stride
        convolve(jobs, len(convolutions), g.shape[0], &g[0, 0, 0], <const floating*> NULL)
    finally:
        free(jobs)
    return 0


# -------------------------------------------------------------------------------- weight gradient


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
    if w_grad.itemsize == 4:
        weight_grad[float](g, x, w_grad, stride, dilation, groups, left, mode)
    else:
        weight_grad[double](g, x, w_grad, stride, dilation, groups, left, mode)


cdef int weight_grad(
    const floating[:, :, ::1] g, const floating[:, :, ::1] x, floating[:, :, ::1] w_grad,
    Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups, Py_ssize_t left, int mode,
) except -1:
    cdef Py_ssize_t lanes = simd.float_lanes() if floating is float else simd.double_lanes()
    cdef Py_ssize_t N = g.shape[0], items, item, size, blocks, shares
    cdef int threads
    cdef bint turn
    cdef Job job
    cdef Rows rows
    cdef floating* scratch
    if N == 0:
        w_grad[:, :, :] = 0
        return 0
    job.geometry = Geometry(
        x.shape[2], -left, stride, dilation, dilation, period(stride, dilation), mode)
    job.groups, job.C = groups, w_grad.shape[1]
    job.O, job.K, job.T = w_grad.shape[0] // groups, w_grad.shape[2], g.shape[2]
    job.x_sample = x.shape[1] * x.shape[2]
    job.y_sample, job.y_row = g.shape[1] * g.shape[2], g.shape[2]
    # Turning g round is for many output channels, and for enough taps to pay for it.
    turn = job.O >= lanes and job.C * job.K >= 2 * lanes
    job.stretch = min(job.T, <Py_ssize_t>BLOCK if turn else <Py_ssize_t>ROW_NUMBERS // 4)
    job.blocks = cut(&job.geometry, job.C, job.K, job.stretch, job.stretch)
    job.stretches = pieces(job.T, job.stretch)
    block_of(&job.geometry, &job.blocks, 0, job.C, job.K, job.stretch, &rows)
    size = rows.channels * rows.phases * rows.pitch
    blocks = job.blocks.across * job.blocks.along
    threads = team(2.0 * N * groups * job.O * job.T * job.C * job.K)
    if turn:
        # turning g round pays for several blocks at a time, as long as there is enough to share
        shares = 1 if threads == 1 else pieces(4 * threads, groups * pieces(job.O, TURNED))
        job.parts = min(blocks, max(pieces(blocks, MOST_BLOCKS), shares))
        items = groups * pieces(job.O, TURNED) * job.parts
        # the rows, g turned round, the sums of some blocks, and their totals in double precision
        size += BLOCK * TURNED + pieces(blocks, job.parts) * BLOCK * TURNED * (
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
        if turn:
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
    cdef Py_ssize_t col[BLOCK]
    cdef floating* turned = scratch
    cdef floating* sums = turned + BLOCK * TURNED
    cdef double* totals = <double*> (sums + count)
    cdef floating* padded = <floating*> (totals + count)
    cdef Rows rows
    g += (group * job.O + o) * job.T
    x += group * job.C * job.geometry.L
    for m in range(BLOCK):
        col[m] = m * TURNED
    memset(sums, 0, count * sizeof(floating))
    memset(totals, 0, count * sizeof(double))
    for n in range(N):
        for stretch in range(job.stretches):
            rows.t = stretch * job.stretch
            rows.outputs = min(job.stretch, job.T - rows.t)
            turn_round(g + n * job.y_sample + rows.t, job.T, columns, rows.outputs, turned)
            for i in range(low, high):
                block_of(&job.geometry, &job.blocks, i, job.C, job.K, job.stretch, &rows)
                fill(&job.geometry, &rows, x + n * job.x_sample, padded)
                places(&job.geometry, &rows, row)
                # sums[ck, o] += sum over t of padded[ck, t] * g[o, t]
                multiply(
                    padded, row, turned, col, rows.outputs, sums + (i - low) * BLOCK * TURNED,
                    TURNED, 1, rows.channels * rows.taps, columns, <const floating*> NULL)
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


cdef inline void turn_round(
    const floating* g, Py_ssize_t T, Py_ssize_t rows, Py_ssize_t count, floating* out
) noexcept nogil:
    """out[t, o] = g[o, t], in squares that fit into the first cache; 0 up to TURNED"""
    cdef Py_ssize_t o, t, square
    for square in range(pieces(count, 16)):
        for o in range(rows):
            for t in range(square * 16, min(square * 16 + 16, count)):
                out[t * TURNED + o] = g[o * T + t]
        for t in range(square * 16, min(square * 16 + 16, count)):
            for o in range(rows, TURNED):
                out[t * TURNED + o] = 0


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
                    g + start * job.y_sample + o * job.T + rows.t, row, job.y_sample, padded, col,
                    sample, min(samples, N - start), rows.outputs, totals + o * pairs, pairs,
                    min(<Py_ssize_t>BLOCK, job.O - o), pairs)
    for o in range(job.O):
        for c in range(rows.channels):
            for k in range(rows.taps):
                w_grad[((group * job.O + o) * job.C + rows.c + c) * job.K + rows.k + k] = (
                    <floating> totals[o * pairs + c * rows.taps + k])


# ------------------------------------------------------------------------------------- small things


cdef inline floating* aligned(floating* memory) noexcept nogil:
    """The next address that begins a cache line."""
    return <floating*> ((<size_t> memory + 63) & ~(<size_t> 63))


cdef Py_ssize_t gcd(Py_ssize_t a, Py_ssize_t b) noexcept:
    while b:
        a, b = b, a % b
    return a


cdef inline Py_ssize_t period(Py_ssize_t stride, Py_ssize_t dilation) noexcept:
    """After how many taps the same phase of a row is read again."""
    return stride // gcd(stride, dilation)


def fma_limit():
    """GFLOP/s of one thread that does nothing but multiply-adds on registers, at this level.

    No convolution that multiplies everything out can be faster.
    """
    cdef Py_ssize_t count = 1_000_000
    cdef float result
    start = time.perf_counter()
    with nogil:
        result = simd.float_burn(count)
    seconds = time.perf_counter() - start
    assert result == result
    return 24e-9 * simd.float_lanes() * count / seconds
