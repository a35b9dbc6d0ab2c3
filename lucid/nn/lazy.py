"""Lazy layers: eager layers whose last construction step waits.

The constructor of an eager layer checks its arguments, declares its parameters as placeholders,
and then fills them by ``_initialize(in_channels)``. A lazy layer's constructor is the same, but
leaves out the last step; ``forward`` takes it when the first input comes.

Taking that step must not leave anything half done: the input may be unusable, memory may run out,
the user may press Ctrl-C, another thread may be at it as well. So the step is taken on a shallow
copy of the layer, in a ``Trial``:

1. the copy's parameters (the placeholder objects themselves) are filled and initialized, by
   ``_initialize``, as those of an eager layer are;
2. the copy computes the first output;
3. only then does the layer take over the copy's attributes, all of them in one update. If
   anything went wrong before, the copy is dropped and the placeholders are emptied again.

Loading a state dict into a waiting layer uses the same ``Trial``, with the numbers of the state
dict in place of the first output.

To add a lazy layer, let the eager one derive from ``SizedLayer``: name the size (``inferred``),
give the shapes that follow from it (``_shapes``) and how an input shows it (``_size_from_input``),
declare the parameters, and end the constructor by ``_complete``. How a state shows the size follows
from the shapes. The lazy one is then::

    class LazyScale(LazyMixin, Scale):
        def __init__(self, bias=True, device=None, dtype=None):
            super().__init__(PENDING, bias, device, dtype)

The whole example is in ``docs/lazy.rst``; one entry in ``tests/lazy_layers.py`` puts a new layer
under the whole contract.
"""

from __future__ import annotations

import copy
import os
import re
import threading
from typing import Any, ClassVar, Self, cast

import numpy as np

from lucid import types
from lucid.autograd import no_grad
from lucid.cures import axis_cure, not_empty_cure
from lucid.errors import DtypeError, ShapeError, add_to_message, check_size, shown
from lucid.nn.module import Module
from lucid.nn.parameter import Parameter, UninitializedParameter, dematerialize, placeholder
from lucid.ops.checks import wrong_size
from lucid.random import drawing_from, spawn_seed
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["LazyMixin", "SizedLayer"]

#: What a lazy layer passes to its eager constructor for the size that it does not know yet.
PENDING = cast(int, None)

FROM_INPUT = "inferred at the first forward"

# One lock for all first forwards: layers stay free to be copied and pickled, and a layer that is
# materialized never takes it. A forked child gets a new one, for the old may be held by a thread
# that does not exist there.
materializing = threading.RLock()


def _renew_lock() -> None:
    global materializing
    materializing = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_renew_lock)


class SizedLayer(Module):
    """A layer with one size that a lazy subclass can infer from the first input.

    A subclass says which (``inferred``), what follows from it (``_shapes``, ``_make_buffers``),
    and how to read it from an input. The size is an int; where it is something else (the several
    sizes of ``LayerNorm``), the methods after ``_check_inferred`` are overridden, too.
    """

    inferred: ClassVar[str]  # the attribute: "in_channels"
    inferred_axis: ClassVar[int] = 1  # the axis of an input that has this size
    sizing: ClassVar[tuple[str, ...]] = ()  # the other attributes that shapes follow from
    lazy: ClassVar[bool] = False

    def __init__(self, device: DeviceLike = None, dtype: DTypeLike = None) -> None:
        types.as_device(device)
        wanted = types.as_dtype(dtype)
        if not wanted.is_floating_point:
            raise DtypeError(
                f"a layer computes in float32 or float64, not {wanted.name}\n"
                "  try: dtype=lucid.float32"
            )
        super().__init__()
        self._dtype = wanted
        self._pending = True
        self._origin = ""
        self._seed = np.random.SeedSequence(0)

    def _declare(self, *names: str) -> None:
        """Register placeholders, whose attributes read as None."""
        for name in names:
            self._parameters[name] = placeholder(self._dtype, True, type(self).__name__)
            self.__dict__[name] = None

    def _check_flags(self, **flags: object) -> None:
        """Options that are True or False: a number is often one that the layer has no place for."""
        for name, value in flags.items():
            if isinstance(value, bool | np.bool_):
                continue
            message, code = f"{name} must be True or False, got {shown(value)}", f"{name}=True"
            if self.lazy and isinstance(value, int):
                message += f"; a {type(self).__name__} leaves {self.inferred} out"
                if len(self.sizing) == 1 and value > 1:  # LazyLinear(16, 9) is to be Linear(16, 9)
                    code = f"nn.{type(self).__name__}({value})"
            raise TypeError(f"{message}\n  try: {code}")

    def _check_eps(self, eps: object) -> None:
        """Of a lazy norm, a whole eps is the size that it finds out by itself; a float is meant."""
        if self.lazy and isinstance(eps, int) and eps >= 1:
            raise TypeError(
                f"a {type(self).__name__} leaves {self.inferred} out, so this is its eps, a small "
                f"number: got eps={eps}\n  try: eps=1e-5"
            )

    def _complete(self, size: Any) -> None:
        """The last step of construction; a lazy layer only takes its seed."""
        if not self.lazy:
            self._shapes(self._check_inferred(size))  # an error leaves the seeds alone
        self._seed = spawn_seed()
        if not self.lazy:
            self._initialize(size)

    def _initialize(self, size: Any, origin: str | None = None) -> None:
        """Check the size, fill the parameters and initialize them: all of it or nothing."""
        if not self._pending:
            raise ValueError(
                f"{type(self).__name__} has {self.inferred}={getattr(self, self.inferred)}, "
                f"{self._origin}; a layer is initialized once"
            )
        size = self._check_inferred(size)
        shapes = self._shapes(size)  # raises if the size is impossible
        declared = {n: p for n, p in self._parameters.items() if n in shapes and p is not None}
        waiting = self._waiting()
        before = dict(self.__dict__)
        self.__dict__.update(_buffers=dict(self._buffers), _parameters=dict(self._parameters))
        try:
            self.__dict__[self.inferred] = size
            for name, parameter in declared.items():
                if isinstance(parameter, UninitializedParameter):
                    parameter.materialize(shapes[name])
                elif parameter.shape != shapes[name]:
                    raise ValueError(
                        f"{name} is shared with a copy of this layer, and has shape "
                        f"{parameter.shape}; {self.inferred}={size} needs {shapes[name]}"
                    )
                self.__dict__[name] = parameter
            self._make_buffers(size)
            if waiting or not declared:  # else the copy it shares them with has done it
                drawing_from(self._seed, self.reset_parameters)
                self._keep_identity(declared)
            origin = origin or ("by _initialize" if self.lazy else "given at construction")
            self.__dict__.update(_origin=origin, _pending=False)
        except BaseException:
            self.__dict__.update(before)
            self._empty(waiting)
            raise

    def _keep_identity(self, declared: dict[str, Parameter]) -> None:
        """Where ``reset_parameters`` assigned new parameters, move their numbers into the old."""
        for name, parameter in declared.items():
            new = self._parameters[name]
            if new is not None and new is not parameter:
                with no_grad():
                    parameter.copy_(new)
                self._parameters[name] = self.__dict__[name] = parameter

    def _waiting(self) -> list[Parameter]:
        """The parameters that have no shape yet."""
        return [p for p in self._parameters.values() if isinstance(p, UninitializedParameter)]

    def _empty(self, parameters: list[Parameter]) -> None:
        """Make filled placeholders wait again."""
        for parameter in parameters:
            dematerialize(parameter, self._dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        with materializing:  # not while another thread is filling the parameters
            twin = type(self).__new__(type(self))
            memo[id(self)] = twin
            twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
            return twin

    def _shapes(self, size: Any) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter, and of the buffers that tell the size as well.

        ValueError if the size is impossible.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say which shapes follow from {self.inferred}\n"
            '  try: def _shapes(self, size): return {"weight": (size,)}'
        )

    def _make_buffers(self, size: Any) -> None:
        """Register the buffers, and set the other attributes, that follow from the size."""

    def _size_from_input(self, x: Any) -> Any:
        """The size that an input has; an error if it is no input for this layer at all."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how an input shows its {self.inferred}\n"
            f"  try: def _size_from_input(self, x): return x.shape[{self.inferred_axis}]"
        )

    def _check_inferred(self, size: Any) -> Any:
        """The size as it is kept; an error if there is no such size."""
        return check_size(self.inferred, size, 1)

    def _smallest_size(self) -> int:
        """A size that is possible, as is each of its multiples."""
        return 1

    def _fixed_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of ``_shapes``, those that are the same for every size."""
        least = self._smallest_size()
        one, other = self._shapes(least), self._shapes(2 * least)
        return {name: shape for name, shape in one.items() if shape == other[name]}

    def _awaited(self) -> list[str]:
        """The names that its state will have, of those that ``_shapes`` speaks of."""
        own = self._buffers.keys() | {n for n, p in self._parameters.items() if p is not None}
        return [name for name in self._shapes(self._smallest_size()) if name in own]

    def _option_for(self, shapes: dict[str, tuple[int, ...]]) -> str:
        """The one option with which its tensors have these shapes: "out_channels=16"; else ""."""
        of_inputs = () if self.lazy else (self.inferred,)
        numbers = {n for shape in shapes.values() for n in shape if n > 0} | {1}
        fitting = []
        for option in (*self.sizing, *of_inputs):
            for value in sorted(numbers | {n * self._smallest_size() for n in numbers}):
                other = copy.copy(self)
                other.__dict__[option] = value
                try:
                    found = other._size_from_state(shapes) if self._pending else None
                    size = found or getattr(other, self.inferred) or other._smallest_size()
                    made = other._shapes(size)
                except ValueError:  # a value that the other options do not allow
                    continue
                if all(made[name] == shape for name, shape in shapes.items() if name in made):
                    fitting.append(f"{option}={value}")
        return fitting[0] if len(fitting) == 1 else ""

    def _size_from_state(self, shapes: dict[str, tuple[int, ...]]) -> Any:
        """The size that follows from the shapes in a state; None if they do not tell.

        It is read from the first of ``_shapes`` that changes with it.
        """
        least = self._smallest_size()
        one, other = self._shapes(least), self._shapes(2 * least)
        name = next((name for name in one if one[name] != other[name]), None)
        if name is None or name not in shapes:
            return None
        found, pairs = shapes[name], list(zip(one[name], other[name], strict=True))
        fits = [a != b or a == n for (a, b), n in zip(pairs, found, strict=False)]
        if len(found) != len(pairs) or not all(fits):
            parts = [str(a) if a == b else self._multiple(a, least) for a, b in pairs]
            tail = "," if len(parts) == 1 else ""
            raise ShapeError(f"expected shape ({', '.join(parts)}{tail}), found {found}")
        axis = next(i for i, (a, b) in enumerate(pairs) if a != b)
        return found[axis] * least // pairs[axis][0]

    def _multiple(self, n: int, size: int) -> str:
        """How n follows from the size: "in_channels / 2"."""
        if n == size:
            return self.inferred
        return f"{self.inferred} / {size // n}" if n < size else f"{self.inferred} * {n // size}"

    def _check_input(self, x: Any) -> None:
        """An error if an input has another size than the layer."""
        size, expected = self._size_from_input(x), getattr(self, self.inferred)
        if size != expected:
            name, what = type(self).__name__, "channels" if self.inferred_axis == 1 else "features"
            error = ShapeError(wrong_size(name, what, x.shape, self.inferred_axis, expected))
            self._say_origin(error, x)
            raise error

    def _say_origin(self, error: ShapeError, x: Tensor) -> None:
        """Add to an error where the layer has its size from, and how it gets another."""
        add_to_message(error, self._origin_line())
        if self._origin == FROM_INPUT:
            add_to_message(error, "if it was that first input that was wrong, make the model anew")
        if not axis_cure("x", x.shape, self.inferred_axis, getattr(self, self.inferred)):
            add_to_message(error, f"try: {self._made_for(x.shape[self.inferred_axis])}")

    def _origin_line(self) -> str:
        size = f"{self.inferred}={getattr(self, self.inferred)}, {self._origin}"
        return f"this {type(self).__name__} has {size}"

    def _made_for(self, size: object) -> str:
        """The code that makes a layer of this kind for another size."""
        if not self.lazy:
            return f"{self.inferred}={size}"
        others = re.sub(rf"{self.inferred}=.*?(, (?=\w+=)|$)", "", self.extra_repr())
        package = "nn." if type(self).__module__.startswith("lucid.") else ""
        return f"{package}{type(self).__name__}({others.removesuffix(', ')})"

    def _describe(self, *sizes: str, **options: tuple[object, object]) -> str:
        """What ``repr`` shows: the sizes, and the options that are not what they usually are."""
        values = {name: getattr(self, name) for name in sizes}
        values |= {name: value for name, (value, usual) in options.items() if value != usual}
        return ", ".join(f"{name}={value!r}" for name, value in values.items())

    def reset_parameters(self) -> None:
        """Initialize the parameters anew; nothing happens while they wait for their shapes."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say what its parameters begin with\n"
            "  try: def reset_parameters(self): ..., with nn.init, unless they are None"
        )

    def _convert(self, dtype: types.dtype) -> None:
        super()._convert(dtype)
        self._dtype = dtype

    def _state(self) -> dict[str, Tensor]:
        return {} if self._pending else super()._state()


class Trial:
    """A copy of a waiting layer, to be initialized and tried; then adopted, or dropped."""

    def __init__(self, layer: SizedLayer) -> None:
        self.layer, self.copy = layer, copy.copy(layer)
        self._start = dict(layer.__dict__)
        self._waiting = layer._waiting()

    def _changes(self) -> dict[str, Any]:
        """The attributes that are no longer what they were when the copy was made."""
        mine = self.copy.__dict__
        return {k: v for k, v in mine.items() if k not in self._start or v is not self._start[k]}

    def adopt(self) -> None:
        """Make the layer what the copy has become, in one update."""
        self.layer.__dict__.update(self._changes())

    def drop(self) -> None:
        """Make the layer what it was: also after ``adopt``."""
        self._put_back(self._changes())

    def restore(self) -> None:
        """Make the layer what it was, even if it came to life without this trial."""
        self._put_back(
            {k: v for k, v in self.layer.__dict__.items() if v is not self._start.get(k)}
        )

    def _put_back(self, changed: dict[str, Any]) -> None:
        self.layer.__dict__.update({k: self._start.get(k) for k in changed})
        self.layer._empty(self._waiting)


class LazyMixin(SizedLayer):
    """Makes a ``SizedLayer`` lazy: written before it among the bases."""

    lazy: ClassVar[bool] = True

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; the first time, infer the missing size from ``x``."""
        if self._pending:
            with materializing:
                if self._pending:  # still: no other thread was faster
                    return self._first_forward(x, *args, **kwargs)
        return super().forward(x, *args, **kwargs)

    def _first_forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        size = self._size_from_input(x)
        if 0 in (size if isinstance(size, tuple) else (size,)):
            shape = x.data.shape  # of a packed sequence, its numbers
            raise ShapeError(
                f"{self.inferred} must be at least 1, got {size}: {type(self).__name__} takes it "
                f"from its input, of shape {shape}{not_empty_cure(shape)}"
            )
        trial = Trial(self)
        try:
            trial.copy._initialize(size, FROM_INPUT)
            first = super(LazyMixin, trial.copy).forward  # type: ignore[misc]  # a LazyMixin, too
            out = first(x, *args, **kwargs)
            trial.adopt()
        except BaseException:
            trial.drop()
            raise
        return out
