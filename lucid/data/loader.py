"""The data loader: an iterable whose every iteration is one epoch of batches."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from lucid import random
from lucid.autograd import is_tensor
from lucid.data.collate import Collate, default_collate, fetch
from lucid.data.dataset import Dataset, shown
from lucid.data.samplers import BatchSampler, RandomSampler, SequentialSampler
from lucid.errors import check_size
from lucid.random import Generator
from lucid.tensor import Tensor
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.data.workers import Workers

__all__ = ["DataLoader"]


@dataclass
class Epoch:
    """An epoch is decided by its seed; ``done`` counts the batches that were handed out."""

    seed: int
    done: int = 0


class DataLoader:
    """Iterate over a data set in batches; every iteration is one epoch

    At its beginning, an epoch draws one number from the random stream, its seed, and that decides
    all that is random in it: the order, and, batch by batch, what the data set and ``collate_fn``
    draw from lucid, as augmentations do. So the batches are the same for any number of workers, and
    an epoch can be resumed in the middle: see ``state_dict``.

    Parameters
    ----------
    dataset : Dataset
        Anything with ``dataset[i]`` and ``len(dataset)``; a list will do.
    batch_size : int
        How many samples a batch has; the last one may have fewer.
    shuffle : bool
        Whether every epoch has a new random order.
    sampler : iterable of int, optional
        The order instead: iterated over once per epoch.
    batch_sampler : iterable of sequences of int, optional
        The batches instead: the numbers of their samples.
    num_workers : int
        How many processes make batches ahead of time; with 0, they are made when they are needed,
        by the process that needs them. A worker computes on one thread.
    collate_fn : callable, optional
        Makes a batch of a list of samples; ``default_collate`` unless given.
    pin_memory : bool
        Without effect: there is no other device.
    drop_last : bool
        Whether a last batch that is not full is left out.
    timeout : float
        How many seconds to wait for a worker's batch; 0 waits for ever.
    worker_init_fn : callable, optional
        Called in each worker at its start, with its number.
    multiprocessing_context : str or context, optional
        How workers start: ``"fork"``, ``"spawn"`` or ``"forkserver"``; as Python's
        ``multiprocessing`` does, unless given. For the latter two, the data set and the functions
        must be such that they can be pickled.
    generator : Generator, optional
        Where the seeds of epochs are drawn from instead of the global stream.
    prefetch_factor : int, optional
        How many batches each worker makes ahead of time; 2 unless given.
    persistent_workers : bool
        Whether workers live on after an epoch, for the next one.
    in_order : bool
        Without effect: batches always come in their order.

    Attributes
    ----------
    sampler, batch_sampler : iterable
        What was given, or what stands for ``shuffle``, ``batch_size`` and ``drop_last``.

    Raises
    ------
    TypeError
        If the data set has no length, or an argument is of the wrong type.
    ValueError
        If an argument is out of range, or two of them contradict each other.
    RuntimeError
        While iterating, if a worker ends unexpectedly or takes longer than ``timeout``. An error in
        a worker is raised as it is, with the worker's traceback as a note.

    Examples
    --------
    >>> import lucid
    >>> from lucid.data import DataLoader, TensorDataset
    >>> dataset = TensorDataset(lucid.zeros(10, 2, 16), lucid.arange(10))
    >>> loader = DataLoader(dataset, batch_size=4)
    >>> len(loader), [y.tolist() for x, y in loader]
    (3, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
    """

    def __init__(
        self,
        dataset: Dataset[Any] | Sequence[Any],
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Collate | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        in_order: bool = True,
    ) -> None:
        if is_array(dataset) and is_array(batch_size):
            raise TypeError(f"batch_size must be an int, {of_tensors(dataset, batch_size)}")
        size = check_size("batch_size", batch_size, 1)
        if collate_fn is None:
            check_samples(dataset)
        check_order(dataset, size, shuffle, sampler, batch_sampler, drop_last)
        for name, function in (("collate_fn", collate_fn), ("worker_init_fn", worker_init_fn)):
            if function is not None and not callable(function):
                raise TypeError(f"{name} must be a function, got {function!r}")
        if generator is not None and not isinstance(generator, Generator):
            raise TypeError(
                f"generator must be a lucid.Generator, got {type(generator).__name__}\n"
                "  try: lucid.Generator().manual_seed(0)"
            )
        if not isinstance(timeout, int | float) or not 0 <= timeout < math.inf:
            raise ValueError(f"timeout is a number of seconds of at least 0, got {timeout!r}")
        self.num_workers = check_size("num_workers", num_workers, 0)
        for name, value in (
            ("prefetch_factor", prefetch_factor),
            ("persistent_workers", persistent_workers),
            ("multiprocessing_context", multiprocessing_context),
        ):
            if value and not self.num_workers:
                raise ValueError(f"{name} is about workers, and num_workers is 0")
        ahead = 2 if prefetch_factor is None else prefetch_factor
        self.prefetch_factor = check_size("prefetch_factor", ahead, 1)
        self.multiprocessing_context = context_named(multiprocessing_context)
        self.dataset = dataset
        self.batch_size, self.drop_last = size, drop_last
        if sampler is None:
            whole: Any = dataset
            sampler = RandomSampler(whole) if shuffle else SequentialSampler(whole)
        if batch_sampler is None:
            batch_sampler = BatchSampler(sampler, size, drop_last)
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.collate_fn = default_collate if collate_fn is None else collate_fn
        self.pin_memory, self.generator = pin_memory, generator
        self.timeout, self.worker_init_fn = float(timeout), worker_init_fn
        self.persistent_workers = persistent_workers
        self._workers: Workers | None = None  # those that live on
        self._epoch: Epoch | None = None  # the one that goes on, or that the next iteration resumes
        self._resumes = False

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return len(self.batch_sampler)  # type: ignore[arg-type]  # if the sampler knows

    def __repr__(self) -> str:
        options: dict[str, object] = {"batch_size": self.batch_size}
        if not isinstance(self.batch_sampler, BatchSampler):
            options = {"batch_sampler": type(self.batch_sampler).__name__}
        elif isinstance(self.sampler, RandomSampler):
            options["shuffle"] = True
        elif not isinstance(self.sampler, SequentialSampler):
            options["sampler"] = type(self.sampler).__name__
        if self.drop_last:
            options["drop_last"] = True
        if self.num_workers:
            options["num_workers"] = self.num_workers
        given = ", ".join([f"{name}={value}" for name, value in options.items()])
        return f"DataLoader({shown(self.dataset)}, {given})"

    def __iter__(self) -> Iterator[Any]:
        # The seed is drawn here, not at the first batch: what else draws from the stream in
        # between does not change it.
        if not self._resumes or self._epoch is None:
            seed = int(random.stream(self.generator).integers(2**63))
            self._epoch = Epoch(seed)
        return self._batches(self._epoch)

    def _batches(self, epoch: Epoch) -> Iterator[Any]:
        self._resumes = False  # from the first batch on, it goes on by itself
        order = islice(enumerate(self._order(epoch.seed)), epoch.done, None)
        workers = self._workers
        batches: Iterator[Any]
        try:
            if not self.num_workers:
                batches = (
                    fetch(self.dataset, self.collate_fn, indices, epoch.seed, number)
                    for number, indices in order
                )
            else:
                from lucid.data.workers import Workers  # (see worker_info.py)

                if workers is None or not workers.close.alive:
                    workers = Workers(
                        self.dataset, self.collate_fn, self.num_workers, epoch.seed,
                        self.worker_init_fn, self.multiprocessing_context, self.timeout,
                    )  # fmt: skip
                    self._workers = workers if self.persistent_workers else None
                batches = workers.run(order, epoch.seed, self.prefetch_factor)
            for batch in batches:
                epoch.done += 1
                yield batch
        finally:  # also when the loop over the batches is left early
            if self._epoch is epoch:
                self._epoch = None
            if workers is not None and workers is not self._workers:
                workers.close()

    def _order(self, seed: int) -> Iterator[list[int]]:
        """The numbers of the samples in each batch of an epoch."""
        child = np.random.SeedSequence(seed, spawn_key=(0,))
        numbers = np.random.Generator(np.random.PCG64(child))
        with random.drawn_from(numbers):
            batches = iter(self.batch_sampler)
        while True:
            with random.drawn_from(numbers):
                try:
                    batch = next(batches)
                except StopIteration:
                    return
            yield list(batch)

    # ---------------------------------------------------------------------------------- the state

    def state_dict(self) -> dict[str, Any]:
        """Where in an epoch the loader is: the seed of the epoch, and how many batches are done.

        Between two epochs, the seed is None. The state of the random stream, from which the seed of
        the next epoch will be drawn, is not part of it: ``lucid.get_rng_state()``, or the state of
        the loader's own generator.

        A sampler must not have a generator of its own: then, its order is not decided by the seed.

        Examples
        --------
        >>> from lucid.data import DataLoader
        >>> loader = DataLoader(range(8), batch_size=2, shuffle=True)
        >>> epoch = iter(loader)
        >>> done = next(epoch)
        >>> state = loader.state_dict()
        >>> other = DataLoader(range(8), batch_size=2, shuffle=True)
        >>> other.load_state_dict(state)
        >>> [b.tolist() for b in other] == [b.tolist() for b in epoch]
        True
        """
        if self._epoch is None:
            return {"seed": None, "done": 0}
        return {"seed": self._epoch.seed, "done": self._epoch.done}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next iteration go on where ``state_dict`` was called.

        It hands out the batches that are left of that epoch, and the one after it begins anew.

        Raises
        ------
        ValueError
            If it is no state of a loader.
        """
        found = isinstance(state_dict, Mapping) and (state_dict.get("seed"), state_dict.get("done"))
        seed, done = found or ("", "")
        if not isinstance(done, int) or done < 0 or not isinstance(seed, int | None):
            raise ValueError(
                'the state of a loader is a dict with "seed" and "done", two whole numbers, got '
                f"{state_dict!r:.80}\n  try: what loader.state_dict() returned"
            )
        self._epoch = None if seed is None else Epoch(seed, done)
        self._resumes = seed is not None


def is_array(value: object) -> TypeGuard[Tensor | Array]:
    """Whether a value holds numbers along axes; a batch size has none."""
    return (is_tensor(value) or isinstance(value, np.ndarray)) and value.ndim > 0


def check_samples(dataset: object) -> None:
    """A pair (x, y) of all samples is no list of two samples: these would have the same axes."""
    if not isinstance(dataset, tuple | list) or len(dataset) not in (2, 3):
        return
    arrays = [entry for entry in dataset if is_array(entry)]
    if len(arrays) == len(dataset) and arrays[0].ndim != arrays[1].ndim:
        raise TypeError(f"a data set has one entry per sample, {of_tensors(*arrays)}")


def of_tensors(*given: object) -> str:
    """What to say where the tensors of all samples are given, and not a data set of them."""
    arrays = {name: a for name, a in zip("xyz", given, strict=False) if is_array(a)}
    names = [n if is_tensor(a) else f"lucid.from_numpy({n})" for n, a in arrays.items()]
    got = " and ".join([f"{type(a).__name__} of shape {a.shape}" for a in arrays.values()])
    return f"got {got}\n  try: DataLoader(TensorDataset({', '.join(names)}), batch_size=32)"


def check_order(
    dataset: Any, size: int, shuffle: object, sampler: object, batch_sampler: object, drop: object
) -> None:
    """Raise if what decides about the order is of the wrong type, or contradicts itself."""
    for name, flag in (("shuffle", shuffle), ("drop_last", drop)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, got {flag!r}")
    if sampler is not None and shuffle:
        raise ValueError(
            "a sampler decides the order, and shuffle=True contradicts it\n  try: leave shuffle out"
        )
    if batch_sampler is not None and (size != 1 or shuffle or sampler is not None or drop):
        raise ValueError(
            "a batch_sampler decides what is in each batch, and batch_size, shuffle, sampler "
            "and drop_last contradict it\n  try: leave them out"
        )
    if sampler is None and batch_sampler is None:
        try:
            len(dataset)
        except TypeError:
            raise TypeError(
                f"a data set needs a length, and {type(dataset).__name__} has none\n"
                "  try: def __len__(self): ..., or pass a sampler"
            ) from None


def context_named(wish: str | BaseContext | None) -> BaseContext:
    """How processes are started."""
    if isinstance(wish, BaseContext):
        return wish
    methods = multiprocessing.get_all_start_methods()
    if wish is not None and wish not in methods:
        raise ValueError(f"multiprocessing_context is one of {methods}, got {wish!r}")
    return multiprocessing.get_context(wish)
