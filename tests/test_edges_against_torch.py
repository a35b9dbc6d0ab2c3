"""Functions of one number or two, and PyTorch's: at 0 and -0, inf and nan, tiny and huge numbers.

Values and gradients are compared at every place, and dtypes for every pair of them. What differs on
purpose is named here, with the places where it may, and told in docs/differences.rst.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from test_against_torch import DTYPES, torch  # skips without it

import lucid

INF, NAN = np.inf, np.nan
NUMBERS = np.array(
    [0, -0.0, 1e-40, -1e-40, 1, -1, 0.5, -0.5, 2.5, -2.5, 20, -20, 90, -90, 1e4, -1e4, 1e30, -1e30,
     3e38, -3e38, INF, -INF, NAN]
)  # fmt: skip
FEW = np.array([0, -0.0, 1, -1, 1e-40, 2.5, -2.5, 3, 1e30, INF, -INF, NAN])
PAIRS = [side.ravel() for side in np.meshgrid(FEW, FEW, indexing="ij")]

UNARY = [
    "abs",
    "acos",
    "asin",
    "atan",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "frac",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_not",
    "logit",
    "nan_to_num",
    "neg",
    "reciprocal",
    "relu",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
]
BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "atan2",
    "hypot",
    "logaddexp",
    "xlogy",
    "maximum",
    "minimum",
    "remainder",
    "floor_divide",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "isclose",
    "logical_and",
    "logical_or",
    "logical_xor",
]
OTHERS = {
    "floor_divide": lambda m, x, y: m.floor_divide(x.detach(), y.detach()),  # no gradient
    "clamp": lambda m, x: x.clamp(-1, 1),
    "clamp to crossed limits": lambda m, x: x.clamp(2, 1),
    "square root as a power": lambda m, x: x.abs() ** 0.5,
    "powers": lambda m, x: x**3 + x**0 - x**-1,
    "power of two": lambda m, x: 2**x,
    "where": lambda m, x: m.where(x > 0, 1.0, x),
    "masked_fill": lambda m, x: x.masked_fill(x > 0, 2.0),
    "quotients by 0": lambda m, x: x / 0,
    "lerp": lambda m, x: m.lerp(x, 2 * x, 0.3),
    "diff": lambda m, x: x.diff(),
    "sort": lambda m, x: x.sort()[0],
    "argsort": lambda m, x: x.argsort(stable=True),
    "softmax": lambda m, x: x[:14].softmax(0),
    "backwards": lambda m, x: x.flip(0).reshape(1, -1).t().exp(),
}
# Gradients that differ on purpose, and where.
GRADIENTS = {
    "abs": np.isnan,
    "clamp": np.isnan,
    "clamp to crossed limits": np.isnan,
    "square root as a power": lambda x: np.isnan(x) | (x == 0),
    "sinc": lambda x: (np.abs(x) < 1e-4) | (np.abs(x) >= 1e30),  # PyTorch's loses its digits
    "logit": lambda x: x == 0,  # -inf at -0
    "sign": np.isnan,
    "xlogy": lambda x, y: (x == 0) & (y == 0),
}
VALUES = {
    "sign": np.isnan,
    "remainder": lambda x, y: np.abs(y) < np.finfo(y.dtype).tiny,  # nan in PyTorch
}


def evaluated(package, op, arrays):
    """The value, and the gradient of each input; zeros where there is none."""
    inputs = [package.from_numpy(a.copy()).requires_grad_() for a in arrays]
    out = op(package, *inputs)
    if out.requires_grad:
        out.backward(package.ones_like(out))
    pairs = zip(arrays, inputs, strict=True)
    return out.detach().numpy(), [
        np.zeros_like(a) if x.grad is None else x.grad.numpy() for a, x in pairs
    ]


def close(a, b):
    """Whether numbers agree to the rounding of their dtype's functions."""
    if a.dtype.kind != "f":
        return a == b
    tolerance = 1e-5 if a.dtype == np.float32 else 1e-12
    return np.isclose(a, b, tolerance, 8 * np.finfo(a.dtype).tiny, equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", dict.fromkeys([*UNARY, *BINARY, *OTHERS]))
def test_values_and_gradients(name, dtype):
    op = OTHERS.get(name, lambda m, *xs: getattr(m, name)(*xs))
    arrays = [a.astype(dtype) for a in (PAIRS if name in BINARY else [NUMBERS])]
    (ours, our_grads), (theirs, their_grads) = (evaluated(m, op, arrays) for m in (lucid, torch))
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    excused = VALUES.get(name, lambda *xs: False)(*arrays)
    assert np.all(close(ours, theirs) | excused), (ours, theirs)
    excused = GRADIENTS.get(name, lambda *xs: False)(*arrays)
    for a, b in zip(our_grads, their_grads, strict=True):
        wrong = ~(close(a, b) | excused)
        assert not wrong.any(), [x[wrong] for x in (*arrays, a, b)]


SHAPES = [((3,), (3,)), ((3,), ()), ((0, 3), (3,)), ((2, 1), (1, 3)), ((1, 0), (2, 1))]


@pytest.mark.parametrize("name", BINARY)
def test_dtypes_and_shapes_of_two(name):
    for first, second, (a, b) in itertools.product(DTYPES, DTYPES, SHAPES):
        sides = np.full(a, 3).astype(first), np.full(b, 2).astype(second)
        try:
            theirs = getattr(torch, name)(*map(torch.from_numpy, sides)).numpy()
        except (RuntimeError, NotImplementedError):
            continue
        ours = getattr(lucid, name)(*map(lucid.from_numpy, sides)).numpy()
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), (first, second, a, b)
        assert close(ours, theirs).all(), (first, second, ours, theirs)


@pytest.mark.parametrize("name", UNARY)
def test_dtypes_and_shapes_of_one(name):
    for dtype, shape in itertools.product(DTYPES, [(3,), (), (0,), (2, 0), (1, 1)]):
        x = np.full(shape, 1).astype(dtype)
        try:
            theirs = getattr(torch, name)(torch.from_numpy(x)).numpy()
        except (RuntimeError, NotImplementedError):
            continue
        ours = getattr(lucid, name)(lucid.from_numpy(x)).numpy()
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), (dtype, shape)
        assert close(ours, theirs).all(), (dtype, ours, theirs)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_filling_keeps_the_dtype(dtype):
    x = np.array([1, 0, 1]).astype(dtype)
    ours, theirs = (
        m.from_numpy(x).masked_fill(m.tensor([True, False, False]), 2.0).numpy()
        for m in (lucid, torch)
    )
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
    if dtype != "bool":
        with pytest.raises(lucid.DtypeError, match=f"the dtype {dtype}, which does not have 0.5"):
            lucid.from_numpy(x).masked_fill(lucid.tensor(True), 0.5)


def test_triangles_keep_bools():
    for m in (lucid, torch):
        assert m.ones(2, 2, dtype=m.bool).tril().tolist() == [[True, False], [True, True]]
        assert m.ones(2, 2, dtype=m.bool).triu().tolist() == [[True, True], [False, True]]
