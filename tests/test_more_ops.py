"""Ops that move, repeat, sort and sum: against NumPy, by finite differences, and by algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid

from gradients import check_gradients


def array(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)


def positive(*shape):
    return np.random.default_rng(0).uniform(0.3, 2, shape)


def windows(x, size, step):
    return np.stack([x[..., i : i + size] for i in range(0, x.shape[-1] - size + 1, step)], -2)


PLACES = lucid.tensor([2, 0, 2])
MASK = np.array([[True, False, True], [False, False, True]])
A, B, C = array(2, 3), array(3, 4, seed=1), array(2, 3, 4, seed=2)

# name: (the op, the same in NumPy, the inputs)
CASES = {
    "square": (lucid.square, np.square, [A]),
    "reciprocal": (lucid.reciprocal, np.reciprocal, [positive(3)]),
    "rsqrt": (lucid.rsqrt, lambda x: x**-0.5, [positive(3)]),
    "log1p": (lucid.log1p, np.log1p, [positive(3)]),
    "log2": (lucid.log2, np.log2, [positive(3)]),
    "log10": (lucid.log10, np.log10, [positive(3)]),
    "expm1": (lucid.expm1, np.expm1, [A]),
    "sin": (lucid.sin, np.sin, [A]),
    "cos": (lucid.cos, np.cos, [A]),
    "atan2": (lucid.atan2, np.arctan2, [A, array(3, seed=1)]),
    "remainder": (lambda a, b: a % b, np.remainder, [5 * A, positive(3)]),
    "remainder, reflected": (lambda x: 5 % x, lambda x: 5 % x, [positive(3)]),
    "bmm": (lucid.bmm, np.matmul, [C, array(2, 4, 2)]),
    "mm": (lucid.mm, np.matmul, [A, B]),
    "einsum": (lambda a, b: lucid.einsum("ij,jk->ik", a, b), np.matmul, [A, B]),
    "einsum, implicit": (lambda a, b: lucid.einsum("kj, ji", a, b), lambda a, b: (a @ b).T, [A, B]),
    "einsum, sum": (lambda a: lucid.einsum("ij->", a), np.sum, [A]),
    "einsum, lone letters": (
        lambda a, b: lucid.einsum("ij,kl->jl", a, b),
        lambda a, b: np.outer(a.sum(0), b.sum(0)),
        [A, B],
    ),
    "einsum, diagonal": (
        lambda a: lucid.einsum("iji->ij", a),
        lambda a: np.stack([a[i, :, i] for i in range(3)]),
        [array(3, 2, 3)],
    ),
    "einsum, batches": (
        lambda a, b: lucid.einsum("...ct,oc->...ot", a, b),
        lambda a, b: b @ a,
        [array(2, 2, 3, 4), array(5, 3)],
    ),
    "einsum, broadcast": (
        lambda a, b: lucid.einsum("...i,...i", a, b),
        lambda a, b: (a * b).sum(-1),
        [array(2, 1, 3), array(4, 3)],
    ),
    "einsum, three": (
        lambda a, b, c: lucid.einsum("ij,jk,ijk->i", a, b, c),
        lambda a, b, c: (a[:, :, None] * b * c).sum((1, 2)),
        [A, B, C],
    ),
    "einsum, one twice": (lambda a: lucid.einsum("ij,kj->ik", a, a), lambda a: a @ a.T, [A]),
    "masked_fill": (
        lambda x: lucid.masked_fill(x, lucid.tensor(MASK), 3.0),
        lambda x: np.where(MASK, 3.0, x),
        [A],
    ),
    "masked_select": (lambda x: x.masked_select(lucid.tensor(MASK)), lambda x: x[MASK], [A]),
    "tril": (lucid.tril, np.tril, [C]),
    "triu": (lambda x: x.triu(1), lambda x: np.triu(x, 1), [C]),
    "cumsum": (lambda x: x.cumsum(1), lambda x: x.cumsum(1), [C]),
    "norm": (lucid.norm, lambda x: np.sqrt((x * x).sum()), [C]),
    "norm, 3": (lambda x: x.norm(3, 1), lambda x: (np.abs(x) ** 3).sum(1) ** (1 / 3), [C]),
    "norm, 1": (lambda x: x.norm(1, (0, 2)), lambda x: np.abs(x).sum((0, 2)), [C]),
    "norm, inf": (
        lambda x: x.norm(math.inf, -1, True), lambda x: np.abs(x).max(-1, keepdims=True), [C]
    ),
    "norm, -inf": (lambda x: x.norm(-math.inf), lambda x: np.abs(x).min(), [C]),
    "logsumexp": (lambda x: x.logsumexp(1), lambda x: np.log(np.exp(x).sum(1)), [C]),
    "logsumexp, dims": (
        lambda x: x.logsumexp((0, 2), True),
        lambda x: np.log(np.exp(x).sum((0, 2), keepdims=True)),
        [C],
    ),
    "sort": (lambda x: x.sort().values, lambda x: np.sort(x), [C]),
    "sort, descending": (lambda x: x.sort(1, True).values, lambda x: -np.sort(-x, 1), [C]),
    "topk": (lambda x: x.topk(2, 1).values, lambda x: -np.sort(-x, 1)[:, :2], [C]),
    "topk, smallest": (
        lambda x: x.topk(1, 0, largest=False).values, lambda x: x.min(0, keepdims=True), [C]
    ),
    "unflatten": (lambda x: x.unflatten(-1, (2, -1)), lambda x: x.reshape(2, 3, 2, 2), [C]),
    "movedim": (lambda x: x.movedim(0, -1), lambda x: np.moveaxis(x, 0, -1), [C]),
    "movedim, two": (
        lambda x: x.movedim((2, 0), (0, 1)), lambda x: np.moveaxis(x, (2, 0), (0, 1)), [C]
    ),
    "index_select": (lambda x: x.index_select(1, PLACES), lambda x: x[:, [2, 0, 2]], [C]),
    "narrow": (lambda x: x.narrow(-1, -3, 2), lambda x: x[..., 1:3], [C]),
    "select": (lambda x: x.select(1, -1), lambda x: x[:, -1], [C]),
    "chunk": (lambda x: x.chunk(3, -1)[1], lambda x: x[..., 2:], [C]),
    "unbind": (lambda x: x.unbind(1)[2], lambda x: x[:, 2], [C]),
    "repeat": (lambda x: x.repeat(2, 1, 3), lambda x: np.tile(x, (2, 1, 3)), [A]),
    "tile": (lambda x: x.tile(2), lambda x: np.tile(x, 2), [A]),
    "repeat_interleave": (lambda x: x.repeat_interleave(2), lambda x: x.repeat(2), [A]),
    "repeat_interleave, dim": (
        lambda x: x.repeat_interleave(3, 1), lambda x: x.repeat(3, 1), [C]
    ),
    "repeat_interleave, tensor": (
        lambda x: x.repeat_interleave(PLACES, 1), lambda x: x.repeat([2, 0, 2], 1), [C]
    ),
    "roll": (lambda x: x.roll(2), lambda x: np.roll(x, 2), [C]),
    "roll, dims": (lambda x: x.roll((1, -2), (0, 2)), lambda x: np.roll(x, (1, -2), (0, 2)), [C]),
    "unfold": (lambda x: x.unfold(-1, 3, 1), lambda x: windows(x, 3, 1), [C]),
    "unfold, apart": (lambda x: x.unfold(-1, 2, 3), lambda x: windows(x, 2, 3), [array(2, 9)]),
    "unfold, dim": (
        lambda x: x.unfold(0, 2, 1), lambda x: np.moveaxis(windows(x.T, 2, 1), 1, 0), [array(4, 3)]
    ),
    "var": (lambda x: x.var(1, False), lambda x: x.var(1), [A]),
    "std": (lambda x: x.std(False), lambda x: x.std(), [A]),
    "squeeze": (lambda x: x.squeeze((0, 2)), lambda x: x[0, :, 0], [array(1, 3, 1, 1)[:, :, :, 0]]),
}  # fmt: skip
NO_GRADIENT = {
    "allclose", "argsort", "ceil", "equal", "floor", "floor_divide", "isclose", "isinf", "round",
    "trunc",
}  # fmt: skip
TESTED = {name.partition(",")[0] for name in CASES} | NO_GRADIENT


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    op, expected, arrays = CASES[name]
    out = op(*[lucid.tensor(a) for a in arrays])
    np.testing.assert_allclose(out.numpy(), expected(*arrays), 1e-12, 1e-12)
    check_gradients(op, *[lucid.tensor(a) for a in arrays])
    small = op(*[lucid.tensor(a.astype(np.float32)) for a in arrays])
    assert small.dtype is lucid.float32
    np.testing.assert_allclose(small.numpy(), expected(*arrays), 1e-4, 1e-4)


def test_rounding():
    x = lucid.tensor([-1.5, -0.5, 0.5, 1.5, 2.25])
    assert x.floor().tolist() == [-2, -1, 0, 1, 2]
    assert x.ceil().tolist() == [-1, 0, 1, 2, 3]
    assert x.trunc().tolist() == [-1, 0, 0, 1, 2]
    assert x.round().tolist() == [-2, 0, 0, 2, 2]
    assert x.round(decimals=1).tolist()[-1] == pytest.approx(2.2)
    assert (x // 1).tolist() == x.floor().tolist()
    assert (7 // lucid.tensor([2, -2])).tolist() == [3, -4]
    for whole in (x.floor(), lucid.arange(3).floor(), lucid.arange(3).round()):
        assert (whole % 1 == 0).all()


def test_comparisons_of_whole_tensors():
    x = lucid.tensor([1.0, math.nan, math.inf])
    assert x.isinf().tolist() == [False, False, True]
    assert not lucid.allclose(x, x)
    assert lucid.allclose(x, x, equal_nan=True)
    assert lucid.isclose(x, x + 1e-6).tolist() == [True, False, True]
    assert lucid.equal(x[::2], x[::2])
    assert not lucid.equal(x, x)
    assert not lucid.equal(lucid.ones(2), lucid.ones(1, 2))


@pytest.mark.parametrize("descending", [False, True])
def test_sorting_keeps_the_order_of_equal_numbers(descending):
    x = lucid.tensor([1.0, math.nan, 0.0, 1.0, -math.inf, 0.0])
    order = [1, 0, 3, 2, 5, 4] if descending else [4, 2, 5, 0, 3, 1]
    values, indices = x.sort(descending=descending)
    assert indices.tolist() == x.argsort(descending=descending).tolist() == order
    np.testing.assert_array_equal(values.numpy(), x.numpy()[order])
    assert lucid.tensor([3, 1, 2]).sort(descending=descending).values.tolist()[1] == 2


def test_a_row_of_zeros_has_a_norm_without_slope():
    x = lucid.zeros(3, requires_grad=True)
    for p in (1, 2, 3, math.inf):
        x.grad = None
        x.norm(p).backward()
        assert x.grad.tolist() == [0, 0, 0]
    assert lucid.tensor([0.0, 2.0, -1.0]).norm(0).item() == 2
    assert math.isnan(lucid.tensor([1.0, math.nan]).norm().item())


def test_logsumexp_of_extreme_numbers():
    x = lucid.tensor([[1e4, 1e4], [-math.inf, -math.inf], [math.inf, 0], [-1e4, -math.inf]])
    expected = [1e4 + math.log(2), -math.inf, math.inf, -1e4]
    np.testing.assert_allclose(x.logsumexp(1).numpy(), expected, 1e-6)


def test_windows_share_memory_and_add_up_where_they_overlap():
    x = lucid.arange(8.0).requires_grad_()
    y = x.unfold(0, 4, 2)
    assert np.shares_memory(y.detach().numpy(), x.detach().numpy())
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 2, 2, 2, 2, 1, 1]


def test_pieces_put_together_again():
    x = lucid.tensor(C)
    assert lucid.equal(lucid.cat(x.chunk(3, 2), 2), x)
    assert lucid.equal(lucid.stack(x.unbind(1), 1), x)
    assert lucid.equal(x.roll(5, 1).roll(-5, 1), x)
    assert lucid.equal(x.tril() + x.triu(1), x)
    assert lucid.equal(x.movedim(0, 2).movedim(2, 0), x)
    assert [len(part) for part in lucid.arange(7).chunk(5)] == [2, 2, 2, 1]
    assert [len(part) for part in lucid.arange(0).chunk(2)] == [0, 0]
    assert x.expand_as(lucid.zeros(5, 2, 3, 4)).shape == (5, 2, 3, 4)
    assert lucid.equal(x[0].t(), x[0].T)
    assert x.view_as(lucid.zeros(6, 4)).shape == (6, 4)


def test_nothing_is_read_from_places_that_nobody_names():
    x = lucid.tensor(C).requires_grad_()
    empty = lucid.zeros(0).long()
    outs = [x.index_select(1, empty), x.repeat_interleave(0, 1), x.topk(0, 1)[0], x.narrow(1, 3, 0)]
    for y in outs:
        assert y.shape == (2, 0, 4)
        x.grad = None
        y.sum().backward()
        assert not x.grad.any()
    many = lucid.zeros(50).long()
    for axis in range(3):
        x.grad = None
        x.index_select(axis, many).sum().backward()
        named = np.zeros(C.shape)
        np.moveaxis(named, axis, 0)[0] = 50
        assert x.grad.tolist() == named.tolist()
    assert lucid.zeros(0, 3, 4).gather(2, lucid.zeros(0, 3, 2).long()).shape == (0, 3, 2)
    assert lucid.zeros(2, 0).gather(1, lucid.zeros(2, 0).long()).shape == (2, 0)


def test_the_largest_are_those_of_a_sorted_row():
    x = lucid.from_numpy(np.random.default_rng(0).permutation(600).reshape(20, 30) * 1.0)
    x[3, 5] = math.nan
    for largest in (True, False):
        values, indices = x.sort(1, largest)
        for k in (1, 7, 29, 30):
            top = x.topk(k, 1, largest)
            assert top.indices.tolist() == indices[:, :k].tolist()
            np.testing.assert_array_equal(top.values.numpy(), values[:, :k].numpy())
    assert x.T.topk(3, 0).indices.tolist() == x.topk(3, 1).indices.T.tolist()


def test_whole_numbers_and_bools():
    x = lucid.tensor([[1, 2], [3, 4]])
    assert lucid.einsum("ij,jk", x, x).tolist() == [[7, 10], [15, 22]]
    assert lucid.tensor([True, True]).cumsum(0).tolist() == [1, 2]
    assert x.cumsum(0, dtype=lucid.float32).dtype is lucid.float32
    assert (x % 2 == 1).tolist() == [[True, False], [True, False]]
    assert x.tril().tolist() == [[1, 0], [3, 4]]
    assert (x == 2).triu().tolist() == [[False, True], [False, False]]


X = lucid.zeros(2, 3)
ERRORS = [
    (lambda: lucid.einsum("ij,jk", X, X), lucid.ShapeError, "'j' of 'ij,jk' has 3 and 2"),
    (lambda: lucid.einsum("ij", X, X), ValueError, "has 1 terms for 2 operands"),
    (lambda: lucid.einsum("ijk", X), lucid.ShapeError, "'ijk' of 'ijk' has a tensor of 2 axes"),
    (lambda: lucid.einsum("i", X), lucid.ShapeError, "has a tensor of 2 axes"),
    (lambda: lucid.einsum("ij->k", X), ValueError, "must name axes of the operands"),
    (lambda: lucid.einsum("ij->ii", X), ValueError, "each of them once"),
    (lambda: lucid.einsum("i1", X), ValueError, "cannot read the equation 'i1'"),
    (lambda: lucid.einsum("ij,ij", X, X.double()), TypeError, "tensors of one dtype"),
    (lambda: lucid.bmm(X, X), lucid.ShapeError, r"got \(2, 3\) and \(2, 3\)"),
    (lambda: lucid.mm(X, X[None]), lucid.ShapeError, "multiplies two matrices"),
    (lambda: X.topk(4), lucid.ShapeError, "k must be from 0 to 3, the size of axis -1; got 4"),
    (lambda: X.narrow(1, 2, 2), IndexError, "has the size 3: got start 2 and length 2"),
    (lambda: X.select(1, 3), IndexError, "index 3 is out of bounds"),
    (lambda: X.index_select(1, lucid.tensor([3])), IndexError, "looks up 0 to 2 along axis 1"),
    (lambda: X.index_select(1, X.long()), lucid.ShapeError, "an index of one axis"),
    (lambda: X.unflatten(1, (2, 2)), lucid.ShapeError, r"product is 3.*got \(2, 2\)"),
    (lambda: X.unflatten(1, (2, -1)), lucid.ShapeError, r"product is 3.*got \(2, -1\)"),
    (lambda: X.movedim((0, 1), 1), ValueError, "as many destinations as sources"),
    (lambda: X.movedim((0, 0), (0, 1)), ValueError, "all different"),
    (lambda: X.repeat(2), lucid.ShapeError, r"each of the 2 axes, got \(2,\)"),
    (lambda: X.repeat_interleave(lucid.tensor([1, 2]), 1), lucid.ShapeError, "the 3 places"),
    (lambda: X.roll(1, (0, 1)), ValueError, "a shift for each axis"),
    (lambda: X.roll((1, 2)), ValueError, "without dims there is one shift"),
    (lambda: X.unfold(1, 4, 1), lucid.ShapeError, "size 4 does not fit into axis 1"),
    (lambda: X.unfold(1, 2, 0), ValueError, "step must be at least 1, got 0"),
    (lambda: X[0].tril(), lucid.ShapeError, "at least two axes"),
    (lambda: X.long().norm(), TypeError, "floating dtype, got int64"),
    (lambda: X.norm("nuc"), ValueError, "a number or 'fro', got 'nuc'"),
    (lambda: X.long() % 0, ZeroDivisionError, "cannot be divided by 0"),
    (lambda: 1 // X.long(), ZeroDivisionError, r"try: x.float\(\) // y"),
    (lambda: X.chunk(0), ValueError, "chunks must be at least 1"),
    (lambda: X[None].t(), ValueError, "at most 2 axes"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
