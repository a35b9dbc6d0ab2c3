"""Matrix multiplication."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function, is_tensor
from lucid.cures import broadcast, cure, narrow_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.broadcast import sum_to
from lucid.ops.join import dtype_cure
from lucid.ops.reduce import sum
from lucid.ops.shape import reshape, transpose
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class MatMul(Function):
    """out[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]"""

    def forward(self, a: Array, b: Array) -> Array:
        return np.matmul(a, b)  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad_a = grad_b = None
        if self.needs[0]:
            grad_a = sum_to(matmul(grad, transpose(self.saved(1), -2, -1)), self.shapes[0])
        if self.needs[1]:
            grad_b = sum_to(matmul(transpose(self.saved(0), -2, -1), grad), self.shapes[1])
        return grad_a, grad_b


class Linear(Function):
    """y[..., o] = b[o] + sum over i of w[o, i] * x[..., i]"""

    new_gradients = True

    def forward(self, x: Array, w: Array, b: Array | None = None) -> Array:
        y = np.matmul(x, w.T)
        if b is not None:
            y += b
        return y  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        x_shape, (O, I) = self.shapes[0], self.shapes[1]
        n = math.prod(x_shape[:-1])  # all leading axes are one to a matrix product
        rows = reshape(grad, n, O)
        grads = [
            reshape(matmul(rows, self.saved(1)), x_shape) if self.needs[0] else None,
            matmul(transpose(rows, 0, 1), reshape(self.saved(0), n, I)) if self.needs[1] else None,
        ]
        if len(self.needs) == 3:
            grads.append(sum(rows, 0) if self.needs[2] else None)
        return tuple(grads)


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """out[..., i, j] = sum over k of input[..., i, k] * other[..., k, j]

    A vector on the left is a row, one on the right a column; the extra axis is dropped from the
    result. Leading axes are broadcast.

    Parameters
    ----------
    input, other : Tensor
        Of one dtype, with at least one axis each.

    Raises
    ------
    ShapeError
        If the two sizes that are summed over differ, or the leading axes do not broadcast.
    TypeError
        If the dtypes differ.

    Examples
    --------
    >>> import lucid
    >>> a = lucid.tensor([[1, 2], [3, 4]])
    >>> a @ lucid.tensor([1, 10])
    tensor([21, 43])
    """
    if not (is_tensor(input) and is_tensor(other)):
        got = f"{type(input).__name__} @ {type(other).__name__}"
        raise TypeError(f"@ needs two tensors, got {got}\n  try: lucid.tensor(...)")
    if input.dtype is not other.dtype:
        raise DtypeError(
            f"@ needs two tensors of one dtype, got {input.dtype.name} and {other.dtype.name}"
            + cure(dtype_cure([input.dtype, other.dtype]))
        )
    if not input.ndim or not other.ndim:
        raise ShapeError("@ needs at least one axis on either side" + cure("a * b"))
    a = reshape(input, 1, -1) if input.ndim == 1 else input
    b = reshape(other, -1, 1) if other.ndim == 1 else other
    fits = a.shape[-1] == b.shape[-2]
    lead = broadcast(a.shape[:-2], b.shape[:-2])
    if lead is None or not fits:
        raise ShapeError(
            "@ sums over the last axis of the left and the last but one of the right (the last of "
            f"a vector), which must be equal: got {input.shape} @ {other.shape}"
            + matmul_cure(input.shape, other.shape)
        )
    out = MatMul()(a, b)
    rows = a.shape[-2:-1] if input.ndim > 1 else ()
    columns = b.shape[-1:] if other.ndim > 1 else ()
    return out if out.shape == (*lead, *rows, *columns) else reshape(out, *lead, *rows, *columns)


def matmul_cure(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """One of the two turned, or the longer sum cut to the shorter."""
    left, right = a[-1], b[-2:][0]
    if left == right:  # then it is the axes before them that do not broadcast
        return narrow_cure("ab", [a, b], last=-3, free=1)
    if len(b) > 1 and left == b[-1]:
        return cure("a @ b.transpose(-1, -2)")
    if len(a) > 1 and a[-2] == right:
        return cure("a.transpose(-1, -2) @ b")
    if left > right:
        return cure(f"a[..., :{right}]", (*a[:-1], right))
    part = f"b[..., :{left}, :]" if len(b) > 1 else f"b[:{left}]"
    return cure(part, (*b[:-2], left, *b[-2:][1:]))


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """out[n, i, j] = sum over k of input[n, i, k] * mat2[n, k, j]

    Parameters
    ----------
    input : Tensor
        (N, I, K).
    mat2 : Tensor
        (N, K, J).

    Raises
    ------
    ShapeError
        If not both have three axes and as many matrices, or the sizes do not fit.

    Examples
    --------
    >>> import lucid
    >>> lucid.bmm(lucid.ones(4, 2, 3), lucid.ones(4, 3, 5)).shape
    (4, 2, 5)
    """
    if input.ndim != 3 or mat2.ndim != 3 or len(input) != len(mat2):
        code = "a @ b"
        if input.ndim == mat2.ndim == 3:
            code = f"b[:{len(input)}]" if len(input) < len(mat2) else f"a[:{len(mat2)}]"
        raise ShapeError(
            f"bmm multiplies two batches (N, ., .) of one length, got {input.shape} and "
            f"{mat2.shape}{cure(code)}"
        )
    return matmul(input, mat2)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """out[i, j] = sum over k of input[i, k] * mat2[k, j]

    Parameters
    ----------
    input : Tensor
        (I, K).
    mat2 : Tensor
        (K, J).

    Raises
    ------
    ShapeError
        If not both have two axes, or the sizes do not fit.

    Examples
    --------
    >>> import lucid
    >>> lucid.mm(lucid.ones(2, 3), lucid.ones(3, 5)).shape
    (2, 5)
    """
    if input.ndim != 2 or mat2.ndim != 2:
        raise ShapeError(
            f"mm multiplies two matrices, got {input.shape} and {mat2.shape}" + cure("a @ b")
        )
    return matmul(input, mat2)
