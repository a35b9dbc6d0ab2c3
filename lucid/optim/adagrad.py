"""Adagrad: steps that get smaller where the gradients have been large."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lucid.optim.blocks import blocks, penalized
from lucid.optim.optimizer import Optimizer, Options, ParamsLike, State
from lucid.types import Array

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """p = p - lr' * grad / (sqrt(s) + eps), with s = s + grad**2

    and lr' = lr / (1 + (t - 1) * lr_decay) at step t.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``; or groups with options of their own.
    lr : float
        The learning rate.
    lr_decay : float
        How fast the learning rate falls.
    weight_decay : float
        The factor of a penalty on large parameters, 1/2 * weight_decay * p**2, whose gradient is
        added to grad.
    initial_accumulator_value : float
        What s begins with.
    eps : float
        Keeps the denominator from 0.
    maximize : bool
        Whether to go up instead of down.

    Raises
    ------
    TypeError
        If ``params`` is not made of tensors, or an option is not a number.
    ValueError
        If there are no parameters, or one is there twice; if an option is out of range.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12 (2011).


    Examples
    --------
    >>> import lucid
    >>> from lucid.optim import Adagrad
    >>> w = lucid.tensor([1.0, 1.0], requires_grad=True)
    >>> (w * lucid.tensor([100.0, -0.5])).sum().backward()
    >>> Adagrad([w], lr=0.25).step()
    >>> w
    tensor([0.7500, 1.2500], requires_grad=True)
    """

    number_names: ClassVar[tuple[str, ...]] = (
        "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps",
    )  # fmt: skip
    flag_names: ClassVar[tuple[str, ...]] = ("maximize",)
    state_names: ClassVar[tuple[str, ...]] = ("step", "sum")

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """In place: ``p -= lr' * grad / (sqrt(s) + eps)``"""
        lr, lr_decay, decay, start, eps = (group[name] for name in self.number_names)
        t = state["step"] = state.get("step", 0) + 1
        squares = self.remembered(state, "sum", param, start)
        rate, sign = lr / (1 + (t - 1) * lr_decay), -1.0 if group["maximize"] else 1.0
        for p, g, s, new, way in blocks(param, grad, squares, scratch=2):
            g = penalized(p, g, sign, decay, out=new)
            s += np.multiply(g, g, out=way)
            np.sqrt(s, out=way)
            way += eps
            np.multiply(g, rate, out=new)
            new /= way
            p -= new
