"""What makes a training loop pleasant; the loop itself stays yours.

    bar.py      progress: a bar that shows how far it is
    metrics.py  accuracy, F1, confusion matrix
    history.py  History: what was measured, as columns, CSV and plots

>>> import lucid
>>> from lucid.utils import History, metrics, progress
>>> history = History()
>>> for epoch in progress(range(3), disable=True):
...     history.add(epoch=epoch, accuracy=metrics.accuracy(lucid.eye(4), lucid.arange(4)))
>>> history["accuracy"]
[1.0, 1.0, 1.0]
"""

from lucid.utils import metrics
from lucid.utils.bar import progress
from lucid.utils.history import History

__all__ = ["History", "metrics", "progress"]
