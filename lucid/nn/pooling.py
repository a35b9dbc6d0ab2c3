"""Pooling layers."""

from __future__ import annotations

from typing import Any

from lucid.errors import check_size
from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.tensor import Tensor

__all__ = ["AdaptiveAvgPool1d", "MaxPool1d"]


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
        self.kernel_size = check_size("kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else check_size("stride", stride, 1)
        self.padding = check_size("padding", padding, 0)
        self.dilation = check_size("dilation", dilation, 1)
        if self.padding > self.kernel_size // 2:
            raise ValueError(
                f"padding must be at most half of kernel_size={self.kernel_size}, got {padding}"
            )
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x: Tensor) -> Any:
        """Pool: (N, C, L) to (N, C, L_out)."""
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
        """Pool: (N, C, L) to (N, C, output_size)."""
        return F.adaptive_avg_pool1d(x, self.output_size)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"
