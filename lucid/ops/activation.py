"""Activations that are smooth: sigmoids, and numbers multiplied by a gate that is one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from lucid._ext import activation_twins
from lucid._ext.activation_twins import CUBIC, GELU_TANH, LOG_SIGMOID, MISH, SILU, SOFTPLUS, STEEP
from lucid.cures import choice_cure, cure
from lucid.errors import ShapeError, shown
from lucid.ops.checks import check_number, check_one_dtype
from lucid.ops.choosing import where
from lucid.ops.elementwise import abs, sigmoid, tanh
from lucid.ops.index import getitem
from lucid.ops.normal import POWERS, NormalCDF, normal_density
from lucid.ops.shape import axis_of
from lucid.ops.smooth import Smooth
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class LogSigmoid(Smooth):
    """out = log(1 / (1 + e^-x)) = min(x, 0) - log(1 + e^-|x|)"""

    kind = LOG_SIGMOID

    def slope(self, x: Tensor) -> Tensor:
        return sigmoid(-x)


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


class Softplus(Smooth):
    """out = log(1 + e^(beta * x)) / beta, and x where beta * x > threshold"""

    kind = SOFTPLUS

    def __init__(self, beta: float, threshold: float) -> None:
        self.options = beta, threshold

    def slope(self, x: Tensor) -> Tensor:
        beta, threshold = self.options
        z = beta * x
        return sigmoid(where(z > threshold, math.inf, z))


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

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.softsign(lucid.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (1 + abs(input))


class GELU(Smooth):
    """out = x * P(x)"""

    kind = activation_twins.GELU

    def slope(self, x: Tensor) -> Tensor:
        return NormalCDF()(x) + x * normal_density(x)

    def numbers(self, dtype: DTypeLike) -> Array:
        return POWERS[np.dtype(dtype)]


class TanhGELU(Smooth):
    """out = x * s(z) with the sigmoid s and z = 2 sqrt(2 / pi) * (x + 0.044715 x^3)

    (1 + tanh(z / 2)) / 2 is s(z), which keeps its digits where it is small.
    """

    kind = GELU_TANH

    def slope(self, x: Tensor) -> Tensor:
        squares = x * x
        s = sigmoid(STEEP * x * (1 + CUBIC * squares))
        return s + x * (s * (1 - s)) * (STEEP * (1 + 3 * CUBIC * squares))


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
    return GELU()(input) if approximate == "none" else TanhGELU()(input)


def check_approximate(approximate: str) -> None:
    """One of the two."""
    if approximate not in ("none", "tanh"):
        raise ValueError(
            f"approximate must be 'none' or 'tanh', got {shown(approximate)}"
            + choice_cure("approximate", approximate, ("none", "tanh"))
        )


class SiLU(Smooth):
    """out = x * s(x) with the sigmoid s"""

    kind = SILU

    def slope(self, x: Tensor) -> Tensor:
        s = sigmoid(x)
        return s + x * (s * (1 - s))


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
    return SiLU()(input)


class Mish(Smooth):
    """out = x * w with w = tanh(log(1 + e^x))"""

    kind = MISH

    def slope(self, x: Tensor) -> Tensor:
        w = tanh(softplus(x))
        return w + x * ((1 - w * w) * sigmoid(x))


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
    return Mish()(input)


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
