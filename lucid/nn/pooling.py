"""Pooling layers."""

from __future__ import annotations

from typing import Any

from lucid.errors import check_size
from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.ops.pool import check_window
from lucid.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveMaxPool1d",
    "AvgPool1d",
    "LPPool1d",
    "MaxPool1d",
    "MaxUnpool1d",
]


class MaxPool1d(Module):
    """y[n, c, t] = max over k of x[n, c, t*stride - padding + k*dilation]

    Parameters
    ----------
    kernel_size : int
        Positions per window.
    stride : int, optional
        Steps from one window to the next; by default ``kernel_size``.
    padding : int
        Positions added on either side, at most half a window; they never are the maximum.
    dilation : int
        Steps from one position of a window to the next.
    return_indices : bool
        Whether to return the places of the maxima, too.
    ceil_mode : bool
        Whether the last window may reach beyond the padded input.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, if no window fits.
    TypeError
        For sizes that are no ints.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.MaxPool1d(2)(lucid.tensor([[[1.0, 3.0, 2.0, 0.0]]]))
    tensor([[[3., 2.]]])
    """

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        window = check_window(kernel_size, stride, padding, dilation)
        self.kernel_size, self.stride, self.padding, self.dilation = window
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x: Tensor) -> Any:
        """Pool: (N, C, L) or (C, L) to the same with L_out."""
        return F.max_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxUnpool1d(Module):
    """y[n, c, indices[n, c, t]] = x[n, c, t], and 0 elsewhere

    Parameters
    ----------
    kernel_size, stride, padding : int
        Those of the ``MaxPool1d`` that is undone.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward``, for indices out of range.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> pool, unpool = nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2)
    >>> unpool(*pool(lucid.tensor([[[1.0, 3.0, 2.0, 0.0]]])))
    tensor([[[0., 3., 2., 0.]]])
    """

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, _ = check_window(kernel_size, stride, padding)

    def forward(self, x: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Put back: (N, C, L) or (C, L) to the same with the length before pooling."""
        return F.max_unpool1d(x, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(Module):
    """y[n, c, t] = mean over k of x[n, c, t*stride - padding + k]

    Parameters
    ----------
    kernel_size : int
        Positions per window.
    stride : int, optional
        Steps from one window to the next; by default ``kernel_size``.
    padding : int
        Zeros added on either side, at most half a window.
    ceil_mode : bool
        Whether the last window may reach beyond the padded input; what lies beyond does not count.
    count_include_pad : bool
        Whether the zeros of the padding count as numbers of a window.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, if no window fits.
    TypeError
        For sizes that are no ints.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.AvgPool1d(2)(lucid.tensor([[[1.0, 3.0, 2.0, 0.0]]]))
    tensor([[[2., 1.]]])
    """

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, _ = check_window(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        """Pool: (N, C, L) or (C, L) to the same with L_out."""
        return F.avg_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class LPPool1d(Module):
    """y[n, c, t] = (sum over k of x[n, c, t*stride + k]^p)^(1/p), for p = norm_type

    Parameters
    ----------
    norm_type : float
        p: 1 gives the sum, a large number nearly the maximum.
    kernel_size : int
        Positions per window.
    stride : int, optional
        Steps from one window to the next; by default ``kernel_size``.
    ceil_mode : bool
        Whether the last window may reach beyond the input.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, if no window fits.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.LPPool1d(2, 2)(lucid.tensor([[[3.0, 4.0, 0.0, 2.0]]]))
    tensor([[[5., 2.]]])
    """

    def __init__(
        self,
        norm_type: float,
        kernel_size: int,
        stride: int | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type, self.ceil_mode = float(norm_type), ceil_mode
        self.kernel_size, self.stride, *_ = check_window(kernel_size, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Pool: (N, C, L) or (C, L) to the same with L_out."""
        return F.lp_pool1d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """The power and the sizes."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class AdaptiveAvgPool1d(Module):
    """y[n, c, t] = mean of x[n, c, floor(t*L/T) : ceil((t+1)*L/T)], for T = output_size windows

    Parameters
    ----------
    output_size : int
        T, the length of the output, whatever the length of the input.

    Raises
    ------
    ValueError
        If ``output_size`` is less than 1.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.AdaptiveAvgPool1d(1)(lucid.tensor([[[1.0, 3.0, 2.0, 0.0]]]))
    tensor([[[1.5000]]])
    """

    def __init__(self, output_size: int) -> None:
        super().__init__()
        self.output_size = check_size("output_size", output_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Pool: (N, C, L) or (C, L) to the same with output_size for L."""
        return F.adaptive_avg_pool1d(x, self.output_size)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(Module):
    """y[n, c, t] = max of x[n, c, floor(t*L/T) : ceil((t+1)*L/T)], for T = output_size windows

    Parameters
    ----------
    output_size : int
        T, the length of the output, whatever the length of the input.
    return_indices : bool
        Whether to return the places of the maxima, too.

    Raises
    ------
    ValueError
        If ``output_size`` is less than 1.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.AdaptiveMaxPool1d(1)(lucid.tensor([[[1.0, 3.0, 2.0, 0.0]]]))
    tensor([[[3.]]])
    """

    def __init__(self, output_size: int, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = check_size("output_size", output_size, 1)
        self.return_indices = return_indices

    def forward(self, x: Tensor) -> Any:
        """Pool: (N, C, L) or (C, L) to the same with output_size for L."""
        return F.adaptive_max_pool1d(x, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"
