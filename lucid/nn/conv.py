"""Convolution layers."""

from __future__ import annotations

import math
from typing import ClassVar

from lucid.cures import groups_cure
from lucid.errors import ShapeError, check_size
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.lazy import PENDING, LazyMixin, SizedLayer
from lucid.ops.checks import check_rank, check_tensor
from lucid.ops.conv import check_mode, check_padding
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["Conv1d", "ConvLayer", "LazyConv1d"]


class ConvLayer(SizedLayer):
    """What a convolution and a transposed one share: all but padding and direction."""

    inferred = "in_channels"
    sizing = ("out_channels", "kernel_size", "groups")
    _sizes: ClassVar[tuple[str, ...]] = ("in_channels", "out_channels", "kernel_size")

    def __init__(
        self,
        in_channels: int,  # only for a cure: it is checked and set by _complete
        out_channels: int,
        kernel_size: int,
        stride: int,
        dilation: int,
        groups: int,
        bias: bool,
        device: DeviceLike,
        dtype: DTypeLike,
    ) -> None:
        super().__init__(device, dtype)
        self._check_flags(bias=bias)
        self.in_channels: int | None = None  # set by _initialize
        self.out_channels = check_size("out_channels", out_channels, 1)
        self.kernel_size = check_size("kernel_size", kernel_size, 1)
        self.stride = check_size("stride", stride, 1)
        self.dilation = check_size("dilation", dilation, 1)
        self.groups = check_size("groups", groups, 1)
        self._check_groups("out_channels", self.out_channels, in_channels)
        self.weight: Tensor | None
        self.bias: Tensor | None = None
        self._declare("weight", "bias") if bias else self._declare("weight")

    def _check_groups(self, name: str, size: int, other: int | None) -> None:
        """One number of channels; a cure divides the other as well, if that is known."""
        if size % self.groups:
            raise ValueError(
                f"{name} must be divisible by groups: {name}={size}, groups={self.groups}"
                + groups_cure("groups", self.groups, size, other)
            )

    def _weight_and_bias(
        self, weight: tuple[int, ...], out_channels: int
    ) -> dict[str, tuple[int, ...]]:
        if math.prod(weight) >= 2**31:
            raise ValueError(f"a weight of shape {weight} has 2**31 numbers or more")
        return {"weight": weight, "bias": (out_channels,)}

    def _smallest_size(self) -> int:
        return self.groups

    def _size_from_input(self, x: Tensor) -> int:
        check_tensor(x, "input", type(self).__name__, self._dtype)
        check_rank(x.shape, type(self).__name__)
        return x.shape[1]

    def reset_parameters(self) -> None:
        """Draw weight and bias anew; nothing happens while they wait for their shapes."""
        if self.weight is not None:
            init.by_fan_in_(self.weight, self.bias)

    def _say_more(self, error: ShapeError, x: Tensor) -> None:
        """If it is the channels of the input that are wrong, say where the layer has its own."""
        if x.ndim == 3 and x.shape[1] != self.in_channels:
            self._say_origin(error, x)

    def _options(self) -> dict[str, tuple[object, object]]:
        """Each option that ``repr`` may show, and its default."""
        return {
            "stride": (self.stride, 1),
            "dilation": (self.dilation, 1),
            "groups": (self.groups, 1),
            "bias": (self._parameters.get("bias") is not None, True),
        }

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        return self._describe(*self._sizes, **self._options())


class Conv1d(ConvLayer):
    """Slide learned kernels over a signal.

    ::

        y[n, o, t] = b[o] + sum over c, k of w[o, c, k] * p[n, c0 + c, t*stride + k*dilation]

    with p the padded input and c0 the first channel of the group that output channel o belongs to.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    out_channels : int
        Channels of the output: how many kernels are learned.
    kernel_size : int
        Positions a kernel covers. Here and below, ``(3,)`` counts as 3.
    stride : int
        Steps from one output to the next.
    padding : int or str
        Positions added on either side; ``"valid"`` adds none, ``"same"`` as many as make the
        output as long as the input (stride 1 only; the odd one goes to the right).
    dilation : int
        Steps from one kernel position to the next.
    groups : int
        Into how many groups the channels are split, each convolved on its own.
    bias : bool
        Whether a learned number is added to each output channel.
    padding_mode : str
        What is added, for 1 2 3 4 padded by two: ``"zeros"`` 0 0 1 2 3 4 0 0, ``"reflect"``
        3 2 1 2 3 4 3 2, ``"replicate"`` 1 1 1 2 3 4 4 4, ``"circular"`` 3 4 1 2 3 4 1 2.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter
        (out_channels, in_channels / groups, kernel_size), drawn evenly from -k to k with
        k = 1 / sqrt(in_channels / groups * kernel_size) [1]_.
    bias : Parameter or None
        (out_channels,), drawn from the same range.

    Raises
    ------
    ValueError
        For sizes out of range, channels not divisible by groups, unknown paddings and modes. In
        ``forward`` a ShapeError (a ValueError), if the input is not (N, in_channels, L) or is too
        short.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    Notes
    -----
    Input (N, C_in, L), output (N, C_out, L_out) with
    L_out = floor((L + pad_left + pad_right - dilation * (kernel_size - 1) - 1) / stride) + 1.

    References
    ----------
    .. [1] K. He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> conv = nn.Conv1d(16, 32, kernel_size=3, stride=2)
    >>> conv(lucid.zeros(4, 16, 64)).shape
    (4, 32, 31)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias, device, dtype
        )
        self.padding = check_padding(padding, self.stride, self.kernel_size, self.dilation)
        check_mode(padding_mode)
        self.padding_mode = padding_mode
        self._complete(in_channels)

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        self._check_groups("in_channels", size, self.out_channels)
        weight = (self.out_channels, size // self.groups, self.kernel_size)
        return self._weight_and_bias(weight, self.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the convolution: (N, C_in, L) to (N, C_out, L_out)."""
        try:
            return F.conv1d(
                x, self.weight, self.bias, self.stride,  # type: ignore[arg-type]  # filled by now
                self.padding, self.dilation, self.groups, self.padding_mode,
            )  # fmt: skip
        except ShapeError as error:
            self._say_more(error, x)
            raise

    def _options(self) -> dict[str, tuple[object, object]]:
        return {
            "stride": (self.stride, 1),
            "padding": (self.padding, 0),
            **super()._options(),
            "padding_mode": (self.padding_mode, "zeros"),
        }


class LazyConv1d(LazyMixin, Conv1d):
    """A ``Conv1d`` that learns ``in_channels`` from its first input.

    Its weight and bias are allocated and initialized when the first input comes (or a state dict
    that holds them): C_in is then ``x.shape[1]``. From there on it behaves as the ``Conv1d`` that
    could have been written had C_in been known, down to the very numbers: after
    ``lucid.manual_seed`` both begin with the same weights. A model can so be written without
    working out sizes by hand, and an architecture search can change one layer without touching
    the next.

    ::

        y[n, o, t] = b[o] + sum over c, k of w[o, c, k] * p[n, c0 + c, t*stride + k*dilation]

    Lazy layers leave out the input's size: what is first here is ``out_channels``, and a
    number too many would be taken for the stride.

    Parameters
    ----------
    out_channels : int
        Channels of the output.
    kernel_size : int
        Positions a kernel covers.
    stride : int
        Steps from one output to the next.
    padding : int or str
        Positions added on either side, or ``"same"`` or ``"valid"``.
    dilation : int
        Steps from one kernel position to the next.
    groups : int
        Into how many groups the channels are split. The inferred ``in_channels`` must be
        divisible by it, too; that is checked when it is known, in ``_initialize``.
    bias : bool
        Whether a learned number is added to each output channel.
    padding_mode : str
        What is added, for 1 2 3 4 padded by two: ``"zeros"`` 0 0 1 2 3 4 0 0, ``"reflect"``
        3 2 1 2 3 4 3 2, ``"replicate"`` 1 1 1 2 3 4 4 4, ``"circular"`` 3 4 1 2 3 4 1 2.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter or None
        None until the first forward; then (out_channels, in_channels / groups, kernel_size).
    bias : Parameter or None
        None until the first forward; then (out_channels,), or None still with ``bias=False``.
    in_channels : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``Conv1d``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``Conv1d``.

    Notes
    -----
    Input (N, C_in, L), output (N, C_out, L_out) with
    L_out = floor((L + pad_left + pad_right - dilation * (kernel_size - 1) - 1) / stride) + 1.

    ``parameters()`` yields placeholders before the first forward, and these very objects are
    filled by it: an optimizer can be made first.

    A state dict whose ``weight`` has the shape (out_channels, in_channels / groups, kernel_size)
    initializes the layer just as a first input does, so that a model can be restored without ever
    calling ``forward``.

    Examples
    --------
    Lazy conv in a sequential model:

    >>> import lucid
    >>> import lucid.nn as nn
    >>> model = nn.Sequential(
    ...     nn.LazyConv1d(out_channels=32, kernel_size=3, padding=1),
    ...     nn.ReLU(),
    ... )
    >>> x = lucid.zeros(4, 16, 64)   # in_channels=16 inferred here
    >>> y = model(x)
    >>> y.shape
    (4, 32, 64)

    Check that in_channels was inferred:

    >>> import lucid
    >>> import lucid.nn as nn
    >>> lazy = nn.LazyConv1d(out_channels=8, kernel_size=5, padding=2)
    >>> print(lazy.in_channels)
    None
    >>> _ = lazy(lucid.zeros(1, 3, 20))
    >>> print(lazy.in_channels)
    3
    """

    def __init__(
        self,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            PENDING, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
