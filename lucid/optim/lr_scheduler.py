"""Learning rates that change over the course of training, one per epoch or one per batch.

    scheduler.py  what all schedules share; how to write one
    schedules.py  one formula each: steps, lines, powers, a cosine
    functions.py  functions of one's own
    cycles.py     up and down: warm restarts, one cycle, many cycles
    combined.py   one after the other, several at once; and when nothing gets better

>>> import lucid
>>> optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=1.0)
>>> schedule = lucid.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
>>> for epoch in range(5):
...     print(optimizer.param_groups[0]["lr"], end=" ")
...     optimizer.step()                      # for every batch of the epoch
...     schedule.step()                       # after it
1.0 1.0 0.5 0.5 0.25
"""

from lucid.optim.combined import ChainedScheduler, ReduceLROnPlateau, SequentialLR
from lucid.optim.cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from lucid.optim.functions import LambdaLR, MultiplicativeLR
from lucid.optim.scheduler import LRScheduler
from lucid.optim.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
