"""From a case that fails to the smallest one that still does.

Every step makes a case smaller in one way: an option simpler, an axis shorter, a number rounder. If
it still fails in the same way, it is kept. Steps that lead to a case which the reference refuses
are not taken, so what the arguments must have in common need not be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from lucid.check.cases import Case, as_array, is_array, probes, replaced
from lucid.types import Array

__all__ = ["shrink"]

TRIALS = 3000  # at most
FEW = 16  # numbers that are tried one by one


def shrink(case: Case, fails: Callable[[Case], bool], options: Mapping[str, Any]) -> Case:
    """The smallest case that ``fails`` that steps from this one lead to."""
    left = TRIALS
    kinds = (lambda c: simpler_options(c, options), shorter_axes, rounder_numbers)
    for steps in (*kinds, *kinds):  # a shorter axis may allow a simpler option
        again = True
        while again:
            again = False
            for smaller in steps(case):
                left -= 1
                if left < 0:
                    return case
                if fails(smaller):
                    case, again = smaller, True
                    break
    return case


def simpler_options(case: Case, options: Mapping[str, Any]) -> Iterator[Case]:
    """Each option with the values before its own; a number that has no list, nearer to 0."""
    for name, value in case.values.items():
        known = options.get(name)
        simpler: list[Any] = []
        if isinstance(known, list | range):
            simpler = list(known[: list(known).index(value)])
        elif isinstance(value, bool):
            simpler = [False] if value else []
        elif isinstance(value, int | np.integer):
            simpler = [v for v in (0, 1, value // 2, value - 1) if abs(v) < abs(value)]
        for v in simpler:
            yield case._replace(values={**case.values, name: v})


def shorter_axes(case: Case) -> Iterator[Case]:
    """One axis cut, or several of equal size together: they may be one size to the functions."""
    arrays = {n: as_array(v).shape for n, v in case.values.items() if is_array(v)}
    axes = [(name, axis) for name, shape in arrays.items() for axis in range(len(shape))]
    groups: list[tuple[tuple[str, int], ...]] = []
    for count in (*range(1, min(len(axes), 3) + 1), len(axes)):
        groups += [
            group
            for group in combinations(axes, count)
            if len({arrays[name][axis] for name, axis in group}) == 1
        ]
    for group in groups:
        name, axis = group[0]
        size = arrays[name][axis]
        for shorter in sorted({1, size // 2, size - 1} - {0, size}):
            for at_end in (False, True):
                smaller = cut(case, group, shorter, at_end)
                yield from probes(smaller)  # easier to read than what is left of the numbers
                yield smaller


def cut(case: Case, group: tuple[tuple[str, int], ...], size: int, at_end: bool) -> Case:
    """The case with some axes cut to a size, what is left being their beginning or their end."""
    for name, axis in group:
        array = np.moveaxis(as_array(case.values[name]), axis, 0)
        array = array[len(array) - size :] if at_end else array[:size]
        case = replaced(case, name, np.moveaxis(array, 0, axis))
    return case


def rounder_numbers(case: Case) -> Iterator[Case]:
    """Arrays of whole numbers; of short ones, one number at a time 0 or 1."""
    shown = [*probes(case)]
    if any(same(case, probe) for probe in shown):
        return
    yield from shown
    for name in case.floats():
        array = as_array(case.values[name])
        for rounded in (np.round(array), np.sign(array) * np.ceil(np.abs(array))):
            if not np.array_equal(rounded, array):
                yield replaced(case, name, rounded)
        if array.size <= FEW and np.array_equal(array, np.round(array)):
            yield from (replaced(case, name, simpler) for simpler in one_simpler(array))


def same(a: Case, b: Case) -> bool:
    """Whether two cases with the same arguments have the same numbers."""
    return all(np.array_equal(as_array(a.values[n]), as_array(b.values[n])) for n in a.floats())


def one_simpler(array: Array) -> Iterator[Array]:
    """The array with one number replaced by one nearer to 0."""
    for place in np.ndindex(array.shape):
        for value in (0, 1):
            if abs(array[place]) > value:
                simpler = array.copy()
                simpler[place] = value
                yield simpler
