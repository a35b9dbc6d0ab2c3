"""Gradients of slices: added into one array, equal to the formula that is differentiable."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F
from lucid.autograd import Function, grad
from lucid.ops import index as index_ops
from lucid.ops.index import PutItem

from gradients import check_gradients

ARRAY = np.random.default_rng(0).standard_normal((3, 4, 6))
MASK = ARRAY > 0.3

# what is read of one tensor, in this order
READS = {
    "one": [np.s_[:, :, 2]],
    "every time": [np.s_[:, :, t] for t in range(6)],
    "overlapping": [np.s_[:, 1:], np.s_[:, :3], np.s_[..., 2:4]],
    "negative steps": [np.s_[::-1], np.s_[:, 3:0:-2], np.s_[..., -1]],
    "again and again": [np.s_[1, 2]] * 3,
    "nothing": [np.s_[:, 2:2], np.s_[:, :, 6:], np.s_[1:]],
    "a new axis, an ellipsis": [np.s_[:, None, ..., 0], np.s_[...], np.s_[None, 1]],
    "index arrays": [[0, 0, 2], (slice(None), [1, 1, 1]), np.s_[1]],
    "a mask": [MASK, np.s_[0], MASK],
    "single numbers": [np.s_[0, 0, 0], np.s_[2, 3, 5], np.s_[0, 0, 0]],
}


def read(x, reads):
    """Something of each part that is read, each with a weight of its own."""
    return lucid.stack([((i + 2) * x[read] ** 2).sum() for i, read in enumerate(reads)]).sum()


@pytest.mark.parametrize("name", READS)
def test_gradients_are_those_of_the_differentiable_formula(name):
    x = lucid.tensor(ARRAY, requires_grad=True)
    (formula,) = grad(read(x, READS[name]), x, create_graph=True)
    (found,) = grad(read(x, READS[name]), x)
    expected = np.zeros_like(ARRAY)
    for i, part in enumerate(READS[name]):
        np.add.at(expected, part, 2 * (i + 2) * ARRAY[part])
    np.testing.assert_allclose(found.numpy(), expected, 1e-14, 1e-14)
    np.testing.assert_allclose(formula.detach().numpy(), expected, 1e-14, 1e-14)
    read(x, READS[name]).backward()
    assert np.array_equal(x.grad.numpy(), found.numpy())


@pytest.mark.parametrize("name", READS)
def test_derivatives(name):
    check_gradients(lambda x: read(x, READS[name]), lucid.tensor(ARRAY), tolerance=1e-5)


@pytest.mark.parametrize("order", ["slices first", "slices last", "between"])
def test_a_tensor_may_be_used_by_slices_and_by_other_ops(order):
    def function(x):
        y = x * 1
        slices = [lambda: y[:, 1:].exp().sum(), lambda: (3 * y[:, :2]).sum()]
        others = [lambda: (y * y).sum(), lambda: y.sum(), lambda: y.reshape(-1).tanh().sum()]
        terms = {
            "slices first": slices + others,
            "slices last": others + slices,
            "between": [others[0], slices[0], others[1], slices[1], others[2]],
        }[order]
        return lucid.stack([term() for term in terms]).sum()

    check_gradients(function, lucid.tensor(ARRAY[0]))
    x = lucid.tensor(ARRAY[0], requires_grad=True)
    function(x).backward()
    expected = 2 * ARRAY[0] + 1 + 1 - np.tanh(ARRAY[0]) ** 2
    expected[:, 1:] += np.exp(ARRAY[0][:, 1:])
    expected[:, :2] += 3
    np.testing.assert_allclose(x.grad.numpy(), expected, 1e-14)


def test_pieces_cost_one_array_of_zeros_and_no_sums(monkeypatch):
    made = []
    monkeypatch.setattr(index_ops, "PutItem", lambda *args: made.append(args) or PutItem(*args))
    x = lucid.tensor(ARRAY, requires_grad=True)
    y = x * 2
    pieces = [
        *y.unbind(2), *y.chunk(2, 1), *y.split([1, 2], 0), y.narrow(1, 1, 2), y.select(0, 1), y[0],
    ]  # fmt: skip
    lucid.stack([p.sum() for p in pieces]).sum().backward()
    assert len(made) == 1
    expected = np.full_like(ARRAY, 2 * 3)
    expected[:, 1:3] += 2
    expected[:2] += 2
    assert np.array_equal(x.grad.numpy(), expected)


def test_pieces_reassemble():
    x = lucid.tensor(ARRAY, requires_grad=True)
    weight = lucid.tensor(ARRAY[::-1].copy())
    for pieces, dim in [(x.chunk(3, 2), 2), (x.split([1, 0, 3], 1), 1)]:
        x.grad = None
        (lucid.cat(pieces, dim) * weight).sum().backward()
        assert np.array_equal(x.grad.numpy(), weight.numpy())


def test_hooks_and_retain_grad_see_the_whole_sum_once():
    x = lucid.tensor(ARRAY, requires_grad=True)
    y = x * 1
    y.retain_grad()
    seen = []
    y.register_hook(seen.append)
    y.register_hook(lambda g: g * 10)
    part = y[:, :, 0]
    part.register_hook(lambda g: g * 3)
    (part.sum() + y[:, 0].sum() + y.sum()).backward()
    expected = np.ones_like(ARRAY)
    expected[:, :, 0] += 3
    expected[:, 0] += 1
    assert len(seen) == 1
    assert np.array_equal(seen[0].numpy(), expected)
    assert np.array_equal(y.grad.numpy(), 10 * expected)
    assert np.array_equal(x.grad.numpy(), 10 * expected)


def test_a_gradient_that_somebody_else_has_is_not_added_to():
    x = lucid.tensor(ARRAY, requires_grad=True)
    y = x * 1
    seed = lucid.tensor(np.ones_like(ARRAY))
    kept = []

    class Keep(Function):
        """y = x, and its gradient is kept by it, and passed on as it is"""

        def forward(self, x):
            return x.copy()

        def backward(self, grad):
            kept.append(grad)
            return grad

    z = Keep()(y)
    lucid.autograd.grad([z, y[0].sum(), y[:, 1].sum()], x, [seed, None, None])
    y2 = y.detach().requires_grad_()
    lucid.autograd.grad([y2, y2[0].sum(), y2[0].sum()], y2, [seed, None, None])
    assert np.array_equal(seed.numpy(), np.ones_like(ARRAY))
    assert np.array_equal(kept[0].numpy(), np.ones_like(ARRAY))


def test_gradients_do_not_share_memory_with_each_other():
    x = lucid.tensor(ARRAY, requires_grad=True)
    y = lucid.tensor(ARRAY, requires_grad=True)
    z = x + y  # both get the same array
    (z[0].sum() + z[1].sum()).backward()
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())
    (x[0].sum() + x[1].sum()).backward()
    assert y.grad.sum().item() == 48
    assert x.grad.sum().item() == 96


def test_an_error_half_way_changes_nothing():
    class Refuse(Function):
        def forward(self, x):
            return x.copy()

        def backward(self, grad):
            raise ArithmeticError("half way")

    x = lucid.tensor(ARRAY, requires_grad=True)
    x.sum().backward()
    y = Refuse()(x)
    loss = y[0].sum() + x[1].sum() + x[:, 2].sum()
    with pytest.raises(ArithmeticError, match="half way"):
        loss.backward()
    assert np.array_equal(x.grad.numpy(), np.ones_like(ARRAY))


def test_gradients_of_two_dtypes_are_added_in_the_wider():
    class Widen(Function):
        """y = x, whose gradient comes back as float64"""

        def forward(self, x):
            return x.copy()

        def backward(self, grad):
            return grad.double()

    x = lucid.tensor(ARRAY, dtype="float32", requires_grad=True)
    y = x * 1
    small = 2.0**-40  # lost beside 1 in float32
    loss = (Widen()(y) * small).sum() + y[0].sum() + y[0].sum() + (Widen()(y)).sum()
    (found,) = grad(loss, y)
    expected = np.full(ARRAY.shape, 1 + small)
    expected[0] += 2
    assert np.array_equal(found.numpy(), expected)


def test_infinities_are_added_without_a_warning():
    x = lucid.tensor(ARRAY, requires_grad=True)
    big = x[0] * float("inf") + 0
    (big.sum() - (x[0] * float("inf")).sum() + (x * float("inf")).sum()).backward()
    assert np.isnan(x.grad.numpy()[0]).all()


def test_a_freed_slice_says_so():
    x = lucid.tensor(ARRAY, requires_grad=True)
    loss = x[0].sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="freed"):
        loss.backward()


def test_the_graph_can_be_walked_again_and_gives_the_same():
    x = lucid.tensor(ARRAY, requires_grad=True)
    loss = read(x * 1, READS["overlapping"])
    first, second = (grad(loss, x, retain_graph=True)[0] for _ in range(2))
    assert np.array_equal(first.numpy(), second.numpy())


def test_an_op_without_add_gradient_says_so():
    class Half(Function):
        adds_gradient = True

        def forward(self, x):
            return x[:1]

    x = lucid.ones(2, requires_grad=True)
    half = Half()(x)
    with pytest.raises(NotImplementedError, match="Half has no add_gradient"):
        (x[1:].sum() + half.sum()).backward()  # the first is the first to be walked back
    with pytest.raises(NotImplementedError, match="Half has no backward"):
        half.sum().backward()


def gated_model():
    """A gate on the halves of a convolution's output, and a sum over the steps of a GRU."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gru = nn.Conv1d(2, 8, 3), nn.GRU(4, 3, batch_first=True)

        def forward(self, x):
            filters, gates = self.conv(x).chunk(2, 1)
            states = self.gru((filters.tanh() * gates.sigmoid()).transpose(1, 2))[0]
            return lucid.stack([(step * step).sum() for step in states.unbind(1)]).sum()

    return Net()


def trained(seed):
    """The parameters after some steps, for which nothing is drawn that other threads draw from."""
    stream = lucid.Generator().manual_seed(seed)
    model = gated_model()
    with lucid.no_grad():
        for p in model.parameters():
            p.copy_(lucid.randn(*p.shape, generator=stream) * 0.3)
    x = lucid.randn(3, 2, 20, generator=stream)
    optimizer = lucid.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(8):
        optimizer.zero_grad()
        model(x).backward()
        optimizer.step()
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def test_models_train_in_threads_at_once_as_they_do_alone():
    alone = [trained(seed) for seed in range(4)]
    found = [None] * 4

    def work(seed):
        found[seed] = trained(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ours, expected in zip(found, alone, strict=True):
        assert ours.tobytes() == expected.tobytes()


def test_gradients_of_a_gate_are_the_same_for_any_number_of_threads():
    before, found = lucid.get_num_threads(), []
    stream = np.random.default_rng(0)
    x, w = (stream.standard_normal(s).astype("f") for s in ((8, 32, 600), (64, 32, 3)))
    try:
        for threads in (1, 2, 3):
            lucid.set_num_threads(threads)
            weight = lucid.tensor(w, requires_grad=True)
            y = F.conv1d(lucid.tensor(x), weight)
            filters, gates = y.chunk(2, 1)
            change = (y[:, :, 1:] - y[:, :, :-1]).abs().sum()
            ((filters.tanh() * gates.sigmoid()).sum() + (y * y).sum() + change).backward()
            found.append(weight.grad.numpy().tobytes())
    finally:
        lucid.set_num_threads(before)
    assert len(set(found)) == 1
