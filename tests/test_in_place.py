"""Changes in place: never silently wrong."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid.autograd import grad, no_grad

from leaves import CHANGED, leaf

# ------------------------------------------------------ in-place changes: never silently wrong


def numpy_write(array):
    array[...] = array + 1


WRITES = {
    "add_": lambda x: x.add_(1),
    "sub_": lambda x: x.sub_(1),
    "mul_": lambda x: x.mul_(2),
    "div_": lambda x: x.div_(2),
    "fill_": lambda x: x.fill_(7),
    "zero_": lambda x: x.zero_(),
    "copy_": lambda x: x.copy_(lucid.full((3,), 9.0)),
    "clamp_": lambda x: x.clamp_(0, 1),
    "+=": lambda x: x.__iadd__(1),
    "setitem": lambda x: x.__setitem__(0, 5.0),
    "masked setitem": lambda x: x.__setitem__(x > 0, 5.0),
    "a view": lambda x: x[1:].zero_(),
    "a view of a view": lambda x: x.reshape(3, 1).T[0, 2:].zero_(),
    "one element": lambda x: x[1].fill_(9),
    "iteration": lambda x: [y.zero_() for y in x],
    "split": lambda x: x.split(1)[2].zero_(),
    "squeeze": lambda x: x.unsqueeze(0).squeeze().zero_(),
    "detach": lambda x: x.detach().zero_(),
    "data": lambda x: x.data.zero_(),
    "copy.copy": lambda x: copy.copy(x).zero_(),
    "numpy": lambda x: numpy_write(x.numpy(force=True)),
    "numpy of a view": lambda x: numpy_write(x[1:].numpy(force=True)),
    "numpy of a view, then of all": lambda x: (
        x[:1].numpy(force=True),
        numpy_write(x.numpy(force=True)[2:]),
    ),
    "asarray": lambda x: numpy_write(np.asarray(x.detach())),
    "from_numpy of numpy": lambda x: lucid.from_numpy(x.numpy(force=True)).add_(1),
    "an optimizer's": lambda x: (np.add(x._array, 1, out=x._array), x._written()),
}
READERS = {
    "mul": lambda x, w: x * w,
    "div": lambda x, w: w / x,
    "pow": lambda x, w: w**x,
    "matmul": lambda x, w: x @ w,
    "where": lambda x, w: lucid.where(x > 0, x * w, w),
    "max": lambda x, w: lucid.maximum(x, w),
    "view": lambda x, w: x.reshape(1, 3) * w,
    "part": lambda x, w: x[:2] * w[:2],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("needs", [True, False])
def test_a_change_of_what_backward_needs_raises(write, reader, needs):
    x = lucid.tensor([1.0, 2.0, 3.0], requires_grad=needs)
    w = lucid.tensor([0.5, 0.25, 2.0], requires_grad=True)
    y = READERS[reader](x, w).sum()
    before = x.tolist()
    with no_grad():
        WRITES[write](x)
    assert x.tolist() != before
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()


@pytest.mark.parametrize("write", WRITES)
def test_a_change_of_an_output_that_backward_needs_raises(write):
    for op in (lucid.exp, lucid.tanh, lucid.sigmoid, lucid.sqrt, lambda x: x.softmax(0)):
        x = lucid.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = op(x)
        z = y.sum()
        with no_grad():
            WRITES[write](y)
        with pytest.raises(RuntimeError, match=CHANGED):
            z.backward()


@pytest.mark.parametrize("write", WRITES)
def test_a_change_before_recording_is_no_change(write):
    x = lucid.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with no_grad():
        WRITES[write](x)
    expected = (2 * x).tolist()
    (x * x).sum().backward()
    assert x.grad.tolist() == expected


@pytest.mark.parametrize("write", WRITES)
def test_a_change_of_what_backward_does_not_need_is_fine(write):
    x = lucid.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = (x + 1).sum() + x.reshape(3, 1).sum() + x[:2].sum() + lucid.cat([x, x]).sum()
    with no_grad():
        WRITES[write](x)
    y.backward()
    assert x.grad.tolist() == [5, 5, 4]


OPERATIONS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a / (b * b + 1),
    lambda a, b: a.tanh(),
    lambda a, b: (a * 0.1).exp(),
    lambda a, b: lucid.maximum(a, b),
    lambda a, b: a.softmax(0) * b,
    lambda a, b: lucid.where(b > 0, a, b),
    lambda a, b: a.flip(0)[[0, 1, 1]] - b,
    lambda a, b: a.reshape(3, 1).T[0],
    lambda a, b: a[:],
    lambda a, b: a.detach(),
    lambda a, b: lucid.cat([a[:1], b[1:]]),
    lambda a, b: a.amax() * b,
    lambda a, b: a.expand(2, 3).sum(0),
    lambda a, b: lucid.from_numpy(a.numpy(force=True)) * b,
]
CHANGES = [WRITES[name] for name in ("add_", "a view", "numpy of a view", "detach", "setitem")]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 5), st.integers(0, 5)), max_size=14))
def test_a_gradient_is_right_or_an_error(program):
    # Beside each tensor goes a twin with memory of its own. Before every use it is brought to the
    # tensor's present numbers by adding a constant, which is what an unrecorded change amounts to.
    pool = [leaf(0.5, -1.0, 2.0), leaf(1.0, 3.0, -0.5), lucid.tensor([2.0, 0.3, 1.0]).double()]
    twins = [lucid.tensor(x, requires_grad=x.requires_grad) for x in pool]
    leaves, twin_leaves = pool[:2], twins[:2]

    def present(i):
        now = np.array(pool[i].tolist()) - np.array(twins[i].tolist())
        return twins[i] + lucid.tensor(now)

    for what, i, j in program:
        i, j = -1 - i % len(pool), -1 - j % len(pool)
        if what >= len(OPERATIONS):
            with no_grad():
                CHANGES[what % len(CHANGES)](pool[i])
            continue
        twin = OPERATIONS[what](present(i), present(j))
        pool.append(OPERATIONS[what](pool[i], pool[j]))
        twins.append(twin)
    total, twin_total = sum(x.sum() for x in pool), sum(x.sum() for x in twins)
    try:
        ours = grad(total, leaves)
    except RuntimeError as error:
        assert CHANGED in str(error)  # noqa: PT017  (or no error at all)
        assert any(what >= len(OPERATIONS) for what, _, _ in program)
        return
    for a, b in zip(ours, grad(twin_total, twin_leaves), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-8, 1e-8)


def test_a_change_through_the_array_that_from_numpy_shares():
    array = np.array([1.0, 2.0, 3.0])
    x, w = lucid.from_numpy(array), leaf(1.0, 1.0, 1.0)
    (x * w).sum().backward()  # unchanged: fine
    y = (x * w).sum()
    array[1] = 7
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()
    (x * w).sum().backward()
    assert w.grad.tolist() == [2, 9, 6]


@pytest.mark.parametrize("reader", READERS)
def test_what_numpy_shares_and_nobody_changes_is_fine(reader):
    x = lucid.from_numpy(np.arange(1.0, 10.0, dtype=np.float32).reshape(3, 3)).requires_grad_()
    w = lucid.tensor([0.5, 0.25, 2.0], requires_grad=True)
    y = READERS[reader](x[:, 1], w).sum() + (x.T @ x[1:].T).sum() + (x.mT[0] * x[2:, 2]).sum()
    x.detach().numpy()
    (first,) = grad(y, x, create_graph=True)
    (first * first).sum().backward()
    assert x.grad.isfinite().all()


def test_two_tensors_from_one_array_share_its_changes():
    array = np.array([1.0, 2.0])
    a, b, w = lucid.from_numpy(array), lucid.from_numpy(array), leaf(1.0, 1.0)
    y = (a * w).sum()
    b.add_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()


def test_a_part_of_an_array_is_watched_alone():
    # a batch out of a large data set: the next batch may be prepared meanwhile
    array = np.arange(6.0)
    x, w = lucid.from_numpy(array[:2]), leaf(1.0, 1.0)
    y = (x * w).sum()
    array[4:] = 0
    y.backward()
    assert w.grad.tolist() == [0, 1]


def test_a_change_that_is_taken_back_in_numpy_does_no_harm():
    x, w = lucid.tensor([1.0, 2.0]), lucid.tensor([1.0, 1.0], requires_grad=True)
    array = x.numpy()
    y = (x * w).sum()
    array += 1
    array -= 1
    y.backward()
    assert w.grad.tolist() == [1, 2]


def test_reading_through_numpy_is_no_change():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    x.detach().numpy().sum()
    np.asarray(x.detach())
    y.backward()
    assert x.grad.tolist() == [2, 4]


def test_a_reshape_that_had_to_copy_is_on_its_own():
    x = lucid.arange(6, dtype=lucid.float64).reshape(2, 3)
    w = lucid.ones(6, dtype=lucid.float64, requires_grad=True)
    flat = x.T.reshape(-1)
    y = (flat * w).sum()
    flat.numpy()
    array = x.numpy()
    z = (x.reshape(-1) * w).sum()
    array[0, 0] = 9
    y.backward()  # the copy did not change ...
    assert w.grad.tolist() == [0, 3, 1, 4, 2, 5]
    with pytest.raises(RuntimeError, match=CHANGED):
        z.backward()  # ... but this did


def test_the_caller_may_go_on_to_change_indices_and_masks():
    x = leaf(1.0, 2.0, 3.0)
    listed, array, tensor = [0, 0], np.array([1, 1]), lucid.tensor([2, 2])
    mask, numpy_mask = lucid.tensor([True, False, False]), np.array([False, True, False])
    y = x[listed].sum() + x[array].sum() + x[tensor].sum() + x[mask].sum() + x[numpy_mask].sum()
    choice = lucid.tensor([True, True, False])
    y = y + lucid.where(choice, x, 0.0).sum() + x.gather(0, tensor).sum()
    listed[:] = [1, 2]
    array[:] = 0
    tensor.zero_()
    mask.fill_(True)
    numpy_mask[:] = True
    choice.fill_(False)
    y.backward()
    assert x.grad.tolist() == [4, 4, 4]


def test_the_caller_may_go_on_to_change_the_indices_that_max_pooling_returned():
    x = lucid.arange(6, dtype=lucid.float64).reshape(1, 1, 6).requires_grad_()
    y, indices = lucid.ops.max_pool1d(x, 2, return_indices=True)
    indices.zero_()
    indices.numpy()[...] = 4
    y.sum().backward()
    assert x.grad.tolist() == [[[0, 1, 0, 1, 0, 1]]]


def test_the_caller_may_go_on_to_change_targets():
    scores = lucid.zeros(2, 3, requires_grad=True)
    target = lucid.tensor([0, 1])
    loss = lucid.ops.cross_entropy(scores, target)
    target.fill_(2)
    loss.backward()
    assert scores.grad.argmin(1).tolist() == [0, 1]


def test_recording_on_a_changed_tensor_needs_no_new_tensor():
    w = leaf(1.0)
    for _ in range(3):  # a training loop
        loss = (w * w).sum()
        loss.backward()
        with no_grad():
            w -= 0.25 * w.grad
        w.grad = None
    assert w.tolist() == [0.125]


def test_second_derivatives_notice_changes_too():
    x = leaf(1.0, 2.0)
    (g,) = grad((x**3).sum(), x, create_graph=True)
    with no_grad():
        x.mul_(2)
    with pytest.raises(RuntimeError, match=CHANGED):
        g.sum().backward()


def test_changes_in_place_are_not_recorded():
    x, c = leaf(1.0, 2.0), lucid.zeros(2, dtype=lucid.float64)
    for change in (
        lambda: x.add_(1),
        lambda: x.__setitem__(0, 1.0),
        lambda: (x * 2).mul_(2),
        lambda: x[0:1].zero_(),
        lambda: c.add_(x),
        lambda: c.copy_(x),
        lambda: c.fill_(x[0]),
        lambda: c.__setitem__(0, x[0]),
    ):
        with pytest.raises(RuntimeError, match="cannot be recorded for backward"):
            change()
    assert (x.tolist(), c.tolist()) == ([1, 2], [0, 0])
    c += 1  # nothing to record
    assert c.tolist() == [1, 1]
