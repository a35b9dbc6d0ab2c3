"""What an optimizer remembers of a parameter: copies of it, and what fits whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from lucid import ops
from lucid.autograd import is_tensor
from lucid.errors import UninitializedParameterError
from lucid.nn.state import array_of
from lucid.optim.options import shown
from lucid.tensor import Tensor

if TYPE_CHECKING:
    from lucid.optim.optimizer import Optimizer

Options: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, Any]


def restored(optimizer: Optimizer, n: int, p: Tensor, saved: Any) -> State:
    """Return a copy of the saved state of one parameter, in its dtype."""
    names = list(saved) if isinstance(saved, Mapping) else []
    if saved and not set(optimizer.state_names) <= set(names):
        raise ValueError(
            f"{type(optimizer).__name__} remembers {', '.join(optimizer.state_names)} of a "
            f"parameter; the state of parameter {n} has "
            f"{', '.join(map(str, names)) or shown(saved)}\n"
            "  try: an optimizer of the same kind"
        )
    state: State = {}
    for name in names:
        value, array = saved[name], array_of(saved[name])
        if name == "step":
            state[name] = _step(n, value)
        elif name in optimizer.scalar_state_names:
            state[name] = _scalar(name, n, value)
        elif array is not None:
            state[name] = fitting_state(name, ops.tensor(array), p)
        elif name in optimizer.state_names or (
            name in optimizer.optional_state_names and value is not None
        ):
            raise ValueError(f"{name} of parameter {n} is a tensor, got {shown(value)}")
        else:
            state[name] = value
    return state


def copied(value: Any) -> Any:
    """Return a tensor's copy, without its graph; other values as they are."""
    return value.detach().clone() if is_tensor(value) else value


def _step(n: int, value: Any) -> int:
    """The number of steps in a saved state; PyTorch keeps it in a tensor of one float."""
    try:
        step = int(value)
    except (TypeError, ValueError, OverflowError):
        step = -1
    if step < 0:
        raise ValueError(f"step of parameter {n} is a whole number from 0 up, got {value!r}")
    return step


def _scalar(name: str, n: int, value: Any) -> float:
    """A number in a saved state; PyTorch keeps it in a tensor of one float."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} of parameter {n} is a number, got {shown(value)}") from None


def fitting_state(name: str, value: Tensor, p: Tensor) -> Tensor:
    """Return a state tensor in the dtype of its parameter; ValueError if the shape differs."""
    try:
        shape = p.shape
    except UninitializedParameterError:
        return value  # a placeholder has no shape yet: the first step checks
    if value.shape != shape:
        raise ValueError(
            f"{name} has the shape of its parameter: expected {shape}, got {value.shape}\n"
            "  try: the state that was saved with this very model"
        )
    return value.to(p.dtype)
