"""RNN, LSTM and GRU, their lazy forms, and sequences of different lengths."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
import lucid.nn as nn
from lucid import _ext
from lucid._ext import numpy_twins
from lucid.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)
from lucid.ops import recurrent
from lucid.ops.recurrent import GRU, LSTM, RELU, TANH, Recurrence, TakeRows

from gradients import check_gradients
from lazy_layers import assert_same, seeded

KERNELS = [numpy_twins, _ext.kernels] if _ext.COMPILED else [numpy_twins]
everywhere = pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])
PARTS = {LSTM: 4, GRU: 3, TANH: 1, RELU: 1}
kinds = pytest.mark.parametrize("kind", PARTS, ids=["LSTM", "GRU", "TANH", "RELU"])
LAYERS = {
    "RNN": (nn.RNN, nn.LazyRNN),
    "LSTM": (nn.LSTM, nn.LazyLSTM),
    "GRU": (nn.GRU, nn.LazyGRU),
}
names = pytest.mark.parametrize("name", LAYERS)


def randoms(*shapes, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def inputs(kind, sizes, I, H, dtype=np.float64):
    """x, h, for an LSTM c, w_ih, w_hh, b_ih, b_hh"""
    N, G = sizes[0], PARTS[kind] * H
    states = [(N, H)] * (2 if kind == LSTM else 1)
    return randoms((sum(sizes), I), *states, (G, I), (G, H), (G,), (G,), dtype=dtype)


# ------------------------------------------------------------------------ one layer, one direction


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def one_sequence(kind, xs, h, c, w_ih, w_hh, b_ih, b_hh):
    """The definition: one sequence, one step after the other, one number after the other."""
    H, ys = len(h), []
    for x in xs:
        v = [b_ih[k] + sum(w_ih[k, i] * x[i] for i in range(len(x))) for k in range(len(w_ih))]
        u = [b_hh[k] + sum(w_hh[k, i] * h[i] for i in range(H)) for k in range(len(w_hh))]
        new, cells = [], []
        for j in range(H):
            p = [v[k * H + j] for k in range(PARTS[kind])]
            q = [u[k * H + j] for k in range(PARTS[kind])]
            if kind == LSTM:
                i, f, o = (sigmoid(p[k] + q[k]) for k in (0, 1, 3))
                cells.append(f * c[j] + i * np.tanh(p[2] + q[2]))
                new.append(o * np.tanh(cells[j]))
            elif kind == GRU:
                r, z = sigmoid(p[0] + q[0]), sigmoid(p[1] + q[1])
                new.append((1 - z) * np.tanh(p[2] + r * q[2]) + z * h[j])
            else:
                new.append(np.tanh(p[0] + q[0]) if kind == TANH else max(p[0] + q[0], 0.0))
        h, c = new, cells
        ys.append(h)
    return ys, h, c


def by_definition(kind, sizes, reverse, x, h, *rest):
    """What ``Recurrence`` returns, sequence by sequence."""
    c, weights = (rest[0], rest[1:]) if kind == LSTM else (h, rest)
    starts = np.cumsum(sizes) - sizes
    y, h_n, c_n = np.zeros((len(x), h.shape[1])), [], []
    for n in range(sizes[0]):
        rows = [start + n for start, size in zip(starts, sizes, strict=True) if n < size]
        rows = rows[::-1] if reverse else rows
        ys, last, cells = one_sequence(kind, x[rows], h[n], c[n], *weights)
        y[rows] = ys
        h_n.append(last)
        c_n.append(cells)
    return np.concatenate([y, h_n, *([c_n] if kind == LSTM else [])])


@everywhere
@kinds
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=5).map(lambda s: sorted(s)[::-1]),
    I=st.integers(1, 5),
    H=st.integers(1, 19),
    reverse=st.booleans(),
)
def test_recurrence_against_the_definition(kernels, kind, dtype, tolerance, sizes, I, H, reverse):
    args = inputs(kind, sizes, I, H, dtype)
    exact = by_definition(kind, sizes, reverse, *[a.astype(np.float64) for a in args])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurrent, "kernels", kernels)
        found = Recurrence(kind, np.array(sizes), reverse)(*map(lucid.from_numpy, args)).numpy()
    assert found.dtype == dtype
    assert np.abs(found - exact).max() <= tolerance * max(1, np.abs(exact).max())


@everywhere
@kinds
@pytest.mark.parametrize("reverse", [False, True])
def test_derivatives(monkeypatch, kernels, kind, reverse):
    monkeypatch.setattr(recurrent, "kernels", kernels)
    sizes = np.array([3, 3, 2, 1])
    args = [lucid.from_numpy(a) for a in inputs(kind, sizes, 2, 3)]
    check_gradients(lambda *xs: Recurrence(kind, sizes, reverse)(*xs), *args)


@everywhere
@kinds
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("reverse", [False, True])
def test_kernel_and_formula_are_equal(monkeypatch, kernels, kind, dtype, tolerance, reverse):
    # long enough, and wide enough, for more than one block of a sum
    monkeypatch.setattr(recurrent, "kernels", kernels)
    sizes = np.array([5] * 9 + [4, 1])
    args = inputs(kind, sizes, 300, 70, dtype)
    args = [a * 0.1 for a in args]
    found = []
    for create_graph in (False, True):
        xs = [lucid.tensor(a, requires_grad=True) for a in args]
        out = Recurrence(kind, sizes, reverse)(*xs)
        assert out.dtype is xs[0].dtype
        weights = lucid.tensor(randoms(out.shape, dtype=dtype)[0])
        grads = lucid.autograd.grad((out * weights).sum(), xs, create_graph=create_graph)
        formula = Recurrence(kind, sizes, reverse).formula(*xs)
        found.append([g.detach().numpy() for g in (out, *grads)])
        np.testing.assert_allclose(found[-1][0], formula.detach().numpy(), tolerance, tolerance)
    for fast, slow in zip(*found, strict=True):
        assert np.abs(fast - slow).max() <= tolerance * np.abs(slow).max()


@kinds
def test_threads_never_change_a_result(kind):
    # contract 78
    before, results = lucid.get_num_threads(), []
    try:
        for threads in (1, 2, 4):
            lucid.set_num_threads(threads)
            sizes = np.full(40, 13)
            args = [lucid.tensor(a, requires_grad=True) for a in inputs(kind, sizes, 20, 48)]
            out = Recurrence(kind, sizes)(*args)
            (out * out).sum().backward()
            results.append([out.detach().numpy(), *[a.grad.numpy() for a in args]])
    finally:
        lucid.set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@everywhere
@pytest.mark.parametrize("rows", [0, 1, 255, 256, 257, 512, 1000])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_products_of_rows(kernels, rows, dtype, tolerance):
    a, b = randoms((rows, 13), (rows, 7), dtype=dtype)
    out, sums = np.zeros((13, 7), dtype), np.zeros(7)
    kernels.rows_products(a, b, out, sums)
    a, b = a.astype(np.float64), b.astype(np.float64)
    np.testing.assert_allclose(out, a.T @ b, tolerance, 30 * tolerance)
    np.testing.assert_allclose(sums, b.sum(0), 1e-12, 1e-12)
    kernels.rows_products(b, b, np.zeros((7, 7)), None)


@everywhere
def test_sigmoid_and_tanh_far_out_and_of_no_number(kernels):
    x = np.array([0, 1e-30, -1e-6, 88, -88, 800, -800, np.inf, -np.inf, np.nan])
    for dtype, tolerance in ((np.float32, 2e-7), (np.float64, 1e-15)):
        v = x.astype(dtype)[:, None]
        for kind, columns in ((TANH, 1), (LSTM, 4)):
            zeros = np.zeros((len(x), 1), dtype)
            w_ih = np.zeros((columns, 1), dtype)
            w_ih[0] = 1  # an LSTM's input gate
            args = [v, zeros, *([zeros] if kind == LSTM else []), w_ih, w_ih * 0]
            b = np.zeros(columns, dtype)
            args += [b, b + 1] if kind == LSTM else [b, b]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(recurrent, "kernels", kernels)
                op = Recurrence(kind, np.array([len(x)]))
                op(*map(lucid.from_numpy, args))
            with np.errstate(all="ignore"):
                exact = np.tanh(x) if kind == TANH else sigmoid(x + 1)
            np.testing.assert_allclose(op.kept[0][:, 0], exact, tolerance, 0 if kind else 1e-37)


def test_what_backward_needs_must_not_change():
    layer = nn.LSTM(2, 3)
    out, _ = layer(lucid.randn(4, 1, 2))
    with lucid.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="changed in place"):
        out.sum().backward()


def test_one_input_may_be_computed_from_another():
    h = lucid.randn(2, 3, dtype=lucid.float64)
    args = [lucid.from_numpy(a) for a in inputs(TANH, [2, 2], 3, 3)]

    def tied(w):
        x = lucid.cat([w[:2], w[1:]])
        return Recurrence(TANH, np.array([2, 2]))(x, h, w, w, *args[4:])

    check_gradients(tied, args[2])


# ---------------------------------------------------------------------------------------- layers


@names
def test_parameters_are_the_references(name):
    layer = LAYERS[name][0](5, 3, num_layers=2, bidirectional=True)
    G = 3 * {"RNN": 1, "LSTM": 4, "GRU": 3}[name]
    assert [(n, p.shape) for n, p in layer.named_parameters()] == [
        (f"{kind}_l{k}{end}", shape)
        for k in (0, 1)
        for end in ("", "_reverse")
        for kind, shape in (
            ("weight_ih", (G, 5 if k == 0 else 6)),
            ("weight_hh", (G, 3)),
            ("bias_ih", (G,)),
            ("bias_hh", (G,)),
        )
    ]
    numbers = np.concatenate([p.detach().numpy().ravel() for p in layer.parameters()])
    bound = 1 / np.sqrt(3)
    assert np.abs(numbers).max() <= bound
    assert np.abs(numbers).max() > 0.9 * bound
    assert len(np.unique(numbers)) > 0.9 * len(numbers)
    assert len(list(LAYERS[name][0](5, 3, bias=False).parameters())) == 2


@names
def test_shapes(name):
    layer = LAYERS[name][0](5, 3, num_layers=2, bidirectional=True)
    first = LAYERS[name][0](5, 3, batch_first=True)
    for module, x, y, h in [
        (layer, (7, 4, 5), (7, 4, 6), (4, 4, 3)),
        (layer, (7, 5), (7, 6), (4, 3)),
        (layer, (7, 0, 5), (7, 0, 6), (4, 0, 3)),
        (first, (4, 7, 5), (4, 7, 3), (1, 4, 3)),
        (first, (7, 5), (7, 3), (1, 3)),
    ]:
        x = lucid.zeros(x, requires_grad=True)
        out, states = module(x)
        assert out.shape == y
        assert all(s.shape == h for s in (states if name == "LSTM" else [states]))
        out.sum().backward()
        assert x.grad.shape == x.shape
        assert all(p.grad is not None for p in module.parameters())


@names
def test_the_second_direction_is_the_first_on_the_reversed_input(name):
    both = LAYERS[name][0](5, 3, bidirectional=True, batch_first=True)
    one = LAYERS[name][0](5, 3, batch_first=True)
    one.load_state_dict({k[:-8]: v for k, v in both.state_dict().items() if k.endswith("_reverse")})
    x = lucid.randn(2, 7, 5)
    assert_same(both(x)[0][:, :, 3:], one(x.flip(1))[0].flip(1))


@names
def test_going_on_from_the_last_state(name):
    layer = LAYERS[name][0](5, 3, num_layers=2)
    x = lucid.randn(9, 2, 5)
    whole, last = layer(x)
    half, states = layer(x[:4])
    rest, end = layer(x[4:], states)
    assert_same(lucid.cat([half, rest]), whole)
    for a, b in zip(end, last, strict=True):
        assert_same(a, b)


@names
def test_dropout_acts_between_layers_in_training_only(name):
    layer = LAYERS[name][0](5, 3, num_layers=2, dropout=1.0)
    x = lucid.randn(4, 2, 5)
    assert not (layer(x)[0] == layer.eval()(x)[0]).all()
    dropped = layer.train()(x)[0]
    assert_same(dropped, layer(lucid.randn(4, 2, 5))[0])  # the second layer sees zeros
    with pytest.warns(UserWarning, match="num_layers=1 has no such place"):
        LAYERS[name][0](5, 3, dropout=0.5)


@names
def test_layouts_of_the_input_do_not_matter(name):
    # contract 75
    layer = LAYERS[name][0](5, 3)
    x = lucid.randn(4, 2, 5)
    array = x.numpy()
    for other in (
        np.asfortranarray(array),
        np.ascontiguousarray(array[::-1])[::-1],
        np.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0),
    ):
        assert_same(layer(lucid.from_numpy(other))[0], layer(x)[0])
    read_only = array.copy()
    read_only.flags.writeable = False
    assert_same(layer(lucid.tensor(read_only))[0], layer(x)[0])


def test_repr():
    assert repr(nn.GRU(5, 3)) == "GRU(input_size=5, hidden_size=3)"
    layer = nn.RNN(5, 3, 2, "relu", bias=False, batch_first=True, dropout=0.5, bidirectional=True)
    assert repr(layer) == (
        "RNN(input_size=5, hidden_size=3, num_layers=2, nonlinearity='relu', bias=False, "
        "batch_first=True, dropout=0.5, bidirectional=True)"
    )
    assert repr(nn.LazyLSTM(3)) == "LazyLSTM(input_size=None, hidden_size=3)"
    nn.LSTM(5, 3).flatten_parameters()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: nn.RNN(0, 3), ValueError, "input_size must be at least 1, got 0"),
        (lambda: nn.RNN(5, 0), ValueError, "hidden_size must be at least 1, got 0"),
        (lambda: nn.RNN(5, 3, 0), ValueError, "num_layers must be at least 1, got 0"),
        (lambda: nn.LSTM(5, 3.0), TypeError, "hidden_size must be an int, got 3.0"),
        (lambda: nn.GRU(5, 3, dropout=1.5), ValueError, "from 0 to 1; got 1.5"),
        (lambda: nn.GRU(5, 3, dropout=True), ValueError, "from 0 to 1; got True"),
        (lambda: nn.RNN(5, 3, nonlinearity="sin"), ValueError, "'tanh' or 'relu', got 'sin'"),
        (lambda: nn.LSTM(5, 3, proj_size=2), ValueError, "nn.Linear(hidden_size, proj_size)"),
        (lambda: nn.LSTM(5, 3, dtype=lucid.int64), TypeError, "float32 or float64"),
    ],
)
def test_arguments_that_are_refused(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("x", "hx", "error", "text"),
    [
        ((4, 2, 6), None, lucid.ShapeError, "expected 5 features in the last axis"),
        ((5,), None, lucid.ShapeError, "(L, features) for one sequence; got (5,)"),
        ((1, 4, 2, 5), None, lucid.ShapeError, "expected an input (L, N, features)"),
        ((0, 2, 5), None, lucid.ShapeError, "at least one step"),
        ((4, 2, 5), ((1, 3, 3), (1, 2, 3)), lucid.ShapeError, "(1, 2, 3); got (1, 3, 3)"),
        ((4, 2, 5), ((1, 2, 3), (2, 3)), lucid.ShapeError, "expected c_0"),
        ((4, 5), ((1, 2, 3), (1, 2, 3)), lucid.ShapeError, "(1, 3); got (1, 2, 3)"),
        ((4, 2, 5), (1, 2, 3), TypeError, "a pair (h_0, c_0)"),
    ],
)  # fmt: skip
def test_inputs_that_are_refused(x, hx, error, text):
    layer = nn.LSTM(5, 3)
    if hx is not None:
        hx = tuple(map(lucid.zeros, hx)) if isinstance(hx[0], tuple) else lucid.zeros(hx)
    with pytest.raises(error) as caught:
        layer(lucid.zeros(x), hx)
    assert text in str(caught.value)


def test_dtypes_that_do_not_fit():
    # contract 60, 77
    layer = nn.GRU(5, 3)
    with pytest.raises(TypeError, match=r"float64 for input and float32 for weight_ih_l0"):
        layer(lucid.zeros(4, 2, 5, dtype=lucid.float64))
    with pytest.raises(TypeError, match="needs a float32 or float64 input, got int64"):
        layer(lucid.zeros(4, 2, 5, dtype=lucid.int64))
    with pytest.raises(TypeError, match="float32 for input and float64 for h_0"):
        layer(lucid.zeros(4, 2, 5), lucid.zeros(1, 2, 3, dtype=lucid.float64))
    with pytest.raises(TypeError, match=r"lucid\.from_numpy"):
        layer(np.zeros((4, 2, 5), np.float32))
    assert layer.double()(lucid.zeros(4, 2, 5, dtype=lucid.float64))[0].dtype is lucid.float64


# ------------------------------------------------------------------------------------------- lazy


@names
def test_lazy_layers_begin_as_their_eager_twins(name):
    # contract 2, 3, 5, 14, 16, 17, 26
    eager, lazy = LAYERS[name]
    a = seeded(lambda: eager(5, 3, num_layers=2, bidirectional=True))
    b = seeded(lambda: lazy(3, num_layers=2, bidirectional=True))
    assert isinstance(b, eager)
    assert b.weight_ih_l0 is None
    assert b.input_size is None
    assert b.state_dict() == {}
    assert len(list(b.parameters())) == len(list(a.parameters()))
    placeholders = list(b.parameters())
    x = lucid.randn(4, 2, 5)
    for _ in range(2):
        assert_same(a(x)[0], b(x)[0])
    assert type(b) is lazy
    assert b.input_size == 5
    assert all(p is q for p, q in zip(placeholders, b.parameters(), strict=True))
    for key, value in a.state_dict().items():
        assert_same(value, b.state_dict()[key])


@names
def test_lazy_layers_take_states_and_packed_sequences(name):
    _, lazy = LAYERS[name]
    packed = pack_sequence([lucid.randn(4, 5), lucid.randn(2, 5)])
    layer = lazy(3)
    assert isinstance(layer(packed)[0], PackedSequence)
    assert layer.input_size == 5
    layer = lazy(3)
    zeros = lucid.zeros(1, 2, 3)
    out, _ = layer(lucid.randn(4, 2, 6), hx=(zeros, zeros) if name == "LSTM" else zeros)
    assert (out.shape, layer.input_size) == ((4, 2, 3), 6)


@names
def test_a_failed_first_forward_leaves_no_trace(name):
    # contract 27, 29
    layer = LAYERS[name][1](3)
    bad = lucid.zeros(1, 9, 3)
    with pytest.raises(lucid.ShapeError, match="h_0"):
        layer(lucid.zeros(4, 2, 5), (bad, bad) if name == "LSTM" else bad)
    with pytest.raises(lucid.ShapeError):
        layer(lucid.zeros(4))
    with pytest.raises(ValueError, match="input_size must be at least 1"):
        layer(lucid.zeros(4, 2, 0))
    assert layer.weight_ih_l0 is None
    assert layer.input_size is None
    assert layer(lucid.zeros(4, 2, 6))[0].shape == (4, 2, 3)
    with pytest.raises(lucid.ShapeError, match="inferred at the first forward"):
        layer(lucid.zeros(4, 2, 5))


@names
def test_lazy_layers_load_copy_and_train(name):
    # contract 35, 37, 44, 46, 48, 55, 57
    eager, lazy = LAYERS[name]
    source, layer = eager(5, 3), lazy(3)
    before = lucid.optim.SGD(layer.parameters(), lr=0.1)
    layer.load_state_dict(lazy(3).state_dict())
    with pytest.raises(ValueError, match="weight_ih_l0"):
        layer.load_state_dict(eager(5, 4).state_dict())
    assert copy.deepcopy(layer).weight_ih_l0 is None
    layer.load_state_dict(source.state_dict())
    x = lucid.randn(4, 2, 5)
    for other in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert_same(other(x)[0], source(x)[0])
    layer(x)[0].sum().backward()
    before.step()
    assert not np.array_equal(
        layer.weight_hh_l0.detach().numpy(), source.weight_hh_l0.detach().numpy()
    )


# ------------------------------------------------------------------------------ different lengths

lengths_of = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(lengths=lengths_of, features=st.sampled_from([(), (2,), (2, 3)]), batch_first=st.booleans())
def test_packing_and_back(lengths, features, batch_first):
    sequences = [lucid.randn(n, *features) for n in lengths]
    padded = pad_sequence(sequences, batch_first, padding_value=9.0)
    for n, (sequence, length) in enumerate(zip(sequences, lengths, strict=True)):
        one = padded[n] if batch_first else padded[:, n]
        assert_same(one[:length], sequence)
        assert bool((one[length:] == 9).all())
    packed = pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=False)
    # position by position, the longest first
    order = sorted(range(len(lengths)), key=lambda n: -lengths[n])
    expected = [sequences[n][t] for t in range(max(lengths)) for n in order if t < lengths[n]]
    assert_same(packed.data, lucid.stack(expected))
    assert packed.batch_sizes.tolist() == [sum(n > t for n in lengths) for t in range(max(lengths))]
    again, found = pad_packed_sequence(packed, batch_first, padding_value=9.0)
    assert_same(again, padded)
    assert found.tolist() == lengths
    for parts in (unpad_sequence(padded, lengths, batch_first), unpack_sequence(packed)):
        for one, sequence in zip(parts, sequences, strict=True):
            assert_same(one, sequence)


@names
@pytest.mark.parametrize("lengths", [[5, 4, 4, 1], [1, 4, 5, 4]])
def test_a_packed_batch_is_its_sequences_one_by_one(name, lengths):
    layer = LAYERS[name][0](3, 4, num_layers=2, bidirectional=True, dtype=lucid.float64)
    xs = [lucid.randn(n, 3, dtype=lucid.float64) for n in lengths]
    states = [lucid.randn(4, len(xs), 4, dtype=lucid.float64) for _ in layer.states]
    packed = pack_sequence(xs, enforce_sorted=lengths[0] == 5)
    out, last = layer(packed, tuple(states) if name == "LSTM" else states[0])
    outs = unpack_sequence(out)
    lasts = last if name == "LSTM" else [last]
    for n, x in enumerate(xs):
        alone = [state[:, n] for state in states]
        y, end = layer(x, tuple(alone) if name == "LSTM" else alone[0])
        np.testing.assert_allclose(outs[n].detach().numpy(), y.detach().numpy(), 0, 1e-13)
        for a, b in zip(lasts, end if name == "LSTM" else [end], strict=True):
            np.testing.assert_allclose(a[:, n].detach().numpy(), b.detach().numpy(), 0, 1e-13)


def test_derivatives_of_packing():
    x = lucid.randn(3, 4, 2, dtype=lucid.float64)
    order = [2, 4, 1]
    check_gradients(
        lambda x: pack_padded_sequence(x, order, batch_first=True, enforce_sorted=False).data, x
    )
    sizes, data = lucid.tensor([3, 2, 1]), lucid.randn(6, 2, dtype=lucid.float64)
    check_gradients(lambda d: pad_packed_sequence(PackedSequence(d, sizes))[0], data)
    check_gradients(lambda a, b: pad_sequence([a, b], padding_side="left"), data, x[0])


def test_take_rows_and_its_gradient_are_adjoint():
    op = TakeRows(np.array([2, -1, 0]), 7.0)
    x = lucid.randn(4, 2, dtype=lucid.float64, requires_grad=True)
    y = op(x)
    assert y.detach().numpy()[1].tolist() == [7, 7]
    y.sum().backward()
    assert x.grad.tolist() == [[1, 1], [0, 0], [1, 1], [0, 0]]


def test_what_is_packed_wrongly():
    x = lucid.zeros(4, 3, 2)
    for lengths, error, text in [
        ([4, 2], lucid.ShapeError, "one length for each of the 3 sequences"),
        ([4, 2, 0], ValueError, "from 1 to 4"),
        ([5, 2, 1], ValueError, "from 1 to 4"),
        ([1, 2, 3], ValueError, "enforce_sorted=False"),
        ([4.0, 2.0, 1.0], TypeError, "whole numbers"),
    ]:
        with pytest.raises(error) as caught:
            pack_padded_sequence(x, lengths)
        assert text in str(caught.value)
    packed = pack_padded_sequence(x, lucid.tensor([4, 2, 1]))
    with pytest.raises(ValueError, match="at least the length of the longest sequence, 4; got 3"):
        pad_packed_sequence(packed, total_length=3)
    with pytest.raises(TypeError, match="takes a PackedSequence, got Tensor"):
        pad_packed_sequence(x)
    with pytest.raises(lucid.ShapeError, match="at least 1"):
        pack_padded_sequence(lucid.zeros(0, 3, 2), [])
    with pytest.raises(ValueError, match="'right' or 'left'"):
        pad_sequence([x], padding_side="middle")
    assert invert_permutation(None) is None


def test_a_packed_sequence_changes_its_dtype_and_pickles():
    packed = pack_sequence([lucid.ones(1), lucid.ones(2)], enforce_sorted=False)
    assert packed.unsorted_indices.tolist() == [1, 0]
    assert packed.to(lucid.float64).data.dtype is lucid.float64
    for other in (copy.deepcopy(packed), pickle.loads(pickle.dumps(packed))):
        assert isinstance(other, PackedSequence)
        assert_same(other.data, packed.data)
    assert PackedSequence(packed.data, packed.batch_sizes).sorted_indices is None
