"""Padding: more positions at the ends of a signal, or fewer."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lucid._ext.numpy_twins import pad_index
from lucid.autograd import Function
from lucid.cures import choice_cure, cure, rank_cure
from lucid.errors import SIZE_LIMIT, ShapeError
from lucid.ops.checks import check_tensor
from lucid.ops.conv import PADDING_MODES, check_pads
from lucid.ops.index import GetItem, getitem
from lucid.ops.rows import RowMap, Table
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class PadConstant(Function):
    """out[i] = x[i - left] along each axis, and the constant outside; its adjoint is cropping"""

    reads_inputs = False

    def __init__(self, pads: Sequence[tuple[int, int]], value: float) -> None:
        self.pads, self.value = pads, value

    def forward(self, x: Array) -> Array:
        shape = [left + n + right for n, (left, right) in zip(x.shape, self.pads, strict=True)]
        out = np.full(shape, self.value, x.dtype)
        out[self.window()] = x
        return out

    def backward(self, grad: Tensor) -> Tensor:
        return GetItem(self.window())(grad)

    def window(self) -> tuple[slice, ...]:
        """Where the input lies in the output."""
        return tuple([slice(left, -right or None) for left, right in self.pads])


@functools.lru_cache(maxsize=128)
def pad_table(L: int, left: int, right: int, mode: str) -> Table:
    """Which position of a row each padded position reads."""
    padded = np.arange(-left, L + right)
    sources = pad_index(padded, L, PADDING_MODES[mode])
    return Table(np.arange(len(padded)), sources, None, len(padded), L)


def pad(
    input: Tensor,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Tensor:
    """Add positions at the ends of the last axis, or of several, or take some away.

    ::

        mode         1 2 3 4, padded by (2, 2)
        constant     v v | 1 2 3 4 | v v
        reflect      3 2 | 1 2 3 4 | 3 2      mirrored at the edge sample, which is not repeated
        replicate    1 1 | 1 2 3 4 | 4 4      the edge sample goes on
        circular     3 4 | 1 2 3 4 | 1 2      the signal is one period

    Parameters
    ----------
    input : Tensor
        For other modes than ``"constant"``: (N, C, L) or (C, L).
    pad : sequence of int
        How many positions are added before and after the last axis; in mode ``"constant"`` then
        before and after the last but one, and so on. A negative number takes away.
    mode : str
        ``"constant"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
    value : float, optional
        The constant, by default 0.

    Raises
    ------
    ShapeError
        If the padding does not fit the axes, is more than the mode allows, or takes away more than
        there is.
    ValueError
        If a value is given to a mode without one.
    NotImplementedError
        For another mode, or several axes in a mode other than ``"constant"``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> x = lucid.tensor([[1, 2, 3, 4]])
    >>> F.pad(x, (2, 1))
    tensor([[0, 0, 1, 2, 3, 4, 0]])
    >>> F.pad(x, (2, -1), mode="circular")
    tensor([[2, 3, 1, 2, 3]])
    """
    check_tensor(input, "input", "pad")
    pads = check_pad(pad, input.shape)
    if mode == "constant":
        return pad_constant(input, pads, 0 if value is None else value)
    if mode not in PADDING_MODES or mode == "zeros":
        legal = "'constant', 'reflect', 'replicate' or 'circular'"
        raise NotImplementedError(
            f"mode must be {legal}, got {mode!r}"
            + choice_cure("mode", mode, ("constant", "reflect", "replicate", "circular"))
        )
    if value is not None:
        raise ValueError(f"mode={mode!r} takes no value, got {value}\n  try: mode='constant'")
    if len(pad) != 2 or input.ndim not in (2, 3):
        fewer = cure(f"pad={tuple(pad)[:2]}")
        raise NotImplementedError(
            f"mode={mode!r} pads the last axis of (N, C, L) or (C, L) by (left, right), "
            f"got {tuple(pad)} for a shape {input.shape}"
            + (fewer if len(pad) > 2 else rank_cure("x", input.shape, 2, 3))
        )
    left, right = pads[-1]
    if mode == "circular":  # wraps around what is left over
        input = pad_constant(input, [*pads[:-1], (min(left, 0), min(right, 0))], 0)
        left, right = max(left, 0), max(right, 0)
    L = input.shape[-1]
    if mode != "circular" and (L == 0 or left + L + right == 0):
        raise ShapeError(
            f"mode={mode!r} needs at least one position before and after, got length {L} and "
            f"padding {(left, right)}" + cure("pad=(0, 0)" if L else "F.pad(x, (0, 1))")
        )
    check_pads(L, max(left, right), mode, "mode")
    return RowMap(pad_table(L, left, right, mode))(input)


def check_pad(pad: Sequence[int], shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """How many positions are added before and after each axis, the first axis first."""
    try:
        sizes = [operator.index(n) for n in pad]
    except TypeError:
        raise TypeError(f"pad is a sequence of ints, got {pad!r}\n  try: (left, right)") from None
    if len(sizes) % 2 or len(sizes) > 2 * len(shape):
        fewer = cure(f"pad={(*sizes, 0, 0)[: min(2 * len(shape), -(-len(sizes) // 2) * 2)]}")
        raise ShapeError(
            "pad takes two numbers for each axis, the last axis first: "
            f"got {tuple(sizes)} for a shape {shape}"
            + (fewer if shape else rank_cure("x", shape, 1, 1))
        )
    pads = [(0, 0)] * (len(shape) - len(sizes) // 2)
    pads += [(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 2, -1, -2)]
    for axis, (n, (left, right)) in enumerate(zip(shape, pads, strict=True)):
        if not 0 <= left + n + right < SIZE_LIMIT or max(-left, -right, 0) > n:
            raise ShapeError(
                f"axis {axis} would get the size {left} + {n} + {right} = {left + n + right}: "
                "negative padding can take away what there is, and sizes stay below 2**31"
                + cure(f"pad={tuple(max(n, 0) if n < SIZE_LIMIT // 2 else 0 for n in sizes)}")
            )
    return pads


def pad_constant(input: Tensor, pads: Sequence[tuple[int, int]], value: float) -> Tensor:
    """First cropped, then padded."""
    kept = tuple(
        slice(max(-left, 0), n - max(-right, 0))
        for n, (left, right) in zip(input.shape, pads, strict=True)
    )
    if any(left < 0 or right < 0 for left, right in pads):
        input = getitem(input, kept)
    return PadConstant([(max(left, 0), max(right, 0)) for left, right in pads], value)(input)
