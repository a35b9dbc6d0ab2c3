"""What the layers compute, as functions: ``import lucid.nn.functional as F``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lucid.cures import cure, rank_cure
from lucid.errors import ShapeError, no_such_name
from lucid.ops import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d,
    alpha_dropout,
    avg_pool1d,
    batch_norm,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    celu,
    conv1d,
    conv_transpose1d,
    cross_entropy,
    dropout,
    dropout1d,
    elu,
    embedding,
    gelu,
    glu,
    group_norm,
    hardsigmoid,
    hardswish,
    hardtanh,
    huber_loss,
    instance_norm,
    interpolate,
    kl_div,
    l1_loss,
    layer_norm,
    leaky_relu,
    log_softmax,
    logsigmoid,
    lp_pool1d,
    max_pool1d,
    max_unpool1d,
    mish,
    mse_loss,
    nll_loss,
    one_hot,
    pad,
    prelu,
    relu,
    relu6,
    rms_norm,
    selu,
    sigmoid,
    silu,
    smooth_l1_loss,
    softmax,
    softplus,
    softsign,
    tanh,
)
from lucid.ops.checks import check_bias, check_one_dtype, wrong_size
from lucid.ops.linalg import Linear
from lucid.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "alpha_dropout",
    "avg_pool1d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "conv1d",
    "conv_transpose1d",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "elu",
    "embedding",
    "gelu",
    "glu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "max_pool1d",
    "max_unpool1d",
    "mish",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


if not TYPE_CHECKING:  # which would take any name to be there

    def __getattr__(name: str) -> object:
        raise no_such_name(__name__, name, __all__)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[..., o] = bias[o] + sum over i of weight[o, i] * input[..., i]

    Parameters
    ----------
    input : Tensor
        (..., in_features), float32 or float64.
    weight : Tensor
        (out_features, in_features), of the same dtype.
    bias : Tensor, optional
        (out_features,)

    Returns
    -------
    Tensor
        (..., out_features)

    Raises
    ------
    ShapeError
        If the sizes do not fit.
    TypeError
        If the dtypes differ, or are not floating.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.linear(lucid.tensor([1.0, 2.0]), lucid.tensor([[3.0, 4.0]]))
    tensor([11.])
    """
    given = {"input": input, "weight": weight}
    if bias is not None:
        given["bias"] = bias
    check_one_dtype("linear", given)
    if weight.ndim != 2:
        raise ShapeError(
            f"linear expected a weight (out_features, in_features), got {weight.shape}"
            + rank_cure("weight", weight.shape, 2, 2)
        )
    if not input.ndim:
        raise ShapeError(
            f"linear expected an input (..., features), got (){rank_cure('x', (), 1, 1)}"
        )
    O, I = weight.shape
    if input.shape[-1] != I:
        other = cure("weight.transpose(0, 1)", (I, O)) if input.shape[-1] == O else ""
        if not other and input.shape[-1] < I:
            other = cure(f"weight[:, :{input.shape[-1]}]", (O, input.shape[-1]))
        raise ShapeError(wrong_size("linear", "features", input.shape, -1, I, other))
    if bias is None:
        return Linear()(input, weight)
    check_bias("linear", bias.shape, O)
    return Linear()(input, weight, bias)
