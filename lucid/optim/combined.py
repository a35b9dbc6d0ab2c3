"""Schedules made of schedules, and one that watches how the training goes."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

from lucid.optim.optimizer import Optimizer
from lucid.optim.scheduler import DEPRECATED_EPOCH, LRScheduler, checked, current, per_group

__all__ = ["ChainedScheduler", "ReduceLROnPlateau", "SequentialLR"]


class Combined(LRScheduler):
    """What schedules made of schedules share: the parts, and their states."""

    left_out = (*LRScheduler.left_out, "_schedulers")

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        """Check the parts, then keep them."""
        if len(schedulers) < 1:
            raise ValueError(f"{type(self).__name__} needs at least one schedule, got none")
        for i, part in enumerate(schedulers):
            if not isinstance(part, LRScheduler):
                raise TypeError(f"part {i} must be a schedule, got {type(part).__name__}")
            if isinstance(part, ReduceLROnPlateau):
                raise ValueError(
                    f"part {i} is a ReduceLROnPlateau, whose step needs a metric: it cannot be "
                    f"part of {type(self).__name__}\n  try: step it by itself"
                )
            if part.optimizer is not (optimizer or schedulers[0].optimizer):
                raise ValueError(
                    f"all schedules must be of the same optimizer, and part {i} is not"
                )
        self.optimizer = optimizer or schedulers[0].optimizer
        self._schedulers = schedulers
        self._is_initial = False

    def _initial_step(self) -> None:
        with warnings.catch_warnings():  # a part, whose first step was made before, makes it again
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            super()._initial_step()

    def state_dict(self) -> dict[str, Any]:
        """As of any schedule, with the states of the parts."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that ``state_dict`` returned: from all of it, or on an error nothing

        Raises
        ------
        ValueError
            If it does not fit the schedule, or a part of it its part.
        """
        self._check_state(state_dict)
        states = list(state_dict["_schedulers"])
        if len(states) != len(self._schedulers):
            raise ValueError(
                f"a state of as many schedules fits: here are {len(self._schedulers)}, in the "
                f"state {len(states)}"
            )
        for part, state in zip(self._schedulers, states, strict=True):
            part._check_state(state)
        parts = self._schedulers
        super().load_state_dict(state_dict)
        self._schedulers = parts
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)


class SequentialLR(Combined):
    """One schedule after the other: each begins at a milestone, as if at epoch 0

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    schedulers : list of LRScheduler
        All of this optimizer.
    milestones : list of int
        When the second begins, the third, and so on: one fewer than there are schedules.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Raises
    ------
    ValueError
        If the numbers do not match, or a schedule belongs to another optimizer.
    TypeError
        If something is no schedule.

    Examples
    --------
    A warm-up of two epochs, then a fall:

    >>> import lucid
    >>> from lucid.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> warmup = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> schedule = SequentialLR(optimizer, [warmup, ExponentialLR(optimizer, 0.5)], [2])
    >>> for _ in range(5):
    ...     print(schedule.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     schedule.step()
    0.5 0.75 1.0 0.5 0.25
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        self._take(schedulers, checked(optimizer))
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "there is a milestone between any two schedules: expected "
                f"{len(schedulers) - 1} for {len(schedulers)} schedules, got {len(milestones)}"
            )
        self._milestones, self.last_epoch = milestones, last_epoch + 1
        # All schedules have made their first step. Only the one that begins makes it again.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        undo_step(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]  # there is no epoch to go to
        """Set the learning rates of the next epoch, or batch."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            part._update_lr(0)
        else:
            part.step()
        self._last_lr = part.get_last_lr()


def undo_step(schedule: LRScheduler) -> None:
    """Count back by one in a schedule, or in all parts of it."""
    if isinstance(schedule, Combined):
        for part in schedule._schedulers:
            undo_step(part)
    else:
        schedule.last_epoch -= 1


class ChainedScheduler(Combined):
    """Several schedules at once: the factors of all of them, one after the other

    Parameters
    ----------
    schedulers : sequence of LRScheduler
        All of one optimizer.
    optimizer : Optimizer, optional
        Theirs.

    Raises
    ------
    ValueError
        If there is no schedule, or they belong to several optimizers.
    TypeError
        If something is no schedule.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> parts = [ConstantLR(optimizer, factor=0.5, total_iters=2), ExponentialLR(optimizer, 0.5)]
    >>> schedule = ChainedScheduler(parts)
    >>> for _ in range(3):
    ...     print(schedule.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     schedule.step()
    0.5 0.25 0.25
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._take(schedulers, optimizer)
        self._last_lr = current(self.optimizer)

    def step(self) -> None:  # type: ignore[override]  # there is no epoch to go to
        """Set the learning rates of the next epoch, or batch."""
        for part in self._schedulers:
            part.step()
        self._last_lr = current(self.optimizer)


class ReduceLROnPlateau(LRScheduler):
    """lr = lr * factor, when a metric has not got better for more than ``patience`` epochs

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    mode : str
        ``"min"`` or ``"max"``: whether less is better or more.
    factor : float
        Below 1.
    patience : int
        How many epochs without a better metric are let pass.
    threshold : float
        By how much better is better,
    threshold_mode : str
        ``"rel"``: in relation to the best, ``"abs"``: as it is.
    cooldown : int
        How many epochs after a change are not counted.
    min_lr : float or list of float
        The smallest learning rate; a list has one for each parameter group.
    eps : float
        Smaller changes are not made.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import ReduceLROnPlateau
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.5, 2.5):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"factor must be below 1, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode is 'rel' or 'abs', got {threshold_mode!r}")
        self.optimizer = checked(optimizer)
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = per_group("min_lr", optimizer, min_lr)
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.best = float("inf") if mode == "min" else -float("inf")
        self.cooldown_counter = self.num_bad_epochs = self.last_epoch = 0
        self._last_lr = current(optimizer)

    def step(  # type: ignore[override]  # the only schedule that needs to know how it goes
        self, metrics: SupportsFloat, epoch: int | None = None
    ) -> None:
        """Look at the metric of an epoch, and set the learning rates of the next.

        Parameters
        ----------
        metrics : float, or Tensor of one number
            What should get better, such as the loss of the validation data.
        epoch : int, optional
            Deprecated: the number of the epoch.
        """
        if epoch is not None:
            warnings.warn(DEPRECATED_EPOCH, UserWarning, stacklevel=2)
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.num_bad_epochs += 1
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        if self.cooldown_counter > 0:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = current(self.optimizer)

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted."""
        return self.cooldown_counter > 0

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            wanted = self.best * (1.0 + sign * self.threshold)
        else:
            wanted = self.best + sign * self.threshold
        return value < wanted if self.mode == "min" else value > wanted

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # one was added since
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"min_lr has one value per parameter group, {len(self.min_lrs)}, and now "
                    f"there are {len(groups)} groups\n  try: set schedule.min_lrs anew"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            lr = max(group["lr"] * self.factor, least)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr
