"""Animated convolutions: every number is lucid's, every picture well-formed."""

from __future__ import annotations

import io
import itertools
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lucid
import lucid.nn.functional as F
from lucid import nn
from lucid.explain import animate_conv1d
from lucid.explain.animate_scene import number_text
from lucid.explain.animate_shapes import place, split
from lucid.explain.animate_svg import DARK, LIGHT, RULES

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


# ----------------------------------------------------------------------------------------- pictures

PICTURES = {
    "plain": {},
    "strided": {"length": 12, "stride": 2, "dilation": 2, "padding": 2},
    "groups": {"groups": 2, "in_channels": 4, "padding": 1, "padding_mode": "reflect"},
    "replicate": {"padding": 2, "padding_mode": "replicate"},
    "circular": {"padding": 3, "padding_mode": "circular", "length": 12},
    "same": {"padding": "same", "kernel_size": 4},
    "causal": {"causal": True, "dilation": 2},
    "transposed": {"length": 4, "transposed": True, "stride": 2, "padding": 1, "groups": 2},
    "backward": {"backward": True, "padding": 1, "padding_mode": "reflect", "groups": 2},
    "back, transposed": {"backward": True, "transposed": True, "length": 4, "stride": 2},
    "one step": {"length": 3},
}
pictures = pytest.mark.parametrize("options", PICTURES.values(), ids=list(PICTURES))
NAME = "<b>&\"'--> ]]> </svg>"


@pictures
def test_text_says_the_sums_and_is_narrow(options):
    animation = animate_conv1d(**options)
    for i, frame in enumerate(animation.frames):
        text = animation.text(i)
        assert max(map(len, text.splitlines())) <= 100
        assert text.isascii()  # for every console
        if frame.sum is not None:
            assert f"[{frame.channel},{frame.t}] = " in text
            assert f" = {number_text(frame.sum)}" in text
        # as many cells in brackets as the window has places, and the place itself
        rows = [line for line in text.splitlines() if re.match(r"(\w )?[xyg]\[\d", line)]
        marked = sum(line.count("[") - 1 for line in rows)
        assert marked == frame.kernel.size + 1 or options.get("backward")
    assert animation.text(-1) == animation.text(len(animation) - 1)
    assert str(animation).count("step ") == len(animation)
    assert animation.text(0) in repr(animation)


@pictures
def test_svg_is_well_formed_and_needs_nothing(options):
    animation = animate_conv1d(**options, name=NAME)
    for svg in (animation.svg(), animation.svg(0), animation.svg(-1)):
        root = ET.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("aria-label") == animation.name
        elements = list(root.iter())
        assert not [e for e in elements if "id" in e.attrib or "href" in "".join(e.attrib)]
        assert "url(" not in svg
        assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
        known = set(re.findall(r"\.([\w-]+)", RULES)) | {"g0", "number", "sum", "step", "shown"}
        used = {c for e in elements for c in e.get("class", "").split()}
        assert {c for c in used if not re.fullmatch(r"n\d+", c)} <= known
        assert NAME in "".join(root.itertext()).replace("\n", "") or len(NAME) > 40
    assert len(ET.fromstring(animation.svg()).findall(".//*[@data-said]")) == len(animation)
    assert animation.svg() == animate_conv1d(**options, name=NAME).svg()


@pictures
def test_everything_lies_inside_the_picture_and_nothing_overlaps(options):
    animation = animate_conv1d(**options)
    for i in range(len(animation)):
        root = ET.fromstring(animation.svg(i))
        _, _, width, height = map(float, root.get("viewBox").split())
        words = []
        for e in root.iter():
            tag = e.tag.split("}")[1]
            if tag == "rect":
                x, y = float(e.get("x", 0)), float(e.get("y", 0))
                assert x >= 0
                assert x + float(e.get("width")) <= width
                assert y + float(e.get("height")) <= height
            elif tag == "text":
                size = 11 if {"index", "label"} & set(e.get("class").split()) else 12
                long = len(e.text) * size * 0.605
                x = float(e.get("x")) - (0 if e.get("text-anchor") else long / 2)
                assert x >= 0
                assert x + long <= width
                assert 0 < float(e.get("y")) < height
                words.append((float(e.get("y")), x, x + long, e.text))
        words.sort()
        for (y, _, end, left), (below, start, _, right) in itertools.pairwise(words):
            assert y != below or start >= end - 0.3, (left, right)


@given(convolutions(), st.booleans())
def test_what_is_drawn_on_top_hides_what_is_below(convolution, backward):
    x, w, b, options = convolution
    steps = animate_conv1d(x, w, b, **options, backward=backward)._picture().steps
    below, on_top = split(steps)
    for step, upper in zip(steps, on_top, strict=True):
        seen = {place(s): s for s in below} | {place(s): s for s in upper}
        assert seen == {place(s): s for s in step}


class Tags(HTMLParser):
    """Which elements are open, and the attributes of all."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pictures
def test_html_is_balanced_escaped_and_needs_nothing(options, tmp_path):
    animation = animate_conv1d(**options, name=NAME)
    animation.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    figure = animation.html()
    assert figure in page
    assert animation._repr_html_() == figure
    for html in (page, figure + figure):
        tags = Tags()
        tags.feed(html)
        tags.close()
        assert not tags.open
        assert not [a for _, a in tags.seen if "id" in a or "src" in a or "href" in a]
        assert not [tag for tag, _ in tags.seen if tag == "b"]
    controls = [(tag, a) for tag, a in tags.seen if tag in ("button", "input")]
    assert [tag for tag, _ in controls] == ["button", "button", "button", "input"] * 2
    assert controls[3][1]["max"] == str(len(animation) - 1)
    assert "prefers-reduced-motion" in figure or len(animation) == 1


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(a, b):
    """As WCAG 2 defines it."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_high_enough_in_the_light_and_in_the_dark(theme):
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    for fill in ("paper", "pad", "f0", "f1", "f2", "f3"):
        assert contrast(theme["ink"], theme[fill]) >= 4.5, fill
    for fill in ("paper", "pad"):
        assert contrast(theme["faint"], theme[fill]) >= 4.5, fill
    for line in ("edge", "l0", "l1", "l2", "l3"):
        assert contrast(theme[line], theme["paper"]) >= 3, line


def test_words_of_ordinary_lengths_are_legible_on_400_pixels():
    for options in ({"length": 12}, {"length": 12, "padding": 1}, {"causal": True, "dilation": 2}):
        width = float(ET.fromstring(animate_conv1d(**options).svg(0)).get("viewBox").split()[2])
        assert 12 * 400 / width >= 10


def test_groups_have_letters_and_padding_its_sources():
    text = animate_conv1d(groups=2, padding=2, padding_mode="reflect").text(12)
    assert "A x[0]" in text
    assert "B x[1]" in text
    assert "B: y[1,2] = " in text
    assert "(2)" in text


@pytest.mark.parametrize(
    ("number", "text"),
    [(3.0, "3"), (-0.0, "0"), (0.567, "0.57"), (-0.5, "-0.5"), (12345.0, "1.2e4"),
     (0.0004, "4e-4"), (9999.0, "9999"), (float("nan"), "")],
)  # fmt: skip
def test_numbers_are_short(number, text):
    assert number_text(number) == text


# -------------------------------------------------------------------------------------------- files


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_play_goes_back_up_only_in_a_terminal(monkeypatch, capsys):
    animation = animate_conv1d(length=5)
    animation.play(0.001)
    assert capsys.readouterr().out == f"{animation}\n"
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    animation.play(0.001)
    lines = len(animation.text(0).splitlines())
    texts = [animation.text(i) + "\n" for i in range(3)]
    assert terminal.getvalue() == f"\x1b[{lines}F\x1b[J".join(texts)


def test_saving(tmp_path, monkeypatch):
    animation = animate_conv1d(length=4)
    animation.save(tmp_path / "a.SVG")
    assert (tmp_path / "a.SVG").read_text(encoding="utf-8") == animation.svg()
    monkeypatch.chdir(tmp_path)
    animation.save("b.svg", seconds=3)
    assert (tmp_path / "b.svg").read_text(encoding="utf-8") == animation.svg(seconds=3)
    with pytest.raises(ValueError, match=r"saved as \.svg, \.html or \.gif.*\n  try: 'c\.svg'"):
        animation.save("c.png")
    with pytest.raises(ValueError, match="seconds must be above 0"):
        animation.save("d.svg", seconds=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.SVG", "b.svg"]


def test_gif(tmp_path):
    pytest.importorskip("matplotlib")
    from PIL import Image

    animation = animate_conv1d(length=6, padding=1, backward=True)
    animation.save(tmp_path / "a.gif", seconds=0.5)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == len(animation) == 6
        assert gif.info["duration"] == 500
        pixels = []
        for i in range(2):
            gif.seek(i)
            pixels.append(np.asarray(gif.convert("RGB")))
    assert (pixels[0] != pixels[1]).any()
    assert tuple(pixels[0][0, 0]) == (255, 255, 255)


def test_gif_without_matplotlib_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"lucid-edu\[plot\]"):
        animate_conv1d().save(tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------- errors

X, W = lucid.ones(1, 1, 8), lucid.ones(1, 1, 3)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((lucid.ones(2, 1, 8), W), {}, r"one sample.*\(2, 1, 8\)\n  try: x\[:1\]"),
        ((lucid.ones(1, 1, 40), W), {}, r"got 40 positions with the padding, at most 32\n  try: "),
        ((), {"groups": 7}, "got 7 channels, at most 6"),
        ((), {"kernel_size": 13, "length": 20}, "got 13 taps, at most 12"),
        ((), {"length": 30, "out_channels": 4}, "got 112 steps"),
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
