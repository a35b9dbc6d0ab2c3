"""Running a model to see what it does, without a trace: on a copy.

A forward pass changes more than it seems to: it fills lazy layers, moves running averages, draws
random numbers, and calls hooks that somebody else has registered. So what is run here is a deep
copy without hooks, in which every ``forward`` writes down that it was called; and all random
numbers, lucid's, NumPy's and Python's, go back to where they were.
"""

from __future__ import annotations

import copy
import functools
import inspect
import random as python_random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from lucid import random
from lucid.autograd import is_tensor, no_grad
from lucid.nn.lazy import SizedLayer
from lucid.nn.materialize import as_inputs
from lucid.nn.module import Module
from lucid.nn.utils.rnn import PackedSequence
from lucid.tensor import Tensor

#: An input, the shape that it would have, or several of these.
Inputs: TypeAlias = "Tensor | PackedSequence | Sequence[Any]"


class Call:
    """One call of one module: where it is, how deep, and what went in and out.

    Attributes
    ----------
    path : str
        Of the module in the model, "" for the model itself.
    module : Module
        The copy that was called.
    caller : Call or None
        The call in which this one was made.
    inferred, note : str
        What a lazy layer that waited has inferred: "in_channels=12"; and that it did, or which
        error it raised. Else "".
    inputs, outputs : list of Tensor
        All tensors in the arguments, and in what was returned.
    """

    def __init__(self, path: str, module: Module, caller: Call | None) -> None:
        self.path, self.module, self.caller = path, module, caller
        self.depth: int = 0 if caller is None else caller.depth + 1
        self.waited = isinstance(module, SizedLayer) and module._pending
        self.inferred = ""
        self.note = ""
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of all tensors in the arguments."""
        return tuple(t.shape for t in self.inputs)

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The shapes of the input and the output, where there is one of each to speak of."""
        if not self.inputs or not self.outputs:
            return None
        return self.inputs[0].shape, self.outputs[0].shape


class Run:
    """A copy of a model, and what happened when it was called.

    Parameters
    ----------
    model : Module
        It is not changed.
    x : Tensor, shape, or tuple of these
        As for ``Module.materialize``.
    in_use : bool
        Whether the copy is switched to ``eval()`` first.
    """

    def __init__(self, model: Module, x: Inputs, in_use: bool) -> None:
        self.copy = without_hooks(model)
        if in_use:
            self.copy.eval()
        self.inputs = inputs_for(self.copy, x)
        self.calls: list[Call] = []
        self._open: list[Call] = []
        for path, module in self.copy.named_modules():
            self._watch(path, module)
        with no_grad(), same_numbers(), random.drawn_from(np.random.default_rng(0)):
            self.copy(*self.inputs)

    def _watch(self, path: str, module: Module) -> None:
        kind, forward = type(module), module.forward
        chosen = inspect.getattr_static(kind, "forward")

        @functools.wraps(forward)
        def watched(*args: Any, **kwargs: Any) -> Any:
            # A property may give another function each time.
            run = chosen.__get__(module, kind) if isinstance(chosen, property) else forward
            if self._open and self._open[-1].module is module:
                return run(*args, **kwargs)  # forward calls itself: still the same layer
            call = Call(path, module, self._open[-1] if self._open else None)
            call.inputs = list(tensors_in((args, kwargs)))
            self.calls.append(call)
            self._open.append(call)
            try:
                out = run(*args, **kwargs)
            except Exception as error:
                call.note = f"raised {type(error).__name__}"
                raise
            finally:
                self._open.pop()  # also where a forward further out catches the error
            call.outputs = list(tensors_in(out))
            if isinstance(module, SizedLayer) and module.lazy:
                size = f"{module.inferred}={getattr(module, module.inferred)}"
                call.inferred = size if call.waited else ""
                call.note = f"{size}, {'waits' if call.waited else 'inferred'}"
            return out

        if isinstance(chosen, property):  # which an attribute of the object does not hide
            module.__class__ = type(kind.__name__, (kind,), {"forward": staticmethod(watched)})
        else:
            module.forward = watched  # type: ignore[method-assign]  # of this copy alone


@contextmanager
def same_numbers() -> Iterator[None]:
    """Afterwards all global random numbers come as if none had been drawn meanwhile."""
    ours = random.get_rng_state()
    numpys = np.random.get_state(legacy=False)  # noqa: NPY002 (a forward may draw from it)
    pythons = python_random.getstate()
    try:
        yield
    finally:
        random.set_rng_state(ours)
        np.random.set_state(numpys)  # noqa: NPY002
        python_random.setstate(pythons)


def without_hooks(model: Module) -> Module:
    """A deep copy that shares nothing with the model, and has none of its hooks."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        memo[id(module._forward_hooks)], memo[id(module._forward_pre_hooks)] = [], []
        for kept in tensors_in(module.__dict__):  # such as a state of the last call
            if kept.grad_fn is not None:
                memo[id(kept)] = kept.detach().clone()
    return copy.deepcopy(model, memo)


def inputs_for(model: Module, x: Any) -> list[Any]:
    """The inputs that x stands for, and errors for what is no input."""
    if isinstance(x, PackedSequence):
        return [x]
    if not is_tensor(x) and (isinstance(x, str) or not isinstance(x, Sequence)):
        raise TypeError(
            "expected an input or its shape (a tuple of several for a model of several inputs), "
            f"got {type(x).__name__}\n  try: (1, 16, 64), or lucid.tensor(x)"
        )
    # copies: a forward may change its input in place
    return [y.detach().clone() if is_tensor(y) else y for y in as_inputs(model, x)]


def check_model(model: object, name: str) -> None:
    """An error if it is no module."""
    if not isinstance(model, Module):
        made = f"{name}({model.__name__}(...), x)" if isinstance(model, type) else ""
        cure = f"\n  try: {made}, a layer made of that class" if made else ""
        raise TypeError(f"{name} takes a layer or a model, got {type(model).__name__}{cure}")


def tensors_in(value: Any, around: tuple[Any, ...] = ()) -> Iterator[Tensor]:
    """All tensors in arguments or results, however nested; of a packed sequence its numbers.

    ``around`` are the containers that the value is in: one that contains itself ends there.
    """
    if any(value is outer for outer in around):
        return
    if is_tensor(value):
        yield value
    elif isinstance(value, PackedSequence):
        yield value.data  # the others say which row is of which sequence
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part, (*around, value))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for part in value:
            yield from tensors_in(part, (*around, value))


def is_lucids_own(layer: Module) -> bool:
    """Whether its forward is one of lucid's: of another, no rule here knows what it does."""
    return type(layer).forward.__module__.startswith("lucid.nn.")
