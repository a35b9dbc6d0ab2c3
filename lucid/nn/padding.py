"""Padding layers."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from lucid.errors import ShapeError, add_to_message, shown
from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.tensor import Tensor

__all__ = ["CircularPad1d", "ConstantPad1d", "ReflectionPad1d", "ReplicationPad1d", "ZeroPad1d"]


class _Pad(Module):
    """What the padding layers share: the two numbers, and the mode of ``F.pad``."""

    mode = "constant"

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        sides = padding if isinstance(padding, Sequence) else (padding, padding)
        if isinstance(padding, bool | str) or len(sides) != 2:
            raise TypeError(f"padding must be an int or (left, right), got {shown(padding)}")
        self.padding = (operator.index(sides[0]), operator.index(sides[1]))

    def forward(self, x: Tensor) -> Tensor:
        """Pad: (N, C, L) or (C, L) to (..., left + L + right)."""
        return self._padded(x, self.mode)

    def _padded(self, x: Tensor, *mode_and_value: Any) -> Tensor:
        try:
            return F.pad(x, self.padding, *mode_and_value)
        except ShapeError as error:
            if x.shape and x.shape[-1]:  # then the padding can be mended
                left, right = [max(0, min(n, x.shape[-1] - 1)) for n in self.padding]
                add_to_message(error, f"try: padding=({left}, {right})")
            raise

    def extra_repr(self) -> str:
        """How many positions are added on the left and on the right."""
        return f"{self.padding}"


class ConstantPad1d(_Pad):
    """1 2 3 4 -> v v 1 2 3 4 v v

    Parameters
    ----------
    padding : int or (int, int)
        Positions added on the left and on the right; a negative number takes away.
    value : float
        v, what they hold.

    Raises
    ------
    TypeError
        If ``padding`` is neither; in ``forward`` a ShapeError, if more is taken away than there is.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.ConstantPad1d((2, 1), 9.0)(lucid.tensor([[[1.0, 2.0]]]))
    tensor([[[9., 9., 1., 2., 9.]]])
    """

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        """Pad: (..., L) to (..., left + L + right)."""
        return self._padded(x, self.mode, self.value)

    def extra_repr(self) -> str:
        """The numbers of positions, and what they hold."""
        return f"padding={self.padding}, value={self.value}"


class ZeroPad1d(ConstantPad1d):
    """1 2 3 4 -> 0 0 1 2 3 4 0 0

    Parameters
    ----------
    padding : int or (int, int)
        Positions added on the left and on the right; a negative number takes away.

    Raises
    ------
    TypeError
        If ``padding`` is neither; in ``forward`` a ShapeError, if more is taken away than there is.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.ZeroPad1d((2, 1))(lucid.tensor([[[1.0, 2.0]]]))
    tensor([[[0., 0., 1., 2., 0.]]])
    """

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """How many positions are added on the left and on the right."""
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """1 2 3 4 -> 3 2 1 2 3 4 3 2: mirrored at the edge sample, which is not repeated

    Parameters
    ----------
    padding : int or (int, int)
        Positions added on the left and on the right, less than the length; a negative number takes
        away.

    Raises
    ------
    TypeError
        If ``padding`` is neither; in ``forward`` a ShapeError, if it does not fit the length.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.ReflectionPad1d((2, 1))(lucid.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[3., 2., 1., 2., 3., 2.]]])
    """

    mode = "reflect"


class ReplicationPad1d(_Pad):
    """1 2 3 4 -> 1 1 1 2 3 4 4 4: the edge sample goes on

    Parameters
    ----------
    padding : int or (int, int)
        Positions added on the left and on the right; a negative number takes away.

    Raises
    ------
    TypeError
        If ``padding`` is neither; in ``forward`` a ShapeError, if more is taken away than there is.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.ReplicationPad1d((2, 1))(lucid.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 1., 1., 2., 2.]]])
    """

    mode = "replicate"


class CircularPad1d(_Pad):
    """1 2 3 4 -> 3 4 1 2 3 4 1 2: the signal is one period

    Parameters
    ----------
    padding : int or (int, int)
        Positions added on the left and on the right, at most the length; a negative number takes
        away.

    Raises
    ------
    TypeError
        If ``padding`` is neither; in ``forward`` a ShapeError, if it does not fit the length.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.CircularPad1d((2, 1))(lucid.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[2., 3., 1., 2., 3., 1.]]])
    """

    mode = "circular"
