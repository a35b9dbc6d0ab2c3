"""Adam that waits until its step sizes can be trusted."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from lucid.optim.blocks import blocks, penalized, running_mean, running_square
from lucid.optim.optimizer import Optimizer, Options, ParamsLike, State
from lucid.types import Array

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """p = p - lr * r * m' / (sqrt(v') + eps / sqrt(1 - beta2**t))

    where m' and v' are the corrected means of ``Adam``, and r makes up for the variance that
    the step sizes have as long as v' is a mean of few gradients,

    ::

        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))

    While rho is 5 or less, the step is lr * m', without any division.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``; or groups with options of their own.
    lr : float
        The learning rate.
    betas : pair of float
        How much of the means is kept, from 0 up to, but not including, 1.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        The factor of a penalty on large parameters, 1/2 * weight_decay * p**2, whose gradient is
        added to grad.
    decoupled_weight_decay : bool
        Whether parameters shrink by lr * weight_decay instead, as in ``AdamW``.
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
    L. Liu, H. Jiang, P. He, W. Chen, X. Liu, J. Gao, J. Han, "On the variance of the adaptive
    learning rate and beyond", ICLR 2020, arXiv:1908.03265.


    Examples
    --------
    The first steps are those of plain momentum:

    >>> import lucid
    >>> from lucid.optim import RAdam
    >>> w = lucid.tensor([1.0], requires_grad=True)
    >>> (3 * w).sum().backward()
    >>> RAdam([w], lr=0.25).step()
    >>> w
    tensor([0.2500], requires_grad=True)
    """

    number_names: ClassVar[tuple[str, ...]] = ("lr", "eps", "weight_decay")
    flag_names: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay", "maximize")
    state_names: ClassVar[tuple[str, ...]] = ("step", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """In place: ``p -= lr * r * m' / (sqrt(v') + eps')``, or ``p -= lr * m'`` at first"""
        lr, eps, decay = (group[name] for name in self.number_names)
        sign, (beta1, beta2) = -1.0 if group["maximize"] else 1.0, group["betas"]
        t = state["step"] = state.get("step", 0) + 1
        mean = self.remembered(state, "exp_avg", param)
        square = self.remembered(state, "exp_avg_sq", param)
        rate, trusted = lr / (1 - beta1**t), rectification(beta2, t)
        if group["decoupled_weight_decay"] and decay != 0:
            param *= 1 - lr * decay
            decay = 0.0
        for p, g, m, v, new, way in blocks(param, grad, mean, square, scratch=2):
            g = penalized(p, g, sign, decay, out=new)
            running_mean(m, g, beta1, out=way)
            running_square(v, g, beta2, out=way)
            if trusted is None:
                p -= np.multiply(m, rate, out=new)
            else:
                np.sqrt(v, out=way)
                way += eps
                np.multiply(m, rate * trusted * math.sqrt(1 - beta2**t), out=new)
                new /= way
                p -= new


def rectification(beta2: float, t: int) -> float | None:
    """r of step t, or None as long as there is none"""
    top = 2 / (1 - beta2) - 1
    rho = top - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return None
    return math.sqrt((rho - 4) * (rho - 2) * top / ((top - 4) * (top - 2) * rho))
