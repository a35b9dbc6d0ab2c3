"""From samples to one batch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from lucid import ops
from lucid.autograd import is_tensor, make_tensor
from lucid.data.dataset import Subset, TensorDataset
from lucid.errors import ShapeError, add_to_message
from lucid.random import drawn_from
from lucid.tensor import Tensor
from lucid.types import float64

__all__ = ["default_collate"]

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
    first = tensors[0]
    if all(
        is_tensor(t)
        and not t.requires_grad
        and t.dtype is first.dtype
        and t._array.shape == first._array.shape
        for t in tensors
    ):  # what a batch is nearly always made of: nothing to record, nothing to complain about
        return make_tensor(np.stack([t._array for t in tensors]))
    try:
        return ops.stack(tensors)
    except ShapeError as error:
        line = "in a batch: pad the samples to one shape, cut them, or give DataLoader a collate_fn"
        add_to_message(error, line)
        raise


def fetch(dataset: Any, collate_fn: Collate, indices: list[int], seed: int, number: int) -> Any:
    """Make batch ``number`` of the epoch ``seed``.

    What is drawn meanwhile comes from a stream of this batch alone, so that it is the same in
    whichever process, and after whatever came before.
    """
    if collate_fn is default_collate:
        batch = batch_of_tensors(dataset, indices)
        if batch is not None:
            return batch
    child = np.random.SeedSequence(seed, spawn_key=(1, number))
    with drawn_from(np.random.Generator(np.random.PCG64(child))):
        return collate_fn([dataset[i] for i in indices])


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
