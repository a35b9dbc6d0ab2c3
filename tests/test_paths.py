"""Every way that a convolution is computed, on random shapes: contract 65 to 73, 76.

Which loops run depends on the sizes: how channels, taps and positions are cut into blocks, whether
taps get rows of their own, whether the weight gradient goes by tiles or by dots, whether a long
kernel is worth Fourier transforms. Each *kind* below draws sizes that lead into one of these ways.
A failure prints the seed that repeats it; ``LUCID_TEST_CASES`` and ``LUCID_TEST_SEED`` ask for more
cases, and for others.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings

from lucid._ext import kernels
from lucid._ext.choose import choose

from configs import MODES, Config, configs
from reference import close, conv1d, conv1d_grads, pads
from running import output_grad, outputs, run_kernels
from windows import conv1d_and_grads

CASES = int(os.environ.get("LUCID_TEST_CASES", "40"))
SEED = int(os.environ.get("LUCID_TEST_SEED", "0"))


class Draw:
    """Sizes from a seed; ``some`` prefers small ones, as one chooses by hand."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def some(self, low: int, high: int) -> int:
        return int(np.floor(np.exp(self.rng.uniform(np.log(low), np.log(high + 1)))))

    def of(self, *choices):
        return choices[self.rng.integers(len(choices))]


# Sizes of one group: from, to. What else a kind is about is one of the values given.
# The numbers that the ways are chosen by are in rows.pxd, conv1d.pyx and conv1d_weight.pyx.
KINDS: dict = {
    #                      C           O           K           T             and
    "small":              ((1, 5),     (1, 7),     (1, 7),     (1, 40),      {}),
    "blocks of channels": ((40, 130),  (1, 30),    (7, 16),    (1, 300),     {"stride": (1, 2, 3)}),
    "blocks of taps":     ((1, 3),     (1, 20),    (257, 900), (1, 600),     {"stride": (1, 2, 5)}),
    "stretches":          ((1, 40),    (1, 6),     (1, 9),     (1025, 6000), {"stride": (1, 2, 3)}),
    "stretches of the weight gradient":
                          ((2, 20),    (16, 40),   (4, 9),     (145, 900),   {}),
    "many outputs":       ((1, 20),    (65, 300),  (1, 9),     (1, 100),     {"stride": (1, 2, 4)}),
    "turned blocks":      ((100, 300), (16, 160),  (7, 11),    (1, 40),      {"stride": (1, 2)}),
    "depthwise":          ((1, 1),     (1, 4),     (1, 70),    (1, 700), {"groups": range(2, 40)}),
    "groups":             ((1, 9),     (1, 20),    (1, 7),     (1, 200), {"groups": (2, 3, 5, 7)}),
    "strides":            ((1, 40),    (1, 40),    (1, 40),    (1, 300),
                           {"stride": range(2, 8), "dilation": (1, 1, 2, 3, 4, 6, 10)}),
    "strides beyond the kernel":
                          ((1, 9),     (1, 20),    (1, 4),     (1, 200), {"stride": (5, 7, 30)}),
    "rows of their own":  ((1, 40),    (1, 20),    (2, 6),     (1, 900),
                           {"stride": (1, 1, 2, 6), "dilation": range(65, 1500)}),
    "one position":       ((1, 40),    (1, 40),    (1, 40),    (1, 1),   {"dilation": (1, 2, 5)}),
    "few outputs":        ((3, 30),    (8, 30),    (3, 30),    (1, 4),
                           {"N": range(8, 80), "stride": (1, 2, 5), "dilation": (1, 1, 2, 9)}),
    "many channels":      ((50, 90),   (50, 90),   (3, 12),    (150, 400),
                           {"stride": (1,), "dilation": (1,), "groups": (1, 1, 2)}),
    "many samples":       ((1, 4),     (1, 40),    (1, 7),     (1, 40),      {"N": range(17, 300)}),
}  # fmt: skip


def config_of(kind: str, seed: int, least=0, most=1_000_000) -> Config:
    """A configuration that is allowed, of between ``least`` and ``most`` products if possible."""
    d = Draw(seed)
    drawn = {"stride": d.of(1, 1, 1, 2), "dilation": d.of(1, 1, 2, 3), "groups": d.of(1, 1, 1, 3),
             "N": d.of(0, 1, 1, 2, 3) if d.some(1, 9) == 9 else d.some(1, 4)}  # fmt: skip
    *sizes, options = KINDS[kind]
    C, O, K, T = (d.some(*size) for size in sizes)
    drawn |= {name: d.of(*values) for name, values in options.items()}
    N, groups = drawn["N"], drawn["groups"]
    while groups * C * O * K * T * max(N, 1) > most:  # fewer of what the kind is not about
        if N > 1 and kind not in ("many samples", "few outputs"):
            N -= 1
        elif groups > 1 and kind not in ("groups", "depthwise"):
            groups = 1
        elif O > 3 and kind not in ("many outputs", "turned blocks", "many channels"):
            O = O * 2 // 3
        elif T > 1 and not kind.startswith(("stretches", "many channels")):
            T = T * 2 // 3
        else:
            break
    while 0 < groups * C * O * K * T * N < least:
        if N * groups * C * T * drawn["stride"] > 4_000_000:  # numbers of the input: large enough
            break
        if T < 2000 and kind not in ("one position", "few outputs"):
            T *= 2
        else:
            N *= 2
    stride, dilation, mode = drawn["stride"], drawn["dilation"], d.of(*MODES)
    # The padded row first, then how much of it is padding: as much as the mode allows.
    P = (T - 1) * stride + dilation * (K - 1) + 1 + d.of(0, 0, stride - 1, stride // 2)
    room = {"reflect": (P - 1) // 3, "circular": P // 3}.get(mode, (P - 1) // 2)
    padding = d.of(0, room, room, d.some(1, room + 1) - 1, min(room, dilation * (K - 1) // 2))
    L = P - 2 * padding
    right = pads("same", K, dilation)[1]
    if stride == 1 and right < T and d.of(True, False):
        padding, L = "same", T
    elif padding == 0 and d.of(True, False):
        padding = "valid"
    return Config(N, C * groups, L, O * groups, K, stride, padding, dilation, groups, mode, seed)


def cases(kind: str, count: int = CASES, **limits):
    """(configuration, dtype, tolerance), and a message that tells how to repeat each."""
    for i in range(count):
        seed = SEED + i
        config = config_of(kind, len(KINDS) * seed + list(KINDS).index(kind), **limits)
        dtype, tolerance = [(np.float32, 1e-5), (np.float64, 1e-12)][seed % 2]
        message = (
            f"{config}, {np.dtype(dtype)}\n"
            f"repeat: LUCID_TEST_SEED={seed} LUCID_TEST_CASES=1 pytest tests/test_paths.py"
        )
        yield config, dtype, tolerance, message


def drawn_arrays(config: Config, dtype):
    """x, w, bias (if any), g"""
    x, w, bias = config.arrays(dtype)
    return x, w, bias if Draw(config.seed).of(True, False) else None, output_grad(config, dtype)


each_kind = pytest.mark.parametrize("kind", KINDS)


@settings(max_examples=60)
@given(config=configs())
def test_the_reference_is_what_plain_loops_compute(config):
    x, w, b = config.arrays()
    g = output_grad(config, np.float64)
    y, gx, gw = conv1d_and_grads(x, w, b, g, **config.options)
    assert np.allclose(y, conv1d(x, w, b, **config.options), rtol=0, atol=1e-12)
    for ours, theirs in zip((gx, gw), conv1d_grads(x, w, g, **config.options), strict=False):
        assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


def way(c: Config) -> str:
    """How the output is computed."""
    C, O = c.C // c.groups, c.O // c.groups
    return choose("forward", c.N, c.groups, C, O, c.K, outputs(c), c.stride, c.dilation, lanes=16)


def test_the_kinds_lead_where_they_should():
    """The sizes that the ways are chosen by, as drawn: a kind that misses its own tests nothing."""
    drawn = {kind: [config for config, *_ in cases(kind, 60)] for kind in KINDS}
    for kind, sizes in {
        "blocks of channels": lambda c: c.C // c.groups * c.K > 256,
        "blocks of taps": lambda c: c.K > 256,
        "stretches": lambda c: outputs(c) > 1024,
        "stretches of the weight gradient": lambda c: outputs(c) > 144 and c.O // c.groups >= 16,
        "many outputs": lambda c: c.O // c.groups > 64,
        "turned blocks": lambda c: c.O // c.groups >= 16 and c.C * c.K > 4 * 256,
        "depthwise": lambda c: c.groups == c.C > 1,
        "strides beyond the kernel": lambda c: c.stride > c.K,
        "rows of their own": lambda c: c.dilation // c.stride > outputs(c) > 16,
        "one position": lambda c: outputs(c) == 1,
        "few outputs": lambda c: way(c) == "few",
        "many channels": lambda c: way(c) == "toom",
        "many samples": lambda c: c.N > 16,
    }.items():
        assert sum(map(sizes, drawn[kind])) >= 15, kind
    everything = [config for configs in drawn.values() for config in configs]
    for padding in ("same", "valid"):
        assert sum(c.padding == padding for c in everything) > 30
    for some in (lambda c: c.N == 0, lambda c: c.L == 1, lambda c: c.L == c.K > 1):
        assert sum(map(some, everything)) >= 2


def check(config: Config, dtype, tolerance, message):
    """All three faces against the definition."""
    arrays = drawn_arrays(config, dtype)
    exact, sizes = (
        conv1d_and_grads(*a, **config.options)
        for a in (arrays, [None if a is None else np.abs(a) for a in arrays])
    )
    found = run_kernels(kernels, config, *arrays)
    for name, *compared in zip(("y", "gx", "gw"), found, exact, sizes, strict=True):
        assert compared[0].dtype == dtype
        assert close(*compared, tolerance), f"{name} of {message}"


def poisoned(array, rng):
    """Some zeros, and now and then nan, inf and -inf: in the corners, too, where rows end."""
    array = array.copy()
    flat = array.reshape(-1)
    if flat.size:
        flat[rng.integers(0, flat.size, flat.size // 8)] = 0
        for _ in range(rng.integers(0, 3)):
            at = rng.choice([0, flat.size - 1, rng.integers(flat.size), rng.integers(flat.size)])
            flat[at] = rng.choice([np.nan, np.inf, -np.inf])
    return array


def check_poisoned(config: Config, dtype, tolerance, message) -> int:
    """The same with numbers that are not finite; return how many faces they reached."""
    rng, touched = np.random.default_rng(config.seed), 0
    arrays = [None if a is None else poisoned(a, rng) for a in drawn_arrays(config, dtype)]
    exact = conv1d_and_grads(*arrays, **config.options, blas=False)
    found = run_kernels(kernels, config, *arrays)
    for name, ours, theirs in zip(("y", "gx", "gw"), found, exact, strict=True):
        for what in (np.isnan, np.isposinf, np.isneginf):
            assert np.array_equal(what(ours), what(theirs)), f"{what.__name__} {name} {message}"
        finite = np.isfinite(theirs)
        touched += not finite.all()
        if finite.any():
            # loose: whether the finite ones are exact is another test's matter
            scale = max(1.0, np.abs(theirs[finite]).max())
            error = np.abs(ours[finite] - theirs[finite]).max()
            assert error <= 100 * tolerance * scale, f"{name} of {message}"
    return touched


@each_kind
def test_against_the_definition(kind):
    # contract 65 to 70, 73, 76
    for case in cases(kind):
        check(*case)


@each_kind
def test_what_is_not_finite_reaches_exactly_the_sums_that_touch_it(kind):
    # contract 72
    assert sum(check_poisoned(*case) for case in cases(kind, most=100_000)) >= CASES // 4


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize(
    "config",
    [
        Config(1, 1, 15_500, 1, 700, 1, 350, 1, 1, "zeros", 1),
        Config(1, 1, 16_000, 1, 1300, 1, "same", 1, 1, "reflect", 2),  # two blocks
        Config(1, 2, 12_000, 1, 600, 1, 599, 1, 1, "circular", 3),
        Config(1, 2, 13_500, 2, 800, 1, "valid", 1, 2, "zeros", 4),
    ],
    ids=str,
)
def test_kernels_that_are_worth_fourier_transforms(config, dtype, tolerance):
    # contract 72, 73
    C, O = config.C // config.groups, config.O // config.groups
    for face in ("forward", "weight"):
        sizes = config.N, config.groups, C, O, config.K, outputs(config)
        assert choose(face, *sizes, stride=1, dilation=1, lanes=16) == "fft"
    check(config, dtype, tolerance, config)
    check_poisoned(config._replace(seed=config.seed + 10), dtype, tolerance, config)
