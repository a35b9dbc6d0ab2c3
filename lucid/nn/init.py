"""Filling parameters with their first numbers, in place.

Each function draws from ``generator`` if one is given; else, while a layer is being initialized,
from the layer's own seed; else from the global random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lucid import random
from lucid.autograd import is_tensor, no_grad
from lucid.random import Generator
from lucid.tensor import Tensor
from lucid.types import Array

__all__ = [
    "calculate_gain",
    "constant_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


@no_grad()
def _fill(tensor: Tensor, numbers: Callable[[], Array | float]) -> Tensor:
    if not is_tensor(tensor):
        raise TypeError(
            f"nn.init fills a tensor, got {type(tensor).__name__}\n"
            "  try: for a lazy layer (its weight is None before the first input), run one forward "
            "first, or override reset_parameters"
        )
    tensor._array[...] = numbers()
    tensor._written()
    return tensor


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn evenly from a to b.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.nn.init.uniform_(lucid.empty(100), -1, 1)
    >>> bool((x.abs() <= 1).all())
    True
    """
    return _fill(tensor, lambda: random.stream(generator).uniform(a, b, tensor.shape))


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from the normal distribution.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.normal_(lucid.empty(2, 3)).shape
    (2, 3)
    """
    return _fill(tensor, lambda: random.stream(generator).normal(mean, std, tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one number.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.constant_(lucid.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    return _fill(tensor, lambda: val)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.zeros_(lucid.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.ones_(lucid.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs feed one output, and how many outputs one input feeds: (fan_in, fan_out).

    A weight is (out, in) or, for a convolution, (out, in / groups, K).
    """
    if not is_tensor(tensor):
        _fill(tensor, lambda: 0.0)  # raises with the cure
    if tensor.ndim < 2:
        raise ValueError(f"fans are defined for tensors of 2 axes or more, got {tensor.shape}")
    if 0 in tensor.shape:
        raise ValueError(f"fans are defined for tensors with numbers in them, got {tensor.shape}")
    taps = math.prod(tensor.shape[2:])
    return tensor.shape[1] * taps, tensor.shape[0] * taps


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity shrinks the standard deviation, to be made up for.

    Parameters
    ----------
    nonlinearity : str
        ``"linear"``, ``"conv1d"``, ``"sigmoid"``, ``"tanh"``, ``"relu"`` or ``"leaky_relu"``.
    param : float, optional
        The negative slope of ``"leaky_relu"``, 0.01 by default.

    Raises
    ------
    ValueError
        For another nonlinearity.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    slope = 0.01 if param is None else param
    gains = {
        "linear": 1.0,
        "conv1d": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1 + slope**2)),
    }
    if nonlinearity not in gains:
        raise ValueError(f"nonlinearity must be one of {', '.join(gains)}, got {nonlinearity!r}")
    return gains[nonlinearity]


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return fans(tensor)[0 if mode == "fan_in" else 1]


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers drawn evenly from -bound to bound, bound = gain * sqrt(3 / fan).

    With ``a = sqrt(5)``, the default of the layers, the bound is 1 / sqrt(fan_in).

    References
    ----------
    .. [1] K. He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import lucid
    >>> w = lucid.nn.init.kaiming_uniform_(lucid.empty(8, 3, 4), a=5**0.5)
    >>> bool((w.abs() <= 12**-0.5).all())
    True
    """
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def by_fan_in_(weight: Tensor, bias: Tensor | None) -> None:
    """How Linear and Conv1d begin: weight and bias evenly from -bound to bound = 1 / sqrt(fan_in).

    That is ``kaiming_uniform_`` with a = sqrt(5), for reasons of history [1]_.

    References
    ----------
    .. [1] https://github.com/pytorch/pytorch/issues/15314
    """
    kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        bound = 1 / math.sqrt(fans(weight)[0])
        uniform_(bias, -bound, bound)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from the normal distribution of standard deviation gain / sqrt(fan).

    References
    ----------
    .. [1] K. He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.kaiming_normal_(lucid.empty(8, 3, 4)).shape
    (8, 3, 4)
    """
    return normal_(
        tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)), generator
    )


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill evenly from -bound to bound, bound = gain * sqrt(6 / (fan_in + fan_out)).

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
       networks", AISTATS 2010.

    Examples
    --------
    >>> import lucid
    >>> w = lucid.nn.init.xavier_uniform_(lucid.empty(2, 4))
    >>> bool((w.abs() <= 1).all())
    True
    """
    bound = gain * math.sqrt(6.0 / np.sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from the normal distribution of standard deviation gain * sqrt(2 / (fan_in + fan_out)).

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
       networks", AISTATS 2010.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.xavier_normal_(lucid.empty(2, 4)).shape
    (2, 4)
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / np.sum(fans(tensor))), generator)
