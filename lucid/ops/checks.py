"""What several ops ask of their inputs, with the cure for whoever does not have it."""

from __future__ import annotations

from collections.abc import Collection, Sized
from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import is_tensor, several_cure
from lucid.cures import Shape, axis_cure, cure, rank_cure, shape_cure
from lucid.errors import DtypeError, ShapeError, is_torch
from lucid.types import FROM_NUMPY, dtype, float64

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def check_tensor(value: object, name: str, op: str, wanted: dtype | None = None) -> None:
    """A tensor, not something that could be made one; the cure for an array has the dtype, too."""
    if is_tensor(value):
        return
    own = {"input": "x", "the padded sequences": "x"}.get(name, name)
    got, code = type(value).__name__, f"lucid.tensor({own})"
    if isinstance(value, np.ndarray):
        got = f"a NumPy array of {value.dtype}"
        known = FROM_NUMPY.get(value.dtype)
        code = f"lucid.from_numpy({own}{'' if known else '.astype(np.float32)'})"
        if wanted and wanted.is_floating_point and known not in (wanted, None):
            code += f".{'double' if wanted is float64 else 'float'}()"
    elif is_torch(value):
        got, code = "a PyTorch tensor", f"lucid.from_numpy({own}.numpy())"
    elif value is None:
        code = "a forward that returns its result"
    elif isinstance(value, Sized) and not isinstance(value, Collection):  # a data set, a loader
        code = "for x, y in loader: model(x)    # loader = DataLoader(dataset, batch_size=32)"
    rest = several_cure(value) or f"\n  try: {code}"
    raise TypeError(f"{op} needs a tensor for {name}, got {got}{rest}")


def check_one_dtype(op: str, tensors: dict[str, Tensor]) -> None:
    """Tensors, all of the floating dtype that the first has."""
    others = [tensor.dtype for tensor in tensors.values() if is_tensor(tensor)]
    for name, tensor in tensors.items():
        check_tensor(tensor, name, op, others[0] if others else None)
    given = next(iter(tensors.values())).dtype
    if not given.is_floating_point:
        doubles = any(tensor.dtype is float64 for tensor in tensors.values())
        raise DtypeError(
            f"{op} needs a float32 or float64 input, got {given.name}\n"
            f"  try: x.{'double' if doubles else 'float'}()"
        )
    for name, tensor in tensors.items():
        if tensor.dtype is not given:
            raise DtypeError(
                f"{op} needs one dtype, got {given.name} for input and {tensor.dtype.name} for "
                f"{name}{one_dtype_cure(tensors)}"
            )


def one_dtype_cure(tensors: dict[str, Tensor]) -> str:
    """The first to differ, converted to what the weight has, or all but the input, or the input."""
    given, *others = [tensor.dtype for tensor in tensors.values()]
    weights = [tensor.dtype for name, tensor in tensors.items() if name.startswith("weight")]
    wanted = weights[0] if weights else others[0] if len(set(others)) == 1 else given
    wanted = wanted if wanted.is_floating_point else given
    name = next(name for name, tensor in tensors.items() if tensor.dtype is not wanted)
    return cure(f"{'x' if name == 'input' else name}.to(lucid.{wanted.name})")


def check_number(name: str, value: object) -> None:
    """A number: ``nn.LeakyReLU(x)`` instead of ``nn.LeakyReLU()(x)`` is a common slip."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        cure = "\n  try: a pair of () first, to make the layer" if is_tensor(value) else ""
        raise TypeError(f"{name} must be a number, got {type(value).__name__}{cure}")


def check_rank(shape: Shape, name: str, channels: int | None = None) -> None:
    """The shape of an input is (N, C, L), with so many channels if they are known."""
    if len(shape) == 3:
        return
    message = f"{name} expected an input (N, C, L): batch, channels, length; got {shape}"
    if len(shape) != 2:
        raise ShapeError(message + rank_cure("x", shape, 3, 3))
    cures = {
        (1, *shape): "x[None]       # -> {}, one sample (C, L)",
        (shape[0], 1, shape[1]): "x[:, None]    # -> {}, a batch (N, L) of one channel",
    }
    fitting = {new: code for new, code in cures.items() if new[1] == channels} or cures
    codes = [code.format(new) for new, code in fitting.items()]
    if len(codes) > 1:
        message += "\n  one axis is missing; guessing which would read a batch as channels"
    raise ShapeError(f"{message}\n  try: " + "\n  or:  ".join(codes))


def check_features(shape: Shape, name: str, most: int | None = None) -> None:
    """The shape of an input is (N, C) or (N, C, L), or has further axes if there is no limit."""
    if len(shape) < 2 or len(shape) > (most or len(shape)):
        raise ShapeError(
            f"{name} expected an input (N, C) or (N, C, L), got {shape}"
            + rank_cure("x", shape, 2, most or 2)
        )


def check_not_empty(shape: Shape, name: str, least: int = 1) -> None:
    """The last axis of an input has at least one position."""
    if shape[-1] == 0:
        raise ShapeError(
            f"{name} needs at least one position in the last axis, got an input of length 0: "
            f"{shape}{cure(f'F.pad(x, (0, {least}))', (*shape[:-1], least))}"
        )


def wrong_size(
    name: str, what: str, shape: Shape, axis: int, expected: int, other: str = ""
) -> str:
    """The message for an input of another size along an axis; ``other`` is one more cure."""
    axes = {(1, 2): "(N, C)", (1, 3): "(N, C, L)", (1, 4): "(N, C, ...)"}
    known = axes.get((axis, min(len(shape), 4)), f"(..., {what})")
    found = axis_cure("x", shape, axis, expected) or other
    if not found and shape[axis] > expected:
        kept = ":, :" if axis == 1 else "..., :"
        cut = list(shape)
        cut[axis] = expected
        found = cure(f"x[{kept}{expected}]", tuple(cut))
    where = f"axis {axis}" if axis >= 0 else "the last axis"
    return f"{name} expected {expected} {what} in {where} of {known}, got {shape}{found}"


def check_bias(name: str, bias: tuple[int, ...] | None, size: int) -> None:
    """The bias, if there is one, has one number per output."""
    if bias is not None and bias != (size,):
        raise ShapeError(
            f"{name} expected a bias of shape {(size,)}, got {bias}"
            + shape_cure("bias", bias, (size,), "zeros")
        )
