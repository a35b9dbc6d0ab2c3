"""Dropping numbers at random, so that no part of a model relies on a single other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid import random
from lucid.autograd import make_tensor
from lucid.cures import probability_cure, rank_cure
from lucid.errors import ShapeError
from lucid.ops.checks import check_number, check_one_dtype
from lucid.ops.rectifier import SELU_ALPHA, SELU_SCALE
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """y = input * mask / (1 - p), each number of the mask 0 with probability p, else 1

    So a number keeps its value on average. Without ``training``, y = input.

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    p : float
        The probability to be dropped, from 0 to 1.
    training : bool
        Whether anything is dropped at all.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
       Overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> sorted(set(F.dropout(lucid.ones(100), p=0.5).tolist()))
    [0.0, 2.0]
    """
    check_probability(p)
    check_one_dtype("dropout", {"input": input})
    if not training or p == 0:
        return input
    return input * make_tensor(scaled_mask(input.shape, p, input._array.dtype))


def check_probability(p: float) -> None:
    """From 0 to 1."""
    check_number("p", p)
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability, from 0 to 1; got {p}" + probability_cure("p", p))


def kept(shape: tuple[int, ...], p: float) -> Array:
    """True with probability 1 - p."""
    return random.stream().random(shape, dtype=np.float32) >= p


def scaled_mask(shape: tuple[int, ...], p: float, dtype: np.dtype[np.floating]) -> Array:
    """0 with probability p, else 1 / (1 - p)."""
    mask = kept(shape, p).astype(dtype)
    mask *= 0.0 if p == 1 else 1 / (1 - p)
    return mask


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """y[n, c] = input[n, c] * mask[n, c] / (1 - p): whole channels are dropped

    Neighbours in a signal resemble each other: where one number is dropped alone, the next tells
    what it was. Without ``training``, y = input.

    Parameters
    ----------
    input : Tensor
        (N, C, L), or (C, L) for one sample, of a floating dtype.
    p : float
        The probability of a channel to be dropped, from 0 to 1.
    training : bool
        Whether anything is dropped at all.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    ShapeError
        If the input has neither two nor three axes.
    ValueError
        If p is not from 0 to 1.
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] J. Tompson, R. Goroshin, A. Jain, Y. LeCun, C. Bregler, "Efficient Object Localization
       Using Convolutional Networks", CVPR 2015, arXiv:1411.4280.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> y = F.dropout1d(lucid.ones(4, 8, 20))
    >>> bool((y == y[:, :, :1]).all())
    True
    """
    check_probability(p)
    check_one_dtype("dropout1d", {"input": input})
    if input.ndim not in (2, 3):
        raise ShapeError(
            f"dropout1d expected an input (N, C, L) or (C, L), got {input.shape}"
            + rank_cure("x", input.shape, 2, 3)
        )
    if not training or p == 0:
        return input
    return input * make_tensor(scaled_mask((*input.shape[:-1], 1), p, input._array.dtype))


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """y = a * (input where kept, else m) + b: what ``dropout`` is to other layers, for ``selu``

    A dropped number becomes m = -1.7581, the least value of ``selu``; a and b are such that numbers
    of mean 0 and variance 1 keep both. Without ``training``, y = input.

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    p : float
        The probability to be dropped, from 0 to 1; for 1 all is 0.
    training : bool
        Whether anything is dropped at all. Mind the default.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.
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
    >>> y = F.alpha_dropout(lucid.randn(10000), 0.2, training=True)
    >>> bool(abs(y.mean()) < 0.1), bool(abs(y.std() - 1) < 0.1)
    (True, True)
    """
    check_probability(p)
    check_one_dtype("alpha_dropout", {"input": input})
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0
    least = -SELU_SCALE * SELU_ALPHA
    a = ((1 - p) * (1 + p * least**2)) ** -0.5  # 1 / standard deviation
    mask = kept(input.shape, p).astype(input._array.dtype)
    # of the mean of kept numbers, 0, and of dropped ones, least
    shift = a * (least * (1 - mask) - p * least)
    return input * make_tensor(a * mask) + make_tensor(shift)
