"""Recurrent layers and packed sequences beside PyTorch's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lucid
import lucid.nn as nn
from lucid.nn.utils import rnn

torch = pytest.importorskip("torch")
theirs_rnn = torch.nn.utils.rnn

KINDS = [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("GRU", {})]
kinds = pytest.mark.parametrize(("name", "own"), KINDS, ids=["tanh", "relu", "LSTM", "GRU"])
DTYPES = {"float32": 1e-5, "float64": 1e-12}


def pair(name, dtype="float64", lazy=False, **options):
    """Our layer and theirs, with equal weights."""
    theirs = getattr(torch.nn, name)(5, 7, dtype=getattr(torch, dtype), **options)
    if lazy:
        ours = getattr(nn, f"Lazy{name}")(7, dtype=dtype, **options)
    else:
        ours = getattr(nn, name)(5, 7, dtype=dtype, **options)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def states_of(out):
    return [out] if isinstance(out, lucid.Tensor | torch.Tensor) else list(out)


def assert_close(ours, theirs, tolerance=1e-12):
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    assert np.abs(a - b).max(initial=0) <= tolerance * np.abs(b).max(initial=1)


def assert_equal_gradients(ours, theirs, tolerance=1e-12):
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert p.shape == tuple(q.shape), name
        assert_close(p.grad, q.grad, tolerance)


@kinds
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("num_layers", "bidirectional", "bias", "batch_first"),
    [
        *itertools.product([1, 3], [False, True], [True], [True]),
        (2, True, False, False),
        (1, False, False, True),
    ],
)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
def test_layers(name, own, dtype, num_layers, bidirectional, bias, batch_first, given):
    options = {"num_layers": num_layers, "bidirectional": bidirectional, "bias": bias}
    options |= {"batch_first": batch_first, **own}
    ours, theirs = pair(name, dtype, lazy=given, **options)
    rng = np.random.default_rng(0)
    for shape, batch in (((4, 6, 5), (4 if batch_first else 6,)), ((6, 5), ())):
        arrays = [rng.standard_normal(shape).astype(dtype)]
        if given:
            state = (num_layers * (1 + bidirectional), *batch, 7)
            arrays += [
                rng.standard_normal(state).astype(dtype) for _ in range(1 + (name == "LSTM"))
            ]
        found = []
        for layer, tensor in ((ours, lucid.tensor), (theirs, torch.tensor)):
            x, *hx = [tensor(a, requires_grad=True) for a in arrays]
            y, last = layer(x, *([tuple(hx) if name == "LSTM" else hx[0]] if given else []))
            last = states_of(last)
            sum((t * t * (i + 1)).sum() for i, t in enumerate([y, *last])).backward()
            found.append([y, *last, x.grad, *[h.grad for h in hx]])
        for a, b in zip(*found, strict=True):
            assert_close(a, b, DTYPES[dtype])
    assert_equal_gradients(ours, theirs, 3 * DTYPES[dtype])


@kinds
@pytest.mark.parametrize("enforce_sorted", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_packed(name, own, enforce_sorted, bidirectional):
    ours, theirs = pair(name, num_layers=2, bidirectional=bidirectional, **own)
    rng = np.random.default_rng(0)
    lengths = [6, 6, 3, 1] if enforce_sorted else [3, 6, 1, 6]
    array = rng.standard_normal((6, 4, 5))
    states = [rng.standard_normal((2 * (1 + bidirectional), 4, 7)) for _ in range(2)]
    found = []
    for layer, module, tensor in ((ours, rnn, lucid.tensor), (theirs, theirs_rnn, torch.tensor)):
        x, h, c = [tensor(a, requires_grad=True) for a in (array, *states)]
        packed = module.pack_padded_sequence(x, tensor(lengths), enforce_sorted=enforce_sorted)
        out, last = layer(packed, (h, c) if name == "LSTM" else h)
        last = states_of(last)
        y, sizes = module.pad_packed_sequence(out, padding_value=0.5, total_length=8)
        sum((t * t * (i + 1)).sum() for i, t in enumerate([y, *last])).backward()
        found.append([packed.data, packed.batch_sizes, sizes, out.data, y, *last, x.grad, h.grad])
        if not enforce_sorted:
            found[-1] += [out.sorted_indices, out.unsorted_indices]
    for a, b in zip(*found, strict=True):
        assert_close(a, b)
    assert_equal_gradients(ours, theirs)


@pytest.mark.parametrize("batch_first", [True, False])
def test_functions_of_sequences(batch_first):
    arrays = [np.arange(6.0).reshape(3, 2), np.ones((5, 2)), np.zeros((1, 2))]
    found = []
    for module, tensor in ((rnn, lucid.tensor), (theirs_rnn, torch.tensor)):
        xs = [tensor(a) for a in arrays]
        padded = module.pad_sequence(xs, batch_first, 7.0)
        left = module.pad_sequence(xs, batch_first, padding_side="left")
        packed = module.pack_sequence(xs, enforce_sorted=False)
        # a clone: PyTorch transposes in place what it is given
        parts = module.unpad_sequence(padded.clone(), tensor([3, 5, 1]), batch_first)
        again = module.unpack_sequence(packed)
        inverse = module.invert_permutation(packed.sorted_indices)
        found.append([padded, left, *packed, *parts, *again, inverse])
    for a, b in zip(*found, strict=True):
        assert_close(a, b)


def test_state_dicts_go_back():
    ours = nn.LSTM(5, 7, num_layers=2, bidirectional=True)
    theirs = torch.nn.LSTM(5, 7, num_layers=2, bidirectional=True)
    theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((6, 3, 5)).astype(np.float32)
    assert_close(ours(lucid.tensor(x))[0], theirs(torch.tensor(x))[0], 1e-6)


@kinds
def test_numbers_that_are_none(name, own):
    # contract 72: they reach the steps after them, in their own sequence
    ours, theirs = pair(name, **own)
    for value in (np.nan, np.inf, -np.inf):
        x = np.random.default_rng(0).standard_normal((6, 3, 5))
        x[2, 1, 0] = value
        a, b = (
            ours(lucid.tensor(x))[0].detach().numpy(),
            theirs(torch.tensor(x))[0].detach().numpy(),
        )
        np.testing.assert_allclose(a, b, 1e-9, 1e-12)
