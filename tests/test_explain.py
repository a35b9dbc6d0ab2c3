"""lucid.explain.explain: every number against a truth that is found in another way."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lucid
from lucid import nn
from lucid.explain import explain
from lucid.explain.counting import multiply_adds
from lucid.explain.running import Run


def touched(model, shape, at):
    """Which inputs one output depends on: where its gradient is not zero."""
    x = lucid.randn(*shape, dtype=lucid.float64).requires_grad_()
    y = model.double()(x)
    y[tuple(at)].backward()
    return {tuple(int(i) for i in place) for place in np.argwhere(x.grad._array != 0)}


def random_at(draw, shape):
    return tuple(draw(st.integers(0, n - 1)) for n in shape)


@st.composite
def convolutions(draw):
    """A convolution of either direction, with options of all kinds, and an input shape."""
    lucid.manual_seed(draw(st.integers(0, 10**6)))
    groups, stride, dilation = (draw(st.integers(1, 3)) for _ in range(3))
    C, O, K = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), draw(
        st.integers(1, 4)
    )  # fmt: skip
    bias, L = draw(st.booleans()), draw(st.integers(10, 14))
    shape = (draw(st.integers(1, 2)), C, L)
    if draw(st.booleans()):
        mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
        choices = [0, 1, 4, "valid"] + (["same"] if stride == 1 else [])
        padding = draw(st.sampled_from(choices))
        return nn.Conv1d(C, O, K, stride, padding, dilation, groups, bias, padding_mode=mode), shape
    padding = draw(st.integers(0, 2))
    more = draw(st.integers(0, max(stride, dilation) - 1))
    return nn.ConvTranspose1d(C, O, K, stride, padding, more, groups, bias, dilation), shape


def test_a_module_without_a_docstring_says_nothing_of_itself():
    class Plain(nn.Module):
        def forward(self, x):
            return x

    class Told(Plain):
        """Passes on."""

    class Like(nn.Conv1d):
        pass

    assert "what it does" not in dict(explain(Plain(), (1, 2)).rows)
    assert dict(explain(Told(), (1, 2)).rows)["what it does"] == "Passes on."
    slide = dict(explain(nn.LazyConv1d(1, 1), (1, 2, 3)).rows)["what it does"]
    assert dict(explain(Like(2, 1, 1), (1, 2, 3)).rows)["what it does"] == slide


@given(st.data(), convolutions())
def test_what_a_convolution_touches_is_where_its_gradient_is(data, made):
    layer, shape = made
    at = random_at(data.draw, layer(lucid.zeros(*shape)).shape)
    found = explain(layer, shape, at=at)
    assert set(itertools.product(*found.touches)) == touched(layer, shape, at)


@given(st.data(), convolutions())
def test_the_sum_is_the_output(data, made):
    layer, shape = made
    layer, x = layer.double(), lucid.randn(*shape, dtype=lucid.float64)
    y = layer(x)
    at = random_at(data.draw, y.shape)
    found = explain(layer, x, at=at)
    assert found.output_shape == y.shape
    assert found.sum.output == y[at].item()
    assert math.isclose(found.sum.value, y[at].item(), rel_tol=1e-9, abs_tol=1e-12)
    assert "as the layer computes" in repr(found)


@given(convolutions())
def test_lengths_parameters_and_multiply_adds_of_convolutions(made):
    layer, shape = made
    found, y = explain(layer, shape), layer(lucid.zeros(*shape))
    assert found.output_shape == y.shape
    length = next(text for label, text in found.rows if label == "length")
    assert length.endswith(f"= {y.shape[2]}")
    assert found.parameters == sum(p.numel() for p in layer.parameters())
    count = 0  # one for each kernel position of each pair of channels, for each output or input
    transposed = isinstance(layer, nn.ConvTranspose1d)
    for _ in np.ndindex(shape if transposed else y.shape):
        for _ in range((layer.out_channels if transposed else shape[1]) // layer.groups):
            for _ in range(layer.kernel_size):
                count += 1
    assert found.multiply_adds == count


@st.composite
def chains(draw):
    """Layers that slide, one after the other; averages, of which every number counts."""
    lucid.manual_seed(draw(st.integers(0, 10**6)))
    layers, C = [], 2
    for _ in range(draw(st.integers(1, 4))):
        K, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
        kinds = {
            "conv": lambda K=K, s=stride: nn.Conv1d(2, 2, K, s, dilation=draw(st.integers(1, 2))),
            "up": lambda K=K, s=stride: nn.ConvTranspose1d(2, 2, K, s),
            "pool": lambda K=K, s=stride: nn.AvgPool1d(K, s),
            "depth": lambda K=K, s=stride: nn.DepthwiseConv1d(2, K, s),
            "pad": lambda: nn.ReplicationPad1d((1, 2)),
            "act": nn.Tanh,
        }
        layers.append(kinds[draw(st.sampled_from(sorted(kinds)))]())
    return nn.Sequential(*layers), (1, C, 60)


@given(st.data(), chains())
def test_what_a_chain_touches_is_where_its_gradient_is(data, made):
    model, shape = made
    at = random_at(data.draw, model(lucid.zeros(*shape)).shape)
    found = explain(model, shape, at=at)
    assert set(itertools.product(*found.touches)) == touched(model, shape, at)


@given(chains())
def test_the_receptive_field_is_the_widest_span_of_gradients(made):
    model, shape = made
    model = nn.Sequential(*(m for m in model if not isinstance(m, nn.ReplicationPad1d)))
    if not len(model):
        return
    T = model(lucid.zeros(*shape)).shape[2]
    spans = []
    for t in range(T):
        places = [i for _, _, i in touched(model, shape, (0, 0, t))]
        spans.append(max(places) - min(places) + 1 if places else 0)
    assert explain(model, shape).receptive_field == max(spans)


LAYERS = [
    (lambda: nn.Linear(9, 4), (2, 3, 9)),
    (lambda: nn.Linear(9, 4, bias=False), (2, 9)),
    (lambda: nn.AvgPool1d(3, 2, 1), (2, 3, 9)),
    (lambda: nn.AvgPool1d(3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 3, 10)),
    (lambda: nn.AvgPool1d(3, 2, 1, ceil_mode=True), (2, 3, 10)),
    (lambda: nn.MaxPool1d(3, 2, 1, dilation=2), (2, 3, 9)),
    (lambda: nn.MaxPool1d(2), (3, 9)),
    (lambda: nn.LPPool1d(2, 3), (2, 3, 9)),
    (lambda: nn.AdaptiveAvgPool1d(4), (2, 3, 9)),
    (lambda: nn.AdaptiveMaxPool1d(2), (2, 3, 9)),
    (lambda: nn.BatchNorm1d(3), (2, 3, 9)),
    (lambda: nn.BatchNorm1d(3).eval(), (2, 3, 9)),
    (lambda: nn.BatchNorm1d(3), (5, 3)),
    (lambda: nn.InstanceNorm1d(3, affine=True), (2, 3, 9)),
    (lambda: nn.GroupNorm(2, 4), (2, 4, 9)),
    (lambda: nn.LayerNorm(9), (2, 3, 9)),
    (lambda: nn.LayerNorm((3, 9), bias=False), (2, 3, 9)),
    (lambda: nn.RMSNorm(9), (2, 3, 9)),
    (lambda: nn.utils.weight_norm(nn.Conv1d(3, 4, 3)), (2, 3, 9)),
]
OTHERS = [
    (lambda: nn.Softmax(1), (2, 3, 9)),
    (lambda: nn.GLU(1), (2, 4, 9)),
    (lambda: nn.Tanh(), (2, 3, 9)),
    (lambda: nn.Dropout().eval(), (2, 3, 9)),
    (lambda: nn.Flatten(), (2, 3, 9)),
    (lambda: nn.CircularPad1d((2, 1)), (2, 3, 9)),
    (lambda: nn.ReflectionPad1d(3), (2, 3, 9)),
    (lambda: nn.ZeroPad1d((-1, 2)), (2, 3, 9)),
]


@pytest.mark.parametrize(
    ("make", "shape"), LAYERS, ids=lambda v: repr(v())[:40] if callable(v) else ""
)
def test_one_output_of_every_layer_with_a_sum(make, shape):
    layer, x = make().double(), lucid.randn(*shape, dtype=lucid.float64)
    for p in layer.parameters():  # norms begin with 1 and 0, which would hide an error
        p.data = lucid.randn(*p.shape, dtype=lucid.float64)
    y = layer(x)
    for at in np.ndindex(y.shape):
        found = explain(layer, x, at=at)
        assert math.isclose(found.sum.value, y[at].item(), rel_tol=1e-8, abs_tol=1e-10), at


@pytest.mark.parametrize(
    ("make", "shape"), LAYERS + OTHERS, ids=lambda v: repr(v())[:40] if callable(v) else ""
)
def test_what_every_layer_touches(make, shape):
    layer = make().double()
    y = layer(lucid.randn(*shape, dtype=lucid.float64))
    rng = np.random.default_rng(0)
    for _ in range(5):
        at = tuple(int(rng.integers(n)) for n in y.shape)
        read, real = set(itertools.product(*explain(layer, shape, at=at).touches)), touched(
            layer, shape, at
        )  # fmt: skip
        if "Max" in type(layer).__name__:  # only the largest has a gradient
            assert real < read
        else:
            assert read == real


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("both", [False, True])
def test_recurrent_layers(kind, both):
    layer = kind(3, 4, num_layers=2, batch_first=True, bidirectional=both)
    found = explain(layer, (2, 7, 3), at=(1, 3, 2))
    x = lucid.randn(2, 7, 3, requires_grad=True)
    layer(x)[0][1, 3, 2].backward()
    real = {tuple(map(int, place)) for place in np.argwhere(x.grad._array != 0)}
    assert set(itertools.product(*found.touches)) == real
    weights = sum(p.numel() for p in layer.parameters() if p.ndim == 2)
    assert found.multiply_adds == 2 * 7 * weights


def test_multiply_adds_of_the_others():
    cases = [(nn.Linear(5, 3), (2, 4, 5), 2 * 4 * 5 * 3), (nn.BatchNorm1d(5), (4, 5), 20),
             (nn.BatchNorm1d(5, affine=False), (4, 5), 0), (nn.ReLU(), (4, 5), 0)]  # fmt: skip
    for layer, shape, count in cases:
        assert explain(layer, shape).multiply_adds == count


def test_what_is_not_known_is_not_said():
    class Twice(nn.Conv1d):
        def forward(self, x):
            return super().forward(super().forward(x))

    found = explain(Twice(2, 2, 3), (1, 2, 9))
    assert found.touches is found.receptive_field is found.multiply_adds is found.sum is None
    assert found.parameters == 14
    assert "not known" in repr(found)
    assert multiply_adds(Run(Twice(2, 2, 3), (1, 2, 9), False).calls[0]) is None

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(2, 2, 3, padding=1)

        def forward(self, x):
            return x + self.conv(x)

    found = explain(Residual(), (1, 2, 9))
    assert found.touches is found.receptive_field is None
    assert found.multiply_adds == 2 * 9 * 2 * 3
    assert "forward computes something between" in repr(found)


def test_a_lazy_layer_is_told_what_it_would_infer_and_goes_on_waiting():
    layer = nn.LazyConv1d(4, 3, padding=1, padding_mode="reflect")
    x = lucid.randn(2, 5, 8)
    found = explain(layer, x, at=(1, 2, 0))
    assert found.inferred == "in_channels=5"
    assert "it would infer in_channels=5" in repr(found)
    assert "-1 (reflect: 1), 0, 1" in repr(found)
    assert layer.in_channels is None
    assert layer.has_uninitialized_parameters()
    assert found.sum.output == layer(x)[1, 2, 0].item()  # the very weights that it gets
    again = explain(layer, x)
    assert again.inferred == ""
    assert "has in_channels=5, inferred at the first forward" in repr(again)


@pytest.mark.parametrize(
    "look", [lambda m, x: explain(m, x), lambda m, x: lucid.explain.summary(m, x)]
)
def test_explaining_leaves_no_trace(look):
    model = nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.Dropout(), nn.LazyConv1d(2, 1))
    x, calls = lucid.randn(2, 3, 9, requires_grad=True), []
    model[0].register_forward_hook(lambda *_: calls.append(1))
    model[1].eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    numbers, modes = lucid.get_rng_state(), [m.training for m in model.modules()]
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    look(model, x)
    after = model.state_dict()
    assert list(before) == list(after)
    assert all(lucid.equal(before[k], after[k]) for k in before)
    assert lucid.get_rng_state() == numbers
    assert [m.training for m in model.modules()] == modes
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()] == hooks
    assert not calls
    assert x.grad is None
    assert model[3].in_channels is None


def test_a_state_kept_from_the_last_call_can_be_copied():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)
            self.last = None

        def forward(self, x):
            self.last = self.layer(x)
            return self.last

    model = Keeps()
    model(lucid.zeros(2, 3))
    kept = model.last
    assert explain(model, (2, 3)).output_shape == (2, 3)
    assert model.last is kept


def test_errors_of_explain():
    with pytest.raises(TypeError, match=r"takes a layer or a model, got int"):
        explain(3, (1, 2, 3))
    with pytest.raises(TypeError, match=r"try: explain\(ReLU\(...\), x\)"):
        explain(nn.ReLU, (1, 2, 3))
    with pytest.raises(TypeError, match=r"expected an input or its shape .* got float\n  try: "):
        explain(nn.ReLU(), 1.5)
    with pytest.raises(lucid.AxisError, match=r"shape \(1, 2, 3\), and no index \(0, 2, 0\)"):
        explain(nn.ReLU(), (1, 2, 3), at=(0, 2, 0))
    with pytest.raises(lucid.ShapeError, match="longer than the padded input"):
        explain(nn.Conv1d(2, 2, 9), (1, 2, 3))


def test_the_last_index_may_be_counted_from_the_end():
    assert explain(nn.ReLU(), (2, 3, 4), at=(-1, -1, -1)).at == (1, 2, 3)


def test_an_empty_batch_has_no_output_to_look_at():
    found = explain(nn.Conv1d(2, 3, 3), (0, 2, 9))
    assert found.output_shape == (0, 3, 7)
    assert found.touches is found.sum is None
    assert found.multiply_adds == 0


def test_html_of_an_explanation():
    class Odd(nn.Module):
        """<script>alert(1)</script> & "more\""""

        def forward(self, x):
            return x

    html = explain(Odd(), (1, 2))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;" in html
