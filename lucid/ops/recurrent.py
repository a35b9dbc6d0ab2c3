"""Recurrence: a state that goes from step to step through a batch of sequences.

Sequences of different lengths lie step by step: first position 0 of all, then position 1 of those
that have one, and so on, the longest sequences first. ``sizes`` says how many each step has. A
batch of equal lengths is the same thing, with equal sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lucid._ext import kernels
from lucid._ext.recurrent_twins import GRU, LSTM, RELU, TANH, blocks_of_steps
from lucid.autograd import Function, grad, is_grad_enabled, make_tensor
from lucid.ops.convert import clone
from lucid.ops.elementwise import relu, sigmoid, tanh
from lucid.ops.index import getitem
from lucid.ops.join import cat, split
from lucid.ops.linalg import Linear
from lucid.types import Array

if TYPE_CHECKING:
    from lucid.tensor import Tensor

__all__ = ["GRU", "LSTM", "RELU", "TANH", "Recurrence"]


class Recurrence(Function):
    """For each step: y = cell(v, u, h) with v = w_ih x + b_ih and u = w_hh h + b_hh; then h = y

    v and u are cut into parts of the size of h:

        TANH   y = tanh(v + u)                  RELU   y = max(v + u, 0)
        LSTM   y = sigmoid(v_o + u_o) * tanh(c),  where the cells c become
               c = sigmoid(v_f + u_f) * c + sigmoid(v_i + u_i) * tanh(v_g + u_g)
        GRU    y = (1 - z) * n + z * h,  where  n = tanh(v_n + r * u_n)
               r = sigmoid(v_r + u_r),  z = sigmoid(v_z + u_z)

    Called with x (rows, I), h (N, H), for an LSTM c (N, H), then w_ih (G, I), w_hh (G, H), b_ih and
    b_hh (G,). The output has y of all steps, then the last h, then the last c, one below the other.

    ``formula`` is this text in tensor operations, and its derivative is found from it. Where
    nothing is recorded, a kernel goes through the steps in reverse order, and the gradients of the
    weights are products of matrices, of all steps at once.
    """

    new_gradients = True

    def __init__(self, kind: int, sizes: NDArray[np.int64], reverse: bool = False) -> None:
        self.kind, self.sizes, self.reverse = kind, sizes, reverse
        self.kept: tuple[Array | None, ...] = ()

    def forward(self, x: Array, h: Array, *rest: Array) -> Array:
        *c, w_ih, w_hh, b_ih, b_hh = rest
        rows, (N, H) = len(x), h.shape
        out = np.concatenate([np.empty((rows, H), h.dtype), h, *c])
        y, state, *cells = np.split(out, [rows + i * N for i in range(1 + len(c))])
        before = np.empty_like(y)
        c_before, tanh_c = np.empty((2, rows, H), x.dtype) if c else (None, None)
        gates = np.empty((rows, H if self.kind in (TANH, RELU) else 4 * H), x.dtype)
        b = b_ih + b_hh
        if self.kind == GRU:  # whose last part of u is not simply added
            b = np.concatenate([b[: 2 * H], b_ih[2 * H :], b_hh[2 * H :]])
        if N:
            kernels.recurrent_forward(
                self.kind, self.sizes, np.ascontiguousarray(x), padded(w_ih.T), padded(w_hh.T), b,
                state, cells[0] if c else None, gates, before, c_before, tanh_c, y, self.reverse,
            )  # fmt: skip
        self.kept = gates, before, c_before, tanh_c
        return out

    def backward(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        if is_grad_enabled():
            return self.differentiated(grad, [self.saved(i) for i in range(len(self.shapes))])
        N, cells = self.shapes[1][0], len(self.shapes) - 6
        x, w_ih, w_hh = [self.saved(i)._array for i in (0, cells + 2, cells + 3)]
        gates, before, c_before, tanh_c = self.kept
        assert before is not None  # unlike the two after it
        g = grad._array.astype(x.dtype)  # a copy, as the gradients of the states are written to
        gy, gh, *gc = np.split(g, [len(x) + i * N for i in range(1 + cells)])
        gv = np.empty((len(x), len(w_hh)), x.dtype)
        gu = np.empty_like(gv) if self.kind == GRU else gv
        gx = np.zeros(x.shape, x.dtype) if self.needs[0] else None
        if N:
            kernels.recurrent_backward(
                self.kind, self.sizes, padded(w_ih), padded(w_hh), gates, before, c_before, tanh_c,
                gy, gh, gc[0] if gc else None, gx, gv, gu, self.reverse,
            )  # fmt: skip
        gw_ih, gb_ih = weight_gradients(gv, x)
        gw_hh, gb_hh = weight_gradients(gu, before)
        grads = [gx, gh, *gc, gw_ih, gw_hh, gb_ih, gb_hh]
        return tuple([None if a is None else make_tensor(a) for a in grads])

    def differentiated(self, grad_out: Tensor, inputs: list[Tensor]) -> tuple[Tensor | None, ...]:
        """The gradients of the inputs, as those of ``formula``."""
        # copies: one input may have been computed from another, which is none of our business
        own = [clone(x) for x in inputs]
        wanted = [x for x, needed in zip(own, self.needs, strict=True) if needed]
        found = iter(
            grad(self.formula(*own), wanted, grad_out, create_graph=True, allow_unused=True)
        )
        return tuple([next(found) if needed else None for needed in self.needs])

    def formula(self, x: Tensor, h: Tensor, *rest: Tensor) -> Tensor:
        """The output, step by step."""
        *c, w_ih, w_hh, b_ih, b_hh = rest
        H = h.shape[1]
        from_x = Linear()(x, w_ih, b_ih)
        ys: dict[int, Tensor] = {}
        for n, rows in blocks_of_steps(self.sizes, self.reverse):
            first = [getitem(state, slice(n)) for state in (h, *c)]
            v, u = getitem(from_x, rows), Linear()(first[0], w_hh, b_hh)
            new = self.cell(split(v, H, 1), split(u, H, 1), *first)
            ys[rows.start] = new[0]
            h, *c = [
                cat([now, getitem(state, slice(n, None))])
                for now, state in zip(new, (h, *c), strict=True)
            ]
        return cat([*[ys[row] for row in sorted(ys)], h, *c])

    def cell(
        self, v: tuple[Tensor, ...], u: tuple[Tensor, ...], h: Tensor, *c: Tensor
    ) -> tuple[Tensor, ...]:
        """One step: the new h, and for an LSTM the new c."""
        if self.kind == LSTM:
            i, f, g, o = [a + b for a, b in zip(v, u, strict=True)]
            cells = sigmoid(f) * c[0] + sigmoid(i) * tanh(g)
            return sigmoid(o) * tanh(cells), cells
        if self.kind == GRU:
            r, z = sigmoid(v[0] + u[0]), sigmoid(v[1] + u[1])
            n = tanh(v[2] + r * u[2])
            return (n + z * (h - n),)
        return (tanh(v[0] + u[0]) if self.kind == TANH else relu(v[0] + u[0]),)

    def release(self) -> None:
        super().release()
        self.kept = ()


def weight_gradients(g: Array, x: Array) -> tuple[Array, Array]:
    """The gradients of w and b in x @ w.T + b: the sums over rows of products with x, and of g."""
    gw, gb = np.zeros((x.shape[1], g.shape[1]), g.dtype), np.zeros(g.shape[1])
    kernels.rows_products(np.ascontiguousarray(x), g, gw, gb)
    with np.errstate(all="ignore"):
        return gw.T.copy(), gb.astype(g.dtype)


def padded(matrix: Array) -> Array:
    """The matrix with columns of zeros behind it, which whole registers may be read from."""
    out = np.zeros((len(matrix), matrix.shape[1] + 16), matrix.dtype)
    out[:, : matrix.shape[1]] = matrix
    return out


class TakeRows(Function):
    """out[i] = x[index[i]], and a given number where index[i] < 0; no row is taken twice.

    So where a row has gone to is known, and its gradient is taken back from there.
    """

    reads_inputs = False
    new_gradients = True

    def __init__(self, index: NDArray[np.int64], otherwise: float = 0.0) -> None:
        self.index, self.otherwise = index, otherwise

    def forward(self, x: Array) -> Array:
        out = np.full((len(self.index), *x.shape[1:]), self.otherwise, x.dtype)
        taken = self.index >= 0
        out[taken] = x[self.index[taken]]
        return out

    def backward(self, grad: Tensor) -> Tensor:
        back = np.full(self.shapes[0][0], -1)
        taken = np.flatnonzero(self.index >= 0)
        back[self.index[taken]] = taken
        return TakeRows(back)(grad)
