"""Optimizers: what changes the parameters so that the loss gets smaller.

    optimizer.py  what all of them share; how to write one
    sgd.py        down the gradient, with or without momentum
    adam.py       with a step size for every number
    adamw.py      the same, with the weight decay apart from the gradient
    nadam.py      Adam that looks ahead; radam.py: that waits until its step sizes can be trusted
    rmsprop.py    the gradient, divided by its recent size; adagrad.py, adadelta.py: its relatives

    lr_scheduler.py  learning rates that change over the course of training
    swa_utils.py     averages of a model over the course of training

    options.py, state.py, blocks.py  what is checked, what is remembered, and quick steps in NumPy

>>> import lucid
>>> from lucid import optim
>>> w = lucid.tensor([4.0], requires_grad=True)
>>> optimizer = optim.SGD([w], lr=0.25)
>>> for _ in range(3):
...     optimizer.zero_grad()
...     loss = (w * w).sum()
...     loss.backward()
...     optimizer.step()
>>> w
tensor([0.5000], requires_grad=True)
"""

from typing import TYPE_CHECKING

from lucid.errors import no_such_name
from lucid.optim import lr_scheduler, swa_utils
from lucid.optim.adadelta import Adadelta
from lucid.optim.adagrad import Adagrad
from lucid.optim.adam import Adam
from lucid.optim.adamw import AdamW
from lucid.optim.nadam import NAdam
from lucid.optim.optimizer import Optimizer
from lucid.optim.radam import RAdam
from lucid.optim.rmsprop import RMSprop
from lucid.optim.sgd import SGD

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "SGD",
    "lr_scheduler",
    "swa_utils",
]

if not TYPE_CHECKING:  # which would take any name to be there

    def __getattr__(name: str) -> object:
        raise no_such_name(__name__, name, __all__)
