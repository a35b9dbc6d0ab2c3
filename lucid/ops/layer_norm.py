"""Normalization of every sample by itself: layer norm, group norm, RMS norm.

All three take the numbers of a sample in groups, and make the mean of each group 0 and its variance
1 (RMS norm: the mean of its squares 1). They differ in what a group is, and in which numbers share
a scale and a shift. Written as (N, G, P, L), a group is x[n, g], and w[g, p] scales x[n, g, p]:

    layer norm, RMS norm    G = 1    P = the normalized axes          L = 1
    group norm              G groups P = the channels of a group      L = all other axes
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lucid._ext import kernels
from lucid.autograd import Function, is_grad_enabled, is_tensor, make_tensor
from lucid.cures import axis_cure, cure, rank_cure, shape_cure
from lucid.errors import ShapeError, check_size
from lucid.ops.checks import check_features, check_one_dtype, check_tensor
from lucid.ops.elementwise import sqrt
from lucid.ops.reduce import mean, sum, var
from lucid.ops.shape import reshape
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor

Groups = tuple[int, int, int, int]  # N, G, P, L


class GroupNorm(Function):
    """y = z * w + b  with  z = (x - mean) / sqrt(var + eps), for each group of numbers

    With m(.) for the mean over a group, the gradient of z is g = grad * w, and

        gx = (g - m(g) - z * m(g * z)) / sqrt(var + eps)        gw, gb = sums of grad * z, grad

    Without ``centered``, mean is 0, var is m(x * x), and m(g) is left out of gx. ``formula`` says
    this in tensor operations; where nothing is recorded, a kernel does it group by group.
    """

    new_gradients, silent = True, True

    def __init__(self, groups: Groups, eps: float, centered: bool = True) -> None:
        self.groups, self.eps, self.centered = groups, eps, centered

    def forward(self, x: Array, w: Array | None = None, b: Array | None = None) -> Array:
        rows = self.as_rows(x)
        w = np.ones(self.groups[1:3], x.dtype) if w is None else self.beside(w)
        b = np.zeros(self.groups[1:3], x.dtype) if b is None else self.beside(b)
        self.mean, self.var = np.zeros((2, len(rows)))
        y = np.empty_like(rows)
        kernels.group_norm_forward(rows, w, b, self.mean, self.var, y, self.eps, self.centered)
        return y.reshape(x.shape)

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x = self.saved(0)
        w = self.saved(1) if len(self.needs) > 1 else None
        if is_grad_enabled():
            return self.formula(grad, x, w)
        rows = self.as_rows(x._array)
        g = self.as_rows(grad._array.astype(rows.dtype, copy=False))  # a hook may return another
        scale = np.ones(self.groups[1:3], rows.dtype) if w is None else self.beside(w._array)
        gx = np.empty_like(rows)
        gw, gb = np.zeros((2, blocks(self.groups[0]), *scale.shape), rows.dtype)
        kernels.group_norm_backward(
            g, rows, scale, self.mean, self.var, gx, gw, gb, self.eps, self.centered
        )
        arrays = gx, total(gw), total(gb)
        pairs = zip(arrays, self.shapes, strict=False)
        return tuple([make_tensor(a.reshape(s)) for a, s in pairs])

    def formula(self, grad: Tensor, x: Tensor, w: Tensor | None) -> tuple[Tensor, ...]:
        """The gradients of x, w and b."""
        parts = reshape(x, self.groups)
        if self.centered:
            z = parts - mean(parts, (2, 3), keepdim=True)
            variance = var(parts, (2, 3), keepdim=True, correction=0)
        else:
            z, variance = parts, mean(parts * parts, (2, 3), keepdim=True)
        std = sqrt(variance + self.eps)
        z = z / std
        g = h = reshape(grad, self.groups)
        if w is not None:
            h = g * reshape(w, (1, *self.groups[1:3], 1))
        gx = h - z * mean(h * z, (2, 3), keepdim=True)
        if self.centered:
            gx = gx - mean(h, (2, 3), keepdim=True)
        grads = reshape(gx / std, x.shape), sum(g * z, (0, 3)), sum(g, (0, 3))
        return tuple([reshape(a, s) for a, s in zip(grads, self.shapes, strict=False)])

    def as_rows(self, x: Array) -> Array:
        """(N * G, P, L)"""
        N, G, P, L = self.groups
        return np.ascontiguousarray(x).reshape(N * G, P, L)

    def beside(self, w: Array) -> Array:
        """A scale or a shift as (G, P)."""
        return np.ascontiguousarray(w).reshape(self.groups[1:3])


def blocks(N: int) -> int:
    """In how many blocks to add up over samples: enough for threads, and short sums in each."""
    return max(min(N, 16), -(-N // 32))


def total(parts: Array) -> Array:
    """The sum over all blocks."""
    out: Array = parts.sum(0, dtype=np.float64).astype(parts.dtype)
    return out


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Give the last axes of every sample mean 0 and variance 1, then a scale and a shift.

    ``y = (x - mean) / sqrt(var + eps) * w + b``, with mean and var over the normalized axes

    Parameters
    ----------
    input : Tensor
        ``(..., *normalized_shape)``, of a floating dtype.
    normalized_shape : int or sequence of int
        The sizes of the axes to normalize over: the last ones.
    weight, bias : Tensor, optional
        Of that shape: a scale and a shift for each number of a sample.
    eps : float
        Keeps a variance of 0 from being divided by.

    Returns
    -------
    Tensor
        In the shape of the input.

    Raises
    ------
    ShapeError
        If the last axes of the input, weight or bias have other sizes.
    TypeError
        If the dtypes differ, or are not floating.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016, arXiv:1607.06450.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.layer_norm(lucid.tensor([[1.0, 3.0], [10.0, 30.0]]), 2)
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """
    groups = last_axes("layer_norm", input, normalized_shape, weight, bias)
    return scaled_and_shifted(GroupNorm(groups, eps), input, weight, bias)


def rms_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Give the last axes of every sample a mean square of 1, then a scale.

    ``y = x / sqrt(mean(x^2) + eps) * w``, with the mean over the normalized axes

    Parameters
    ----------
    input : Tensor
        ``(..., *normalized_shape)``, of a floating dtype.
    normalized_shape : int or sequence of int
        The sizes of the axes to normalize over: the last ones.
    weight : Tensor, optional
        Of that shape: a scale for each number of a sample.
    eps : float, optional
        Keeps a mean of 0 from being divided by. By default, the smallest step of the dtype at 1.

    Returns
    -------
    Tensor
        In the shape of the input.

    Raises
    ------
    ShapeError
        If the last axes of the input, or weight, have other sizes.
    TypeError
        If the dtypes differ, or are not floating.

    References
    ----------
    .. [1] B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019,
       arXiv:1910.07467.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.rms_norm(lucid.tensor([[3.0, 3.0], [-1.0, 1.0]]), 2)
    tensor([[ 1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """
    groups = last_axes("rms_norm", input, normalized_shape, weight, None)
    least = float(np.finfo(input._array.dtype).eps) if eps is None else eps
    return scaled_and_shifted(GroupNorm(groups, least, centered=False), input, weight, None)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Give groups of channels of every sample mean 0 and variance 1, then a scale and a shift.

    ``y = (x - mean) / sqrt(var + eps) * w_c + b_c``, with mean and var over a group's channels and
    all positions

    Parameters
    ----------
    input : Tensor
        (N, C, ...), of a floating dtype.
    num_groups : int
        Into how many groups the channels are split.
    weight, bias : Tensor, optional
        (C,), the scale and the shift of each channel.
    eps : float
        Keeps a variance of 0 from being divided by.

    Returns
    -------
    Tensor
        In the shape of the input.

    Raises
    ------
    ShapeError
        If the input has fewer than two axes, or weight or bias other channels.
    ValueError
        If the channels are not divisible by ``num_groups``, or a batch of one sample has only one
        value in each group.
    TypeError
        If the dtypes differ, or are not floating.

    References
    ----------
    .. [1] Y. Wu, K. He, "Group Normalization", ECCV 2018, arXiv:1803.08494.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.group_norm(lucid.tensor([[[1.0, 3.0], [10.0, 30.0]]]), num_groups=2)
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])
    """
    check_tensor(input, "input", "group_norm")
    G = check_size("num_groups", num_groups, 1)
    shape = input.shape
    check_features(shape, "group_norm")
    N, C, L = shape[0], shape[1], math.prod(shape[2:])
    if C % G:
        raise ShapeError(
            f"the channels are split into groups: {C} (axis 1 of {shape}) is not divisible by "
            f"num_groups={G}{cure(f'num_groups={math.gcd(C, G)}')}"
        )
    check_per_number("group_norm", input, (C,), weight, bias)
    if N * (C // G) * L == 1:
        raise ShapeError(
            f"group_norm needs more than one value per group, got an input of shape {shape} for "
            f"num_groups={G}\n  try: num_groups=1"
        )
    return scaled_and_shifted(GroupNorm((N, G, C // G, L), eps), input, weight, bias)


def last_axes(
    op: str,
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
) -> Groups:
    """Check that the last axes have the normalized shape; return it as groups."""
    check_tensor(input, "input", op, weight.dtype if is_tensor(weight) else None)
    expected = check_normalized_shape(normalized_shape)
    first = input.ndim - len(expected)
    if first < 0 or input.shape[first:] != expected:
        shown = ", ".join(map(str, expected))
        code = ""
        if len(expected) == 1 and input.ndim:
            code = axis_cure("x", input.shape, -1, expected[0])
        elif len(expected) == 2 and input.shape[:-3:-1] == expected:
            code = cure("x.transpose(-1, -2)", (*input.shape[:-2], *input.shape[:-3:-1]))
        if not code:
            own = input.shape[max(first, 0) :]
            code = cure(f"normalized_shape={own}") if own else rank_cure("x", (), 1, 1)
        raise ShapeError(f"{op} expected an input (..., {shown}), got {input.shape}{code}")
    check_per_number(op, input, expected, weight, bias)
    return math.prod(input.shape[:first]), 1, math.prod(expected), 1


def check_normalized_shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """A tuple of sizes, at least one; an int is a shape of one axis."""
    given = normalized_shape if isinstance(normalized_shape, Sequence) else [normalized_shape]
    shape = tuple([check_size("normalized_shape", size, 1) for size in given])
    if not shape:
        raise ValueError("normalized_shape must have at least one axis, got ()")
    return shape


def check_per_number(
    op: str, input: Tensor, shape: tuple[int, ...], weight: Tensor | None, bias: Tensor | None
) -> None:
    """Weight and bias, where given, have the shape and the input's dtype."""
    given = {"weight": weight, "bias": bias}
    there = {name: tensor for name, tensor in given.items() if tensor is not None}
    check_one_dtype(op, {"input": input, **there})
    for name, tensor in there.items():
        if tensor.shape != shape:
            raise ShapeError(
                f"{op} expected {name} of shape {shape} for an input {input.shape}, "
                f"got {tensor.shape}{shape_cure(name, tensor.shape, shape)}"
            )


def scaled_and_shifted(
    norm: GroupNorm, input: Tensor, weight: Tensor | None, bias: Tensor | None
) -> Tensor:
    """Call it with the tensors that there are."""
    if bias is None:
        return norm(input) if weight is None else norm(input, weight)
    if weight is None:
        weight = make_tensor(np.ones(bias.shape, bias._array.dtype))
    return norm(input, weight, bias)
