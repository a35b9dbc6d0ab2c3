"""Convolutions with fewer multiplications: the matrices, and the kernel on sizes of every kind."""

from __future__ import annotations

import numpy as np
import pytest

import lucid.nn.functional as F
from lucid import from_numpy
from lucid._ext import kernels
from lucid._ext.choose import choose, neighbours
from lucid._ext.toom import matrices, scheme

from configs import MODES, Config
from reference import close
from running import output_grad, outputs, run_kernels
from windows import conv1d_and_grads, pad

conv1d_toom = pytest.importorskip("lucid._ext.conv1d_toom", reason="was not compiled")
conv1d_toom_weight = pytest.importorskip("lucid._ext.conv1d_toom_weight", reason="was not compiled")

SCHEMES = [(m, r) for m in range(2, 5) for r in range(2, 6) if m + r <= 9]
TOLERANCES = [(np.float32, 1e-5), (np.float64, 1e-12)]


@pytest.mark.parametrize(("m", "r"), SCHEMES)
def test_the_matrices_give_neighbouring_outputs(m, r):
    rng = np.random.default_rng(0)
    A, G, D = matrices(m, r)
    assert A.shape == (m, m + r - 1)
    assert G.shape == (m + r - 1, r)
    for _ in range(20):
        w, x = rng.standard_normal(r), rng.standard_normal(m + r - 1)
        assert np.allclose(A @ ((G @ w) * (D @ x)), np.correlate(x, w), rtol=0, atol=1e-12)


def correlate(x, w, bias, m, r, left, mode):
    """What the kernel makes of x (N, C, L) and w (groups, O, C, K), and whether it is finite."""
    groups, O, _, K = w.shape
    T = x.shape[2] + 2 * left - K + 1
    y = np.full((x.shape[0], groups * O, T), 12345, x.dtype)
    fine = conv1d_toom.correlate(x, w, bias, y, scheme(m, r, x.dtype), -left, MODES.index(mode))
    return y, fine


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("seed", range(120))
def test_the_kernel_against_the_definition(seed, dtype, tolerance):
    """Also where ``choose`` would not take it: any number of channels, taps and samples."""
    rng = np.random.default_rng(seed)
    m, r = SCHEMES[seed % len(SCHEMES)]
    parts = 1 if m != r else rng.choice([1, 2, 3, 5, 60])  # longer kernels are cut into m taps
    K = r if m != r else rng.integers(max(2, m * (parts - 1) + 1), m * parts + 1)
    N, groups, C, O = rng.choice([1, 2, 3, 17]), rng.choice([1, 1, 2]), *rng.integers(1, 9, 2)
    if seed % 5 == 0:  # several blocks of input and of output channels
        C, O, N = rng.integers(200, 400), rng.integers(257, 300), 1
    T = rng.choice([1, 2, 5, 40, 300, 1300]) if seed % 5 else rng.integers(1, 90)
    mode = MODES[seed % 4]
    left = rng.integers(0, K) if T > 2 * K else 0
    x = rng.standard_normal((N, groups * C, T + K - 1 - 2 * left)).astype(dtype)
    w = rng.standard_normal((groups, O, C, K)).astype(dtype)
    bias = rng.standard_normal(groups * O).astype(dtype) if seed % 3 else None
    y, fine = correlate(x, w, bias, m, r if m != r else m, left, mode)
    options = {"padding": int(left), "groups": int(groups), "padding_mode": mode}
    exact, magnitude = (
        conv1d_and_grads(a, b.reshape(-1, *w.shape[2:]), c, np.zeros_like(y), **options)[0]
        for a, b, c in ((x, w, bias), (abs(x), abs(w), None if bias is None else abs(bias)))
    )
    assert fine
    assert close(y, exact, magnitude, tolerance), (seed, m, r, K, x.shape, w.shape, mode, left)


def correlate_weight(g, x, K, groups, m, r, left, mode):
    """What the kernel makes of g (N, O, T) and x (N, C, L), and whether it is finite."""
    gw = np.full((groups, g.shape[1] // groups, x.shape[1] // groups, K), 12345, x.dtype)
    fine = conv1d_toom_weight.correlate_weight(
        g, x, gw, scheme(m, r, x.dtype), -left, MODES.index(mode)
    )
    return gw, fine


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("seed", range(120))
def test_the_weight_gradient_against_the_definition(seed, dtype, tolerance):
    rng = np.random.default_rng(seed)
    m, r = SCHEMES[seed % len(SCHEMES)]
    parts = 1 if m != r else rng.choice([1, 2, 3, 5, 60])
    K = r if m != r else rng.integers(max(2, m * (parts - 1) + 1), m * parts + 1)
    N, groups, C, O = rng.choice([1, 2, 3, 41]), rng.choice([1, 1, 2]), *rng.integers(1, 9, 2)
    if seed % 10 == 0:  # several blocks of input and of output channels
        C, O, N = rng.integers(200, 400), rng.integers(257, 300), 1
    T = rng.choice([1, 2, 5, 40, 300, 700]) if seed % 10 else rng.integers(1, 90)
    mode = MODES[seed % 4]
    left = rng.integers(0, K) if T > 2 * K else 0
    x = rng.standard_normal((N, groups * C, T + K - 1 - 2 * left)).astype(dtype)
    g = rng.standard_normal((N, groups * O, T)).astype(dtype)
    gw, fine = correlate_weight(g, x, K, groups, m, r if m != r else m, left, mode)
    w = np.zeros((groups * O, C, K), dtype)
    options = {"padding": int(left), "groups": int(groups), "padding_mode": mode}
    exact, magnitude = (
        conv1d_and_grads(a, w, None, b, **options)[2] for a, b in ((x, g), (abs(x), abs(g)))
    )
    assert fine
    assert close(gw.reshape(w.shape), exact, magnitude, tolerance), (
        seed,
        m,
        r,
        K,
        x.shape,
        g.shape,
    )


@pytest.mark.parametrize(("N", "T"), [(0, 5), (2, 0), (0, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_weight_gradient_of_nothing(N, T, dtype):
    x, g = np.ones((N, 6, 8), dtype), np.ones((N, 4, T), dtype)
    gw, fine = correlate_weight(g, x, 3, 2, *SCHEMES[0], 0, "zeros")
    assert fine
    assert not gw.any()
    for channels, taps in ((6, 3), (2, 30)):  # by each way that few and many taps take
        gw = np.full((4, channels, taps), 12345, dtype)
        kernels.conv1d_weight_grad(g, np.ones((N, channels, 40), dtype), gw, 1, 1, 1, 0, 0, 0)
        assert not gw.any()


def test_a_weight_gradient_of_very_many_columns():
    """Sums of many float32 numbers lose no more digits than those of few."""
    rng = np.random.default_rng(0)
    x, g = (1 + rng.standard_normal((2, 32, 100_000), dtype=np.float32) for _ in range(2))
    gw = np.empty((32, 32, 5), np.float32)
    assert choose("weight", 2, 1, 32, 32, 5, 100_000, stride=1, dilation=1, lanes=16) == "toom"
    kernels.conv1d_weight_grad(g, x, gw, 1, 1, 1, 2, 2, 0)
    x, g = pad(x.astype(np.float64), 2, 5, 1, "zeros"), g.astype(np.float64)
    exact = np.stack([np.einsum("not,nct->oc", g, x[:, :, k : k + 100_000]) for k in range(5)], 2)
    assert np.abs(gw - exact).max() < 1e-5 * np.abs(exact).max()


LARGE = [
    Config(2, 64, 500, 48, 3, 1, 1, 1, 1, "zeros", 1),
    Config(1, 128, 700, 128, 2, 1, "same", 1, 1, "reflect", 2),
    Config(9, 100, 200, 40, 7, 1, 3, 1, 1, "circular", 3),
    Config(1, 48, 400, 64, 17, 1, 5, 1, 1, "replicate", 4),
    Config(2, 130, 140, 96, 5, 1, "valid", 1, 1, "zeros", 5),
    Config(4, 160, 200, 128, 4, 1, 2, 1, 2, "zeros", 6),
]
each_large = pytest.mark.parametrize("config", LARGE, ids=str)


@each_large
@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_sizes_that_it_is_chosen_for(config, dtype, tolerance):
    # contract 68, 70, 73
    C, O = config.C // config.groups, config.O // config.groups
    sizes = config.N, config.groups, C, O, config.K, outputs(config)
    for face in ("forward", "weight"):
        assert choose(face, *sizes, stride=1, dilation=1, lanes=16) == "toom"
    x, w, bias = config.arrays(dtype)
    arrays = x, w, bias, output_grad(config, dtype)
    exact, magnitude = (
        conv1d_and_grads(*a, **config.options) for a in (arrays, [np.abs(a) for a in arrays])
    )
    for ours, *theirs in zip(run_kernels(kernels, config, *arrays), exact, magnitude, strict=True):
        assert close(ours, *theirs, tolerance)


@each_large
def test_what_is_not_finite_is_left_to_the_definition(config):
    # contract 72
    for seed in range(4):
        rng = np.random.default_rng(seed)
        arrays = [a.copy() for a in (*config.arrays(np.float32), output_grad(config, np.float32))]
        for array in arrays[seed % 2 :: 2]:
            array.reshape(-1)[rng.integers(array.size)] = rng.choice([np.nan, np.inf, -np.inf])
        exact = conv1d_and_grads(*arrays, **config.options, blas=False)
        for ours, theirs in zip(run_kernels(kernels, config, *arrays), exact, strict=True):
            for what in (np.isnan, np.isposinf, np.isneginf):
                assert np.array_equal(what(ours), what(theirs))


def test_sums_that_overflow_where_no_output_does():
    x = np.random.default_rng(0).choice([-2e38, 2e38], (4, 64, 500)).astype(np.float32)
    w = np.full((64, 64, 3), 1e-3, np.float32)
    assert choose("forward", 4, 1, 64, 64, 3, 500, stride=1, dilation=1, lanes=16) == "toom"
    assert not correlate(x, w[None], None, 2, 3, 1, "zeros")[1]
    y = F.conv1d(from_numpy(x), from_numpy(w), padding=1).numpy()
    exact = conv1d_and_grads(x, w, None, np.zeros_like(y), padding=1)[0]
    assert np.isfinite(y).all()
    assert np.abs(y - exact).max() < 1e-5 * np.abs(exact).max()


@each_large
def test_the_number_of_threads_changes_no_bit(config, set_threads):
    # contract 78
    x, w, bias = config.arrays(np.float32)
    g, found = output_grad(config, np.float32), []
    for threads in (1, 2, 4):
        set_threads(threads)
        found.append(run_kernels(kernels, config, x, w, bias, g))
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            assert np.array_equal(ours, theirs)


def test_wide_padding_on_any_number_of_threads(set_threads):
    """The gradient of what was padded is computed for some of the places that the rows have."""
    # contract 78
    rng, found = np.random.default_rng(0), []
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in ((1, 64, 600), (64, 64, 7)))
    config = Config(1, 64, 600, 64, 7, 1, 501, 1, 1, "reflect", 0)
    g = output_grad(config, np.float32)
    for threads in (1, 2, 4):
        set_threads(threads)
        found.append(run_kernels(kernels, config, x, w, None, g))
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            assert np.array_equal(ours, theirs)


def test_columns_between_samples_decide_nothing(set_threads):
    """They mix the end of one sample with the beginning of the next: that sum may overflow."""
    N, C, K, T, most = 8, 64, 3, 128, np.finfo(np.float32).max
    rng = np.random.default_rng(0)
    w = (1e-3 * rng.standard_normal((C, C, K))).astype(np.float32)
    x = rng.standard_normal((N, C, T + K - 1)).astype(np.float32)
    m = neighbours(N, C, C, K, T)
    D = matrices(m, K).D
    pair = D[:, [0, (len(D) - 1) // m * m]]  # what a column does with the two numbers below
    row = np.abs(pair).sum(axis=1).argmax()
    large = 0.9 * most / np.abs(pair).max()
    assert np.abs(pair[row]).sum() * large > most
    x[:, 0, T], x[:, 0, 0] = np.sign(pair[row]) * large
    assert correlate(x, w[None], None, m, K, 0, "zeros")[1]
    found = []
    for threads in (1, 2, 4):
        set_threads(threads)
        found.append(F.conv1d(from_numpy(x), from_numpy(w)).numpy())
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@pytest.mark.parametrize("O", [2401, 2999, 3079, 3600])
def test_the_last_block_of_output_channels(O):
    """Blocks are rounded up to equal sizes, so there may be fewer of them than planned."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 256, 6)), rng.standard_normal((1, O, 256, 5))
    y, fine = correlate(x, w, None, 4, 5, 0, "zeros")
    assert fine
    exact = np.stack([np.einsum("ock,ck->o", w[0], x[0, :, t : t + 5]) for t in range(2)], axis=1)
    assert np.abs(y[0] - exact).max() < 1e-12 * np.abs(exact).max()


def test_a_sample_does_not_depend_on_those_beside_it():
    """Rows of several samples are computed side by side."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((37, 4, 20)), rng.standard_normal((1, 4, 4, 5))
    together, _ = correlate(x, w, None, 4, 5, 2, "zeros")
    for n in range(37):
        alone, _ = correlate(x[n : n + 1], w, None, 4, 5, 2, "zeros")
        assert np.array_equal(together[n], alone[0])


def test_its_place_among_the_ways():
    sizes = {"N": 16, "groups": 1, "C": 128, "O": 256, "T": 141, "lanes": 16}
    assert choose("forward", K=5, stride=1, dilation=1, **sizes) == "toom"
    assert choose("input", K=5, stride=1, dilation=1, **sizes) == "toom"
    assert choose("weight", K=5, stride=1, dilation=1, **sizes) == "toom"
    assert choose("forward", K=5, stride=2, dilation=1, **sizes) == "tiles"
    assert choose("forward", K=5, stride=1, dilation=2, **sizes) == "tiles"
    assert choose("forward", K=1, stride=1, dilation=1, **sizes) == "tiles"
    assert neighbours(N=1, C=8, O=8, K=3, T=10_000) == 1  # too few channels
    assert neighbours(N=1, C=128, O=128, K=3, T=20) == 1  # too few outputs


def test_padding_by_copies_equals_padding_first():
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 3, 50)), rng.standard_normal((1, 4, 3, 5))
    for mode in MODES:
        padded = pad(x, 4, 5, 1, mode)
        assert np.array_equal(
            correlate(x, w, None, 4, 5, 4, mode)[0], correlate(padded, w, None, 4, 5, 0, mode)[0]
        )
