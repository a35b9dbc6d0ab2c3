"""Numbers drawn one by one, or all the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucid import random
from lucid.autograd import is_tensor, no_grad
from lucid.cures import cure, rank_cure
from lucid.errors import DtypeError, ShapeError
from lucid.random import Generator
from lucid.tensor import Tensor
from lucid.types import Array


@no_grad()
def fill(tensor: Tensor, numbers: Callable[[], Array | float]) -> Tensor:
    """Fill with what a function returns, outside any graph; an error, if it is no tensor."""
    if not is_tensor(tensor):
        raise TypeError(
            f"nn.init fills a tensor, got {type(tensor).__name__}\n"
            "  try: for a lazy layer (its weight is None before the first input), run one forward "
            "first, or override reset_parameters"
        )
    tensor._array[...] = numbers()
    tensor._written()
    return tensor


def draw(tensor: Tensor, numbers: Callable[[], Array | float]) -> Tensor:
    """Fill with numbers that are drawn, thus fractions; an error, if the tensor holds others."""
    if is_tensor(tensor) and not tensor.is_floating_point():
        raise DtypeError(
            f"nn.init draws fractions, which a tensor of {tensor.dtype.name} does not hold"
            + cure("tensor.float()")
        )
    return fill(tensor, numbers)


def check_axes(tensor: Tensor, name: str, least: int, most: int) -> tuple[int, ...]:
    """The shape of a tensor that has so many axes; an error for another, and for no tensor."""
    if not is_tensor(tensor):
        fill(tensor, lambda: 0.0)  # raises with the cure
    if not least <= tensor.ndim <= most:
        axes = f"{least} axes" if least == most else f"{least} to {most} axes"
        raise ShapeError(
            f"{name} fills a tensor of {axes}, got shape {tensor.shape}"
            + rank_cure("tensor", tensor.shape, least, most)
        )
    return tensor.shape


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn evenly from a to b.

    Parameters
    ----------
    tensor : Tensor
        Of any shape; it is changed in place, and returned.
    a, b : float
        The interval.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ValueError
        If a is above b.
    DtypeError
        If the tensor does not hold floats.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.nn.init.uniform_(lucid.empty(100), -1, 1)
    >>> bool((x.abs() <= 1).all())
    True
    """
    if not a <= b:
        raise ValueError(f"uniform_ draws from a up to b, got a={a}, b={b}")
    return draw(tensor, lambda: random.stream(generator).uniform(a, b, tensor.shape))


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from the normal distribution.

    Parameters
    ----------
    tensor : Tensor
        Of any shape; it is changed in place, and returned.
    mean, std : float
        Of the distribution.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ValueError
        If std is negative.
    DtypeError
        If the tensor does not hold floats.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.normal_(lucid.empty(2, 3)).shape
    (2, 3)
    """
    if not std >= 0:
        raise ValueError(f"std is a number from 0 up, got {std}")
    return draw(tensor, lambda: random.stream(generator).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers drawn from the normal distribution, those outside [a, b] left out.

    Parameters
    ----------
    tensor : Tensor
        Of any shape; it is changed in place, and returned.
    mean, std : float
        Of the distribution before anything is left out.
    a, b : float
        The interval.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ValueError
        If a is not below b, or std is not above 0.
    DtypeError
        If the tensor does not hold floats.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.nn.init.trunc_normal_(lucid.empty(100), std=0.02, a=-0.04, b=0.04)
    >>> bool((x.abs() <= 0.04).all())
    True
    """
    if not (a < b and std > 0):
        raise ValueError(
            f"trunc_normal_ needs a < b and a std above 0, got a={a}, b={b}, std={std}"
        )

    def numbers() -> Array:
        # The density on a fine grid, summed up, is how likely a number is to lie below each point;
        # a number drawn evenly from 0 to 1 is such a likelihood. Beyond 12 deviations from the
        # likeliest point of [a, b] there is nothing to be drawn.
        low, high = (a - mean) / std, (b - mean) / std
        likeliest = min(max(0.0, low), high)
        z = np.linspace(max(low, likeliest - 12), min(high, likeliest + 12), 1 << 14)
        density = np.exp((likeliest**2 - z**2) / 2)
        below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
        drawn = random.stream(generator).uniform(0, below[-1], tensor.shape)
        return np.clip(mean + std * np.interp(drawn, below, z), a, b)

    return draw(tensor, numbers)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one number.

    Parameters
    ----------
    tensor : Tensor
        Of any shape; it is changed in place, and returned.
    val : float
        The number.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.constant_(lucid.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    return fill(tensor, lambda: val)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0.

    Parameters
    ----------
    tensor : Tensor
        Of any shape; it is changed in place, and returned.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.zeros_(lucid.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1.

    Parameters
    ----------
    tensor : Tensor
        Of any shape; it is changed in place, and returned.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.ones_(lucid.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)
