"""What lucid runs on, and how many threads it uses."""

from __future__ import annotations

import contextlib
import os
import platform

import numpy as np

from lucid import _ext
from lucid._ext import kernels
from lucid._version import __version__
from lucid.errors import check_size

__all__ = ["get_num_threads", "set_num_threads", "show_config"]

_forked = False  # from a process whose kernels had threads


def get_num_threads() -> int:
    """Return the most threads that a kernel uses.

    At first that is ``OMP_NUM_THREADS``, if it is set, else the number of processors this process
    may run on.

    Examples
    --------
    >>> import lucid
    >>> lucid.get_num_threads() >= 1
    True
    """
    threads: int = kernels.get_threads()
    return threads


def set_num_threads(num: int) -> None:
    """Let kernels use up to ``num`` threads. No result depends on it, to the last bit.

    Small computations stay on one thread all the same. A forked process, as the workers of
    ``multiprocessing`` are on Linux before Python 3.14, begins with one thread; it can have more
    only if the kernels of its parent never did.

    Parameters
    ----------
    num : int
        At least 1. On kernels that were built without OpenMP a larger number has no effect.

    Raises
    ------
    ValueError
        If ``num`` is less than 1.
    TypeError
        If it is not an int.
    RuntimeError
        For more than one thread in a process forked from one that has used threads: there, they
        would wait forever.

    Examples
    --------
    >>> import lucid
    >>> before = lucid.get_num_threads()
    >>> lucid.set_num_threads(1)
    >>> lucid.get_num_threads()
    1
    >>> lucid.set_num_threads(before)
    """
    num = min(check_size("num", num, 1), 1024)
    if num > 1 and _forked:
        raise RuntimeError(
            "this process was forked from one that has used threads, and they do not survive that: "
            f"it can use 1 thread, not {num}\n"
            "  try: multiprocessing.get_context('spawn')"
        )
    kernels.set_threads(num)


def _default_threads() -> int:
    """``OMP_NUM_THREADS``, or how many processors this process may use."""
    wish = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wish.isdecimal() and int(wish) >= 1:
        return min(int(wish), 1024)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1


def _after_fork() -> None:
    global _forked
    _forked = _forked or kernels.have_been_used()
    kernels.set_threads(1)


def _keep_memory() -> None:
    """Let arrays that are freed make room for the next ones, unless the user tuned malloc."""
    tuned = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
    if not any(name in os.environ for name in tuned):
        kernels.keep_freed_memory(most=256 << 20, largest=32 << 20)


kernels.set_threads(_default_threads())
_keep_memory()
with contextlib.suppress(AttributeError):  # Windows cannot fork
    os.register_at_fork(after_in_child=_after_fork)


def show_config() -> None:
    """Print which kernels, which SIMD level and how many threads are in use.

    Worth adding to a report of a problem, or of a measurement.

    Examples
    --------
    >>> import lucid
    >>> lucid.show_config()         # doctest: +ELLIPSIS
    lucid    ...
    kernels  ...
    SIMD     ...
    threads  ...
    """
    if _ext.COMPILED:
        chosen = "compiled"
        if _ext.BUILD.get("bounds_checks"):
            chosen += ", with bounds checks (LUCID_BOUNDSCHECK=1 at the build)"
    else:
        chosen = "NumPy twins"
        if _ext.BUILD.get("failure"):
            chosen += f", because the build could not compile: {_ext.BUILD['failure']}"
        else:
            chosen += ", because LUCID_KERNELS=numpy asks for them"
    threads = f"{get_num_threads()}"
    if not kernels.has_openmp():
        threads += ", of which 1 is used: there is no OpenMP in these kernels"
    print(f"lucid    {__version__} (Python {platform.python_version()}, NumPy {np.__version__})")
    print(f"kernels  {chosen}")
    print(f"SIMD     {kernels.simd_level}")
    print(f"threads  {threads}")
