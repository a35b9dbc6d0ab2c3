"""gradcheck: what cannot be compared, what it is given, and its report."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.check import CheckError, gradcheck, gradgradcheck

from mistaken import Add, Conv, Square, conv, leaf, problem

# ----------------------------------------------------------------------- what cannot be compared


def test_random_numbers_are_named():
    report = problem(nn.Dropout(), leaf(50))
    assert "gives another output the second time" in report.problem
    assert "from lucid (dropout?)\n  try: model.eval()" in report.diagnosis
    assert gradcheck(nn.Dropout().eval(), leaf(50))
    report = problem(lambda x: x * lucid.tensor(np.random.rand()), leaf(3))  # noqa: NPY002 (it is what is told apart)
    assert "from numpy.random" in report.diagnosis
    counted = []
    report = problem(lambda x: counted.append(1) or x * len(counted), leaf(3))
    assert "remembers something from call to call" in report.diagnosis


def test_random_numbers_are_named_also_where_two_outputs_happen_to_agree():
    for seed in range(40):  # of masks of two numbers every fourth is that before
        lucid.manual_seed(seed)
        assert "from lucid (dropout?)" in problem(nn.Dropout(), leaf(2)).diagnosis


def test_a_function_that_seeds_its_own_numbers_is_not_blamed_for_them():
    counted = []

    def seeded(x):
        lucid.manual_seed(3)
        counted.append(1)
        return x * lucid.rand(1).double() * len(counted)

    assert "remembers something" in problem(seeded, leaf(3)).diagnosis


def test_a_tolerance_for_functions_that_are_not_repeatable():
    noise = np.random.default_rng(0)
    jittering = lambda x: x * 2 + 1e-12 * lucid.tensor(noise.random())  # noqa: E731 (short)
    assert problem(jittering, leaf(3)).problem
    assert gradcheck(jittering, leaf(3), nondet_tol=1e-9)


def test_a_backward_that_is_not_repeatable():
    kept = np.zeros(3)

    class Keeping(lucid.autograd.Function):
        def forward(self, x):
            return x * 2

        def backward(self, grad):
            kept[...] += 2 * grad.numpy()
            return lucid.tensor(kept)

    report = problem(lambda x: Keeping()(x), leaf(3))
    assert "another gradient of x the second time" in report.problem
    assert "try: begin with np.zeros_like" in report.diagnosis


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        ("fn changes x", "fn changes x in place"),
        ("changes the incoming grad", "backward changes the incoming grad in place"),
    ],
)
def test_writing_to_what_is_given_is_named(mistake, text):
    report = problem(lambda x: Square(mistake)(x), leaf(3))
    assert report.problem == text
    assert "begin with a copy" in report.diagnosis


def test_a_gradient_that_was_not_summed_has_the_wrong_shape():
    report = problem(lambda x, b: Add("shape")(x, b), leaf(4, 3, 5), leaf(3, 1))
    assert "expected (3, 1), got (4, 3, 5)" in report.problem
    assert report.diagnosis == (
        "broadcast not summed\n  try: grad.sum(2, keepdim=True).sum(0), since the input was "
        "broadcast from (3, 1) to (4, 3, 5)"
    )
    x, b = leaf(4, 3, 5), leaf(3, 1)
    with pytest.raises(lucid.ShapeError, match=r"try: grad.sum\(2, keepdim=True\).sum\(0\)"):
        Add("shape")(x, b).sum().backward()


def test_the_cure_of_a_broadcast_has_the_right_shape():
    for shape in [(3,), (1, 3), (4, 1), (1,), (), (1, 1)]:
        b = leaf(*shape)
        report = problem(lambda x, b: Add("shape")(x, b), leaf(4, 3), b)
        steps = report.diagnosis.split("try: ")[1].split(", since")[0]
        assert eval(steps, {"grad": lucid.zeros(4, 3)}).shape == shape
    report = problem(
        lambda x, w: Add("shape")(x, w), leaf(4, 3), leaf(4, 3)[:1].detach().requires_grad_()
    )
    assert report.diagnosis


def test_outputs_that_have_no_gradient():
    assert "float32 though the inputs are float64" in problem(lambda x: x.float(), leaf(3)).problem
    assert "the output is bool: it has no gradient" in problem(lambda x: x > 0, leaf(3)).problem


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.float() * 2).double(),
        lambda x: x.float().exp().double() + 1,
        lambda x: (x.float().softmax(0).double() * 3).tanh(),
    ],
)
def test_a_function_that_computes_in_float32_inside_is_told_so(function):
    report = problem(function, leaf(6))
    assert report.problem.startswith("fn computes in float32 inside")
    assert "\n  try: no .float()" in report.diagnosis
    assert gradcheck(function, leaf(6), eps=1e-2, atol=1e-2)  # the other cure


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e9])
def test_a_wrong_gradient_in_float64_is_not_taken_for_float32(offset):
    report = gradcheck(lambda x: Square("factor 2")(x) + offset, leaf(6), raise_exception=False)
    assert report.problem is None
    steps = lambda x: (x + Steps()(x)) / 2  # noqa: E731 (short)
    assert gradcheck(steps, leaf(6), raise_exception=False).problem is None


class Steps(lucid.autograd.Function):
    """Rounded, with a gradient as if it were not."""

    def forward(self, x):
        return np.round(x, 3)

    def backward(self, grad):
        return grad * 1


# ------------------------------------------------------------------------------- what it is given


def test_float32_is_checked_in_float64_and_said():
    x = lucid.tensor([1.0, 2.0], requires_grad=True)
    weight = lucid.tensor([3.0, 4.0])
    report = gradcheck(lambda x, w: x * w, (x, weight))
    assert report.notes == tuple(f"{n} was float32; it is checked in float64" for n in "xw")
    assert [i.name for i in report.inputs] == ["x"]  # the other one is a constant
    assert x.dtype is lucid.float32


def test_the_callers_tensors_stay_as_they_are():
    x, w = leaf(2, 3), leaf(3)
    before = x.tolist(), w.tolist()
    gradcheck(lambda x, w: x * w, (x, w))
    assert (x.tolist(), w.tolist()) == before
    assert x.grad is None


def test_recording_need_not_be_on():
    with lucid.no_grad():
        assert gradcheck(lambda x: x * x, leaf(2))
        assert gradgradcheck(lambda x: x * x, leaf(2))
        assert not lucid.is_grad_enabled()


def test_outputs_may_be_several_and_of_other_kinds():
    x = leaf(3, 4)
    report = gradcheck(lambda x: x.max(1), x)  # values and whole numbers
    assert [w.shape for w in report.weights] == [(3,)]
    report = gradcheck(lambda x: (x.sum(), Square("factor 2")(x)), x, raise_exception=False)
    assert report.diagnosis.startswith("factor 2")
    assert report.through.startswith("most of it through output 1[")
    report = gradcheck(lambda x: [x.sum(0), x.detach() * 1, 3 * x], x, raise_exception=False)
    assert report.diagnosis.startswith("no gradient arrives at x, though output 1 depends on it")


def test_inputs_that_are_not_tensors_are_passed_on():
    assert gradcheck(lambda x, n, flag: x**n if flag else x, (leaf(3), 3, True))


def test_inputs_without_names():
    report = gradcheck(lambda *xs: xs[0] * xs[1], (leaf(2), leaf(2, seed=1)))
    assert [i.name for i in report.inputs] == ["inputs[0]", "inputs[1]"]


def test_of_empty_inputs_or_outputs_nothing_is_checked():
    assert problem(lambda x: x * 2, leaf(0, 3)).problem == (
        "nothing was checked: there are no numbers in x"
    )
    assert problem(lambda x: x[:0], leaf(3)).problem.endswith("no numbers in the output")
    report = gradcheck(lambda x, b: x.sum() + b, (leaf(0), leaf(2)))
    assert report.notes == ("x is empty: nothing of its gradient was checked",)
    assert repr(report).startswith("gradcheck: right, all 2 numbers of the gradient of b\n")


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"none does\n  try: lucid\.tensor"):
        gradcheck(lambda x: x, lucid.zeros(2))
    with pytest.raises(TypeError, match=r"good for one call\n  try: gradcheck\(lambda"):
        gradcheck(Square(), leaf(2))
    with pytest.raises(TypeError, match=r"a Square object"):
        gradcheck(Square, leaf(2))
    with pytest.raises(TypeError, match=r"got NumPy arrays\n  try: lucid\.tensor"):
        gradcheck(lambda x: x, np.zeros(2))
    with pytest.raises(TypeError, match="a tensor, or a tuple of tensors, got ndarray"):
        gradcheck(lambda x: x.detach().numpy(), leaf(2))
    with pytest.raises(ValueError, match="gradgradcheck moves the inputs"):
        gradgradcheck(nn.Linear(2, 2), lucid.zeros(1, 2))
    with pytest.raises(ZeroDivisionError):  # the student's own, with its traceback
        gradcheck(lambda x: x * (1 // 0), leaf(2))


# ------------------------------------------------------------------------------------ NumPy alone


def forward(x, w, b):
    return x @ w + b


def right_backward(grad, x, w, b):
    return grad @ w.T, x.T @ grad, grad.sum(0)


def arrays(*shapes):
    random = np.random.default_rng(0)
    return tuple(random.standard_normal(shape) for shape in shapes)


def test_code_without_tensors():
    given = arrays((4, 3), (3, 2), (2,))
    report = gradcheck(forward, given, backward=right_backward)
    assert [i.name for i in report.inputs] == ["x", "w", "b"]
    with pytest.raises(CheckError, match=r"broadcast not summed: only output\[0, :\] contributes"):
        gradcheck(forward, given, backward=lambda g, x, w, b: (g @ w.T, x.T @ g, g[0]))
    report = gradcheck(
        forward, given, backward=lambda g, x, w, b: (g @ w.T, x.T @ g, g), raise_exception=False
    )
    assert report.problem == "the gradient of b must have its shape (2,), got (4, 2)"
    assert "try: grad.sum(0), since" in report.diagnosis


def test_outputs_that_count_are_named_though_no_step_leads_from_one_to_the_next():
    (x,) = arrays((2, 9))
    mirror = [2, 1, *range(9), 7, 6]

    def backward(grad, x):
        gx = np.zeros_like(x)
        gx[:, mirror] += grad  # of an index that comes twice, the last one wins
        return gx

    report = gradcheck(lambda x: x[:, mirror], x, backward=backward, raise_exception=False)
    assert report.diagnosis.startswith("overwritten: ")  # one rule for all of these places
    left_out = "of output, only indices 2, 3, 4, 5, 6, 7, 10, 11, 12 of axis 1 are"
    assert f"\nor outputs left out: {left_out}" in report.diagnosis


def test_whole_numbers_and_float32_without_tensors():
    w, index = arrays((4, 2))[0].astype(np.float32), np.array([1, 1, 3])

    def backward(grad, w, index):
        gw = np.zeros_like(w)
        gw[index] = grad
        return gw

    report = gradcheck(
        lambda w, index: w[index], (w, index), backward=backward, raise_exception=False
    )
    assert "\nor overwritten" in report.diagnosis  # or the first output left out: who can tell
    assert report.notes == ("w was float32; it is checked in float64",)

    def both(grad, w, index):
        gw = np.zeros_like(w)
        np.add.at(gw, index, grad)
        return gw, None

    assert gradcheck(lambda w, index: w[index], (w, index), backward=both)


def test_errors_without_tensors():
    x = np.ones(3)
    with pytest.raises(TypeError, match=r"got tuple\n  try: lambda x: forward\(x\)\[0\]|got str"):
        gradcheck(lambda x: ("cache", x), x, backward=lambda g, x: g)
    with pytest.raises(ValueError, match=r"there are none\n  try: x.astype\(float\)"):
        gradcheck(lambda x: x, np.arange(3), backward=lambda g, x: g)
    report = gradcheck(lambda x: x * 1, x, backward=lambda g, x: (g, g), raise_exception=False)
    assert report.problem == "backward must return one gradient for each of x, got 2"
    changing = gradcheck(
        lambda x: x * 1, x, backward=lambda g, x: np.multiply(g, 1, out=x), raise_exception=False
    )
    assert changing.problem == "backward changes x in place"


# ------------------------------------------------------------------------------ second derivatives


@pytest.mark.parametrize(
    "function", [lambda x: x.tanh(), lambda x: x.softmax(0), lambda x: (x * x.exp()).sum()]
)
def test_second_derivatives(function):
    report = gradgradcheck(function, leaf(4))
    assert [i.name for i in report.inputs] == ["x", "grad_outputs[0]"]
    assert report.ok


def test_a_backward_that_leaves_the_graph_has_no_second_derivative():
    report = gradgradcheck(lambda x, w: Conv()(x, w), (leaf(1, 1, 4), leaf(1, 1, 2)),
                           raise_exception=False)  # fmt: skip
    assert report.diagnosis.startswith("no gradient arrives at")
    assert gradgradcheck(lambda x: Square()(x), leaf(3), lucid.ones(3))
    assert gradgradcheck(nn.Conv1d(2, 3, 2), leaf(1, 2, 4))


# ------------------------------------------------------------------------------------ the report


def test_the_report_of_a_flipped_kernel():
    x = lucid.tensor([[[1.0, 2.0, 3.0, 4.0]]], dtype="float64", requires_grad=True)
    w = lucid.tensor([[[1.0, 2.0, 4.0]]], dtype="float64", requires_grad=True)
    report = gradcheck(lambda x, w: Conv("flipped")(x, w), (x, w), raise_exception=False)
    text = repr(report)
    assert text.startswith(
        "gradcheck: WRONG gradient of w (2 of 3 numbers); right: x\n\nworst at w["
    )
    assert "  w, shape (1, 1, 3):  .  right   1-9  wrong, 9 the most\n" in text
    assert "[0, 0]" not in text
    assert "    [0]  9 . 9\n" in text
    assert report._repr_html_().startswith("<pre>gradcheck: WRONG")


def test_html_is_escaped():
    class Tagged(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_parameter("<b>", nn.Parameter(lucid.ones(2)))

        def forward(self, x):
            return x * self._parameters["<b>"]

    report = gradcheck(Tagged(), leaf(2))
    assert "&lt;b&gt;" in report._repr_html_()
    assert "<b>" not in report._repr_html_()


def test_large_jacobians_are_not_needed_for_a_diagnosis(monkeypatch):
    monkeypatch.setattr("lucid.check.gradients.LARGEST", 10)
    function, inputs = conv("the sign")
    report = gradcheck(function, inputs, raise_exception=False)
    assert report.diagnosis.startswith("the sign")
    assert report.through is None
    function, inputs = conv("kernel flipped", padding=1)
    assert gradcheck(function, inputs, raise_exception=False).diagnosis.startswith("kernel flipped")
