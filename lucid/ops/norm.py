"""Normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lucid.autograd import no_grad
from lucid.errors import ShapeError
from lucid.ops.checks import check_one_dtype
from lucid.ops.elementwise import sqrt
from lucid.ops.reduce import count, mean, var
from lucid.ops.shape import reshape

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Give every channel mean 0 and variance 1, then a scale and a shift of its own.

    ``y = (x - mean_c) / sqrt(var_c + eps) * w_c + b_c``, for each channel c

    Parameters
    ----------
    input : Tensor
        (N, C) or (N, C, L), of a floating dtype.
    running_mean, running_var : Tensor or None
        (C,). In training they are updated to (1 - momentum) * running + momentum * batch, with
        the unbiased variance; otherwise they are what is normalized with.
    weight, bias : Tensor, optional
        (C,), the scale and the shift.
    training : bool
        Whether to normalize with the statistics of this batch (over N and L, the variance divided
        by their count).
    momentum : float
        The weight of the newest batch in the running statistics.
    eps : float
        Keeps a channel of variance 0 from being divided by 0.

    Returns
    -------
    Tensor
        In the shape of the input.

    Raises
    ------
    ShapeError
        If the input is not (N, C) or (N, C, L), or has other channels than the statistics.
    ValueError
        If a batch to train on has only one value per channel.
    TypeError
        If the dtypes differ, or are not floating.

    References
    ----------
    .. [1] S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> x = lucid.tensor([[1.0], [3.0]])
    >>> F.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    per_channel = {name: tensor for name, tensor in given.items() if tensor is not None}
    check_one_dtype("batch_norm", {"input": input, **per_channel})
    if input.ndim not in (2, 3):
        raise ShapeError(f"batch_norm expected an input (N, C) or (N, C, L), got {input.shape}")
    C = input.shape[1]
    for name, tensor in per_channel.items():
        if tensor.shape != (C,):
            raise ShapeError(
                f"batch_norm expected {name} of one number per channel, {(C,)}, for an input "
                f"{input.shape}; got {tensor.shape}"
            )
    over = (0,) if input.ndim == 2 else (0, 2)
    one_per_channel = (1, C) if input.ndim == 2 else (1, C, 1)
    if training or running_mean is None or running_var is None:
        n = count(input, over)
        if training and n == 1:
            raise ValueError(
                "in training, batch norm needs more than one value per channel, got an input of "
                f"shape {input.shape}\n  try: a larger batch, or model.eval()"
            )
        mu, variance = mean(input, over), var(input, over, correction=0)
        if training and n:
            remember(running_mean, mu, momentum, 1.0)
            remember(running_var, variance, momentum, n / (n - 1))
    else:
        mu, variance = running_mean, running_var
    scale = 1 / sqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    out = (input - reshape(mu, one_per_channel)) * reshape(scale, one_per_channel)
    return out if bias is None else out + reshape(bias, one_per_channel)


@no_grad()
def remember(running: Tensor | None, batch: Tensor, momentum: float, factor: float) -> None:
    """running = (1 - momentum) * running + momentum * factor * batch"""
    if running is not None:
        running.mul_(1 - momentum).add_(batch.detach(), alpha=momentum * factor)
