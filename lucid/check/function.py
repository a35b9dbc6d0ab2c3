"""What is checked: a function of float64 arrays, with names for its inputs.

``TensorFunction`` is a function of tensors, or a module, whose gradients come from ``backward`` as
lucid runs it; ``NumpyFunction`` is a pair of functions of NumPy arrays, as assignments have them.
Both work on copies: nothing of the caller's is changed, no ``.grad`` is touched.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from lucid.autograd import Function, grad, is_tensor
from lucid.backward import GradientShapeError, shape_problem
from lucid.nn.module import Module
from lucid.ops import tensor
from lucid.tensor import Tensor
from lucid.types import Array, float64

__all__ = ["Checked", "NumpyFunction", "Problem", "TensorFunction"]


INCOMING = ["the incoming grad"]
DROPPED = "complex: an imaginary part, even of 0, is not dropped unseen\n  try: np.fft.ifft(g).real"


class Problem(Exception):
    """Why gradients cannot be compared at all; ends up in the report."""

    def __init__(self, problem: str, diagnosis: str | None = None) -> None:
        super().__init__(problem)
        self.problem, self.diagnosis = problem, diagnosis


class Checked(Protocol):
    """What the comparison needs to know of a function."""

    names: list[str]  # of the inputs that are moved
    points: list[Array]  # their values, float64
    notes: list[str]  # what the reader of a report should know

    def outputs(self, points: Sequence[Array]) -> list[Array]:
        """Return the function's floating outputs."""

    def gradients(self, weights: Sequence[Array]) -> list[Array | None]:
        """Return d(sum of weights * outputs)/d(inputs), as the student's backward has it."""


class TensorFunction:
    """A function of tensors, or a module, at given inputs."""

    def __init__(self, fn: Callable[..., Any], inputs: Sequence[Any]) -> None:
        self.notes: list[str] = []
        self.module = copy.deepcopy(fn).double() if isinstance(fn, Module) else None
        self.fn = fn if self.module is None else self.module
        self.inputs = list(inputs)
        labels = argument_names(fn.forward if isinstance(fn, Module) else fn, len(inputs))
        for i, x in enumerate(self.inputs):
            if is_tensor(x) and x.is_floating_point() and x.dtype is not float64:
                self.notes.append(f"{labels[i]} was {x.dtype.name}; it is checked in float64")
                self.inputs[i] = x.detach().double().requires_grad_(x.requires_grad)
        self.moved = [i for i, x in enumerate(self.inputs) if is_tensor(x) and x.requires_grad]
        self.names = [labels[i] for i in self.moved]
        self.points = [self.inputs[i].detach().numpy().copy() for i in self.moved]
        self.parameters: list[Tensor] = []
        if self.module is not None:
            self._add_parameters(self.module)
        if not self.points:
            raise ValueError(
                "gradcheck moves the inputs that require a gradient, and none does\n"
                "  try: lucid.tensor(x, requires_grad=True)"
            )

    def _add_parameters(self, module: Module) -> None:
        if module.has_uninitialized_parameters():
            module(*self.inputs)
            module.double()
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                self.names.append(name)
                self.points.append(parameter.detach().numpy().copy())
                self.parameters.append(parameter)

    def run(self, points: Sequence[Array]) -> tuple[list[Tensor], list[Tensor]]:
        """Call the function on new leaves with these values; return them and its outputs."""
        leaves = [tensor(p, dtype=float64, requires_grad=True) for p in points]
        arguments = list(self.inputs)
        for i, leaf in zip(self.moved, leaves, strict=False):  # the other leaves: parameters
            arguments[i] = leaf
        for i, x in enumerate(arguments):
            if is_tensor(x) and i not in self.moved:
                arguments[i] = x.detach().clone()
        for k, parameter in enumerate(self.parameters, len(self.moved)):
            parameter.data = leaves[k].detach()
            leaves[k] = parameter
        returned = self.fn(*arguments)
        return leaves, floating_outputs(returned)

    def outputs(self, points: Sequence[Array]) -> list[Array]:
        """Return the function's floating outputs."""
        return [y.detach().numpy() for y in self.run(points)[1]]

    def gradients(self, weights: Sequence[Array]) -> list[Array | None]:
        """Return d(sum of weights * outputs)/d(inputs), by backward."""
        leaves, ys = self.run(self.points)
        check_unchanged(self.names, self.points, [x.detach().numpy() for x in leaves], "fn")
        chosen = [(y, w) for y, w in zip(ys, weights, strict=True) if y.requires_grad]
        if not chosen:
            return [None] * len(leaves)
        seeds = [tensor(w, dtype=float64) for _, w in chosen]
        try:
            found = grad([y for y, _ in chosen], leaves, seeds, allow_unused=True)
        except GradientShapeError as error:
            cause = "broadcast not summed\n  try: " + error.cure if error.cure else None
            raise Problem(str(error).split("\n")[0], cause) from None
        check_unchanged(self.names, self.points, [x.detach().numpy() for x in leaves], "backward")
        after = [seed.numpy() for seed in seeds]
        check_unchanged(INCOMING * len(seeds), [w for _, w in chosen], after, "backward")
        return [None if g is None else g.numpy() for g in found]


class NumpyFunction:
    """``fn(*arrays)`` and ``backward(grad, *arrays)``, at given arrays."""

    def __init__(
        self, fn: Callable[..., Any], backward: Callable[..., Any], inputs: Sequence[Any]
    ) -> None:
        self.fn, self.backward = fn, backward
        self.notes: list[str] = []
        self.inputs = [x.detach().numpy() if is_tensor(x) else x for x in inputs]
        labels = argument_names(fn, len(inputs))
        self.moved = []
        for i, x in enumerate(self.inputs):
            if isinstance(x, np.ndarray) and x.dtype.kind == "f":
                self.moved.append(i)
                if x.dtype != np.float64:
                    self.notes.append(f"{labels[i]} was {x.dtype}; it is checked in float64")
        if not self.moved:
            raise ValueError(
                "gradcheck moves the floating arrays among the inputs, and there are none\n"
                "  try: x.astype(float)"
            )
        self.names = [labels[i] for i in self.moved]
        self.points = [np.array(self.inputs[i], np.float64) for i in self.moved]

    def arguments(self, points: Sequence[Array]) -> list[Any]:
        """All inputs, those that are moved as copies of the points."""
        given = [x.copy() if isinstance(x, np.ndarray) else x for x in self.inputs]
        for i, point in zip(self.moved, points, strict=True):
            given[i] = point.copy()
        return given

    def outputs(self, points: Sequence[Array]) -> list[Array]:
        """Return the function's floating outputs."""
        returned = self.fn(*self.arguments(points))
        ys = returned if isinstance(returned, tuple) else (returned,)
        kept = []
        for y in ys:
            if not isinstance(y, np.ndarray | np.floating | float):
                raise TypeError(
                    f"fn must return an array, or a tuple of arrays, got {type(y).__name__}\n"
                    "  try: lambda x: forward(x)[0], if it returns more than its output"
                )
            if np.iscomplexobj(y):
                raise Problem("the output of fn is complex, and gradients are real", DROPPED)
            kept.append(np.asarray(y))
        return kept

    def gradients(self, weights: Sequence[Array]) -> list[Array | None]:
        """Return what the student's backward returns, after a look at its shapes."""
        given = self.arguments(self.points)
        self.fn(*given)
        seeds = [w.copy() for w in weights]
        moved = [given[i] for i in self.moved]
        check_unchanged(self.names, self.points, moved, "fn")
        returned = self.backward(seeds[0] if len(seeds) == 1 else tuple(seeds), *given)
        check_unchanged(self.names, self.points, moved, "backward")
        check_unchanged(INCOMING * len(seeds), weights, seeds, "backward")
        parts = list(returned) if isinstance(returned, tuple | list) else [returned]
        if len(parts) == len(given):  # also one, mostly None, for each that is not moved
            parts = [parts[i] for i in self.moved]
        if len(parts) != len(self.moved):
            raise Problem(
                f"backward must return one gradient for each of {', '.join(self.names)}, "
                f"got {len(parts)}"
            )
        for name, point, part in zip(self.names, self.points, parts, strict=True):
            if np.iscomplexobj(part):
                raise Problem(
                    f"the gradient of {name} is complex, and gradients are real",
                    DROPPED,
                )
            if part is not None and np.shape(part) != point.shape:
                expected, got = point.shape, np.shape(part)
                cure = shape_problem(expected, got, "keepdims")
                raise Problem(
                    f"the gradient of {name} must have its shape {expected}, got {got}",
                    "broadcast not summed\n  try: " + cure if cure else None,
                )
        return [None if part is None else np.asarray(part, np.float64) for part in parts]


def make_checked(
    fn: Callable[..., Any], inputs: Any, backward: Callable[..., Any] | None
) -> Checked:
    """The function in the form that is compared; an error, with the cure, if there is none."""
    if isinstance(fn, Function) or (isinstance(fn, type) and issubclass(fn, Function)):
        name = type(fn).__name__ if isinstance(fn, Function) else fn.__name__
        raise TypeError(
            f"gradcheck calls fn many times, and a {name} object is good for one call\n"
            f"  try: gradcheck(lambda *inputs: {name}(...)(*inputs), inputs)"
        )
    given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
    if backward is not None:
        return NumpyFunction(fn, backward, given)
    if any(isinstance(x, np.ndarray) for x in given):
        raise TypeError(
            "the inputs of a function of tensors are tensors, got NumPy arrays\n"
            "  try: lucid.tensor(x, requires_grad=True), or give the hand-written backward=, too"
        )
    return TensorFunction(fn, given)


def floating_outputs(returned: Any) -> list[Tensor]:
    """The outputs that can have gradients; TypeError for what are no tensors."""
    ys = list(returned) if isinstance(returned, tuple | list) else [returned]
    for y in ys:
        if isinstance(y, tuple | list):
            raise TypeError(
                "fn must return a tensor, or a tuple of tensors; tuples in a tuple, as recurrent "
                f"layers return their states, are not supported: got a {type(y).__name__} inside\n"
                "  try: lambda *inputs: fn(*inputs)[0], which returns one tensor; a layer in it is "
                "made float64 before, by .double()"
            )
        if not is_tensor(y):
            raise TypeError(
                f"fn must return a tensor, or a tuple of tensors, got {type(y).__name__}\n"
                "  try: tensor operations instead of NumPy's, or give backward= to check NumPy code"
            )
    kept = [y for y in ys if y.is_floating_point()]
    if not kept:
        raise Problem(
            f"the output is {ys[0].dtype.name}: it has no gradient"
            if ys
            else "fn returned no tensor"
        )
    for y in kept:
        if y.dtype is not float64:
            raise Problem(
                "the output is float32 though the inputs are float64: in the rounding of float32, "
                "small steps are lost\n  try: no .float() and no float32 constants inside fn"
            )
    return kept


def check_unchanged(
    names: Sequence[str], before: Sequence[Array], after: Sequence[Array], who: str
) -> None:
    """Raise Problem if a function has written to what it was given."""
    for name, old, new in zip(names, before, after, strict=True):
        if old.shape != new.shape or not np.array_equal(old, new, equal_nan=True):
            raise Problem(
                f"{who} changes {name} in place",
                f"{who} must leave what it is given as it is: others use it, too\n"
                f"  try: compute a new array ({name.split()[-1]} = {name.split()[-1]} + 1 instead "
                "of +=), or begin with a copy",
            )


def argument_names(fn: Callable[..., Any], count: int) -> list[str]:
    """What the function calls its arguments; ``inputs[1]`` where it has no name for them."""
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):  # some callables that are not written in Python
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[i] if i < len(named) else f"inputs[{i}]" for i in range(count)]
