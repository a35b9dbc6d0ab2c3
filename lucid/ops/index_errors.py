"""What is wrong with an index that NumPy refused: the rule, the values, and one that works."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from lucid.autograd import is_tensor
from lucid.cures import Shape, broadcast, cure
from lucid.errors import AxisError, DtypeError

SHOWN = 8  # numbers of an index array that a cure writes out
MOST_AXES = 64  # of an array of NumPy 2
NUMBER = int | float | np.integer | np.floating


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
    new = sum(part is None for part in index)
    if len(shape) + new > MOST_AXES:
        return AxisError(
            f"a tensor has at most {MOST_AXES} axes, got {new} times None for one of shape {shape}"
            + cure("x[None]")
        )
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
            parts.append(slice_code(part))
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


def not_an_index(part: Any, index: tuple[Any, ...]) -> DtypeError:
    """The error for a part of an index that is not made of whole numbers or bools."""
    array = part._array if is_tensor(part) else part
    if isinstance(part, str):
        found = repr(part)
    elif isinstance(part, float | np.floating):
        found = f"the float {part}"
    elif isinstance(part, list | np.ndarray) or is_tensor(part):
        found = str(np.asarray(array).dtype)
    else:
        found = f"a {type(part).__name__}"
    return DtypeError(
        f"an index is made of whole numbers or bools, got {found}{whole_cure(part, index)}"
    )


def too_large(part: int, index: tuple[Any, ...]) -> IndexError:
    """The error for an index that no tensor is large enough for."""
    return IndexError(
        f"index {part} is out of bounds for every axis: sizes are below 2**63"
        + whole_cure(part, index)
    )


def whole_cure(part: Any, index: tuple[Any, ...]) -> str:
    """The cure for one part of an index: all of the index, with whole numbers in its place."""
    # Tensors and arrays have no name of their own here: only the part in question is "index".
    written = [
        whole_code(p) if p is part or isinstance(p, int | float | np.floating) else unchanged(p)
        for p in index
    ]
    return cure(f"x[{', '.join(written)}]") if "" not in written else ""


def whole_code(part: Any) -> str:
    """Code for a part of an index that has no whole numbers: the nearest that has; "" if none."""
    if is_tensor(part):
        return "index.long()"
    if isinstance(part, np.ndarray):
        return {"f": "index.astype(int)", "c": "index.real.astype(int)"}.get(part.dtype.kind, "")
    if isinstance(part, list):
        numbers = all(isinstance(p, int | float) for p in part) and len(part) <= SHOWN
        return f"[{', '.join(map(whole_code, part))}]" if numbers else ""
    if isinstance(part, set | frozenset):
        return "list(index)" if all(isinstance(p, int) for p in part) else ""
    if isinstance(part, bool):
        return str(part)
    if isinstance(part, int | float | np.floating):
        if -(2**63) < part < 2**63:
            return str(int(part))
        return "-1" if part > 0 else "0"  # the last place is nearest; none is to nan
    return "0"


def unchanged(part: Any) -> str:
    """Code for a part of an index that may stay as it is; "" if that cannot be written short."""
    if part is Ellipsis:
        return "..."
    if isinstance(part, slice):
        return slice_code(part)
    if part is None or isinstance(part, int | np.integer):
        return str(part)
    array = np.asarray(part._array if is_tensor(part) else part)
    return repr(array.tolist()) if array.dtype.kind in "iub" and array.size <= SHOWN else ""


def slice_code(part: slice) -> str:
    """1:3, or ::2"""
    ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])


def slice_of(part: slice) -> slice:
    """A slice of ints; an error for other ends, and for a step of 0."""
    ends = (part.start, part.stop, part.step)
    whole: list[int | None] = []
    for end in ends:
        try:
            whole.append(None if end is None else operator.index(end))
        except TypeError:
            code = ""
            if all(end is None or isinstance(end, NUMBER) for end in ends):
                start, stop, step = map(nearest_whole, ends)
                if step == 0:
                    step = -1 if ends[2] < 0 else 1
                code = cure(f"x[{slice_code(slice(start, stop, step))}]")
            raise TypeError(f"the ends of a slice are whole numbers, got {end!r}{code}") from None
    if whole[2] == 0:
        raise ValueError(f"the step of a slice is not 0{mended((slice(whole[0], whole[1], 1),))}")
    return slice(*whole)


def nearest_whole(end: Any) -> int | None:
    """An end of a slice without its fraction; None for one that is not finite."""
    if end is None or (isinstance(end, float | np.floating) and not np.isfinite(end)):
        return None
    return int(end)
