"""Scores as probabilities."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function
from lucid.ops.broadcast import floating
from lucid.ops.convert import to
from lucid.ops.elementwise import exp
from lucid.ops.reduce import sum
from lucid.ops.shape import axis_of
from lucid.ops.spelling import numpy_names
from lucid.types import Array, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Softmax(Function):
    """out_i = e^(x_i) / sum over j of e^(x_j), along one axis"""

    reads_inputs, reads_output = False, True

    def __init__(self, dim: builtins.int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        # e^(x - max) is the same quotient, and cannot overflow
        powers = np.exp(x - x.max(axis=self.dim, keepdims=True, initial=-np.inf))
        return powers / powers.sum(axis=self.dim, keepdims=True)  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> Tensor:
        y = self.output()
        return y * (grad - sum(grad * y, self.dim, keepdim=True))


@numpy_names
def softmax(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
    """out_i = e^(input_i) / sum over j of e^(input_j) along ``dim``: positive, and adding up to 1

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis of the classes.
    dtype : DTypeLike, optional
        Convert to this dtype first.

    Examples
    --------
    >>> import lucid
    >>> lucid.softmax(lucid.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    x = floating(input if dtype is None else to(input, dtype))
    return Softmax(axis_of(dim, max(x.ndim, 1)))(x)


class LogSoftmax(Function):
    """out_i = x_i - log of the sum over j of e^(x_j), along one axis"""

    reads_inputs, reads_output = False, True

    def __init__(self, dim: builtins.int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        shifted = x - x.max(axis=self.dim, keepdims=True, initial=-np.inf)
        total = np.exp(shifted).sum(axis=self.dim, keepdims=True)
        return shifted - np.log(total)  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> Tensor:
        return grad - exp(self.output()) * sum(grad, self.dim, keepdim=True)


@numpy_names
def log_softmax(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
    """out_i = input_i - log of the sum over j of e^(input_j) along ``dim``

    The logarithm of ``softmax``, exact also where the softmax itself would round to 0.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis of the classes.
    dtype : DTypeLike, optional
        Convert to this dtype first.

    Examples
    --------
    >>> import lucid
    >>> lucid.log_softmax(lucid.tensor([0.0, 1000.0]), dim=0)
    tensor([-1000.,     0.])
    """
    x = floating(input if dtype is None else to(input, dtype))
    return LogSoftmax(axis_of(dim, max(x.ndim, 1)))(x)
