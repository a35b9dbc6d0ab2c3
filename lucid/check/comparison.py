"""compare: does a function do what another one does, and where does it not?"""

from __future__ import annotations

import html
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lucid.check.cases import Case, as_array, described, given, is_array, probes, randomized
from lucid.check.explain import explain
from lucid.check.outcome import Difference, Limits, call, difference, numbers
from lucid.check.report import CheckError, indented
from lucid.check.shrink import shrink

__all__ = ["CompareReport", "compare"]

PROBED = 40  # cases of a description or a generator whose arrays are replaced by probes
MORE = 40  # cases, beyond the one that fails, that its explanation must hold for

NOT_REPEATABLE = (
    "it returns something else the second time, for the same arguments\n"
    "  try: is there a random number, or something kept from call to call?"
)


@dataclass(frozen=True, repr=False)
class CompareReport:
    """What ``compare`` found; true if the two functions agree.

    Parameters
    ----------
    ok : bool
        Whether they agree.
    student, reference : str
        Their names.
    count : int
        How many cases were compared.
    kind : str or None
        What is wrong: "raises", "changes its input", "type", "count", "shape", "dtype", "nan",
        "values", or "not repeatable".
    problem : str or None
        The same in words, for the smallest case.
    case : dict or None
        The arguments of the smallest case that fails, by name.
    got, expected : object
        What the two return for it.
    index : tuple of int or None
        The first wrong number.
    diagnosis : str or None
        Why, where an explanation fits; several, if they fit equally well.

    Examples
    --------
    >>> import lucid
    >>> lucid.check.compare(abs, abs, [(-1.0,), (2.0,)])
    compare: abs agrees with abs in 2 cases
    """

    ok: bool
    student: str
    reference: str
    count: int
    kind: str | None = None
    problem: str | None = None
    case: dict[str, Any] | None = None
    got: Any = None
    expected: Any = None
    index: tuple[int, ...] | None = None
    diagnosis: str | None = None

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        if self.ok:
            cases = "case" if self.count == 1 else "cases"
            return f"compare: {self.student} agrees with {self.reference} in {self.count} {cases}"
        lines = [f"compare: {self.student} differs from {self.reference} (case {self.count})"]
        lines += ["", indented(self.problem or "")]
        lines += ["", "the smallest case that was found"]
        for name, value in (self.case or {}).items():
            lines.append(entry(name, value))
        if self.kind != "raises":
            lines += ["", entry("got", self.got)]
        lines.append(entry("expected", self.expected))
        if self.diagnosis:
            lines += ["", "diagnosis", indented(self.diagnosis)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def entry(name: str, value: Any) -> str:
    """``  x = [1, 2]   shape (2,)``, further lines below the value."""
    start = f"  {name} = "
    text = numbers(value).replace("\n", "\n" + " " * len(start))
    shape = f"   shape {as_array(value).shape}" if is_array(value) and as_array(value).ndim else ""
    return start + text + shape


def compare(
    student_fn: Callable[..., Any],
    reference_fn: Callable[..., Any],
    cases: Any,
    *,
    sizes: Mapping[str, Sequence[int]] | None = None,
    tensors: bool = False,
    dtype: str = "float64",
    count: int = 100,
    seed: int = 0,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    check_dtype: bool = True,
    raise_exception: bool = True,
) -> CompareReport:
    """Compare a function with one that is right, and say in words what is wrong.

    ::

        |got - expected| <= atol + rtol * |expected|

    First come probes: one array is an impulse, 1 at one place off the middle, and all others count
    1, 2, 4, ...; nothing in them is symmetric, so a flip, a shift or an exchange shows. Then come
    random numbers. The first case that fails is made smaller as long as it fails: options simpler,
    axes shorter, numbers rounder.

    Parameters
    ----------
    student_fn, reference_fn : callable
        They are given the same arguments, copies of their own. One of them may be a function of
        NumPy arrays and the other one of tensors: what raises ``TypeError`` or ``AttributeError``
        for one kind is given the other.
    cases : dict, iterable or callable
        * A *description*: ``{"x": "N C L", "w": "O C K", "stride": [1, 2]}``. A string names the
          axes of an array (a letter is one size throughout, a number that size), and arrays are
          passed in this order. A list has the values of an option, simplest first, passed by name.
          A function ``f(rng, sizes)`` makes a value, passed like an array. Anything else is a
          constant, passed by name.
        * *Given* cases, each a tuple of arguments, or a dict of named ones. Their floating arrays
          are replaced by probes first, then passed as they are.
        * A *generator* ``f(rng, size)`` of one such case, for growing sizes from 1 up.

        Of descriptions, generators and probes, those that ``reference_fn`` refuses, by any error,
        do not count: it decides what is allowed.
    sizes : mapping, optional
        The sizes of a letter, such as ``{"L": range(5, 20)}``; 1 to 6 if not given.
    tensors : bool
        Whether a description makes tensors rather than NumPy arrays, to functions of either.
    dtype : str
        Of the arrays of a description.
    count : int
        How many random cases of a description or a generator are compared.
    seed : int
        Of the random numbers. The same seed makes the same cases.
    rtol, atol : float
        How much numbers may differ; nan equals nan.
    check_dtype : bool
        Whether dtypes must be equal, too.
    raise_exception : bool
        Whether a difference raises, as in a test it should.

    Returns
    -------
    CompareReport
        True if they agree. Else it has the smallest failing case, what was returned and expected,
        and, where one fits, the reason.

    Raises
    ------
    CheckError
        If they differ. It is an AssertionError; its ``report`` is what is returned otherwise.
    ValueError
        If the reference refuses all cases, or a given one; for the size of an unknown letter.
    TypeError
        If ``cases`` is a dict without the axes of an array, or with axes of other names.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> def mine(x, w):
    ...     return F.conv1d(x, w.flip(-1))
    >>> cases = {"x": "N C L", "w": "O C K"}
    >>> report = lucid.check.compare(mine, F.conv1d, cases, tensors=True, raise_exception=False)
    >>> report.case["w"], report.got, report.expected
    (tensor([[[1., 2.]]], dtype=lucid.float64),
     tensor([[[2.]]], dtype=lucid.float64),
     tensor([[[1.]]], dtype=lucid.float64))
    >>> print(report.diagnosis.splitlines()[0])
    flipped: it is right for w reversed along axis 2
    """
    limits = Limits(rtol, atol, check_dtype)
    options: Mapping[str, Any] = {}
    if isinstance(cases, Mapping):
        check_description(cases, sizes or {})
        options = {name: what for name, what in cases.items() if isinstance(what, list | range)}
    plan = planned(cases, student_fn, sizes or {}, tensors, dtype, count, seed)
    pair = Functions(student_fn, reference_fn, limits)
    done, refusal = 0, ": there are none"
    for case, must_be_right in plan:
        try:
            found = pair.differ(case)
        except Refused as refused:
            if must_be_right:
                raise ValueError(f"reference_fn fails in a given case: {refused}") from None
            refusal = f": {refused}"
            continue
        done += 1
        if found is not None:
            report = failure(pair, case, found, [c for c, _ in itertools.islice(plan, MORE)],
                             options, done)  # fmt: skip
            if raise_exception:
                raise CheckError(report)
            return report
    if not done:
        raise ValueError(f"nothing was compared, since reference_fn refuses all cases{refusal}")
    return CompareReport(True, pair.name(student_fn), pair.name(reference_fn), done)


class Refused(Exception):
    """The reference raised: this case does not count."""


class Functions(NamedTuple):
    """The two functions, and how much they may differ."""

    student: Callable[..., Any]
    reference: Callable[..., Any]
    limits: Limits

    def right(self, case: Case) -> Any:
        """What the reference returns."""
        expected, wrong = call(self.reference, case)
        if wrong is not None and wrong.kind == "raises":
            raise Refused(wrong.text)
        return expected

    def differ(self, case: Case) -> Difference | None:
        """What the student's function does wrong in a case, if anything."""
        expected = self.right(case)
        got, wrong = call(self.student, case)
        return wrong or difference(got, expected, self.limits)

    def repeatable(self, case: Case) -> bool:
        """Whether the student's function returns the same twice."""
        (first, wrong), (second, _) = call(self.student, case), call(self.student, case)
        return wrong is not None or difference(first, second, self.limits) is None

    @staticmethod
    def name(function: Callable[..., Any]) -> str:
        """What a function is called."""
        return function.__name__ if inspect.isroutine(function) else type(function).__name__


def check_description(description: Mapping[str, Any], sizes: Mapping[str, Sequence[int]]) -> None:
    """Raise unless a dict describes at least one array, by axes that are letters or numbers."""
    if not any(isinstance(what, str) or callable(what) for what in description.values()):
        raise TypeError(
            "a dict of cases describes arrays by their axes, such as {'x': 'N C L'}, got "
            f"{dict(description)!r}\n  try: a list of dicts, [{{...}}], for arguments as they are"
        )
    known = set()
    for name, what in description.items():
        for axis in what.split() if isinstance(what, str) else ():
            if not (axis.isdecimal() or (len(axis) == 1 and axis.isalpha())):
                raise TypeError(
                    f"the axes of an array are letters and numbers, got {what!r} for {name}\n"
                    f"  try: {name}=[{what!r}] for an option that is a string"
                )
            known.add(axis)
    if not known.issuperset(sizes):
        wrong = ", ".join(sorted(set(sizes) - known))
        raise ValueError(f"sizes are given for axes that no array has: {wrong}")


def planned(
    cases: Any,
    function: Callable[..., Any],
    sizes: Mapping[str, Sequence[int]],
    tensors: bool,
    dtype: str,
    count: int,
    seed: int,
) -> Iterator[tuple[Case, bool]]:
    """All cases to compare, probes first; and whether the reference must not refuse them."""
    random = np.random.default_rng(seed)
    if isinstance(cases, Mapping):
        made: Iterable[Case] = described(cases, sizes, tensors, dtype, random)
    elif callable(cases):
        made = (given(cases(random, size), function) for size in grown(count))
    else:
        known = [given(arguments, function) for arguments in cases]
        yield from ((probe, False) for case in known for probe in probes(case))
        yield from ((case, True) for case in known)
        return
    some = list(itertools.islice(made, PROBED))
    yield from ((probe, False) for case in some for probe in probes(case))
    yield from ((case, False) for case in itertools.islice(itertools.chain(some, made), count))


def grown(count: int) -> Iterator[int]:
    """Sizes for a generator: from 1 up, each several times."""
    return (1 + turn // 5 for turn in range(PROBED + count))


def failure(
    pair: Functions,
    case: Case,
    found: Difference,
    others: list[Case],
    options: Mapping[str, Any],
    done: int,
) -> CompareReport:
    """The report on a case that fails: made small, and explained."""
    repeatable = pair.repeatable(case)

    def fails(smaller: Case) -> bool:
        try:
            wrong = pair.differ(smaller)
        except Refused:
            return False
        return found.alike(wrong) if repeatable else not pair.repeatable(smaller)

    smallest = shrink(case, fails, options)
    wrong = pair.differ(smallest) or found
    kind, problem, diagnosis = wrong.kind, wrong.text, None
    if not repeatable:
        kind, problem = "not repeatable", NOT_REPEATABLE
    elif kind in ("values", "shape"):
        evidence = failing(pair, [case, *randomized(case), *others, smallest])
        diagnosis = explain(pair.reference, evidence, options, pair.limits)
    return CompareReport(
        False,
        pair.name(pair.student),
        pair.name(pair.reference),
        done,
        kind,
        problem,
        smallest.values,
        call(pair.student, smallest)[0],
        pair.right(smallest),
        wrong.index,
        diagnosis,
    )


def failing(pair: Functions, cases: list[Case]) -> list[tuple[Case, Any]]:
    """The cases in which numbers or shapes are wrong, with what the student returns."""
    found = []
    for case in cases:
        try:
            wrong = pair.differ(case)
        except Refused:
            continue
        if wrong is not None and wrong.kind in ("values", "shape"):
            found.append((case, call(pair.student, case)[0]))
    return found
