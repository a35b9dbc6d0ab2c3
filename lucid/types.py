"""What the numbers of a tensor are (``dtype``) and where they live (``device``)."""

from __future__ import annotations

import builtins
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lucid.errors import DtypeError

__all__ = [
    "DTypeLike",
    "DeviceLike",
    "bool",
    "device",
    "dtype",
    "float32",
    "float64",
    "get_default_dtype",
    "int32",
    "int64",
    "set_default_dtype",
    "uint8",
]

Array: TypeAlias = NDArray[Any]


class dtype:
    """The type of a tensor's numbers; there are six, made once each.

    ``lucid.float32``, ``float64``, ``int64``, ``int32``, ``uint8`` and ``bool``. Wherever a dtype
    is expected, its name (``"float32"``), the NumPy dtype and Python's ``float``, ``int`` and
    ``bool`` are understood too.

    Attributes
    ----------
    name : str
        As NumPy spells it.
    numpy : numpy.dtype
        The same type in NumPy.
    itemsize : int
        Bytes per number.
    is_floating_point : bool
        Whether gradients can flow through tensors of this type.

    Examples
    --------
    >>> import lucid
    >>> lucid.float32, lucid.float32.itemsize, lucid.int64.is_floating_point
    (lucid.float32, 4, False)
    >>> lucid.zeros(2, dtype="float64").dtype
    lucid.float64
    """

    __slots__ = ("is_floating_point", "itemsize", "name", "numpy", "rank")

    def __init__(self, name: str, rank: int) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind == "f"
        self.rank = rank  # 0 bool, 1 integer, 2 float: the higher wins where two types meet

    def __repr__(self) -> str:
        return f"lucid.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


float32 = dtype("float32", 2)
float64 = dtype("float64", 2)
int64 = dtype("int64", 1)
int32 = dtype("int32", 1)
uint8 = dtype("uint8", 1)
bool = dtype("bool", 0)  # shadows the builtin here, as lucid.bool does in the package

ALL = (float32, float64, int64, int32, uint8, bool)
FROM_NUMPY: dict[np.dtype[Any], dtype] = {t.numpy: t for t in ALL}

DTypeLike: TypeAlias = dtype | str | np.dtype[Any] | type | None


def as_dtype(value: DTypeLike) -> dtype:
    """Return the dtype that ``value`` names; None is the default dtype."""
    if isinstance(value, dtype):
        return value
    if value is None:
        return get_default_dtype()
    try:
        found = FROM_NUMPY.get(np.dtype(value))
    except TypeError:
        found = None
    if found is None:
        known = ", ".join(t.name for t in ALL)
        name = getattr(value, "__name__", value)
        raise DtypeError(f"lucid has no dtype {name!r}, but {known}\n  try: dtype=lucid.float32")
    return found


def from_numpy_dtype(array: Array) -> dtype:
    """Return the dtype of a NumPy array's numbers; TypeError with a cure if lucid has none."""
    found = FROM_NUMPY.get(array.dtype)
    if found is not None:
        return found
    if array.dtype.kind in "iu":
        cure = "array.astype(np.int64)"
    elif array.dtype.kind == "f":
        cure = "array.astype(np.float32)"
    elif array.dtype.kind == "c":
        cure = "np.stack([array.real, array.imag])"
    else:
        cure = "np.asarray(numbers, dtype=np.float32)"
    known = ", ".join(t.name for t in ALL)
    raise DtypeError(f"a tensor holds {known}; got a NumPy array of {array.dtype}\n  try: {cure}")


_default = float32


def get_default_dtype() -> dtype:
    """Return the dtype that new floating-point tensors have.

    Examples
    --------
    >>> import lucid
    >>> lucid.get_default_dtype()
    lucid.float32
    """
    return _default


def set_default_dtype(d: DTypeLike) -> None:
    """Choose the dtype of new floating-point tensors: float32 or float64.

    Parameters
    ----------
    d : DTypeLike
        ``lucid.float32`` or ``lucid.float64``.

    Raises
    ------
    TypeError
        For any other dtype.

    Examples
    --------
    >>> import lucid
    >>> lucid.set_default_dtype(lucid.float64)
    >>> lucid.zeros(2).dtype
    lucid.float64
    >>> lucid.set_default_dtype(lucid.float32)
    """
    global _default
    wanted = as_dtype(d)
    if not wanted.is_floating_point:
        raise DtypeError(
            f"the default dtype must be float32 or float64, got {wanted.name}\n"
            "  try: lucid.set_default_dtype(lucid.float32)"
        )
    _default = wanted


class device:
    """Where a tensor lives. There is one place: ``"cpu"``.

    Parameters
    ----------
    type : str or device
        ``"cpu"``.

    Raises
    ------
    ValueError
        For any other name.

    Examples
    --------
    >>> import lucid
    >>> lucid.device("cpu")
    device(type='cpu')
    >>> lucid.device("cuda")
    Traceback (most recent call last):
    ...
    ValueError: the only device is 'cpu', got 'cuda'
      try: device='cpu', or leave device out
    """

    __slots__ = ("type",)

    type: str

    def __init__(self, type: str | device) -> None:
        name = type.type if isinstance(type, device) else type
        if not isinstance(name, str):
            raise TypeError(f"a device is named by a string, got {name!r}\n  try: device='cpu'")
        if name != "cpu":
            raise ValueError(
                f"the only device is 'cpu', got {name!r}\n  try: device='cpu', or leave device out"
            )
        self.type = name

    def __repr__(self) -> str:
        return f"device(type={self.type!r})"

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, device) and other.type == self.type

    def __hash__(self) -> int:
        return hash(self.type)


DeviceLike: TypeAlias = device | str | None

CPU = device("cpu")
# for functions whose arguments have these names
Device: TypeAlias = device
DType: TypeAlias = dtype


def as_device(value: DeviceLike) -> device:
    """Return the device that ``value`` names; None is the CPU."""
    return CPU if value is None else device(value)


def dtype_and_device(
    args: tuple[DTypeLike | DeviceLike, ...], dtype: DTypeLike, device: DeviceLike
) -> DType | None:
    """The dtype that ``to(*args, dtype=, device=)`` asks for, if any; the device is checked."""
    for arg in args:
        if isinstance(arg, Device) or (isinstance(arg, str) and arg not in [t.name for t in ALL]):
            device = arg
        else:
            dtype = arg
    as_device(device)
    return None if dtype is None else as_dtype(dtype)
