"""Transposed convolution: the gradient of conv1d for its input, taken as an operation of its own.

Its three faces are those of ``conv.py`` in other places, so its derivatives of any order are there
already: the output is ``Conv1dInput``, the gradient of the input is ``Conv1d``, and that of the
weight ``Conv1dWeight``.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from lucid.cures import cure
from lucid.errors import SIZE_LIMIT, ShapeError, check_size
from lucid.ops.checks import check_bias, check_not_empty, check_one_dtype, check_rank, wrong_size
from lucid.ops.conv import PADDING_MODES, Conv1dInput, Geometry, check_kernel

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Tensor:
    """Let every position of a signal add a kernel, times its number, to the output.

    ::

        y[n, o, j] = b[o] + sum over c, k, t of w[c, o, k] * x[n, c, t],
                     for those k, t with t*stride + k*dilation - padding = j

    This is the adjoint of a convolution (its matrix transposed, hence the name) and undoes its
    change of length: the way back up in a decoder.

    Parameters
    ----------
    input : Tensor
        (N, C_in, L), float32 or float64.
    weight : Tensor
        (C_in, C_out / groups, K), of the same dtype.
    bias : Tensor, optional
        (C_out,), of the same dtype.
    stride : int
        Steps between the kernels that two neighbouring positions add.
    padding : int
        Positions left off on either side of the output.
    output_padding : int
        Positions more on the right, fewer than ``stride`` or ``dilation``. A convolution with a
        stride makes the same length of several; this says which one it was.
    groups : int
        Into how many groups the channels are split, each convolved on its own.
    dilation : int
        Steps from one kernel position to the next.

    Returns
    -------
    Tensor
        (N, C_out, L_out) with
        L_out = (L - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1.

    Raises
    ------
    ShapeError
        If the rank or the channels do not fit, or nothing is left of the output. It is a
        ValueError.
    ValueError
        For sizes out of range.
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
    >>> x = lucid.tensor([[[1.0, 2.0, 4.0]]])
    >>> F.conv_transpose1d(x, lucid.tensor([[[1.0, 1.0]]]), stride=2)
    tensor([[[1., 1., 2., 2., 4., 4.]]])
    """
    given = {"input": input, "weight": weight}
    check_one_dtype("conv_transpose1d", given if bias is None else {**given, "bias": bias})
    about = input.shape, weight.shape, None if bias is None else bias.shape
    options = stride, padding, output_padding, groups, dilation
    plain = all(type(option) is int for option in options)
    geometry, shape = (checked if plain else checked.__wrapped__)(*about, *options)
    node = Conv1dInput(geometry, shape)
    return node(input, weight) if bias is None else node(input, weight, bias)


@functools.lru_cache(maxsize=1024)  # as in conv.py: a model comes with the same shapes every time
def checked(
    input: tuple[int, ...],
    weight: tuple[int, ...],
    bias: tuple[int, ...] | None,
    stride: int,
    padding: int,
    output_padding: int,
    groups: int,
    dilation: int,
) -> tuple[Geometry, tuple[int, int, int]]:
    """Check everything that shapes and options can get wrong.

    Return the geometry of the convolution that this is the adjoint of, and the shape of its input.
    """
    stride = check_size("stride", stride, 1)
    padding = check_size("padding", padding, 0)
    groups = check_size("groups", groups, 1)
    dilation = check_size("dilation", dilation, 1)
    output_padding = check_output_padding(output_padding, stride, dilation)
    name = "conv_transpose1d"
    check_rank(input, name, weight[0] if weight else None)
    check_kernel(name, "(C_in, C_out / groups, K)", weight, weight[0] if weight else 1)
    C_in, C_per_group, K = weight
    if C_in % groups:
        raise ShapeError(
            f"the input channels are split into groups: {C_in} (axis 0 of the weight {weight}) "
            f"is not divisible by groups={groups}{cure(f'groups={math.gcd(C_in, groups)}')}"
        )
    N, C, L = input
    if C_in != C:
        other = cure(f"weight[:{C}]", (C, C_per_group, K)) if C_in > C and not C % groups else ""
        raise ShapeError(wrong_size(name, "channels", input, 1, C_in, other))
    C_out = C_per_group * groups
    check_bias(name, bias, C_out)
    check_not_empty(input, name)
    whole = (L - 1) * stride + dilation * (K - 1) + output_padding + 1
    if whole >= SIZE_LIMIT:
        raise ValueError(f"the output must be shorter than 2**31, got {whole} before padding")
    if whole <= 2 * padding:
        raise ShapeError(
            "nothing is left of the output: (length - 1) * stride + dilation * (kernel_size - 1) "
            f"+ output_padding + 1 = {L - 1} * {stride} + {dilation} * {K - 1} + {output_padding} "
            f"+ 1 = {whole}, 2 * padding = {2 * padding}\n  try: padding={(whole - 1) // 2}"
        )
    # With one position the stride says nothing, however large; kernels' rows grow with it.
    stride = min(stride, whole)
    geometry = Geometry(stride, dilation, groups, padding, padding, PADDING_MODES["zeros"])
    return geometry, (N, C_out, whole - 2 * padding)


def check_output_padding(output_padding: int, stride: int, dilation: int) -> int:
    """An int from 0 up, and less than stride or dilation."""
    output_padding = check_size("output_padding", output_padding, 0)
    if output_padding >= max(stride, dilation):
        raise ValueError(
            "output_padding must be less than stride or dilation: "
            f"got output_padding={output_padding}, stride={stride}, dilation={dilation}\n"
            f"  try: output_padding={max(stride, dilation) - 1}"
        )
    return output_padding
