"""gradcheck: what is no mistake, small gradients, and incoming gradients of other sizes."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.check import gradcheck

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
