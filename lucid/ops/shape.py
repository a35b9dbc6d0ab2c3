"""Ops that move numbers about without computing with them.

Each is a linear map, and its gradient is the adjoint: the numbers go back to where they came
from, and where one number went to several places, what comes back is summed.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from lucid import types
from lucid.autograd import Function, is_tensor
from lucid.errors import ShapeError
from lucid.types import Array, DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def shape_of(sizes: tuple[Any, ...]) -> tuple[builtins.int, ...]:
    """``(2, 3)`` or ``((2, 3),)``, as ``f(2, 3)`` or ``f((2, 3))`` pass it, as a tuple of ints."""
    if len(sizes) == 1 and isinstance(sizes[0], Sequence):
        sizes = tuple(sizes[0])
    try:
        return tuple([operator.index(n) for n in sizes])
    except TypeError:
        raise TypeError(f"a shape is made of ints, got {sizes!r}") from None


def axis_of(dim: SupportsIndex, ndim: builtins.int) -> builtins.int:
    """An axis counted from the front, given one that may be counted from the back."""
    axis = operator.index(dim)
    if not -ndim <= axis < ndim:
        limits = f"from {-ndim} to {ndim - 1}" if ndim else "none"
        raise IndexError(f"axis {axis} does not exist in a tensor of {ndim} axes ({limits})")
    return axis % ndim


class Reshape(Function):
    """out = the same numbers in the same order, in another shape"""

    reads_inputs = False

    def __init__(self, shape: tuple[builtins.int, ...]) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        return x.reshape(self.shape)

    def backward(self, grad: Tensor) -> Tensor:
        return reshape(grad, self.shapes[0])


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """out = the numbers of input, in their order, in another shape

    Parameters
    ----------
    input : Tensor
    *shape : int or tuple of int
        The new sizes; one of them may be -1 and is worked out.

    Raises
    ------
    ShapeError
        If the number of numbers differs.

    Examples
    --------
    >>> import lucid
    >>> lucid.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    wanted = shape_of(shape)
    try:
        return Reshape(wanted)(input)
    except ValueError:
        raise ShapeError(
            f"a reshape keeps the number of numbers: {input.shape} has {input.numel()}, "
            f"which does not fit {wanted}"
        ) from None


def flatten(input: Tensor, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
    """out = input with the axes from ``start_dim`` to ``end_dim`` made one

    Parameters
    ----------
    input : Tensor
    start_dim, end_dim : int
        The first and the last of the axes.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    if input.ndim == 0:
        return reshape(input, 1)
    start, end = axis_of(start_dim, input.ndim), axis_of(end_dim, input.ndim)
    if start > end:
        raise ValueError(f"flatten needs start_dim <= end_dim, got {start_dim} and {end_dim}")
    middle = math.prod(input.shape[start : end + 1])
    return reshape(input, *input.shape[:start], middle, *input.shape[end + 1 :])


class Permute(Function):
    """out.shape[i] = x.shape[dims[i]]"""

    reads_inputs = False

    def __init__(self, dims: tuple[builtins.int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> Array:
        return x.transpose(self.dims)

    def backward(self, grad: Tensor) -> Tensor:
        return permute(grad, *np.argsort(self.dims).tolist())


def permute(input: Tensor, *dims: Any) -> Tensor:
    """out.shape[i] = input.shape[dims[i]]

    Parameters
    ----------
    input : Tensor
    *dims : int or tuple of int
        Every axis once, in the order wanted.

    Raises
    ------
    ValueError
        If an axis is missing or occurs twice.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    axes = tuple(axis_of(d, input.ndim) for d in shape_of(dims))
    if sorted(axes) != list(range(input.ndim)):
        raise ValueError(
            f"permute needs each of the {input.ndim} axes of {input.shape} once, "
            f"got {shape_of(dims)}"
        )
    return Permute(axes)(input)


def transpose(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor:
    """out = input with two axes exchanged

    Parameters
    ----------
    input : Tensor
    dim0, dim1 : int
        The two axes.

    Examples
    --------
    From channels-last (N, L, C) to the (N, C, L) that convolutions read:

    >>> import lucid
    >>> lucid.zeros(4, 64, 3).transpose(1, 2).shape
    (4, 3, 64)
    """
    axes = list(range(input.ndim))
    i, j = axis_of(dim0, input.ndim), axis_of(dim1, input.ndim)
    axes[i], axes[j] = axes[j], axes[i]
    return Permute(tuple(axes))(input)


def squeeze(input: Tensor, dim: builtins.int | None = None) -> Tensor:
    """out = input without its axes of size 1, or without axis ``dim`` if that has size 1

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(1, 3, 1).squeeze().shape, lucid.zeros(1, 3, 1).squeeze(0).shape
    ((3,), (3, 1))
    """
    which = range(input.ndim) if dim is None else [axis_of(dim, input.ndim)]
    return reshape(input, [n for i, n in enumerate(input.shape) if not (n == 1 and i in which)])


def unsqueeze(input: Tensor, dim: builtins.int) -> Tensor:
    """out = input with a new axis of size 1 at ``dim``

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(3, 20).unsqueeze(0).shape
    (1, 3, 20)
    """
    axis = axis_of(dim, input.ndim + 1)
    return reshape(input, [*input.shape[:axis], 1, *input.shape[axis:]])


class Flip(Function):
    """out = x in reverse order along some axes"""

    reads_inputs = False

    def __init__(self, dims: tuple[builtins.int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> Array:
        return np.flip(x, self.dims).copy()

    def backward(self, grad: Tensor) -> Tensor:
        return flip(grad, *self.dims)


def flip(input: Tensor, *dims: Any) -> Tensor:
    """out[..., i, ...] = input[..., n - 1 - i, ...] along each of ``dims``

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    return Flip(tuple(axis_of(d, input.ndim) for d in shape_of(dims)))(input)


# ---------------------------------------------------------------------------------------- indexing


def as_index(index: Any) -> Any:
    """An index for NumPy, whose arrays are copies: the caller may go on to change them.

    It ends in an Ellipsis, with which NumPy returns a view also for a single number.
    """
    parts = tuple([index_part(p) for p in (index if isinstance(index, tuple) else (index,))])
    return parts if any(p is Ellipsis for p in parts) else (*parts, Ellipsis)


def index_part(part: Any) -> Any:
    """An int, a slice, None and ... as they are; a tensor, a list or an array as an array."""
    if isinstance(part, slice):
        ends = (part.start, part.stop, part.step)
        return slice(*[None if end is None else operator.index(end) for end in ends])
    if part is None or part is Ellipsis or isinstance(part, builtins.int | np.integer):
        return part
    array = part._array if is_tensor(part) else np.asarray(part)
    if array.dtype.kind == "b":
        return array.copy()
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(
            f"an index is made of whole numbers or bools, got {array.dtype}\n  try: x[i.long()]"
        )
    return array.astype(np.int64)


def is_basic(index: tuple[Any, ...]) -> builtins.bool:
    """Whether an index is made of ints, slices, None and ... alone, so that NumPy gives a view."""
    return not any(isinstance(part, np.ndarray | builtins.bool) for part in index)


class GetItem(Function):
    """out = x[index]"""

    reads_inputs = False

    def __init__(self, index: Any) -> None:
        self.index = index

    def forward(self, x: Array) -> Array:
        return x[self.index]  # type: ignore[no-any-return]

    def backward(self, grad: Tensor) -> Tensor:
        return PutItem(self.index, self.shapes[0])(grad)


class PutItem(Function):
    """out = zeros, then out[index] += x: the adjoint of reading is adding up"""

    reads_inputs = False

    def __init__(self, index: Any, shape: tuple[builtins.int, ...]) -> None:
        self.index, self.shape = index, shape

    def forward(self, x: Array) -> Array:
        out = np.zeros(self.shape, x.dtype)
        if is_basic(self.index):
            out[self.index] = x
        else:
            np.add.at(out, self.index, x)  # an index array may name a place twice
        return out

    def backward(self, grad: Tensor) -> Tensor:
        return GetItem(self.index)(grad)


def getitem(input: Tensor, index: Any) -> Tensor:
    """out = input[index], with NumPy's rules: ints, slices, None, ..., bool masks, index tensors

    Examples
    --------
    >>> import lucid
    >>> x = lucid.arange(12).reshape(3, 4)
    >>> x[1, ::2]
    tensor([4, 6])
    >>> x[x > 9]
    tensor([10, 11])
    """
    return GetItem(as_index(index))(input)


def gather(input: Tensor, dim: builtins.int, index: Tensor) -> Tensor:
    """out[i, j, ...] = input with its coordinate along ``dim`` replaced by index[i, j, ...]

    Parameters
    ----------
    input : Tensor
    dim : int
        The axis that is looked up.
    index : Tensor
        Whole numbers, with as many axes as ``input`` and no larger along the others.

    Examples
    --------
    The score that each row gives its own class:

    >>> import lucid
    >>> scores = lucid.tensor([[0.1, 0.9], [0.8, 0.2]])
    >>> scores.gather(1, lucid.tensor([[1], [0]]))
    tensor([[0.9000],
            [0.8000]])
    """
    axis = axis_of(dim, input.ndim)
    if index.ndim != input.ndim or any(
        n > m for i, (n, m) in enumerate(zip(index.shape, input.shape, strict=True)) if i != axis
    ):
        raise ShapeError(
            "the index has as many axes as the input and is no larger, but along the axis looked "
            f"up: got index {index.shape} for input {input.shape}, dim {dim}"
        )
    n = input.shape[axis]
    (found, *_) = as_index(index)
    if found.dtype.kind == "b":
        raise TypeError("gather looks up whole numbers, got bool\n  try: index.long()")
    if found.size and not (found.min() >= 0 and found.max() < n):
        raise IndexError(
            f"gather looks up 0 to {n - 1} along axis {axis} of {input.shape}, "
            f"got {found.min()} to {found.max()}"
        )
    where = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    where[axis] = found
    return GetItem(tuple(where))(input)


class Cat(Function):
    """out = the inputs one behind the other along ``dim``"""

    reads_inputs = False

    def __init__(self, dim: builtins.int) -> None:
        self.dim = dim

    def forward(self, *xs: Array) -> Array:
        return np.concatenate(xs, axis=self.dim)

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        return split(grad, [shape[self.dim] for shape in self.shapes], self.dim)


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
    axis = axis_of(dim, parts[0].ndim)
    rest = [t.shape[:axis] + t.shape[axis + 1 :] for t in parts]
    if any(t.ndim != parts[0].ndim or r != rest[0] for t, r in zip(parts, rest, strict=True)):
        raise ShapeError(
            f"cat along axis {dim} needs equal sizes along the others, "
            f"got {[t.shape for t in parts]}"
        )
    return Cat(axis)(*parts)


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
        raise ShapeError(f"stack needs tensors of one shape, got {[t.shape for t in parts]}")
    return cat([unsqueeze(t, dim) for t in parts], axis_of(dim, parts[0].ndim + 1))


def same_dtype(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    """At least one tensor, all of one dtype, as a list."""
    parts = list(tensors)
    if not parts or not all(is_tensor(t) for t in parts):
        raise TypeError(f"{name} needs a sequence of at least one tensor, got {tensors!r}")
    if any(t.dtype is not parts[0].dtype for t in parts):
        raise TypeError(
            f"{name} needs tensors of one dtype, got {[t.dtype.name for t in parts]}\n"
            "  try: t.to(dtype) on the ones that differ"
        )
    return parts


def split(
    input: Tensor,
    split_size_or_sections: builtins.int | Sequence[builtins.int],
    dim: builtins.int = 0,
) -> tuple[Tensor, ...]:
    """out = input cut into pieces along ``dim``

    Parameters
    ----------
    input : Tensor
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


# --------------------------------------------------------------------------- copies and conversion


class Cast(Function):
    """out = x in another dtype"""

    reads_inputs = False

    def __init__(self, dtype: types.dtype) -> None:
        self.dtype = dtype

    def forward(self, x: Array) -> Array:
        self.before = types.FROM_NUMPY[x.dtype]
        return x.astype(self.dtype.numpy)

    def backward(self, grad: Tensor) -> Tensor:
        return to(grad, self.before)


def to(
    input: Tensor, *args: DTypeLike | DeviceLike, dtype: DTypeLike = None, device: DeviceLike = None
) -> Tensor:
    """out = input in another dtype; input itself if that is the dtype it has

    Parameters
    ----------
    input : Tensor
    *args : dtype or device
        Either may be given by position.
    dtype : DTypeLike, optional
    device : DeviceLike, optional
        There is one: ``"cpu"``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).to(lucid.float64)
    tensor([1., 2.], dtype=lucid.float64)
    """
    wanted = types.dtype_and_device(args, dtype, device)
    if wanted is None:
        return input
    return input if wanted is input.dtype else Cast(wanted)(input)


def double(input: Tensor) -> Tensor:
    """out = input as float64

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1]).double().dtype
    lucid.float64
    """
    return to(input, types.float64)


def float(input: Tensor) -> Tensor:
    """out = input as float32

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1]).float().dtype
    lucid.float32
    """
    return to(input, types.float32)


def long(input: Tensor) -> Tensor:
    """out = input as int64, cut towards zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.7]).long()
    tensor([1])
    """
    return to(input, types.int64)


def int(input: Tensor) -> Tensor:
    """out = input as int32, cut towards zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.7]).int().dtype
    lucid.int32
    """
    return to(input, types.int32)


def bool(input: Tensor) -> Tensor:
    """out = whether each number is other than zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([0, 2]).bool()
    tensor([False,  True])
    """
    return to(input, types.bool)


class Clone(Function):
    """out = a copy of x"""

    reads_inputs = False

    def forward(self, x: Array) -> Array:
        return x.copy(order="C")

    def backward(self, grad: Tensor) -> Tensor:
        return grad


def clone(input: Tensor) -> Tensor:
    """out = a copy of input, through which gradients flow

    Examples
    --------
    >>> import lucid
    >>> x = lucid.zeros(2)
    >>> y = x.clone().fill_(1)
    >>> x
    tensor([0., 0.])
    """
    return Clone()(input)


def contiguous(input: Tensor) -> Tensor:
    """out = input, copied if its numbers do not lie in memory in order

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3).T.contiguous().is_contiguous()
    True
    """
    return input if input.is_contiguous() else Clone()(input)
