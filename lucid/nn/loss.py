"""Losses as layers."""

from __future__ import annotations

import numpy as np

from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.ops.loss import check_reduction
from lucid.tensor import Tensor

__all__ = ["CrossEntropyLoss", "MSELoss"]


class CrossEntropyLoss(Module):
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

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        check_reduction(reduction)
        if isinstance(ignore_index, bool) or not isinstance(ignore_index, int | np.integer):
            raise TypeError(
                f"ignore_index must be an int, got {type(ignore_index).__name__}\n"
                "  try: nn.CrossEntropyLoss()(scores, target), with a pair of () to make the loss"
            )
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of scores (N, C) or (N, C, L) for classes (N,) or (N, L)."""
        return F.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class MSELoss(Module):
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
        super().__init__()
        check_reduction(reduction)
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of two tensors of one shape."""
        return F.mse_loss(input, target, self.reduction)
