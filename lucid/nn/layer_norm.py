"""Layer norm and RMS norm, and what group norm shares with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lucid.cures import axis_cure, cure, rank_cure
from lucid.errors import ShapeError, add_to_message, check_size
from lucid.nn import functional as F
from lucid.nn import init
from lucid.nn.lazy import PENDING, LazyMixin, SizedLayer
from lucid.ops.checks import check_tensor
from lucid.ops.layer_norm import check_normalized_shape
from lucid.tensor import Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["LayerNorm", "LazyLayerNorm", "RMSNorm", "SampleNorm"]


class SampleNorm(SizedLayer):
    """What the layers here share: a scale and a shift, or the scale alone, or neither."""

    def __init__(self, affine: bool, bias: bool, device: DeviceLike, dtype: DTypeLike) -> None:
        super().__init__(device, dtype)
        self.weight: Tensor | None = None
        self.bias: Tensor | None = None
        if affine:
            self._declare("weight", "bias") if bias else self._declare("weight")

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _has_bias(self) -> bool:
        return "bias" in self._parameters or "weight" not in self._parameters


class LastAxesNorm(SampleNorm):
    """What layer norm and RMS norm share: the axes."""

    inferred = "normalized_shape"

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        elementwise_affine: bool,
        bias: bool,
        device: DeviceLike,
        dtype: DTypeLike,
    ) -> None:
        super().__init__(elementwise_affine, bias, device, dtype)
        self._check_flags(elementwise_affine=elementwise_affine, bias=bias)
        self.normalized_shape: tuple[int, ...] | None = None  # set by _initialize
        self.elementwise_affine = elementwise_affine
        self._complete(normalized_shape)

    def _check_inferred(self, size: Any) -> tuple[int, ...]:
        return check_normalized_shape(size)

    def _shapes(self, size: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("weight", "bias"), size)

    def _fixed_shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def forward(self, x: Tensor) -> Tensor:
        """Normalize: every input keeps its shape."""
        try:
            return self._normalized(x)
        except ShapeError as error:
            add_to_message(error, self._origin_line())
            known: tuple[int, ...] = self.normalized_shape  # type: ignore[assignment]  # by now
            last = x.shape[x.ndim - len(known) :]
            turned = len(known) == 1 and x.ndim and axis_cure("x", x.shape, -1, known[0])
            if self.lazy and last != known and not turned:
                add_to_message(error, f"try: {self._made_for(last)}")
            raise

    def _normalized(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class LayerNorm(LastAxesNorm):
    """Give the last axes of every sample mean 0 and variance 1, then a learned scale and shift.

    ``y = (x - mean) / sqrt(var + eps) * w + b``, with mean and var over the normalized axes

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of the axes to normalize over: the last ones.
    eps : float
        Keeps a variance of 0 from being divided by.
    elementwise_affine : bool
        Whether scale and shift are learned, one for each number of a sample.
    bias : bool
        Whether there is a shift beside the scale.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight, bias : Parameter or None
        Of the normalized shape, at first 1 and 0.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, for an input of other last axes.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016, arXiv:1607.06450.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> y = nn.LayerNorm(20)(5 + 2 * lucid.randn(8, 3, 20))
    >>> bool((y.mean(2).abs() < 1e-5).all())
    True
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(normalized_shape, elementwise_affine, bias, device, dtype)
        self._check_eps(eps)
        self.eps = eps

    def _normalized(self, x: Tensor) -> Tensor:
        assert self.normalized_shape is not None  # a lazy layer knows it by now
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        return self._describe(
            "normalized_shape",
            eps=(self.eps, 1e-5),
            elementwise_affine=(self.elementwise_affine, True),
            bias=(self._has_bias(), True),
        )


class LazyLayerNorm(LazyMixin, LayerNorm):
    """A ``LayerNorm`` that learns ``normalized_shape`` from the last axes of its first input.

    ``y = (x - mean) / sqrt(var + eps) * w + b``, with mean and var over the normalized axes

    Lazy layers leave out the input's size: what is first here is ``normalized_ndim``, and a
    number too many would be taken for ``eps`` (an error).

    Parameters
    ----------
    normalized_ndim : int
        How many axes are normalized over.
    eps : float
        Keeps a variance of 0 from being divided by.
    elementwise_affine : bool
        Whether scale and shift are learned, one for each number of a sample.
    bias : bool
        Whether there is a shift beside the scale.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight, bias : Parameter or None
        As in ``LayerNorm``; None until the first forward.
    normalized_shape : tuple of int or None
        None until the first forward; then the inferred sizes.

    Raises
    ------
    ValueError
        As ``LayerNorm``. A first forward that fails leaves the layer as it was.
    TypeError
        As ``LayerNorm``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> norm = nn.LazyLayerNorm()
    >>> norm(lucid.randn(8, 3, 20)).shape, norm.normalized_shape
    ((8, 3, 20), (20,))
    >>> norm = nn.LazyLayerNorm(normalized_ndim=2)
    >>> norm(lucid.randn(8, 3, 20)).shape, norm.normalized_shape
    ((8, 3, 20), (3, 20))
    """

    def __init__(
        self,
        normalized_ndim: int = 1,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        self.normalized_ndim = check_size("normalized_ndim", normalized_ndim, 1)
        super().__init__(PENDING, eps, elementwise_affine, bias, device, dtype)

    def _check_inferred(self, size: Any) -> tuple[int, ...]:
        shape = check_normalized_shape(size)
        if len(shape) != self.normalized_ndim:
            raise ValueError(
                f"normalized_ndim={self.normalized_ndim}: normalized_shape has as many axes, "
                f"got {shape}"
            )
        return shape

    def _size_from_input(self, x: Tensor) -> tuple[int, ...]:
        check_tensor(x, "input", type(self).__name__, self._dtype)
        if x.ndim < self.normalized_ndim:
            raise ShapeError(
                f"{type(self).__name__} normalizes over the last {self.normalized_ndim} axes, got "
                f"an input {x.shape}"
                + (cure(f"normalized_ndim={x.ndim}") if x.ndim else rank_cure("x", (), 1, 1))
            )
        return x.shape[x.ndim - self.normalized_ndim :]

    def _size_from_state(self, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...] | None:
        shape = shapes.get("weight")
        if shape is not None and len(shape) != self.normalized_ndim:
            raise ShapeError(f"expected a shape of {self.normalized_ndim} axes, found {shape}")
        return shape


class RMSNorm(LastAxesNorm):
    """Give the last axes of every sample a mean square of 1, then a learned scale.

    ``y = x / sqrt(mean(x^2) + eps) * w``, with the mean over the normalized axes

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of the axes to normalize over: the last ones.
    eps : float or None
        Keeps a mean of 0 from being divided by. None: the smallest step of the dtype at 1.
    elementwise_affine : bool
        Whether a scale is learned, for each number of a sample.
    device : DeviceLike
        There is one: ``"cpu"``.
    dtype : DTypeLike
        float32 or float64; by default ``lucid.get_default_dtype()``.

    Attributes
    ----------
    weight : Parameter or None
        Of the normalized shape, at first 1.

    Raises
    ------
    ValueError
        For sizes out of range; in ``forward`` a ShapeError, for an input of other last axes.
    TypeError
        For sizes that are no ints; in ``forward``, for an input of another dtype.

    References
    ----------
    .. [1] B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019,
       arXiv:1910.07467.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> y = nn.RMSNorm(20)(5 + 2 * lucid.randn(8, 3, 20))
    >>> bool((((y * y).mean(2) - 1).abs() < 1e-5).all())
    True
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(normalized_shape, elementwise_affine, False, device, dtype)
        self.eps = eps

    def _normalized(self, x: Tensor) -> Tensor:
        assert self.normalized_shape is not None  # not lazy
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        affine = self.elementwise_affine, True
        return self._describe("normalized_shape", eps=(self.eps, None), elementwise_affine=affine)
