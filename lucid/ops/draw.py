"""Draws with given probabilities, and from a normal distribution of any mean. No gradients."""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import random, types
from lucid.autograd import is_tensor, make_tensor
from lucid.errors import ShapeError
from lucid.ops.broadcast import raw
from lucid.ops.create import checked_shape

if TYPE_CHECKING:
    from lucid.random import Generator
    from lucid.tensor import Tensor, TensorLike


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """out = 1 with the probability that input has there, else 0

    Parameters
    ----------
    input : Tensor
        Probabilities of a floating dtype, of any shape.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ValueError
        If a probability is not from 0 to 1, or the dtype is none of fractions.
    TypeError
        If ``generator`` is something else.

    Examples
    --------
    >>> import lucid
    >>> lucid.bernoulli(lucid.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    p = input._array
    if not input.is_floating_point() or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bernoulli needs float probabilities from 0 to 1\n  try: x.sigmoid()")
    return make_tensor((random.stream(generator).random(p.shape) < p).astype(p.dtype))


def multinomial(
    input: Tensor,
    num_samples: builtins.int,
    replacement: builtins.bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """out = ``num_samples`` places of each row, drawn with the weights that input has there

    Parameters
    ----------
    input : Tensor
        One row of weights (n,), or several (N, n); they need not add up to 1.
    num_samples : int
        How many places are drawn.
    replacement : bool
        Whether a place may be drawn again.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ShapeError
        If there is neither a row nor rows.
    ValueError
        If a weight is negative or not finite, there are too few places to draw from, or none is to
        be drawn.

    Examples
    --------
    >>> import lucid
    >>> lucid.multinomial(lucid.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    if input.ndim not in (1, 2):
        raise ShapeError(f"multinomial draws from one row of weights or several, got {input.shape}")
    weights, count = np.atleast_2d(input._array).astype(np.float64), operator.index(num_samples)
    enough = (weights > 0).sum(1) >= (1 if replacement else count)
    if count < 1 or not (np.isfinite(weights).all() and (weights >= 0).all() and enough.all()):
        raise ValueError(
            "multinomial needs finite weights from 0 up, as many above 0 as are drawn without "
            f"replacement: got {num_samples} of {input.shape}, replacement={replacement}"
        )
    stream = random.stream(generator)
    drawn = [stream.choice(len(w), count, replacement, w / w.sum()) for w in weights]
    out = np.stack(drawn) if drawn else np.zeros((0, count), np.int64)
    return make_tensor(out[0] if input.ndim == 1 else out)


def normal(
    mean: TensorLike,
    std: TensorLike = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """out = mean + std * z, with z drawn from the normal distribution of mean 0 and variance 1

    Parameters
    ----------
    mean, std : Tensor or number
        Of shapes that broadcast.
    size : tuple of int, optional
        The shape; two numbers need one.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    TypeError
        For two numbers without a size.
    ValueError
        If ``std`` is negative.
    ShapeError
        If the shapes do not broadcast, or not to ``size``.

    Examples
    --------
    >>> import lucid
    >>> lucid.normal(lucid.tensor([1.0, 2.0]), 0.0)
    tensor([1., 2.])
    """
    m, s = np.asarray(raw(mean)), np.asarray(raw(std))
    if size is None and not (is_tensor(mean) or is_tensor(std)):
        raise TypeError("normal of two numbers needs a size\n  try: lucid.normal(0.0, 1.0, (3,))")
    if not (s >= 0).all():
        raise ValueError(f"the standard deviation is at least 0, got {s.min()}")
    shape = drawn_shape(m.shape, s.shape, size)
    floats = [x.dtype for x in (mean, std) if is_tensor(x) and x.is_floating_point()]
    dtype = np.result_type(*[d.numpy for d in floats or [types.get_default_dtype()]])
    drawn = random.stream(generator).standard_normal(shape)
    return make_tensor(np.asarray(m + s * drawn).astype(dtype))


def drawn_shape(mean: tuple[int, ...], std: tuple[int, ...], size: Any) -> tuple[int, ...]:
    """How many numbers are drawn: the size asked for, or that of mean and deviation together."""
    asked = None if size is None else checked_shape((size,))
    try:
        shape = np.broadcast_shapes(mean, std, asked or ())
    except ValueError:
        shape = None
    if shape is None or asked not in (None, shape):
        raise ShapeError(
            "sizes of mean and std must be equal, or 1, along each axis from the last, and go into "
            f"the size asked for: got mean {mean}, std {std}, size {asked}"
        )
    return shape
