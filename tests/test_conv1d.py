"""conv1d, the operation: contract 65 to 77 (values against the definition are in test_kernels)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import lucid
import lucid.nn.functional as F
from lucid import nn

from configs import MODES, Config, configs
from gradients import check_gradients
from reference import close, conv1d, conv1d_grads


def tensors(config: Config, dtype=np.float64, requires_grad=False):
    return tuple(lucid.tensor(a, requires_grad=requires_grad) for a in config.arrays(dtype))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@settings(max_examples=100, deadline=None)
@given(config=configs())
def test_values_and_all_three_gradients(dtype, tolerance, config):
    # contract 73
    x, w, b = tensors(config, dtype, requires_grad=True)
    y = F.conv1d(x, w, b, **config.options)
    g = np.random.default_rng(config.seed + 1).standard_normal(y.shape).astype(dtype)
    y.backward(lucid.tensor(g))
    plain = (*config.arrays(dtype), g)
    exact, sizes = (
        (conv1d(*a[:3], **config.options), *conv1d_grads(*a[:2], a[3], **config.options))
        for a in (plain, tuple(map(np.abs, plain)))
    )
    for ours, theirs, size in zip((y.detach(), x.grad, w.grad, b.grad), exact, sizes, strict=True):
        assert ours.dtype.numpy == dtype
        assert close(ours.numpy(), theirs, size, tolerance)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("stride", "dilation", "L"), [(1, 1, 5), (2, 1, 6), (3, 2, 9), (2, 3, 8)])
def test_first_and_second_derivatives(mode, groups, stride, dilation, L):
    # contract 74; with stride 2 and L 6, and stride 3 and L 9, tail inputs stay unread
    config = Config(2, 2, L, 2, 3, stride, 1, dilation, groups, mode, 0)
    check_gradients(
        lambda x, w, b: F.conv1d(x, w, b, **config.options), *tensors(config, requires_grad=True)
    )


def test_tail_inputs_that_no_window_reads_get_gradient_zero():
    # contract 74
    x = lucid.randn(1, 1, 6, requires_grad=True)
    F.conv1d(x, lucid.ones(1, 1, 3), stride=2).sum().backward()
    assert x.grad.tolist() == [[[1, 1, 2, 1, 1, 0]]]


@pytest.mark.parametrize(
    ("padding", "stride"), [("same", 1), (0, 1), (3, 1), (0, 2), (3, 2), (0, 3), (3, 3)]
)
@pytest.mark.parametrize("K", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_output_length(padding, stride, K, dilation):
    # contract 65, 66
    L = 23
    y = F.conv1d(lucid.zeros(1, 1, L), lucid.zeros(1, 1, K), None, stride, padding, dilation)
    if padding == "same":
        assert y.shape[2] == L
    else:
        # counted: the windows that begin at a multiple of the stride and end within
        windows = [t for t in range(0, L + 2 * padding, stride)
                   if t + dilation * (K - 1) < L + 2 * padding]  # fmt: skip
        assert y.shape[2] == len(windows)


def test_same_puts_the_odd_one_on_the_right():
    # contract 66
    y = F.conv1d(lucid.tensor([[[1.0, 2.0, 3.0]]]), lucid.tensor([[[1.0, 10.0]]]), padding="same")
    assert y.tolist() == [[[21.0, 32.0, 3.0]]]


def test_valid_is_padding_0():
    # contract 67
    x, w = lucid.randn(2, 3, 9), lucid.randn(4, 3, 3)
    assert bool((F.conv1d(x, w, padding="valid") == F.conv1d(x, w, padding=0)).all())


@pytest.mark.parametrize("mode", MODES)
def test_padding_is_pad_then_convolve(mode):
    # contract 68
    name = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[
        mode
    ]
    x, w = lucid.randn(2, 3, 9), lucid.randn(4, 3, 3)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (4, 4)), mode=name)
    ours = F.conv1d(x, w, padding=4, padding_mode=mode, stride=2)
    assert bool((ours == F.conv1d(lucid.tensor(padded), w, stride=2)).all())


def test_limits_of_the_padding_modes():
    # contract 69
    w = lucid.ones(1, 1, 2)
    for L in (1, 2, 5):
        x = lucid.randn(1, 1, L)
        for mode, most in {"reflect": L - 1, "circular": L, "replicate": 40, "zeros": 40}.items():
            if L + 2 * most >= 2:
                assert F.conv1d(x, w, padding=most, padding_mode=mode).shape[2] == L + 2 * most - 1
        with pytest.raises(ValueError, match=rf"got padding {L}, length {L}, at most {L - 1}"):
            F.conv1d(x, w, padding=L, padding_mode="reflect")
        with pytest.raises(
            ValueError, match=rf"at most the length: got padding {L + 1}, length {L}"
        ):
            F.conv1d(x, w, padding=L + 1, padding_mode="circular")
    for mode in MODES:
        with pytest.raises(ValueError, match="length 0"):
            F.conv1d(lucid.zeros(1, 1, 0), w, padding=3, padding_mode=mode)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_groups_are_independent_convolutions(groups):
    # contract 70; groups = 6 is depthwise, with a multiplier of 2
    x, w = lucid.randn(2, 6, 15), lucid.randn(12, 6 // groups, 3)
    whole = F.conv1d(x, w, padding=1, groups=groups)
    parts = [
        F.conv1d(xs, ws, padding=1)
        for xs, ws in zip(x.split(6 // groups, 1), w.split(12 // groups, 0), strict=True)
    ]
    assert np.allclose(whole.numpy(), lucid.cat(parts, 1).numpy(), atol=1e-6)


def test_linear_in_input_and_weight():
    x1, x2 = lucid.randn(2, 2, 3, 11, dtype="float64")
    w1, w2 = lucid.randn(2, 4, 3, 3, dtype="float64")
    for y, z in [
        (F.conv1d(2 * x1 + x2, w1), 2 * F.conv1d(x1, w1) + F.conv1d(x2, w1)),
        (F.conv1d(x1, 2 * w1 + w2), 2 * F.conv1d(x1, w1) + F.conv1d(x1, w2)),
    ]:
        assert np.allclose(y.numpy(), z.numpy(), atol=1e-12)


def test_an_impulse_comes_out_as_the_kernel_turned_round():
    """Cross-correlation: a flipped kernel would show it in its own order."""
    x = lucid.zeros(1, 1, 7)
    x[0, 0, 3] = 1.0
    y = F.conv1d(x, lucid.tensor([[[1.0, 2.0, 3.0]]]), padding=1)
    assert y.tolist() == [[[0, 0, 3, 2, 1, 0, 0]]]


def test_a_kernel_that_does_not_fit_shows_the_arithmetic():
    # contract 71
    with pytest.raises(
        ValueError, match=r"3 \* \(5 - 1\) \+ 1 = 13, length \+ padding = 10 \+ 1 \+ 1 = 12"
    ):
        F.conv1d(lucid.zeros(1, 1, 10), lucid.zeros(1, 1, 5), padding=1, dilation=3)
    # and the proposed cure works
    assert (
        F.conv1d(lucid.zeros(1, 1, 10), lucid.zeros(1, 1, 5), padding=2, dilation=3).shape[2] == 2
    )


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_what_is_not_finite_reaches_exactly_its_windows(poison, stride, dilation):
    # contract 72
    x = np.random.default_rng(0).standard_normal((2, 4, 20)) + 3
    x[1, 2, 7] = poison
    w = np.random.default_rng(1).standard_normal((4, 2, 3))
    options = {"stride": stride, "dilation": dilation, "padding": 2, "groups": 2}
    ours = F.conv1d(lucid.tensor(x), lucid.tensor(w), **options).numpy()
    theirs = conv1d(x, w, **options)
    assert np.array_equal(np.isfinite(ours), np.isfinite(theirs))
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert not np.isfinite(ours).all()
    assert np.isfinite(ours[0]).all()
    assert np.isfinite(ours[1, :2]).all()  # the other group


def test_ieee_at_the_zero_padding():
    # contract 72: a nan weight on zero padding is nan, 0 * inf is nan
    x = lucid.ones(1, 1, 4)
    w = lucid.tensor([[[np.nan, 1.0, 1.0]]])
    assert np.isnan(F.conv1d(x.double(), w.double(), padding=1).numpy()).all()
    infinite = lucid.tensor([[[np.inf, 1.0, 1.0]]], dtype="float64")
    y = F.conv1d(x.double(), infinite, padding=1).numpy()[0, 0]
    assert np.isnan(y[0])
    assert np.isposinf(y[1:]).all()
    zeros = F.conv1d(lucid.tensor([[[np.inf, 1.0]]]), lucid.zeros(1, 1, 1)).numpy()[0, 0]
    assert np.isnan(zeros[0])
    assert zeros[1] == 0


def test_gradients_of_what_is_not_finite():
    # contract 72, for the gradients
    config = Config(1, 2, 9, 2, 3, 2, 2, 1, 1, "zeros", 5)
    x, w, _ = config.arrays()
    w[0, 1, 2] = np.inf
    tx, tw = lucid.tensor(x, requires_grad=True), lucid.tensor(w, requires_grad=True)
    y = F.conv1d(tx, tw, **config.options)
    g = np.random.default_rng(0).standard_normal(y.shape)
    y.backward(lucid.tensor(g))
    gx, gw, _ = conv1d_grads(x, w, g, **config.options)
    assert np.array_equal(np.isfinite(tx.grad.numpy()), np.isfinite(gx))
    assert np.array_equal(np.isfinite(tw.grad.numpy()), np.isfinite(gw))


def layouts(a: np.ndarray):
    """The same numbers in memory layouts of every kind."""
    padded = np.zeros(tuple(2 * n for n in a.shape), a.dtype)
    padded[::2, ::2, ::2] = a
    readonly = a.copy()
    readonly.flags.writeable = False
    return {
        "fortran": np.asfortranarray(a),
        "transposed": np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
        "strided": padded[::2, ::2, ::2],
        "backwards": a[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
        "readonly": readonly,
    }


@pytest.mark.parametrize("layout", ["fortran", "transposed", "strided", "backwards", "readonly"])
def test_memory_layouts(layout):
    # contract 75
    config = Config(3, 4, 10, 6, 3, 2, 2, 1, 2, "reflect", 0)
    x, w, _ = config.arrays()
    results = []
    for a, b in [(x, w), (layouts(x)[layout], layouts(w)[layout])]:
        before = a.copy(), b.copy()
        tx, tw = lucid.from_numpy(a).requires_grad_(), lucid.from_numpy(b).requires_grad_()
        y = F.conv1d(tx, tw, **config.options)
        # a gradient in an odd layout, too
        g = lucid.from_numpy(np.asfortranarray(np.arange(y.numel(), dtype=float).reshape(y.shape)))
        y.backward(g)
        assert np.array_equal(a, before[0])
        assert np.array_equal(b, before[1])
        results.append((y.detach().numpy(), tx.grad.numpy(), tw.grad.numpy()))
    for plain, odd in zip(*results, strict=True):
        assert np.array_equal(plain, odd)


def test_an_empty_batch():
    # contract 76
    w, b = lucid.ones(4, 2, 3, requires_grad=True), lucid.ones(4, requires_grad=True)
    x = lucid.zeros(0, 2, 9, requires_grad=True)
    y = F.conv1d(x, w, b)
    assert y.shape == (0, 4, 7)
    y.sum().backward()
    assert x.grad.shape == (0, 2, 9)
    assert w.grad.tolist() == np.zeros((4, 2, 3)).tolist()
    assert b.grad.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_dtypes_that_cannot_be_convolved(dtype):
    # contract 77
    with pytest.raises(TypeError, match=rf"got {dtype}\n  try: x.float\(\)"):
        F.conv1d(lucid.zeros(1, 1, 4, dtype=dtype), lucid.zeros(1, 1, 2))


@pytest.mark.parametrize("dtype", ["float16", "complex64", "complex128"])
def test_dtypes_that_no_tensor_has(dtype):
    # contract 77
    array = np.zeros((1, 1, 4), dtype)
    with pytest.raises(TypeError, match=rf"got a NumPy array of {dtype}\n  try: "):
        lucid.from_numpy(array)
    with pytest.raises(TypeError, match=rf"needs a tensor for input, got a NumPy array of {dtype}"):
        F.conv1d(array, lucid.zeros(1, 1, 2))


def test_dtypes_must_agree():
    # contract 60
    with pytest.raises(
        TypeError, match=r"float64 for input and float32 for weight\n  try: x.to\(lucid.float32\)"
    ):
        F.conv1d(lucid.zeros(1, 1, 4).double(), lucid.zeros(1, 1, 2))
    with pytest.raises(TypeError, match="float32 for input and float64 for bias"):
        F.conv1d(lucid.zeros(1, 1, 4), lucid.zeros(1, 1, 2), lucid.zeros(1).double())


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((3, 9), (1, 3, 2), None), {}, r"got \(3, 9\)\n  try: x\[None\] .*\(1, 3, 9\)"),
        (((9,), (1, 1, 2), None), {}, r"try: x\[None, None\] .*\(1, 1, 9\)"),
        (((1, 2, 3, 9), (1, 1, 2), None), {}, "flatten"),
        (((4, 64, 3), (8, 3, 5), None), {}, r"channels-last.*\n  try: x.transpose\(1, 2\)"),
        (((4, 2, 9), (8, 3, 5), None), {}, r"expected 3 channels in axis 1 of .*got \(4, 2, 9\)"),
        (((4, 4, 9), (8, 4, 5), None), {"groups": 2}, "expected 8 channels"),
        (((4, 4, 9), (3, 2, 5), None), {"groups": 2}, "not divisible by groups=2"),
        (((4, 4, 9), (3, 4), None), {}, r"weight \(C_out, C_in / groups, K\)"),
        (((4, 4, 9), (3, 4, 0), None), {}, "no empty axis"),
        (((4, 4, 9), (3, 4, 5), (4,)), {}, r"bias of shape \(3,\), got \(4,\)"),
        (((4, 4, 9), (3, 4, 5), None), {"stride": 0}, "stride must be at least 1, got 0"),
        (((4, 4, 9), (3, 4, 5), None), {"dilation": 0}, "dilation must be at least 1, got 0"),
        (((4, 4, 9), (3, 4, 5), None), {"padding": -1}, "padding must be at least 0, got -1"),
        (((4, 4, 9), (3, 4, 5), None), {"padding": "SAME"}, "got 'SAME'\n  try: padding='same'"),
        (((4, 4, 9), (3, 4, 5), None), {"padding_mode": "mirror"}, "circular', got 'mirror'"),
    ],
)  # fmt: skip
def test_bad_input(shapes, options, message):
    # contract 82
    x, w, b = (None if s is None else lucid.zeros(s) for s in shapes)
    with pytest.raises(ValueError, match=message):
        F.conv1d(x, w, b, **options)


@pytest.mark.parametrize("name", ["stride", "padding", "dilation"])
@pytest.mark.parametrize("value", [2**31, 2**63 - 5, 2**63, 2**64])
def test_huge_sizes_are_refused_at_once(name, value):
    # contract 13
    with pytest.raises(ValueError, match=f"{name} must be below"):
        F.conv1d(lucid.zeros(1, 1, 4), lucid.zeros(1, 1, 2), **{name: value})


def test_huge_sizes_that_add_up():
    # contract 13: each size is below the limit, what follows from them is not
    x, w = lucid.zeros(1, 1, 4), lucid.zeros(1, 1, 3)
    with pytest.raises(ValueError, match="shorter than 2\\*\\*31"):
        F.conv1d(x, w, padding=2**30)
    with pytest.raises(ValueError, match="longer than the padded input"):
        F.conv1d(x, w, dilation=2**31 - 1)


def test_repeated_runs_are_bitwise_equal():
    x, w = lucid.randn(3, 8, 100), lucid.randn(8, 8, 5)
    assert bool((F.conv1d(x, w) == F.conv1d(x, w)).all())


def test_a_stride_beyond_the_input_costs_nothing():
    # contract 13: rows of the size of the stride would be gigabytes
    x = lucid.ones(1, 64, 16, requires_grad=True)
    w = lucid.ones(2, 64, 1, requires_grad=True)
    for stride in (16, 17, 3 * 10**7, 2**31 - 1):
        x.grad = w.grad = None
        y = F.conv1d(x, w, stride=stride)
        assert y.shape == (1, 2, 1)
        y.sum().backward()
        assert float(x.grad.sum()) == 128
        assert float(w.grad.sum()) == 128


@pytest.mark.parametrize(("C", "K"), [(1, 1000), (64, 31), (512, 9), (1, 16000)])
def test_long_sums_of_one_sign(C, K):
    # contract 73: rounding errors that all go the same way
    x, w = lucid.full((1, C, K + 40), 0.1), lucid.full((3, C, K), 0.1)
    exact = C * K * float(np.float32(0.1)) ** 2
    y = F.conv1d(x, w).numpy()
    assert np.abs(y - exact).max() <= 1e-5 * exact
    g = lucid.full((1, 3, 41), 0.1)
    w.requires_grad_()
    F.conv1d(x, w).backward(g)
    # the input gradient: in the middle of a long row, every place is read by all K taps
    z = lucid.full((1, C, 2 * K + 40), 0.1, requires_grad=True)
    F.conv1d(z, w.detach()).sum().backward()
    middle = z.grad[0, :, K : K + 40].numpy()
    assert np.abs(middle - 3 * K * float(np.float32(0.1))).max() <= 1e-5 * 0.3 * K
    assert np.abs(w.grad.numpy() - 41 * float(np.float32(0.1)) ** 2).max() <= 1e-5


def test_a_large_window_needs_no_table():
    x = lucid.randn(1, 1, 50_000)
    y, places = F.max_pool1d(x, 10_000, stride=5_000, return_indices=True)
    assert y.shape == (1, 1, 9)
    assert bool((x[0, 0, places[0, 0]] == y[0, 0]).all())
    assert F.max_pool1d(x, 2**30, 2**31 - 1, ceil_mode=True).item() == x.max().item()


@pytest.mark.parametrize(
    ("channels", "groups", "nearest"),
    [((12, 32), 12, 4), ((12, 36), 11, 12), ((8, 8), 3, 2), ((6, 8), 4, 2), ((5, 7), 5, 1)],
)
def test_the_groups_to_try_divide_both_numbers_of_channels(channels, groups, nearest):
    for layer in (nn.Conv1d, nn.ConvTranspose1d):
        with pytest.raises(ValueError, match=rf"groups={groups}\n  try: groups={nearest}$"):
            layer(*channels, 5, groups=groups)
        layer(*channels, 5, groups=nearest)
    with pytest.raises(ValueError, match=r"groups=3\n  try: groups=2$"):
        nn.LazyConv1d(2**30, 5, groups=3)  # found without counting up to that
