"""Pictures of animated convolutions: well-formed, legible, complete; and the files they become."""

from __future__ import annotations

import io
import itertools
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

import lucid
from lucid.explain import animate_conv1d
from lucid.explain.animate_scene import number_text
from lucid.explain.animate_shapes import Box, place, split
from lucid.explain.animate_svg import DARK, LIGHT, RULES

from browser import chromium

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
    "many channels": {"length": 20, "in_channels": 12, "out_channels": 9, "groups": 3},
    "no whole numbers": {
        "input": lucid.tensor([[[0.123, -12345.6, 0.0001, 99.99, -0.5, -1e-30, 123.4]]]),
        "weight": lucid.tensor([[[-0.25, 1e-4, 1.0]]]),
        "bias": lucid.tensor([-0.125]),
        "backward": True,
        "padding": 1,
    },
}
pictures = pytest.mark.parametrize("options", PICTURES.values(), ids=list(PICTURES))
NAME = "<b>&\"'--> \0\n\ud800]]> </svg>"


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
    assert animation.text().count("step ") == len(animation)
    assert animation.text(0) in str(animation) == repr(animation)
    assert len(str(animation).split("\n")) <= len(animation.text(0).split("\n")) + 1


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
        assert "]]> </svg>: conv" in "".join(root.itertext())
    assert len(ET.fromstring(animation.svg()).findall(".//*[@data-said]")) == len(animation)
    assert animation.svg() == animate_conv1d(**options, name=NAME).svg()


@pictures
def test_everything_lies_inside_the_picture_and_nothing_overlaps(options):
    animation = animate_conv1d(**options)
    for box in itertools.chain(*animation._picture().steps):
        if isinstance(box, Box):
            assert len(box.text) * 12 * 0.605 <= box.width
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


@pictures
def test_what_is_drawn_on_top_hides_what_is_below(options):
    steps = animate_conv1d(**options)._picture().steps
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


def test_pictures_of_any_pace_stand_on_one_page():
    slow, quick = (animate_conv1d(name=str(s)).svg(seconds=s) for s in (5, 0.1))
    rules = [re.search("<style>(.*?)</style>", svg, re.S)[1] for svg in (slow, quick)]
    assert rules[0] == rules[1]
    assert "--round:30s" in slow
    assert "--round:0.6s" in quick


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


def test_on_a_narrow_screen_a_long_row_fades_out_and_its_sum_stays_in_sight(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    wanted = """() => ['left', 'right'].map(side => parseInt(getComputedStyle(
        document.querySelector('.lucid-conv-view')).getPropertyValue('--from-' + side)))
        .join() == '%d,%d'"""
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 400, "height": 500})
        for length, at_first, at_last in ((8, (0, 0), (0, 0)), (20, (0, 32), (32, 0))):
            animate_conv1d(length=length).save(tmp_path / "page.html")
            page.goto((tmp_path / "page.html").as_uri())
            page.wait_for_function(wanted % at_first)
            page.locator("button").first.click()  # from the first step to the last
            page.wait_for_function(wanted % at_last)
            for seen in (".now", ".sum"):
                box = page.locator(f"g.step.shown {seen}").last.bounding_box()
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= 400
        browser.close()


# -------------------------------------------------------------------------------------------- files


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_play_goes_back_up_only_in_a_terminal(monkeypatch, capsys):
    animation = animate_conv1d(length=5)
    animation.play(0.001)
    assert capsys.readouterr().out == f"{animation.text()}\n"
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
