"""Schedules that are one formula: steps, lines, powers, a cosine."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lucid.optim.optimizer import Optimizer, Options
from lucid.optim.scheduler import LRScheduler, positive

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "StepLR",
]


class StepLR(LRScheduler):
    """lr = base_lr * gamma**(epoch // step_size)

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    step_size : int
        How many epochs they stay.
    gamma : float
        The factor by which they change then.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import StepLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = positive("step_size", step_size), gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """lr * gamma, every step_size epochs"""
        lr: float = group["lr"]
        waits = self.last_epoch == 0 or self.last_epoch % self.step_size != 0
        return lr if waits else lr * self.gamma

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """base_lr * gamma**(epoch // step_size)"""
        return base_lr * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """lr = base_lr * gamma**n, after n of the milestones

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    milestones : iterable of int
        The epochs in which they do; one that is there twice counts twice.
    gamma : float
        The factor by which they change then.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import MultiStepLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """lr * gamma, once for each milestone that this epoch is"""
        lr: float = group["lr"]
        if self.last_epoch not in self.milestones:
            return lr
        return lr * self.gamma ** self.milestones[self.last_epoch]

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """base_lr * gamma**n, after n of the milestones"""
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return base_lr * self.gamma**passed

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that ``state_dict`` returned."""
        super().load_state_dict(state_dict)
        self.milestones = Counter(self.milestones)  # a file has plain dicts


class ConstantLR(LRScheduler):
    """lr = base_lr * factor in the first total_iters epochs, then base_lr

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    factor : float
        From 0 to 1.
    total_iters : int
        How many epochs it is applied.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Raises
    ------
    ValueError
        If the factor is out of range.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import ConstantLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> ConstantLR(optimizer, factor=0.25).get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"factor must be from 0 to 1, got {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """lr * factor in epoch 0, lr / factor in epoch total_iters, else lr"""
        lr: float = group["lr"]
        if self.last_epoch == 0:
            return lr * self.factor
        return lr * (1.0 / self.factor) if self.last_epoch == self.total_iters else lr

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """base_lr, and * factor before total_iters"""
        return base_lr * (self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor))


class LinearLR(LRScheduler):
    """lr = base_lr * f, where f goes from start_factor to end_factor in total_iters epochs

    Followed by another schedule in ``SequentialLR``, it is a warm-up.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    start_factor : float
        The first factor, above 0 and up to 1.
    end_factor : float
        The last one, from 0 to 1.
    total_iters : int
        How many epochs it takes.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Raises
    ------
    ValueError
        If a factor is out of range.

    References
    ----------
    P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour",
    arXiv:1706.02677, for warming up.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import LinearLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = LinearLR(optimizer, start_factor=0.5, total_iters=4)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(f"start_factor must be above 0 and at most 1, got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"end_factor must be from 0 to 1, got {end_factor}")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """lr * f(epoch) / f(epoch - 1)"""
        lr: float = group["lr"]
        start, gain = self.start_factor, self.end_factor - self.start_factor
        if self.last_epoch == 0:
            return lr * start
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        return lr * (1.0 + gain / (self.total_iters * start + (self.last_epoch - 1) * gain))

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """base_lr * f(epoch)"""
        start, gain = self.start_factor, self.end_factor - self.start_factor
        return base_lr * (start + gain * min(self.total_iters, self.last_epoch) / self.total_iters)


class ExponentialLR(LRScheduler):
    """lr = base_lr * gamma**epoch

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    gamma : float
        The factor of every epoch.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import ExponentialLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """lr * gamma"""
        lr: float = group["lr"]
        return lr if self._is_initial else lr * self.gamma

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """base_lr * gamma**epoch"""
        return base_lr * self.gamma**self.last_epoch


class PolynomialLR(LRScheduler):
    """lr = base_lr * (1 - epoch / total_iters)**power, and 0 from epoch total_iters on

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    total_iters : int
        How many epochs it takes to 0.
    power : float
        1 for a line.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import PolynomialLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = PolynomialLR(optimizer, total_iters=4, power=2)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """lr times the quotient of this epoch's factor and the last one's"""
        lr: float = group["lr"]
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        left = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return float(lr * (left / before) ** self.power)

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """The formula"""
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return float(base_lr * left**self.power)


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (base_lr - eta_min) * (1 + cos(pi * epoch / T_max)) / 2

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    T_max : int
        How many epochs it takes down to eta_min.
    eta_min : float
        The smallest learning rate.
    last_epoch : int
        The epoch to go on from; -1 begins.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    arXiv:1608.03983.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import CosineAnnealingLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingLR(optimizer, T_max=10)
    >>> for _ in range(10):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max, self.eta_min = positive("T_max", T_max), eta_min
        super().__init__(optimizer, last_epoch)

    def next_lr(self, group: Options, base_lr: float) -> float:
        """eta_min + (lr - eta_min) times the quotient of this epoch's factor and the last one's"""
        lr: float = group["lr"]
        epoch, T = self.last_epoch, self.T_max
        if self._is_initial:
            return lr
        if self._step_count == 1 and epoch > 0:
            wave = 1 + math.cos(epoch * math.pi / T)
            return self.eta_min + (base_lr - self.eta_min) * wave / 2
        if (epoch - 1 - T) % (2 * T) == 0:  # the last factor was 0: up again
            return lr + (base_lr - self.eta_min) * (1 - math.cos(math.pi / T)) / 2
        now, before = (1 + math.cos(math.pi * e / T) for e in (epoch, epoch - 1))
        return now / before * (lr - self.eta_min) + self.eta_min

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """The formula"""
        wave = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return self.eta_min + (base_lr - self.eta_min) * wave / 2
