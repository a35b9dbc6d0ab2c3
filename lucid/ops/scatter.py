"""Writing numbers to places of a copy: the other way than ``gather`` and ``index_select``."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid.autograd import Function, is_tensor, make_tensor
from lucid.cures import broadcast, cure, part_cure, shape_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.arithmetic import mul
from lucid.ops.broadcast import expand, lift, raw
from lucid.ops.choosing import where
from lucid.ops.index import GetItem, gather_cure, places_in
from lucid.ops.shape import axis_of, reshape, row
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


class Scatter(Function):
    """out = x, then out[places] = source; of several sources for one place, the last"""

    reads_inputs = False

    def __init__(self, places: Any) -> None:
        self.places = places

    def forward(self, x: Array, source: Array) -> Array:
        out = x.copy()
        out[self.places] = source
        return out

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        shape, nothing = self.shapes[1], lift(0, grad.dtype)
        number = np.arange(np.prod(shape)).reshape(shape)
        last = np.zeros(self.shapes[0], np.int64)
        last[self.places] = number  # by the same rule as in forward
        kept = make_tensor(last[self.places] == number)
        return (
            Scatter(self.places)(grad, expand(nothing, shape)) if self.needs[0] else None,
            where(kept, GetItem(self.places)(grad), 0.0) if self.needs[1] else None,
        )


class ScatterAdd(Function):
    """out = x, then out[places] += source"""

    reads_inputs = False

    def __init__(self, places: Any) -> None:
        self.places = places

    def forward(self, x: Array, source: Array) -> Array:
        out = x.copy()
        np.add.at(out, self.places, source)
        return out

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return grad, GetItem(self.places)(grad) if self.needs[1] else None


def scatter(input: Tensor, dim: builtins.int, index: Tensor, src: TensorLike) -> Tensor:
    """out = input, but src[i, j, ...] where the coordinate along ``dim`` is index[i, j, ...]

    Parameters
    ----------
    input : Tensor
        Of any shape; it stays as it is.
    dim : int
        The axis along which ``index`` tells the place.
    index : Tensor
        Whole numbers, with as many axes as ``input``, and no larger along the others.
    src : Tensor or number
        What is written; its shape is that of ``index``, or larger along some axes, and what is
        beyond is left out. If one place is named twice, the last counts.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DtypeError
        If ``src`` has another dtype than ``input``, or ``index`` is not made of whole numbers.
    IndexError
        If a place does not exist; there are no negative ones.

    Examples
    --------
    Class labels as rows of 0 and 1:

    >>> import lucid
    >>> labels = lucid.tensor([2, 0])
    >>> lucid.zeros(2, 3).scatter(1, labels[:, None], 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if input.ndim == index.ndim == np.ndim(raw(src)) == 0:
        src = row(src) if is_tensor(src) else src
        return reshape(scatter(row(input), dim, row(index), src), ())
    places = places_of("scatter", input, dim, index)
    return Scatter(places)(input, source_of("scatter", input, index, src))


def scatter_add(input: Tensor, dim: builtins.int, index: Tensor, src: TensorLike) -> Tensor:
    """out = input, and src[i, j, ...] added where the coordinate along ``dim`` is index[i, j, ...]

    Parameters
    ----------
    input, dim, index, src
        As for ``scatter``; what is written to one place is summed.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DtypeError
        If ``src`` has another dtype than ``input``, or ``index`` is not made of whole numbers.
    IndexError
        If a place does not exist; there are no negative ones.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(3).scatter_add(0, lucid.tensor([2, 2, 0]), lucid.ones(3))
    tensor([1., 0., 2.])
    """
    if input.ndim == index.ndim == np.ndim(raw(src)) == 0:
        src = row(src) if is_tensor(src) else src
        return reshape(scatter_add(row(input), dim, row(index), src), ())
    places = places_of("scatter_add", input, dim, index)
    return ScatterAdd(places)(input, source_of("scatter_add", input, index, src))


def index_add(
    input: Tensor,
    dim: builtins.int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: builtins.float = 1,
) -> Tensor:
    """out = input, and alpha * source[..., i, ...] added at the place index[i] along ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape with at least one axis; it stays as it is.
    dim : int
        The axis.
    index : Tensor
        Whole numbers on one axis; one may occur twice.
    source : Tensor
        Of the shape and dtype of ``input``, but as long as ``index`` along ``dim``.
    alpha : number
        Multiplier of ``source``.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DtypeError
        If ``source`` has another dtype than ``input``, or ``index`` is not made of whole numbers.
    IndexError
        If a place does not exist; there are no negative ones.
    ValueError
        If ``alpha`` is a fraction, and ``input`` holds whole numbers.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> lucid.zeros(3, 2).index_add(0, lucid.tensor([2, 2]), x)
    tensor([[0., 0.],
            [0., 0.],
            [4., 6.]])
    """
    axis = axis_of(dim, input.ndim)
    wanted = (*input.shape[:axis], index.numel(), *input.shape[axis + 1 :])
    if index.ndim != 1:
        raise ShapeError(
            f"index_add needs an index of one axis, got {index.shape}"
            + cure("index.flatten()", (index.numel(),))
        )
    check_same_dtype("index_add", "source", input, source)
    if source.shape != wanted:
        raise ShapeError(
            f"index_add needs a source {wanted}, as long as the index along axis {axis} and like "
            f"the input along the others: got {source.shape} for an input {input.shape}"
            + shape_cure("source", source.shape, wanted, "zeros")
        )
    if not input.is_floating_point() and alpha != int(alpha):
        raise ValueError(
            f"alpha must be a whole number for whole numbers, got {alpha}\n"
            "  try: input.float() and source.float()"
        )
    found = places_in(index, "index_add", axis, input.shape)
    places = (*[slice(None)] * axis, found)
    return ScatterAdd(places)(input, source if alpha == 1 else mul(source, alpha))


def places_of(name: str, input: Tensor, dim: builtins.int, index: Tensor) -> tuple[Array, ...]:
    """The index, and where else along each axis, as NumPy reads them."""
    axis = axis_of(dim, input.ndim)
    if index.ndim != input.ndim or any(
        n > m for i, (n, m) in enumerate(zip(index.shape, input.shape, strict=True)) if i != axis
    ):
        raise ShapeError(
            f"the index of {name} has as many axes as the input and is no larger, but along the "
            f"axis looked up: got index {index.shape} for input {input.shape}, dim {dim}"
            + gather_cure(index.shape, input.shape, axis)
        )
    found = places_in(index, name, axis, input.shape)
    where = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    where[axis] = found
    return tuple(where)


def source_of(name: str, input: Tensor, index: Tensor, src: TensorLike) -> Tensor:
    """What is written: a number everywhere, or the part of a tensor that the index reaches."""
    if not is_tensor(src):
        return expand(lift(src, input.dtype), index.shape)
    check_same_dtype(name, "src", input, src)
    if src.ndim != index.ndim or any(n > m for n, m in zip(index.shape, src.shape, strict=True)):
        raise ShapeError(
            f"{name} needs a number for each place of the index {index.shape}, got src {src.shape}"
            + source_cure(src.shape, index.shape)
        )
    return GetItem(tuple(slice(n) for n in index.shape))(src)


def source_cure(src: tuple[builtins.int, ...], index: tuple[builtins.int, ...]) -> str:
    """The same numbers for each place, or no more places than there are numbers."""
    if len(src) != len(index) or broadcast(src, index) == index or np.prod(src) == np.prod(index):
        return shape_cure("src", src, index)
    return part_cure("index", index, src)


def check_same_dtype(name: str, what: str, input: Tensor, source: Tensor) -> None:
    """What is written has the dtype of what it is written to."""
    if source.dtype is not input.dtype:
        raise DtypeError(
            f"{name} needs tensors of one dtype, got {input.dtype.name} and {source.dtype.name} "
            f"for {what}" + cure(f"{what}.to(lucid.{input.dtype.name})")
        )
