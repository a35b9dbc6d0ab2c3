"""Loading a state dict: all of it, or nothing.

First everything is planned: lazy layers that wait are initialized on trial, every value is
converted, every key and shape is compared, and all problems are collected. Only when there are none
are the values written and the trials adopted; should even that be interrupted, all is put back.

A lazy layer that waits has no entries in a state. So where a state has none for such a layer, that
layer goes on waiting, and the result names it: whether it waited when the state was taken, or its
entries got lost, nobody can tell. If other keys are missing, or ``strict=False`` asks for a report,
its keys count as missing, too.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from lucid.autograd import is_tensor
from lucid.errors import ShapeError
from lucid.memory import Memory
from lucid.tensor import Tensor
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.nn.lazy import SizedLayer, Trial
    from lucid.nn.module import Module

__all__ = ["IncompatibleKeys"]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find in the state, and what it had no use for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not (self.missing_keys or self.unexpected_keys):
            return "<All keys matched successfully>"
        return f"missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys}"


class StillWaiting(IncompatibleKeys):
    """The result where all keys match, and lazy layers got nothing."""

    layers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = ", ".join(self.layers) or "the model itself"
        return f"<All keys matched; still waiting, as the state has no entries for them: {names}>"


class Write(NamedTuple):
    """One tensor of the model, and the numbers it is to get."""

    target: Tensor
    array: Array
    memory: Memory | None  # of the tensor that is taken over, with assign=True


class Plan:
    """What loading a state into a model would do, and what stands against it."""

    def __init__(self, state: Mapping[str, Any], assign: bool) -> None:
        self.state, self.assign = state, assign
        self.writes: list[Write] = []
        self.missing: list[str] = []
        self.left: list[str] = []  # of the missing, those of lazy layers without any entry
        self.needed: set[tuple[int, str]] = set()  # of layers, by their id, other options
        self.problems: list[str] = []
        self.used: set[str] = set()
        self.trials: dict[int, Trial] = {}  # of waiting lazy layers, by their id
        self.before: list[tuple[Tensor, Array, Array, Memory, Tensor | None]] = []

    def add(self, path: str, module: Module) -> None:
        """Plan for one module."""
        prefix = f"{path}." if path else ""
        target = self.ready(prefix, module)
        if target is None:
            return
        for name, tensor in target._state().items():
            key = prefix + name
            if key in self.state:
                self.used.add(key)
                self.add_write(key, tensor, name, target)
            else:
                self.missing.append(key)

    def ready(self, prefix: str, module: Module) -> Module | None:
        """The module itself, or the tried copy of a waiting layer; None if that goes on waiting."""
        from lucid.nn.lazy import SizedLayer, Trial  # lazy layers are modules: known only by now

        if not isinstance(module, SizedLayer) or not module._pending:
            return module
        if id(module) in self.trials:  # a layer used twice
            return self.trials[id(module)].copy
        names = [*module._parameters, *module._buffers]
        found = {n: array_of(self.state[prefix + n]) for n in names if prefix + n in self.state}
        shapes = {name: array.shape for name, array in found.items() if array is not None}
        problems = [
            not_a_tensor(prefix + name, self.state[prefix + name])
            for name, array in found.items()
            if array is None
        ]
        size = None
        try:
            size = module._size_from_state(shapes)
            if size is not None and not problems:
                self.trials[id(module)] = trial = Trial(module)
                trial.copy._initialize(size, "taken from the loaded state dict")
                return trial.copy
        except ValueError as error:
            need = self.need(prefix, module)
            rule = str(error).split("\n")[0]  # its cure is for who makes the layer
            problems.append(f"{prefix}{names[0]}: {rule}{need}")
        if problems:
            self.used.update(prefix + name for name in found)
            self.problems += problems + self.whatever_the_size(prefix, module, shapes)
            self.missing += [
                prefix + n
                for n, p in module._parameters.items()
                if p is not None and n not in found
            ]
        elif found and size is None:
            self.missing.append(prefix + names[0])  # some entries, but not what tells the size
        else:
            left = [prefix + name for name in module._awaited()]
            self.missing += left
            self.left += left
        return None

    def whatever_the_size(
        self, prefix: str, module: SizedLayer, shapes: dict[str, tuple[int, ...]]
    ) -> list[str]:
        """What is wrong with the shapes that do not depend on the size."""
        return [
            f"{prefix}{name}: expected shape {expected}, found {shapes[name]}"
            + self.need(prefix, module)
            for name, expected in module._fixed_shapes().items()
            if shapes.get(name, expected) != expected
        ]

    def need(self, prefix: str, module: Module) -> str:
        """What a layer would have to be made with, for its tensors to have the state's shapes."""
        from lucid.nn.lazy import SizedLayer

        option = ""
        if isinstance(module, SizedLayer):
            names = [*module._parameters, *module._buffers]
            arrays = {
                n: array_of(self.state[prefix + n]) for n in names if prefix + n in self.state
            }
            shapes = {name: array.shape for name, array in arrays.items() if array is not None}
            option = module._option_for(shapes)
        self.needed.add((id(module), option))
        return f"; a {type(module).__name__} with {option} has that" if option else ""

    def add_write(self, key: str, target: Tensor, name: str, module: Module) -> None:
        """Plan to write one value, to the parameter or buffer ``name`` of a module."""
        value = self.state[key]
        array = array_of(value)
        if array is None or array.dtype.kind not in "fiub":
            self.problems.append(not_a_tensor(key, value if array is None else array))
        elif array.shape != target.shape:
            need = self.need(key.removesuffix(name), module)
            self.problems.append(f"{key}: expected shape {target.shape}, found {array.shape}{need}")
        elif self.assign and is_tensor(value):
            if name in module._parameters and not value.is_floating_point():
                self.problems.append(f"{key}: a parameter is floating, found {value.dtype.name}")
            self.writes.append(Write(target, value._array, value._memory))
        else:
            with np.errstate(all="ignore"):
                array = array.astype(target._array.dtype)
            self.writes.append(Write(target, array, None))

    def matches(self, unexpected: list[str]) -> bool:
        """Whether all keys match, those of lazy layers without any entry left aside."""
        return self.missing == self.left and not unexpected

    def check(self, model: Module, unexpected: list[str], strict: bool) -> None:
        """Raise one error with all problems, if there are any."""
        problems = self.problems.copy()
        if strict and self.missing:
            problems.append(f"missing: {', '.join(self.missing)}")
            if not unexpected and layers_of(self.missing) - layers_of(self.state):
                problems[-1] += "\n    (a lazy layer saved before its first forward has no entries)"
        if strict and unexpected:
            problems.append(f"unexpected: {', '.join(map(str, unexpected))}")
        if problems:
            raise (ShapeError if self.problems else ValueError)(
                f"this state does not fit {type(model).__name__}; nothing was loaded\n  "
                + "\n  ".join([*problems, *self.cures(unexpected if strict else [])])
            )

    def cures(self, unexpected: list[str]) -> list[str]:
        """The code to try: the part that fits, or another layer, or the state in the state."""
        if {"state", "param_groups"} <= set(unexpected):
            return ["this is the state of an optimizer", "try: optimizer.load_state_dict(state)"]
        if prefix := self.prefix(unexpected):
            names = f"{{k.removeprefix({prefix!r}): v for k, v in state.items()}}"
            return [f"try: model.load_state_dict({names})"]
        inner = [key for key in unexpected if isinstance(self.state[key], Mapping)]
        if inner:
            return [f"try: model.load_state_dict(state[{inner[0]!r}])"]
        if not self.used:
            return []
        part = "state"
        if self.problems:
            known = tuple([problem.split(":")[0] for problem in self.problems])
            part = f"{{k: v for k, v in state.items() if k not in {known}}}"
        rest = f"model.load_state_dict({part}, strict=False)"
        options = [option for _, option in self.needed]
        if len(options) == 1 and options[0] and not (self.missing or unexpected):
            return [f"try: {options[0]}", f"or:  {rest}"]
        return [f"try: {rest}"]

    def prefix(self, unexpected: list[str]) -> str:
        """What all unexpected keys begin with before a missing one, as ``module.``; or nothing."""
        first = str(unexpected[0]) if unexpected else ""
        ends = [name for name in self.missing if first.endswith(f".{name}")]
        prefix = first.removesuffix(max(ends, key=len)) if ends else ""
        wanted = {prefix + name for name in self.missing}
        return prefix if wanted == set(unexpected) else ""

    def carry_out(self) -> None:
        """Write all values, and let the lazy layers become what was tried."""
        for target, array, memory in self.writes:
            old = target._array
            self.before.append((target, old, old.copy(), target._memory, target._grad))
            if memory is None:
                np.copyto(old, array)
                target._written()
            else:
                target._array, target._memory = array, memory
                if target._grad is not None:
                    target._grad = target._grad.to(target.dtype)
        for trial in self.trials.values():
            trial.adopt()

    def undo(self) -> None:
        """Put back what was there."""
        for target, old, numbers, memory, grad in reversed(self.before):  # a shared one: twice
            np.copyto(old, numbers)
            target._array, target._memory, target._grad = old, memory, grad
            target._written()
        for trial in self.trials.values():
            trial.drop()


def layers_of(keys: Iterable[Any]) -> set[str]:
    """The paths of the layers that the keys belong to."""
    return {str(key).rpartition(".")[0] for key in keys}


def not_a_tensor(key: str, value: object) -> str:
    """The problem with a value that is none."""
    found = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    return f"{key}: expected a tensor that NumPy can read, found {found}"


@runtime_checkable
class HasArray(Protocol):
    """What NumPy, and other libraries' tensors, can be read through."""

    def __array__(self) -> Array: ...


def array_of(value: Any) -> Array | None:
    """A tensor, NumPy array, or another library's tensor as an array; None for anything else."""
    try:
        if is_tensor(value):
            return value._array
        return np.asarray(value) if isinstance(value, HasArray) else None
    except (TypeError, ValueError, RuntimeError):  # a placeholder, or numbers that NumPy has not
        return None


def load(
    model: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """What ``Module.load_state_dict`` does."""
    from lucid.nn import lazy  # for its lock, which is a new object after a fork

    if not isinstance(state_dict, Mapping):
        code = "other.state_dict()" if inspect.ismethod(state_dict) else "lucid.load(path)"
        raise TypeError(
            f"a state dict maps names to tensors, got {type(state_dict).__name__}\n"
            f"  try: model.load_state_dict({code})"
        )
    plan = Plan(state_dict, assign)
    with lazy.materializing:
        try:
            for path, module in model.named_modules(remove_duplicate=False):
                plan.add(path, module)
            unexpected = [key for key in state_dict if key not in plan.used]
            if strict and plan.matches(unexpected):
                plan.missing = []
            plan.check(model, unexpected, strict)
            plan.carry_out()
        except BaseException:
            plan.undo()
            raise
    if plan.left and not plan.missing:
        result = StillWaiting([], unexpected)
        result.layers = tuple(sorted(layers_of(plan.left)))
        return result
    return IncompatibleKeys(plan.missing, unexpected)
