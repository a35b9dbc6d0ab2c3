"""Recurrent layers: RNN, LSTM and GRU.

``Recurrent`` is all three: its subclasses say which ``cell`` is computed, and into how many parts
its weights are cut. What one layer computes in one direction is one op, a ``Recurrence``
(``lucid/ops/recurrent.py``).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar, TypeAlias

import numpy as np

from lucid.autograd import is_tensor, make_tensor
from lucid.errors import ShapeError, check_size
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.lazy import SizedLayer
from lucid.nn.utils.rnn import PackedSequence
from lucid.ops import cat, getitem, reshape, squeeze, stack, transpose, unsqueeze
from lucid.ops.checks import check_one_dtype, check_tensor
from lucid.ops.recurrent import GRU as GRU_CELL
from lucid.ops.recurrent import LSTM as LSTM_CELL
from lucid.ops.recurrent import RELU, TANH, Recurrence
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]

States: TypeAlias = Tensor | tuple[Tensor, Tensor]


class Recurrent(SizedLayer):
    """What RNN, LSTM and GRU have in common; not to be used by itself."""

    inferred = "input_size"
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
        self.input_size: int | None = None  # set by _initialize
        self.hidden_size = check_size("hidden_size", hidden_size, 1)
        self.num_layers = check_size("num_layers", num_layers, 1)
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(f"dropout is a probability, from 0 to 1; got {dropout}")
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
        check_tensor(data, "input", type(self).__name__)
        if not isinstance(x, PackedSequence) and data.ndim not in (2, 3):
            order = "(N, L, features)" if self.batch_first else "(L, N, features)"
            raise ShapeError(
                f"{type(self).__name__} expected an input {order}, or (L, features) for one "
                f"sequence; got {data.shape}"
            )
        return data.shape[-1]

    def _size_from_state(self, shapes: dict[str, tuple[int, ...]]) -> int | None:
        weight = shapes.get("weight_ih_l0")
        if weight is None:
            return None
        rows = self.parts * self.hidden_size
        if len(weight) != 2 or weight[0] != rows:
            raise ShapeError(f"expected shape ({rows}, input_size), found {weight}")
        return weight[1]

    def reset_parameters(self) -> None:
        """Draw all parameters anew; nothing happens while they wait for their shapes."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self._parameters.values():
            if parameter is not None and parameter not in self._waiting():
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
            error = ShapeError(
                f"{type(self).__name__} expected {self.input_size} features in the last axis of "
                f"the input, got {size}"
            )
            self._say_origin(error)
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
                raise ShapeError(f"a sequence has at least one step; got an input {x.shape}")
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

    def _checked_states(
        self, rows: Tensor, N: int, hx: States | None, alone: bool
    ) -> list[Tensor]:
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
                raise ShapeError(f"{name} expected {key} {meaning}, {expected}; got {state.shape}")
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


class RNN(Recurrent):
    """Carry a state through a sequence.

    ``h_t = f(w_ih x_t + b_ih + w_hh h_(t-1) + b_hh)``, with f = tanh or relu, for each layer

    An input (L, N, input_size), or (L, input_size) for one sequence, or a ``PackedSequence``, gives
    the pair of the states of the last layer at all steps, (L, N, H), and the states of all layers
    at the last step, (layers, N, H). First states other than zero are given as ``rnn(x, h_0)``.

    Parameters
    ----------
    input_size : int
        Features of the input at each step.
    hidden_size : int
        H, the numbers of the state, and features of the output for each direction.
    num_layers : int
        Layers one upon the other: each takes the states of the one below for its input.
    nonlinearity : str
        ``"tanh"`` or ``"relu"``, the f of the formula.
    bias : bool
        Whether there are the two b.
    batch_first : bool
        Whether input and output are (N, L, features) or (L, N, features); the states are
        (layers * directions, N, H) in any case.
    dropout : float
        Probability, in training, with which a number is dropped between two layers.
    bidirectional : bool
        Whether there is a second pass, from the last step to the first; its states come after the
        others' in the last axis of the output.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : Parameter
        (H, input_size) and (H, H), drawn evenly from -k to k with
        k = 1 / sqrt(H), as all parameters are. With more layers ``_l1``, and so on, whose input
        is the output of the layer below; ``_l0_reverse`` for the second direction.
    bias_ih_l0, bias_hh_l0 : Parameter
        (H,), without ``bias=False``.

    Raises
    ------
    ValueError
        For sizes or a dropout out of range; in ``forward`` a ShapeError, for an input or states
        that do not fit.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    References
    ----------
    .. [1] J. L. Elman, "Finding Structure in Time", Cognitive Science 14, 1990.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> output, h_n = nn.RNN(12, 16, batch_first=True)(lucid.zeros(4, 29, 12))
    >>> output.shape, h_n.shape
    ((4, 29, 16), (1, 4, 16))
    """

    parts = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity, self.cell = nonlinearity, TANH if nonlinearity == "tanh" else RELU
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device,
            dtype,
        )  # fmt: skip


class LSTM(Recurrent):
    """Carry a state through a sequence, with cells whose gates learn what to keep.

    With x and h for x_t and h_(t-1), for each layer::

        i = sigmoid(w_ii x + b_ii + w_hi h + b_hi)        c_t = f * c_(t-1) + i * g
        f = sigmoid(w_if x + b_if + w_hf h + b_hf)        h_t = o * tanh(c_t)
        g =    tanh(w_ig x + b_ig + w_hg h + b_hg)
        o = sigmoid(w_io x + b_io + w_ho h + b_ho)

    An input (L, N, input_size), or (L, input_size) for one sequence, or a ``PackedSequence``, gives
    ``output, (h_n, c_n)``: h of the last layer at all steps, (L, N, H), then h and c of all layers
    at the last step, (layers, N, H). First states other than zero are given as
    ``lstm(x, (h_0, c_0))``.

    Parameters
    ----------
    input_size : int
        Features of the input at each step.
    hidden_size : int
        H, the numbers of the state, and features of the output for each direction.
    num_layers : int
        Layers one upon the other: each takes the states of the one below for its input.
    bias : bool
        Whether there are the two b.
    batch_first : bool
        Whether input and output are (N, L, features) or (L, N, features); the states are
        (layers * directions, N, H) in any case.
    dropout : float
        Probability, in training, with which a number is dropped between two layers.
    bidirectional : bool
        Whether there is a second pass, from the last step to the first; its states come after the
        others' in the last axis of the output.
    proj_size : int
        0: there are no projected states here.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : Parameter
        (4H, input_size) and (4H, H), the parts in the order of the formula, drawn evenly from -k to k with
        k = 1 / sqrt(H), as all parameters are. With more layers ``_l1``, and so on, whose input
        is the output of the layer below; ``_l0_reverse`` for the second direction.
    bias_ih_l0, bias_hh_l0 : Parameter
        (4H,), without ``bias=False``.

    Raises
    ------
    ValueError
        For sizes or a dropout out of range; in ``forward`` a ShapeError, for an input or states
        that do not fit.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> lstm = nn.LSTM(12, 16, num_layers=2, batch_first=True, bidirectional=True)
    >>> output, (h_n, c_n) = lstm(lucid.zeros(4, 29, 12))
    >>> output.shape, h_n.shape
    ((4, 29, 32), (4, 4, 16))
    """

    parts, states, cell = 4, ("h_0", "c_0"), LSTM_CELL

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        if proj_size != 0:
            raise ValueError(
                f"this LSTM has no projected states, so proj_size is 0; got {proj_size}\n"
                "  try: nn.Linear(hidden_size, proj_size) on its output"
            )
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device,
            dtype,
        )  # fmt: skip


class GRU(Recurrent):
    """Carry a state through a sequence, with gates that learn what to keep.

    With x and h for x_t and h_(t-1), for each layer::

        r = sigmoid(w_ir x + b_ir + w_hr h + b_hr)
        z = sigmoid(w_iz x + b_iz + w_hz h + b_hz)
        n = tanh(w_in x + b_in + r * (w_hn h + b_hn))     h_t = (1 - z) * n + z * h

    An input (L, N, input_size), or (L, input_size) for one sequence, or a ``PackedSequence``, gives
    the pair of the states of the last layer at all steps, (L, N, H), and the states of all layers
    at the last step, (layers, N, H). First states other than zero are given as ``gru(x, h_0)``.

    Parameters
    ----------
    input_size : int
        Features of the input at each step.
    hidden_size : int
        H, the numbers of the state, and features of the output for each direction.
    num_layers : int
        Layers one upon the other: each takes the states of the one below for its input.
    bias : bool
        Whether there are the two b.
    batch_first : bool
        Whether input and output are (N, L, features) or (L, N, features); the states are
        (layers * directions, N, H) in any case.
    dropout : float
        Probability, in training, with which a number is dropped between two layers.
    bidirectional : bool
        Whether there is a second pass, from the last step to the first; its states come after the
        others' in the last axis of the output.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : Parameter
        (3H, input_size) and (3H, H), the parts in the order of the formula, drawn evenly from -k to k with
        k = 1 / sqrt(H), as all parameters are. With more layers ``_l1``, and so on, whose input
        is the output of the layer below; ``_l0_reverse`` for the second direction.
    bias_ih_l0, bias_hh_l0 : Parameter
        (3H,), without ``bias=False``.

    Raises
    ------
    ValueError
        For sizes or a dropout out of range; in ``forward`` a ShapeError, for an input or states
        that do not fit.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    References
    ----------
    .. [1] K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for
       Statistical Machine Translation", EMNLP 2014, arXiv:1406.1078.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> output, h_n = nn.GRU(12, 16, batch_first=True)(lucid.zeros(4, 29, 12))
    >>> output.shape, h_n.shape
    ((4, 29, 16), (1, 4, 16))
    """

    parts, cell = 3, GRU_CELL

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device,
            dtype,
        )  # fmt: skip
