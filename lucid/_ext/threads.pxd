"""How many threads a parallel loop gets: ``cimport`` this in a kernel."""

cdef int team(double work) noexcept nogil
