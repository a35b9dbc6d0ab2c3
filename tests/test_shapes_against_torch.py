"""Pooling, padding and interpolation compared with PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

torch = pytest.importorskip("torch")


def both(name, x, *args, **kwargs):
    """A function's output and gradient, here and there."""
    ours, theirs = lucid.from_numpy(x).requires_grad_(), torch.from_numpy(x).requires_grad_()
    y = getattr(F, name)(ours, *args, **kwargs)
    t = getattr(torch.nn.functional, name)(theirs, *args, **kwargs)
    assert y.shape == tuple(t.shape)
    g = np.random.default_rng(1).standard_normal(y.shape).astype(x.dtype)
    y.backward(lucid.from_numpy(g))
    t.backward(torch.from_numpy(g))
    return (y.detach().numpy(), t.detach().numpy()), (ours.grad.numpy(), theirs.grad.numpy())


def assert_same(name, x, *args, **kwargs):
    tolerance = 1e-12 if x.dtype == np.float64 else 1e-5
    for ours, theirs in both(name, x, *args, **kwargs):
        np.testing.assert_allclose(ours, theirs, tolerance, tolerance)


@pytest.mark.parametrize("seed", range(60))
def test_pooling(seed):
    rng = np.random.default_rng(seed)
    K, stride = int(rng.integers(1, 7)), [None, 1, 2, 3, 8][int(rng.integers(5))]
    padding, ceil = int(rng.integers(0, K // 2 + 1)), bool(rng.integers(2))
    L = K + int(rng.integers(0, 12))
    x = rng.standard_normal((2, 3, L)[seed % 2 :])
    assert_same("avg_pool1d", x, K, stride, padding, ceil, bool(rng.integers(2)))
    assert_same("max_pool1d", x, K, stride, padding, 1, ceil)
    assert_same("lp_pool1d", np.abs(x) + 0.1, 1.5 + rng.random(), K, stride, ceil)
    for T in rng.integers(1, 20, 3).tolist():
        assert_same("adaptive_avg_pool1d", x, T)
        assert_same("adaptive_max_pool1d", x, T)
        places = F.adaptive_max_pool1d(lucid.from_numpy(x), T, return_indices=True)[1]
        expected = torch.nn.functional.adaptive_max_pool1d(torch.from_numpy(x), T, True)[1]
        assert places.tolist() == expected.tolist()


@pytest.mark.parametrize("size", [None, 8, 9, (2, 3, 9)])
def test_unpooling(size):
    x = np.random.default_rng(0).standard_normal((2, 3, 9))
    ours, places = nn.MaxPool1d(2, return_indices=True)(lucid.from_numpy(x))
    theirs = torch.nn.MaxPool1d(2, return_indices=True)(torch.from_numpy(x))
    size = (size,) if isinstance(size, int) else size
    y, t = nn.MaxUnpool1d(2)(ours, places, size), torch.nn.MaxUnpool1d(2)(*theirs, size)
    assert y.tolist() == t.tolist()


@pytest.mark.parametrize("seed", range(60))
def test_padding(seed):
    rng = np.random.default_rng(seed)
    L = int(rng.integers(1, 9))
    x = rng.standard_normal((2, 3, L)[seed % 2 :])
    left, right = rng.integers(0, L, 2).tolist()
    for mode in ("reflect", "replicate", "circular", "constant"):
        assert_same("pad", x, (left, right), mode)
        kept = L - left  # of the row, when as many are taken away on one side
        if kept and not (mode == "circular" and right > kept):
            assert_same("pad", x, (-left, right), mode)
            assert_same("pad", x, (right, -left), mode)
    pads = rng.integers(-1, 4, 4).tolist()
    if all(n + sum(pads[i : i + 2]) >= 0 for i, n in ((0, L), (2, 3))) and L > 1:
        assert_same("pad", x, pads, "constant", 2.5)


def random_length(rng):
    """A length, and the size or the factor that it is interpolated by."""
    L = int(rng.integers(1, 300))
    if rng.integers(2):
        return L, {"size": int(rng.integers(1, 700))}
    ratio = rng.integers(1, 20) / rng.integers(1, 20)
    factor = [rng.uniform(0.05, 5), float(rng.integers(1, 8)), ratio][int(rng.integers(3))]
    recompute = [None, False, True][int(rng.integers(3))]
    factor = float(max(factor, 1.01 / L))
    return L, {"scale_factor": factor, "recompute_scale_factor": recompute}


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "area"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_interpolation(mode, dtype):
    rng = np.random.default_rng(0)
    for _ in range(400):
        L, options = random_length(rng)
        options["mode"] = mode
        if mode == "linear":
            options["align_corners"] = [None, False, True][int(rng.integers(3))]
        x = rng.standard_normal((1, 2, L)).astype(dtype)
        (y, t), (gx, gt) = both("interpolate", x, **options)
        if mode.startswith("nearest"):
            np.testing.assert_array_equal(y, t, err_msg=f"{L}, {options}")
        else:
            # a position is rounded to the digits that its size leaves
            tolerance = max(L, y.shape[2]) * np.finfo(dtype).eps * 4
            np.testing.assert_allclose(y, t, tolerance, tolerance, err_msg=f"{L}, {options}")
            np.testing.assert_allclose(gx, gt, tolerance * 10, tolerance * 10)


@pytest.mark.parametrize("factor", [2, 3, 0.5, 1.0])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_gradients_of_the_nearest(mode, factor):
    # at other factors PyTorch's own backward reads other samples than its forward
    assert_same("interpolate", np.ones((2, 3, 12)), scale_factor=float(factor), mode=mode)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("ZeroPad1d", (2,)),
        ("ConstantPad1d", ((1, 2), 3.5)),
        ("ReflectionPad1d", ((1, 2),)),
        ("ReplicationPad1d", ((3, 0),)),
        ("CircularPad1d", ((0, 2),)),
        ("Upsample", (9,)),
        ("Upsample", (None, 2.5, "linear", True)),
        ("AvgPool1d", (3, 2, 1, True, False)),
        ("AdaptiveMaxPool1d", (3,)),
        ("LPPool1d", (2, 3)),
    ],
)
def test_layers(name, args):
    x = np.random.default_rng(0).standard_normal((2, 3, 8))
    y = getattr(nn, name)(*args)(lucid.from_numpy(x))
    t = getattr(torch.nn, name)(*args)(torch.from_numpy(x))
    np.testing.assert_allclose(y.numpy(), t.numpy(), 1e-12)
