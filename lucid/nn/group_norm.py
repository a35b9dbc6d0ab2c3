"""Group norm: between layer norm and instance norm."""

from __future__ import annotations

from lucid.cures import groups_cure
from lucid.errors import check_size
from lucid.nn import functional as F
from lucid.nn.layer_norm import SampleNorm
from lucid.nn.lazy import PENDING, LazyMixin
from lucid.ops.checks import check_features, check_tensor
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["GroupNorm", "LazyGroupNorm"]


class GroupNorm(SampleNorm):
    """Give groups of channels of a sample mean 0 and variance 1, then a learned scale and shift.

    ``y = (x - mean) / sqrt(var + eps) * w_c + b_c``, with mean and var over a group's channels and
    all positions

    Parameters
    ----------
    num_groups : int
        Into how many groups the channels are split.
    num_channels : int
        C, the channels of the input.
    eps : float
        Keeps a variance of 0 from being divided by.
    affine : bool
        Whether scale and shift are learned.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.
    bias : bool
        Whether there is a shift beside the scale.

    Attributes
    ----------
    weight, bias : Parameter or None
        (C,), at first 1 and 0.

    Raises
    ------
    ValueError
        For sizes out of range, and channels not divisible by ``num_groups``; in ``forward`` a
        ShapeError, for an input that is not (N, C, ...), and a ValueError for one sample with one
        value per group.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    References
    ----------
    .. [1] Y. Wu, K. He, "Group Normalization", ECCV 2018, arXiv:1803.08494.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> y = nn.GroupNorm(2, 6)(5 + 2 * lucid.randn(8, 6, 20))
    >>> bool((y.reshape(8, 2, 3 * 20).mean(2).abs() < 1e-5).all())
    True
    """

    inferred = "num_channels"

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(affine, bias, device, dtype)
        self._check_eps(eps)
        self._check_flags(affine=affine, bias=bias)
        self.num_groups = check_size("num_groups", num_groups, 1)
        self.num_channels: int | None = None  # set by _initialize
        self.eps, self.affine = eps, affine
        self._complete(num_channels)

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        if size % self.num_groups:
            raise ValueError(
                "num_channels must be divisible by num_groups: "
                f"num_channels={size}, num_groups={self.num_groups}"
                + groups_cure("num_groups", self.num_groups, size)
            )
        return dict.fromkeys(("weight", "bias"), (size,))

    def _smallest_size(self) -> int:
        return self.num_groups

    def _size_from_input(self, x: Tensor) -> int:
        check_tensor(x, "input", type(self).__name__, self._dtype)
        check_features(x.shape, type(self).__name__)
        return x.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """Normalize: (N, C, ...) to the same shape."""
        self._check_input(x)
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        return self._describe(
            "num_groups",
            "num_channels",
            eps=(self.eps, 1e-5),
            affine=(self.affine, True),
            bias=(self._has_bias(), True),
        )


class LazyGroupNorm(LazyMixin, GroupNorm):
    """A ``GroupNorm`` that learns ``num_channels`` from its first input.

    ``y = (x - mean) / sqrt(var + eps) * w_c + b_c``, with mean and var over a group's channels and
    all positions

    Lazy layers leave out the input's size: what is first here is ``num_groups``, and a
    number too many would be taken for ``eps`` (an error).

    Parameters
    ----------
    num_groups : int
        Into how many groups the channels are split.
    eps : float
        Keeps a variance of 0 from being divided by.
    affine : bool
        Whether scale and shift are learned.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.
    bias : bool
        Whether there is a shift beside the scale.

    Attributes
    ----------
    weight, bias : Parameter or None
        As in ``GroupNorm``; None until the first forward.
    num_channels : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``GroupNorm``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``GroupNorm``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> norm = nn.LazyGroupNorm(2)
    >>> norm(lucid.randn(8, 6, 20)).shape, norm.num_channels
    ((8, 6, 20), 6)
    """

    def __init__(
        self,
        num_groups: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_groups, PENDING, eps, affine, device, dtype, bias=bias)
