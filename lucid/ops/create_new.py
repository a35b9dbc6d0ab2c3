"""Making tensors of the dtype of another: ``x.new_zeros(3)`` and its like."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from lucid.ops.create import empty, full, ones, tensor, zeros
from lucid.ops.shape import shape_of
from lucid.types import DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def new_zeros(
    input: Tensor,
    *size: Any,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = zeros of a shape, in the dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose dtype the output has, unless one is given; its shape does not matter.
    *size : int
        The shape, as ints or as one tuple.
    dtype : DTypeLike, optional
        Another dtype.
    device, requires_grad
        As for ``lucid.tensor``.

    Raises
    ------
    ValueError
        If a size is below 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).new_zeros(3)
    tensor([0, 0, 0])
    """
    kind = input.dtype if dtype is None else dtype
    return zeros(shape_of(size), dtype=kind, device=device, requires_grad=requires_grad)


def new_ones(
    input: Tensor,
    *size: Any,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = ones of a shape, in the dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose dtype the output has, unless one is given; its shape does not matter.
    *size : int
        The shape, as ints or as one tuple.
    dtype : DTypeLike, optional
        Another dtype.
    device, requires_grad
        As for ``lucid.tensor``.

    Raises
    ------
    ValueError
        If a size is below 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).new_ones(3)
    tensor([1, 1, 1])
    """
    kind = input.dtype if dtype is None else dtype
    return ones(shape_of(size), dtype=kind, device=device, requires_grad=requires_grad)


def new_empty(
    input: Tensor,
    *size: Any,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = whatever numbers lie in memory, in the dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose dtype the output has, unless one is given; its shape does not matter.
    *size : int
        The shape, as ints or as one tuple.
    dtype : DTypeLike, optional
        Another dtype.
    device, requires_grad
        As for ``lucid.tensor``.

    Raises
    ------
    ValueError
        If a size is below 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).new_empty(3).shape
    (3,)
    """
    kind = input.dtype if dtype is None else dtype
    return empty(shape_of(size), dtype=kind, device=device, requires_grad=requires_grad)


def new_full(
    input: Tensor,
    size: Any,
    fill_value: builtins.float,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = one number in a shape, in the dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose dtype the output has, unless one is given; its shape does not matter.
    size : int or tuple of int
        The shape.
    fill_value : number
        What it is filled with.
    dtype : DTypeLike, optional
        Another dtype.
    device, requires_grad
        As for ``lucid.tensor``.

    Raises
    ------
    ValueError
        If a size is below 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).new_full((3,), 7)
    tensor([7, 7, 7])
    """
    kind = input.dtype if dtype is None else dtype
    return full(size, fill_value, dtype=kind, device=device, requires_grad=requires_grad)


def new_tensor(
    input: Tensor,
    data: Any,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = a copy of the numbers in ``data``, in the dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose dtype the output has, unless one is given; its shape does not matter.
    data : number, nested list, NumPy array or Tensor
        Of any shape.
    dtype : DTypeLike, optional
        Another dtype.
    device, requires_grad
        As for ``lucid.tensor``.

    Raises
    ------
    TypeError
        If ``data`` holds something else than numbers.
    ValueError
        If nested lists have different lengths.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.0, 2.0]).new_tensor([3, 4])
    tensor([3., 4.])
    """
    kind = input.dtype if dtype is None else dtype
    return tensor(data, dtype=kind, device=device, requires_grad=requires_grad)
