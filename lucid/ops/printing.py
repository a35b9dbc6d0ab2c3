"""How a tensor is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid import types

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def tensor_repr(tensor: Tensor) -> str:
    """``tensor([1., 2.], requires_grad=True)``: the numbers, and what is unusual about them."""
    array = tensor._array
    # 1. where all numbers are whole, else four digits each
    whole = array.dtype.kind != "f" or not (array[np.isfinite(array)] % 1).any()
    numbers = np.array2string(
        array,
        separator=", ",
        prefix="tensor(",
        threshold=1000,
        precision=4,
        floatmode="maxprec_equal" if whole else "fixed",
    )
    notes = []
    if array.size == 0 and array.ndim != 1:
        notes.append(f"size={tensor.shape}")
    if tensor.dtype not in (types.get_default_dtype(), types.int64, types.bool):
        notes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return f"tensor({', '.join([numbers, *notes])})"
