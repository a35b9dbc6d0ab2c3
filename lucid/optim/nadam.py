"""Adam that looks ahead along its momentum."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from lucid.optim.blocks import blocks, penalized, running_mean, running_square
from lucid.optim.optimizer import Optimizer, Options, ParamsLike, State
from lucid.types import Array

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """p = p - lr * (a * grad + b * m) / (sqrt(v') + eps)

    where m and v are running means of the gradient and of its square, as in ``Adam``,

    ::

        mu(t) = beta1 * (1 - 0.96**(t * momentum_decay) / 2)
        a = (1 - mu(t)) / (1 - mu(1) * ... * mu(t))
        b = mu(t + 1) / (1 - mu(1) * ... * mu(t + 1))
        v' = v / (1 - beta2**t)

    The step goes along the momentum that the next step will have, as far as it is known already.

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
    momentum_decay : float
        How fast mu(t) grows from beta1 / 2 to beta1.
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
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.


    Examples
    --------
    >>> import lucid
    >>> from lucid.optim import NAdam
    >>> w = lucid.tensor([1.0], requires_grad=True)
    >>> w.sum().backward()
    >>> NAdam([w], lr=0.25).step()
    >>> bool((w - 0.8 < 0.01).all())
    True
    """

    number_names: ClassVar[tuple[str, ...]] = ("lr", "eps", "weight_decay", "momentum_decay")
    flag_names: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay", "maximize")
    state_names: ClassVar[tuple[str, ...]] = ("step", "mu_product", "exp_avg", "exp_avg_sq")
    scalar_state_names: ClassVar[tuple[str, ...]] = ("mu_product",)

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """In place: ``p -= lr * (a * grad + b * m) / (sqrt(v') + eps)``"""
        lr, eps, decay, speed = (group[name] for name in self.number_names)
        sign, (beta1, beta2) = -1.0 if group["maximize"] else 1.0, group["betas"]
        t = state["step"] = state.get("step", 0) + 1
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (s * speed)) for s in (t, t + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        scale = math.sqrt(1 - beta2**t)  # sqrt(v') = sqrt(v) / scale
        a = lr * scale * (1 - mu) / (1 - product)
        b = lr * scale * mu_next / (1 - product * mu_next)
        mean = self.remembered(state, "exp_avg", param)
        square = self.remembered(state, "exp_avg_sq", param)
        if group["decoupled_weight_decay"] and decay != 0:
            param *= 1 - lr * decay
            decay = 0.0
        for p, g, m, v, new, root, way in blocks(param, grad, mean, square, scratch=3):
            g = penalized(p, g, sign, decay, out=new)
            running_mean(m, g, beta1, out=way)
            running_square(v, g, beta2, out=way)
            np.sqrt(v, out=root)
            root += eps * scale
            np.multiply(g, a, out=new)
            new += np.multiply(m, b, out=way)
            new /= root
            p -= new
