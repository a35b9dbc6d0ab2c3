"""Activations: against their definitions, finite differences, algebra, and PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F
from lucid import _ext
from lucid._ext import numpy_twins
from lucid.ops.normal import NormalCDF

from gradients import check_gradients

INF, NAN = math.inf, math.nan
FUNCTIONS = {  # layer, its function, what it computes of one number
    "ReLU": ((), F.relu, lambda x: max(x, 0)),
    "ReLU6": ((), F.relu6, lambda x: min(max(x, 0), 6)),
    "LeakyReLU": ((0.2,), lambda x: F.leaky_relu(x, 0.2), lambda x: x if x > 0 else 0.2 * x),
    "ELU": ((0.7,), lambda x: F.elu(x, 0.7), lambda x: x if x > 0 else 0.7 * math.expm1(x)),
    "CELU": ((0.7,), lambda x: F.celu(x, 0.7), lambda x: x if x > 0 else 0.7 * math.expm1(x / 0.7)),
    "SELU": (
        (),
        F.selu,
        lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    ),
    "Hardtanh": ((-2.0, 1.5), lambda x: F.hardtanh(x, -2.0, 1.5), lambda x: min(max(x, -2), 1.5)),
    "Hardsigmoid": ((), F.hardsigmoid, lambda x: min(max(x / 6 + 0.5, 0), 1)),
    "Hardswish": ((), F.hardswish, lambda x: x * min(max(x / 6 + 0.5, 0), 1)),
    "Sigmoid": ((), F.sigmoid, lambda x: 1 / (1 + math.exp(-x))),
    "LogSigmoid": ((), F.logsigmoid, lambda x: -math.log1p(math.exp(-x))),
    "Tanh": ((), F.tanh, math.tanh),
    "Softsign": ((), F.softsign, lambda x: x / (1 + abs(x))),
    "Softplus": (
        (2.0, 10.0),
        lambda x: F.softplus(x, 2.0, 10.0),
        lambda x: x if 2 * x > 10 else math.log1p(math.exp(2 * x)) / 2,
    ),
    "GELU": ((), F.gelu, lambda x: x * math.erfc(-x / math.sqrt(2)) / 2),
    "SiLU": ((), F.silu, lambda x: x / (1 + math.exp(-x))),
    "Mish": ((), F.mish, lambda x: x * math.tanh(math.log1p(math.exp(x)))),
}
TANH_GELU = (
    ("tanh",),
    lambda x: F.gelu(x, "tanh"),
    lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
)
CASES = [*FUNCTIONS.items(), ("GELU", TANH_GELU)]
each = pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{n}{c[0]}" for n, c in CASES])

# Between all the corners: a finite difference that steps over one is wrong.
SMOOTH = lucid.tensor([[-7.3, -3.1, -2.2, -1.2, -0.4], [0.3, 1.1, 1.7, 5.2, 7.9]], dtype="float64")


@each
def test_by_the_definition(name, case):
    options, function, definition = case
    numbers = np.concatenate([np.linspace(-12, 12, 241), [0.0, 1e-9, -1e-9, 30.0, -30.0]])
    expected = np.array([definition(float(x)) for x in numbers])
    for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-6)):
        x = lucid.tensor(numbers, dtype=dtype)
        out = getattr(nn, name)(*options)(x)
        assert out.dtype is x.dtype
        np.testing.assert_allclose(out.numpy(), expected, tolerance, tolerance)
        assert out.tolist() == function(x).tolist()
    assert x.tolist() == numbers.astype(np.float32).tolist()  # not changed


@each
def test_derivatives(name, case):
    check_gradients(case[1], SMOOTH, tolerance=2e-6)


@each
def test_shapes_and_strides(name, case):
    layer = getattr(nn, name)(*case[0])
    x = lucid.randn(4, 3, 5)
    expected = layer(x).numpy()
    for view, order in ((x.transpose(0, 2), (2, 1, 0)), (x.flip(1).flip(1), (0, 1, 2))):
        np.testing.assert_allclose(layer(view).numpy(), expected.transpose(order), 1e-5, 1e-7)
    x = lucid.from_numpy(np.random.default_rng(0).standard_normal((6, 8))[::-2, ::3])
    leaf = x.detach().requires_grad_()
    layer(leaf).sum().backward()
    whole = x.contiguous().requires_grad_()
    layer(whole).sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), whole.grad.numpy(), 1e-12, 1e-12)
    for shape in ((0, 3), (3, 0, 2), ()):
        x = lucid.ones(*shape, requires_grad=True)
        layer(x).sum().backward()
        assert x.grad.shape == layer(x).shape == shape


def test_halves_that_belong_together():
    x = lucid.linspace(-9, 9, 101, dtype="float64")
    for gated in (F.gelu, F.silu, F.hardswish, lambda x: F.gelu(x, "tanh")):
        np.testing.assert_allclose((gated(x) - gated(-x)).numpy(), x.numpy(), 1e-12, 1e-12)
    np.testing.assert_allclose((F.softplus(x) - F.softplus(-x)).numpy(), x.numpy(), 1e-12, 1e-12)
    np.testing.assert_allclose((F.logsigmoid(x)).numpy(), -F.softplus(-x).numpy(), 1e-12, 1e-12)
    np.testing.assert_allclose(F.celu(x).numpy(), F.elu(x).numpy(), 0, 0)
    np.testing.assert_allclose(F.leaky_relu(x, 1.0).numpy(), x.numpy(), 0, 0)


def test_extreme_numbers():
    x = lucid.tensor([-1e4, 1e4], requires_grad=True)
    for function, values, slopes in (
        (F.logsigmoid, [-1e4, 0], [1, 0]),
        (F.softplus, [0, 1e4], [0, 1]),
        (F.elu, [-1, 1e4], [0, 1]),
        (F.gelu, [0, 1e4], [0, 1]),
        (F.silu, [0, 1e4], [0, 1]),
        (F.mish, [0, 1e4], [0, 1]),
    ):
        (slope,) = lucid.autograd.grad(function(x).sum(), x, create_graph=True)
        (curve,) = lucid.autograd.grad(slope.sum(), x)
        np.testing.assert_allclose(function(x).detach().numpy(), np.float32(values), 1e-6)
        np.testing.assert_allclose(slope.detach().numpy(), slopes, 1e-6)
        assert curve.tolist() == [0, 0]  # not nan


# --------------------------------------------------------------------------------------- kernels

KERNELS = [numpy_twins, _ext.kernels] if _ext.COMPILED else [numpy_twins]


@pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 8192, 20001])
def test_kernels_by_the_formula(kernels, dtype, size):
    rng = np.random.default_rng(0)
    g, x = rng.standard_normal((2, size)).astype(dtype)
    out = np.empty_like(x)
    kernels.leaky_relu(g, x, out, 0.25)
    assert np.array_equal(out, [a if b > 0 else a / 4 for a, b in zip(g, x, strict=True)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_normal_distribution_to_the_last_bits(dtype):
    """What second derivatives of gelu are made of; the kernel is in test_activation_kernels.py."""
    x = np.concatenate([np.linspace(-38, 9, 47001), [0.0, -0.0]]).astype(dtype)
    exact = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x.astype(np.float64)])
    got, eps = NormalCDF()(lucid.tensor(x)).numpy(), np.finfo(dtype).eps
    assert got.dtype == dtype
    assert np.abs(got - exact).max() < 2 * eps
    close = x > -4
    assert np.abs(got[close] / exact[close] - 1).max() < 16 * eps
    far = exact > np.finfo(dtype).tiny
    # e^(-x^2 / 2) has x^2 / 2 times the rounding error of x^2, and so has what is compared with
    assert np.abs(got[far] / exact[far] - 1).max() < 1500 * eps


@pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])
def test_kernels_of_what_is_not_finite(kernels):
    x = np.array([INF, -INF, NAN, 0.0, -0.0])
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        kernels.leaky_relu(x, x, out, 0.5)
        np.testing.assert_array_equal(out, x)
        kernels.leaky_relu(np.ones(5), x, out, 0.5)
        np.testing.assert_array_equal(out, [1, 0.5, 0.5, 0.5, 0.5])
    half = NormalCDF()(lucid.tensor(x)).tolist()
    np.testing.assert_allclose(half, [1, 0, NAN, 0.5, 0.5], 1e-15)


def test_threads_do_not_change_a_result():
    x = lucid.randn(100003)
    found = []
    before = lucid.get_num_threads()
    try:
        for threads in (1, 2, 3):
            lucid.set_num_threads(threads)
            found.append((F.leaky_relu(x).numpy(), F.gelu(x).numpy()))
    finally:
        lucid.set_num_threads(before)
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            assert np.array_equal(ours, theirs)


# ----------------------------------------------------------------------------------------- PReLU


def test_prelu_by_the_definition():
    x = lucid.randn(2, 3, 4, dtype="float64")
    w = lucid.tensor([0.1, -0.5, 2.0], dtype="float64")
    expected = np.array(
        [
            [[v if v > 0 else w[c].item() * v for v in row] for c, row in enumerate(sample)]
            for sample in x.tolist()
        ]
    )
    np.testing.assert_allclose(F.prelu(x, w).numpy(), expected, 1e-15)
    check_gradients(F.prelu, SMOOTH.reshape(2, 5), lucid.randn(5, dtype="float64"))
    check_gradients(F.prelu, SMOOTH.reshape(1, 5, 2), lucid.randn(5, dtype="float64"))
    check_gradients(F.prelu, SMOOTH, lucid.tensor([0.3], dtype="float64"))
    check_gradients(F.prelu, SMOOTH.reshape(10), lucid.tensor(0.3, dtype="float64"))


def test_prelu_layer():
    layer = nn.PReLU(3, init=0.5)
    assert layer.weight.tolist() == [0.5] * 3
    assert isinstance(layer.weight, nn.Parameter)
    assert repr(layer) == "PReLU(num_parameters=3)"
    assert nn.PReLU(dtype="float64").weight.dtype is lucid.float64
    layer(-lucid.ones(2, 3, 4)).sum().backward()
    assert layer.weight.grad.tolist() == [-8] * 3
    with lucid.no_grad():
        layer.weight.zero_()
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.5] * 3
    # what is infinite on the right has no part in the gradient of a slope on the left
    layer.zero_grad()
    layer(lucid.full((1, 3), INF)).sum().backward()
    assert layer.weight.grad.tolist() == [0] * 3


# ------------------------------------------------------------------------------ along one axis


def test_softmax_layers():
    x = lucid.randn(2, 3, 4)
    for dim in (0, 1, -1):
        assert nn.Softmax(dim)(x).tolist() == F.softmax(x, dim).tolist()
        assert nn.LogSoftmax(dim)(x).tolist() == F.log_softmax(x, dim).tolist()
    assert repr(nn.Softmax(dim=1)) == "Softmax(dim=1)"
    with pytest.raises(TypeError, match=r"nn.Softmax is a class.*\n  try: nn.Softmax\(\)"):
        nn.Softmax(x)
    with pytest.raises(TypeError, match="dim"):
        nn.Softmax()  # PyTorch guesses, with a warning


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_glu(dim):
    x = lucid.randn(2, 4, 6, dtype="float64")
    a, b = np.split(x.numpy(), 2, dim)
    np.testing.assert_allclose(nn.GLU(dim)(x).numpy(), a / (1 + np.exp(-b)), 1e-12)
    check_gradients(nn.GLU(dim), x)


def test_glu_errors():
    with pytest.raises(lucid.ShapeError, match=r"axis 2, whose size must be even; got \(2, 4, 5\)"):
        F.glu(lucid.zeros(2, 4, 5))
    with pytest.raises(IndexError, match="axis 3 does not exist"):
        F.glu(lucid.zeros(2, 4, 5), 3)


# ---------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: nn.ReLU6(x), TypeError, r"nn.ReLU6 is a class.*\n  try: nn.ReLU6\(\)\(x\)"),
        (lambda x: nn.ReLU6(1), TypeError, r"inplace must be a bool, got int\n  try: nn.ReLU6"),
        (lambda x: nn.ELU(x), TypeError, r"nn.ELU is a class.*\n  try: nn.ELU\(\)\(x\)"),
        (
            lambda x: nn.ELU(alpha=x),
            TypeError,
            r"alpha must be a number, got Tensor\n  try: a pair",
        ),
        (lambda x: nn.LeakyReLU("0.1"), TypeError, "negative_slope must be a number, got str$"),
        (lambda x: nn.Softplus(True), TypeError, "beta must be a number, got bool"),
        (lambda x: nn.Hardtanh(1.0, 1.0), ValueError, r"less than max_val, got 1.0 and 1.0"),
        (lambda x: F.hardtanh(x, 2.0, 1.0), ValueError, "not be greater than max_val, got 2.0 and"),
        (lambda x: nn.GELU("erf"), ValueError, "approximate must be 'none' or 'tanh', got 'erf'"),
        (lambda x: F.celu(x, 0), ValueError, "must not be 0"),
        (lambda x: nn.PReLU(0), ValueError, "num_parameters must be at least 1, got 0"),
        (lambda x: nn.PReLU(1.5), TypeError, "num_parameters must be an int, got 1.5"),
        (lambda x: nn.PReLU(4)(x), lucid.ShapeError, r"\(3,\) for the channels .* got \(4,\)"),
        (lambda x: F.prelu(x, lucid.ones(3, 1)), lucid.ShapeError, r"got \(3, 1\)"),
        (lambda x: nn.PReLU(3).double()(x), TypeError, "one dtype, got float32 for input and"),
        (lambda x: nn.GELU()(x.long()), TypeError, "GELU needs a float32 or float64 input, got"),
        (lambda x: F.elu([1.0]), TypeError, "elu needs a tensor for input, got list"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make(lucid.ones(2, 3, 4))


# --------------------------------------------------------------------------------------- PyTorch

KINKS = [-INF, -30.0, -6.0, -3.0, -1.0, -0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 30.0, INF, NAN]
# Where the two differ on purpose: see the differences page of the docs. (At a nan, the gradients of
# PyTorch's own scalar and vector code differ, so that there is nothing to compare with.)
OTHER_VALUES = {"GELU": [INF]}
OTHER_SLOPES = {"GELU": [INF], "Hardswish": [-INF, INF]}


@each
def test_the_same_as_in_torch(name, case):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(nn, name)(*case[0]), getattr(torch.nn, name)(*case[0])
    assert repr(ours) == repr(theirs)
    numbers = np.concatenate([KINKS, np.random.default_rng(0).standard_normal(40) * 4])
    same = ~np.isin(numbers, OTHER_VALUES.get(name, []))
    same_slope = ~np.isin(numbers, OTHER_SLOPES.get(name, [])) & ~np.isnan(numbers)
    for dtype, tolerance in ((np.float64, 1e-8), (np.float32, 2e-6)):
        x = lucid.tensor(numbers.astype(dtype), requires_grad=True)
        t = torch.tensor(numbers.astype(dtype), requires_grad=True)
        y, u = ours(x), theirs(t)
        got, expected = y.detach().numpy(), u.detach().numpy()
        np.testing.assert_allclose(got[same], expected[same], tolerance, tolerance)
        y.sum().backward()
        u.sum().backward()
        got, expected = x.grad.numpy(), t.grad.numpy()
        np.testing.assert_allclose(got[same_slope], expected[same_slope], tolerance, tolerance)


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (2, 3, 4)), (3, (2, 3, 4)), (3, (5, 3)), (1, (4,))]
)
def test_prelu_is_the_same_as_in_torch(count, shape):
    torch = pytest.importorskip("torch")
    ours, theirs = nn.PReLU(count), torch.nn.PReLU(count)
    assert repr(ours) == repr(theirs)
    weight = np.random.default_rng(1).standard_normal(count).astype(np.float32)
    ours.load_state_dict({"weight": weight})
    theirs.load_state_dict({"weight": torch.tensor(weight)})
    x = lucid.randn(*shape, requires_grad=True)
    t = torch.tensor(x.detach().numpy().copy(), requires_grad=True)
    y, u = ours(x), theirs(t)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), 1e-6)
    (y * y).sum().backward()
    (u * u).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), 1e-5)
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), 1e-5, 1e-6)
