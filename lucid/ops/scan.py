"""Along an axis, each from those before it: running products, differences."""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING

from lucid import types
from lucid.cures import cure, shape_cure
from lucid.errors import DtypeError, ShapeError
from lucid.ops.checks import check_tensor
from lucid.ops.convert import clone, to
from lucid.ops.index import narrow
from lucid.ops.join import cat
from lucid.ops.shape import axis_of
from lucid.ops.spelling import numpy_names
from lucid.types import DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


@numpy_names
def cumprod(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
    """out_i = input_0 * ... * input_i along ``dim``

    Parameters
    ----------
    input : Tensor
        Of any shape; bools and small integers are multiplied as int64.
    dim : int
        The axis.
    dtype : DTypeLike, optional
        Convert to this dtype first.

    Raises
    ------
    AxisError
        If ``dim`` does not exist.

    Notes
    -----
    After the steps 1, 2, 4, ..., each place has the product of its last 2, 4, 8, ... numbers. There
    are more multiplications than numbers, but no divisions: every derivative is right at 0, too.

    Examples
    --------
    >>> import lucid
    >>> lucid.cumprod(lucid.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    if dtype is not None:
        input = to(input, dtype)
    elif not input.is_floating_point():
        input = to(input, types.int64)
    axis = axis_of(dim, builtins.max(input.ndim, 1))
    if input.ndim == 0:
        return clone(input)
    out, step = input, 1
    n = input.shape[axis]
    while step < n:
        first, rest = narrow(out, axis, 0, step), narrow(out, axis, step, n - step)
        out = cat([first, rest * narrow(out, axis, 0, n - step)], axis)
        step *= 2
    return clone(out) if out is input else out  # in any case new memory


@numpy_names
def diff(
    input: Tensor,
    n: builtins.int = 1,
    dim: builtins.int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """out_i = input_(i+1) - input_i along ``dim``: how a signal changes; of bools, whether

    Parameters
    ----------
    input : Tensor
        Of any shape, but not a single number.
    n : int
        How often.
    dim : int
        The axis.
    prepend, append : Tensor, optional
        What is put before the first and behind the last number: of the shape of ``input``, but of
        any size along ``dim``.

    Raises
    ------
    AxisError
        If ``dim`` does not exist.
    ShapeError
        If ``prepend`` or ``append`` has another size along another axis.
    DtypeError
        If it has another dtype.
    ValueError
        If ``n`` is negative.

    Examples
    --------
    >>> import lucid
    >>> lucid.diff(lucid.tensor([1, 4, 9, 16])), lucid.diff(lucid.tensor([1, 4, 9]), n=2)
    (tensor([3, 5, 7]), tensor([2]))
    """
    axis, times = axis_of(dim, input.ndim), operator.index(n)
    if times < 0:
        raise ValueError(f"n must be at least 0, got {n}")
    check_ends(input, axis, prepend=prepend, append=append)
    parts = [part for part in (prepend, input, append) if part is not None]
    out = input if len(parts) == 1 else cat(parts, axis)
    for _ in range(times):
        rest = builtins.max(out.shape[axis] - 1, 0)
        first = builtins.min(1, out.shape[axis])
        later, earlier = narrow(out, axis, first, rest), narrow(out, axis, 0, rest)
        out = later ^ earlier if out.dtype is types.bool else later - earlier
    return clone(out) if out is input else out


def check_ends(input: Tensor, axis: builtins.int, **ends: Tensor | None) -> None:
    """What is put before and behind is like the input, but along the axis."""
    for name, end in ends.items():
        if end is None:
            continue
        check_tensor(end, name, "diff")
        if end.dtype is not input.dtype:
            raise DtypeError(
                f"diff needs one dtype, got {input.dtype.name} for the input and {end.dtype.name} "
                f"for {name}" + cure(f"{name}.to(lucid.{input.dtype.name})")
            )
        size = end.shape[axis] if end.ndim == input.ndim else 1
        wanted = (*input.shape[:axis], size, *input.shape[axis + 1 :])
        if end.shape != wanted:
            raise ShapeError(
                f"diff along axis {axis} needs {name} of the input's sizes along the others: got "
                f"{end.shape} for an input {input.shape}"
                + shape_cure(name, end.shape, wanted, "zeros")
            )
