"""Pooling, padding and interpolation, against loops, finite differences and algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

from gradients import check_gradients
from reference import pad_source


def randn(*shape):
    return lucid.randn(*shape, dtype="float64")


def assert_equal(ours, expected, tolerance=1e-12):
    np.testing.assert_allclose(ours.numpy(), expected, tolerance, tolerance)


# --------------------------------------------------------------------------------------- pooling


def avg_pool(x, K, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Window by window, number by number."""
    L, stride, out, start = x.shape[2], stride or K, [], -padding
    while start + K <= L + padding or (
        ceil_mode and start + K < L + padding + stride and start < L
    ):
        places = range(start, min(start + K, L + padding))
        inside = [i for i in places if 0 <= i < L]
        n = len(places) if count_include_pad else len(inside)
        out.append(sum(x[:, :, i] for i in inside) / n)
        start += stride
    return np.stack(out, 2)


POOLS = [
    {"K": K, "stride": stride, "padding": p, "ceil_mode": ceil, "count_include_pad": count}
    for K in (1, 2, 3, 5)
    for stride in (None, 1, 2, 7)
    for p in range(K // 2 + 1)
    for ceil in (False, True)
    for count in (False, True)
]


@pytest.mark.parametrize("options", POOLS, ids=str)
def test_avg_pool(options):
    names = {**options}
    names["kernel_size"] = names.pop("K")
    for L in (5, 8):
        x = randn(2, 3, L)
        expected = avg_pool(x.numpy(), **options)
        assert_equal(F.avg_pool1d(x, **names), expected)
        assert_equal(nn.AvgPool1d(**names)(x[0]), expected[0])


@pytest.mark.parametrize("options", POOLS[::11], ids=str)
def test_avg_pool_gradients(options):
    check_gradients(lambda x: F.avg_pool1d(x, *options.values()), randn(2, 2, 6))


def test_avg_pool_of_extreme_inputs():
    x = lucid.tensor([[[1.0, np.nan, 2.0, 3.0, np.inf, 5.0, 6.0]]])
    assert_equal(F.avg_pool1d(x, 2, 1), [[[np.nan, np.nan, 2.5, np.inf, np.inf, 5.5]]])
    assert F.avg_pool1d(lucid.zeros(0, 3, 4), 2).shape == (0, 3, 2)
    assert F.avg_pool1d(lucid.zeros(2, 0, 4), 2).shape == (2, 0, 2)
    assert F.avg_pool1d(x, 2**30, 2**31 - 1, ceil_mode=True).shape == (1, 1, 1)
    far = lucid.arange(7.0)[None]
    assert F.avg_pool1d(far, 7, 2**31 - 1).tolist() == [[3.0]]
    long = np.ones((1, 1, 3000), np.float32)
    long[0, 0, 7] = np.nan
    out = F.avg_pool1d(lucid.from_numpy(long), 500, 1).numpy()[0, 0]
    assert np.isnan(out[:8]).all()
    np.testing.assert_allclose(out[8:], 1, 1e-6)


def test_means_of_whole_numbers_are_exact():
    x = lucid.arange(40.0).reshape(1, 2, 20)
    assert F.avg_pool1d(x, 3, 1).tolist() == x[:, :, 1:-1].tolist()
    assert F.adaptive_avg_pool1d(x, 10).tolist() == (x[:, :, ::2] + 0.5).tolist()


@pytest.mark.parametrize("padded", [True, False])
def test_what_is_not_contiguous_is_pooled_alike(padded):
    x = randn(4, 7, 5).transpose(0, 2).flip(2)
    views = [x, x.contiguous()]
    for pool in (
        lambda x: F.avg_pool1d(x, 3, 2, int(padded)),
        lambda x: F.max_pool1d(x, 3, 2, int(padded)),
        lambda x: F.adaptive_avg_pool1d(x, 3),
        lambda x: F.adaptive_max_pool1d(x, 3),
        lambda x: F.pad(x, (2, 1), "reflect"),
        lambda x: F.interpolate(x, 7, mode="linear"),
    ):
        assert pool(views[0]).tolist() == pool(views[1]).tolist()


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.max_pool1d(x, 3, 2, 1),
        lambda x: F.adaptive_max_pool1d(x, 3),
        lambda x: F.adaptive_max_pool1d(x, 4),
        lambda x: F.adaptive_avg_pool1d(x, 3),
        lambda x: F.lp_pool1d(x, 2, 3),
        lambda x: F.pad(x, (2, 1), "circular"),
    ],
)
def test_one_sample_is_a_batch_of_one(pool):
    x = randn(3, 8)
    assert pool(x).tolist() == pool(x[None])[0].tolist()
    check_gradients(pool, randn(2, 8))


@pytest.mark.parametrize("L", [1, 5, 8, 13])
@pytest.mark.parametrize("T", [1, 2, 3, 5, 9, 26])
def test_adaptive_max_pool(L, T):
    x = randn(2, 3, L).numpy()
    bins = [range(math.floor(t * L / T), math.ceil((t + 1) * L / T)) for t in range(T)]
    places = np.array([[[max(b, key=lambda i: r[i]) for b in bins] for r in rows] for rows in x])
    out, indices = F.adaptive_max_pool1d(lucid.from_numpy(x), T, return_indices=True)
    assert indices.tolist() == places.tolist()
    assert_equal(out, np.take_along_axis(x, places, 2))
    check_gradients(nn.AdaptiveMaxPool1d(T), lucid.from_numpy(x))


def test_adaptive_max_pool_of_equal_and_missing_numbers():
    x = lucid.tensor([[[1.0, 1.0, np.nan, -np.inf, -np.inf]]])
    out, indices = F.adaptive_max_pool1d(x, 3, return_indices=True)
    assert_equal(out, [[[1, np.nan, -np.inf]]])
    assert indices.tolist() == [[[0, 2, 3]]]
    assert F.adaptive_max_pool1d(lucid.tensor([[[3, 5, 4]]]), 2).tolist() == [[[5, 5]]]


@pytest.mark.parametrize(("L", "T"), [(1000, 7), (7, 1000), (64, 3), (100, 64), (50, 50)])
def test_adaptive_average_is_its_own_kind_of_adjoint(L, T):
    # the bins of L outputs in T inputs are the gradient's bins of T outputs in L inputs
    x, g = randn(2, 3, L).requires_grad_(), randn(2, 3, T)
    (F.adaptive_avg_pool1d(x, T) * g).sum().backward()
    edges = [(t * L // T, -(-(t + 1) * L // T)) for t in range(T)]
    shared = g / lucid.tensor([b - a for a, b in edges], dtype="float64")
    lengths = [-(-(i + 1) * T // L) - i * T // L for i in range(L)]
    expected = F.adaptive_avg_pool1d(shared, L) * lucid.tensor(lengths, dtype="float64")
    assert_equal(x.grad, expected.numpy())
    check_gradients(lambda x: F.adaptive_avg_pool1d(x, 5), randn(1, 2, 13))


def test_unpooling_undoes_pooling():
    x = lucid.rand(2, 3, 9, dtype="float64")
    pool, unpool = nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2)
    out, places = pool(x)
    back = unpool(out, places)
    assert back.shape == (2, 3, 8)
    assert ((back == 0) | (back == x[:, :, :8])).all()
    again, same = pool(back)
    assert (again.tolist(), same.tolist()) == (out.tolist(), places.tolist())
    longer = unpool(out, places, output_size=(2, 3, 9))
    assert longer.tolist() == F.pad(back, (0, 1)).tolist()
    check_gradients(lambda v: unpool(v, places), out)


def test_lp_pool():
    x = randn(2, 3, 8)
    windows = np.lib.stride_tricks.sliding_window_view(np.abs(x.numpy()), 3, 2)[:, :, ::2]
    assert_equal(F.lp_pool1d(x, 4, 3, 2), (windows**4).sum(-1) ** 0.25)
    assert_equal(nn.LPPool1d(2, 3, 2)(x), np.sqrt((windows**2).sum(-1)))
    check_gradients(nn.LPPool1d(2, 3), x)


# --------------------------------------------------------------------------------------- padding

MODES = {"constant": "zeros", "reflect": "reflect", "replicate": "replicate"}
PADS = [(0, 0), (1, 0), (0, 2), (4, 3), (-1, 2), (2, -3), (-2, -2), (4, -4)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pads", PADS)
def test_pad(mode, pads):
    left, right = pads
    x = randn(2, 3, 5)
    sources = [pad_source(i, 5, MODES[mode]) for i in range(-left, 5 + right)]
    rows = [np.zeros((2, 3)) if s is None else x.numpy()[:, :, s] for s in sources]
    assert_equal(F.pad(x, pads, mode), np.stack(rows, 2))
    check_gradients(lambda x: F.pad(x, pads, mode), randn(1, 2, 5))


@pytest.mark.parametrize("pads", PADS[:4])
def test_pad_circular(pads):
    x = randn(2, 3, 5)
    assert_equal(F.pad(x, pads, "circular"), np.pad(x.numpy(), [(0, 0)] * 2 + [pads], "wrap"))
    check_gradients(lambda x: F.pad(x, pads, "circular"), randn(1, 2, 5))


def test_circular_padding_wraps_around_what_is_left():
    x = lucid.arange(1, 9)[None]
    assert F.pad(x, (-1, 2), "circular").tolist() == [[2, 3, 4, 5, 6, 7, 8, 2, 3]]


def test_constants_pad_several_axes_the_last_first():
    x = randn(2, 3, 4)
    expected = np.pad(x.numpy(), [(0, 0), (3, 0), (1, 2)], constant_values=7)
    assert_equal(F.pad(x, (1, 2, 3, 0), value=7.0), expected)
    assert_equal(F.pad(x, (-1, 2, 3, -1), value=7.0), np.delete(expected[..., 2:], 5, 1))
    check_gradients(lambda x: F.pad(x, (1, -2, 3, 0)), randn(2, 2, 4))


@pytest.mark.parametrize(
    ("layer", "padded"),
    [
        (nn.ZeroPad1d(1), [0, 1, 2, 3, 0]),
        (nn.ConstantPad1d((0, 2), 8), [1, 2, 3, 8, 8]),
        (nn.ReflectionPad1d((2, -1)), [3, 2, 1, 2]),
        (nn.ReplicationPad1d((2, 1)), [1, 1, 1, 2, 3, 3]),
        (nn.CircularPad1d(2), [2, 3, 1, 2, 3, 1, 2]),
    ],
    ids=repr,
)
def test_padding_layers(layer, padded):
    assert layer(lucid.tensor([[1.0, 2.0, 3.0]])).tolist() == [padded]
    assert layer(lucid.zeros(0, 2, 3)).shape == (0, 2, len(padded))


def test_a_far_edge_goes_on():
    x = randn(2, 3, 4).requires_grad_()
    y = F.pad(x, (50, 20), "replicate")
    y.sum().backward()
    assert x.grad[0, 0].tolist() == [51, 1, 1, 21]


def test_padding_before_a_convolution_is_the_convolutions_own():
    x, w = randn(2, 3, 9), randn(4, 3, 3)
    for mode in ("reflect", "replicate", "circular"):
        ours = F.conv1d(F.pad(x, (2, 2), mode), w)
        assert_equal(ours, F.conv1d(x, w, padding=2, padding_mode=mode).numpy())


# --------------------------------------------------------------------------------- interpolation


def linear(x, T, align_corners):
    """Sample by sample, in exact fractions."""
    L, out = len(x), []
    for t in range(T):
        numerator, denominator = (
            (t * (L - 1), max(T - 1, 1)) if align_corners else ((2 * t + 1) * L - T, 2 * T)
        )
        numerator = max(numerator, 0)
        i = min(numerator // denominator, L - 1)
        f = (numerator - i * denominator) / denominator
        out.append((1 - f) * x[i] + f * x[min(i + 1, L - 1)])
    return out


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("L", "T"), [(1, 1), (1, 4), (4, 1), (5, 10), (10, 5), (7, 9), (9, 9)])
def test_linear_interpolation(L, T, align_corners):
    x = randn(1, 1, L)
    options = {"mode": "linear", "align_corners": align_corners}
    assert_equal(F.interpolate(x, T, **options)[0, 0], linear(x[0, 0].tolist(), T, align_corners))
    check_gradients(lambda x: F.interpolate(x, T, **options), randn(2, 2, L))


@pytest.mark.parametrize(("L", "T"), [(1, 4), (4, 1), (5, 10), (10, 5), (7, 9), (9, 9), (2, 40)])
def test_nearest_interpolation(L, T):
    x = lucid.arange(float(L)).reshape(1, 1, L)
    assert F.interpolate(x, T)[0, 0].tolist() == [t * L // T for t in range(T)]
    exact = [(2 * t + 1) * L // (2 * T) for t in range(T)]
    assert F.interpolate(x, T, mode="nearest-exact")[0, 0].tolist() == exact
    check_gradients(lambda x: F.interpolate(x, T), randn(2, 2, L))


def test_a_straight_line_stays_one():
    x = lucid.arange(6.0).reshape(1, 1, 6)
    y = F.interpolate(x, 11, mode="linear", align_corners=True)
    assert_equal(y, np.arange(11).reshape(1, 1, 11) / 2, 1e-6)
    y = nn.Upsample(scale_factor=2, mode="linear")(x)[0, 0, 1:-1]
    assert_equal(y, np.linspace(0.25, 4.75, 10), 1e-6)


def test_lengths_and_factors():
    x = randn(2, 3, 10)
    assert F.interpolate(x, scale_factor=0.75).shape == (2, 3, 7)
    assert F.interpolate(x, scale_factor=(1.5,)).shape == (2, 3, 15)
    assert F.interpolate(x, (4,), mode="area").tolist() == F.adaptive_avg_pool1d(x, 4).tolist()
    given = F.interpolate(x, scale_factor=0.75, mode="linear")
    recomputed = F.interpolate(x, scale_factor=0.75, mode="linear", recompute_scale_factor=True)
    assert recomputed.tolist() == F.interpolate(x, 7, mode="linear").tolist()
    assert given.tolist() != recomputed.tolist()
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor=2, mode='nearest')"


# ------------------------------------------------------------------------------------ bad input

X = lucid.zeros(1, 2, 5)
ERRORS = [
    (lambda: F.avg_pool1d(X, 7), lucid.ShapeError, r"no window fits: it reaches over 7 .*= 5"),
    (lambda: F.avg_pool1d(X, 3, padding=2), ValueError, "at most half of kernel_size=3, got 2"),
    (lambda: nn.AvgPool1d(2, stride=0), ValueError, "stride must be at least 1, got 0"),
    (lambda: F.avg_pool1d(X.long(), 2), TypeError, "float32 or float64 input, got int64"),
    (lambda: F.avg_pool1d(X[0, 0], 2), lucid.ShapeError, r"expected an input \(N, C, L\)"),
    (lambda: F.adaptive_max_pool1d(X, 0), ValueError, "output_size must be at least 1"),
    (lambda: F.adaptive_max_pool1d(X[:, :, :0], 2), lucid.ShapeError, "at least one position"),
    (lambda: F.max_unpool1d(X, X, 2), TypeError, r"indices must be int64, got float32"),
    (lambda: F.max_unpool1d(X, X[0].long(), 2), lucid.ShapeError, "must have one shape"),
    (lambda: F.max_unpool1d(X, X.long() + 10, 2), ValueError, "from 0 to 9, got 10 to 10"),
    (
        lambda: F.max_unpool1d(X, X.long(), 2, output_size=[12]),
        ValueError,
        "between 8 and 12, both excluded, to pool to 5; got 12",
    ),
    (lambda: F.pad(X, (1,)), lucid.ShapeError, r"two numbers for each axis.*got \(1,\)"),
    (lambda: F.pad(X, (1,) * 8), lucid.ShapeError, r"shape \(1, 2, 5\)"),
    (lambda: F.pad(X, (1.5, 1)), TypeError, "pad is a sequence of ints"),
    (lambda: F.pad(X, 1), TypeError, r"try: \(left, right\)"),
    (lambda: F.pad(X, (1, 1), "zeros"), NotImplementedError, "'circular', got 'zeros'"),
    (lambda: F.pad(X, (1, 1), "reflect", 1.0), ValueError, "mode='reflect' takes no value"),
    (lambda: F.pad(X, (1,) * 4, "reflect"), NotImplementedError, "pads the last axis"),
    (lambda: F.pad(X, (5, 0), "reflect"), lucid.ShapeError, "got padding 5, length 5, at most 4"),
    (lambda: F.pad(X, (0, 6), "circular"), lucid.ShapeError, "got padding 6, length 5"),
    (lambda: F.pad(X, (-3, -3)), lucid.ShapeError, r"axis 2 would get the size -3 \+ 5 \+ -3"),
    (lambda: F.pad(X, (-6, 9)), lucid.ShapeError, "take away what there is"),
    (lambda: F.pad(X[:, :, :0], (1, 1), "replicate"), lucid.ShapeError, "at least one position"),
    (lambda: F.pad(X, (2**31, 0)), lucid.ShapeError, r"below 2\*\*31"),
    (lambda: nn.ZeroPad1d((1, 2, 3)), TypeError, r"an int or \(left, right\)"),
    (lambda: nn.ZeroPad1d(True), TypeError, r"got True"),
    (lambda: F.interpolate(X), ValueError, "size or scale_factor, got neither"),
    (lambda: F.interpolate(X, 4, 2.0), ValueError, "size or scale_factor, got both"),
    (lambda: F.interpolate(X, 4, align_corners=True), ValueError, "option of mode='linear' only"),
    (lambda: F.interpolate(X, 4, mode="bilinear"), NotImplementedError, "got 'bilinear'"),
    (lambda: F.interpolate(X, 4, antialias=True), ValueError, "for images only"),
    (lambda: F.interpolate(X, scale_factor=0.1), lucid.ShapeError, "output length 0"),
    (lambda: F.interpolate(X, scale_factor=-1), lucid.ShapeError, r"got 5 \* -1.0 = -5.0"),
    (lambda: F.interpolate(X, scale_factor=1e300), lucid.ShapeError, r"to 2\*\*31 - 1"),
    (lambda: F.interpolate(X, scale_factor=(1, 2)), ValueError, "one axis to scale"),
    (lambda: F.interpolate(X, 4, recompute_scale_factor=True), ValueError, "needs a scale_factor"),
    (lambda: F.interpolate(X, (4, 5)), TypeError, "size must be an int"),
    (lambda: F.interpolate(X[0], 4), lucid.ShapeError, r"x\[None\]"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
