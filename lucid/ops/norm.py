"""Normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid._ext import kernels
from lucid.autograd import Function, is_grad_enabled, make_tensor
from lucid.cures import shape_cure
from lucid.errors import ShapeError
from lucid.ops.checks import check_features, check_one_dtype, check_rank, check_tensor
from lucid.ops.elementwise import sqrt
from lucid.ops.layer_norm import GroupNorm, scaled_and_shifted
from lucid.ops.reduce import mean, sum, var
from lucid.ops.shape import reshape
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class BatchNorm(Function):
    """y = z * w_c + b_c  with  z = (x - mean_c) / sqrt(var_c + eps), for each channel c

    In training, ``mean`` and ``var`` are those of x, and x moves them: with m(.) for the mean over
    a channel, the gradient of z is g = grad * w_c, and

        gx = (g - m(g) - z * m(g * z)) / sqrt(var_c + eps)        gw = sum of grad * z
        gx =  g                        / sqrt(var_c + eps)        gb = sum of grad

    where the second line is that for a given mean and variance. ``formula`` says this in tensor
    operations; where nothing is recorded, the kernel does the same in two passes over x.
    """

    new_gradients = True

    def __init__(self, eps: float, given: tuple[Array, Array] | None = None) -> None:
        self.eps, self.training = eps, given is None
        if given is not None:  # copies: others may go on to change them
            self.mean, self.var = [a.astype(np.float64) for a in given]

    def forward(self, x: Array, w: Array, b: Array) -> Array:
        if self.training:
            self.mean, self.var = np.zeros(x.shape[1]), np.ones(x.shape[1])  # of an empty batch
        rows = as_rows(x)
        y = np.empty(rows.shape, rows.dtype)
        if x.size:
            kernels.batch_norm_forward(
                rows, np.ascontiguousarray(w), np.ascontiguousarray(b), self.mean, self.var, y,
                self.eps, self.training,
            )  # fmt: skip
        return from_rows(y, x.ndim)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, w = self.saved(0), self.saved(1)
        if is_grad_enabled():
            return self.formula(grad, x, w)
        rows = as_rows(x._array)
        gx = np.empty(rows.shape, rows.dtype)
        gw, gb = np.empty((2, rows.shape[1]), rows.dtype)
        g = grad._array.astype(rows.dtype, copy=False)  # a hook may have returned another
        with np.errstate(all="ignore"):
            kernels.batch_norm_backward(
                as_rows(g), rows, np.ascontiguousarray(w._array), self.mean, self.var,
                gx, gw, gb, self.eps, self.training,
            )  # fmt: skip
        return make_tensor(from_rows(gx, x.ndim)), make_tensor(gw), make_tensor(gb)

    def formula(self, grad: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The gradients of x, w and b."""
        over = (0,) if x.ndim == 2 else (0, 2)
        per_channel = (1, -1) if x.ndim == 2 else (1, -1, 1)
        if self.training:
            mu, variance = mean(x, over, keepdim=True), var(x, over, keepdim=True, correction=0)
        else:
            mu, variance = [
                reshape(make_tensor(a.astype(x.dtype.numpy)), per_channel)
                for a in (self.mean, self.var)
            ]
        std = sqrt(variance + self.eps)
        z = (x - mu) / std
        g = grad * reshape(w, per_channel)
        if self.training:
            g = g - mean(g, over, keepdim=True) - z * mean(g * z, over, keepdim=True)
        return g / std, sum(grad * z, over), sum(grad, over)


def as_rows(x: Array) -> Array:
    """(N, C, L) in order in memory; (N, C) as (1, C, N): what belongs to a channel side by side."""
    return np.ascontiguousarray(x) if x.ndim == 3 else np.ascontiguousarray(x.T)[None]


def from_rows(rows: Array, ndim: int) -> Array:
    """What ``as_rows`` was given."""
    return rows if ndim == 3 else np.ascontiguousarray(rows[0].T)


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
    check_tensor(input, "input", "batch_norm")
    check_features(input.shape, "batch_norm", 3)
    check_per_channel("batch_norm", input, running_mean, running_var, weight, bias)
    C = input.shape[1]
    if weight is None:
        weight = make_tensor(np.ones(C, input._array.dtype))
    if bias is None:
        bias = make_tensor(np.zeros(C, input._array.dtype))
    if not training and running_mean is not None and running_var is not None:
        if is_grad_enabled() and (running_mean._requires_grad or running_var._requires_grad):
            return normalized(input, running_mean, running_var, weight, bias, eps)
        return BatchNorm(eps, (running_mean._array, running_var._array))(input, weight, bias)
    n = input.shape[0] * (input.shape[2] if input.ndim == 3 else 1)
    if training and n == 1:
        raise ShapeError(
            "in training, batch norm needs more than one value per channel, got an input of "
            f"shape {input.shape}\n  in the last batch of an epoch, a sample may be left alone: "
            "then give drop_last=True to the DataLoader\n  try: model.eval()"
        )
    norm = BatchNorm(eps)
    out = norm(input, weight, bias)
    if training and n:
        remember(running_mean, norm.mean, momentum, 1.0)
        remember(running_var, norm.var, momentum, n / (n - 1))
    return out


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Give every channel of every sample mean 0 and variance 1, then a scale and a shift.

    ``y = (x - mean_nc) / sqrt(var_nc + eps) * w_c + b_c``, for each sample n and channel c

    Parameters
    ----------
    input : Tensor
        (N, C, L), of a floating dtype.
    running_mean, running_var : Tensor or None
        (C,). With ``use_input_stats`` they are updated to (1 - momentum) * running + momentum *
        the mean over the samples, with the unbiased variance; otherwise they are what is
        normalized with.
    weight, bias : Tensor, optional
        (C,), the scale and the shift.
    use_input_stats : bool
        Whether to normalize with the statistics over L of each sample.
    momentum : float
        The weight of the newest batch in the running statistics.
    eps : float
        Keeps a variance of 0 from being divided by.

    Returns
    -------
    Tensor
        In the shape of the input.

    Raises
    ------
    ShapeError
        If the input is not (N, C, L), or has other channels than the statistics.
    ValueError
        If there is only one value per channel to take the statistics of, or there are no others.
    TypeError
        If the dtypes differ, or are not floating.

    References
    ----------
    .. [1] D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance Normalization", 2016, arXiv:1607.08022.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.instance_norm(lucid.tensor([[[1.0, 3.0]], [[10.0, 30.0]]]))
    tensor([[[-1.0000,  1.0000]],
    <BLANKLINE>
            [[-1.0000,  1.0000]]])
    """
    check_tensor(input, "input", "instance_norm")
    check_rank(input.shape, "instance_norm")
    check_per_channel("instance_norm", input, running_mean, running_var, weight, bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError(
                "without use_input_stats, instance_norm needs running_mean and running_var"
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    N, C, L = input.shape
    if L == 1:
        raise ShapeError(
            "instance norm needs more than one value per channel of a sample, got an input of "
            f"shape {input.shape}\n  try: F.group_norm(x, 1)"
        )
    norm = GroupNorm((N, C, 1, L), eps)  # every channel is a group
    out = scaled_and_shifted(norm, input, weight, bias)
    if N and L:
        remember(running_mean, norm.mean.reshape(N, C).mean(0), momentum, 1.0)
        remember(running_var, norm.var.reshape(N, C).mean(0), momentum, L / (L - 1))
    return out


def check_per_channel(
    op: str,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
) -> None:
    """What is given has one number per channel, and the input's dtype."""
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    there = {name: tensor for name, tensor in given.items() if tensor is not None}
    check_one_dtype(op, {"input": input, **there})
    for name, tensor in there.items():
        if tensor.shape != input.shape[1:2]:
            raise ShapeError(
                f"{op} expected {name} of one number per channel, {input.shape[1:2]}, for an "
                f"input {input.shape}; got {tensor.shape}"
                + shape_cure(name, tensor.shape, input.shape[1:2])
            )


def normalized(x: Tensor, mu: Tensor, variance: Tensor, w: Tensor, b: Tensor, eps: float) -> Tensor:
    """The formula in tensor operations, for statistics that want a gradient themselves."""
    per_channel = (1, -1) if x.ndim == 2 else (1, -1, 1)
    scale = w / sqrt(variance + eps)
    return (x - reshape(mu, per_channel)) * reshape(scale, per_channel) + reshape(b, per_channel)


def remember(running: Tensor | None, batch: Array, momentum: float, factor: float) -> None:
    """running = (1 - momentum) * running + momentum * factor * batch"""
    if running is not None:
        with np.errstate(all="ignore"):
            running._array *= 1 - momentum
            running._array += momentum * factor * batch
        running._written()
