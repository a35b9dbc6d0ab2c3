"""Padded rows: the input, copied so that every tap of a kernel reads neighbours in memory.

Output t reads, at tap k, the position ``first + t*stride + k*delta`` of the input; positions
outside 0 .. L-1 are padding. A ``Rows`` holds what a block of channels and a block of taps read
for a stretch of outputs. With a stride, neighbouring outputs read positions that lie ``stride``
apart, so a row is kept in *phases*::

    position   0  1  2  3  4  5  6  7        stride 2: tap 0 reads 0, 2, 4, tap 1 reads 1, 3, 5
    in memory  0  2  4  6 | 1  3  5  7       both side by side

Only phases that some tap reads are kept. Taps k and k + period read the same one, so there are at
most ``period = stride / gcd(stride, delta)`` of them. Taps that lie further apart than the outputs
reach have nothing in common: then each gets a row of its own.
"""

from libc.string cimport memcpy, memset

from cython cimport floating

from lucid._ext.pad cimport pad_index
from lucid._ext.simd cimport BLOCK, deal

cdef enum:
    SLACK = 16              # numbers a tile may read beyond the end of a row
    ROW_NUMBERS = 65536     # numbers in the padded rows of a block: they stay in the second cache


cdef struct Geometry:
    Py_ssize_t L        # length of the input
    Py_ssize_t first    # the position that output 0 reads at tap 0
    Py_ssize_t stride   # from output to output
    Py_ssize_t delta    # from tap to tap; negative only with a stride of 1
    Py_ssize_t apart    # the same without its sign
    Py_ssize_t period   # taps a period apart read the same phase
    int mode            # of padding


cdef struct Rows:
    Py_ssize_t c, channels      # the block of channels, and how many
    Py_ssize_t k, taps          # the block of taps
    Py_ssize_t t, outputs       # the stretch of outputs
    Py_ssize_t phases           # rows kept of each channel
    Py_ssize_t pitch            # from one of these rows to the next
    bint own                    # whether each tap has a row of its own


cdef inline Py_ssize_t pieces(Py_ssize_t length, Py_ssize_t size) noexcept nogil:
    """How many pieces of ``size`` cover ``length``: the quotient, rounded up."""
    return (length + size - 1) // size


cdef inline Py_ssize_t reach(const Geometry* geometry, Py_ssize_t taps) noexcept nogil:
    """How far beyond the outputs' own number the places of so many taps go."""
    return (taps - 1) * geometry.apart // geometry.stride


cdef inline void lay_out(
    const Geometry* geometry, Rows* rows, Py_ssize_t outputs
) noexcept nogil:
    """Set how the rows of a block lie in memory, for stretches of up to so many outputs."""
    rows.own = geometry.apart // geometry.stride > outputs
    rows.phases = rows.taps if rows.own else min(rows.taps, geometry.period)
    cdef Py_ssize_t longest = outputs + (0 if rows.own else reach(geometry, rows.taps))
    # an odd number of cache lines: rows that are 4096 bytes apart would evict each other
    rows.pitch = (pieces(longest + SLACK, SLACK) | 1) * SLACK


cdef inline Py_ssize_t place(
    const Geometry* geometry, const Rows* rows, Py_ssize_t k
) noexcept nogil:
    """Where, in the rows of a channel, the block's tap k finds what the first output reads."""
    if rows.own:
        return k * rows.pitch
    if geometry.delta < 0:
        return (rows.taps - 1 - k) * geometry.apart
    return k % geometry.period * rows.pitch + k * geometry.delta // geometry.stride


cdef inline void places(
    const Geometry* geometry, const Rows* rows, Py_ssize_t* table
) noexcept nogil:
    """table[c * taps + k] = the place of tap k in the rows of channel c"""
    cdef Py_ssize_t c, k, at
    for k in range(rows.taps):
        at = place(geometry, rows, k)
        for c in range(rows.channels):
            table[c * rows.taps + k] = c * rows.phases * rows.pitch + at


cdef inline bint all_phases(const Geometry* geometry, const Rows* rows) noexcept nogil:
    """Whether a channel is copied as a line first, because every position is in some phase.

    (A stride of 5 is not: the compiler makes nothing of 5 rows at once.)
    """
    return (
        geometry.delta == 1 and 1 < geometry.stride == rows.phases and geometry.stride != 5
        and not rows.own)


cdef inline Py_ssize_t room(const Geometry* geometry, const Rows* rows) noexcept nogil:
    """How many numbers ``fill`` writes to: the rows, and perhaps one channel as a line."""
    cdef Py_ssize_t line = geometry.stride if all_phases(geometry, rows) else 0
    return (rows.channels * rows.phases + line) * rows.pitch


cdef inline void fill(
    const Geometry* geometry, const Rows* rows, const floating* x, floating* out
) noexcept nogil:
    """Copy what the block reads: out[c, phase, q] = padded x[rows.c + c, position(phase, q)]"""
    cdef Py_ssize_t c, phase, last, count, i
    cdef Py_ssize_t start = geometry.first + rows.t * geometry.stride + rows.k * geometry.delta
    cdef Py_ssize_t stride = geometry.stride
    cdef floating* line = out + rows.channels * rows.phases * rows.pitch
    cdef Geometry straight
    if all_phases(geometry, rows):
        straight = geometry[0]
        straight.stride = 1
        count = (rows.outputs - 1) * stride + rows.taps
        for c in range(rows.channels):
            fill_row(
                &straight, x + (rows.c + c) * geometry.L, start, count, line, rows.pitch * stride)
            deal(line, stride, rows.pitch, out + c * stride * rows.pitch, rows.pitch)
        return
    for c in range(rows.channels):
        for phase in range(rows.phases):
            if rows.own:
                i, count = start + phase * geometry.delta, rows.outputs
            elif geometry.delta < 0:
                i = start + (rows.taps - 1) * geometry.delta
                count = rows.outputs + (rows.taps - 1) * geometry.apart
            else:
                i = start + phase * geometry.delta % geometry.stride
                # the last tap that reads this phase decides how much of it is needed
                last = rows.taps - 1 - (rows.taps - 1 - phase) % rows.phases
                count = rows.outputs + last * geometry.delta // geometry.stride
            fill_row(
                geometry, x + (rows.c + c) * geometry.L, i, count,
                out + (c * rows.phases + phase) * rows.pitch, rows.pitch,
            )


cdef inline void fill_row(
    const Geometry* geometry, const floating* x, Py_ssize_t i, Py_ssize_t count, floating* out,
    Py_ssize_t pitch,
) noexcept nogil:
    """out[q] = padded x[i + q * stride] for q < count; 0 from there on"""
    cdef Py_ssize_t L = geometry.L, stride = geometry.stride, q, source
    cdef Py_ssize_t inside = min(count, 0 if i >= 0 else pieces(-i, stride))
    cdef Py_ssize_t beyond = min(count, max(inside, pieces(L - i, stride)))
    for q in range(inside):
        source = pad_index(i + q * stride, L, geometry.mode)
        out[q] = x[source] if source >= 0 else 0
    if stride == 1:
        memcpy(out + inside, x + i + inside, (beyond - inside) * sizeof(floating))
    else:
        for q in range(inside, beyond):
            out[q] = x[i + q * stride]
    for q in range(beyond, count):
        source = pad_index(i + q * stride, L, geometry.mode)
        out[q] = x[source] if source >= 0 else 0
    memset(out + count, 0, (pitch - count) * sizeof(floating))


# ------------------------------------------------------------------ how the work is cut into blocks

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
        # (whole registers: stretches are rounded up to them)
        room = min(room, geometry.apart // geometry.stride - 1) // SLACK * SLACK
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


cdef inline char* aligned(void* memory) noexcept nogil:
    """The next address that begins a cache line."""
    return <char*> ((<size_t> memory + 63) & ~(<size_t> 63))


cdef inline Py_ssize_t gcd(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """The greatest common divisor."""
    while b:
        a, b = b, a % b
    return a
