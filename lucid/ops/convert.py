"""Copies, the same numbers in another dtype, and the same memory in another library."""

from __future__ import annotations

from builtins import bool as Bool
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lucid import types
from lucid.autograd import Function, is_tensor
from lucid.errors import DtypeError
from lucid.ops.create import from_numpy
from lucid.types import Array, DeviceLike, DTypeLike

if TYPE_CHECKING:
    from lucid.tensor import Tensor


class Cast(Function):
    """out = x in another dtype"""

    reads_inputs = False

    def __init__(self, dtype: types.dtype) -> None:
        self.dtype = dtype

    def forward(self, x: Array) -> Array:
        self.before = types.FROM_NUMPY[x.dtype]
        return x.astype(self.dtype.numpy)

    def backward(self, grad: Tensor) -> Tensor:
        return to(grad, self.before)


def to(
    input: Tensor, *args: DTypeLike | DeviceLike, dtype: DTypeLike = None, device: DeviceLike = None
) -> Tensor:
    """out = input in another dtype; input itself if that is the dtype it has

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *args : dtype or device
        Either may be given by position.
    dtype : DTypeLike, optional
    device : DeviceLike, optional
        There is one: ``"cpu"``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1, 2]).to(lucid.float64)
    tensor([1., 2.], dtype=lucid.float64)
    """
    if len(args) == 1 and args[0] is input.dtype and dtype is device is None:
        return input  # the usual case needs nothing
    args = tuple(a.dtype if is_tensor(a) else a for a in args)  # the dtype of another tensor
    wanted = types.dtype_and_device(args, dtype, device)
    if wanted is None:
        return input
    return input if wanted is input.dtype else Cast(wanted)(input)


def double(input: Tensor) -> Tensor:
    """out = input as float64

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1]).double().dtype
    lucid.float64
    """
    return to(input, types.float64)


def float(input: Tensor) -> Tensor:
    """out = input as float32

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1]).float().dtype
    lucid.float32
    """
    return to(input, types.float32)


def long(input: Tensor) -> Tensor:
    """out = input as int64, cut towards zero

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.7]).long()
    tensor([1])
    """
    return to(input, types.int64)


def int(input: Tensor) -> Tensor:
    """out = input as int32, cut towards zero

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([1.7]).int().dtype
    lucid.int32
    """
    return to(input, types.int32)


def bool(input: Tensor) -> Tensor:
    """out = whether each number is other than zero

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([0, 2]).bool()
    tensor([False,  True])
    """
    return to(input, types.bool)


class Clone(Function):
    """out = a copy of x"""

    reads_inputs = False

    def forward(self, x: Array) -> Array:
        return x.copy(order="C")

    def backward(self, grad: Tensor) -> Tensor:
        return grad


def clone(input: Tensor) -> Tensor:
    """out = a copy of input, through which gradients flow

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.zeros(2)
    >>> y = x.clone().fill_(1)
    >>> x
    tensor([0., 0.])
    """
    return Clone()(input)


def contiguous(input: Tensor) -> Tensor:
    """out = input, copied if its numbers do not lie in memory in order

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Examples
    --------
    >>> import lucid
    >>> lucid.zeros(2, 3).T.contiguous().is_contiguous()
    True
    """
    return input if input.is_contiguous() else Clone()(input)


# ----------------------------------------------------------------------- other libraries' tensors


def to_numpy(input: Tensor, *, force: Bool = False) -> Array:
    """out = a NumPy array on the same memory: a write to either shows in both

    Parameters
    ----------
    input : Tensor
        Of any shape.
    force : bool
        Also for a tensor that requires a gradient: then ``detach()`` is implied.

    Raises
    ------
    RuntimeError
        For a tensor that requires a gradient.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.zeros(2)
    >>> x.numpy()[0] = 7
    >>> x
    tensor([7., 0.])
    """
    if input._requires_grad and not force:
        raise RuntimeError(
            "numpy() leaves the graph behind, and this tensor requires a gradient\n"
            "  try: x.detach().numpy()"
        )
    input._memory.expose(input._array)
    return input._array


def to_array(input: Tensor, dtype: Any = None, copy: Bool | None = None) -> Array:
    """out = what ``numpy.asarray(input)`` and ``numpy.array(input)`` return

    The memory is shared if nothing asks for a copy (``copy=True``, another dtype); if one would be
    needed, ``copy=False`` is a ValueError.

    Parameters
    ----------
    input : Tensor
        Of any shape; one that requires a gradient has to be detached first.
    dtype : NumPy dtype, optional
        Another dtype; then the numbers are copied.
    copy : bool, optional
        True for a copy, False for none, None for one where it is needed.

    Raises
    ------
    RuntimeError
        If the tensor requires a gradient.
    ValueError
        If ``copy`` is False, and a copy would be needed.

    Examples
    --------
    >>> import lucid
    >>> import numpy as np
    >>> np.asarray(lucid.ones(2), dtype="int64")
    array([1, 1])
    """
    if input._requires_grad:
        return to_numpy(input)  # the error
    out = np.array(input._array, dtype=dtype, copy=copy)
    return to_numpy(input) if out is input._array else out


def to_dlpack(input: Tensor, **options: Any) -> Any:
    """out = a capsule with the address of the numbers: what a ``from_dlpack`` asks for

    Parameters
    ----------
    input : Tensor
        Of any shape.
    **options : stream, max_version, dl_device, copy
        As the protocol has them [1]_.

    Raises
    ------
    BufferError
        For a tensor that requires a gradient, or runs backwards through memory, or whose memory is
        read-only if the other library does not know of such.

    References
    ----------
    .. [1] https://data-apis.org/array-api/latest/API_specification

    Examples
    --------
    >>> import lucid
    >>> import numpy as np
    >>> x = lucid.zeros(2)
    >>> np.from_dlpack(x)[0] = 7
    >>> x
    tensor([7., 0.])
    """
    if input._requires_grad:
        raise BufferError(
            "another library would leave the graph behind, and this tensor requires a gradient\n"
            "  try: x.detach()"
        )
    array = input._array
    backwards = any(n > 1 and step < 0 for n, step in zip(array.shape, array.strides, strict=True))
    if backwards and not options.get("copy"):
        raise BufferError(  # the standard allows it, but it makes PyTorch end the process
            "other libraries cannot read numbers backwards, as x[::-1] does\n"
            "  try: x.contiguous(), or x.flip(0)"
        )
    capsule = array.__dlpack__(**options)
    if not options.get("copy"):
        input._memory.expose(array)
    return capsule


@runtime_checkable
class SpeaksDLPack(Protocol):
    """What other libraries' tensors have in common."""

    def __dlpack__(self, **options: Any) -> Any: ...

    def __dlpack_device__(self) -> tuple[Any, Any]: ...


def from_dlpack(ext_tensor: Any, *, device: DeviceLike = None, copy: Bool | None = None) -> Tensor:
    """out = a tensor on the memory of another library's: a write to either shows in both

    Parameters
    ----------
    ext_tensor : a tensor of PyTorch, JAX, CuPy, …
        Whatever has ``__dlpack__``; on the CPU, and of a dtype that lucid has.
    device : DeviceLike, optional
        There is one: ``"cpu"``.
    copy : bool, optional
        Copy the numbers, and share nothing.

    Raises
    ------
    TypeError
        For something else, or another dtype.
    ValueError
        For a tensor that is not on the CPU.
    BufferError
        From the other library, as for a tensor that requires a gradient there.

    Examples
    --------
    >>> import lucid
    >>> import numpy as np
    >>> a = np.zeros(2)
    >>> x = lucid.from_dlpack(a)
    >>> a[0] = 7
    >>> x
    tensor([7., 0.], dtype=lucid.float64)
    """
    types.as_device(device)
    if not isinstance(ext_tensor, SpeaksDLPack):
        raise TypeError(
            "from_dlpack needs another library's tensor (one with __dlpack__), got "
            f"{type(ext_tensor).__name__}\n  try: lucid.tensor(data)"
        )
    if ext_tensor.__dlpack_device__()[0] != 1:
        raise ValueError("from_dlpack shares memory of the CPU only\n  try: x.cpu()")
    try:
        out = from_numpy(np.from_dlpack(ext_tensor))
    except RuntimeError as error:  # a dtype that NumPy does not have
        raise DtypeError(
            f"{error} lucid has {', '.join(t.name for t in types.ALL)}\n  try: x.float()"
        ) from None
    return clone(out) if copy else out
