"""Sums and products of long arrays, on several threads.

NumPy's own loops are no slower, but run on one thread. A thread gets whole blocks of the output.
"""

from cython cimport floating
from cython.parallel cimport prange

from lucid._ext.threads cimport team

cdef enum:
    BLOCK = 8192    # numbers that a thread takes at a time


def add(
    const floating[::1] a,      # IN   (n,)
    const floating[::1] b,      # IN   (n,)
    floating[::1] out,          # OUT  (n,)
):
    """out = a + b"""
    cdef Py_ssize_t i, n = out.shape[0], blocks = (n + BLOCK - 1) // BLOCK
    for i in prange(blocks, nogil=True, schedule="static", num_threads=team(20.0 * n)):
        add_block(
            &a[i * BLOCK], &b[i * BLOCK], &out[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK))


cdef inline void add_block(
    const floating* a, const floating* b, floating* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = a[i] + b[i]


def mul(
    const floating[::1] a,      # IN   (n,)
    const floating[::1] b,      # IN   (n,)
    floating[::1] out,          # OUT  (n,)
):
    """out = a * b"""
    cdef Py_ssize_t i, n = out.shape[0], blocks = (n + BLOCK - 1) // BLOCK
    for i in prange(blocks, nogil=True, schedule="static", num_threads=team(20.0 * n)):
        mul_block(
            &a[i * BLOCK], &b[i * BLOCK], &out[i * BLOCK], min(<Py_ssize_t>BLOCK, n - i * BLOCK))


cdef inline void mul_block(
    const floating* a, const floating* b, floating* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = a[i] * b[i]
