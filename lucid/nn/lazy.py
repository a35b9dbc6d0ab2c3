"""Lazy layers: eager layers whose last construction step waits.

The constructor of an eager layer checks its arguments, declares its parameters as placeholders,
and then fills them by ``_initialize(in_channels)``. A lazy layer's constructor is the same, but
leaves out the last step; ``forward`` takes it when the first input comes.

Taking that step must not leave anything half done: the input may be unusable, memory may run out,
the user may press Ctrl-C, another thread may be at it as well. So the step is taken on a *trial*,
a shallow copy of the layer:

1. the trial's parameters (the placeholder objects themselves) are filled and initialized;
2. the trial computes the first output;
3. only then does the layer take over the trial's attributes, all of them in one update. If
   anything went wrong before, the trial is dropped and the placeholders are emptied again.

Loading a state dict into a waiting layer uses the same trial, with the numbers of the state dict
in place of the first output.

To add a lazy layer, let the eager one derive from ``SizedLayer`` and write::

    class LazyThing(LazyMixin, Thing):
        def __init__(self, everything_but_the_size): super().__init__(PENDING, ...)
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self, cast

import numpy as np

from lucid import types
from lucid.errors import check_size
from lucid.nn.module import Module
from lucid.nn.parameter import UninitializedParameter, dematerialize
from lucid.random import drawing_from, spawn_seed
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["LazyMixin", "SizedLayer"]

#: What a lazy layer passes to its eager constructor for the size that it does not know yet.
PENDING = cast(int, None)

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
    and how to read it from an input and from a state.
    """

    inferred: ClassVar[str]  # the attribute: "in_channels"
    lazy: ClassVar[bool] = False

    def __init__(self, device: DeviceLike, dtype: DTypeLike) -> None:
        types.as_device(device)
        wanted = types.as_dtype(dtype)
        if not wanted.is_floating_point:
            raise TypeError(f"a layer computes in float32 or float64, not {wanted.name}")
        super().__init__()
        self._dtype = wanted
        self._pending = True
        self._origin = ""
        self._seed = np.random.SeedSequence(0)

    def _declare(self, *names: str) -> None:
        """Register placeholders, whose attributes read as None."""
        for name in names:
            self.register_parameter(name, UninitializedParameter(self._dtype))

    def _complete(self, size: int) -> None:
        """The last step of construction; a lazy layer only takes its seed."""
        if not self.lazy:
            self._shapes(check_size(self.inferred, size, 1))  # an error leaves the seeds alone
        self._seed = spawn_seed()
        if not self.lazy:
            self._initialize(size)

    def _initialize(self, size: int, origin: str = "given at construction") -> None:
        """Fill the parameters for this size, initialize them, and set the size: all or nothing."""
        with materializing, self._trial(size, origin):
            pass

    @contextmanager
    def _trial(self, size: int, origin: str) -> Iterator[Self]:
        """A copy of this layer with its parameters filled, taken over if the block succeeds."""
        if not self._pending:
            raise ValueError(
                f"{type(self).__name__} has {self.inferred}={getattr(self, self.inferred)}, "
                f"{self._origin}; a layer is initialized once"
            )
        size = check_size(self.inferred, size, 1)
        shapes = self._shapes(size)
        trial = copy.copy(self)
        trial.__dict__.update(_buffers=dict(self._buffers), _pending=False, _origin=origin)
        placeholders = {n: p for n, p in self._parameters.items() if p is not None}
        empty = [p for p in placeholders.values() if isinstance(p, UninitializedParameter)]
        try:
            for name, parameter in placeholders.items():
                if isinstance(parameter, UninitializedParameter):
                    parameter.materialize(shapes[name])
                trial.__dict__[name] = parameter
            trial.__dict__[self.inferred] = size
            trial._make_buffers(size)
            if empty or not placeholders:  # else a shallow copy of this layer has done it
                with drawing_from(self._seed):
                    trial.reset_parameters()
            yield trial
            mine = self.__dict__
            mine.update({k: v for k, v in trial.__dict__.items() if v is not mine.get(k)})
        except BaseException:
            if self._pending:
                for parameter in empty:
                    dematerialize(parameter, self._dtype)
            raise

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter for this size; ValueError if the size is impossible."""
        raise NotImplementedError

    def _make_buffers(self, size: int) -> None:
        """Register the buffers whose shapes follow from the size."""

    def _size_from_input(self, x: Tensor) -> int:
        """The size that an input has; an error if it is no input for this layer at all."""
        raise NotImplementedError

    def _size_from_state(self, shapes: dict[str, tuple[int, ...]]) -> int | None:
        """The size that follows from the shapes in a state; None if they do not tell."""
        raise NotImplementedError

    def reset_parameters(self) -> None:
        """Initialize the parameters anew; nothing happens while they wait for their shapes."""
        raise NotImplementedError

    def _convert(self, dtype: types.dtype) -> None:
        super()._convert(dtype)
        self._dtype = dtype

    def _state(self) -> dict[str, Tensor]:
        return {} if self._pending else super()._state()


class LazyMixin(SizedLayer):
    """Makes a ``SizedLayer`` lazy: written before it among the bases."""

    lazy: ClassVar[bool] = True

    def forward(self, x: Tensor) -> Any:
        """Compute the output; the first time, infer the missing size from ``x``."""
        if self._pending:
            with materializing:
                if self._pending:  # still: no other thread was faster
                    size = self._size_from_input(x)
                    with self._trial(size, "inferred at the first forward") as trial:
                        return super(LazyMixin, trial).forward(x)
        return super().forward(x)
