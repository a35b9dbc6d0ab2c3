"""Averages of a model over the course of training, which often do better than its last state."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from lucid import ops
from lucid.autograd import no_grad
from lucid.nn.lazy import SizedLayer
from lucid.nn.module import Module
from lucid.nn.parameter import UninitializedParameter
from lucid.optim.options import number
from lucid.tensor import Tensor
from lucid.types import DeviceLike, as_device

__all__ = ["AveragedModel", "get_ema_avg_fn"]

AvgFn: TypeAlias = Callable[[Tensor, Tensor, int], Tensor]
MultiAvgFn: TypeAlias = Callable[[list[Tensor], list[Tensor], int], None]


def get_ema_avg_fn(decay: float = 0.999) -> AvgFn:
    """An ``avg_fn`` of exponential moving averages: decay * average + (1 - decay) * new"""
    keep = number("decay", decay)
    if keep > 1:
        raise ValueError(f"decay must be from 0 to 1, got {decay}")
    return partial(moving, keep=keep)


def moving(average: Tensor, new: Tensor, n: int, *, keep: float) -> Tensor:
    """average = keep * average + (1 - keep) * new"""
    return average * keep + new * (1 - keep)


def mean(average: Tensor, new: Tensor, n: int) -> Tensor:
    """average = average + (new - average) / (n + 1)"""
    return average + (new - average) / (n + 1)


class AveragedModel(Module):
    """average = average + (new - average) / (n + 1), in a copy of a model that follows it

    It may be made before the model's lazy layers have seen an input, and follows them after.

    Parameters
    ----------
    model : Module
        What to average; it is copied.
    device : DeviceLike, optional
        There is one: ``"cpu"``.
    avg_fn : callable, optional
        ``avg_fn(average, new, n)`` returns the next average of one parameter, after n updates;
        for instance ``get_ema_avg_fn()``. The formula above, the mean, unless given.
    multi_avg_fn : callable, optional
        The same for all parameters at once: of two lists, it changes the first in place.
    use_buffers : bool
        Whether floating buffers are averaged too. Other buffers are copied.

    Examples
    --------
    >>> import lucid
    >>> import lucid.nn as nn
    >>> from lucid.optim.swa_utils import AveragedModel
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> average(lucid.ones(1, 1)).item(), average.n_averaged
    (3.0, tensor(3))
    """

    def __init__(
        self, model: Module, device: DeviceLike = None, avg_fn: AvgFn | None = None,
        multi_avg_fn: MultiAvgFn | None = None, use_buffers: bool = False,
    ) -> None:  # fmt: skip
        as_device(device)
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("one function takes the average, got both avg_fn and multi_avg_fn")
        super().__init__()
        self.module: Module = copy.deepcopy(model)
        self.n_averaged: Tensor
        self.register_buffer("n_averaged", ops.tensor(0))
        self.avg_fn = avg_fn or mean
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute with the averages."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the numbers of a model into the average; the first time, copy them.

        Layers of the model that still wait for their first input are left out; if all do, this
        does not count. A model that is built differently is a ValueError, and changes nothing.
        """
        follow(self.module, model)
        theirs = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        pairs: list[tuple[Tensor, Tensor]] = []
        for name, mine in self.module.named_parameters():
            if not isinstance(theirs[name], UninitializedParameter):
                pairs.append((mine.detach(), theirs[name].detach().to(mine.dtype)))
        if not pairs and list(self.module.parameters()):
            return
        for name, buffer in self.module.named_buffers():
            new = theirs.get(name, buffer)
            if self.use_buffers and buffer.is_floating_point():
                pairs.append((buffer, new.to(buffer.dtype)))
            else:
                buffer.copy_(new)
        n = int(self.n_averaged.item())
        if n > 0 and self.multi_avg_fn is not None:
            self.multi_avg_fn([mine for mine, _ in pairs], [new for _, new in pairs], n)
        else:
            for average, new in pairs:
                average.copy_(new if n == 0 else self.avg_fn(average, new, n))
        self.n_averaged.add_(1)


def follow(average: Module, model: Module) -> None:
    """Fill the layers of the average that wait where the model's have seen their first input."""
    layers, new, fill = dict(model.named_modules()), model.state_dict(), dict[str, Tensor]()
    wrong = {n for n, _ in average.named_parameters()} ^ {n for n, _ in model.named_parameters()}
    wrong |= {n for n, t in average.state_dict().items() if n in new and new[n].shape != t.shape}
    for path, layer in average.named_modules():
        if type(layers.get(path)) is not type(layer):
            wrong.add(path)
        elif isinstance(layer, SizedLayer) and layer._pending:
            dot = f"{path}." if path else ""
            fill.update({dot + name: tensor for name, tensor in layers[path]._state().items()})
    if wrong:
        raise ValueError(
            "an average follows the model that it was made of; this one differs in "
            f"{', '.join(sorted(wrong))}\n  try: AveragedModel(model) anew"
        )
    average.load_state_dict(fill, strict=False)  # not strict: only some layers are in it
