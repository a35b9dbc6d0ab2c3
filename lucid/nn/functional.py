"""What the layers compute, as functions: ``import lucid.nn.functional as F``."""

from __future__ import annotations

from lucid import random
from lucid.autograd import make_tensor
from lucid.errors import ShapeError
from lucid.ops import (
    adaptive_avg_pool1d,
    batch_norm,
    conv1d,
    conv_transpose1d,
    cross_entropy,
    group_norm,
    instance_norm,
    layer_norm,
    log_softmax,
    max_pool1d,
    mse_loss,
    nll_loss,
    relu,
    rms_norm,
    sigmoid,
    softmax,
    tanh,
)
from lucid.ops.checks import check_one_dtype
from lucid.ops.linalg import Linear
from lucid.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "batch_norm",
    "conv1d",
    "conv_transpose1d",
    "cross_entropy",
    "dropout",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "linear",
    "log_softmax",
    "max_pool1d",
    "mse_loss",
    "nll_loss",
    "relu",
    "rms_norm",
    "sigmoid",
    "softmax",
    "tanh",
]


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
    if weight.ndim != 2 or input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        expected = weight.shape[1] if weight.ndim == 2 else "in_features"
        raise ShapeError(
            f"linear expected {expected} features in the last axis of the input, and a weight "
            f"(out_features, in_features): got input {input.shape}, weight {weight.shape}"
        )
    if bias is None:
        return Linear()(input, weight)
    if bias.shape != weight.shape[:1]:
        raise ShapeError(f"linear expected a bias of shape {weight.shape[:1]}, got {bias.shape}")
    return Linear()(input, weight, bias)


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """y = input * mask / (1 - p), each number of the mask 0 with probability p, else 1

    So a number keeps its value on average. Without ``training``, y = input.

    Parameters
    ----------
    input : Tensor
        Of a floating dtype.
    p : float
        The probability to be dropped, from 0 to 1.
    training : bool
        Whether anything is dropped at all.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.
    TypeError
        If the input is not of a floating dtype.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
       Overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> sorted(set(F.dropout(lucid.ones(100), p=0.5).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability, from 0 to 1; got {p}")
    check_one_dtype("dropout", {"input": input})
    if not training or p == 0:
        return input
    keep = random.stream().random(input.shape) >= p
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return input * make_tensor((keep * scale).astype(input.dtype.numpy))
