"""The engine: the backward walk, hooks, and what is recorded."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import lucid
from lucid.autograd import Function, enable_grad, grad, no_grad, set_grad_enabled

from leaves import DEEP, leaf

# ---------------------------------------------------------------------------- what backward does


def test_backward_adds_to_grad():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    assert x.grad.tolist() == [5, 7]
    assert not x.grad.requires_grad


def test_grad_stays_the_same_object():
    x = leaf(1.0)
    x.sum().backward()
    first = x.grad
    x.sum().backward()
    assert x.grad is first
    assert first.tolist() == [2]


def test_a_tensor_used_in_several_places_gets_the_sum():
    x = leaf(3.0)
    y = x * x
    z = (y * y + y).sum()  # x^4 + x^2
    z.backward()
    assert x.grad.tolist() == [4 * 27 + 6]


def test_a_leaf_may_be_its_own_output():
    x = lucid.tensor(2.0, requires_grad=True)
    x.backward()
    assert x.grad.item() == 1


def test_a_chain_of_squares_is_walked_once_per_node():
    calls = []

    class Count(Function):
        def forward(self, x):
            return x * 1

        def backward(self, grad):
            calls.append(self)
            return grad

    x = leaf(1.0)
    y = x
    for _ in range(50):  # 2^50 paths
        y = Count()(y)
        y = y + y
    y.sum().backward()
    assert x.grad.tolist() == [2.0**50]
    assert len(calls) == 50


def test_inputs_that_need_no_gradient_get_none():
    x, c = leaf(1.0), lucid.tensor([2.0], dtype=lucid.float64)
    (x * c).sum().backward()
    assert c.grad is None
    assert x.grad.tolist() == [2]


def test_backward_starts_from_a_given_gradient_of_any_dtype():
    x = leaf(1.0, 2.0)
    (x * x).backward(lucid.tensor([1, 10]))
    assert x.grad.tolist() == [2, 40]
    assert x.grad.dtype is lucid.float64


@pytest.mark.parametrize(
    ("start", "error", "text"),
    [
        (lambda x: x.backward(), RuntimeError, "starts from a single number.*shape \\(2,\\)"),
        (lambda x: x.backward(lucid.ones(3)), ValueError, "expected \\(2,\\), got \\(3,\\)"),
        (lambda x: x.backward(np.ones(2)), TypeError, "is a tensor, got ndarray"),
        (lambda x: x.detach().sum().backward(), RuntimeError, "requires_grad=True"),
        (lambda x: grad(x.sum(), lucid.ones(2)), RuntimeError, "input 0 does not require"),
        (lambda x: grad(x.sum(), leaf(1.0)), RuntimeError, "depends on the inputs at \\[0\\]"),
        (lambda x: grad([x.sum()], [x], [None, None]), ValueError, "1 outputs, 2 given"),
    ],
)
def test_errors_of_backward_and_grad(start, error, text):
    with pytest.raises(error, match=text):
        start(leaf(1.0, 2.0) * 2)


def test_the_graph_is_freed_by_backward():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == [4]


def test_retain_graph_keeps_it():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8]


def test_two_losses_on_one_freed_trunk():
    x = leaf(2.0)
    trunk = x * x
    (trunk * 3).sum().backward()
    with pytest.raises(RuntimeError, match="its graph is gone"):
        (trunk * 5).sum().backward()


def test_a_node_lets_go_of_what_it_saved_when_freed():
    x = leaf(2.0)
    factor = lucid.ones(1, dtype=lucid.float64)
    gone = weakref.ref(factor)
    y = (x * factor).sum()
    del factor
    assert gone() is not None
    y.backward()
    assert gone() is None


def test_no_garbage_is_left_for_the_collector():
    gc.collect()
    gc.disable()
    try:
        x = leaf(2.0)
        y = ((x * x).exp().tanh() + x.softmax(0)).sum()
        gone = weakref.ref(y.grad_fn)
        y.backward()
        del y
        assert gone() is None
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------ autograd.grad


def test_grad_touches_no_grad_attribute():
    x, w = leaf(3.0), leaf(2.0)
    hidden = x * w
    hidden.retain_grad()
    (g,) = grad((hidden * hidden).sum(), x)
    assert g.tolist() == [2 * 3 * 4]
    assert x.grad is w.grad is hidden.grad is None


def test_grad_of_computed_tensors_leaves_the_graph_behind_them():
    x, w = leaf(3.0), leaf(2.0)
    hidden = x * w
    (g,) = grad((hidden * hidden).sum(), hidden)
    assert g.tolist() == [12]
    hidden.backward(g)  # by hand, the rest of the way
    assert x.grad.tolist() == [24]


def test_grad_does_not_ask_what_stands_behind_its_inputs():
    x, w = leaf(3.0), leaf(2.0)
    hidden = x * w
    with no_grad():
        w.add_(1)  # too late for the gradient of hidden in x, but not for what follows
    assert grad((hidden * hidden).sum(), hidden)[0].tolist() == [12]


def test_grad_of_several_outputs_and_inputs():
    x, y, unused = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(0.0)
    outputs = [(x * y).sum(), x + y]
    weights = [None, lucid.tensor([10.0, 100.0], dtype=lucid.float64)]
    gx, gu, gy = grad(outputs, [x, unused, y], weights, allow_unused=True)
    assert gx.tolist() == [13, 104]
    assert gy.tolist() == [11, 102]
    assert gu is None


def test_results_of_grad_share_no_memory():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seed = lucid.ones(2, dtype=lucid.float64)
    gx, gy = grad(x + y, [x, y], seed)
    gx.mul_(7)
    assert gy.tolist() == seed.tolist() == [1, 1]
    (g,) = grad(x.sum(), x)  # a repeated number inside, an ordinary tensor outside
    g[0] = 5
    assert g.tolist() == [5, 1]


def test_higher_derivatives():
    x = lucid.tensor(2.0, dtype=lucid.float64, requires_grad=True)
    y = x**5
    for expected in (80.0, 160.0, 240.0, 240.0, 120.0):
        (y,) = grad(y, x, create_graph=True)
        assert y.item() == expected


def test_create_graph_makes_grad_differentiable():
    x = leaf(3.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    (second,) = grad(x.grad.sum(), x)
    assert second.tolist() == [18]


def test_gradient_penalty():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (g,) = grad((w * x).tanh().sum(), x, create_graph=True)
    (g * g).sum().backward()
    step = 1e-6
    for i in range(2):
        losses = []
        for sign in (1, -1):
            moved = w.detach().numpy().copy()
            moved[i] += sign * step
            slope = moved * (1 - np.tanh(moved * x.detach().numpy()) ** 2)
            losses.append((slope**2).sum())
        assert w.grad[i].item() == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-5)


# ----------------------------------------------------------------------------- .grad is one's own


@pytest.mark.parametrize("create_graph", [False, True])
def test_grads_of_two_leaves_are_never_one_array(create_graph):
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seed = lucid.ones(2, dtype=lucid.float64)
    (a + b).backward(seed, create_graph=create_graph)
    assert not np.shares_memory(a.grad.numpy(force=True), b.grad.numpy(force=True))
    assert not np.shares_memory(a.grad.numpy(force=True), seed.numpy())
    (a + b).backward(seed)
    assert a.grad.tolist() == b.grad.tolist() == [2, 2]
    assert seed.tolist() == [1, 1]


def test_grad_can_be_changed_in_place():
    x = leaf(1.0, 2.0)
    x.sum().backward()  # the gradient of a sum is one number, repeated
    x.grad.mul_(3)
    assert x.grad.tolist() == [3, 3]


def test_a_gradient_that_was_differentiable_is_not_changed_behind_its_graph():
    x = leaf(3.0)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    (x**2).sum().backward()
    assert x.grad.tolist() == [33]
    assert first.tolist() == [27]
    assert grad(first.sum(), x)[0].tolist() == [18]


def test_grad_can_be_set_and_is_checked():
    x = leaf(1.0, 2.0)
    x.grad = lucid.ones(2, dtype=lucid.float64)
    x.sum().backward()
    assert x.grad.tolist() == [2, 2]
    x.grad = None
    assert x.grad is None
    with pytest.raises(lucid.DtypeError, match=r"must be float64 of shape \(2,\), got float32"):
        x.grad = lucid.ones(2)
    with pytest.raises(TypeError, match="a tensor or None, got list"):
        x.grad = [1, 2]


# ------------------------------------------------------------------------------------------ hooks


def test_hooks_of_leaves_see_the_whole_gradient_and_may_replace_it():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g * 10)
    (x * 2 + x * 3).sum().backward()
    assert seen == [5]
    assert x.grad.tolist() == [50]


def test_hooks_of_computed_tensors_change_what_flows_on():
    x = leaf(1.0)
    y = x * 2
    handle = y.register_hook(lambda g: -g)
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [-2]
    handle.remove()
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [0]


def test_retain_grad():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.retain_grad()  # twice is once
    y.register_hook(lambda g: g * 10)
    (y * 3).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [30]
    (y * 3).sum().backward()
    assert y.grad.tolist() == [60]
    x.retain_grad()  # a leaf does so anyway


def test_errors_of_hooks():
    with pytest.raises(RuntimeError, match="can have a gradient hook"):
        lucid.ones(1).register_hook(print)
    for hook, error, text in [
        (lambda g: lucid.ones(3), ValueError, "expected \\(1,\\), got \\(3,\\)"),
        (lambda g: g.numpy(), TypeError, "a tensor or None, got ndarray"),
        (lambda g: g.mul_(2), RuntimeError, "must not change the gradient in place"),
        (lambda g: g.numpy().fill(2), RuntimeError, "must not change the gradient in place"),
    ]:
        x = leaf(1.0)
        x.register_hook(hook)
        with pytest.raises(error, match=text):
            (x * 1).sum().backward()


def test_a_backward_within_a_hook():
    x, y = leaf(1.0), leaf(5.0)

    def hook(g):
        with enable_grad():
            (y * y).sum().backward()

    x.register_hook(hook)
    (x * 3).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3], [10])


# ----------------------------------------------------------------------------------- grad mode


def test_no_grad_records_nothing():
    x = leaf(1.0)
    with no_grad():
        y = x * 2
        with enable_grad():
            assert (x * 2).requires_grad
        assert not lucid.is_grad_enabled()
    assert not y.requires_grad
    assert y.is_leaf
    assert lucid.is_grad_enabled()


def test_modes_as_decorators():
    x = leaf(1.0)

    @no_grad()
    def silent(depth=0):
        return silent(depth + 1) if depth < 3 else x * 2

    @enable_grad()
    def loud():
        return x * 2

    @set_grad_enabled(False)
    def off():
        return x * 2

    assert lucid.is_grad_enabled()  # decorating is not calling
    assert not silent().requires_grad
    assert not off().requires_grad
    with no_grad():
        assert loud().requires_grad
        assert not off().requires_grad
        assert not lucid.is_grad_enabled()
    assert lucid.is_grad_enabled()


def test_set_grad_enabled_as_a_switch_and_as_a_block():
    set_grad_enabled(False)
    assert not lucid.is_grad_enabled()
    with set_grad_enabled(True):
        assert lucid.is_grad_enabled()
    assert not lucid.is_grad_enabled()
    set_grad_enabled(True)
    assert lucid.is_grad_enabled()


def test_an_error_leaves_the_block():
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert lucid.is_grad_enabled()


def test_one_object_may_be_entered_again():
    mode = no_grad()
    with mode, mode:
        assert not lucid.is_grad_enabled()
    assert lucid.is_grad_enabled()


def test_each_thread_has_its_own_mode():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(lucid.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not lucid.is_grad_enabled()
    assert seen == [True]


def test_one_decorated_function_in_two_threads_at_once():
    inside, leave = threading.Event(), threading.Event()

    @no_grad()
    def update(wait):
        if wait:
            inside.set()
            leave.wait()
        return lucid.is_grad_enabled()

    after = []

    def recording():
        update(True)
        after.append(lucid.is_grad_enabled())

    thread = threading.Thread(target=recording)
    thread.start()
    inside.wait()
    with no_grad():  # enters after the other thread, and leaves before it
        update(False)
        leave.set()
        thread.join()
        assert not lucid.is_grad_enabled()
    assert after == [True]


def test_threads_walk_their_own_graphs_at_once():
    results = [None] * 8

    def work(i):
        x = leaf(float(i))
        y = x
        for _ in range(200):
            y = y * 1 + x
        y.sum().backward()
        results[i] = x.grad.item()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [201] * 8


# --------------------------------------------------------------------------------- deep graphs


class AddOne(Function):
    """A custom op that keeps its input."""

    def forward(self, x):
        return x + 1

    def backward(self, grad):
        self.saved(0)
        return grad


STEPS = {
    "add": lambda y, x: y + x,
    "mul": lambda y, x: y * x,
    "both": lambda y, x: y * 0.5 + y * x * 0.5,
    "exp": lambda y, x: (y * 0).exp(),
    "view": lambda y, x: y.reshape(1, 1).reshape(1),
    "cat": lambda y, x: lucid.cat([y, x])[:1],
    "custom": lambda y, x: AddOne()(y),
}


@pytest.mark.parametrize("step", STEPS)
def test_deep_graphs_do_not_recurse(step):
    limit = sys.getrecursionlimit()
    x = leaf(1.0)
    y = x * 1
    sys.setrecursionlimit(200)  # whatever recurses shows at once
    try:
        for _ in range(DEEP if step == "mul" else DEEP // 20):
            y = STEPS[step](y, x)
        y.sum().backward()
    finally:
        sys.setrecursionlimit(limit)
    if step == "mul":
        assert x.grad.item() == DEEP + 1


@pytest.mark.parametrize("step", STEPS)
def test_a_deep_graph_that_was_never_walked_is_deleted_without_recursion(step):
    x = leaf(1.0)
    y = x * 1
    for _ in range(DEEP if step in ("mul", "custom") else DEEP // 4):
        y = STEPS[step](y, x)
    gone = weakref.ref(y.grad_fn)
    del y  # C recurses here, if anything does
    assert gone() is None


def test_a_deep_graph_can_be_differentiated_twice():
    x = leaf(1.0)
    y = x
    for _ in range(5_000):
        y = y * x
    (g,) = grad(y.sum(), x, create_graph=True)
    (second,) = grad(g.sum(), x)
    assert g.tolist() == [5_001]
    assert second.tolist() == [5_001 * 5_000]
    third = g * 1
    del y, g, second
    for _ in range(1000):
        third = third * 1
    del third  # a deep graph of gradients behind a deep graph


def test_a_wide_graph():
    x = leaf(1.0)
    total = x * 0
    for y in [x * 2 for _ in range(20_000)]:
        total = total + y
    total.sum().backward()
    assert x.grad.tolist() == [40_000]
