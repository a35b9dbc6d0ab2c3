"""Activations in pieces: straight lines, or a line and an exponential, that meet at a corner.

Choosing by sign, number by number, is slow: signs are random, and the processor guesses wrong half
of the time. So two pieces are added: ``max(x, 0)`` is 0 on the left, ``min(x, 0)`` on the right.
For slopes, the same is done by a tensor that is 1 on the right, else 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid._ext import activation_twins, kernels
from lucid.autograd import Function, is_grad_enabled, make_tensor
from lucid.cures import shape_cure
from lucid.errors import ShapeError
from lucid.ops.broadcast import lift, sum_to
from lucid.ops.checks import check_number, check_one_dtype
from lucid.ops.choosing import minimum, where
from lucid.ops.convert import to
from lucid.ops.elementwise import exp, fused
from lucid.ops.shape import reshape
from lucid.ops.smooth import Smooth
from lucid.ops.unary import expm1
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class LeakyReLU(Function):
    """out = max(x, 0) + w * min(x, 0)"""

    def forward(self, x: Array, w: Array) -> Array:
        if w.ndim == 0:  # in one pass
            out = np.empty(x.shape, x.dtype)
            kernels.leaky_relu(x.ravel(), x.ravel(), out.ravel(), float(w))
            return out
        return np.maximum(x, 0) + w * np.minimum(x, 0)  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, w = self.saved(0), self.saved(1)
        grad_x = grad_w = None
        if self.needs[0] and w.ndim == 0 and not is_grad_enabled():
            grad_x = fused(kernels.leaky_relu, grad, x, float(w._array))
        elif self.needs[0]:
            grad_x = grad * by_side(x, w, 1.0)
        if self.needs[1]:
            grad_w = sum_to(grad * minimum(x, 0.0), w.shape)
        return grad_x, grad_w


def by_side(x: Tensor, left: Tensor, right: float) -> Tensor:
    """``right`` where x > 0, else ``left``, which is finite."""
    positive = to(x > 0, x.dtype)
    return left * (1 - positive) + right * positive


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """out = max(input, 0) + negative_slope * min(input, 0); at 0 the slope is negative_slope

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    negative_slope : float
        The slope left of 0.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier Nonlinearities Improve Neural Network
       Acoustic Models", ICML 2013.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.leaky_relu(lucid.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    check_one_dtype("leaky_relu", {"input": input})
    check_number("negative_slope", negative_slope)
    return LeakyReLU()(input, lift(negative_slope, input.dtype))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """out = max(input, 0) + w * min(input, 0), with one learned w, or one per channel

    Parameters
    ----------
    input : Tensor
        (N, C), (N, C, L) or any other shape: axis 1 counts the channels.
    weight : Tensor
        (1,) or (C,), of the dtype of the input.

    Raises
    ------
    ShapeError
        If there is neither one weight nor one per channel.
    TypeError
        If the dtypes differ, or are not floating.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015,
       arXiv:1502.01852.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.prelu(lucid.tensor([[-1.0, -1.0]]), lucid.tensor([0.25, 0.5]))
    tensor([[-0.2500, -0.5000]])
    """
    check_one_dtype("prelu", {"input": input, "weight": weight})
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise ShapeError(
            f"prelu expected a weight of shape (1,), or ({channels},) for the channels in axis 1 "
            f"of an input {input.shape}; got {weight.shape}"
            + shape_cure("weight", weight.shape, (channels,))
        )
    one_per_channel = (-1,) + (1,) * (input.ndim - 2)
    return LeakyReLU()(input, reshape(weight, () if weight.numel() == 1 else one_per_channel))


class ELU(Smooth):
    """out = scale * (max(x, 0) + alpha * (e^(rate * min(x, 0)) - 1)), with a rate of 0 or more"""

    kind = activation_twins.ELU

    def __init__(self, alpha: float, scale: float = 1.0, rate: float = 1.0) -> None:
        self.options = scale * alpha, rate, scale

    def slope(self, x: Tensor) -> Tensor:
        left, rate, scale = self.options
        return by_side(x, left * rate * exp(rate * minimum(x, 0.0)), scale)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """out = input where input > 0, else alpha * (e^input - 1)

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    alpha : float
        The output is never below -alpha.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and Accurate Deep Network Learning
       by Exponential Linear Units", ICLR 2016, arXiv:1511.07289.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.elu(lucid.tensor([-100.0, 2.0]))
    tensor([-1.,  2.])
    """
    check_one_dtype("elu", {"input": input})
    check_number("alpha", alpha)
    return ELU(alpha)(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """out = input where input > 0, else alpha * (e^(input / alpha) - 1): its slope has no jump

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    alpha : float
        The output is never below -alpha.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.
    ValueError
        If ``alpha`` is 0.

    References
    ----------
    .. [1] J. T. Barron, "Continuously Differentiable Exponential Linear Units", 2017,
       arXiv:1704.07483.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.celu(lucid.tensor([-100.0, 2.0]), alpha=0.5)
    tensor([-0.5000,  2.0000])
    """
    check_one_dtype("celu", {"input": input})
    check_number("alpha", alpha)
    if alpha == 0:
        raise ValueError("celu divides by alpha, which must not be 0\n  try: F.relu(x)")
    if alpha < 0:  # then it grows without bound on the left, too
        return where(input > 0, input, alpha * expm1(input / alpha))
    return ELU(alpha, rate=1 / alpha)(input)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """out = scale * elu(input, alpha), with scale = 1.0507... and alpha = 1.6733...

    The two are such that numbers of mean 0 and variance 1 keep both from layer to layer, where
    weights are drawn with variance 1 / fan-in.

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
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-Normalizing Neural
       Networks", NeurIPS 2017, arXiv:1706.02515.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.selu(lucid.tensor([-100.0, 1.0]))
    tensor([-1.7581,  1.0507])
    """
    check_one_dtype("selu", {"input": input})
    return ELU(alpha=SELU_ALPHA, scale=SELU_SCALE)(input)


#: From [1] of ``selu``, appendix.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


class Hardtanh(Function):
    """out = min(max(x, low), high), with the slope 0 at both corners

    Its slope is that of a ReLU of the distance to the nearer corner, negative outside.
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def forward(self, x: Array) -> Array:
        return np.clip(x, self.low, self.high)

    def backward(self, grad: Tensor) -> Tensor:
        x = self.saved(0)
        inside = make_tensor(np.minimum(x._array - self.low, self.high - x._array))
        if not is_grad_enabled():
            return fused(kernels.relu_backward, grad, inside)
        return where(inside <= 0, 0.0, grad)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """out = min(max(input, min_val), max_val); the slope is 1 between the two, else 0

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    min_val, max_val : float
        The limits.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If the input is not of a floating dtype.
    ValueError
        If ``min_val`` is greater than ``max_val``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.hardtanh(lucid.tensor([-3.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    check_one_dtype("hardtanh", {"input": input})
    check_number("min_val", min_val)
    check_number("max_val", max_val)
    if min_val > max_val:
        raise ValueError(f"min_val must not be greater than max_val, got {min_val} and {max_val}")
    return Hardtanh(min_val, max_val)(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """out = min(max(input, 0), 6)

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    inplace : bool
        Accepted for PyTorch's sake; a new tensor is returned in any case.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.relu6(lucid.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    check_one_dtype("relu6", {"input": input})
    return Hardtanh(0.0, 6.0)(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """out = min(max(input / 6 + 1/2, 0), 1)

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    inplace : bool
        Accepted for PyTorch's sake; a new tensor is returned in any case.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.hardsigmoid(lucid.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_one_dtype("hardsigmoid", {"input": input})
    return Hardtanh(0.0, 6.0)(input + 3) / 6


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """out = input * min(max(input / 6 + 1/2, 0), 1)

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    inplace : bool
        Accepted for PyTorch's sake; a new tensor is returned in any case.

    References
    ----------
    .. [1] A. Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.hardswish(lucid.tensor([-4.0, 1.5, 4.0]))
    tensor([-0.0000,  1.1250,  4.0000])
    """
    return input * hardsigmoid(input)
