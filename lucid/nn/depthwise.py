"""Depthwise convolution: every channel on its own."""

from __future__ import annotations

from lucid.errors import check_size
from lucid.nn.conv import Conv1d
from lucid.nn.lazy import PENDING, LazyMixin
from lucid.types import DeviceLike, DTypeLike

__all__ = ["DepthwiseConv1d", "LazyDepthwiseConv1d"]


class DepthwiseConv1d(Conv1d):
    """Slide learned kernels over every channel of a signal on its own.

    ::

        y[n, o, t] = b[o] + sum over k of w[o, 0, k] * p[n, c, t*stride + k*dilation]

    with p the padded input, and c = floor(o / depth_multiplier) the channel that output channel o
    is made from. It is a ``Conv1d`` with ``groups=in_channels`` and
    ``out_channels=in_channels * depth_multiplier``: the first half of a separable convolution
    [1]_, whose second is a ``Conv1d`` with ``kernel_size=1``.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    kernel_size : int
        Positions a kernel covers. Here and below, ``(3,)`` counts as 3.
    stride : int
        Steps from one output to the next.
    padding : int or str
        Positions added on either side, or ``"same"`` or ``"valid"``.
    dilation : int
        Steps from one kernel position to the next.
    depth_multiplier : int
        How many kernels each channel has, and so how many output channels come from it.
    bias : bool
        Whether a learned number is added to each output channel.
    padding_mode : str
        ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``, as in ``Conv1d``.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter
        (in_channels * depth_multiplier, 1, kernel_size), drawn as that of a ``Conv1d``.
    bias : Parameter or None
        (in_channels * depth_multiplier,), drawn from the same range.

    Raises
    ------
    ValueError
        As ``Conv1d``.
    TypeError
        As ``Conv1d``.

    References
    ----------
    .. [1] F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017,
       arXiv:1610.02357.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.DepthwiseConv1d(16, kernel_size=5, padding="same", depth_multiplier=2)
    >>> layer(lucid.zeros(4, 16, 64)).shape, layer.weight.shape
    ((4, 32, 64), (32, 1, 5))
    """

    def __init__(
        self,
        in_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        depth_multiplier: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        self.depth_multiplier = check_size("depth_multiplier", depth_multiplier, 1)
        # For one channel; what follows from the number of channels is set when that is known.
        super().__init__(
            in_channels, self.depth_multiplier, kernel_size, stride, padding, dilation, 1, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        out_channels = size * self.depth_multiplier
        return self._weight_and_bias((out_channels, 1, self.kernel_size), out_channels)

    def _make_buffers(self, size: int) -> None:
        self.out_channels, self.groups = size * self.depth_multiplier, size

    def _smallest_size(self) -> int:
        return 1

    _sizes = ("in_channels", "kernel_size")

    def _options(self) -> dict[str, tuple[object, object]]:
        options = {**super()._options(), "depth_multiplier": (self.depth_multiplier, 1)}
        del options["groups"]
        return options


class LazyDepthwiseConv1d(LazyMixin, DepthwiseConv1d):
    """A ``DepthwiseConv1d`` that learns ``in_channels`` from its first input.

    The formula, and all arguments but the one that is missing, are those of ``DepthwiseConv1d``.

    Lazy layers leave out the input's size: what is first here is ``kernel_size``, and a
    number too many would be taken for the stride.

    Parameters
    ----------
    kernel_size : int
        Positions a kernel covers.
    stride : int
        Steps from one output to the next.
    padding : int or str
        Positions added on either side, or ``"same"`` or ``"valid"``.
    dilation : int
        Steps from one kernel position to the next.
    depth_multiplier : int
        How many kernels each channel has, and so how many output channels come from it.
    bias : bool
        Whether a learned number is added to each output channel.
    padding_mode : str
        ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``, as in ``Conv1d``.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight, bias : Parameter or None
        As in ``DepthwiseConv1d``; None until the first forward.
    in_channels, out_channels, groups : int or None
        None until the first forward; then what is inferred, and what follows from it.

    Raises
    ------
    ValueError
        As ``Conv1d``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``Conv1d``.

    Examples
    --------
    A separable convolution that needs to know no channels but its own:

    >>> import lucid
    >>> import lucid.nn as nn
    >>> separable = nn.Sequential(
    ...     nn.LazyDepthwiseConv1d(kernel_size=5, padding="same"),
    ...     nn.LazyConv1d(32, kernel_size=1),
    ... )
    >>> separable(lucid.zeros(4, 16, 64)).shape
    (4, 32, 64)
    """

    def __init__(
        self,
        kernel_size: int,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        depth_multiplier: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            PENDING, kernel_size, stride, padding, dilation, depth_multiplier, bias, padding_mode,
            device, dtype,
        )  # fmt: skip
        self.__dict__.update(out_channels=None, groups=None)
