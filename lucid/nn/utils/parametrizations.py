"""Weights computed from other parameters, with the names of PyTorch's newer state dicts."""

from __future__ import annotations

from typing import TypeVar

from lucid.nn.module import Module
from lucid.nn.utils.weight_norm import split

__all__ = ["weight_norm"]

Layer = TypeVar("Layer", bound=Module)


def weight_norm(module: Layer, name: str = "weight", dim: int | None = 0) -> Layer:
    """W = g * v / norm(v): learn the length g of a weight and its direction v apart.

    As ``lucid.nn.utils.weight_norm``, whose parameters here are named
    ``parametrizations.weight.original0`` (the length) and ``parametrizations.weight.original1``.
    ``lucid.nn.utils.remove_weight_norm`` takes it away.

    Parameters
    ----------
    module : Module
        Whose weight it is; changed in place.
    name : str
        Of the weight.
    dim : int or None
        The axis along which each slice has its length; None, and -1: one length for all.

    Returns
    -------
    Module
        The same. Its class is a subclass of what it was, named ``Parametrized…``.

    Raises
    ------
    ValueError
        If there is no such parameter, or a lazy layer has not seen its first input.
    AxisError
        If the weight has no such axis.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 8, 5))
    >>> list(conv.state_dict())
    ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    return split(module, name, dim, inside=True)
