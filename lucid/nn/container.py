"""Modules made of modules."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, overload

from lucid.nn.calling import layer_for
from lucid.nn.module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


def checked(module: Module | None, container: str) -> Module:
    """A module: unlike an attribute, an element of a container cannot be None."""
    if not isinstance(module, Module):
        cure = ""
        if isinstance(module, type) and issubclass(module, Module):
            cure = f"\n  try: {module.__name__}(...), a layer made of that class"
        elif callable(module):
            cure = f"\n  try: {layer_for(module)}"
        raise TypeError(f"{container} holds modules, got {type(module).__name__}{cure}")
    return module


class ModuleList(Module):
    """A list of modules whose parameters are the model's.

    (Modules in a plain Python list are not registered: an optimizer would not see them.)

    Parameters
    ----------
    modules : iterable of Module, optional
        What the list begins with.

    Raises
    ------
    TypeError
        For an element that is no module.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> blocks = nn.ModuleList(nn.LazyConv1d(8, 3, dilation=2**i) for i in range(3))
    >>> len(blocks), blocks[-1].dilation
    (3, 4)
    """

    takes_tensors = math.inf  # to say what it holds

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def register_module(self, name: str, module: Module | None) -> None:
        """Make ``module`` an element; None is not one."""
        super().register_module(name, checked(module, type(self).__name__))

    def _at(self, index: int) -> str:
        n, i = len(self), operator.index(index)
        if not -n <= i < n:
            raise IndexError(f"index {i} in a {type(self).__name__} of {n} modules")
        return list(self._modules)[i]

    def _renumber(self, modules: list[Module]) -> None:
        for module in modules:  # before the old ones are gone
            checked(module, type(self).__name__)
        for name in list(self._modules):
            delattr(self, name)
        for i, module in enumerate(modules):
            self.register_module(str(i), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter([module for _, module in self.named_children()])

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return a module, or for a slice a new container of the same kind."""
        if isinstance(index, slice):
            part = type(self).__new__(type(self))
            Module.__init__(part)
            part._renumber(list(self)[index])
            return part
        return self._modules[self._at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self.register_module(self._at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index]
        self._renumber(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end; return the list itself."""
        self.register_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end; return the list itself."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Add a module before the one at ``index``."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)


class Sequential(ModuleList):
    """y = last(... second(first(x)))

    Parameters
    ----------
    *args : Module, or one dict of names and modules
        The modules in the order in which they are called.

    Raises
    ------
    TypeError
        For an argument that is no module: ``nn.Sequential([a, b])`` lacks a ``*``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> model = nn.Sequential(nn.LazyConv1d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    >>> model(lucid.zeros(4, 1, 10)).shape
    (4, 2)
    >>> model[0]
    LazyConv1d(in_channels=1, out_channels=8, kernel_size=3)
    """

    takes_tensors = math.inf  # to say what it holds

    def __init__(self, *args: Any) -> None:
        Module.__init__(self)
        if len(args) == 1 and isinstance(args[0], list | tuple):
            raise TypeError(
                "Sequential takes modules one by one, got a list\n  try: nn.Sequential(*modules)"
            )
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.register_module(name, module)
        else:
            self.extend(args)

    def forward(self, x: Any) -> Any:
        """Call one module after the other."""
        for module in self:
            x = module(x)
        return x


class ModuleDict(Module):
    """A dict of modules whose parameters are the model's.

    Parameters
    ----------
    modules : mapping of str to Module, optional
        What the dict begins with.

    Raises
    ------
    TypeError
        For a value that is no module.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> heads = nn.ModuleDict({"speaker": nn.LazyLinear(9), "vowel": nn.LazyLinear(5)})
    >>> heads["vowel"]
    LazyLinear(in_features=None, out_features=5)
    """

    takes_tensors = math.inf  # to say what it holds

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Module:
        return checked(self._modules[name], type(self).__name__)

    def register_module(self, name: str, module: Module | None) -> None:
        """Make ``module`` the value of ``name``; None is not one."""
        super().register_module(name, checked(module, type(self).__name__))

    def __setitem__(self, name: str, module: Module) -> None:
        self.register_module(name, module)

    def __delitem__(self, name: str) -> None:
        delattr(self, name)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return [self[name] for name in self]

    def items(self) -> Iterable[tuple[str, Module]]:
        """The names with their modules."""
        return [(name, self[name]) for name in self]

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add modules, replacing those of the same name."""
        for name, module in modules.items():
            self.register_module(name, module)
