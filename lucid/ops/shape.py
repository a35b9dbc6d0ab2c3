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

from lucid.autograd import Function
from lucid.cures import cure, nearest_divisor
from lucid.errors import AxisError, ShapeError
from lucid.ops.checks import check_tensor
from lucid.types import Array

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


def axis_of(
    dim: SupportsIndex, ndim: builtins.int, name: str = "dim", of: str = "x"
) -> builtins.int:
    """An axis counted from the front, given from either end.

    If there is none, the cure is another value of the argument ``name``, or, without a name, more
    axes in front of the tensor ``of`` that name.
    """
    axis = operator.index(dim)
    if not -ndim <= axis < ndim:
        missing = axis + 1 - ndim if axis >= 0 else -axis - ndim
        more = f"{of}[{', '.join(['None'] * missing)}]"
        limits = f"from {-ndim} to {ndim - 1}" if ndim else "none"
        raise AxisError(
            f"axis {axis} does not exist in a tensor of {ndim} axes ({limits})"
            + cure(f"{name}={-1 if axis > 0 else 0}" if ndim and name else more)
        )
    return axis % ndim


def row(input: Tensor) -> Tensor:
    """A single number as a row of one, along whose axis ops take it, too, as PyTorch's do."""
    return reshape(input, 1) if input.ndim == 0 else input


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
        Of any shape.
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
    if any(n < -1 for n in wanted):
        raise ShapeError(
            f"sizes are at least 0, or -1 to be worked out; got {wanted}"
            + reshape_cure(input.numel(), wanted)
        )
    try:
        return Reshape(wanted)(input)
    except ValueError:
        raise ShapeError(
            f"a reshape keeps the number of numbers: {input.shape} has {input.numel()}, "
            f"which does not fit {wanted}{reshape_cure(input.numel(), wanted)}"
        ) from None


def reshape_cure(n: builtins.int, wanted: tuple[builtins.int, ...]) -> str:
    """The wanted shape of n numbers, with one size worked out, another changed; or one axis."""
    for i in reversed(range(len(wanted))):
        known = math.prod(wanted[:i] + wanted[i + 1 :])
        if min(wanted[:i] + wanted[i + 1 :], default=1) > 0 and n % known == 0:
            sizes = (*wanted[:i], -1, *wanted[i + 1 :])
            return cure(f"x.reshape{sizes}", (*wanted[:i], n // known, *wanted[i + 1 :]))
    for i in reversed(range(len(wanted))):  # one is to be worked out, but another does not divide
        known = -math.prod(wanted[:i] + wanted[i + 1 :])
        if n and wanted.count(-1) == 1 and known > 0 and n % known == 0:
            size = nearest_divisor(n // known, wanted[i])
            sizes = (*wanted[:i], size, *wanted[i + 1 :])
            return cure(
                f"x.reshape{sizes}", tuple([n // known // size if m < 0 else m for m in sizes])
            )
    return cure("x.reshape(-1)", (n,))


def flatten(input: Tensor, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
    """out = input with the axes from ``start_dim`` to ``end_dim`` made one

    Parameters
    ----------
    input : Tensor
        Of any shape.
    start_dim, end_dim : int
        The first and the last of the axes.

    Raises
    ------
    ValueError
        If ``end_dim`` comes before ``start_dim``.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    check_tensor(input, "input", "flatten")
    input = row(input)
    start, end = (
        axis_of(start_dim, input.ndim, "start_dim"),
        axis_of(end_dim, input.ndim, "end_dim"),
    )
    if start > end:
        raise ValueError(f"flatten needs start_dim <= end_dim, got {start_dim} and {end_dim}")
    middle = math.prod(input.shape[start : end + 1])
    return reshape(input, *input.shape[:start], middle, *input.shape[end + 1 :])


def unflatten(
    input: Tensor, dim: builtins.int, sizes: tuple[builtins.int, ...] | list[builtins.int]
) -> Tensor:
    """out = input with axis ``dim`` made into several axes of the given sizes

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis.
    sizes : tuple of int
        Whose product is the size of the axis; one of them may be -1, for what is left.

    Raises
    ------
    ShapeError
        If the axis does not exist, or the sizes do not fit.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 12, 5).unflatten(1, (3, -1)).shape
    (2, 3, 4, 5)
    """
    axis, wanted = axis_of(dim, input.ndim), shape_of((sizes,))
    known = math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and known and input.shape[axis] % known == 0:
        wanted = tuple(input.shape[axis] // known if n == -1 else n for n in wanted)
    if not wanted or min(wanted) < 0 or math.prod(wanted) != input.shape[axis]:
        rest = math.prod(wanted[:-1])
        whole = min(wanted[:-1], default=1) > 0 and input.shape[axis] % rest == 0
        fitting = (*wanted[:-1], -1) if whole else (-1,)
        raise ShapeError(
            f"unflatten needs sizes whose product is {input.shape[axis]}, the size of axis {axis} "
            f"of {input.shape}; got {sizes}{cure(f'sizes={fitting}')}"
        )
    return reshape(input, *input.shape[:axis], *wanted, *input.shape[axis + 1 :])


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
        Of any shape.
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
    axes = tuple(axis_of(d, input.ndim, "") for d in shape_of(dims))
    if sorted(axes) != list(range(input.ndim)):
        order = list(dict.fromkeys([*axes, *range(input.ndim)]))
        raise ShapeError(
            f"permute needs each of the {input.ndim} axes of {input.shape} once, "
            f"got {shape_of(dims)}{cure(f'x.permute({str(order)[1:-1]})')}"
        )
    return Permute(axes)(input)


def transpose(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor:
    """out = input with two axes exchanged

    Parameters
    ----------
    input : Tensor
        Of any shape.
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
    i, j = axis_of(dim0, input.ndim, ""), axis_of(dim1, input.ndim, "")
    axes[i], axes[j] = axes[j], axes[i]
    return Permute(tuple(axes))(input)


def movedim(
    input: Tensor,
    source: builtins.int | Sequence[builtins.int],
    destination: builtins.int | Sequence[builtins.int],
) -> Tensor:
    """out = input with some axes moved to other places, the rest in their order

    Parameters
    ----------
    input : Tensor
        Of any shape.
    source, destination : int or sequence of int
        Where the axes are, and where they go.

    Raises
    ------
    ValueError
        If the two are not equally many, or name an axis twice.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3, 4).movedim(-1, 0).shape
    (4, 2, 3)
    """
    old = [axis_of(d, input.ndim, "") for d in shape_of((source,))]
    new = [axis_of(d, input.ndim, "") for d in shape_of((destination,))]
    if len(old) != len(new) or len(set(old)) < len(old) or len(set(new)) < len(new):
        raise ValueError(
            "movedim needs as many destinations as sources, all different: "
            f"got {source} and {destination}"
        )
    axes = [axis for axis in range(input.ndim) if axis not in old]
    for axis, place in sorted(zip(old, new, strict=True), key=operator.itemgetter(1)):
        axes.insert(place, axis)
    return permute(input, axes)


def squeeze(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """out = input without its axes of size 1, or without those of ``dim`` that have size 1

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or sequence of int, optional
        Which axes; None: all of size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(1, 3, 1).squeeze().shape, lucid.zeros(1, 3, 1).squeeze(0).shape
    ((3,), (3, 1))
    """
    dims = range(input.ndim) if dim is None else dim if isinstance(dim, Sequence) else (dim,)
    which = [axis_of(d, max(input.ndim, 1), "") for d in dims]
    return reshape(input, [n for i, n in enumerate(input.shape) if not (n == 1 and i in which)])


def unsqueeze(input: Tensor, dim: builtins.int) -> Tensor:
    """out = input with a new axis of size 1 at ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The place of the new axis in the output; below 0 it counts from the end.

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

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *dims : int
        The axes, as ints or as one tuple.

    Raises
    ------
    ShapeError
        If an axis is named twice.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    axes = tuple(axis_of(d, input.ndim, "") for d in shape_of(dims))
    once = tuple(dict.fromkeys(axes))
    if once != axes:
        code = cure(f"x.flip({', '.join(map(str, once))})", input.shape)
        raise ShapeError(f"each axis can be flipped once, got dims {shape_of(dims)}{code}")
    return Flip(axes)(input)
