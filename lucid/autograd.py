"""Reverse-mode automatic differentiation.

An op is a ``Function``. Calling one computes its output and, where a gradient may be wanted,
leaves the instance behind as a *node* of the graph: the output tensor points to the node, the
node's ``edges`` point to where its inputs came from (another node, or a leaf tensor).
``backward.py`` walks these edges from the output to the leaves, each node after all of its users,
and hands every node the gradient of its output.

The ``backward`` of an op is written in tensor operations. With ``create_graph=True`` these are
recorded as well, so the gradient of a gradient needs no code of its own.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias, TypeGuard

import numpy as np

from lucid.errors import NotHere, add_to_message, is_torch
from lucid.grad_mode import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    recording,
    set_grad_enabled,
)
from lucid.memory import Note, Saved, checksum, note
from lucid.types import FROM_NUMPY, from_numpy_dtype

__all__ = ["Function", "enable_grad", "grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]

Hook: TypeAlias = "Callable[[Tensor], Tensor | None]"


FREED = (
    "backward came to {} a second time, and its graph is gone: the first backward freed it\n"
    "  try: total += loss.item()           # for a sum of losses that is only looked at\n"
    "  or:  state = state.detach()         # for a state that goes on from batch to batch\n"
    "  or:  backward(retain_graph=True)    # the first time, where both are meant"
)


class Function:
    """An op, and the node that a call of it leaves in the graph.

    A subclass gives ``forward``, from arrays to an array, and ``backward``, from the gradient of
    the output to the gradients of the inputs (None for one that needs none). What an op must know
    besides its inputs, it takes in ``__init__``.

    Attributes
    ----------
    reads_inputs : bool
        Class attribute. False if ``backward`` never calls ``self.saved(i)``: the inputs need not
        be kept, and may be changed in place.
    reads_output : bool
        Class attribute. True if ``backward`` calls ``self.output()``.
    new_gradients : bool
        Class attribute. True if ``backward`` returns arrays that it has made, each for one input:
        then a leaf can keep them, and others can be added to them. All else is copied.
    adds_gradient : bool
        Class attribute. True if there is an ``add_gradient(grad, total)`` besides ``backward``.
    silent : bool
        Class attribute. True if ``forward`` never makes NumPy warn (of a division by zero, say),
        so that the warnings need not be switched off, which takes as long as a small kernel.
    shapes : tuple of tuple of int
        The shapes of the inputs.
    needs : tuple of bool
        Which inputs want a gradient.

    Examples
    --------
    >>> import lucid
    >>> class Cube(lucid.autograd.Function):
    ...     '''y = x**3'''
    ...     def forward(self, x):
    ...         return x**3
    ...     def backward(self, grad):
    ...         x = self.saved(0)
    ...         return grad * 3 * x * x
    >>> x = lucid.tensor([1.0, 2.0], requires_grad=True)
    >>> Cube()(x).sum().backward()
    >>> x.grad
    tensor([ 3., 12.])
    """

    reads_inputs: ClassVar[bool] = True
    reads_output: ClassVar[bool] = False
    new_gradients: ClassVar[bool] = False
    adds_gradient: ClassVar[bool] = False
    silent: ClassVar[bool] = False

    edges: tuple[Function | Tensor | None, ...] | None = None  # None: not recorded, or freed
    shapes: tuple[tuple[int, ...], ...] = ()
    needs: tuple[bool, ...] = ()
    hooks: list[Hook] | None = None
    keeper: weakref.ref[Tensor] | None = None  # to the output, if it is to keep its gradient
    _inputs: tuple[Tensor, ...] = ()
    _notes: Sequence[Note] = ()  # of the inputs, as they were
    _output: Saved | None = None

    apply = NotHere("an op is an object, which is called\n  try: {}()(x)")
    save_for_backward = NotHere("inputs are kept\n  try: self.saved(0)    # in backward")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("forward", "backward"):
            if isinstance(cls.__dict__.get(name), staticmethod):
                raise TypeError(
                    f"{name} of {cls.__name__} must be a method, and is a staticmethod: the object "
                    "is the node, so self takes the place of ctx, self.saved(0) that of what it "
                    "saved\n  try: def forward(self, x), and def backward(self, grad), without "
                    "@staticmethod"
                )

    def forward(self, *inputs: Any) -> Any:
        """Compute the output array from the input arrays, which it must not change."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, grad: Tensor) -> Tensor | tuple[Tensor | None, ...] | None:
        """Return the gradients of the inputs, given the gradient of the output."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def add_gradient(self, grad: Any, total: Any) -> None:
        """Add to the array ``total`` what ``backward`` would return for the array ``grad``.

        For an op that reads a few numbers of a large input. The walk calls this instead of
        ``backward`` where there is a sum to add to, and nobody will differentiate it again: T
        slices of a tensor then cost as much as it is large, and not T times as much.
        """
        raise NotImplementedError(f"{type(self).__name__} has no add_gradient")

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Compute the output; record this instance as its node if a gradient may be wanted."""
        if self.needs:  # it was recorded: what it knows belongs to that call
            raise RuntimeError(
                f"one {type(self).__name__} object is one node of the graph, and was called twice\n"
                f"  try: {type(self).__name__}(...) anew for each call"
            )
        try:
            arrays = [x._array for x in inputs]
        except AttributeError:
            raise TypeError(not_called_with_tensors(type(self).__name__, inputs)) from None
        try:
            if self.silent:
                result = self.forward(*arrays)
            else:
                with np.errstate(all="ignore"):  # IEEE: 1/0 is inf and 0/0 nan, without a word
                    result = self.forward(*arrays)
        except (TypeError, AttributeError) as error:
            say_what_forward_gets(self, error)
            raise
        if result is None:
            raise TypeError(f"forward of {type(self).__name__} returned None\n  try: return y")
        out = Tensor._wrap(result)
        array = out._array
        if array.dtype not in FROM_NUMPY:
            from_numpy_dtype(array)  # an error, with the cure
        view, wanted = array.base is not None, False
        for x in inputs:
            if x._array is array:
                view = True
            if x._requires_grad:
                wanted = True
        if view:  # perhaps of an input: then whoever writes to one writes to the other
            for x in inputs:
                if np.may_share_memory(array, x._array):
                    out._memory = x._memory
        if wanted and recording.enabled and array.dtype.kind == "f":
            self._record(inputs, out)
        return out

    def _record(self, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        needs, shapes, edges, notes = [], [], [], []
        reads = self.reads_inputs
        for x in inputs:  # most of what a small op costs: so one loop, without a call
            array, needed = x._array, x._requires_grad
            needs.append(needed)
            shapes.append(array.shape)
            edges.append((x._node or x) if needed else None)
            if reads:
                memory = x._memory
                noted = None if memory.block is None else checksum(array)
                notes.append((array, memory, memory.version, noted))
        self.needs, self.shapes, self.edges = tuple(needs), tuple(shapes), tuple(edges)
        if reads:
            self._inputs, self._notes = inputs, notes
        if self.reads_output:
            self._output = Saved(*note(out._array, out._memory))
        out._requires_grad = True
        out._node = self

    def saved(self, i: int) -> Tensor:
        """Return input ``i`` as it was in ``forward``; RuntimeError if it was changed since."""
        if not self.reads_inputs:
            raise RuntimeError(f"set reads_inputs = True in {type(self).__name__} to use saved()")
        edges_of(self)  # an error, if it was freed
        tensor, saved = self._inputs[i], Saved(*self._notes[i])
        if tensor._array is not saved.array or saved.changed():
            raise RuntimeError(self._changed(f"input {i}", saved))
        return tensor

    def output(self) -> Tensor:
        """Return the output as it was in ``forward``; RuntimeError if it was changed since."""
        if not self.reads_output:
            raise RuntimeError(f"set reads_output = True in {type(self).__name__} to use output()")
        edges_of(self)  # an error, if it was freed
        assert self._output is not None  # reads_output, and not freed
        if self._output.changed():
            raise RuntimeError(self._changed("its output", self._output))
        out = make_tensor(self._output.array)
        out._memory = self._output.memory
        out._requires_grad, out._node = True, self
        return out

    def _changed(self, what: str, saved: Saved) -> str:
        return (
            f"backward of {type(self).__name__} needs {what}, of shape {saved.array.shape}, as it "
            "was in the forward pass, but it has been changed in place since\n"
            "  try: y = y + 1 instead of y += 1, or make the change after backward()"
        )

    def release(self) -> None:
        """Let go of the graph behind this node, and of what was kept for backward."""
        self.edges, self._inputs, self._notes, self._output = None, (), (), None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def make_tensor(array: Any) -> Tensor:
    """Wrap the array, or the NumPy number, that an op computed."""
    return Tensor._wrap(array)


def not_called_with_tensors(name: str, inputs: tuple[object, ...]) -> str:
    """What to say where an op is computed of something else."""
    got = ", ".join([type(x).__name__ for x in inputs])
    rest = f"\n  try: lucid.tensor(...), or give numbers to {name}.__init__"
    if any(isinstance(x, np.ndarray) for x in inputs):
        rest = "\n  try: lucid.from_numpy(x)"
    if any(is_torch(x) for x in inputs):
        got, rest = "a PyTorch tensor", "\n  try: lucid.from_numpy(x.numpy())"
    for x in inputs:
        rest = several_cure(x) or rest
    return f"{name} is called with tensors, got {got}{rest}"


def several_cure(value: object) -> str:
    """The cure for a tuple that begins with a tensor, as recurrent layers return; or nothing."""
    if type(value) is not tuple or not value or not is_tensor(value[0]):
        return ""
    return (
        "\n  nn.RNN, nn.LSTM and nn.GRU return two things, the output and the last state\n"
        "  try: out, _ = lstm(x)    # and out, or a part such as out[:, -1], goes on"
    )


def say_what_forward_gets(node: Function, error: Exception) -> None:
    """Add to an error of someone's own ``forward`` that it computes with arrays."""
    if "NumPy array" in str(error) or "numpy.ndarray" in str(error):
        name = type(node).__name__
        add_to_message(error, f"forward of {name} gets NumPy arrays and returns one")
        add_to_message(error, "try: NumPy's functions there, such as np.exp(x) for lucid.exp(x)")


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Whether a value is a tensor."""
    return isinstance(value, Tensor)


def edges_of(node: Function) -> tuple[Function | Tensor | None, ...]:
    """Where a node's inputs came from; RuntimeError if it was freed."""
    if node.edges is None:
        raise RuntimeError(FREED.format(node))
    return node.edges


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Gradients: the sum over j of v_j * dy_j/dx_i, for each i, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        The y, of any shapes.
    inputs : Tensor or sequence of Tensor
        The x, of any shapes, leaves or not.
    grad_outputs : Tensor or sequence of Tensor, optional
        The v, one per output; 1 for outputs that are a single number.
    retain_graph : bool, optional
        Whether the graph can be walked again. Defaults to ``create_graph``.
    create_graph : bool
        Whether the gradients can themselves be differentiated.
    allow_unused : bool
        Whether an input that no output depends on gives None instead of an error.

    Returns
    -------
    tuple of Tensor
        One gradient per input.

    Raises
    ------
    RuntimeError
        If an output needs no gradient, or an input was not used.

    Examples
    --------
    The second derivative of x^3 is 6x:

    >>> import lucid
    >>> x = lucid.tensor(2.0, requires_grad=True)
    >>> (first,) = lucid.autograd.grad(x**3, x, create_graph=True)
    >>> (second,) = lucid.autograd.grad(first, x)
    >>> first.item(), second.item()
    (12.0, 12.0)
    """
    ys = [outputs] if not isinstance(outputs, Sequence) else list(outputs)
    xs = [inputs] if not isinstance(inputs, Sequence) else list(inputs)
    given = [grad_outputs] if not isinstance(grad_outputs, Sequence) else list(grad_outputs)
    if grad_outputs is None:
        given = [None] * len(ys)
    if len(given) != len(ys):
        raise ValueError(f"expected one gradient per output: {len(ys)} outputs, {len(given)} given")
    seeds = [seed_gradient(y, v) for y, v in zip(ys, given, strict=True)]
    for i, x in enumerate(xs):
        if not x._requires_grad:
            raise RuntimeError(f"input {i} does not require a gradient\n  try: x.requires_grad_()")
    keep = create_graph if retain_graph is None else retain_graph
    found = run_backward(ys, seeds, xs, keep, create_graph)
    parts = [found.get(id(place(x))) for x in xs]
    result = tuple([None if part is None else own(part, create_graph) for part in parts])
    unused = [i for i, g in enumerate(result) if g is None]
    if unused and not allow_unused:
        raise RuntimeError(
            f"no output depends on the inputs at {unused}\n"
            "  try: allow_unused=True to get None for them"
        )
    return result


# The package's one cycle: ops return tensors, and a tensor has the ops, and the backward walk, for
# its methods. Imported last, when all that they need from this file is there.
from lucid.backward import own, place, run_backward, seed_gradient  # noqa: E402  (see above)
from lucid.tensor import Tensor  # noqa: E402  (see above)
