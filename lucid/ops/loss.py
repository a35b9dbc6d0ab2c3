"""Losses: how far predictions are from what was wanted, in one number.

Here are those of two tensors of numbers, and what all losses share. Classes are in
``loss_classes.py``, probabilities in ``loss_probabilities.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function
from lucid.cures import choice_cure, same_shape_cure
from lucid.errors import ShapeError
from lucid.ops.broadcast import floating
from lucid.ops.checks import check_number, check_tensor
from lucid.ops.choosing import clamp
from lucid.ops.elementwise import abs
from lucid.ops.reduce import mean, sum
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def reduced(values: Tensor, reduction: str) -> Tensor:
    """One number of many, as ``reduction`` says."""
    check_reduction(reduction)
    if reduction == "mean":
        return mean(values)
    return sum(values) if reduction == "sum" else values


def check_reduction(reduction: str, *others: str) -> None:
    """One of the three, or of the others that a loss knows."""
    known = ("mean", "sum", *others, "none")
    listed = ", ".join(map(repr, known[:-1])) + " or 'none'"
    if not isinstance(reduction, str):
        raise TypeError(
            f"reduction must be {listed}, got {type(reduction).__name__}\n"
            f"  try: reduction={known[0]!r}"
        )
    if reduction not in known:
        raise ValueError(
            f"reduction must be {listed}, got {reduction!r}"
            + choice_cure("reduction", reduction, (*known[:-1], "none"))
        )


def check_pair(input: Tensor, target: Tensor, loss: str) -> None:
    """Two tensors of one shape: broadcasting is nearly always a mistake here."""
    check_tensor(input, "input", loss)
    check_tensor(target, "target", loss)
    if input.shape != target.shape:
        raise ShapeError(
            f"input and target must have one shape, got {input.shape} and {target.shape}"
            + same_shape_cure(("x", "target"), (input.shape, target.shape))
        )


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """loss = mean of (input - target)^2

    Parameters
    ----------
    input, target : Tensor
        Of one shape: broadcasting here is nearly always a mistake.
    reduction : str
        ``"mean"``, ``"sum"``, or ``"none"`` for one value per number.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.mse_loss(lucid.tensor([1.0, 2.0]), lucid.tensor([1.0, 4.0]))
    tensor(2.)
    """
    check_pair(input, target, "mse_loss")
    away = input - target
    return reduced(away * away, reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """loss = mean of ``|input - target|``; its slope is taken as 0 where both are equal

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    reduction : str
        ``"mean"``, ``"sum"``, or ``"none"`` for one value per number.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.l1_loss(lucid.tensor([1.0, 2.0]), lucid.tensor([1.0, 4.0]))
    tensor(1.)
    """
    check_pair(input, target, "l1_loss")
    return reduced(abs(input - target), reduction)


class Huber(Function):
    """out = x^2 / 2 where ``|x| <= delta``, else delta * (``|x|`` - delta / 2)

    Its gradient is x, cut off at -delta and delta.
    """

    def __init__(self, delta: float) -> None:
        self.delta = delta

    def forward(self, x: Array) -> Array:
        size = np.abs(x)
        inner = np.minimum(size, self.delta)
        return inner * (size - 0.5 * inner)

    def backward(self, grad: Tensor) -> Tensor:
        return grad * clamp(self.saved(0), -self.delta, self.delta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0
) -> Tensor:
    """loss = mean of d^2 / 2 where ``|d| <= delta``, else of delta * (``|d|`` - delta / 2)

    with d = input - target: squares near the target, straight lines away from it, so that single
    wild values do not rule the loss.

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    reduction : str
        ``"mean"``, ``"sum"``, or ``"none"`` for one value per number.
    delta : float
        Where the lines begin.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If ``delta`` is not greater than 0.

    References
    ----------
    .. [1] P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical
       Statistics 35, 1964.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.huber_loss(lucid.tensor([0.0, 0.0]), lucid.tensor([1.0, 4.0]), reduction="none")
    tensor([0.5000, 3.5000])
    """
    check_pair(input, target, "huber_loss")
    check_delta(delta)
    return reduced(Huber(delta)(floating(input - target)), reduction)


def check_delta(delta: float) -> None:
    """A width greater than 0."""
    check_number("delta", delta)
    if not delta > 0:
        raise ValueError(f"delta must be greater than 0, got {delta}")


def smooth_l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """loss = mean of d^2 / (2 beta) where ``|d| < beta``, else of ``|d|`` - beta / 2

    with d = input - target: ``huber_loss`` with delta = beta, divided by beta; for beta = 0 the
    ``l1_loss``.

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    reduction : str
        ``"mean"``, ``"sum"``, or ``"none"`` for one value per number.
    beta : float
        Where the lines begin.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If ``beta`` is negative.

    References
    ----------
    .. [1] R. Girshick, "Fast R-CNN", ICCV 2015, arXiv:1504.08083.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> x, target = lucid.tensor([0.0, 0.0]), lucid.tensor([1.0, 4.0])
    >>> F.smooth_l1_loss(x, target, reduction="none", beta=2.0)
    tensor([0.2500, 3.0000])
    """
    check_pair(input, target, "smooth_l1_loss")
    check_beta(beta)
    if beta == 0:
        return l1_loss(input, target, reduction)
    return reduced(Huber(beta)(floating(input - target)) / beta, reduction)


def check_beta(beta: float) -> None:
    """A width from 0."""
    check_number("beta", beta)
    if not beta >= 0:
        raise ValueError(f"beta must be at least 0, got {beta}")
