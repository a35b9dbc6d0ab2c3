"""Adadelta: steps in the units of the parameter, whatever those of the gradient."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lucid.optim.blocks import blocks, penalized, running_square
from lucid.optim.optimizer import Optimizer, Options, ParamsLike, State
from lucid.optim.options import number
from lucid.types import Array

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """p = p - lr * d, with d = sqrt(u + eps) / sqrt(v + eps) * grad

    where u and v are running means of the squares of d, up to the last step, and of the gradient,
    this one included,

    ::

        v = rho * v + (1 - rho) * grad**2
        u = rho * u + (1 - rho) * d**2

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``; or groups with options of their own.
    lr : float
        A factor of the steps.
    rho : float
        How much of the means is kept, from 0 to 1.
    eps : float
        Keeps the denominator from 0, and lets the first steps be more than 0.
    weight_decay : float
        The factor of a penalty on large parameters, 1/2 * weight_decay * p**2, whose gradient is
        added to grad.
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
    M. D. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.


    Examples
    --------
    >>> import lucid
    >>> from lucid.optim import Adadelta
    >>> w = lucid.tensor([1.0], requires_grad=True)
    >>> w.sum().backward()
    >>> Adadelta([w], eps=0.1).step()                  # by sqrt(0.1) / sqrt(0.1 + 0.1)
    >>> w
    tensor([0.2929], requires_grad=True)
    """

    number_names: ClassVar[tuple[str, ...]] = ("lr", "rho", "eps", "weight_decay")
    flag_names: ClassVar[tuple[str, ...]] = ("maximize",)
    state_names: ClassVar[tuple[str, ...]] = ("step", "square_avg", "acc_delta")

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_options(self, options: Options) -> None:
        """Raise for a negative option, or a rho above 1."""
        super().check_options(options)
        number("rho", options["rho"], at_most=1)

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """In place: ``p -= lr * d``"""
        lr, rho, eps, decay = (group[name] for name in self.number_names)
        sign = -1.0 if group["maximize"] else 1.0
        state["step"] = state.get("step", 0) + 1
        squares = self.remembered(state, "square_avg", param)
        moved = self.remembered(state, "acc_delta", param)
        for p, g, v, u, new, d, way in blocks(param, grad, squares, moved, scratch=3):
            g = penalized(p, g, sign, decay, out=new)
            running_square(v, g, rho, out=way)
            np.add(v, eps, out=way)
            np.sqrt(way, out=way)
            np.add(u, eps, out=d)
            np.sqrt(d, out=d)
            d /= way
            d *= g
            running_square(u, d, rho, out=way)
            d *= lr
            p -= d
