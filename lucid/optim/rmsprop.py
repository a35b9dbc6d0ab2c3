"""RMSprop: the gradient, divided by its recent size."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lucid.optim.blocks import blocks, penalized, running_mean, running_square
from lucid.optim.optimizer import Optimizer, Options, ParamsLike, State
from lucid.types import Array

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """p = p - lr * grad / (sqrt(v) + eps), with v = alpha * v + (1 - alpha) * grad**2

    With ``centered``, v is the variance instead, v - m**2 of a running mean m of the gradient;
    with momentum, the step is lr * b, where b = momentum * b + grad / (sqrt(v) + eps).

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``; or groups with options of their own.
    lr : float
        The learning rate.
    alpha : float
        How much of the running mean is kept.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        The factor of a penalty on large parameters, 1/2 * weight_decay * p**2, whose gradient is
        added to grad.
    momentum : float
        How much of the last step's direction is kept.
    centered : bool
        Whether to divide by the standard deviation of the gradient.
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
    T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", Coursera, Neural Networks for Machine Learning,
    2012. A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, for
    ``centered``; there, eps is inside of the root.


    Examples
    --------
    >>> import lucid
    >>> from lucid.optim import RMSprop
    >>> w = lucid.tensor([1.0, 1.0], requires_grad=True)
    >>> (w * lucid.tensor([100.0, -0.5])).sum().backward()
    >>> RMSprop([w], lr=0.25, alpha=0.75).step()       # sqrt(v) = |grad| / 2
    >>> w
    tensor([0.5000, 1.5000], requires_grad=True)
    """

    number_names: ClassVar[tuple[str, ...]] = ("lr", "alpha", "eps", "weight_decay", "momentum")
    flag_names: ClassVar[tuple[str, ...]] = ("centered", "maximize")
    state_names: ClassVar[tuple[str, ...]] = ("step", "square_avg")
    optional_state_names: ClassVar[tuple[str, ...]] = ("momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """In place: ``p -= lr * grad / (sqrt(v) + eps)``"""
        lr, alpha, eps, decay, momentum = (group[name] for name in self.number_names)
        sign, centered = -1.0 if group["maximize"] else 1.0, group["centered"]
        state["step"] = state.get("step", 0) + 1
        square = self.remembered(state, "square_avg", param)
        # What is not needed is a stand-in that nothing is written to.
        buffer = self.remembered(state, "momentum_buffer", param) if momentum > 0 else square
        mean = self.remembered(state, "grad_avg", param) if centered else square
        for p, g, v, b, m, new, way in blocks(param, grad, square, buffer, mean, scratch=2):
            g = penalized(p, g, sign, decay, out=new)
            running_square(v, g, alpha, out=way)
            if centered:
                running_mean(m, g, alpha, out=way)
                np.multiply(m, m, out=way)
                np.subtract(v, way, out=way)
                np.sqrt(way, out=way)
            else:
                np.sqrt(v, out=way)
            way += eps
            np.divide(g, way, out=new)
            if momentum > 0:
                b *= momentum
                b += new
                np.multiply(b, lr, out=new)
            else:
                new *= lr
            p -= new
