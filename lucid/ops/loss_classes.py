"""Losses against classes: one right class, or one probability per class, for each sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import types
from lucid.autograd import Function, is_grad_enabled, is_tensor, make_tensor
from lucid.cures import cure, probability_cure, rank_cure, same_shape_cure, samples_cure, shape_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.checks import check_tensor
from lucid.ops.choosing import where
from lucid.ops.convert import to
from lucid.ops.index import gather
from lucid.ops.loss import check_reduction, reduced
from lucid.ops.reduce import sum
from lucid.ops.shape import reshape, unsqueeze
from lucid.ops.softmax import log_softmax, softmax
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean over n of -input[n, target[n]]: the negative log-likelihood

    Parameters
    ----------
    input : Tensor
        (N, C) or (N, C, L), log-probabilities.
    target : Tensor
        (N,) or (N, L), the class of each, 0 to C - 1, as int64.
    weight : Tensor, optional
        (C,), what each class counts.
    ignore_index : int
        A target that does not count.
    reduction : str
        ``"mean"`` (by the weights, if given), ``"sum"`` or ``"none"``.

    Raises
    ------
    ShapeError
        If the shapes do not belong together.
    TypeError
        If the target is not made of whole numbers.
    ValueError
        If a target is no class.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> log_probability = lucid.log(lucid.tensor([[0.5, 0.5], [0.25, 0.75]]))
    >>> F.nll_loss(log_probability, lucid.tensor([0, 1]), reduction="sum")
    tensor(0.9808)
    """
    check_reduction(reduction)
    check_classes(input, target, ignore_index, "nll_loss")
    counts = make_tensor(target._array != ignore_index)
    # a class that exists stands in for the ignored ones, but what it says is not looked at
    classes = make_tensor(np.where(counts._array, target._array, 0).astype(np.int64))
    picked = reshape(gather(input, 1, unsqueeze(classes, 1)), target.shape)
    picked = where(counts, picked, 0.0)
    share = to(counts, input.dtype)
    if weight is not None:
        check_weight(weight, input)
        share = share * weight[classes]
    losses = -(picked * share)
    if reduction == "mean":
        return sum(losses) / sum(share)
    return reduced(losses, reduction)


def check_weight(weight: Tensor, input: Tensor) -> None:
    """One weight per class."""
    if weight.shape != (input.shape[1],):
        C = input.shape[1]
        raise ShapeError(
            f"expected one weight per class, {(C,)}, got {weight.shape}"
            + shape_cure("weight", weight.shape, (C,))
        )


def check_scores(input: Tensor) -> None:
    """Scores (N, C, ...)."""
    check_tensor(input, "input", "the loss")
    if input.ndim < 2:
        raise ShapeError(
            f"expected scores (N, C), one row per sample, got {input.shape}"
            + rank_cure("scores", input.shape, 2, 2)
        )


def check_order(input: Tensor, target: Tensor, name: str) -> None:
    """The scores come before the classes."""
    both = is_tensor(input) and is_tensor(target) and target.ndim == input.ndim + 1
    if both and target.is_floating_point() and not input.is_floating_point():
        raise DtypeError(
            f"{name} takes the scores first, then the classes, but the first are "
            f"{input.dtype.name} of shape {input.shape}, the second {target.dtype.name} of "
            f"shape {target.shape}: they look exchanged{cure(f'F.{name}(scores, target)')}"
        )


def check_classes(input: Tensor, target: Tensor, ignore_index: int, name: str) -> None:
    """Scores (N, C, ...) and whole-numbered classes (N, ...) that exist."""
    check_order(input, target, name)
    check_scores(input)
    if not is_tensor(target) or target.dtype not in (types.int64, types.int32, types.uint8):
        check_tensor(target, "target", "the loss")
        raise DtypeError(
            f"classes must be whole numbers, got {target.dtype.name}\n  try: target.long()"
        )
    expected = (input.shape[0], *input.shape[2:])
    if target.shape != expected:
        code = same_shape_cure(("scores", "target"), (expected, target.shape))
        if "scores" in code:  # whose shape is not the expected one: it has the classes, too
            code = cure(f"lucid.zeros({', '.join(map(str, expected))}, dtype=lucid.int64)")
        if input.ndim == target.ndim == 2 and target.shape[1] in (1, input.shape[1]):
            code = cure("target.squeeze(1)" if target.shape[1] == 1 else "target.argmax(1)")
        elif input.ndim == 3 and target.shape == input.shape[:2]:  # classes belong in axis 1
            code = cure("scores.transpose(1, 2)", (input.shape[0], input.shape[2], input.shape[1]))
        elif input.ndim == 3 and target.shape == input.shape[:1]:  # nobody repeats labels by hand
            code = (
                "\n  scores of three axes are for a class at every position, (N, C, L): did the "
                "model forget nn.Flatten(), or pooling, before its last layer?\n"
                "  in the place of that layer" + cure("nn.Flatten(), nn.LazyLinear(classes)")
            )
        elif target.ndim and target.numel() != math.prod(expected) and len(target) != expected[0]:
            code = samples_cure([input.shape, target.shape], ("scores", "target"))
        raise ShapeError(
            f"scores {input.shape} need one class for each sample, {expected}; "
            f"got {target.shape}{code}"
        )
    C, classes = input.shape[1], target._array
    if classes.size == 0 or (classes.min() >= 0 and classes.max() < C):
        return
    wrong = classes[classes != ignore_index]
    wrong = wrong[(wrong < 0) | (wrong >= C)]
    if wrong.size:
        code = ""
        if C == 1 and set(np.unique(classes)) <= {0, 1}:  # one score for yes or no
            code = (
                "\n  one score for yes or no has a loss of its own; this one reads two scores, as "
                "of nn.Linear(..., 2)\n  try: F.binary_cross_entropy_with_logits("
                "scores.squeeze(1), target.to(scores.dtype))"
            )
        elif wrong.max() == C > 0 and classes.min() > 0:
            code = "\n  try: target - 1"
        raise ValueError(f"classes go from 0 to {C - 1}, got {int(wrong[0])}{code}")


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """loss = mean over n of -log softmax(input[n])[target[n]]

    Parameters
    ----------
    input : Tensor
        (N, C) or (N, C, L), scores of any size: the softmax is part of the loss.
    target : Tensor
        (N,) or (N, L), the class of each as int64; or probabilities in the shape of the input.
    weight : Tensor, optional
        (C,), what each class counts.
    ignore_index : int
        A target class that does not count.
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``.
    label_smoothing : float
        Spread this part of the wanted probability evenly over all classes.

    Raises
    ------
    ShapeError
        If the shapes do not belong together.
    TypeError
        If the target is made of neither whole numbers nor probabilities.
    ValueError
        If a target is no class, or ``label_smoothing`` is not between 0 and 1.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.cross_entropy(lucid.tensor([[0.0, 0.0]]), lucid.tensor([1]))   # log 2
    tensor(0.6931)
    """
    check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"label_smoothing goes from 0 to 1, got {label_smoothing}"
            + probability_cure("label_smoothing", label_smoothing)
        )
    if is_tensor(target) and target.is_floating_point() and target.shape == input.shape:
        return soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    check_classes(input, target, ignore_index, "cross_entropy")
    if (
        not label_smoothing
        and (weight is None or not weight._requires_grad)
        and input.is_floating_point()
        and target.numel()  # the mean of nothing is nan, as below
    ):
        return hard_cross_entropy(input, target, weight, ignore_index, reduction)
    scores = log_softmax(input, 1)
    hard = nll_loss(scores, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return hard
    even = smoothing_loss(scores, target, weight, ignore_index, reduction)
    return (1 - label_smoothing) * hard + label_smoothing / input.shape[1] * even


class CrossEntropy(Function):
    """out[n] = -share[n] * log softmax(x[n])[classes[n]], or the sum of it over n

    Its gradient is share[n] * (softmax(x[n]) - one), where "one" is 1 at the class wanted, else 0.
    """

    def __init__(self, classes: Array, share: Array, summed: bool) -> None:
        self.share, self.summed = share, summed
        # for indexing: x[wanted] is x[n, classes[n]], or x[n, classes[n, l], l]
        self.wanted: tuple[Array, ...] = (np.arange(len(classes)), classes)
        if classes.ndim > 1:
            n, *others = np.ogrid[tuple([slice(size) for size in classes.shape])]
            self.wanted = (n, classes, *others)

    def forward(self, x: Array) -> Any:
        # e^(x - max) is the same quotient, and cannot overflow
        powers = x - x.max(axis=1, keepdims=True, initial=-np.inf)
        picked = powers[self.wanted]
        np.exp(powers, out=powers)
        total = powers.sum(axis=1, keepdims=True)
        self.softmax = np.divide(powers, total, out=powers)
        losses = np.log(total[:, 0]) - picked
        losses *= self.share
        losses[self.share == 0] = 0  # not 0 * nan: what the ignored ones say is not looked at
        return losses.sum(dtype=x.dtype) if self.summed else losses

    def counted(self) -> Array:
        """The shares; 0 where all is ignored, and the mean of nothing is nan."""
        return np.where(np.isnan(self.share), 0, self.share).astype(self.share.dtype)

    def backward(self, grad: Tensor) -> Tensor:
        if is_grad_enabled():
            one = np.zeros(self.shapes[0], self.share.dtype)
            one[self.wanted] = 1
            pull = unsqueeze(grad * make_tensor(self.counted()), 1)
            return (softmax(self.saved(0), 1) - make_tensor(one)) * pull
        with np.errstate(all="ignore"):
            share = grad._array * self.counted()
            out = self.softmax * share[:, None]
            out[self.wanted] -= share
        return make_tensor(out)


def hard_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    """The loss against one class each, without a gradient for the weights."""
    counts = target._array != ignore_index
    # a class that exists stands in for the ignored ones
    classes = np.where(counts, target._array, 0).astype(np.int64, copy=False)
    share = counts.astype(input._array.dtype)
    if weight is not None:
        check_weight(weight, input)
        share *= weight._array[classes]
    if reduction == "mean":
        with np.errstate(all="ignore"):  # 0 / 0, if all are ignored, is nan
            share /= share.sum()
    return CrossEntropy(classes, share, reduction != "none")(input)


def smoothing_loss(
    scores: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    """The loss against all classes at once, where the target is not ignored."""
    one_per_class = (1, -1) + (1,) * (scores.ndim - 2)
    weighted = scores if weight is None else scores * reshape(weight, one_per_class)
    counts = to(make_tensor(target._array != ignore_index), scores.dtype)
    losses = -sum(weighted, 1) * counts
    if reduction != "mean":
        return reduced(losses, reduction)
    if weight is not None:
        classes = make_tensor(np.where(counts._array > 0, target._array, 0).astype(np.int64))
        counts = counts * weight[classes]
    return sum(losses) / sum(counts)


def soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    """loss = -sum over c of target[n, c] * log softmax(input[n])[c]"""
    check_scores(input)
    wanted = target * (1 - label_smoothing) + label_smoothing / input.shape[1]
    scores = log_softmax(input, 1)
    if weight is not None:
        check_weight(weight, input)
        scores = scores * reshape(weight, (1, -1) + (1,) * (input.ndim - 2))
    losses = -sum(scores * wanted, 1)
    if reduction == "mean":
        return sum(losses) / losses.numel()
    return reduced(losses, reduction)
