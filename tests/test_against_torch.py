"""lucid and PyTorch, side by side: the same expression gives the same numbers, dtypes, gradients.

An expression is a function of the package, ``lucid`` or ``torch``, and of tensors: since names and
meanings are the same, it is written once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid

torch = pytest.importorskip("torch")

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


def run(package: Any, expression: Callable[..., Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Evaluate an expression and its gradients; return all of them as arrays."""
    inputs = [package.from_numpy(np.array(a)) for a in arrays]
    floats = [x.requires_grad_() for x in inputs if x.dtype in (package.float32, package.float64)]
    out = expression(package, *inputs)
    results = [out]
    if out.requires_grad:
        weights = np.cos(np.arange(out.numel(), dtype=np.float64)).reshape(tuple(out.shape))
        out.backward(package.from_numpy(weights).to(out.dtype))
        results += [x.grad for x in floats if x.grad is not None]
    return [r.detach().numpy() for r in results]


def compare(expression: Callable[..., Any], arrays: list[np.ndarray], tolerance: float) -> None:
    """Assert that lucid and PyTorch agree on an expression and on its gradients."""
    ours, theirs = run(lucid, expression, arrays), run(torch, expression, arrays)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, tolerance, tolerance)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, shape)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 2, shape)


TIES = np.array([[1.0, 3.0, 3.0], [0.0, 0.0, -0.0]])
SPECIAL = np.array([0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
A, B, C, P = numbers(2, 3), numbers(2, 3, seed=1), numbers(3, seed=2), positive(2, 3)
BATCH = numbers(4, 3, 6)
ROWS = np.array([1, 0, 1])
CLASSES = np.array([2, 0, 1, 2])
LONG_CLASSES = np.random.default_rng(0).integers(0, 3, (4, 6))

OPS: dict[str, tuple[Callable[..., Any], list[np.ndarray]]] = {
    "add": (lambda m, a, b: m.add(a, b, alpha=2) + 1, [A, C]),
    "sub": (lambda m, a, b: 1 - m.sub(a, b, alpha=2), [A, C]),
    "mul": (lambda m, a, b: 2 * m.mul(a, b) * 0.5, [A, C]),
    "div": (lambda m, a, b: 1 / m.div(a, b) / 3, [A, P]),
    "pow": (lambda m, a, b: m.pow(a, b) ** 2, [P, C]),
    "pow of special numbers": (lambda m, a: a**2 + a**0, [SPECIAL]),
    "number to the pow": (lambda m, a: 2**a, [A]),
    "pow at 0": (lambda m, a, b: a**b, [np.zeros(3), np.array([0.0, 1.0, 2.0])]),
    "neg, abs": (lambda m, a: -a.abs(), [A]),
    "abs of special numbers": (lambda m, a: m.abs(a), [SPECIAL[:5]]),
    "exp": (lambda m, a: m.exp(a), [A]),
    "log": (lambda m, a: m.log(a), [P]),
    "sqrt": (lambda m, a: m.sqrt(a), [P]),
    "tanh": (lambda m, a: m.tanh(a), [A]),
    "sigmoid": (lambda m, a: m.sigmoid(a), [A]),
    "relu": (lambda m, a: m.relu(a), [A]),
    "relu of special numbers": (lambda m, a: m.relu(a), [SPECIAL]),
    "exp of special numbers": (lambda m, a: m.exp(a), [SPECIAL]),
    "log of special numbers": (lambda m, a: m.log(a), [SPECIAL]),
    "sqrt of special numbers": (lambda m, a: m.sqrt(a), [SPECIAL]),
    "sigmoid of special numbers": (lambda m, a: m.sigmoid(a), [SPECIAL]),
    "clamp": (lambda m, a: m.clamp(a, -1, 0.5), [A]),
    "clamp by tensors": (lambda m, a, b: a.clamp(min=b), [A, B]),
    "clamp at its limits": (lambda m, a: a.clamp(-1, 1), [SPECIAL[:5]]),
    "maximum": (lambda m, a, b: m.maximum(a, b), [A, C]),
    "minimum": (lambda m, a, b: m.minimum(a, b), [A, C]),
    "maximum, ties": (lambda m, a, b: m.maximum(a, b) - m.minimum(a, b), [TIES, TIES[::-1]]),
    "maximum of special numbers": (lambda m, a: m.maximum(a, a.flip(0)), [SPECIAL]),
    "where": (lambda m, a, b: m.where(a > 0, a, b), [A, C]),
    "matmul": (lambda m, a, b: m.matmul(a, b.T), [A, B]),
    "matmul, vector": (lambda m, a, b: a @ b + b @ a.T, [A, C]),
    "matmul, batches": (lambda m, a, b: a @ b, [BATCH[:, None], numbers(2, 6, 2)]),
    "sum": (lambda m, a: a.sum() + a.sum(0) + a.sum((0, 1), keepdim=True), [A]),
    "mean": (lambda m, a: a.mean() + a.mean(-1, keepdim=True), [A]),
    "var": (lambda m, a: a.var() + m.var(a, 1, correction=0), [A]),
    "std": (lambda m, a: a.std() + m.std(a, (0, 1), keepdim=True), [A]),
    "std of equal numbers": (lambda m, a: a.std(), [np.ones(3)]),
    "prod": (lambda m, a: a.prod() + a.prod(1), [A]),
    "prod with zeros": (lambda m, a: a.prod(1), [TIES]),
    "amax": (lambda m, a: a.amax() + a.amax(1), [TIES]),
    "amin": (lambda m, a: a.amin() + a.amin((0, 1), keepdim=True), [TIES]),
    "max": (lambda m, a: a.max() + a.max(dim=0).values, [A]),
    "min": (lambda m, a: a.min() + a.min(dim=1, keepdim=True)[0], [A]),
    "max, ties": (lambda m, a: a.max(), [TIES]),
    "max of a nan": (lambda m, a: a.max(0).values, [SPECIAL]),
    "argmax": (lambda m, a: a.argmax(1) + a.argmax(), [A]),
    "argmin": (lambda m, a: a.argmin(0, keepdim=True), [A]),
    "any, all": (lambda m, a: m.stack([(a > 0).any(), (a > 0).all(), (a < 9).all()]), [A]),
    "softmax": (lambda m, a: m.softmax(a, 1), [BATCH]),
    "log_softmax": (lambda m, a: m.log_softmax(a, dim=-1), [BATCH * 50]),
    "reshape": (lambda m, a: a.reshape(-1, 2).T.reshape(3, 2), [A]),
    "flatten": (lambda m, a: m.flatten(a, 1) @ a.flatten(1).T, [BATCH]),
    "permute": (lambda m, a: m.permute(a, (2, 0, 1)), [BATCH]),
    "transpose": (lambda m, a: a.transpose(1, -1), [BATCH]),
    "squeeze": (lambda m, a: a.unsqueeze(1).squeeze(1).unsqueeze(0).squeeze(), [A]),
    "expand": (lambda m, a: a.expand(4, -1, 3), [A]),
    "flip": (lambda m, a: m.flip(a, (0, 1)), [A]),
    "cat": (lambda m, a, b: m.cat([a, b[:, :1], a], dim=1), [A, B]),
    "stack": (lambda m, a, b: m.stack([a, b], dim=-1), [A, B]),
    "split": (lambda m, a: a.split(2, 1)[1] * m.split(a, [1, 2], dim=1)[0], [A]),
    "gather": (lambda m, a, i: m.gather(a, 1, i), [A, np.array([[0, 0], [2, 1]])]),
    "index": (lambda m, a, i: a[i] * a[0] + a[:1] + a[i][..., -1:] + a[None, 1], [A, ROWS]),
    "index, mask": (lambda m, a: a[a > 0] * 2, [A]),
    "index, pairs": (lambda m, a, i: a[i, i + 1], [A, ROWS]),
    "index, uint8 numbers": (lambda m, a, i: a[i.long()], [A, ROWS.astype(np.uint8)]),
    "masked_fill": (lambda m, a: a.masked_fill(a > 0, -1), [A]),
    "comparisons": (lambda m, a, b: (a > b) & (a <= 1) | ~(a == b), [A, B]),
    "bits": (lambda m, i: ~(i & 6) | 1, [np.arange(-4, 4)]),
    "sign": (lambda m, a: m.sign(a.detach()), [SPECIAL[:5]]),
    "isnan, isfinite": (lambda m, a: m.isnan(a) | m.isfinite(a), [SPECIAL]),
    "conversions": (lambda m, a: a.float() + a.long() + a.int() * a.double(), [A]),
    "clone": (lambda m, a: a.clone() + a.T.contiguous().T, [A]),
}

LOSSES = {
    "mse_loss": (lambda F, a, b: F.mse_loss(a, b), [A, B]),
    "mse_loss, sum": (lambda F, a, b: F.mse_loss(a, b, reduction="sum"), [A, B]),
    "cross_entropy": (lambda F, a, t: F.cross_entropy(a, t), [BATCH[..., 0], CLASSES]),
    "cross_entropy, long": (lambda F, a, t: F.cross_entropy(a, t), [BATCH, LONG_CLASSES]),
    "cross_entropy, none": (
        lambda F, a, t: F.cross_entropy(a, t, reduction="none", label_smoothing=0.2),
        [BATCH, LONG_CLASSES],
    ),
    "cross_entropy, all options": (
        lambda F, a, t, w: F.cross_entropy(a, t, w.detach(), ignore_index=1, label_smoothing=0.2),
        [BATCH, LONG_CLASSES, positive(3)],
    ),
    "cross_entropy, sum": (
        lambda F, a, t, w: F.cross_entropy(
            a, t, w.detach(), ignore_index=2, reduction="sum", label_smoothing=0.1
        ),
        [BATCH, LONG_CLASSES, positive(3)],
    ),
    "cross_entropy, probabilities": (
        lambda F, a, p, w: F.cross_entropy(a, p.detach(), w.detach(), label_smoothing=0.1),
        [BATCH, positive(4, 3, 6), positive(3)],
    ),
    "nll_loss": (
        lambda F, a, t, w: F.nll_loss(a, t, w.detach(), ignore_index=0),
        [BATCH, LONG_CLASSES, positive(3)],
    ),
    "batch_norm": (
        lambda F, x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        [BATCH, C, numbers(3, seed=3)],
    ),
    "batch_norm, evaluation": (
        lambda F, x, m, v, w: F.batch_norm(x, m.detach(), v.detach(), w),
        [BATCH, C, positive(3), C],
    ),
    "max_pool1d": (lambda F, x: F.max_pool1d(x, 3, 2, 1), [BATCH]),
    "max_pool1d, ceil": (lambda F, x: F.max_pool1d(x, 2, 3, 1, 2, ceil_mode=True), [BATCH]),
    "max_pool1d, nan": (lambda F, x: F.max_pool1d(x, 2), [SPECIAL[None, None]]),
    "adaptive_avg_pool1d": (lambda F, x: F.adaptive_avg_pool1d(x, 4), [BATCH]),
    "conv1d": (
        lambda F, x, w, b: F.conv1d(x, w, b, stride=2, padding=1, dilation=2),
        [BATCH, numbers(4, 3, 2), numbers(4)],
    ),
    "conv1d, same, groups": (
        lambda F, x, w: F.conv1d(x, w, padding="same", groups=3),
        [BATCH, numbers(6, 1, 3)],
    ),
}


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_ops(name, dtype, tolerance):
    expression, arrays = OPS[name]
    given = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    with np.errstate(all="ignore"):
        compare(expression, given, tolerance)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_functional(name, dtype, tolerance):
    expression, arrays = LOSSES[name]

    def in_package(package: Any, *inputs: Any) -> Any:
        return expression(package.ops if package is lucid else torch.nn.functional, *inputs)

    compare(in_package, [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays], tolerance)


# --------------------------------------------------------------------------------------- dtypes

BINARY: dict[str, Callable[..., Any]] = {
    "+": lambda m, a, b: a + b,
    "-": lambda m, a, b: a - b,
    "*": lambda m, a, b: a * b,
    "/": lambda m, a, b: a / b,
    "**": lambda m, a, b: a**b,
    "==": lambda m, a, b: a == b,
    "<": lambda m, a, b: a < b,
    "&": lambda m, a, b: a & b,
    "where": lambda m, a, b: m.where(m.ones(2, dtype=m.bool), a, b),
}


# PyTorch has no difference of a bool and a number (1 - mask), but a power of two bools.
KNOWN = {"bool ** True", "bool, 0-d ** True"}


def operands(package: Any) -> dict[str, Any]:
    """A tensor with an axis and one without, of every dtype, and Python's numbers."""
    found = {}
    for name in DTYPES:
        found[name] = package.ones(2, dtype=getattr(package, name))
        found[f"{name}, 0-d"] = package.ones((), dtype=getattr(package, name))
    return found | {"True": True, "2": 2, "1.5": 1.5}


def dtype_of(package: Any, expression: Callable[..., Any], *names: str) -> str:
    """The name of the dtype of a result, or "error"."""
    given = operands(package)
    try:
        out = expression(package, *[given[name] for name in names])
    except (TypeError, ValueError, RuntimeError):
        return "error"
    return str(out.dtype).partition(".")[2]


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("op", BINARY)
def test_promotion(op, default):
    names = list(operands(lucid))
    expression = BINARY[op]
    different = []
    try:
        for package in (lucid, torch):
            package.set_default_dtype(getattr(package, default))
        for a, b in itertools.product(names, names):
            if not any(name in a + b for name in DTYPES):
                continue  # Python's own business
            ours, theirs = dtype_of(lucid, expression, a, b), dtype_of(torch, expression, a, b)
            if (
                ours != theirs
                and f"{a} {op} {b}" not in KNOWN
                and not (theirs == "error" and op == "-")
            ):
                different.append(f"{a} {op} {b}: {ours}, PyTorch {theirs}")
    finally:
        torch.set_default_dtype(torch.float32)
    assert not different, "\n".join(different)


UNARY: dict[str, Callable[..., Any]] = {
    "neg": lambda m, x: -x,
    "not": lambda m, x: ~x,
    "abs": lambda m, x: x.abs(),
    "exp": lambda m, x: x.exp(),
    "sqrt": lambda m, x: x.sqrt(),
    "sigmoid": lambda m, x: x.sigmoid(),
    "sum": lambda m, x: x.sum(),
    "sum, dim": lambda m, x: x.sum(0),
    "prod": lambda m, x: x.prod(),
    "mean": lambda m, x: x.mean(),
    "var": lambda m, x: x.var(),
    "max": lambda m, x: x.max(),
    "amin": lambda m, x: x.amin(0),
    "argmax": lambda m, x: x.argmax(0),
    "clamp": lambda m, x: x.clamp(0, 1),
    "clamp, float": lambda m, x: x.clamp(max=0.5),
    "ones_like": lambda m, x: m.ones_like(x),
    "full_like": lambda m, x: m.full_like(x, 1),
}


@pytest.mark.parametrize("op", UNARY)
def test_dtypes_of_results(op):
    allowed = {"abs, bool", "argmax, bool", "prod, bool", "exp, bool"}
    different = []
    for name in DTYPES:
        ours, theirs = (dtype_of(m, UNARY[op], name) for m in (lucid, torch))
        if ours != theirs and f"{op}, {name}" not in allowed:
            different.append(f"{name}: {ours}, PyTorch {theirs}")
    assert not different, "\n".join(different)


CREATED: dict[str, Callable[..., Any]] = {
    "floats": lambda m: m.tensor([1.0, 2.5]),
    "precise": lambda m: m.tensor([0.1, 1e-300], dtype=m.float64),
    "ints": lambda m: m.tensor([[1, 2], [3, 4]]),
    "bools": lambda m: m.tensor([True, False]),
    "mixed": lambda m: m.tensor([1, 2.5, True]),
    "nothing": lambda m: m.tensor([]),
    "number": lambda m: m.tensor(3),
    "array": lambda m: m.tensor(np.array([0.1, 2.0])),
    "numpy number": lambda m: m.tensor(np.float64(0.1)),
    "zeros": lambda m: m.zeros(2, 3),
    "ones": lambda m: m.ones((2,), dtype=m.int32),
    "full": lambda m: m.full((2,), 3),
    "full, float": lambda m: m.full((2,), 0.1),
    "full, bool": lambda m: m.full((2,), True),
    "arange": lambda m: m.arange(5),
    "arange, floats": lambda m: m.arange(0.5, 3, 0.7),
    "arange, down": lambda m: m.arange(5, 0, -2),
    "arange, dtype": lambda m: m.arange(3, dtype=m.float64),
    "linspace": lambda m: m.linspace(0, 1, 7),
    "linspace, one": lambda m: m.linspace(2, 3, 1),
    "eye": lambda m: m.eye(2, 3),
    "truncated": lambda m: m.tensor([1.7, -1.7], dtype=m.int64),
}


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("name", CREATED)
def test_created_tensors(name, default):
    try:
        for package in (lucid, torch):
            package.set_default_dtype(getattr(package, default))
        ours, theirs = (CREATED[name](m) for m in (lucid, torch))
    finally:
        torch.set_default_dtype(torch.float32)
    assert ours.numpy().dtype == theirs.numpy().dtype
    np.testing.assert_allclose(
        ours.numpy(), theirs.numpy(), 1e-6 if default == "float32" else 1e-15
    )


def test_writing_in_place():
    def changed(m: Any) -> Any:
        x = m.arange(12, dtype=m.float32).reshape(3, 4)
        x[0] = -1
        x[1, 1:3] += 10
        x[:, 0][2].fill_(5)
        x[x > 10] = 0.5
        x[m.tensor([2, 1]), m.tensor([1, 3])] = m.tensor([7.0, 8.0])
        x.T[3].mul_(2)
        x.add_(m.ones(4), alpha=0.5).sub_(1).div_(2).clamp_(-3, 3)
        return x

    assert changed(lucid).tolist() == changed(torch).tolist()


# ------------------------------------------------------------------------------ random expressions

STEPS: list[Callable[..., Any]] = [
    lambda m, a, b: a + b,
    lambda m, a, b: a - 0.5 * b,
    lambda m, a, b: a * b,
    lambda m, a, b: a / (b * b + 1),
    lambda m, a, b: m.maximum(a, b),
    lambda m, a, b: m.where(a > b, a, -b),
    lambda m, a, b: (a * a + 0.5) ** m.tanh(b),
    lambda m, a, b: m.tanh(a),
    lambda m, a, b: m.sigmoid(a),
    lambda m, a, b: m.exp(-a * a),
    lambda m, a, b: m.log(a * a + 1),
    lambda m, a, b: m.sqrt(a.abs() + 0.1),
    lambda m, a, b: a.relu() - b.clamp(-1, 1),
    lambda m, a, b: a - a.mean(0, keepdim=True),
    lambda m, a, b: a / (a.std(1, keepdim=True) + 1),
    lambda m, a, b: a.softmax(1) * b,
    lambda m, a, b: a.log_softmax(0),
    lambda m, a, b: a.amax(1, keepdim=True) * b,
    lambda m, a, b: a.sum() * 0.1 + b,
    lambda m, a, b: (a @ b.T).tanh() @ a,
    lambda m, a, b: a.flip(0) + b[:, [2, 0, 1]],
    lambda m, a, b: m.cat([a[:1], b[1:]], 0),
    lambda m, a, b: a.T.reshape(2, 3) + b,
    lambda m, a, b: m.stack([a, b]).permute(1, 0, 2).reshape(2, 6)[:, ::2],
    lambda m, a, b: a.tanh().prod(1, keepdim=True) + b[0],
]


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(range(len(STEPS))), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=12,
    ),
    second=st.booleans(),
)
def test_random_expressions(steps, second):
    def expression(m: Any, *inputs: Any) -> Any:
        pool = list(inputs)
        for step, a, b in steps:
            pool.append(STEPS[step](m, pool[-1 - a % len(pool)], pool[-1 - b % len(pool)]))
        out = sum(x.mean() for x in pool)
        if second:
            (first,) = m.autograd.grad(out, inputs[0], create_graph=True)
            out = out + (first * first).sum() + 0 * sum(x.sum() for x in inputs)
        return out

    compare(expression, [A, B], 1e-8)
