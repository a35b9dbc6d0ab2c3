"""The layers compared with PyTorch's: outputs, gradients, and state dicts in both directions."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn

torch = pytest.importorskip("torch")

MODES = ("zeros", "reflect", "replicate", "circular")


def to_torch(x, **options):
    return torch.tensor(x.detach().clone().numpy(), **options)


def randn(*shape):
    return lucid.randn(*shape, dtype="float64")


def twins(name, *args, **kwargs):
    """A lucid layer and the PyTorch layer of the same name, options and numbers, in float64."""
    ours = getattr(nn, name)(*args, **kwargs).double()
    theirs = getattr(torch.nn, name)(*args, **kwargs).double()
    theirs.load_state_dict({key: to_torch(value) for key, value in ours.state_dict().items()})
    return ours, theirs


def assert_close(ours, theirs, tolerance=1e-10):
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), tolerance, tolerance)


def assert_same_layers(ours, theirs, *inputs):
    """Equal outputs, and equal gradients of every floating input, parameter and buffer."""
    floating = [x.is_floating_point() for x in inputs]
    xs = [x.detach().clone().requires_grad_(f) for x, f in zip(inputs, floating, strict=True)]
    ts = [to_torch(x, requires_grad=f) for x, f in zip(inputs, floating, strict=True)]
    y, t = ours(*xs), theirs(*ts)
    assert_close(y, t)
    g = randn(*y.shape)
    y.backward(g)
    t.backward(to_torch(g))
    for x, other in zip(xs, ts, strict=True):
        if x.requires_grad:
            assert_close(x.grad, other.grad)
    parameters = dict(theirs.named_parameters())
    assert [n for n, _ in ours.named_parameters()] == list(parameters)
    for name, p in ours.named_parameters():
        assert_close(p.grad, parameters[name].grad)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for name, value in ours.state_dict().items():
        assert_close(value, state[name])


def random_conv(seed):
    """Options of a convolution, and the shape of an input it accepts."""
    rng = np.random.default_rng(seed)
    mode = MODES[seed % 4]
    groups, K, dilation = (int(rng.integers(1, high)) for high in (4, 6, 4))
    stride, padding = int(rng.integers(1, 4)), int(rng.integers(0, 5))
    if seed % 3 == 0:
        padding = ["same", "valid"][seed % 2]
        stride = 1 if padding == "same" else stride
    C, O = (groups * int(rng.integers(1, 4)) for _ in range(2))
    reach = dilation * (K - 1) + 1
    widest = padding if isinstance(padding, int) else reach
    L = max(reach - 2 * widest, widest + 1, reach if padding == "valid" else 1)
    L += int(rng.integers(0, 9))
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "bias": bool(rng.integers(2)),
        "padding_mode": mode,
    }
    return (C, O, K), options, (int(rng.integers(1, 4)), C, L)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("seed", range(80))
def test_conv1d(seed):
    lucid.manual_seed(seed)
    sizes, options, shape = random_conv(seed)
    assert_same_layers(*twins("Conv1d", *sizes, **options), randn(*shape))


def test_the_random_convolutions_cover_all_modes_and_paddings():
    drawn = [random_conv(seed)[1] for seed in range(80)]
    for mode in MODES:
        paddings = [d["padding"] for d in drawn if d["padding_mode"] == mode]
        assert any(isinstance(p, int) and p > 0 for p in paddings)
    assert {"same", "valid"} <= {d["padding"] for d in drawn}
    assert {d["groups"] for d in drawn} == {1, 2, 3}
    assert {d["stride"] for d in drawn} == {1, 2, 3}


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias):
    assert_same_layers(*twins("Linear", 4, 3, bias=bias), randn(*shape))


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5)])
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("track", [True, False])
def test_batch_norm(shape, momentum, affine, track):
    ours, theirs = twins(
        "BatchNorm1d", 3, momentum=momentum, affine=affine, track_running_stats=track, eps=1e-3
    )
    if affine:
        ours.load_state_dict({"weight": randn(3), "bias": randn(3)}, strict=False)
        theirs.load_state_dict({k: to_torch(v) for k, v in ours.state_dict().items()})
    for _ in range(3):
        for layer in (ours, theirs):
            layer.zero_grad()
        assert_same_layers(ours, theirs, 5 + 3 * randn(*shape))
    ours.eval()
    theirs.eval()
    for layer in (ours, theirs):
        layer.zero_grad()
    assert_same_layers(ours, theirs, randn(*shape))


def random_pool(seed):
    rng = np.random.default_rng(seed)
    K, dilation = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    padding = int(rng.integers(0, K // 2 + 1))
    options = {
        "kernel_size": K,
        "stride": [None, 1, 2, 3, 5][int(rng.integers(5))],
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": bool(seed % 2),
    }
    L = max((K - 1) * dilation + 1, 1) + int(rng.integers(0, 9))
    return options, (2, 3, L)


@pytest.mark.parametrize("seed", range(60))
def test_max_pool(seed):
    lucid.manual_seed(seed)
    options, shape = random_pool(seed)
    x = randn(*shape)
    assert_same_layers(nn.MaxPool1d(**options), torch.nn.MaxPool1d(**options), x)
    out, indices = nn.MaxPool1d(**options, return_indices=True)(x)
    expected, places = torch.nn.MaxPool1d(**options, return_indices=True)(to_torch(x))
    assert_close(out, expected)
    assert_close(indices, places)


@pytest.mark.parametrize("L", [1, 5, 8, 13])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_adaptive_avg_pool(L, size):
    ours, theirs = nn.AdaptiveAvgPool1d(size), torch.nn.AdaptiveAvgPool1d(size)
    assert_same_layers(ours, theirs, randn(2, 3, L))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5)])
@pytest.mark.parametrize("target", ["classes", "ignored", "probabilities"])
def test_cross_entropy(shape, weighted, smoothing, reduction, target):
    weight = 0.5 + lucid.rand(4, dtype="float64") if weighted else None
    options = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": -100}
    if target == "ignored":
        options["ignore_index"] = 2
    ours = nn.CrossEntropyLoss(weight, **options)
    theirs = torch.nn.CrossEntropyLoss(to_torch(weight) if weighted else None, **options)
    x = 3 * randn(*shape)
    wanted = lucid.randint(0, 4, (shape[0], *shape[2:]))
    if target == "ignored":
        wanted[0] = 2
    if target == "probabilities":
        wanted = randn(*shape).softmax(1)
    assert_same_layers(ours, theirs, x, wanted)


def test_cross_entropy_with_an_impossible_ignored_class():
    x = lucid.tensor([[-np.inf, 0.0, 1.0]] * 2, dtype="float64")
    ours, theirs = nn.CrossEntropyLoss(ignore_index=0), torch.nn.CrossEntropyLoss(ignore_index=0)
    assert_same_layers(ours, theirs, x, lucid.tensor([0, 1]))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse(reduction):
    ours, theirs = nn.MSELoss(reduction), torch.nn.MSELoss(reduction=reduction)
    assert_same_layers(ours, theirs, randn(3, 4), randn(3, 4))


@pytest.mark.parametrize("name", ["ReLU", "Flatten", "Dropout"])
def test_layers_without_parameters(name):
    ours, theirs = twins(name)
    assert_same_layers(ours.eval(), theirs.eval(), randn(2, 3, 4))


def convnet(library, lazy=False):
    """The same model in either library."""
    conv = [library.Conv1d(3, 8, 5, padding=2), library.Conv1d(8, 8, 3, groups=4, bias=False)]
    norm, linear = library.BatchNorm1d(8), library.Linear(8 * 3, 4)
    if lazy:
        conv = [
            library.LazyConv1d(8, 5, padding=2),
            library.LazyConv1d(8, 3, groups=4, bias=False),
        ]
        norm, linear = library.LazyBatchNorm1d(), library.LazyLinear(4)
    body = library.Sequential(
        conv[0], norm, library.ReLU(), library.MaxPool1d(2), conv[1], library.AdaptiveAvgPool1d(3)
    )
    return library.Sequential(body, library.Flatten(), library.Dropout(0.1), linear)


def trained_a_little(model, x):
    """Its running statistics are no longer those of the beginning."""
    model(x)
    model(x * 3 + 1)
    return model.eval()


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("assign", [False, True])
def test_state_dicts_load_from_torch(lazy, assign):
    # contract 54
    torch.manual_seed(0)
    x = lucid.randn(4, 3, 20)
    theirs = trained_a_little(convnet(torch.nn), to_torch(x))
    ours = convnet(nn, lazy)
    assert ours.load_state_dict(theirs.state_dict(), assign=assign) == ([], [])
    assert_close(ours.eval()(x), theirs(to_torch(x)), 1e-5)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("lazy", [False, True])
def test_state_dicts_load_into_torch(lazy):
    # contract 54
    x = lucid.randn(4, 3, 20)
    ours = trained_a_little(convnet(nn, lazy=True), x)
    theirs = convnet(torch.nn, lazy)
    state = {key: to_torch(value) for key, value in ours.state_dict().items()}
    theirs.load_state_dict(state)
    assert_close(ours(x), theirs.eval()(to_torch(x)), 1e-5)


def test_states_of_pending_torch_layers_are_refused():
    pending = convnet(torch.nn, lazy=True).state_dict()
    ours = convnet(nn)
    before = {key: value.tolist() for key, value in ours.state_dict().items()}
    with pytest.raises(ValueError, match="nothing was loaded"):
        ours.load_state_dict(pending)
    assert {key: value.tolist() for key, value in ours.state_dict().items()} == before
