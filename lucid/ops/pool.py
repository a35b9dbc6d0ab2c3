"""Pooling: one number for each window of a signal. Averages here, maxima in max_pool.py."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lucid.autograd import Function, make_tensor
from lucid.cures import cure
from lucid.errors import ShapeError, check_size
from lucid.ops.checks import check_not_empty, check_one_dtype, check_rank, check_tensor
from lucid.ops.conv import Conv1d, Conv1dInput, Geometry
from lucid.ops.elementwise import abs, relu, sign
from lucid.ops.reduce import mean
from lucid.ops.rows import RowMap, Table
from lucid.ops.shape import reshape
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


# ------------------------------------------------------------------------------ what pooling shares


class Window(NamedTuple):
    """How a window slides over a row."""

    size: int
    stride: int
    padding: int
    dilation: int


def check_window(
    kernel_size: int, stride: int | None = None, padding: int = 0, dilation: int = 1
) -> Window:
    """The sizes are whole numbers within their limits; the stride is one window by default."""
    K = check_size("kernel_size", kernel_size, 1)
    window = Window(
        K,
        K if stride is None else check_size("stride", stride, 1),
        check_size("padding", padding, 0),
        check_size("dilation", dilation, 1),
    )
    if window.padding > K // 2:
        raise ValueError(
            f"padding must be at most half of kernel_size={K}, got {padding}\n"
            f"  try: padding={K // 2}"
        )
    return window


def check_batch(input: Tensor, name: str) -> Tensor:
    """The input as (N, C, L), also if it is one sample (C, L): every row is pooled by itself."""
    check_tensor(input, "input", name)
    if input.ndim == 2:
        return reshape(input, 1, *input.shape)
    check_rank(input.shape, name)
    return input


def as_given(out: Tensor, input: Tensor) -> Tensor:
    """The result (N, C, T) with the axes that the input had."""
    return out if input.ndim == 3 else reshape(out, out.shape[1:])


def windows(L: int, reach: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """How many windows of length ``reach`` a padded row has."""
    room = L + 2 * padding - reach
    if L == 0 or (room < 0 and not (ceil_mode and room > -stride)):
        raise ShapeError(
            f"no window fits: it reaches over {reach} positions, length + 2 * padding = "
            f"{L} + 2 * {padding} = {L + 2 * padding}" + cure(f"F.pad(x, (0, {reach - L}))")
        )
    T = room // stride + 1
    if ceil_mode:
        T = -(-room // stride) + 1
        if (T - 1) * stride >= L + padding:  # the last window must not start in the right padding
            T -= 1
    return T


# ------------------------------------------------------------------------------------- the averages

#: From this length on, windows that cover a row side by side are summed up as axes of their own.
SIDE_BY_SIDE = 16


class AvgPool(Function):
    """y[r, 0, t] = sum over k of x[r, 0, t*stride - left + k], divided by counts[t]

    The sum is a convolution with a kernel of ones.
    """

    reads_inputs = False
    silent = True

    def __init__(self, geometry: Geometry, K: int, counts: NDArray[np.int64]) -> None:
        self.geometry, self.K, self.counts = geometry, K, counts

    def forward(self, x: Array) -> Array:
        ones = np.ones((1, 1, self.K), x.dtype)
        y = Conv1d(self.geometry, len(self.counts)).forward(x, ones)
        y /= self.counts.astype(x.dtype)
        return y

    def backward(self, grad: Tensor) -> Tensor:
        kind = grad._array.dtype
        shared = grad / make_tensor(self.counts.astype(kind))
        ones = make_tensor(np.ones((1, 1, self.K), kind))
        return Conv1dInput(self.geometry, self.shapes[0])(shared, ones)


def avg_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """y[n, c, t] = mean over k of x[n, c, t*stride - padding + k]

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L), of a floating dtype.
    kernel_size : int
        Positions per window.
    stride : int, optional
        Steps from one window to the next; by default ``kernel_size``.
    padding : int
        Zeros added on either side, at most half a window.
    ceil_mode : bool
        Whether the last window may reach beyond the padded input, as long as it starts within
        the input or its left padding. What lies beyond does not count.
    count_include_pad : bool
        Whether the zeros of the padding count as numbers of a window.

    Returns
    -------
    Tensor
        (N, C, L_out) with L_out = floor((L + 2*padding - kernel_size) / stride) + 1, or its ceiling

    Raises
    ------
    ShapeError
        If the input is not (N, C, L) or (C, L), or no window fits.
    ValueError
        For sizes out of range.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.avg_pool1d(lucid.tensor([[[1.0, 3.0, 2.0, 0.0, 9.0]]]), 2)
    tensor([[[2., 1.]]])
    """
    check_one_dtype("avg_pool1d", {"input": input})
    N, C, L = check_batch(input, "avg_pool1d").shape
    K, stride, padding, _ = check_window(kernel_size, stride, padding)
    T = windows(L, K, stride, padding, ceil_mode)
    if stride == K and K * T == L and K >= SIDE_BY_SIDE:
        return mean(reshape(input, *input.shape[:-1], T, K), -1)
    starts = np.arange(T) * stride - padding
    ends = np.minimum(starts + K, L + padding)
    counts = ends - starts if count_include_pad else np.minimum(ends, L) - np.maximum(starts, 0)
    # Only with ceil_mode can a window be longer than the padded input; rows would grow with it, and
    # with a stride beyond the input.
    K, stride = min(K, L + 2 * padding), min(stride, L + 2 * padding)
    right = max((T - 1) * stride - padding + K - L, 0)
    rows = reshape(input, N * C, 1, L)
    out = AvgPool(Geometry(stride, 1, 1, padding, right, 0), K, counts)(rows)
    return reshape(out, *input.shape[:-1], T)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: int | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """y[n, c, t] = (sum over k of x[n, c, t*stride + k]^p)^(1/p), for p = norm_type

    A negative sum gives 0, as in PyTorch; with an even p there is none.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L), of a floating dtype.
    norm_type : float
        p: 1 gives the sum, a large number nearly the maximum.
    kernel_size, stride, ceil_mode
        As for ``avg_pool1d``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.lp_pool1d(lucid.tensor([[[3.0, 4.0, 0.0, 2.0]]]), 2, 2)
    tensor([[[5., 2.]]])
    """
    p = float(norm_type)
    means = avg_pool1d(input**p, kernel_size, stride, 0, ceil_mode)
    sums = means * check_size("kernel_size", kernel_size, 1)
    return (sign(sums) * relu(abs(sums))) ** (1 / p)


# ------------------------------------------------------------------------------- as many as wanted


def bins(L: int, T: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the T windows of a row begin and end: floor(t*L/T) and ceil((t+1)*L/T)."""
    t = np.arange(T + 1)
    return t[:-1] * L // T, -(-t[1:] * L // T)


@functools.lru_cache(maxsize=128)
def average_table(L: int, T: int) -> Table:
    """Each of T outputs is the mean of its bin."""
    starts, ends = bins(L, T)
    lengths = ends - starts
    targets = np.arange(T).repeat(lengths)
    before = np.cumsum(lengths) - lengths  # entries before those of each bin
    sources = np.arange(len(targets)) - before[targets] + starts[targets]
    return Table(targets, sources, 1 / lengths[targets], T, L)


def adaptive_avg_pool1d(input: Tensor, output_size: int) -> Tensor:
    """y[n, c, t] = mean of x[n, c, floor(t*L/T) : ceil((t+1)*L/T)], for T = output_size windows

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L), of a floating dtype.
    output_size : int
        T, the length of the output, whatever the length of the input.

    Returns
    -------
    Tensor
        (N, C, T)

    Raises
    ------
    ShapeError
        If the input is not (N, C, L) or (C, L), with at least one position.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.adaptive_avg_pool1d(lucid.tensor([[[1.0, 3.0, 2.0, 0.0, 9.0]]]), 2)
    tensor([[[2.0000, 3.6667]]])
    """
    check_one_dtype("adaptive_avg_pool1d", {"input": input})
    L, T = adaptive_lengths(input, "adaptive_avg_pool1d", output_size)
    if T == 1:
        return mean(input, -1, keepdim=True)
    if L % T == 0:
        return avg_pool1d(input, L // T)
    return RowMap(average_table(L, T))(input)


def adaptive_lengths(input: Tensor, name: str, output_size: int) -> tuple[int, int]:
    """L and T, at least one each."""
    if input.ndim != 2:
        check_rank(input.shape, name)
    T = check_size("output_size", output_size, 1)
    check_not_empty(input.shape, name)
    return input.shape[-1], T
