"""Indexing: reading numbers from places, and its adjoint, adding numbers up at places."""

from __future__ import annotations

import builtins
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lucid._ext import kernels
from lucid.autograd import Function, is_tensor
from lucid.cures import cure, part_cure, rank_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.index_errors import index_error, not_an_index, slice_of, too_large
from lucid.ops.rows import RowMap, Table
from lucid.ops.shape import axis_of, reshape, row
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def as_index(index: Any) -> Any:
    """An index for NumPy, whose arrays are copies: the caller may go on to change them.

    It ends in an Ellipsis, with which NumPy returns a view also for a single number.
    """
    given = index if isinstance(index, tuple) else (index,)
    parts = tuple([index_part(part, given) for part in given])
    return parts if any(p is Ellipsis for p in parts) else (*parts, Ellipsis)


def index_part(part: Any, index: tuple[Any, ...]) -> Any:
    """An int, a slice, None and ... as they are; a tensor, a list or an array as an array.

    For an error, ``index`` is all of what it is a part of.
    """
    if isinstance(part, slice):
        return slice_of(part)
    if part is None or part is Ellipsis or isinstance(part, builtins.int | np.integer):
        if isinstance(part, builtins.int) and not -(2**63) <= part < 2**63:
            raise too_large(part, index)  # NumPy has an OverflowError for some of them
        return part
    array = part._array if is_tensor(part) else np.asarray(part)
    if array.dtype.kind == "b":
        return array.copy()
    if array.dtype.kind not in "iu" and array.size:
        raise not_an_index(part, index)
    return array.astype(np.int64)


def is_basic(index: tuple[Any, ...]) -> builtins.bool:
    """Whether an index is made of ints, slices, None and ... alone, so that NumPy gives a view."""
    return not any(isinstance(part, np.ndarray | builtins.bool) for part in index)


class GetItem(Function):
    """out = x[index]"""

    reads_inputs = False
    new_gradients = adds_gradient = True

    def __init__(self, index: Any) -> None:
        self.index = index

    def forward(self, x: Array) -> Array:
        return x[self.index]  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> Tensor:
        return PutItem(self.index, self.shapes[0])(grad)

    def add_gradient(self, grad: Array, total: Array) -> None:
        if is_basic(self.index):
            total[self.index] += grad
        else:
            np.add.at(total, self.index, grad)


class PutItem(Function):
    """out = zeros, then out[index] += x: the adjoint of reading is adding up"""

    reads_inputs = False

    def __init__(self, index: Any, shape: tuple[builtins.int, ...]) -> None:
        self.index, self.shape = index, shape

    def forward(self, x: Array) -> Array:
        out = np.zeros(self.shape, x.dtype)
        if is_basic(self.index):
            out[self.index] = x
        else:
            np.add.at(out, self.index, x)  # an index array may name a place twice
        return out

    def backward(self, grad: Tensor) -> Tensor:
        return GetItem(self.index)(grad)


class ReadAt(Function):
    """out[n, c, t] = x[n, c, places[n, c, t]]"""

    reads_inputs = False

    def __init__(self, places: NDArray[np.int64]) -> None:
        self.places = places

    def forward(self, x: Array) -> Array:
        N, C, L = x.shape
        before = np.arange(0, N * C * L, L or 1).reshape(N, C, 1) if x.size else 0
        return np.take(x.reshape(-1), self.places + before)

    def backward(self, grad: Tensor) -> Tensor:
        return AddAt(self.places, self.shapes[0])(grad)


class AddAt(Function):
    """gx = zeros, then gx[n, c, places[n, c, t]] += g[n, c, t]: the adjoint of reading at places"""

    reads_inputs = False

    def __init__(self, places: NDArray[np.int64], shape: tuple[builtins.int, ...]) -> None:
        self.places, self.shape = places, shape

    def forward(self, g: Array) -> Array:
        gx = np.zeros(self.shape, g.dtype)
        kernels.max_pool_backward(np.ascontiguousarray(g), self.places, gx)
        return gx

    def backward(self, grad: Tensor) -> Tensor:
        return ReadAt(self.places)(grad)


def getitem(input: Tensor, index: Any) -> Tensor:
    """out = input[index], with NumPy's rules: ints, slices, None, ..., bool masks, index tensors

    Raises
    ------
    IndexError
        If the tensor has no such places, or no such axes.
    DtypeError
        If the index is not made of whole numbers or bools.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.arange(12).reshape(3, 4)
    >>> x[1, ::2]
    tensor([4, 6])
    >>> x[x > 9]
    tensor([10, 11])
    """
    where = as_index(index)
    try:
        return GetItem(where)(input)
    except IndexError:
        raise index_error(where, input.shape) from None


def gather(input: Tensor, dim: builtins.int, index: Tensor) -> Tensor:
    """out[i, j, ...] = input with its coordinate along ``dim`` replaced by index[i, j, ...]

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis that is looked up.
    index : Tensor
        Whole numbers, with as many axes as ``input`` and no larger along the others.

    Raises
    ------
    ShapeError
        If the index has other axes than the input, or is larger along another than ``dim``.
    IndexError
        If a place does not exist.

    Examples
    --------
    The score that each row gives its own class:

    >>> import lucid
    >>> scores = lucid.tensor([[0.1, 0.9], [0.8, 0.2]])
    >>> scores.gather(1, lucid.tensor([[1], [0]]))
    tensor([[0.9000],
            [0.8000]])
    """
    if input.ndim == index.ndim == 0:
        return reshape(gather(row(input), dim, row(index)), ())
    axis = axis_of(dim, input.ndim)
    if index.ndim != input.ndim or any(
        n > m for i, (n, m) in enumerate(zip(index.shape, input.shape, strict=True)) if i != axis
    ):
        raise ShapeError(
            "the index has as many axes as the input and is no larger, but along the axis looked "
            f"up: got index {index.shape} for input {input.shape}, dim {dim}"
            + gather_cure(index.shape, input.shape, axis)
        )
    found = places_in(index, "gather", axis, input.shape)
    if axis == input.ndim - 1 and index.shape[:-1] == input.shape[:-1]:  # row by row
        count = math.prod(index.shape[:-1])
        places = np.ascontiguousarray(found).reshape(1, count, index.shape[-1])
        rows = reshape(input, 1, count, input.shape[axis])
        return reshape(ReadAt(places)(rows), index.shape)
    where = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    where[axis] = found
    return GetItem(tuple(where))(input)


def gather_cure(
    index: tuple[builtins.int, ...], input: tuple[builtins.int, ...], axis: builtins.int
) -> str:
    """The missing axis, or the places that there are."""
    if len(index) == len(input) - 1:
        return cure(f"index.unsqueeze({axis})", (*index[:axis], 1, *index[axis:]))
    if len(index) != len(input):
        return rank_cure("index", index, len(input), len(input))
    return part_cure("index", index, (*input[:axis], index[axis], *input[axis + 1 :]))


def places_in(
    index: Tensor, name: str, axis: builtins.int, shape: tuple[builtins.int, ...]
) -> Array:
    """A copy of an index: whole numbers, of places that the axis has."""
    kind = index._array.dtype.kind
    if kind == "b" or (kind == "f" and index.numel()):  # as [] makes a tensor of floats
        raise DtypeError(
            f"{name} looks up whole numbers, got {index.dtype.name}" + cure("index.long()")
        )
    places, n = index._array.astype(np.int64), shape[axis]
    if places.size and not (places.min() >= 0 and places.max() < n):
        known = f"0 to {n - 1}" if n else "no place"
        raise IndexError(
            f"{name} looks up {known} along axis {axis} of {shape}, "
            f"got {places.min()} to {places.max()}"
            + (cure(f"index.clamp(0, {n - 1})", index.shape) if n else "")
        )
    return places


def index_select(input: Tensor, dim: builtins.int, index: Tensor) -> Tensor:
    """out = the places ``index`` of input along ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis that is looked up.
    index : Tensor
        Whole numbers, on at most one axis.

    Raises
    ------
    IndexError
        If a place does not exist.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 2, 3]]).index_select(1, lucid.tensor([2, 0]))
    tensor([[3, 1]])
    """
    axis = axis_of(dim, input.ndim)
    if index.ndim > 1:
        raise ShapeError(
            f"index_select needs an index of one axis, got {index.shape}"
            + cure("index.flatten()", (index.numel(),))
        )
    found = places_in(index, "index_select", axis, input.shape)
    return take(input, axis, found.reshape(-1))


def take(input: Tensor, axis: builtins.int, places: Array) -> Tensor:
    """The places of input along an axis, each as often as it is named."""
    table = Table(np.arange(len(places)), places, None, len(places), input.shape[axis])
    return RowMap(table, axis)(input)


def narrow(input: Tensor, dim: builtins.int, start: builtins.int, length: builtins.int) -> Tensor:
    """out = the places from ``start`` to ``start + length - 1`` of input along ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis.
    start : int
        The first place; below 0 it counts from the end.
    length : int
        How many places.

    Raises
    ------
    IndexError
        If there are not so many.

    Examples
    --------
    >>> import lucid
    >>> lucid.arange(6).narrow(0, 2, 3)
    tensor([2, 3, 4])
    """
    axis, first, count = axis_of(dim, input.ndim), operator.index(start), operator.index(length)
    n = input.shape[axis]
    first = first + n if first < 0 else first
    if not (first >= 0 and count >= 0 and first + count <= n):
        raise IndexError(
            f"narrow keeps places of axis {dim}, which has the size {n}: got start {start} and "
            f"length {length}"
        )
    return GetItem((*[slice(None)] * axis, slice(first, first + count)))(input)


def select(input: Tensor, dim: builtins.int, index: builtins.int) -> Tensor:
    """out = the place ``index`` of input along ``dim``, without that axis

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis.
    index : int
        The place; below 0 it counts from the end.

    Raises
    ------
    IndexError
        If there is no such place.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 2], [3, 4]]).select(1, -1)
    tensor([2, 4])
    """
    axis, place = axis_of(dim, input.ndim), operator.index(index)
    return getitem(input, (*[slice(None)] * axis, place))
