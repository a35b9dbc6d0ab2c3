"""The kernels of activations once more, in NumPy; what a kind means stands in ``activations.pyx``.

Smooth activations are worked out in double precision, from ``e = e^-|x|``, which cannot overflow:
the sigmoid is 1 / (1 + e) right of 0, and e / (1 + e) left of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Numbers = tuple[float, ...]

quiet = np.errstate(all="ignore")  # IEEE: 0 * inf is nan, without a word

GELU, GELU_TANH, SILU, MISH, SOFTPLUS, LOG_SIGMOID, ELU = range(7)

CUBIC = 0.044715
STEEP = 2 * math.sqrt(2 / math.pi)


@quiet
def activation_forward(x: Array, y: Array, kind: int, options: Array) -> None:
    """y = f(x), for the activation f that the kind names"""
    y[:] = VALUES[kind](x.astype(np.float64), *options.tolist())


@quiet
def activation_backward(g: Array, x: Array, gx: Array, kind: int, options: Array) -> None:
    """gx = g * f'(x)"""
    gx[:] = g * SLOPES[kind](x.astype(np.float64), *options.tolist())


@quiet
def logit_loss_forward(x: Array, y: Array, t: Array) -> None:
    """y = t * log(1 + e^-x) + (1 - t) * log(1 + e^x)"""
    wide = x.astype(np.float64)
    y[:] = (1 - t) * -log_sigmoid(-wide) - t * log_sigmoid(wide)


@quiet
def logit_loss_backward(g: Array, x: Array, gx: Array, t: Array) -> None:
    """gx = g * (1 / (1 + e^-x) - t)"""
    wide = x.astype(np.float64)
    gx[:] = g * ((1 - t) * sigmoid(wide) - t * sigmoid(-wide))


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)"""
    e = np.exp(-np.abs(x))
    out: Array = np.where(x < 0, e, 1) / (1 + e)
    return out


def log_sigmoid(x: Array, *_: float) -> Array:
    """-log(1 + e^-x)"""
    out: Array = np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))
    return out


def log_sigmoid_slope(x: Array, *_: float) -> Array:
    """1 / (1 + e^x)"""
    return sigmoid(-x)


def normal_cdf(x: Array, powers: Numbers) -> Array:
    """P(x): with a = |x|, t = (a - 4) / (a + 4) and h the polynomial at t::

    P = e^(-a^2 / 2) / 2 * h  where x <= 0, else 1 - that
    """
    a = np.minimum(np.abs(x), 40)  # there the result is 0 or 1, and 40 / 40 is not inf / inf
    tail = np.exp(-a * a / 2) / 2 * np.polyval(powers, (a - 4) / (a + 4))
    return np.where(x > 0, 1 - tail, tail)


def gelu(x: Array, *powers: float) -> Array:
    """x * P(x)"""
    return x * normal_cdf(x, powers)


def gelu_slope(x: Array, *powers: float) -> Array:
    """P(x) + x * e^(-x^2 / 2) / sqrt(2 pi)"""
    out: Array = normal_cdf(x, powers) + x * (np.exp(-x * x / 2) * math.sqrt(0.5 / math.pi))
    return out


def gelu_tanh(x: Array, *_: float) -> Array:
    """x * s(z), with s for the sigmoid"""
    return x * sigmoid(STEEP * x * (1 + CUBIC * x * x))


def gelu_tanh_slope(x: Array, *_: float) -> Array:
    """s(z) + x * s(z) * s(-z) * dz/dx; beyond 40, s(z) is 0 or 1"""
    a = np.clip(x, -40, 40)
    z, slope = STEEP * a * (1 + CUBIC * a * a), STEEP * (1 + 3 * CUBIC * a * a)
    return sigmoid(z) + x * (sigmoid(z) * sigmoid(-z) * slope)


def silu(x: Array, *_: float) -> Array:
    """x * s(x)"""
    return x * sigmoid(x)


def silu_slope(x: Array, *_: float) -> Array:
    """s(x) + x * s(x) * s(-x)"""
    return sigmoid(x) + x * (sigmoid(x) * sigmoid(-x))


def mish_gate(x: Array) -> tuple[Array, Array]:
    """w = tanh(log(1 + e^x)) and 1 - w^2; tanh(log v) is (v^2 - 1) / (v^2 + 1)"""
    e = np.exp(-np.abs(x))
    # v^2 + 1, with v = 1 + e^x; right of 0, divided by e^2x like all the rest
    below = np.where(x < 0, e * (e + 2) + 2, 1 + 2 * e + 2 * e * e)
    above = np.where(x < 0, e * (e + 2), 1 + 2 * e)
    return above / below, 4 * (1 + e) ** 2 * np.where(x < 0, 1, e * e) / below**2


def mish(x: Array, *_: float) -> Array:
    """x * w"""
    return x * mish_gate(x)[0]


def mish_slope(x: Array, *_: float) -> Array:
    """w + x * (1 - w^2) * s(x)"""
    w, rest = mish_gate(x)
    return w + x * (rest * sigmoid(x))


def softplus(x: Array, beta: float, threshold: float) -> Array:
    """log(1 + e^z) / beta with z = beta * x, and x where z > threshold"""
    z = beta * x
    return np.where(z > threshold, x, -log_sigmoid(-z) / np.float64(beta))


def softplus_slope(x: Array, beta: float, threshold: float) -> Array:
    """s(z), and 1 where z > threshold"""
    z = beta * x
    return np.where(z > threshold, 1, sigmoid(z))


def elu(x: Array, left: float, rate: float, scale: float) -> Array:
    """scale * x where x >= 0, else left * (e^(rate * x) - 1)"""
    return np.where(x >= 0, scale * x, left * np.expm1(rate * np.minimum(x, 0)))


def elu_slope(x: Array, left: float, rate: float, scale: float) -> Array:
    """scale where x > 0, else left * rate * e^(rate * x)"""
    return np.where(x > 0, scale, left * rate * np.exp(rate * np.minimum(x, 0)))


VALUES: list[Callable[..., Array]] = [gelu, gelu_tanh, silu, mish, softplus, log_sigmoid, elu]
SLOPES: list[Callable[..., Array]] = [
    gelu_slope, gelu_tanh_slope, silu_slope, mish_slope, softplus_slope, log_sigmoid_slope,
    elu_slope,
]  # fmt: skip


# ------------------------------------------------------------------------- with names of their own


def relu_backward(g: Array, x: Array, gx: Array) -> None:
    """gx = 0 where x <= 0, else g"""
    gx[:] = np.where(x <= 0, 0, g)


def leaky_relu(g: Array, x: Array, out: Array, slope: float) -> None:
    """out = g where x > 0, else slope * g"""
    out[:] = np.where(x > 0, g, slope * g)


def tanh_forward(x: Array, y: Array) -> None:
    """y = tanh(x)"""
    np.tanh(x, out=y)


def tanh_backward(g: Array, y: Array, gx: Array) -> None:
    """gx = g * (1 - y * y)"""
    gx[:] = g * (1 - y * y)


def sigmoid_forward(x: Array, y: Array) -> None:
    """y = 1 / (1 + e^-x); where e^-x overflows, 1 / (1 + inf) is the 0 it should be"""
    np.negative(x, out=y)
    np.exp(y, out=y)
    y += 1
    np.reciprocal(y, out=y)


def sigmoid_backward(g: Array, y: Array, gx: Array) -> None:
    """gx = g * y * (1 - y)"""
    gx[:] = g * y * (1 - y)
