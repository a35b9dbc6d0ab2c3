"""The lazy forms of the recurrent layers."""

from __future__ import annotations

from lucid.nn.lazy import PENDING, LazyMixin
from lucid.nn.recurrent import GRU, LSTM, RNN
from lucid.types import DeviceLike, DTypeLike

__all__ = ["LazyGRU", "LazyLSTM", "LazyRNN"]


class LazyRNN(LazyMixin, RNN):
    """An ``RNN`` that learns ``input_size`` from the last axis of its first input.

    The formula and all arguments are those of ``RNN``.

    Lazy layers leave out the input's size: what is first here is ``hidden_size``, and a
    number too many would be taken for ``num_layers``.

    Parameters
    ----------
    hidden_size : int
        H, the numbers of the state, and features of the output for each direction.
    num_layers : int
        Layers one upon the other.
    nonlinearity : str
        ``"tanh"`` or ``"relu"``.
    bias : bool
        Whether there are biases.
    batch_first : bool
        Whether input and output are (N, L, features) or (L, N, features).
    dropout : float
        Probability, in training, with which a number is dropped between two layers.
    bidirectional : bool
        Whether there is a second pass, from the last step to the first.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 : Parameter or None
        And so on, as in ``RNN``; None until the first forward.
    input_size : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``RNN``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``RNN``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.LazyRNN(16, batch_first=True)
    >>> output, h_n = layer(lucid.zeros(4, 29, 12))
    >>> output.shape, layer.input_size
    ((4, 29, 16), 12)
    """

    def __init__(
        self,
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
        super().__init__(
            PENDING, hidden_size, num_layers, nonlinearity, bias, batch_first, dropout,
            bidirectional, device, dtype,
        )  # fmt: skip


class LazyLSTM(LazyMixin, LSTM):
    """An ``LSTM`` that learns ``input_size`` from the last axis of its first input.

    The formula and all arguments are those of ``LSTM``.

    Lazy layers leave out the input's size: what is first here is ``hidden_size``, and a
    number too many would be taken for ``num_layers``.

    Parameters
    ----------
    hidden_size : int
        H, the numbers of the state, and features of the output for each direction.
    num_layers : int
        Layers one upon the other.
    bias : bool
        Whether there are biases.
    batch_first : bool
        Whether input and output are (N, L, features) or (L, N, features).
    dropout : float
        Probability, in training, with which a number is dropped between two layers.
    bidirectional : bool
        Whether there is a second pass, from the last step to the first.
    proj_size : int
        0: there are no projected states here.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 : Parameter or None
        And so on, as in ``LSTM``; None until the first forward.
    input_size : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``LSTM``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``LSTM``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.LazyLSTM(16, batch_first=True)
    >>> output, (h_n, c_n) = layer(lucid.zeros(4, 29, 12))
    >>> output.shape, layer.input_size
    ((4, 29, 16), 12)
    """

    def __init__(
        self,
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
        super().__init__(
            PENDING, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            proj_size, device, dtype,
        )  # fmt: skip


class LazyGRU(LazyMixin, GRU):
    """A ``GRU`` that learns ``input_size`` from the last axis of its first input.

    The formula and all arguments are those of ``GRU``.

    Lazy layers leave out the input's size: what is first here is ``hidden_size``, and a
    number too many would be taken for ``num_layers``.

    Parameters
    ----------
    hidden_size : int
        H, the numbers of the state, and features of the output for each direction.
    num_layers : int
        Layers one upon the other.
    bias : bool
        Whether there are biases.
    batch_first : bool
        Whether input and output are (N, L, features) or (L, N, features).
    dropout : float
        Probability, in training, with which a number is dropped between two layers.
    bidirectional : bool
        Whether there is a second pass, from the last step to the first.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 : Parameter or None
        And so on, as in ``GRU``; None until the first forward.
    input_size : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``GRU``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``GRU``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.LazyGRU(16, batch_first=True)
    >>> output, h_n = layer(lucid.zeros(4, 29, 12))
    >>> output.shape, layer.input_size
    ((4, 29, 16), 12)
    """

    def __init__(
        self,
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
            PENDING, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device,
            dtype,
        )  # fmt: skip
