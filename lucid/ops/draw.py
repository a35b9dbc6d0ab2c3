"""Draws with given probabilities, and from a normal distribution of any mean. No gradients."""

from __future__ import annotations

import builtins
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import random, types
from lucid.autograd import is_tensor, make_tensor
from lucid.cures import broadcast, cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.broadcast import common_shape, raw
from lucid.ops.create import checked_shape
from lucid.types import Array

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
    DtypeError
        If the dtype is none of fractions.
    ValueError
        If a probability is not from 0 to 1.
    TypeError
        If ``generator`` is something else.

    Examples
    --------
    >>> import lucid
    >>> lucid.bernoulli(lucid.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    p = input._array
    if not input.is_floating_point():
        raise DtypeError(
            f"bernoulli needs float probabilities, got {input.dtype.name}" + cure("x.float()")
        )
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(
            f"bernoulli needs float probabilities from 0 to 1, got {p.min()} to {p.max()}"
            + cure("x.sigmoid()")
        )
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
        If there is neither a row nor rows, or no place in them.
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
        shape = (math.prod(input.shape[:-1]), *input.shape[-1:])
        raise ShapeError(
            "multinomial draws from one row of weights (n,) or several (N, n), got "
            f"{input.shape}"
            + cure(f"x.flatten(0, {input.ndim - 2})" if input.ndim else "x[None]", shape)
        )
    if input.shape[-1] == 0:
        sizes = ", ".join(str(max(n, 1)) for n in input.shape)
        raise ShapeError(
            f"multinomial needs at least one place to draw, got {input.shape}"
            + cure(f"lucid.ones({sizes})")
        )
    weights, count = np.atleast_2d(input._array).astype(np.float64), operator.index(num_samples)
    if count < 1:
        raise ValueError(
            f"multinomial draws at least one place, got {num_samples}" + cure("num_samples=1")
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            f"multinomial needs finite weights from 0 up, got {weights.min()} to {weights.max()}"
            + cure("x.softmax(-1)")
        )
    most = (weights > 0).sum(1).min(initial=count)
    if most < (1 if replacement else count):
        raise ValueError(
            "multinomial needs weights above 0, as many as are drawn without replacement: got "
            f"{most} in a row for {count} draws, replacement={replacement}"
            + cure("replacement=True" if most else "x.softmax(-1)")
        )
    stream = random.stream(generator)
    drawn = [stream.choice(len(w), count, replacement, chances(w)) for w in weights]
    out = np.stack(drawn) if drawn else np.zeros((0, count), np.int64)
    return make_tensor(out[0] if input.ndim == 1 else out)


def chances(weights: Array) -> Array:
    """Weights as probabilities: the sum cannot overflow, and none but 0 becomes 0."""
    parts = weights / weights.max()
    parts[weights > 0] = np.maximum(parts[weights > 0], np.finfo(np.float64).tiny)
    out: Array = parts / parts.sum()
    return out


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
        code = "std.abs()" if is_tensor(std) else f"std={-s}"
        raise ValueError(f"the standard deviation is at least 0, got {s.min()}{cure(code)}")
    shape = drawn_shape(m.shape, s.shape, size)
    floats = [x.dtype for x in (mean, std) if is_tensor(x) and x.is_floating_point()]
    dtype = np.result_type(*[d.numpy for d in floats or [types.get_default_dtype()]])
    drawn = random.stream(generator).standard_normal(shape)
    return make_tensor(np.asarray(m + s * drawn).astype(dtype))


def drawn_shape(mean: tuple[int, ...], std: tuple[int, ...], size: Any) -> tuple[int, ...]:
    """How many numbers are drawn: the size asked for, or that of mean and deviation together."""
    shape = common_shape(("mean", "std"), (mean, std))
    asked = shape if size is None else checked_shape((size,))
    if broadcast(shape, asked) != asked:
        raise ShapeError(
            f"normal draws one number for each of mean and std, {shape}, or several: got size "
            f"{asked}" + cure(f"size={shape}")
        )
    return asked
