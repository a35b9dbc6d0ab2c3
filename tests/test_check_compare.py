"""compare: what a function does wrong is found, made small, and said in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
import lucid.nn.functional as F
from lucid.check import CheckError, compare


def reference(x, w, stride=1, padding=0):
    return F.conv1d(lucid.tensor(x), lucid.tensor(w), stride=stride, padding=padding).numpy()


def conv(x, w, stride=1, padding=0, mistake=""):
    """The same in NumPy, right, or with a mistake."""
    if mistake == "flipped":
        w = w[:, :, ::-1]
    if mistake == "w ignored":
        w = w * 0
    if mistake == "stride ignored":
        stride = 1
    if mistake == "padding ignored":
        padding = 0
    if mistake == "changes x":
        x *= 2
    if mistake == "raises" and stride > 1:
        raise IndexError("no such position")
    K = w.shape[2]
    p = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    T = (p.shape[2] - K) // stride + 1
    if mistake == "one too short":
        T -= 1
    y = np.zeros((len(x), len(w), max(T, 0)), int if mistake == "whole numbers" else x.dtype)
    for t in range(T):
        y[:, :, t] = np.einsum("nck,ock->no", p[:, :, t * stride : t * stride + K], w)
    if mistake == "first sample only":
        y[1:] = 0
    if mistake == "factor":
        y *= 2.5
    if mistake == "constant":
        y += 3
    if mistake == "sign":
        y = -y
    if mistake == "transposed":
        y = y.swapaxes(1, 2)
    if mistake == "too long":
        y = np.concatenate([y, 0 * y[:, :, :1]], 2)
    if mistake == "backwards":
        y = y[:, :, ::-1]
    if mistake == "shifted":
        y = np.roll(y, 1, 2)
    if mistake == "nan":
        y = np.where(y == 0, np.nan, y)
    if mistake == "no batch axis":
        y = y[0]
    if mistake == "list of rows":
        return list(y)
    if mistake == "None":
        return None
    if mistake == "text":
        return "done"
    return y


def student(mistake):
    def my_conv(x, w, stride=1, padding=0):
        return conv(x, w, stride, padding, mistake)

    return my_conv


CONV = {"x": "N C L", "w": "O C K", "stride": [1, 2], "padding": [0, 1]}


def found(mistake, cases=CONV, **options):
    report = compare(student(mistake), reference, cases, raise_exception=False, **options)
    assert not report
    return report


# mistake: (kind, how the problem reads, how the diagnosis begins)
PLANTED = {
    "flipped": (
        "values",
        "output[0, 0, 0] is 2, expected is 1",
        "flipped: it is right for w reversed along axis 2",
    ),
    "w ignored": ("values", "is 0, expected is 1", "ignored: it is right for w = 0"),
    "stride ignored": (
        "shape",
        "axis 2 is 1 too long",
        "stride ignored: it is what stride=1 gives",
    ),
    "padding ignored": (
        "shape",
        "axis 2 is 2 too short",
        "padding ignored: it is what padding=0 gives",
    ),
    "one too short": (
        "shape",
        "axis 2 is 1 too short",
        "cut short: it is right, but ends 1 too early",
    ),
    "too long": ("shape", "axis 2 is 1 too long", "too long: it is right, but goes on for 1 more"),
    "first sample only": (
        "values",
        "output[1, 0, 0] is 0",
        "left out: only the first along axis 0 is right",
    ),
    "factor": ("values", "is 2.5, expected is 1", "a factor: it is 2.5 times what it should be"),
    "constant": ("values", "is 4, expected is 1", "a constant: it is what it should be plus 3,"),
    "sign": ("values", "is -1, expected is 1", "the sign: "),
    "transposed": (
        "shape",
        "the axes are in another order",
        "transposed: it is right, but with axes 1 and 2",
    ),
    "backwards": (
        "values",
        "output[0, 0, 0] is",
        "backwards: it is right, but reversed along axis 2",
    ),
    "shifted": (
        "values",
        "output[0, 0, 0] is",
        "shifted: it is right, but one place later along axis 2",
    ),
    "whole numbers": (
        "dtype",
        "output holds int64, expected is float64\n  try: look for an array",
        None,
    ),
    "changes x": ("changes its input", "it changes its input x in place", None),
    "nan": ("nan", "is nan, expected is 0", None),
    "no batch axis": ("shape", "2 axes in place of 3", None),
    "list of rows": ("count", "it returns output[0]", None),
    "None": ("type", "it returns None\n  try: return, at the end", None),
    "text": ("type", "output is str, expected are numbers", None),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_mistake_is_found_and_said(mistake):
    kind, problem, diagnosis = PLANTED[mistake]
    report = found(mistake)
    assert report.kind == kind
    assert problem in report.problem
    if diagnosis is None:
        assert report.diagnosis is None
    elif mistake == "sign":  # of x, of w or of the output: they are the same
        assert report.diagnosis.count("the sign: ") == 3
    elif mistake == "w ignored":
        assert diagnosis in report.diagnosis
    else:
        assert report.diagnosis.startswith(diagnosis)
        assert "\nor " not in report.diagnosis


def test_the_right_function_passes():
    report = compare(student(""), reference, CONV)
    assert report
    assert report.count > 100
    assert repr(report) == f"compare: my_conv agrees with reference in {report.count} cases"


def test_a_symmetric_kernel_does_not_hide_a_flip():
    signal, smooth = np.random.default_rng(0).random((2, 3, 9)), np.ones((4, 3, 3))
    assert np.allclose(conv(signal, smooth, mistake="flipped"), reference(signal, smooth))
    report = found("flipped", [(signal, smooth)])
    assert report.diagnosis.startswith("flipped: it is right for w reversed along axis 2")
    assert report.case["w"].tolist() == [[[1, 2]]]
    assert report.case["x"].tolist() == [[[1, 0]]]
    assert (report.got, report.expected) == (2, 1)
    assert report.index == (0, 0, 0)


@pytest.mark.parametrize("mistake", [m for m in PLANTED if m != "nan"])
def test_the_smallest_case_cannot_be_cut_any_further(mistake):
    report = found(mistake)
    sizes = sum(report.case["x"].shape + report.case["w"].shape)
    needs = {"flipped": 2, "stride ignored": 1, "first sample only": 1, "transposed": 1}
    needs |= {"backwards": 1, "shifted": 1, "list of rows": 0}
    assert sizes == 6 + needs.get(mistake, 0)
    assert report.case["stride"] == (2 if mistake == "stride ignored" else 1)
    assert report.case["padding"] == (1 if mistake == "padding ignored" else 0)


def test_the_smallest_case_really_fails():
    for mistake in PLANTED:
        case = found(mistake).case
        with pytest.raises(CheckError):
            compare(student(mistake), reference, [case])


def test_an_error_is_told_with_its_line():
    report = found("raises")
    assert report.kind == "raises"
    assert report.problem.startswith(
        "it raises IndexError: no such position\n  test_check_compare.py"
    )
    assert 'in conv: raise IndexError("no such position")' in report.problem
    assert report.case["stride"] == 2
    assert "got =" not in repr(report)
    report = compare(lambda x: x, lambda x, y: x, [(1, 2)], raise_exception=False)
    assert "in the call itself: do the names" in report.problem


def test_random_numbers_are_told():
    noise = np.random.default_rng(0)
    report = compare(
        lambda x: x + noise.random(), lambda x: x + 0.5, {"x": "N L"}, raise_exception=False
    )
    assert report.kind == "not repeatable"
    assert "is there a random number" in report.problem
    assert report.case["x"].shape == (1, 1)


def test_a_mistake_that_probes_do_not_show_is_found_at_random():
    def clipped(x):
        return np.where(x < -1, 0, x)

    report = compare(clipped, lambda x: x, {"x": "N L"}, raise_exception=False)
    assert report.case["x"].shape == (1, 1)
    assert report.case["x"].item() == -2  # the nearest whole number that shows it


def test_a_mistake_in_long_signals_only():
    def short_memory(x):
        return np.concatenate([x[:5], 0 * x[5:]])

    report = compare(short_memory, lambda x: x, {"x": "L"}, sizes={"L": range(1, 20)},
                     raise_exception=False)  # fmt: skip
    assert report.case["x"].shape == (6,)
    assert report.index == (5,)


# ------------------------------------------------------------------------------------- the outputs


def test_several_outputs():
    def both(x):
        return x.sum(), x.max(0)

    def swapped(x):
        return x.max(0), x.sum()

    assert compare(both, both, {"x": "N L"})
    report = compare(swapped, both, {"x": "N L"}, raise_exception=False)
    assert report.problem.startswith("output[0] has shape (1,), expected is ()")
    assert report.diagnosis.startswith("wrong order: they are right")
    report = compare(lambda x: {"a": x}, lambda x: {"b": x}, {"x": "L"}, raise_exception=False)
    assert report.problem == "it returns output['a']; expected are output['b']"
    report = compare(lambda x: (x, 2 * x), lambda x: (x, x), {"x": "L"}, raise_exception=False)
    assert report.problem.startswith("output[1][0] is 2, expected is 1")


def test_other_outputs():
    assert compare(lambda n: "a" * n, lambda n: n * "a", [(3,)])
    report = compare(lambda n: "b" * n, lambda n: n * "a", [(3,)], raise_exception=False)
    assert report.problem == "output is 'b', expected is 'a'"
    assert report.case == {"n": 1}
    assert compare(lambda x: x.sum(), lambda x: float(x.sum()), {"x": "L"})  # a number is a number
    report = compare(lambda x: [[1], [2, 3]], lambda x: x, {"x": "L"}, raise_exception=False)
    assert report.problem == "output is list, expected are numbers"


def test_nan_equals_nan():
    right = lambda x: np.where(x > 0, x, np.nan)  # noqa: E731 (short)
    assert compare(right, right, {"x": "N L"})


def test_tolerances_and_dtypes():
    off = lambda x: x * 1.001  # noqa: E731 (short)
    assert not compare(off, lambda x: x, {"x": "L"}, raise_exception=False)
    assert compare(off, lambda x: x, {"x": "L"}, rtol=1e-2)
    single = lambda x: x.astype("float32")  # noqa: E731 (short)
    assert found_kind(single, lambda x: x) == "dtype"
    assert compare(single, lambda x: x, {"x": "L"}, check_dtype=False)


def found_kind(mine, right):
    return compare(mine, right, {"x": "L"}, raise_exception=False).kind


def test_an_output_that_is_the_input_is_no_trap():
    def fill(x):
        x += 1
        return x

    report = compare(fill, lambda x: x + 1, {"x": "L"}, raise_exception=False)
    assert report.kind == "changes its input"


# ------------------------------------------------------------------------------------- the report


def test_the_report_of_a_flipped_convolution():
    assert (
        repr(found("flipped"))
        == """\
compare: my_conv differs from reference (case 1)

  output[0, 0, 0] is 2, expected is 1

the smallest case that was found
  x = [[[1, 0]]]   shape (1, 1, 2)
  w = [[[1, 2]]]   shape (1, 1, 2)
  stride = 1
  padding = 0

  got = [[[2]]]   shape (1, 1, 1)
  expected = [[[1]]]   shape (1, 1, 1)

diagnosis
  flipped: it is right for w reversed along axis 2
    try: leave w as it is, without [::-1] (a convolution layer computes y[t] = sum over
      k of w[k] * x[t + k], which mathematics calls a correlation)"""
    )


def test_the_error_is_the_report():
    with pytest.raises(CheckError) as caught:
        compare(student("sign"), reference, CONV)
    assert str(caught.value) == repr(caught.value.report)
    assert isinstance(caught.value, AssertionError)


def test_html_is_escaped():
    report = compare(lambda s: "<b>", lambda s: "<i>", [("x",)], raise_exception=False)
    assert "<b>" not in report._repr_html_()
    assert "&lt;b&gt;" in report._repr_html_()


@settings(max_examples=25)
@given(axis=st.integers(0, 2), what=st.sampled_from(["x", "w"]), seed=st.integers(0, 10))
def test_any_flip_of_any_argument_is_recognized(axis, what, seed):
    def flipping(x, w):
        x, w = (np.flip(a, axis) if name == what else a for name, a in (("x", x), ("w", w)))
        return reference(x.copy(), w.copy())

    report = compare(flipping, reference, {"x": "N C L", "w": "O C K"}, seed=seed,
                     raise_exception=False)  # fmt: skip
    assert f"it is right for {what} reversed along axis {axis}" in report.diagnosis
