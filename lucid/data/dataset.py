"""Data sets: collections of samples that are asked for by number."""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Iterable, Sequence, Sized
from itertools import accumulate
from typing import Any, Generic, TypeVar

from lucid import random
from lucid.autograd import is_tensor
from lucid.cures import samples_cure
from lucid.errors import ShapeError
from lucid.random import Generator
from lucid.tensor import Tensor

__all__ = ["ConcatDataset", "Dataset", "Subset", "TensorDataset", "random_split"]

Sample = TypeVar("Sample", covariant=True)


class Dataset(Generic[Sample]):
    """Samples that are asked for by number: ``dataset[i]``, with i from 0 to ``len(dataset) - 1``.

    A subclass gives ``__getitem__`` and ``__len__``.

    Examples
    --------
    >>> from lucid.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __getitem__(self, i):
    ...         return i * i
    ...     def __len__(self):
    ...         return 5
    >>> list(DataLoader(Squares(), batch_size=3))
    [tensor([0, 1, 4]), tensor([ 9, 16])]
    """

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError(
            f"{type(self).__name__} has no samples\n  try: def __getitem__(self, index): ..."
        )

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])

    def __repr__(self) -> str:
        return shown(self)


def shown(dataset: object) -> str:
    """A data set in a few words: a list, say, is one, too, and would show all of its samples."""
    if isinstance(dataset, Dataset) and type(dataset).__repr__ is not Dataset.__repr__:
        return repr(dataset)
    samples = f"{len(dataset)} samples" if isinstance(dataset, Sized) else ""
    return f"{type(dataset).__name__}({samples})"


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """dataset[i] = (tensors[0][i], tensors[1][i], ...)

    Parameters
    ----------
    *tensors : Tensor
        All with the same size along axis 0, which counts the samples.

    Raises
    ------
    TypeError
        For something else than tensors.
    ValueError
        Without any tensor.
    ShapeError
        If the tensors do not have the same number of samples.

    Examples
    --------
    >>> import lucid
    >>> from lucid.data import TensorDataset
    >>> dataset = TensorDataset(lucid.zeros(10, 2, 16), lucid.arange(10))
    >>> x, y = dataset[3]
    >>> len(dataset), x.shape, y
    (10, (2, 16), tensor(3))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError(
                "a TensorDataset needs at least one tensor\n  try: TensorDataset(x, y)"
            )
        for t in tensors:
            if not is_tensor(t):
                raise TypeError(
                    f"a TensorDataset is made of tensors, got {type(t).__name__}\n"
                    "  try: lucid.tensor(data)"
                )
        shapes = [t.shape for t in tensors]
        if any(not shape or shape[0] != shapes[0][0] for shape in shapes):
            raise ShapeError(
                "the tensors of a TensorDataset need the same size along axis 0, which counts "
                f"the samples, got shapes {', '.join(map(str, shapes))}" + samples_cure(shapes)
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([t[index] for t in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __repr__(self) -> str:
        parts = ", ".join([f"{t.shape[1:]} {t.dtype.name}" for t in self.tensors])
        return f"{type(self).__name__}({len(self)} samples: {parts})"


class Subset(Dataset[Sample]):
    """subset[i] = dataset[indices[i]]

    Parameters
    ----------
    dataset : Dataset
        The whole.
    indices : sequence of int
        The samples that are part of it.

    Examples
    --------
    >>> from lucid.data import Subset
    >>> list(Subset("abcdef", [4, 0]))
    ['e', 'a']
    """

    def __init__(self, dataset: Dataset[Sample], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} of {shown(self.dataset)})"


class ConcatDataset(Dataset[Sample]):
    """One data set after the other; ``a + b`` is short for ``ConcatDataset([a, b])``

    Parameters
    ----------
    datasets : iterable of Dataset
        At least one.

    Attributes
    ----------
    datasets : list of Dataset
        The parts.
    cumulative_sizes : list of int
        Where each part ends.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> from lucid.data import ConcatDataset
    >>> whole = ConcatDataset(["abc", "de"])
    >>> len(whole), whole[3], whole[-1]
    (5, 'd', 'e')
    """

    def __init__(self, datasets: Iterable[Dataset[Sample]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("a ConcatDataset needs at least one data set, got none")
        sizes = [len(part) for part in self.datasets]  # type: ignore[arg-type]  # by convention
        self.cumulative_sizes = list(accumulate(sizes))

    def __getitem__(self, index: int) -> Sample:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"sample {index} of a data set of {len(self)} samples")
        i %= len(self)
        part = bisect_right(self.cumulative_sizes, i)
        return self.datasets[part][i - (self.cumulative_sizes[part - 1] if part else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(shown, self.datasets))})"


def random_split(
    dataset: Dataset[Sample], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[Sample]]:
    """Subsets of the given lengths, each sample in exactly one of them, chosen at random

    Parameters
    ----------
    dataset : Dataset
        What to split.
    lengths : sequence of int, or of float
        How many samples each part gets; or which fraction. What rounding the fractions down
        leaves over goes to the parts in turn, one sample each.
    generator : Generator, optional
        Where to draw from instead of the global stream.

    Raises
    ------
    ValueError
        If a length is negative, or they do not add up to the whole.

    Examples
    --------
    >>> from lucid.data import random_split
    >>> [len(part) for part in random_split(range(11), [0.8, 0.2])]
    [9, 2]
    """
    total = len(dataset)  # type: ignore[arg-type]  # a Dataset says its length by convention only
    if any(n < 0 for n in lengths):
        raise ValueError(f"the lengths of the parts are at least 0, got {list(lengths)}")
    sizes = [int(n) for n in lengths]
    if math.isclose(sum(lengths), 1):
        sizes = [math.floor(total * fraction) for fraction in lengths]
        for i in range(total - sum(sizes)):
            sizes[i % len(sizes)] += 1
    elif sum(lengths) != total or sizes != list(lengths):
        raise ValueError(
            f"the lengths of the parts must add up to the {total} samples there are, "
            f"got {list(lengths)}\n  try: fractions that add up to 1, such as [0.8, 0.2]"
        )
    order = random.stream(generator).permutation(total).tolist()
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [Subset(dataset, order[end - n : end]) for n, end in zip(sizes, ends, strict=True)]
