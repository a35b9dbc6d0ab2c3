"""What all schedules share: when they step, and what they write into the optimizer.

A schedule is a formula for the next learning rate of one parameter group, ``next_lr``, from the
one before: so schedules can be chained, and what else changes the learning rate is respected.
Where there is one, ``closed_lr`` gives the same from the number of the epoch alone.

The arithmetic is PyTorch's, operation by operation, so that the learning rates stay equal to the
last bit over a long run.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, ClassVar

from lucid.optim.optimizer import Optimizer, Options
from lucid.optim.options import shown

__all__ = ["LRScheduler"]

DEPRECATED_EPOCH = (
    "step(epoch) is deprecated: step() counts for itself, and a state dict goes on from any epoch"
)
WRONG_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first learning rate of "
    "the schedule is skipped\n  try: optimizer.step(), then scheduler.step()"
)


class LRScheduler:
    """Base class of all schedules.

    A subclass sets its own attributes, calls ``super().__init__``, and gives ``next_lr``, or
    ``get_lr`` for all groups at once. The constructor sets the first learning rate.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change; ``initial_lr`` of its groups remembers where they began.
    last_epoch : int
        The epoch to go on from, in an optimizer whose groups have an ``initial_lr``; -1 begins.

    Raises
    ------
    TypeError
        If ``optimizer`` is none.
    KeyError
        If ``last_epoch`` is not -1, and a group has no ``initial_lr``.

    Examples
    --------
    >>> import lucid
    >>> class Halving(lucid.optim.lr_scheduler.LRScheduler):
    ...     '''lr = lr / 2'''
    ...     def next_lr(self, group, base_lr):
    ...         return group["lr"] if self.last_epoch == 0 else group["lr"] / 2
    >>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = Halving(optimizer)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.125]
    """

    #: Attributes that a state dict does not hold.
    left_out: ClassVar[tuple[str, ...]] = ("optimizer", "_is_initial")

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"parameter group {i} has no initial_lr, which a schedule that goes on from "
                    f"epoch {last_epoch} needs: load the optimizer's state first, or leave out "
                    "last_epoch"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._last_lr: list[float] = []
        self._is_initial = False
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the learning rate of the first epoch."""
        self._step_count, self._is_initial = 0, True
        try:
            self.step()
        finally:
            self._is_initial = False

    # ------------------------------------------------------------------- what a subclass defines

    def next_lr(self, group: Options, base_lr: float) -> float:
        """Compute the learning rate of a group in ``self.last_epoch``, from the one before."""
        raise NotImplementedError(
            f"{type(self).__name__} has no formula\n  try: def next_lr(self, group, base_lr): ..."
        )

    def closed_lr(self, group: Options, base_lr: float) -> float:
        """Compute the same from ``self.last_epoch`` alone, where there is such a formula."""
        raise NotImplementedError(f"{type(self).__name__} has no formula of the epoch alone")

    # ---------------------------------------------------------------------------------- the steps

    def get_lr(self) -> list[float]:
        """Compute the next learning rates; ``get_last_lr`` says what they are now."""
        return self._all(self.next_lr)

    def get_last_lr(self) -> list[float]:
        """Return the learning rates that the last step set, one per parameter group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Set the learning rates of the next epoch, or batch, whatever is counted.

        Parameters
        ----------
        epoch : int, optional
            Deprecated: the epoch to go to. Its learning rate is that of ``closed_lr``.

        Warns
        -----
        UserWarning
            If the optimizer has not made a step before: call ``optimizer.step()`` first.
        """
        # An optimizer with a step of its own may not say whether it has stepped.
        tells = type(self.optimizer).step is Optimizer.step
        if self._step_count == 1 and tells and not self.optimizer.stepped:
            warnings.warn(WRONG_ORDER, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(DEPRECATED_EPOCH, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        if epoch is None:
            self.last_epoch += 1
            self._write(self.get_lr())
        else:
            self.last_epoch = epoch
            closed = type(self).closed_lr is not LRScheduler.closed_lr
            self._write(self._all(self.closed_lr) if closed else self.get_lr())

    def _all(self, formula: Callable[[Options, float], float]) -> list[float]:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.base_lrs):
            raise ValueError(
                f"a schedule knows the parameter groups that were there when it was made: "
                f"{len(self.base_lrs)}, and now there are {len(groups)}\n"
                "  try: add_param_group first, then make the schedule"
            )
        return [formula(*each) for each in zip(groups, self.base_lrs, strict=True)]

    def _write(self, lrs: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            group["lr"] = lr
        self._last_lr = current(self.optimizer)

    # ---------------------------------------------------------------------------------- the state

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that the schedule remembers, as plain values.

        Not the optimizer: save its state, too. Of functions that were given (``lr_lambda``,
        ``scale_fn``) nothing is saved; of callable objects, their attributes.
        """
        state = {name: value for name, value in vars(self).items() if name not in self.left_out}
        return copy.deepcopy(state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that ``state_dict`` returned: from all of it, or on an error nothing

        Raises
        ------
        ValueError
            If it is of another kind of schedule.
        """
        self._check_state(state_dict)
        known = {name: state_dict[name] for name in self.state_dict()}
        vars(self).update(copy.deepcopy(known))

    def _check_state(self, state: Any) -> None:
        expected = self.state_dict()
        missing = [name for name in expected if not isinstance(state, Mapping) or name not in state]
        if missing:
            raise ValueError(
                f"the state of {type(self).__name__} holds {', '.join(expected)}; "
                f"got {shown(state)}, without {', '.join(missing)}\n"
                "  try: the state of a schedule of the same kind"
            )


def checked(optimizer: Any) -> Optimizer:
    """Return an optimizer; a TypeError for anything else."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{type(optimizer).__name__} is not an Optimizer\n"
            "  try: lucid.optim.SGD(model.parameters(), lr=0.1)"
        )
    return optimizer


def current(optimizer: Optimizer) -> list[float]:
    """Return the learning rates of an optimizer's groups."""
    return [group["lr"] for group in optimizer.param_groups]


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """Return a value for every parameter group: one for all, or a list with one for each."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} is one value, or a list with one per parameter group: there are {groups} "
            f"groups and {len(value)} values"
        )
    return list(value)


def positive(name: str, value: int) -> int:
    """Return a number of epochs that something takes; a ValueError unless it is above 0."""
    if not value > 0:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value


def attributes(function: Any) -> dict[str, Any] | None:
    """What a state holds of a function: of a callable object its attributes, else None."""
    return None if isinstance(function, FunctionType) else dict(vars(function))
