"""gradcheck: is backward the derivative of forward?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lucid.autograd import enable_grad, grad, is_tensor
from lucid.check.diagnose import LARGEST, Jacobians, diagnose
from lucid.check.differences import Tolerance, flat, jacobian, judge
from lucid.check.function import Checked, Problem, TensorFunction, floating_outputs, make_checked
from lucid.check.report import CheckError, GradcheckReport, InputReport, draw
from lucid.ops import tensor
from lucid.random import get_rng_state
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

        |analytic - numeric| <= atol + rtol * |numeric|
        numeric[i] = sum over o of weights[o] * (y[o](x + h e_i) - y[o](x - h e_i)) / 2h

    with fixed random weights for the outputs y, so that a backward which does not use the gradient
    it is given is found out. All is computed in float64, on copies; no ``.grad`` is touched.

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
        How much may be missing.
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
        If the gradients are wrong. It is an AssertionError; its ``report`` is what is returned
        otherwise.
    TypeError
        If ``fn`` returns no tensor, or is a ``Function``, which is good for one call.
    ValueError
        If no input requires a gradient.

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
    checked = make_checked(fn, inputs, backward)
    return verdict(checked, Tolerance(eps, atol, rtol), nondet_tol, raise_exception)


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
    notes = [*checked.notes]
    for i in inputs:
        excused = about_excused(i)
        if i.excused.size and i.excused.all():
            raise Problem(f"nothing of the gradient of {i.name} could be judged", excused[0])
        notes += excused
    if not any(i.wrong.any() for i in inputs):
        return GradcheckReport(True, inputs, notes=tuple(notes), weights=tuple(weights))
    return failure(checked, inputs, weights, tuple(notes), tolerance)


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
        both = None
        if flat(weights).size * numeric[which].size <= LARGEST:
            both = Jacobians(checked, which, tolerance)
            skipped = inputs[which].excused.reshape(-1)
            both.analytic[:, skipped] = both.numeric[:, skipped]
            if which == worst:
                through = both.worst_output(int(np.ravel_multi_index(place, numeric[which].shape)))
        said = diagnose(checked, which, weights, analytic, numeric, both, tolerance)
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
    return [random.uniform(0.5, 1.5, y.shape) * random.choice([-1, 1], y.shape) for y in first]


def random_states() -> tuple[Any, Any]:
    """Whatever a draw from lucid's numbers changes, and one from ``np.random.rand``."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002 (students' code may draw from it)
    numpys = state["state"]["pos"], state["has_gauss"], state["state"]["key"].tobytes()
    return get_rng_state(), numpys


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


def compared(
    checked: Checked, which: int, analytic: Array, weights: Sequence[Array], tolerance: Tolerance
) -> InputReport:
    """The gradients of one input side by side; what differs is looked at more closely."""
    together = flat(weights)
    numeric = jacobian(checked, which, tolerance.eps, together).reshape(analytic.shape)
    with np.errstate(invalid="ignore"):
        off = np.asarray(~(np.abs(analytic - numeric) <= tolerance.of(numeric)))
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

    sample = places[:: max(1, len(places) // JUDGED)]
    if not look(sample):  # if all of many are wrong, so are the others
        look(np.setdiff1d(places, sample))
    return InputReport(checked.names[which], analytic, numeric, off, kinks, unclear)


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
    return said


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
        If no input requires a gradient, or ``grad_outputs`` are not of the outputs' number and
        shapes.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    >>> lucid.check.gradgradcheck(lambda x: x**3, x)
    gradcheck: right, all 4 numbers of the gradient of x and grad_outputs[0]
    """
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
    return verdict(checked, Tolerance(eps, atol, rtol), nondet_tol, raise_exception)
