"""conv1d and the gradient of its input: one loop, used twice.

With ``p`` the padded input, ``s`` the stride, ``d`` the dilation and ``c`` running over the input
channels of the group that ``o`` belongs to::

    forward         y[n, o, t]  = b[o] + sum over c, k of  w[o, c, k] * p[n, c, t*s + k*d]
    input gradient  gp[n, c, i] = sum over o, k of  w[o, c, k] * g[n, o, (i - k*d) / s]

Each has a twin of a few lines in ``numpy_twins.py``: read that one first. (The third face of the
convolution, the gradient of the weight, is in ``conv1d_weight.pyx``.)

*Forward.* For each sample and each stretch of outputs, blocks of channels and taps are copied into
padded rows (``rows.pxd``). What is left is a product of matrices whose columns are read from
several places, tap by tap: ``multiply`` in ``tile.h``.

*Input gradient.* The same: with a stride of 1, gp is the convolution of g, padded with zeros, with
the taps in reverse order and the roles of o and c exchanged. With a stride, every s-th position
hears only every s-th tap, so it is s convolutions, one for each phase of gp.

The loop over samples, stretches and groups runs on several threads. It splits what is written, and
blocks are summed in a fixed order, so the number of threads never changes a result.

Kernels trust what they get; shapes, dtypes and sizes are checked by ``lucid/ops/conv.py`` before.
"""

import numpy as np

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdlib cimport calloc, free, malloc

from lucid._ext import conv1d_toom, fft, numpy_twins, toom
from lucid._ext.choose import choose, neighbours, taps_of_piece
from lucid._ext.few import read_by_outputs, row_of_samples, scatter_to_input
from lucid._ext.simd import all_finite

from lucid._ext.pad cimport ZEROS
from lucid._ext.rows cimport (
    SLACK, Blocks, Geometry, Rows, aligned, block_of, cut, fill, gcd, pieces, places, room,
)
from lucid._ext.simd cimport BLOCK, lanes, multiply, weave
from lucid._ext.threads cimport team

cdef enum:
    LONG = 256          # as in choose.py: with fewer taps, more outputs
    FEW = 4             # and not so many pairs of channels,
    MANY = 1024         # nobody needs to ask
    STRETCH = 1024      # outputs in a row that are computed at a time, at most
    SUMS = 98304        # outputs of all channels at a time, if they are computed in several steps
    EDGE = 1024         # padded positions whose gradient is folded back at a time
    LOOSE = 64          # rows at a time, where outputs do not lie side by side in memory


cdef struct Job:
    Geometry geometry
    const void* w               # (groups, O, C, K)
    void* y                     # where the first output goes
    Py_ssize_t groups, C, O, K  # C and O of one group
    Py_ssize_t T                # outputs in a row
    Py_ssize_t x_sample, y_sample, y_row    # from one to the next in memory
    # Output t of row o goes to y[o // phases, o % phases + t * apart], if that is below `length`.
    Py_ssize_t phases, apart, length
    # how the work is cut: outputs at a time, pieces of a row, pieces of the rows of a group
    Py_ssize_t stretch, stretches, parts
    Blocks blocks


# ---------------------------------------------------------------------------------------- forward


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


cdef bint by_another_way(
    x, w, bias, y, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups, Py_ssize_t left,
    int mode,
) except -1:
    """Compute the forward by another way than tiles of positions, if one is better."""
    N, O, T = y.shape
    way = choose_way("forward", x, w, T, stride, dilation, groups)
    if way == "few":
        x2 = read_by_outputs(x, w.shape[2], T, stride, dilation, left, mode)
        y2 = np.empty((1, O, T * N), y.dtype)
        conv1d_forward(x2, w.reshape(O, -1, 1), bias, y2, 1, 1, groups, 0, 0, ZEROS)
        y[...] = y2.reshape(O, T, N).transpose(2, 0, 1)
        return True
    by_group = w.reshape(groups, -1, w.shape[1], w.shape[2])
    return way in ("fft", "toom") and by_algorithm(way, x, by_group, bias, y, -left, mode)


cdef str choose_way(
    str face, x, w, Py_ssize_t T, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups
):
    """What ``choose`` says; but no Fourier transforms of what is not finite (see ``fft.py``)."""
    C, O, K = w.shape[1], w.shape[0] // groups, w.shape[2]
    way = choose(face, x.shape[0], groups, C, O, K, T, stride, dilation, 1)
    if way == "fft" and not (x.size and all_finite(x) and all_finite(w)):
        return "tiles"
    return way


cdef bint by_algorithm(
    str way, x, w, bias, y, Py_ssize_t first, int mode
) except -1:
    """A convolution with fewer multiplications than products; whether its result can be used."""
    if way == "fft":
        return fft.correlate(x, w, bias, y, first, mode)
    _, O, C, K = w.shape
    m = neighbours(y.shape[0], C, O, K, y.shape[2])
    scheme = toom.scheme(m, taps_of_piece(m, K), y.dtype)
    return conv1d_toom.correlate(x, np.ascontiguousarray(w), bias, y, scheme, first, mode)


cdef int forward(
    const floating[:, :, ::1] x, const floating[:, :, ::1] w, bias, floating[:, :, ::1] y,
    Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups, Py_ssize_t left, int mode,
) except -1:
    cdef const floating[::1] b
    cdef const floating* start = NULL
    cdef Job job
    if x.shape[0] == 0:
        return 0
    if w.shape[2] >= LONG or y.shape[2] <= FEW or w.shape[0] // groups * w.shape[1] >= MANY:
        if by_another_way(
            np.asarray(x), np.asarray(w), bias, np.asarray(y), stride, dilation, groups, left, mode
        ):
            return 0
    if bias is not None:
        b = bias
        start = &b[0]
    job.geometry = Geometry(
        x.shape[2], -left, stride, dilation, dilation, stride // gcd(stride, dilation), mode)
    job.groups, job.C, job.O, job.K = groups, w.shape[1], w.shape[0] // groups, w.shape[2]
    job.T = job.length = job.y_row = y.shape[2]
    job.x_sample, job.y_sample = x.shape[1] * x.shape[2], y.shape[1] * y.shape[2]
    job.phases = job.apart = 1
    job.w, job.y = &w[0, 0, 0], &y[0, 0, 0]
    convolve(&job, 1, x.shape[0], &x[0, 0, 0], start)
    return 0


cdef int convolve(
    Job* jobs, Py_ssize_t count, Py_ssize_t N, const floating* x, const floating* bias,
) except -1:
    """y[n, o, t] = bias[o] + sum over c, k of w[o, c, k] * padded x[n, c, place of (t, k)]

    for each of some jobs, which differ in their taps and in the places of y that they fill.
    """
    cdef Py_ssize_t items, item, i, size, O = jobs.O
    cdef double work = 0
    cdef int threads
    cdef Job* job
    cdef Py_ssize_t* row
    cdef floating* scratch
    cdef floating* zeros = NULL
    for i in range(count):
        job = &jobs[i]
        work += 2.0 * N * job.groups * job.O * job.T * job.C * job.K
    threads = team(work)
    size = plan(jobs, count, N, threads, lanes(x))
    items = N * jobs.groups * jobs.stretches * jobs.parts * count
    row = <Py_ssize_t*> malloc(O * count * sizeof(Py_ssize_t))
    scratch = <floating*> malloc((threads * size + 64) * sizeof(floating))
    if bias == NULL:
        zeros = <floating*> calloc(jobs.groups * O, sizeof(floating))
        bias = zeros
    try:
        if row == NULL or scratch == NULL or bias == NULL:
            raise MemoryError("no memory for conv1d's padded rows")
        for i in range(O * count):
            job = &jobs[i // O]
            row[i] = i % O * job.C * job.K
        with nogil:
            if threads == 1:
                for item in range(items):
                    i = item % count
                    convolve_item(
                        &jobs[i], item // count, x, bias, row + i * O,
                        <floating*> aligned(scratch))
            else:
                # Static: a thread gets the same items at each call, whose outputs may still be in
                # its cache. To fetch them from another one's takes longer than to compute them.
                for item in prange(items, num_threads=threads, schedule="static"):
                    convolve_item(
                        &jobs[item % count], item // count, x, bias, row + item % count * O,
                        <floating*> aligned(scratch) + threadid() * size)
    finally:
        free(row)
        free(scratch)
        free(zeros)
    return 0


cdef Py_ssize_t plan(
    Job* jobs, Py_ssize_t count, Py_ssize_t N, int threads, Py_ssize_t register
) noexcept nogil:
    """Cut the work of all jobs in the same way; return how many numbers a thread needs room for.

    There should be enough items for all threads to be done at about the same time: by shorter
    stretches of outputs first, then by fewer output channels at a time.
    """
    cdef Py_ssize_t shares = 1 if threads == 1 else pieces(4 * threads, N * jobs.groups)
    cdef Py_ssize_t i, T = 0, most = 0, stretches, parts
    cdef Job* job
    cdef Rows rows
    for i in range(count):
        T = max(T, jobs[i].T)
    stretches = min(shares, pieces(T, 8 * register))
    for i in range(count):
        job = &jobs[i]
        job.blocks = cut(&job.geometry, job.C, job.K, min(job.T, <Py_ssize_t>STRETCH), 4 * SLACK)
        stretches = max(stretches, pieces(T, job.blocks.outputs))
        if job.blocks.across * job.blocks.along > 1:    # sums that are added to stay in the cache
            stretches = max(stretches, pieces(T * job.O, SUMS))
    if stretches > 1 and N * jobs.groups % threads:     # as many for each thread
        stretches = pieces(stretches, threads) * threads
    parts = min(pieces(shares, stretches), pieces(jobs.O, 12))
    if jobs.apart > 1:
        parts = max(parts, pieces(jobs.O, LOOSE))
    for i in range(count):
        job = &jobs[i]
        job.parts = parts
        job.stretch = pieces(pieces(T, stretches), register) * register
        job.stretches = pieces(T, job.stretch)
        block_of(&job.geometry, &job.blocks, 0, job.C, job.K, job.stretch, &rows)
        most = max(most, room(&job.geometry, &rows))
    if jobs.apart > 1:
        most += LOOSE * jobs.stretch
    return pieces(most, 64) * 64


cdef void convolve_item(
    const Job* job, Py_ssize_t item, const floating* x, const floating* bias,
    const Py_ssize_t* row, floating* scratch,
) noexcept nogil:
    """One stretch of outputs, of one part of the output channels of a group, of one sample."""
    cdef Py_ssize_t part = item % job.parts, stretch = item // job.parts % job.stretches
    cdef Py_ssize_t group = item // (job.parts * job.stretches) % job.groups
    cdef Py_ssize_t n = item // (job.parts * job.stretches * job.groups)
    cdef Py_ssize_t first = part * job.O // job.parts
    cdef Py_ssize_t rest = (part + 1) * job.O // job.parts - first
    cdef Py_ssize_t t = stretch * job.stretch, columns = min(job.stretch, job.T - t)
    cdef Py_ssize_t o = group * job.O + first, i
    cdef const floating* w = <const floating*> job.w + o * job.C * job.K
    cdef floating* y = <floating*> job.y + n * job.y_sample
    cdef floating* out = y + o * job.y_row + t
    cdef Py_ssize_t out_row = job.y_row
    cdef Py_ssize_t col[BLOCK]
    cdef Rows rows
    if columns <= 0:
        return      # another job has one output more
    if job.apart > 1:
        out, out_row = scratch, job.stretch     # side by side first
        scratch = scratch + LOOSE * job.stretch
    x += n * job.x_sample + group * job.C * job.geometry.L
    for i in range(job.blocks.across * job.blocks.along):
        block_of(&job.geometry, &job.blocks, i, job.C, job.K, job.stretch, &rows)
        rows.t, rows.outputs = t, columns
        fill(&job.geometry, &rows, x, scratch)
        places(&job.geometry, &rows, col)
        # out[:] = bias + w @ rows, to which further blocks are added
        multiply(
            w + rows.c * job.K + rows.k, row, scratch, col, rows.channels * rows.taps,
            out, out_row, rest, columns, bias + o if i == 0 else NULL)
    if job.apart > 1:
        i = 0
        while i < rest:
            i += spread(job, o + i, rest - i, t, columns, out + i * out_row, y)


cdef Py_ssize_t spread(
    const Job* job, Py_ssize_t o, Py_ssize_t rest, Py_ssize_t t, Py_ssize_t columns,
    const floating* row, floating* y,
) noexcept nogil:
    """y[o // phases, o % phases + (t + i) * apart] = row[i], from row o on; how many rows it took

    All phases of a row of y are woven at once, if they are among the ``rest``.
    """
    cdef Py_ssize_t i, j, at = t * job.apart, many = 1, woven = 0
    y += o // job.phases * job.y_row
    if job.phases > 1 and o % job.phases == 0 and rest >= job.phases:
        many, woven = job.phases, min(columns, (job.length - at) // job.phases)
        weave(row, job.stretch, many, woven, y + at, False)
    for j in range(many):
        at = o % job.phases + j + t * job.apart
        for i in range(woven, min(columns, pieces(job.length - at, job.apart))):
            y[at + i * job.apart] = row[j * job.stretch + i]
    return many


# --------------------------------------------------------------------------------- input gradient


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
        numpy_twins.conv1d_input_grad(g, w, x_grad, stride, dilation, groups, left, right, mode)
        return
    T, K = g.shape[2], w.shape[2]
    if T <= FEW and choose_way("input", g, w, T, stride, dilation, groups) == "few":
        x2 = np.empty((1, x_grad.shape[1] * K, T * g.shape[0]), g.dtype)
        scatter_range(row_of_samples(g), w.reshape(w.shape[0], -1, 1), x2, 0, 1, 1, groups)
        scatter_to_input(x2, x_grad, K, T, stride, dilation, left, mode)
        return
    L = x_grad.shape[2]
    scatter_range(g, w, x_grad, left, stride, dilation, groups)
    if mode != ZEROS:   # padding copies, so its adjoint adds what arrives at a copy to the original
        for low, high in ((0, left), (left + L, left + L + right)):
            for start in range(low, high, EDGE):
                width = min(high - start, EDGE)
                edge = np.empty((*x_grad.shape[:2], width), x_grad.dtype)
                scatter_range(g, w, edge, start, stride, dilation, groups)
                numpy_twins.scatter(edge, x_grad, left - start, mode)


def scatter_range(
    g, w, out, Py_ssize_t start, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t groups
):
    """out[n, c, j] = sum over o, k of w[o, c, k] * g[n, o, (start + j - k*dilation) / stride]

    over those k where the division leaves no rest. ``start`` is a position of the padded input.
    """
    cdef Py_ssize_t common = gcd(stride, dilation)
    C, K, length = w.shape[1], w.shape[2], out.shape[2]
    by_group = w.reshape(groups, w.shape[0] // groups, C, K)
    if K >= LONG or by_group.shape[1] * C >= MANY:
        way = choose_way("input", g, w, length, stride, dilation, groups)
        flipped = by_group.swapaxes(1, 2)[..., ::-1]
        if way in ("fft", "toom") and by_algorithm(
            way, g, flipped, None, out, start - K + 1, ZEROS
        ):
            return
    if min(K, stride // common) < stride:
        out[...] = 0    # some phases are read by no tap
    convolutions = []
    for first in range(min(K, stride // common)):
        phase = (first * dilation - start) % stride     # it is read by the taps first, first + ...
        if phase < length:
            taps = by_group[:, :, :, first::stride // common].swapaxes(1, 2)    # (groups, C, O, k)
            # what tap `first` hears of at output `phase`; the next, at dilation / common before
            t = (start + phase - first * dilation) // stride
            convolutions.append((phase, t, taps))
    convolutions.sort(key=lambda convolution: convolution[0])
    together = 1
    if len(convolutions) == stride > 1 and len({(t, w.shape) for _, t, w in convolutions}) == 1:
        # All phases read the same places of g: they can be the rows of one tile.
        stacked = np.stack([taps for _, _, taps in convolutions], axis=2)
        convolutions = [(0, t, stacked.reshape(groups, C * stride, *stacked.shape[3:]))]
        together = stride
    if out.itemsize == 4:
        transposed[float](g, convolutions, out, stride, together, dilation // common)
    else:
        transposed[double](g, convolutions, out, stride, together, dilation // common)


cdef int transposed(
    const floating[:, :, ::1] g, list convolutions, floating[:, :, ::1] out, Py_ssize_t stride,
    Py_ssize_t together, Py_ssize_t apart,
) except -1:
    """out[n, c, phase + q*stride] = sum over o, k of w[c, o, k] * g[n, o, q + t - k*apart]

    for each (phase, t, w) of some convolutions.
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
    kept = []
    try:
        for i, (phase, t, weights) in enumerate(convolutions):
            kept.append(np.ascontiguousarray(weights))
            job = &jobs[i]
            w = kept[i]
            job.w, job.y = &w[0, 0, 0, 0], &out[0, 0, phase]
            job.geometry = Geometry(g.shape[2], t, 1, -apart, apart, 1, ZEROS)
            job.groups, job.O, job.C, job.K = w.shape[0], w.shape[1], w.shape[2], w.shape[3]
            job.length = out.shape[2] - phase
            job.T = pieces(job.length, stride)
            job.x_sample, job.y_sample = g.shape[1] * g.shape[2], out.shape[1] * out.shape[2]
            job.phases, job.apart, job.y_row = together, stride, out.shape[2]
        convolve(jobs, len(convolutions), g.shape[0], &g[0, 0, 0], <const floating*> NULL)
    finally:
        free(jobs)
    return 0
