"""Weight normalization: a weight as a length and a direction.

The layer's class becomes a subclass (``Parametrized…``) in which ``weight`` is a property, computed
from the two parameters whenever it is read. So the layer itself, its copies and its gradients know
nothing of it. ``NAMES`` says where the two parameters are kept: PyTorch has had two ways, and
state dicts of either load.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar, NamedTuple, TypeVar

from lucid.autograd import no_grad
from lucid.errors import AxisError
from lucid.nn.container import ModuleDict
from lucid.nn.module import Module
from lucid.nn.parameter import Parameter, UninitializedParameter
from lucid.tensor import Tensor

__all__ = ["remove_weight_norm", "weight_norm"]

Layer = TypeVar("Layer", bound=Module)


class Norm(NamedTuple):
    """How a weight is kept."""

    dim: int | None  # the axis along which each slice has a length of its own
    inside: bool  # in a module of its own, "parametrizations.weight", instead of the layer

    def holder(self, layer: Module, name: str) -> tuple[Any, str, str]:
        """The module that has the two parameters, and their names: length, direction."""
        if self.inside:
            return layer._modules["parametrizations"]._modules[name], "original0", "original1"  # type: ignore[union-attr]
        return layer, f"{name}_g", f"{name}_v"


class WeightNormed(Module):
    """A layer with weights that are computed; the class of such a layer has it as a base."""

    plain: ClassVar[type[Module]]  # what the layer was
    _norms: dict[str, Norm]  # by the name of the weight

    def __reduce__(self) -> tuple[Any, ...]:
        return remade, (self.plain, tuple(self._norms)), self.__dict__


CLASSES: dict[tuple[Any, ...], Any] = {}  # each is made once


def parametrized(plain: Any, names: tuple[str, ...]) -> Any:
    """The class of a layer whose weights of these names are computed."""
    members: dict[str, Any] = {"plain": plain}
    members |= {name: property(functools.partial(computed, name=name)) for name in names}
    kind = type(f"Parametrized{plain.__name__}", (WeightNormed, plain), members)
    return CLASSES.setdefault((plain, *names), kind)


def remade(plain: type[Module], names: tuple[str, ...]) -> Module:
    """What copying and unpickling begin with."""
    kind: type[Module] = parametrized(plain, names)
    return kind.__new__(kind)


def computed(layer: WeightNormed, name: str) -> Tensor:
    """W = g * v / norm(v)"""
    norm = layer._norms[name]
    holder, g, v = norm.holder(layer, name)
    size, direction = holder._parameters[g], holder._parameters[v]
    weight: Tensor = direction * (size / length(direction, norm.dim))
    return weight


def length(v: Tensor, dim: int | None) -> Tensor:
    """norm(v), of each slice along an axis, with as many axes as v; for None of all, with none."""
    square = v * v
    if dim is None:
        return square.sum().sqrt()
    others = tuple(i for i in range(v.ndim) if i != dim)
    return (square.sum(others, keepdim=True) if others else square).sqrt()


@no_grad()
def split(module: Layer, name: str, dim: int | None, inside: bool) -> Layer:
    """Replace a parameter by its length and direction."""
    layer: Any = module
    weight = layer._parameters.get(name)
    if isinstance(weight, UninitializedParameter):
        raise ValueError(
            f"{name!r} of {type(layer).__name__} has no shape yet, so it has no length and no "
            "direction\n  try: run one forward pass, or load a state dict, and then weight_norm"
        )
    if weight is None:
        known = ", ".join(n for n, p in layer._parameters.items() if p is not None)
        raise ValueError(f"{type(layer).__name__} has no parameter {name!r}, it has: {known}")
    dim = None if dim == -1 else dim
    if dim is not None and not 0 <= dim < weight.ndim:
        raise AxisError(
            f"dim is an axis of the weight, of shape {weight.shape}, or None; got {dim}\n"
            "  try: dim=0"
        )
    norm = Norm(dim, inside)
    normed = isinstance(layer, WeightNormed)
    norms, plain = (layer._norms, layer.plain) if normed else ({}, type(layer))
    v, g = Parameter(weight.detach().clone(), weight.requires_grad), length(weight, dim)
    delattr(layer, name)
    if inside:
        if layer._modules.get("parametrizations") is None:
            layer.parametrizations = ModuleDict()
        layer._modules["parametrizations"].add_module(name, Module())
    holder, g_name, v_name = norm.holder(layer, name)
    holder.register_parameter(g_name, Parameter(g, weight.requires_grad))
    holder.register_parameter(v_name, v)
    layer._norms = norms | {name: norm}
    layer.__class__ = parametrized(plain, tuple(layer._norms))
    return module


def weight_norm(module: Layer, name: str = "weight", dim: int | None = 0) -> Layer:
    """W = g * v / norm(v): learn the length g of a weight and its direction v apart.

    For ``dim=0``, every output channel has a length of its own.

    Parameters
    ----------
    module : Module
        Whose weight it is; changed in place.
    name : str
        Of the weight. In its place the module has ``weight_g``, of shape (O, 1, 1) for a weight
        (O, C, K), and ``weight_v``; reading ``weight`` computes it.
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

    See Also
    --------
    lucid.nn.utils.parametrizations.weight_norm : With the names of PyTorch's newer state dicts.

    References
    ----------
    .. [1] T. Salimans, D. P. Kingma, "Weight Normalization", NIPS 2016, arXiv:1602.07868.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> conv = nn.utils.weight_norm(nn.Conv1d(3, 8, 5))
    >>> {name: p.shape for name, p in conv.named_parameters()}
    {'bias': (8,), 'weight_g': (8, 1, 1), 'weight_v': (8, 3, 5)}
    >>> conv(lucid.zeros(2, 3, 20)).shape
    (2, 8, 16)
    """
    return split(module, name, dim, inside=False)


@no_grad()
def remove_weight_norm(module: Layer, name: str = "weight") -> Layer:
    """Make the weight an ordinary parameter again, W = g * v / norm(v).

    Parameters
    ----------
    module : Module
        What ``weight_norm`` was called with, of either kind; changed in place.
    name : str
        Of the weight.

    Returns
    -------
    Module
        The same.

    Raises
    ------
    ValueError
        If the module has no weight norm of that name.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> conv = nn.utils.weight_norm(nn.Conv1d(3, 8, 5))
    >>> nn.utils.remove_weight_norm(conv)
    Conv1d(in_channels=3, out_channels=8, kernel_size=5)
    """
    if not isinstance(module, WeightNormed) or name not in module._norms:
        raise ValueError(f"{type(module).__name__} has no weight norm of {name!r}")
    layer: Any = module
    norm, weight = layer._norms[name], computed(layer, name)
    holder, g, v = norm.holder(layer, name)
    trained = holder._parameters[v].requires_grad
    norms = {n: kept for n, kept in layer._norms.items() if n != name}
    layer.__class__ = parametrized(layer.plain, tuple(norms)) if norms else layer.plain
    if norm.inside:
        del layer._modules["parametrizations"]._modules[name]
        if not layer._modules["parametrizations"]._modules:
            delattr(layer, "parametrizations")
    else:
        delattr(layer, g)
        delattr(layer, v)
    if norms:
        layer._norms = norms
    else:
        delattr(layer, "_norms")
    setattr(layer, name, Parameter(weight, trained))
    return module
