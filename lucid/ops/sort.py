"""Numbers in order of size."""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lucid.autograd import make_tensor
from lucid.cures import cure
from lucid.errors import ShapeError
from lucid.ops.extreme import Extreme
from lucid.ops.index import gather
from lucid.ops.shape import axis_of, reshape, row, squeeze
from lucid.ops.spelling import numpy_names
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


@numpy_names
def sort(
    input: Tensor,
    dim: builtins.int = -1,
    descending: builtins.bool = False,
    *,
    stable: builtins.bool = False,
) -> Extreme:
    """out = the numbers along ``dim`` in order of size, and where they stood

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis along which they are sorted.
    descending : bool
        The largest first. A nan counts as the largest.
    stable : bool
        Equal numbers keep their order, whatever is given here.

    Returns
    -------
    A named tuple (values, indices)

    Examples
    --------
    >>> import lucid
    >>> values, indices = lucid.sort(lucid.tensor([3.0, 1.0, 2.0]))
    >>> values, indices
    (tensor([1., 2., 3.]), tensor([1, 2, 0]))
    """
    order = argsort(input, dim, descending)
    return Extreme(gather(input, dim, order), order)


@numpy_names
def argsort(
    input: Tensor,
    dim: builtins.int = -1,
    descending: builtins.bool = False,
    *,
    stable: builtins.bool = False,
) -> Tensor:
    """out = where the numbers stand that ``sort`` puts in order

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis along which is sorted.
    descending : bool
        Whether the largest comes first.
    stable : bool
        Whether equal numbers keep their order.

    Examples
    --------
    >>> import lucid
    >>> lucid.argsort(lucid.tensor([3.0, 1.0, 2.0]), descending=True)
    tensor([0, 2, 1])
    """
    if input.ndim == 0:
        return reshape(argsort(row(input), dim), ())
    axis, x = axis_of(dim, input.ndim), input._array
    if not descending:
        return make_tensor(np.argsort(x, axis, kind="stable"))
    # backwards twice, so that equal numbers keep their order
    order = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return make_tensor(x.shape[axis] - 1 - order)


@numpy_names
def topk(
    input: Tensor,
    k: builtins.int,
    dim: builtins.int = -1,
    largest: builtins.bool = True,
    sorted: builtins.bool = True,
) -> Extreme:
    """out = the ``k`` largest numbers along ``dim``, the largest first, and where they stand

    Parameters
    ----------
    input : Tensor
        Of any shape.
    k : int
        How many.
    dim : int
        The axis along which they are sought.
    largest : bool
        False for the smallest.
    sorted : bool
        They come in order, whatever is given here.

    Returns
    -------
    A named tuple (values, indices)

    Raises
    ------
    ShapeError
        If there are not so many.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([3.0, 1.0, 2.0]).topk(2).indices
    tensor([0, 2])
    """
    if input.ndim == 0:
        return Extreme(*[squeeze(t) for t in topk(row(input), k, dim)])
    axis, k = axis_of(dim, input.ndim), operator.index(k)
    if not 0 <= k <= input.shape[axis]:
        raise ShapeError(
            f"k must be from 0 to {input.shape[axis]}, the size of axis {dim}; got {k}"
            + cure(f"k={min(max(k, 0), input.shape[axis])}")
        )
    indices = extreme_places(np.moveaxis(input._array, axis, -1), k, largest)
    places = make_tensor(np.moveaxis(indices, -1, axis))
    return Extreme(gather(input, dim, places), places)


def extreme_places(x: Array, k: builtins.int, largest: builtins.bool) -> NDArray[np.int64]:
    """Where the k largest or smallest numbers of the last axis stand, in order."""
    n = x.shape[-1]
    if 0 < k < n:  # first those k, in any order
        chosen = slice(n - k, None) if largest else slice(k)
        found = np.argpartition(x, n - k if largest else k - 1)[..., chosen]
    else:
        found = np.broadcast_to(np.arange(n), x.shape)
    order = np.argsort(np.take_along_axis(x, found, -1), kind="stable")
    return np.take_along_axis(found, np.flip(order, -1) if largest else order, -1)[..., :k]
