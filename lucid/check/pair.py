"""The evidence for a mistake: two Jacobians of one output with respect to one input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from lucid.check.differences import Tolerance
from lucid.types import Array

__all__ = ["Pair", "axis_names"]


class Pair(NamedTuple):
    """The Jacobians of one output with respect to one input, as (output numbers, input numbers)."""

    name: str  # of the input
    output: str
    analytic: Array
    numeric: Array
    out_shape: tuple[int, ...]  # () if only a weighted sum of the outputs is known
    in_shape: tuple[int, ...]
    tolerance: Tolerance

    def agrees(self, predicted: Array) -> Array:
        """Where the analytic Jacobian is the predicted one."""
        with np.errstate(invalid="ignore"):
            close = np.abs(self.analytic - predicted) <= self.tolerance.of(predicted)
        return np.asarray(close)

    def fits(self, predicted: Array, known: Array | None = None) -> bool:
        """Whether a prediction is right wherever it is made, and says something there."""
        said = np.ones(predicted.shape, bool) if known is None else known
        nothing = np.abs(predicted) <= self.tolerance.atol
        return not (~self.agrees(predicted) & said).any() and not (nothing | ~said).all()

    def allows(self, predicted: Array, known: Array) -> bool:
        """Whether nothing speaks against a prediction, though perhaps nothing for it."""
        return not (~self.agrees(predicted) & known).any()

    def few(self, most: int = 4) -> Pair:
        """The output numbers that are furthest off: a quick look before a long one."""
        with np.errstate(invalid="ignore"):
            off = np.nan_to_num(np.abs(self.analytic - self.numeric), nan=np.inf).max(1, initial=0)
        rows = np.argsort(-off, kind="stable")[:most]
        return self._replace(
            analytic=self.analytic[rows], numeric=self.numeric[rows], out_shape=(len(rows),)
        )

    def grid(self, jacobian: Array) -> Array:
        """The Jacobian with the axes of the output, then those of the input."""
        return jacobian.reshape(self.out_shape + self.in_shape)


def axis_names(axes: Iterator[int] | tuple[int, ...] | list[int]) -> str:
    """``axis 0``, or ``axes 0 and 2``"""
    names = [str(axis) for axis in axes]
    return (
        f"axis {names[0]}" if len(names) == 1 else f"axes {', '.join(names[:-1])} and {names[-1]}"
    )
