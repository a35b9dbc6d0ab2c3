"""More functions of each number by itself: powers, logarithms, angles, rounding."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import numpy as np

from lucid import types
from lucid.autograd import Function, make_tensor
from lucid.errors import DtypeError
from lucid.ops.broadcast import floating, pair, sum_to
from lucid.ops.choosing import where
from lucid.ops.convert import to
from lucid.ops.elementwise import sqrt
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


def square(input: Tensor) -> Tensor:
    """out = input * input

    Parameters
    ----------
    input : Tensor
        Of any shape; bools are squared as int64.

    Examples
    --------
    >>> import lucid
    >>> lucid.square(lucid.tensor([3, -2]))
    tensor([9, 4])
    """
    if input.dtype is types.bool:
        input = to(input, types.int64)
    return input * input


def reciprocal(input: Tensor) -> Tensor:
    """out = 1 / input

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.reciprocal(lucid.tensor([4.0, -2.0]))
    tensor([ 0.2500, -0.5000])
    """
    return 1 / input


def rsqrt(input: Tensor) -> Tensor:
    """out = 1 / square root of input

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.rsqrt(lucid.tensor([4.0, 25.0]))
    tensor([0.5000, 0.2000])
    """
    return 1 / sqrt(input)


class Log1p(Function):
    """out = ln(1 + x)"""

    def forward(self, x: Array) -> Array:
        return np.log1p(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad / (1 + self.saved(0))


def log1p(input: Tensor) -> Tensor:
    """out = ln(1 + input), exact also where input is close to 0

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.log1p(lucid.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return Log1p()(floating(input))


class LogTo(Function):
    """out = ln x / ln base"""

    def __init__(self, base: builtins.int) -> None:
        self.base = base

    def forward(self, x: Array) -> Array:
        log = np.log2 if self.base == 2 else np.log10
        return log(x, dtype=np.float64).astype(x.dtype)  # so that log10(100) is 2 in float32, too

    def backward(self, grad: Tensor) -> Tensor:
        return grad / (self.saved(0) * float(np.log(self.base)))


def log2(input: Tensor) -> Tensor:
    """out = ln(input) / ln(2)

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.log2(lucid.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return LogTo(2)(floating(input))


def log10(input: Tensor) -> Tensor:
    """out = ln(input) / ln(10)

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.log10(lucid.tensor([1.0, 100.0]))
    tensor([0., 2.])
    """
    return LogTo(10)(floating(input))


class Expm1(Function):
    """out = e^x - 1"""

    reads_inputs, reads_output = False, True

    def forward(self, x: Array) -> Array:
        return np.expm1(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * (self.output() + 1)


def expm1(input: Tensor) -> Tensor:
    """out = e^input - 1, exact also where input is close to 0

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.expm1(lucid.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return Expm1()(floating(input))


class Sin(Function):
    """out = sin x"""

    def forward(self, x: Array) -> Array:
        return np.sin(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * cos(self.saved(0))


def sin(input: Tensor) -> Tensor:
    """out = sin(input), in radians

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.sin(lucid.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4794])
    """
    return Sin()(floating(input))


class Cos(Function):
    """out = cos x"""

    def forward(self, x: Array) -> Array:
        return np.cos(x)

    def backward(self, grad: Tensor) -> Tensor:
        return -(grad * sin(self.saved(0)))


def cos(input: Tensor) -> Tensor:
    """out = cos(input), in radians

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.cos(lucid.tensor([0.0, 0.5]))
    tensor([1.0000, 0.8776])
    """
    return Cos()(floating(input))


class Atan2(Function):
    """out = the angle of the point (x, y)"""

    def forward(self, y: Array, x: Array) -> Array:
        return np.arctan2(y, x)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        y, x = self.saved(0), self.saved(1)
        size = x * x + y * y
        part = grad / where(size == 0, 1.0, size)  # at the origin no direction is better: slope 0
        return (
            sum_to(part * x, self.shapes[0]) if self.needs[0] else None,
            sum_to(-(part * y), self.shapes[1]) if self.needs[1] else None,
        )


def atan2(input: TensorLike, other: TensorLike) -> Tensor:
    """out = the angle between the first axis and the point (other, input), from -pi to pi

    Parameters
    ----------
    input, other : Tensor or number
        The second and the first coordinate of the point, of shapes that broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.atan2(lucid.tensor([0.0, 1.0]), lucid.tensor([1.0, 0.0]))
    tensor([0.0000, 1.5708])
    """
    return Atan2()(*pair(input, other, floating=True))


# --------------------------------------------------------------------------- rounding: no gradient


def floor(input: Tensor) -> Tensor:
    """out = the largest whole number that is not above input; no gradient

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.floor(lucid.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    return make_tensor(np.floor(input._array))


def ceil(input: Tensor) -> Tensor:
    """out = the smallest whole number that is not below input; no gradient

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.ceil(lucid.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    return make_tensor(np.ceil(input._array))


def trunc(input: Tensor) -> Tensor:
    """out = input without its digits after the point; no gradient

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.trunc(lucid.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return make_tensor(np.trunc(input._array))


def round(input: Tensor, *, decimals: builtins.int = 0) -> Tensor:
    """out = the nearest whole number, of two equally near ones the even one; no gradient

    Parameters
    ----------
    input : Tensor
        Of any shape.
    decimals : int
        How many digits after the point are kept.

    Raises
    ------
    DtypeError
        If the input is made of bools.

    Examples
    --------
    >>> import lucid
    >>> lucid.round(lucid.tensor([0.5, 1.5, -1.7]))
    tensor([ 0.,  2., -2.])
    """
    if input.dtype is types.bool:
        raise DtypeError("round takes numbers, got bool\n  try: x.int()")
    return make_tensor(np.round(input._array, decimals))


def floor_divide(input: TensorLike, other: TensorLike) -> Tensor:
    """out = floor(input / other), in the dtype of the two; no gradient

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Raises
    ------
    ZeroDivisionError
        If a whole number is divided by 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([7, -7]) // 2
    tensor([ 3, -4])
    """
    a, b = divisible(input, other)
    with np.errstate(all="ignore"):
        return make_tensor(np.floor_divide(a._array, b._array))


class Remainder(Function):
    """out = a - b * floor(a / b)"""

    def forward(self, a: Array, b: Array) -> Array:
        return np.remainder(a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad_b = None
        if self.needs[1]:
            times = floor_divide(self.saved(0), self.saved(1))
            grad_b = sum_to(-(grad * times), self.shapes[1])
        return sum_to(grad, self.shapes[0]) if self.needs[0] else None, grad_b


def remainder(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input - other * floor(input / other), with the sign of other, as ``%`` in Python

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Raises
    ------
    ZeroDivisionError
        If a whole number is divided by 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([7, -7]) % 3
    tensor([1, 2])
    """
    return Remainder()(*divisible(input, other))


def divisible(input: TensorLike, other: TensorLike) -> tuple[Tensor, Tensor]:
    """Both operands in one dtype, no whole number among the divisors being 0."""
    a, b = pair(input, other)
    if not b.is_floating_point() and not b._array.all():
        raise ZeroDivisionError("whole numbers cannot be divided by 0\n  try: x.float() // y")
    return a, b
