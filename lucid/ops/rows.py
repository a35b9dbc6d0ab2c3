"""Linear maps of rows: each output is a weighted sum of a few inputs of the same row.

Interpolation, adaptive averages and the padding modes that repeat the signal are all of this kind:
what differs is the table that says which positions are read, and with which weights. The table is
worked out once for each pair of lengths; the gradient is the same op with the table turned round.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lucid.autograd import Function
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor

#: Up to so many positions per output, reading them one after the other is faster than adding up.
FEW = 8


class Table:
    """A sparse matrix of shape (T, L), as the list of its entries.

    Parameters
    ----------
    targets, sources : array of int
        Where each entry's product goes, in rising order, and where its factor comes from.
    weights : array of float, optional
        The other factors; 1 by default.
    T, L : int
        The lengths of outputs and inputs.
    """

    def __init__(
        self,
        targets: NDArray[np.intp],
        sources: NDArray[np.intp],
        weights: NDArray[np.float64] | None,
        T: int,
        L: int,
    ) -> None:
        self.targets, self.sources, self.weights, self.T, self.L = targets, sources, weights, T, L
        self.counts = np.bincount(targets, minlength=T)
        self.starts = np.cumsum(self.counts) - self.counts

    @functools.cached_property
    def transposed(self) -> Table:
        """The matrix of the adjoint map: sources and targets exchanged."""
        order = np.argsort(self.sources, kind="stable")
        weights = None if self.weights is None else self.weights[order]
        return Table(self.sources[order], self.targets[order], weights, self.L, self.T)

    @functools.cached_property
    def taps(self) -> list[tuple[NDArray[np.intp], NDArray[np.float64] | None]]:
        """The first entry of each output, then the second of each, ...; L for those without."""
        taps = []
        for k in range(self.counts.max(initial=0)):
            there = k < self.counts
            entries = np.where(there, self.starts + k, 0)
            weights = None if self.weights is None else self.weights[entries] * there
            taps.append((np.where(there, self.sources[entries], self.L), weights))
        return taps

    def apply(self, x: Array) -> Array:
        """out[..., t] = sum over the entries of t of weight * x[..., source]"""
        if self.counts.max(initial=0) > FEW:
            found = weighted(np.take(x, self.sources, axis=-1), self.weights)
            filled = np.flatnonzero(self.counts)
            sums: Array = np.add.reduceat(found, self.starts[filled], axis=-1)
            if len(filled) == self.T:
                return sums
            out = np.zeros((*x.shape[:-1], self.T), x.dtype)
            out[..., filled] = sums
            return out
        if self.counts.min(initial=FEW) < len(self.taps):  # a zero to read at position L
            x = np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)
        parts = (weighted(np.take(x, source, axis=-1), weights) for source, weights in self.taps)
        return functools.reduce(lambda out, part: np.add(out, part, out=out), parts)


def weighted(found: Array, weights: NDArray[np.float64] | None) -> Array:
    """What was read, times the weights: in place, for it is a copy."""
    return found if weights is None else np.multiply(found, weights.astype(found.dtype), out=found)


class RowMap(Function):
    """out[..., t] = sum over s of table[t, s] * x[..., s]"""

    reads_inputs = False

    def __init__(self, table: Table) -> None:
        self.table = table

    def forward(self, x: Array) -> Array:
        return self.table.apply(x)

    def backward(self, grad: Tensor) -> Tensor:
        return RowMap(self.table.transposed)(grad)
