"""The data loader: from samples to batches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from lucid import ops, random
from lucid.autograd import is_tensor
from lucid.data.dataset import Dataset, Subset, TensorDataset
from lucid.errors import ShapeError, add_to_message, check_size
from lucid.random import Generator
from lucid.tensor import Tensor
from lucid.types import float64

__all__ = ["DataLoader", "default_collate"]

Collate: TypeAlias = Callable[[list[Any]], Any]


def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together: batch[i] of the result is sample i, at every place that holds numbers

    Tensors and NumPy arrays are stacked along a new axis 0; numbers become a tensor (Python floats
    one of float64). Dicts, tuples and lists are put together entry by entry: a dict gives a dict,
    a tuple or a list gives a list, a named tuple its like. Strings stay a list.

    Parameters
    ----------
    batch : sequence
        The samples, all built alike; at least one.

    Raises
    ------
    ShapeError
        If tensors differ in shape.
    TypeError
        For what cannot be put together.
    ValueError
        If there are no samples, or they are not built alike.

    Examples
    --------
    >>> import lucid
    >>> from lucid.data import default_collate
    >>> default_collate([(lucid.zeros(2), 3), (lucid.ones(2), 4)])
    [tensor([[0., 0.],
            [1., 1.]]), tensor([3, 4])]
    """
    if len(batch) == 0:
        raise ValueError("a batch has at least one sample, got none")
    first = batch[0]
    if is_tensor(first):
        return _stacked(batch)
    if isinstance(first, np.ndarray | np.generic):
        return _stacked([ops.tensor(a) for a in batch])
    if isinstance(first, float):
        return ops.tensor(list(batch), dtype=float64)
    if isinstance(first, int):  # or a bool
        return ops.tensor(list(batch))
    if isinstance(first, str | bytes):
        return list(batch)
    if isinstance(first, Mapping):
        for i, sample in enumerate(batch):
            if not isinstance(sample, Mapping) or sample.keys() != first.keys():
                raise ValueError(_unlike(f"a dict of {list(first)}", i, sample))
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, tuple | list):
        for i, sample in enumerate(batch):
            if not isinstance(sample, tuple | list) or len(sample) != len(first):
                raise ValueError(_unlike(f"{len(first)} entries", i, sample))
        parts = [default_collate(entries) for entries in zip(*batch, strict=True)]
        # Named tuples have no class in common; their mark is the names of their entries.
        return type(first)(*parts) if getattr(type(first), "_fields", ()) else parts
    raise TypeError(
        "a batch is made of tensors, arrays, numbers, strings, dicts, tuples and lists, "
        f"got {type(first).__name__}\n  try: DataLoader(..., collate_fn=your_function)"
    )


def _unlike(wanted: str, i: int, sample: Any) -> str:
    return (
        f"the samples of a batch must be built alike: sample 0 is {wanted}, "
        f"sample {i} is {str(sample)[:60]!r}"
    )


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    try:
        return ops.stack(tensors)
    except ShapeError as error:
        add_to_message(error, "try: pad the samples to one shape, or DataLoader(..., collate_fn=f)")
        raise


class DataLoader:
    """Iterate over a data set in batches; every iteration is one epoch

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
    drop_last : bool
        Whether a last batch that is not full is left out.
    collate_fn : callable, optional
        Makes a batch of a list of samples; ``default_collate`` unless given.
    generator : Generator, optional
        Where shuffling draws from instead of the global stream.
    num_workers : int
        Only 0: samples are loaded when they are needed, by the process that needs them.

    Raises
    ------
    TypeError
        If the data set has no length, or an argument is of the wrong type.
    ValueError
        If an argument is out of range, or two of them contradict each other.

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
        *,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        drop_last: bool = False,
        collate_fn: Collate | None = None,
        generator: Generator | None = None,
        num_workers: int = 0,
    ) -> None:
        if check_size("num_workers", num_workers, 0) != 0:
            raise ValueError(
                "lucid loads data in the process that uses them: num_workers must be 0, "
                f"got {num_workers}\n  try: leave num_workers out"
            )
        size = check_size("batch_size", batch_size, 1)
        for name, flag in (("shuffle", shuffle), ("drop_last", drop_last)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name} must be True or False, got {flag!r}")
        if sampler is not None and shuffle:
            raise ValueError(
                "a sampler decides the order, and shuffle=True contradicts it\n"
                "  try: leave shuffle out"
            )
        if batch_sampler is not None and (size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(
                "a batch_sampler decides what is in each batch, and batch_size, shuffle, sampler "
                "and drop_last contradict it\n  try: leave them out"
            )
        if collate_fn is not None and not callable(collate_fn):
            raise TypeError(f"collate_fn must be a function, got {collate_fn!r}")
        if generator is not None and not isinstance(generator, Generator):
            raise TypeError(
                f"generator must be a lucid.Generator, got {type(generator).__name__}\n"
                "  try: lucid.Generator().manual_seed(0)"
            )
        if sampler is None and batch_sampler is None:
            try:
                len(dataset)  # type: ignore[arg-type]  # a Dataset says it by convention only
            except TypeError:
                raise TypeError(
                    f"a data set needs a length, and {type(dataset).__name__} has none\n"
                    "  try: def __len__(self): ..., or pass a sampler"
                ) from None
        self.dataset = dataset
        self.batch_size = size
        self.shuffle = shuffle
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.drop_last = drop_last
        self.collate_fn = default_collate if collate_fn is None else collate_fn
        self.generator = generator
        self.num_workers = 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]  # if the sampler knows
        whole = self.dataset if self.sampler is None else self.sampler
        samples = len(whole)  # type: ignore[arg-type]  # if the data set or the sampler knows
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        # The order is drawn here, not at the first batch: what else draws from the stream in
        # between does not change it.
        if self.batch_sampler is not None:
            return self._batches(map(list, self.batch_sampler))
        return self._batches(self._split(self._order()))

    def _batches(self, indices: Iterable[list[int]]) -> Iterator[Any]:
        # A generator, not map: a StopIteration in the data set is an error, not the end.
        for batch in indices:
            yield self._batch(batch)

    def _order(self) -> Iterable[int]:
        """The numbers of an epoch's samples."""
        if self.sampler is not None:
            return self.sampler
        samples = len(self.dataset)  # type: ignore[arg-type]  # checked at construction
        if not self.shuffle:
            return range(samples)
        shuffled: list[int] = random.stream(self.generator).permutation(samples).tolist()
        return shuffled

    def _split(self, order: Iterable[int]) -> Iterator[list[int]]:
        """Cut an order into batches."""
        indices: list[int] = []
        for index in order:
            indices.append(index)
            if len(indices) == self.batch_size:
                yield indices
                indices = []
        if indices and not self.drop_last:
            yield indices

    def _batch(self, indices: list[int]) -> Any:
        if self.collate_fn is default_collate:
            batch = batch_of_tensors(self.dataset, indices)
            if batch is not None:
                return batch
        return self.collate_fn([self.dataset[i] for i in indices])


def batch_of_tensors(dataset: object, indices: list[int]) -> list[Tensor] | None:
    """``default_collate([dataset[i] for i in indices])`` by one indexing per tensor.

    None where that is not possible: only for a TensorDataset, or a Subset of one, is it known
    what ``dataset[i]`` does; a subclass may do something else.
    """
    while type(dataset) is Subset:
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or not indices:
        return None
    where = [operator.index(i) for i in indices]  # a bool would make a mask of it
    return [t[where] for t in dataset.tensors]
