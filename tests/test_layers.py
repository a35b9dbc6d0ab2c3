"""The layers other than convolution.

Values are compared with NumPy definitions written to be obvious, derivatives with finite
differences.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

from gradients import check_gradients


def randn(*shape):
    return lucid.randn(*shape, dtype="float64")


def assert_close(got, expected, tolerance=1e-12):
    got = got.detach().numpy()
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got, expected, tolerance, tolerance)


# --------------------------------------------------------------------------------------- linear


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias):
    layer = nn.Linear(4, 3, bias=bias, dtype="float64")
    x, w = randn(*shape), layer.weight.tolist()
    b = layer.bias.tolist() if bias else [0, 0, 0]
    expected = np.empty((*shape[:-1], 3))
    for place in np.ndindex(*shape[:-1]):
        for o in range(3):
            expected[(*place, o)] = b[o] + sum(w[o][i] * x[(*place, i)].item() for i in range(4))
    assert_close(layer(x), expected)
    assert (layer.bias is None) is not bias
    assert len(list(layer.parameters())) == 1 + bias


def test_linear_gradients():
    check_gradients(F.linear, randn(2, 3, 4), randn(2, 4), randn(2))
    check_gradients(F.linear, randn(4), randn(2, 4))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d, (4, 3, 9)),
        (nn.LazyConv1d, (4, 3, 9)),
        (nn.ConvTranspose1d, (4, 3, 9)),
        (nn.Linear, (4, 3)),
        (nn.LazyLinear, (4, 3)),
        (nn.BatchNorm1d, (4, 3, 9)),
        (nn.LazyInstanceNorm1d, (4, 3, 9)),
        (nn.LayerNorm, (4, 3)),
        (nn.LSTM, (4, 2, 3)),
    ],
)
def test_an_array_of_another_dtype_is_cured_in_one_step(layer, shape):
    sizes = {"Conv1d": (3, 2, 3), "LazyConv1d": (2, 3), "ConvTranspose1d": (3, 2, 3)}
    sizes |= {"Linear": (3, 2), "LazyLinear": (2,), "LazyInstanceNorm1d": (), "LSTM": (3, 2)}
    for dtype, wrong, step in [("float32", "float64", "float"), ("float64", "float32", "double")]:
        made = layer(*sizes.get(layer.__name__, (3,)), dtype=dtype)
        for kind in (wrong, "int64", "uint8"):
            x = np.random.default_rng(0).integers(0, 9, shape).astype(kind)
            with pytest.raises(TypeError, match=f"got a NumPy array of {kind}\n") as caught:
                made(x)
            cure = f"lucid.from_numpy(x).{step}()"
            assert str(caught.value).endswith(f"\n  try: {cure}")
            made(eval(cure, {"lucid": lucid, "x": x}))
        with pytest.raises(TypeError, match=r"\n  try: lucid.from_numpy\(x\)$"):
            made(np.zeros(shape, dtype))


def test_an_array_given_to_a_layer_without_parameters():
    with pytest.raises(TypeError, match=r"got ndarray\n  try: lucid.from_numpy\(x\)$"):
        nn.ReLU()(np.zeros(3))
    with pytest.raises(TypeError, match=r"got list\n  try: lucid.tensor\(...\), or give"):
        nn.ReLU()([1.0])


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("flatten", [nn.Flatten(), lambda x: x.flatten(1)])
def test_a_flattened_signal_of_another_length_is_to_be_pooled(grad, flatten):
    conv, pool, head = nn.Conv1d(3, 16, 5), nn.MaxPool1d(2), nn.LazyLinear(9)
    head(flatten(pool(conv(lucid.zeros(4, 3, 30)))))
    x = pool(conv(lucid.zeros(4, 3, 64)))
    what = "x was flattened: 16 channels of length 30, where 13 were expected"
    with lucid.set_grad_enabled(grad), pytest.raises(lucid.ShapeError, match=what) as caught:
        head(flatten(x))
    assert str(caught.value).endswith("\n  try: nn.AdaptiveAvgPool1d(13), nn.Flatten()")
    assert "LazyLinear(" not in str(caught.value)
    assert head(flatten(nn.AdaptiveAvgPool1d(13)(x))).shape == (4, 9)
    with pytest.raises(lucid.ShapeError, match=r"try: nn.LazyLinear\(out_features=9\)$"):
        head(flatten(lucid.zeros(4, 3, 50)))  # 208 features are not those of 3 channels
    with pytest.raises(lucid.ShapeError, match=r"try: in_features=24$"):
        nn.Linear(32, 9)(lucid.zeros(4, 24))


def test_linear_errors():
    layer = nn.Linear(2, 3)
    with pytest.raises(lucid.ShapeError, match=r"Linear expected 2 features .* got \(4, 3\)"):
        layer(lucid.zeros(4, 3))
    with pytest.raises(lucid.ShapeError, match="this Linear has in_features=2, given at construc"):
        layer(lucid.tensor(1.0))
    with pytest.raises(
        TypeError, match=r"got float64 for input and float32 for weight\n  try: x\."
    ):
        layer(randn(4, 2))
    with pytest.raises(TypeError, match=r"float32 or float64 input, got int64\n  try: x.float\(\)"):
        layer(lucid.zeros(4, 2).long())
    with pytest.raises(TypeError, match=r"got a NumPy array of float64\n  try: .*_numpy\(x\)"):
        layer(np.zeros((4, 2)))
    x, w = lucid.zeros(4, 2), lucid.zeros(3, 2)
    with pytest.raises(lucid.ShapeError, match=r"expected a bias of shape \(3,\), got \(2,\)"):
        F.linear(x, w, lucid.zeros(2))
    with pytest.raises(TypeError, match="got float32 for input and float64 for bias"):
        F.linear(x, w, randn(3))
    with pytest.raises(lucid.ShapeError, match=r"a weight \(out_features, in_features\)"):
        F.linear(x, lucid.zeros(2))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Linear(0, 1), ValueError, "in_features must be at least 1, got 0"),
        (lambda: nn.Linear(1, -1), ValueError, "out_features must be at least 1, got -1"),
        (lambda: nn.Linear(1.5, 1), TypeError, "in_features must be an int, got 1.5"),
        (lambda: nn.Linear(None, 1), TypeError, "in_features must be an int, got None"),
        (lambda: nn.LazyLinear(2.0), TypeError, r"got 2.0\n  try: out_features=2"),
        (lambda: nn.LazyLinear(True), TypeError, "out_features must be an int, got the bool"),
        (lambda: nn.LazyLinear(2, dtype="int64"), TypeError, "a layer computes in float32 or fl"),
        (lambda: nn.Linear(2, 2, device="cuda"), ValueError, "the only device is 'cpu', got 'cu"),
        (lambda: nn.BatchNorm1d(0), ValueError, "num_features must be at least 1, got 0"),
        (lambda: nn.BatchNorm1d("a"), TypeError, "num_features must be an int, got 'a'"),
        (lambda: nn.MaxPool1d(0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: nn.MaxPool1d(2, stride=0), ValueError, "stride must be at least 1, got 0"),
        (lambda: nn.MaxPool1d(2, dilation=0), ValueError, "dilation must be at least 1, got 0"),
        (lambda: nn.MaxPool1d(2, padding=-1), ValueError, "padding must be at least 0, got -1"),
        (lambda: nn.MaxPool1d(3, padding=2), ValueError, "at most half of kernel_size=3, got 2"),
        (lambda: nn.AdaptiveAvgPool1d(0), ValueError, "output_size must be at least 1, got 0"),
        (lambda: nn.Dropout(1.5), ValueError, "p is a probability, from 0 to 1; got 1.5"),
        (lambda: nn.Dropout(math.nan), ValueError, "p is a probability, from 0 to 1; got nan"),
        (lambda: nn.MSELoss("avg"), ValueError, "must be 'mean', 'sum' or 'none', got 'avg'"),
        (lambda: nn.CrossEntropyLoss(reduction="x"), ValueError, "'sum' or 'none', got 'x'"),
    ],
)
def test_bad_arguments(make, error, message):
    before = lucid.get_rng_state()
    with pytest.raises(error, match=message):
        make()
    assert lucid.get_rng_state() == before


# ------------------------------------------------------------------ activation, flatten, dropout


def test_relu():
    x = lucid.tensor([-2.0, -0.0, 0.0, 3.0, math.inf])
    for layer in (nn.ReLU(), nn.ReLU(inplace=True)):
        assert layer(x).tolist() == [0, 0, 0, 3, math.inf]
        assert x[0].item() == -2
    assert math.isnan(nn.ReLU()(lucid.tensor(math.nan)).item())
    check_gradients(nn.ReLU(), lucid.tensor([[-2.0, 0.5], [3.0, -0.1]], dtype="float64"))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (2, 60)),
        ({"start_dim": 0}, (120,)),
        ({"start_dim": 2}, (2, 3, 20)),
        ({"end_dim": 2}, (2, 12, 5)),
        ({"start_dim": -2}, (2, 3, 20)),
        ({"start_dim": 1, "end_dim": 1}, (2, 3, 4, 5)),
    ],
)
def test_flatten(options, shape):
    x = randn(2, 3, 4, 5)
    assert_close(nn.Flatten(**options)(x), x.numpy().reshape(shape), 0)
    assert nn.Flatten()(lucid.zeros(0, 3, 4)).shape == (0, 12)
    check_gradients(nn.Flatten(), randn(2, 3, 2))


def test_flatten_errors():
    with pytest.raises(IndexError, match="axis 1 does not exist in a tensor of 1 axes"):
        nn.Flatten()(lucid.zeros(3))


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_dropout_in_training(p):
    x = lucid.full((200, 100), 3.0)
    y = nn.Dropout(p)(x).numpy()
    kept = y != 0
    assert abs(kept.mean() - (1 - p)) < 0.02
    np.testing.assert_allclose(y[kept], 3 / (1 - p), rtol=1e-6)
    assert abs(y.mean() / 3 - 1) < 0.1
    for axis in (0, 1):  # each number on its own, not whole rows or columns
        assert 0 < kept.mean(axis).min() < kept.mean(axis).max() <= 1


def test_dropout_in_use():
    x = lucid.randn(5)
    assert nn.Dropout(0.5).eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout(1.0)(x).tolist() == [0] * 5
    assert F.dropout(x, training=False) is x


def test_dropout_gradient_and_seed():
    x = lucid.ones(50, requires_grad=True)
    lucid.manual_seed(3)
    y = F.dropout(x, 0.5)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()  # where x was dropped there is no gradient
    assert sorted(set(y.tolist())) == [0, 2]
    lucid.manual_seed(3)
    assert F.dropout(x, 0.5).tolist() == y.tolist()
    assert F.dropout(x, 0.5).tolist() != y.tolist()


def test_dropout_errors():
    with pytest.raises(ValueError, match=r"p is a probability, from 0 to 1; got -0.1"):
        F.dropout(lucid.ones(2), -0.1)
    with pytest.raises(TypeError, match=r"dropout needs a float32 or float64 input, got int64"):
        F.dropout(lucid.ones(2).long(), 0.5)


# --------------------------------------------------------------------------------------- pooling


def max_pool(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """By the definition: every window in turn, position by position."""
    stride = stride or kernel_size
    L = x.shape[2]
    outs, places, start = [], [], -padding
    while True:
        end = start + (kernel_size - 1) * dilation  # the last position of the window
        fits = end < L + padding
        if not fits and not (ceil_mode and start < L and end - stride + 1 < L + padding):
            break
        window = [start + k * dilation for k in range(kernel_size)]
        window = [i for i in window if 0 <= i < L]
        best = np.argmax(x[:, :, window], axis=2)
        places.append(np.array(window)[best])
        outs.append(np.max(x[:, :, window], axis=2))
        start += stride
    return np.stack(outs, 2), np.stack(places, 2)


POOLS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 2, "stride": 3, "padding": 1, "dilation": 2},
    {"kernel_size": 3, "stride": 4, "ceil_mode": True},
    {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True},
    {"kernel_size": 1, "stride": 4, "ceil_mode": True},
]


@pytest.mark.parametrize("L", [5, 8, 11])
@pytest.mark.parametrize("options", POOLS)
def test_max_pool(options, L):
    x = randn(2, 3, L)
    expected, places = max_pool(x.numpy(), **options)
    assert_close(nn.MaxPool1d(**options)(x), expected, 0)
    out, indices = nn.MaxPool1d(**options, return_indices=True)(x)
    assert_close(out, expected, 0)
    assert indices.dtype is lucid.int64
    assert_close(indices, places, 0)
    check_gradients(nn.MaxPool1d(**options), x)


def test_max_pool_of_equal_infinite_and_missing_numbers():
    x = lucid.tensor([[[1.0, 1.0, 1.0, -math.inf, -math.inf, math.nan, 5.0]]], requires_grad=True)
    out, indices = F.max_pool1d(x, 3, 1, 1, return_indices=True)
    assert indices.tolist() == [[[0, 0, 1, 2, 5, 5, 5]]]  # the first of equals; nan beats all
    np.testing.assert_array_equal(out.tolist(), [[[1, 1, 1, 1, math.nan, math.nan, math.nan]]])
    out.sum().backward()
    assert x.grad.tolist() == [[[2, 1, 1, 0, 0, 3, 0]]]


def test_max_pool_of_whole_numbers_and_empty_batches():
    assert F.max_pool1d(lucid.arange(6).reshape(1, 1, 6), 2).tolist() == [[[1, 3, 5]]]
    assert F.max_pool1d(lucid.zeros(0, 2, 8), 2).shape == (0, 2, 4)


def test_max_pool_errors():
    with pytest.raises(
        lucid.ShapeError,
        match=r"reaches over 9 positions, length \+ 2 \* padding = 3 \+ 2 \* 1 = 5",
    ):
        nn.MaxPool1d(5, dilation=2, padding=1)(lucid.zeros(1, 1, 3))
    with pytest.raises(lucid.ShapeError, match="no window fits"):
        nn.MaxPool1d(1)(lucid.zeros(1, 1, 0))
    with pytest.raises(lucid.ShapeError, match="a window lies wholly in the padding"):
        nn.MaxPool1d(2, padding=1, dilation=2)(lucid.zeros(1, 1, 1))
    with pytest.raises(lucid.ShapeError, match=r"MaxPool1d expected .* got \(4,\)(.|\n)*x\[None"):
        nn.MaxPool1d(2)(lucid.zeros(4))
    with pytest.raises(ValueError, match="at most half of kernel_size=2, got 2"):
        F.max_pool1d(lucid.zeros(1, 1, 9), 2, padding=2)


@pytest.mark.parametrize("T", [1, 2, 3, 5, 7, 12])
@pytest.mark.parametrize("L", [1, 5, 7, 12])
def test_adaptive_avg_pool(L, T):
    x = randn(2, 3, L)
    a = x.numpy()
    bins = [(math.floor(t * L / T), math.ceil((t + 1) * L / T)) for t in range(T)]
    expected = np.stack([a[:, :, start:stop].mean(2) for start, stop in bins], 2)
    assert_close(nn.AdaptiveAvgPool1d(T)(x), expected)


def test_adaptive_avg_pool_gradients():
    for T in (1, 3, 7):
        check_gradients(nn.AdaptiveAvgPool1d(T), randn(2, 2, 5))


def test_adaptive_avg_pool_errors():
    layer = nn.AdaptiveAvgPool1d(2)
    with pytest.raises(lucid.ShapeError, match=r"at least one position .* length 0"):
        layer(lucid.zeros(1, 1, 0))
    with pytest.raises(lucid.ShapeError, match=r"AdaptiveAvgPool1d expected .* got \(4,\)"):
        layer(lucid.zeros(4))
    with pytest.raises(TypeError, match="needs a float32 or float64 input, got int64"):
        layer(lucid.zeros(1, 1, 4).long())


# ------------------------------------------------------------------------------------ batch norm


def batch_norm(x, mean, var, weight=1.0, bias=0.0, eps=1e-5):
    """Channel by channel."""
    columns = np.moveaxis(x, 1, -1)
    return np.moveaxis((columns - mean) / np.sqrt(var + eps) * weight + bias, -1, 1)


def per_channel(x, statistic):
    return np.array([statistic(x[:, c]) for c in range(x.shape[1])])


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5)])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, None])
def test_batch_norm(shape, affine, momentum):
    layer = nn.BatchNorm1d(3, eps=1e-3, momentum=momentum, affine=affine, dtype="float64")
    weight, bias = (1.0, 0.0)
    if affine:
        weight, bias = np.array([1.0, 2.0, -3.0]), np.array([0.5, 0.0, -1.0])
        layer.load_state_dict({"weight": weight, "bias": bias}, strict=False)
    mean, var = np.zeros(3), np.ones(3)
    for step in range(1, 4):
        x = 5 + 3 * randn(*shape)
        a = x.numpy()
        batch_mean, batch_var = per_channel(a, np.mean), per_channel(a, np.var)
        assert_close(layer(x), batch_norm(a, batch_mean, batch_var, weight, bias, 1e-3))
        share = 1 / step if momentum is None else momentum
        unbiased = per_channel(a, lambda column: np.var(column, ddof=1))
        mean, var = (1 - share) * mean + share * batch_mean, (1 - share) * var + share * unbiased
        assert_close(layer.running_mean, mean)
        assert_close(layer.running_var, var)
        assert layer.num_batches_tracked.item() == step
    layer.eval()
    x = randn(*shape)
    assert_close(layer(x), batch_norm(x.numpy(), mean, var, weight, bias, 1e-3))
    assert_close(layer.running_mean, mean)  # in use nothing is remembered
    assert layer.num_batches_tracked.item() == 3
    layer.reset_parameters()
    assert layer.running_mean.tolist() == [0, 0, 0]
    assert layer.running_var.tolist() == [1, 1, 1]
    assert layer.num_batches_tracked.item() == 0


def test_batch_norm_without_running_statistics():
    layer = nn.BatchNorm1d(2, track_running_stats=False, dtype="float64").eval()
    x = randn(4, 2, 3)
    a = x.numpy()
    assert_close(layer(x), batch_norm(a, per_channel(a, np.mean), per_channel(a, np.var)))
    assert list(layer.buffers()) == []
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_batch_norm_gradients():
    running = randn(2), 0.5 + lucid.rand(2, dtype="float64")

    def training(x, w, b):
        return F.batch_norm(x, None, None, w, b, training=True)

    def in_use(x, w, b):
        return F.batch_norm(x, *running, w, b)

    for shape in ((4, 2), (3, 2, 2)):
        check_gradients(training, randn(*shape), randn(2), randn(2), tolerance=1e-5)
        check_gradients(in_use, randn(*shape), randn(2), randn(2))


def test_batch_norm_remembers_outside_the_graph():
    layer = nn.BatchNorm1d(2)
    layer(lucid.randn(4, 2)).sum().backward()
    layer(lucid.randn(4, 2)).sum().backward()
    assert not layer.running_mean.requires_grad
    assert layer.running_mean.is_leaf
    assert layer(lucid.zeros(0, 2, 3)).shape == (0, 2, 3)


def test_batch_norm_of_a_constant_channel():
    assert F.batch_norm(lucid.full((3, 1), 7.0), None, None, training=True).tolist() == [[0]] * 3


def test_batch_norm_errors():
    layer = nn.BatchNorm1d(2)
    before = [b.tolist() for b in layer.buffers()]
    with pytest.raises(lucid.ShapeError, match=r"BatchNorm1d expected an input \(N, C\) or \(N, C"):
        layer(lucid.zeros(2))
    with pytest.raises(
        lucid.ShapeError, match=r"expected 2 channels in axis 1 of \(N, C\), got \(3, 4\)"
    ) as e:
        layer(lucid.zeros(3, 4))
    assert "this BatchNorm1d has num_features=2, given at construction" in str(e.value)
    with pytest.raises(ValueError, match=r"more than one value .* \(1, 2\)\n") as e:
        layer(lucid.zeros(1, 2))
    assert "a sample may be left alone: then give drop_last=True to the DataLoader" in str(e.value)
    assert str(e.value).endswith("\n  try: model.eval()")
    with pytest.raises(
        TypeError, match=r"got float64 for input and float32 for running_mean\n  tr"
    ):
        layer(randn(3, 2))
    for mode in (True, False):
        with pytest.raises(
            TypeError, match=r"BatchNorm1d needs a float32 or float64 input, got int"
        ):
            layer.train(mode)(lucid.zeros(3, 2).long())
    with pytest.raises(TypeError, match="BatchNorm1d needs a tensor for input, got a NumPy array"):
        layer(np.zeros((3, 2)))
    with pytest.raises(TypeError, match="batch_norm needs a tensor for input, got a NumPy array"):
        F.batch_norm(np.zeros((3, 2)), None, None)
    with pytest.raises(lucid.ShapeError, match=r"expected bias of one number per channel, \(2,\)"):
        F.batch_norm(lucid.zeros(3, 2), None, None, None, lucid.zeros(3), True)
    with pytest.raises(lucid.ShapeError, match=r"batch_norm expected an input .* got \(2,\)"):
        F.batch_norm(lucid.zeros(2), None, None)
    assert [b.tolist() for b in layer.buffers()] == before
    assert layer.eval()(lucid.zeros(1, 2)).shape == (1, 2)


# ---------------------------------------------------------------------------------------- losses


def reduce(losses, weights, reduction):
    """The three reductions; the mean is weighted."""
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / weights.sum()


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", smoothing=0.0):
    """Sample by sample."""
    C = x.shape[1]
    weight = np.ones(C) if weight is None else weight
    losses, weights = np.zeros(target.shape), np.zeros(target.shape)
    for place in np.ndindex(*target.shape):
        scores = x[(place[0], slice(None), *place[1:])]
        log_p = scores - math.log(sum(math.exp(s) for s in scores))
        c = target[place]
        if c == ignore_index:
            continue
        hard = -weight[c] * log_p[c]
        even = -sum(weight * log_p) / C
        losses[place] = (1 - smoothing) * hard + smoothing * even
        weights[place] = weight[c]
    return reduce(losses, weights, reduction)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2)])
def test_cross_entropy(shape, weighted, smoothing, reduction):
    x = randn(*shape)
    target = lucid.randint(0, 3, (shape[0], *shape[2:]))
    target[0] = -1
    weight = lucid.tensor([0.5, 2.0, 1.0], dtype="float64") if weighted else None
    loss = nn.CrossEntropyLoss(weight, -1, reduction, smoothing)
    expected = cross_entropy(
        x.numpy(),
        target.numpy(),
        weight.numpy() if weighted else None,
        -1,
        reduction,
        smoothing,
    )
    assert_close(loss(x, target), expected)
    check_gradients(loss, x, target)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2)])
def test_cross_entropy_with_probabilities(shape, smoothing, reduction):
    x, wanted = randn(*shape), randn(*shape).softmax(1)
    weight = lucid.tensor([0.5, 2.0, 1.0], dtype="float64")
    a = x.numpy()
    log_p = a - np.log(np.exp(a).sum(1, keepdims=True))
    soft = wanted.numpy() * (1 - smoothing) + smoothing / 3
    w = np.reshape(weight.numpy(), (1, 3, *[1] * (len(shape) - 2)))
    losses = -(soft * w * log_p).sum(1)
    loss = nn.CrossEntropyLoss(weight, reduction=reduction, label_smoothing=smoothing)
    assert_close(loss(x, wanted), reduce(losses, np.ones_like(losses), reduction))
    check_gradients(loss, x, wanted)


def test_nll_loss_and_cross_entropy_agree():
    x, target = randn(5, 3), lucid.randint(0, 3, (5,))
    for reduction in ("mean", "sum", "none"):
        nll = F.nll_loss(x.log_softmax(1), target, reduction=reduction)
        assert_close(nll, F.cross_entropy(x, target, reduction=reduction).numpy())
    check_gradients(F.nll_loss, x, target)


def test_cross_entropy_of_extreme_scores():
    x = lucid.tensor([[1000.0, 0.0], [0.0, -1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, lucid.tensor([1, 0]))
    assert loss.item() == 500
    loss.backward()
    assert x.grad.tolist() == [[0.5, -0.5], [0, 0]]
    assert F.cross_entropy(x, lucid.tensor([0, 1], dtype="uint8")).item() == 500


def test_an_ignored_class_may_be_impossible():
    """Scores of minus infinity for the padding class, which no target asks for."""
    x = lucid.tensor([[-math.inf, 0.0, 1.0]] * 2, requires_grad=True)
    loss = F.cross_entropy(x, lucid.tensor([0, 1]), ignore_index=0)
    assert loss.item() == pytest.approx(math.log(1 + math.e))
    loss.backward()
    assert x.grad[0].tolist() == [0, 0, 0]
    assert math.isnan(F.cross_entropy(x, lucid.tensor([0, 0]), ignore_index=0).item())


@pytest.mark.parametrize(
    ("scores", "target", "error", "message"),
    [
        (
            (3,),
            lucid.tensor(1),
            lucid.ShapeError,
            r"expected scores .* got \(3,\)\n  try: scores\[",
        ),
        ((2, 3), lucid.tensor([1, 3]), ValueError, r"from 0 to 2, got 3\n  try: target - 1"),
        ((2, 3), lucid.tensor([0, 3]), ValueError, "classes go from 0 to 2, got 3$"),
        ((2, 3), lucid.tensor([0, -1]), ValueError, "classes go from 0 to 2, got -1$"),
        ((2, 3), lucid.tensor([0, 9]), ValueError, "classes go from 0 to 2, got 9$"),
        (
            (2, 3),
            lucid.tensor([0]),
            lucid.ShapeError,
            r"one class for each sample, \(2,\); got \(1",
        ),
        ((2, 3), lucid.tensor([[0], [1]]), lucid.ShapeError, r"try: target.squeeze\(1\)"),
        ((2, 3), lucid.zeros(2, 3).long(), lucid.ShapeError, r"try: target.argmax\(1\)"),
        ((2, 3), lucid.zeros(2), TypeError, r"whole numbers, got float32\n  try: target.long\(\)"),
        ((2, 3), lucid.zeros(2).bool(), TypeError, "classes must be whole numbers, got bool"),
        ((2, 3), [0, 1], TypeError, "needs a tensor for target, got list"),
        ((2, 3, 4), lucid.tensor([0, 1]), lucid.ShapeError, r"each sample, \(2, 4\); got \(2,\)"),
    ],
)
def test_wrong_targets(scores, target, error, message):
    with pytest.raises(error, match=message):
        nn.CrossEntropyLoss()(lucid.zeros(*scores), target)


def test_wrong_options_of_losses():
    x, target = lucid.zeros(2, 3), lucid.tensor([0, 1])
    for wanted in (target, x.softmax(1)):
        with pytest.raises(lucid.ShapeError, match=r"one weight per class, \(3,\), got \(2,\)"):
            F.cross_entropy(x, wanted, lucid.ones(2))
        with pytest.raises(ValueError, match=r"label_smoothing goes from 0 to 1, got 1.5"):
            F.cross_entropy(x, wanted, label_smoothing=1.5)
        with pytest.raises(ValueError, match="'sum' or 'none', got 'max'"):
            F.cross_entropy(x, wanted, reduction="max")
    with pytest.raises(ValueError, match="'sum' or 'none', got 'max'"):
        F.nll_loss(x, target, reduction="max")


def test_the_weight_of_a_loss_is_its_buffer():
    loss = nn.CrossEntropyLoss(lucid.ones(3))
    assert list(loss.state_dict()) == ["weight"]
    assert list(loss.parameters()) == []
    assert loss.double().weight.dtype is lucid.float64


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse(reduction):
    x, y = randn(3, 4), randn(3, 4)
    losses = np.array([[(x[i, j] - y[i, j]).item() ** 2 for j in range(4)] for i in range(3)])
    assert_close(nn.MSELoss(reduction)(x, y), reduce(losses, np.ones((3, 4)), reduction))
    check_gradients(nn.MSELoss(reduction), x, y)


def test_mse_errors():
    with pytest.raises(
        lucid.ShapeError, match=r"one shape, got \(4, 1\) and \(4,\)\n  try: target.reshape\(4, 1\)"
    ):
        nn.MSELoss()(lucid.zeros(4, 1), lucid.zeros(4))
    with pytest.raises(lucid.ShapeError, match=r"got \(4,\) and \(3,\)\n  try: x\[\.\.\., :3\]"):
        nn.MSELoss()(lucid.zeros(4), lucid.zeros(3))
    with pytest.raises(ValueError, match="'sum' or 'none', got 'max'"):
        F.mse_loss(lucid.zeros(4), lucid.zeros(4), "max")


# ------------------------------------------------------------------------------------ containers


def test_sequential():
    layers = [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)]
    model = nn.Sequential(*layers)
    x = lucid.randn(4, 2)
    assert_close(model(x), layers[2](layers[1](layers[0](x))).tolist())
    assert nn.Sequential()(x) is x
    assert list(model) == layers
    assert model[-1] is layers[2]
    assert [n for n, _ in nn.Sequential({"a": layers[0], "b": layers[1]}).named_children()] == [
        "a",
        "b",
    ]
    part = model[:2]
    assert type(part) is nn.Sequential
    assert list(part) == layers[:2]
    assert_close(part(x), layers[1](layers[0](x)).tolist())
    assert list(model[::-2]) == [layers[2], layers[0]]


def test_sequential_errors():
    with pytest.raises(TypeError, match=r"one by one, got a list\n  try: nn.Sequential\(\*modules"):
        nn.Sequential([nn.ReLU()])
    for wrong in (None, 3, nn.ReLU):
        with pytest.raises(TypeError, match=f"holds modules, got {type(wrong).__name__}"):
            nn.Sequential(nn.ReLU(), wrong)
    with pytest.raises(ValueError, match=r"no dot, got 'a\.b'"):
        nn.Sequential({"a.b": nn.ReLU()})


def test_module_list():
    a, b, c, d = (nn.Linear(i, 1) for i in (1, 2, 3, 4))
    layers = nn.ModuleList([a])
    assert layers.append(b) is layers
    assert layers.extend(m for m in [d]) is layers
    layers.insert(2, c)
    assert list(layers) == [a, b, c, d]
    assert [n for n, _ in layers.named_parameters()][::2] == [
        "0.weight",
        "1.weight",
        "2.weight",
        "3.weight",
    ]
    layers[-1] = a
    assert layers[3] is a
    del layers[0]
    assert list(layers) == [b, c, a]
    assert [n for n, _ in layers.named_children()] == ["0", "1", "2"]
    del layers[:2]
    assert len(layers) == 1
    assert type(layers[:]) is nn.ModuleList
    assert a in layers
    assert len(nn.ModuleList()) == 0


def test_module_list_errors():
    layers = nn.ModuleList([nn.ReLU()])
    for index in (1, -2):
        with pytest.raises(IndexError, match=f"index {index} in a ModuleList of 1 modules"):
            layers[index]
        with pytest.raises(IndexError, match=f"index {index} in a ModuleList of 1 modules"):
            layers[index] = nn.ReLU()
    for fill in (layers.append, lambda m: layers.insert(0, m), lambda m: layers.extend([m])):
        with pytest.raises(TypeError, match="ModuleList holds modules, got NoneType"):
            fill(None)
    with pytest.raises(TypeError, match="ModuleList holds modules, got list"):
        layers[0] = []
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        layers(lucid.zeros(1))
    assert len(layers) == 1


def test_module_dict():
    a, b, c = nn.ReLU(), nn.Linear(1, 1), nn.Flatten()
    layers = nn.ModuleDict({"a": a, "b": b})
    layers["c"] = a
    layers.update({"c": c})
    assert list(layers) == list(layers.keys()) == ["a", "b", "c"]
    assert list(layers.values()) == [a, b, c]
    assert list(layers.items()) == [("a", a), ("b", b), ("c", c)]
    assert [n for n, _ in layers.named_parameters()] == ["b.weight", "b.bias"]
    del layers["b"]
    assert "b" not in layers
    assert "a" in layers
    assert len(layers) == 2
    with pytest.raises(KeyError, match="b"):
        layers["b"]
    with pytest.raises(TypeError, match="ModuleDict holds modules, got NoneType"):
        layers["d"] = None
    with pytest.raises(ValueError, match="'keys' is already an attribute of ModuleDict"):
        layers["keys"] = a
    assert list(layers) == ["a", "c"]


# ------------------------------------------------- the lazy family: see also test_lazy_family.py


def assert_equal_layers(a, b):
    ours, theirs = a.state_dict(), b.state_dict()
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        np.testing.assert_array_equal(value.tolist(), theirs[key].tolist(), err_msg=key)


def test_lazy_layers_without_parameters_of_their_own():
    layer = nn.LazyBatchNorm1d(affine=False)
    assert list(layer.parameters()) == []
    layer(lucid.randn(4, 3))
    assert layer.running_mean.shape == (3,)
    other = nn.LazyBatchNorm1d(affine=False)
    other.load_state_dict(layer.state_dict())
    assert other.num_features == 3
    assert_equal_layers(other, layer)
    bare = nn.LazyBatchNorm1d(affine=False, track_running_stats=False)
    bare(lucid.randn(4, 3))
    assert bare.num_features == 3
    assert bare.state_dict() == {}
    slim = nn.LazyLinear(2, bias=False)
    assert len(list(slim.parameters())) == 1
    slim(lucid.zeros(1, 3))
    assert slim.bias is None


def test_lazy_batch_norm_counts_its_first_batch():
    layer = nn.LazyBatchNorm1d(momentum=None)
    x = lucid.randn(6, 2)
    layer(x)
    assert layer.num_batches_tracked.item() == 1
    np.testing.assert_allclose(layer.running_mean.tolist(), x.mean(0).tolist(), rtol=1e-6)
