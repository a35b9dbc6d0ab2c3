"""Activation layers, flattening and dropout: layers without parameters."""

from __future__ import annotations

from lucid import ops
from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.tensor import Tensor

__all__ = ["Dropout", "Flatten", "ReLU"]


class ReLU(Module):
    """y = max(x, 0)

    Parameters
    ----------
    inplace : bool
        Understood for the sake of code written for PyTorch. The result is a new tensor all the
        same: an input that ``backward`` needs is never overwritten.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.ReLU()(lucid.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        if not isinstance(inplace, bool):
            raise TypeError(
                f"inplace must be a bool, got {type(inplace).__name__}\n"
                "  try: nn.ReLU()(x), with a pair of () to make the layer"
            )
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number."""
        return F.relu(x)


class Flatten(Module):
    """Make the axes from ``start_dim`` to ``end_dim`` one.

    Parameters
    ----------
    start_dim, end_dim : int
        By default all axes but the first, which counts the samples.

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


class Dropout(Module):
    """In training, y = x * mask / (1 - p), each number of the mask 0 with probability p, else 1.

    Parameters
    ----------
    p : float
        The probability to be dropped, from 0 to 1.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
       Overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.Dropout(0.2).eval()
    >>> layer(lucid.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, from 0 to 1; got {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Drop, in training."""
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
