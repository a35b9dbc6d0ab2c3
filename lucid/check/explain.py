"""Why an output is wrong: what the reference would have to be given, or what befell its output.

An explanation is tried out, not guessed: if the reference, given the kernel flipped, returns what
the function returned, then the function flips its kernel. Explanations are made up for the first
case that fails, and are kept if they hold for all that were found to fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lucid.check.cases import Case, as_array, replaced
from lucid.check.outcome import Limits, call, difference, numbers, parts
from lucid.types import Array

__all__ = ["explain"]

Reference: TypeAlias = "Callable[..., Any]"


class Explanation(NamedTuple):
    """What may be wrong, and what would then be returned; None where it does not say."""

    text: str
    predict: Callable[[Reference, Case], Any]


def explain(
    reference: Reference,
    outputs: Sequence[tuple[Case, Any]],
    options: Mapping[str, Any],
    limits: Limits,
) -> str | None:
    """The explanations that hold for all cases with their outputs, joined by "or"; None without."""
    case, output = outputs[0]
    right, _ = call(reference, case)
    possible = [*of_arguments(case, options), *of_output(output, right)]
    holding = [e.text for e in possible if holds(e, reference, outputs, limits)]
    return "\nor ".join(dict.fromkeys(holding)) or None


def holds(
    explanation: Explanation,
    reference: Reference,
    outputs: Sequence[tuple[Case, Any]],
    limits: Limits,
) -> bool:
    """Whether an explanation predicts what was returned, wherever it predicts anything."""
    some = False
    for case, output in outputs:
        try:
            predicted = explanation.predict(reference, case)
        except (ValueError, IndexError, KeyError, TypeError):  # of another rank, or other arguments
            continue
        if predicted is None:  # the reference refuses what it says
            continue
        if difference(output, predicted, limits) is not None:
            return False
        some = True
    return some


# ------------------------------------------------------------------- right, for other arguments


def of_arguments(case: Case, options: Mapping[str, Any]) -> Iterator[Explanation]:
    """Arrays flipped, left out, negated, transposed, exchanged; options ignored."""
    names = case.floats()
    for name in names:
        ndim = as_array(case.values[name]).ndim
        for axis in range(ndim):
            yield Explanation(
                f"flipped: it is right for {name} reversed along axis {axis}\n"
                f"  try: leave {name} as it is, without [::-1] (a convolution layer computes "
                "y[t] = sum over k of w[k] * x[t + k], which mathematics calls a correlation)",
                for_another(name, partial(np.flip, axis=axis)),
            )
        for i, j in combinations(range(ndim), 2):
            yield Explanation(
                f"transposed: it is right for {name} with axes {i} and {j} exchanged",
                for_another(name, partial(np.swapaxes, axis1=i, axis2=j)),
            )
        yield Explanation(
            f"ignored: it is right for {name} = 0\n  try: is {name} used?",
            for_another(name, np.zeros_like),
        )
        yield Explanation(f"the sign: it is right for -{name}", for_another(name, np.negative))
    for a, b in combinations(names, 2):
        yield Explanation(f"wrong order: it is right for {a} and {b} exchanged", exchanged(a, b))
    for name, value in case.values.items():
        for other in other_values(value, options.get(name)):
            yield Explanation(
                f"{name} ignored: it is what {name}={other!r} gives", with_option(name, other)
            )


def for_another(name: str, change: Callable[[Array], Array]) -> Callable[[Reference, Case], Any]:
    """What the reference returns if one array is changed."""

    def predict(reference: Reference, case: Case) -> Any:
        return call(reference, replaced(case, name, change(as_array(case.values[name]))))[0]

    return predict


def exchanged(a: str, b: str) -> Callable[[Reference, Case], Any]:
    """What the reference returns if two arguments change places."""

    def predict(reference: Reference, case: Case) -> Any:
        values = {**case.values, a: case.values[b], b: case.values[a]}
        return call(reference, case._replace(values=values))[0]

    return predict


def with_option(name: str, value: Any) -> Callable[[Reference, Case], Any]:
    """What the reference returns if an option has another value."""

    def predict(reference: Reference, case: Case) -> Any:
        return call(reference, case._replace(values={**case.values, name: value}))[0]

    return predict


def other_values(value: Any, known: Any) -> list[Any]:
    """What an option may be taken for: another of its list, or 0, 1, or its contrary."""
    if isinstance(known, list | range):
        return [v for v in known if v != value]
    if isinstance(value, bool):
        return [not value]
    return [v for v in (0, 1) if v != value] if isinstance(value, int | np.integer) else []


# --------------------------------------------------------------------------- right, then changed


def of_output(output: Any, right: Any) -> Iterator[Explanation]:
    """The right output scaled, moved, turned, cut short, or partly 0."""
    ours, theirs = parts(output), parts(right)
    if len(ours) == len(theirs) > 1 and isinstance(right, list):
        text = "wrong order: they are right, but the outputs come in the reverse order"
        yield Explanation(text, lambda f, case: call(f, case)[0][::-1])
    if ours.keys() != theirs.keys() or len(ours) > 1:
        return
    got, expected = as_array(output), as_array(right)
    if got.dtype.kind not in "fiu" or expected.dtype.kind not in "fiu":
        return
    if got.shape == expected.shape:
        yield from scaled(got, expected)
    for axis in range(expected.ndim):
        yield Explanation(
            f"backwards: it is right, but reversed along axis {axis}",
            of_right(partial(np.flip, axis=axis)),
        )
        for by, way in ((1, "later"), (-1, "earlier")):
            yield Explanation(
                f"shifted: it is right, but one place {way} along axis {axis}, where what leaves "
                "at one end comes in at the other",
                of_right(partial(np.roll, shift=by, axis=axis)),
            )
        for part, kept in (
            ("only the first along axis {} is right, the rest is", lambda n: np.arange(n) == 0),
            ("only the last along axis {} is right, the rest is", lambda n: np.arange(n) == n - 1),
            (
                "all along axis {} is right except the last, which is",
                lambda n: np.arange(n) < n - 1,
            ),
            ("all along axis {} is right except the first, which is", lambda n: np.arange(n) > 0),
        ):
            yield Explanation(
                f"left out: {part.format(axis)} 0\n  try: how far does the loop run?",
                of_right(partial(zeroed, axis=axis, kept=kept)),
            )
        yield from resized(got, expected, axis)
    for i, j in combinations(range(expected.ndim), 2):
        yield Explanation(
            f"transposed: it is right, but with axes {i} and {j} exchanged",
            of_right(partial(np.swapaxes, axis1=i, axis2=j)),
        )


def of_right(change: Callable[[Array], Array]) -> Callable[[Reference, Case], Any]:
    """The reference's output, changed."""

    def predict(reference: Reference, case: Case) -> Any:
        right, _ = call(reference, case)
        return change(as_array(right))

    return predict


def scaled(got: Array, expected: Array) -> Iterator[Explanation]:
    """A constant factor, or a constant that is added."""
    if not expected.size:
        return
    place = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    with np.errstate(all="ignore"):
        factor = float(np.divide(got[place], expected[place]))
    if np.isfinite(factor) and factor != 0:
        name = "the sign" if np.isclose(factor, -1) else "a factor"
        yield Explanation(
            f"{name}: it is {factor:.4g} times what it should be, everywhere",
            of_right(lambda y: factor * y),
        )
    offset = float(got[place] - expected[place])
    yield Explanation(
        f"a constant: it is what it should be plus {numbers(np.array(offset))}, everywhere",
        of_right(lambda y: y + offset),
    )


def zeroed(y: Array, axis: int, kept: Callable[[int], Array]) -> Array:
    """The output with 0 for all but some indices of an axis."""
    mask = kept(y.shape[axis]).reshape([-1 if i == axis else 1 for i in range(y.ndim)])
    return np.where(mask, y, 0).astype(y.dtype)


def resized(got: Array, expected: Array, axis: int) -> Iterator[Explanation]:
    """An axis cut short, or too long by zeros."""
    if got.ndim != expected.ndim:
        return
    missing = expected.shape[axis] - got.shape[axis]
    if missing > 0:
        yield Explanation(
            f"cut short: it is right, but ends {missing} too early along axis {axis}\n"
            "  try: how far does the loop run?",
            of_right(lambda y: y.take(np.arange(y.shape[axis] - missing), axis)),
        )
        yield Explanation(
            f"cut short: it is right, but begins {missing} too late along axis {axis}\n"
            "  try: where does the loop begin?",
            of_right(lambda y: y.take(np.arange(missing, y.shape[axis]), axis)),
        )
    if missing < 0:
        yield Explanation(
            f"too long: it is right, but goes on for {-missing} more along axis {axis}, with zeros",
            of_right(lambda y: np.pad(y, [(0, -missing * (i == axis)) for i in range(y.ndim)])),
        )
