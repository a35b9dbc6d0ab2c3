"""What goes on around a module's ``forward``: hooks, the path in an error, and a forgotten ()."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from lucid.autograd import is_tensor
from lucid.errors import add_to_message, shown
from lucid.nn import functional
from lucid.tensor import RemovableHandle

if TYPE_CHECKING:
    from lucid.nn.module import Module

__all__ = ["Called", "Hook", "add_hook", "call_with_hooks", "say_where"]

Hook: TypeAlias = Callable[..., Any]


class Called:
    """What is made first and called then: ``nn.MaxPool1d(x)`` is told that it is a class.

    Python itself only says that an argument is missing, or too many; and it says so before any
    ``__init__``. (In a base of ``Module``, so that ``inspect.signature`` finds ``__init__`` first.)
    """

    takes_tensors: ClassVar[float] = 0  # of its first options, those that may be tensors
    called_with: ClassVar[str] = "x"

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Refuse a tensor instead of the first option of a layer of lucid's own."""
        own, wrong = cls.__module__.startswith("lucid.nn."), cls.takes_tensors
        if own and len(args) > wrong and is_tensor(args[int(wrong)]):
            raise TypeError(
                f"nn.{cls.__name__} is a class, whose options make a layer; got "
                f"{shown(args[int(wrong)])}\n  try: {made(cls)}({cls.called_with})"
            )
        return super().__new__(cls)


def made(layer: type) -> str:
    """The code that makes a layer of lucid's: its class, and the options it cannot do without."""
    options = inspect.signature(layer).parameters.values()
    needed = [option.name for option in options if option.default is option.empty]
    return f"nn.{layer.__name__}({', '.join(needed)})"


def layer_for(function: Callable[..., Any]) -> str:
    """The code that makes the layer which computes a function: ``nn.ReLU()`` for ``F.relu``."""
    name = getattr(function, "__name__", "").replace("_", "").lower()  # a partial has none
    waiting: list[type] = list(Called.__subclasses__())
    while waiting:
        layer = waiting.pop()
        if layer.__name__.lower() == name and layer.__module__.startswith("lucid.nn."):
            return made(layer)
        waiting.extend(layer.__subclasses__())
    return "a class of your own, class Layer(nn.Module), whose forward calls the function"


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the pre-hooks, ``forward``, and the hooks."""
    for hook, with_kwargs in list(module._forward_pre_hooks):
        changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if changed is not None and with_kwargs:
            args, kwargs = checked_pair(changed)
        elif changed is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
    out = module.forward(*args, **kwargs)
    for hook, with_kwargs in list(module._forward_hooks):
        changed = hook(module, args, kwargs, out) if with_kwargs else hook(module, args, out)
        out = out if changed is None else changed
    return out


def say_where(model: Module, error: Exception) -> None:
    """Name the module that an error came from by its path in the model."""
    # Each module that the error passes on its way out names the path anew, from further out.
    model._parameters_or_error()  # a module that was never set up has no paths
    try:
        if "_lucid_source" not in error.__dict__:
            name_layer(model, error)
        source = error.__dict__.setdefault("_lucid_source", id(model))
        for path, module in model.named_modules():
            if id(module) == source and path:
                add_to_message(error, f"in model: {path} ({type(module).__name__})")
    except (AttributeError, TypeError):
        pass  # an exception that cannot be added to is raised as it is


def name_layer(layer: Module, error: Exception) -> None:
    """Begin a message with the layer's name, not that of the function that computes it.

    Only where lucid's own ``forward`` has called the function: ``conv1d expected 3 channels``, from
    a ``Conv1d``, becomes ``Conv1d expected 3 channels``. Who writes ``F.conv1d`` looks for that.
    """
    own = type(layer).forward.__module__.startswith("lucid.")
    if own and isinstance(error, ValueError | TypeError) and [type(a) for a in error.args] == [str]:
        name, space, rest = error.args[0].partition(" ")
        if name in functional.__all__:
            error.args = (f"{type(layer).__name__}{space}{rest}",)


def checked_pair(changed: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a pre-hook with kwargs has returned."""
    match changed:
        case (tuple(args), dict(kwargs)) if isinstance(changed, tuple):
            return args, kwargs
    raise TypeError(
        "a pre-hook with kwargs returns a tuple of arguments and a dict of keyword arguments, "
        f"or None; got {type(changed).__name__}\n  try: return (x,), kwargs"
    )


def add_hook(
    hooks: list[tuple[Hook, bool]], hook: Hook, prepend: bool, with_kwargs: bool
) -> RemovableHandle:
    """Put a hook among the others, first or last."""
    entry = (hook, with_kwargs)
    hooks.insert(0 if prepend else len(hooks), entry)
    return RemovableHandle(hooks, entry)
