"""The module: what layers and models are made of.

A module is an ordinary object whose parameters, buffers and submodules are ordinary attributes.
Beside the attributes it keeps three registries, ``_parameters``, ``_buffers`` and ``_modules``,
which say what each of them is and in which order they came. ``__setattr__`` keeps both in step;
reading an attribute is plain Python. In one case they differ, on purpose: a parameter of a lazy
layer that waits for its first input reads as None, while the registry holds its placeholder.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

from lucid import types
from lucid.autograd import is_tensor
from lucid.errors import DtypeError, NotHere
from lucid.nn import calling, state
from lucid.nn.calling import Hook
from lucid.nn.materialize import Example, fill, waiting
from lucid.nn.parameter import Parameter, UninitializedParameter, convert
from lucid.tensor import RemovableHandle, Tensor
from lucid.types import DeviceLike, DTypeLike

__all__ = ["Module"]


class Module(calling.Called):
    """Base class of all layers and models.

    A model is a class that makes its layers in ``__init__`` and uses them in ``forward``; calling
    the model calls ``forward``.

    Attributes
    ----------
    training : bool
        Whether dropout and batch norm behave as in training; set by ``train()`` and ``eval()``.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> class Classifier(nn.Module):
    ...     def __init__(self, classes):
    ...         super().__init__()
    ...         self.features = nn.LazyConv1d(8, kernel_size=3)
    ...         self.scores = nn.LazyLinear(classes)
    ...     def forward(self, x):
    ...         return self.scores(self.features(x).relu().mean(2))
    >>> model = Classifier(classes=9)
    >>> model(lucid.zeros(2, 12, 29)).shape
    (2, 9)
    >>> model
    Classifier(
      (features): LazyConv1d(in_channels=12, out_channels=8, kernel_size=3)
      (scores): LazyLinear(in_features=8, out_features=9)
    )
    """

    training: builtins.bool

    def __init__(self) -> None:
        set_field = super().__setattr__
        set_field("training", True)
        set_field("_parameters", {})
        set_field("_buffers", {})
        set_field("_modules", {})
        set_field("_transient", set())  # names of buffers that are not part of the state
        set_field("_forward_hooks", [])
        set_field("_forward_pre_hooks", [])

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _transient: set[str]
    _forward_hooks: list[tuple[Hook, builtins.bool]]
    _forward_pre_hooks: list[tuple[Hook, builtins.bool]]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every model gives its own."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward\n  try: def forward(self, x): ..."
        )

    # ------------------------------------------------------------------------------------ calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the pre-hooks, ``forward``, and the hooks."""
        try:
            if self._forward_pre_hooks or self._forward_hooks:
                return calling.call_with_hooks(self, args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            calling.say_where(self, error)
            raise

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: builtins.bool = False, with_kwargs: builtins.bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before every ``forward``; what it returns replaces args."""
        return calling.add_hook(self._forward_pre_hooks, hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Hook, *, prepend: builtins.bool = False, with_kwargs: builtins.bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, out)`` after ``forward``; what it returns replaces out."""
        return calling.add_hook(self._forward_hooks, hook, prepend, with_kwargs)

    # --------------------------------------------------------------------------------- registering

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self.register_module(name, value)
        elif "_parameters" not in self.__dict__:
            super().__setattr__(name, value)
        elif name in self._parameters:
            if value is not None:
                raise TypeError(
                    f"{name!r} is a parameter: assign an nn.Parameter or None, "
                    f"not {type(value).__name__}\n  try: nn.Parameter(value)"
                )
            self.register_parameter(name, None)
        elif name in self._modules:
            if value is not None:
                raise TypeError(
                    f"{name!r} is a module: assign an nn.Module or None, not {type(value).__name__}"
                )
            self.register_module(name, None)
        elif name in self._buffers:
            self.register_buffer(name, value, persistent=name not in self._transient)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._parameters_or_error()
        super().__delattr__(name)
        self._forget(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make ``param`` the parameter ``name`` of this module."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"expected an nn.Parameter or None, got {type(param).__name__}")
        if isinstance(param, UninitializedParameter):
            raise ValueError(
                "this parameter waits for the first input of its own layer; until then it cannot "
                f"be {name!r} here\n  try: run one forward pass, then tie:  b.weight = a.weight"
            )
        self._check_registration(name, self._parameters_or_error())
        self._parameters[name] = param
        self.__dict__[name] = param

    def register_buffer(
        self, name: str, tensor: Tensor | None, persistent: builtins.bool = True
    ) -> None:
        """Make ``tensor`` a buffer: part of the state, unless not persistent, but not trained."""
        if tensor is not None and not is_tensor(tensor):
            raise TypeError(
                f"a buffer is a tensor or None, got {type(tensor).__name__} for {name!r}"
            )
        self._parameters_or_error()
        self._check_registration(name, self._buffers)
        self._buffers[name] = tensor
        (self._transient.discard if persistent else self._transient.add)(name)
        self.__dict__[name] = tensor

    def register_module(self, name: str, module: Module | None) -> None:
        """Make ``module`` the submodule ``name`` of this one."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"expected an nn.Module or None, got {type(module).__name__}")
        self._parameters_or_error()
        if module is not None and any(below is self for below in module.modules()):
            raise ValueError(
                f"{type(self).__name__}.{name} would make the module a part of itself\n"
                "  try: self.parent = (parent,), a tuple, which registers nothing"
            )
        self._check_registration(name, self._modules)
        self._modules[name] = module
        self.__dict__[name] = module

    def add_module(self, name: str, module: Module | None) -> None:
        """``register_module`` by its older name."""
        self.register_module(name, module)

    def _parameters_or_error(self) -> dict[str, Parameter | None]:
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__} has not been set up yet\n"
                "  try: super().__init__() as the first line of its __init__"
            )
        return self._parameters

    def _check_registration(self, name: str, registry: Mapping[str, object]) -> None:
        if not isinstance(name, str) or "." in name or not name:
            raise ValueError(f"a name is a string that is not empty and has no dot, got {name!r}")
        if isinstance(self._parameters.get(name), UninitializedParameter):
            raise ValueError(
                f"{name!r} waits for its layer's first input, and cannot be replaced before\n"
                "  try: run one forward pass through both layers, then tie them:  "
                "b.weight = a.weight"
            )
        if name in registry:
            return
        own = name in Module.__annotations__  # "training", "_parameters", ...
        if own or (name not in self.__dict__ and name in dir(type(self))):
            raise ValueError(f"{name!r} is already an attribute of {type(self).__name__}")
        self._forget(name)  # the name changes its kind, as that of any attribute may

    def _forget(self, name: str) -> None:
        registries: tuple[dict[str, Any], ...] = (self._parameters, self._buffers, self._modules)
        for registry in registries:
            registry.pop(name, None)
        self._transient.discard(name)

    # ----------------------------------------------------------------------------------- walking

    def named_modules(
        self, prefix: str = "", remove_duplicate: builtins.bool = True
    ) -> Iterator[tuple[str, Module]]:
        """The module itself and all below it, with their paths; a shared one once."""
        seen: set[Module] = set()
        waiting = [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if module in seen:
                continue
            if remove_duplicate:
                seen.add(module)
            module._parameters_or_error()
            yield path, module
            for name, child in reversed(module._modules.items()):
                if child is not None:
                    waiting.append((f"{path}.{name}" if path else name, child))

    def modules(self) -> Iterator[Module]:
        """The module itself and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names."""
        return ((name, m) for name, m in self._modules.items() if m is not None)

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: builtins.bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths, placeholders included; a shared one once."""
        return self._named("_parameters", prefix, recurse)

    def parameters(self, recurse: builtins.bool = True) -> Iterator[Parameter]:
        """All parameters, placeholders included: what an optimizer is given."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: builtins.bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse: builtins.bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def _named(
        self, registry: str, prefix: str, recurse: builtins.bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in module.__dict__[registry].items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield (f"{path}.{name}" if path else name), tensor

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as ``"encoder.0"``."""
        found = dict(self.named_modules(remove_duplicate=False)).get(target)
        if found is None:
            raise AttributeError(f"{type(self).__name__} has no submodule {target!r}")
        return found

    # ------------------------------------------------------------------------------------ changing

    def train(self, mode: builtins.bool = True) -> Self:
        """Behave as in training (``mode=False``: as in use), all modules below included."""
        if not isinstance(mode, builtins.bool):
            raise ValueError(
                f"mode is True or False, got {mode!r}\n  try: model.train(), model.eval()"
            )
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as in use: ``train(False)``."""
        return self.train(False)

    def to(
        self, *args: DTypeLike | DeviceLike, dtype: DTypeLike = None, device: DeviceLike = None
    ) -> Self:
        """Convert all floating parameters and buffers, in place; placeholders remember it."""
        wanted = types.dtype_and_device(args, dtype, device)
        if wanted is not None:
            if not wanted.is_floating_point:
                raise DtypeError(
                    f"a module computes in float32 or float64, not {wanted.name}\n"
                    "  try: model.to(lucid.float32)"
                )
            for module in self.modules():
                module._convert(wanted)
        return self

    def _convert(self, dtype: types.dtype) -> None:
        for tensor in (*self._parameters.values(), *self._buffers.values()):
            if tensor is not None:
                convert(tensor, dtype)

    cuda = NotHere('lucid computes on the CPU\n  try: model.to("cpu"), the model itself')

    def double(self) -> Self:
        """Convert all floating parameters and buffers to float64."""
        return self.to(types.float64)

    def float(self) -> Self:
        """Convert all floating parameters and buffers to float32."""
        return self.to(types.float32)

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call ``fn`` with every module, those below first."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def zero_grad(self, set_to_none: builtins.bool = True) -> None:
        """Forget all gradients, or fill them with 0."""
        for p in self.parameters():
            if set_to_none or p.grad is None:
                p.grad = None
            else:
                p.grad = p.grad.detach().zero_()

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Self:
        """Set whether training changes the parameters; placeholders remember it."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    # --------------------------------------------------------------------------------------- lazy

    def materialize(self, example: Example | Sequence[Example]) -> Self:
        """Give every lazy layer below its first input, by one forward pass that leaves no trace.

        No gradient is recorded, dropout and batch norm behave as in use, and the modes of all
        modules and the random numbers are afterwards as before.

        Parameters
        ----------
        example : Tensor, shape, or tuple of these
            An input, or its shape (a tuple of ints, for zeros in the dtype of the model). A model
            of several inputs takes a tuple of them. Whole numbers, as for an embedding, need an
            example.

        Returns
        -------
        Module
            The module itself.

        Raises
        ------
        ValueError
            If forward, as in use, does not come to all lazy layers. After this or any other error
            of the forward pass, all of them wait again.

        Examples
        --------
        >>> import lucid.nn as nn
        >>> model = nn.Sequential(nn.LazyConv1d(8, 3), nn.LazyBatchNorm1d(), nn.ReLU())
        >>> model.has_uninitialized_parameters()
        True
        >>> model.materialize((1, 12, 29)).has_uninitialized_parameters()
        False
        """
        fill(self, example)
        return self

    def has_uninitialized_parameters(self) -> builtins.bool:
        """Whether a lazy layer here or below still waits for its first input."""
        return any(True for _ in waiting(self))

    # -------------------------------------------------------------------------------------- state

    def state_dict(
        self, *, prefix: str = "", keep_vars: builtins.bool = False
    ) -> dict[str, Tensor]:
        """All parameters and persistent buffers by their paths, on shared memory.

        A lazy layer that waits for its first input has no entries.
        """
        found: dict[str, Tensor] = {}
        for path, module in self.named_modules(prefix.rstrip("."), remove_duplicate=False):
            for name, tensor in module._state().items():
                key = f"{path}.{name}" if path else name
                found[key] = tensor if keep_vars else tensor.detach()
        return found

    def _state(self) -> dict[str, Tensor]:
        """What this module itself contributes to the state."""
        own = {**self._parameters, **self._buffers}
        return {
            name: tensor
            for name, tensor in own.items()
            if tensor is not None and name not in self._transient
        }

    def load_state_dict(
        self,
        state_dict: Mapping[str, Any],
        strict: builtins.bool = True,
        assign: builtins.bool = False,
    ) -> state.IncompatibleKeys:
        """Copy a state into this model: all of it, or on any error nothing.

        A lazy layer that waits for its first input takes its sizes from the state.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            As ``state_dict()`` returns it; NumPy arrays and the reference's tensors will do.
        strict : bool
            Whether missing and unexpected keys are errors.
        assign : bool
            Take over the tensors' memory and dtype instead of copying the numbers.

        Returns
        -------
        IncompatibleKeys
            The missing and the unexpected keys.

        Raises
        ------
        ValueError
            With every problem there is: keys missing or unexpected, shapes that do not fit.
        """
        return state.load(self, state_dict, strict, assign)

    # -------------------------------------------------------------------------------------- repr

    def extra_repr(self) -> str:
        """What ``repr`` shows in the parentheses of this module."""
        return ""

    def __repr__(self) -> str:
        if "_modules" not in self.__dict__:
            return f"<{type(self).__name__} without super().__init__()>"
        lines = [f"({name}): {child!r}" for name, child in self.named_children()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        if self.extra_repr():
            lines.insert(0, self.extra_repr())
        body = "\n".join(lines).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"

    def _repr_html_(self) -> str:
        from lucid import notebook  # not before a notebook asks

        return notebook.module_html(self)
