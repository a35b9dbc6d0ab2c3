"""Pooling: one number for each window of a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lucid._ext import kernels, numpy_twins
from lucid.autograd import Function, make_tensor
from lucid.errors import ShapeError, check_size
from lucid.ops.checks import check_rank, check_tensor
from lucid.ops.index import getitem
from lucid.ops.join import stack
from lucid.ops.reduce import mean
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class MaxPool(Function):
    """y[n, c, t] = max over k of x[n, c, t*stride - padding + k*dilation]

    A nan counts as the largest. With ``places`` the places of the maxima in L, of equal ones the
    first, y[n, c, t] = x[n, c, places[n, c, t]]: once they are known, pooling is reading.
    """

    reads_inputs = False

    def __init__(self, T: int, K: int, stride: int, padding: int, dilation: int) -> None:
        self.T, self.K, self.geometry = T, K, (K, stride, padding, dilation)

    def forward(self, x: Array) -> Array:
        y = np.empty((*x.shape[:2], self.T), x.dtype)
        self.places = np.empty(y.shape, np.int64)
        if x.dtype.kind == "f":
            kernels.max_pool_forward(np.ascontiguousarray(x), y, self.places, *self.geometry)
        else:
            numpy_twins.max_pool_forward(x, y, self.places, *self.geometry)
        if (self.places < 0).any():
            raise ShapeError(
                f"a window lies wholly in the padding: length {x.shape[2]}, kernel_size {self.K}"
            )
        return y

    def backward(self, grad: Tensor) -> Tensor:
        return AddAt(self.places, self.shapes[0])(grad)


class AddAt(Function):
    """gx = zeros, then gx[n, c, places[n, c, t]] += g[n, c, t]: the adjoint of reading at places"""

    reads_inputs = False

    def __init__(self, places: Array, shape: tuple[int, ...]) -> None:
        self.places, self.shape = places, shape

    def forward(self, g: Array) -> Array:
        gx = np.zeros(self.shape, g.dtype)
        kernels.max_pool_backward(np.ascontiguousarray(g), self.places, gx)
        return gx

    def backward(self, grad: Tensor) -> Tensor:
        return ReadAt(self.places)(grad)


class ReadAt(Function):
    """out[n, c, t] = x[n, c, places[n, c, t]]"""

    reads_inputs = False

    def __init__(self, places: Array) -> None:
        self.places = places

    def forward(self, x: Array) -> Array:
        return np.take_along_axis(x, self.places, axis=2)

    def backward(self, grad: Tensor) -> Tensor:
        return AddAt(self.places, self.shapes[0])(grad)


def max_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y[n, c, t] = max over k of x[n, c, t*stride - padding + k*dilation]

    Positions outside the input count as minus infinity; of equal numbers the first gets the
    gradient.

    Parameters
    ----------
    input : Tensor
        (N, C, L)
    kernel_size : int
        Positions per window.
    stride : int, optional
        Steps from one window to the next; by default ``kernel_size``.
    padding : int
        Positions added on either side, at most half a window.
    dilation : int
        Steps from one position of a window to the next.
    ceil_mode : bool
        Whether the last window may reach beyond the padded input, as long as it starts within
        the input or its left padding.
    return_indices : bool
        Whether to return the places of the maxima, too.

    Returns
    -------
    Tensor
        (N, C, L_out) with L_out = floor((L + 2*padding - dilation*(kernel_size-1) - 1) / stride)
        + 1, or its ceiling; with ``return_indices`` a pair of it and the int64 places in L.

    Raises
    ------
    ShapeError
        If the input is not (N, C, L), or no window fits.
    ValueError
        For sizes out of range.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.max_pool1d(lucid.tensor([[[1.0, 3.0, 2.0, 0.0, 9.0]]]), 2)
    tensor([[[3., 2.]]])
    """
    check_tensor(input, "input", "max_pool1d")
    check_rank(input.shape, "max_pool1d")
    K = check_size("kernel_size", kernel_size, 1)
    stride = K if stride is None else check_size("stride", stride, 1)
    padding = check_size("padding", padding, 0)
    dilation = check_size("dilation", dilation, 1)
    if padding > K // 2:
        raise ValueError(f"padding must be at most half of kernel_size={K}, got {padding}")
    L = input.shape[2]
    T = windows(L, (K - 1) * dilation + 1, stride, padding, ceil_mode)
    pool = MaxPool(T, K, stride, padding, dilation)
    out = pool(input)
    return (out, make_tensor(pool.places.copy())) if return_indices else out


def windows(L: int, reach: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """How many windows of length ``reach`` a padded row has."""
    room = L + 2 * padding - reach
    if L == 0 or (room < 0 and not (ceil_mode and room > -stride)):
        raise ShapeError(
            f"no window fits: it reaches over {reach} positions, length + 2 * padding = "
            f"{L} + 2 * {padding} = {L + 2 * padding}"
        )
    T = room // stride + 1
    if ceil_mode:
        T = -(-room // stride) + 1
        if (T - 1) * stride >= L + padding:  # the last window must not start in the right padding
            T -= 1
    return T


def adaptive_avg_pool1d(input: Tensor, output_size: int) -> Tensor:
    """y[n, c, t] = mean of x[n, c, floor(t*L/T) : ceil((t+1)*L/T)], for T = output_size windows

    Parameters
    ----------
    input : Tensor
        (N, C, L), of a floating dtype.
    output_size : int
        T, the length of the output, whatever the length of the input.

    Returns
    -------
    Tensor
        (N, C, T)

    Raises
    ------
    ShapeError
        If the input is not (N, C, L) with at least one position.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.adaptive_avg_pool1d(lucid.tensor([[[1.0, 3.0, 2.0, 0.0, 9.0]]]), 2)
    tensor([[[2.0000, 3.6667]]])
    """
    check_tensor(input, "input", "adaptive_avg_pool1d")
    check_rank(input.shape, "adaptive_avg_pool1d")
    T = check_size("output_size", output_size, 1)
    L = input.shape[2]
    if L == 0:
        raise ShapeError("adaptive_avg_pool1d needs at least one position, got length 0")
    if T == 1:
        return mean(input, 2, keepdim=True)
    edges = [(t * L // T, -(-(t + 1) * L // T)) for t in range(T)]
    bins = [getitem(input, (..., slice(start, stop))) for start, stop in edges]
    return stack([mean(part, 2) for part in bins], dim=2)
