"""Tangents, the angles behind sines and cosines, and their hyperbolic likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function
from lucid.ops.broadcast import floating
from lucid.ops.elementwise import sqrt
from lucid.ops.unary import atan2
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Tan(Function):
    """out = sin x / cos x"""

    reads_inputs, reads_output = False, True

    def forward(self, x: Array) -> Array:
        return np.tan(x)

    def backward(self, grad: Tensor) -> Tensor:
        y = self.output()
        return grad * (1 + y * y)


def tan(input: Tensor) -> Tensor:
    """out = sin(input) / cos(input), in radians

    Parameters
    ----------
    input : Tensor
        Of any shape; whole numbers are converted to ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tan(lucid.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5463])
    """
    return Tan()(floating(input))


class Asin(Function):
    """out = the angle whose sine is x"""

    def forward(self, x: Array) -> Array:
        return np.arcsin(x)

    def backward(self, grad: Tensor) -> Tensor:
        x = self.saved(0)
        return grad / sqrt((1 - x) * (1 + x))  # 1 - x^2, without its rounding close to 1


def asin(input: Tensor) -> Tensor:
    """out = the angle from -pi/2 to pi/2 whose sine is input; nan outside of -1 to 1

    Parameters
    ----------
    input : Tensor
        Of any shape; whole numbers are converted to ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.asin(lucid.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return Asin()(floating(input))


class Acos(Function):
    """out = the angle whose cosine is x"""

    def forward(self, x: Array) -> Array:
        return np.arccos(x)

    def backward(self, grad: Tensor) -> Tensor:
        x = self.saved(0)
        return -grad / sqrt((1 - x) * (1 + x))


def acos(input: Tensor) -> Tensor:
    """out = the angle from 0 to pi whose cosine is input; nan outside of -1 to 1

    Parameters
    ----------
    input : Tensor
        Of any shape; whole numbers are converted to ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.acos(lucid.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return Acos()(floating(input))


def atan(input: Tensor) -> Tensor:
    """out = the angle from -pi/2 to pi/2 whose tangent is input

    Parameters
    ----------
    input : Tensor
        Of any shape; whole numbers are converted to ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.atan(lucid.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return atan2(floating(input), 1.0)


class Sinh(Function):
    """out = (e^x - e^-x) / 2"""

    def forward(self, x: Array) -> Array:
        return np.sinh(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * cosh(self.saved(0))


def sinh(input: Tensor) -> Tensor:
    """out = (e^input - e^-input) / 2

    Parameters
    ----------
    input : Tensor
        Of any shape; whole numbers are converted to ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.sinh(lucid.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return Sinh()(floating(input))


class Cosh(Function):
    """out = (e^x + e^-x) / 2"""

    def forward(self, x: Array) -> Array:
        return np.cosh(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * sinh(self.saved(0))


def cosh(input: Tensor) -> Tensor:
    """out = (e^input + e^-input) / 2

    Parameters
    ----------
    input : Tensor
        Of any shape; whole numbers are converted to ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.cosh(lucid.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return Cosh()(floating(input))
