"""compare: what a function does wrong is found, made small, and said in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
import lucid.nn.functional as F
from lucid.check import CheckError, compare
from lucid.check.cases import Case, impulse, probes, ramp


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


# -------------------------------------------------------------------------------------- the cases


def test_descriptions():
    seen = []

    def look(x, labels, *, scale, mode):
        seen.append((x, labels, scale, mode))
        return x * scale

    cases = {
        "x": "N 3",
        "labels": lambda rng, sizes: rng.integers(0, 3, sizes["N"]),
        "scale": [1.0, 2.0],
        "mode": 7,
    }
    assert compare(look, look, cases, sizes={"N": [2, 5]}, dtype="float32", count=30)
    assert {x.shape for x, *_ in seen} == {(2, 3), (5, 3)}
    assert {x.dtype for x, *_ in seen} == {np.dtype("float32")}
    assert all(labels.shape == x.shape[:1] for x, labels, *_ in seen)
    assert {(scale, mode) for *_, scale, mode in seen} == {(1.0, 7), (2.0, 7)}


def test_tensors():
    cases = {"input": "N C L", "weight": "O C K", "bias": "O", "dilation": [1, 2]}

    def without_bias(input, weight, bias, dilation):
        return F.conv1d(input, weight, None, dilation=dilation)

    report = compare(without_bias, F.conv1d, cases, tensors=True, raise_exception=False)
    assert report.diagnosis.startswith("ignored: it is right for bias = 0")
    assert isinstance(report.case["bias"], lucid.Tensor)
    assert compare(F.conv1d, F.conv1d, cases, tensors=True)


def in_numpy(x, w, stride=1):
    T, K = (x.shape[2] - w.shape[2]) // stride + 1, w.shape[2]
    read = [np.einsum("nck,ock->no", x[:, :, t * stride : t * stride + K], w) for t in range(T)]
    return np.stack(read, 2)


def in_numpy_flipped(x, w, stride=1):
    return in_numpy(x, np.ascontiguousarray(w[:, :, ::-1]), stride)


@pytest.mark.parametrize("tensors", [False, True])
def test_a_function_of_arrays_is_compared_with_one_of_tensors(tensors):
    cases = {"x": "N C L", "w": "O C K", "stride": [1, 2]}
    for pair in ((in_numpy, F.conv1d), (F.conv1d, in_numpy)):
        assert compare(*pair, cases, tensors=tensors).count > 20
    report = compare(in_numpy_flipped, F.conv1d, cases, tensors=tensors, raise_exception=False)
    assert report.diagnosis.startswith("flipped: it is right for w reversed along axis 2")
    x, w = np.ones((1, 1, 4)), np.ones((1, 1, 2))
    if tensors:
        x, w = lucid.tensor(x), lucid.tensor(w)
    assert compare(in_numpy, F.conv1d, [(x, w)])
    assert compare(
        lambda x, i: x[i], lambda x, i: lucid.index_select(x, 0, i), [(x, np.array([0]))]
    )


def test_an_error_for_either_kind_is_told_as_it_came_first():
    def broken(x):
        return x.missing

    report = compare(broken, np.sin, {"x": "N"}, raise_exception=False)
    assert "AttributeError: 'numpy.ndarray' object" in report.problem
    calls = []

    def other(x):
        calls.append(type(x))
        raise ValueError("no")

    compare(other, np.sin, {"x": "N"}, raise_exception=False)
    assert set(calls) == {np.ndarray}


def test_given_cases_in_three_forms():
    x = np.arange(4.0)
    for cases in ([(x,)], [{"x": x}], [x], iter([(x,)])):
        report = compare(lambda x: 2 * x, lambda x: x, cases, raise_exception=False)
        assert report.case["x"].tolist() == [1]
        assert report.diagnosis == "a factor: it is 2 times what it should be, everywhere"


def test_given_cases_of_different_forms():
    report = compare(
        lambda x, axis=0: -x.sum(axis),
        lambda x, axis=0: x.sum(axis),
        [{"x": np.ones((2, 3, 4)), "axis": 1}, {"x": np.ones(5)}, {"x": np.ones((2, 2))}],
        raise_exception=False,
    )
    assert "the sign: it is -1 times what it should be, everywhere" in report.diagnosis


def test_options_of_given_cases_are_made_simpler():
    def wrong(x, shift=0, flag=False):
        return np.roll(x, -shift)

    def right(x, shift=0, flag=False):
        return np.roll(x, shift)

    report = compare(wrong, right, [{"x": np.arange(7.0), "shift": 3, "flag": True}],
                     raise_exception=False)  # fmt: skip
    assert (report.case["shift"], report.case["flag"]) == (1, False)
    assert report.case["x"].shape == (3,)


def test_generators_grow():
    seen = []

    def cases(rng, size):
        seen.append(size)
        return rng.standard_normal(size), size

    assert compare(lambda x, n: x * n, lambda x, n: x * n, cases, count=60)
    assert seen == sorted(seen)
    assert seen[0] == 1
    report = compare(lambda x, n: x * 2, lambda x, n: x * n, cases, raise_exception=False)
    assert report.case["n"] in (0, 1)


def test_the_reference_decides_what_is_allowed():
    def right(x, w):
        if len(w) > len(x):
            raise ValueError("too long")
        return np.correlate(x, w, "valid")

    def mine(x, w):
        assert len(w) <= len(x)
        return np.correlate(x, w, "valid")

    assert compare(mine, right, {"x": "L", "w": "K"})
    with pytest.raises(ValueError, match="refuses all cases: it raises ValueError: too long"):
        compare(mine, right, {"x": "2", "w": "3"})
    with pytest.raises(ValueError, match=r"reference_fn fails in a given case: .*too long"):
        compare(mine, right, [(np.ones(2), np.ones(3))])
    with pytest.raises(ValueError, match="refuses all cases: there are none"):
        compare(mine, right, [])
    with pytest.raises(TypeError, match=r"try: a list of dicts, \[\{\.\.\.\}\]"):
        compare(mine, right, {"x": [1, 2]})


def test_descriptions_that_are_misspelt():
    same = lambda x, mode="": x  # noqa: E731 (short)
    with pytest.raises(TypeError, match=r"got 'reflect' for mode\n  try: mode=\['reflect'\]"):
        compare(same, same, {"x": "N L", "mode": "reflect"})
    assert compare(same, same, {"x": "N L", "mode": ["reflect"]})
    with pytest.raises(ValueError, match="for axes that no array has: T"):
        compare(same, same, {"x": "N L"}, sizes={"T": range(3)})


def test_the_same_seed_makes_the_same_cases():
    def log(into):
        def function(x):
            into.append(x.copy())
            return x

        return function

    logs = [[], [], []]
    for into, seed in zip(logs, (0, 0, 1), strict=True):
        compare(log(into), lambda x: x, {"x": "N L"}, seed=seed, count=20)
    assert all(np.array_equal(a, b) for a, b in zip(logs[0], logs[1], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(logs[0], logs[2], strict=False))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_probes_are_never_symmetric(shape):
    shape = tuple(shape)
    for probe in (ramp(shape), impulse(shape)):
        for axis, size in enumerate(shape):
            assert size == 1 or not np.array_equal(probe, np.flip(probe, axis))
    names = [[n for n, v in p.values.items() if (v == 0).any()] for p in
             probes(Case({"a": np.ones(shape), "b": np.ones((2, 3))}, 2))]  # fmt: skip
    assert names == [["a"] if np.prod(shape) > 1 else [], ["b"], []]


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
