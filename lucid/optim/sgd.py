"""Stochastic gradient descent."""

from __future__ import annotations

from typing import ClassVar

from lucid.optim.blocks import run
from lucid.optim.optimizer import Optimizer, Options, ParamsLike, State
from lucid.types import Array

__all__ = ["SGD"]


class SGD(Optimizer):
    """b = momentum * b + (1 - dampening) * grad;  p = p - lr * b

    The first step sets b to the gradient itself. With weight decay, grad is
    the gradient of the loss plus weight_decay * p throughout; without momentum, b is grad; with
    Nesterov's momentum, the step goes along grad + momentum * b instead of b.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``; or groups with options of their own.
    lr : float
        The learning rate.
    momentum : float
        How much of the last step's direction is kept.
    dampening : float
        How much of the gradient is left out where the momentum is.
    weight_decay : float
        The factor of a penalty on large parameters, 1/2 * weight_decay * p**2.
    nesterov : bool
        Whether to look ahead along the momentum.
    maximize : bool
        Whether to go up instead of down.

    Raises
    ------
    TypeError
        If ``params`` is not made of tensors, or an option is not a number.
    ValueError
        If there are no parameters, or one is there twice; if an option is negative, or if
        ``nesterov`` comes without momentum or with dampening.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum
    in deep learning", ICML 2013. There lr is inside of b, here outside, as in PyTorch: the same
    as long as lr does not change.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim import SGD
    >>> w = lucid.tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (2 * w).sum().backward()
    ...     optimizer.step()
    >>> w                                    # 1 - 0.25 * 2 - 0.25 * (0.5 * 2 + 2)
    tensor([-0.2500], requires_grad=True)
    """

    number_names: ClassVar[tuple[str, ...]] = ("lr", "momentum", "dampening", "weight_decay")
    flag_names: ClassVar[tuple[str, ...]] = ("nesterov", "maximize")
    optional_state_names: ClassVar[tuple[str, ...]] = ("momentum_buffer",)

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_options(self, options: Options) -> None:
        """Raise for a negative option, or for Nesterov's momentum without momentum."""
        super().check_options(options)
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError(
                "Nesterov's momentum needs momentum > 0 and dampening = 0, got momentum="
                f"{options['momentum']:g}, dampening={options['dampening']:g}\n  try: momentum=0.9"
            )

    def update(self, param: Array, grad: Array, state: State, group: Options) -> None:
        """In place: ``p -= lr * b``"""
        momentum, new, buffer = group["momentum"], 1.0, None
        if momentum != 0:
            if state.get("momentum_buffer") is not None:
                new = 1 - group["dampening"]  # the first step takes the gradient as it is
            buffer = self.remembered(state, "momentum_buffer", param)
        run(
            "sgd_step",
            [param, grad, buffer],
            -1.0 if group["maximize"] else 1.0,
            group["weight_decay"],
            momentum,
            new,
            group["lr"],
            group["nesterov"],
        )
