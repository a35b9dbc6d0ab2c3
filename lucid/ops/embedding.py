"""Looking up rows of a table, and the adjoint, adding rows up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid import types
from lucid.autograd import Function, make_tensor
from lucid.cures import cure, rank_cure
from lucid.errors import DtypeError, ShapeError, check_size
from lucid.ops.checks import check_tensor
from lucid.ops.choosing import where
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Rows(Function):
    """out[..., :] = w[index[...], :], without a way back to the row ``padding``"""

    reads_inputs = False

    def __init__(self, index: Array, padding: int | None = None) -> None:
        self.index, self.padding = index, padding

    def forward(self, w: Array) -> Array:
        return w[self.index]

    def backward(self, grad: Tensor) -> Tensor:
        if self.padding is not None:
            grad = where(make_tensor(self.index[..., None] == self.padding), 0.0, grad)
        return AddRows(self.index, self.shapes[0][0])(grad)


class AddRows(Function):
    """out[i, :] = sum of x[..., :] over all places with index[...] = i, of n rows"""

    reads_inputs = False

    def __init__(self, index: Array, n: int) -> None:
        self.index, self.n = index, n

    def forward(self, x: Array) -> Array:
        size = x.shape[-1]
        # as one long row: number d of row i is at place i * size + d
        places = self.index[..., None] * size + np.arange(size)
        total = np.bincount(places.ravel(), x.ravel(), self.n * size)  # in double precision
        return total.reshape(self.n, size).astype(x.dtype)

    def backward(self, grad: Tensor) -> Tensor:
        return Rows(self.index)(grad)


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """out[..., d] = weight[input[...], d]: a learned row of numbers for each whole number

    Parameters
    ----------
    input : Tensor
        Of any shape: whole numbers from 0 to num_embeddings - 1, as int64 or int32.
    weight : Tensor
        (num_embeddings, embedding_dim)
    padding_idx : int, optional
        A row that gets no gradient; negative ones count from the end.

    Returns
    -------
    Tensor
        (..., embedding_dim)

    Raises
    ------
    TypeError
        If the input is not made of whole numbers.
    IndexError
        If there is no such row.
    ShapeError
        If the weight has not two axes.
    ValueError
        If ``padding_idx`` is no row.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.embedding(lucid.tensor([1, 0, 1]), lucid.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.],
            [3., 4.]])
    """
    check_tensor(input, "input", "embedding")
    check_tensor(weight, "weight", "embedding")
    if input.dtype not in (types.int64, types.int32):
        raise DtypeError(
            f"embedding looks up whole numbers, int64 or int32; got {input.dtype.name}\n"
            "  try: x.long()"
        )
    if weight.ndim != 2:
        raise ShapeError(
            f"embedding expected a weight (num_embeddings, embedding_dim), got {weight.shape}"
            + rank_cure("weight", weight.shape, 2, 2)
        )
    rows = weight.shape[0]
    padding = checked_padding_idx(padding_idx, rows)
    index = input._array.astype(np.int64)  # a copy: the caller may go on to change it
    if index.size and not (index.min() >= 0 and index.max() < rows):
        raise IndexError(
            f"embedding has rows 0 to {rows - 1}, and was asked for {index.min()} to {index.max()}"
            + (cure(f"num_embeddings={index.max() + 1}") if index.min() >= 0 else "")
        )
    return Rows(index, padding)(weight)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """out[..., c] = 1 where tensor[...] = c, else 0

    Parameters
    ----------
    tensor : Tensor
        Of any shape: whole numbers from 0 to num_classes - 1.
    num_classes : int
        How many there are; -1 for one more than the largest number.

    Returns
    -------
    Tensor
        (..., num_classes), int64

    Raises
    ------
    TypeError
        If the tensor is not made of whole numbers.
    ValueError
        If a number is no class, or there is none to tell how many there are.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> F.one_hot(lucid.tensor([1, 0, 2]))
    tensor([[0, 1, 0],
            [1, 0, 0],
            [0, 0, 1]])
    """
    check_tensor(tensor, "tensor", "one_hot")
    if tensor.dtype not in (types.int64, types.int32, types.uint8):
        raise DtypeError(
            f"one_hot is of whole numbers, got {tensor.dtype.name}{cure('tensor.long()')}"
        )
    classes = tensor._array
    if num_classes == -1:
        if not classes.size:
            raise ShapeError(
                f"no numbers, of shape {classes.shape}, do not tell how many classes there are"
                + cure("num_classes=2")
            )
        num_classes = int(classes.max()) + 1
    count = check_size("num_classes", num_classes, 1)
    if classes.size and classes.min() < 0:
        code = cure("tensor.clamp(min=0)", classes.shape)
        raise ValueError(f"classes count from 0, got {classes.min()}{code}")
    if classes.size and classes.max() >= count:
        raise ValueError(
            f"of num_classes={count}, the last is {count - 1}, got {classes.max()}"
            + cure(f"num_classes={classes.max() + 1}")
        )
    return make_tensor((classes[..., None] == np.arange(count)).astype(np.int64))


def checked_padding_idx(padding_idx: int | None, rows: int) -> int | None:
    """The row, counted from 0."""
    if padding_idx is None:
        return None
    if isinstance(padding_idx, bool) or not isinstance(padding_idx, int | np.integer):
        raise TypeError(f"padding_idx must be an int, got {padding_idx!r}")
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"padding_idx must be one of {rows} rows, from {-rows} to {rows - 1}; got {padding_idx}"
        )
    return int(padding_idx) % rows
