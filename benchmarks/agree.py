"""Before anything is timed: do the contestants compute the same?

A fast wrong answer is no answer. A case in which results differ is not timed; the report names it,
and the command ends with an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["DisagreementError", "check"]

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


class DisagreementError(RuntimeError):
    """Two contestants gave different results."""


def check(
    what: str, results: dict[str, np.ndarray[Any, Any]], tolerance: float | None = None,
    scale: float | None = None,
) -> None:  # fmt: skip
    """Raise unless all results equal the first, within ``tolerance`` of its largest number.

    By default that is 1e-4 for float32 and 1e-10 for float64: the contestants add in different
    orders. ``scale`` replaces the largest number where a result is part of a larger whole.
    """
    (name, expected), *others = results.items()
    if tolerance is None:
        tolerance = TOLERANCE[expected.dtype.name]
    largest = float(np.abs(expected).max()) if scale is None else scale
    for other, found in others:
        if found.shape != expected.shape:
            raise DisagreementError(f"{what}: {name} {expected.shape}, {other} {found.shape}")
        difference = float(np.abs(found - expected).max())
        if not difference <= tolerance * largest:  # so that nan is a difference, too
            raise DisagreementError(
                f"{what}: {name} and {other} differ by {difference:.3g}, "
                f"where the largest number is {largest:.3g}"
            )
