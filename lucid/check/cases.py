"""The arguments that two functions are compared on: described, given, or generated."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lucid.autograd import is_tensor
from lucid.check.function import argument_names
from lucid.ops import tensor
from lucid.types import Array

__all__ = ["Case", "described", "given", "probes", "randomized", "replaced"]

SIZES = range(1, 7)  # of an axis that nothing else is said about


class Case(NamedTuple):
    """Named arguments; the first ``positional`` of them are passed by position."""

    values: dict[str, Any]
    positional: int

    def copies(self) -> tuple[list[Any], dict[str, Any]]:
        """Fresh copies of the arguments, by position and by name."""
        items = [(name, duplicate(value)) for name, value in self.values.items()]
        by_place = [value for _, value in items[: self.positional]]
        return by_place, dict(items[self.positional :])

    def floats(self) -> list[str]:
        """The names of the floating arrays and tensors."""
        return [n for n, v in self.values.items() if is_array(v) and as_array(v).dtype.kind == "f"]


def is_array(value: object) -> bool:
    """Whether a value is an array or a tensor."""
    return is_tensor(value) or isinstance(value, np.ndarray)


def as_array(value: Any) -> Array:
    """The numbers of an array, a tensor, or a number."""
    if is_tensor(value):
        return value.detach().numpy()
    try:
        return np.asarray(value)
    except ValueError:  # lists of different lengths are no array of numbers
        return np.asarray(None)


def duplicate(value: Any) -> Any:
    """A copy that shares nothing with the original."""
    if is_tensor(value):
        return value.detach().clone().requires_grad_(value.requires_grad)
    return copy.deepcopy(value)


def replaced(case: Case, name: str, array: Array) -> Case:
    """The case with other numbers, of the same kind, in one array."""
    old = case.values[name]
    new: Any = np.ascontiguousarray(array, as_array(old).dtype).reshape(array.shape)
    if is_tensor(old):
        new = tensor(new, requires_grad=old.requires_grad)
    return case._replace(values={**case.values, name: new})


# ---------------------------------------------------------------------------------- descriptions


def described(
    description: Mapping[str, Any],
    sizes: Mapping[str, Sequence[int]],
    tensors: bool,
    dtype: str,
    random: np.random.Generator,
) -> Iterator[Case]:
    """Endless cases of a description; each option in its turn, sizes and numbers at random.

    In a description, ``"N C L"`` is an array with these axes (a number is a fixed size), a list or
    range is an option passed by name, simplest value first, and a function makes a value from the
    random generator and the sizes.
    """
    letters = {
        letter: sizes.get(letter, SIZES)
        for shape in description.values()
        if isinstance(shape, str)
        for letter in shape.split()
        if not letter.isdecimal()
    }
    options = {k: list(v) for k, v in description.items() if isinstance(v, list | range)}
    combinations = [
        dict(zip(options, chosen, strict=True))
        for chosen in itertools.islice(itertools.product(*options.values()), 10_000)
    ]
    for turn in itertools.count():
        # the first turn takes them in order, the next ones at random
        chosen = combinations[turn if turn < len(combinations) else
                              int(random.integers(len(combinations)))]  # fmt: skip
        for _ in range(3):
            size = {letter: int(random.choice(known)) for letter, known in letters.items()}
            yield one_described(description, size, chosen, tensors, dtype, random)


def one_described(
    description: Mapping[str, Any],
    size: dict[str, int],
    chosen: dict[str, Any],
    tensors: bool,
    dtype: str,
    random: np.random.Generator,
) -> Case:
    """One case of a description, with these sizes and options."""
    by_place: dict[str, Any] = {}
    by_name: dict[str, Any] = {}
    for name, what in description.items():
        if isinstance(what, str):
            shape = [size[s] if s in size else int(s) for s in what.split()]
            array = random.standard_normal(shape).astype(dtype)
            by_place[name] = tensor(array) if tensors else array
        elif callable(what):
            by_place[name] = what(random, size)
        else:
            by_name[name] = chosen.get(name, what)
    return Case({**by_place, **by_name}, len(by_place))


def given(arguments: Any, function: Callable[..., Any]) -> Case:
    """A case from a tuple of arguments, a dict of named ones, or the only argument."""
    if isinstance(arguments, Case):
        return arguments
    if isinstance(arguments, Mapping):
        return Case(dict(arguments), 0)
    values = arguments if isinstance(arguments, tuple) else (arguments,)
    names = argument_names(function, len(values))
    return Case(dict(zip(names, values, strict=True)), len(values))


# ----------------------------------------------------------------------------------------- probes


def ramp(shape: tuple[int, ...]) -> Array:
    """1, 2, 4, ...: no two equal, and none the sum of others; 1, 2, 3, ... where that is too long.

    Along no axis does it read the same backwards.
    """
    size = int(np.prod(shape))
    numbers = 2.0 ** np.arange(size) if size <= 8 else np.arange(1.0, size + 1)
    return numbers.reshape(shape)


def impulse(shape: tuple[int, ...]) -> Array:
    """1 at one place, 0 elsewhere; along no axis in the middle."""
    out = np.zeros(shape)
    if out.size:
        out[tuple((n - 1) // 3 for n in shape)] = 1
    return out


def probes(case: Case) -> Iterator[Case]:
    """An impulse in one floating array and ramps in the others, for each; then ramps in all."""
    names = case.floats()
    for probed in [*names, None] if names else []:
        probe = case
        for name in names:
            shape = as_array(case.values[name]).shape
            probe = replaced(probe, name, impulse(shape) if name == probed else ramp(shape))
        yield probe


def randomized(case: Case) -> Iterator[Case]:
    """The case with random numbers in its floating arrays, twice."""
    random = np.random.default_rng(0)
    for _ in range(2):
        for name in case.floats():
            shape = as_array(case.values[name]).shape
            case = replaced(case, name, random.standard_normal(shape))
        yield case
