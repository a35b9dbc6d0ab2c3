"""Limits for gradients, between ``loss.backward()`` and ``optimizer.step()``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator

import numpy as np

from lucid.autograd import is_tensor, make_tensor, no_grad
from lucid.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def as_list(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """One tensor, or any number of them, as a list."""
    if is_tensor(tensors):
        return [tensors]
    found = list(tensors) if isinstance(tensors, Iterable) else [tensors]
    for tensor in found:
        if not is_tensor(tensor):
            raise TypeError(
                f"expected a tensor or several, got {type(tensor).__name__}\n"
                "  try: model.parameters()"
            )
    if not found and isinstance(tensors, Iterator):
        warnings.warn(
            "model.parameters() can be gone through once, and this one has been: nothing is "
            "clipped\n  try: list(model.parameters()), or call it anew",
            stacklevel=3,
        )
    return found


def limit(name: str, value: float) -> float:
    """A limit, which is at least 0."""
    value = float(value)
    if not value >= 0:
        raise ValueError(f"{name} is a number from 0 up, got {value}")
    return value


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """norm = (sum over all numbers of all tensors of abs(x) ** p) ** (1 / p), with p = norm_type

    For p = inf, the largest abs(x).

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
        Of a floating dtype; as if they were one long vector.
    norm_type : float or str
        p; ``"inf"`` is understood.
    error_if_nonfinite : bool
        Whether a norm that is inf or nan is an error.
    foreach : bool, optional
        Has no effect.

    Returns
    -------
    Tensor
        One number; 0 if there are no tensors.

    Raises
    ------
    RuntimeError
        If the norm is inf or nan, and that is to be an error.

    Examples
    --------
    >>> import lucid
    >>> lucid.nn.utils.get_total_norm([lucid.tensor([3.0]), lucid.tensor([[4.0]])])
    tensor(5.)
    """
    p = float(norm_type)
    arrays = [t._array for t in as_list(tensors)]
    if not arrays:
        return make_tensor(np.float32(0))
    norms = [np.linalg.norm(a.ravel(), p) for a in arrays if a.size]
    with np.errstate(all="ignore"):
        total = np.linalg.norm(np.array(norms), p) if norms else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"the total norm of order {p:g} of these gradients is {total}, so they cannot be "
            "clipped\n  try: a smaller learning rate; error_if_nonfinite=False lets it pass"
        )
    return make_tensor(np.asarray(total, np.result_type(*arrays)))


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """``grad *= min(1, max_norm / (total_norm + 1e-6))``, for every gradient, in place

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Of any shapes; those without a gradient are left out.
    max_norm : float
        The length that all gradients together are to have at most.
    total_norm : Tensor
        The length they have, a single number from ``get_total_norm``.
    foreach : bool, optional
        Has no effect.

    Raises
    ------
    ValueError
        If ``max_norm`` is less than 0.

    Examples
    --------
    >>> import lucid
    >>> w = lucid.ones(2, requires_grad=True)
    >>> (w * lucid.tensor([3.0, 4.0])).sum().backward()
    >>> lucid.nn.utils.clip_grads_with_norm_(w, 2.5, lucid.tensor(5.0))
    >>> w.grad
    tensor([1.5000, 2.0000])
    """
    factor = limit("max_norm", max_norm) / (total_norm + 1e-6)
    for p in as_list(parameters):
        if p.grad is not None and not factor.item() >= 1:  # nan reaches all
            p.grad.mul_(factor)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Shorten all gradients, as one vector, to ``max_norm`` if they are longer; return their norm.

    ``grad *= min(1, max_norm / (total_norm + 1e-6))`` [1]_

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Of any shapes; those without a gradient are left out.
    max_norm : float
        The length that all gradients together are to have at most.
    norm_type : float or str
        Which length, see ``get_total_norm``.
    error_if_nonfinite : bool
        Whether a norm that is inf or nan is an error; the gradients then stay as they are.
    foreach : bool, optional
        Has no effect.

    Returns
    -------
    Tensor
        The norm of all gradients before.

    Raises
    ------
    ValueError
        If ``max_norm`` is less than 0.
    RuntimeError
        If the norm is inf or nan, and that is to be an error.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML 2013, arXiv:1211.5063.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> model = nn.Linear(4, 2)
    >>> (100 * model(lucid.ones(1, 4))).sum().backward()
    >>> norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    >>> bool(norm > 100), bool(model.weight.grad.abs().max() < 1)
    (True, True)
    """
    limit("max_norm", max_norm)
    found = as_list(parameters)
    grads = [p.grad for p in found if p.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(found, max_norm, total)
    return total


@no_grad()
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """``grad = min(clip_value, max(-clip_value, grad))``, for every gradient, in place

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Of any shapes; those without a gradient are left out.
    clip_value : float
        What no number of a gradient is to exceed, up or down.
    foreach : bool, optional
        Has no effect.

    Raises
    ------
    ValueError
        If ``clip_value`` is less than 0.

    Examples
    --------
    >>> import lucid
    >>> w = lucid.ones(2, requires_grad=True)
    >>> (w * lucid.tensor([0.5, -4.0])).sum().backward()
    >>> lucid.nn.utils.clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([ 0.5000, -1.0000])
    """
    most = limit("clip_value", clip_value)
    for p in as_list(parameters):
        if p.grad is not None:
            p.grad.clamp_(-most, most)
