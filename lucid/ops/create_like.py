"""Making tensors of the shape and the dtype of another: ``zeros_like(x)`` and its like."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from lucid.ops.create import empty, full, ones, zeros
from lucid.types import DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def zeros_like(
    input: Tensor,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = zeros in the shape and dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose shape, and dtype unless one is given, the output has.
    dtype : DTypeLike
        By default that of the input.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros_like(lucid.tensor([1, 2]))
    tensor([0, 0])
    """
    return zeros(
        input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad
    )


def ones_like(
    input: Tensor,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = ones in the shape and dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose shape, and dtype unless one is given, the output has.
    dtype : DTypeLike
        By default that of the input.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.ones_like(lucid.tensor([5, 6]))
    tensor([1, 1])
    """
    return ones(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = unfilled memory in the shape and dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose shape, and dtype unless one is given, the output has.
    dtype : DTypeLike
        By default that of the input.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.empty_like(lucid.zeros(2, 3)).shape
    (2, 3)
    """
    return empty(
        input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad
    )


def full_like(
    input: Tensor,
    fill_value: builtins.float,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = fill_value in the shape and dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose shape, and dtype unless one is given, the output has.
    fill_value : number
        What it is filled with.
    dtype : DTypeLike
        By default that of the input.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.full_like(lucid.zeros(2), 3)
    tensor([3., 3.])
    """
    return full(
        input.shape,
        fill_value,
        dtype=dtype or input.dtype,
        device=device,
        requires_grad=requires_grad,
    )
