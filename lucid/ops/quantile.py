"""The middle of the numbers, and other parts of the way from the smallest to the largest."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lucid.autograd import is_tensor, make_tensor
from lucid.cures import choice_cure, cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.choosing import where
from lucid.ops.compare import isnan
from lucid.ops.convert import to
from lucid.ops.extreme import Extreme, check_any
from lucid.ops.index import gather, getitem
from lucid.ops.reduce import Dims, sum
from lucid.ops.several import lerp
from lucid.ops.shape import axis_of, flatten, movedim, reshape, row, squeeze, unsqueeze
from lucid.ops.sort import sort
from lucid.ops.spelling import numpy_names

if TYPE_CHECKING:
    from lucid.tensor import Tensor

# From the position that is meant to the one that is read, which may lie between two numbers.
WAYS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "linear": lambda position: position,
    "lower": np.floor,
    "higher": np.ceil,
    "nearest": np.round,
    "midpoint": lambda position: (np.floor(position) + np.ceil(position)) / 2,
}


@numpy_names
def nansum(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the sum over ``dim`` of the numbers that are not nan

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or tuple of int, optional
        The axes to sum over; None takes all.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    AxisError
        If an axis does not exist.

    Examples
    --------
    >>> import lucid
    >>> lucid.nansum(lucid.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    return sum(where(isnan(input), 0, input), dim, keepdim)


@numpy_names
def nanmean(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the mean over ``dim`` of the numbers that are not nan; nan if there is none

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or tuple of int, optional
        The axes to average over; None takes all.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    AxisError
        If an axis does not exist.

    Examples
    --------
    >>> import lucid
    >>> lucid.nanmean(lucid.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    return nansum(input, dim, keepdim) / sum(~isnan(input), dim, keepdim)


@numpy_names
def median(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Any:
    """out = the number in the middle; of two, the smaller; nan if there is a nan

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int, optional
        The axis; None takes all numbers.
    keepdim : bool
        Whether the axis stays, with size 1.

    Returns
    -------
    Tensor, or with ``dim`` a named tuple (values, indices)

    Raises
    ------
    AxisError
        If ``dim`` does not exist.
    ShapeError
        If there is no number to choose from.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([[1.0, 9.0, 2.0], [4.0, 3.0, 8.0]])
    >>> x.median(), x.median(1).values
    (tensor(3.), tensor([2., 4.]))
    """
    if dim is None:
        return median(flatten(input), 0).values
    x = row(input)
    axis = axis_of(dim, x.ndim)
    n = x.shape[axis]
    check_any(input, n, dim)
    order = np.argsort(x._array, axis, kind="stable")
    places = np.take(order, [(n - 1) // 2], axis)
    if x.is_floating_point():
        unknown = np.isnan(x._array)
        first = unknown.argmax(axis, keepdims=True)
        places = np.where(unknown.any(axis, keepdims=True), first, places)
    indices = make_tensor(places)
    values = gather(x, axis, indices)
    if keepdim and input.ndim:
        return Extreme(values, indices)
    return Extreme(squeeze(values, axis), squeeze(indices, axis))


@numpy_names
def quantile(
    input: Tensor,
    q: builtins.float | Tensor,
    dim: builtins.int | None = None,
    keepdim: builtins.bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """out = the number that a part ``q`` of all numbers lies below; nan if there is a nan

    With n sorted numbers x_0, ..., x_(n-1) it is x at the position q * (n - 1), interpolated
    between two neighbours.

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    q : float or Tensor
        From 0 to 1: a single number, or a row of them, whose axis is then the first of the result.
    dim : int, optional
        The axis; None takes all numbers.
    keepdim : bool
        Whether the axis stays, with size 1.
    interpolation : str
        ``"linear"``, ``"lower"``, ``"higher"``, ``"nearest"`` or ``"midpoint"``.

    Raises
    ------
    AxisError
        If ``dim`` does not exist.
    DtypeError
        For whole numbers.
    ShapeError
        If ``q`` has several axes, or there is no number to choose from.
    ValueError
        If ``q`` is outside of 0 to 1, or the interpolation is another.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.arange(5.0)
    >>> x.quantile(0.25), x.quantile(lucid.tensor([0.0, 0.9]))
    (tensor(1.), tensor([0.0000, 3.6000]))
    """
    parts = np.asarray(q._array if is_tensor(q) else q, np.float64)
    check_quantile(input, parts, interpolation)
    axis = 0 if dim is None else axis_of(dim, builtins.max(input.ndim, 1))
    rows = movedim(flatten(input) if dim is None else row(input), axis, 0)
    n = rows.shape[0]
    check_any(input, n, dim)
    x = sort(rows, 0).values
    position = WAYS[interpolation](parts.reshape(-1, *[1] * (x.ndim - 1)) * (n - 1))
    position = np.where(np.isnan(x._array[-1:]), n - 1, position)  # a nan was sorted to the end
    position = np.broadcast_to(position, (parts.size, *x.shape[1:]))
    below, above = np.floor(position).astype(np.int64), np.ceil(position).astype(np.int64)
    low, high = gather(x, 0, make_tensor(below)), gather(x, 0, make_tensor(above))
    weight = to(make_tensor(position - below), x.dtype)
    out = where(weight == 0, low, lerp(low, high, weight))  # (inf - inf is nan)
    if keepdim:
        whole = dim is None or input.ndim == 0
        out = reshape(out, -1, *[1] * input.ndim) if whole else unsqueeze(out, axis + 1)
    return out if parts.ndim else getitem(out, 0)


def check_quantile(input: Tensor, parts: NDArray[np.float64], interpolation: str) -> None:
    """Float numbers, parts from 0 to 1 on at most one axis, and a known way."""
    if not input.is_floating_point():
        raise DtypeError(
            f"quantile needs a floating dtype, got {input.dtype.name}\n  try: x.float()"
        )
    if parts.ndim > 1:
        raise ShapeError(
            f"quantile needs q as one number or one row, got shape {parts.shape}"
            + cure("q.flatten()", (parts.size,))
        )
    if not ((parts >= 0) & (parts <= 1)).all():
        percent = parts.min() >= 0 and parts.max() <= 100
        raise ValueError(
            f"quantile needs each q from 0 to 1, got {parts.min()} to {parts.max()}"
            + cure(f"q={(parts / 100).tolist()}" if percent else "q=0.5")
        )
    if interpolation not in WAYS:
        raise ValueError(
            f"interpolation is one of {', '.join(WAYS)}; got {interpolation!r}"
            + choice_cure("interpolation", interpolation, list(WAYS))
        )
