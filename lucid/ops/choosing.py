"""Choosing between numbers: by a mask, by limits, by size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import types
from lucid.autograd import Function, is_tensor, make_tensor
from lucid.cures import Shape, broadcast, broadcast_cure, cure, part_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.broadcast import pair, raw, sum_to
from lucid.ops.compare import gt, lt
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


class Where(Function):
    """out = a where condition, else b"""

    reads_inputs = False

    def __init__(self, condition: Tensor) -> None:
        self.condition = condition

    def forward(self, a: Array, b: Array) -> Array:
        return np.where(self.condition._array, a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (
            sum_to(where(self.condition, grad, 0.0), self.shapes[0]) if self.needs[0] else None,
            sum_to(where(self.condition, 0.0, grad), self.shapes[1]) if self.needs[1] else None,
        )


def where(condition: Tensor, input: TensorLike, other: TensorLike) -> Tensor:
    """out = input where condition is True, other where it is False

    Parameters
    ----------
    condition : Tensor
        Of dtype bool, and a shape that broadcasts with the others'.
    input, other : Tensor or number
        Of shapes that broadcast with the condition.

    Raises
    ------
    TypeError
        If the condition is not a bool tensor.
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([-1.0, 2.0])
    >>> lucid.where(x > 0, x, 0.1 * x)
    tensor([-0.1000,  2.0000])
    """
    if not is_tensor(condition) or condition.dtype is not types.bool:
        got = condition.dtype.name if is_tensor(condition) else type(condition).__name__
        raise DtypeError(f"the condition must be a bool tensor, got {got}\n  try: condition != 0")
    a, b = pair(input, other)
    choices = np.broadcast_shapes(a.shape, b.shape)
    if broadcast(condition.shape, choices) is None:
        raise ShapeError(
            "the condition must broadcast with both choices: "
            f"got {condition.shape}, {a.shape} and {b.shape}"
            + (
                condition_cure(condition.shape, choices)
                if a.ndim and b.ndim
                else broadcast_cure(("x", "condition"), (choices, condition.shape))
            )
        )
    # A private copy: the caller may go on to change the mask.
    return Where(make_tensor(condition._array.copy()))(a, b)


def condition_cure(condition: Shape, choices: Shape) -> str:
    """The cure where both choices are tensors: another condition, for it fits both of them."""
    for more in range(1, 1 + len(choices) - len(condition)):
        if broadcast(choices, condition + (1,) * more) is not None:
            return cure(f"condition[...{', None' * more}]", condition + (1,) * more)
    if len(condition) == len(choices) == 2 and condition == choices[::-1]:
        return cure("condition.transpose(0, 1)", choices)
    aligned = ((1,) * len(condition) + choices)[-len(condition) :]
    most = [
        n if 1 in (n, m) else m if m < n else n if m == n else 1
        for n, m in zip(condition, aligned, strict=True)
    ]
    return part_cure("condition", condition, tuple(most))


def clamp(input: Tensor, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
    """out = min(max(input, lower), upper); the slope is 1 from ``min`` to ``max``, else 0

    Parameters
    ----------
    input : Tensor
        Of any shape.
    min, max : Tensor or number, optional
        The limits, of shapes that broadcast; at least one of them.

    Raises
    ------
    ValueError
        Without any limit.

    Examples
    --------
    >>> import lucid
    >>> lucid.clamp(lucid.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ValueError("clamp needs min, max or both")
    # Written so that a nan, which compares false with everything, stays.
    out = input if min is None else where(replaced(lt, input, min), min, input)
    return out if max is None else where(replaced(gt, out, max), max, out)


def replaced(beyond: Any, input: Tensor, limit: TensorLike) -> Tensor:
    """Where a limit takes the place of a number: beyond it, and where it is nan itself."""
    hit: Tensor = beyond(input, limit)
    unknown = raw(limit) != raw(limit)
    return hit | make_tensor(np.asarray(unknown)) if np.any(unknown) else hit


def clip(input: Tensor, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
    """out = min(max(input, lower), upper): another name of ``clamp``

    Parameters
    ----------
    input : Tensor
        Of any shape.
    min, max : Tensor or number, optional
        The bounds, of shapes that broadcast; None: there is none.

    Examples
    --------
    >>> import lucid
    >>> lucid.clip(lucid.tensor([-2, 5]), max=3)
    tensor([-2,  3])
    """
    return clamp(input, min, max)


class Maximum(Function):
    """out = the larger of a and b; of two equal ones each gets half the gradient"""

    def forward(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        a, b = self.saved(0), self.saved(1)
        half = where(a == b, grad * 0.5, grad)
        return (
            sum_to(where(a < b, 0.0, half), self.shapes[0]) if self.needs[0] else None,
            sum_to(where(b < a, 0.0, half), self.shapes[1]) if self.needs[1] else None,
        )


def maximum(input: TensorLike, other: TensorLike) -> Tensor:
    """out = the larger of the two, number by number; where equal, each gets half the gradient

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.maximum(lucid.tensor([1.0, 5.0]), lucid.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    return Maximum()(*pair(input, other))


class Minimum(Function):
    """out = the smaller of a and b; of two equal ones each gets half the gradient"""

    def forward(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        a, b = self.saved(0), self.saved(1)
        half = where(a == b, grad * 0.5, grad)
        return (
            sum_to(where(a > b, 0.0, half), self.shapes[0]) if self.needs[0] else None,
            sum_to(where(b > a, 0.0, half), self.shapes[1]) if self.needs[1] else None,
        )


def minimum(input: TensorLike, other: TensorLike) -> Tensor:
    """out = the smaller of the two, number by number; where equal, each gets half the gradient

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.minimum(lucid.tensor([1.0, 5.0]), lucid.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return Minimum()(*pair(input, other))
