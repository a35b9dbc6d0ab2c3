"""Numbers several times over: repetitions, overlapping windows, and a row turned round in a circle.

The adjoint of repeating is adding up.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid.autograd import Function, is_tensor
from lucid.cures import cure
from lucid.errors import ShapeError, check_size
from lucid.ops.broadcast import expand
from lucid.ops.index import take
from lucid.ops.shape import axis_of, flatten, reshape, shape_of
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """out = input again and again along each axis

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *repeats : int or tuple of int
        How often, for each axis; more numbers than axes add axes in front.

    Raises
    ------
    ShapeError
        If there are fewer numbers than axes.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = shape_of(repeats)
    missing = input.ndim - len(times)
    if missing > 0 or min(times, default=0) < 0:
        enough = [1] * missing + [max(n, 0) for n in times]
        raise ShapeError(
            f"repeat needs a number from 0 up for each of the {input.ndim} axes, got {times}"
            + cure(f"x.repeat({', '.join(map(str, enough))})")
        )
    shape = (1,) * (len(times) - input.ndim) + input.shape
    apart = [n for size in shape for n in (1, size)]
    repeated = [n for pair in zip(times, shape, strict=True) for n in pair]
    joined = [n * size for n, size in zip(times, shape, strict=True)]
    return reshape(expand(reshape(input, apart), repeated), joined)


def tile(input: Tensor, *dims: Any) -> Tensor:
    """out = input again and again along each of the last axes

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *dims : int
        How many times along each of the last axes, as ints or as one tuple.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 2]]).tile(2)
    tensor([[1, 2, 1, 2]])
    """
    times = shape_of(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


def repeat_interleave(
    input: Tensor, repeats: builtins.int | Tensor, dim: builtins.int | None = None
) -> Tensor:
    """out = each number of input several times in a row, along ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape.
    repeats : int or Tensor
        How often: each as often, or, in a tensor of one axis, a number for each place.
    dim : int, optional
        The axis; None goes through all numbers in order.

    Raises
    ------
    ShapeError
        If there is not a number for each place.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).repeat_interleave(2)
    tensor([1, 1, 2, 2])
    >>> lucid.tensor([1, 2]).repeat_interleave(lucid.tensor([3, 1]))
    tensor([1, 1, 1, 2])
    """
    x = flatten(input) if dim is None else input
    axis = axis_of(0 if dim is None else dim, x.ndim)
    n = x.shape[axis]
    counts = repeats._array if is_tensor(repeats) else np.array(check_size("repeats", repeats, 0))
    if counts.shape not in ((), (1,), (n,)) or counts.dtype.kind not in "iu" or (counts < 0).any():
        if counts.shape in ((), (1,), (n,)):
            code = "repeats.clamp(min=0)" if counts.dtype.kind in "iu" else "repeats.long()"
        elif counts.ndim > 1 or len(counts) > n:
            code = f"repeats.flatten()[:{n}]"
        else:
            code = f"x.narrow({axis}, 0, {len(counts)})"
            code = code if dim is not None else f"x.flatten()[:{len(counts)}]"
        raise ShapeError(
            f"repeats must be a whole number from 0 up for each of the {n} places, got {repeats}"
            + cure(code)
        )
    return take(x, axis, np.repeat(np.arange(n), counts))


class Roll(Function):
    """out[(i + shift) % n] = x[i] along some axes"""

    reads_inputs = False

    def __init__(self, shifts: tuple[builtins.int, ...], dims: tuple[builtins.int, ...]) -> None:
        self.shifts, self.dims = shifts, dims

    def forward(self, x: Array) -> Array:
        return np.roll(x, self.shifts, self.dims)

    def backward(self, grad: Tensor) -> Tensor:
        return Roll(tuple([-shift for shift in self.shifts]), self.dims)(grad)


def roll(
    input: Tensor,
    shifts: builtins.int | Sequence[builtins.int],
    dims: builtins.int | Sequence[builtins.int] | None = None,
) -> Tensor:
    """out[(i + shift) % n] = input[i]: what leaves at the end comes back at the beginning

    Parameters
    ----------
    input : Tensor
        Of any shape.
    shifts : int or sequence of int
        By how much.
    dims : int or sequence of int, optional
        Along which axes; None takes all numbers as one row.

    Raises
    ------
    ValueError
        If there is not one shift for each axis.

    Examples
    --------
    >>> import lucid
    >>> lucid.arange(5).roll(2)
    tensor([3, 4, 0, 1, 2])
    """
    steps = shape_of((shifts,))
    if dims is None:
        if len(steps) != 1:
            raise ValueError(f"without dims there is one shift, got {steps}")
        return reshape(Roll(steps, (0,))(flatten(input)), input.shape)
    axes = tuple([axis_of(d, input.ndim, "") for d in shape_of((dims,))])
    if len(axes) != len(steps):
        raise ValueError(f"roll needs a shift for each axis, got shifts {steps}, dims {axes}")
    return Roll(steps, axes)(input)


class Unfold(Function):
    """out[..., t, ..., k] = x[..., t*step + k, ...]"""

    reads_inputs = False

    def __init__(self, dim: builtins.int, size: builtins.int, step: builtins.int) -> None:
        self.dim, self.size, self.step = dim, size, step

    def forward(self, x: Array) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(x, self.size, self.dim)
        return windows[(*[slice(None)] * self.dim, slice(None, None, self.step))]

    def backward(self, grad: Tensor) -> Tensor:
        return Fold(self.dim, self.size, self.step, self.shapes[0])(grad)


class Fold(Function):
    """out = zeros, then out[..., t*step + k, ...] += x[..., t, ..., k]: the adjoint of windows"""

    reads_inputs = False

    def __init__(
        self,
        dim: builtins.int,
        size: builtins.int,
        step: builtins.int,
        shape: tuple[builtins.int, ...],
    ) -> None:
        self.dim, self.size, self.step, self.shape = dim, size, step, shape

    def forward(self, x: Array) -> Array:
        out = np.zeros(self.shape, x.dtype)
        windows = np.lib.stride_tricks.sliding_window_view(
            out, self.size, self.dim, writeable=True
        )[(*[slice(None)] * self.dim, slice(None, None, self.step))]
        for k in range(self.size):  # the places of one k are all different
            windows[..., k] += x[..., k]
        return out

    def backward(self, grad: Tensor) -> Tensor:
        return Unfold(self.dim, self.size, self.step)(grad)


def unfold(
    input: Tensor, dimension: builtins.int, size: builtins.int, step: builtins.int
) -> Tensor:
    """out[..., t, ..., k] = input[..., t*step + k, ...]: windows, in a new last axis

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dimension : int
        The axis that is cut into windows.
    size : int
        Numbers per window.
    step : int
        From one window to the next.

    Raises
    ------
    ShapeError
        If the axis is shorter than a window.

    Examples
    --------
    >>> import lucid
    >>> lucid.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    axis = axis_of(dimension, input.ndim, "dimension")
    size, step = check_size("size", size, 1), check_size("step", step, 1)
    if size > input.shape[axis]:
        raise ShapeError(
            f"a window of size {size} does not fit into axis {axis} of {input.shape}"
            + cure(f"size={input.shape[axis]}")
        )
    return Unfold(axis, size, step)(input)
