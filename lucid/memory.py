"""Has a tensor been changed since ``backward`` took note of it?"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from lucid._ext import kernels
from lucid.types import Array

__all__ = ["Memory", "Note", "Saved", "note"]


class Memory:
    """What all tensors on one block of memory share: has the block been written to?

    lucid counts its own writes in ``version``. Writes through a NumPy array that shares the block
    (``Tensor.numpy``, ``from_numpy``) cannot be counted; once such an array exists, checksums
    tell: what is recorded from then on notes the checksum of its own numbers, and for what was
    recorded before, the checksum of the whole block was noted when it was exposed.
    """

    # Every tensor has one, and most never change: these are the class's until they are written.
    version: int = 0
    block: Array | None = None  # set once NumPy shares it
    checksum: int = 0  # of the block, at that moment

    def expose(self, array: Array) -> None:
        """From now on somebody may write to the block of ``array`` behind lucid's back."""
        if self.block is None:
            self.block = whole_block(array)
            self.checksum = checksum(self.block)

    def expose_new(self, array: Array) -> None:
        """As ``expose``, for memory that nothing was recorded on: no checksum is needed yet."""
        self.block = array


def whole_block(array: Array) -> Array:
    """The array that owns the memory which ``array`` is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def checksum(array: Array) -> int:
    """A number that changes with any number in an array."""
    if not array.flags.c_contiguous:
        array = np.ascontiguousarray(array)
    result: int = kernels.checksum(array)
    return result


# What is noted of an array: itself, its memory, the version, a checksum where NumPy shares it.
Note: TypeAlias = tuple[Array, Memory, int, int | None]


def note(array: Array, memory: Memory) -> Note:
    """Take note of an array as it is. A plain tuple: every op makes some."""
    return array, memory, memory.version, None if memory.block is None else checksum(array)


class Saved(NamedTuple):
    """A note with names: a tensor's array as it was when a node was recorded."""

    array: Array
    memory: Memory
    version: int
    checksum: int | None

    def changed(self) -> bool:
        """Whether the numbers are no longer those that were saved."""
        memory = self.memory
        if memory.version != self.version:
            return True
        if self.checksum is not None:
            return checksum(self.array) != self.checksum
        return memory.block is not None and checksum(memory.block) != memory.checksum
