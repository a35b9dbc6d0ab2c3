"""Vectors and matrices: products of two vectors, and diagonals."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import numpy as np

from lucid.cures import cure, rank_cure
from lucid.errors import ShapeError
from lucid.ops.index import PutItem, getitem
from lucid.ops.linalg import matmul
from lucid.ops.reduce import sum
from lucid.ops.shape import axis_of, movedim, reshape
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """out = sum over i of input[i] * tensor[i], of two vectors

    Parameters
    ----------
    input, tensor : Tensor
        (n,), vectors of one dtype.

    Raises
    ------
    ShapeError
        If they are not two vectors of one length.
    TypeError
        If they have two dtypes.

    Examples
    --------
    >>> import lucid
    >>> lucid.dot(lucid.tensor([1, 2]), lucid.tensor([3, 4]))
    tensor(11)
    """
    check_axes("dot", (input, 1), (tensor, 1))
    return matmul(input, tensor)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """out[i] = sum over k of input[i, k] * vec[k], of a matrix and a vector

    Parameters
    ----------
    input : Tensor
        (n, m), a matrix.
    vec : Tensor
        (m,), a vector of the same dtype; the result is (n,).

    Raises
    ------
    ShapeError
        If they are not a matrix and a vector as long as its rows.
    TypeError
        If they have two dtypes.

    Examples
    --------
    >>> import lucid
    >>> lucid.mv(lucid.tensor([[1, 2], [3, 4]]), lucid.tensor([1, 10]))
    tensor([21, 43])
    """
    check_axes("mv", (input, 2), (vec, 1))
    return matmul(input, vec)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """out[i, j] = input[i] * vec2[j], of two vectors

    Parameters
    ----------
    input : Tensor
        (n,), a vector.
    vec2 : Tensor
        (m,), a vector; the result is (n, m).

    Raises
    ------
    ShapeError
        If they are not two vectors.

    Examples
    --------
    >>> import lucid
    >>> lucid.outer(lucid.tensor([1, 2]), lucid.tensor([1, 10]))
    tensor([[ 1, 10],
            [ 2, 20]])
    """
    check_axes("outer", (input, 1), (vec2, 1))
    return reshape(input, -1 if input.numel() else 0, 1) * vec2


def check_axes(name: str, *operands: tuple[Tensor, builtins.int]) -> None:
    """Each operand has its number of axes."""
    words = " and ".join(["a vector", "a matrix"][axes - 1] for _, axes in operands)
    got = " and ".join(str(x.shape) for x, _ in operands)
    for side, (x, axes) in zip("ab", operands, strict=True):
        if x.ndim != axes:
            raise ShapeError(
                f"{name} multiplies {words}, got {got}{rank_cure(side, x.shape, axes, axes)}"
            )


def diagonal(
    input: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1
) -> Tensor:
    """out[..., i] = input[..., i, i + offset], with the two axes last

    Parameters
    ----------
    input : Tensor
        Of any shape with at least two axes.
    offset : int
        0 for the main diagonal, positive for one above, negative for one below.
    dim1, dim2 : int
        The two axes.

    Raises
    ------
    AxisError
        If an axis does not exist.
    ValueError
        If the two axes are one.

    Examples
    --------
    >>> import lucid
    >>> lucid.diagonal(lucid.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    first, second = axis_of(dim1, input.ndim, ""), axis_of(dim2, input.ndim, "")
    if first == second:
        raise ValueError(
            f"a diagonal lies in two axes, got dim1={dim1} and dim2={dim2}"
            + (cure(f"dim2={(first + 1) % input.ndim}") if input.ndim > 1 else "")
        )
    x = movedim(input, (first, second), (-2, -1))
    return getitem(x, (..., *diagonal_places(x.shape[-2], x.shape[-1], offset)))


def diagonal_places(
    rows: builtins.int, columns: builtins.int, offset: builtins.int
) -> tuple[Array, Array]:
    """The rows and the columns of a diagonal."""
    above, below = max(offset, 0), max(-offset, 0)
    steps = np.arange(max(min(rows - below, columns - above), 0))
    return steps + below, steps + above


def diag(input: Tensor, diagonal: builtins.int = 0) -> Tensor:
    """out = the matrix with a vector as its diagonal, or the diagonal of a matrix

    Parameters
    ----------
    input : Tensor
        A vector or a matrix.
    diagonal : int
        0 for the main one, positive for one above, negative for one below.

    Raises
    ------
    ShapeError
        If it is neither.

    Examples
    --------
    >>> import lucid
    >>> lucid.diag(lucid.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim not in (1, 2):
        code = f"x.diagonal({diagonal or ''})" if input.ndim else "x[None]"
        raise ShapeError(f"diag takes a vector or a matrix, got {input.shape}{cure(code)}")
    if input.ndim == 2:
        return getitem(input, diagonal_places(input.shape[0], input.shape[1], diagonal))
    n = input.shape[0] + abs(diagonal)
    return PutItem(diagonal_places(n, n, diagonal), (n, n))(input)


def trace(input: Tensor) -> Tensor:
    """out = sum over i of input[i, i], the main diagonal of a matrix

    Parameters
    ----------
    input : Tensor
        (n, m), a matrix; it need not be square.

    Raises
    ------
    ShapeError
        If it is not a matrix.

    Examples
    --------
    >>> import lucid
    >>> lucid.trace(lucid.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if input.ndim != 2:
        code = rank_cure("x", input.shape, 2, 2)
        if input.ndim == 1:
            code = cure("lucid.diag(x)", 2 * input.shape)
        elif input.ndim > 2:
            code = cure("x.diagonal(0, -2, -1).sum(-1)", input.shape[:-2])
        raise ShapeError(f"trace takes a matrix, got {input.shape}{code}")
    return sum(diag(input))
