"""What the ops of ``test_named_ops.py`` refuse, and what they say."""

from __future__ import annotations

import math

import pytest

import lucid

NAN = math.nan
X = lucid.zeros(2, 3)
I = lucid.zeros(2, 3).long()
ERRORS = [
    (lambda: lucid.dot(X, X), lucid.ShapeError, "dot multiplies a vector and a vector"),
    (lambda: lucid.mv(X, X), lucid.ShapeError, "mv multiplies a matrix and a vector"),
    (lambda: lucid.outer(X, X[0]), lucid.ShapeError, r"got \[\(2, 3\), \(3,\)\]"),
    (lambda: X[None].diag(), lucid.ShapeError, r"\(1, 2, 3\)\n  try: diagonal"),
    (lambda: X.diagonal(0, 1, -1), ValueError, "got dim1=1 and dim2=-1"),
    (lambda: X[0].trace(), lucid.ShapeError, "trace takes a matrix"),
    (lambda: X.scatter(1, I[0], X), lucid.ShapeError, "as many axes as the input"),
    (lambda: X.scatter(1, I + 3, X), IndexError, "scatter looks up 0 to 2"),
    (lambda: X.scatter(1, I, X.double()), TypeError, "float32 and float64"),
    (lambda: X.scatter_add(1, I, X[:, :2]), lucid.ShapeError, "a number for each place"),
    (lambda: X.index_add(0, I[0], X), lucid.ShapeError, r"index_add adds \(3, 3\) of float32"),
    (lambda: X.index_add(0, lucid.tensor([0, 2]), X), IndexError, "index_add looks up 0 to 1"),
    (lambda: X.long().quantile(0.5), TypeError, "got int64\n  try: x.float"),
    (lambda: X.quantile(1.5), ValueError, "from 0 to 1; got 1.5"),
    (lambda: X.quantile(0.5, interpolation="cubic"), ValueError, "midpoint; got 'cubic'"),
    (lambda: X[:0].quantile(0.5, 0), ValueError, "no number to choose from"),
    (lambda: X[:0].median(0), ValueError, "no number to choose from"),
    (lambda: X.diff(-1), ValueError, "n must be at least 0, got -1"),
    (lambda: X[0].bincount(), TypeError, r"float32\n  try: x.long\(\)"),
    (lambda: lucid.tensor([-1]).bincount(), ValueError, "the least number -1"),
    (lambda: I[0].bincount(X[0, :2]), lucid.ShapeError, r"got \(2,\) for \(3,\)"),
    (lambda: X.histc(0), ValueError, "at least one part"),
    (lambda: X.histc(3, 2, 1), ValueError, "got 3 of 2.0 to 1.0"),
    (lambda: I.histc(), TypeError, "got int64"),
    (lambda: lucid.searchsorted(X, X[0]), lucid.ShapeError, "has the rows of the input"),
    (lambda: lucid.bucketize(X, X), lucid.ShapeError, "boundaries are one row"),
    (lambda: lucid.meshgrid(X), lucid.ShapeError, "meshgrid takes vectors"),
    (lambda: lucid.meshgrid(X[0], indexing="ji"), ValueError, "got 'ji'"),
    (lambda: lucid.broadcast_tensors(X, X[:, :2]), lucid.ShapeError, r"\(2, 3\), \(2, 2\)"),
    (lambda: lucid.bernoulli(X + 2), ValueError, "probabilities from 0 to 1"),
    (lambda: lucid.multinomial(X, 1), ValueError, r"got 1 of \(2, 3\), replacement=False"),
    (lambda: lucid.multinomial(X[None], 1), lucid.ShapeError, "one row of weights or several"),
    (lambda: lucid.normal(0.0, 1.0), TypeError, "needs a size"),
    (lambda: lucid.normal(X, -1.0), ValueError, "at least 0, got -1"),
    (lambda: lucid.normal(X, NAN), ValueError, "at least 0, got nan"),
    (lambda: lucid.normal(X, lucid.ones(5)), lucid.ShapeError, r"std \(5,\), size None"),
    (lambda: lucid.normal(X, 1.0, (7,)), lucid.ShapeError, r"size \(7,\)"),
    (lambda: I[0].bincount(minlength=-1), ValueError, "minlength must be at least 0, got -1"),
    (lambda: lucid.hann_window(3, dtype="int64"), TypeError, "made of fractions, got dtype int64"),
    (lambda: lucid.hann_window(-1), ValueError, "got -1"),
    (lambda: X ^ X, TypeError, r"\^ needs bools or whole numbers"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
