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
    "trunc_normal_": init.trunc_normal_,
    "orthogonal_": init.orthogonal_,
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
        ("linear", "no slope", 1),
        ("conv_transpose1d", None, 1),
        ("selu", None, 0.75),
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
    for bad in (True, "0.1", [0.1]):
        with pytest.raises(ValueError, match="slope of leaky_relu is a number, got"):
            init.calculate_gain("leaky_relu", bad)
    before = x.fill_(7).tolist()
    with pytest.raises(ValueError, match="from a up to b, got a=1, b=0"):
        init.uniform_(x, 1, 0)
    with pytest.raises(ValueError, match="std is a number from 0 up, got -1"):
        init.normal_(x, 0, -1)
    for bad in ({"a": 2, "b": 2}, {"std": 0}, {"std": -1}, {"a": np.nan}):
        with pytest.raises(ValueError, match="trunc_normal_ needs a < b and a std above 0"):
            init.trunc_normal_(x, **bad)
    for share, std in ((-0.1, 1), (1.1, 1), (np.nan, 1), (0.5, -1)):
        with pytest.raises(ValueError, match="sparsity is from 0 to 1 and std from 0 up"):
            init.sparse_(x, share, std)
    for fill in (init.eye_, lambda t: init.sparse_(t, 0.5)):
        for shape in ((3,), (3, 4, 5)):
            with pytest.raises(lucid.ShapeError, match=r"fills a tensor of 2 axes, got shape \(3,"):
                fill(lucid.empty(shape))
    with pytest.raises(lucid.ShapeError, match="orthogonal_ fills a tensor of 2 to 64 axes"):
        init.orthogonal_(lucid.empty(3))
    with pytest.raises(lucid.ShapeError, match="dirac_ fills a tensor of 3 to 5 axes"):
        init.dirac_(x)
    with pytest.raises(ValueError, match="divisible by groups: 4 and groups=3"):
        init.dirac_(lucid.empty(4, 2, 3), groups=3)
    with pytest.raises(ValueError, match="groups must be at least 1"):
        init.dirac_(lucid.empty(4, 2, 3), groups=0)
    assert x.tolist() == before


# --------------------------------------------------------------------- truncated, and structured


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2), (5, 0.02, 4.96, 5.04), (0, 1, 3, 4), (0, 1, 8, 9), (0, 1, 30, 40),
        (10, 2, -1, 1), (0, 1, -1e6, 1e6), (1, 0.5, -1e9, 0.9), (0, 100, -1, 2), (0, 1, -40, -5),
    ],
)  # fmt: skip
def test_truncated_normal(mean, std, a, b):
    """Against the exact distribution: its moments by a sum over a fine grid."""
    x = drawn(init.trunc_normal_, mean, std, a, b)
    assert a <= x.min() <= x.max() <= b
    likeliest = min(max(mean, a), b)
    z = np.linspace(max(a, likeliest - 20 * std), min(b, likeliest + 20 * std), 2_000_001)
    weight = np.exp(((likeliest - mean) ** 2 - (z - mean) ** 2) / (2 * std**2))
    weight /= weight.sum()
    exact_mean = (weight * z).sum()
    exact_std = math.sqrt((weight * (z - exact_mean) ** 2).sum())
    assert abs(x.mean() - exact_mean) < 4.5 * exact_std / math.sqrt(x.size)
    assert abs(x.std() / exact_std - 1) < 0.06
    # Kolmogorov's statistic: below 1.95 in 999 of 1000 samples
    exact = np.interp(np.sort(x, axis=None), z, np.cumsum(weight))
    assert abs(exact - np.arange(x.size) / x.size).max() < 1.95 / math.sqrt(x.size)


def test_truncated_normal_in_float32_keeps_its_bounds():
    x = lucid.empty(100_000)
    init.trunc_normal_(x, 0, 1, 0.1, 0.1000001)
    assert np.float32(0.1) <= x.numpy().min() <= x.numpy().max() <= np.float32(0.1000001)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3), (2, 4, 3), (1, 1), (1, 6)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape, gain):
    w = drawn(init.orthogonal_, gain, shape=shape).reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-12)


def test_every_rotation_is_equally_likely():
    """The diagonal of a random rotation has mean 0; of qr alone it is negative."""
    diagonals = [np.diag(drawn(init.orthogonal_, shape=(4, 4))) for _ in range(500)]
    assert abs(np.mean(diagonals)) < 0.04


def test_nothing_to_fill():
    for shape in ((0, 3), (3, 0)):
        assert init.orthogonal_(lucid.empty(shape)).shape == shape
        assert init.eye_(lucid.empty(shape)).shape == shape
        assert init.sparse_(lucid.empty(shape), 0.5).shape == shape
        assert init.trunc_normal_(lucid.empty(shape)).shape == shape


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.95, 1.0])
def test_sparse(sparsity):
    w = drawn(init.sparse_, sparsity, 0.3, shape=(40, 200))
    zeros = math.ceil(sparsity * 40)
    assert ((w == 0).sum(0) == zeros).all()
    if 0 < zeros < 40:
        assert len({tuple(column) for column in (w == 0).T}) > 20  # not always the same places
        np.testing.assert_allclose((w == 0).mean(1), sparsity, atol=0.15)
    if zeros < 20:
        assert_normal(w[w != 0], 0, 0.3)
    g = lucid.Generator().manual_seed(3)
    again = [init.sparse_(lucid.empty(5, 4), 0.5, generator=g.manual_seed(3)) for _ in range(2)]
    assert again[0].tolist() == again[1].tolist()


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("K", [1, 3, 4])
def test_dirac_passes_channels_on(groups, K):
    conv = nn.Conv1d(6, 6, K, groups=groups, padding=K // 2, bias=False)
    init.dirac_(conv.weight, groups)
    x = lucid.randn(2, 6, 9)
    np.testing.assert_array_equal(conv(x).detach().numpy()[..., :9], x.numpy())


@pytest.mark.parametrize(
    ("shape", "groups"),
    [((4, 4, 3), 1), ((6, 2, 3), 1), ((2, 6, 4), 1), ((6, 2, 3), 2), ((3, 3, 2, 5), 3)],
)  # fmt: skip
def test_structured_against_pytorch(shape, groups):
    torch = pytest.importorskip("torch")
    expected = torch.nn.init.dirac_(torch.empty(shape), groups).numpy()
    np.testing.assert_array_equal(init.dirac_(lucid.empty(shape), groups).numpy(), expected)
    expected = torch.nn.init.eye_(torch.empty(shape[:2])).numpy()
    np.testing.assert_array_equal(init.eye_(lucid.empty(shape[:2])).numpy(), expected)


def test_gains_and_names_against_pytorch():
    torch = pytest.importorskip("torch")
    for name in ("linear", "conv1d", "conv_transpose1d", "sigmoid", "tanh", "relu", "selu"):
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    theirs = {n for n in dir(torch.nn.init) if n.endswith("_") and not n.startswith("_")}
    assert theirs - set(init.__all__) == set()


@pytest.mark.parametrize(
    "fill", [init.eye_, init.dirac_, lambda t: init.sparse_(t, 0.5)], ids=["eye", "dirac", "sparse"]
)
def test_structure_needs_a_tensor_that_is_there(fill):
    lazy = nn.LazyConv1d(2, 3)
    with pytest.raises(TypeError, match=r"fills a tensor, got NoneType\n  try: for a lazy layer"):
        fill(lazy.weight)
    with pytest.raises(lucid.UninitializedParameterError, match="run one forward pass"):
        fill(next(lazy.parameters()))
