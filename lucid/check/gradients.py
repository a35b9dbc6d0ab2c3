"""gradcheck: is backward the derivative of forward?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lucid.autograd import enable_grad, grad, is_tensor
from lucid.check.calls import (
    check_linear,
    check_precision,
    close,
    drawn_between,
    random_states,
    repeatable,
)
from lucid.check.diagnose import LARGEST, Jacobians, diagnose
from lucid.check.differences import (
    Tolerance,
    certainly_wrong,
    checked_tolerance,
    flat,
    jacobian,
    judge,
)
from lucid.check.function import Checked, Problem, TensorFunction, floating_outputs, make_checked
from lucid.check.report import CheckError, GradcheckReport, InputReport, draw
from lucid.ops import tensor
from lucid.tensor import Tensor
from lucid.types import Array

__all__ = ["gradcheck", "gradgradcheck"]

JUDGED = 100  # how many places that differ are looked at closely at first

KINK = "has a kink or a jump, like relu at 0: right and left of it the slopes differ"
UNCLEAR = "has no usable finite differences: it is not finite nearby, or rounding hides its slope"


def gradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    *,
    backward: Callable[..., Any] | None = None,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    nondet_tol: float = 0.0,
    raise_exception: bool = True,
) -> GradcheckReport:
    """Compare gradients by backward with finite differences, at every element of every input.

    ::

        |analytic - numeric| <= atol * min(1, max |numeric|) + rtol * |numeric|
        numeric[i] = sum over o of weights[o] * (y[o](x + h e_i) - y[o](x - h e_i)) / 2h

    with fixed random weights for the outputs y, so that a backward which does not use the gradient
    it is given is found out. It is also given them larger, smaller and of the other sign, and must
    follow. All is computed in float64, on copies; no ``.grad`` is touched.

    Parameters
    ----------
    fn : callable or nn.Module
        From tensors to a tensor, or a tuple of tensors, of any shape. The parameters of a module
        are checked as well, by their names, in a copy of it.
    inputs : Tensor or tuple
        The arguments of ``fn``, of any shape. Those that require a gradient are checked; the
        others, and what is no tensor, are passed on as they are, only float32 as float64.
    backward : callable, optional
        For code without tensors: ``backward(grad, *inputs)`` returns the gradients of the inputs,
        and ``fn`` is from arrays to an array. All floating arrays are checked.
    eps : float
        The step h, for numbers up to 1; for larger ones in proportion.
    atol, rtol : float
        How much may be missing. For an input whose gradients are all smaller than 1, ``atol`` is
        smaller in proportion, down to where rounding hides their differences.
    nondet_tol : float
        How far two equal calls may be apart.
    raise_exception : bool
        Whether a failed check raises, as in a test it should.

    Returns
    -------
    GradcheckReport
        True if all is right. Else it has the worst place with both values, a picture of where the
        error lives, and the mistake, if it is one that is known.

    Raises
    ------
    CheckError
        If the gradients are wrong, or nothing could be compared: empty inputs, say. It is an
        AssertionError; its ``report`` is what is returned otherwise.
    TypeError
        If ``fn`` returns no tensor, or tuples in a tuple, or is a ``Function``, which is good for
        one call.
    ValueError
        If no input requires a gradient, ``eps`` is not above 0 or a tolerance is negative or nan.

    Examples
    --------
    >>> import lucid
    >>> class Square(lucid.autograd.Function):
    ...     def forward(self, x):
    ...         return x * x
    ...     def backward(self, grad):
    ...         return grad * self.saved(0)
    >>> x = lucid.tensor([1.0, 2.0, 3.0], dtype="float64", requires_grad=True)
    >>> report = lucid.check.gradcheck(lambda x: Square()(x), x, raise_exception=False)
    >>> report.input, report.index
    ('x', (2,))
    >>> print(report.diagnosis)
    factor 2: the gradient of x is half of what it should be
      try: x**2 has the slope 2x; of an input used twice, as in x * x, both uses count
    """
    tolerance = checked_tolerance(eps, atol, rtol, nondet_tol)
    checked = make_checked(fn, inputs, backward)
    return verdict(checked, tolerance, nondet_tol, raise_exception)


@enable_grad()  # also where the caller has switched recording off
def verdict(
    checked: Checked, tolerance: Tolerance, nondet_tol: float, raise_exception: bool
) -> GradcheckReport:
    """The report, returned or raised."""
    try:
        report = examine(checked, tolerance, nondet_tol)
    except Problem as problem:
        report = GradcheckReport(
            False, problem=problem.problem, diagnosis=problem.diagnosis, notes=tuple(checked.notes)
        )
    if raise_exception and not report:
        raise CheckError(report)
    return report


def examine(checked: Checked, tolerance: Tolerance, nondet_tol: float) -> GradcheckReport:
    """Compare all gradients; only where some are wrong, look for why."""
    weights = repeatable(checked, nondet_tol)
    found = checked.gradients(weights)
    before = random_states()
    again = checked.gradients(weights)
    why = drawn_between(before, random_states())
    analytic = [
        np.zeros_like(p) if g is None else np.array(g, np.float64)
        for p, g in zip(checked.points, found, strict=True)
    ]
    for name, g, h in zip(checked.names, analytic, again, strict=True):
        if h is not None and not close(g, h, nondet_tol):
            raise Problem(
                f"backward gives another gradient of {name} the second time, for the same inputs",
                why
                or "something stays from call to call, or is drawn at random\n"
                "  try: begin with np.zeros_like in backward, not with an array made before",
            )
    inputs = tuple(
        compared(checked, which, g, weights, tolerance) for which, g in enumerate(analytic)
    )
    check_precision(checked, inputs, tolerance.eps)
    notes = [*checked.notes, *about_nan(weights)]
    for i in inputs:
        excused = about_excused(i)
        if i.excused.size and i.excused.all():
            raise Problem(f"nothing of the gradient of {i.name} could be judged", excused[0])
        notes += excused
    if any(i.wrong.any() for i in inputs):
        return failure(checked, inputs, weights, tuple(notes), tolerance)
    notes += about_nothing(inputs, weights)
    check_linear(checked, inputs, weights, tolerance, nondet_tol)
    return GradcheckReport(True, inputs, notes=tuple(notes), weights=tuple(weights))


def failure(
    checked: Checked,
    inputs: tuple[InputReport, ...],
    weights: list[Array],
    notes: tuple[str, ...],
    tolerance: Tolerance,
) -> GradcheckReport:
    """The report on gradients that are wrong: where most, and why."""
    wrong = [which for which, i in enumerate(inputs) if i.wrong.any()]
    worst = max(wrong, key=lambda which: np.abs(inputs[which].error[inputs[which].worst()]))
    place = inputs[worst].worst()
    analytic, numeric = [i.analytic for i in inputs], [i.numeric for i in inputs]
    through, mistakes = None, []
    for which in wrong:
        both, fitted = None, tolerance.fitted(numeric[which])
        if flat(weights).size * numeric[which].size <= LARGEST:
            both = Jacobians(checked, which, tolerance)
            skipped = inputs[which].excused.reshape(-1)
            both.analytic[:, skipped] = both.numeric[:, skipped]
            if which == worst:
                through = both.worst_output(int(np.ravel_multi_index(place, numeric[which].shape)))
        said = diagnose(checked, which, weights, analytic, numeric, both, fitted)
        mistakes += ["\nor ".join(said)] if said else []
    return GradcheckReport(
        False,
        inputs,
        checked.names[worst],
        place,
        float(analytic[worst][place]),
        float(numeric[worst][place]),
        through,
        draw(inputs),
        diagnosis="\n".join(dict.fromkeys(mistakes)) or None,
        notes=notes,
        weights=tuple(weights),
    )


def compared(
    checked: Checked, which: int, analytic: Array, weights: Sequence[Array], tolerance: Tolerance
) -> InputReport:
    """The gradients of one input side by side; what differs is looked at more closely."""
    together = flat(weights)
    numeric = jacobian(checked, which, tolerance.eps, together).reshape(analytic.shape)
    fitted = tolerance.fitted(numeric)
    with np.errstate(invalid="ignore"):
        apart = np.abs(analytic - numeric)
        off = np.asarray(~(apart <= tolerance.of(numeric)))
        faint = np.asarray(~(apart <= fitted.of(numeric))) & ~off
    off &= ~(np.isnan(analytic) & np.isnan(numeric))
    kinks, unclear = np.zeros(analytic.shape, bool), np.zeros(analytic.shape, bool)
    places = np.flatnonzero(off)

    def look(chosen: Array) -> bool:
        """Judge some places; whether all are wrong."""
        for place in chosen:
            index = tuple(np.unravel_index(place, off.shape))
            seen = judge(checked, which, int(place), together, float(analytic[index]), tolerance)
            off[index], kinks[index], unclear[index] = (
                seen == "wrong", seen == "kink", seen == "unknown",
            )  # fmt: skip
        return bool(off.reshape(-1)[chosen].all())

    def look_for_certainty(chosen: Array) -> bool:
        """Mark what is wrong beyond doubt, though less than atol; whether anything is."""
        for place in chosen:
            index = tuple(np.unravel_index(place, off.shape))
            off[index] = certainly_wrong(
                checked, which, int(place), together, float(analytic[index]), fitted
            )
        return bool(off.reshape(-1)[chosen].any())

    sample = places[:: max(1, len(places) // JUDGED)]
    if not look(sample):  # if all of many are wrong, so are the others
        look(np.setdiff1d(places, sample))
    places = np.flatnonzero(faint)
    largest = places[np.argsort(-apart.reshape(-1)[places], kind="stable")]
    if look_for_certainty(largest[:JUDGED]):  # if nothing of the most suspicious is, all is right
        look_for_certainty(largest[JUDGED:])
    unsure = faint | ((numeric == 0) & ~off)
    hidden = bool(unsure.all() and apart.any())
    return InputReport(checked.names[which], analytic, numeric, off, kinks, unclear, hidden)


def about_excused(report: InputReport) -> list[str]:
    """Say where nothing could be compared."""
    said = []
    for where, why in ((report.kinks, KINK), (report.unclear, UNCLEAR)):
        if where.any():
            index = [int(k) for k in np.argwhere(where)[0]]
            said.append(
                f"at {where.sum()} of {where.size} numbers of {report.name} (the first is "
                f"{report.name}{index or ''}) the function {why}; backward was not judged there\n"
                "  try: other inputs, away from such places"
            )
    if report.hidden:
        said.append(
            f"the gradient of {report.name} is so small, at most "
            f"{np.abs(report.analytic).max():.1g}, that rounding hides it: it was not told from 0\n"
            "  try: an output that is not nearly constant"
        )
    return said


def about_nan(weights: Sequence[Array]) -> list[str]:
    """Say how many outputs are nan, which have no weight; Problem, if all are."""
    numbers = flat(weights)
    missing = int((numbers == 0).sum())
    cure = "\n  try: other inputs, at which the outputs are numbers"
    if missing and missing == numbers.size:
        raise Problem("nothing was checked: every number of the output is nan", "nan" + cure)
    said = f"{missing} of {numbers.size} numbers of the output are nan; backward was not judged"
    return [f"{said} there{cure}"] if missing else []


def about_nothing(inputs: Sequence[InputReport], weights: Sequence[Array]) -> list[str]:
    """Say what has no numbers to compare; Problem, if that is all."""
    empty = [i.name for i in inputs if not i.wrong.size]
    if len(empty) == len(inputs) or not any(w.size for w in weights):
        what = ", ".join(empty) if len(empty) == len(inputs) else "the output"
        raise Problem(
            f"nothing was checked: there are no numbers in {what}",
            "empty: any backward is right for nothing\n  try: inputs of at least one number",
        )
    return [f"{name} is empty: nothing of its gradient was checked" for name in empty]


def gradgradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    nondet_tol: float = 0.0,
    raise_exception: bool = True,
) -> GradcheckReport:
    """Compare second derivatives with finite differences of the first.

    ``gradcheck`` of (x, v) -> sum over o of v_o * dy_o/dx: the backward of an op is itself checked,
    as a function of the inputs and of the gradient that it is given.

    Parameters
    ----------
    fn, inputs
        As in ``gradcheck``; of a module, the parameters are constants.
    grad_outputs : Tensor or tuple of Tensor, optional
        The v, one of the shape of each floating output; random if not given.
    eps, atol, rtol, nondet_tol, raise_exception
        As in ``gradcheck``.

    Returns
    -------
    GradcheckReport
        In which the v are called ``grad_outputs[0]`` and so on.

    Raises
    ------
    CheckError
        As in ``gradcheck``.
    ValueError
        As in ``gradcheck``, or if ``grad_outputs`` are not of the outputs' number and shapes.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    >>> lucid.check.gradgradcheck(lambda x: x**3, x)
    gradcheck: right, all 4 numbers of the gradient of x and grad_outputs[0]
    """
    tolerance = checked_tolerance(eps, atol, rtol, nondet_tol)
    given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
    base = TensorFunction(fn, given)
    if not base.moved:
        raise ValueError(
            "gradgradcheck moves the inputs that require a gradient, and none does\n"
            "  try: lucid.tensor(x, requires_grad=True)"
        )
    if grad_outputs is None:
        random = np.random.default_rng(1)
        seeds = [tensor(random.uniform(0.5, 1.5, y.shape)) for y in base.run(base.points)[1]]
    else:
        seeds = [grad_outputs] if is_tensor(grad_outputs) else list(grad_outputs)

    def first(*arguments: Any) -> tuple[Tensor, ...]:
        xs, vs = arguments[: len(given)], arguments[len(given) :]
        ys = floating_outputs(base.fn(*xs))
        found = grad(ys, [xs[i] for i in base.moved], vs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    leaves = [v.detach().double().requires_grad_() for v in seeds]
    checked = TensorFunction(first, [*base.inputs, *leaves])
    names = base.names[: len(base.moved)]
    checked.names = [*names, *(f"grad_outputs[{i}]" for i in range(len(seeds)))]
    checked.notes = base.notes
    return verdict(checked, tolerance, nondet_tol, raise_exception)
