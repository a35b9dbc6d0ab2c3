"""Losses against probabilities: of yes and no for each number, or of a whole distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid._ext import kernels
from lucid.autograd import Function, is_grad_enabled
from lucid.cures import broadcast, same_shape_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.activation import logsigmoid
from lucid.ops.checks import check_tensor
from lucid.ops.choosing import clamp, where
from lucid.ops.elementwise import each, exp, fused, log, sigmoid
from lucid.ops.loss import check_pair, check_reduction, reduced
from lucid.ops.reduce import sum
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class BinaryCrossEntropy(Function):
    """out = -t * log x - (1 - t) * log(1 - x), where a logarithm counts as -100 at least"""

    def forward(self, x: Array, t: Array) -> Array:
        return (t - 1) * np.maximum(np.log1p(-x), -100) - t * np.maximum(np.log(x), -100)  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, t = self.saved(0), self.saved(1)
        grad_x = grad_t = None
        if self.needs[0]:
            grad_x = grad * (x - t) / clamp((1 - x) * x, min=1e-12)  # not 0 / 0
        if self.needs[1]:
            grad_t = grad * (clamp(log(1 - x), min=-100.0) - clamp(log(x), min=-100.0))
        return grad_x, grad_t


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """loss = mean of -target * log(input) - (1 - target) * log(1 - input)

    Logarithms count as -100 at least: the loss stays finite where the input is wrong and certain.

    Parameters
    ----------
    input : Tensor
        Of any shape: probabilities, from 0 to 1. Where they are the ``sigmoid`` of scores, use
        ``binary_cross_entropy_with_logits``, which loses no digits.
    target : Tensor
        What was wanted, from 0 to 1, in the shape and dtype of the input.
    weight : Tensor, optional
        What each number counts, in a shape that broadcasts to that of the input.
    reduction : str
        ``"mean"``, ``"sum"``, or ``"none"`` for one value per number.

    Raises
    ------
    ShapeError
        If the shapes differ.
    TypeError
        If the dtypes differ, or are not floating.
    ValueError
        If an input is no probability.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.binary_cross_entropy(lucid.tensor([0.5, 0.0]), lucid.tensor([1.0, 0.0]))
    tensor(0.3466)
    """
    check_reduction(reduction)
    check_probabilities(input, target, "binary_cross_entropy")
    numbers = input._array
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= 1):
        wrong = numbers[~((numbers >= 0) & (numbers <= 1))]
        raise ValueError(
            f"binary_cross_entropy reads probabilities, from 0 to 1; got {wrong[0]:g}\n"
            "  try: F.binary_cross_entropy_with_logits(x, target)"
        )
    return reduced(scaled(BinaryCrossEntropy()(input, target), "weight", weight), reduction)


def check_probabilities(input: Tensor, target: Tensor, loss: str) -> None:
    """Two tensors of one shape and one floating dtype."""
    check_pair(input, target, loss)
    if not input.is_floating_point():
        raise DtypeError(
            f"{loss} needs a float32 or float64 input, got {input.dtype.name}\n  try: x.float()"
        )
    if target.dtype is not input.dtype:
        raise DtypeError(
            f"{loss} needs one dtype, got {input.dtype.name} for input and {target.dtype.name} "
            f"for target\n  try: target.to(lucid.{input.dtype.name})"
        )


def scaled(losses: Tensor, name: str, weight: Tensor | None) -> Tensor:
    """Losses times their weights, which may be fewer, but not more."""
    if weight is None:
        return losses
    check_tensor(weight, name, "the loss")
    if broadcast(weight.shape, losses.shape) != losses.shape:
        raise ShapeError(
            f"{name} must broadcast to the shape of the input, {losses.shape}; got {weight.shape}"
            + same_shape_cure(("x", name), (losses.shape, weight.shape))
        )
    return losses * weight


class LogitLoss(Function):
    """out = t * log(1 + e^-x) + (1 - t) * log(1 + e^x)"""

    new_gradients, silent = True, True

    def forward(self, x: Array, t: Array) -> Array:
        return each(kernels.logit_loss_forward, x, t.ravel())

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, t = self.saved(0), self.saved(1)
        grad_x = grad_t = None
        if self.needs[0] and not is_grad_enabled():
            grad_x = fused(kernels.logit_loss_backward, grad, x, t._array.ravel())
        elif self.needs[0]:
            grad_x = grad * (sigmoid(x) - t)
        if self.needs[1]:
            grad_t = grad * -x
        return grad_x, grad_t


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """loss = mean of -pos_weight * target * log s(input) - (1 - target) * log s(-input)

    with the sigmoid s(x) = 1 / (1 + e^-x), for which 1 - s(x) = s(-x).

    Parameters
    ----------
    input : Tensor
        Of any shape: scores of any size, as the sigmoid is part of the loss, and nothing overflows.
    target : Tensor
        What was wanted, from 0 to 1, in the shape and dtype of the input.
    weight : Tensor, optional
        What each number counts, in a shape that broadcasts to that of the input.
    reduction : str
        ``"mean"``, ``"sum"``, or ``"none"`` for one value per number.
    pos_weight : Tensor, optional
        What each "yes" counts, in a shape that broadcasts to that of the input: more than 1 where
        a "yes" is rare.

    Raises
    ------
    ShapeError
        If the shapes do not belong together.
    TypeError
        If the dtypes differ, or are not floating.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> x, target = lucid.tensor([0.0, -1e4, 1e4]), lucid.tensor([1.0, 0.0, 1.0])
    >>> F.binary_cross_entropy_with_logits(x, target, reduction="none")
    tensor([0.6931, 0.0000, 0.0000])
    """
    check_reduction(reduction)
    check_probabilities(input, target, "binary_cross_entropy_with_logits")
    if pos_weight is None:
        losses = LogitLoss()(input, target)
    else:
        yes = scaled(target * -logsigmoid(input), "pos_weight", pos_weight)
        losses = yes - (1 - target) * logsigmoid(-input)
    return reduced(scaled(losses, "weight", weight), reduction)


def kl_div(
    input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """loss = sum of target * (log target - input), the Kullback-Leibler divergence

    where the input is the logarithm of probabilities; what has the probability 0 adds nothing.

    Parameters
    ----------
    input : Tensor
        Of any shape: log-probabilities, as ``log_softmax`` gives them.
    target : Tensor
        Probabilities, in the shape of the input.
    reduction : str
        ``"batchmean"``, the sum divided by the length of the first axis, is the divergence of the
        formula; ``"mean"`` divides by the count of all numbers; ``"sum"``; ``"none"``.
    log_target : bool
        Whether the target, too, is given as logarithms.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> input = lucid.tensor([[0.0, 0.0]]).log_softmax(1)
    >>> F.kl_div(input, lucid.tensor([[1.0, 0.0]]), reduction="batchmean")   # log 2
    tensor(0.6931)
    """
    check_reduction(reduction, "batchmean")
    check_pair(input, target, "kl_div")
    if log_target:
        losses = exp(target) * (target - input)
    else:
        losses = target * (log(where(target == 0, 1.0, target)) - input)
    if reduction == "batchmean":
        return sum(losses) / (input.shape[0] if input.ndim else 1)
    return reduced(losses, reduction)
