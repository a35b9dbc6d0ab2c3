"""What several ops ask of their inputs, with the cure for whoever does not have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucid.autograd import is_tensor
from lucid.errors import DtypeError, ShapeError
from lucid.types import FROM_NUMPY

if TYPE_CHECKING:
    from lucid.tensor import Tensor


def check_tensor(value: object, name: str, op: str) -> None:
    """A tensor, not something that could be made one."""
    if is_tensor(value):
        return
    got, cure = type(value).__name__, "lucid.tensor(...)"
    if isinstance(value, np.ndarray):
        got = f"a NumPy array of {value.dtype}"
        known = value.dtype in FROM_NUMPY
        cure = f"lucid.from_numpy({name}{'' if known else '.astype(np.float32)'})"
    elif value is None:
        cure = "a forward that returns its result"
    raise TypeError(f"{op} needs a tensor for {name}, got {got}\n  try: {cure}")


def check_one_dtype(op: str, tensors: dict[str, Tensor]) -> None:
    """Tensors, all of the floating dtype that the first has."""
    for name, tensor in tensors.items():
        check_tensor(tensor, name, op)
    dtype = next(iter(tensors.values())).dtype
    if not dtype.is_floating_point:
        raise DtypeError(
            f"{op} needs a float32 or float64 input, got {dtype.name}\n  try: x.float()"
        )
    for name, tensor in tensors.items():
        if tensor.dtype is not dtype:
            raise DtypeError(
                f"{op} needs one dtype, got {dtype.name} for input and {tensor.dtype.name} for "
                f"{name}\n  try: x.to(lucid.{tensor.dtype.name}), or layer.to(lucid.{dtype.name})"
            )


def check_number(name: str, value: object) -> None:
    """A number: ``nn.LeakyReLU(x)`` instead of ``nn.LeakyReLU()(x)`` is a common slip."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        cure = "\n  try: a pair of () first, to make the layer" if is_tensor(value) else ""
        raise TypeError(f"{name} must be a number, got {type(value).__name__}{cure}")


def check_rank(shape: tuple[int, ...], name: str) -> None:
    """The shape of an input is (N, C, L)."""
    if len(shape) == 3:
        return
    message = f"{name} expected an input (N, C, L): batch, channels, length; got {shape}"
    if len(shape) == 2:
        message += (
            "\n  one axis is missing; guessing which would read a batch as channels"
            f"\n  try: x[None] for one sample (C, L)          # -> {(1, *shape)}"
            f"\n  or:  x[:, None] for a batch (N, L) of one channel  # -> "
            f"{(shape[0], 1, shape[1])}"
        )
    elif len(shape) == 1:
        message += f"\n  try: x[None, None]    # -> {(1, 1, *shape)}"
    else:
        message += "\n  try: x.flatten(2), or a reshape to three axes"
    raise ShapeError(message)
