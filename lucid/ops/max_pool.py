"""Max pooling: the largest number of each window, and putting it back to where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lucid._ext import kernels, numpy_twins
from lucid.autograd import Function, make_tensor
from lucid.cures import cure, same_shape_cure
from lucid.errors import DtypeError, ShapeError, check_size
from lucid.ops.checks import check_tensor
from lucid.ops.index import AddAt, ReadAt
from lucid.ops.pool import (
    SIDE_BY_SIDE,
    Window,
    adaptive_lengths,
    as_given,
    bins,
    check_batch,
    check_window,
    windows,
)
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class MaxPool(Function):
    """y[n, c, t] = max over k of x[n, c, t*stride - padding + k*dilation]

    A nan counts as the largest. With ``places`` the places of the maxima in L, of equal ones the
    first, y[n, c, t] = x[n, c, places[n, c, t]]: once they are known, pooling is reading.
    """

    reads_inputs = False

    def __init__(self, T: int, window: Window) -> None:
        self.T, self.window = T, window

    def forward(self, x: Array) -> Array:
        y = np.empty((*x.shape[:2], self.T), x.dtype)
        self.places = np.empty(y.shape, np.int64)
        if x.dtype.kind == "f":
            kernels.max_pool_forward(np.ascontiguousarray(x), y, self.places, *self.window)
        else:
            numpy_twins.max_pool_forward(x, y, self.places, *self.window)
        if (self.places < 0).any():
            raise ShapeError(
                "a window lies wholly in the padding: "
                f"length {x.shape[2]}, kernel_size {self.window.size}\n  try: dilation=1"
            )
        return y

    def backward(self, grad: Tensor) -> Tensor:
        return AddAt(self.places, self.shapes[0])(grad)


class AdaptiveMaxPool(MaxPool):
    """y[n, c, t] = max of x[n, c, floor(t*L/T) : ceil((t+1)*L/T)]"""

    def __init__(self, T: int) -> None:
        self.T = T

    def forward(self, x: Array) -> Array:
        starts, ends = bins(x.shape[2], self.T)
        # a short bin reads its last number twice
        read = np.minimum(starts[:, None] + np.arange((ends - starts).max()), ends[:, None] - 1)
        self.places = starts + np.take(x, read, axis=2).argmax(axis=3)
        return ReadAt(self.places).forward(x)


class PutAt(Function):
    """out = zeros, then out[n, c, places[n, c, t]] = x[n, c, t]; the last of several stays"""

    reads_inputs = False

    def __init__(self, places: Array, L: int) -> None:
        self.places, self.L = places, L

    def forward(self, x: Array) -> Array:
        out = np.zeros((*x.shape[:2], self.L), x.dtype)
        np.put_along_axis(out, self.places, x, axis=2)
        return out

    def backward(self, grad: Tensor) -> Tensor:
        return ReadAt(self.places)(grad)


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
        (N, C, L) or (C, L)
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
        If the input is not (N, C, L) or (C, L), or no window fits.
    ValueError
        For sizes out of range.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.max_pool1d(lucid.tensor([[[1.0, 3.0, 2.0, 0.0, 9.0]]]), 2)
    tensor([[[3., 2.]]])
    """
    x = check_batch(input, "max_pool1d")
    window = check_window(kernel_size, stride, padding, dilation)
    reach = (window.size - 1) * window.dilation + 1
    T = windows(x.shape[2], reach, window.stride, window.padding, ceil_mode)
    return with_places(MaxPool(T, window), x, input, return_indices)


def with_places(pool: MaxPool, x: Tensor, input: Tensor, return_indices: bool) -> Any:
    """The largest numbers; where they are asked for, their places, too."""
    out = as_given(pool(x), input)
    return (out, as_given(make_tensor(pool.places.copy()), input)) if return_indices else out


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    output_size: Any = None,
) -> Tensor:
    """y[n, c, indices[n, c, t]] = x[n, c, t], and 0 elsewhere

    Puts what ``max_pool1d`` found back to where it was.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L)
    indices : Tensor
        The places that ``max_pool1d(..., return_indices=True)`` returned, in the same shape.
    kernel_size, stride, padding : int
        Those of the pooling.
    output_size : sequence of int, optional
        The shape of the output, or its last size; by default
        (L - 1) * stride - 2 * padding + kernel_size, one of several lengths that pool to L.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If an index is out of range, or ``output_size`` does not pool to L.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> x, places = F.max_pool1d(lucid.tensor([[[1.0, 3.0, 2.0, 0.0]]]), 2, return_indices=True)
    >>> F.max_unpool1d(x, places, 2)
    tensor([[[0., 3., 2., 0.]]])
    """
    x = check_batch(input, "max_unpool1d")
    check_tensor(indices, "indices", "max_unpool1d")
    if indices.shape != input.shape:
        raise ShapeError(
            f"input and indices must have one shape, got {input.shape} and {indices.shape}"
            + same_shape_cure(("x", "indices"), (input.shape, indices.shape))
        )
    if indices._array.dtype != np.int64:
        raise DtypeError(f"indices must be int64, got {indices.dtype.name}\n  try: indices.long()")
    window = check_window(kernel_size, stride, padding)
    usual = L = (x.shape[2] - 1) * window.stride - 2 * window.padding + window.size
    if output_size is not None:
        L = check_size("output_size", tuple(output_size)[-1], 1)
    if not (usual == L or usual - window.stride < L < usual + window.stride):
        raise ShapeError(
            f"output_size must be between {usual - window.stride} and {usual + window.stride}, "
            f"both excluded, to pool to {x.shape[2]}; got {L}" + cure(f"output_size=({usual},)")
        )
    places = indices._array.reshape(x.shape).copy()
    if places.size and not 0 <= places.min() <= places.max() < L:
        raise ValueError(
            f"indices must be from 0 to {L - 1}, got {places.min()} to {places.max()}\n"
            "  try: output_size=the size of the input that was pooled"
        )
    return as_given(PutAt(places, L)(x), input)


def adaptive_max_pool1d(input: Tensor, output_size: int, return_indices: bool = False) -> Any:
    """y[n, c, t] = max of x[n, c, floor(t*L/T) : ceil((t+1)*L/T)], for T = output_size windows

    Of equal numbers the first gets the gradient.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L)
    output_size : int
        T, the length of the output, whatever the length of the input.
    return_indices : bool
        Whether to return the places of the maxima, too.

    Returns
    -------
    Tensor
        (N, C, T); with ``return_indices`` a pair of it and the int64 places in L.

    Raises
    ------
    ShapeError
        If the input is not (N, C, L) or (C, L), with at least one position.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.adaptive_max_pool1d(lucid.tensor([[[1.0, 3.0, 2.0, 0.0, 9.0]]]), 2)
    tensor([[[3., 9.]]])
    """
    x = check_batch(input, "adaptive_max_pool1d")
    L, T = adaptive_lengths(input, "adaptive_max_pool1d", output_size)
    K = L // T
    short = L % T == 0 and K <= SIDE_BY_SIDE  # the kernel reads a window at a time
    pool = MaxPool(T, Window(K, K, 0, 1)) if short else AdaptiveMaxPool(T)
    return with_places(pool, x, input, return_indices)
