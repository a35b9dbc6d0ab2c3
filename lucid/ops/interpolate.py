"""Interpolation: a signal at other, evenly spaced positions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from lucid.cures import choice_cure, cure
from lucid.errors import SIZE_LIMIT, ShapeError, check_size
from lucid.ops.checks import check_one_dtype, check_rank
from lucid.ops.pool import adaptive_avg_pool1d
from lucid.ops.rows import RowMap, Table

if TYPE_CHECKING:
    from lucid.tensor import Tensor

MODES = ("nearest", "nearest-exact", "linear", "area")


def interpolate(
    input: Tensor,
    size: SupportsIndex | tuple[SupportsIndex] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Stretch or shrink a signal to another length.

    With r = L / L_out, or 1 / scale_factor where that is given, output t reads around position p::

        nearest        y[t] = x[floor(p)]            p = t * r
        nearest-exact  y[t] = x[floor(p)]            p = (t + 1/2) * r
        linear         y[t] = (1 - f) * x[i] + f * x[i + 1],  i = floor(p),  f = p - i
                                                     p = (t + 1/2) * r - 1/2, at least 0
                       with align_corners            p = t * (L - 1) / (L_out - 1)
        area           y[t] = mean of x[floor(t * r) : ceil((t + 1) * r)],  r = L / L_out

    Parameters
    ----------
    input : Tensor
        (N, C, L), float32 or float64.
    size : int, optional
        L_out. Either this or ``scale_factor``.
    scale_factor : float, optional
        L_out / L; L_out = floor(L * scale_factor).
    mode : str
        ``"nearest"``, ``"nearest-exact"``, ``"linear"`` or ``"area"``.
    align_corners : bool, optional
        For ``"linear"``: whether the first and last samples stay where they are. Else the signal is
        taken as L intervals side by side, each with its sample in the middle.
    recompute_scale_factor : bool, optional
        Whether r is L / L_out also where ``scale_factor`` is given.
    antialias : bool
        Not for signals; has to be False.

    Returns
    -------
    Tensor
        (N, C, L_out)

    Raises
    ------
    ShapeError
        If the input is not (N, C, L), or input or output would have no positions.
    ValueError
        If not exactly one of ``size`` and ``scale_factor`` is given, or an option is given to a
        mode that does not have it.
    NotImplementedError
        For another mode.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn.functional as F
    >>> x = lucid.tensor([[[0.0, 4.0]]])
    >>> F.interpolate(x, scale_factor=2)
    tensor([[[0., 0., 4., 4.]]])
    >>> F.interpolate(x, size=5, mode="linear", align_corners=True)
    tensor([[[0., 1., 2., 3., 4.]]])
    """
    check_one_dtype("interpolate", {"input": input})
    check_rank(input.shape, "interpolate")
    check_options(mode, align_corners, antialias)
    L = input.shape[2]
    T, factor = output_size(L, size, scale_factor, recompute_scale_factor)
    if L == 0 or T < 1:
        raise ShapeError(
            f"interpolation needs at least one position to read and to write, got length {L} and "
            f"output length {T}" + cure("scale_factor=1.0" if L else "F.pad(x, (0, 1))")
        )
    if mode == "area":
        return adaptive_avg_pool1d(input, T)
    return RowMap(table(L, T, factor, mode, bool(align_corners), input.dtype.numpy))(input)


def check_options(mode: str, align_corners: bool | None, antialias: bool) -> None:
    """The mode is known, and has the options that are given."""
    if mode not in MODES:
        legal = ", ".join(repr(name) for name in MODES)
        raise NotImplementedError(
            f"signals are interpolated with mode {legal}; got {mode!r}"
            + choice_cure("mode", mode, list(MODES))
        )
    if align_corners is not None and mode != "linear":
        raise ValueError(f"align_corners is an option of mode='linear' only, got mode={mode!r}")
    if antialias:
        raise ValueError("antialias is for images only\n  try: antialias=False")


def output_size(
    L: int,
    size: SupportsIndex | tuple[SupportsIndex] | None,
    scale_factor: float | Sequence[float] | None,
    recompute: bool | None,
) -> tuple[int, float | None]:
    """L_out, and the factor that positions are worked out with, if it is not L_out / L."""
    if (size is None) == (scale_factor is None):
        got = "neither" if size is None else "both"
        raise ValueError(f"interpolation needs either size or scale_factor, got {got}")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor needs a scale_factor, got size")
        return check_size("size", size, 1), None
    factors = scale_factor if isinstance(scale_factor, Sequence) else (scale_factor,)
    if len(factors) != 1:
        raise ValueError(f"a signal has one axis to scale, got scale_factor={scale_factor!r}")
    factor = float(factors[0])  # type: ignore[arg-type]  # it is not None
    if not 0 < L * factor < SIZE_LIMIT:
        raise ShapeError(
            "the length times scale_factor must be from 1 to 2**31 - 1, "
            f"got {L} * {factor} = {L * factor}"
            + cure("scale_factor=1.0" if L else "F.pad(x, (0, 1))")
        )
    return int(L * factor), None if recompute else factor


@functools.lru_cache(maxsize=128)
def table(
    L: int, T: int, factor: float | None, mode: str, align_corners: bool, dtype: np.dtype
) -> Table:
    """Which positions each output reads, and with which weights."""
    targets = np.arange(T)
    if mode == "linear" and L == T:  # a copy: 0 times a neighbour that is not finite would be nan
        return Table(targets, targets, None, T, L)
    if mode != "linear":
        return Table(targets, nearest(L, T, factor, mode, dtype.type), None, T, L)
    left, right, fraction = neighbours(L, T, factor, align_corners, dtype.type)
    weights = np.stack([1 - fraction, fraction], axis=1)
    return Table(targets.repeat(2), np.stack([left, right], axis=1).ravel(), weights.ravel(), T, L)


# Positions are worked out in the dtype of the signal and rounded where PyTorch rounds them, so that
# both read the same samples also where a position falls on the edge between two.


def nearest(
    L: int, T: int, factor: float | None, mode: str, kind: type[np.floating]
) -> NDArray[np.intp]:
    """The sample that each output repeats."""
    if mode == "nearest":
        at = ratio(L, T, factor, kind) * np.arange(T, dtype=kind)
    else:
        at = middles(L, T, factor, kind) + kind(0.5)
    return np.minimum(floor(at), L - 1)


def neighbours(
    L: int, T: int, factor: float | None, align_corners: bool, kind: type[np.floating]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.floating]]:
    """The two samples that each output lies between, and how far it is on the way from one to the
    other.
    """
    if align_corners:
        at = kind((L - 1) / max(T - 1, 1)) * np.arange(T, dtype=kind)
    else:
        at = middles(L, T, factor, kind)
    left = np.minimum(floor(at), L - 1)
    return left, np.minimum(left + 1, L - 1), np.clip(at - left.astype(kind), 0, 1)


def ratio(L: int, T: int, factor: float | None, kind: type[np.floating]) -> np.floating:
    """Samples of the input per sample of the output."""
    return kind(L / T if factor is None else 1 / factor)


def middles(L: int, T: int, factor: float | None, kind: type[np.floating]) -> NDArray[np.floating]:
    """(t + 1/2) * r - 1/2, at least 0; rounded once, as processors multiply and subtract at once"""
    r = np.float64(ratio(L, T, factor, kind))
    return np.maximum(r * (np.arange(T) + 0.5) - 0.5, 0).astype(kind)


def floor(at: NDArray[np.floating]) -> NDArray[np.intp]:
    """The whole part of a position, which counts as float32 here whatever the signal's dtype."""
    return np.floor(at.astype(np.float32)).astype(np.intp)
