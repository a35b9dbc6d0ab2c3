"""Comparisons, and what is worked out with their results: to bools, without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lucid.autograd import make_tensor
from lucid.errors import DtypeError
from lucid.ops.broadcast import pair

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


def eq(input: TensorLike, other: Any) -> Tensor:
    """out = (input == other)

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]) == 2
    tensor([False,  True])
    """
    return compared(np.equal, input, other)


def ne(input: TensorLike, other: Any) -> Tensor:
    """out = (input != other)

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]) != 2
    tensor([ True, False])
    """
    return compared(np.not_equal, input, other)


def lt(input: TensorLike, other: TensorLike) -> Tensor:
    """out = (input < other)

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]) < 2
    tensor([ True, False])
    """
    return compared(np.less, input, other)


def le(input: TensorLike, other: TensorLike) -> Tensor:
    """out = (input <= other)

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 3]) <= 2
    tensor([ True, False])
    """
    return compared(np.less_equal, input, other)


def gt(input: TensorLike, other: TensorLike) -> Tensor:
    """out = (input > other)

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 3]) > 2
    tensor([False,  True])
    """
    return compared(np.greater, input, other)


def ge(input: TensorLike, other: TensorLike) -> Tensor:
    """out = (input >= other)

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]) >= 2
    tensor([False,  True])
    """
    return compared(np.greater_equal, input, other)


def logical_not(input: Tensor) -> Tensor:
    """out = not input

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.logical_not(lucid.tensor([2, 0]))
    tensor([False,  True])
    """
    return make_tensor(np.logical_not(input._array))


def logical_and(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input and other

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.logical_and(lucid.tensor([1, 0]), lucid.tensor([2, 3]))
    tensor([ True, False])
    """
    return compared(np.logical_and, input, other)


def logical_or(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input or other

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.logical_or(lucid.tensor([1, 0]), lucid.tensor([0, 0]))
    tensor([ True, False])
    """
    return compared(np.logical_or, input, other)


def logical_xor(input: TensorLike, other: TensorLike) -> Tensor:
    """out = either input or other, not both

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast; any number but 0 is true.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.logical_xor(lucid.tensor([1, 0]), lucid.tensor([2, 3]))
    tensor([False,  True])
    """
    return compared(np.logical_xor, input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """out = ~input: for bools "not", for whole numbers every bit turned

    Parameters
    ----------
    input : Tensor
        Of any shape, bools or whole numbers.

    Raises
    ------
    TypeError
        For floating numbers.

    Examples
    --------
    >>> import lucid
    >>> ~lucid.tensor([True, False]), ~lucid.tensor([0, 5])
    (tensor([False,  True]), tensor([-1, -6]))
    """
    return make_tensor(np.invert(without_fractions("~", input)._array))


def bitwise_and(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input & other: for bools "and", for whole numbers bit by bit

    Parameters
    ----------
    input, other : Tensor or number
        Bools or whole numbers, of shapes that broadcast.

    Raises
    ------
    TypeError
        For floating numbers.
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([True, False]) & lucid.tensor([True, True])
    tensor([ True, False])
    """
    a, b = pair(input, other)
    return make_tensor(np.bitwise_and(without_fractions("&", a)._array, b._array))


def bitwise_or(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input | other: for bools "or", for whole numbers bit by bit

    Parameters
    ----------
    input, other : Tensor or number
        Bools or whole numbers, of shapes that broadcast.

    Raises
    ------
    TypeError
        For floating numbers.
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([True, False]) | lucid.tensor([False, False])
    tensor([ True, False])
    """
    a, b = pair(input, other)
    return make_tensor(np.bitwise_or(without_fractions("|", a)._array, b._array))


def bitwise_xor(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input ^ other: for bools "either, not both", for whole numbers bit by bit

    Parameters
    ----------
    input, other : Tensor or number
        Bools or whole numbers, of shapes that broadcast.

    Raises
    ------
    TypeError
        For floating numbers.
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([True, False]) ^ lucid.tensor([True, True])
    tensor([False,  True])
    """
    a, b = pair(input, other)
    return make_tensor(np.bitwise_xor(without_fractions("^", a)._array, b._array))


def without_fractions(name: str, input: Tensor) -> Tensor:
    """The tensor itself, if it is made of bools or whole numbers."""
    if input.is_floating_point():
        raise DtypeError(
            f"{name} needs bools or whole numbers, got {input.dtype.name}\n  try: x > 0"
        )
    return input


def compared(how: np.ufunc, a: Any, b: Any) -> Tensor:
    """Compare two operands that have been brought to one dtype."""
    x, y = pair(a, b)
    return make_tensor(how(x._array, y._array))


def isnan(input: Tensor) -> Tensor:
    """out = whether each number is a nan

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.isnan(lucid.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return make_tensor(np.isnan(input._array))


def isfinite(input: Tensor) -> Tensor:
    """out = whether each number is neither infinite nor a nan

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.isfinite(lucid.tensor([1.0, float("inf")]))
    tensor([ True, False])
    """
    return make_tensor(np.isfinite(input._array))
