"""Layers that only change the shape, or nothing."""

from __future__ import annotations

import math
from typing import Any

from lucid import ops
from lucid.errors import shown
from lucid.nn.module import Module
from lucid.tensor import Tensor

__all__ = ["Flatten", "Identity", "Unflatten"]


class Flatten(Module):
    """Make the axes from ``start_dim`` to ``end_dim`` one.

    Parameters
    ----------
    start_dim, end_dim : int
        By default all axes but the first, which counts the samples.

    Raises
    ------
    TypeError
        If ``start_dim`` is a tensor: the layer is made first, then called.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Flatten()(lucid.zeros(4, 8, 5)).shape
    (4, 40)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        """Reshape."""
        return ops.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Make axis ``dim`` several axes.

    Parameters
    ----------
    dim : int
        The axis.
    unflattened_size : tuple of int
        The sizes of the new axes; one of them may be -1, for what is left.

    Raises
    ------
    TypeError
        If ``dim`` is no int, or the sizes are not a tuple or list of ints.
    ShapeError
        In ``forward``, if the sizes do not fit.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Unflatten(1, (8, -1))(lucid.zeros(4, 40)).shape
    (4, 8, 5)
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        if isinstance(dim, bool) or not isinstance(dim, int):
            raise TypeError(f"dim must be an int, got {shown(dim)}")
        if not isinstance(unflattened_size, tuple | list):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, got {unflattened_size!r}\n"
                f"  try: nn.Unflatten({dim}, (8, -1))"
            )
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        """Reshape."""
        return ops.unflatten(x, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The axis and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Identity(Module):
    """y = x: in the place of a layer that is not wanted

    Parameters
    ----------
    *args, **kwargs
        What the layer it stands for would take; not looked at.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Identity()(lucid.ones(2))
    tensor([1., 1.])
    """

    takes_tensors = math.inf  # as all else

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Return the input, of any shape."""
        return x
