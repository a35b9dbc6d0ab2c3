"""Dropout of channels, embedding, unflatten, identity."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

from gradients import check_gradients

# --------------------------------------------------------------------------------------- dropout


@pytest.mark.parametrize("shape", [(40, 50, 7), (2000, 7)])
def test_dropout1d_drops_whole_channels(shape):
    lucid.manual_seed(0)
    p = 0.3
    y = nn.Dropout1d(p)(lucid.full(shape, 2.0)).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(2) * np.float32(1 / 0.7)}
    assert (y == y[..., :1]).all()
    assert abs((y[..., 0] == 0).mean() - p) < 0.05


def test_dropout1d_in_use():
    x = lucid.randn(4, 3, 5, requires_grad=True)
    assert nn.Dropout1d().eval()(x) is x
    assert nn.Dropout1d(0.0)(x) is x
    assert not nn.Dropout1d(1.0)(x).detach().numpy().any()
    y = F.dropout1d(x, 0.5)
    y.sum().backward()
    np.testing.assert_allclose((x.grad * x).detach().numpy(), y.detach().numpy(), 1e-6)
    assert F.dropout1d(lucid.zeros(0, 3, 5)).shape == (0, 3, 5)
    assert repr(nn.Dropout1d(0.2)) == "Dropout1d(p=0.2)"
    with pytest.raises(lucid.ShapeError, match=r"\(N, C, L\) or \(C, L\), got \(5,\)"):
        F.dropout1d(lucid.ones(5))
    with pytest.raises(ValueError, match="from 0 to 1; got 2"):
        nn.Dropout1d(2)


def test_alpha_dropout():
    lucid.manual_seed(0)
    x = lucid.randn(200, 1000, dtype="float64")
    for p in (0.1, 0.5):
        y = nn.AlphaDropout(p)(x)
        assert abs(y.mean().item()) < 0.01
        assert abs(y.std().item() - 1) < 0.01
        values, counts = np.unique(y.numpy(), return_counts=True)
        assert abs(counts.max() / y.numel() - p) < 0.01  # all dropped ones are one number
        # which is the least value of selu, scaled and shifted as all others
        kept = y.numpy() != values[counts.argmax()]
        scale, shift = np.polyfit(x.numpy()[kept], y.numpy()[kept], 1)
        expected = scale * F.selu(lucid.tensor(-1e3)).item() + shift
        assert values[counts.argmax()] == pytest.approx(expected)
    assert nn.AlphaDropout(0.5).eval()(x) is x
    assert F.alpha_dropout(x, 0.5) is x
    assert not nn.AlphaDropout(1.0)(x).numpy().any()
    torch = pytest.importorskip("torch")
    zeros = lucid.zeros(1000, dtype="float64")
    theirs = torch.nn.AlphaDropout(0.3)(torch.zeros(1000, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(
        np.unique(nn.AlphaDropout(0.3)(zeros).numpy()), np.unique(theirs), 1e-12
    )


@pytest.mark.parametrize("function", [F.dropout, F.dropout1d, F.alpha_dropout])
def test_the_seed_decides(function):
    x = lucid.ones(20, 20)
    lucid.manual_seed(3)
    first, second = function(x, 0.5, training=True), function(x, 0.5, training=True)
    lucid.manual_seed(3)
    assert function(x, 0.5, training=True).tolist() == first.tolist() != second.tolist()
    with pytest.raises(TypeError, match="needs a float32 or float64 input, got int64"):
        function(x.long(), 0.5)


# ------------------------------------------------------------------------------------- embedding


@pytest.mark.parametrize("shape", [(7,), (2, 5), (2, 3, 2), (0, 4), ()])
@pytest.mark.parametrize("dtype", ["int64", "int32"])
@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_embedding(shape, dtype, padding_idx):
    w = lucid.randn(4, 3, dtype="float64", requires_grad=True)
    x = lucid.randint(0, 4, shape, dtype=dtype)
    y = F.embedding(x, w, padding_idx)
    g = lucid.randn(*shape, 3, dtype="float64")
    y.backward(g)
    expected = np.zeros((4, 3))
    for place in np.ndindex(shape):
        row = int(x.numpy()[place])
        assert y.detach().numpy()[place].tolist() == w[row].tolist()
        if padding_idx is None or row != padding_idx % 4:
            expected[row] += g.numpy()[place]
    np.testing.assert_allclose(w.grad.numpy(), expected, 1e-12, 1e-15)


@pytest.mark.parametrize("padding_idx", [None, 1])
def test_embedding_derivatives(padding_idx):
    x = lucid.tensor([[1, 0, 3], [3, 3, 0]])
    w = lucid.randn(4, 2, dtype="float64")
    if padding_idx is None:
        check_gradients(lambda w: F.embedding(x, w), w)
        check_gradients(lambda w: F.embedding(x, w) ** 3, w)
        return
    # with padding the derivative of that row is 0 by decree: the others are right, to any order
    w.requires_grad_()
    (first,) = lucid.autograd.grad((F.embedding(x, w, 1) ** 3).sum(), w, create_graph=True)
    assert first[1].tolist() == [0, 0]
    np.testing.assert_allclose(first[3].detach().numpy(), 3 * 3 * w[3].detach().numpy() ** 2)
    (second,) = lucid.autograd.grad(first.sum(), w)
    counts = np.array([[2.0], [0], [0], [3]])
    np.testing.assert_allclose(second.numpy(), 6 * counts * w.detach().numpy())


def test_embedding_is_a_product_with_ones_and_zeros():
    w = lucid.randn(5, 3)
    x = lucid.randint(0, 5, (20,))
    assert F.embedding(x, w).tolist() == (lucid.eye(5)[x] @ w).tolist()


def test_embedding_does_not_see_later_changes_of_its_input():
    w, x = lucid.ones(3, 1, requires_grad=True), lucid.tensor([0, 0])
    y = F.embedding(x, w)
    x[0] = 2
    y.sum().backward()
    assert w.grad.tolist() == [[2], [0], [0]]


def test_embedding_layer():
    lucid.manual_seed(0)
    layer = nn.Embedding(1000, 20, padding_idx=-1)
    assert layer.padding_idx == 999
    assert layer.weight[999].tolist() == [0] * 20
    assert abs(layer.weight.mean().item()) < 0.05
    assert abs(layer.weight.std().item() - 1) < 0.05
    assert repr(layer) == "Embedding(num_embeddings=1000, embedding_dim=20, padding_idx=999)"
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    lucid.manual_seed(0)
    assert nn.Embedding(1000, 20).weight[:999].tolist() == layer.weight[:999].tolist()
    assert copy.deepcopy(layer).weight.tolist() == layer.weight.tolist()
    assert nn.Embedding(3, 2, dtype="float64")(lucid.tensor([1])).dtype is lucid.float64


def test_embedding_takes_one_seed():
    lucid.manual_seed(0)
    nn.Embedding(3, 2)
    after = nn.Linear(2, 2).weight.tolist()
    lucid.manual_seed(0)
    nn.Linear(5, 5)
    assert nn.Linear(2, 2).weight.tolist() == after
    lucid.manual_seed(0)
    with pytest.raises(ValueError, match="must be at least 1"):
        nn.Embedding(0, 2)
    nn.Embedding(3, 2)
    assert nn.Linear(2, 2).weight.tolist() == after  # the failed one has taken none


def test_from_pretrained():
    rows = lucid.randn(4, 3, dtype="float64")
    layer = nn.Embedding.from_pretrained(rows, padding_idx=0)
    assert layer.weight.tolist() == rows.tolist()
    assert (layer.weight.requires_grad, layer.weight.dtype) == (False, lucid.float64)
    assert layer(lucid.tensor([2])).tolist() == rows[2:3].tolist()
    assert nn.Embedding.from_pretrained(rows, freeze=False).weight.requires_grad
    with pytest.raises(lucid.ShapeError, match=r"num_embeddings, embedding_dim\), got \(4,\)"):
        nn.Embedding.from_pretrained(rows[:, 0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Embedding(3, 0), ValueError, "embedding_dim must be at least 1, got 0"),
        (lambda: nn.Embedding(3.5, 1), TypeError, "num_embeddings must be an int, got 3.5"),
        (lambda: nn.Embedding(3, 2, 3), ValueError, "one of 3 rows, from -3 to 2; got 3"),
        (lambda: nn.Embedding(3, 2, 1.0), TypeError, "padding_idx must be an int, got 1.0"),
        (lambda: nn.Embedding(3, 2)(lucid.tensor([0, 3])), IndexError, "rows 0 to 2, .* 0 to 3"),
        (lambda: nn.Embedding(3, 2)(lucid.tensor([-1])), IndexError, "rows 0 to 2, .* -1 to -1"),
        (lambda: nn.Embedding(3, 2)(lucid.ones(2)), TypeError, r"got float32\n  try: x.long\(\)"),
        (lambda: nn.Embedding(3, 2)([1]), TypeError, "Embedding needs a tensor for input, got"),
        (lambda: F.embedding(lucid.tensor([0]), lucid.ones(3)), lucid.ShapeError, r"got \(3,\)"),
    ],
)
def test_embedding_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("padding_idx", [None, 0, -2])
def test_embedding_is_the_same_as_in_torch(padding_idx):
    torch = pytest.importorskip("torch")
    ours, theirs = nn.Embedding(6, 4, padding_idx), torch.nn.Embedding(6, 4, padding_idx)
    ours.load_state_dict(theirs.state_dict())
    x = lucid.randint(0, 6, (5, 8))
    y, u = ours(x), theirs(torch.tensor(x.numpy()))
    assert y.tolist() == u.tolist()
    (y * y).sum().backward()
    (u * u).sum().backward()
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), 1e-5, 1e-6)


# ------------------------------------------------------------------------------------ the shapes


@pytest.mark.parametrize(
    ("dim", "sizes", "shape"),
    [
        (1, (3, 4), (2, 3, 4, 5)),
        (1, [-1, 6], (2, 2, 6, 5)),
        (-2, (2, 2, -1), (2, 2, 2, 3, 5)),
        (2, (5,), (2, 12, 5)),
        (0, (1, 2), (1, 2, 12, 5)),
    ],
)
def test_unflatten(dim, sizes, shape):
    x = lucid.randn(2, 12, 5)
    y = nn.Unflatten(dim, sizes)(x)
    np.testing.assert_array_equal(y.numpy(), x.numpy().reshape(shape))
    assert x.unflatten(dim, sizes).shape == lucid.unflatten(x, dim, sizes).shape == shape
    axis = dim % 3
    assert nn.Flatten(axis, axis + len(sizes) - 1)(y).tolist() == x.tolist()
    torch = pytest.importorskip("torch")
    assert torch.nn.Unflatten(dim, sizes)(torch.tensor(x.numpy())).shape == shape
    assert repr(nn.Unflatten(dim, (2, 3))) == repr(torch.nn.Unflatten(dim, (2, 3)))


def test_unflatten_of_nothing():
    assert lucid.zeros(0, 6).unflatten(1, (2, -1)).shape == (0, 2, 3)
    assert lucid.zeros(3, 0).unflatten(1, (2, -1)).shape == (3, 2, 0)
    check_gradients(nn.Unflatten(1, (2, -1)), lucid.randn(2, 6, dtype="float64"))


@pytest.mark.parametrize("sizes", [(5, 2), (5, -1), (-1, -1), (0, -1), ()])
def test_unflatten_sizes_that_do_not_fit(sizes):
    with pytest.raises(lucid.ShapeError, match=r"product is 12, the size of axis 1 of \(2, 12\)"):
        lucid.zeros(2, 12).unflatten(1, sizes)


def test_unflatten_errors():
    with pytest.raises(TypeError, match=r"must be a tuple of ints, got 3\n  try: nn.Unflatten\(1,"):
        nn.Unflatten(1, 3)
    with pytest.raises(TypeError, match="dim must be an int, got 'C'"):
        nn.Unflatten("C", (2, 3))
    with pytest.raises(IndexError, match="axis 2 does not exist"):
        nn.Unflatten(2, (2, 3))(lucid.zeros(2, 6))


def test_identity():
    x = lucid.ones(2)
    layer = nn.Identity(54, unused=True)
    assert layer(x) is x
    assert repr(layer) == "Identity()"
    assert not list(layer.parameters())
