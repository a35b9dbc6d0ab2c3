"""Samplers: in which order the samples of a data set come, and in which batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from lucid import random
from lucid.cures import cure
from lucid.errors import ShapeError, check_size
from lucid.random import Generator

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


class Sampler:
    """Base class of all samplers: what ``iter`` gives is the order of one epoch.

    A subclass gives ``__iter__`` and, where the length is known, ``__len__``. In a DataLoader, what
    it draws from lucid's random numbers belongs to the epoch: see ``DataLoader.state_dict``.

    Examples
    --------
    >>> from lucid.data import DataLoader, Sampler
    >>> class Backwards(Sampler):
    ...     def __init__(self, dataset):
    ...         self.dataset = dataset
    ...     def __iter__(self):
    ...         return reversed(range(len(self.dataset)))
    ...     def __len__(self):
    ...         return len(self.dataset)
    >>> list(DataLoader("abcde", 2, sampler=Backwards("abcde")))
    [['e', 'd'], ['c', 'b'], ['a']]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(
            f"{type(self).__name__} has no order\n  try: def __iter__(self): ..."
        )


class SequentialSampler(Sampler):
    """0, 1, 2, ..., len(data_source) - 1

    Parameters
    ----------
    data_source : Dataset
        Whose samples.

    Examples
    --------
    >>> from lucid.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The samples in random order, or drawn one by one

    Parameters
    ----------
    data_source : Dataset
        Whose samples.
    replacement : bool
        Whether a sample may come again before all have come.
    num_samples : int, optional
        How many make an epoch; as many as there are, unless given.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ValueError
        If ``num_samples`` is below 1.
    TypeError
        For a ``num_samples`` that is no int, or a ``replacement`` that is no bool.

    Examples
    --------
    >>> import lucid
    >>> from lucid.data import RandomSampler
    >>> sorted(RandomSampler("abc")), len(list(RandomSampler("abc", num_samples=7)))
    ([0, 1, 2], 7)
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement must be True or False, got {replacement!r}")
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = (
            None if num_samples is None else check_size("num_samples", num_samples, 1)
        )

    @property
    def num_samples(self) -> int:
        """How many samples make an epoch."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, left = len(self.data_source), self.num_samples
        numbers = random.stream(self.generator)
        if self.replacement:
            yield from numbers.integers(n, size=left).tolist() if left else ()
            return
        while left > 0:
            part = numbers.permutation(n).tolist()[:left]
            yield from part
            left -= len(part)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Given indices in random order

    Parameters
    ----------
    indices : sequence of int
        The samples.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Examples
    --------
    >>> from lucid.data import SubsetRandomSampler
    >>> sorted(SubsetRandomSampler([7, 3, 5]))
    [3, 5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in random.stream(self.generator).permutation(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Samples drawn with the given probabilities, for instance to see rare classes more often

    Parameters
    ----------
    weights : sequence of float
        How likely each sample is, in relation to the others; they need not add up to 1.
    num_samples : int
        How many make an epoch.
    replacement : bool
        Whether a sample may come again.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all are 0; without replacement, if fewer weights
        are above 0 than there are samples to draw.

    Examples
    --------
    >>> from lucid.data import WeightedRandomSampler
    >>> list(WeightedRandomSampler([0.0, 3.0, 0.0], 4))
    [1, 1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement must be True or False, got {replacement!r}")
        self.num_samples = check_size("num_samples", num_samples, 1)
        array = np.asarray(weights, np.float64)
        if array.ndim != 1:
            raise ShapeError(
                f"weights have one axis, got the shape {array.shape}"
                + cure("weights.flatten()", (array.size,))
            )
        possible = int((array > 0).sum())
        if not np.isfinite(array).all() or (array < 0).any() or not possible:
            raise ValueError(f"weights are finite, at least 0, and not all 0; got {weights!r:.80}")
        if not replacement and possible < self.num_samples:
            raise ValueError(
                f"{self.num_samples} samples without replacement need as many weights above 0, "
                f"got {possible}\n  try: replacement=True"
            )
        self.weights, self.replacement, self.generator = array, replacement, generator

    def __iter__(self) -> Iterator[int]:
        share = self.weights / self.weights.sum()
        numbers = random.stream(self.generator)
        yield from numbers.choice(len(share), self.num_samples, self.replacement, share).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """The order of another sampler, cut into batches

    Parameters
    ----------
    sampler : iterable of int
        The order.
    batch_size : int
        How many samples a batch has; the last one may have fewer.
    drop_last : bool
        Whether a last batch that is not full is left out.

    Raises
    ------
    ValueError
        If ``batch_size`` is below 1.
    TypeError
        For a ``batch_size`` that is no int, or a ``drop_last`` that is no bool.

    Examples
    --------
    >>> from lucid.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(drop_last, bool):
            raise TypeError(f"drop_last must be True or False, got {drop_last!r}")
        self.sampler, self.drop_last = sampler, drop_last
        self.batch_size = check_size("batch_size", batch_size, 1)

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for i in self.sampler:
            batch.append(i)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        samples = len(self.sampler)  # type: ignore[arg-type]  # if the sampler knows
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)
