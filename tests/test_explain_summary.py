"""lucid.explain.summary, and what notebooks show of tensors and modules."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.explain import explain, summary


class Net(nn.Module):
    """Two inputs, a tuple for a result, a layer called twice, one never, a tied and a frozen one"""

    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.LazyConv1d(8, 3, padding=1), nn.LazyBatchNorm1d(), nn.ReLU())
        self.rnn = nn.LazyLSTM(6, batch_first=True)
        self.head, self.tied, self.unused = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(2, 2)
        self.tied.weight = self.head.weight
        self.head.bias.requires_grad_(False)

    def forward(self, x, y):
        h = self.encode[2](self.encode(x) + y)
        out, _ = self.rnn(h.transpose(1, 2))
        return self.head(out), self.tied(out)


SHAPES = ((4, 3, 20), (4, 8, 20))


def test_the_rows_of_a_model():
    rows = summary(Net(), SHAPES).rows
    assert [row.path for row in rows] == [
        "", "encode", "encode.0", "encode.1", "encode.2", "encode.2", "rnn", "head", "tied",
        "unused",
    ]  # fmt: skip
    assert [row.depth for row in rows] == [0, 1, 2, 2, 2, 1, 1, 1, 1, 1]
    notes = {row.path: row.note for row in rows}
    assert notes["encode.0"] == "in_channels=3, waits"
    assert notes["encode.2"] == "again"  # the later one of the two
    assert notes["rnn"] == "input_size=8, waits"
    assert (notes["head"], notes["tied"]) == ("3 frozen", "shared with head")
    assert notes["unused"] == "not called"
    assert rows[0].inputs == SHAPES
    assert rows[0].outputs == ((4, 20, 3), (4, 20, 3))
    assert rows[6].outputs == ((4, 20, 6), (1, 4, 6), (1, 4, 6))
    assert [row.receptive_field for row in rows[1:5]] == [3, 3, 3, 3]
    assert rows[5].receptive_field is None  # an addition came between


def test_the_totals():
    model = Net()
    found = summary(model, SHAPES)
    assert found.multiply_adds == sum(row.multiply_adds or 0 for row in found.rows)
    assert found.parameters == sum(row.parameters for row in found.rows)
    assert found.trainable == sum(row.trainable for row in found.rows) == found.parameters - 3
    assert model.has_uninitialized_parameters()
    model.materialize(SHAPES)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.bytes == 4 * found.parameters
    assert "in_channels=3, inferred" in [row.note for row in summary(model, SHAPES).rows]


def test_without_an_input():
    found = summary(Net())
    assert [row.path for row in found.rows] == [path for path, _ in Net().named_modules()]
    assert found.waiting == 8  # conv and norm two each, the LSTM four
    assert found.multiply_adds is None
    text = repr(found)
    assert "waits for in_channels" in text
    assert "8 more wait for a first input" in text
    assert "mult-adds" not in text


def test_each_row_agrees_with_explain():
    model = nn.Sequential(
        nn.LazyConv1d(4, 3, stride=2), nn.ReLU(), nn.MaxPool1d(2), nn.LazyConvTranspose1d(4, 4),
        nn.Flatten(), nn.LazyLinear(2),
    )  # fmt: skip
    x = lucid.randn(2, 3, 30)
    rows = summary(model, x).rows
    model.materialize(x)
    for row, layer in zip(rows[1:], model, strict=True):
        found = explain(layer, x)
        assert (row.inputs, row.outputs) == ((found.input_shape,), (found.output_shape,))
        assert (row.parameters, row.multiply_adds) == (found.parameters, found.multiply_adds)
        x = layer(x)
    assert [row.receptive_field for row in rows] == [30, 3, 3, 5, 17, 17, 30]


def test_a_text_of_a_hundred_columns():
    wide = nn.Sequential({"a_name_of_a_layer": nn.LazyConv1d(1000, 1)})
    found = summary(wide, (1000, 100, 1))
    text = repr(found)
    assert "input" not in text.split("\n")[1]  # left out to be within
    assert max(map(len, text.split("\n"))) <= 100
    assert "in_channels=100, waits" in text
    assert "input" in found._repr_html_()


def test_packed_sequences_and_whole_numbers():
    packed = nn.utils.rnn.pack_sequence([lucid.zeros(3, 2), lucid.zeros(2, 2)])
    layer = nn.GRU(2, 4)
    weights = sum(p.numel() for p in layer.parameters() if p.ndim == 2)
    found = summary(layer, packed)
    assert found.multiply_adds == 5 * weights
    assert found.rows[0].inputs == ((5, 2),)
    assert found.rows[0].outputs == ((5, 4), (1, 2, 4))
    assert repr(found).startswith("GRU on packed (5, 2)\n")
    assert "(5, 4) +1" in repr(found)
    assert "\n+1: one tensor more, and so on" in repr(found)
    assert "+1" not in repr(summary(nn.Linear(5, 5), (1, 5)))
    words = summary(nn.Embedding(10, 4), lucid.tensor([[1, 2, 3]]))
    assert words.rows[0].outputs == ((1, 3, 4),)
    assert (words.parameters, words.multiply_adds) == (40, 0)


class Fallback(nn.Module):
    """Tries one layer after the other."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(7, 7), nn.ReLU())
        self.other, self.last = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        try:
            return self.inner(x)
        except ValueError:
            return self.last(self.other(x))


@pytest.mark.parametrize("shape", [(1, 3), (1, 7)])
def test_a_layer_that_fails_and_is_caught_does_not_call_those_after_it(shape):
    found = summary(nn.Sequential(Fallback(), nn.Tanh()), shape)
    rows = {row.path: row for row in found.rows}
    if shape == (1, 7):
        assert rows["0.inner.1"].depth == 3
        return
    assert [rows[p].depth for p in ("0.inner", "0.inner.0", "0.other", "0.last", "1")] == [
        2, 3, 2, 2, 1,
    ]  # fmt: skip
    assert rows["0.inner.0"].note == "raised ShapeError"
    assert rows["0.other"].outputs == ((1, 3),)
    assert not found.complete
    explained = explain(Fallback(), (1, 3))
    assert explained.touches == ((0,), (0, 1, 2))


def drawing():
    """A module that draws from every global source of random numbers there is."""

    class Drawing(nn.Module):
        def forward(self, x):
            nn.Linear(2, 2)
            np.random.rand(3)  # noqa: NPY002 (as students' code may)
            return nn.functional.dropout(x, 0.5) + random.random() + lucid.rand(1)

    return Drawing()


@pytest.mark.parametrize("look", [summary, explain])
def test_random_numbers_are_as_if_nothing_had_been_looked_at(look):
    def numbers():
        lucid.manual_seed(3)
        np.random.seed(3)  # noqa: NPY002
        random.seed(3)
        lucid.rand(1)
        yield
        yield np.random.rand(2).tolist()  # noqa: NPY002
        yield random.random()
        yield lucid.rand(3).tolist()
        yield nn.Linear(2, 2).weight.tolist()

    broken = nn.Sequential(drawing(), nn.Linear(5, 5))
    plain = [*numbers()]
    looked = numbers()
    next(looked)
    look(drawing(), (1, 2))
    with pytest.raises(lucid.ShapeError):
        look(broken, (1, 2))
    assert [None, *looked] == plain


def test_layers_in_a_plain_list_are_missed():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(3, 3), nn.ReLU()]
            self.head = nn.Linear(3, 1)
            self.known = [self.head]
            self.sizes = [1, 2]

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.head(x)

    found = summary(nn.Sequential(Listed()), (2, 3))
    assert found.hidden == ["0.layers"]
    assert "missing: the layers in 0.layers, which is" in repr(found)
    assert "\n  try: self.layers = nn.ModuleList(...)" in repr(found)
    assert summary(Listed()).hidden == ["layers"]
    assert summary(Net(), SHAPES).hidden == []
    mapped = Listed()
    mapped.layers = {"a": (nn.ReLU(),)}
    assert summary(mapped).hidden == ["layers"]
    mapped.layers = nn.ModuleList(Listed().layers)
    assert summary(mapped, (2, 3)).hidden == []


def test_what_only_forward_computes_is_owned_up_to():
    class Matrix(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(lucid.zeros(3, 3))

        def forward(self, x):
            return x @ self.weight

    found = summary(nn.Sequential(nn.Linear(3, 3), Matrix()), (2, 3))
    assert not found.complete
    assert "multiply-adds: at least 18" in repr(found)


def test_errors_of_summary():
    with pytest.raises(TypeError, match="summary takes a layer or a model, got dict"):
        summary({}, (1, 2))
    model = nn.Sequential(nn.LazyConv1d(4, 3), nn.Linear(5, 5))
    with pytest.raises(lucid.ShapeError, match=r"in model: 1 \(Linear\)"):
        summary(model, (1, 2, 9))
    assert model.has_uninitialized_parameters()


# ------------------------------------------------------------------------------------- in notebooks


class Checked(HTMLParser):
    """The text of a document, in which every tag is closed in its place."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags = [], "", set()
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


HOSTILE = "<script>alert('&\")</script>"


@pytest.mark.parametrize(
    "value",
    [
        lucid.tensor(3.5), lucid.zeros(0), lucid.zeros(3, 0, 2), lucid.arange(100),
        lucid.randn(3, 4, requires_grad=True) * 2, lucid.randn(20, 30), lucid.zeros(2, 3, 4, 5),
        lucid.tensor([True, False]), lucid.tensor([float("nan")] * 9), nn.Linear(2, 3),
        nn.Sequential(nn.LazyConv1d(2, 3), nn.ReLU()), nn.ModuleList(),
        nn.UninitializedParameter(),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_html_is_whole_and_small(value):
    html = value._repr_html_()
    Checked(html)
    assert len(html) < 20_000


def test_what_is_shown_of_a_tensor():
    x = lucid.tensor([[1.25, 2.0], [3.0, -4.0]], requires_grad=True)
    (x * 2).sum().backward()
    text = Checked(x._repr_html_()).text
    assert text.split("\n")[0].startswith(
        "Tensor (2, 2), float32, requires a gradient, has a gradient, of norm 4"
    )
    assert re.findall(r"-?\d+\.?\d*", text)[-4:] == ["1.25", "2", "3", "-4"]
    assert "computed by Mul" in (x * 2)._repr_html_()
    large = Checked(lucid.arange(1000).float().reshape(10, 100)._repr_html_()).text
    assert "min 0, mean 499.5, max 999" in large
    assert "…" in large
    assert "2 of 9 are nan or inf" in lucid.tensor([0.0] * 7 + [float("inf")] * 2)._repr_html_()
    assert "waits for its layer" in nn.UninitializedParameter()._repr_html_()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_numbers_are_shown_without_a_warning(dtype):
    largest = float(np.finfo(dtype).max)
    x = lucid.tensor([largest, largest, -largest, 1.0] * 5, dtype=dtype, requires_grad=True)
    x.grad = lucid.tensor([largest / 8] * 20, dtype=dtype)
    text = Checked(x._repr_html_()).text
    assert f"mean {largest / 4:.4g}" in text
    assert f"norm {np.sqrt(20) * (largest / 8):.4g}" in text
    zeros = lucid.zeros(9, requires_grad=True)
    zeros.grad = lucid.zeros(9)
    assert "norm 0<" in zeros._repr_html_()
    assert "min 0, mean 0, max 0" in zeros._repr_html_()


def test_what_is_shown_of_a_module():
    model = nn.Sequential(nn.Linear(2, 3), nn.LazyLinear(4), nn.Linear(2, 3))
    model[2].weight = model[0].weight
    text = Checked(model._repr_html_()).text
    assert "weight (3, 2)" in text
    assert "weight waits" in text
    assert "weight (3, 2) shared" in text
    assert "12 parameters, and 2 that wait" in text
    many = nn.Sequential(*(nn.ReLU() for _ in range(100)))
    assert "61 more" in Checked(many._repr_html_()).text


def test_names_are_escaped():
    hostile = nn.Sequential({"layer": nn.ReLU()})
    hostile._modules[HOSTILE] = hostile._modules.pop("layer")
    kind = type("<b>", (nn.ReLU,), {})
    hostile._modules["\x00\ud800"] = nn.Linear(2, 2)
    for shown in (hostile, summary(hostile, (1, 2)), summary(hostile), kind(), summary(kind())):
        seen = Checked(shown._repr_html_())
        shown._repr_html_().encode()
        assert "\x00" not in shown._repr_html_()
        assert not {"script", "b", "script>"} & (seen.tags - {"b"})
    assert HOSTILE in Checked(hostile._repr_html_()).text
    assert "&lt;b&gt;" in kind()._repr_html_()


class Halving(nn.Module):
    """Calls its own forward, on less and less, and keeps a list that contains itself"""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.seen = []
        self.seen.append(self.seen)

    def forward(self, x):
        y = self.layer(x)
        return y if len(x) < 2 else self.forward(y[: len(x) // 2])


def test_a_forward_that_calls_itself_is_one_layer():
    rows = summary(Halving(), (4, 4)).rows
    assert [(row.path, row.depth) for row in rows] == [("", 0), *[("layer", 1)] * 3]
    assert (rows[0].inputs, rows[0].outputs) == (((4, 4),), ((1, 4),))
    assert [row.inputs for row in rows[1:]] == [((4, 4),), ((2, 4),), ((1, 4),)]
    assert summary(Halving(), (4, 4)).multiply_adds == (4 + 2 + 1) * 16


def test_a_forward_that_is_a_property():
    class Chosen(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        @property
        def forward(self):
            return self.run if self.training else self.layer

        def run(self, x):
            return self.layer(x).relu()

    model = nn.Sequential(Chosen(), nn.ReLU())
    rows = summary(model, (3, 4)).rows
    assert [(row.path, row.kind) for row in rows] == [
        ("", "Sequential"), ("0", "Chosen"), ("0.layer", "Linear"), ("1", "ReLU"),
    ]  # fmt: skip
    assert type(model[0]) is Chosen
    assert str(explain(model[0], (3, 4))).startswith("Chosen")


def test_containers_that_contain_themselves():
    class Loop(nn.Module):
        def forward(self, x):
            out = {"y": x, "both": [x, x]}
            out["both"].append(out)
            return out

    assert summary(Loop(), (2, 3)).rows[0].outputs == ((2, 3),) * 3
