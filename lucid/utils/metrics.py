"""How good a classifier is: accuracy, F1, confusion matrix.

Each takes ``input``, the predicted class of every sample (N,) or its scores for all classes (N, K),
whose largest counts, and ``target``, the true classes (N,). Over several batches, add up confusion
matrices, or put the predictions together with ``lucid.cat``.
"""

from __future__ import annotations

import numpy as np

from lucid import ops
from lucid.cures import choice_cure, cure, not_empty_cure, rank_cure, samples_cure
from lucid.errors import DtypeError, ShapeError, check_size
from lucid.ops.checks import check_tensor
from lucid.tensor import Tensor
from lucid.types import Array

__all__ = ["accuracy", "confusion_matrix", "f1_score"]


def accuracy(input: Tensor, target: Tensor) -> float:
    """The part of the samples whose predicted class is the true one

    Parameters
    ----------
    input : Tensor
        Predicted classes (N,), or scores (N, K).
    target : Tensor
        True classes (N,).

    Raises
    ------
    ShapeError
        If there are not as many predictions as true classes.
    TypeError
        If classes are not whole numbers.
    ValueError
        If there are none, or one is negative or out of the range of the scores.

    Examples
    --------
    >>> import lucid
    >>> from lucid.utils import metrics
    >>> metrics.accuracy(lucid.tensor([0, 1, 1, 2]), lucid.tensor([0, 1, 2, 2]))
    0.75
    """
    predicted, true, _ = classes(input, target)
    return float(np.mean(predicted == true))


def confusion_matrix(input: Tensor, target: Tensor, num_classes: int | None = None) -> Tensor:
    """out[i, j] = how many samples of class i were taken for class j

    Parameters
    ----------
    input : Tensor
        Predicted classes (N,), or scores (N, K).
    target : Tensor
        True classes (N,).
    num_classes : int, optional
        How many classes there are; unless given, K for scores, else as many as it takes.

    Returns
    -------
    Tensor
        int64, (num_classes, num_classes).

    Raises
    ------
    ShapeError, TypeError, ValueError
        As ``accuracy``; and if a class is not below ``num_classes``.

    Examples
    --------
    >>> import lucid
    >>> from lucid.utils import metrics
    >>> metrics.confusion_matrix(lucid.tensor([0, 1, 1, 2]), lucid.tensor([0, 1, 2, 2]))
    tensor([[1, 0, 0],
            [0, 1, 0],
            [0, 1, 1]])
    """
    predicted, true, known = classes(input, target)
    largest = int(max(predicted.max(), true.max()))
    K = max(known, largest + 1)
    if num_classes is not None:
        K = check_size("num_classes", num_classes, 1)
    if largest >= K:
        raise ValueError(f"classes are numbers below num_classes={K}, got {largest}")
    return ops.tensor(np.bincount(true * K + predicted, minlength=K * K).reshape(K, K))


def f1_score(input: Tensor, target: Tensor, average: str | None = "macro") -> float | Tensor:
    """F1 = 2 * TP / (2 * TP + FP + FN), of each class: the harmonic mean of precision and recall

    TP counts its samples that were recognized, FN those that were not, FP others taken for it. A
    class that neither occurs nor is predicted has F1 = 0.

    Parameters
    ----------
    input : Tensor
        Predicted classes (N,), or scores (N, K).
    target : Tensor
        True classes (N,).
    average : str, optional
        ``"macro"``: the mean over the classes that occur or are predicted; ``"weighted"``: the
        mean over all samples, each with the F1 of its class; ``"micro"``: of the sums of TP, FP and
        FN, which is the accuracy. None: a Tensor of the F1 of each class, of float64.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As ``accuracy``; and for an unknown average.

    Examples
    --------
    >>> import lucid
    >>> from lucid.utils import metrics
    >>> predicted, true = lucid.tensor([0, 1, 1, 2]), lucid.tensor([0, 1, 2, 2])
    >>> metrics.f1_score(predicted, true, average=None)
    tensor([1.0000, 0.6667, 0.6667], dtype=lucid.float64)
    >>> metrics.f1_score(predicted, true, average="weighted")
    0.75
    """
    if average not in ("macro", "weighted", "micro", None):
        raise ValueError(
            f"average is 'macro', 'weighted', 'micro' or None, got {average!r}"
            + choice_cure("average", average, ("macro", "weighted", "micro"))
        )
    table = confusion_matrix(input, target)._array
    support, predicted, right = table.sum(1), table.sum(0), table.diagonal()
    if average == "micro":
        return float(right.sum() / table.sum())
    f1 = 2 * right / np.maximum(support + predicted, 1)
    if average is None:
        return ops.tensor(f1)
    weight = support if average == "weighted" else support + predicted > 0
    return float((f1 * weight).sum() / weight.sum())


def classes(input: Tensor, target: Tensor) -> tuple[Array, Array, int]:
    """Predicted and true classes, checked, and how many classes the scores say there are, or 0."""
    check_tensor(input, "input", "metrics")
    check_tensor(target, "target", "metrics")
    predicted, true, known = input._array, target._array, 0
    if true.ndim != 1 or predicted.ndim not in (1, 2) or len(predicted) != len(true):
        if true.ndim != 1:
            code = cure("target.argmax(1)" if true.ndim == 2 else "target.flatten()")
        elif predicted.ndim not in (1, 2):
            code = rank_cure("x", input.shape, 1, 2)
        else:
            code = samples_cure([input.shape, target.shape], ("x", "target"))
        raise ShapeError(
            "predictions are (N,) or (N, K), and true classes (N,): "
            f"got {input.shape} and {target.shape}{code}"
        )
    if not len(true):
        raise ValueError("of no samples, nothing can be said: got 0 predictions")
    if predicted.ndim == 2:
        known = predicted.shape[1]
        if not known:
            raise ShapeError(
                f"scores are (N, K) with K of at least 1, got {input.shape}"
                + not_empty_cure(input.shape)
            )
        predicted = predicted.argmax(1)
    for name, array in (("input", predicted), ("target", true)):
        if not np.issubdtype(array.dtype, np.integer):
            raise DtypeError(
                f"classes are whole numbers, and scores (N, K); got {name} of {array.dtype}\n"
                f"  try: {'x' if name == 'input' else name}.long()"
            )
        if array.min() < 0:
            raise ValueError(f"classes are at least 0, got {array.min()} in {name}")
    if known and true.max() >= known:
        raise ValueError(f"there are scores for {known} classes, and target has {true.max()}")
    return predicted.astype(np.int64), true.astype(np.int64), known
