"""How many threads the kernels use, in one place.

A kernel asks ``team(work)`` how many threads its loop should get, with a rough count of its
arithmetic operations, and hands the answer to ``prange``. Loops split what is *written*, so that
every sum is added up by one thread, in one order: the number of threads never changes a result.

Waking a thread takes microseconds, so little work stays with the calling thread.

libgomp hangs in a forked child if its parent has used threads, for the child inherits the
bookkeeping but not the threads. ``lucid/config.py`` therefore resets the child to one thread.
"""

cdef int threads = 1
cdef bint used = False

# What keeps a second thread busy for several times as long as it takes to wake it: about 20 us.
cdef double ENOUGH = 2e6


cdef int team(double work) noexcept nogil:
    """The number of threads for a loop of so many operations."""
    global used
    if threads == 1 or work < ENOUGH:
        return 1
    used = True
    return threads


def get_threads():
    """The most threads that a kernel uses."""
    return threads


def set_threads(int count):
    """Let kernels use up to ``count`` threads."""
    global threads
    threads = count


def have_been_used():
    """Whether a kernel of this process has ever run on more than one thread."""
    return used


def has_openmp():
    """Whether this build can use more than one thread at all."""
    return OPENMP != 0


cdef extern from *:
    """
    #ifdef _OPENMP
    #define LUCID_OPENMP 1
    #else
    #define LUCID_OPENMP 0
    #endif
    """
    int OPENMP "LUCID_OPENMP"
