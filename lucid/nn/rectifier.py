"""Activation layers in pieces: lines, or a line and an exponential, that meet at a corner."""

from __future__ import annotations

from lucid import ops, types
from lucid.errors import check_size
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.activation import Activation
from lucid.nn.parameter import Parameter
from lucid.ops.checks import check_number
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = [
    "CELU",
    "ELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SELU",
]


class ReLU(Activation):
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

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.relu(x)


class ReLU6(Activation):
    """y = min(max(x, 0), 6)

    Parameters
    ----------
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.ReLU6()(lucid.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.relu6(x)


class LeakyReLU(Activation):
    """y = max(x, 0) + negative_slope * min(x, 0)

    Parameters
    ----------
    negative_slope : float
        The slope left of 0.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If ``negative_slope`` is no number.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier Nonlinearities Improve Neural Network
       Acoustic Models", ICML 2013.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.LeakyReLU(0.1)(lucid.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        check_number("negative_slope", negative_slope)
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.leaky_relu(x, self.negative_slope)


class PReLU(Activation):
    """y = max(x, 0) + w * min(x, 0), with one learned w, or one per channel

    Parameters
    ----------
    num_parameters : int
        1, or C for an input (N, C) or (N, C, L).
    init : float
        What each w begins with.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter
        (num_parameters,)

    Raises
    ------
    ValueError
        If ``num_parameters`` is less than 1; in ``forward`` a ShapeError, if the input has another
        number of channels.
    TypeError
        For a size that is no int; in ``forward``, for an input of another dtype.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015,
       arXiv:1502.01852.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.PReLU(num_parameters=8)
    >>> layer(lucid.ones(4, 8, 20)).shape, layer.weight.shape
    ((4, 8, 20), (8,))
    """

    shown = ("num_parameters",)

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        types.as_device(device)
        check_number("init", init)
        self.num_parameters = check_size("num_parameters", num_parameters, 1)
        self.init = init
        self.weight = Parameter(ops.empty(self.num_parameters, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every w to what it began with."""
        init.constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.prelu(x, self.weight)


class ELU(Activation):
    """y = x where x > 0, else alpha * (e^x - 1)

    Parameters
    ----------
    alpha : float
        The output is never below -alpha.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If ``alpha`` is no number.

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and Accurate Deep Network Learning
       by Exponential Linear Units", ICLR 2016, arXiv:1511.07289.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.ELU()(lucid.tensor([-100.0, 2.0]))
    tensor([-1.,  2.])
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        check_number("alpha", alpha)
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.elu(x, self.alpha)


class CELU(ELU):
    """y = x where x > 0, else alpha * (e^(x / alpha) - 1): its slope has no jump

    Parameters
    ----------
    alpha : float
        The output is never below -alpha.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If ``alpha`` is no number.
    ValueError
        In ``forward``, if ``alpha`` is 0.

    References
    ----------
    .. [1] J. T. Barron, "Continuously Differentiable Exponential Linear Units", 2017,
       arXiv:1704.07483.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.CELU(0.5)(lucid.tensor([-100.0, 2.0]))
    tensor([-0.5000,  2.0000])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.celu(x, self.alpha)


class SELU(Activation):
    """y = scale * elu(x, alpha), with scale = 1.0507... and alpha = 1.6733...

    The two are such that numbers of mean 0 and variance 1 keep both from layer to layer, where
    weights are drawn with variance 1 / fan-in.

    Parameters
    ----------
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    References
    ----------
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-Normalizing Neural
       Networks", NeurIPS 2017, arXiv:1706.02515.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.SELU()(lucid.tensor([-100.0, 1.0]))
    tensor([-1.7581,  1.0507])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.selu(x)


class Hardtanh(Activation):
    """y = min(max(x, min_val), max_val)

    Parameters
    ----------
    min_val, max_val : float
        The limits.
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Raises
    ------
    TypeError
        If a limit is no number.
    ValueError
        If ``min_val`` is not less than ``max_val``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Hardtanh()(lucid.tensor([-3.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        check_number("min_val", min_val)
        check_number("max_val", max_val)
        if not min_val < max_val:
            raise ValueError(f"min_val must be less than max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.hardtanh(x, self.min_val, self.max_val)


class Hardsigmoid(Activation):
    """y = min(max(x / 6 + 1/2, 0), 1)

    Parameters
    ----------
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Hardsigmoid()(lucid.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.hardsigmoid(x)


class Hardswish(Activation):
    """y = x * min(max(x / 6 + 1/2, 0), 1)

    Parameters
    ----------
    inplace : bool
        Understood, and without effect: see ``nn.ReLU``.

    References
    ----------
    .. [1] A. Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> nn.Hardswish()(lucid.tensor([0.0, 1.5, 4.0]))
    tensor([0.0000, 1.1250, 4.0000])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function to each number: any shape to the same."""
        return F.hardswish(x)
