"""The transposed convolution layer."""

from __future__ import annotations

from collections.abc import Sequence

from lucid.errors import ShapeError, check_size
from lucid.nn import functional as F
from lucid.nn.conv import ConvLayer
from lucid.nn.lazy import PENDING, LazyMixin
from lucid.ops.conv_transpose import check_output_padding
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["ConvTranspose1d", "LazyConvTranspose1d"]


class ConvTranspose1d(ConvLayer):
    """Let every position of a signal add a learned kernel, times its number, to the output.

    ::

        y[n, o, j] = b[o] + sum over c, k, t of w[c, o, k] * x[n, c, t],
                     for those k, t with t*stride + k*dilation - padding = j

    This is the adjoint of ``Conv1d``, and makes long again what a stride made short.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    out_channels : int
        Channels of the output.
    kernel_size : int
        Positions a kernel covers. Here and below, ``(3,)`` counts as 3.
    stride : int
        Steps between the kernels that two neighbouring positions add.
    padding : int
        Positions left off on either side of the output.
    output_padding : int
        Positions more on the right, fewer than ``stride`` or ``dilation``.
    groups : int
        Into how many groups the channels are split, each convolved on its own.
    bias : bool
        Whether a learned number is added to each output channel.
    dilation : int
        Steps from one kernel position to the next.
    padding_mode : str
        There is one: ``"zeros"``.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter
        (in_channels, out_channels / groups, kernel_size), drawn evenly from -k to k with
        k = 1 / sqrt(out_channels / groups * kernel_size).
    bias : Parameter or None
        (out_channels,), drawn from the same range.

    Raises
    ------
    ValueError
        For sizes out of range, channels not divisible by groups, and other padding modes. In
        ``forward`` a ShapeError (a ValueError), if the input is not (N, in_channels, L).
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    Notes
    -----
    Input (N, C_in, L), output (N, C_out, L_out) with
    L_out = (L - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1.

    References
    ----------
    .. [1] V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016,
       arXiv:1603.07285.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> x = lucid.zeros(4, 16, 65)
    >>> down, up = nn.Conv1d(16, 32, 3, stride=2), nn.ConvTranspose1d(32, 16, 3, stride=2)
    >>> down(x).shape, up(down(x)).shape
    ((4, 32, 32), (4, 16, 65))

    66 positions become 32 as well; ``output_size`` says to which length to return:

    >>> up(down(lucid.zeros(4, 16, 66)), output_size=66).shape
    (4, 16, 66)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int = 1,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias, device, dtype
        )
        self.padding = check_size("padding", padding, 0)
        self.output_padding = check_output_padding(output_padding, self.stride, self.dilation)
        if padding_mode != "zeros":
            raise ValueError(
                "a transposed convolution leaves positions off, and so has no padding_mode but "
                f"'zeros', got {padding_mode!r}"
            )
        self.padding_mode = padding_mode
        self._complete(in_channels)

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        self._check_groups("in_channels", size, self.out_channels)
        weight = (size, self.out_channels // self.groups, self.kernel_size)
        return self._weight_and_bias(weight, self.out_channels)

    def forward(self, x: Tensor, output_size: int | Sequence[int] | None = None) -> Tensor:
        """Apply it: (N, C_in, L) to (N, C_out, L_out); ``output_size`` chooses among lengths."""
        self._size_from_input(x)  # an error, if this is no input at all
        extra = self.output_padding
        if output_size is not None:
            extra = self._extra_for(output_size, x.shape[2])
        try:
            return F.conv_transpose1d(
                x, self.weight, self.bias, self.stride,  # type: ignore[arg-type]  # filled by now
                self.padding, extra, self.groups, self.dilation,
            )  # fmt: skip
        except ShapeError as error:
            self._say_more(error, x)
            raise

    def _extra_for(self, output_size: int | Sequence[int], L: int) -> int:
        """The output padding that makes the output as long as is wished."""
        sizes = [output_size] if not isinstance(output_size, Sequence) else list(output_size)
        if len(sizes) not in (1, 3):
            raise ValueError(
                f"output_size is a length, (L_out,) or (N, C_out, L_out), got {output_size}"
            )
        wanted = check_size("output_size", sizes[-1], 1)
        least = (
            (L - 1) * self.stride - 2 * self.padding + self.dilation * (self.kernel_size - 1) + 1
        )
        if not least <= wanted < least + self.stride:
            raise ValueError(
                f"an input of length {L} can become {least} to {least + self.stride - 1} long, "
                f"got output_size={output_size}"
            )
        return wanted - least

    def _options(self) -> dict[str, tuple[object, object]]:
        return {
            "stride": (self.stride, 1),
            "padding": (self.padding, 0),
            "output_padding": (self.output_padding, 0),
            **super()._options(),
        }


class LazyConvTranspose1d(LazyMixin, ConvTranspose1d):
    """A ``ConvTranspose1d`` that learns ``in_channels`` from its first input.

    The formula, and all arguments but the one that is missing, are those of ``ConvTranspose1d``.

    Lazy layers leave out the input's size: what is first here is ``out_channels``, and a
    number too many would be taken for the stride.

    Parameters
    ----------
    out_channels : int
        Channels of the output.
    kernel_size : int
        Positions a kernel covers.
    stride : int
        Steps between the kernels that two neighbouring positions add.
    padding : int
        Positions left off on either side of the output.
    output_padding : int
        Positions more on the right, fewer than ``stride`` or ``dilation``.
    groups : int
        Into how many groups the channels are split.
    bias : bool
        Whether a learned number is added to each output channel.
    dilation : int
        Steps from one kernel position to the next.
    padding_mode : str
        There is one: ``"zeros"``.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight, bias : Parameter or None
        As in ``ConvTranspose1d``; None until the first forward.
    in_channels : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``ConvTranspose1d``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``ConvTranspose1d``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> up = nn.LazyConvTranspose1d(8, kernel_size=4, stride=2, padding=1)
    >>> up(lucid.zeros(4, 16, 10)).shape, up.in_channels
    ((4, 8, 20), 16)
    """

    def __init__(
        self,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int = 1,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            PENDING, out_channels, kernel_size, stride, padding, output_padding, groups, bias,
            dilation, padding_mode, device, dtype,
        )  # fmt: skip
