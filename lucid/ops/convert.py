"""Copies, and the same numbers in another dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lucid import types
from lucid.autograd import Function, is_tensor
from lucid.types import Array, DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Cast(Function):
    """out = x in another dtype"""

    reads_inputs = False

    def __init__(self, dtype: types.dtype) -> None:
        self.dtype = dtype

    def forward(self, x: Array) -> Array:
        self.before = types.FROM_NUMPY[x.dtype]
        return x.astype(self.dtype.numpy)

    def backward(self, grad: Tensor) -> Tensor:
        return to(grad, self.before)


def to(
    input: Tensor, *args: DTypeLike | DeviceLike, dtype: DTypeLike = None, device: DeviceLike = None
) -> Tensor:
    """out = input in another dtype; input itself if that is the dtype it has

    Parameters
    ----------
    input : Tensor
    *args : dtype or device
        Either may be given by position.
    dtype : DTypeLike, optional
    device : DeviceLike, optional
        There is one: ``"cpu"``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).to(lucid.float64)
    tensor([1., 2.], dtype=lucid.float64)
    """
    if len(args) == 1 and args[0] is input.dtype and dtype is device is None:
        return input  # the usual case needs nothing
    args = tuple(a.dtype if is_tensor(a) else a for a in args)  # the dtype of another tensor
    wanted = types.dtype_and_device(args, dtype, device)
    if wanted is None:
        return input
    return input if wanted is input.dtype else Cast(wanted)(input)


def double(input: Tensor) -> Tensor:
    """out = input as float64

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1]).double().dtype
    lucid.float64
    """
    return to(input, types.float64)


def float(input: Tensor) -> Tensor:
    """out = input as float32

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1]).float().dtype
    lucid.float32
    """
    return to(input, types.float32)


def long(input: Tensor) -> Tensor:
    """out = input as int64, cut towards zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.7]).long()
    tensor([1])
    """
    return to(input, types.int64)


def int(input: Tensor) -> Tensor:
    """out = input as int32, cut towards zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.7]).int().dtype
    lucid.int32
    """
    return to(input, types.int32)


def bool(input: Tensor) -> Tensor:
    """out = whether each number is other than zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([0, 2]).bool()
    tensor([False,  True])
    """
    return to(input, types.bool)


class Clone(Function):
    """out = a copy of x"""

    reads_inputs = False

    def forward(self, x: Array) -> Array:
        return x.copy(order="C")

    def backward(self, grad: Tensor) -> Tensor:
        return grad


def clone(input: Tensor) -> Tensor:
    """out = a copy of input, through which gradients flow

    Examples
    --------
    >>> import lucid
    >>> x = lucid.zeros(2)
    >>> y = x.clone().fill_(1)
    >>> x
    tensor([0., 0.])
    """
    return Clone()(input)


def contiguous(input: Tensor) -> Tensor:
    """out = input, copied if its numbers do not lie in memory in order

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3).T.contiguous().is_contiguous()
    True
    """
    return input if input.is_contiguous() else Clone()(input)
