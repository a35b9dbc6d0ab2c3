"""Dropout layers: they act in training alone."""

from __future__ import annotations

from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.ops.dropout import check_probability
from lucid.tensor import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d"]


class Dropout(Module):
    """In training, y = x * mask / (1 - p), each number of the mask 0 with probability p, else 1.

    Parameters
    ----------
    p : float
        The probability to be dropped, from 0 to 1.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

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

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p, self.inplace = p, inplace

    def forward(self, x: Tensor) -> Tensor:
        """Drop, in training: any shape to the same."""
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Dropout1d(Dropout):
    """In training, y[n, c] = x[n, c] * mask[n, c] / (1 - p): whole channels are dropped.

    Neighbours in a signal resemble each other: where one number is dropped alone, the next tells
    what it was.

    Parameters
    ----------
    p : float
        The probability of a channel to be dropped, from 0 to 1.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    ValueError
        If p is not from 0 to 1; in ``forward`` a ShapeError, for an input that is neither (N, C, L)
        nor (C, L).

    References
    ----------
    .. [1] J. Tompson, R. Goroshin, A. Jain, Y. LeCun, C. Bregler, "Efficient Object Localization
       Using Convolutional Networks", CVPR 2015, arXiv:1411.4280.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> y = nn.Dropout1d(0.2)(lucid.ones(4, 8, 20))
    >>> bool((y == y[:, :, :1]).all())
    True
    """

    def forward(self, x: Tensor) -> Tensor:
        """Drop, in training: any shape to the same."""
        return F.dropout1d(x, self.p, self.training)


class AlphaDropout(Dropout):
    """In training, y = a * (x where kept, else -1.7581) + b: the dropout of ``SELU``.

    A dropped number becomes the least value of ``SELU``; a and b keep mean 0 and variance 1.

    Parameters
    ----------
    p : float
        The probability to be dropped, from 0 to 1.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.

    References
    ----------
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-Normalizing Neural
       Networks", NeurIPS 2017, arXiv:1706.02515.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> y = nn.AlphaDropout(0.2)(lucid.randn(10000))
    >>> bool(abs(y.mean()) < 0.1), bool(abs(y.std() - 1) < 0.1)
    (True, True)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Drop, in training: any shape to the same."""
        return F.alpha_dropout(x, self.p, self.training)
