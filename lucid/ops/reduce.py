"""Ops that make fewer numbers of many: sums, means, extremes, softmax.

Every reduction takes ``dim``, an axis or several (None: all of them), and ``keepdim``, whether
the reduced axes stay with size 1.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lucid import types
from lucid.autograd import Function, is_tensor, make_tensor
from lucid.ops.broadcast import expand, floating
from lucid.ops.compare import maximum, minimum, where
from lucid.ops.elementwise import exp, sqrt
from lucid.ops.shape import axis_of, cat, flatten, gather, getitem, reshape, to
from lucid.types import Array, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor

Dims = builtins.int | Sequence[builtins.int] | None


def axes_of(dim: Dims, ndim: builtins.int) -> tuple[builtins.int, ...]:
    """The axes that ``dim`` names, each counted from the front."""
    if dim is None:
        return tuple(range(ndim))
    dims = dim if isinstance(dim, Sequence) else (dim,)
    axes = tuple(axis_of(d, ndim) for d in dims)
    if len(set(axes)) < len(axes):
        raise ValueError(f"each axis can be reduced once, got dim={dim}")
    return axes


class Sum(Function):
    """out = the sum of x over some axes"""

    reads_inputs = False

    def __init__(self, dims: tuple[builtins.int, ...], keepdim: builtins.bool) -> None:
        self.dims, self.keepdim = dims, keepdim

    def forward(self, x: Array) -> Any:
        return x.sum(axis=self.dims, keepdims=self.keepdim)

    def backward(self, grad: Tensor) -> Tensor:
        return spread(grad, self.shapes[0], self.dims)


def spread(grad: Tensor, shape: tuple[builtins.int, ...], dims: tuple[builtins.int, ...]) -> Tensor:
    """Repeat a reduced tensor over the axes it was reduced along: the adjoint of summing."""
    kept = [1 if i in dims else n for i, n in enumerate(shape)]
    return expand(reshape(grad, kept), shape)


def sum(
    input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """out = the sum of input over ``dim``

    Parameters
    ----------
    input : Tensor
        Bools and small integers are summed as int64.
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.
    dtype : DTypeLike, optional
        Convert to this dtype first.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 2], [3, 4]]).sum(dim=1)
    tensor([3, 7])
    """
    if dtype is not None:
        input = to(input, dtype)
    elif not input.is_floating_point():
        input = to(input, types.int64)
    return Sum(axes_of(dim, input.ndim), keepdim)(input)


def mean(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the sum of input over ``dim``, divided by how many numbers were summed

    Parameters
    ----------
    input : Tensor
        Of a floating dtype.
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    TypeError
        For whole numbers or bools.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(0)
    tensor([2., 3.])
    """
    if not input.is_floating_point():
        raise TypeError(
            f"the mean needs a floating dtype, got {input.dtype.name}\n  try: x.float().mean()"
        )
    return sum(input, dim, keepdim) / count(input, dim)


def count(input: Tensor, dim: Dims) -> builtins.int:
    """How many numbers a reduction over ``dim`` takes together."""
    n = 1
    for axis in axes_of(dim, input.ndim):
        n *= input.shape[axis]
    return n


def var(
    input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, correction: builtins.int = 1
) -> Tensor:
    """out = sum of (input - mean)^2, divided by n - correction

    Parameters
    ----------
    input : Tensor
        Of a floating dtype.
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.
    correction : int
        1 (Bessel's) for an unbiased estimate, 0 for the plain mean square.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    away = input - mean(input, dim, keepdim=True)
    return sum(away * away, dim, keepdim) / builtins.max(count(input, dim) - correction, 0)


def std(
    input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, correction: builtins.int = 1
) -> Tensor:
    """out = the square root of the variance

    Parameters
    ----------
    input : Tensor
        Of a floating dtype.
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.
    correction : int
        As for ``var``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.0, 3.0, 5.0]).std()
    tensor(2.)
    """
    variance = var(input, dim, keepdim, correction=correction)
    # The root is infinitely steep at 0. Equal numbers get the slope 0 instead of a nan.
    same = variance == 0
    return where(same, 0.0, sqrt(where(same, 1.0, variance)))


def prod(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the product of input over ``dim``

    Computed by multiplying one half with the other until one is left, so that every derivative is
    that of a product, zeros included.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> x.prod().backward()
    >>> x.grad
    tensor([0., 6., 0.])
    """
    if not input.is_floating_point():
        input = to(input, types.int64)
    x = flatten(input) if dim is None else input
    axis = axis_of(0 if dim is None else dim, x.ndim)
    before = (slice(None),) * axis
    while x.shape[axis] > 1:
        half = x.shape[axis] // 2
        left = getitem(x, (*before, slice(half)))
        right = getitem(x, (*before, slice(half, 2 * half)))
        odd = getitem(x, (*before, slice(2 * half, None)))
        x = cat([left * right, odd], axis)
    if x.shape[axis] == 0:
        x = sum(x, axis, keepdim=True) + 1
    if dim is None:
        return reshape(x, [1] * input.ndim if keepdim else [])
    return x if keepdim else getitem(x, (*before, 0))


# ---------------------------------------------------------------------------------------- extremes


class Extreme(NamedTuple):
    """The largest or smallest numbers along an axis, and where they stand."""

    values: Tensor
    indices: Tensor


class Amax(Function):
    """out = the largest number over some axes"""

    reads_output = True

    def __init__(self, dims: tuple[builtins.int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> Array:
        return np.amax(x, axis=self.dims, keepdims=True)  # type: ignore[no-any-return]

    def backward(self, grad: Tensor) -> Tensor:
        # all places that hold the extreme share its gradient evenly
        hit = self.saved(0) == self.output().detach()
        share = to(hit, grad.dtype)
        return grad * (share / sum(share, self.dims, keepdim=True))


def amax(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the largest number over ``dim``; equal ones share the gradient evenly

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    ValueError
        If there is no number to choose from.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).amax(1)
    tensor([5, 4])
    """
    axes = axes_of(dim, input.ndim)
    if count(input, dim) == 0:
        raise ValueError(f"no number to choose from: shape {input.shape}, dim {dim}")
    out = Amax(axes)(input)
    return out if keepdim else reshape(out, [n for i, n in enumerate(input.shape) if i not in axes])


def amin(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the smallest number over ``dim``; equal ones share the gradient evenly

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    ValueError
        If there is no number to choose from.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1.0, 5.0], [4.0, 2.0]]).amin()
    tensor(1.)
    """
    if input.dtype is types.bool:
        return all(input) if dim is None else all(input, dim, keepdim)  # type: ignore[arg-type]
    if not input.is_floating_point():
        return ~amax(~input, dim, keepdim)
    return -amax(-input, dim, keepdim)


def max(input: Tensor, dim: Any = None, keepdim: builtins.bool = False) -> Any:
    """out = the largest number; with ``dim``, values and indices; with a tensor, the larger one

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        An axis, or a second tensor to compare with number by number.
    keepdim : bool
        Whether the axis stays, with size 1.

    Returns
    -------
    Tensor, or a named tuple (values, indices)

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([[1, 5], [4, 2]])
    >>> x.max()
    tensor(5)
    >>> values, indices = x.max(dim=1)
    >>> values, indices
    (tensor([5, 4]), tensor([1, 0]))
    """
    if is_tensor(dim):
        return maximum(input, dim)
    return amax(input) if dim is None else along(input, argmax(input, dim, True), dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: builtins.bool = False) -> Any:
    """out = the smallest number; with ``dim``, values and indices; with a tensor, the smaller one

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        An axis, or a second tensor to compare with number by number.
    keepdim : bool
        Whether the axis stays, with size 1.

    Returns
    -------
    Tensor, or a named tuple (values, indices)

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).min(dim=0).values
    tensor([1, 2])
    """
    if is_tensor(dim):
        return minimum(input, dim)
    return amin(input) if dim is None else along(input, argmin(input, dim, True), dim, keepdim)


def along(input: Tensor, indices: Tensor, dim: builtins.int, keepdim: builtins.bool) -> Extreme:
    """The numbers at ``indices`` along an axis, with these indices."""
    values = gather(input, dim, indices)
    if keepdim:
        return Extreme(values, indices)
    axis = axis_of(dim, input.ndim)
    shape = [n for i, n in enumerate(values.shape) if i != axis]
    return Extreme(reshape(values, shape), reshape(indices, shape))


def argmax(
    input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False
) -> Tensor:
    """out = where the largest number stands, the first if there are several

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        The axis; None counts through all numbers in order.
    keepdim : bool
        Whether the axis stays, with size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).argmax(dim=1)
    tensor([1, 0])
    """
    return position(np.argmax, input, dim, keepdim)


def argmin(
    input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False
) -> Tensor:
    """out = where the smallest number stands, the first if there are several

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        The axis; None counts through all numbers in order.
    keepdim : bool
        Whether the axis stays, with size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 5], [4, 2]]).argmin()
    tensor(0)
    """
    return position(np.argmin, input, dim, keepdim)


def position(find: Any, input: Tensor, dim: builtins.int | None, keepdim: builtins.bool) -> Tensor:
    """What ``argmax`` and ``argmin`` share."""
    axis = None if dim is None else axis_of(dim, input.ndim)
    if (input.numel() if axis is None else input.shape[axis]) == 0:
        raise ValueError(f"no number to choose from: shape {input.shape}, dim {dim}")
    return make_tensor(np.asarray(find(input._array, axis=axis, keepdims=keepdim), dtype=np.int64))


def any(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """out = whether at least one number over ``dim`` is other than zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([0, 2]).any()
    tensor(True)
    """
    axis = None if dim is None else axis_of(dim, input.ndim)
    return make_tensor(np.any(input._array, axis=axis, keepdims=keepdim))


def all(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """out = whether every number over ``dim`` is other than zero

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([0, 2]).all()
    tensor(False)
    """
    axis = None if dim is None else axis_of(dim, input.ndim)
    return make_tensor(np.all(input._array, axis=axis, keepdims=keepdim))


# ----------------------------------------------------------------------------------------- softmax


class Softmax(Function):
    """out_i = e^(x_i) / sum over j of e^(x_j), along one axis"""

    reads_inputs, reads_output = False, True

    def __init__(self, dim: builtins.int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        # e^(x - max) is the same quotient, and cannot overflow
        powers = np.exp(x - x.max(axis=self.dim, keepdims=True, initial=-np.inf))
        return powers / powers.sum(axis=self.dim, keepdims=True)  # type: ignore[no-any-return]

    def backward(self, grad: Tensor) -> Tensor:
        y = self.output()
        return y * (grad - sum(grad * y, self.dim, keepdim=True))


def softmax(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
    """out_i = e^(input_i) / sum over j of e^(input_j) along ``dim``: positive, and adding up to 1

    Parameters
    ----------
    input : Tensor
    dim : int
        The axis of the classes.
    dtype : DTypeLike, optional
        Convert to this dtype first.

    Examples
    --------
    >>> import lucid
    >>> lucid.softmax(lucid.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    x = floating(input) if dtype is None else to(input, dtype)
    return Softmax(axis_of(dim, x.ndim))(x)


class LogSoftmax(Function):
    """out_i = x_i - log of the sum over j of e^(x_j), along one axis"""

    reads_inputs, reads_output = False, True

    def __init__(self, dim: builtins.int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        shifted = x - x.max(axis=self.dim, keepdims=True, initial=-np.inf)
        total = np.exp(shifted).sum(axis=self.dim, keepdims=True)
        return shifted - np.log(total)  # type: ignore[no-any-return]

    def backward(self, grad: Tensor) -> Tensor:
        return grad - exp(self.output()) * sum(grad, self.dim, keepdim=True)


def log_softmax(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
    """out_i = input_i - log of the sum over j of e^(input_j) along ``dim``

    The logarithm of ``softmax``, exact also where the softmax itself would round to 0.

    Parameters
    ----------
    input : Tensor
    dim : int
        The axis of the classes.
    dtype : DTypeLike, optional
        Convert to this dtype first.

    Examples
    --------
    >>> import lucid
    >>> lucid.log_softmax(lucid.tensor([0.0, 1000.0]), dim=0)
    tensor([-1000.,     0.])
    """
    x = floating(input) if dtype is None else to(input, dtype)
    return LogSoftmax(axis_of(dim, x.ndim))(x)
