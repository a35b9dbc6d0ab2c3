"""The kernels of smooth activations: their formulas, over the whole range; threads; their ops."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
import lucid.nn.functional as F
from lucid import _ext
from lucid._ext import activation_twins as kinds
from lucid._ext import numpy_twins
from lucid.autograd import grad
from lucid.ops.normal import POWERS

from gradients import check_gradients

INF, NAN = math.inf, math.nan
KERNELS = [numpy_twins, _ext.kernels] if _ext.COMPILED else [numpy_twins]
everywhere = pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])

SCALE, LEFT = 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772
OPTIONS = {"SOFTPLUS": (2.0, 20.0), "ELU": (LEFT, 0.5, SCALE)}
NAMES = ["GELU", "GELU_TANH", "SILU", "MISH", "SOFTPLUS", "LOG_SIGMOID", "ELU"]
each_kind = pytest.mark.parametrize("name", NAMES)


def options_of(name, dtype):
    return POWERS[np.dtype(dtype)] if name == "GELU" else np.array(OPTIONS.get(name, [0]), dtype)


def run(kernels, name, x, g=None):
    """(y, gx)"""
    kind, options = getattr(kinds, name), options_of(name, x.dtype)
    y, gx = np.empty_like(x), np.empty_like(x)
    with np.errstate(all="ignore"):
        kernels.activation_forward(x, y, kind, options)
        kernels.activation_backward(np.ones_like(x) if g is None else g, x, gx, kind, options)
    return y, gx


def s(x):
    """The sigmoid, without an overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def exactly(name, x):
    """The value, the terms of the slope, and the largest exponent, of long doubles."""
    two = np.longdouble(2)
    if name == "GELU":
        half = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x.astype(float)], x.dtype)
        return x * half, [half, x * np.exp(-x * x / 2) / np.sqrt(two * math.pi)], x * x
    if name == "GELU_TANH":
        c = two * np.float64(math.sqrt(2 / math.pi))
        z, dz = c * x * (1 + 0.044715 * x * x), c * (1 + 3 * 0.044715 * x * x)
        return x * s(z), [s(z), x * s(z) * s(-z) * dz], np.abs(z)
    if name == "SILU":
        return x * s(x), [s(x), x * s(x) * s(-x)], 0
    if name == "MISH":
        # tanh(log v) = (v^2 - 1) / (v^2 + 1) with v = 1 + e^x; 1 - tanh^2 = (2v / (v^2 + 1))^2
        e = np.exp(np.minimum(x, 5000))
        w, v = e * (e + 2) / (e * (e + 2) + 2), 1 + e
        return x * w, [w, x * (2 * v / (v * v + 1)) ** 2 * s(x)], 0
    if name == "SOFTPLUS":
        beta, threshold = OPTIONS[name]
        z = beta * x
        soft = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
        return np.where(z > threshold, x, soft), [np.where(z > threshold, 1, s(z))], 0
    if name == "LOG_SIGMOID":
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))), [s(-x)], 0
    left, rate, scale = (np.longdouble(o) for o in OPTIONS["ELU"])
    y = rate * np.minimum(x, 0)
    slope = np.where(x > 0, scale, left * rate * np.exp(y))
    return np.where(x >= 0, scale * x, left * np.expm1(y)), [slope], 0


def numbers(dtype):
    """From the smallest number there is to where nothing changes any more, on both sides of 0."""
    info = np.finfo(dtype)
    far = 120 if dtype is np.float32 else 760
    sizes = np.geomspace(float(info.smallest_subnormal), 1000, 2001)
    all_of_them = [np.linspace(-far, far, 8001), np.linspace(-16, 16, 16001), sizes, -sizes, [0]]
    return np.unique(np.concatenate(all_of_them).astype(dtype))


@everywhere
@each_kind
@both_dtypes
def test_to_the_last_digits(kernels, name, dtype):
    """Within a few units of the last digit, also of the smallest numbers.

    A slope that is a sum may cancel: there it is the last digit of the larger term. In double
    precision the exponent z of GELU's two forms, or of what it is compared with, is rounded up to
    four times, and e^z has z times the rounding error of z. The twins lose digits of numbers
    below 1e-307.
    """
    x = numbers(dtype)
    y, gx = run(kernels, name, x)
    with np.errstate(all="ignore"):
        value, terms, exponent = exactly(name, x.astype(np.longdouble))
    allowed = 8 + (4 * np.abs(exponent) if dtype is np.float64 else 0)
    smallest = np.finfo(dtype).smallest_subnormal
    if kernels is numpy_twins and dtype is np.float64:
        smallest *= 1000
    for got, exact, size in (
        (y, value, np.abs(value)),
        (gx, sum(terms), sum(np.abs(term) for term in terms)),
    ):
        unit = np.maximum(np.spacing(size.astype(dtype)), smallest)
        worst = np.argmax(np.abs(got - exact) / (unit * allowed))
        assert np.abs(got - exact)[worst] <= (unit * allowed)[worst], x[worst]


@everywhere
@each_kind
@both_dtypes
def test_what_is_not_finite_and_what_is_zero(kernels, name, dtype):
    large = np.finfo(dtype).max
    x = np.array([INF, -INF, NAN, large, -large, 0.0, -0.0], dtype)
    y, gx = run(kernels, name, x)
    gated = name in ("GELU", "GELU_TANH", "SILU", "MISH")
    left = -INF if name == "LOG_SIGMOID" else -dtype(LEFT) if name == "ELU" else 0
    if name == "LOG_SIGMOID":
        expected, slopes = [0, -INF, NAN, 0, -large], [0, 1, NAN, 0, 1]
    else:
        top = dtype(SCALE) if name == "ELU" else 1
        expected = [INF, NAN if gated else left, NAN, INF if name == "ELU" else large, left]
        slopes = [NAN if gated else top, NAN if gated else 0, NAN, top, 0]
    np.testing.assert_array_equal(y[:5], np.array(expected, dtype))
    np.testing.assert_array_equal(gx[:5], np.array(slopes, dtype))
    if gated or name == "ELU":
        assert y[5:].tolist() == [0, 0]
        assert np.signbit(y[5:]).tolist() == [False, True]
    assert gx[5] == gx[6]


@everywhere
@each_kind
@both_dtypes
@pytest.mark.parametrize("size", [0, 1, 7, 31, 8192, 8193, 20001])
def test_any_number_of_numbers(kernels, name, dtype, size):
    """Against the twin, which has no blocks and no registers; times the gradient that comes in."""
    x, g = np.random.default_rng(size).standard_normal((2, size)).astype(dtype) * 3
    eps = np.finfo(dtype).eps
    for ours, theirs in zip(
        run(kernels, name, x, g), run(numpy_twins, name, x.astype(np.float64), g), strict=True
    ):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, 16 * eps, 16 * eps)


# ---------------------------------------------------------------- the loss of scores and targets


def run_loss(kernels, x, t):
    y, gx = np.empty_like(x), np.empty_like(x)
    kernels.logit_loss_forward(x, y, t)
    kernels.logit_loss_backward(np.full_like(x, 2), x, gx, t)
    return y, gx / 2


@everywhere
@both_dtypes
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
def test_logit_loss(kernels, dtype, target):
    x = numbers(dtype)
    t = np.full_like(x, target)
    y, gx = run_loss(kernels, x, t)
    wide = x.astype(np.longdouble)
    log = np.log1p(np.exp(-np.abs(wide)))
    value = target * (np.maximum(-wide, 0) + log) + (1 - target) * (np.maximum(wide, 0) + log)
    for got, exact, size in (
        (y, value, value),
        (gx, (1 - target) * s(wide) - target * s(-wide), s(wide) + s(-wide) * target),
    ):
        assert (np.abs(got - exact) <= 8 * np.spacing(size.astype(dtype))).all()
    if target == 1:  # it is 0 there, and so is its gradient
        assert y[-1] == gx[-1] == 0


def test_logit_loss_of_what_is_not_finite():
    x = np.array([INF, -INF, NAN, 1e30, -1e30], np.float32)
    for kernels in KERNELS:
        for target, values, slopes in (
            (0.5, [INF, INF, NAN, 5e29, 5e29], [0.5, -0.5, NAN, 0.5, -0.5]),
            (0.0, [INF, NAN, NAN, 1e30, 0], [1, 0, NAN, 1, 0]),
        ):
            y, gx = run_loss(kernels, x, np.full_like(x, target))
            np.testing.assert_allclose(y, values, 1e-6)
            np.testing.assert_allclose(gx, slopes, 1e-6)


def test_logit_loss_gradients():
    rng = np.random.default_rng(0)
    x, t, weight = (lucid.tensor(rng.standard_normal((3, 4))) for _ in range(3))
    for options in ({}, {"weight": weight}, {"pos_weight": weight}):

        def loss(x, t, options=options):
            return F.binary_cross_entropy_with_logits(x, t, reduction="none", **options)

        check_gradients(loss, x, t)
    one = lucid.ones(3, 4, dtype="float64")
    np.testing.assert_allclose(
        F.binary_cross_entropy_with_logits(x, t, pos_weight=one).item(),
        F.binary_cross_entropy_with_logits(x, t).item(),
        1e-14,
    )


# --------------------------------------------------------------------------------------- threads


def test_threads_change_no_bit():
    rng = np.random.default_rng(0)
    x, g = (4 * rng.standard_normal((2, 200_003))).astype(np.float32)
    found = []
    before = lucid.get_num_threads()
    try:
        for threads in (1, 2, 3):
            lucid.set_num_threads(threads)
            results = [run(_ext.kernels, name, x, g) for name in NAMES]
            found.append(np.array([*results, run_loss(_ext.kernels, x, g)]))
    finally:
        lucid.set_num_threads(before)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


# -------------------------------------------------------------- the ops, and their two backwards

OPS = {
    "gelu": F.gelu,
    "gelu, tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": lambda x: F.softplus(x, 1.5, 3.0),
    "logsigmoid": F.logsigmoid,
    "elu": lambda x: F.elu(x, 0.5),
    "celu": lambda x: F.celu(x, 0.5),
    "selu": F.selu,
    "logit loss": lambda x: F.binary_cross_entropy_with_logits(x, x.detach() * 0 + 0.25),
}


@pytest.mark.parametrize("op", OPS)
@both_dtypes
def test_kernel_and_formula_agree(op, dtype):
    """Kernels where nothing is recorded, tensor operations where it is; in any order in memory."""
    numbers = (4 * np.random.default_rng(0).standard_normal((30, 40))).astype(dtype)
    tolerance = 40 * np.finfo(dtype).eps
    for x in (lucid.tensor(numbers), lucid.tensor(numbers.T.copy()).T):
        x.requires_grad_()
        y = OPS[op](x)
        seed = lucid.ones_like(y)
        (kernel,), (formula,) = grad(y, x, seed, True), grad(y, x, seed, create_graph=True)
        assert kernel.dtype is formula.dtype is x.dtype
        assert formula.requires_grad
        np.testing.assert_allclose(
            kernel.numpy(),
            formula.detach().numpy(),
            tolerance,
            tolerance * abs(kernel).max().item(),
        )


def test_a_gradient_of_another_dtype():
    for function in OPS.values():
        x = lucid.randn(3, 4).requires_grad_()
        y = function(x)
        y.register_hook(lambda g: g.double())
        y.sum().backward()
        assert x.grad.dtype is lucid.float32


def test_a_change_of_the_input_is_noticed():
    x = lucid.randn(3, 4).requires_grad_() * 1
    y = F.silu(x)
    with lucid.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="backward of SiLU needs input 0"):
        y.sum().backward()


def test_celu_of_a_negative_alpha():
    """There is no kernel for it: left of 0 it grows without bound."""
    x = lucid.tensor([-3.0, -0.5, 0.25, 2.0], dtype="float64")
    expected = [-0.5 * math.expm1(v / -0.5) if v < 0 else v for v in x.tolist()]
    np.testing.assert_allclose(F.celu(x, -0.5).numpy(), expected, 1e-14)
    check_gradients(lambda x: F.celu(x, -0.5), x, tolerance=1e-5)
