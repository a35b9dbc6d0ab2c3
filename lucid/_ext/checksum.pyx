"""Have the numbers of an array changed? A checksum tells, faster than CRC-32.

Each 8 bytes, w, go into one of four sums::

    sum = (sum XOR w) * P           (mod 2**64, P odd)
    sum = sum XOR (sum >> 32)

The product moves bits to the left, the shift brings them down again; without it, two changed signs
would cancel. For a given w this maps different sums to different sums, and for a given sum
different w: so one changed word always changes the result, and among other changes about one in
2**64 does not. There are four sums for speed: while one waits for its product, the others go on.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #define LUCID_P 0x9E3779B97F4A7C15u     /* 2**64 / the golden ratio: bits all over */
    """
    const uint64_t P "LUCID_P"


def checksum(
    array,      # IN   of any shape and dtype, contiguous in C's order
) -> int:
    """The checksum of the bytes of an array."""
    cdef Py_buffer buffer
    cdef uint64_t result
    PyObject_GetBuffer(array, &buffer, PyBUF_SIMPLE)
    try:
        with nogil:
            result = checksum_of(<const unsigned char*> buffer.buf, buffer.len)
    finally:
        PyBuffer_Release(&buffer)
    return result


cdef uint64_t checksum_of(const unsigned char* bytes, Py_ssize_t n) noexcept nogil:
    cdef uint64_t[4] sums
    cdef uint64_t[4] words
    cdef Py_ssize_t i, j
    sums[0], sums[1], sums[2], sums[3] = n, 1, 2, 3
    for i in range(n // 32):
        memcpy(words, bytes + 32 * i, 32)
        for j in range(4):
            sums[j] = mixed(sums[j], words[j])
    words[0] = words[1] = words[2] = words[3] = 0
    memcpy(words, bytes + n // 32 * 32, n % 32)
    for j in range(4):
        sums[j] = mixed(sums[j], words[j])
    for j in range(1, 4):
        sums[0] = mixed(sums[0], sums[j])
    return sums[0]


cdef inline uint64_t mixed(uint64_t sum, uint64_t word) noexcept nogil:
    sum = (sum ^ word) * P
    return sum ^ (sum >> 32)
