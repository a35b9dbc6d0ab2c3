"""Padding, all of it: which input position does a padded position read?

    mode         input 1 2 3 4, two padded on either side
    ZEROS        0 0 | 1 2 3 4 | 0 0
    REFLECT      3 2 | 1 2 3 4 | 3 2      mirrored at the edge sample, which is not repeated
    REPLICATE    1 1 | 1 2 3 4 | 4 4      the edge sample goes on
    CIRCULAR     3 4 | 1 2 3 4 | 1 2      the signal is one period

Padding is a linear map. A forward pass gathers through ``pad_index``; its gradient, the adjoint
map, scatters through the same function. No other loop knows about padding.
"""

cdef enum:
    ZEROS = 0
    REFLECT = 1
    REPLICATE = 2
    CIRCULAR = 3


cdef inline Py_ssize_t pad_index(Py_ssize_t i, Py_ssize_t n, int mode) noexcept nogil:
    """Source of position ``i`` (negative: left of the input) in a row of ``n``; -1 means zero.

    REFLECT is called with a pad below ``n`` and CIRCULAR with one of at most ``n``, so that one
    fold is enough; the caller has checked it.
    """
    if 0 <= i < n:
        return i
    if mode == REFLECT:
        return -i if i < 0 else 2 * (n - 1) - i
    if mode == REPLICATE:
        return 0 if i < 0 else n - 1
    if mode == CIRCULAR:
        return i + n if i < 0 else i - n
    return -1
