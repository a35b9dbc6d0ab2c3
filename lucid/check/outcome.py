"""Calling two functions on a case, and what differs in what they return."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lucid.autograd import is_tensor
from lucid.check.cases import Case, as_array, duplicate, is_array
from lucid.ops import tensor
from lucid.types import Array

__all__ = ["Difference", "Limits", "call", "difference", "numbers", "parts"]


@dataclass(frozen=True)
class Limits:
    """How much two outputs may differ."""

    rtol: float
    atol: float
    check_dtype: bool


@dataclass(frozen=True)
class Difference:
    """One thing that is wrong with what a function did, in words.

    Attributes
    ----------
    kind : str
        "raises", "changes its input", "type", "count", "shape", "dtype", "nan" or "values".
    text : str
        What is wrong.
    index : tuple of int or None
        The first place that is wrong.
    got, expected : object
        What was returned, and what should have been.
    misfit : bool
        Of an error: whether it may come from arrays in place of tensors, or the other way round.
    """

    kind: str
    text: str
    index: tuple[int, ...] | None = None
    got: Any = None
    expected: Any = None
    misfit: bool = False

    def alike(self, other: Difference | None) -> bool:
        """Whether another difference is of the same kind; errors, of the same class."""
        if other is None or other.kind != self.kind:
            return False
        return self.kind != "raises" or self.text.split(":")[0] == other.text.split(":")[0]


def call(function: Callable[..., Any], case: Case) -> tuple[Any, Difference | None]:
    """Call a function on copies of the arguments; tell if it raised, or wrote to them.

    A function of tensors that is given arrays, or of arrays that is given tensors, is given the
    other kind then: a student's code in NumPy may be compared with a function of lucid's.
    """
    returned, wrong = call_as_it_is(function, case)
    if wrong is not None and wrong.misfit:
        for other in other_kinds(case):
            found, still = call_as_it_is(function, other)
            if still is None or still.kind != "raises":
                return found, still
    return returned, wrong


def call_as_it_is(function: Callable[..., Any], case: Case) -> tuple[Any, Difference | None]:
    """Call a function on copies of the arguments, of the kinds that they are of."""
    by_place, by_name = case.copies()
    try:
        # what it returns may be one of its arguments, which a later call must not change
        returned = duplicate_output(function(*by_place, **by_name))
    except Exception as error:
        misfit = isinstance(error, TypeError | AttributeError)
        return None, Difference("raises", raised(error, function), misfit=misfit)
    after = dict(zip(case.values, [*by_place, *by_name.values()], strict=True))
    for name, before in case.values.items():
        if is_array(before):
            old, new = as_array(before), as_array(after[name])
            if old.shape != new.shape or not np.array_equal(
                old, new, equal_nan=old.dtype.kind == "f"
            ):
                return returned, Difference(
                    "changes its input",
                    f"it changes its input {name} in place, which its caller goes on using\n"
                    f"  try: begin with a copy; {name} = {name} + 1 instead of {name} += 1",
                    got=returned,
                )
    return returned, None


def other_kinds(case: Case) -> Iterator[Case]:
    """The case with tensors for its arrays, and with arrays for its tensors."""
    for is_kind, convert in ((is_tensor, lambda x: x.detach().numpy()), (is_numpy, tensor)):
        values = {
            name: convert(duplicate(value)) if is_kind(value) else value
            for name, value in case.values.items()
        }
        if any(is_kind(value) for value in case.values.values()):
            yield case._replace(values=values)


def is_numpy(value: object) -> bool:
    """Whether a value is a NumPy array of numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub"


def duplicate_output(value: Any) -> Any:
    """A copy of what a function returned, where it holds arrays."""
    if isinstance(value, tuple | list):
        return [duplicate_output(v) for v in value] if len(value) else value
    return duplicate(value) if is_array(value) else value


def raised(error: Exception, function: Callable[..., Any]) -> str:
    """The error, and the last line of the function's own file that led there."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    code = getattr(function, "__code__", None)  # callables of other kinds have none
    own = [f for f in frames if code is not None and f.filename == code.co_filename]
    told = f"it raises {type(error).__name__}: {error}"
    if not frames:
        return f"{told}\n  in the call itself: do the names and the number of the arguments fit?"
    last = (own or frames)[-1]
    return f"{told}\n  {Path(last.filename).name}, line {last.lineno}, in {last.name}: {last.line}"


def parts(output: Any) -> dict[str, Any]:
    """The outputs by name: "output", or ``output[0]`` and so on for several."""
    if isinstance(output, Mapping):
        return {f"output[{key!r}]": value for key, value in output.items()}
    if isinstance(output, tuple | list) and any(is_array(v) or v is None for v in output):
        return {f"output[{i}]": value for i, value in enumerate(output)}
    return {"output": output}


def difference(got: Any, expected: Any, limits: Limits) -> Difference | None:
    """The first thing in which an output is not the expected one."""
    ours, theirs = parts(got), parts(expected)
    if got is None and expected is not None:
        return Difference("type", "it returns None\n  try: return, at the end", None, got, expected)
    if ours.keys() != theirs.keys():
        return Difference(
            "count",
            f"it returns {', '.join(ours)}; expected are {', '.join(theirs)}",
            None,
            got,
            expected,
        )
    for name in theirs:
        found = one_difference(name, ours[name], theirs[name], limits)
        if found is not None:
            return found
    return None


def one_difference(name: str, got: Any, expected: Any, limits: Limits) -> Difference | None:
    """The first thing in which one array, number or other value is not the expected one."""
    a, b = as_array(got), as_array(expected)
    if b.dtype.kind not in "fiub":
        same = type(got) is type(expected) and got == expected
        text = f"{name} is {got!r}, expected is {expected!r}"
        return None if same else Difference("values", text, None, got, expected)
    if a.dtype.kind not in "fiub":
        text = f"{name} is {type(got).__name__}, expected are numbers"
        return Difference("type", text, None, got, expected)
    if a.shape != b.shape:
        return Difference("shape", about_shape(name, a.shape, b.shape), None, a, b)
    if limits.check_dtype and is_array(expected) and a.dtype != b.dtype:
        hint = ""
        if a.dtype.kind in "iu" and b.dtype.kind == "f":
            hint = "\n  try: look for an array of whole numbers that results are written into"
        text = f"{name} holds {a.dtype}, expected is {b.dtype}{hint}"
        return Difference("dtype", text, None, a, b)
    return about_values(name, a, b, limits)


def about_shape(name: str, got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """By how much a shape is wrong, along which axis."""
    start = f"{name} has shape {got}, expected is {expected}"
    if len(got) != len(expected):
        return f"{start}: {len(got)} axes in place of {len(expected)}"
    if sorted(got) == sorted(expected):
        return f"{start}: the axes are in another order"
    wrong = [
        f"axis {i} is {abs(g - e)} too {'long' if g > e else 'short'}"
        for i, (g, e) in enumerate(zip(got, expected, strict=True))
        if g != e
    ]
    return f"{start}: {', '.join(wrong)}"


def about_values(name: str, got: Array, expected: Array, limits: Limits) -> Difference | None:
    """The first number that is wrong."""
    with np.errstate(all="ignore"):
        right = np.isclose(got, expected, limits.rtol, limits.atol, equal_nan=True)
    if right.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~right)[0])
    place = f"{name}[{', '.join(map(str, index))}]" if index else name
    count = f"; {(~right).sum()} of {right.size} numbers are wrong" if right.size > 1 else ""
    finite = np.isfinite(got[index]) or not np.isfinite(expected[index])
    return Difference(
        "values" if finite else "nan",
        f"{place} is {got[index]:.6g}, expected is {expected[index]:.6g}{count}",
        index,
        got,
        expected,
    )


def numbers(value: Any) -> str:
    """A value as a short text: arrays as nested lists, whole numbers without a dot."""
    if isinstance(value, tuple | list) and any(is_array(v) for v in value):
        return "\n".join(numbers(v) for v in value)
    if not is_array(value):
        return repr(value.item() if isinstance(value, np.generic) else value)
    array = as_array(value)
    text = np.array2string(
        array, 80, separator=", ", threshold=60, edgeitems=2,
        formatter={"float_kind": lambda v: f"{v:.5g}"},
    )  # fmt: skip
    return re.sub(r"\n\s*\n", "\n", text)  # no empty lines between the blocks
