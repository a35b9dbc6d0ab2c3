"""Filling a whole model at once: what ``Module.materialize`` does.

One forward pass is enough to bring every lazy layer to life; here it leaves nothing else behind.
Nothing is recorded, dropout and batch norm behave as in use, and the random numbers go back to
where they were. If anything fails, all layers wait again, also those that had their input already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from lucid import ops, random, types
from lucid.autograd import is_tensor, no_grad
from lucid.errors import check_size
from lucid.tensor import Tensor

if TYPE_CHECKING:
    from lucid.nn.lazy import SizedLayer
    from lucid.nn.module import Module

__all__ = ["Example", "fill", "waiting"]

#: An input, or the shape that it would have.
Example: TypeAlias = "Tensor | Sequence[int]"


def waiting(model: Module) -> Iterator[tuple[str, SizedLayer]]:
    """The lazy layers of a model that wait for their first input, with their paths."""
    from lucid.nn.lazy import SizedLayer  # lazy layers are modules: known only by now

    for path, module in model.named_modules():
        if isinstance(module, SizedLayer) and module._pending:
            yield path, module


def fill(model: Module, example: Example | Sequence[Example]) -> None:
    """Give every lazy layer of the model its first input: all of them, or on any error none."""
    from lucid.nn import lazy  # for its lock, which is a new object after a fork

    inputs = as_inputs(model, example)
    with lazy.materializing, no_grad():
        trials = [lazy.Trial(layer) for _, layer in waiting(model)]
        try:
            with as_in_use(model):
                model(*inputs)
            left = [f"{path or 'itself'} ({type(m).__name__})" for path, m in waiting(model)]
            if left:
                raise ValueError(
                    f"forward did not come to all lazy layers of {type(model).__name__} (as in "
                    f"use, after eval()), so none was filled; it left out: {', '.join(left)}\n"
                    "  try: materialize these by themselves first, or leave them out of the model"
                )
        except BaseException:
            for trial in trials:
                trial.restore()
            raise


@contextmanager
def as_in_use(model: Module) -> Iterator[None]:
    """Switch to ``eval()``; afterwards every module's mode and the random numbers are as before."""
    modes = [(module, module.training) for module in model.modules()]
    numbers = random.get_rng_state()
    try:
        model.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        random.set_rng_state(numbers)


def as_inputs(model: Module, example: Any) -> list[Tensor]:
    """The inputs that an argument of ``materialize`` stands for."""
    several = isinstance(example, Sequence) and any(
        is_tensor(item) or isinstance(item, Sequence) for item in example
    )
    return [as_input(model, one) for one in (example if several else [example])]


def as_input(model: Module, example: Any) -> Tensor:
    """The example itself, or zeros of the shape, in the dtype of the model."""
    if is_tensor(example):
        return example
    if isinstance(example, str) or not isinstance(example, Sequence):
        raise TypeError(
            "materialize takes an example or its shape (a tuple of several for a model of several "
            f"inputs), got {type(example).__name__}\n  try: model.materialize((1, 16, 64))"
        )
    shape = [check_size("a size in the shape of an example", size, 0) for size in example]
    dtypes = [p.dtype for p in model.parameters() if p.dtype.is_floating_point]
    return ops.zeros(shape, dtype=dtypes[0] if dtypes else types.get_default_dtype())
