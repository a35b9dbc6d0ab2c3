"""Batch norm in use is a scale and a shift: both can be folded into the layer before it.

A model for use gets faster by it, and computes the same.
"""

from __future__ import annotations

import copy
from typing import Any, TypeAlias, TypeVar

from lucid import ops
from lucid.autograd import no_grad
from lucid.errors import ShapeError
from lucid.nn.conv_transpose import ConvTranspose1d
from lucid.nn.module import Module
from lucid.nn.parameter import Parameter, UninitializedParameter
from lucid.tensor import Tensor

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]

Layer = TypeVar("Layer", bound=Module)
Statistics: TypeAlias = tuple[Tensor, Tensor, float, Tensor | None, Tensor | None]


@no_grad()
def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """w'[o] = w[o] * s[o], b'[o] = (b[o] - mean[o]) * s[o] + shift[o], s = scale / sqrt(var + eps)

    Parameters
    ----------
    conv_w : Tensor
        (O, C / groups, K); of a transposed convolution (C, O / groups, K).
    conv_b : Tensor, optional
        (O,)
    bn_rm, bn_rv : Tensor
        (O,), the running mean and variance.
    bn_eps : float
        What the batch norm adds to the variance.
    bn_w, bn_b : Tensor, optional
        (O,), its scale and its shift.
    transpose : bool
        Whether the weight is that of a transposed convolution.

    Returns
    -------
    tuple of Parameter
        The weight and the bias of the convolution that does both.

    Raises
    ------
    ShapeError
        If the sizes do not fit.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> mean, var = lucid.tensor([1.0]), lucid.tensor([4.0])
    >>> w, b = nn.utils.fuse_conv_bn_weights(lucid.ones(1, 1, 2), None, mean, var, 0.0, None, None)
    >>> w.tolist(), b.tolist()
    ([[[0.5, 0.5]]], [-0.5])
    """
    O, shape = bn_rm.numel(), conv_w.shape
    if len(shape) < 2 or (O % shape[1] if transpose else shape[0] != O):
        raise ShapeError(
            f"a batch norm of {O} channels does not fit a {'transposed ' * transpose}convolution "
            f"with a weight of shape {shape}\n  try: transpose={not transpose}"
        )
    scale, bias = folded(conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    if transpose:  # each group of the inputs has the scales of its own outputs
        grouped = conv_w.reshape(O // shape[1], -1, *shape[1:])
        scaled = grouped * scale.reshape(O // shape[1], 1, shape[1], *[1] * (len(shape) - 2))
        weight = scaled.reshape(shape)
    else:
        weight = conv_w * scale.reshape(-1, *[1] * (len(shape) - 1))
    return as_parameters(weight, conv_w, bias, conv_b)


@no_grad()
def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """w'[o] = w[o] * s[o], b'[o] = (b[o] - mean[o]) * s[o] + shift[o], s = scale / sqrt(var + eps)

    Parameters
    ----------
    linear_w : Tensor
        (O, I)
    linear_b : Tensor, optional
        (O,)
    bn_rm, bn_rv : Tensor
        (O,) or (1,), the running mean and variance.
    bn_eps : float
        What the batch norm adds to the variance.
    bn_w, bn_b : Tensor, optional
        (O,) or (1,), its scale and its shift.

    Returns
    -------
    tuple of Parameter
        The weight and the bias of the linear layer that does both.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> mean, var = lucid.tensor([1.0]), lucid.tensor([4.0])
    >>> w, b = nn.utils.fuse_linear_bn_weights(lucid.ones(1, 2), None, mean, var, 0.0, None, None)
    >>> w.tolist(), b.tolist()
    ([[0.5, 0.5]], [-0.5])
    """
    scale, bias = folded(linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    bias = ops.zeros(linear_w.shape[0], dtype=bias.dtype) + bias  # one channel, many features
    return as_parameters(linear_w * scale.reshape(-1, 1), linear_w, bias, linear_b)


def folded(
    bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    weight: Tensor | None,
    shift: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """The scale of each channel, and the new bias."""
    scale = 1 / (var + eps).sqrt()
    if weight is not None:
        scale = scale * weight
    new = (-mean if bias is None else bias - mean) * scale
    return scale, new if shift is None else new + shift


def as_parameters(
    weight: Tensor, old_weight: Tensor, bias: Tensor, old_bias: Tensor | None
) -> tuple[Parameter, Parameter]:
    """The new numbers, as parameters with the dtype and ``requires_grad`` of the old."""
    like = old_weight if old_bias is None else old_bias
    return (
        Parameter(weight.to(old_weight.dtype), old_weight.requires_grad),
        Parameter(bias.to(like.dtype), like.requires_grad),
    )


def fuse_conv_bn_eval(conv: Layer, bn: Module, transpose: bool = False) -> Layer:
    """A new convolution that computes ``bn(conv(x))``, of layers in use.

    Parameters
    ----------
    conv : Conv1d or ConvTranspose1d
        In eval mode; it stays as it is.
    bn : BatchNorm1d
        In eval mode, with running averages.
    transpose : bool
        True is accepted for a transposed convolution, for PyTorch's sake; the layer itself tells.

    Returns
    -------
    Module
        A copy of ``conv`` with other numbers, and with a bias.

    Raises
    ------
    RuntimeError
        If one of the layers is in training mode.
    ValueError
        If there are no running averages, or no weight: a lazy layer before its first input, or one
        with weight norm; for ``transpose=True`` with a layer that is none.
    ShapeError
        If the sizes do not fit.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> conv, norm = nn.Conv1d(3, 8, 5).eval(), nn.BatchNorm1d(8).eval()
    >>> fused = nn.utils.fuse_conv_bn_eval(conv, norm)
    >>> x = lucid.randn(2, 3, 20)
    >>> bool(((fused(x) - norm(conv(x))).abs() < 1e-5).all())
    True
    """
    transposed = isinstance(conv, ConvTranspose1d)
    if transpose and not transposed:
        raise ValueError(
            f"transpose=True is for a ConvTranspose1d, got a {type(conv).__name__}\n"
            "  try: leave transpose out, the layer itself tells"
        )
    weight, bias, statistics = parts(conv, bn)
    return twin(conv, *fuse_conv_bn_weights(weight, bias, *statistics, transpose=transposed))


def fuse_linear_bn_eval(linear: Layer, bn: Module) -> Layer:
    """A new linear layer that computes ``bn(linear(x))``, of layers in use.

    Parameters
    ----------
    linear : Linear
        In eval mode; it stays as it is.
    bn : BatchNorm1d
        In eval mode, with running averages; of as many channels as ``linear`` has outputs, or of
        one, for inputs (N, 1, in_features).

    Returns
    -------
    Module
        A copy of ``linear`` with other numbers, and with a bias.

    Raises
    ------
    RuntimeError
        If one of the layers is in training mode.
    ValueError
        If there are no running averages, or no weight.
    ShapeError
        If the sizes do not fit.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> linear, norm = nn.Linear(3, 8).eval(), nn.BatchNorm1d(8).eval()
    >>> fused = nn.utils.fuse_linear_bn_eval(linear, norm)
    >>> x = lucid.randn(2, 3)
    >>> bool(((fused(x) - norm(linear(x))).abs() < 1e-5).all())
    True
    """
    weight, bias, statistics = parts(linear, bn)
    channels = statistics[0].numel()
    if channels not in (1, weight.shape[0]):
        raise ShapeError(
            f"a batch norm of {channels} channels does not fit a linear layer with "
            f"{weight.shape[0]} outputs: it needs as many, or 1\n"
            f"  try: nn.BatchNorm1d({weight.shape[0]})"
        )
    return twin(linear, *fuse_linear_bn_weights(weight, bias, *statistics))


def parts(layer: Module, bn: Any) -> tuple[Parameter, Parameter | None, Statistics]:
    """Weight and bias of a layer, and what a batch norm does, in the order of the functions."""
    if layer.training or bn.training:
        raise RuntimeError("layers are fused for use, not for training\n  try: model.eval()")
    weight = layer._parameters.get("weight")
    if weight is None or isinstance(weight, UninitializedParameter):
        raise ValueError(
            f"{type(layer).__name__} has no weight of its own to fuse\n  try: run one forward "
            "pass (a lazy layer), or nn.utils.remove_weight_norm(layer)"
        )
    if bn.running_mean is None:
        raise ValueError(
            "only a batch norm with running averages can be fused: this one normalizes every "
            "batch by itself, or has not seen one"
        )
    numbers = bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    return weight, layer._parameters.get("bias"), numbers


def twin(layer: Layer, weight: Parameter, bias: Parameter) -> Layer:
    """A copy of a layer with another weight and bias."""
    out: Any = copy.deepcopy(layer)
    out.weight, out.bias = weight, bias
    return out  # type: ignore[no-any-return]
