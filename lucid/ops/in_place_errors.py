"""What is wrong with a change in place that NumPy refused: the rule, the values, and a cure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid.autograd import is_tensor
from lucid.cures import Shape, broadcast, cure, shape_cure
from lucid.errors import DtypeError, ShapeError
from lucid.types import Array, from_numpy_dtype

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def change_error(
    error: Exception, array: Array, place: Any, given: Any, name: str, op: str
) -> Exception:
    """The error for numbers that a place of an array does not take, as NumPy has found.

    ``name`` is what a cure calls them; ``op`` is the operator, if it is one that changes the array:
    then the cure is the same computation with a new tensor.
    """
    target, dtype = array[place], from_numpy_dtype(array).name
    start = f"cannot change a tensor of {dtype} and shape {target.shape} in place"
    if not array.flags.writeable:
        return ValueError(f"{start}: its memory is read-only{cure('x = x.clone()')}")
    numbers = np.asarray(given._array if is_tensor(given) else given)
    unknown = isinstance(given, float) and not math.isfinite(given)
    word = f'float("{given}")' if unknown else given
    code = f"a {op} b" if is_tensor(given) else f"x {op} {word}"
    both = broadcast(target.shape, numbers.shape)
    if both != target.shape:
        how = cure(code, both) if op and both else place_cure(name, numbers.shape, target.shape)
        return ShapeError(f"{start}: it keeps its shape, got numbers of {numbers.shape}{how}")
    if isinstance(error, TypeError):
        if op.startswith("-") and target.dtype == numbers.dtype == np.bool_:
            return DtypeError(f"{start}: bools cannot be subtracted{cure(code.replace('-', '^'))}")
        return DtypeError(f"{start}: {code} has another dtype{cure(code)}")
    wider = "long" if numbers.dtype.kind in "iu" and dtype != "int64" else "float"
    return ValueError(f"{start}: {dtype} does not hold {given}{cure(f'x = x.{wider}()')}")


def not_recorded(tensor: Tensor) -> RuntimeError:
    """The error for a change in place that a gradient would have to go through."""
    another = "y = y + 1 instead of y += 1 (lucid.where or lucid.cat instead of\n  y[i] = v)"
    if tensor.requires_grad and tensor.is_leaf:  # a step of training, by hand
        cures = ["with lucid.no_grad(): w -= 0.1 * w.grad", another]
    elif not tensor.requires_grad and tensor._array.size == 1:  # a running sum
        cures = ["total += loss.item()", another]
    else:
        cures = [another, "with lucid.no_grad(): y += 1"]
    return RuntimeError(
        "a change in place cannot be recorded for backward\n  try: " + "\n  or:  ".join(cures)
    )


def check_limits(array: Array, limits: dict[str, Any]) -> None:
    """The limits of ``clamp_``, by name: none changes the array's dtype or shape."""
    for name, limit in limits.items():
        if limit is None:
            continue
        if not np.can_cast(np.result_type(array, limit), array.dtype, "same_kind"):
            words = [f"{name}={n if np.ndim(n) == 0 else name}" for name, n in limits.items()]
            raise DtypeError(
                f"clamp_ keeps the dtype {from_numpy_dtype(array).name}, and {name} has another"
                + cure(f"x.clamp({', '.join(words)})")
            )
        shape = np.shape(limit)
        if broadcast(shape, array.shape) != array.shape:
            raise ShapeError(
                f"clamp_ keeps the shape {array.shape}, which a {name} of shape {shape} does not "
                f"broadcast to{place_cure(name, shape, array.shape)}"
            )


def place_cure(name: str, shape: Shape, wanted: Shape) -> str:
    """The numbers with further axes, or without the first, or as many as there is place for."""
    for more in range(1, 1 + len(wanted) - len(shape)):
        longer = shape + (1,) * more
        if broadcast(longer, wanted) == wanted:
            return cure(f"{name}[...{', None' * more}]", longer)
    extra = len(shape) - len(wanted)
    if extra > 0 and 0 not in shape and broadcast(shape[extra:], wanted) == wanted:
        return cure(f"{name}[{', '.join(['0'] * extra)}]", shape[extra:])
    return shape_cure(name, shape, wanted, "zeros")
