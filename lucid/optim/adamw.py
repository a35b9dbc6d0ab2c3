"""AdamW: Adam with the weight decay apart from the gradient."""

from __future__ import annotations

from lucid.optim.adam import Adam
from lucid.optim.optimizer import Options, ParamsLike

__all__ = ["AdamW"]


class AdamW(Adam):
    """p = (1 - lr * weight_decay) * p - lr * m' / (sqrt(v') + eps)

    with the m' and v' of ``Adam``. There the weight decay is part of the gradient, and is divided
    by sqrt(v') with it: parameters with large gradients decay less. Here all decay alike.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to change, usually ``model.parameters()``; or groups with options of their own.
    lr : float
        The learning rate: about how far a number goes in one step.
    betas : pair of float
        How much of the running means is kept, from 0 up to, but not including, 1.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        How fast parameters shrink, in units of lr.
    amsgrad : bool
        Whether to divide by the largest v so far instead of v.
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
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101.
    There the decay is not multiplied by lr but by a schedule; here by lr, as in PyTorch.

    Examples
    --------
    A gradient of 0 leaves only the decay, by 1 - 0.5 * 0.5:

    >>> import lucid
    >>> from lucid.optim import AdamW
    >>> w = lucid.tensor([1.0], requires_grad=True)
    >>> (w * 0).sum().backward()
    >>> AdamW([w], lr=0.5, weight_decay=0.5).step()
    >>> w
    tensor([0.7500], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsLike,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad,
            maximize=maximize, decoupled_weight_decay=True,
        )  # fmt: skip

    def check_options(self, options: Options) -> None:
        """As in ``Adam``; the state of an Adam does not make one of this."""
        options["decoupled_weight_decay"] = True
        super().check_options(options)
