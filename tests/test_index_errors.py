"""An index that a tensor does not take: what is said, and that the cure is one that it takes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid

import errors_catalogue as catalogue

X = lucid.arange(12).reshape(3, 4)


@pytest.mark.parametrize(
    ("index", "error", "rule", "cure"),
    [
        (5, IndexError, "index 5 is out of bounds for axis 0 with size 3, of a tensor", "x[2]"),
        (-4, IndexError, "index -4 .* there are places from -3 to 2", "x[-3]"),
        ((0, 4), IndexError, "index 4 is out of bounds for axis 1", "x[0, 3]"),
        ((..., 4), IndexError, "index 4 is out of bounds for axis 1", "x[..., 3]"),
        ((None, 7, slice(1, None)), IndexError, "index 7", "x[None, 2, 1:]"),
        ((slice(None, None, 2), -9), IndexError, "index -9", "x[::2, -4]"),
        ((0, 1, 2), lucid.AxisError, r"\(3, 4\) has 2 axes, and the index is for 3", "x[0, 1]"),
        ((7, 1, 2), lucid.AxisError, "too many indices", "x[2, 1]"),
        ((..., ...), IndexError, "at most once, got 2", "x[...]"),
        ((0, ..., ..., 1), IndexError, "at most once, got 2", "x[0, ..., 1]"),
        ([0, 7], IndexError, "index 7 is out of bounds for axis 0", "x[[0, 2]]"),
        (0.5, lucid.DtypeError, "whole numbers or bools, got the float 0.5", "x[0]"),
        ((1, 2.0), lucid.DtypeError, "got the float 2.0", "x[1, 2]"),
        ((1.0, 2.0), lucid.DtypeError, "got the float 1.0", "x[1, 2]"),
        ((slice(1, 2), 1.5, None), lucid.DtypeError, "got the float 1.5", "x[1:2, 1, None]"),
        ((True, 0, 1.0), lucid.DtypeError, "got the float 1.0", "x[True, 0, 1]"),
        (np.float32(1), lucid.DtypeError, "got the float 1.0", "x[1]"),
        (1e30, lucid.DtypeError, r"got the float 1e\+30", "x[-1]"),
        (float("nan"), lucid.DtypeError, "got the float nan", "x[0]"),
        ([0.5, 1], lucid.DtypeError, "got float64", "x[[0, 1]]"),
        ([2**64, 0], lucid.DtypeError, "got object", "x[[-1, 0]]"),
        ({1}, lucid.DtypeError, "got a set", "x[list(index)]"),
        (1j, lucid.DtypeError, "got a complex", "x[0]"),
        (2**63, IndexError, f"index {2**63} is out of bounds for every axis", "x[-1]"),
        ((0, -(2**70)), IndexError, f"index -{2**70} is out of bounds", "x[0, 0]"),
        ((None,) * 70, lucid.AxisError, r"at most 64 axes, got 70 .* \(3, 4\)", "x[None]"),
        ("a", lucid.DtypeError, "got 'a'", "x[0]"),
        (np.ones(2), lucid.DtypeError, "got float64", "x[index.astype(int)]"),
        (np.ones(2) * 1j, lucid.DtypeError, "complex128", "x[index.real.astype(int)]"),
        (lucid.ones(2), lucid.DtypeError, "got float32", "x[index.long()]"),
        ((0, lucid.ones(2)), lucid.DtypeError, "got float32", "x[0, index.long()]"),
        (slice(0, 1.5), TypeError, "the ends of a slice are whole numbers, got 1.5", "x[0:1]"),
        (slice(float("nan"), None), TypeError, "whole numbers, got nan", "x[:]"),
        (slice(float("inf"), 2), TypeError, "whole numbers, got inf", "x[:2]"),
        (slice(None, None, 0.5), TypeError, "whole numbers, got 0.5", "x[::1]"),
        (slice(None, None, -0.5), TypeError, "whole numbers, got -0.5", "x[::-1]"),
        (slice(None, None, 0), ValueError, "the step of a slice is not 0", "x[::1]"),
        (np.ones((2, 4), bool), IndexError, r"a mask .* \(3, 4\) of \(3, 4\)", "x[:2, :4][index]"),
        (np.ones(5, bool), IndexError, r"a mask .* \(3,\) of \(3, 4\), got", "x[index[:3]]"),
        (([0, 1, 2], [0, 1]), IndexError, r"got \[\(3,\), \(2,\)\]", "x[a[:, None], b]"),
    ],
    ids=str,
)
def test_the_rule_the_values_and_the_cure(index, error, rule, cure):
    for do in (lambda: X[index], lambda: X.clone().__setitem__(index, 1)):
        with pytest.raises(error, match=rule) as caught:
            do()
        assert type(caught.value) is error
        assert str(caught.value).endswith(f"\n  try: {cure}")
    given = index if isinstance(index, tuple) else (index,)
    a, b = (np.array(given[0]), np.array(given[-1])) if "a[" in cure else (None, None)
    mask = isinstance(index, np.ndarray) and index.dtype == bool
    names = {"x": X, "index": lucid.tensor(index) if mask else given[-1]}
    eval(cure, names | {"a": a, "b": b})


def test_an_axis_without_places():
    with pytest.raises(IndexError, match=r"there are places none$"):
        lucid.zeros(0, 3)[0]
    with pytest.raises(lucid.AxisError, match=r"\(3,\) has 1 axis, and the index is for 2"):
        lucid.zeros(3)[0, 0]


def test_nothing_is_written_where_the_index_is_wrong():
    x = X.clone()
    with pytest.raises(IndexError, match="out of bounds"):
        x[[0, 5]] = 7
    assert x.tolist() == X.tolist()


PART = st.one_of(
    st.integers(-5, 5),
    st.none(),
    st.just(...),
    st.builds(slice, st.none() | st.integers(-4, 4), st.none() | st.integers(-4, 4)),
    st.lists(st.integers(-5, 5), min_size=1, max_size=3).map(np.array),
    st.lists(st.booleans(), min_size=2, max_size=4).map(np.array),
)


@given(
    shape=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    index=st.lists(PART, min_size=1, max_size=4).map(tuple),
)
@settings(max_examples=400)
def test_what_numpy_refuses_has_a_reason_and_the_cure_is_taken(shape, index):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    x = lucid.from_numpy(array)
    try:
        expected = array[index]
    except IndexError:
        with pytest.raises(IndexError) as caught:
            x[index]
        message = str(caught.value)
        assert re.match("index|too many indices|an index|a mask|the tensors of an index", message)
        for cure, _ in catalogue.cures(message):
            if cure.startswith("x[") and not re.search(r"\b(index|a|b)\b", cure):
                error = None
                try:
                    eval(cure, {"x": x})
                except IndexError as other:  # a second mistake in the same index
                    error = str(other)
                assert error != message
    else:
        assert x[index].tolist() == expected.tolist()
