"""Schedules that go up and down: warm restarts, one cycle, many cycles."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from lucid.optim.optimizer import Optimizer, Options
from lucid.optim.scheduler import LRScheduler, attributes, checked, per_group, positive

__all__ = ["CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]

Value = float | list[float]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (base_lr - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2

    T_cur counts the epochs since the last restart, and the next one comes after T_i: first T_0,
    then T_mult times as many each time.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    T_0 : int
        The epochs until the first restart.
    T_mult : int
        The factor by which the time between restarts grows.
    eta_min : float
        The smallest learning rate.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Raises
    ------
    ValueError
        If ``T_0`` or ``T_mult`` is no int, or below 1.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    arXiv:1608.03983.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import CosineAnnealingWarmRestarts
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for _ in range(5):
    ...     print(round(schedule.get_last_lr()[0], 3), end=" ")
    ...     optimizer.step()
    ...     schedule.step()
    1.0 0.5 1.0 0.5 1.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an int of at least 1, got {value!r}")
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """The formula"""
        wave = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return self.eta_min + (base_lr - self.eta_min) * wave / 2

    def step(self, epoch: float | None = None) -> None:
        """Set the learning rates of the next epoch, or of any.

        Parameters
        ----------
        epoch : float, optional
            The epoch to go to; it may lie between two: ``epoch + i / len(loader)``.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"an epoch is at least 0, got {epoch}")
        else:
            self.last_epoch = math.floor(epoch)
            self.T_cur, self.T_i = epoch, self.T_0
            if epoch >= self.T_0 and self.T_mult == 1:
                self.T_cur = epoch % self.T_0
            elif epoch >= self.T_0:
                n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
                self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
                self.T_i = self.T_0 * self.T_mult**n
        self._write(self.get_lr())


class MomentumCycles(LRScheduler):
    """What the schedules share whose momentum goes down as the learning rate goes up."""

    def _prepare(self, cycle: bool, base: Value, largest: Value, last_epoch: int) -> None:
        optimizer, self.cycle_momentum = self.optimizer, cycle
        if not cycle:
            return
        if not {"momentum", "betas"} & set(optimizer.defaults):
            raise ValueError(
                f"{type(optimizer).__name__} has no momentum that could cycle\n"
                "  try: cycle_momentum=False"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        lows = per_group("base_momentum", optimizer, base)
        highs = per_group("max_momentum", optimizer, largest)
        if last_epoch == -1:
            for group, high, low in zip(optimizer.param_groups, highs, lows, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group: Options, momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class OneCycleLR(MomentumCycles):
    """lr goes from max_lr / div_factor up to max_lr, then down to next to nothing; once

    The way up takes ``pct_start`` of all steps. ``step`` is to be called after every batch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    max_lr : float or list of float
        The largest learning rate; a list has one for each parameter group.
    total_steps : int, optional
        How many steps there are; or else, in the next two, how many epochs of how many.
    epochs, steps_per_epoch : int, optional
        Their product is the number of steps.
    pct_start : float
        The part of the steps that goes up, from 0 to 1.
    anneal_strategy : str
        ``"cos"`` or ``"linear"``: how it goes from one to the next.
    cycle_momentum : bool
        Whether the momentum (or beta1) meanwhile goes down, and up again.
    base_momentum, max_momentum : float or list of float
        Between which numbers.
    div_factor : float
        max_lr / div_factor is the first learning rate.
    final_div_factor : float
        The last learning rate is the first, divided by this.
    three_phase : bool
        Whether it goes down to the first learning rate as fast as it came up, and then on.
    last_epoch : int
        The step to go on from; -1 begins.

    Raises
    ------
    ValueError
        If an argument is out of range, or the number of steps is not given; if the optimizer has
        no momentum to cycle; in ``step``, after the last one.

    References
    ----------
    L. N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", arXiv:1708.07120. There, there are three phases.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import OneCycleLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=10, div_factor=10)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr(), round(optimizer.param_groups[0]["momentum"], 3)
    ([1.0], 0.85)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Value,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Value = 0.85,
        max_momentum: Value = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        self.total_steps = steps_in_all(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"pct_start must be a float from 0 to 1, got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r}")
        self._anneal_func_type = anneal_strategy
        up, last = float(pct_start * self.total_steps), self.total_steps - 1
        # Each phase: its last step, then from what to what the learning rate and the momentum go.
        self._schedule_phases = [
            phase(up - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        ]
        if three_phase:
            end = float(2 * pct_start * self.total_steps) - 2
            self._schedule_phases += [
                phase(end, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                phase(last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._schedule_phases += [
                phase(last, "max_lr", "min_lr", "base_momentum", "max_momentum")
            ]
        tops = per_group("max_lr", optimizer, max_lr)
        self._prepare(cycle_momentum, base_momentum, max_momentum, last_epoch)
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, tops, strict=True):
                group["initial_lr"], group["max_lr"] = top / div_factor, top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """The learning rate at this point of its phase; the momentum is set as well."""
        step, start = self.last_epoch, 0.0
        if step > self.total_steps:
            raise ValueError(
                f"this schedule is made for {self.total_steps} steps, and this is step {step}\n"
                "  try: a larger total_steps, counted in batches"
            )
        for part in self._schedule_phases:
            if step <= part["end_step"] or part is self._schedule_phases[-1]:
                break
            start = part["end_step"]
        length = part["end_step"] - start
        done = (step - start) / length if length else 1.0
        if self.cycle_momentum:
            ends = group[part["start_momentum"]], group[part["end_momentum"]]
            self._set_momentum(group, self._between(*ends, done))
        return self._between(group[part["start_lr"]], group[part["end_lr"]], done)

    def _between(self, start: float, end: float, done: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * done + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1)


def phase(end: float, lr0: str, lr1: str, momentum0: str, momentum1: str) -> Options:
    """A phase of OneCycleLR: its last step, and the options of a group it begins and ends with."""
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    return dict(zip(names, (end, lr0, lr1, momentum0, momentum1), strict=True))


def steps_in_all(total: int | None, epochs: int | None, per_epoch: int | None) -> int:
    """The number of steps that OneCycleLR is made for."""
    given = [("total_steps", total)]
    if total is None:
        given = [("epochs", epochs), ("steps_per_epoch", per_epoch)]
    product = 1
    for name, value in given:
        if value is None:
            raise ValueError(
                "the number of steps is not given\n"
                "  try: total_steps=epochs * len(loader), or epochs=... and steps_per_epoch=..."
            )
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"{name} must be an int of at least 1, got {value!r}")
        product *= value
    return product


class CyclicLR(MomentumCycles):
    """lr goes up from base_lr to max_lr and down again, over and over

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    base_lr, max_lr : float or list of float
        Between which numbers; a list has one for each parameter group.
    step_size_up : int
        The steps it takes up.
    step_size_down : int, optional
        The steps it takes down; as many unless given.
    mode : str
        ``"triangular"``: always as high. ``"triangular2"``: half as high each time.
        ``"exp_range"``: times gamma**step.
    gamma : float
        See there.
    scale_fn : callable, optional
        A factor of one's own instead of the mode.
    scale_mode : str
        ``"cycle"`` or ``"iterations"``: whether ``scale_fn`` is a function of the cycle, counted
        from 1, or of the step, counted from 0.
    cycle_momentum : bool
        Whether the momentum (or beta1) meanwhile goes down, and up again.
    base_momentum, max_momentum : float or list of float
        Between which numbers.
    last_epoch : int
        The step to go on from; -1 begins.

    Raises
    ------
    ValueError
        For an unknown mode, or if the optimizer has no momentum to cycle.

    References
    ----------
    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017,
    arXiv:1506.01186.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import CyclicLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> for _ in range(5):
    ...     print(schedule.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     schedule.step()
    0.0 0.5 1.0 0.5 0.0
    """

    left_out: ClassVar[tuple[str, ...]] = (*LRScheduler.left_out, "_scale_fn_custom")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Value,
        max_lr: Value,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Value = 0.8,
        max_momentum: Value = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(
                f"mode is 'triangular', 'triangular2' or 'exp_range', got {mode!r}\n"
                "  try: one of them, or scale_fn=..."
            )
        base_lrs = per_group("base_lr", optimizer, base_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(positive("step_size_up", step_size_up))
        down = up if step_size_down is None else float(positive("step_size_down", step_size_down))
        self.total_size, self.step_ratio = up + down, up / (up + down)
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        self._prepare(cycle_momentum, base_momentum, max_momentum, last_epoch)
        if cycle_momentum:
            self.base_momentums = per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = per_group("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                group["lr"] = lr
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of a cycle, or at a step, as a part of the full height."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return float(self.gamma**x)
        return 1.0 if self.mode == "triangular" else 1 / 2.0 ** (x - 1)

    def get_lr(self) -> list[float]:
        """The learning rates at this point of the cycle; the momentum is set as well."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        ratio = self.step_ratio
        height = x / ratio if x <= ratio else (x - 1) / (ratio - 1)

        def swing(low: float, high: float) -> float:
            at = cycle if self.scale_mode == "cycle" else self.last_epoch
            return (high - low) * height * self.scale_fn(at)

        if self.cycle_momentum:
            ends = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, ends, strict=True):
                self._set_momentum(group, high - swing(low, high))
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + swing(low, high) for low, high in pairs]

    def state_dict(self) -> dict[str, Any]:
        """As of any schedule; of a callable object as ``scale_fn``, its attributes are saved."""
        fn = self._scale_fn_custom
        saved = None if fn is None else copy.deepcopy(attributes(fn))
        return {**super().state_dict(), "_scale_fn_custom": saved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that ``state_dict`` returned."""
        fn = self._scale_fn_custom
        super().load_state_dict(state_dict)
        self._scale_fn_custom = fn
        if fn is not None and state_dict["_scale_fn_custom"] is not None:
            vars(fn).update(copy.deepcopy(state_dict["_scale_fn_custom"]))
