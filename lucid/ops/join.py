"""Putting tensors together, and taking them apart."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import Function, is_tensor
from lucid.cures import cure, narrow_cure, nth, rank_cure
from lucid.errors import DtypeError, ShapeError, check_size, is_torch, shown
from lucid.ops.index import GetItem, select
from lucid.ops.shape import axis_of, unsqueeze
from lucid.ops.spelling import numpy_names
from lucid.types import Array, dtype

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Cat(Function):
    """out = the inputs one behind the other along ``dim``"""

    reads_inputs = False

    def __init__(self, dim: builtins.int) -> None:
        self.dim = dim

    def forward(self, *xs: Array) -> Array:
        return np.concatenate(xs, axis=self.dim)

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        return split(grad, [shape[self.dim] for shape in self.shapes], self.dim)


@numpy_names
def cat(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor:
    """out = the tensors one behind the other along ``dim``

    Parameters
    ----------
    tensors : sequence of Tensor
        Of equal sizes along the other axes, and of one dtype.
    dim : int
        The axis along which they follow each other.

    Raises
    ------
    ShapeError
        If a size differs along another axis.

    Examples
    --------
    >>> import lucid
    >>> lucid.cat([lucid.tensor([1, 2]), lucid.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = same_dtype("cat", tensors)
    axis = axis_of(dim, parts[0].ndim, of="a")
    rest = [t.shape[:axis] + t.shape[axis + 1 :] for t in parts]
    if any(t.ndim != parts[0].ndim or r != rest[0] for t, r in zip(parts, rest, strict=True)):
        raise ShapeError(
            f"cat along axis {dim} needs equal sizes along the others, "
            f"got {[t.shape for t in parts]}{cat_cure([t.shape for t in parts])}"
        )
    return Cat(axis)(*parts)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor:
    """out = the tensors side by side along a new axis ``dim``

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape and one dtype.
    dim : int
        Where the new axis is.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import lucid
    >>> lucid.stack([lucid.zeros(3), lucid.ones(3)]).shape
    (2, 3)
    """
    parts = same_dtype("stack", tensors)
    if any(t.shape != parts[0].shape for t in parts):
        shapes = [t.shape for t in parts]
        raise ShapeError(f"stack needs tensors of one shape, got {shapes}{cat_cure(shapes, False)}")
    return cat([unsqueeze(t, dim) for t in parts], axis_of(dim, parts[0].ndim + 1))


def same_dtype(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    """At least one tensor, all of one dtype, as a list."""
    if is_tensor(tensors):
        raise TypeError(f"{name} takes a list of tensors\n  try: lucid.{name}([a, b])")
    parts = list(tensors)
    if not parts or not all(is_tensor(t) for t in parts):
        other = next((t for t in parts if not is_tensor(t)), parts)
        of = "" if other is parts else " in it"
        code = f"\n  try: lucid.{name}([lucid.from_numpy(x.numpy()) for x in tensors])"
        raise TypeError(
            f"{name} needs a sequence of at least one tensor, got {shown(other)}{of}"
            + (code if is_torch(other) else "")
        )
    if any(t.dtype is not parts[0].dtype for t in parts):
        raise DtypeError(
            f"{name} needs tensors of one dtype, got {[t.dtype.name for t in parts]}"
            + cure(dtype_cure([t.dtype for t in parts]))
        )
    return parts


def dtype_cure(given: Sequence[dtype]) -> str:
    """The first tensor of another dtype (a, b, ...) in that of the first floating one."""
    wanted = next((t for t in given if t.is_floating_point), given[0])
    i = next(i for i, t in enumerate(given) if t is not wanted)
    return f"{nth(i)}.to(lucid.{wanted.name})"


def cat_cure(shapes: list[tuple[builtins.int, ...]], along: builtins.bool = True) -> str:
    """The one axis that differs; the axis that one lacks; or a part of the longest."""
    names = [nth(i) for i in range(len(shapes))]
    ndims = [len(shape) for shape in shapes]
    if min(ndims) < max(ndims):
        i = ndims.index(min(ndims))
        return rank_cure(names[i], shapes[i], max(ndims), max(ndims))
    differ = [i for i, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    return cure(f"dim={differ[0]}") if along and len(differ) == 1 else narrow_cure(names, shapes)


def split(
    input: Tensor,
    split_size_or_sections: builtins.int | Sequence[builtins.int],
    dim: builtins.int = 0,
) -> tuple[Tensor, ...]:
    """out = input cut into pieces along ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape.
    split_size_or_sections : int or sequence of int
        The size of each piece (the last may be smaller), or the sizes of all.
    dim : int
        The axis that is cut.

    Raises
    ------
    ValueError
        If the sizes do not add up.

    Examples
    --------
    >>> import lucid
    >>> lucid.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    axis = axis_of(dim, input.ndim)
    n = input.shape[axis]
    if isinstance(split_size_or_sections, Sequence):
        sizes = [operator.index(size) for size in split_size_or_sections]
    else:
        step = operator.index(split_size_or_sections)
        if step < 1:
            raise ValueError(f"the size of the pieces must be at least 1, got {step}")
        sizes = [min(step, n - start) for start in range(0, n, step)] or [0]
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise ValueError(f"the pieces must add up to {n}, the size of axis {dim}, got {sizes}")
    ends = np.cumsum(sizes).tolist()
    before = (slice(None),) * axis
    return tuple(
        GetItem((*before, slice(end - size, end)))(input)
        for end, size in zip(ends, sizes, strict=True)
    )


def chunk(input: Tensor, chunks: builtins.int, dim: builtins.int = 0) -> tuple[Tensor, ...]:
    """out = input cut into at most ``chunks`` pieces of one size along ``dim``, the last smaller

    Parameters
    ----------
    input : Tensor
        Of any shape.
    chunks : int
        How many pieces; fewer, if the rounded up size fills the axis before.
    dim : int
        The axis that is cut.

    Examples
    --------
    >>> import lucid
    >>> lucid.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    count = check_size("chunks", chunks, 1)
    n = input.shape[axis_of(dim, input.ndim)]
    return split(input, -(-n // count) if n else [0] * count, dim)


def unbind(input: Tensor, dim: builtins.int = 0) -> tuple[Tensor, ...]:
    """out = the places of input along ``dim``, each without that axis

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis that is taken apart.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 2], [3, 4]]).unbind(1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    return tuple([select(input, dim, i) for i in range(input.shape[axis_of(dim, input.ndim)])])
