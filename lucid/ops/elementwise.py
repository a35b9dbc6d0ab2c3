"""Elementary functions of each number by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function, make_tensor
from lucid.ops.broadcast import floating
from lucid.ops.compare import where
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Exp(Function):
    """out = e^x"""

    reads_inputs, reads_output = False, True

    def forward(self, x: Array) -> Array:
        return np.exp(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * self.output()


def exp(input: Tensor) -> Tensor:
    """out = e^input

    Examples
    --------
    >>> import lucid
    >>> lucid.exp(lucid.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return Exp()(floating(input))


class Log(Function):
    """out = ln x"""

    def forward(self, x: Array) -> Array:
        return np.log(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad / self.saved(0)


def log(input: Tensor) -> Tensor:
    """out = ln(input); -inf at 0, nan below

    Examples
    --------
    >>> import lucid
    >>> lucid.log(lucid.tensor([1.0, 0.0]))
    tensor([  0., -inf])
    """
    return Log()(floating(input))


class Sqrt(Function):
    """out = x^(1/2)"""

    reads_inputs, reads_output = False, True

    def forward(self, x: Array) -> Array:
        return np.sqrt(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad / (2 * self.output())


def sqrt(input: Tensor) -> Tensor:
    """out = square root of input; nan below 0

    Examples
    --------
    >>> import lucid
    >>> lucid.sqrt(lucid.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return Sqrt()(floating(input))


class Tanh(Function):
    """out = (e^x - e^-x) / (e^x + e^-x)"""

    reads_inputs, reads_output = False, True

    def forward(self, x: Array) -> Array:
        return np.tanh(x)

    def backward(self, grad: Tensor) -> Tensor:
        y = self.output()
        return grad * (1 - y * y)


def tanh(input: Tensor) -> Tensor:
    """out = (e^x - e^-x) / (e^x + e^-x), between -1 and 1

    Examples
    --------
    >>> import lucid
    >>> lucid.tanh(lucid.tensor([0.0, 100.0]))
    tensor([0., 1.])
    """
    return Tanh()(floating(input))


class Sigmoid(Function):
    """out = 1 / (1 + e^-x)"""

    reads_inputs, reads_output = False, True

    def forward(self, x: Array) -> Array:
        # e^-|x| cannot overflow; both branches are the same function
        small = np.exp(-np.abs(x))
        return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype, copy=False)

    def backward(self, grad: Tensor) -> Tensor:
        y = self.output()
        return grad * y * (1 - y)


def sigmoid(input: Tensor) -> Tensor:
    """out = 1 / (1 + e^-input), between 0 and 1

    Examples
    --------
    >>> import lucid
    >>> lucid.sigmoid(lucid.tensor([0.0, 100.0]))
    tensor([0.5000, 1.0000])
    """
    return Sigmoid()(floating(input))


class ReLU(Function):
    """out = max(x, 0)"""

    def forward(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def backward(self, grad: Tensor) -> Tensor:
        return where(self.saved(0) <= 0, 0.0, grad)


def relu(input: Tensor) -> Tensor:
    """out = max(input, 0); its slope at 0 is taken as 0

    Examples
    --------
    >>> import lucid
    >>> lucid.relu(lucid.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return ReLU()(input)


class Abs(Function):
    """out = |x|"""

    def forward(self, x: Array) -> Array:
        return np.abs(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * sign(self.saved(0))


def abs(input: Tensor) -> Tensor:
    """out = ``|input|``; its slope at 0 is taken as 0

    Examples
    --------
    >>> import lucid
    >>> lucid.abs(lucid.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    return Abs()(input)


def sign(input: Tensor) -> Tensor:
    """out = -1, 0 or 1, as input is negative, zero or positive; no gradient

    Examples
    --------
    >>> import lucid
    >>> lucid.sign(lucid.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return make_tensor(np.sign(input._array))
