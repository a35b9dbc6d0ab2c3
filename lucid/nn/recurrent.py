"""Recurrent layers: RNN, LSTM and GRU. What they compute with is in ``recurrence.py``."""

from __future__ import annotations

from lucid.cures import choice_cure
from lucid.nn.recurrence import Recurrent
from lucid.ops.recurrent import GRU as GRU_CELL
from lucid.ops.recurrent import LSTM as LSTM_CELL
from lucid.ops.recurrent import RELU, TANH
from lucid.types import DeviceLike, DTypeLike

__all__ = ["GRU", "LSTM", "RNN"]


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
            raise ValueError(
                f"nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}"
                + choice_cure("nonlinearity", nonlinearity, ("tanh", "relu"))
            )
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
        (4H, input_size) and (4H, H), the parts in the order of the formula, drawn evenly
        from -k to k with k = 1 / sqrt(H), as all parameters are. With more layers ``_l1``, and so
        on, whose input is the output of the layer below; ``_l0_reverse`` for the second direction.
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
        (3H, input_size) and (3H, H), the parts in the order of the formula, drawn evenly
        from -k to k with k = 1 / sqrt(H), as all parameters are. With more layers ``_l1``, and so
        on, whose input is the output of the layer below; ``_l0_reverse`` for the second direction.
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
