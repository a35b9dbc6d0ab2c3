"""The kernels between the convolutions: against their twins, float64, any number of threads.

And the ops that use them: what a kernel does in backward is what the formula says.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
import lucid.nn.functional as F
from lucid import _ext
from lucid._ext import numpy_twins
from lucid.autograd import grad
from lucid.ops.norm import normalized

from gradients import check_gradients

KERNELS = [numpy_twins, _ext.kernels] if _ext.COMPILED else [numpy_twins]
everywhere = pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])
both_dtypes = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-13)], ids=["float32", "float64"]
)
shapes = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 67))


def randoms(shape, *dtypes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for dtype in dtypes]


def close(ours, exact, tolerance, size=1.0):
    """Whether all differ by no more than a part of the largest, or of what was added up."""
    largest = max(np.abs(exact).max(initial=0), size)
    return ours.shape == exact.shape and np.abs(ours - exact).max(initial=0) <= tolerance * largest


# -------------------------------------------------------------------- each kernel against float64


def run_batch_norm(kernels, x, w, b, g, training=True, eps=1e-5):
    """(y, mean, var, gx, gw, gb)"""
    C = x.shape[1]
    mean, var = np.full(C, 0.25), np.full(C, 2.0)
    y, gx, gw, gb = np.empty_like(x), np.empty_like(x), np.empty_like(w), np.empty_like(b)
    with np.errstate(all="ignore"):
        kernels.batch_norm_forward(x, w, b, mean, var, y, eps, training)
        kernels.batch_norm_backward(g, x, w, mean, var, gx, gw, gb, eps, training)
    return y, mean, var, gx, gw, gb


@everywhere
@both_dtypes
@pytest.mark.parametrize("training", [True, False])
@settings(max_examples=40, deadline=None)
@given(shape=shapes)
def test_batch_norm_against_the_formula(kernels, dtype, tolerance, training, shape):
    x, g = randoms(shape, dtype, dtype)
    w, b = randoms(shape[1], dtype, dtype, seed=1)
    found = run_batch_norm(kernels, x, w, b, g, training)

    x, g, w, b = (a.astype(np.float64) for a in (x, g, w, b))
    n = shape[0] * shape[2]
    mean = x.sum((0, 2)) / n if training else np.full(shape[1], 0.25)
    var = ((x - mean[:, None]) ** 2).sum((0, 2)) / n if training else np.full(shape[1], 2.0)
    std = np.sqrt(var + 1e-5)[:, None]
    z = (x - mean[:, None]) / std
    y = z * w[:, None] + b[:, None]
    gz = g * w[:, None]
    if training:
        m = (gz.sum((0, 2)) / n)[:, None]
        gz = gz - m - z * ((gz * z).sum((0, 2)) / n)[:, None]
    gx = gz / std
    exact = (y, mean, var, gx, (g * z).sum((0, 2)), g.sum((0, 2)))
    # of one or two numbers, the gradient is a small difference of large ones
    steep = np.abs(g).max() * np.abs(w).max() / std.min()
    sizes = (1, 1, 1, 10 * steep, n, n)
    for ours, theirs, size in zip(found, exact, sizes, strict=True):
        assert close(ours, theirs, 3 * tolerance, size)


@everywhere
def test_batch_norm_far_from_zero(kernels):
    """The variance of numbers around 10,000 loses no digits to their mean."""
    x, g = randoms((8, 3, 501), np.float32, np.float32)
    x += 10_000
    w, b = np.ones(3, np.float32), np.zeros(3, np.float32)
    y, _, var, *_ = run_batch_norm(kernels, x, w, b, g)
    exact, _, var_exact, *_ = run_batch_norm(
        numpy_twins, *(a.astype(np.float64) for a in (x, w, b, g))
    )
    assert np.abs(var / var_exact - 1).max() < 1e-9
    assert np.abs(y - exact).max() < 1e-6 * np.abs(exact).max()


@everywhere
@both_dtypes
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (2, 3, 4001), (0, 3, 2), (2, 3, 0)])
def test_channel_sum(kernels, dtype, tolerance, shape):
    (x,) = randoms(shape, dtype)
    out = np.empty(shape[1], dtype)
    kernels.channel_sum(x + 100, out)
    assert close(out, (x + 100).astype(np.float64).sum((0, 2)), tolerance)


@everywhere
@both_dtypes
@pytest.mark.parametrize("n", [0, 1, 3, 8192, 20001])
def test_slopes(kernels, dtype, tolerance, n):
    g, x = randoms(n, dtype, dtype)
    if n > 2:
        x[:3] = np.nan, 0, -0.0
    exact_g, y = g.astype(np.float64), np.tanh(x)
    exact_y = y.astype(np.float64)
    for name, inner, exact in (
        ("relu_backward", x, np.where(x <= 0, 0, exact_g)),
        ("tanh_backward", y, exact_g * (1 - exact_y**2)),
        ("sigmoid_backward", y, exact_g * exact_y * (1 - exact_y)),
    ):
        out = np.empty_like(g)
        getattr(kernels, name)(g, inner, out)
        np.testing.assert_allclose(out, exact, 4 * tolerance, 4 * tolerance)


@everywhere
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh(kernels, dtype):
    """Against long doubles, over all sizes of numbers; what is not finite, too."""
    large = np.geomspace(1e-30, 80, 5001)
    x = np.concatenate([np.linspace(-80, 80, 9001), large, -large, [0.0]]).astype(dtype)
    wide = x.astype(np.longdouble)
    for name, exact in (("sigmoid", 1 / (1 + np.exp(-wide))), ("tanh", np.tanh(wide))):
        y = np.empty_like(x)
        getattr(kernels, f"{name}_forward")(x, y)
        assert (np.abs(y - exact) <= 3 * np.finfo(dtype).eps * np.abs(exact)).all(), name
    x = np.array([np.inf, -np.inf, np.nan, 1e30, -1e30, 0], dtype)
    for name, exact in (
        ("sigmoid", [1, 0, np.nan, 1, 0, 0.5]),
        ("tanh", [1, -1, np.nan, 1, -1, 0]),
    ):
        y = np.empty_like(x)
        with np.errstate(all="ignore"):
            getattr(kernels, f"{name}_forward")(x, y)
        np.testing.assert_array_equal(y, exact)
        assert not np.signbit(y[-1])


def pool_by_hand(x, K, stride, padding, dilation, T):
    """The first largest number of each window, a nan being larger than all; and its place."""
    y, places = np.zeros((*x.shape[:2], T), x.dtype), np.full((*x.shape[:2], T), -1)
    for n, c, t in np.ndindex(y.shape):
        for k in range(K):
            at = t * stride - padding + k * dilation
            if not 0 <= at < x.shape[2]:
                continue
            new, best = x[n, c, at], y[n, c, t]
            if places[n, c, t] < 0 or (not new <= best and not np.isnan(best)):
                y[n, c, t], places[n, c, t] = new, at
    return y, places


@everywhere
@both_dtypes
@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(1, 20)),
    K=st.integers(1, 6), stride=st.integers(1, 4), padding=st.integers(0, 3),
    dilation=st.integers(1, 3), seed=st.integers(0, 99),
)  # fmt: skip
def test_max_pool(kernels, dtype, tolerance, shape, K, stride, padding, dilation, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, shape).astype(dtype)  # with equal ones among them
    x[rng.random(shape) < 0.1] = np.nan
    x[rng.random(shape) < 0.1] = -np.inf
    T = max((shape[2] + 2 * padding - dilation * (K - 1) - 1) // stride + 1, 0)
    y, places = np.empty((*shape[:2], T), dtype), np.empty((*shape[:2], T), np.int64)
    kernels.max_pool_forward(x, y, places, K, stride, padding, dilation)
    expected, where = pool_by_hand(x, K, stride, padding, dilation, T)
    assert np.array_equal(places, where)
    assert np.array_equal(y, expected, equal_nan=True)

    places[places < 0] = 0
    (g,) = randoms(y.shape, dtype)
    gx = np.zeros_like(x)
    kernels.max_pool_backward(g, places, gx)
    exact = np.zeros(shape)
    for n, c, t in np.ndindex(g.shape):
        exact[n, c, places[n, c, t]] += g[n, c, t]
    assert close(gx, exact, tolerance, 10)


# ------------------------------------------------------------------------------------- threads


def all_results():
    """Something of each kernel, on arrays large enough for several threads."""
    k = _ext.kernels
    x, g = randoms((9, 37, 1203), np.float32, np.float32)
    w, b = randoms(37, np.float32, np.float32, seed=1)
    results = list(run_batch_norm(k, x, w, b, g))
    results += run_batch_norm(k, x, w, b, g, training=False)
    out = np.empty_like(w)
    k.channel_sum(x, out)
    results.append(out)
    flat, flat_g = x.ravel(), g.ravel()
    for step in (k.relu_backward, k.tanh_backward, k.sigmoid_backward):
        out = np.empty_like(flat)
        step(flat_g, flat, out)
        results.append(out)
    for step in (k.sigmoid_forward, k.tanh_forward):
        out = np.empty_like(flat)
        step(flat, out)
        results.append(out)
    y, places, gx = np.empty_like(x), np.empty(x.shape, np.int64), np.zeros_like(x)
    k.max_pool_forward(x, y, places, 3, 1, 1, 1)
    k.max_pool_backward(g, places, gx)
    p, m, v, top = flat.copy(), flat * 0, flat * 0, flat * 0
    k.adam_step(p, flat_g, m, v, top, 1.0, 0.1, 0.9, 0.9, 0.99, 0.1, 0.1, 1e-8)
    q, buffer = flat.copy(), flat.copy()
    k.sgd_step(q, flat_g, buffer, -1.0, 0.1, 0.9, 0.5, 0.1, True)
    return [*results, y, places, gx, p, m, v, top, q, buffer]


def test_threads_change_no_bit():
    before = lucid.get_num_threads()
    try:
        lucid.set_num_threads(1)
        expected = all_results()
        for threads in (2, 4):
            lucid.set_num_threads(threads)
            for ours, theirs in zip(all_results(), expected, strict=True):
                assert np.array_equal(ours, theirs)
    finally:
        lucid.set_num_threads(before)
    assert _ext.kernels.have_been_used() or not _ext.kernels.has_openmp()


# ------------------------------------------------------- the ops: their kernels and their formulas


def draw(*shape, seed=0, dtype=np.float64):
    return lucid.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def norm_of(training, running=True):
    def function(x, w, b):
        C = x.shape[1]
        stats = (lucid.full((C,), 0.3).double(), lucid.full((C,), 1.5).double())
        return F.batch_norm(x, *(stats if running else (None, None)), w, b, training)

    return function


def entropy_of(target, **options):
    return lambda x: F.cross_entropy(x, lucid.tensor(target), **options)


HARD, DENSE = np.array([0, 2, -100, 1]), np.array([[0, 1], [2, -100], [0, 0], [1, 2]])
HEAVY = lucid.tensor(np.array([0.5, 2.0, 1.5]))

OPS = {
    "batch_norm (N, C, L)": (norm_of(True), [draw(3, 2, 5), draw(2, seed=1), draw(2, seed=2)]),
    "batch_norm (N, C)": (norm_of(True), [draw(5, 3), draw(3, seed=1), draw(3, seed=2)]),
    "batch_norm, evaluation": (norm_of(False), [draw(3, 2, 5), draw(2, seed=1), draw(2, seed=2)]),
    "batch_norm, evaluation (N, C)": (norm_of(False), [draw(5, 3), draw(3, seed=1), draw(3)]),
    "batch_norm, no statistics": (norm_of(False, False), [draw(3, 2, 4), draw(2), draw(2, seed=2)]),
    "relu": (F.relu, [draw(3, 2, 5)]),
    "tanh": (F.tanh, [draw(3, 2, 5)]),
    "sigmoid": (F.sigmoid, [draw(3, 2, 5)]),
    "sigmoid ()": (F.sigmoid, [draw()]),
    "max_pool": (lambda x: F.max_pool1d(x, 3, 2, 1), [draw(2, 3, 7)]),
    "max_pool, overlapping": (lambda x: F.max_pool1d(x, 3, 1, 1, 2), [draw(2, 3, 9)]),
    "sum over all but channels": (lambda x: (x * x).sum((0, 2)), [draw(3, 2, 4)]),
    "cross_entropy": (entropy_of(HARD), [draw(4, 3)]),
    "cross_entropy, sum": (entropy_of(HARD, reduction="sum"), [draw(4, 3)]),
    "cross_entropy, none": (entropy_of(HARD, reduction="none"), [draw(4, 3)]),
    "cross_entropy (N, C, L)": (entropy_of(DENSE, weight=HEAVY), [draw(4, 3, 2)]),
    "cross_entropy, ignoring 0": (entropy_of(DENSE % 3, ignore_index=0), [draw(4, 3, 2)]),
}  # fmt: skip
each_op = pytest.mark.parametrize(("function", "inputs"), OPS.values(), ids=OPS.keys())


@each_op
def test_gradients(function, inputs):
    check_gradients(function, *inputs)


def gradients(function, inputs, create_graph):
    xs = [x.detach().requires_grad_() for x in inputs]
    y = function(*xs)
    seed = draw(*y.shape, seed=7).to(y.dtype)
    return [g.detach().numpy() for g in grad(y, xs, seed, create_graph=create_graph)]


@each_op
@both_dtypes
@pytest.mark.parametrize("layout", ["in order", "transposed"])
def test_kernel_and_formula_agree(function, inputs, dtype, tolerance, layout):
    xs = [x.to(lucid.float32 if x.ndim > 1 else x.dtype) for x in inputs]
    if len(inputs) > 1 or dtype is np.float64:  # batch norm's statistics above are float64
        xs = inputs
    if layout == "transposed" and inputs[0].ndim > 1:
        xs = [lucid.tensor(xs[0].numpy().T.copy()).T, *xs[1:]]
        assert not xs[0].is_contiguous() or 1 in xs[0].shape
    kernel, formula = gradients(function, xs, False), gradients(function, xs, True)
    for ours, theirs in zip(kernel, formula, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, 10 * tolerance, 10 * tolerance)


def test_batch_norm_in_float32_agrees_with_its_formula():
    x, w, b = draw(4, 3, 50).float(), draw(3, seed=1).float(), draw(3, seed=2).float()

    def function(x, w, b):
        return F.batch_norm(x, None, None, w, b, True)

    pairs = zip(
        gradients(function, (x, w, b), False), gradients(function, (x, w, b), True), strict=True
    )
    for ours, theirs in pairs:
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, 1e-5, 1e-5)


def test_statistics_may_want_gradients():
    x, mu, variance = draw(3, 2, 4), draw(2, seed=1), draw(2, seed=2).abs() + 0.5
    w, b = draw(2, seed=3), draw(2, seed=4)
    check_gradients(lambda x, mu, v: F.batch_norm(x, mu, v, w, b), x, mu, variance)
    expected = normalized(x, mu, variance, w, b, 1e-5).numpy()
    np.testing.assert_allclose(F.batch_norm(x, mu, variance, w, b).numpy(), expected, 1e-12)


def test_batch_norm_notices_a_change_of_its_input():
    x = draw(3, 2, 4).requires_grad_() * 1
    y = F.batch_norm(x, None, None, training=True)
    with lucid.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="backward of BatchNorm needs input 0"):
        y.sum().backward()


def test_evaluation_remembers_the_statistics_it_used():
    x, mu, variance = draw(3, 2, 4).requires_grad_(), draw(2), lucid.ones(2).double()
    F.batch_norm(x, mu, variance).sum().backward()
    expected = x.grad.numpy().copy()
    x.grad = None
    y = F.batch_norm(x, mu, variance)
    mu.fill_(5), variance.fill_(9)
    y.sum().backward()
    assert np.array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("shape", [(0, 3, 5), (4, 3, 0), (0, 3)])
def test_batch_norm_of_nothing(shape):
    x, w = lucid.zeros(*shape, requires_grad=True), lucid.ones(3, requires_grad=True)
    y = F.batch_norm(x, None, None, w, training=True)
    assert y.shape == shape
    y.sum().backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_of_large_and_special_numbers(dtype):
    x = np.array([-np.inf, -1e30, -800, -90, -20, 0, 20, 90, 800, 1e30, np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        exact = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    ours = F.sigmoid(lucid.tensor(x)).numpy()
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, exact.astype(dtype), 1e-6, np.finfo(dtype).tiny)


def test_an_ignored_sample_is_not_looked_at():
    scores = lucid.tensor([[np.nan, 1.0], [1.0, 2.0]])
    loss = F.cross_entropy(scores, lucid.tensor([-100, 1]))
    assert np.isclose(loss.item(), np.log1p(np.exp(-1)))


# ------------------------------------------------------------------------------- optimizers' steps


ADAM = [
    {"decay": 0.0, "shrink": 1.0}, {"decay": 0.1, "shrink": 1.0}, {"decay": 0.0, "shrink": 0.9},
]  # fmt: skip


@both_dtypes
@pytest.mark.parametrize("options", ADAM)
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("n", [0, 1, 7, 5001])
def test_adam_step(dtype, tolerance, options, sign, amsgrad, n):
    (p,) = randoms(n, dtype)
    sides = []
    for kernels in (numpy_twins, _ext.kernels):
        state = [p.copy(), np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)]
        for t in range(1, 6):
            (g,) = randoms(n, dtype, seed=t)
            kernels.adam_step(
                state[0], g, state[1], state[2], state[3] if amsgrad else None, sign,
                options["decay"], options["shrink"], 0.9, 0.99, 0.01 / (1 - 0.9**t),
                np.sqrt(1 - 0.99**t), 1e-8,
            )  # fmt: skip
        sides.append(state)
    for ours, theirs in zip(*sides, strict=True):
        np.testing.assert_allclose(ours, theirs, 10 * tolerance, 10 * tolerance)


@both_dtypes
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("momentum", "new", "nesterov"),
    [(None, 1.0, False), (0.9, 1.0, False), (0.9, 0.5, False), (0.9, 1.0, True)],
)
def test_sgd_step(dtype, tolerance, sign, decay, momentum, new, nesterov):
    (p,) = randoms(5001, dtype)
    sides = []
    for kernels in (numpy_twins, _ext.kernels):
        ours, buffer = p.copy(), np.zeros_like(p)
        for t in range(5):
            (g,) = randoms(5001, dtype, seed=t)
            kernels.sgd_step(
                ours, g, None if momentum is None else buffer, sign, decay, momentum or 0.0, new,
                0.1, nesterov,
            )  # fmt: skip
        sides.append((ours, buffer))
    for ours, theirs in zip(*sides, strict=True):
        np.testing.assert_allclose(ours, theirs, 10 * tolerance, 10 * tolerance)


@everywhere
def test_steps_leave_out_what_is_switched_off(kernels):
    """0 * inf is nan: a decay of 0 must not look at the parameter."""
    p, m, v = (np.full(3, fill, np.float32) for fill in (np.inf, 0, 0))
    g = np.ones(3, np.float32)
    kernels.adam_step(p, g, m, v, None, 1.0, 0.0, 1.0, 0.9, 0.99, 0.1, 1.0, 1e-8)
    assert np.isfinite(m).all()
    buffer = np.zeros(3, np.float32)
    kernels.sgd_step(p, g, buffer, 1.0, 0.0, 0.9, 1.0, 0.1, False)
    assert np.isfinite(buffer).all()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (lucid.optim.Adam, {"weight_decay": 0.1, "amsgrad": True}),
        (lucid.optim.AdamW, {"maximize": True}),
        (lucid.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (lucid.optim.SGD, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ],
)
def test_parameters_in_another_order_in_memory(kind, options):
    """A transposed parameter is changed itself, not a copy of it."""
    start = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    plain = lucid.tensor(start).requires_grad_()
    turned = lucid.tensor(start.T.copy()).T.detach().requires_grad_()
    for p in (plain, turned):
        optimizer = kind([p], lr=0.1, **options)
        for _ in range(3):
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()
    assert not turned.is_contiguous()
    np.testing.assert_allclose(turned.detach().numpy(), plain.detach().numpy(), 1e-5, 1e-6)


@pytest.mark.parametrize("kind", [lucid.optim.Adam, lucid.optim.AdamW, lucid.optim.SGD])
def test_a_parameter_of_one_number(kind):
    p = lucid.tensor(2.0, requires_grad=True)
    (p * p).backward()
    kind([p], lr=0.1).step()
    assert p.shape == ()
    assert p.item() < 2


def test_a_hook_may_return_a_gradient_of_another_dtype():
    for function in (F.relu, lambda x: F.batch_norm(x, None, None, training=True)):
        x = draw(3, 2, 4).float().requires_grad_()
        y = function(x)
        y.register_hook(lambda g: g.double())
        (y * y).sum().backward()
        assert x.grad.dtype is lucid.float32


# --------------------------------------------------------------------- sums and products of arrays


@everywhere
@both_dtypes
@pytest.mark.parametrize("n", [0, 1, 8191, 8193, 250_001])
def test_sums_and_products_are_numpys_to_the_last_bit(kernels, dtype, tolerance, n):
    a, b = randoms(n, dtype, dtype)
    with np.errstate(all="ignore"):
        a, b = a / np.roll(b, 1).clip(0), b / np.roll(a, 2).clip(0)  # some infinite, some nan
    for kernel, ufunc in ((kernels.add, np.add), (kernels.mul, np.multiply)):
        out = np.full_like(a, 7)
        with np.errstate(all="ignore"):
            kernel(a, b, out)
            expected = ufunc(a, b)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("op", [np.add, np.multiply], ids=lambda op: op.__name__)
def test_long_operands_of_any_layout_and_dtype(op):
    shape = (4, 128, 300)
    a, b = randoms(shape, np.float32, np.float32)
    pairs = [
        (a, b), (a, b.astype(np.float64)), (a, b[:, :1]), (a[:, :, ::-1], b), (a, b[0, 0, 0]),
        (a.transpose(0, 2, 1), b.transpose(0, 2, 1)), ((a * 9).astype(int), (b * 9).astype(int)),
    ]  # fmt: skip
    for x, y in pairs:
        u, v = lucid.from_numpy(x), lucid.from_numpy(np.asarray(y))
        out = u + v if op is np.add else u * v
        np.testing.assert_array_equal(out.numpy(), op(x, y))
