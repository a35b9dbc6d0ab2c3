"""Elementary functions of each number by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid._ext import kernels
from lucid.autograd import Function, is_grad_enabled, make_tensor
from lucid.ops.broadcast import floating
from lucid.ops.choosing import where
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def fused(kernel: Callable[..., None], grad: Tensor, x: Tensor, *options: Any) -> Tensor:
    """What ``backward`` of an op on each number by itself returns, by a kernel in one pass.

    For use where nothing is recorded; the formula for all other cases stands beside each call.
    """
    out = np.empty(x._array.shape, x._array.dtype)
    g = grad._array.astype(out.dtype, copy=False)  # a hook may have returned another
    with np.errstate(all="ignore"):
        kernel(g.ravel(), x._array.ravel(), out.ravel(), *options)  # out.ravel() is a view of out
    return make_tensor(out)


def each(kernel: Callable[..., None], x: Array, *options: Any) -> Array:
    """What ``forward`` of an op on each number by itself returns, by a kernel."""
    out = np.empty(x.shape, x.dtype)
    kernel(x.ravel(), out.ravel(), *options)  # out.ravel() is a view of out
    return out


class Exp(Function):
    """out = e^x"""

    reads_inputs, reads_output = False, True

    def forward(self, x: Array) -> Array:
        return np.exp(x)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * self.output()


def exp(input: Tensor) -> Tensor:
    """out = e^input

    Parameters
    ----------
    input : Tensor
        Of any shape.

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

    Parameters
    ----------
    input : Tensor
        Of any shape.

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

    Parameters
    ----------
    input : Tensor
        Of any shape.

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
        return each(kernels.tanh_forward, x)

    def backward(self, grad: Tensor) -> Tensor:
        y = self.output()
        if not is_grad_enabled():
            return fused(kernels.tanh_backward, grad, y)
        return grad * (1 - y * y)


def tanh(input: Tensor) -> Tensor:
    """out = (e^x - e^-x) / (e^x + e^-x), between -1 and 1

    Parameters
    ----------
    input : Tensor
        Of any shape.

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
        return each(kernels.sigmoid_forward, x)

    def backward(self, grad: Tensor) -> Tensor:
        y = self.output()
        if not is_grad_enabled():
            return fused(kernels.sigmoid_backward, grad, y)
        return grad * y * (1 - y)


def sigmoid(input: Tensor) -> Tensor:
    """out = 1 / (1 + e^-input), between 0 and 1

    Parameters
    ----------
    input : Tensor
        Of any shape.

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
        if not is_grad_enabled():
            return fused(kernels.relu_backward, grad, self.saved(0))
        return where(self.saved(0) <= 0, 0.0, grad)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """out = max(input, 0); its slope at 0 is taken as 0

    Parameters
    ----------
    input : Tensor
        Of any shape.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

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

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.abs(lucid.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    return Abs()(input)


def sign(input: Tensor) -> Tensor:
    """out = -1, 0 or 1, as input is negative, zero or positive; no gradient

    Parameters
    ----------
    input : Tensor
        Of any shape; bools stay as they are.

    Examples
    --------
    >>> import lucid
    >>> lucid.sign(lucid.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    x = input._array
    return make_tensor(x.copy() if x.dtype == np.bool_ else np.sign(x))
