"""Animated convolutions: every number is that of lucid's kernels; ``_pictures`` has the rest."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lucid
import lucid.nn.functional as F
from lucid import nn
from lucid.explain import animate_conv1d

import reference

MODES = ["zeros", "reflect", "replicate", "circular"]


@st.composite
def convolutions(draw, transposed=False):
    """A small convolution: its tensors and its options."""
    size = st.integers(1, 3)
    groups = draw(st.integers(1, 2))
    options = {"stride": draw(size), "dilation": draw(size), "groups": groups}
    L, K = draw(st.integers(3, 7)), draw(size)
    C_in, C_out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    reach = options["dilation"] * (K - 1) + 1
    if transposed:
        whole = (L - 1) * options["stride"] + reach
        options["padding"] = draw(st.integers(0, min(2, (whole - 1) // 2)))
        most = max(options["stride"], options["dilation"]) - 1
        options["output_padding"] = draw(st.integers(0, most))
        shape = (C_in, C_out // groups, K)
    else:
        options["padding"] = draw(st.integers(max(0, -(-(reach - L) // 2)), 2))
        options["padding_mode"] = draw(st.sampled_from(MODES))
        shape = (C_out, C_in // groups, K)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays = [random.integers(-9, 10, s).astype(float) for s in ((1, C_in, L), shape, (C_out,))]
    x, w, b = (lucid.from_numpy(a) for a in arrays)
    return x, w, (b if draw(st.booleans()) else None), options


def whole(draw_gradient, y):
    """A gradient of small whole numbers, so that sums are exact in any order."""
    numbers = np.random.default_rng(draw_gradient).integers(-5, 6, y.shape)
    return lucid.from_numpy(numbers.astype(float))


def gradients(function, x, w, b, g):
    leaves = [t.detach().clone().requires_grad_() for t in (x, w, b) if t is not None]
    grads = lucid.autograd.grad(function(*leaves), leaves, g)
    return [a.numpy() for a in grads]


@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        (((1, 2, 33), (2, 5, 1)), {"padding": 5, "transposed": True}),
        (((1, 2, 40), (2, 2, 2)), {"padding": 20, "transposed": True, "dilation": 2}),
        (((1, 2, 2), (2, 2, 13)), {"padding": 20, "dilation": 3}),
        (((1, 2, 3), (2, 2, 5)), {"padding": 40, "dilation": 9}),
    ],
)
def test_the_smaller_call_that_is_proposed_can_be_drawn(shapes, options):
    names = {"x": lucid.ones(*shapes[0]), "weight": lucid.ones(*shapes[1])}
    with pytest.raises(ValueError, match="so it has to be small") as caught:
        animate_conv1d(*names.values(), **options)
    code = re.search(r"try: (.*)", str(caught.value))[1]
    eval(code, names | {"animate_conv1d": animate_conv1d})


# ------------------------------------------------------------------------------------------ numbers


@given(convolutions())
def test_each_sum_is_the_output_of_conv1d(convolution):
    x, w, b, options = convolution
    y = F.conv1d(x, w, b, **options).numpy()[0]
    frames = animate_conv1d(x, w, b, **options).frames
    assert [(f.channel, f.t) for f in frames] == list(np.ndindex(y.shape))
    for f in frames:
        bias = 0.0 if b is None else b.numpy()[f.channel]
        assert f.sum == y[f.channel, f.t] == f.products.sum() + bias
        seen = ~np.isnan(f.results["y"])
        assert seen.ravel().sum() == f.channel * y.shape[1] + f.t + 1
        np.testing.assert_array_equal(f.results["y"][seen], y[seen])


@given(convolutions())
def test_each_window_is_what_the_definition_reads(convolution):
    x, w, b, options = convolution
    frames = {(f.channel, f.t): f for f in animate_conv1d(x, w, b, **options).frames}
    for out, tap, read in reference.products(x.shape, w.shape, **options):
        frame = frames[out[1:]]
        _, c, k = tap
        assert frame.kernel[c, k] == w.numpy()[tap]
        assert frame.sources[k] == (None if read is None else read[2])
        assert frame.window[c, k] == (0 if read is None else x.numpy()[read])
        assert read is None or frame.channels[c] == read[1]


@given(convolutions(), st.integers(0, 2**32 - 1))
def test_each_step_back_adds_up_to_the_gradients(convolution, seed):
    x, w, b, options = convolution
    g = whole(seed, F.conv1d(x, w, b, **options))
    frames = animate_conv1d(x, w, b, **options, backward=True, grad=g).frames
    gx, gw = np.zeros(x.shape[1:]), np.zeros(w.shape)
    for f in frames:
        assert f.number == g.numpy()[0, f.channel, f.t]
        for (i, c), (k, source) in itertools.product(enumerate(f.channels), enumerate(f.sources)):
            gx[c, source] += 0 if source is None else f.products[i, k]
        gw[f.channel] += f.weight_products
        np.testing.assert_array_equal(f.results["gx"], gx)
        np.testing.assert_array_equal(f.results["gw"], gw)
    last = frames[-1].results
    expected = gradients(lambda *a: F.conv1d(*a, **options), x, w, b, g)
    for name, exact in zip(("gx", "gw", "gb"), expected, strict=False):
        np.testing.assert_array_equal(last[name], exact[0] if name == "gx" else exact)
    assert ("gb" in last) == (b is not None)


@given(convolutions(transposed=True))
def test_each_step_of_a_transposed_convolution_adds_a_kernel(convolution):
    x, w, b, options = convolution
    exact = F.conv_transpose1d(x, w, b, **options).numpy()[0]
    frames = animate_conv1d(x, w, b, **options, transposed=True).frames
    y = np.zeros(exact.shape) + (0 if b is None else b.numpy()[:, None])
    for f in frames:
        assert f.number == x.numpy()[0, f.channel, f.t]
        assert f.window is None
        assert f.sum is None
        for (i, c), (k, source) in itertools.product(enumerate(f.channels), enumerate(f.sources)):
            y[c, source] += 0 if source is None else f.products[i, k]
        np.testing.assert_array_equal(f.results["y"], y)
    np.testing.assert_array_equal(y, exact)


@given(convolutions(transposed=True), st.integers(0, 2**32 - 1))
def test_a_transposed_convolution_goes_back_by_sums(convolution, seed):
    x, w, b, options = convolution
    g = whole(seed, F.conv_transpose1d(x, w, b, **options))
    exact = gradients(lambda *a: F.conv_transpose1d(*a, **options), x, w, b, g)
    frames = animate_conv1d(x, w, b, **options, transposed=True, backward=True, grad=g).frames
    gw = np.zeros(w.shape)
    for f in frames:
        assert f.sum == exact[0][0, f.channel, f.t] == f.products.sum()
        gw[f.channel] += f.weight_products
        np.testing.assert_array_equal(f.results["gw"], gw)
    np.testing.assert_array_equal(frames[-1].results["gx"], exact[0][0])
    np.testing.assert_array_equal(gw, exact[1])


@pytest.mark.parametrize("mode", MODES)
def test_causal_is_padding_on_the_left(mode):
    x, w = lucid.randn(1, 2, 9), lucid.randn(2, 2, 3)
    frames = animate_conv1d(x, w, dilation=2, padding_mode=mode, causal=True).frames
    padded = F.pad(x, (4, 0), mode="constant" if mode == "zeros" else mode)
    y = F.conv1d(padded.double(), w.double(), dilation=2).numpy()[0]
    np.testing.assert_allclose(frames[-1].results["y"], y, rtol=1e-12, atol=1e-12)
    assert y.shape == (2, 9)
    if mode != "circular":  # which copies from the end
        ahead = [s for f in frames for s in f.sources if f.t >= 4 and s is not None and s > f.t]
        assert not ahead


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(2, 4, 3, stride=2, padding=1, padding_mode="circular", groups=2),
        nn.Conv1d(1, 1, 4, padding="same", dilation=2, bias=False),
        nn.DepthwiseConv1d(2, 3, depth_multiplier=2),
        nn.ConvTranspose1d(2, 2, 3, stride=2, padding=1, output_padding=1, dtype=lucid.float64),
    ],
    ids=repr,
)
def test_a_layer_is_shown_as_it_computes(layer):
    x = lucid.randn(1, layer.in_channels, 7, dtype=layer.weight.dtype)
    last = animate_conv1d(layer, x).frames[-1].results["y"]
    np.testing.assert_allclose(last, layer(x).detach().numpy()[0], rtol=1e-5, atol=1e-6)
    assert len(animate_conv1d(layer, length=5)) > 0
    assert layer.weight.grad is None


def test_nothing_is_recorded_and_nothing_changed():
    x = lucid.ones(1, 1, 4, requires_grad=True)
    w = lucid.ones(1, 1, 2, requires_grad=True)
    with lucid.no_grad():
        frames = animate_conv1d(x, w, backward=True).frames
    assert x.grad is None
    assert w.grad is None
    frames[-1].results["gw"][:] = 9
    frames[0].products[:] = 9
    assert (w == 1).all()


@pytest.mark.parametrize("K", range(2, 13))
def test_an_example_kernel_never_reads_the_same_from_both_ends(K):
    frames = animate_conv1d(length=16, kernel_size=K, groups=4).frames
    for frame in frames:
        assert (frame.kernel != frame.kernel[:, ::-1]).any()


def test_it_agrees_with_torch():
    torch = pytest.importorskip("torch")
    x, w = np.arange(8.0)[None, None], np.array([[[1.0, 2.0, -3.0]]])
    frames = animate_conv1d(*map(lucid.from_numpy, (x, w)), stride=2, dilation=2, padding=1).frames
    y = torch.conv1d(torch.tensor(x), torch.tensor(w), stride=2, dilation=2, padding=1)
    assert [f.sum for f in frames] == y[0, 0].tolist()


# ------------------------------------------------------------------------------------------- errors

X, W = lucid.ones(1, 1, 8), lucid.ones(1, 1, 3)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((lucid.ones(2, 1, 8), W), {}, r"one sample.*\(2, 1, 8\)\n  try: x\[:1\]"),
        ((lucid.ones(1, 1, 40), W), {}, r"got 40 positions with the padding, at most 32\n  try: "),
        ((), {"in_channels": 17}, "got 17 channels, at most 16"),
        ((), {"in_channels": 16, "kernel_size": 5}, "got 80 weights in one window, at most 72"),
        ((), {"kernel_size": 13, "length": 20}, "got 13 taps, at most 12"),
        ((), {"length": 30, "out_channels": 4, "backward": True}, "got 112 steps"),
        ((lucid.tensor([[[1.0, float("inf"), 2.0]]]), W), {}, "input has NaN or infinite"),
        ((lucid.ones(3), W), {}, r"expected an input \(N, C, L\)"),
        ((X, lucid.ones(1, 2, 3)), {}, "expected 2 channels"),
        ((X, lucid.ones(3)), {}, r"expected a weight \(C_out"),
        ((None, lucid.ones(3)), {}, r"expected a weight \(C_out"),
        ((X, W), {"kernel_size": 3}, "got kernel_size=3\n  try: leave kernel_size out"),
        ((X,), {"length": 3}, "got length=3"),
        ((), {"causal": True, "padding": 1}, "got padding=1\n  try: causal=True without"),
        ((), {"causal": True, "transposed": True}, "try: one of them"),
        ((), {"transposed": True, "padding_mode": "reflect"}, "no padding_mode but 'zeros'"),
        ((), {"output_padding": 1}, "try: transposed=True"),
        ((X, W), {"grad": lucid.ones(1, 1, 6)}, "try: backward=True"),
        ((X, W), {"grad": lucid.ones(1, 1, 5), "backward": True}, r"\(1, 1, 6\), got \(1, 1, 5\)"),
        ((), {"in_channels": 3, "groups": 2}, "in_channels=3, groups=2\n  try: groups=1"),
        ((nn.LazyConv1d(1, 3),), {}, r"no weight yet.*\n  try: layer\(x\) first"),
        ((nn.Conv1d(1, 1, 3), X), {"stride": 2}, r"got stride besides\n  try: animate_conv1d\(l"),
        ((), {"padding_mode": "mirror"}, "padding_mode must be one of"),
        ((), {"length": 2}, "the kernel is longer"),
        (
            (),
            {"causal": True, "padding_mode": "reflect", "length": 2},
            "must be less than the leng",
        ),
    ],
)
def test_errors_say_the_rule_the_values_and_the_cure(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        animate_conv1d(*arguments, **options)


@pytest.mark.parametrize(
    ("x", "w", "bias", "options"),
    [
        ((1, 40, 200), (64, 40, 3), True, {}),
        ((1, 40, 200), (64, 40, 30), False, {"stride": 16, "padding": "valid"}),
        ((1, 3, 90), (2, 3, 5), True, {"padding": 40, "dilation": 10}),
        ((1, 20, 90), (20, 1, 25), True, {"groups": 20, "padding": 12, "backward": True}),
        ((1, 64, 40), (32, 16, 3), True, {"groups": 4, "causal": True, "padding_mode": "reflect"}),
        ((1, 20, 9), (20, 20, 4), True, {"transposed": True, "stride": 2, "padding": 1}),
        ((1, 64, 90), (64, 1, 4), True, {"transposed": True, "groups": 64, "backward": True}),
        ((1, 64, 90), (64, 4, 4), False, {"transposed": True, "groups": 8, "output_padding": 1,
                                          "stride": 2}),
    ],
)  # fmt: skip
def test_the_cure_for_what_is_too_large_can_be_pasted(x, w, bias, options):
    known = {"x": lucid.randn(*x), "weight": lucid.randn(*w), "bias": None}
    if bias:
        out = w[1] * options.get("groups", 1) if options.get("transposed") else w[0]
        known["bias"] = lucid.randn(out)
    with pytest.raises(ValueError, match="has to be small") as caught:
        animate_conv1d(*known.values(), **options)
    for cure in str(caught.value).split("\n")[1:]:
        call = cure.partition(": ")[2]
        animation = eval(call, {**known, "animate_conv1d": animate_conv1d})
        assert 1 <= len(animation) <= 96
    if bias:
        assert "bias[:" in str(caught.value)


@pytest.mark.parametrize("layer", [
    nn.Conv1d(12, 8, 3), nn.Conv1d(12, 16, 5, padding=1), nn.Conv1d(12, 24, 3, groups=2),
    nn.DepthwiseConv1d(12, 3, depth_multiplier=2), nn.Conv1d(12, 48, 3, groups=3),
    nn.Conv1d(12, 8, 3, bias=False, padding="same", padding_mode="replicate"),
], ids=repr)  # fmt: skip
def test_the_speech_of_the_bundled_data_is_shown_with_its_first_output_channels(layer):
    x = lucid.data.japanese_vowels()[0][0][0]
    x = lucid.tensor(x)[None] if not isinstance(x, lucid.Tensor) else x[None]
    assert x.shape == (1, 12, 29)
    y = layer(x).detach().numpy()[0]
    animation = animate_conv1d(layer, x)
    shown = animation.frames[-1].results["y"]
    assert 1 <= len(shown) < len(y)
    np.testing.assert_allclose(shown, y[: len(shown)], rtol=1e-5, atol=1e-5)
    which = f"channels 0 to {len(shown) - 1}" if len(shown) > 1 else "channel 0"
    assert f"output {which} of {len(y)} …" in animation.name
    assert f"of {len(y)} ..." in " ".join(animation.text(0).split("\n")[:2])
    assert "…" not in animate_conv1d(out_channels=3).name
    assert len(animation.html()) < 1_000_000


def test_a_layer_in_the_place_of_a_weight():
    with pytest.raises(TypeError, match=r"got a Conv1d\n  try: layer\.weight, or animate_conv1d\("):
        animate_conv1d(X, nn.Conv1d(1, 1, 3))


def test_errors_of_kind():
    with pytest.raises(TypeError, match=r"animate_conv1d needs a tensor for input, got a NumPy"):
        animate_conv1d(np.ones((1, 1, 4)))
    with pytest.raises(TypeError, match="stride must be an int"):
        animate_conv1d(stride=1.5)
    with pytest.raises(ValueError, match=r"below the number of steps, 6, got 6\n  try: frame=-1"):
        animate_conv1d().text(6)
    with pytest.raises(ValueError, match="frame must be at least -6, got -7"):
        animate_conv1d().svg(-7)
    with pytest.raises(TypeError, match="delay must be a number"):
        animate_conv1d().play("slow")
