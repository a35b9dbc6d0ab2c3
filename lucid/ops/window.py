"""Windows: weights that fade a piece of a signal in and out."""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING

import numpy as np

from lucid import types
from lucid.cures import cure
from lucid.errors import DtypeError
from lucid.ops.create import finished
from lucid.types import DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def hann_window(
    window_length: builtins.int,
    periodic: builtins.bool = True,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[n] = 0.5 - 0.5 cos(2 pi n / N)

    Parameters
    ----------
    window_length : int
        How many weights.
    periodic : bool
        True for N = window_length, so that overlapping windows add up to one number; False for N =
        window_length - 1, so that the last weight equals the first.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Raises
    ------
    DtypeError
        For a dtype of whole numbers.
    ValueError
        If the length is negative.

    Examples
    --------
    >>> import lucid
    >>> lucid.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return hamming_window(
        window_length, periodic, 0.5, 0.5, dtype=dtype, device=device, requires_grad=requires_grad
    )


def hamming_window(
    window_length: builtins.int,
    periodic: builtins.bool = True,
    alpha: builtins.float = 0.54,
    beta: builtins.float = 0.46,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[n] = alpha - beta cos(2 pi n / N)

    Parameters
    ----------
    window_length, periodic
        As for ``hann_window``.
    alpha, beta : float
        The mean, and how far the weights go from it.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Raises
    ------
    DtypeError
        For a dtype of whole numbers.
    ValueError
        If the length is negative.

    Examples
    --------
    >>> import lucid
    >>> lucid.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    length, wanted = operator.index(window_length), types.as_dtype(dtype)
    if length < 0:
        raise ValueError(f"a window has at least 0 weights, got {window_length}")
    if not wanted.is_floating_point:
        raise DtypeError(
            f"a window is made of fractions, got dtype {wanted.name}" + cure("dtype=lucid.float32")
        )
    N = max(length if periodic else length - 1, 1)
    angles = 2 * np.pi * np.arange(length) / N
    array = alpha - beta * np.cos(angles) if length > 1 else np.ones(length)
    return finished(array.astype(wanted.numpy), device, requires_grad)
