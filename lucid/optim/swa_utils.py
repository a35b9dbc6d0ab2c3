"""Averages of a model over the course of training, which often do better than its last state."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

from lucid import ops
from lucid.autograd import no_grad
from lucid.nn.lazy import SizedLayer
from lucid.nn.module import Module
from lucid.nn.norm import BatchNorm1d
from lucid.nn.parameter import UninitializedParameter
from lucid.optim.blocks import blocks, running_mean
from lucid.optim.optimizer import Optimizer, Options
from lucid.optim.options import number
from lucid.optim.scheduler import LRScheduler, per_group
from lucid.tensor import Tensor
from lucid.types import DeviceLike, as_device

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

AvgFn: TypeAlias = Callable[[Tensor, Tensor, int], Tensor]
MultiAvgFn: TypeAlias = Callable[[list[Tensor], list[Tensor], int], None]


def get_ema_avg_fn(decay: float = 0.999) -> AvgFn:
    """An ``avg_fn`` of exponential moving averages: decay * average + (1 - decay) * new

    Parameters
    ----------
    decay : float
        From 0 to 1: how much of the average stays at each update.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.swa_utils import get_ema_avg_fn
    >>> get_ema_avg_fn(0.75)(lucid.tensor([0.0]), lucid.tensor([8.0]), 1)
    tensor([2.])
    """
    return partial(moving, keep=number("decay", decay, at_most=1))


def get_swa_avg_fn() -> AvgFn:
    """An ``avg_fn`` of the mean of all updates: average + (new - average) / (n + 1)

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.swa_utils import get_swa_avg_fn
    >>> get_swa_avg_fn()(lucid.tensor(1.0), lucid.tensor(4.0), 2)
    tensor(2.)
    """
    return mean


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAvgFn:
    """A ``multi_avg_fn`` of exponential moving averages; it changes them in place, and is quicker.

    average = average + (1 - decay) * (new - average)

    Parameters
    ----------
    decay : float
        From 0 to 1: how much of the average stays at each update.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    >>> model = lucid.nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = lucid.nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> average.module.weight.item()                     # 0.5 * (0.5 * 1 + 0.5 * 2) + 0.5 * 6
    3.75
    """
    return partial(moved_all, share=1 - number("decay", decay, at_most=1))


def get_swa_multi_avg_fn() -> MultiAvgFn:
    """A ``multi_avg_fn`` of the mean of all updates; it changes them in place, and is quicker.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.swa_utils import get_swa_multi_avg_fn
    >>> averages = [lucid.tensor(1.0)]
    >>> get_swa_multi_avg_fn()(averages, [lucid.tensor(4.0)], 2)
    >>> averages
    [tensor(2.)]
    """
    return moved_all


def moving(average: Tensor, new: Tensor, n: int, *, keep: float) -> Tensor:
    """average = keep * average + (1 - keep) * new"""
    return average * keep + new * (1 - keep)


def mean(average: Tensor, new: Tensor, n: int) -> Tensor:
    """average = average + (new - average) / (n + 1)"""
    return average + (new - average) / (n + 1)


def moved_all(
    averages: list[Tensor], news: list[Tensor], n: int, *, share: float | None = None
) -> None:
    """average += share * (new - average), for each, in place; 1 / (n + 1) unless given"""
    keep = 1 - (1 / (int(n) + 1) if share is None else share)
    for average, new in zip(averages, news, strict=True):
        for mine, theirs, way in blocks(average._array, new._array, scratch=1):
            running_mean(mine, theirs, keep, out=way)
        average._written()


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

    Raises
    ------
    ValueError
        If both functions are given.

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


class SWALR(LRScheduler):
    """lr goes from what it is to swa_lr, in anneal_epochs epochs, and stays there

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    swa_lr : float or list of float
        Where to; a list has one for each parameter group.
    anneal_epochs : int
        How many epochs it takes.
    anneal_strategy : str
        ``"cos"`` or ``"linear"``: how it goes there.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A. G. Wilson, "Averaging weights leads to
    wider optima and better generalization", UAI 2018, arXiv:1803.05407.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.swa_utils import SWALR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(4):
    ...     print(schedule.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     schedule.step()
    1.0 0.75 0.5 0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be an int of at least 0, got {anneal_epochs!r}")
        for group, lr in zip(
            optimizer.param_groups, per_group("swa_lr", optimizer, swa_lr), strict=True
        ):
            group["swa_lr"] = lr
        self.anneal_epochs, self._anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """From the last learning rate back to the first, and from there to the next"""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        lr, end, before, now = (
            group["lr"],
            group["swa_lr"],
            self._share(step - 1),
            self._share(step),
        )
        start = end if before == 1 else (lr - before * end) / (1 - before)
        return float(end * now + start * (1 - now))

    def _share(self, step: int) -> float:
        """How much of the way is done, from 0 to 1."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: DeviceLike = None) -> None:
    """Compute the running averages of all batch norms anew, in one pass over the data

    An averaged model needs it: the mean of the weights makes other activations than any of them.

    Parameters
    ----------
    loader : iterable
        Batches: tensors, or lists and tuples whose first entry is the input.
    model : Module
        Whose batch norms; it is called in training mode, with nothing recorded.
    device : DeviceLike, optional
        There is one: ``"cpu"``.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.swa_utils import update_bn
    >>> model = lucid.nn.BatchNorm1d(1)
    >>> update_bn([lucid.tensor([[1.0], [3.0]]), lucid.tensor([[5.0], [7.0]])], model)
    >>> model.running_mean                       # all batches count alike
    tensor([4.])
    """
    as_device(device)
    layers = [m for m in model.modules() if isinstance(m, BatchNorm1d)]
    momenta, training = [layer.momentum for layer in layers], model.training
    for layer in layers:
        layer.momentum = None  # all batches alike
        if layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean.zero_()
            layer.running_var.fill_(1)
        if layer.num_batches_tracked is not None:
            layer.num_batches_tracked.zero_()
    try:
        model.train()
        for batch in loader if layers else ():
            model(batch[0] if isinstance(batch, list | tuple) else batch)
    finally:
        model.train(training)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
