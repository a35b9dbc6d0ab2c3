"""The ops of ``test_more_ops.py``, and the same expressions in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from test_against_torch import compare, dtype_of, numbers, positive, torch  # skips without it

import lucid

SPECIAL = np.array([0.0, 1.0, -1.0, 0.5, 1.5, -2.5, np.inf, -np.inf, np.nan])
TIES = np.array([[2.0, 1.0, 2.0, np.nan, 1.0], [0.0, -np.inf, 0.0, 5.0, np.nan]])
A, B, C, P = numbers(2, 3), numbers(3, 4, seed=1), numbers(2, 3, 4, seed=2), positive(2, 3)
ROWS, TIMES = np.array([1, 0, 1]), np.array([2, 0, 1])

OPS = {
    "square": (lambda m, x: x.square() + m.square(x), [A]),
    "reciprocal": (lambda m, x: x.reciprocal() + m.rsqrt(x), [P]),
    "reciprocal of special numbers": (lambda m, x: m.reciprocal(x), [SPECIAL]),
    "log1p": (lambda m, x: m.log1p(x) + m.log2(x) * m.log10(x), [P]),
    "logarithms of special numbers": (lambda m, x: m.stack([m.log2(x), m.log1p(x)]), [SPECIAL]),
    "expm1": (lambda m, x: m.expm1(x), [SPECIAL]),
    "sin, cos": (lambda m, x: m.sin(x) * x.cos(), [A]),
    "atan2": (lambda m, x, y: m.atan2(x, y), [A, P]),
    "remainder": (lambda m, x, y: x % y + m.remainder(x, 0.7), [A, P]),
    "floor_divide": (lambda m, x, y: (x.detach() // y.detach()) * x, [A, P]),
    "rounding": (
        lambda m, x: m.stack([x.floor(), x.ceil(), x.round(), x.trunc()]).detach() * x, [SPECIAL]
    ),
    "bmm": (lambda m, x: m.bmm(x, x.transpose(1, 2)), [C]),
    "einsum": (lambda m, x, y: m.einsum("bij,jk->bik", x.transpose(1, 2), y), [C, B]),
    "einsum, implicit": (lambda m, x, y: m.einsum("...ji,ij", x, y), [C, B.T.copy()]),
    "einsum, size 1": (lambda m, x, y: m.einsum("ij,ij->ij", x[:1], y), [A, P]),
    "einsum, ellipsis summed": (lambda m, x: m.einsum("...i->i", x), [C]),
    "einsum, list": (lambda m, x: m.einsum("ii->i", x[:, :2]), [A]),
    "einsum, attention": (lambda m, x: m.einsum("b i d, b j d -> b i j", x, x), [C]),
    "tril, triu": (lambda m, x: m.tril(x, 1) + x.triu(-1) * 2, [C]),
    "cumsum": (lambda m, x: x.cumsum(-1) + m.cumsum(x, 0), [C]),
    "norm": (lambda m, x: x.norm() + m.norm(x, 1) + x.norm(dim=1, keepdim=True), [C]),
    "norm, other powers": (lambda m, x: x.norm(3, 1) + x.norm(float("inf"), 1), [C]),
    "norm, special": (lambda m, x: x.norm(0, 0) + m.norm(x, p="fro", dim=(0, 1)), [A]),
    "norm of zeros": (lambda m, x: x.norm(), [np.zeros(3)]),
    "logsumexp": (lambda m, x: m.logsumexp(x, 1) + x.logsumexp((0, 1)), [A]),
    "logsumexp of special numbers": (lambda m, x: x.logsumexp(0), [SPECIAL[:6]]),
    "sort": (lambda m, x: m.sort(x, 1).values + x.sort(0)[0], [A]),
    "sort of special numbers": (
        lambda m, x: m.stack([m.sort(x, stable=True)[0], x.sort(descending=True).values]), [TIES]
    ),
    "argsort": (
        lambda m, x: x.argsort(dim=-1, descending=True, stable=True) + m.argsort(x, stable=True),
        [TIES],
    ),
    "topk": (lambda m, x: x.topk(2)[0] + m.topk(x, 2, 1, False).values, [A]),
    "unflatten": (lambda m, x: m.unflatten(x, -1, (2, -1)) * 2, [C]),
    "movedim": (
        lambda m, x: m.movedim(x, 0, -1) + x.movedim((0, 1), (-1, 0)).mT, [numbers(3, 3, 3)]
    ),
    "index_select": (lambda m, x, i: m.index_select(x, 1, i), [C, ROWS]),
    "narrow, select": (lambda m, x: m.narrow(x, 1, -2, 2) * x.select(0, -1)[:2], [C]),
    "chunk, unbind": (lambda m, x: m.cat(x.chunk(3, 2), 2) * m.stack(m.unbind(x, 1), 1), [C]),
    "repeat": (lambda m, x: x.repeat(2, 1, 2) + m.tile(x, (2, 1, 2)), [A]),
    "repeat_interleave": (lambda m, x, n: m.repeat_interleave(x, n, dim=1), [C, TIMES]),
    "repeat_interleave, int": (lambda m, x: x.repeat_interleave(2) + x.repeat(2).flatten(), [A[0]]),
    "roll": (lambda m, x: m.roll(x, 1) + x.roll((1, -2), (0, 2)) + x.roll(1, dims=1), [C]),
    "unfold": (lambda m, x: x.unfold(-1, 2, 1), [C]),
    "unfold, dim": (lambda m, x: x.unfold(0, 3, 2), [numbers(8, 2)]),
    "masked": (lambda m, x: m.masked_select(x, x > 0).sum() + x.masked_fill(x < 0, 1.5), [C]),
    "isclose": (lambda m, x, y: m.isclose(x, y + 1e-6), [A, A.copy()]),
    "isinf": (lambda m, x: m.isinf(x), [SPECIAL]),
    "any, all": (lambda m, x: m.any(x > 1, (0, 2)) | (x < 1).all(dim=(-1, 0)), [C]),
    "var": (lambda m, x: x.var(1, False) + x.var(False) + x.var(1, True, False), [A]),
    "std": (lambda m, x: x.std(1, keepdim=True) + x.std(1, True, True) + m.std(x, True), [A]),
    "var, named": (lambda m, x: x.var(dim=1, unbiased=False), [A]),
    "squeeze": (lambda m, x: x[:, None].squeeze((0, 1)), [A]),
}  # fmt: skip


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_op(name, dtype, tolerance):
    expression, arrays = OPS[name]
    compare(expression, [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays], tolerance)


DTYPES = ("float32", "float64", "int64", "int32", "uint8")
UNARY = {
    "sin": lambda m, x: m.sin(x),
    "log1p": lambda m, x: m.log1p(x),
    "rsqrt": lambda m, x: x.rsqrt(),
    "cumsum": lambda m, x: x.cumsum(0),
    "logsumexp": lambda m, x: x.logsumexp(0),
    "floor": lambda m, x: x.floor(),
    "sort": lambda m, x: x.sort()[0],
    "topk": lambda m, x: x.topk(1)[1],
    "roll": lambda m, x: x.roll(1),
    "remainder": lambda m, x: x % 2,
    "remainder, float": lambda m, x: x % 2.0,
    "floor_divide": lambda m, x: x // x,
    "norm": lambda m, x: x.norm(),
    "isinf": lambda m, x: m.isinf(x),
}


@pytest.mark.parametrize("op", UNARY)
def test_dtypes_of_results(op):
    different = []
    for name in DTYPES:
        ours, theirs = (dtype_of(m, UNARY[op], name) for m in (lucid, torch))
        if ours != theirs:
            different.append(f"{name}: {ours}, PyTorch {theirs}")
    assert not different, "\n".join(different)
