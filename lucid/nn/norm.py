"""Batch norm, and what instance norm shares with it."""

from __future__ import annotations

from typing import ClassVar

from lucid import ops
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.lazy import PENDING, LazyMixin, SizedLayer
from lucid.ops.checks import check_features, check_tensor
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["BatchNorm1d", "LazyBatchNorm1d", "RunningNorm"]


class RunningNorm(SizedLayer):
    """What batch norm and instance norm share: scale, shift, and running averages."""

    inferred = "num_features"
    usually: ClassVar[tuple[bool, bool]]  # whether affine, and whether averages are kept

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        device: DeviceLike,
        dtype: DTypeLike,
    ) -> None:
        super().__init__(device, dtype)
        self._check_eps(eps)
        self._check_flags(affine=affine, track_running_stats=track_running_stats, bias=bias)
        self.num_features: int | None = None  # set by _initialize
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight: Tensor | None = None
        self.bias: Tensor | None = None
        if affine:
            self._declare("weight", "bias") if bias else self._declare("weight")
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.num_batches_tracked: Tensor | None
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, None)
        self._complete(num_features)

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        shapes = {name: (size,) for name in ("weight", "bias") if name in self._parameters}
        kept = ("running_mean", "running_var") if self.track_running_stats else ()
        return shapes | dict.fromkeys(kept, (size,))

    def _make_buffers(self, size: int) -> None:
        if self.track_running_stats:
            self.running_mean = ops.zeros(size, dtype=self._dtype)
            self.running_var = ops.ones(size, dtype=self._dtype)
            self.num_batches_tracked = ops.tensor(0)

    def reset_running_stats(self) -> None:
        """Set the averages to their beginning: 0 and 1."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set the scale to 1, the shift to 0 and the averages to their beginning."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
        self.reset_running_stats()

    def extra_repr(self) -> str:
        """The size, and the options that are not the default."""
        affine, track = self.usually
        return self._describe(
            "num_features",
            eps=(self.eps, 1e-5),
            momentum=(self.momentum, 0.1),
            affine=(self.affine, affine),
            track_running_stats=(self.track_running_stats, track),
            bias=(not self.affine or "bias" in self._parameters, True),
        )


class BatchNorm1d(RunningNorm):
    """Give every channel mean 0 and variance 1, then a learned scale and shift.

    ``y = (x - mean_c) / sqrt(var_c + eps) * w_c + b_c``, for each channel c

    In training, mean and variance are those of the batch, over N and L; meanwhile they are
    remembered in running averages, which take their place in use (``eval()``).

    Parameters
    ----------
    num_features : int
        C, the channels of the input.
    eps : float
        Keeps a channel of variance 0 from being divided by 0.
    momentum : float or None
        The weight of the newest batch in the running averages; None weighs all batches equally.
    affine : bool
        Whether scale and shift are learned.
    track_running_stats : bool
        Whether averages are kept; if not, every batch is normalized by itself.
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
    running_mean, running_var : Tensor or None
        (C,), at first 0 and 1; the variance is the unbiased one.
    num_batches_tracked : Tensor or None
        How many batches the averages have seen.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, for an input that is not (N, C) or
        (N, C, L), and a ValueError for a batch to train on with one value per channel.
    TypeError
        For a size that is no int.

    References
    ----------
    .. [1] S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> y = nn.BatchNorm1d(3)(5 + 2 * lucid.randn(8, 3, 20))
    >>> bool((y.mean((0, 2)).abs() < 1e-5).all())
    True
    """

    usually = True, True

    def __init__(
        self,
        num_features: int,
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
            num_features, eps, momentum, affine, track_running_stats, bias, device, dtype
        )

    def _size_from_input(self, x: Tensor) -> int:
        check_tensor(x, "input", type(self).__name__, self._dtype)
        check_features(x.shape, type(self).__name__, 3)
        return x.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """Normalize: (N, C) or (N, C, L) to the same shape."""
        self._check_input(x)
        out = F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or self.running_mean is None, self._next_momentum(), self.eps,
        )  # fmt: skip
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return out

    def _next_momentum(self) -> float:
        if self.momentum is not None:
            return self.momentum
        seen = 0 if self.num_batches_tracked is None else self.num_batches_tracked.item()
        return 1 / float(seen + 1)


class LazyBatchNorm1d(LazyMixin, BatchNorm1d):
    """A ``BatchNorm1d`` that learns ``num_features`` from the channels of its first input.

    ``y = (x - mean_c) / sqrt(var_c + eps) * w_c + b_c``, for each channel c

    Lazy layers leave out the input's size: what is first here is ``eps``, and a
    number too many would be taken for it (an error).

    Parameters
    ----------
    eps : float
        Keeps a channel of variance 0 from being divided by 0.
    momentum : float or None
        The weight of the newest batch in the running averages; None weighs all batches equally.
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
        As in ``BatchNorm1d``; None until the first forward.
    num_features : int or None
        None until the first forward; then the inferred size.

    Raises
    ------
    ValueError
        As ``BatchNorm1d``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``BatchNorm1d``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> norm = nn.LazyBatchNorm1d()
    >>> norm(lucid.randn(8, 3, 20)).shape, norm.num_features
    ((8, 3, 20), 3)
    """

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
