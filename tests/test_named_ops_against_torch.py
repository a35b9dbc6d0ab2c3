"""The ops of ``test_named_ops.py``, and the same expressions in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from test_against_torch import compare, dtype_of, numbers, positive, torch  # skips without it

import lucid

SPECIAL = np.array([0.0, 1.0, -1.0, 0.5, 1.5, -2.5, np.inf, -np.inf, np.nan])
A, B, C, P = numbers(2, 3), numbers(2, 3, seed=1), numbers(2, 3, 4, seed=2), positive(2, 3)
HOLES = np.array([[1.5, np.nan, -0.5], [np.nan, 2.0, 0.25]])
ONCE, ROWS = np.array([[2, 0], [1, 2]]), np.array([2, 0, 2])
COUNTS = np.array([3, 0, 3, 1])
PARTS = np.array([0.0, 0.25, 0.9])

OPS = {
    "tan": (lambda m, x: m.tan(x), [P]),
    "asin, acos": (lambda m, x: m.asin(x) * x.acos(), [A / 3]),
    "asin, acos, outside": (lambda m, x: m.asin(x) + m.acos(x), [SPECIAL]),
    "atan": (lambda m, x: m.atan(x), [SPECIAL]),
    "sinh, cosh": (lambda m, x: m.sinh(x) + x.cosh(), [A]),
    "erf": (lambda m, x: m.erf(x) + x.erfc() * 2, [C]),
    "erf of special numbers": (lambda m, x: m.stack([m.erf(x), m.erfc(x)]), [SPECIAL]),
    "exp2": (lambda m, x: m.exp2(x), [A]),
    "frac": (lambda m, x: x.frac(), [C]),
    "sinc": (lambda m, x: m.sinc(x), [np.array([0.0, 0.01, 0.3, 1.0, -2.5])]),
    "logit": (lambda m, x: m.logit(x) + x.logit(0.3), [P / 2.1]),
    "hypot": (lambda m, x, y: m.hypot(x, y), [A, B]),
    "logaddexp": (lambda m, x, y: m.logaddexp(x, y), [A, B[0]]),
    "xlogy": (lambda m, x, y: m.xlogy(x, y), [np.array([0.0, 1, 2]), np.array([3.0, 0, 0.5])]),
    "lerp": (lambda m, x, y, w: m.lerp(x, y, w) + x.lerp(y, 0.75), [A, B, P]),
    "addcmul": (lambda m, x, y, z: m.addcmul(x, y, z, value=2) + x.addcdiv(y, z), [A, B, P]),
    "nan_to_num": (lambda m, x: m.nan_to_num(x, 1.0, 2.0, -3.0), [SPECIAL]),
    "nansum, nanmean": (lambda m, x: m.nansum(x, 1) * x.nanmean(1), [HOLES]),
    "cumprod": (lambda m, x: m.cumprod(x, 1), [C]),
    "cumprod, zeros": (lambda m, x: x.cumprod(0), [np.array([2.0, 0, 3, 0, 5, 7])]),
    "diff": (lambda m, x, y: m.diff(x, dim=0, prepend=y) * x.diff(2).sum(), [A, B]),
    "median": (lambda m, x: x.median(1).values + m.median(x), [A]),
    "median with holes": (lambda m, x: m.median(x.detach(), 1).values, [HOLES]),
    "quantile": (lambda m, x, q: m.quantile(x, q.detach(), dim=1, keepdim=True), [C, PARTS]),
    "quantile, other ways": (
        lambda m, x: m.stack(
            [x.quantile(0.4, interpolation=w) for w in ("lower", "higher", "nearest", "midpoint")]
        ),
        [C],
    ),
    "dot, mv, outer": (lambda m, x, y: m.outer(m.mv(x, y[0]), y[1]) * m.dot(x[0], y[1]), [A, B]),
    "diag": (lambda m, x: m.diag(x, 1).diag() + x.diagonal(offset=1).diag(), [A]),
    "diagonal": (lambda m, x: m.diagonal(x, 1, 2, 0) * m.trace(x[0]), [C]),
    "scatter": (
        lambda m, x, y, i: m.scatter(x, 1, i, y[:, :2]) + x.scatter(1, i, 2.5), [A, B, ONCE]
    ),
    "scatter_add": (lambda m, x, y, i: x.scatter_add(1, i, y[:, :2]), [A, B, ONCE]),
    "index_add": (lambda m, x, y, i: m.index_add(x, 1, i, y, alpha=2), [A, B, ROWS]),
    "hstack, vstack": (lambda m, x, y: m.hstack([x, y]).sum() * m.vstack([x, y[0]]), [A, B]),
    "meshgrid": (
        lambda m, x, y: m.stack(m.meshgrid(x[0], y[1, :2], indexing="xy")), [A, B]
    ),
    "broadcast": (lambda m, x: m.broadcast_to(x, (2, 2, 3)) * m.broadcast_tensors(x, x[0])[1], [A]),
    "bincount": (lambda m, i, w: m.bincount(i, w.detach(), 6), [COUNTS, numbers(4)]),
    "bincount, plain": (lambda m, i: m.bincount(i), [COUNTS]),
    "count_nonzero": (lambda m, i: m.count_nonzero(i) + m.nonzero(i).sum(), [COUNTS]),
    "histc": (lambda m, x: m.histc(x.detach(), 5) + x.detach().histc(5, -1, 1), [C]),
    "unique": (lambda m, i: m.cat(m.unique(i, return_inverse=True, return_counts=True)), [COUNTS]),
    "unique, dim": (lambda m, i: i[:, None].unique(dim=0), [COUNTS]),
    "searchsorted": (
        lambda m, x, y: m.searchsorted(m.sort(x.detach())[0], y.detach(), right=True), [A, B]
    ),
    "bucketize": (lambda m, x: m.bucketize(x.detach(), x[0].detach().sort()[0]), [A]),
    "isin": (lambda m, i: m.isin(i, m.arange(2)), [COUNTS]),
    "xor": (lambda m, i: m.logical_xor(i, i - 1) | ((i ^ 2) == 1), [COUNTS]),
    "hann_window": (lambda m, x: x * m.hann_window(3, dtype=x.dtype), [A]),
    "hamming_window": (lambda m, x: x * m.hamming_window(3, False, dtype=x.dtype), [A]),
    "new": (lambda m, i: i.new_zeros(3).sum() + i.new_ones((2,)) + i.new_full((2,), 4), [COUNTS]),
}  # fmt: skip


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_op(name, dtype, tolerance):
    expression, arrays = OPS[name]
    compare(expression, [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays], tolerance)


DTYPES = ("float32", "float64", "int64", "int32", "uint8")
UNARY = {
    "atan": lambda m, x: m.atan(x),
    "sinh": lambda m, x: m.sinh(x),
    "erf": lambda m, x: m.erf(x),
    "exp2": lambda m, x: m.exp2(x),
    "hypot": lambda m, x: m.hypot(x.float(), x.float()),
    "cumprod": lambda m, x: x.cumprod(0),
    "diff": lambda m, x: x.diff(),
    "median": lambda m, x: x.median(),
    "diag": lambda m, x: x.diag(),
    "nansum": lambda m, x: x.nansum(),
    "xlogy": lambda m, x: m.xlogy(x, x),
    "count_nonzero": lambda m, x: x.count_nonzero(),
    "unique": lambda m, x: x.unique(),
}


@pytest.mark.parametrize("op", UNARY)
def test_dtypes_of_results(op):
    different = []
    for name in DTYPES:
        ours, theirs = (dtype_of(m, UNARY[op], name) for m in (lucid, torch))
        if ours != theirs:
            different.append(f"{name}: {ours}, PyTorch {theirs}")
    assert not different, "\n".join(different)
