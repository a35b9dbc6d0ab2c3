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
    (lambda: lucid.outer(X, X[0]), lucid.ShapeError, r"got \(2, 3\) and \(3,\)"),
    (lambda: X[None].diag(), lucid.ShapeError, r"\(1, 2, 3\)\n  try: x.diagonal\(\)"),
    (lambda: X.diagonal(0, 1, -1), ValueError, "got dim1=1 and dim2=-1"),
    (lambda: X[0].trace(), lucid.ShapeError, "trace takes a matrix"),
    (lambda: X.scatter(1, I[0], X), lucid.ShapeError, "as many axes as the input"),
    (lambda: X.scatter(1, I + 3, X), IndexError, "scatter looks up 0 to 2"),
    (lambda: X.scatter(1, I, X.double()), lucid.DtypeError, "float32 and float64 for src"),
    (lambda: X.scatter_add(1, I, X[:, :2]), lucid.ShapeError, "a number for each place"),
    (lambda: X.index_add(0, I[0], X), lucid.ShapeError, r"a source \(3, 3\), as long as the index"),
    (lambda: X.index_add(0, I, X), lucid.ShapeError, "an index of one axis"),
    (lambda: X.index_add(0, I[0, :2], X.double()), lucid.DtypeError, "float64 for source"),
    (lambda: X.index_add(0, lucid.tensor([0, 2]), X), IndexError, "index_add looks up 0 to 1"),
    (lambda: X.long().quantile(0.5), lucid.DtypeError, "got int64\n  try: x.float"),
    (lambda: X.quantile(1.5), ValueError, r"got 1.5 to 1.5\n  try: q=0.015$"),
    (lambda: X.quantile(-1.5), ValueError, r"got -1.5 to -1.5\n  try: q=0.5$"),
    (lambda: X.quantile(NAN), ValueError, r"got nan to nan\n  try: q=0.5$"),
    (lambda: X.quantile(X / 10), lucid.ShapeError, r"one row, got shape \(2, 3\)"),
    (lambda: X.quantile(0.5, interpolation="cubic"), ValueError, "midpoint; got 'cubic'"),
    (lambda: X[:0].quantile(0.5, 0), lucid.ShapeError, "no number to choose from"),
    (lambda: X[:0].median(0), lucid.ShapeError, "no number to choose from"),
    (lambda: X.diff(-1), ValueError, "n must be at least 0, got -1"),
    (lambda: X[0].bincount(), lucid.DtypeError, r"float32\n  try: x.long\(\)"),
    (lambda: lucid.tensor([-1]).bincount(), ValueError, r"from 0 up, got -1\n  try: x - x.min\(\)"),
    (lambda: I[0].bincount(X[0, :2]), lucid.ShapeError, r"weights \(2,\) for an input \(3,\)"),
    (lambda: X.histc(0), ValueError, "at least one part"),
    (lambda: X.histc(3, 2, 1), ValueError, "got 3 of 2.0 to 1.0"),
    (lambda: I.histc(), lucid.DtypeError, "got int64"),
    (lambda: lucid.searchsorted(X, X[0]), lucid.ShapeError, "one row for each of the input"),
    (lambda: lucid.bucketize(X, X), lucid.ShapeError, "boundaries on one axis"),
    (lambda: lucid.meshgrid(X), lucid.ShapeError, "meshgrid takes vectors"),
    (lambda: lucid.meshgrid(X[0], indexing="ji"), ValueError, "got 'ji'"),
    (
        lambda: lucid.broadcast_tensors(X, X[:, :2]),
        lucid.ShapeError,
        r"\(2, 3\) for a and \(2, 2\) for b",
    ),
    (lambda: lucid.bernoulli(I), lucid.DtypeError, "got int64"),
    (lambda: lucid.bernoulli(X + 2), ValueError, "probabilities from 0 to 1"),
    (lambda: lucid.multinomial(X, 1), ValueError, "got 0 in a row for 1 draws"),
    (lambda: lucid.multinomial(X + 1, 4), ValueError, "got 3 .* 4 draws, replacement=False"),
    (lambda: lucid.multinomial(X, 0), ValueError, "at least one place, got 0"),
    (lambda: lucid.multinomial(X[:, :0], 1), lucid.ShapeError, "at least one place to draw"),
    (lambda: lucid.multinomial(X + NAN, 1), ValueError, "finite weights .* got nan to nan"),
    (
        lambda: lucid.multinomial(X[None], 1),
        lucid.ShapeError,
        r"one row of weights \(n,\) or several",
    ),
    (lambda: lucid.normal(0.0, 1.0), TypeError, "needs a size"),
    (lambda: lucid.normal(X, -1.0), ValueError, "at least 0, got -1"),
    (lambda: lucid.normal(X, NAN), ValueError, "at least 0, got nan"),
    (lambda: lucid.normal(X, lucid.ones(5)), lucid.ShapeError, r"for mean and \(5,\) for std"),
    (lambda: lucid.normal(X, 1.0, (7,)), lucid.ShapeError, r"size \(7,\)"),
    (lambda: I[0].bincount(minlength=-1), ValueError, "minlength must be at least 0, got -1"),
    (
        lambda: lucid.hann_window(3, dtype="int64"),
        lucid.DtypeError,
        "made of fractions, got dtype int64",
    ),
    (lambda: lucid.hann_window(-1), ValueError, "got -1"),
    (lambda: X ^ X, TypeError, r"\^ needs bools or whole numbers"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
