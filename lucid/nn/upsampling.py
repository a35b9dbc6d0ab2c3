"""Upsampling layers."""

from __future__ import annotations

from collections.abc import Sequence

from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.tensor import Tensor

__all__ = ["Upsample"]


class Upsample(Module):
    """y[n, c, t] = x[n, c] read around position t * L / L_out, as ``F.interpolate`` says

    Parameters
    ----------
    size : int, optional
        L_out. Either this or ``scale_factor``.
    scale_factor : float, optional
        L_out / L; L_out = floor(L * scale_factor).
    mode : str
        ``"nearest"``, ``"nearest-exact"``, ``"linear"`` or ``"area"``.
    align_corners : bool, optional
        For ``"linear"``: whether the first and last samples stay where they are.
    recompute_scale_factor : bool, optional
        Whether positions are worked out with L / L_out also where ``scale_factor`` is given.

    Raises
    ------
    ValueError
        In ``forward``, as ``F.interpolate``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Upsample(scale_factor=2)(lucid.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 1., 2., 2.]]])
    """

    def __init__(
        self,
        size: int | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, x: Tensor) -> Tensor:
        """Interpolate: (N, C, L) to (N, C, L_out)."""
        return F.interpolate(
            x, self.size, self.scale_factor, self.mode, self.align_corners,
            self.recompute_scale_factor,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The length or the factor, and the mode."""
        length = f"scale_factor={self.scale_factor}" if self.size is None else f"size={self.size}"
        return f"{length}, mode={self.mode!r}"
