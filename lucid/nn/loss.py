"""Losses as layers."""

from __future__ import annotations

import numpy as np

from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.ops.loss import check_beta, check_delta, check_reduction
from lucid.tensor import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
]


class Loss(Module):
    """What all losses have: a reduction, one of three, or of the others that a loss knows."""

    takes_tensors = 1  # the weights of classes
    called_with = "input, target"

    def __init__(self, reduction: str, *others: str) -> None:
        super().__init__()
        check_reduction(reduction, *others)
        self.reduction = reduction


# --------------------------------------------------------------------------------------- classes


class ClassLoss(Loss):
    """A loss against classes, which may weigh differently, and one of which may not count."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, ignore_index: int, reduction: str) -> None:
        super().__init__(reduction)
        if isinstance(ignore_index, bool) or not isinstance(ignore_index, int | np.integer):
            raise TypeError(f"ignore_index must be an int, got {type(ignore_index).__name__}")
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index


class CrossEntropyLoss(ClassLoss):
    """loss = mean over n of -log softmax(input[n])[target[n]]

    Parameters
    ----------
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
    ValueError
        For an unknown reduction, and as ``nn.functional.cross_entropy``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> scores = lucid.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> nn.CrossEntropyLoss()(scores, lucid.tensor([0, 1]))
    tensor(0.1269)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of scores (N, C) or (N, C, L) for classes (N,) or (N, L)."""
        return F.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(ClassLoss):
    """loss = mean over n of -input[n, target[n]]: the negative log-likelihood

    After a ``LogSoftmax``, what ``CrossEntropyLoss`` is without it.

    Parameters
    ----------
    weight : Tensor, optional
        (C,), what each class counts.
    ignore_index : int
        A target class that does not count.
    reduction : str
        ``"mean"`` (by the weights, if given), ``"sum"`` or ``"none"``.

    Raises
    ------
    ValueError
        For an unknown reduction, and as ``nn.functional.nll_loss``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> scores = nn.LogSoftmax(dim=1)(lucid.tensor([[2.0, 0.0], [0.0, 2.0]]))
    >>> nn.NLLLoss()(scores, lucid.tensor([0, 1]))
    tensor(0.1269)
    """

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, ignore_index, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of log-probabilities (N, C) or (N, C, L) for classes (N,) or (N, L)."""
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


# --------------------------------------------------------------------------------------- numbers


class MSELoss(Loss):
    """loss = mean of (input - target)^2

    Parameters
    ----------
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``.

    Raises
    ------
    ValueError
        For an unknown reduction; in ``forward`` a ShapeError, if the shapes differ.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.MSELoss()(lucid.tensor([1.0, 2.0]), lucid.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of two tensors of one shape."""
        return F.mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """loss = mean of ``|input - target|``

    Parameters
    ----------
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``.

    Raises
    ------
    ValueError
        For an unknown reduction; in ``forward`` a ShapeError, if the shapes differ.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.L1Loss()(lucid.tensor([1.0, 2.0]), lucid.tensor([1.0, 4.0]))
    tensor(1.)
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of two tensors of one shape."""
        return F.l1_loss(input, target, self.reduction)


class SmoothL1Loss(Loss):
    """loss = mean of d^2 / (2 beta) where ``|d| < beta``, else of ``|d|`` - beta / 2

    with d = input - target.

    Parameters
    ----------
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``.
    beta : float
        Where the square becomes a line; 0 gives the ``L1Loss``.

    Raises
    ------
    ValueError
        For an unknown reduction or a negative ``beta``; in ``forward`` a ShapeError, if the shapes
        differ.

    References
    ----------
    .. [1] R. Girshick, "Fast R-CNN", ICCV 2015, arXiv:1504.08083.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.SmoothL1Loss(reduction="none")(lucid.zeros(2), lucid.tensor([1.0, 4.0]))
    tensor([0.5000, 3.5000])
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        check_beta(beta)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of two tensors of one shape."""
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(Loss):
    """loss = mean of d^2 / 2 where ``|d| <= delta``, else of delta * (``|d|`` - delta / 2)

    with d = input - target.

    Parameters
    ----------
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``.
    delta : float
        Where the square becomes a line.

    Raises
    ------
    ValueError
        For an unknown reduction or a ``delta`` that is not greater than 0; in ``forward`` a
        ShapeError, if the shapes differ.

    References
    ----------
    .. [1] P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical
       Statistics 35, 1964.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.HuberLoss(reduction="none", delta=2.0)(lucid.zeros(2), lucid.tensor([1.0, 4.0]))
    tensor([0.5000, 6.0000])
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        check_delta(delta)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of two tensors of one shape."""
        return F.huber_loss(input, target, self.reduction, self.delta)


# --------------------------------------------------------------------------------- probabilities


class BCELoss(Loss):
    """loss = mean of -target * log(input) - (1 - target) * log(1 - input)

    Logarithms count as -100 at least. For scores of any size use ``BCEWithLogitsLoss``.

    Parameters
    ----------
    weight : Tensor, optional
        What each number counts, in a shape that broadcasts to that of the input.
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``.

    Raises
    ------
    ValueError
        For an unknown reduction; in ``forward`` as ``nn.functional.binary_cross_entropy``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.BCELoss()(lucid.tensor([0.5, 0.0]), lucid.tensor([1.0, 0.0]))
    tensor(0.3466)
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of probabilities for what was wanted, from 0 to 1."""
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Loss):
    """loss = mean of -pos_weight * target * log s(input) - (1 - target) * log s(-input)

    with the sigmoid s(x) = 1 / (1 + e^-x), for which 1 - s(x) = s(-x).

    Parameters
    ----------
    weight : Tensor, optional
        What each number counts, in a shape that broadcasts to that of the input.
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``.
    pos_weight : Tensor, optional
        What each "yes" counts, of a shape that broadcasts with the target's: more than 1 where a
        "yes" is rare.

    Raises
    ------
    ValueError
        For an unknown reduction; in ``forward`` as
        ``nn.functional.binary_cross_entropy_with_logits``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.BCEWithLogitsLoss()(lucid.tensor([0.0, -1e4]), lucid.tensor([1.0, 0.0]))
    tensor(0.3466)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of scores for what was wanted, from 0 to 1."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, self.reduction, self.pos_weight
        )


class KLDivLoss(Loss):
    """loss = sum of target * (log target - input), the Kullback-Leibler divergence

    where the input is the logarithm of probabilities.

    Parameters
    ----------
    reduction : str
        ``"batchmean"``, the sum divided by the length of the first axis, is the divergence of the
        formula; ``"mean"`` divides by the count of all numbers; ``"sum"``; ``"none"``.
    log_target : bool
        Whether the target, too, is given as logarithms.

    Raises
    ------
    ValueError
        For an unknown reduction; in ``forward`` a ShapeError, if the shapes differ.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> input = lucid.tensor([[0.0, 0.0]]).log_softmax(1)
    >>> nn.KLDivLoss(reduction="batchmean")(input, lucid.tensor([[1.0, 0.0]]))   # log 2
    tensor(0.6931)
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction, "batchmean")
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of log-probabilities for probabilities."""
        return F.kl_div(input, target, self.reduction, self.log_target)
