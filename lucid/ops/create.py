"""Making tensors."""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import types
from lucid.autograd import is_tensor, make_tensor
from lucid.cures import cure, not_empty_cure
from lucid.errors import SIZE_LIMIT, ShapeError
from lucid.ops.shape import shape_of
from lucid.types import Array, DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def finished(array: Array, device: DeviceLike, requires_grad: builtins.bool) -> Tensor:
    """The last step of making a tensor, the same for all ways."""
    types.as_device(device)
    out = make_tensor(array)
    return out.requires_grad_() if requires_grad else out


def checked_shape(sizes: tuple[Any, ...]) -> tuple[builtins.int, ...]:
    """A shape whose sizes are not negative and whose numbers can be counted."""
    shape = shape_of(sizes)
    if builtins.any(n < 0 for n in shape):
        raise ShapeError(f"sizes are at least 0, got {shape}{not_empty_cure(shape)}")
    if np.prod(shape, dtype=object) >= SIZE_LIMIT**2:
        raise MemoryError(f"a tensor of shape {shape} does not fit into memory")
    return shape


# ------------------------------------------------------------------------------------ from numbers


def tensor(
    data: Any,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = a new tensor with a copy of the numbers in ``data``

    Parameters
    ----------
    data : number, nested list, NumPy array or Tensor
        Of any shape. Python floats get the default dtype, ints int64; arrays and tensors keep
        theirs.
    dtype : DTypeLike, optional
        Another dtype.
    device : DeviceLike, optional
        There is one: ``"cpu"``.
    requires_grad : bool
        Whether ``backward`` computes a gradient for it.

    Raises
    ------
    TypeError
        If ``data`` holds something else than numbers of a dtype that lucid has.
    ShapeError
        If nested lists have different lengths.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> lucid.tensor([1.5, 2.0], requires_grad=True)
    tensor([1.5000, 2.0000], requires_grad=True)
    """
    if is_tensor(data):
        array = data._array
    elif isinstance(data, np.ndarray | np.generic):
        array = np.asarray(data)
    else:
        array = array_of_numbers(data)
        if dtype is None and array.dtype.kind == "f":
            dtype = types.get_default_dtype()
    if dtype is None or array.dtype.kind not in "fiub":
        dtype = types.from_numpy_dtype(array)
    with np.errstate(all="ignore"):
        array = array.astype(types.as_dtype(dtype).numpy, order="C")  # a copy
    return finished(array, device, requires_grad)


def array_of_numbers(data: Any) -> Array:
    """Nested lists of Python numbers as an array."""
    try:
        array = np.asarray(data)
    except ValueError:
        raise uneven(data, "data") from None
    except OverflowError:
        raise ValueError("a whole number does not fit into int64") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"a tensor is made of numbers, got {type(data).__name__}: {str(data)[:60]!r}"
        )
    return array


def uneven(data: Any, name: str) -> Exception:
    """The error for nested lists of different lengths: the innermost of them, and how to go on."""
    for i, part in enumerate(data):
        if isinstance(part, list | tuple):
            try:
                np.asarray(part)
            except ValueError:
                return uneven(part, f"{name}[{i}]")
    parts = [np.asarray(part) for part in data]
    if any(part.dtype.kind not in "fiub" for part in parts):
        return TypeError(f"a tensor is made of numbers, got {type(data).__name__}: {data!r:.60}")
    shapes = [part.shape for part in parts]
    code = f"[lucid.tensor(part) for part in {name}]"
    if () not in shapes and len({shape[1:] for shape in shapes}) == 1:
        kinds = {part.dtype for part in parts}
        code = code if len(kinds) == 1 else code.replace("part)", "part, dtype=lucid.float32)")
        code = f"nn.utils.rnn.pad_sequence({code}, batch_first=True)"
    return ShapeError(
        f"nested lists must have equal lengths to make a tensor, got the shapes "
        f"{', '.join(map(str, shapes[:8]))}{', ...' if len(shapes) > 8 else ''} in {name}"
        + cure(code)
    )


def as_tensor(data: Any, dtype: DTypeLike = None, device: DeviceLike = None) -> Tensor:
    """out = ``data`` itself if it is a tensor of that dtype; an array is shared; lists are copied

    Parameters
    ----------
    data : number, nested list, NumPy array or Tensor
        Of any shape.
    dtype : DTypeLike, optional
        Another dtype; then the numbers are copied.
    device : DeviceLike, optional
        There is one: ``"cpu"``.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.zeros(2)
    >>> lucid.as_tensor(x) is x
    True
    """
    types.as_device(device)
    if is_tensor(data):
        return data.to(dtype)
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(dtype)
    return tensor(data, dtype=dtype)


def from_numpy(ndarray: Array) -> Tensor:
    """out = a tensor on the memory of a NumPy array: a write to either shows in both

    Parameters
    ----------
    ndarray : numpy.ndarray
        Of a dtype that lucid has.

    Raises
    ------
    TypeError
        For something else than an array, or another dtype.

    Examples
    --------
    >>> import lucid
    >>> import numpy as np
    >>> a = np.zeros(2, dtype=np.float32)
    >>> x = lucid.from_numpy(a)
    >>> a[0] = 7
    >>> x
    tensor([7., 0.])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(
            f"from_numpy needs a NumPy array, got {type(ndarray).__name__}\n"
            "  try: lucid.tensor(data)"
        )
    types.from_numpy_dtype(ndarray)
    out = make_tensor(np.asarray(ndarray))
    out._memory.expose_new(out._array)
    return out


# ------------------------------------------------------------------------------- of a given shape


def zeros(
    *size: Any,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[...] = 0

    Parameters
    ----------
    *size : int
        The shape, as ints or as one tuple.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3).shape, lucid.zeros((2, 3)).shape
    ((2, 3), (2, 3))
    """
    array = np.zeros(checked_shape(size), types.as_dtype(dtype).numpy)
    return finished(array, device, requires_grad)


def ones(
    *size: Any,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[...] = 1

    Parameters
    ----------
    *size : int
        The shape, as ints or as one tuple.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.ones(3)
    tensor([1., 1., 1.])
    """
    array = np.ones(checked_shape(size), types.as_dtype(dtype).numpy)
    return finished(array, device, requires_grad)


def empty(
    *size: Any,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[...] = whatever the memory held: for tensors that are filled right after

    Parameters
    ----------
    *size : int
        The shape, as ints or as one tuple.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.empty(2, 3).shape
    (2, 3)
    """
    array = np.empty(checked_shape(size), types.as_dtype(dtype).numpy)
    return finished(array, device, requires_grad)


def full(
    size: Any,
    fill_value: builtins.float,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[...] = fill_value, in a dtype that holds it unless one is given

    Parameters
    ----------
    size : tuple of int
        The shape.
    fill_value : number
        What it is filled with.
    dtype : DTypeLike
        By default int64, bool or ``lucid.get_default_dtype()``, as the number is.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.full((2,), 3), lucid.full((2,), 0.5)
    (tensor([3, 3]), tensor([0.5000, 0.5000]))
    """
    shape = checked_shape((size,) if isinstance(size, tuple | list) else ((size,),))
    if dtype is None:
        dtype = tensor(fill_value).dtype
    array = np.full(shape, tensor(fill_value, dtype=dtype)._array)
    return finished(array, device, requires_grad)


def arange(
    start: builtins.float,
    end: builtins.float | None = None,
    step: builtins.float = 1,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[i] = start + i * step, as long as that is before ``end``

    Whole numbers give int64, others the default dtype. ``arange(n)`` counts from 0 to n - 1.

    Parameters
    ----------
    start, end : float
        From where, included, to where, excluded; one alone is the end.
    step : float
        From each number to the next.
    dtype : DTypeLike
        By default int64, or ``lucid.get_default_dtype()`` for other than whole numbers.
    device, requires_grad
        As for ``lucid.tensor``.

    Raises
    ------
    ValueError
        If ``step`` is 0, or leads away from ``end``.

    Examples
    --------
    >>> import lucid
    >>> lucid.arange(4), lucid.arange(1, 2, 0.5)
    (tensor([0, 1, 2, 3]), tensor([1.0000, 1.5000]))
    """
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) / step < 0:
        raise ValueError(f"step must lead from start to end, got {start}, {end}, {step}")
    if dtype is None:
        whole = builtins.all(isinstance(x, builtins.int | np.integer) for x in (start, end, step))
        dtype = types.int64 if whole else types.get_default_dtype()
    with np.errstate(all="ignore"):
        array = np.arange(start, end, step).astype(types.as_dtype(dtype).numpy)
    return finished(array, device, requires_grad)


def linspace(
    start: builtins.float,
    end: builtins.float,
    steps: builtins.int,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[i] = start + i * (end - start) / (steps - 1)

    Parameters
    ----------
    start, end : float
        The first and the last number.
    steps : int
        How many numbers.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Raises
    ------
    ValueError
        If ``steps`` is below 0.

    Examples
    --------
    >>> import lucid
    >>> lucid.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if operator.index(steps) < 0:
        raise ValueError(f"steps must be at least 0, got {steps}")
    with np.errstate(all="ignore"):
        array = np.linspace(start, end, steps).astype(types.as_dtype(dtype).numpy)
    return finished(array, device, requires_grad)


def eye(
    n: builtins.int,
    m: builtins.int | None = None,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[i, j] = 1 where i == j, else 0

    Parameters
    ----------
    n : int
        How many rows.
    m : int, optional
        How many columns; by default ``n``.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = checked_shape((n, n if m is None else m))
    return finished(np.eye(rows, columns, dtype=types.as_dtype(dtype).numpy), device, requires_grad)
