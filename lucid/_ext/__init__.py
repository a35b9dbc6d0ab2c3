"""Which kernels run: the compiled ones, or their NumPy twins. Decided once, at import.

``LUCID_KERNELS=numpy`` asks for the twins, ``LUCID_KERNELS=compiled`` insists on the compiled
ones. Left to itself, lucid runs compiled kernels; it runs the twins only where ``setup.py`` wrote
down that nothing could be compiled. A source tree that was never built is an error: quietly
running slow helps nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["BUILD", "COMPILED", "kernels"]

_FOLDER = Path(__file__).parent
_RECORD = _FOLDER / "build.json"


def _read_record() -> dict[str, Any]:
    """What ``setup.py`` recorded about the build; empty in a source tree that was never built."""
    try:
        record = json.loads(_RECORD.read_text())
    except (OSError, ValueError):  # not there, or damaged
        return {}
    return record if isinstance(record, dict) and "compiled" in record else {}


BUILD = _read_record()


@contextlib.contextmanager
def short_waits() -> Iterator[None]:
    """Let threads that wait for work sleep soon, unless the user has said how they wait.

    GNU's OpenMP reads this when it is loaded. Left to itself a thread that waits spins for many
    milliseconds; on a machine with other work to do it so keeps the very thread that it waits for
    from running, and two threads are many times slower than one.
    """
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = "1000"
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]  # other libraries have an OpenMP of their own


def _choose() -> tuple[ModuleType, bool]:
    """Return the module that holds the kernels, and whether it is the compiled one."""
    wish = os.environ.get("LUCID_KERNELS", "")
    if wish not in ("", "compiled", "numpy"):
        raise ImportError(f"LUCID_KERNELS must be 'compiled' or 'numpy', got {wish!r}")
    if wish == "numpy" or (wish == "" and BUILD and not BUILD["compiled"]):
        from lucid._ext import numpy_twins

        return numpy_twins, False
    if BUILD and not BUILD["compiled"]:  # what lies there is from an earlier build
        raise ImportError(_advice())
    try:
        with short_waits():
            from lucid._ext import compiled
    except ImportError as error:
        if "LUCID_SIMD" in str(error):  # they are there; simd.pyx says what was asked for in vain
            raise
        raise ImportError(_advice(error)) from None
    return compiled, True


def _advice(error: ImportError | None = None) -> str:
    """Say why there is no compiled kernel to import, and the command that makes one."""
    root = _FOLDER.parents[1]
    if BUILD and not BUILD["compiled"]:
        why = f"the build could not compile them ({BUILD['failure']})"
    elif BUILD and error and not isinstance(error, ModuleNotFoundError):
        why = f"they are there, but do not load, or are from another version ({error})"
    elif BUILD:
        why = f"they were built for Python {BUILD['python']}, or have been removed"
    else:
        why = "they were never built here"
    advice = f"lucid's kernels cannot be imported from {_FOLDER}: {why}.\n"
    if (root / "setup.py").exists():
        advice += (
            f"This is a source tree. To build its kernels:\n    pip install -e {root}\n"
            "(a lucid installed elsewhere is hidden while Python runs in this folder)\n"
        )
    return advice + "To run the slower NumPy twins instead, set LUCID_KERNELS=numpy"


kernels, COMPILED = _choose()
