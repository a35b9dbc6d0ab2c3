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

    def apply(self, x: Array, axis: int) -> Array:
        """out[t] = sum over the entries of t of weight * x[source], along an axis of x"""
        most, after = self.counts.max(initial=0), x.ndim - 1 - axis
        if 0 < most <= FEW:
            if self.counts.min() < most:  # a zero to read at position L
                zero = np.zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype)
                x = np.concatenate([x, zero], axis)
            parts = (weighted(np.take(x, source, axis), w, after) for source, w in self.taps)
            out: Array = next(parts)
            for part in parts:
                out += part
            return out
        out = np.zeros((*x.shape[:axis], self.T, *x.shape[axis + 1 :]), x.dtype)
        if most:
            found = weighted(np.take(x, self.sources, axis), self.weights, after)
            filled = np.flatnonzero(self.counts)
            sums = np.add.reduceat(found, self.starts[filled], axis)
            np.moveaxis(out, axis, 0)[filled] = np.moveaxis(sums, axis, 0)
        return out


def weighted(found: Array, weights: NDArray[np.float64] | None, after: int) -> Array:
    """What was read, times the weights of its axis, the last but ``after``; in place: it is new."""
    if weights is not None:
        found *= weights.astype(found.dtype).reshape(-1, *[1] * after)
    return found


class RowMap(Function):
    """out[..., t] = sum over s of table[t, s] * x[..., s], along the last axis or another"""

    reads_inputs = False

    def __init__(self, table: Table, axis: int = -1) -> None:
        self.table, self.axis = table, axis

    def forward(self, x: Array) -> Array:
        return self.table.apply(x, self.axis % x.ndim)

    def backward(self, grad: Tensor) -> Tensor:
        return RowMap(self.table.transposed, self.axis)(grad)
