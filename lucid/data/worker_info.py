"""Which worker of a ``DataLoader`` this process is.

A file of its own, because ``workers.py`` is only imported where there are any: it needs much of the
standard library, which would be a twentieth of ``import lucid``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["WorkerInfo", "get_worker_info"]


@dataclass(frozen=True)
class WorkerInfo:
    """What ``get_worker_info`` tells: ``id``, ``num_workers``, ``seed`` and ``dataset``.

    Parameters
    ----------
    id : int
        Which of the workers, from 0 up.
    num_workers : int
        How many there are.
    seed : int
        Of what this worker draws from lucid.
    dataset : Dataset
        The worker's copy.

    Examples
    --------
    >>> from lucid.data import WorkerInfo
    >>> WorkerInfo(id=0, num_workers=2, seed=7, dataset=None).num_workers
    2
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


info: WorkerInfo | None = None  # set in a worker


def get_worker_info() -> WorkerInfo | None:
    """Return which worker of a DataLoader this process is; None if it is none.

    Examples
    --------
    >>> from lucid.data import get_worker_info
    >>> print(get_worker_info())
    None
    """
    return info
