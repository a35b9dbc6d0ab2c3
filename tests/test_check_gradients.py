"""gradcheck: what is no mistake, small gradients, and incoming gradients of other sizes."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.check import CheckError, gradcheck

from mistaken import Scaled, Square, conv, leaf, problem

# --------------------------------------------------------------------- where differences mislead


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: x.relu(), 0.0),
        (lambda x: x.clamp(-1, 1), 1.0),
        (lambda x: x.floor() + x, 2.0),
    ],
)
def test_a_kink_is_no_mistake(function, at):
    report = gradcheck(function, lucid.tensor([0.5, at], dtype="float64", requires_grad=True))
    assert report.inputs[0].kinks.tolist() == [False, True]
    assert "(the first is x[1]) the function has a kink or a jump" in report.notes[0]


def test_between_the_slopes_of_a_kink_anything_is_right():
    class Abs(lucid.autograd.Function):
        def __init__(self, at_zero):
            self.at_zero = at_zero

        def forward(self, x):
            return np.abs(x)

        def backward(self, grad):
            return grad * lucid.where(self.saved(0) == 0, self.at_zero, self.saved(0).sign())

    x = lucid.tensor([1.0, 0.0], dtype="float64", requires_grad=True)
    for at_zero, ok in ((-1.0, True), (0.0, True), (0.5, True), (1.0, True), (1.5, False)):
        report = gradcheck(lambda x, a=at_zero: Abs(a)(x), x, raise_exception=False)
        assert report.ok == ok, at_zero
        assert report.inputs[0].kinks.tolist() == [False, at_zero in (-1.0, 0.5, 1.0)]


def test_a_kink_nearby_is_stepped_over():
    x = lucid.tensor([5e-7, -5e-7], dtype="float64", requires_grad=True)
    report = gradcheck(lambda x: x.relu() * 3, x)
    assert not report.inputs[0].excused.any()


def test_a_kink_excuses_nothing_else():
    class Relu(lucid.autograd.Function):
        def forward(self, x):
            return np.maximum(x, 0)

        def backward(self, grad):
            return grad * 7

    x = lucid.tensor([0.0, 1.0, -1.0], dtype="float64", requires_grad=True)
    report = gradcheck(lambda x: Relu()(x), x, raise_exception=False)
    assert report.inputs[0].wrong.tolist() == [True, True, True]  # 7 is no slope of relu at 0


def test_a_check_that_could_judge_nothing_fails():
    report = problem(lambda x: x.relu(), lucid.zeros(3, requires_grad=True))
    assert report.problem == "nothing of the gradient of x could be judged"
    assert report.diagnosis.startswith(
        "at 3 of 3 numbers of x (the first is x[0]) the function has"
    )
    assert "try: other inputs" in report.diagnosis


def test_many_wrong_places_are_not_all_looked_at_closely(monkeypatch):
    monkeypatch.setattr("lucid.check.gradients.JUDGED", 10)
    report = gradcheck(lambda x: Scaled(3)(x), leaf(50), raise_exception=False)
    assert report.inputs[0].wrong.all()
    # a kink among the places looked at first: then all are
    x = lucid.tensor(np.where(np.arange(50) % 2, 0.0, 1.0), requires_grad=True)
    report = gradcheck(lambda x: x.relu(), x)
    assert report.inputs[0].kinks.sum() == 25


def test_large_numbers_are_moved_by_steps_that_count():
    x = lucid.tensor([1e9, -3e7, 1e-3], dtype="float64", requires_grad=True)
    assert gradcheck(lambda x: x**2 / 1e9, x)


def test_steep_places_are_looked_at_with_smaller_steps():
    x = lucid.tensor([1e-4, 3e-5], dtype="float64", requires_grad=True)
    assert gradcheck(lambda x: 1 / x, x)
    assert gradcheck(lambda x: x.log(), x)


def test_outputs_that_stay_infinite_do_no_harm():
    mask = lucid.tensor([True, False, False])
    report = gradcheck(lambda x: x.masked_fill(mask, -np.inf), leaf(3))
    assert not report.inputs[0].excused.any()


def test_where_there_are_no_differences_nothing_is_judged():
    x = lucid.tensor([0.0, 1.0], dtype="float64", requires_grad=True)
    report = gradcheck(lambda x: x.sqrt(), x)
    assert report.inputs[0].excused.tolist() == [True, False]
    assert "not judged there" in report.notes[0]


# --------------------------------------------------------------------------- small gradients


@pytest.mark.parametrize("size", [1e-3, 1e-8, 1e-15, 1e-200])
@pytest.mark.parametrize("mistake", ["factor 2", "a factor", "no gradient", "the sign"])
def test_mistakes_of_small_gradients_are_found_and_named(size, mistake):
    if mistake == "the sign":
        function, inputs = conv(mistake)
    else:
        function, inputs = lambda x: Square(mistake)(x), (leaf(3),)
    report = gradcheck(lambda *xs: function(*xs) * size, inputs, raise_exception=False)
    assert not report
    assert report.inputs[0].wrong.all()
    assert report.diagnosis.startswith(
        "no gradient arrives" if mistake == "no gradient" else mistake
    )


@pytest.mark.parametrize("size", [1e-3, 1e-8, 1e-15])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.softmax(0), lambda x: (x * x).mean(), lambda x: x.relu(), lambda x: x.abs(),
        lambda x: nn.functional.layer_norm(x, (4,)), lambda x: x.std(), lambda x: 3 + x * 0,
    ],
)  # fmt: skip
def test_small_gradients_that_are_right_pass(size, function):
    x = lucid.tensor([0.0, 1.0, -2.0, 0.5], dtype="float64", requires_grad=True)
    report = gradcheck(lambda x: function(x) * size, x)
    assert report.diagnosis is None
    assert gradcheck(lambda x: function(x * size), x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.softmax(0).sum(),  # 1, but for rounding
        lambda x: x.softmax(0).sum() - 1,
        lambda x: nn.functional.layer_norm(x, (4,)).sum(),
        lambda x: (x + 1e6) - x,
        lambda x: 1 + x * 1e-12,
    ],
)
def test_gradients_that_rounding_hides_are_no_mistake(function):
    report = gradcheck(function, leaf(4))
    assert not report.inputs[0].excused.any()


def test_it_is_said_that_a_gradient_was_not_told_from_0():
    for size in (1e-9, 1e-12):  # some differences are not 0, and all are
        report = gradcheck(lambda x, s=size: 1e3 + Square("factor 2")(x) * s, leaf(4))
        assert len(report.notes) == 1
    assert report.notes[0].startswith("the gradient of x is so small, at most ")
    assert "it was not told from 0" in report.notes[0]
    assert not gradcheck(lambda x: Square()(x), leaf(4)).notes


def test_of_many_small_ones_the_most_suspicious_are_looked_at_first(monkeypatch):
    monkeypatch.setattr("lucid.check.gradients.JUDGED", 2)

    class Tail(lucid.autograd.Function):
        def forward(self, x):
            return x * 1e-8

        def backward(self, grad):
            g = grad.numpy() * 1e-8
            g[-3:] *= [1.1, 1.2, 1.3]
            return lucid.tensor(g)

    report = gradcheck(lambda x: Tail()(x), leaf(50), raise_exception=False)
    assert report.inputs[0].wrong.nonzero()[0].tolist() == [47, 48, 49]


# ------------------------------------------------------------------------- the incoming gradient


@pytest.mark.parametrize("mistake", ["clamped", "clipped", "small ones dropped", "rectified"])
def test_a_backward_that_is_right_for_one_size_of_incoming_gradient_only(mistake):
    # of a single number, whose incoming gradient is above 0
    report = problem(lambda x: Square(mistake)(x), leaf(1 if mistake == "rectified" else 3))
    assert report.problem.startswith("backward is not linear in the gradient that it is given")
    assert "times as large ones the gradient of x[" in report.problem
    assert report.diagnosis.startswith("clamped or rescaled: ")
    assert "try: no clamp" in report.diagnosis


def test_the_values_of_a_clamped_gradient():
    def backward(grad, x):
        return np.clip(grad, -10, 10) * 3

    report = gradcheck(lambda x: 3 * x, np.ones(1), backward=backward, raise_exception=False)
    grown = -1024 * 3 * report_weight()
    assert f"of x[0] is {30.0 * np.sign(grown):.4g}, not {grown:.4g}" in report.problem


def report_weight():
    """What gradcheck gives a single output number of shape (1,)."""
    return float(gradcheck(lambda x: x * 1, leaf(1)).weights[0][0])


# ------------------------------------------------------- what the check itself must not overlook


def test_a_complex_gradient_is_refused_also_with_imaginary_parts_of_0():
    def forward(x):
        return np.fft.fft(x).real

    x = np.array([1.0, 2, 4, 8])
    for backward in (lambda g, x: np.fft.ifft(g) * x.size, lambda g, x: np.fft.fft(g).real + 0j):
        with pytest.raises(CheckError, match="the gradient of x is complex, and") as caught:
            gradcheck(forward, x, backward=backward)
        assert "try: np.fft.ifft(g).real" in str(caught.value)
    assert gradcheck(forward, x, backward=lambda g, x: np.fft.ifft(g).real * x.size)
    with pytest.raises(CheckError, match="the output of fn is complex"):
        gradcheck(np.fft.fft, x, backward=lambda g, x: g)


def test_an_output_that_is_nan_leaves_the_others_to_be_judged():
    hole = lucid.tensor([False, True, False])
    x = lucid.tensor([1.0, 2.0, 3.0], dtype="float64", requires_grad=True)
    report = gradcheck(lambda x: lucid.where(hole, float("nan"), x**2), x)
    assert report.notes[-1].startswith("1 of 3 numbers of the output are nan")
    assert not report.inputs[0].excused.any()
    report = problem(lambda x: lucid.where(hole, float("nan"), Scaled(3)(x)), x)
    assert report.inputs[0].wrong.tolist() == [True, False, True]
    report = gradcheck(lambda x: (x - 2.5).sqrt(), x)  # whose gradient is nan there, too
    assert report.inputs[0].unclear.tolist() == [True, True, False]
    report = problem(lambda x: x * float("nan"), x)
    assert report.problem == "nothing was checked: every number of the output is nan"


def test_a_gradient_that_is_nan_where_no_output_is_is_wrong():
    x = lucid.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    assert problem(lambda x: Scaled(float("nan"))(x), x).inputs[0].wrong.all()


@pytest.fixture
def pcg64():
    """Another generator behind ``np.random.rand`` than usual."""
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(0))
    yield
    np.random.set_bit_generator(before)


def test_another_bit_generator_is_no_obstacle(pcg64):
    assert gradcheck(lambda x: x * x, leaf(3))
    report = problem(lambda x: x * float(np.random.rand()), leaf(3))  # noqa: NPY002
    assert "fn draws random numbers from numpy.random" in report.diagnosis

    class Noise(nn.Module):
        def forward(self, x):
            return x + float(np.random.rand())  # noqa: NPY002

    before = repr(np.random.get_state(legacy=False))  # noqa: NPY002
    lucid.explain.summary(Noise(), (2, 3))
    assert repr(np.random.get_state(legacy=False)) == before  # noqa: NPY002


@pytest.mark.parametrize("check", [gradcheck, lucid.check.gradgradcheck])
@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("eps", -1e-6, "1e-6"), ("eps", 0, "1e-6"), ("eps", float("nan"), "1e-6"),
        ("atol", -1, "1e-5"), ("atol", float("nan"), "1e-5"), ("rtol", -0.1, "1e-3"),
        ("nondet_tol", -1, "0.0"),
    ],
)  # fmt: skip
def test_tolerances_that_nothing_could_keep(check, name, value, cure):
    with pytest.raises(ValueError, match=rf"^{name} is .*, got {value}\n  try: {name}={cure}$"):
        check(lambda x: x * x, leaf(2), **{name: value})
    assert check(lambda x: x * x, leaf(2), **{name: float(cure)})


def test_nested_outputs():
    x, fn = leaf(4, 2), nn.LSTM(2, 3).double()
    with pytest.raises(TypeError, match=r"tuples in a tuple, .* are not supported") as caught:
        gradcheck(fn, x)
    code = re.search(r"try: (.*), which", str(caught.value))[1]
    assert gradcheck(eval(code, {"fn": fn}), x)
