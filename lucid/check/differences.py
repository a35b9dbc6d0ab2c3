"""Derivatives by finite differences, and where they cannot be had.

With y = f(x), moved by h in one element:

    central   (f(x + h) - f(x - h)) / 2h     off by about h^2 f'''/6, and by the rounding of f / h
    right     (f(x + h) - f(x)) / h          off by about  h f''/2
    left      (f(x) - f(x - h)) / h          off by about -h f''/2

Where f is smooth, right and left come together as h shrinks. At a kink (relu at 0) they do not:
there is no derivative to compare with, and any number between the two is as good as another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lucid.check.function import Checked
from lucid.types import Array

__all__ = ["Tolerance", "certainly_wrong", "checked_tolerance", "jacobian", "judge", "slope"]

ROUNDING = float(np.finfo(np.float64).eps)


class Tolerance(NamedTuple):
    """Numbers agree if |a - b| <= atol + rtol * |b|, as in ``allclose``."""

    eps: float  # the step of the differences, for numbers of size 1
    atol: float
    rtol: float

    def of(self, expected: Array | float) -> Array | float:
        """How far from ``expected`` a number may be."""
        return self.atol + self.rtol * np.abs(expected)

    def fitted(self, gradients: Array) -> Tolerance:
        """For gradients that are all below 1, the same in proportion: those of 1e-8, say."""
        size = np.abs(gradients[np.isfinite(gradients)]).max(initial=0.0)
        return self._replace(atol=self.atol * min(1.0, float(size))) if size else self


def checked_tolerance(eps: float, atol: float, rtol: float, nondet_tol: float) -> Tolerance:
    """The tolerance that was asked for; ValueError for one that no check can keep."""
    if not 0 < eps < np.inf:
        raise ValueError(f"eps is the step of the differences, above 0, got {eps}\n  try: eps=1e-6")
    cures = {"atol": (atol, "1e-5"), "rtol": (rtol, "1e-3"), "nondet_tol": (nondet_tol, "0.0")}
    for name, (value, usual) in cures.items():
        if not value >= 0:
            raise ValueError(
                f"{name} is how far numbers may be apart, at least 0, got {value}\n"
                f"  try: {name}={usual}"
            )
    return Tolerance(eps, atol, rtol)


def step_at(value: float, eps: float) -> float:
    """The step for a number: in proportion to large ones, whose neighbours are far apart."""
    return eps * max(1.0, abs(value))


def flat(outputs: Sequence[Array]) -> Array:
    """All numbers of all outputs, in a row."""
    return np.concatenate([np.asarray(y, np.float64).reshape(-1) for y in outputs])


def moved(checked: Checked, which: int, place: int, by: float) -> tuple[Array, float]:
    """The outputs with one element of one input moved, and where it really came to."""
    points = list(checked.points)
    points[which] = points[which].copy()
    there = points[which].reshape(-1)
    there[place] += by
    return flat(checked.outputs(points)), float(there[place])


def change(after: Array, before: Array) -> Array:
    """after - before, which is 0 for what stays infinite or nan"""
    with np.errstate(invalid="ignore"):
        same = (after == before) | (np.isnan(after) & np.isnan(before))
        return np.where(same, 0.0, after - before)


def jacobian(checked: Checked, which: int, eps: float, weights: Array | None = None) -> Array:
    """Central differences of every output, or of their weighted sum, for every input element."""
    point = checked.points[which].reshape(-1)
    columns = []
    for place in range(point.size):
        step = step_at(point[place], eps)
        above, high = moved(checked, which, place, step)
        below, low = moved(checked, which, place, -step)
        with np.errstate(all="ignore"):
            column = change(above, below) / (high - low)
        columns.append(column if weights is None else np.atleast_1d(weights @ column))
    rows = 1 if weights is not None else flat(checked.outputs(checked.points)).size
    return np.stack(columns, 1) if columns else np.zeros((rows, 0))


def slope(
    checked: Checked, which: int, place: int, weights: Array, eps: float
) -> tuple[float, float, float, float]:
    """Central, right and left slope of the weighted sum, and how far rounding may put them off."""
    here = float(checked.points[which].reshape(-1)[place])
    step = step_at(here, eps)
    above, high = moved(checked, which, place, step)
    below, low = moved(checked, which, place, -step)
    middle, _ = moved(checked, which, place, 0.0)
    # first the difference, then the weights: what did not move is gone before it is added up
    with np.errstate(all="ignore"):
        right = float(weights @ change(above, middle)) / (high - here)
        left = float(weights @ change(middle, below)) / (here - low)
        central = float(weights @ change(above, below)) / (high - low)
        size = np.where(above != below, np.abs(middle), 0.0)
        noise = 4 * ROUNDING * float(np.abs(weights) @ size) / step
    return central, right, left, noise


def judge(
    checked: Checked, which: int, place: int, weights: Array, analytic: float, tolerance: Tolerance
) -> str:
    """Look closer at an element that disagrees: "right", "wrong", "kink" or "unknown".

    A smaller step steps over no kink nearby, and a larger one suffers less from rounding: what
    agrees with one of them is right. "unknown" is what has no finite differences, or what rounding
    hides.
    """
    slopes = [slope(checked, which, place, weights, tolerance.eps * k) for k in (1, 0.1, 0.01, 10)]
    for central, *_ in slopes:
        if abs(analytic - central) <= tolerance.of(central):
            return "right"
    central, right, left, noise = slopes[1]
    if np.isnan(analytic) and np.isnan(moved(checked, which, place, 0.0)[0]).any():
        return "unknown"  # the number may reach the output that is nan: 0 * nan is nan
    if not np.isfinite([slopes[0][0], central]).any():
        return "unknown"
    gap, gap_before = abs(right - left), abs(slopes[0][1] - slopes[0][2])
    margin = float(tolerance.of(central)) + noise
    # One-sided slopes of a smooth function come ten times closer with a tenth of the step.
    if gap > max(margin, 10 * noise) and gap > 0.3 * gap_before:
        inside = min(left, right) - margin <= analytic <= max(left, right) + margin
        return "kink" if inside else "wrong"
    # What is left is beyond the largest step's rounding, or hidden by it.
    central, _, _, noise = slopes[3]
    hidden = noise + float(tolerance.of(central))
    return "unknown" if abs(analytic - central) <= hidden else "wrong"


def certainly_wrong(
    checked: Checked, which: int, place: int, weights: Array, analytic: float, tolerance: Tolerance
) -> bool:
    """Whether an element is wrong by more than the differences are uncertain.

    Rounding and kinks put slopes of other steps, and those to the right and to the left, apart from
    each other. What lies within such a spread of them all is not called wrong.
    """
    slopes = [slope(checked, which, place, weights, tolerance.eps * k) for k in (1, 10, 100)]
    known = np.array([s[:3] for s in slopes])
    low, high = float(known.min()), float(known.max())
    margin = high - low + float(tolerance.of(slopes[0][0])) + slopes[-1][3]
    return bool(analytic < low - margin or analytic > high + margin)
