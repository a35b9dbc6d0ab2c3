"""Where two operands meet: which dtype they take, and which shapes go together.

Two tensors of different shapes are broadcast against each other as in NumPy: an axis of size 1,
or a missing one, is repeated. The adjoint of repeating is summing: ``sum_to`` brings a gradient
back to the shape of the input it belongs to.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lucid import types
from lucid.autograd import Function, is_tensor, make_tensor, several_cure
from lucid.cures import Shape, broadcast, broadcast_cure, cure
from lucid.errors import ShapeError, is_torch, shown
from lucid.ops.convert import to
from lucid.ops.shape import shape_of
from lucid.types import Array, dtype

if TYPE_CHECKING:
    from lucid.tensor import Tensor, TensorLike


NUMBERS = (builtins.bool, builtins.int, builtins.float, np.integer, np.floating, np.bool_)


def raw(value: TensorLike) -> Any:
    """The array behind a tensor; a Python or NumPy number as it is; TypeError for the rest."""
    if is_tensor(value):
        return value._array
    if isinstance(value, NUMBERS):
        return value
    if isinstance(value, np.ndarray):
        raise TypeError(
            "tensors compute with tensors and numbers, got a NumPy array\n"
            "  try: lucid.from_numpy(array)"
        )
    if is_torch(value):
        raise TypeError(
            "tensors compute with tensors and numbers, got a PyTorch tensor\n"
            "  try: lucid.from_numpy(x.numpy())"
        )
    if several := several_cure(value):
        raise TypeError(f"tensors compute with tensors and numbers, got tuple{several}")
    real = cure(str(value.real)) if isinstance(value, complex | np.complexfloating) else ""
    raise TypeError(
        f"tensors compute with tensors and numbers, got {type(value).__name__}: "
        f"{shown(value)}{real}"
    )


def result_type(a: Any, b: Any) -> dtype:
    """The dtype in which two operands meet.

    The kind decides first: float over integer over bool. Within a kind, tensors with axes decide
    over 0-dimensional ones, and those over Python numbers, so that ``x * 2.5`` keeps x's dtype.
    """
    (kind_a, weight_a, type_a), (kind_b, weight_b, type_b) = standing(a), standing(b)
    if kind_a != kind_b:
        return type_a if kind_a > kind_b else type_b
    if weight_a != weight_b:
        return type_a if weight_a > weight_b else type_b
    return types.FROM_NUMPY[np.promote_types(type_a.numpy, type_b.numpy)]


def standing(x: Any) -> tuple[builtins.int, builtins.int, dtype]:
    """What ``result_type`` compares: the kind, what sort of operand it is, its dtype."""
    if isinstance(x, builtins.bool | np.bool_):
        found, weight = types.bool, 0
    elif isinstance(x, builtins.int | np.integer):
        found, weight = types.int64, 0
    elif isinstance(x, builtins.float | np.floating):
        found, weight = types.get_default_dtype(), 0
    else:
        found, weight = types.FROM_NUMPY[x.dtype], 2 if x.ndim else 1
    return found.rank, weight, found


def pair(a: TensorLike, b: TensorLike, *, floating: builtins.bool = False) -> tuple[Tensor, Tensor]:
    """Both operands as tensors of one dtype, checked to be broadcastable."""
    raw_a, raw_b = raw(a), raw(b)
    if (
        isinstance(raw_a, np.ndarray)
        and isinstance(raw_b, np.ndarray)
        and raw_a.shape == raw_b.shape
        and raw_a.dtype == raw_b.dtype
        and (raw_a.dtype.kind == "f" or not floating)
    ):
        return a, b  # type: ignore[return-value]  # the usual case needs nothing
    common = result_type(raw_a, raw_b)
    if floating and not common.is_floating_point:
        common = types.get_default_dtype()
    x, y = lift(a, common), lift(b, common)
    if x.shape != y.shape and x.ndim and y.ndim and broadcast(x.shape, y.shape) is None:
        raise ShapeError(
            "sizes must be equal, or one of them 1, along each axis from the last: "
            f"got {x.shape} and {y.shape}" + broadcast_cure(("a", "b"), (x.shape, y.shape))
        )
    return x, y


def common_shape(names: Sequence[str], shapes: Sequence[Shape]) -> Shape:
    """The shape that tensors of these shapes have together, as their names stand in a message."""
    for (a, shape), (b, other) in itertools.combinations(zip(names, shapes, strict=True), 2):
        if broadcast(shape, other) is None:
            raise ShapeError(
                "sizes must be equal, or one of them 1, along each axis from the last: got "
                f"{shape} for {a} and {other} for {b}" + broadcast_cure((a, b), (shape, other))
            )
    return np.broadcast_shapes(*shapes)


def lift(value: TensorLike, wanted: dtype) -> Tensor:
    """``value`` as a tensor of the wanted dtype; a number becomes a tensor of shape ()."""
    if isinstance(value, NUMBERS):
        try:
            with np.errstate(over="ignore"):  # 1e39 is inf as float32
                return make_tensor(np.asarray(value, dtype=wanted.numpy))
        except OverflowError:
            raise ValueError(
                f"{value} does not fit into {wanted.name}\n  try: x.long(), or x.float()"
            ) from None
    return to(value, wanted)


def floating(input: Tensor) -> Tensor:
    """An integer or bool tensor converted to the default dtype; a float one as it is."""
    if not is_tensor(input):
        raw(input)  # an error, unless it is a number
        return lift(input, types.get_default_dtype())
    return input if input.is_floating_point() else to(input, types.get_default_dtype())


class SumTo(Function):
    """out = x summed over the axes along which ``shape`` was broadcast"""

    reads_inputs = False

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        added = x.ndim - len(self.shape)
        repeated = [i for i, n in enumerate(self.shape, start=added) if n == 1 != x.shape[i]]
        summed = x.sum(axis=(*range(added), *repeated), keepdims=True)
        return summed.reshape(self.shape)  # type: ignore[no-any-return]  # as NumPy has it

    def backward(self, grad: Tensor) -> Tensor:
        return expand(grad, self.shapes[0])


def sum_to(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``grad`` summed down to ``shape``: the adjoint of broadcasting is summing."""
    return grad if grad._array.shape == shape else SumTo(shape)(grad)


class Expand(Function):
    """out = x repeated to ``shape``"""

    reads_inputs = False

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        return np.broadcast_to(x, self.shape)

    def backward(self, grad: Tensor) -> Tensor:
        return sum_to(grad, self.shapes[0])


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """out[..., i, ...] = input[..., 0, ...] along each axis that is repeated; no memory is copied

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *sizes : int or tuple of int
        The new shape; -1 keeps the size of an axis.

    Raises
    ------
    ShapeError
        If an axis of another size than 1 would have to change.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    wanted = shape_of(sizes)
    added = len(wanted) - input.ndim
    if added >= 0:
        old = (-1,) * added + input.shape
        wanted = tuple(o if n == -1 else n for n, o in zip(wanted, old, strict=True))
    try:
        return Expand(wanted)(input)
    except ValueError:
        raise ShapeError(
            f"only axes of size 1 can be repeated: cannot expand {input.shape} to {wanted}"
            + expand_cure(input.shape, wanted)
        ) from None


def expand_cure(shape: tuple[builtins.int, ...], wanted: tuple[builtins.int, ...]) -> str:
    """Axes of size 1 after the last, if they are what is missing; else what is possible."""
    more = len(wanted) - len(shape)
    longer = shape + (1,) * more
    if more > 0 and broadcast(longer, wanted) == wanted:
        return cure(f"x[...{', None' * more}]", longer)
    lead = wanted[: max(more, 0)]
    kept = [n if m == 1 else m for n, m in zip(wanted[len(lead) :], shape, strict=False)]
    sizes = (*lead, *kept) if more >= 0 and min(lead, default=0) >= 0 else shape
    return cure(f"x.expand({', '.join(map(str, sizes))})", sizes)
