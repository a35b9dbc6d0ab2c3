"""gradcheck: every known mistake is planted and named, and right code is never accused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_more_ops import CASES as MORE_CASES
from test_ops import CASES

import lucid
from lucid import nn
from lucid.check import gradcheck
from lucid.check.differences import Tolerance
from lucid.check.mistakes import MISTAKES
from lucid.check.pair import Pair

from mistaken import Add, Conv, Matmul, Mean, Normalize, Rows, Scaled, Softmax, Square, conv, leaf

# what is planted: (function, inputs), the input that is accused, and how the diagnosis begins
PLANTED = {
    "kernel flipped, signal": (conv("kernel flipped"), "x", "kernel flipped: the gradient of x"),
    "kernel flipped, padded": (
        conv("kernel flipped", stride=2, padding=1),
        "x",
        "kernel flipped: the gradient of x is right for w flipped along axis 2",
    ),
    "kernel flipped, kernel": (conv("flipped", padding=1), "w", "flipped: the gradient of w"),
    "sum over batch missing": (
        conv("sum over the batch missing"),
        "w",
        "sum over the batch missing: only output[0, :, :] contributes to the gradient of w",
    ),
    "mean over batch": (
        conv("mean in place of sum"),
        "w",
        "mean in place of sum: the gradient of w is 1/3 of what it should be, and 3 is the size of "
        "axis 0 of output",
    ),
    "stride ignored": (
        conv("stride ignored", stride=2),
        "w",
        "stride ignored: the gradient of x is that of stride 1, and the stride is 2",
    ),
    "stride 3 ignored": (
        conv("stride ignored", stride=3, padding=1),
        "w",
        "stride ignored: the gradient of x is that of stride 1, and the stride is 3",
    ),
    "dilation ignored": (
        conv("dilation ignored", dilation=2, padding=1),
        "w",
        "dilation ignored: the gradient of x is that of dilation 1, and the dilation is 2\n"
        "  try: tap k is k * 2 positions after the first, in backward, too\n"
        "dilation ignored: the gradient of w is that of dilation 1, and the dilation is 2",
    ),
    "dilation 3 ignored, strided": (
        conv("dilation ignored", dilation=3, stride=2, padding=2),
        "w",
        "dilation ignored: the gradient of x is that of dilation 1, and the dilation is 3",
    ),
    "dilation of the kernel's gradient": (
        conv("dilation ignored, kernel", dilation=2, stride=2, padding=3),
        "w",
        "dilation ignored: the gradient of w is that of dilation 1, and the dilation is 2",
    ),
    "incoming gradient rectified": (
        (lambda x: Square("rectified")(x), (leaf(3),)),
        "x",
        "not linear: the gradient of x does not",
    ),
    "tail inputs dropped": (
        conv("tail dropped"),
        "x",
        "tail dropped: in the gradient of x, the last 2 along axis 2 are 0",
    ),
    "tail outputs dropped": (
        conv("outputs left out"),
        "x",
        "outputs left out: of output, only indices 0 to 5 of axis 2 are counted",
    ),
    "padding not cut off": (
        conv("shifted", padding=2),
        "x",
        "shifted: the gradient of x lies 2 too far to the right along axis 2",
    ),
    "factor 2": (conv("factor 2"), "w", "factor 2: the gradient of w is twice"),
    "half": (
        (lambda x: Square("factor 2")(x), (leaf(3),)),
        "x",
        "factor 2: the gradient of x is half",
    ),
    "another factor": (
        (lambda x: Square("a factor")(x), (leaf(3),)),
        "x",
        "a factor: the gradient of x is 1.25 times",
    ),
    "sum in place of mean": (
        (lambda x: Mean("sum in place of mean")(x), (leaf(5, 2),)),
        "x",
        "sum in place of mean: the gradient of x is 5 times what it should be, and 5 is the size "
        "of axis 0 of x",
    ),
    "sign": (conv("the sign"), "x", "the sign: the gradient of x is -1 times"),
    "overwritten": (
        conv("overwritten"),
        "x",
        "overwritten: numbers of x that are used several times get the gradient of one use only, "
        "the last along axis 2 of output",
    ),
    "overwritten, indices": (
        (lambda w: Rows([[2, 0, 2], [1, 1, 0]], "overwritten")(w), (leaf(4, 3),)),
        "w",
        "overwritten: numbers of w that are used several times get the gradient of one use only",
    ),
    "broadcast, one row": (
        (lambda x, b: Add("slice")(x, b), (leaf(4, 3), leaf(3, seed=1))),
        "b",
        "broadcast not summed: only output[0, :] contributes to the gradient of b",
    ),
    "broadcast, one place": (
        (lambda x, b: Add("slice")(x, b), (leaf(4, 3, 5), leaf(3, 1, seed=1))),
        "b",
        "broadcast not summed: only output[0, :, 0] contributes to the gradient of b",
    ),
    "transposed": (
        (lambda a, b: Matmul("transposed")(a, b), (leaf(3, 3), leaf(3, 3, seed=1))),
        "b",
        "transposed: the gradient of b has its axes 0 and 1 exchanged",
    ),
    "wrong order": (
        (lambda a, b: Matmul("wrong order")(a, b), (leaf(3, 3), leaf(3, 3, seed=1))),
        None,
        "wrong order: a gets the gradient of b",
    ),
    "diagonal of softmax": (
        (lambda x: Softmax("diagonal only")(x), (leaf(2, 4),)),
        "x",
        "diagonal only: backward lets each number of x act on its own number of output only",
    ),
    "batch statistics as constants": (
        (lambda x: Normalize("constants")(x), (leaf(5, 2),)),
        "x",
        "diagonal only: backward lets each number of x act on its own number of output only",
    ),
    "other one not transposed": (
        (lambda a, b: Matmul("b not transposed")(a, b), (leaf(3, 3), leaf(3, 3, seed=1))),
        "a",
        "transposed: the gradient of a is right for b with axes 0 and 1 exchanged",
    ),
    "incoming gradient ignored": (
        (lambda x: Square("incoming gradient ignored")(x), (leaf(3),)),
        "x",
        "incoming gradient ignored: the gradient of x stays the same",
    ),
    "incoming gradient ignored, one number": (
        (lambda x: Square("incoming gradient ignored")(x), (leaf(),)),
        "x",
        "incoming gradient ignored",
    ),
    "incoming gradient squared": (
        (lambda x: Square("not linear")(x), (leaf(3),)),
        "x",
        "not linear: the gradient of x does not double",
    ),
    "local derivative": (
        (lambda x: Square("local derivative missing")(x), (leaf(3),)),
        "x",
        "local derivative missing: x gets the gradient of output unchanged",
    ),
    "None": (
        (lambda x: Square("no gradient")(x), (leaf(3),)),
        "x",
        "no gradient arrives at x",
    ),
    "detached": ((lambda x: x.detach() * 2, (leaf(3),)), "x", "no gradient arrives at x"),
    "nan": (
        (lambda x: Square("has nan")(x), (leaf(3),)),
        "x",
        "the gradient of x has nan where the slope is finite",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_named(name):
    (function, inputs), accused, diagnosis = PLANTED[name]
    report = gradcheck(function, inputs, raise_exception=False)
    assert not report
    assert report.diagnosis.startswith(diagnosis)
    assert "\nor " not in report.diagnosis  # the inputs are such that nothing else fits
    assert accused in (report.input, None)


@pytest.mark.parametrize("name", PLANTED)
def test_the_worst_place_has_the_values_of_both(name):
    (function, inputs), _, _ = PLANTED[name]
    report = gradcheck(function, inputs, raise_exception=False)
    (mine,) = [i for i in report.inputs if i.name == report.input]
    assert mine.wrong[report.index]
    np.testing.assert_equal(
        [report.analytic, report.numeric], [mine.analytic[report.index], mine.numeric[report.index]]
    )
    others = [np.abs(i.error[np.isfinite(i.error)]).max(initial=0) for i in report.inputs]
    assert not abs(report.analytic - report.numeric) < max(others)


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        conv(""),
        conv("", stride=2, padding=2),
        conv("", dilation=2, padding=2),
        conv("", dilation=3, stride=2, padding=1),
        (lambda x, b: Add()(x, b), (leaf(4, 3, 5), leaf(3, 1, seed=1))),
        (lambda w: Rows([[2, 0, 2], [1, 1, 0]])(w), (leaf(4, 3),)),
        (lambda a, b: Matmul()(a, b), (leaf(3, 3), leaf(3, 3, seed=1))),
        (lambda x: Softmax()(x), (leaf(2, 4),)),
        (lambda x: Square()(x), (leaf(3),)),
        (lambda x: Mean()(x), (leaf(5, 2),)),
        (lambda x: Normalize()(x), (leaf(5, 2),)),
    ],
)
def test_the_same_ops_without_the_mistake_are_right(function, inputs):
    report = gradcheck(function, inputs)
    assert report.diagnosis is report.input is report.picture is report.problem is None
    assert "right, all" in repr(report)


EVERY_OP = {**CASES, **{f"more: {name}": case for name, case in MORE_CASES.items()}}


@pytest.mark.parametrize("name", EVERY_OP)
def test_nothing_is_said_about_the_ops_of_lucid(name):
    op, _, inputs = EVERY_OP[name]
    leaves = tuple(lucid.tensor(np.asarray(a, float), requires_grad=True) for a in inputs)
    report = gradcheck(op, leaves)
    assert report.ok
    assert report.diagnosis is None
    assert not any(i.wrong.any() or i.unclear.any() for i in report.inputs)


LAYERS = [
    nn.Linear(4, 3),
    nn.Conv1d(4, 4, 3, padding=1, stride=2, groups=2, padding_mode="circular"),
    nn.ConvTranspose1d(4, 2, 3, stride=2),
    nn.BatchNorm1d(4),
    nn.GroupNorm(2, 4),
    nn.LayerNorm(4),
    nn.PReLU(),
    nn.GELU(),
    nn.AvgPool1d(2),
    nn.MaxPool1d(2),
    nn.GRU(4, 2, batch_first=True),
    nn.LSTM(4, 2, batch_first=True, bidirectional=True),
    nn.Sequential(nn.LazyConv1d(3, 2), nn.Tanh(), nn.Flatten(), nn.LazyLinear(2)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_are_right_and_their_parameters_are_named(layer):
    function = (lambda x: layer(x)[0]) if isinstance(layer, nn.LSTM) else layer
    x = lucid.tensor(np.random.default_rng(0).standard_normal((2, 4, 4)), requires_grad=True)
    if isinstance(layer, nn.LSTM):
        layer = layer.double()
    report = gradcheck(function, x)
    assert report.diagnosis is None
    if function is layer and not layer.has_uninitialized_parameters():
        names = [i.name for i in report.inputs[1:]]
        assert names == [name for name, _ in layer.named_parameters()]
        assert all(p.dtype is lucid.float32 and p.grad is None for p in layer.parameters())
    if isinstance(layer, nn.Sequential):
        assert layer.has_uninitialized_parameters()  # a copy saw the input
        assert [i.name for i in report.inputs][-2:] == ["3.weight", "3.bias"]


def test_a_wrong_parameter_is_named():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(lucid.tensor([1.0, 2.0]))

        def forward(self, x):
            return Add("slice")(x, self.gain)

    report = gradcheck(Scale(), lucid.randn(3, 2), raise_exception=False)
    assert (report.input, report.index) in [("gain", (0,)), ("gain", (1,))]
    assert "contributes to the gradient of gain" in report.diagnosis


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 3),
)
def test_right_convolutions_of_any_size_pass(shape, kernel, stride, padding, dilation):
    N, C, L = shape
    O, K = kernel
    if L + 2 * padding < dilation * (K - 1) + 1:
        return
    x, w = leaf(N, C, L), leaf(O, C, K, seed=1)
    assert gradcheck(lambda x, w: Conv("", stride, padding, dilation)(x, w), (x, w))


@given(
    dilation=st.integers(2, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    K=st.integers(2, 4),
)
def test_an_ignored_dilation_is_named_with_its_value_or_not_at_all(dilation, stride, padding, K):
    x, w = leaf(1, 2, 24), leaf(2, 2, K, seed=1)
    report = gradcheck(
        lambda x, w: Conv("dilation ignored", stride, padding, dilation)(x, w), (x, w),
        raise_exception=False,
    )  # fmt: skip
    assert f"gradient of x is that of dilation 1, and the dilation is {dilation}" in (
        report.diagnosis
    )
    if K > 2:
        for line in report.diagnosis.splitlines():
            assert not line.startswith(("shifted", "stride", "overwritten"))


@given(st.integers(1, 4), st.integers(2, 5), st.integers(0, 100))
def test_numbers_at_random_are_no_known_mistake(outputs, inputs, seed):
    random = np.random.default_rng([outputs, inputs, seed])
    wrong, right = random.uniform(1, 2, (2, outputs * 2, inputs * 2))
    pair = Pair("x", "output", wrong, right, (outputs, 2), (2, inputs), Tolerance(1e-6, 1e-5, 1e-3))
    assert [text for group in MISTAKES for mistake in group for text in mistake(pair)] == []


@pytest.mark.parametrize(
    ("outputs", "inputs"), [((300,), (300,)), ((3000,), (20,)), ((4,), (900,))]
)
def test_of_many_shifts_and_strides_few_are_tried_on_a_whole_jacobian(outputs, inputs, monkeypatch):
    tried, fits = [], Pair.fits
    monkeypatch.setattr(Pair, "fits", lambda *args: tried.append(args) or fits(*args))
    random = np.random.default_rng(0)
    wrong, right = random.uniform(1, 2, (2, *outputs, *inputs))
    pair = Pair("x", "output", wrong, right, outputs, inputs, Tolerance(1e-6, 1e-5, 1e-3))
    assert [text for group in MISTAKES for mistake in group for text in mistake(pair)] == []
    assert len(tried) < 20


@pytest.mark.parametrize(
    ("mistake", "options", "text"),
    [
        ("shifted", {"padding": 30}, "shifted: the gradient of x lies 30 too far to the right"),
        ("stride ignored", {"stride": 40}, "and the stride is 40"),
        ("dilation ignored", {"dilation": 20}, "and the dilation is 20"),
    ],
)
def test_distant_shifts_and_long_strides_are_found_too(mistake, options, text):
    x, w = leaf(1, 1, 180), leaf(1, 1, 3, seed=1)
    report = gradcheck(lambda x, w: Conv(mistake, **options)(x, w), (x, w), raise_exception=False)
    assert text in report.diagnosis


def test_the_numbers_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    function, inputs = conv("sum over the batch missing", stride=2, padding=1)
    report = gradcheck(function, inputs, raise_exception=False)
    x, w = (torch.tensor(i.detach().numpy(), requires_grad=True) for i in inputs)
    y = torch.nn.functional.conv1d(x, w, stride=2, padding=1)
    y.backward(torch.tensor(report.weights[0]))
    for mine, theirs in zip(report.inputs, (x, w), strict=True):
        np.testing.assert_allclose(mine.numeric, theirs.grad.numpy(), 1e-7, 1e-7)


def test_pytorch_agrees_on_what_is_right_and_wrong():
    torch = pytest.importorskip("torch")

    class Theirs(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward(x)
            ctx.scale = scale
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0] * ctx.scale, None

    x = [0.5, -1.0, 2.0]
    for scale in (2.0, 2.001, 2.01, 1.0):
        theirs = torch.autograd.gradcheck(
            lambda x, scale=scale: Theirs.apply(x, scale),
            torch.tensor(x, dtype=torch.float64, requires_grad=True),
            raise_exception=False,
        )
        ours = gradcheck(
            lambda x, scale=scale: Scaled(scale)(x),
            lucid.tensor(x, dtype="float64", requires_grad=True),
            raise_exception=False,
        )
        assert bool(ours) == theirs, scale
