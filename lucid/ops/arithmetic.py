"""Arithmetic: the operators of tensors, with broadcasting."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lucid import types
from lucid._ext import kernels
from lucid.autograd import Function
from lucid.errors import DtypeError
from lucid.ops.broadcast import pair, sum_to
from lucid.ops.choosing import where
from lucid.ops.compare import logical_and
from lucid.ops.elementwise import log
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


LONG = 100_000  # numbers, from which on a second thread is worth waking


def on_threads(
    kernel: Callable[..., None], ufunc: Callable[..., Array], a: Array, b: Array
) -> Array:
    """What ``ufunc`` returns; by the kernel, if both are rows of memory of one dtype and shape."""
    rows = a.flags.c_contiguous and b.flags.c_contiguous and a.shape == b.shape
    if not rows or a.dtype != b.dtype or a.dtype.kind != "f":
        return ufunc(a, b)
    out = np.empty(a.shape, a.dtype)
    kernel(a.reshape(-1), b.reshape(-1), out.reshape(-1))
    return out


class Add(Function):
    """out = a + b"""

    reads_inputs = False

    def forward(self, a: Array, b: Array) -> Array:
        return a + b if a.size < LONG else on_threads(kernels.add, np.add, a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (
            sum_to(grad, self.shapes[0]) if self.needs[0] else None,
            sum_to(grad, self.shapes[1]) if self.needs[1] else None,
        )


def add(input: TensorLike, other: TensorLike, *, alpha: builtins.float = 1) -> Tensor:
    """out = input + alpha * other

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.
    alpha : number
        Multiplier of ``other``.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]) + 10
    tensor([11, 12])
    """
    if alpha != 1:
        other = mul(other, alpha)
    return Add()(*pair(input, other))


class Sub(Function):
    """out = a - b"""

    reads_inputs = False

    def forward(self, a: Array, b: Array) -> Array:
        return a - b

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (
            sum_to(grad, self.shapes[0]) if self.needs[0] else None,
            sum_to(-grad, self.shapes[1]) if self.needs[1] else None,
        )


def sub(input: TensorLike, other: TensorLike, *, alpha: builtins.float = 1) -> Tensor:
    """out = input - alpha * other

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.
    alpha : number
        Multiplier of ``other``.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    TypeError
        For two bool tensors, as NumPy and the reference have it.

    Examples
    --------
    >>> import lucid
    >>> 10 - lucid.tensor([1, 2])
    tensor([9, 8])
    """
    if alpha != 1:
        other = mul(other, alpha)
    a, b = pair(input, other)
    if a.dtype is types.bool:
        raise DtypeError(
            "bool tensors cannot be subtracted\n  try: a != b\n  or:  a.int() - b.int()"
        )
    return Sub()(a, b)


class Mul(Function):
    """out = a * b"""

    def forward(self, a: Array, b: Array) -> Array:
        return a * b if a.size < LONG else on_threads(kernels.mul, np.multiply, a, b)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (
            sum_to(grad * self.saved(1), self.shapes[0]) if self.needs[0] else None,
            sum_to(grad * self.saved(0), self.shapes[1]) if self.needs[1] else None,
        )


def mul(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input * other, number by number

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 2], [3, 4]]) * lucid.tensor([10, 100])
    tensor([[ 10, 200],
            [ 30, 400]])
    """
    return Mul()(*pair(input, other))


class Div(Function):
    """out = a / b"""

    def forward(self, a: Array, b: Array) -> Array:
        return a / b

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        a, b = self.saved(0), self.saved(1)
        return (
            sum_to(grad / b, self.shapes[0]) if self.needs[0] else None,
            # -a / b^2, in two steps: b^2, and 1 / b, could overflow
            sum_to(-grad * (a / b / b), self.shapes[1]) if self.needs[1] else None,
        )


def div(input: TensorLike, other: TensorLike) -> Tensor:
    """out = input / other; whole numbers are divided as floats

    Parameters
    ----------
    input, other : Tensor or number
        Of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]) / 4
    tensor([0.2500, 0.5000])
    """
    return Div()(*pair(input, other, floating=True))


class Neg(Function):
    """out = -x"""

    reads_inputs = False

    def forward(self, x: Array) -> Array:
        return -x

    def backward(self, grad: Tensor) -> Tensor:
        return -grad


def neg(input: Tensor) -> Tensor:
    """out = -input

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Raises
    ------
    TypeError
        If the input is bool.

    Examples
    --------
    >>> import lucid
    >>> -lucid.tensor([1, -2])
    tensor([-1,  2])
    """
    if input.dtype is types.bool:
        raise DtypeError("a bool tensor has no negative, but its opposite ~x\n  try: x.int()")
    return Neg()(input)


class Pow(Function):
    """out = x ** p"""

    reads_output = True

    def forward(self, x: Array, p: Array) -> Array:
        return x**p

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, p = self.saved(0), self.saved(1)
        grad_x = grad_p = None
        if self.needs[0]:
            # d/dx x^p = p x^(p-1); for p = 0 that is 0, also where x^(-1) is infinite
            slope = where(p == 0, 0.0, p * x ** where(p == 0, 1.0, p - 1))
            grad_x = sum_to(grad * slope, self.shapes[0])
        if self.needs[1]:
            # d/dp x^p = x^p log x; at x = 0 that is 0 for p >= 0
            zero = logical_and(x == 0, p >= 0)
            grad_p = sum_to(
                grad * where(zero, 0.0, self.output() * log(where(zero, 1.0, x))), self.shapes[1]
            )
        return grad_x, grad_p


def pow(input: TensorLike, exponent: TensorLike) -> Tensor:
    """out = input ** exponent

    Parameters
    ----------
    input, exponent : Tensor or number
        Of shapes that broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    ValueError
        For a whole number to a negative whole power, which is no whole number.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.0, 2.0, 3.0]) ** 2
    tensor([1., 4., 9.])
    """
    x, p = pair(input, exponent)
    if x.dtype is types.bool:
        raise DtypeError("bool tensors have no powers\n  try: x.int() ** p")
    if not x.is_floating_point() and (p._array < 0).any():
        raise ValueError(
            "whole numbers to a negative power are no whole numbers\n  try: x.float() ** p"
        )
    return Pow()(x, p)
