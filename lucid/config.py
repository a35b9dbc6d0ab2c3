"""What lucid runs on."""

from __future__ import annotations

import platform

import numpy as np

from lucid import _ext
from lucid._version import __version__

__all__ = ["show_config"]


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
    threads  1
    """
    if _ext.COMPILED:
        kernels = "compiled"
        if _ext.BUILD.get("bounds_checks"):
            kernels += ", with bounds checks (LUCID_BOUNDSCHECK=1 at the build)"
    else:
        kernels = "NumPy twins"
        if _ext.BUILD.get("failure"):
            kernels += f", because the build could not compile: {_ext.BUILD['failure']}"
        else:
            kernels += ", because LUCID_KERNELS=numpy asks for them"
    simd = f"{_ext.kernels.simd_level}"
    print(f"lucid    {__version__} (Python {platform.python_version()}, NumPy {np.__version__})")
    print(f"kernels  {kernels}")
    print(f"SIMD     {simd}")
    print("threads  1")
