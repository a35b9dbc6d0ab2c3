"""Instance, layer, group and RMS norm: the formulas, finite differences, PyTorch, and errors."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

from gradients import check_gradients


def randn(*shape):
    return lucid.randn(*shape, dtype="float64")


def by_definition(x, axes, w, b, eps, centered=True):
    """(x - mean) / sqrt(var + eps) * w + b, one slice after the other."""
    x = np.asarray(x, np.float64)
    y = np.empty_like(x)
    for place in np.ndindex(*(1 if i in axes else n for i, n in enumerate(x.shape))):
        at = tuple(slice(None) if i in axes else k for i, k in enumerate(place))
        part = x[at]
        mean = sum(part.ravel().tolist()) / part.size if centered else 0.0
        y[at] = (part - mean) / np.sqrt(((part - mean) ** 2).sum() / part.size + eps)
    return y * w + b


def group_reference(x, groups, w, b, eps):
    split = x.reshape(x.shape[0], groups, -1)
    z = by_definition(split, (2,), 1, 0, eps).reshape(x.shape)
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    return z * np.reshape(w, per_channel) + np.reshape(b, per_channel)


# Each: the function, the shapes of input, weight and bias, and the definition.
CASES = {
    "instance_norm": (
        lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=1e-3),
        [(3, 4, 5), (4,), (4,)],
        lambda x, w, b: group_reference(x, 4, w, b, 1e-3),
    ),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, (6,), w, b, 1e-3),
        [(2, 3, 6), (6,), (6,)],
        lambda x, w, b: by_definition(x, (2,), w, b, 1e-3),
    ),
    "layer_norm of two axes": (
        lambda x, w, b: F.layer_norm(x, [3, 4], w, b, 1e-3),
        [(2, 3, 4), (3, 4), (3, 4)],
        lambda x, w, b: by_definition(x, (1, 2), w, b, 1e-3),
    ),
    "group_norm": (
        lambda x, w, b: F.group_norm(x, 2, w, b, 1e-3),
        [(3, 4, 3), (4,), (4,)],
        lambda x, w, b: group_reference(x, 2, w, b, 1e-3),
    ),
    "group_norm (N, C)": (
        lambda x, w, b: F.group_norm(x, 2, w, b, 1e-3),
        [(3, 6), (6,), (6,)],
        lambda x, w, b: group_reference(x, 2, w, b, 1e-3),
    ),
    "rms_norm": (
        lambda x, w: F.rms_norm(x, 6, w, 1e-3),
        [(2, 3, 6), (6,)],
        lambda x, w: by_definition(x, (2,), w, 0, 1e-3, centered=False),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_values(name, dtype, tolerance):
    function, shapes, definition = CASES[name]
    inputs = [3 * randn(*shape) + 1 for shape in shapes]
    exact = definition(*(a.numpy() for a in inputs))
    y = function(*(a.to(dtype) for a in inputs))
    assert y.dtype is getattr(lucid, dtype)
    np.testing.assert_allclose(y.numpy(), exact, tolerance, tolerance * np.abs(exact).max())


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    function, shapes, _ = CASES[name]
    inputs = [randn(*shape) for shape in shapes]
    check_gradients(function, *inputs, tolerance=3e-6)
    for fixed in range(len(inputs)):  # each input that needs no gradient, in turn

        def partly(*moved, fixed=fixed):
            rest = iter(moved)
            return function(*(a if i == fixed else next(rest) for i, a in enumerate(inputs)))

        others = [a for i, a in enumerate(inputs) if i != fixed]
        check_gradients(partly, *others, second=False)


@pytest.mark.parametrize("name", CASES)
def test_the_two_ways_to_the_gradient_agree(name):
    """Kernels where nothing is recorded, tensor operations where it is."""
    function, shapes, _ = CASES[name]
    inputs = [randn(*shape).requires_grad_() for shape in shapes]
    y = function(*inputs)
    g = randn(*y.shape)
    by_formula = lucid.autograd.grad(y, inputs, g, create_graph=True)
    by_kernels = lucid.autograd.grad(y, inputs, g)
    for a, b in zip(by_formula, by_kernels, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.numpy(), 1e-10, 1e-12)


@pytest.mark.parametrize("name", CASES)
def test_without_scale_or_shift(name):
    function, shapes, _ = CASES[name]
    x, *affine = [randn(*shape) for shape in shapes]
    ones, zeros = lucid.ones_like(affine[0]), lucid.zeros_like(affine[0])
    plain = [None] * len(affine)
    expected = function(x, ones, zeros) if len(affine) == 2 else function(x, ones)
    np.testing.assert_allclose(function(x, *plain).numpy(), expected.numpy(), 1e-12, 1e-12)
    if len(affine) == 2:
        w, b = affine
        np.testing.assert_allclose(
            function(x, w, None).numpy(), function(x, w, zeros).numpy(), 1e-12, 1e-12
        )
        np.testing.assert_allclose(
            function(x, None, b).numpy(), function(x, ones, b).numpy(), 1e-12, 1e-12
        )


@pytest.mark.parametrize("name", CASES)
def test_layouts_and_empty_batches(name):
    function, shapes, _ = CASES[name]
    x, *affine = [randn(*shape) for shape in shapes]
    turned = x.transpose(0, -1).clone().transpose(0, -1)
    assert not turned.is_contiguous()
    np.testing.assert_array_equal(function(turned, *affine).numpy(), function(x, *affine).numpy())
    empty = lucid.zeros(0, *x.shape[1:], dtype="float64", requires_grad=True)
    affine = [a.requires_grad_() for a in affine]
    y = function(empty, *affine)
    assert y.shape == empty.shape
    y.sum().backward()
    assert empty.grad.shape == empty.shape
    assert all(not a.grad.any() for a in affine)


@pytest.mark.parametrize("name", CASES)
def test_shift_and_scale_of_the_input_are_forgotten(name):
    function, shapes, _ = CASES[name]
    x, *affine = [randn(*shape) for shape in shapes]
    moved = x * 1e4 if name == "rms_norm" else x * 1e4 + 7
    # all but eps, which counts less for larger numbers
    np.testing.assert_allclose(
        function(moved * 1e4, *affine).numpy(), function(moved, *affine).numpy(), 1e-6, 1e-6
    )


def test_float32_keeps_its_digits_far_from_zero():
    x = 1000 + lucid.randn(4, 6, 50)
    for y, exact in (
        (F.layer_norm(x, 50), by_definition(x.numpy(), (2,), 1, 0, 1e-5)),
        (F.group_norm(x, 3), group_reference(x.numpy(), 3, np.ones(6), np.zeros(6), 1e-5)),
        (F.instance_norm(x), group_reference(x.numpy(), 6, np.ones(6), np.zeros(6), 1e-5)),
    ):
        assert np.abs(y.numpy() - exact).max() < 1e-4


def test_a_channel_without_variance_and_numbers_that_are_not_finite():
    assert F.layer_norm(lucid.full((1, 3), 7.0), 3).tolist() == [[0, 0, 0]]
    assert F.rms_norm(lucid.zeros(1, 3), 3).tolist() == [[0, 0, 0]]
    x = lucid.ones(2, 2, 3)
    x[0, 0, 0] = float("nan")
    for y in (F.instance_norm(x), F.group_norm(x, 2), F.layer_norm(x, 3)):
        nan = np.isnan(y.numpy())
        assert nan[0, 0].all()
        assert nan.sum() == 3


# --------------------------------------------------------------------------------- instance norm


def test_instance_norm_remembers():
    layer = nn.InstanceNorm1d(2, momentum=0.25, track_running_stats=True, dtype="float64")
    x = randn(3, 2, 5)
    a = x.numpy()
    layer(x)
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.25 * a.mean(2).mean(0))
    np.testing.assert_allclose(layer.running_var.numpy(), 0.75 + 0.25 * a.var(2, ddof=1).mean(0))
    assert layer.num_batches_tracked.item() == 0  # as in PyTorch
    layer.eval()
    mean, var = layer.running_mean.numpy()[:, None], layer.running_var.numpy()[:, None]
    np.testing.assert_allclose(layer(x).numpy(), (a - mean) / np.sqrt(var + 1e-5))
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.running_var.tolist() == [1, 1]
    constant = nn.InstanceNorm1d(2, momentum=None, track_running_stats=True)
    constant(lucid.randn(3, 2, 5))
    assert constant.running_mean.tolist() == [0, 0]
    constant(lucid.zeros(0, 2, 5))
    assert constant.running_var.tolist() == [1, 1]


def test_instance_norm_is_a_group_norm_of_single_channels():
    x = randn(3, 4, 6)
    np.testing.assert_allclose(F.instance_norm(x).numpy(), F.group_norm(x, 4).numpy(), 1e-12, 1e-12)
    # and layer norm one of a single group
    np.testing.assert_allclose(
        F.layer_norm(x, (4, 6)).numpy(), F.group_norm(x, 1).numpy(), 1e-12, 1e-12
    )


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.InstanceNorm1d(0), ValueError, "num_features must be at least 1, got 0"),
        (lambda: nn.LayerNorm(0), ValueError, "normalized_shape must be at least 1, got 0"),
        (lambda: nn.LayerNorm(()), ValueError, r"at least one axis, got \(\)"),
        (lambda: nn.LayerNorm((3, 2.5)), TypeError, "normalized_shape must be an int, got 2.5"),
        (lambda: nn.RMSNorm(True), TypeError, "normalized_shape must be an int, got the bool"),
        (lambda: nn.GroupNorm(0, 4), ValueError, "num_groups must be at least 1, got 0"),
        (
            lambda: nn.GroupNorm(4, 6),
            ValueError,
            "num_channels=6, num_groups=4\n  try: num_groups=3",
        ),
        (lambda: nn.LazyLayerNorm(0), ValueError, "normalized_ndim must be at least 1, got 0"),
        (lambda: nn.LazyGroupNorm(2.0), TypeError, "num_groups must be an int, got 2.0"),
        (lambda: nn.LayerNorm(3, dtype="int64"), TypeError, "float32 or float64, not int64"),
    ],
)
def test_bad_arguments(make, error, message):
    before = lucid.get_rng_state()
    with pytest.raises(error, match=message):
        make()
    assert lucid.get_rng_state() == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.instance_norm(lucid.zeros(3, 4)), lucid.ShapeError, r"\(N, C, L\).*\n.*\n.*try"),
        (lambda: F.instance_norm(lucid.zeros(3, 4, 1)), ValueError, r"more than one.*\(3, 4, 1\)"),
        (
            lambda: F.instance_norm(lucid.zeros(3, 4, 5), use_input_stats=False),
            ValueError,
            "needs running_mean and running_var",
        ),
        (
            lambda: F.instance_norm(lucid.zeros(3, 4, 5), weight=lucid.ones(3)),
            lucid.ShapeError,
            r"expected weight of one number per channel, \(4,\)",
        ),
        (lambda: nn.InstanceNorm1d(4).eval()(lucid.zeros(3, 4, 1)), ValueError, "more than one"),
        (
            lambda: nn.InstanceNorm1d(4)(lucid.zeros(3, 5, 2)),
            lucid.ShapeError,
            r"expected 4 channels .* got \(3, 5, 2\)\n.*num_features=4, given at construction",
        ),
        (
            lambda: F.layer_norm(lucid.zeros(3, 4), 3),
            lucid.ShapeError,
            r"layer_norm expected an input \(\.\.\., 3\), got \(3, 4\)",
        ),
        (lambda: F.layer_norm(lucid.zeros(4), (3, 4)), lucid.ShapeError, r"\(\.\.\., 3, 4\)"),
        (
            lambda: F.layer_norm(lucid.zeros(3, 4), 4, lucid.ones(4, 1)),
            lucid.ShapeError,
            r"expected weight of shape \(4,\) for an input \(3, 4\), got \(4, 1\)",
        ),
        (
            lambda: F.rms_norm(lucid.zeros(3, 4), 4, randn(4)),
            TypeError,
            "float32 for input and float64 for weight",
        ),
        (lambda: F.layer_norm(lucid.zeros(3, 4).long(), 4), TypeError, "float32 or float64 input"),
        (lambda: F.group_norm(lucid.zeros(3), 1), lucid.ShapeError, r"\(N, C\) or \(N, C, L\)"),
        (lambda: F.group_norm(lucid.zeros(3, 4), 3), lucid.ShapeError, "not divisible by num_gr"),
        (lambda: F.group_norm(lucid.zeros(1, 4, 1), 4), ValueError, "more than one value per"),
        (lambda: F.group_norm(np.zeros((3, 4)), 2), TypeError, "got a NumPy array"),
        (
            lambda: nn.GroupNorm(2, 4)(lucid.zeros(3, 6)),
            lucid.ShapeError,
            "expected 4 channels.*\n.*num_channels=4, given at construction",
        ),
        (
            lambda: nn.LayerNorm((2, 3))(lucid.zeros(4, 3, 2)),
            lucid.ShapeError,
            r"has normalized_shape=\(2, 3\), given at construction",
        ),
    ],
)
def test_bad_inputs(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_several_axes_inferred():
    layer = nn.LazyLayerNorm(normalized_ndim=2)
    with pytest.raises(lucid.ShapeError, match=r"over the last 2 axes, got an input \(3,"):
        layer(lucid.zeros(3))
    with pytest.raises(ValueError, match=r"weight: expected a shape of 2 axes, found \(3,"):
        layer.load_state_dict({"weight": lucid.zeros(3), "bias": lucid.zeros(3)})
    assert layer.normalized_shape is None
    layer.load_state_dict({"weight": lucid.ones(3, 2), "bias": lucid.zeros(3, 2)})
    assert layer.normalized_shape == (3, 2)
    with pytest.raises(lucid.ShapeError, match="taken from the loaded state dict"):
        layer(lucid.zeros(4, 2, 3))


def test_repr():
    for made, shown in (
        (nn.InstanceNorm1d(3), "InstanceNorm1d(num_features=3)"),
        (nn.LazyInstanceNorm1d(), "LazyInstanceNorm1d(num_features=None)"),
        (
            nn.LazyInstanceNorm1d(affine=False, momentum=None),
            "LazyInstanceNorm1d(num_features=None, momentum=None, affine=False)",
        ),
        (nn.BatchNorm1d(3, bias=False), "BatchNorm1d(num_features=3, bias=False)"),
        (nn.LayerNorm(3), "LayerNorm(normalized_shape=(3,))"),
        (
            nn.LayerNorm([3, 4], 1e-3, bias=False),
            "LayerNorm(normalized_shape=(3, 4), eps=0.001, bias=False)",
        ),
        (
            nn.LayerNorm(3, elementwise_affine=False),
            "LayerNorm(normalized_shape=(3,), elementwise_affine=False)",
        ),
        (nn.LazyLayerNorm(), "LazyLayerNorm(normalized_shape=None)"),
        (nn.RMSNorm(3), "RMSNorm(normalized_shape=(3,))"),
        (nn.RMSNorm(3, 1e-6), "RMSNorm(normalized_shape=(3,), eps=1e-06)"),
        (nn.GroupNorm(2, 4, bias=False), "GroupNorm(num_groups=2, num_channels=4, bias=False)"),
        (nn.LazyGroupNorm(2), "LazyGroupNorm(num_groups=2, num_channels=None)"),
    ):
        assert repr(made) == shown


# ---------------------------------------------------------------------------------------- PyTorch

TWINS = [
    ("InstanceNorm1d", (4,), {}, (3, 4, 6)),
    ("InstanceNorm1d", (4,), {"affine": True, "track_running_stats": True}, (3, 4, 6)),
    ("InstanceNorm1d", (4,), {"affine": True, "bias": False}, (3, 4, 6)),
    ("InstanceNorm1d", (4,), {"track_running_stats": True, "momentum": None}, (3, 4, 6)),
    ("BatchNorm1d", (4,), {"bias": False}, (3, 4, 6)),
    ("LayerNorm", (6,), {}, (3, 4, 6)),
    ("LayerNorm", ((4, 6), 1e-2), {}, (3, 4, 6)),
    ("LayerNorm", (6,), {"bias": False}, (3, 4, 6)),
    ("LayerNorm", ([6],), {"elementwise_affine": False}, (6,)),
    ("GroupNorm", (2, 4), {}, (3, 4, 6)),
    ("GroupNorm", (2, 4), {"bias": False}, (3, 4)),
    ("GroupNorm", (4, 4), {"affine": False}, (3, 4, 2, 5)),
    ("RMSNorm", (6,), {}, (3, 4, 6)),
    ("RMSNorm", ((4, 6),), {"eps": 1e-2}, (3, 4, 6)),
    ("RMSNorm", (6,), {"elementwise_affine": False}, (3, 6)),
]


@pytest.mark.parametrize(("name", "args", "options", "shape"), TWINS)
@pytest.mark.parametrize("training", [True, False])
def test_against_pytorch(name, args, options, shape, training):
    torch = pytest.importorskip("torch")
    ours = getattr(nn, name)(*args, **options).double()
    theirs = getattr(torch.nn, name)(*args, **options).double()
    with lucid.no_grad():
        for tensor in (*ours.parameters(), *ours.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(1 + lucid.rand(*tensor.shape))
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    ours.train(training)
    theirs.train(training)
    x = randn(*shape).requires_grad_()
    t = torch.tensor(x.detach().numpy().copy(), requires_grad=True)
    y, expected = ours(x), theirs(t)
    g = randn(*shape)
    y.backward(g)
    expected.backward(torch.tensor(g.numpy()))
    parameters, state = dict(theirs.named_parameters()), theirs.state_dict()
    pairs = [(y, expected), (x.grad, t.grad)]
    pairs += [(p.grad, parameters[n].grad) for n, p in ours.named_parameters()]
    pairs += [(v, state[k]) for k, v in ours.state_dict().items()]
    assert list(ours.state_dict()) == list(state)
    for mine, other in pairs:
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), 1e-9, 1e-10)


def test_pytorch_refuses_the_same():
    torch = pytest.importorskip("torch")
    for call, same in (
        (
            lambda: torch.nn.GroupNorm(2, 2)(torch.zeros(1, 2)),
            lambda: nn.GroupNorm(2, 2)(lucid.zeros(1, 2)),
        ),
        (
            lambda: torch.nn.InstanceNorm1d(2)(torch.zeros(3, 2, 1)),
            lambda: nn.InstanceNorm1d(2)(lucid.zeros(3, 2, 1)),
        ),
    ):
        for one in (call, same):
            with pytest.raises(ValueError, match="ore than "):
                one()
    # one value per group, but of several samples: zeros, here and there
    assert not nn.GroupNorm(2, 2)(lucid.randn(3, 2)).any()
    assert torch.nn.GroupNorm(2, 2)(torch.randn(3, 2)).abs().max() < 1e-4
