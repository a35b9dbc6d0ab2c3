"""Ask the C library to keep freed memory for the next array.

A training step allocates and frees the same arrays again and again. glibc gives large ones back to
the operating system at once, and the next allocation pays for every page of them anew, which takes
longer than many kernels. Where it cannot be asked (on other C libraries), nothing happens.
"""

cdef extern from *:
    """
    #if defined(__linux__)
    #include <features.h>
    #endif
    #if defined(__GLIBC__)
    #include <malloc.h>
    static int lucid_keep(int most, int largest)
    {
        return mallopt(M_TRIM_THRESHOLD, most) && mallopt(M_MMAP_THRESHOLD, largest);
    }
    #else
    static int lucid_keep(int most, int largest) { return 0; }
    #endif
    """
    int lucid_keep(int most, int largest)


def keep_freed_memory(int most, int largest):
    """Keep up to ``most`` bytes of freed memory, of arrays up to ``largest``; True if it worked."""
    return lucid_keep(most, largest) != 0
