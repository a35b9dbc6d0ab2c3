"""What a few more calls tell of a function, before and after its gradients are compared.

Is it repeatable? Does backward use the gradient that it is given as a factor, as the chain rule
does? Does the function compute in float32, whose rounding is larger than what differences measure?
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from lucid.check.differences import ROUNDING, Tolerance, change, moved
from lucid.check.function import Checked, Problem
from lucid.check.report import InputReport
from lucid.random import get_rng_state
from lucid.types import Array

__all__ = ["check_linear", "check_precision", "close", "drawn_between", "random_states",
           "repeatable"]  # fmt: skip

# Powers of two, so that a backward that is linear scales exactly; large, small, of another sign.
FACTORS = (-1024.0, 2.0**-13)
PLACES = 5  # that are moved to see whether a function computes in float32
FINE, COARSE = 1e-9, 1e-5  # float32 makes steps of about 1e-7, in proportion to its numbers


def repeatable(checked: Checked, nondet_tol: float) -> list[Array]:
    """Call the function again; return weights for its outputs, or raise Problem if they differ."""
    first = [y.copy() for y in checked.outputs(checked.points)]
    for _ in range(10):
        before = random_states()  # not earlier: a function that seeds its own numbers is repeatable
        again = checked.outputs(checked.points)
        why = drawn_between(before, random_states())
        if len(first) != len(again) or not all(
            a.shape == b.shape and close(a, b, nondet_tol)
            for a, b in zip(first, again, strict=True)
        ):
            why = why or (
                "fn remembers something from call to call, or draws random numbers of its own\n"
                "  try: give all that it needs as inputs"
            )
            raise Problem("fn gives another output the second time, for the same inputs", why)
        if not why:  # else ask again: dropout may drop the same once more, by chance
            break
    # Neither 1 nor of equal size nor sign: what ignores, sums or exchanges them is found out.
    random = np.random.default_rng(0)
    drawn = [random.uniform(0.5, 1.5, y.shape) * random.choice([-1, 1], y.shape) for y in first]
    # An output that is nan has no slope, and would make one sum with the others nan.
    return [np.where(np.isnan(y), 0.0, w) for y, w in zip(first, drawn, strict=True)]


def random_states() -> tuple[Any, Any]:
    """Whatever a draw from lucid's numbers changes, and one from ``np.random.rand``."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002 (students' code may draw from it)
    with np.printoptions(threshold=sys.maxsize):  # of each bit generator something else is in it
        return get_rng_state(), repr(state)


def drawn_between(before: tuple[Any, Any], after: tuple[Any, Any]) -> str | None:
    """Whose random numbers a call has drawn, and the cure; None if it has not."""
    if after[0] != before[0]:
        return (
            "fn draws random numbers from lucid (dropout?)\n"
            "  try: model.eval(), or lucid.manual_seed(0) as the first line of fn"
        )
    if after[1] != before[1]:
        return (
            "fn draws random numbers from numpy.random\n"
            "  try: a generator made inside fn: np.random.default_rng(0)"
        )
    return None


def close(a: Array, b: Array, tolerance: float) -> bool:
    """Whether two arrays are equal, or nearly so."""
    return bool(np.allclose(a, b, rtol=0, atol=tolerance, equal_nan=True))


def check_linear(
    checked: Checked,
    inputs: Sequence[InputReport],
    weights: Sequence[Array],
    tolerance: Tolerance,
    nondet_tol: float,
) -> None:
    """backward(c * grad) = c * backward(grad), or Problem: they were right for one size only."""
    for factor in FACTORS:
        found = checked.gradients([factor * w for w in weights])
        for report, got in zip(inputs, found, strict=True):
            once = report.analytic
            there = (np.zeros_like(once) if got is None else np.asarray(got)) / factor
            margin = tolerance.fitted(once).of(once) + nondet_tol / min(1.0, abs(factor))
            with np.errstate(invalid="ignore"):
                off = np.abs(there - once) - margin
            off = np.where(np.isfinite(there) & np.isfinite(once), off, 0)
            if (off > 0).any():
                index = tuple(int(i) for i in np.unravel_index(off.argmax(), off.shape))
                place = f"{report.name}[{', '.join(map(str, index))}]" if index else report.name
                raise Problem(
                    f"backward is not linear in the gradient that it is given: it is right for "
                    f"incoming gradients of size 1, and for {factor:.4g} times as large ones the "
                    f"gradient of {place} is {there[index] * factor:.4g}, not "
                    f"{once[index] * factor:.4g}",
                    "clamped or rescaled: large, small or negative incoming gradients are treated "
                    "in another way\n  try: no clamp, norm, sign or if on grad in backward; "
                    "gradients are clipped after backward(), by nn.utils.clip_grad_norm_",
                )


def check_precision(checked: Checked, inputs: Sequence[InputReport], eps: float) -> None:
    """Raise Problem if gradients disagree, or have kinks, because the function computes in float32.

    Such a function is a staircase: it stays as it is for a much smaller step than float32 tells
    apart, and moves for a larger one. One in float64 moves for both.
    """
    if eps > COARSE:  # steps that float32 can make, too
        return
    for which, report in enumerate(inputs):
        places = np.flatnonzero(report.wrong | report.excused)
        places = places[:: max(1, len(places) // PLACES)]
        stairs = [stays(checked, which, int(place)) for place in places]
        if any(stairs) and np.mean(stairs) >= 0.8:  # now and then one is at the edge of a stair
            raise Problem(
                "fn computes in float32 inside, though its inputs and outputs are float64: in the "
                "rounding of float32, small steps are lost, and the gradients cannot be compared",
                f"float32 inside: a step of {FINE:g} in {report.name} changes nothing at all\n"
                "  try: no .float() and no dtype=float32 inside fn; if it has to be float32, "
                "eps=1e-2, atol=1e-2",
            )


def stays(checked: Checked, which: int, place: int) -> bool:
    """Whether a fine step changes no output, where by a coarse one float64 would show it."""
    here = abs(float(checked.points[which].reshape(-1)[place]))
    changes = []
    for by in (FINE * here, COARSE * here):
        above, below = (moved(checked, which, place, step)[0] for step in (by, -by))
        changes.append(np.abs(change(above, below)))
    fine, coarse = changes
    shown = coarse * (FINE / COARSE) > 8 * ROUNDING * np.abs(above)
    return bool(shown.any() and not fine[shown].any())
