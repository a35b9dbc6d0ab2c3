"""The kernels of layer norm, group norm and RMS norm: against plain loops, and on threads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
import lucid.nn.functional as F
from lucid import _ext
from lucid._ext import numpy_twins

KERNELS = [numpy_twins, _ext.kernels] if _ext.COMPILED else [numpy_twins]
everywhere = pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
EPS = 1e-5


def draw(N, G, P, L, dtype, seed=0):
    """x, g: (N * G, P, L); w, b: (G, P)"""
    rng = np.random.default_rng(seed)
    shapes = [(N * G, P, L)] * 2 + [(G, P)] * 2
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def run(kernels, x, g, w, b, blocks=1, centered=True, eps=EPS):
    """(y, mean, var, gx, gw, gb)"""
    mean, var = np.full((2, len(x)), np.nan)
    y, gx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    gw, gb = np.zeros((2, blocks, *w.shape), x.dtype)
    with np.errstate(all="ignore"):
        kernels.group_norm_forward(x, w, b, mean, var, y, eps, centered)
        kernels.group_norm_backward(g, x, w, mean, var, gx, gw, gb, eps, centered)
    return y, mean, var, gx, gw, gb


def by_hand(x, g, w, b, blocks, centered):
    """The same, one group after the other, in double precision."""
    x, g, w, b = (a.astype(np.float64) for a in (x, g, w, b))
    G, N = len(w), len(x) // len(w)
    y, gx, gw, gb = np.zeros_like(x), np.zeros_like(x), *np.zeros((2, blocks, *w.shape))
    mean, var = np.zeros((2, len(x)))
    edges = [i * N // blocks for i in range(blocks + 1)]
    for i, (numbers, coming) in enumerate(zip(x, g, strict=True)):
        n, k = divmod(i, G)
        mean[i] = math.fsum(numbers.ravel()) / numbers.size if centered else 0
        var[i] = math.fsum((numbers.ravel() - mean[i]) ** 2) / numbers.size
        std = np.sqrt(var[i] + EPS)
        z = (numbers - mean[i]) / std
        y[i] = z * w[k][:, None] + b[k][:, None]
        h = coming * w[k][:, None]
        gx[i] = (h - (h.mean() if centered else 0) - z * (h * z).mean()) / std
        block = next(j for j in range(blocks) if edges[j] <= n < edges[j + 1])
        gw[block, k] += (coming * z).sum(1)
        gb[block, k] += coming.sum(1)
    return y, mean, var, gx, gw, gb


def check(found, exact, dtype, steep, count):
    """All within some roundings of the largest number in it, or of what was added up."""
    sizes = (1, 1, 1, steep, count, count)
    for ours, theirs, size in zip(found, exact, sizes, strict=True):
        largest = max(np.abs(theirs).max(initial=0), size)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max(initial=0) <= 12 * np.finfo(dtype).eps * largest


def steepest(x, g, w, var):
    """In groups of few numbers the gradient is a small difference of terms of this size."""
    return 10 * np.abs(g).max() * np.abs(w).max() / np.sqrt(var.min() + EPS)


@everywhere
@both_dtypes
@settings(max_examples=60, deadline=None)
@given(
    N=st.integers(1, 5), G=st.integers(1, 4), P=st.integers(1, 150),
    L=st.sampled_from([1, 1, 2, 3, 70]), blocks=st.integers(1, 3), centered=st.booleans(),
)  # fmt: skip
def test_against_plain_loops(kernels, dtype, N, G, P, L, blocks, centered):
    x, g, w, b = draw(N, G, P, L, dtype)
    found = run(kernels, x, g, w, b, blocks, centered)
    exact = by_hand(x, g, w, b, blocks, centered)
    check(found, exact, dtype, steepest(x, g, w, exact[2]), 3 * N * L)


@everywhere
@pytest.mark.parametrize(("P", "L"), [(50_001, 1), (2, 50_001)])
def test_long_rows(kernels, P, L):
    """More numbers than one lane adds up at a time."""
    x, g, w, b = draw(1, 1, P, L, np.float32)
    exact = by_hand(x, g, w, b, 1, True)
    check(run(kernels, x, g, w, b), exact, np.float32, 10, L)


@everywhere
@pytest.mark.parametrize("shape", [(4, 2, 300, 1), (4, 2, 3, 100)])
def test_far_from_zero(kernels, shape):
    """Numbers around 10,000 lose no digits to their mean."""
    x, g, w, b = draw(*shape, np.float32)
    x += 10_000
    exact = by_hand(x, g, w, b, 1, True)
    y, mean, var, gx, gw, _ = run(kernels, x, g, w, b)
    np.testing.assert_allclose(mean, exact[1], 1e-12)
    np.testing.assert_allclose(var, exact[2], 1e-6)
    np.testing.assert_allclose(y, exact[0], 1e-6, 1e-5)
    np.testing.assert_allclose(gx, exact[3], 1e-6, 1e-5)
    np.testing.assert_allclose(gw, exact[4], 1e-6, 1e-4)


@everywhere
@pytest.mark.parametrize("shape", [(4, 2, 30, 1), (4, 2, 3, 10)])
def test_squares_that_no_float32_can_hold(kernels, shape):
    x, g, w, b = draw(*shape, np.float32)
    times = np.float32(2.0**80)
    small, large = run(kernels, x, g, w, b, eps=0), run(kernels, x * times, g, w, b, eps=0)
    np.testing.assert_allclose(large[0], small[0], 1e-5, 1e-5)
    np.testing.assert_allclose(large[3] * times, small[3], 1e-5, 1e-4)


@everywhere
@both_dtypes
def test_equal_numbers_have_no_variance(kernels, dtype):
    x = np.full((3, 1, 77), 0.1, dtype)
    ones = np.ones((3, 1), dtype)
    y, _, var, gx, *_ = run(kernels, x, np.ones_like(x), ones, 2 * ones)
    assert (np.abs(var) < 1e-30).all()
    np.testing.assert_allclose(y, 2, 1e-6)
    np.testing.assert_allclose(gx, 0, atol=1e-3)  # 1 - the mean of ones, divided by sqrt(eps)


@everywhere
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_group(kernels, wrong):
    x, g, w, b = draw(3, 2, 20, 1, np.float32)
    clean = run(kernels, x, g, w, b)
    x[3, 5] = wrong
    y, _, _, gx, *_ = run(kernels, x, g, w, b)
    others = np.arange(6) != 3
    assert np.isnan(y[3]).all() or wrong == np.inf
    assert np.isnan(gx[3]).any()
    assert np.array_equal(y[others], clean[0][others])
    assert np.array_equal(gx[others], clean[3][others])


@everywhere
@pytest.mark.parametrize("shape", [(0, 2, 3, 4), (2, 3, 4, 0)])
def test_nothing(kernels, shape):
    if shape[3] == 0 and kernels is numpy_twins:
        pytest.skip("the mean of nothing is a warning of NumPy's; see test_norms.py for the op")
    x, g, w, b = draw(*shape, np.float32)
    y, *_, gw, gb = run(kernels, x, g, w, b)
    assert y.size == 0
    assert not gw.any()
    assert not gb.any()


# --------------------------------------------------------------------------------------- threads


def ops_and_gradients():
    """Each norm forward and backward, on arrays large enough for several threads."""
    rng = np.random.default_rng(0)
    results = []
    for name, shape in (
        ("layer_norm", (257,)), ("rms_norm", (257,)), ("group_norm", (24,)), ("instance", (24,)),
    ):  # fmt: skip
        x = lucid.tensor(rng.standard_normal((37, 24, 257)).astype(np.float32)).requires_grad_()
        w, b = (
            lucid.tensor(rng.standard_normal(shape).astype(np.float32)).requires_grad_()
            for _ in range(2)
        )
        if name == "layer_norm":
            y = F.layer_norm(x, 257, w, b)
        elif name == "rms_norm":
            y = F.rms_norm(x, 257, w)
        elif name == "group_norm":
            y = F.group_norm(x, 4, w, b)
        else:
            y = F.instance_norm(x, None, None, w, b)
        (y * y * y).sum().backward()
        results += [y.detach().numpy(), x.grad.numpy(), w.grad.numpy()]
        results += [] if b.grad is None else [b.grad.numpy()]
    return results


def test_threads_change_no_bit():
    before = lucid.get_num_threads()
    try:
        lucid.set_num_threads(1)
        expected = ops_and_gradients()
        for threads in (2, 3):
            lucid.set_num_threads(threads)
            for ours, theirs in zip(ops_and_gradients(), expected, strict=True):
                assert np.array_equal(ours, theirs)
    finally:
        lucid.set_num_threads(before)
    assert len(expected) == 15


def test_sums_over_many_samples_keep_their_digits():
    """The gradient of a shift is a sum over all samples, of 32 at a time: 31 roundings at most."""
    x = lucid.randn(100_000, 3)
    w, b = lucid.ones(3).requires_grad_(), lucid.zeros(3).requires_grad_()
    y = F.layer_norm(x, 3, w, b)
    y.backward(lucid.full(y.shape, 0.1))
    np.testing.assert_allclose(b.grad.numpy(), 100_000 * np.float64(np.float32(0.1)), 31 * 2.0**-24)
