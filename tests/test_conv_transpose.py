"""ConvTranspose1d and DepthwiseConv1d: loops, finite differences, Conv1d's adjoint, PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

from gradients import check_gradients
from reference import close

OPTIONS = [
    {},
    {"stride": 2},
    {"stride": 3, "output_padding": 2},
    {"padding": 2},
    {"dilation": 3},
    {"dilation": 4, "stride": 2, "output_padding": 3, "padding": 1},  # as long as two strides
    {"groups": 2},
    {"groups": 4, "stride": 2, "padding": 1, "output_padding": 1},
    {"stride": 7, "padding": 1},  # longer than the kernel: holes
]
ids = [",".join(f"{k}={v}" for k, v in o.items()) or "plain" for o in OPTIONS]


def randn(*shape):
    return lucid.randn(*shape, dtype="float64")


def by_loops(x, w, bias, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Every position of x adds its kernels; what padding leaves off is cut off at the end."""
    (N, C, L), (_, per_group, K) = x.shape, w.shape
    whole = (L - 1) * stride + dilation * (K - 1) + 1 + output_padding
    y = np.zeros((N, per_group * groups, whole))
    for c in range(C):
        first = c // (C // groups) * per_group
        for o in range(per_group):
            for t in range(L):
                for k in range(K):
                    y[:, first + o, t * stride + k * dilation] += w[c, o, k] * x[:, c, t]
    if bias is not None:
        y += bias[:, None]
    return y[:, :, padding : whole - padding]


@pytest.mark.parametrize("options", OPTIONS, ids=ids)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_values(options, bias, dtype, tolerance):
    x, w = randn(3, 4, 6), randn(4, 3, 3)
    b = randn(w.shape[1] * options.get("groups", 1)) if bias else None
    exact = by_loops(x.numpy(), w.numpy(), None if b is None else b.numpy(), **options)
    size = by_loops(*(np.abs(a.numpy()) for a in (x, w)), None, **options)
    y = F.conv_transpose1d(*(None if a is None else a.to(dtype) for a in (x, w, b)), **options)
    assert y.dtype is getattr(lucid, dtype)
    assert close(y.numpy(), exact, size, tolerance)


@pytest.mark.parametrize("options", OPTIONS, ids=ids)
def test_gradients(options):
    groups = options.get("groups", 1)
    check_gradients(
        lambda x, w, b: F.conv_transpose1d(x, w, b, **options),
        randn(2, 4, 4), randn(4, 2, 2), randn(2 * groups),
    )  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=ids)
def test_it_is_the_adjoint_of_a_convolution(options):
    """<conv(x, w), g> = <x, conv_transpose(g, w)>"""
    options = dict(options)
    output_padding = options.pop("output_padding", 0)
    g, w = randn(2, 4, 5), randn(4, 3, 3)
    back = F.conv_transpose1d(g, w, output_padding=output_padding, **options)
    x = randn(*back.shape)
    there = F.conv1d(x, w, **options)
    beyond = there[:, :, 5:]  # one window more, where output_padding is as long as a stride
    assert beyond.shape[2] == output_padding // options.get("stride", 1)
    np.testing.assert_allclose((there[:, :, :5] * g).sum().item(), (x * back).sum().item())


def test_inputs_in_any_order_in_memory_and_empty_batches():
    x, w = randn(6, 4, 2), randn(3, 2, 4)
    turned, kernels = x.transpose(0, 2), w.transpose(0, 2)
    found = F.conv_transpose1d(turned, kernels, stride=2)
    np.testing.assert_array_equal(
        found.numpy(), F.conv_transpose1d(turned.clone(), kernels.contiguous(), stride=2).numpy()
    )
    empty = lucid.zeros(0, 4, 5, requires_grad=True)
    layer = nn.ConvTranspose1d(4, 2, 3)
    y = layer(empty)
    assert y.shape == (0, 2, 7)
    y.sum().backward()
    assert empty.grad.shape == (0, 4, 5)
    assert not layer.weight.grad.any()
    assert layer.bias.grad.tolist() == [0, 0]


def test_what_is_not_finite_reaches_exactly_its_windows():
    x, w = lucid.ones(1, 1, 5), lucid.ones(1, 1, 2)
    x[0, 0, 2] = float("nan")
    y = F.conv_transpose1d(x, w).numpy()[0, 0]
    assert np.isnan(y).tolist() == [False, False, True, True, False, False]
    w = lucid.tensor([[[1.0, float("inf")]]])
    assert F.conv_transpose1d(lucid.ones(1, 1, 2), w, stride=2).tolist() == [
        [[1, float("inf"), 1, float("inf")]]
    ]


def test_output_size():
    layer = nn.ConvTranspose1d(2, 3, 4, stride=3, padding=1)
    x = lucid.zeros(2, 2, 5)
    assert layer(x).shape == (2, 3, 14)
    for size in (14, 15, (16,), [2, 3, 16]):
        assert layer(x, output_size=size).shape[2] == (size if isinstance(size, int) else 16)
    plain = nn.ConvTranspose1d(2, 3, 4, 3, 1, output_padding=2)
    plain.load_state_dict(layer.state_dict())
    x = lucid.randn(2, 2, 5)
    np.testing.assert_array_equal(layer(x, 16).tolist(), plain(x).tolist())
    for size in (13, 17):
        with pytest.raises(ValueError, match=f"length 5 can become 14 to 16 long.*={size}"):
            layer(x, size)
    with pytest.raises(ValueError, match=r"a length, \(L_out,\) or \(N, C_out, L_out\), got \(1, "):
        layer(x, (1, 2))
    with pytest.raises(TypeError, match="output_size must be an int"):
        layer(x, 14.0)
    lazy = nn.LazyConvTranspose1d(3, 4, stride=3, padding=1)
    with pytest.raises(ValueError, match="14 to 16"):
        lazy(x, output_size=3)
    assert lazy.in_channels is None
    assert lazy(x, output_size=15).shape == (2, 3, 15)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"output_padding": 1}, ValueError, "output_padding=1, stride=1, dilation=1"),
        ({"output_padding": 2, "stride": 2}, ValueError, "less than stride or dilation"),
        ({"output_padding": -1}, ValueError, "output_padding must be at least 0"),
        ({"padding": "same"}, TypeError, "padding must be an int, got 'same'"),
        ({"padding_mode": "reflect"}, ValueError, "no padding_mode but 'zeros', got 'reflect'"),
        ({"groups": 3}, ValueError, "out_channels=4, groups=3\n  try: groups=2"),
        ({"groups": 4}, ValueError, "in_channels=6, groups=4\n  try: groups=2"),
        ({"stride": 0}, ValueError, "stride must be at least 1"),
        ({"dilation": 2**31}, ValueError, r"below 2\*\*31"),
        ({"bias": False, "dtype": "int64"}, TypeError, "float32 or float64, not int64"),
    ],
)
def test_bad_arguments(options, error, message):
    before = lucid.get_rng_state()
    with pytest.raises(error, match=message):
        nn.ConvTranspose1d(**{"in_channels": 6, "out_channels": 4, "kernel_size": 5, **options})
    assert lucid.get_rng_state() == before


@pytest.mark.parametrize(
    ("x", "w", "options", "message"),
    [
        ((2, 4), (4, 2, 3), {}, r"conv_transpose1d expected an input \(N, C, L\)"),
        ((2, 4, 0), (4, 2, 3), {}, "at least one position"),
        ((2, 4, 5), (3, 2, 3), {}, "expected 3 channels in axis 1"),
        ((2, 5, 4), (4, 2, 3), {}, r"x.transpose\(1, 2\)"),
        ((2, 4, 5), (4, 2), {}, r"a weight \(C_in, C_out / groups, K\)"),
        ((2, 4, 5), (4, 2, 3), {"groups": 3}, "4 .axis 0.* is not divisible by groups=3"),
        ((2, 4, 5), (4, 2, 3), {"bias": lucid.zeros(3)}, r"a bias of shape \(2,\), got \(3,\)"),
        (
            (1, 1, 2),
            (1, 1, 3),
            {"padding": 2},
            "= 1 .* 1 .* = 4, 2 . padding = 4\n  try: padding=1",
        ),
        ((1, 1, 2), (1, 1, 3), {"stride": 2**31 - 1}, r"shorter than 2\*\*31"),
    ],
)
def test_bad_inputs(x, w, options, message):
    with pytest.raises(ValueError, match=message):
        F.conv_transpose1d(lucid.zeros(*x), lucid.zeros(*w), **options)


def test_dtypes_must_agree():
    with pytest.raises(TypeError, match="float32 for input and float64 for weight"):
        F.conv_transpose1d(lucid.zeros(1, 1, 3), randn(1, 1, 3))
    layer = nn.ConvTranspose1d(4, 2, 3)
    with pytest.raises(ValueError, match="has in_channels=4, given at construction"):
        layer(lucid.zeros(1, 3, 5))


def test_repr():
    layer = nn.ConvTranspose1d(4, 2, 3, 2, 1, 1, 2, False)
    assert repr(layer) == (
        "ConvTranspose1d(in_channels=4, out_channels=2, kernel_size=3, stride=2, padding=1, "
        "output_padding=1, groups=2, bias=False)"
    )
    layer = nn.LazyDepthwiseConv1d(3, padding=1, depth_multiplier=2)
    shown = "kernel_size=3, padding=1, depth_multiplier=2)"
    assert repr(layer) == f"LazyDepthwiseConv1d(in_channels=None, {shown}"
    layer(lucid.zeros(1, 5, 4))
    assert repr(layer) == f"LazyDepthwiseConv1d(in_channels=5, {shown}"


# --------------------------------------------------------------------------------------- depthwise


@pytest.mark.parametrize("lazy", [False, True])
def test_depthwise_is_a_convolution_of_each_channel(lazy):
    options = {"stride": 2, "padding": 1, "padding_mode": "reflect", "depth_multiplier": 2}
    lucid.manual_seed(3)
    layer = nn.LazyDepthwiseConv1d(3, **options) if lazy else nn.DepthwiseConv1d(4, 3, **options)
    assert isinstance(layer, nn.Conv1d)
    assert (layer.out_channels, layer.groups) == ((None, None) if lazy else (8, 4))
    x = lucid.randn(2, 4, 9)
    y = layer(x)
    assert (layer.out_channels, layer.groups, layer.weight.shape) == (8, 4, (8, 1, 3))
    lucid.manual_seed(3)
    conv = nn.Conv1d(4, 8, 3, 2, 1, groups=4, padding_mode="reflect")
    np.testing.assert_array_equal(y.tolist(), conv(x).tolist())
    for c in range(4):
        own = slice(2 * c, 2 * c + 2)
        one = F.conv1d(x[:, c : c + 1], layer.weight[own], layer.bias[own], 2, 1, 1, 1, "reflect")
        np.testing.assert_allclose(y[:, own].tolist(), one.tolist(), rtol=1e-5, atol=1e-6)


def test_depthwise_sizes():
    with pytest.raises(ValueError, match="depth_multiplier must be at least 1, got 0"):
        nn.LazyDepthwiseConv1d(3, depth_multiplier=0)
    layer = nn.LazyDepthwiseConv1d(3, depth_multiplier=2)
    with pytest.raises(
        ValueError, match=r"expected shape \(in_channels \* 2, 1, 3\), found \(6, 2"
    ):
        layer.load_state_dict({"weight": lucid.zeros(6, 2, 3), "bias": lucid.zeros(6)})
    with pytest.raises(ValueError, match=r"weight: expected shape \(6, 1, 3\), found \(7, 1, 3\)"):
        layer.load_state_dict({"weight": lucid.zeros(7, 1, 3), "bias": lucid.zeros(7)})
    assert layer.groups is layer.out_channels is layer.in_channels is None
    layer.load_state_dict({"weight": lucid.zeros(6, 1, 3), "bias": lucid.zeros(6)})
    assert (layer.in_channels, layer.out_channels, layer.groups) == (3, 6, 3)


# ----------------------------------------------------------------------------------------- PyTorch


@pytest.mark.parametrize("seed", range(30))
def test_against_pytorch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    stride, dilation, K, groups, N = (int(rng.integers(1, n)) for n in (5, 4, 6, 4, 4))
    C, O = (groups * int(rng.integers(1, 4)) for _ in range(2))
    L = int(rng.integers(1, 9))
    extra = int(rng.integers(0, max(stride, dilation)))
    padding = int(rng.integers(0, ((L - 1) * stride + dilation * (K - 1) + extra) // 2 + 1))
    args = (C, O, K, stride, padding, extra, groups, bool(rng.integers(2)), dilation)
    ours, theirs = nn.ConvTranspose1d(*args).double(), torch.nn.ConvTranspose1d(*args).double()
    # the same names, shapes and order, and so one another's states
    assert {n: t.shape for n, t in ours.state_dict().items()} == {
        n: tuple(t.shape) for n, t in theirs.state_dict().items()
    }
    ours.load_state_dict(theirs.state_dict())
    x = randn(N, C, L).requires_grad_()
    t = torch.tensor(x.detach().numpy().copy(), requires_grad=True)
    y, expected = ours(x), theirs(t)
    assert y.shape == tuple(expected.shape)
    g = rng.standard_normal(y.shape)
    y.backward(lucid.tensor(g))
    expected.backward(torch.tensor(g))
    pairs = [(y, expected), (x.grad, t.grad)]
    pairs += [(p.grad, dict(theirs.named_parameters())[n].grad) for n, p in ours.named_parameters()]
    for mine, other in pairs:
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), 1e-10, 1e-10)


def test_initialization_is_pytorchs():
    layer = nn.ConvTranspose1d(64, 32, 5, groups=2)
    bound = 1 / np.sqrt(16 * 5)
    for p in (layer.weight, layer.bias):
        numbers = np.abs(p.detach().numpy())
        assert 0.8 * bound < numbers.max() <= bound * (1 + 1e-6)
