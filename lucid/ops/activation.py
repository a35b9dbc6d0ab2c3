"""Activations that are smooth: sigmoids, and numbers multiplied by a gate that is one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function
from lucid.cures import cure
from lucid.errors import ShapeError
from lucid.ops.checks import check_number, check_one_dtype
from lucid.ops.compare import where
from lucid.ops.elementwise import abs, sigmoid, tanh
from lucid.ops.index import getitem
from lucid.ops.normal import NormalCDF
from lucid.ops.shape import axis_of
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class LogSigmoid(Function):
    """out = log(1 / (1 + e^-x)) = min(x, 0) - log(1 + e^-|x|)"""

    def forward(self, x: Array) -> Array:
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))

    def backward(self, grad: Tensor) -> Tensor:
        return grad * sigmoid(-self.saved(0))


def logsigmoid(input: Tensor) -> Tensor:
    """out = log(1 / (1 + e^-input)), exact also where the sigmoid itself would round to 0 or 1

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.logsigmoid(lucid.tensor([-1000.0, 0.0]))
    tensor([-1.0000e+03, -6.9315e-01])
    """
    check_one_dtype("logsigmoid", {"input": input})
    return LogSigmoid()(input)


class Softplus(Function):
    """out = log(1 + e^(beta * x)) / beta, and x where beta * x > threshold"""

    def __init__(self, beta: float, threshold: float) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Array) -> Array:
        z = self.beta * x
        soft = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / self.beta
        return np.where(z > self.threshold, x, soft)

    def backward(self, grad: Tensor) -> Tensor:
        z = self.beta * self.saved(0)
        return grad * sigmoid(where(z > self.threshold, math.inf, z))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """out = log(1 + e^(beta * input)) / beta: a ReLU without a corner

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    beta : float
        The larger, the closer to the ReLU.
    threshold : float
        Where beta * input is greater, out = input.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.softplus(lucid.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """
    check_one_dtype("softplus", {"input": input})
    check_number("beta", beta)
    check_number("threshold", threshold)
    return Softplus(beta, threshold)(input)


def softsign(input: Tensor) -> Tensor:
    """out = input / (1 + ``|input|``), between -1 and 1

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.softsign(lucid.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (1 + abs(input))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """out = input * P(input), with P(x) the probability that a normal number is below x

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    approximate : str
        ``"tanh"`` takes P(x) = (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2, which is within
        0.0002 of it.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.
    ValueError
        If ``approximate`` is neither ``"none"`` nor ``"tanh"``.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", 2016, arXiv:1606.08415.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.gelu(lucid.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    >>> F.gelu(lucid.tensor([-1.0, 1.0]), approximate="tanh")
    tensor([-0.1588,  0.8412])
    """
    check_one_dtype("gelu", {"input": input})
    check_approximate(approximate)
    if approximate == "none":
        return input * NormalCDF()(input)
    # (1 + tanh(z)) / 2 is sigmoid(2 z), which keeps its digits where it is small
    z = input * (1 + 0.044715 * (input * input))
    return input * sigmoid(2 * math.sqrt(2 / math.pi) * z)


def check_approximate(approximate: str) -> None:
    """One of the two."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', got {approximate!r}")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """out = input * sigmoid(input), also called swish

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-Weighted Linear Units for Neural Network
       Function Approximation in Reinforcement Learning", Neural Networks 107, 2018.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.silu(lucid.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """
    check_one_dtype("silu", {"input": input})
    return input * sigmoid(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """out = input * tanh(log(1 + e^input))

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] D. Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC 2020,
       arXiv:1908.08681.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.mish(lucid.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])
    """
    check_one_dtype("mish", {"input": input})
    return input * tanh(softplus(input))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """out = a * sigmoid(b), where a and b are the two halves of the input along ``dim``

    Parameters
    ----------
    input : Tensor
        With an axis ``dim`` of even size: for the channels of (N, C, L), ``dim=1``.
    dim : int
        The axis that is halved.

    Raises
    ------
    ShapeError
        If the axis does not exist, or its size is odd.
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] Y. N. Dauphin, A. Fan, M. Auli, D. Grangier, "Language Modeling with Gated Convolutional
       Networks", ICML 2017, arXiv:1612.08083.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.glu(lucid.tensor([4.0, 6.0, 0.0, 100.0]))
    tensor([2., 6.])
    """
    check_one_dtype("glu", {"input": input})
    axis = axis_of(dim, input.ndim)
    half, odd = divmod(input.shape[axis], 2)
    if odd:
        other = input.ndim > 1 and input.shape[1] % 2 == 0  # the channels of (N, C, L)
        raise ShapeError(
            f"glu halves axis {axis}, whose size must be even; got {input.shape}"
            + cure("dim=1" if axis != 1 and other else f"x.narrow({axis}, 0, {2 * half})")
        )
    before = (slice(None),) * axis
    a = getitem(input, (*before, slice(None, half)))
    b = getitem(input, (*before, slice(half, None)))
    return a * sigmoid(b)
