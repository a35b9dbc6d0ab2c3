"""How large the numbers are together: norms, and the soft maximum."""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING

from lucid.errors import DtypeError
from lucid.ops.broadcast import floating
from lucid.ops.choosing import where
from lucid.ops.compare import isfinite
from lucid.ops.convert import to
from lucid.ops.elementwise import abs, exp, log, sqrt
from lucid.ops.extreme import amax, amin
from lucid.ops.reduce import Dims, count, sum
from lucid.ops.shape import reshape
from lucid.ops.spelling import numpy_names

if TYPE_CHECKING:
    from lucid.tensor import Tensor


@numpy_names
def norm(
    input: Tensor,
    p: builtins.float | str = "fro",
    dim: Dims = None,
    keepdim: builtins.bool = False,
) -> Tensor:
    """out = (sum over ``dim`` of ``|input|^p``)^(1/p)

    Parameters
    ----------
    input : Tensor
        Of any shape and a floating dtype.
    p : float or str
        2, or ``"fro"``, is the length of a vector; ``inf`` and ``-inf`` are the largest and the
        smallest size, 0 counts what is not 0.
    dim : int or sequence of int, optional
        The axes; all by default.
    keepdim : bool
        Whether they stay, with size 1.

    Raises
    ------
    TypeError
        For whole numbers or bools.
    ValueError
        For another word than ``"fro"``.

    Examples
    --------
    >>> import lucid
    >>> lucid.tensor([3.0, -4.0]).norm()
    tensor(5.)
    """
    if not input.is_floating_point():
        raise DtypeError(
            f"the norm needs a floating dtype, got {input.dtype.name}\n  try: x.float()"
        )
    if isinstance(p, str) and p != "fro":
        raise ValueError(f"p must be a number or 'fro', got {p!r}")
    power = 2.0 if isinstance(p, str) else builtins.float(p)
    if math.isinf(power):
        return (amax if power > 0 else amin)(abs(input), dim, keepdim)
    if power == 0:
        return sum(to(input != 0, input.dtype), dim, keepdim)
    if power == 1:
        return sum(abs(input), dim, keepdim)
    total = sum(input * input if power == 2 else abs(input) ** power, dim, keepdim)
    # A root is infinitely steep at 0. A row of zeros gets the slope 0 instead of a nan.
    zero = total == 0
    safe = where(zero, 1.0, total)
    return where(zero, total, sqrt(safe) if power == 2 else safe ** (1 / power))


@numpy_names
def logsumexp(input: Tensor, dim: Dims, keepdim: builtins.bool = False) -> Tensor:
    """out = ln of the sum over ``dim`` of e^input; a soft maximum that cannot overflow

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or sequence of int
        The axes.
    keepdim : bool
        Whether they stay, with size 1.

    Examples
    --------
    >>> import lucid
    >>> lucid.logsumexp(lucid.tensor([500.0, 500.0]), 0)
    tensor(500.6931)
    """
    x = floating(input)
    if count(x, dim) == 0:
        return sum(x, dim, keepdim) - math.inf  # the logarithm of no sum
    largest = amax(x.detach(), dim, keepdim=True)
    largest = where(isfinite(largest), largest, 0.0)  # inf - inf is nan
    total = sum(exp(x - largest), dim, keepdim)
    return log(total) + reshape(largest, total.shape)
