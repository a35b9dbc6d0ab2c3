"""Matrices with a structure: identity, orthogonal rows, many zeros."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lucid import random
from lucid.errors import check_size
from lucid.nn.init.filling import check_axes, draw, fill
from lucid.random import Generator
from lucid.tensor import Tensor
from lucid.types import Array


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with 1 on the diagonal and 0 elsewhere: a Linear layer that changes nothing.

    Parameters
    ----------
    tensor : Tensor
        A matrix; it is changed in place, and returned.

    Raises
    ------
    ShapeError
        If it is no matrix.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.eye_(lucid.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    check_axes(tensor, "eye_", 2, 2)
    return fill(tensor, lambda: np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a weight so that the convolution passes its channels on as they are.

    ``w[o, c, k] = 1`` for c = o and k = K // 2, else 0; with groups, in each group by itself. An
    output channel that has no input channel gets 0 only.

    Parameters
    ----------
    tensor : Tensor
        (O, C / groups, K)
    groups : int
        Into how many groups the channels are split.

    Raises
    ------
    ShapeError
        If it has less than 3 axes, or more than 5.
    ValueError
        If O is not divisible by groups.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.init.dirac_(lucid.empty(2, 2, 3))
    tensor([[[0., 1., 0.],
             [0., 0., 0.]],
            [[0., 0., 0.],
             [0., 1., 0.]]])
    """
    O, C, *K = check_axes(tensor, "dirac_", 3, 5)
    groups = check_size("groups", groups, 1)
    if O % groups:
        raise ValueError(f"the first axis must be divisible by groups: {O} and groups={groups}")

    def numbers() -> Array:
        weight = np.zeros(tensor.shape)
        place = np.arange(O) % (O // groups)  # of each output channel, within its group
        paired = place < C
        ones: tuple[Any, ...] = np.flatnonzero(paired), place[paired], *(k // 2 for k in K)
        weight[ones] = 1
        return weight

    return fill(tensor, numbers)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill so that the rows, or the columns if they are fewer, are orthogonal, of length ``gain``.

    Axes after the first count as one.

    Parameters
    ----------
    tensor : Tensor
        Of at least two axes; it is changed in place, and returned.
    gain : float
        The length of the rows.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ShapeError
        If it has less than 2 axes.

    References
    ----------
    .. [1] A. Saxe, J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of
       learning in deep linear neural networks", ICLR 2014, arXiv:1312.6120.

    Examples
    --------
    >>> import lucid
    >>> w = lucid.nn.init.orthogonal_(lucid.empty(2, 5))
    >>> bool(((w @ w.T - lucid.eye(2)).abs() < 1e-6).all())
    True
    """
    rows, *others = check_axes(tensor, "orthogonal_", 2, 64)
    columns = math.prod(others)

    def numbers() -> Array:
        drawn = random.stream(generator).normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(drawn)
        q *= np.where(np.diag(r) < 0, -1, 1)  # else not every rotation would be equally likely
        return gain * (q if rows >= columns else q.T).reshape(tensor.shape)

    return draw(tensor, numbers) if tensor.numel() else tensor


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill a matrix from the normal distribution, and in each column a share of it with 0.

    Parameters
    ----------
    tensor : Tensor
        (rows, columns)
    sparsity : float
        The share, from 0 to 1: ceil(sparsity * rows) numbers, at random places, are 0.
    std : float
        The standard deviation of the others.
    generator : Generator, optional
        To draw from.

    Raises
    ------
    ShapeError
        If it is no matrix.
    ValueError
        If the share is not from 0 to 1, or std is negative.

    References
    ----------
    .. [1] J. Martens, "Deep learning via Hessian-free optimization", ICML 2010.

    Examples
    --------
    >>> import lucid
    >>> w = lucid.nn.init.sparse_(lucid.empty(4, 3), sparsity=0.5)
    >>> (w == 0).sum(0).tolist()
    [2, 2, 2]
    """
    rows, _ = check_axes(tensor, "sparse_", 2, 2)
    if not (0 <= sparsity <= 1 and std >= 0):
        raise ValueError(
            f"sparsity is from 0 to 1 and std from 0 up, got sparsity={sparsity}, std={std}"
        )

    def numbers() -> Array:
        stream = random.stream(generator)
        drawn = stream.normal(0, std, tensor.shape)
        order = stream.random(tensor.shape).argsort(0)  # of each column by itself
        np.put_along_axis(drawn, order[: math.ceil(sparsity * rows)], 0.0, 0)
        return drawn

    return draw(tensor, numbers)
