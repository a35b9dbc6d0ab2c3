"""Schedules that are functions of one's own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from lucid.optim.optimizer import Optimizer
from lucid.optim.scheduler import LRScheduler, attributes, per_group

__all__ = ["LambdaLR", "MultiplicativeLR"]

Factor = Callable[[int], float]


class FunctionsLR(LRScheduler):
    """What LambdaLR and MultiplicativeLR share: functions of the epoch, one for each group."""

    left_out: ClassVar[tuple[str, ...]] = (*LRScheduler.left_out, "lr_lambdas")

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1
    ) -> None:
        self.lr_lambdas: list[Factor] = per_group("lr_lambda", optimizer, lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def factors(self) -> list[float]:
        """The value of each function in this epoch."""
        return [function(self.last_epoch) for function in self.lr_lambdas]

    def state_dict(self) -> dict[str, Any]:
        """As of any schedule; of callable objects, their attributes are saved."""
        saved = [attributes(function) for function in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": copy.deepcopy(saved)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that ``state_dict`` returned."""
        self._check_state(state_dict)
        saved = list(state_dict["lr_lambdas"])
        if len(saved) != len(self.lr_lambdas):
            raise ValueError(
                f"a state of as many groups fits: here are {len(self.lr_lambdas)} functions, "
                f"in the state {len(saved)}"
            )
        functions = self.lr_lambdas
        super().load_state_dict(state_dict)
        self.lr_lambdas = functions
        for function, found in zip(functions, saved, strict=True):
            if found is not None:
                vars(function).update(copy.deepcopy(found))


class LambdaLR(FunctionsLR):
    """lr = base_lr * lr_lambda(epoch)

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    lr_lambda : callable, or list of callable
        Of the number of the epoch, from 0; a list has one for each parameter group.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import LambdaLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> LambdaLR(optimizer, lambda epoch: 1 / (epoch + 2)).get_last_lr()
    [0.5]
    """

    def get_lr(self) -> list[float]:
        """The formula, for each group."""
        return [base * f for base, f in zip(self.base_lrs, self.factors(), strict=True)]


class MultiplicativeLR(FunctionsLR):
    """lr = lr * lr_lambda(epoch), from epoch 1 on

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    lr_lambda : callable, or list of callable
        Of the number of the epoch; a list has one for each parameter group.
    last_epoch : int
        The epoch to go on from; -1 begins.

    Examples
    --------
    >>> import lucid
    >>> from lucid.optim.lr_scheduler import MultiplicativeLR
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[float]:
        """The formula, for each group."""
        now = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial:
            return now
        return [lr * f for lr, f in zip(now, self.factors(), strict=True)]
