"""Ops that formulas and data call by name: against NumPy, by finite differences, and by algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid

from gradients import check_gradients

NAN, INF = math.nan, math.inf


def array(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)


def positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.3, 0.9, shape)


A, B, C, P = array(2, 3), array(2, 3, seed=1), array(2, 3, 4, seed=2), positive(2, 3)
HOLES = np.array([[1.5, NAN, -0.5], [NAN, 2.0, 0.25]])
PLACES = np.array([[2, 0, 2], [1, 1, 0]])  # named twice
ONCE = np.array([[2, 0], [1, 2]])


def erf(x):
    return np.vectorize(math.erf)(x)


def scattered(x, places, source, add=False):
    out = x.copy()
    for i, row in enumerate(places):
        for j, place in enumerate(row):
            out[i, place] = source[i, j] + (out[i, place] if add else 0)
    return out


# name: (the op, the same in NumPy, the inputs)
CASES = {
    "tan": (lucid.tan, np.tan, [P]),
    "asin": (lucid.asin, np.arcsin, [A / 3]),
    "acos": (lucid.acos, np.arccos, [A / 3]),
    "atan": (lucid.atan, np.arctan, [A]),
    "sinh": (lucid.sinh, np.sinh, [A]),
    "cosh": (lucid.cosh, np.cosh, [A]),
    "erf": (lucid.erf, erf, [np.array([0.0, 0.1, -0.49999, 0.50001, -1.7, 3.0])]),
    "erfc": (lucid.erfc, lambda x: np.vectorize(math.erfc)(x), [A]),
    "exp2": (lucid.exp2, np.exp2, [A]),
    "frac": (lucid.frac, lambda x: x - np.trunc(x), [A]),
    "sinc": (lucid.sinc, np.sinc, [np.array([0.0, 0.001, -0.015, 0.017, 0.4, 2.3])]),
    "logit": (lucid.logit, lambda x: np.log(x / (1 - x)), [P]),
    "logit, eps": (
        lambda x: lucid.logit(x, 0.4), lambda x: np.log(1 / (1 / np.clip(x, 0.4, 0.6) - 1)), [P]
    ),
    "hypot": (lucid.hypot, np.hypot, [A, array(3, seed=1)]),
    "logaddexp": (lucid.logaddexp, np.logaddexp, [A, array(3, seed=1)]),
    "xlogy": (lucid.xlogy, lambda x, y: x * np.log(y), [A, P]),
    "lerp": (lucid.lerp, lambda a, b, w: a + w * (b - a), [A, B, P]),
    "lerp, number": (lambda a, b: lucid.lerp(a, b, 0.25), lambda a, b: 0.75 * a + 0.25 * b, [A, B]),
    "addcmul": (
        lambda a, b, c: lucid.addcmul(a, b, c, value=0.5),
        lambda a, b, c: a + 0.5 * b * c,
        [A, B, P],
    ),
    "addcdiv": (
        lambda a, b, c: a.addcdiv(b, c, value=2), lambda a, b, c: a + 2 * b / c, [A, B, P]
    ),
    "nan_to_num": (lambda x: x.nan_to_num(1.0), lambda x: x, [A]),
    "nansum": (lambda x: lucid.nansum(x, 1), lambda x: x.sum(1), [A]),
    "nanmean": (lambda x: lucid.nanmean(x, (0, 1)), np.mean, [A]),
    "cumprod": (lambda x: x.cumprod(2), lambda x: x.cumprod(2), [C]),
    "cumprod, zeros": (
        lambda x: x.cumprod(0), np.cumprod, [np.array([2.0, 0.0, 3.0, 0.0, 5.0, 7.0, 1.5])]
    ),
    "diff": (lucid.diff, np.diff, [C]),
    "diff, twice": (lambda x: x.diff(2, 1), lambda x: np.diff(x, 2, 1), [C]),
    "diff, with ends": (
        lambda x, y: x.diff(dim=0, prepend=y, append=y),
        lambda x, y: np.diff(x, axis=0, prepend=y, append=y),
        [A, B],
    ),
    "median": (lambda x: x.median(1).values, lambda x: np.sort(x, 1)[:, 1], [A]),
    "median, all": (lucid.median, lambda x: np.sort(x.ravel())[2], [A]),
    "quantile": (lambda x: x.quantile(0.3), lambda x: np.quantile(x, 0.3), [A]),
    "quantile, dim": (
        lambda x: x.quantile(lucid.tensor([0.125, 0.5, 1.0]), 1, keepdim=True),
        lambda x: np.quantile(x, [0.125, 0.5, 1.0], 1, keepdims=True),
        [C],
    ),
    "dot": (lucid.dot, np.dot, [A[0], B[1]]),
    "mv": (lucid.mv, np.dot, [A, B[1]]),
    "outer": (lucid.outer, np.outer, [A[0], C[0, 0]]),
    "diag": (lambda x: x.diag(1), lambda x: np.diag(x, 1), [A]),
    "diag, of a vector": (lambda x: x.diag(-2), lambda x: np.diag(x, -2), [A[0]]),
    "diagonal": (
        lambda x: x.diagonal(-1, 2, 1), lambda x: np.diagonal(x, -1, 2, 1), [C]
    ),
    "trace": (lucid.trace, np.trace, [A]),
    "scatter": (
        lambda x, s: x.scatter(1, lucid.tensor(ONCE), s),
        lambda x, s: scattered(x, ONCE, s),
        [A, B],
    ),
    "scatter, twice": (
        lambda x, s: x.scatter(1, lucid.tensor(PLACES), s),
        lambda x, s: scattered(x, PLACES, s),
        [A, B],
    ),
    "scatter_add": (
        lambda x, s: x.scatter_add(1, lucid.tensor(PLACES), s),
        lambda x, s: scattered(x, PLACES, s, add=True),
        [A, B],
    ),
    "index_add": (
        lambda x, s: x.index_add(1, lucid.tensor([2, 0, 2]), s, alpha=3),
        lambda x, s: x + 3 * np.stack([s[:, 1], 0 * s[:, 1], s[:, 0] + s[:, 2]], 1),
        [C, array(2, 3, 4, seed=5)],
    ),
    "hstack": (lambda a, b: lucid.hstack([a, b]), lambda a, b: np.hstack([a, b]), [A, C[:, :, 0]]),
    "vstack": (lambda a, b: lucid.vstack([a, b]), lambda a, b: np.vstack([a, b]), [A, B[0]]),
    "meshgrid": (
        lambda a, b: lucid.stack(lucid.meshgrid(a, b)),
        lambda a, b: np.stack(np.meshgrid(a, b, indexing="ij")),
        [A[0], C[0, 0]],
    ),
    "meshgrid, xy": (
        lambda a, b: lucid.stack(lucid.meshgrid([a, b], indexing="xy")),
        lambda a, b: np.stack(np.meshgrid(a, b)),
        [A[0], C[0, 0]],
    ),
    "broadcast_to": (
        lambda x: lucid.broadcast_to(x, (4, 2, 3)), lambda x: np.broadcast_to(x, (4, 2, 3)), [A]
    ),
    "broadcast_tensors": (
        lambda a, b: lucid.stack(lucid.broadcast_tensors(a, b)),
        lambda a, b: np.stack(np.broadcast_arrays(a, b)),
        [A, A[0]],
    ),
}  # fmt: skip
NO_GRADIENT = {
    "bernoulli", "bincount", "bitwise_xor", "bucketize", "count_nonzero", "hamming_window",
    "hann_window", "histc", "isin", "logical_xor", "multinomial", "new_empty", "new_full",
    "new_ones", "new_tensor", "new_zeros", "nonzero", "normal", "searchsorted", "unique",
}  # fmt: skip
TESTED = {name.partition(",")[0] for name in CASES} | NO_GRADIENT


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    op, expected, arrays = CASES[name]
    out = op(*[lucid.tensor(a) for a in arrays])
    np.testing.assert_allclose(out.numpy(), expected(*arrays), 1e-12, 1e-12)
    check_gradients(op, *[lucid.tensor(a) for a in arrays])
    small = op(*[lucid.tensor(a.astype(np.float32)) for a in arrays])
    assert small.dtype is lucid.float32
    np.testing.assert_allclose(small.numpy(), expected(*arrays), 1e-4, 1e-4)


ERFC = {  # in 40 digits, by mpmath 1.4.1, rounded to 20
    -3: 1.9999779095030014146,
    -0.5: 1.5204998778130465377,
    0.25: 0.72367360983176306701,
    1.25: 0.077099871743541769863,
    5: 1.5374597944280348502e-12,
    10: 2.088487583762544757e-45,
    20: 5.3958656116079009289e-176,
    26: 5.6631924088561428465e-296,
}


def test_error_functions_against_more_digits_than_a_float64_has():
    for dtype, eps in ((lucid.float64, 2.0**-52), (lucid.float32, 2.0**-23)):
        for x, exact in ERFC.items():
            if exact > np.finfo(dtype.numpy).tiny:
                number = lucid.tensor(float(x), dtype=dtype)
                assert lucid.erfc(number).item() == pytest.approx(exact, rel=2 * eps, abs=0)
                assert lucid.erf(number).item() == pytest.approx(1 - exact, rel=2 * eps, abs=0)


@pytest.mark.parametrize(("dtype", "most"), [(np.float64, 26.5), (np.float32, 9.1)])
def test_error_functions_to_the_last_digits(dtype, most):
    x = np.concatenate(
        [
            np.linspace(-most, most, 5001),
            10 ** np.linspace(-37, 0, 200),
            [0.0, -0.0, INF, -INF, NAN],
        ]
    ).astype(dtype)
    for op, exact in ((lucid.erf, math.erf), (lucid.erfc, math.erfc)):
        found = op(lucid.from_numpy(x)).numpy()
        expected = np.array([exact(v) for v in x.astype(np.float64)])
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, np.finfo(dtype).eps)


def test_logit_where_it_crosses_zero():
    # ln((1/2 + d) / (1/2 - d)) = 2 artanh(2 d)
    d = np.concatenate([-(2.0 ** -np.arange(2, 50)), 2.0 ** -np.arange(2, 50), [0.2, 0.3]])
    d = (0.5 + d) - 0.5
    found = lucid.logit(lucid.from_numpy(0.5 + d)).numpy()
    np.testing.assert_allclose(found, 2 * np.arctanh(2 * d), 1e-15)
    p = lucid.tensor([0.0, 1.0, -0.1, 1.5, 0.25], requires_grad=True)
    p.logit().sum().backward()
    np.testing.assert_array_equal(p.grad.numpy(), np.float32([INF, INF, NAN, NAN, 1 / 0.1875]))


def test_hypot_of_tiny_and_of_huge_numbers():
    for scale in (2.0**-149, 1e-40, 1e-30, 1e38):
        a = lucid.tensor([3 * scale / 2.0, 0.0], requires_grad=True)
        b = lucid.tensor([4 * scale / 2.0, scale], requires_grad=True)
        lucid.hypot(a, b).sum().backward()
        sides = np.stack([a.detach().numpy(), b.detach().numpy()]).astype(np.float64)
        slopes = sides / np.hypot(*sides)
        rounding = max(1e-6, 2.0**-149 / sides[1].min())  # denormal numbers have few digits
        np.testing.assert_allclose(np.stack([a.grad, b.grad]), slopes, rounding)


def test_digits_are_kept_where_numbers_are_small():
    x = np.array([1e-300, 1e-12, 1e-3, 0.3, 0.7, 5.0])
    np.testing.assert_allclose(lucid.sinh(lucid.tensor(x)).numpy(), np.sinh(x), 1e-15)
    assert lucid.hypot(lucid.tensor(3e300, dtype=lucid.float64), 4e300).item() == pytest.approx(
        5e300
    )
    assert lucid.logaddexp(lucid.tensor(-1e4), lucid.tensor(-INF)).item() == -1e4


def test_whole_numbers_are_made_floats_first():
    for name in ("sinh", "cosh", "tan", "erf", "exp2"):
        for dtype in (lucid.uint8, lucid.int64, lucid.bool):
            x = lucid.tensor([0, 1, 3]).to(dtype)
            op = getattr(lucid, name)
            np.testing.assert_array_equal(op(x).numpy(), op(x.float()).numpy())


def test_special_numbers():
    x = lucid.tensor([NAN, INF, -INF, 1.0])
    assert x.nan_to_num(5.0, 6.0, -7.0).tolist() == [5, 6, -7, 1]
    assert x.nan_to_num()[1].item() == np.finfo(np.float32).max
    assert lucid.nan_to_num(lucid.tensor([1, 2])).tolist() == [1, 2]
    zero = lucid.zeros(4)
    assert lucid.xlogy(zero, lucid.tensor([0.0, -1.0, INF, 2.0])).tolist() == [0, 0, 0, 0]
    assert lucid.xlogy(zero[0], NAN).isnan()
    x0 = lucid.zeros(3, requires_grad=True)
    y0 = lucid.tensor([INF, 0.0, 2.0], requires_grad=True)
    lucid.xlogy(x0, y0).sum().backward()  # in x the slope is ln(y), in y it is x / y
    assert x0.grad.tolist() == [INF, 0, pytest.approx(math.log(2))]
    assert y0.grad.tolist() == [0, 0, 0]
    assert lucid.erf(x).tolist()[1:3] == [1, -1]
    assert lucid.erf(x)[0].isnan()
    assert lucid.logit(lucid.tensor([0.0, 1.0])).tolist() == [-INF, INF]
    corner = lucid.zeros(2, requires_grad=True)
    lucid.hypot(corner, lucid.zeros(2)).sum().backward()
    assert corner.grad.isnan().all()  # no direction is that of the corner


def test_holes():
    x = lucid.tensor(HOLES, requires_grad=True)
    assert lucid.nansum(x, 1).tolist() == [1.0, 2.25]
    assert x.nanmean(0).tolist() == [1.5, 2.0, -0.125]
    assert lucid.nanmean(lucid.tensor([NAN])).isnan()
    x.nanmean().backward()
    assert x.grad.tolist() == [[0.25, 0, 0.25], [0, 0.25, 0.25]]


def test_the_middle_with_ties_and_holes():
    x = lucid.tensor([[2.0, 1.0, 2.0, 0.0], [NAN, 1.0, 5.0, NAN]])
    values, indices = x.median(1, keepdim=True)
    assert values.shape == indices.shape == (2, 1)
    assert values[0].item() == 1
    assert indices.tolist() == [[1], [0]]
    assert values[1].isnan().item()
    assert x.median().isnan().item()
    assert lucid.tensor([4, 1, 3]).median().item() == 3
    assert lucid.tensor(3.0).median(0) == (lucid.tensor(3.0), lucid.tensor(0))


@pytest.mark.parametrize("way", ["linear", "lower", "higher", "nearest", "midpoint"])
def test_quantiles_of_all_kinds(way):
    q = lucid.tensor([0.0, 0.2, 0.5, 0.61, 1.0], dtype=lucid.float64)
    for dim in (None, 0, -1):
        ours = lucid.tensor(C).quantile(q, dim, interpolation=way)
        np.testing.assert_allclose(ours.numpy(), np.quantile(C, q.numpy(), dim, method=way), 1e-12)
    ends = lucid.tensor([INF, -INF, 1.0])
    assert ends.quantile(0.5, interpolation=way).item() == 1
    assert ends.quantile(1.0, interpolation=way).item() == INF
    holes = lucid.tensor(HOLES).quantile(0.5, 1, keepdim=True, interpolation=way)
    assert holes.shape == (2, 1)
    assert holes.isnan().all()
    assert lucid.tensor(C).quantile(q[:2], keepdim=True, interpolation=way).shape == (2, 1, 1, 1)


def test_counts():
    x = lucid.tensor([[0, 3, 1], [3, 3, 0]])
    assert x.count_nonzero().item() == 4
    assert lucid.count_nonzero(x, 0).tolist() == [1, 2, 1]
    assert x.nonzero().tolist() == np.argwhere(x.numpy()).tolist()
    assert lucid.equal(x[x.nonzero(as_tuple=True)], x[x != 0])
    assert lucid.tensor(5).nonzero().shape == (1, 0)
    flat = x.flatten()
    assert flat.bincount().tolist() == [2, 1, 0, 3]
    assert flat.bincount(minlength=6).dtype is lucid.int64
    weights = lucid.tensor([0.5, 1, 2, 4, 8, 16])
    assert lucid.bincount(flat, weights).tolist() == [16.5, 2, 0, 13]
    assert lucid.bincount(flat, weights).dtype is lucid.float32
    assert lucid.bincount(lucid.zeros(0).long()).tolist() == []
    values = lucid.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 7.0])
    assert values.histc(4, 0, 2).tolist() == [1, 1, 1, 2]
    assert values.histc(7).tolist() == [2, 2, 1, 0, 0, 0, 1]
    assert lucid.ones(3).histc(2).tolist() == [0, 3]
    # equal limits: those of the numbers; of equal numbers, the middle
    assert values.histc(7, 3, 3).tolist() == values.histc(7).tolist()
    for number in (1.0, 1e17, -1e30):
        assert lucid.full((3,), number).histc(4, 2, 2).tolist() == [0, 0, 3, 0]
    assert lucid.isin(x, lucid.tensor([0, 1])).tolist() == [
        [True, False, True],
        [False, False, True],
    ]


def test_the_different_numbers():
    x = lucid.tensor([[3, 1, 3], [2, 1, 3]])
    found, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    assert found.tolist() == [1, 2, 3]
    assert lucid.equal(found[inverse], x)
    assert counts.tolist() == [2, 1, 3]
    rows, which = lucid.tensor([[1, 2], [0, 5], [1, 2]]).unique(dim=0, return_inverse=True)
    assert rows.tolist() == [[0, 5], [1, 2]]
    assert which.tolist() == [1, 0, 1]
    assert lucid.tensor([NAN, NAN]).unique().shape == (2,)
    assert lucid.tensor(4).unique().tolist() == [4]


def test_where_numbers_would_be_put_in():
    row = lucid.tensor([1.0, 3.0, 3.0, 7.0])
    x = lucid.tensor([[0.0, 3.0], [7.0, 9.0]])
    assert lucid.searchsorted(row, x).tolist() == [[0, 1], [3, 4]]
    assert lucid.searchsorted(row, x, right=True).tolist() == [[0, 3], [4, 4]]
    assert lucid.bucketize(3.0, row).item() == 1
    rows = lucid.stack([row, row * 2])
    assert lucid.searchsorted(rows, x).tolist() == [[0, 1], [3, 3]]


def test_logic_bit_by_bit():
    a, b = lucid.tensor([0, 1, 6]), lucid.tensor([0, 3, 3])
    assert (a ^ b).tolist() == [0, 2, 5]
    assert (1 ^ b).tolist() == [1, 2, 2]
    assert lucid.logical_xor(a, b).tolist() == [False, False, False]
    assert a.logical_xor(0).tolist() == [False, True, True]


def test_pieces_are_put_back():
    x = lucid.tensor(A)
    index = lucid.tensor(ONCE)
    assert lucid.equal(
        lucid.zeros_like(x).scatter(1, index, 1.0).gather(1, index), lucid.ones(2, 2)
    )
    assert lucid.equal(x.scatter(1, index, x.gather(1, index)), x)
    assert lucid.equal(x.cumprod(1)[:, -1], x.prod(1))
    whole = x.diff(dim=1, prepend=lucid.zeros(2, 1).double()).cumsum(1)
    np.testing.assert_allclose(whole.numpy(), A, 1e-14)
    assert lucid.equal(x[0].diag().diag(), x[0])
    assert lucid.tensor([True, False]).cumprod(0).tolist() == [1, 0]
    assert lucid.tensor(2.0).cumprod(0).item() == 2
    assert lucid.zeros(0).cumprod(0).shape == lucid.zeros(0).diff().shape == (0,)
    assert lucid.arange(3).diff(n=5).shape == (0,)
    assert lucid.tensor([True, False, False, True]).diff().tolist() == [True, False, True]


def test_windows_add_up():
    for window in (lucid.hann_window(8), lucid.hamming_window(8, alpha=0.5, beta=0.25)):
        np.testing.assert_allclose((window[:4] + window[4:]).numpy(), 1, 1e-6)
    assert lucid.hann_window(5, periodic=False).tolist() == pytest.approx([0, 0.5, 1, 0.5, 0])
    np.testing.assert_allclose(lucid.hamming_window(9, False).numpy(), np.hamming(9), 1e-6)
    assert lucid.hann_window(1).tolist() == [1]
    assert lucid.hann_window(0).shape == (0,)
    assert lucid.hann_window(3, dtype="float64", requires_grad=True).requires_grad


def test_draws_have_their_probabilities():
    stream = lucid.Generator().manual_seed(0)
    p = lucid.tensor([0.0, 0.3, 1.0]).expand(4000, 3)
    drawn = lucid.bernoulli(p, generator=stream)
    np.testing.assert_allclose(drawn.mean(0).numpy(), [0, 0.3, 1], atol=0.03)
    weights = lucid.tensor([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    places = lucid.multinomial(weights, 4000, replacement=True, generator=stream)
    for row, w in zip(places.unbind(), weights.unbind(), strict=True):
        parts = row.bincount(minlength=3) / 4000
        np.testing.assert_allclose(parts.numpy(), (w / w.sum()).numpy(), atol=0.03)
    once = lucid.multinomial(lucid.ones(5), 5, generator=stream)
    assert sorted(once.tolist()) == [0, 1, 2, 3, 4]
    x = lucid.normal(
        lucid.tensor([0.0, 10.0]), lucid.tensor([1.0, 0.1]).expand(4000, 2), generator=stream
    )
    np.testing.assert_allclose(x.mean(0).numpy(), [0, 10], atol=0.06)
    np.testing.assert_allclose(x.std(0).numpy(), [1, 0.1], rtol=0.05)
    assert lucid.normal(1.0, 2.0, (3, 4)).shape == (3, 4)
    assert lucid.normal(1.0, 2.0, 3).shape == (3,)
    assert lucid.normal(lucid.zeros(2).double(), 1.0).dtype is lucid.float64


def test_weights_of_any_size_can_be_drawn_by():
    stream = lucid.Generator().manual_seed(0)
    huge = lucid.tensor([1e308, 1.5e308, 0.5e308], dtype=lucid.float64)  # whose sum is inf
    drawn = lucid.multinomial(huge, 4000, True, generator=stream).bincount(minlength=3) / 4000
    np.testing.assert_allclose(drawn.numpy(), np.array([2, 3, 1]) / 6, atol=0.03)
    unlike = lucid.tensor([1e-300, 1e300, 0.0], dtype=lucid.float64)  # whose quotient is 0
    assert lucid.multinomial(unlike, 2, generator=stream).tolist() == [1, 0]
    single = lucid.tensor([1e-40, 3e38, 1.0, 3e38])
    assert set(lucid.multinomial(single, 50, True, generator=stream).tolist()) == {1, 3}


def test_draws_repeat_with_their_seed():
    def draw():
        lucid.manual_seed(3)
        p = lucid.full((20,), 0.5)
        return [lucid.bernoulli(p), lucid.multinomial(p, 9), lucid.normal(p, 1.0)]

    assert all(lucid.equal(a, b) for a, b in zip(draw(), draw(), strict=True))


def test_new_tensors_take_the_dtype():
    x = lucid.tensor([1, 2], dtype=lucid.int32)
    assert x.cpu() is x
    assert x.new_zeros(2, 3).tolist() == [[0] * 3] * 2
    assert x.new_ones((2,)).dtype is lucid.int32
    assert x.new_full((1, 2), 5).tolist() == [[5, 5]]
    assert x.new_empty(4, dtype=lucid.float64).dtype is lucid.float64
    assert x.new_tensor([1.5]).tolist() == [1]
    assert x.double().new_tensor(x, requires_grad=True).requires_grad
