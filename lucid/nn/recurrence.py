"""What the recurrent layers have in common.

``Recurrent`` is all three: RNN, LSTM and GRU (``recurrent.py``) say which ``cell`` is computed, and
into how many parts its weights are cut. What one layer computes in one direction is one op, a
``Recurrence`` (``lucid/ops/recurrent.py``).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar, TypeAlias

import numpy as np

from lucid.autograd import is_tensor, make_tensor
from lucid.cures import cure, not_empty_cure, probability_cure, rank_cure, shape_cure
from lucid.errors import ShapeError, check_size
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.lazy import SizedLayer
from lucid.nn.parameter import UninitializedParameter
from lucid.nn.utils.rnn import PackedSequence
from lucid.ops import cat, getitem, reshape, squeeze, stack, transpose, unsqueeze
from lucid.ops.checks import check_one_dtype, check_tensor, wrong_size
from lucid.ops.recurrent import RELU, Recurrence
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["Recurrent"]

States: TypeAlias = Tensor | tuple[Tensor, Tensor]


class Recurrent(SizedLayer):
    """What RNN, LSTM and GRU have in common; not to be used by itself."""

    inferred = "input_size"
    inferred_axis = -1
    parts: ClassVar[int]  # of the size of the state, in a weight
    states: ClassVar[tuple[str, ...]] = ("h_0",)
    cell: int

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: DeviceLike,
        dtype: DTypeLike,
    ) -> None:
        super().__init__(device, dtype)
        self._check_flags(bias=bias, batch_first=batch_first, bidirectional=bidirectional)
        self.input_size: int | None = None  # set by _initialize
        self.hidden_size = check_size("hidden_size", hidden_size, 1)
        self.num_layers = check_size("num_layers", num_layers, 1)
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                f"dropout is a probability, from 0 to 1; got {dropout}"
                + probability_cure("dropout", float(dropout))
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} acts between layers, and num_layers=1 has no such place",
                stacklevel=4 if self.lazy else 3,
            )
        self.bias, self.batch_first = bias, batch_first
        self.dropout, self.bidirectional = float(dropout), bidirectional
        self._declare(*self._shapes(1))
        self._complete(input_size)

    def _suffixes(self) -> Iterator[tuple[int, str]]:
        """The number of the layer and the end of its parameters' names, for each direction."""
        for layer in range(self.num_layers):
            yield layer, f"_l{layer}"
            if self.bidirectional:
                yield layer, f"_l{layer}_reverse"

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        H, G = self.hidden_size, self.parts * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, suffix in self._suffixes():
            inputs = size if layer == 0 else H * (1 + self.bidirectional)
            shapes |= {f"weight_ih{suffix}": (G, inputs), f"weight_hh{suffix}": (G, H)}
            if self.bias:
                shapes |= {f"bias_ih{suffix}": (G,), f"bias_hh{suffix}": (G,)}
        return shapes

    def _size_from_input(self, x: Tensor | PackedSequence) -> int:
        data = x.data if isinstance(x, PackedSequence) else x
        check_tensor(data, "input", type(self).__name__, self._dtype)
        if not isinstance(x, PackedSequence) and data.ndim not in (2, 3):
            order = "(N, L, features)" if self.batch_first else "(L, N, features)"
            raise ShapeError(
                f"{type(self).__name__} expected an input {order}, or (L, features) for one "
                f"sequence; got {data.shape}{rank_cure('x', data.shape, 2, 3)}"
            )
        return data.shape[-1]

    def reset_parameters(self) -> None:
        """Draw all parameters anew; nothing happens while they wait for their shapes."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self._parameters.values():
            if parameter is not None and not isinstance(parameter, UninitializedParameter):
                init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: there for models that call it before forward."""

    def forward(
        self, x: Tensor | PackedSequence, hx: States | None = None
    ) -> tuple[Tensor | PackedSequence, States]:
        """Go through the sequences from the states ``hx``, by default zeros.

        Returns the states of the last layer at all steps, and those of all layers at the last.
        """
        size = self._size_from_input(x)
        if size != self.input_size:
            data = x.data if isinstance(x, PackedSequence) else x
            name = type(self).__name__
            known: int = self.input_size  # type: ignore[assignment]  # it is, by now
            message = wrong_size(name, "features", data.shape, -1, known)
            if not self.batch_first and data.ndim == 3 and data.shape[1] == self.input_size:
                N, C, L = data.shape  # as a convolution has it; turned to (L, N, C)
                message = message.split("\n")[0] + cure("x.permute(2, 0, 1)", (L, N, C))
            error = ShapeError(message)
            self._say_origin(error, data)
            raise error
        if isinstance(x, PackedSequence):
            rows, sizes = x.data, x.batch_sizes._array
            if x.sorted_indices is not None and hx is not None:
                hx = reordered(hx, x.sorted_indices)
        else:
            by_step = unsqueeze(x, 1) if x.ndim == 2 else x
            if self.batch_first and x.ndim == 3:
                by_step = transpose(x, 0, 1)
            L, N, _ = by_step.shape
            if L == 0:
                raise ShapeError(
                    f"a sequence has at least one step; got an input {x.shape}"
                    + not_empty_cure(x.shape)
                )
            rows, sizes = reshape(by_step, L * N, size), np.full(L, N)
        alone = is_tensor(x) and x.ndim == 2
        given = self._checked_states(rows, int(sizes[0]), hx, alone)
        rows, lasts = self._run(rows, sizes, given)
        if isinstance(x, PackedSequence):
            if x.unsorted_indices is not None:
                lasts = [getitem(h, (slice(None), x.unsorted_indices)) for h in lasts]
            return x._replace(data=rows), self._as_given(lasts)
        if alone:
            return rows, self._as_given([squeeze(h, 1) for h in lasts])
        y = reshape(rows, L, N, rows.shape[1])
        return transpose(y, 0, 1) if self.batch_first else y, self._as_given(lasts)

    def _as_given(self, states: list[Tensor]) -> States:
        """h by itself, or (h, c)."""
        return states[0] if len(states) == 1 else (states[0], states[1])

    def _checked_states(self, rows: Tensor, N: int, hx: States | None, alone: bool) -> list[Tensor]:
        """The first states, (layers * directions, N, hidden_size)."""
        name = type(self).__name__
        shape = (len(list(self._suffixes())), N, self.hidden_size)
        tensors = {"input": rows}
        if hx is None:
            zeros = make_tensor(np.zeros(shape, rows._array.dtype))
            given = [zeros] * len(self.states)
        elif len(self.states) == 1:
            given = [hx]  # type: ignore[list-item]  # checked next
        elif isinstance(hx, tuple | list) and len(hx) == len(self.states):
            given = list(hx)
        else:
            raise TypeError(
                f"{name} takes its first states as a pair (h_0, c_0), got {type(hx).__name__}"
            )
        tensors |= dict(zip(self.states, given, strict=True))
        tensors |= {key: getattr(self, key) for key in ("weight_ih_l0", "weight_hh_l0")}
        check_one_dtype(name, tensors)
        if hx is None:
            return given
        expected = (shape[0], self.hidden_size) if alone else shape
        for key, state in zip(self.states, given, strict=True):
            if state.shape != expected:
                meaning = "(layers * directions, N, hidden_size)"
                if alone:
                    meaning = "(layers * directions, hidden_size) for one sequence without N"
                raise ShapeError(
                    f"{name} expected {key} {meaning}, {expected}; got {state.shape}"
                    + shape_cure(key, state.shape, expected, "zeros")
                )
        return [unsqueeze(state, 1) for state in given] if alone else given

    def _run(self, rows: Tensor, sizes: Any, first: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """All layers and directions, on rows step by step."""
        R, N = rows.shape[0], int(sizes[0])
        ends: list[list[Tensor]] = [[] for _ in self.states]
        outs: list[Tensor] = []
        for k, (layer, suffix) in enumerate(self._suffixes()):
            weights = [getattr(self, f"weight_{kind}{suffix}") for kind in ("ih", "hh")]
            if self.bias:
                weights += [getattr(self, f"bias_{kind}{suffix}") for kind in ("ih", "hh")]
            else:
                zeros = np.zeros(self.parts * self.hidden_size, rows._array.dtype)
                weights += [make_tensor(zeros)] * 2
            states = [getitem(state, k) for state in first]
            recurrence = Recurrence(self.cell, sizes, suffix.endswith("reverse"))
            out = recurrence(rows, *states, *weights)
            outs.append(getitem(out, slice(R)))
            for i, end in enumerate(ends):
                end.append(getitem(out, slice(R + i * N, R + (i + 1) * N)))
            if len(outs) == 1 + self.bidirectional:
                rows, outs = cat(outs, 1) if self.bidirectional else outs[0], []
                if layer < self.num_layers - 1:
                    rows = F.dropout(rows, self.dropout, self.training)
        return rows, [stack(end) for end in ends]

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        shown = f"input_size={self.input_size}, hidden_size={self.hidden_size}"
        options = [
            ("num_layers", self.num_layers, 1),
            ("nonlinearity", "relu" if self.cell == RELU else "tanh", "tanh"),
            ("bias", self.bias, True),
            ("batch_first", self.batch_first, False),
            ("dropout", self.dropout, 0.0),
            ("bidirectional", self.bidirectional, False),
        ]
        return shown + "".join(
            f", {name}={value!r}" for name, value, default in options if value != default
        )


def reordered(hx: States, order: Tensor) -> States:
    """States in another order of the sequences; what is none is found out later."""
    if isinstance(hx, tuple | list):
        return tuple(getitem(h, (slice(None), order)) for h in hx)  # type: ignore[return-value]
    return getitem(hx, (slice(None), order))
