"""Functions of two or three tensors that formulas name: hypot, xlogy, lerp and others."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function
from lucid.ops.broadcast import common_shape, pair, raw, sum_to
from lucid.ops.choosing import where
from lucid.ops.elementwise import log, sigmoid
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


class Hypot(Function):
    """out = (a^2 + b^2)^(1/2)"""

    reads_output = True

    def forward(self, a: Array, b: Array) -> Array:
        return np.hypot(a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        y = self.output()  # grad * (a / y), because grad / y would overflow close to 0
        return (
            sum_to(grad * (self.saved(0) / y), self.shapes[0]) if self.needs[0] else None,
            sum_to(grad * (self.saved(1) / y), self.shapes[1]) if self.needs[1] else None,
        )


def hypot(input: TensorLike, other: TensorLike) -> Tensor:
    """out = the square root of input^2 + other^2, whose squares cannot overflow

    Parameters
    ----------
    input, other : Tensor or number
        The two sides, of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Notes
    -----
    Measured against 60 digits: the error is below 1 eps of the result. The slopes are input / out
    and other / out, however small or large they are; where both sides are 0 there is none, and the
    gradient is nan.

    Examples
    --------
    >>> import lucid
    >>> lucid.hypot(lucid.tensor([3.0]), lucid.tensor([4.0]))
    tensor([5.])
    """
    return Hypot()(*pair(input, other, floating=True))


class LogAddExp(Function):
    """out = ln(e^a + e^b)"""

    def forward(self, a: Array, b: Array) -> Array:
        return np.logaddexp(a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        # e^a / (e^a + e^b); not e^(a - out), because out is rounded to the size of a
        gap = self.saved(0) - self.saved(1)
        return (
            sum_to(grad * sigmoid(gap), self.shapes[0]) if self.needs[0] else None,
            sum_to(grad * sigmoid(-gap), self.shapes[1]) if self.needs[1] else None,
        )


def logaddexp(input: TensorLike, other: TensorLike) -> Tensor:
    """out = ln(e^input + e^other): probabilities added that are given as logarithms

    Parameters
    ----------
    input, other : Tensor or number
        Logarithms, of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Notes
    -----
    Measured against 60 digits: for logarithms up to 30 the error is below 10 eps. It is no part of
    the result where that is close to 0, a small difference of larger numbers.

    Examples
    --------
    >>> import lucid
    >>> lucid.logaddexp(lucid.tensor(500.0), lucid.tensor(500.0))
    tensor(500.6931)
    """
    return LogAddExp()(*pair(input, other, floating=True))


class XLogY(Function):
    """out = x * ln(y), and 0 where x is 0"""

    def forward(self, x: Array, y: Array) -> Array:
        return np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y))

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, y = self.saved(0), self.saved(1)
        flat = (x == 0) & (y <= 0)  # slope 0, where ln(y) and x / y are infinite or nan
        y = where(flat, 1.0, y)
        return (
            sum_to(grad * where(flat, 0.0, log(y)), self.shapes[0]) if self.needs[0] else None,
            sum_to(grad * (x / y), self.shapes[1]) if self.needs[1] else None,
        )


def xlogy(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input * ln(other), and 0 where input is 0: the terms of an entropy

    Parameters
    ----------
    input, other : Tensor or number
        Factors and what the logarithm is taken of, of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> p = lucid.tensor([0.0, 0.5, 0.5])
    >>> -lucid.xlogy(p, p).sum()
    tensor(0.6931)
    """
    return XLogY()(*pair(input, other, floating=True))


def lerp(input: Tensor, end: Tensor, weight: TensorLike) -> Tensor:
    """out = input + weight * (end - input): a part of the way from input to end

    Parameters
    ----------
    input, end : Tensor
        Of shapes that broadcast.
    weight : Tensor or number
        Which part: 0 stays at ``input``, 1 is ``end``, exactly. Of a shape that broadcasts with
        theirs.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.lerp(lucid.tensor([0.0, 10.0]), lucid.tensor([1.0, 20.0]), 0.25)
    tensor([ 0.2500, 12.5000])
    """
    common_shape(("x", "end", "weight"), [np.shape(raw(t)) for t in (input, end, weight)])
    start, last = pair(input, end)
    way, part = last - start, pair(weight, start)[0]
    return where(part < 0.5, start + part * way, last - (1 - part) * way)  # from the nearer end


# what the messages of the next two call their tensors
THREE = ("x", "tensor1", "tensor2")


def addcmul(
    input: Tensor, tensor1: TensorLike, tensor2: TensorLike, *, value: builtins.float = 1
) -> Tensor:
    """out = input + value * tensor1 * tensor2

    Parameters
    ----------
    input : Tensor
        What is added to, of any shape.
    tensor1, tensor2 : Tensor or number
        The factors, of shapes that broadcast with that of ``input``.
    value : number
        Multiplier of their product.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.addcmul(lucid.tensor([1.0]), lucid.tensor([2.0]), lucid.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    common_shape(THREE, [np.shape(raw(t)) for t in (input, tensor1, tensor2)])
    first = tensor1 if value == 1 else value * tensor1
    return input + first * tensor2


def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1
) -> Tensor:
    """out = input + value * tensor1 / tensor2

    Parameters
    ----------
    input : Tensor
        What is added to, of any shape.
    tensor1, tensor2 : Tensor
        Above and below the line, of shapes that broadcast with that of ``input``.
    value : number
        Multiplier of their quotient.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.addcdiv(lucid.tensor([1.0]), lucid.tensor([6.0]), lucid.tensor([3.0]), value=0.5)
    tensor([2.])
    """
    common_shape(THREE, [np.shape(raw(t)) for t in (input, tensor1, tensor2)])
    first = tensor1 if value == 1 else value * tensor1
    return input + first / tensor2
