"""Optimizers: what changes the parameters so that the loss gets smaller.

    optimizer.py  what all of them share; how to write one
    sgd.py        down the gradient, with or without momentum
    adam.py       with a step size for every number
    adamw.py      the same, with the weight decay apart from the gradient
    swa_utils.py  averages of a model over the course of training

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

from lucid.optim import swa_utils
from lucid.optim.adam import Adam
from lucid.optim.adamw import AdamW
from lucid.optim.optimizer import Optimizer
from lucid.optim.sgd import SGD

__all__ = ["Adam", "AdamW", "Optimizer", "SGD", "swa_utils"]
