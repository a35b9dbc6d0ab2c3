"""How often, and where: counts, positions, and the different numbers of a tensor. No gradients."""

from __future__ import annotations

import builtins
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import types
from lucid.autograd import make_tensor
from lucid.cures import broadcast, cure, shape_cure
from lucid.errors import DtypeError, ShapeError, check_size
from lucid.ops.broadcast import raw
from lucid.ops.reduce import Dims, sum
from lucid.ops.shape import axis_of
from lucid.ops.spelling import numpy_names
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


@numpy_names
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """out = how many numbers over ``dim`` are not 0

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or tuple of int, optional
        The axes that are counted over; None for all.

    Raises
    ------
    AxisError
        If an axis does not exist.

    Examples
    --------
    >>> import lucid
    >>> lucid.count_nonzero(lucid.tensor([[1, 0], [2, 3]]), 1)
    tensor([1, 2])
    """
    return sum(input != 0, dim)


def nonzero(input: Tensor, *, as_tuple: builtins.bool = False) -> Any:
    """out = where the numbers stand that are not 0, one row of indices for each

    Parameters
    ----------
    input : Tensor
        Of any shape.
    as_tuple : bool
        True for a tensor of indices per axis, with which ``input[...]`` can be read.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([[1, 0], [2, 3]])
    >>> lucid.nonzero(x)
    tensor([[0, 0],
            [1, 0],
            [1, 1]])
    >>> x[x.nonzero(as_tuple=True)]
    tensor([1, 2, 3])
    """
    if as_tuple:
        return tuple([make_tensor(where) for where in np.nonzero(np.atleast_1d(input._array))])
    return make_tensor(np.argwhere(input._array))


def bincount(input: Tensor, weights: Tensor | None = None, minlength: builtins.int = 0) -> Tensor:
    """out[k] = how often k occurs in input, or the sum of the weights where it does

    Parameters
    ----------
    input : Tensor
        Whole numbers from 0 up, on one axis.
    weights : Tensor, optional
        One for each, of the shape of ``input``; sums of other than float32 are float64.
    minlength : int
        The least size of the result, at least 0.

    Raises
    ------
    DtypeError
        If the numbers are not whole.
    ValueError
        If one is negative, or ``minlength`` is below 0.
    ShapeError
        If there is not one axis, or not a weight for each number.

    Examples
    --------
    How many samples each class has:

    >>> import lucid
    >>> lucid.bincount(lucid.tensor([0, 2, 2]), minlength=4)
    tensor([1, 0, 2, 0])
    """
    x = input._array
    if x.dtype.kind not in "iu":
        raise DtypeError(
            f"bincount counts whole numbers, got {input.dtype.name}" + cure("x.long()")
        )
    if x.ndim != 1:
        raise ShapeError(
            f"bincount counts the numbers on one axis, got an input {input.shape}"
            + cure("x.flatten()", (input.numel(),))
        )
    if x.min(initial=0) < 0:
        raise ValueError(
            f"bincount counts whole numbers from 0 up, got {x.min()}" + cure("x - x.min()")
        )
    if weights is not None and weights.shape != input.shape:
        raise ShapeError(
            f"bincount needs a weight for each number: got weights {weights.shape} for an input "
            f"{input.shape}" + shape_cure("weights", weights.shape, input.shape)
        )
    size = check_size("minlength", minlength, 0)
    if weights is None:
        return make_tensor(np.bincount(x, minlength=size).astype(np.int64, copy=False))
    counted = np.bincount(x, weights._array, size)
    return make_tensor(counted.astype(np.float32) if weights.dtype is types.float32 else counted)


def histc(
    input: Tensor, bins: builtins.int = 100, min: builtins.float = 0, max: builtins.float = 0
) -> Tensor:
    """out[i] = how many numbers lie in the i-th of equal parts of ``min`` to ``max``

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype; numbers outside of the limits are not counted.
    bins : int
        How many parts.
    min, max : float
        The limits. Equal ones stand for the smallest and the largest number; if those are equal,
        too, all are counted in the middle.

    Raises
    ------
    DtypeError
        For whole numbers.
    ValueError
        If there is no part, ``max`` is below ``min``, or a limit is not finite (as the limits of
        numbers with a nan among them are not).

    Examples
    --------
    >>> import lucid
    >>> lucid.histc(lucid.tensor([0.1, 0.2, 0.9]), bins=2, min=0, max=1)
    tensor([2., 1.])
    """
    if not input.is_floating_point():
        raise DtypeError(f"histc counts float numbers, got {input.dtype.name}" + cure("x.float()"))
    x, count = input._array, operator.index(bins)
    low, high = builtins.float(min), builtins.float(max)
    if low == high and x.size:
        low, high = builtins.float(x.min()), builtins.float(x.max())
    if low == high:
        around = builtins.max(1.0, builtins.abs(low) / 2)  # low - 1 is low, if that is large
        low, high = low - around, high + around
    if count < 1 or not (low < high and np.isfinite([low, high]).all()):
        raise ValueError(
            f"histc needs at least one part of a finite range: got {bins} of {low} to {high}"
        )
    counts, _ = np.histogram(x, count, (low, high))
    return make_tensor(counts.astype(x.dtype))


def unique(
    input: Tensor,
    sorted: builtins.bool = True,
    return_inverse: builtins.bool = False,
    return_counts: builtins.bool = False,
    dim: builtins.int | None = None,
) -> Any:
    """out = the different numbers in input, the smallest first

    Parameters
    ----------
    input : Tensor
        Of any shape.
    sorted : bool
        They come in order, whatever is given here.
    return_inverse : bool
        Whether to return, too, which of them stands at each place of input.
    return_counts : bool
        Whether to return, too, how often each occurs.
    dim : int, optional
        Compare whole slices along this axis.

    Raises
    ------
    AxisError
        If ``dim`` does not exist.

    Examples
    --------
    >>> import lucid
    >>> lucid.unique(lucid.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    axis = None if dim is None else axis_of(dim, input.ndim)
    found, inverse, counts = np.unique(
        input._array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    inverse = inverse.reshape(input.shape if axis is None else -1)
    results = [make_tensor(found)]
    results += [make_tensor(inverse)] if return_inverse else []
    results += [make_tensor(counts)] if return_counts else []
    return results[0] if len(results) == 1 else tuple(results)


def searchsorted(
    sorted_sequence: Tensor, input: TensorLike, *, right: builtins.bool = False
) -> Tensor:
    """out = where each number of input would be put in, for the sequence to stay in order

    Parameters
    ----------
    sorted_sequence : Tensor
        Rising along its last axis: one row (n,), or rows (..., n) for an input (..., m).
    input : Tensor or number
        What is put in: of any shape for one row, else with the rows of the sequence.
    right : bool
        Behind equal numbers instead of before them.

    Raises
    ------
    ShapeError
        If the input has other rows than the sequence, or the sequence is a single number.

    Examples
    --------
    >>> import lucid
    >>> lucid.searchsorted(lucid.tensor([1.0, 3.0, 5.0]), lucid.tensor([3.0, 9.0]))
    tensor([1, 3])
    """
    rows, x = sorted_sequence._array, np.asarray(raw(input))
    side: Any = "right" if right else "left"
    if rows.ndim == 1:
        return make_tensor(rows.searchsorted(x, side))
    if not rows.ndim or rows.shape[:-1] != x.shape[:-1]:
        raise ShapeError(
            "searchsorted needs a sequence of one row, or one row for each of the input's: got "
            f"a sequence {rows.shape} for an input {x.shape}" + rows_cure(rows.shape, x.shape)
        )
    out: Array = np.empty(x.shape, np.int64)
    for i in np.ndindex(x.shape[:-1]):
        out[i] = rows[i].searchsorted(x[i], side)
    return make_tensor(out)


def rows_cure(rows: tuple[builtins.int, ...], x: tuple[builtins.int, ...]) -> str:
    """The input once more for each row of the sequence, or the sequence's first row."""
    wanted = (*rows[:-1], *x[-1:])
    if rows and x and broadcast(x, wanted) == wanted:
        return cure(f"x.expand({', '.join(map(str, wanted))})", wanted)
    if 0 in rows or not rows:
        return cure("sorted_sequence.flatten()", (math.prod(rows),))
    return cure(f"sorted_sequence[{', '.join('0' * (len(rows) - 1))}]", rows[-1:])


def bucketize(input: TensorLike, boundaries: Tensor, *, right: builtins.bool = False) -> Tensor:
    """out = which of the parts between the boundaries each number of input lies in

    Parameters
    ----------
    input : Tensor or number
        Of any shape.
    boundaries : Tensor
        (n,), rising; the parts are numbered from 0, below the first, to n, above the last.
    right : bool
        Whether a number that equals a boundary lies in the part above it instead of below.

    Raises
    ------
    ShapeError
        If the boundaries are not one row.

    Examples
    --------
    >>> import lucid
    >>> lucid.bucketize(lucid.tensor([0.5, 2.0, 7.0]), lucid.tensor([1.0, 2.0, 5.0]))
    tensor([0, 1, 3])
    """
    if boundaries.ndim != 1:
        raise ShapeError(
            f"bucketize needs boundaries on one axis, got {boundaries.shape}"
            + cure("boundaries.flatten()", (boundaries.numel(),))
        )
    return searchsorted(boundaries, input, right=right)


def isin(
    elements: TensorLike, test_elements: TensorLike, *, invert: builtins.bool = False
) -> Tensor:
    """out = whether each of the elements is among the others

    Parameters
    ----------
    elements : Tensor or number
        What is looked for; the result has its shape.
    test_elements : Tensor or number
        Among which, of any shape.
    invert : bool
        Whether to tell which are *not* among them.

    Examples
    --------
    >>> import lucid
    >>> lucid.isin(lucid.tensor([1, 2, 3]), lucid.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    return make_tensor(np.isin(raw(elements), raw(test_elements), invert=invert))
