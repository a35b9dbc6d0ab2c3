"""Initialization: ranges, statistics, fans, generators, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
import lucid.nn as nn
from lucid.nn import init

SHAPE = (64, 32, 5)  # fan_in 160, fan_out 320; 10240 numbers
DRAWING = {
    "uniform_": init.uniform_,
    "normal_": init.normal_,
    "kaiming_uniform_": init.kaiming_uniform_,
    "kaiming_normal_": init.kaiming_normal_,
    "xavier_uniform_": init.xavier_uniform_,
    "xavier_normal_": init.xavier_normal_,
}
FILLING = {**DRAWING, "zeros_": init.zeros_, "ones_": init.ones_}


def drawn(fill, *args, shape=SHAPE, **kwargs):
    x = lucid.empty(*shape, dtype="float64")
    assert fill(x, *args, **kwargs) is x
    return x.numpy()


def assert_uniform(x, low, high):
    """Evenly spread: within the bounds, close to both, each tenth of the range equally full."""
    assert low <= x.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < x.max() <= high
    counts, _ = np.histogram(x, 10, (low, high))
    np.testing.assert_allclose(counts / x.size, 0.1, atol=0.02)


def assert_normal(x, mean, std):
    """Mean and deviation, and how many numbers lie within one and two deviations."""
    assert abs(x.mean() - mean) < 4 * std / math.sqrt(x.size)
    assert abs(x.std() / std - 1) < 0.04
    for deviations, share in ((1, 0.6827), (2, 0.9545)):
        assert abs((abs(x - mean) < deviations * std).mean() - share) < 0.02


def test_uniform_and_normal():
    assert_uniform(drawn(init.uniform_), 0, 1)
    assert_uniform(drawn(init.uniform_, -3, 7), -3, 7)
    assert_normal(drawn(init.normal_), 0, 1)
    assert_normal(drawn(init.normal_, 5, 0.1), 5, 0.1)


def test_constants():
    assert set(drawn(init.zeros_).flat) == {0.0}
    assert set(drawn(init.ones_).flat) == {1.0}
    assert set(drawn(init.constant_, -0.25).flat) == {-0.25}


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 160), ("fan_out", 320)])
@pytest.mark.parametrize(
    ("nonlinearity", "a", "gain"),
    [
        ("leaky_relu", 0.0, math.sqrt(2)),
        ("leaky_relu", math.sqrt(5), math.sqrt(1 / 3)),
        ("relu", 0.0, math.sqrt(2)),
        ("tanh", 0.0, 5 / 3),
        ("linear", 0.0, 1.0),
    ],
)
def test_kaiming(mode, fan, nonlinearity, a, gain):
    bound = gain * math.sqrt(3 / fan)
    assert_uniform(drawn(init.kaiming_uniform_, a, mode, nonlinearity), -bound, bound)
    assert_normal(drawn(init.kaiming_normal_, a, mode, nonlinearity), 0, gain / math.sqrt(fan))


@pytest.mark.parametrize("gain", [1.0, 3.0])
def test_xavier(gain):
    bound = gain * math.sqrt(6 / 480)
    assert_uniform(drawn(init.xavier_uniform_, gain), -bound, bound)
    assert_normal(drawn(init.xavier_normal_, gain), 0, gain * math.sqrt(2 / 480))


def test_kaiming_keeps_the_scale_of_a_signal():
    """What it is for: after many layers of ReLU the signal has neither vanished nor exploded."""
    x = lucid.randn(100, 256)
    start = x.std().item()
    for _ in range(20):
        x = (x @ init.kaiming_normal_(lucid.empty(256, 256), nonlinearity="relu").T).relu()
    assert 0.3 < x.std().item() / start < 3


@pytest.mark.parametrize(
    ("shape", "expected"), [((8, 3), (3, 8)), ((8, 3, 5), (15, 40)), ((8, 3, 5, 2), (30, 80))]
)
def test_fans(shape, expected):
    assert init.fans(lucid.empty(*shape)) == expected


@pytest.mark.parametrize(
    ("name", "param", "gain"),
    [
        ("linear", None, 1),
        ("conv1d", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, math.sqrt(2 / (1 + 0.01**2))),
        ("leaky_relu", 0.5, math.sqrt(1.6)),
        ("leaky_relu", 0, math.sqrt(2)),
    ],
)
def test_gains(name, param, gain):
    assert init.calculate_gain(name, param) == pytest.approx(gain)


def test_layers_are_drawn_within_their_bounds():
    for layer, fan in (
        (nn.Linear(64, 100), 64),
        (nn.Conv1d(64, 96, 5, groups=4), 16 * 5),
        (nn.Conv1d(16, 300, 1), 16),
    ):
        bound = 1 / math.sqrt(fan)
        assert_uniform(layer.weight.detach().numpy(), -bound, bound)
        bias = layer.bias.detach().numpy()
        assert bound * 0.9 < abs(bias).max() <= bound
        assert bias.std() == pytest.approx(bound / math.sqrt(3), rel=0.2)


@pytest.mark.parametrize("name", DRAWING)
def test_generators(name):
    fill = DRAWING[name]
    before = lucid.get_rng_state()
    a = drawn(fill, generator=lucid.Generator().manual_seed(7))
    b = drawn(fill, generator=lucid.Generator().manual_seed(7))
    c = drawn(fill, generator=lucid.Generator().manual_seed(8))
    assert lucid.get_rng_state() == before  # the global numbers were left alone
    np.testing.assert_array_equal(a, b)
    assert (a != c).mean() > 0.99
    x = drawn(fill)
    assert lucid.get_rng_state() != before
    lucid.set_rng_state(before)
    np.testing.assert_array_equal(drawn(fill), x)


@pytest.mark.parametrize("name", FILLING)
def test_filling_is_in_place_and_not_recorded(name):
    parameter = nn.Parameter(lucid.full((4, 4), np.nan))
    array = parameter._array
    assert FILLING[name](parameter) is parameter
    assert parameter._array is array
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert np.isfinite(array).all()


def test_filling_is_noticed_by_backward():
    w = nn.Parameter(lucid.ones(2, 2))
    loss = (w * w).sum()
    init.zeros_(w)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_dtypes_are_kept():
    for dtype in (lucid.float32, lucid.float64):
        assert init.normal_(lucid.empty(3, dtype=dtype)).dtype is dtype


@pytest.mark.parametrize("name", FILLING)
def test_a_lazy_layer_has_nothing_to_fill_yet(name):
    lazy = nn.LazyConv1d(2, 3)
    with pytest.raises(TypeError, match=r"fills a tensor, got NoneType\n  try: for a lazy layer"):
        FILLING[name](lazy.weight)
    for placeholder in lazy.parameters():
        with pytest.raises(lucid.UninitializedParameterError, match="run one forward pass"):
            FILLING[name](placeholder)
    lazy(lucid.zeros(1, 1, 3))
    FILLING[name](lazy.weight)


def test_errors():
    x = lucid.empty(3, 4)
    for fill in (init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out', got 'fan'"):
            fill(x, mode="fan")
        with pytest.raises(ValueError, match=r"nonlinearity must be one of linear, conv1d, .* got"):
            fill(x, nonlinearity="gelu")
    for fill in (
        init.kaiming_uniform_, init.kaiming_normal_, init.xavier_uniform_, init.xavier_normal_,
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"fans are defined .* 2 axes or more, got \(3,\)"):
            fill(lucid.empty(3))
        with pytest.raises(ValueError, match=r"with numbers in them, got \(3, 0\)"):
            fill(lucid.empty(3, 0))
