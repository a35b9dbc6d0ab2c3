"""Views: numbers that lie in memory in another order give the same results and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import test_every_derivative
import test_more_ops
import test_named_ops
import test_ops

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

CASES = {
    f"{module.__name__}: {name}": (case[0], case[-1])
    for module in (test_ops, test_more_ops, test_named_ops, test_every_derivative)
    for name, case in module.CASES.items()
    if name not in ("view", "Cast")  # view refuses such numbers, Cast has no case
}


def every_second(a):
    apart = np.full([2 * n for n in a.shape], 9.25, a.dtype)
    view = apart[(..., *[slice(None, None, 2)] * a.ndim)]
    view[...] = a
    return view


def backwards(a):
    turn = (slice(None, None, -1),) * a.ndim
    return np.ascontiguousarray(a[turn])[turn] if a.ndim else a


def columns_first(a):
    return np.array(a, order="F")


def off_by_a_number(a):
    view = np.empty(a.size + 1, a.dtype)[1:].reshape(a.shape)
    view[...] = a
    return view


LAYOUTS = [every_second, backwards, columns_first, off_by_a_number]


def results(op, arrays, layout):
    """The output of an op of arrays laid out like this, and its gradients, starting from such."""
    inputs = [lucid.from_numpy(layout(a)).requires_grad_() for a in arrays]
    y = op(*inputs)
    seed = np.cos(np.arange(y.numel(), dtype=y.dtype.numpy)).reshape(y.shape)
    y.backward(lucid.from_numpy(layout(seed)))
    return [y.detach(), *[x.grad for x in inputs]]


@pytest.mark.parametrize("name", CASES)
def test_ops_of_views(name):
    op, arrays = CASES[name]
    arrays = [np.array(a, np.float64) for a in arrays]
    expected = results(op, arrays, np.array)
    for layout in LAYOUTS:
        for got, wanted in zip(results(op, arrays, layout), expected, strict=True):
            np.testing.assert_allclose(got.numpy(), wanted.numpy(), 1e-12, 1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(9, 3, 20), (2, 3, 300)])
def test_convolutions_of_views(layout, shape):
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(s).astype("f") for s in (shape, (4, 3, 5), (4,))]
    expected = results(F.conv1d, arrays, np.array)
    for got, wanted in zip(results(F.conv1d, arrays, layout), expected, strict=True):
        assert np.array_equal(got.numpy(), wanted.numpy())  # the same loops: to the last bit


def test_an_expanded_number_is_a_bias():
    x, w, b = (lucid.ones(1).expand(*s) for s in ((2, 3, 9), (4, 3, 3), (4,)))
    assert (F.conv1d(x, w, b) == 10).all()
    x, w = lucid.ones(2, 3, 9), lucid.ones(3, 4, 3)
    assert lucid.equal(F.conv_transpose1d(x, w, b), F.conv_transpose1d(x, w, lucid.ones(4)))


def test_running_statistics_may_be_views():
    x = lucid.randn(4, 3, 5)
    apart, whole = [(lucid.zeros(6)[::2], lucid.ones(6)[::2]), (lucid.zeros(3), lucid.ones(3))]
    for mean, var in (apart, whole):
        F.batch_norm(x, mean, var, training=True)
    assert lucid.equal(apart[0], whole[0])
    assert lucid.equal(apart[1], whole[1])


LAYERS = {
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, padding=2, padding_mode="circular"), (2, 4, 9)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, 2), (2, 4, 9)),
    "DepthwiseConv1d": (lambda: nn.DepthwiseConv1d(4, 3), (2, 4, 9)),
    "Linear": (lambda: nn.Linear(4, 3), (2, 5, 4)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), (2, 4, 9)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, affine=True), (2, 4, 9)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 9)),
    "LayerNorm": (lambda: nn.LayerNorm((4, 9)), (2, 4, 9)),
    "RMSNorm": (lambda: nn.RMSNorm(9), (2, 4, 9)),
    "PReLU": (lambda: nn.PReLU(4), (2, 4, 9)),
    "GRU": (lambda: nn.GRU(4, 3, bidirectional=True), (5, 2, 4)),
    "LSTM": (lambda: nn.LSTM(4, 3, num_layers=2, batch_first=True), (5, 2, 4)),
    "RNN": (lambda: nn.RNN(4, 3), (5, 2, 4)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_views(name, layout):
    make, shape = LAYERS[name]
    lucid.manual_seed(0)
    layer = make().double()

    def first(x):
        y = layer(x)
        return y[0] if isinstance(y, tuple) else y

    x = np.random.default_rng(0).standard_normal(shape)
    expected = results(first, [x], np.array)
    plain = [p.grad.clone() for p in layer.parameters()]
    for p in layer.parameters():
        p.grad = None
        p.data = lucid.from_numpy(layout(p.detach().numpy()))
    for got, wanted in zip(results(first, [x], layout), expected, strict=True):
        np.testing.assert_allclose(got.numpy(), wanted.numpy(), 1e-12, 1e-12)
    for p, wanted in zip(layer.parameters(), plain, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), wanted.numpy(), 1e-12, 1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "kind", ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta"]
)
def test_optimizers_of_views(kind, layout):
    numbers = np.random.default_rng(0).standard_normal((6, 5))
    trained = []
    for place in (np.array, layout):
        p = nn.Parameter(lucid.from_numpy(place(numbers)))
        p.data = lucid.from_numpy(place(numbers))
        optimizer = getattr(lucid.optim, kind)([p], lr=0.1)
        for step in range(3):
            p.grad = lucid.from_numpy(place(numbers**2 + step))
            optimizer.step()
        trained.append(p.detach().numpy())
    np.testing.assert_allclose(*trained, 1e-14)
