"""From gradients that differ to a known mistake, if one explains them.

Most mistakes are looked for in the Jacobians (``mistakes.py``). Three concern more than one input,
or more than one call of backward, and are tried here: a backward that does not multiply by the
incoming gradient, gradients returned in the wrong order, and another input flipped or transposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from lucid.check.differences import ROUNDING, Tolerance, flat, jacobian, slope
from lucid.check.function import Checked
from lucid.check.mistakes import MISTAKES
from lucid.check.pair import Pair
from lucid.types import Array

__all__ = ["Jacobians", "diagnose"]

LARGEST = 2**21  # numbers in a Jacobian that is looked through: a second or two


class Jacobians:
    """Both Jacobians of one input: by backward, one output number at a time, and by differences."""

    def __init__(self, checked: Checked, which: int, tolerance: Tolerance) -> None:
        outputs = checked.outputs(checked.points)
        self.shapes = [y.shape for y in outputs]
        # how far rounding may put differences off
        self.noise = [
            4 * ROUNDING * float(np.abs(y[~np.isnan(y)]).max(initial=0)) / tolerance.eps
            for y in outputs
        ]
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.starts = np.cumsum([0, *sizes])
        self.numeric = jacobian(checked, which, tolerance.eps)
        self.analytic = np.empty_like(self.numeric)
        for row in range(int(self.starts[-1])):
            weights = np.zeros(int(self.starts[-1]))
            weights[row] = 1
            found = checked.gradients(self.split(weights))[which]
            self.analytic[row] = 0 if found is None else found.reshape(-1)
        lost = np.isnan(flat(outputs))  # such an output has no slope
        self.analytic[lost] = self.numeric[lost] = 0

    def split(self, weights: Array) -> list[Array]:
        """The weights of all output numbers, as arrays like the outputs."""
        bounds = zip(self.starts[:-1], self.starts[1:], self.shapes, strict=True)
        return [weights[start:end].reshape(shape) for start, end, shape in bounds]

    def place(self, row: int) -> str:
        """What the output number of a row is called."""
        k = int(np.searchsorted(self.starts, row, "right")) - 1
        index = np.unravel_index(row - self.starts[k], self.shapes[k])
        return self.name(k) + (f"[{', '.join(map(str, index))}]" if index else "")

    def worst_output(self, column: int) -> str:
        """Through which output number most of the error of an input number comes in."""
        with np.errstate(invalid="ignore"):
            error = np.abs(self.analytic[:, column] - self.numeric[:, column])
        row = int(np.where(np.isfinite(error), error, np.inf).argmax())
        right, wrong = self.numeric[row, column], self.analytic[row, column]
        place = self.place(row)
        return f"most of it through {place}: its slope is {right:.6g}, and backward has {wrong:.6g}"

    def name(self, k: int) -> str:
        """What an output is called."""
        return "output" if len(self.shapes) == 1 else f"output {k}"

    def pairs(self, name: str, shape: tuple[int, ...], tolerance: Tolerance) -> Iterator[Pair]:
        """One pair for each output that the Jacobians differ in."""
        for k, out_shape in enumerate(self.shapes):
            rows = slice(self.starts[k], self.starts[k + 1])
            both = self.analytic[rows], self.numeric[rows]
            fitted = tolerance.fitted(both[1])
            fitted = fitted._replace(atol=max(fitted.atol, min(tolerance.atol, self.noise[k])))
            pair = Pair(name, self.name(k), *both, out_shape, shape, fitted)
            if not pair.agrees(pair.numeric).all():
                yield pair


def diagnose(
    checked: Checked,
    which: int,
    weights: Sequence[Array],
    analytic: Sequence[Array],
    numeric: Sequence[Array],
    jacobians: Jacobians | None,
    tolerance: Tolerance,
) -> list[str]:
    """What may be wrong with the gradient of an input, each with a cure; empty if nothing fits."""
    found = [*of_the_incoming(checked, which, weights, analytic, tolerance)]
    if found:  # backward is not linear, and its Jacobian is none
        return found
    found = [*wrong_order(checked, which, analytic, numeric, tolerance)]
    if found:
        return found
    if jacobians is None:
        one = Pair(
            checked.names[which],
            "output",
            analytic[which].reshape(1, -1),
            numeric[which].reshape(1, -1),
            (),
            checked.points[which].shape,
            tolerance,
        )
        pairs = [one]
    else:
        shape = checked.points[which].shape
        pairs = [*jacobians.pairs(checked.names[which], shape, tolerance)]
    for pair in pairs:
        for group in MISTAKES:
            said = [text for mistake in group for text in mistake(pair)]
            found += said
            if said:
                break
    if not found:
        found += other_turned(checked, which, weights, analytic[which], numeric[which], tolerance)
    return list(dict.fromkeys(found))


def of_the_incoming(
    checked: Checked,
    which: int,
    weights: Sequence[Array],
    analytic: Sequence[Array],
    tolerance: Tolerance,
) -> Iterator[str]:
    """backward(c * grad) is not c * backward(grad), for c = 2 or -2"""
    once, name = analytic[which], checked.names[which]
    several = []
    for factor in (2, -2):
        found = checked.gradients([factor * w for w in weights])[which]
        several.append(np.zeros_like(once) if found is None else found)
    twice, opposite = several
    if not np.isfinite([once, *several]).all():
        return
    double = tolerance.of(2 * once)
    if (np.abs(twice - 2 * once) > double).any():
        if (np.abs([twice - once, opposite - once]) <= tolerance.of(once)).all():
            yield (
                f"incoming gradient ignored: the gradient of {name} stays the same when that of "
                "the output doubles\n"
                "  try: multiply by the gradient that backward is given (chain rule)"
            )
        else:
            yield (
                f"not linear: the gradient of {name} does not double when that of the output "
                "does\n  try: use the gradient that backward is given once, as a factor, without "
                "clamping or normalizing it"
            )
    elif (np.abs(opposite + 2 * once) > double).any():
        yield (
            f"not linear: the gradient of {name} does not change its sign when that of the output "
            "does\n  try: no relu, abs or clamp of the gradient that backward is given"
        )


def wrong_order(
    checked: Checked,
    which: int,
    analytic: Sequence[Array],
    numeric: Sequence[Array],
    tolerance: Tolerance,
) -> Iterator[str]:
    """analytic of one input = numeric of another, and the other way around"""
    for other in range(len(numeric)):
        if other != which and numeric[other].shape == numeric[which].shape:
            pairs = ((which, other), (other, which))
            if all((np.abs(analytic[i] - numeric[j]) <= tolerance.of(numeric[j])).all()
                   for i, j in pairs):  # fmt: skip
                first, second = sorted((which, other))
                yield (
                    f"wrong order: {checked.names[first]} gets the gradient of "
                    f"{checked.names[second]}, and the other way around\n"
                    "  try: return the gradients in the order of the inputs"
                )


def other_turned(
    checked: Checked,
    which: int,
    weights: Sequence[Array],
    analytic: Array,
    numeric: Array,
    tolerance: Tolerance,
) -> Iterator[str]:
    """The gradient is right for another kernel, or matrix: the same one, flipped or transposed."""
    points, together = checked.points, flat(weights)
    worst = int(np.abs(analytic - numeric).argmax())
    for other, turned, text, axes in (t for i in range(len(points)) for t in turns(points[i], i)):
        if other == which or np.array_equal(turned, points[other]):
            continue
        checked.points = [turned.copy() if i == other else p for i, p in enumerate(points)]
        try:
            there, *_ = slope(checked, which, worst, together, tolerance.eps)
            if abs(analytic.reshape(-1)[worst] - there) > tolerance.of(there):
                continue  # most are out of the question after one number
            predicted = jacobian(checked, which, tolerance.eps, together).reshape(-1)
        finally:
            checked.points = points
        off = np.abs(analytic.reshape(-1) - predicted)
        if predicted.any() and (off <= tolerance.of(predicted)).all():
            yield text.format(checked.names[which], checked.names[other], axes)


FLIPPED = (
    "kernel flipped: the gradient of {0} is right for {1} flipped along axis {2}\n"
    "  try: the other direction of {1} here in backward (the gradient of a correlation is a "
    "convolution, which flips; scattering with += needs no flip)"
)
TURNED = (
    "transposed: the gradient of {0} is right for {1} with axes {2} exchanged\n"
    "  try: {1}.T here in backward; check with sizes that all differ"
)


def turns(point: Array, which: int) -> Iterator[tuple[int, Array, str, object]]:
    """An input flipped along each axis, and with each two equal axes exchanged."""
    for axis in range(point.ndim):
        yield which, np.flip(point, axis), FLIPPED, axis
    for i, j in combinations(range(point.ndim), 2):
        if point.shape[i] == point.shape[j]:
            yield which, point.swapaxes(i, j), TURNED, f"{i} and {j}"
