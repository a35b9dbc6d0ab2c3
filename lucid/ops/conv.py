"""conv1d: what is checked, what is computed, and its three faces.

The output is linear in the input and in the weight, so three kernels are enough for derivatives of
any order. With y = conv(x, w) and g the gradient of y:

    forward          y  = conv(x, w)              linear in x, linear in w
    input gradient   gx = conv_input(g, w)        the adjoint in x: linear in g, linear in w
    weight gradient  gw = conv_weight(g, x)       the adjoint in w: linear in g, linear in x

and each one's own derivatives are the other two. All arguments are checked here, once, before
anything is computed; the kernels (``lucid/_ext``) trust what they get.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lucid._ext import kernels
from lucid.autograd import Function
from lucid.cures import choice_cure, cure
from lucid.errors import SIZE_LIMIT, ShapeError, check_size, shown
from lucid.ops.checks import check_bias, check_not_empty, check_one_dtype, check_rank, wrong_size
from lucid.ops.reduce import Sum
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor

PADDING_MODES = {"zeros": 0, "reflect": 1, "replicate": 2, "circular": 3}  # as in pad.pxd


class Geometry(NamedTuple):
    """How a kernel slides over a row: all that the three faces share besides their arrays."""

    stride: int
    dilation: int
    groups: int
    left: int  # positions padded before the row
    right: int  # and after it
    mode: int


def contiguous(a: Array) -> Array:
    """The same numbers, each row's side by side in memory: what kernels read."""
    return a if a.flags.c_contiguous else np.ascontiguousarray(a)


# ------------------------------------------------------------------------------- the three faces


class Conv1d(Function):
    """y[n, o, t] = bias[o] + sum over c, k of w[o, c, k] * padded_x[n, c, t*stride + k*dilation]"""

    silent = new_gradients = True

    def __init__(self, geometry: Geometry, T: int) -> None:
        self.geometry, self.T = geometry, T

    def forward(self, x: Array, w: Array, bias: Array | None = None) -> Array:
        y = np.empty((x.shape[0], w.shape[0], self.T), x.dtype)
        if bias is not None:
            bias = contiguous(bias)
        kernels.conv1d_forward(contiguous(x), contiguous(w), bias, y, *self.geometry)
        return y

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        grads: list[Tensor | None] = [None] * len(self.needs)
        if self.needs[0]:
            grads[0] = Conv1dInput(self.geometry, self.shapes[0])(grad, self.saved(1))
        if self.needs[1]:
            grads[1] = Conv1dWeight(self.geometry, self.shapes[1])(grad, self.saved(0))
        if len(self.needs) == 3 and self.needs[2]:
            grads[2] = Sum((0, 2), False)(grad)  # it was repeated over samples and positions
        return tuple(grads)


class Conv1dInput(Function):
    """gx = sum of w[o, c, k] * g[n, o, t] over all o, k, t that read this place of x"""

    silent = new_gradients = True

    def __init__(self, geometry: Geometry, shape: tuple[int, ...]) -> None:
        self.geometry, self.shape = geometry, shape

    def forward(self, g: Array, w: Array, bias: Array | None = None) -> Array:
        gx = np.empty(self.shape, g.dtype)
        kernels.conv1d_input_grad(contiguous(g), contiguous(w), gx, *self.geometry)
        if bias is not None:  # only of a transposed convolution, which this is, too
            with np.errstate(all="ignore"):
                gx += bias[:, None]
        return gx

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        grads: list[Tensor | None] = [None] * len(self.needs)
        if self.needs[0]:
            grads[0] = Conv1d(self.geometry, self.shapes[0][2])(grad, self.saved(1))
        if self.needs[1]:
            grads[1] = Conv1dWeight(self.geometry, self.shapes[1])(self.saved(0), grad)
        if len(self.needs) == 3 and self.needs[2]:
            grads[2] = Sum((0, 2), False)(grad)
        return tuple(grads)


class Conv1dWeight(Function):
    """gw[o, c, k] = sum over n, t of g[n, o, t] * padded_x[n, c, t*stride + k*dilation]"""

    silent = True

    def __init__(self, geometry: Geometry, shape: tuple[int, ...]) -> None:
        self.geometry, self.shape = geometry, shape

    def forward(self, g: Array, x: Array) -> Array:
        gw = np.empty(self.shape, g.dtype)
        kernels.conv1d_weight_grad(contiguous(g), contiguous(x), gw, *self.geometry)
        return gw

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        T = self.shapes[0][2]
        return (
            Conv1d(self.geometry, T)(self.saved(1), grad) if self.needs[0] else None,
            Conv1dInput(self.geometry, self.shapes[1])(self.saved(0), grad)
            if self.needs[1]
            else None,
        )


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Tensor:
    """Slide a kernel over a signal.

    ::

        y[n, o, t] = b[o] + sum over c, k of w[o, c, k] * p[n, c0 + c, t*stride + k*dilation]

    with p the padded input and c0 the first channel of the group that output channel o belongs to.
    (This is a cross-correlation: the kernel is not flipped.
    The field calls it convolution, and so does PyTorch.)

    Parameters
    ----------
    input : Tensor
        (N, C_in, L), float32 or float64.
    weight : Tensor
        (C_out, C_in / groups, K), of the same dtype.
    bias : Tensor, optional
        (C_out,), of the same dtype.
    stride : int
        Steps from one output to the next.
    padding : int or str
        Positions added on either side; ``"valid"`` adds none, ``"same"`` as many as make the
        output as long as the input (stride 1 only; the odd one goes to the right).
    dilation : int
        Steps from one kernel position to the next.
    groups : int
        Into how many groups the channels are split, each convolved on its own.
    padding_mode : str
        ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.

    Returns
    -------
    Tensor
        (N, C_out, L_out) with
        L_out = floor((L + pad_left + pad_right - dilation * (K - 1) - 1) / stride) + 1.

    Raises
    ------
    ShapeError
        If the rank or the channels do not fit, the kernel is longer than the padded input, or the
        padding is more than the mode allows. It is a ValueError.
    ValueError
        For sizes out of range and unknown modes.
    TypeError
        For dtypes other than float32 and float64, or different ones; for sizes that are no ints.

    References
    ----------
    .. [1] V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016,
       arXiv:1603.07285.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> x = lucid.tensor([[[1.0, 2.0, 4.0, 8.0]]])
    >>> difference = lucid.tensor([[[-1.0, 1.0]]])
    >>> F.conv1d(x, difference)
    tensor([[[1., 2., 4.]]])
    """
    try:
        x, w, b = input._array, weight._array, None if bias is None else bias._array
        agree = x.dtype.kind == "f" and w.dtype is x.dtype and (b is None or b.dtype is x.dtype)
    except AttributeError:  # not a tensor
        agree = False
    if not agree:
        given = {"input": input, "weight": weight}
        check_one_dtype("conv1d", given if bias is None else {**given, "bias": bias})
    about = x.shape, w.shape, None if b is None else b.shape, stride, padding, dilation, groups
    plain = type(stride) is type(dilation) is type(groups) is int and type(padding) in (int, str)
    look_up = checked if plain and type(padding_mode) is str else checked.__wrapped__
    geometry, T = look_up(*about, padding_mode)
    node = Conv1d(geometry, T)
    return node(input, weight) if bias is None else node(input, weight, bias)


# What is checked depends on shapes and options alone, and a model comes with the same ones again
# and again: they are looked up, if they are plain ints (True is not a stride, though it equals 1).
@functools.lru_cache(maxsize=1024)
def checked(
    input: tuple[int, ...],
    weight: tuple[int, ...],
    bias: tuple[int, ...] | None,
    stride: int,
    padding: int | str,
    dilation: int,
    groups: int,
    padding_mode: str,
) -> tuple[Geometry, int]:
    """Check everything that shapes and options can get wrong; return the geometry, and L_out."""
    stride = check_size("stride", stride, 1)
    dilation = check_size("dilation", dilation, 1)
    groups = check_size("groups", groups, 1)
    mode = check_mode(padding_mode)
    check_channels(input, weight, bias, groups)
    left, right = pads(check_padding(padding, stride), weight[2], dilation)
    # A stride beyond the padded row makes one output, however large; kernels' rows grow with it.
    stride = max(1, min(stride, input[2] + left + right))
    geometry = Geometry(stride, dilation, groups, left, right, mode)
    check_not_empty(input, "conv1d", dilation * (weight[2] - 1) + 1)
    check_length(input[2], weight[2], geometry, padding_mode)
    return geometry, output_length(input[2], weight[2], geometry)


# ---------------------------------------------------------------------------------- the arithmetic


def output_length(L: int, K: int, geometry: Geometry) -> int:
    """floor((L + left + right - dilation * (K - 1) - 1) / stride) + 1"""
    stride, dilation, _, left, right, _ = geometry
    return (L + left + right - dilation * (K - 1) - 1) // stride + 1


def pads(padding: int | str, K: int, dilation: int) -> tuple[int, int]:
    """How many positions are added on the left and on the right."""
    if padding == "same":
        total = dilation * (K - 1)
        return total // 2, total - total // 2
    return (0, 0) if padding == "valid" else (int(padding), int(padding))


# -------------------------------------------------------------------------------------- the checks


def check_padding(padding: Any, stride: int, kernel_size: int = 0, dilation: int = 1) -> int | str:
    """``"same"``, ``"valid"``, or an int from 0 up."""
    if isinstance(padding, tuple | list) and len(padding) == 2:
        raise TypeError(
            f"padding is one int, the same on both sides, got {shown(padding)}\n"
            f"  try: F.pad(x, {shown(tuple(padding))})    # before it, and padding=0"
        )
    if not isinstance(padding, str):
        return check_size("padding", padding, 0)
    if padding == "causal":
        left = dilation * (kernel_size - 1) if kernel_size else "dilation * (kernel_size - 1)"
        raise ValueError(
            "padding must be an int, 'same' or 'valid', got 'causal'\n"
            f"  try: F.pad(x, ({left}, 0))    # before it, and padding=0"
        )
    if padding not in ("same", "valid"):
        cure = (
            f"\n  try: padding={padding.lower()!r}" if padding.lower() in ("same", "valid") else ""
        )
        raise ValueError(f"padding must be an int, 'same' or 'valid', got {padding!r}{cure}")
    if padding == "same" and stride != 1:
        cure = "padding=dilation * (kernel_size - 1) // 2"
        if kernel_size:
            cure = f"padding={dilation * (kernel_size - 1) // 2}"
        raise ValueError(f"padding='same' needs stride=1, got stride={stride}\n  try: {cure}")
    return padding


def check_mode(padding_mode: Any) -> int:
    """The number that the kernels know a padding mode by."""
    if not isinstance(padding_mode, str) or padding_mode not in PADDING_MODES:
        legal = ", ".join(repr(mode) for mode in PADDING_MODES)
        raise ValueError(
            f"padding_mode must be one of {legal}, got {padding_mode!r}"
            + choice_cure("padding_mode", padding_mode, list(PADDING_MODES))
        )
    return PADDING_MODES[padding_mode]


def check_channels(
    input: tuple[int, ...], weight: tuple[int, ...], bias: tuple[int, ...] | None, groups: int
) -> None:
    """Ranks, and the channels of input, weight and bias against each other."""
    check_rank(input, "conv1d", weight[1] * groups if len(weight) == 3 else None)
    C = input[1]
    check_kernel("conv1d", "(C_out, C_in / groups, K)", weight, C)
    C_out, C_per_group, _ = weight
    fitting, rest = divmod(C, C_per_group)
    fitting = fitting if fitting and not rest and C_out % fitting == 0 else 0
    if C_out % groups:
        raise ShapeError(
            f"the output channels are split into groups: {C_out} (axis 0 of the weight "
            f"{weight}) is not divisible by groups={groups}{cure(f'groups={fitting or 1}')}"
        )
    if C_per_group * groups != C:
        other = cure(f"groups={fitting}") if fitting else ""
        if not fitting and C_per_group * groups > C:
            other = cure(f"weight[:, :{C // groups}]", (C_out, C // groups, weight[2]))
        raise ShapeError(wrong_size("conv1d", "channels", input, 1, C_per_group * groups, other))
    check_bias("conv1d", bias, C_out)


def check_kernel(name: str, axes: str, weight: tuple[int, ...], C: int) -> None:
    """The weight has three axes, none of them empty."""
    if len(weight) == 3 and 0 not in weight:
        return
    if len(weight) == 2 and 0 not in weight:
        one = (weight[0], 1, weight[1])
        code = cure("weight[:, None]", one) if C == 1 else cure("weight[..., None]", (*weight, 1))
    elif len(weight) == 1 and 0 not in weight and axes.startswith("(C_out"):
        code = cure("weight[None, None]", (1, 1, *weight))  # one filter, which reads one channel
        if C > 1:
            same = cure(f"F.conv1d(x, weight.expand({C}, 1, {weight[0]}), groups={C})")
            code = f"\n  the same filter for each of {C} channels{same}"
    else:
        full = [max(n, 1) for n in (*weight, 1, 1, 1)[:3]]
        code = cure(f"lucid.randn({', '.join(map(str, full))})")
    raise ShapeError(f"{name} expected a weight {axes} with no empty axis, got {weight}{code}")


def check_pads(L: int, widest: int, mode: str, name: str) -> None:
    """The padding is within the limit of the mode, an argument called ``name``."""
    if mode == "reflect" and widest >= L:
        raise ShapeError(
            f"{name}='reflect' mirrors the input without its edge, so padding must be less "
            f"than the length: got padding {widest}, length {L}, at most {L - 1}\n"
            f"  try: {name}='replicate'"
        )
    if mode == "circular" and widest > L:
        raise ShapeError(
            f"{name}='circular' wraps around once, so padding must be at most the length: "
            f"got padding {widest}, length {L}\n  try: {name}='replicate'"
        )


def check_length(L: int, K: int, geometry: Geometry, padding_mode: str) -> None:
    """The padding is within the mode's limit, and the kernel fits into the padded input."""
    _, dilation, _, left, right, _ = geometry
    widest = max(left, right)
    check_pads(L, widest, padding_mode, "padding_mode")
    padded, reach = L + left + right, dilation * (K - 1) + 1
    if padded >= SIZE_LIMIT:
        raise ValueError(f"the padded input must be shorter than 2**31, got {padded}")
    if reach > padded:
        raise ShapeError(
            "the kernel is longer than the padded input: "
            f"dilation * (kernel_size - 1) + 1 = {dilation} * ({K} - 1) + 1 = {reach}, "
            f"length + padding = {L} + {left} + {right} = {padded}\n"
            f"  try: padding={left + -(-(reach - padded) // 2)}"
        )
