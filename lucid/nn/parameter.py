"""Parameters: the tensors that training changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lucid import types
from lucid.autograd import is_tensor
from lucid.errors import UninitializedParameterError
from lucid.memory import Memory
from lucid.tensor import Tensor
from lucid.types import Array, DTypeLike, dtype

__all__ = ["Parameter", "UninitializedParameter"]


class Parameter(Tensor):
    """A tensor that a module registers when it is assigned to an attribute.

    Parameters
    ----------
    data : Tensor
        The numbers, in any shape; their memory is shared.
    requires_grad : bool
        Whether training changes it.

    Raises
    ------
    TypeError
        If ``data`` is no tensor, or is to have gradients without being of a floating dtype.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(lucid.ones(1))
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> [name for name, _ in Scale().named_parameters()]
    ['factor']
    """

    # Of a placeholder: what it will be filled with, and the class of its layer.
    __slots__ = ("_waiting_dtype", "_waiting_for")
    _waiting_dtype: dtype
    _waiting_for: str

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        if not is_tensor(data):
            raise TypeError(
                f"a Parameter is made of a tensor, got {type(data).__name__}\n"
                "  try: nn.Parameter(lucid.tensor(data))"
            )
        self._set(data._array)
        self._memory = data._memory
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class UninitializedParameter(Parameter):
    """The placeholder of a lazy layer's parameter, until its shape is known.

    It is a parameter without numbers: optimizers can hold it, and ``requires_grad`` can be set,
    but whatever reads its shape or its numbers raises UninitializedParameterError. ``materialize``
    fills this very object, which is an ordinary ``Parameter`` from then on.

    Parameters
    ----------
    dtype : DTypeLike, optional
        The dtype it will be filled with.
    requires_grad : bool
        Whether training will change it.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> p = nn.UninitializedParameter()
    >>> p
    UninitializedParameter(dtype=lucid.float32)
    >>> p.materialize((2, 3))
    >>> type(p).__name__, p.shape
    ('Parameter', (2, 3))
    """

    __slots__ = ()

    def __init__(self, dtype: DTypeLike = None, requires_grad: bool = True) -> None:
        self._waiting_dtype = types.as_dtype(dtype)
        self._grad, self._hooks, self._node, self._memory = None, None, None, Memory()
        self._requires_grad, self._waiting_for = requires_grad, "lazy layer"

    # While this is the class, it stands before the slot of the same name, which is still empty.
    @property
    def _array(self) -> Array:  # type: ignore[override]  # a property for a slot
        raise UninitializedParameterError(
            f"this parameter has no shape yet: its {self._waiting_for} has not seen an input.\n"
            "  try: model.materialize(x)    # or run one forward pass, before you read it"
        )

    @property
    def dtype(self) -> dtype:
        """The dtype it will be filled with."""
        return self._waiting_dtype

    def materialize(self, shape: tuple[int, ...]) -> None:
        """Become an ordinary parameter of this shape, its numbers still to be set."""
        array = np.empty(shape, self._waiting_dtype.numpy)
        _array_slot.__set__(self, array)  # first, so that no thread finds a parameter without
        self.__class__ = Parameter  # type: ignore[assignment]  # the same layout

    def __repr__(self) -> str:
        return f"UninitializedParameter(dtype={self._waiting_dtype})"

    def _repr_html_(self) -> str:
        from lucid import notebook  # not before a notebook asks

        return notebook.waiting_html(self._waiting_dtype.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        out = placeholder(self._waiting_dtype, self._requires_grad, self._waiting_for)
        memo[id(self)] = out
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        return placeholder, (self._waiting_dtype, self._requires_grad, self._waiting_for)


def placeholder(dtype: dtype, requires_grad: bool, layer: str) -> UninitializedParameter:
    """The placeholder of a layer of this class."""
    out = UninitializedParameter(dtype, requires_grad)
    out._waiting_for = layer
    return out


_array_slot: Any = Tensor.__dict__["_array"]


def dematerialize(parameter: Parameter, dtype: dtype) -> None:
    """Make a filled placeholder wait again: what follows a first forward that failed."""
    parameter._waiting_dtype = dtype
    parameter.__class__ = UninitializedParameter
    _array_slot.__set__(parameter, None)  # lets go of the memory; nobody reads the slot now


def convert(tensor: Tensor, dtype: dtype) -> None:
    """Change the dtype of a parameter or buffer in place; whole numbers stay what they are."""
    if isinstance(tensor, UninitializedParameter):
        tensor._waiting_dtype = dtype
    elif tensor.is_floating_point() and tensor.dtype is not dtype:
        tensor._array, tensor._memory = tensor.to(dtype)._array, Memory()
        if tensor._grad is not None:
            tensor._grad = tensor._grad.to(dtype)
