"""compare: cases that are described, given or generated, and the probes among them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lucid
import lucid.nn.functional as F
from lucid.check import compare
from lucid.check.cases import Case, impulse, probes, ramp


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
