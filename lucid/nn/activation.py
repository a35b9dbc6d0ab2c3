"""Activation layers that are smooth, and what all activation layers share.

Those with a corner are in ``rectifier.py``.
"""

from __future__ import annotations

import operator
from typing import ClassVar

from lucid.nn import functional as F
from lucid.nn.module import Module
from lucid.ops.activation import check_approximate
from lucid.ops.checks import check_number
from lucid.tensor import Tensor

__all__ = [
    "GELU",
    "GLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]


class Activation(Module):
    """A layer that applies a function to each number: the base of those below.

    ``inplace`` is understood for the sake of code written for PyTorch. The result is a new tensor
    all the same: an input that ``backward`` needs is never overwritten.
    """

    shown: ClassVar[tuple[str, ...]] = ()  # the options that ``repr`` shows

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        if not isinstance(inplace, bool):
            name = type(self).__name__
            raise TypeError(
                f"inplace must be a bool, got {type(inplace).__name__}\n"
                f"  try: nn.{name}()(x), with a pair of () to make the layer"
            )
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The options."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.shown)


class Sigmoid(Module):
    """y = 1 / (1 + e^-x), between 0 and 1

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Sigmoid()(lucid.tensor([0.0, 100.0]))
    tensor([0.5000, 1.0000])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.sigmoid(x)


class LogSigmoid(Module):
    """y = log(1 / (1 + e^-x)), exact also where the sigmoid itself would round to 0 or 1

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.LogSigmoid()(lucid.tensor([0.0, -100.0]))
    tensor([  -0.6931, -100.0000])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.logsigmoid(x)


class Tanh(Module):
    """y = (e^x - e^-x) / (e^x + e^-x), between -1 and 1

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Tanh()(lucid.tensor([0.0, 100.0]))
    tensor([0., 1.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.tanh(x)


class Softsign(Module):
    """y = x / (1 + ``|x|``), between -1 and 1

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Softsign()(lucid.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.softsign(x)


class Softplus(Activation):
    """y = log(1 + e^(beta * x)) / beta: a ReLU without a corner

    Parameters
    ----------
    beta : float
        The larger, the closer to the ReLU.
    threshold : float
        Where beta * x is greater, y = x.

    Raises
    ------
    TypeError
        If one of them is no number.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Softplus()(lucid.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """

    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        check_number("beta", beta)
        check_number("threshold", threshold)
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.softplus(x, self.beta, self.threshold)


class GELU(Activation):
    """y = x * P(x), with P(x) the probability that a normal number is below x

    Parameters
    ----------
    approximate : str
        ``"tanh"`` takes P(x) = (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2.

    Raises
    ------
    ValueError
        If ``approximate`` is neither ``"none"`` nor ``"tanh"``.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", 2016, arXiv:1606.08415.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.GELU()(lucid.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    """

    shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        check_approximate(approximate)
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.gelu(x, self.approximate)


class SiLU(Activation):
    """y = x * sigmoid(x), also called swish

    Parameters
    ----------
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-Weighted Linear Units for Neural Network
       Function Approximation in Reinforcement Learning", Neural Networks 107, 2018.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.SiLU()(lucid.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.silu(x)


class Mish(Activation):
    """y = x * tanh(log(1 + e^x))

    Parameters
    ----------
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    References
    ----------
    .. [1] D. Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC 2020,
       arXiv:1908.08681.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Mish()(lucid.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.mish(x)


class OverAxis(Activation):
    """A function along one axis."""

    shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        try:
            self.dim = operator.index(dim)  # type: ignore[arg-type]  # None is an error as well
        except TypeError:
            name = type(self).__name__
            raise TypeError(
                f"dim must be an int, got {type(dim).__name__}\n"
                f"  try: nn.{name}(dim=1), for the channels or classes of (N, C) or (N, C, L)"
            ) from None


class Softmax(OverAxis):
    """y_i = e^(x_i) / sum over j of e^(x_j) along ``dim``: positive, and adding up to 1

    Parameters
    ----------
    dim : int
        The axis of the classes.

    Raises
    ------
    TypeError
        If ``dim`` is no int.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Softmax(dim=1)(lucid.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function along the axis: any shape to the same."""
        return F.softmax(x, self.dim)


class LogSoftmax(OverAxis):
    """y_i = x_i - log of the sum over j of e^(x_j) along ``dim``: the logarithm of ``Softmax``

    Parameters
    ----------
    dim : int
        The axis of the classes.

    Raises
    ------
    TypeError
        If ``dim`` is no int.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.LogSoftmax(dim=1)(lucid.tensor([[0.0, 1000.0]]))
    tensor([[-1000.,     0.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function along the axis: any shape to the same."""
        return F.log_softmax(x, self.dim)


class GLU(OverAxis):
    """y = a * sigmoid(b), where a and b are the two halves of x along ``dim``

    Parameters
    ----------
    dim : int
        The axis that is halved: for the channels of (N, C, L), ``dim=1``.

    Raises
    ------
    TypeError
        If ``dim`` is no int.
    ShapeError
        In ``forward``, if the size of the axis is odd.

    References
    ----------
    .. [1] Y. N. Dauphin, A. Fan, M. Auli, D. Grangier, "Language Modeling with Gated Convolutional
       Networks", ICML 2017, arXiv:1612.08083.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.GLU(dim=1)(lucid.zeros(4, 8, 20)).shape
    (4, 4, 20)
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Let the first half through the gates of the second."""
        return F.glu(x, self.dim)
