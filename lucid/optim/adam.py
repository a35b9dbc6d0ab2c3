"""Adam: momentum, and a step size for every number."""

from __future__ import annotations

import math
from typing import ClassVar

from lucid.optim.blocks import run
from lucid.optim.optimizer import Optimizer, Options, ParamsLike, State
from lucid.types import Array

__all__ = ["Adam"]


class Adam(Optimizer):
    """p = p - lr * m' / (sqrt(v') + eps)

    where m and v are running means of the gradient and of its square,

    ::

        m = beta1 * m + (1 - beta1) * grad        m' = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * grad**2     v' = v / (1 - beta2**t)

    They start at 0, so the first of them are too small; m' and v' make up for that.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``; or groups with options of their own.
    lr : float
        The learning rate: about how far a number goes in one step.
    betas : pair of float
        How much of the means is kept, from 0 up to, but not including, 1.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        The factor of a penalty on large parameters, 1/2 * weight_decay * p**2, whose gradient is
        added to g. ``AdamW`` does it better.
    amsgrad : bool
        Whether to divide by the largest v so far instead of v.
    maximize : bool
        Whether to go up instead of down.
    decoupled_weight_decay : bool
        Whether the weight decay is that of ``AdamW``.

    Raises
    ------
    TypeError
        If ``params`` is not made of tensors, or an option is not a number.
    ValueError
        If there are no parameters, or one is there twice; if an option is out of range.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, arXiv:1412.6980.

    S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018,
    arXiv:1904.09237, for amsgrad.

    Examples
    --------
    The first step goes by lr, however large the gradient is:

    >>> import lucid
    >>> from lucid.optim import Adam
    >>> w = lucid.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.25)
    >>> (w * lucid.tensor([1000.0, -0.001])).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.7500, 1.2500], requires_grad=True)
    """

    number_names: ClassVar[tuple[str, ...]] = ("lr", "eps", "weight_decay")
    flag_names: ClassVar[tuple[str, ...]] = ("amsgrad", "maximize", "decoupled_weight_decay")
    newer_options: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)
    state_names: ClassVar[tuple[str, ...]] = ("step", "exp_avg", "exp_avg_sq")
    optional_state_names: ClassVar[tuple[str, ...]] = ("max_exp_avg_sq",)

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """In place: ``p -= lr * m' / (sqrt(v') + eps)``"""
        beta1, beta2 = group["betas"]
        decay, shrink = group["weight_decay"], 1.0
        if group["decoupled_weight_decay"]:
            decay, shrink = 0.0, 1 - group["lr"] * decay
        t = state["step"] = state.get("step", 0) + 1
        mean = self.remembered(state, "exp_avg", param)
        square = self.remembered(state, "exp_avg_sq", param)
        amsgrad = group["amsgrad"]
        largest = self.remembered(state, "max_exp_avg_sq", param) if amsgrad else None
        run(
            "adam_step",
            [param, grad, mean, square, largest],
            -1.0 if group["maximize"] else 1.0,
            decay,
            shrink,
            beta1,
            beta2,
            group["lr"] / (1 - beta1**t),
            math.sqrt(1 - beta2**t),
            group["eps"],
        )
