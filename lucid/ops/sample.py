"""Making tensors of random numbers."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from lucid import random, types
from lucid.autograd import make_tensor
from lucid.errors import DtypeError
from lucid.ops.create import checked_shape, finished
from lucid.types import DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.random import Generator
    from lucid.tensor import Tensor


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[...] drawn evenly from 0 (included) to 1 (excluded)

    Parameters
    ----------
    *size : int
        The shape, as ints or as one tuple.
    generator : Generator, optional
        Where to draw from instead of the global stream.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.rand(100)
    >>> bool(((x >= 0) & (x < 1)).all())
    True
    """
    wanted = floating_dtype("rand", dtype).numpy
    array = random.stream(generator).random(checked_shape(size), dtype=wanted)
    return finished(array, device, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[...] drawn from the normal distribution of mean 0 and variance 1

    Parameters
    ----------
    *size : int
        The shape, as ints or as one tuple.
    generator : Generator, optional
        Where to draw from instead of the global stream.
    dtype, device, requires_grad
        As for ``lucid.tensor``; the dtype is by default ``lucid.get_default_dtype()``.

    Examples
    --------
    >>> import lucid
    >>> lucid.randn(2, 3).shape
    (2, 3)
    """
    wanted = floating_dtype("randn", dtype).numpy
    array = random.stream(generator).standard_normal(checked_shape(size), dtype=wanted)
    return finished(array, device, requires_grad)


def floating_dtype(name: str, dtype: DTypeLike) -> types.dtype:
    """A dtype that random numbers can be drawn in."""
    wanted = types.as_dtype(dtype)
    if not wanted.is_floating_point:
        raise DtypeError(
            f"{name} draws float32 or float64, got dtype {wanted.name}\n  try: dtype=lucid.float32"
        )
    return wanted


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = types.int64,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out[...] drawn evenly from the whole numbers low, ..., high - 1

    ``randint(high, size)`` starts from 0.

    Parameters
    ----------
    low, high : int
        From where, included, to where, excluded.
    size : tuple of int
        The shape.
    generator : Generator, optional
        Where to draw from instead of the global stream.
    dtype : DTypeLike
        int64, unless another is given.
    device, requires_grad
        As for ``lucid.tensor``.

    Raises
    ------
    ValueError
        If there is no number from ``low`` to ``high - 1``.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.randint(0, 9, (100,))
    >>> bool(((x >= 0) & (x < 9)).all())
    True
    """
    if size is None:
        high, size = None, high
    if high is None:
        low, high = 0, low
    if size is None:
        raise TypeError("randint needs a size\n  try: lucid.randint(0, 10, (3,))")
    if not low < high:
        raise ValueError(f"randint draws from low to high - 1, got low={low}, high={high}")
    shape = checked_shape((size,) if isinstance(size, tuple | list) else ((size,),))
    array = random.stream(generator).integers(low, high, shape)
    return finished(array.astype(types.as_dtype(dtype).numpy), device, requires_grad)


def randperm(n: builtins.int, *, generator: Generator | None = None) -> Tensor:
    """out = the whole numbers 0, ..., n - 1 in random order

    Parameters
    ----------
    n : int
        How many numbers.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Examples
    --------
    >>> import lucid
    >>> sorted(lucid.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    return make_tensor(random.stream(generator).permutation(checked_shape((n,))[0]))


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = ``rand`` in the shape and dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose shape, and dtype unless one is given, the output has.
    generator : Generator, optional
        Where to draw from instead of the global stream.
    dtype : DTypeLike
        By default that of the input.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.rand_like(lucid.zeros(2, 3)).shape
    (2, 3)
    """
    return rand(
        input.shape,
        generator=generator,
        dtype=dtype or input.dtype,
        device=device,
        requires_grad=requires_grad,
    )


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = ``randn`` in the shape and dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose shape, and dtype unless one is given, the output has.
    generator : Generator, optional
        Where to draw from instead of the global stream.
    dtype : DTypeLike
        By default that of the input.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.randn_like(lucid.zeros(2, 3)).shape
    (2, 3)
    """
    return randn(
        input.shape,
        generator=generator,
        dtype=dtype or input.dtype,
        device=device,
        requires_grad=requires_grad,
    )


def randint_like(
    input: Tensor,
    low: builtins.int,
    high: builtins.int | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """out = ``randint`` in the shape and dtype of ``input``

    Parameters
    ----------
    input : Tensor
        Whose shape, and dtype unless one is given, the output has.
    low, high : int
        From where, included, to where, excluded; one alone is the end.
    generator : Generator, optional
        Where to draw from instead of the global stream.
    dtype : DTypeLike
        By default that of the input.
    device, requires_grad
        As for ``lucid.tensor``.

    Examples
    --------
    >>> import lucid
    >>> lucid.randint_like(lucid.zeros(2, 3), 10).dtype
    lucid.float32
    """
    if high is None:
        low, high = 0, low
    return randint(
        low,
        high,
        input.shape,
        generator=generator,
        dtype=dtype or input.dtype,
        device=device,
        requires_grad=requires_grad,
    )
