"""Linear layers."""

from __future__ import annotations

import numpy as np

from lucid.cures import rank_cure
from lucid.errors import ShapeError, add_to_message, check_size
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.lazy import PENDING, LazyMixin, SizedLayer
from lucid.ops.checks import check_tensor
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["LazyLinear", "Linear"]


class Linear(SizedLayer):
    """A learned linear map of the last axis.

    ``y[..., o] = b[o] + sum over i of w[o, i] * x[..., i]``

    Parameters
    ----------
    in_features : int
        Size of the last axis of the input.
    out_features : int
        Size of the last axis of the output.
    bias : bool
        Whether a learned number is added to each output.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter
        (out_features, in_features), drawn evenly from -k to k with k = 1 / sqrt(in_features).
    bias : Parameter or None
        (out_features,), drawn from the same range.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, for an input of another last axis.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Linear(16, 9)(lucid.zeros(4, 16)).shape
    (4, 9)
    """

    inferred = "in_features"
    inferred_axis = -1
    sizing = ("out_features",)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(device, dtype)
        self._check_flags(bias=bias)
        self.in_features: int | None = None  # set by _initialize
        self.out_features = check_size("out_features", out_features, 1)
        self.weight: Tensor | None
        self.bias: Tensor | None = None
        self._declare("weight", "bias") if bias else self._declare("weight")
        self._complete(in_features)

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.out_features, size), "bias": (self.out_features,)}

    def _size_from_input(self, x: Tensor) -> int:
        check_tensor(x, "input", type(self).__name__, self._dtype)
        if x.ndim == 0:
            raise ShapeError(
                f"{type(self).__name__} expected an input (..., features), got ()"
                + rank_cure("x", x.shape, 1, 1)
            )
        return x.shape[-1]

    def reset_parameters(self) -> None:
        """Draw weight and bias anew; nothing happens while they wait for their shapes."""
        if self.weight is not None:
            init.by_fan_in_(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the map: (..., in_features) to (..., out_features)."""
        try:
            return F.linear(x, self.weight, self.bias)  # type: ignore[arg-type]  # filled by now
        except ShapeError as error:
            if not x.ndim:
                add_to_message(error, self._origin_line())
            elif x.shape[-1] != self.in_features:
                self._say_origin(error, x)
                self._say_how_to_pool(error, x)
            raise

    def _say_how_to_pool(self, error: ShapeError, x: Tensor) -> None:
        """Where the input is a signal that was flattened, propose to bring that to its length."""
        signal = x._array.base  # flattening copies nothing, so that a view knows where it is from
        if x.ndim == 2 and isinstance(signal, np.ndarray) and signal.ndim == 3 and self.in_features:
            C, L = signal.shape[1:]
            length, rest = divmod(self.in_features, C)
            if length and not rest and x.shape == (len(signal), C * L):
                flattened = f"x was flattened: {C} channels of length {L}, where {length} were"
                add_to_message(error, f"{flattened} expected")
                add_to_message(error, f"try: nn.AdaptiveAvgPool1d({length}), nn.Flatten()")

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        shown = f"in_features={self.in_features}, out_features={self.out_features}"
        return shown if self._parameters.get("bias") is not None else f"{shown}, bias=False"


class LazyLinear(LazyMixin, Linear):
    """A ``Linear`` that learns ``in_features`` from the last axis of its first input.

    ``y[..., o] = b[o] + sum over i of w[o, i] * x[..., i]``

    Lazy layers leave out the input's size: what is first here is ``out_features``, and a
    number too many would be taken for the bias (an error).

    Parameters
    ----------
    out_features : int
        Size of the last axis of the output.
    bias : bool
        Whether a learned number is added to each output.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter or None
        None until the first forward; then (out_features, in_features).
    bias : Parameter or None
        None until the first forward; then (out_features,), or None still with ``bias=False``.
    in_features : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``Linear``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``Linear``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.LazyLinear(9)
    >>> layer(lucid.zeros(4, 16)).shape, layer.in_features
    ((4, 9), 16)
    """

    def __init__(
        self,
        out_features: int,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(PENDING, out_features, bias, device, dtype)
