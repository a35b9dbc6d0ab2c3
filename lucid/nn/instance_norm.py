"""Instance norm: batch norm of every sample by itself."""

from __future__ import annotations

from lucid.nn import functional as F
from lucid.nn.lazy import PENDING, LazyMixin
from lucid.nn.norm import RunningNorm
from lucid.ops.checks import check_rank, check_tensor
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["InstanceNorm1d", "LazyInstanceNorm1d"]


class InstanceNorm1d(RunningNorm):
    """Give every channel of every sample mean 0 and variance 1, then a learned scale and shift.

    ``y = (x - mean_nc) / sqrt(var_nc + eps) * w_c + b_c``, for each sample n and channel c

    Mean and variance are those over L, in training and in use: a sample does not depend on the
    others. With ``track_running_stats`` averages over all samples take their place in use.

    Parameters
    ----------
    num_features : int
        C, the channels of the input.
    eps : float
        Keeps a variance of 0 from being divided by.
    momentum : float or None
        The weight of the newest batch in the running averages; None leaves them as they are.
    affine : bool
        Whether scale and shift are learned.
    track_running_stats : bool
        Whether averages are kept.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.
    bias : bool
        Whether there is a shift beside the scale.

    Attributes
    ----------
    weight, bias : Parameter or None
        (C,), at first 1 and 0; None without ``affine``.
    running_mean, running_var, num_batches_tracked : Tensor or None
        As in ``BatchNorm1d``, but nothing is counted; None without ``track_running_stats``.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, for an input that is not (N, C, L), and
        a ValueError if there is only one position to take the statistics of.
    TypeError
        For a size that is no int.

    References
    ----------
    .. [1] D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance Normalization", 2016, arXiv:1607.08022.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> y = nn.InstanceNorm1d(3)(5 + 2 * lucid.randn(8, 3, 20))
    >>> bool((y.mean(2).abs() < 1e-5).all())
    True
    """

    usually = False, False

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, device, dtype
        )

    def _size_from_input(self, x: Tensor) -> int:
        check_tensor(x, "input", type(self).__name__, self._dtype)
        check_rank(x.shape, type(self).__name__)
        return x.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """Normalize: (N, C, L) to the same shape."""
        self._check_input(x)
        return F.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or self.running_mean is None, self.momentum or 0.0, self.eps,
        )  # fmt: skip


class LazyInstanceNorm1d(LazyMixin, InstanceNorm1d):
    """An ``InstanceNorm1d`` that learns ``num_features`` from the channels of its first input.

    ``y = (x - mean_nc) / sqrt(var_nc + eps) * w_c + b_c``, for each sample n and channel c

    As in PyTorch, the lazy form has a scale, a shift and averages by default; the eager has none.

    Lazy layers leave out the input's size: what is first here is ``eps``, and a
    number too many would be taken for it (an error).

    Parameters
    ----------
    eps : float
        Keeps a variance of 0 from being divided by.
    momentum : float or None
        The weight of the newest batch in the running averages; None leaves them as they are.
    affine : bool
        Whether scale and shift are learned.
    track_running_stats : bool
        Whether averages are kept.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.
    bias : bool
        Whether there is a shift beside the scale.

    Attributes
    ----------
    weight, bias, running_mean, running_var, num_batches_tracked : Tensor or None
        As in ``InstanceNorm1d``; None until the first forward.
    num_features : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``InstanceNorm1d``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``InstanceNorm1d``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> norm = nn.LazyInstanceNorm1d()
    >>> norm(lucid.randn(8, 3, 20)).shape, norm.num_features
    ((8, 3, 20), 3)
    """

    usually = True, True

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            PENDING, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
