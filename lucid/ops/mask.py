"""Numbers chosen by a mask, and comparisons of whole tensors."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import numpy as np

from lucid import types
from lucid.autograd import make_tensor
from lucid.cures import broadcast, broadcast_cure, cure, rank_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.broadcast import expand, lift, pair, raw
from lucid.ops.checks import check_tensor
from lucid.ops.choosing import where
from lucid.ops.index import getitem

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """out = the numbers where ``mask`` is True, in order, in one row

    Parameters
    ----------
    input : Tensor
        Of any shape.
    mask : Tensor
        bool, of a shape that broadcasts with the input's.

    Raises
    ------
    DtypeError
        If the mask is not made of bools.
    ShapeError
        If it does not broadcast with the input.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([[1, 2], [3, 4]])
    >>> lucid.masked_select(x, x > 2)
    tensor([3, 4])
    """
    check_tensor(mask, "mask", "masked_select")
    if mask.dtype is not types.bool:
        name = mask.dtype.name
        raise DtypeError(f"masked_select takes a mask of bools, got {name}{cure('mask != 0')}")
    shape = broadcast(input.shape, mask.shape)
    if shape is None:
        shapes = (input.shape, mask.shape)
        raise ShapeError(
            f"masked_select needs a mask that broadcasts with the input: got {mask.shape} for "
            f"{input.shape}" + broadcast_cure(("x", "mask"), shapes)
        )
    return getitem(expand(input, shape), expand(mask, shape))


def tril(input: Tensor, diagonal: builtins.int = 0) -> Tensor:
    """out = input below a diagonal and on it, 0 above: what a causal model may see

    Parameters
    ----------
    input : Tensor
        (..., rows, columns)
    diagonal : int
        0 for the main one, positive for one above, negative for one below.

    Examples
    --------
    >>> import lucid
    >>> lucid.tril(lucid.ones(2, 3))
    tensor([[1., 0., 0.],
            [1., 1., 0.]])
    """
    return where(below(input, diagonal), input, lift(0, input.dtype))


def triu(input: Tensor, diagonal: builtins.int = 0) -> Tensor:
    """out = input above a diagonal and on it, 0 below

    Parameters
    ----------
    input : Tensor
        (..., rows, columns)
    diagonal : int
        0 for the main one, positive for one above, negative for one below.

    Examples
    --------
    >>> import lucid
    >>> lucid.triu(lucid.ones(2, 3), diagonal=1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    return where(below(input, diagonal - 1), lift(0, input.dtype), input)


def below(input: Tensor, diagonal: builtins.int) -> Tensor:
    """Whether a place of a matrix is below a diagonal, or on it."""
    if input.ndim < 2:
        raise ShapeError(
            f"diagonals need at least two axes, got {input.shape}"
            + rank_cure("x", input.shape, 2, 2)
        )
    rows, columns = input.shape[-2:]
    return make_tensor(np.tri(rows, columns, diagonal, dtype=np.bool_))


def isinf(input: Tensor) -> Tensor:
    """out = whether each number is infinite

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.isinf(lucid.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    return make_tensor(np.isinf(input._array))


def isclose(
    input: Tensor,
    other: Tensor,
    rtol: builtins.float = 1e-5,
    atol: builtins.float = 1e-8,
    equal_nan: builtins.bool = False,
) -> Tensor:
    """out = ``|input - other| <= atol + rtol * |other|``

    Parameters
    ----------
    input, other : Tensor
        Of shapes that broadcast.
    rtol, atol : float
        How far they may be apart, as a part of ``other``, and at any rate.
    equal_nan : bool
        Whether a nan is close to a nan.

    Examples
    --------
    >>> import lucid
    >>> lucid.isclose(lucid.tensor([1.0, 2.0]), lucid.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    a, b = pair(input, other)
    return make_tensor(np.isclose(a._array, b._array, rtol, atol, equal_nan))


def allclose(
    input: Tensor,
    other: Tensor,
    rtol: builtins.float = 1e-5,
    atol: builtins.float = 1e-8,
    equal_nan: builtins.bool = False,
) -> builtins.bool:
    """Whether all numbers are close to each other, as ``isclose`` has it.

    Parameters
    ----------
    input, other : Tensor
        Of shapes that broadcast.
    rtol, atol : float
        Allowed is ``atol + rtol * |other|``.
    equal_nan : bool
        Whether a nan is close to a nan.

    Examples
    --------
    >>> import lucid
    >>> lucid.allclose(lucid.tensor([0.1 + 0.2]), lucid.tensor([0.3]))
    True
    """
    return builtins.bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def equal(input: Tensor, other: Tensor) -> builtins.bool:
    """Whether two tensors have one shape and the same numbers.

    Parameters
    ----------
    input, other : Tensor
        Of any shapes.

    Examples
    --------
    >>> import lucid
    >>> lucid.equal(lucid.tensor([1, 2]), lucid.tensor([[1, 2]]))
    False
    """
    return np.array_equal(input._array, other._array)


def masked_fill(input: Tensor, mask: Tensor, value: TensorLike) -> Tensor:
    """out = value where ``mask`` is True, input elsewhere; its dtype is the input's

    Parameters
    ----------
    input : Tensor
        Of any shape.
    mask : Tensor
        bool, of a shape that broadcasts with the input's.
    value : Tensor or number
        Of a shape that broadcasts with the input's.

    Raises
    ------
    DtypeError
        If it is a fraction, or does not fit, and the input holds whole numbers.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([1.0, -2.0])
    >>> lucid.masked_fill(x, x < 0, 0.0)
    tensor([1., 0.])
    """
    filling = lift(value, input.dtype)
    if input._array.dtype.kind in "iu" and np.any(filling._array != raw(value)):
        raise DtypeError(
            f"masked_fill keeps the dtype {input.dtype.name}, which does not have {value}"
            + cure("x.float()")
        )
    return where(mask, filling, input)
