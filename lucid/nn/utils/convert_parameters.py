"""All parameters as one vector, and back: for optimizers and statistics that know only vectors."""

from __future__ import annotations

from collections.abc import Iterable

from lucid import ops
from lucid.autograd import is_tensor, no_grad
from lucid.cures import shape_cure
from lucid.errors import ShapeError
from lucid.nn.utils.clip_grad import as_list
from lucid.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """out = the numbers of all parameters, one after the other; gradients flow through

    Parameters
    ----------
    parameters : iterable of Tensor
        Of any shapes, and all of one dtype.

    Returns
    -------
    Tensor
        (n,), with n the number of all their numbers.

    Raises
    ------
    UninitializedParameterError
        If a lazy layer has not seen its first input.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return ops.cat([ops.reshape(p, -1) for p in as_list(parameters)])


@no_grad()
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy the numbers of a vector into the parameters, one after the other.

    Parameters
    ----------
    vec : Tensor
        (n,), as ``parameters_to_vector`` returns it.
    parameters : iterable of Tensor
        Of any shapes, with n numbers in all.

    Raises
    ------
    ShapeError
        If ``vec`` is no vector of n numbers; nothing was copied then.
    TypeError
        If it is no tensor.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> layer = nn.Linear(1, 2)
    >>> nn.utils.vector_to_parameters(lucid.tensor([1.0, 2.0, 3.0, 4.0]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0], [2.0]], [3.0, 4.0])
    """
    if not is_tensor(vec):
        raise TypeError(f"expected a tensor, got {type(vec).__name__}\n  try: lucid.tensor(vec)")
    found = as_list(parameters)
    ends = [0]
    for p in found:
        ends.append(ends[-1] + p.numel())
    if vec.shape != (ends[-1],):
        raise ShapeError(
            f"these parameters have {ends[-1]} numbers in all: expected a vector of shape "
            f"({ends[-1]},), got {vec.shape}{shape_cure('vec', vec.shape, (ends[-1],), 'zeros')}"
        )
    for p, start, end in zip(found, ends, ends[1:], strict=False):
        p.copy_(vec[start:end].reshape(p.shape))
