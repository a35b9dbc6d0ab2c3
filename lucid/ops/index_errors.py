"""What is wrong with an index that NumPy refused: the rule, the values, and one that works."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from lucid.cures import Shape, broadcast, cure
from lucid.errors import AxisError, DtypeError

SHOWN = 8  # numbers of an index array that a cure writes out


def index_error(index: tuple[Any, ...], shape: Shape) -> IndexError:
    """The error for an index, as ``as_index`` gives it, that a tensor of this shape does not take.

    Only called when it is known that something is wrong.
    """
    dots = [i for i, part in enumerate(index) if part is Ellipsis]
    if len(dots) > 1:
        first, rest = index[: dots[0] + 1], [part for part in index if part is not Ellipsis]
        kept = (*first, *rest[dots[0] :])
        return IndexError(f"an index has ... at most once, got {len(dots)} of them{mended(kept)}")
    reads = sum(map(axes_of, index))
    if reads > len(shape):
        axes = "1 axis" if len(shape) == 1 else f"{len(shape)} axes"
        return AxisError(
            f"too many indices: a tensor of shape {shape} has {axes}, and the index is for {reads}"
            + mended(shortened(index, len(shape)), shape)
        )
    axis = 0
    for i, part in enumerate(index):
        if part is Ellipsis:
            axis = len(shape) - sum(map(axes_of, index[i + 1 :]))
            continue
        sizes = shape[axis : axis + axes_of(part)]
        if is_mask(part) and part.shape != sizes:
            return IndexError(
                f"a mask has the shape of the axes it chooses from, {sizes} of {shape}, "
                f"got one of {part.shape}" + (mask_cure(part.shape, sizes) if i == 0 else "")
            )
        if sizes and isinstance(part, int | np.integer | np.ndarray) and not is_mask(part):
            wrong = outside(part, sizes[0])
            if wrong is not None:
                there = f"from {-sizes[0]} to {sizes[0] - 1}" if sizes[0] else "none"
                return IndexError(
                    f"index {wrong} is out of bounds for axis {axis} with size {sizes[0]}, of a "
                    f"tensor of shape {shape}: there are places {there}"
                    + (mended(index, shape) if sizes[0] else "")
                )
        axis += axes_of(part)
    arrays = [part.shape for part in index if isinstance(part, np.ndarray)]
    code = ""
    if [len(s) for s in arrays] == [1, 1] and broadcast(*arrays) is None and len(index) == 3:
        code = cure("x[a[:, None], b]")
    return IndexError(
        f"the tensors of an index must broadcast to one shape, got {arrays}; several vectors read "
        f"one number per place of theirs, not a block{code}"
    )


def axes_of(part: Any) -> int:
    """How many axes a part of an index reads."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if is_mask(part) else 1


def is_mask(part: Any) -> bool:
    """Whether a part of an index is an array of bools."""
    return isinstance(part, np.ndarray) and part.dtype.kind == "b"


def outside(part: Any, n: int) -> int | None:
    """The first place that an axis of size n does not have; None if it has all of them."""
    places = np.asarray(part).reshape(-1)
    wrong = places[(places < -n) | (places >= n)]
    return int(wrong[0]) if wrong.size else None


def shortened(index: tuple[Any, ...], most: int) -> tuple[Any, ...]:
    """The parts of an index for the first axes, as many as there are."""
    kept: list[Any] = []
    for part in index:
        if sum(map(axes_of, [*kept, part])) <= most:
            kept.append(part)
    return tuple(kept)


def mended(index: tuple[Any, ...], shape: Shape | None = None) -> str:
    """The cure: the index written out, its places moved to the nearest that there are."""
    parts: list[str] = []
    axis = 0
    for i, part in enumerate(index):
        if part is Ellipsis:
            axis = len(shape or ()) - sum(map(axes_of, index[i + 1 :]))
            last = i == len(index) - 1  # which as_index has added
            parts += [] if last and parts else ["..."]
            continue
        n = shape[axis] if shape is not None and axis < len(shape) else None
        axis += axes_of(part)
        if isinstance(part, slice):
            ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
            parts.append(":".join(ends if ends[2] else ends[:2]))
        elif part is None:
            parts.append("None")
        elif is_mask(part) or np.size(part) > SHOWN or n == 0:
            return ""
        else:
            parts.append(repr(np.asarray(part if n is None else np.clip(part, -n, n - 1)).tolist()))
    return cure(f"x[{', '.join(parts)}]")


def mask_cure(mask: Shape, sizes: Shape) -> str:
    """The part of the tensor that the mask is for, or the part of the mask."""
    if len(mask) == len(sizes) and all(m <= n for m, n in zip(mask, sizes, strict=True)):
        return cure(f"x[{', '.join(f':{m}' for m in mask)}][index]")
    if len(mask) == len(sizes) and all(m >= n for m, n in zip(mask, sizes, strict=True)):
        return cure(f"x[index[{', '.join(f':{n}' for n in sizes)}]]")
    return ""


def not_an_index(part: Any) -> DtypeError:
    """The error for an index that is not made of whole numbers or bools."""
    if isinstance(part, str):
        return DtypeError(f"an index is made of whole numbers or bools, got {part!r}{cure('x[0]')}")
    if isinstance(part, float) and np.isfinite(part):
        found, code = f"the float {part}", f"x[{int(part)}]"
    else:
        found, code = str(np.asarray(part).dtype), "x[index.long()]"
    return DtypeError(f"an index is made of whole numbers or bools, got {found}{cure(code)}")


def slice_of(part: slice) -> slice:
    """A slice of ints; an error for other ends, and for a step of 0."""
    ends = (part.start, part.stop, part.step)
    whole: list[int | None] = []
    for end in ends:
        try:
            whole.append(None if end is None else operator.index(end))
        except TypeError:
            code = ""
            if all(end is None or isinstance(end, int | float) for end in ends):
                code = mended((slice(*[None if end is None else int(end) for end in ends]),))
            raise TypeError(f"the ends of a slice are whole numbers, got {end!r}{code}") from None
    if whole[2] == 0:
        raise ValueError(f"the step of a slice is not 0{mended((slice(whole[0], whole[1], 1),))}")
    return slice(*whole)
