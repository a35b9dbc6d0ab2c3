"""A picture of an array in text: where the errors are, and how large beside the worst."""

from __future__ import annotations

import numpy as np

from lucid.types import Array

__all__ = ["picture"]

WIDTH, HEIGHT, BLOCKS = 36, 8, 3  # characters, lines, and blocks of lines at most
LEGEND = ".  right   1-9  wrong, 9 the most"


def picture(error: Array, excused: Array) -> str:
    """Draw errors of any shape: ``.`` for none, 1 to 9 by size, ``?`` where nobody can tell.

    The last axis runs to the right, the one before it downwards, those before that from block to
    block. Of a large array, one character shows the worst of several neighbours.

    Parameters
    ----------
    error : array
        How far off, 0 for what is right; infinite and nan count as the worst.
    excused : array of bool
        Where there is no derivative to compare with.
    """
    shape = error.shape
    marks = levels(error)
    marks[excused & (marks == 0)] = -1
    blocks = marks.reshape((-1, *(1, 1, *shape)[-2:]))
    blocks, groups = shrunk(blocks, 0, BLOCKS)
    blocks, rows = shrunk(blocks, 1, HEIGHT)
    blocks, columns = shrunk(blocks, 2, WIDTH)
    lines = [LEGEND + ("   ?  not judged" if excused.any() else "")]
    if len(shape) > 0:
        lines.append(axis_line(len(shape), rows, columns))
    labels = [span(row) if len(shape) > 1 else "" for row in rows]
    margin = max((len(label) for label in labels), default=0)
    for block, group in zip(blocks, groups, strict=True):
        if len(shape) > 2:
            lines.append(f"{leading(shape[:-2], group)}:")
        for row, label in zip(block, labels, strict=True):
            drawn = " ".join("?" if m < 0 else "." if m == 0 else str(m) for m in row)
            lines.append(f"  {label:{margin}}  {drawn}" if label else f"  {drawn}")
    return "\n".join(lines)


def levels(error: Array) -> Array:
    """0 for no error, 1 to 9 for those up to the largest."""
    size = np.abs(error)
    finite = np.isfinite(size)
    largest = size[finite].max(initial=0.0)
    marks = np.zeros(error.shape, int)
    wrong = finite & (size > 0)
    marks[wrong] = np.clip(np.ceil(9 * (size[wrong] / largest)), 1, 9)
    marks[~finite] = 9
    return marks


def shrunk(marks: Array, axis: int, most: int) -> tuple[Array, list[tuple[int, int]]]:
    """Neighbours along an axis drawn as one, the worst of them; and which ones those are."""
    size = marks.shape[axis]
    if size == 0:
        return marks, []
    step = -(-size // most)
    starts = list(range(0, size, step))
    ends = [min(start + step, size) - 1 for start in starts]
    return np.maximum.reduceat(marks, starts, axis), list(zip(starts, ends, strict=True))


def span(places: tuple[int, int]) -> str:
    """``[3]``, or ``[3-5]`` for several."""
    first, last = places
    return f"[{first}]" if first == last else f"[{first}-{last}]"


def axis_line(ndim: int, rows: list[tuple[int, int]], columns: list[tuple[int, int]]) -> str:
    """Which axis runs where."""
    right = f"axis {ndim - 1} to the right"
    if columns and columns[0][1] > 0:
        right += f" ({columns[0][1] + 1} numbers in one mark)"
    return right if ndim == 1 else f"axis {ndim - 2} downwards, {right}"


def leading(shape: tuple[int, ...], group: tuple[int, int]) -> str:
    """The index of a block along all axes but the last two."""
    if len(shape) == 1:
        return span(group)
    first, last = (tuple(int(i) for i in np.unravel_index(g, shape)) for g in group)
    return f"{list(first)}" if first == last else f"{list(first)} to {list(last)}"
