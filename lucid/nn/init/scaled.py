"""Numbers drawn from a range that keeps the scale of a signal from layer to layer."""

from __future__ import annotations

import math

import numpy as np

from lucid.autograd import is_tensor
from lucid.cures import choice_cure, not_empty_cure, rank_cure
from lucid.errors import ShapeError
from lucid.nn.init.filling import fill, normal_, uniform_
from lucid.random import Generator
from lucid.tensor import Tensor


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs feed one output, and how many outputs one input feeds: (fan_in, fan_out).

    A weight is (out, in) or, for a convolution, (out, in / groups, K).
    """
    if not is_tensor(tensor):
        fill(tensor, lambda: 0.0)  # raises with the cure
    if tensor.ndim < 2:
        raise ShapeError(
            f"fans are defined for tensors of 2 axes or more, got {tensor.shape}"
            + rank_cure("tensor", tensor.shape, 2, 2)
        )
    if 0 in tensor.shape:
        raise ShapeError(
            f"fans are defined for tensors with numbers in them, got {tensor.shape}"
            + not_empty_cure(tensor.shape)
        )
    taps = math.prod(tensor.shape[2:])
    return tensor.shape[1] * taps, tensor.shape[0] * taps


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity shrinks the standard deviation, to be made up for.

    Parameters
    ----------
    nonlinearity : str
        ``"linear"``, ``"conv1d"``, ``"conv_transpose1d"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``,
        ``"leaky_relu"`` or ``"selu"``.
    param : float, optional
        The negative slope of ``"leaky_relu"``, 0.01 by default.

    Raises
    ------
    ValueError
        For another nonlinearity, or a slope that is no number.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    slope = 0.01 if param is None or nonlinearity != "leaky_relu" else param
    if isinstance(slope, bool) or not isinstance(slope, int | float | np.number):
        raise ValueError(f"the negative slope of leaky_relu is a number, got {slope!r}")
    gains = {
        "linear": 1.0,
        "conv1d": 1.0,
        "conv_transpose1d": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1 + slope**2)),
        "selu": 3.0 / 4,
    }
    if nonlinearity not in gains:
        raise ValueError(
            f"nonlinearity must be one of {', '.join(gains)}, got {nonlinearity!r}"
            + choice_cure("nonlinearity", nonlinearity, list(gains))
        )
    return gains[nonlinearity]


def fan(tensor: Tensor, mode: str) -> int:
    """One of the fans."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(
            f"mode must be 'fan_in' or 'fan_out', got {mode!r}"
            + choice_cure("mode", mode, ("fan_in", "fan_out"))
        )
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

    Parameters
    ----------
    tensor : Tensor
        (out, in, ...); it is changed in place, and returned.
    a : float
        The slope below 0 of the leaky ReLU that follows.
    mode : str
        Which fan: ``"fan_in"``, what each output reads, or ``"fan_out"``.
    nonlinearity : str
        What follows, for ``calculate_gain``.
    generator : Generator, optional
        Where to draw from instead of the global stream.

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
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / fan(tensor, mode))
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

    Parameters
    ----------
    tensor : Tensor
        (out, in, ...); it is changed in place, and returned.
    a : float
        The slope below 0 of the leaky ReLU that follows.
    mode : str
        Which fan: ``"fan_in"``, what each output reads, or ``"fan_out"``.
    nonlinearity : str
        What follows, for ``calculate_gain``.
    generator : Generator, optional
        Where to draw from instead of the global stream.

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
        tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(fan(tensor, mode)), generator
    )


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill evenly from -bound to bound, bound = gain * sqrt(6 / (fan_in + fan_out)).

    Parameters
    ----------
    tensor : Tensor
        (out, in, ...); it is changed in place, and returned.
    gain : float
        A factor, as ``calculate_gain`` has it.
    generator : Generator, optional
        Where to draw from instead of the global stream.

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

    Parameters
    ----------
    tensor : Tensor
        (out, in, ...); it is changed in place, and returned.
    gain : float
        A factor, as ``calculate_gain`` has it.
    generator : Generator, optional
        Where to draw from instead of the global stream.

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
