"""Ops that make fewer numbers of many: sums, means, products.

Every reduction takes ``dim``, an axis or several (None: all of them), and ``keepdim``, whether
the reduced axes stay with size 1.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import types
from lucid._ext import kernels
from lucid.autograd import Function, make_tensor
from lucid.errors import DtypeError
from lucid.ops.broadcast import expand
from lucid.ops.choosing import where
from lucid.ops.convert import clone, to
from lucid.ops.elementwise import sqrt
from lucid.ops.index import getitem
from lucid.ops.join import cat
from lucid.ops.shape import axis_of, flatten, flip, reshape, row
from lucid.ops.spelling import numpy_names
from lucid.types import Array, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor

Dims = builtins.int | Sequence[builtins.int] | None


def axes_of(dim: Dims, ndim: builtins.int) -> tuple[builtins.int, ...]:
    """The axes that ``dim`` names, each counted from the front; all of them for None and ()."""
    dims = dim if isinstance(dim, Sequence) else () if dim is None else (dim,)
    if not dims:
        return tuple(range(ndim))
    axes = tuple(axis_of(d, builtins.max(ndim, 1)) for d in dims)
    if len(set(axes)) < len(axes):
        raise ValueError(f"each axis can be reduced once, got dim={dim}")
    return axes if ndim else ()  # a single number is its own sum along axis 0


class Sum(Function):
    """out = the sum of x over some axes"""

    reads_inputs = False

    def __init__(self, dims: tuple[builtins.int, ...], keepdim: builtins.bool) -> None:
        self.dims, self.keepdim = dims, keepdim

    def forward(self, x: Array) -> Any:
        if self.dims == (0, 2) and x.ndim == 3 and x.dtype.kind == "f" and not self.keepdim:
            out = np.empty(x.shape[1], x.dtype)  # over all but the channels: a gradient of a bias
            kernels.channel_sum(np.ascontiguousarray(x), out)
            return out
        return x.sum(axis=self.dims, keepdims=self.keepdim, dtype=x.dtype)

    def backward(self, grad: Tensor) -> Tensor:
        return spread(grad, self.shapes[0], self.dims)


class Mean(Sum):
    """out = the sum of x over some axes, divided by how many numbers were summed"""

    def __init__(
        self, dims: tuple[builtins.int, ...], keepdim: builtins.bool, n: builtins.int
    ) -> None:
        super().__init__(dims, keepdim)
        self.n = n

    def forward(self, x: Array) -> Any:
        return super().forward(x) / self.n

    def backward(self, grad: Tensor) -> Tensor:
        return spread(grad / self.n, self.shapes[0], self.dims)


def spread(grad: Tensor, shape: tuple[builtins.int, ...], dims: tuple[builtins.int, ...]) -> Tensor:
    """Repeat a reduced tensor over the axes it was reduced along: the adjoint of summing."""
    kept = [1 if i in dims else n for i, n in enumerate(shape)]
    return expand(reshape(grad, kept), shape)


@numpy_names
def sum(
    input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """out = the sum of input over ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape. Bools and small integers are summed as int64.
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


@numpy_names
def mean(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the sum of input over ``dim``, divided by how many numbers were summed

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
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
        raise DtypeError(
            f"the mean needs a floating dtype, got {input.dtype.name}\n  try: x.float()"
        )
    return Mean(axes_of(dim, input.ndim), keepdim, count(input, dim))(input)


def count(input: Tensor, dim: Dims) -> builtins.int:
    """How many numbers a reduction over ``dim`` takes together."""
    n = 1
    for axis in axes_of(dim, input.ndim):
        n *= input.shape[axis]
    return n


@numpy_names
def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: builtins.bool = True,
    keepdim: builtins.bool = False,
    *,
    correction: builtins.int | None = None,
) -> Tensor:
    """out = sum of (input - mean)^2, divided by n - correction

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    dim : int or sequence of int, optional
        The axes; all by default. (A bool here is ``unbiased``, as PyTorch has it.)
    unbiased : bool
        Whether correction is 1 (Bessel's, for an unbiased estimate) or 0 (the plain mean square).
    keepdim : bool
        Whether the axes stay, with size 1.
    correction : int, optional
        Instead of ``unbiased``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    if isinstance(dim, builtins.bool):
        unbiased, dim = dim, None
    less = builtins.int(unbiased) if correction is None else correction
    away = input - mean(input, dim, keepdim=True)
    return sum(away * away, dim, keepdim) / builtins.max(count(input, dim) - less, 0)


@numpy_names
def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: builtins.bool = True,
    keepdim: builtins.bool = False,
    *,
    correction: builtins.int | None = None,
) -> Tensor:
    """out = the square root of the variance

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    dim, unbiased, keepdim, correction
        As for ``var``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.0, 3.0, 5.0]).std()
    tensor(2.)
    """
    variance = var(input, dim, unbiased, keepdim, correction=correction)
    # The root is infinitely steep at 0. Equal numbers get the slope 0 instead of a nan.
    same = variance == 0
    return where(same, 0.0, sqrt(where(same, 1.0, variance)))


@numpy_names
def prod(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """out = the product of input over ``dim``

    Computed by multiplying one half with the other until one is left, so that every derivative is
    that of a product, zeros included.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int, optional
        The axis that is reduced; None: all.
    keepdim : bool
        Whether the reduced axes stay, with size 1.

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
    x = flatten(input) if dim is None else row(input)
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
    if dim is None or input.ndim == 0:
        return reshape(x, [1] * input.ndim if keepdim else [])
    return x if keepdim else getitem(x, (*before, 0))


class CumSum(Function):
    """out_i = x_0 + ... + x_i along an axis; the adjoint sums up from the other end"""

    reads_inputs = False

    def __init__(self, dim: builtins.int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        return np.cumsum(x, axis=self.dim, dtype=x.dtype)

    def backward(self, grad: Tensor) -> Tensor:
        return flip(CumSum(self.dim)(flip(grad, self.dim)), self.dim)


@numpy_names
def cumsum(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
    """out_i = input_0 + ... + input_i along ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape. Bools and small integers are summed as int64.
    dim : int
        The axis.
    dtype : DTypeLike, optional
        Convert to this dtype first.

    Examples
    --------
    >>> import lucid
    >>> lucid.cumsum(lucid.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    if dtype is not None:
        input = to(input, dtype)
    elif not input.is_floating_point():
        input = to(input, types.int64)
    axis = axis_of(dim, builtins.max(input.ndim, 1))
    return CumSum(axis)(input) if input.ndim else clone(input)


@numpy_names
def any(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = whether at least one number over ``dim`` is other than zero

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or sequence of int, optional
        The axes that are reduced; None: all.
    keepdim : bool
        Whether the reduced axes stay, with size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([0, 2]).any()
    tensor(True)
    """
    return make_tensor(np.any(input._array, axis=axes_of(dim, input.ndim), keepdims=keepdim))


@numpy_names
def all(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
    """out = whether every number over ``dim`` is other than zero

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or sequence of int, optional
        The axes that are reduced; None: all.
    keepdim : bool
        Whether the reduced axes stay, with size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([0, 2]).all()
    tensor(False)
    """
    return make_tensor(np.all(input._array, axis=axes_of(dim, input.ndim), keepdims=keepdim))
