"""The cures that the messages of errors end with: code that works when pasted.

In that code ``x`` is the tensor that was given, ``a`` and ``b`` are the two sides of an operator,
and other names are those of arguments; ``# ->`` is followed by the shape that comes out.
``tests/errors_catalogue.py`` tries them all.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Shape: TypeAlias = tuple[int, ...]


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def cure(code: str, shape: Shape | None = None) -> str:
    """The end of a message: code that works when pasted, and the shape it gives.

    Tensors that have no name of their own are a, b, c, ...: a line before says which that are.
    """
    used = dict.fromkeys(re.findall(r"(?<![\w.'])([a-h])(?=[].[ ),]|$)", code))
    which = " and ".join([f"{name} is the {ORDINALS[ord(name) - 97]} tensor" for name in used])
    where = f"\n  {which}" if which else ""
    return f"{where}\n  try: {code}" + ("" if shape is None else f"    # -> {shape}")


def rank_cure(name: str, shape: Shape, least: int, most: int) -> str:
    """The cure for a tensor with fewer axes than ``least`` or more than ``most``."""
    if len(shape) < least:
        missing = least - len(shape)
        return cure(f"{name}[{', '.join(['None'] * missing)}]", (1,) * missing + shape)
    kept = shape[: most - 1]
    return cure(f"{name}.flatten({most - 1})", (*kept, math.prod(shape[most - 1 :])))


def shape_cure(name: str, shape: Shape, wanted: Shape, fill: str = "ones") -> str:
    """The cure for an argument of another shape than the wanted: its numbers, or new ones."""
    sizes = ", ".join(map(str, wanted))
    if math.prod(shape) == math.prod(wanted):
        return cure(f"{name}.reshape({sizes})", wanted)
    if broadcast(shape, wanted) == wanted:
        return cure(f"{name}.expand({sizes})", wanted)
    if math.prod(shape) == 1:
        return cure(f"{name}.flatten().expand({sizes})", wanted)
    if len(shape) == len(wanted) and all(n >= m for n, m in zip(shape, wanted, strict=True)):
        return part_cure(name, shape, wanted)
    return cure(f"lucid.{fill}({sizes})", wanted)


def part_cure(name: str, shape: Shape, most: Shape) -> str:
    """The cure for a tensor that is larger than another: the part as large as that."""
    kept = tuple(map(min, shape, most))
    parts = [":" if n == m else f":{n}" for n, m in zip(kept, shape, strict=True)]
    return cure(f"{name}[{', '.join(parts)}]", kept)


def choice_cure(name: str, given: object, legal: Sequence[str]) -> str:
    """The cure for an option that is none of several words: the one that looks most like it."""
    import difflib  # not before an option is wrong

    return cure(f"{name}={difflib.get_close_matches(str(given).lower(), legal, 1, 0.0)[0]!r}")


def probability_cure(name: str, p: float) -> str:
    """The cure for what is not from 0 to 1: it may be in percent."""
    return cure(f"{name}={p / 100 if 1 < p <= 100 else 0.5}")


def groups_cure(name: str, groups: int, *sizes: object) -> str:
    """The cure for groups that do not divide all sizes: the nearest number that does."""
    common = math.gcd(*[size for size in sizes if isinstance(size, int)])
    return cure(f"{name}={nearest_divisor(common, groups)}")


def nearest_divisor(n: int, wanted: int) -> int:
    """The divisor of n, which is at least 1, that is nearest to a number: the smaller of two."""
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return min(sorted([*small, *(n // d for d in small)]), key=lambda d: abs(d - wanted))


def not_empty_cure(shape: Shape) -> str:
    """The cure for a tensor without numbers: the smallest that has some."""
    return cure(f"lucid.zeros({', '.join(str(max(n, 1)) for n in shape)})")


def axis_cure(name: str, shape: Shape, axis: int, expected: int) -> str:
    """The cure where another axis has the size that ``axis`` should have; else nothing."""
    axis %= len(shape)
    if axis == len(shape) - 1 > 1 and math.prod(shape[1:]) == expected:
        return cure(f"{name}.flatten(1)", (shape[0], expected))
    others = [i for i, n in enumerate(shape) if n == expected and (i > 0 or len(shape) == 2)]
    if not others:
        return ""
    order = list(range(len(shape)))
    order[axis], order[others[-1]] = others[-1], axis
    look = ""
    if (axis, others[-1], len(shape)) == (1, 2, 3):
        look = f"\n  axis 2 has size {expected}: the input looks channels-last (N, L, C)"
    axes = f"{min(axis, others[-1])}, {max(axis, others[-1])}"
    return look + cure(f"{name}.transpose({axes})", tuple([shape[i] for i in order]))


def narrow_cure(
    names: Sequence[str],
    shapes: Sequence[Shape],
    last: int = -1,
    free: int | None = None,
    but: int = 0,
) -> str:
    """The cure for shapes that differ: the longest is cut along the last axis where they do.

    Sizes that are ``free`` need not be equal to the others, nor those along the axis ``but``.
    """
    for axis in range(last, -1 - min(map(len, shapes)), -1):
        if axis == but:
            continue
        sizes = [shape[axis] for shape in shapes]
        least = min((n for n in sizes if n != free), default=max(sizes))
        if max(sizes) > least:
            i = sizes.index(max(sizes))
            cut = list(shapes[i])
            cut[axis] = least
            part = f"[..., :{least}]" if axis == -1 else f".narrow({axis}, 0, {least})"
            return cure(f"{names[i]}{part}", tuple(cut))
    return ""


def broadcast_cure(names: tuple[str, str], shapes: tuple[Shape, Shape]) -> str:
    """The cure for two shapes that do not broadcast: further axes, other axes, or a part."""
    for i in (1, 0):
        name, shape, other = names[i], shapes[i], shapes[1 - i]
        for more in range(1, 1 + len(other) - len(shape)):
            if broadcast(other, longer := shape + (1,) * more):
                return cure(f"{name}[...{', None' * more}]", longer)
    a, b = shapes
    if len(a) == len(b) == 2 and a == b[::-1]:
        return cure(f"{names[1]}.transpose(0, 1)", a)
    return narrow_cure(names, shapes, free=1)


def broadcast(*shapes: Shape) -> Shape | None:
    """The shape that all of them broadcast to, or None."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def same_shape_cure(names: tuple[str, str], shapes: tuple[Shape, Shape]) -> str:
    """The cure for a second tensor that should have the shape of the first."""
    (x, y), (wanted, shape) = names, shapes
    sizes = ", ".join(map(str, wanted))
    if math.prod(shape) == math.prod(wanted):
        return cure(f"{y}.reshape({sizes})", wanted)
    more = len(wanted) - len(shape)
    if broadcast(shape, wanted) == wanted:
        return cure(f"{y}.expand({sizes})", wanted)
    if more > 0 and broadcast(shape + (1,) * more, wanted) == wanted:
        return cure(f"{y}[...{', None' * more}].expand({sizes})", wanted)
    if more == 0 and broadcast(shape, wanted) == shape:
        return cure(f"{x}.expand({', '.join(map(str, shape))})", shape)
    return narrow_cure(names, shapes) if more == 0 else shape_cure(y, shape, wanted, "zeros")


def nth(i: int, names: Sequence[str] = string.ascii_lowercase) -> str:
    """What a cure calls one of several tensors."""
    return names[i] if i < len(names) else f"tensors[{i}]"


def samples_cure(shapes: Sequence[Shape], names: Sequence[str] = "xyz") -> str:
    """The cure for inputs x, targets y, ... of different numbers of samples along axis 0."""
    if () in shapes:
        return cure(f"{nth(shapes.index(()), names)}[None]", (1,))
    least = min(shape[0] for shape in shapes)
    i = next(i for i, shape in enumerate(shapes) if shape[0] > least)
    return cure(f"{nth(i, names)}[:{least}]", (least, *shapes[i][1:]))
