"""The largest and the smallest numbers, and where they stand."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from lucid import types
from lucid.autograd import Function, is_tensor, make_tensor
from lucid.cures import not_empty_cure
from lucid.errors import ShapeError
from lucid.ops.choosing import maximum, minimum
from lucid.ops.convert import to
from lucid.ops.index import gather
from lucid.ops.reduce import Dims, all, axes_of, count, sum
from lucid.ops.shape import axis_of, reshape, row
from lucid.ops.spelling import numpy_names
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Extreme(NamedTuple):
    """The largest or smallest numbers along an axis, and where they stand."""

    values: Tensor
    indices: Tensor

    def __getattr__(self, name: str) -> NoReturn:
        """What is asked of a pair is often meant of its ``values``."""
        message = f"the extremes along dim are a pair, values and indices, without {name!r}"
        if name in dir(self.values):
            message += f"\n  try: x.max(dim).values.{name}"
        raise AttributeError(message)


class Amax(Function):
    """out = the largest number over some axes"""

    reads_output = True

    def __init__(self, dims: tuple[builtins.int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> Array:
        return np.amax(x, axis=self.dims, keepdims=True)  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> Tensor:
        # all places that hold the extreme share its gradient evenly
        x = self.saved(0)
        hit = (x == self.output().detach()) | (x != x)  # (where there is a nan, it is the extreme)
        share = to(hit, grad.dtype)
        return grad * (share / sum(share, self.dims, keepdim=True))


@numpy_names
def amax(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the largest number over ``dim``; equal ones share the gradient evenly

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    ValueError
        If there is no number to choose from.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).amax(1)
    tensor([5, 4])
    """
    axes = axes_of(dim, input.ndim)
    check_any(input, count(input, dim), dim)
    out = Amax(axes)(input)
    return out if keepdim else reshape(out, [n for i, n in enumerate(input.shape) if i not in axes])


@numpy_names
def amin(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the smallest number over ``dim``; equal ones share the gradient evenly

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    ValueError
        If there is no number to choose from.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1.0, 5.0], [4.0, 2.0]]).amin()
    tensor(1.)
    """
    if input.dtype is types.bool:
        check_any(input, count(input, dim), dim)
        return all(input, dim, keepdim)
    if not input.is_floating_point():
        return ~amax(~input, dim, keepdim)
    return -amax(-input, dim, keepdim)


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: builtins.bool = False) -> Any:
    """out = the largest number; with ``dim``, values and indices; with a tensor, the larger one

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or Tensor, optional
        An axis, or a second tensor to compare with number by number.
    keepdim : bool
        Whether the axis stays, with size 1.

    Returns
    -------
    Tensor, or a named tuple (values, indices)

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([[1, 5], [4, 2]])
    >>> x.max()
    tensor(5)
    >>> values, indices = x.max(dim=1)
    >>> values, indices
    (tensor([5, 4]), tensor([1, 0]))
    """
    if is_tensor(dim):
        return maximum(input, dim)
    return (
        amax(input, None, keepdim)
        if dim is None
        else along(input, argmax(input, dim, True), dim, keepdim)
    )


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: builtins.bool = False) -> Any:
    """out = the smallest number; with ``dim``, values and indices; with a tensor, the smaller one

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or Tensor, optional
        An axis, or a second tensor to compare with number by number.
    keepdim : bool
        Whether the axis stays, with size 1.

    Returns
    -------
    Tensor, or a named tuple (values, indices)

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).min(dim=0).values
    tensor([1, 2])
    """
    if is_tensor(dim):
        return minimum(input, dim)
    return (
        amin(input, None, keepdim)
        if dim is None
        else along(input, argmin(input, dim, True), dim, keepdim)
    )


def check_any(input: Tensor, n: builtins.int, dim: Dims) -> None:
    """There is a number to choose: n is not 0."""
    if n == 0:
        raise ShapeError(
            f"no number to choose from: shape {input.shape}, dim {dim}"
            + not_empty_cure(input.shape)
        )


def along(input: Tensor, indices: Tensor, dim: builtins.int, keepdim: builtins.bool) -> Extreme:
    """The numbers at ``indices`` along an axis, with these indices."""
    values = gather(input, dim, indices)
    if keepdim:
        return Extreme(values, indices)
    axis = axis_of(dim, builtins.max(input.ndim, 1))
    shape = [n for i, n in enumerate(values.shape) if i != axis]
    return Extreme(reshape(values, shape), reshape(indices, shape))


@numpy_names
def argmax(
    input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False
) -> Tensor:
    """out = where the largest number stands, the first if there are several

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int, optional
        The axis; None counts through all numbers in order.
    keepdim : bool
        Whether the axis stays, with size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).argmax(dim=1)
    tensor([1, 0])
    """
    return position(np.argmax, input, dim, keepdim)


@numpy_names
def argmin(
    input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False
) -> Tensor:
    """out = where the smallest number stands, the first if there are several

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int, optional
        The axis; None counts through all numbers in order.
    keepdim : bool
        Whether the axis stays, with size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).argmin()
    tensor(0)
    """
    return position(np.argmin, input, dim, keepdim)


def position(find: Any, input: Tensor, dim: builtins.int | None, keepdim: builtins.bool) -> Tensor:
    """What ``argmax`` and ``argmin`` share."""
    if input.ndim == 0:
        return reshape(position(find, row(input), dim, False), ())
    axis = None if dim is None else axis_of(dim, input.ndim)
    check_any(input, input.numel() if axis is None else input.shape[axis], dim)
    return make_tensor(np.asarray(find(input._array, axis=axis, keepdims=keepdim), dtype=np.int64))
