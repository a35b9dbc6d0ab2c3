"""The tensor: an array, its gradient, and its place in the graph.

What can be computed with tensors is defined in ``lucid/ops``, one op in one place;
``lucid/methods.py`` makes the ops reachable as ``x.exp()`` or ``a + b``.
"""

from __future__ import annotations

import warnings
import weakref
from builtins import bool as Bool
from builtins import float as Float
from builtins import int as Int
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from lucid import autograd, backward, ops, types, ufuncs
from lucid.autograd import Function, Hook
from lucid.cures import shape_cure
from lucid.errors import DtypeError, NotHere, ShapeError
from lucid.memory import Memory
from lucid.methods import OpMethods
from lucid.ops.in_place_errors import change_error, check_limits, not_recorded
from lucid.ops.index_errors import index_error
from lucid.types import Array, DTypeLike, device, dtype

__all__ = ["RemovableHandle", "Tensor"]

_new = object.__new__

Scalar: TypeAlias = Bool | Int | Float
TensorLike: TypeAlias = "Tensor | Scalar"


class RemovableHandle:
    """What registering a hook returns; ``remove()`` takes the hook away again.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.ones(1, requires_grad=True)
    >>> handle = x.register_hook(lambda grad: grad * 10)
    >>> handle.remove()
    >>> x.sum().backward()
    >>> x.grad
    tensor([1.])
    """

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; calling it twice does no harm."""
        self._hooks[:] = [hook for hook in self._hooks if hook is not self._hook]


NOT_KEPT = (
    "backward keeps gradients of leaves only, and this tensor was computed, by {}: grad is None\n"
    "  try: x.retain_grad()    # before backward()"
)


class Tensor(OpMethods):
    """An n-dimensional array of numbers of one type that remembers how it was computed.

    Make one with ``lucid.tensor``, ``lucid.zeros`` and their like. Names and meanings of its
    methods are PyTorch's.

    Parameters
    ----------
    data : number, nested list, NumPy array or Tensor
        Of any shape; it is copied.
    dtype : DTypeLike, optional
        By default ``lucid.get_default_dtype()``, whatever ``data`` is.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = (
        "__weakref__",
        "_array",  # the numbers
        "_grad",  # of a leaf, after backward
        "_hooks",  # of a leaf; those of an op's output are kept by its node
        "_memory",  # shared by all views of the same numbers
        "_node",  # the Function that computed it, None for a leaf
        "_requires_grad",
    )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """What NumPy asks: `np.float64(2) * x` is computed, `np.exp(x)` says what to do."""
        return ufuncs.of_tensors(ufunc, method, inputs, options)

    def __init__(self, data: Any = (), *, dtype: DTypeLike = None) -> None:
        array = np.array(data._array if isinstance(data, Tensor) else data)
        with np.errstate(all="ignore"):
            self._set(array.astype(types.as_dtype(dtype).numpy))

    def _set(self, array: Array) -> None:  # as _wrap does, which is called for every op's output
        self._array = array
        self._grad: Tensor | None = None
        self._hooks: list[Hook] | None = None
        self._memory = Memory()
        self._node: Function | None = None
        self._requires_grad = False

    @staticmethod
    def _wrap(array: Any) -> Tensor:
        """Make a tensor on an array, without a copy."""
        out = _new(Tensor)
        out._array = array if type(array) is np.ndarray else np.asarray(array)
        out._grad = out._hooks = out._node = None
        out._memory = Memory()
        out._requires_grad = False
        return out

    # ------------------------------------------------------------------------------ what it is

    @property
    def shape(self) -> tuple[Int, ...]:
        """The size along each axis, a plain tuple."""
        return self._array.shape

    def size(self, dim: Int | None = None) -> Any:
        """``shape``, or the size along one axis."""
        return self.shape if dim is None else self.shape[dim]

    @property
    def ndim(self) -> Int:
        """The number of axes."""
        return self._array.ndim

    def dim(self) -> Int:
        """The number of axes."""
        return self._array.ndim

    def numel(self) -> Int:
        """The number of numbers."""
        return self._array.size

    @property
    def dtype(self) -> dtype:
        """The type of the numbers."""
        return types.FROM_NUMPY[self._array.dtype]

    @property
    def device(self) -> device:
        """Where the numbers live: always the CPU."""
        return types.CPU

    def cpu(self) -> Tensor:
        """The tensor itself: it is there already."""
        return self

    cuda = NotHere("lucid computes on the CPU\n  try: x.cpu(), the tensor itself")

    def is_floating_point(self) -> Bool:
        """Whether the numbers are float32 or float64."""
        return self.dtype.is_floating_point

    def is_contiguous(self) -> Bool:
        """Whether the numbers lie in memory in order, last axis fastest."""
        return self._array.flags.c_contiguous

    def __len__(self) -> Int:
        if self.ndim == 0:
            raise TypeError("a tensor of shape () has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("cannot iterate over a tensor of shape ()\n  try: x.item()")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: TensorLike) -> Bool:
        return bool((self == value).any().item())

    def __repr__(self) -> str:
        return ops.tensor_repr(self)

    def _repr_html_(self) -> str:
        from lucid import notebook  # not before a notebook asks

        return notebook.tensor_html(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else format(repr(self), spec)

    # ------------------------------------------------------------------------- out into Python

    def item(self) -> Any:
        """The one number in it, as a Python number."""
        if self._array.size != 1:
            raise ShapeError(
                f"item() needs exactly one number, got a tensor of shape {self.shape}\n"
                "  try: x.tolist()\n  or:  x.sum().item()"
            )
        return self._array.item()

    def tolist(self) -> Any:
        """The numbers as nested Python lists."""
        return self._array.tolist()

    def __bool__(self) -> Bool:
        if self._array.size != 1:
            raise ShapeError(
                f"the truth of a tensor of shape {self.shape} is ambiguous\n"
                "  try: x.any()\n  or:  x.all()"
            )
        return bool(self._array.item())

    def __int__(self) -> Int:
        return int(self.item())

    def __float__(self) -> Float:
        return float(self.item())

    def __index__(self) -> Int:
        if self._array.dtype.kind not in "iu" or self._array.ndim:
            got = f"a {self.dtype.name} tensor of shape {self.shape}"
            raise TypeError(f"only one whole number can be an index, got {got}")
        return int(self._array)

    # ------------------------------------------------------------------------------- gradients

    @property
    def requires_grad(self) -> Bool:
        """Whether ``backward`` computes a gradient for it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: Bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: Bool = True) -> Tensor:
        """Set ``requires_grad``; return the tensor itself."""
        if self._node is not None and not requires_grad:
            raise RuntimeError("a computed tensor requires a gradient\n  try: x.detach()")
        if requires_grad and not self.is_floating_point():
            raise DtypeError(
                f"only float32 and float64 tensors have gradients, got {self.dtype.name}\n"
                "  try: x.float()"
            )
        self._requires_grad = bool(requires_grad)
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` summed up here; None before.

        A computed tensor gets none, unless ``retain_grad`` asked for it: then reading it warns.
        """
        grad, node = self._grad, self._node
        if grad is None and node is not None and node.keeper is None:
            warnings.warn(NOT_KEPT.format(self.grad_fn), UserWarning, stacklevel=2)
        return grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"a gradient is a tensor or None, got {type(value).__name__}")
            self._check_like("gradient", "grad", value)
        self._grad = value

    def _check_like(self, what: str, name: str, value: Tensor) -> None:
        """An error if a tensor has not the shape and the dtype of this one."""
        message = (
            f"the {what} must be {self.dtype.name} of shape {self.shape}, "
            f"got {value.dtype.name} of shape {value.shape}"
        )
        if value.shape != self.shape:
            raise ShapeError(message + shape_cure(name, value.shape, self.shape, "zeros"))
        if value.dtype is not self.dtype:
            raise DtypeError(f"{message}\n  try: {name}.to(lucid.{self.dtype.name})")

    @property
    def is_leaf(self) -> Bool:
        """Whether it was made by hand rather than computed from what requires a gradient."""
        return self._node is None

    @property
    def grad_fn(self) -> Function | None:
        """The node that computed it."""
        return self._node

    @property
    def data(self) -> Tensor:
        """The same numbers outside the graph: ``detach()``."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self._check_like("new data", "data", value)
        self._array, self._memory = value._array, value._memory

    def detach(self) -> Tensor:
        """The same numbers, on the same memory, outside the graph."""
        out = Tensor._wrap(self._array)
        out._memory = self._memory
        return out

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: Bool | None = None,
        create_graph: Bool = False,
    ) -> None:
        """Add the gradient of this tensor to the ``grad`` of every leaf it was computed from.

        Parameters
        ----------
        gradient : Tensor, optional
            What to start from, in the shape of this tensor; 1 for a single number.
        retain_graph : bool, optional
            Keep the graph for another ``backward``. Defaults to ``create_graph``.
        create_graph : bool
            Record the gradients' own computation, so that they can be differentiated.
        """
        keep = create_graph if retain_graph is None else retain_graph
        seed = backward.seed_gradient(self, gradient)
        backward.run_backward([self], [seed], None, keep, create_graph)

    def register_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(grad)`` when the gradient is known; what it returns replaces the gradient."""
        if not self._requires_grad:
            raise RuntimeError("only a tensor that requires a gradient can have a gradient hook")
        owner: Any = self if self._node is None else self._node
        name = "_hooks" if self._node is None else "hooks"
        if getattr(owner, name) is None:
            setattr(owner, name, [])
        hooks = getattr(owner, name)
        hooks.append(hook)
        return RemovableHandle(hooks, hook)

    def retain_grad(self) -> None:
        """Keep the gradient of a computed tensor in ``grad``, as for a leaf."""
        if self._node is not None:
            self._node.keeper = weakref.ref(self)

    # ------------------------------------------------------------------------ change in place

    def _written(self) -> None:
        """Count a write: what backward has saved of these numbers is no longer true."""
        self._memory.version += 1

    def _write(
        self,
        change: Callable[[Array], Any],
        source: object = 0,
        op: str = "",
        name: str = "value",
        place: Any = ...,
    ) -> Tensor:
        """Change the numbers in place, if no gradient would silently go wrong by it.

        What it is changed with, by which operator, under which name and where, is for the message
        of an error.
        """
        if autograd.is_grad_enabled():
            given = isinstance(source, Tensor) and source._requires_grad
            if self._requires_grad or given:
                raise not_recorded(self)
        try:
            with np.errstate(all="ignore"):
                change(self._array)
        except (TypeError, ValueError, OverflowError) as error:
            name = "b" if op else name
            raise change_error(error, self._array, place, source, name, op) from None
        finally:
            self._written()
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        where = ops.as_index(index)
        new = np.asarray(value) if isinstance(value, list | np.ndarray) else ops.raw(value)
        if np.asarray(new).dtype.kind not in "fiub":
            raise TypeError(f"a tensor holds numbers, got {value!r}")
        try:
            self._write(lambda a: a.__setitem__(where, new), value, place=where)
        except IndexError:
            raise index_error(where, self.shape) from None

    def zero_(self) -> Tensor:
        """Fill with 0, in place."""
        return self._write(lambda a: a.fill(0))

    def fill_(self, value: TensorLike) -> Tensor:
        """Fill with one number, in place."""
        new = ops.raw(value)
        if np.ndim(new):
            shape = np.shape(new)
            raise ShapeError(f"fill_ takes one number, got shape {shape}\n  try: x.copy_(value)")
        return self._write(lambda a: a.fill(new), value)

    def copy_(self, source: Tensor) -> Tensor:
        """Copy the numbers of ``source``, broadcast and converted, in place."""
        if not isinstance(source, Tensor):
            got = type(source).__name__
            raise TypeError(f"copy_ needs a tensor, got {got}\n  try: lucid.tensor(...)")
        numbers = source._array
        return self._write(lambda a: np.copyto(a, numbers, casting="unsafe"), source, name="source")

    def add_(self, other: TensorLike, *, alpha: Scalar = 1) -> Tensor:
        """``x += alpha * other``, in place."""
        step, op = ops.raw(other), "+"
        if alpha != 1:
            step, op = alpha * step, f"+ {alpha} *"
        return self._write(lambda a: np.add(a, step, a), other, op)

    def sub_(self, other: TensorLike, *, alpha: Scalar = 1) -> Tensor:
        """``x -= alpha * other``, in place."""
        step, op = ops.raw(other), "-"
        if alpha != 1:
            step, op = alpha * step, f"- {alpha} *"
        return self._write(lambda a: np.subtract(a, step, a), other, op)

    def mul_(self, other: TensorLike) -> Tensor:
        """``x *= other``, in place."""
        factor = ops.raw(other)
        return self._write(lambda a: np.multiply(a, factor, a), other, "*")

    def div_(self, other: TensorLike) -> Tensor:
        """``x /= other``, in place."""
        divisor = ops.raw(other)
        return self._write(lambda a: np.divide(a, divisor, a), other, "/")

    def clamp_(self, min: Scalar | None = None, max: Scalar | None = None) -> Tensor:
        """Limit to ``min`` .. ``max``, in place."""
        low, high = [None if limit is None else ops.raw(limit) for limit in (min, max)]
        check_limits(self._array, {"min": low, "max": high})
        return self._write(lambda a: np.clip(a, low, high, out=a))

    __iadd__ = add_
    __isub__ = sub_
    __imul__ = mul_
    __itruediv__ = div_

    # ---------------------------------------------------------------------------- copy, pickle

    def __copy__(self) -> Tensor:
        out = _rebuild(type(self), self._array, self._requires_grad)
        out._memory, out._node = self._memory, self._node
        return out

    def __deepcopy__(self, memo: dict[Int, Any]) -> Tensor:
        if self._node is not None:
            raise RuntimeError("a computed tensor cannot be deep-copied\n  try: x.detach().clone()")
        out = _rebuild(type(self), self._array.copy(), self._requires_grad)
        memo[id(self)] = out
        if self._grad is not None:
            out._grad = self._grad.detach().clone()
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        if self._node is not None:
            raise RuntimeError("a computed tensor cannot be pickled\n  try: x.detach()")
        return _rebuild, (type(self), self._array.copy(), self._requires_grad)

    # -------------------------------------------------------------------------------- operators

    # Those with the tensor on the right; all others are in methods.py.

    def __radd__(self, other: TensorLike) -> Tensor:
        return ops.add(other, self)

    def __rsub__(self, other: TensorLike) -> Tensor:
        return ops.sub(other, self)

    def __rmul__(self, other: TensorLike) -> Tensor:
        return ops.mul(other, self)

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return ops.div(other, self)

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return ops.floor_divide(other, self)

    def __rmod__(self, other: TensorLike) -> Tensor:
        return ops.remainder(other, self)

    def __rpow__(self, other: TensorLike) -> Tensor:
        return ops.pow(other, self)

    def __rand__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_and(other, self)

    def __ror__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_or(other, self)

    def __rxor__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_xor(other, self)

    def __rmatmul__(self, other: Tensor) -> Tensor:
        return ops.matmul(other, self)

    def view(self, *shape: Any) -> Tensor:
        """The same numbers in another shape, never copied; where that needs a copy, an error."""
        if not self.is_contiguous():
            raise ValueError(
                "view needs contiguous numbers, and these are not\n  try: x.reshape(...)"
            )
        return ops.reshape(self, *shape)

    def type_as(self, other: Tensor) -> Tensor:
        """The numbers converted to the dtype of ``other``."""
        return ops.to(self, other.dtype)

    def where(self, condition: Tensor, other: TensorLike) -> Tensor:
        """The numbers where ``condition`` is True, those of ``other`` elsewhere."""
        return ops.where(condition, self, other)

    def expand_as(self, other: Tensor) -> Tensor:
        """The numbers repeated to the shape of ``other``."""
        return ops.expand(self, other.shape)

    def view_as(self, other: Tensor) -> Tensor:
        """The same numbers in the shape of ``other``, never copied."""
        return self.view(other.shape)

    def t(self) -> Tensor:
        """The two axes of a matrix exchanged; a vector as it is."""
        if self.ndim > 2:
            raise ShapeError(f"t() needs at most 2 axes, got {self.shape}\n  try: x.mT")
        return ops.transpose(self, 0, 1) if self.ndim == 2 else self

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return ops.permute(self, *reversed(range(self.ndim)))

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return ops.transpose(self, -2, -1)


def _rebuild(kind: type[Tensor], array: Array, requires_grad: Bool) -> Tensor:
    """A leaf of the given class on an array; what unpickling calls."""
    out = kind.__new__(kind)
    out._set(array)
    out._requires_grad = requires_grad
    return out
