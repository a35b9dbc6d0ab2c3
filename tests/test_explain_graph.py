"""lucid.explain.graph: the boxes are the graph's nodes, and the picture can be read."""

from __future__ import annotations

import itertools
import random
import re
import xml.etree.ElementTree as ET

import pytest

import lucid
from lucid import nn
from lucid.explain import graph
from lucid.explain.drawing import FAR, LETTER
from lucid.explain.layout import arrange, crossings, layers_of, spread

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>&\"'"


def small_cnn():
    """A loss with some 50 boxes."""
    layers = [
        layer
        for channels in (8, 16, 16, 32, 32)
        for layer in (nn.LazyConv1d(channels, 3, padding=1), nn.LazyBatchNorm1d(), nn.ReLU())
    ]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.LazyLinear(9))
    x = lucid.randn(4, 12, 20)
    loss = nn.CrossEntropyLoss()(model(x), lucid.arange(4))
    return model, x, loss


def unrolled(steps):
    """A loop that uses one weight at every step, and all states at the end."""
    w = lucid.randn(4, 4, requires_grad=True)
    h, states = lucid.zeros(2, 4), []
    for _ in range(steps):
        h = (h @ w + lucid.randn(2, 4)).tanh()
        states.append(h)
    return w, lucid.stack(states).mean()


def frames(svg):
    """The rectangle of each box, and its lines of text."""
    found = []
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        x, y, w, h = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        found.append(((x, y, x + w, y + h), [t.text for t in group.iter(f"{SVG}text")]))
    return found


# -------------------------------------------------------------------------------------- the boxes


def test_the_boxes_are_what_backward_walks_through():
    model, x, loss = small_cnn()
    found = graph(loss, {"x": x}, model)
    nodes, stack = set(), [loss.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in nodes:
            nodes.add(node)
            stack += getattr(node, "edges", None) or ()
    ops = [box for box in found.boxes if box.kind == "op"]
    assert len(ops) + sum(box.kind == "parameter" for box in found.boxes) == len(nodes)
    assert {b.label for b in found.boxes if b.kind == "parameter"} == {
        name for name, _ in model.named_parameters()
    }
    assert [b.label for b in found.boxes if b.kind == "data"] == ["x"]
    assert found.boxes[-1].label == "CrossEntropy"
    assert all(source < i for i, box in enumerate(found.boxes) for source in box.sources)


def test_shapes_are_those_of_the_tensors():
    x = lucid.randn(3, 4, requires_grad=True)
    y = x.reshape(2, 6).sum(1).exp()
    shapes = {box.label: box.shape for box in graph(y, {"x": x}).boxes}
    assert shapes == {"x": (3, 4), "Reshape": (2, 6), "Sum": (2,), "Exp": (2,)}


def test_what_is_used_twice_is_one_box():
    w, x = lucid.ones(2, requires_grad=True), lucid.ones(2)
    h = w * x
    boxes = graph(h * h + x * w, {"w": w, "x": x, "h": h}).boxes
    assert [box.label for box in boxes].count("w") == 1
    assert [box.label for box in boxes].count("x") == 1
    square = next(box for box in boxes if box.label == "Mul" and len(set(box.sources)) == 1)
    assert boxes[square.sources[0]].label == "h = Mul"


def test_the_text_is_one_line_for_each_box():
    w = lucid.ones(2, requires_grad=True)
    y = (w * 3).sum()
    assert repr(graph(y, {"w": w})).split("\n") == [
        "2 ops, 1 leaf", "w  = leaf  (2,)", "%1 = Mul(w)  (2,)", "%2 = Sum(%1)  ()",
    ]  # fmt: skip


def test_pointing_at_a_box_shows_its_formula_and_gradients():
    w = lucid.ones(2, requires_grad=True)
    y = w.exp().sum()
    tips = [box.tip for box in graph(y, {"w": w}).boxes]
    assert tips[0] == "w (2,), float32\nno gradient yet"
    assert tips[1].startswith("Exp\nout = e")
    y.backward(retain_graph=True)
    assert graph(y, {"w": w}).boxes[0].tip.endswith("has a gradient")


def test_errors_of_graph():
    w = lucid.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="graph takes a tensor, got float"):
        graph(1.0)
    with lucid.no_grad():
        y = w.sum()
    for tensor in (y, w):
        with pytest.raises(
            RuntimeError, match=r"has no graph.*\n  try: compute it outside no_grad"
        ):
            graph(tensor)
    y = w.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"is gone.*\n  try: graph\(loss\) before"):
        graph(y)
    with pytest.raises(TypeError, match="names are of tensors, got int for 'n'"):
        graph(w.exp(), {"n": 3})


def test_looking_changes_nothing():
    model, x, loss = small_cnn()
    assert graph(loss, {"x": x}, model).svg
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


# ------------------------------------------------------------------------------------- the picture


@pytest.mark.parametrize("make", [lambda: small_cnn()[2], lambda: unrolled(150)[1]])
def test_no_two_boxes_overlap_and_text_fits(make):
    found = graph(make())
    svg = found.svg
    root, boxes = ET.fromstring(svg), frames(svg)
    assert len(boxes) == len(found.boxes)
    width, height = float(root.get("width")), float(root.get("height"))
    for (left, top, right, bottom), texts in boxes:
        assert left >= 0 <= top
        assert right <= width
        assert bottom <= height
        assert all(len(text) * LETTER <= right - left for text in texts)
    for (a, _), (b, _) in itertools.combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_fifty_boxes_fit_a_page_of_400_pixels_at_readable_size():
    model, x, loss = small_cnn()
    found = graph(loss, {"x": x}, model)
    assert 40 < len(found.boxes) < 60
    # 12 pixels high letters, shrunk to not less than 10
    assert float(ET.fromstring(found.svg).get("width")) * 10 / 12 <= 400


def test_every_short_line_is_drawn_and_every_long_one_is_told():
    w, loss = unrolled(60)
    found = graph(loss, {"w": w})
    edges = [(s, i) for i, box in enumerate(found.boxes) for s in box.sources]
    layers = layers_of(len(found.boxes), edges, FAR)
    assert all(layers[s] < layers[t] for s, t in edges)
    svg = found.svg
    drawn = svg.count("<path")
    assert 0 < drawn < len(edges)
    told = sum("from w" in texts for _, texts in frames(svg))
    weight = next(i for i, box in enumerate(found.boxes) if box.label == "w")
    using = [i for i, box in enumerate(found.boxes) if weight in box.sources]
    assert told == sum(layers[i] - layers[weight] > 6 for i in using) > 40


@pytest.mark.parametrize("sign", [*map(chr, range(32)), "\x7f", "\ud800", "\uffff"])
def test_names_may_hold_any_sign(sign, tmp_path):
    w = lucid.ones(2, requires_grad=True)
    found = graph((w * 2).sum(), {f"a{sign}b": w})
    root = ET.fromstring(found.svg)
    (label,) = (t.text for t in root.iter(f"{SVG}text") if t.text[0] == "a")
    assert label[-1] == "b"
    found.save(tmp_path / "graph.svg")
    found._repr_html_().encode()


def test_names_are_escaped_and_nothing_has_an_id():
    w = lucid.ones(2, requires_grad=True)
    found = graph((w * 2).sum(), {HOSTILE: w})
    assert "<script" not in found.svg
    assert "<script" not in found._repr_html_()
    assert [HOSTILE, "(2,)"] in [texts for _, texts in frames(found.svg)]
    assert not re.search(r"\bid=", found.svg)
    assert HOSTILE in repr(found)


def test_a_long_name_is_shortened_in_its_box_and_whole_beside_it():
    w = lucid.ones(2, requires_grad=True)
    name = "encoder.blocks.12.attention.projection.weight"
    found = graph(w.sum(), {name: w})
    assert ["encoder.block…ction.weight", "(2,)"] in [texts for _, texts in frames(found.svg)]
    assert name in found.svg


def test_the_picture_tells_what_it_is(tmp_path):
    _, _, loss = small_cnn()
    found = graph(loss)
    root = ET.fromstring(found.svg)
    assert root.get("role") == "img"
    assert "ops" in root.get("aria-label")
    assert root.find(f"{SVG}title").text == "Autograd graph"
    assert "CrossEntropy" in root.find(f"{SVG}desc").text
    assert "prefers-color-scheme:dark" in found.svg
    assert found._repr_svg_() == found.svg
    assert found.svg in found._repr_html_()
    found.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == found.svg


def luminance(colour):
    """Of #rrggbb, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    dark, light = sorted([luminance(a), luminance(b)])
    return (light + 0.05) / (dark + 0.05)


def test_contrasts_on_light_and_on_dark_pages():
    style = re.search(r"<style>(.*?)</style>", graph(lucid.ones(2, requires_grad=True).sum()).svg)[
        1
    ]
    pairs = re.findall(r"rect\{fill:(#\w{6});stroke:#\w{6}\}.*?text\{fill:(#\w{6})\}", style)
    assert len(pairs) == 6  # three kinds of box, light and dark
    assert all(contrast(box, text) >= 7 for box, text in pairs)
    line = re.search(r"path\{fill:none;stroke:(#\w{6})", style)[1]
    assert contrast(line, "#ffffff") >= 3
    assert contrast(line, "#111111") >= 3


# -------------------------------------------------------------------------------------- the layout


def test_spread_is_the_least_sum_of_squares():
    rng = random.Random(0)
    for _ in range(50):
        n = rng.randint(1, 5)
        wanted = [rng.uniform(0, 100) for _ in range(n)]
        widths, weights = [10.0] * n, [rng.choice([0.5, 1.0, 3.0]) for _ in range(n)]
        xs = list(wanted)
        spread(list(range(n)), xs, widths, weights)
        assert all(b - a >= 24 - 1e-9 for a, b in itertools.pairwise(xs))
        cost = sum(w * (x - v) ** 2 for w, x, v in zip(weights, xs, wanted, strict=True))
        for _ in range(200):  # no other places that are far enough apart cost less
            other = sorted(x + rng.gauss(0, 3) for x in xs)
            if all(b - a >= 24 for a, b in itertools.pairwise(other)):
                assert cost <= 1e-9 + sum(
                    w * (x - v) ** 2 for w, x, v in zip(weights, other, wanted, strict=True)
                )


def test_crossings_are_counted():
    under = [[3], [2], [], []]
    assert crossings([[0, 1], [2, 3]], under, [0.0, 1.0, 0.0, 1.0]) == 1
    assert crossings([[0, 1], [2, 3]], [[2], [3], [], []], [0.0, 1.0, 0.0, 1.0]) == 0


def test_a_crossing_that_need_not_be_is_undone():
    # two chains whose boxes come in the wrong order: 0-3-4 and 1-2-5
    edges = [(0, 3), (1, 2), (3, 4), (2, 5)]
    layers = [0, 0, 1, 1, 2, 2]
    places = arrange([(20.0, 20.0)] * 6, layers, edges)
    x = [center[0] for center in places.centers]
    assert (x[0] < x[1]) == (x[3] < x[2]) == (x[4] < x[5])
