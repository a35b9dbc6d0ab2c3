"""Functions of one's own."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import lucid
from lucid.autograd import Function, grad, no_grad

from leaves import CHANGED, leaf

# ------------------------------------------------------------------------------ custom Functions


class Square(Function):
    def forward(self, x):
        return x * x

    def backward(self, grad):
        return 2 * grad * self.saved(0)


def test_a_custom_function_is_differentiable_twice():
    x = leaf(1.0, 2.0)
    (g,) = grad(Square()(x).sum(), x, create_graph=True)
    assert g.tolist() == [2, 4]
    assert grad(g.sum(), x)[0].tolist() == [2, 2]


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[::-1], lambda x: x.reshape(2, 1)])
def test_a_custom_function_that_returns_a_view_shares_changes(view):
    class View(Function):
        def forward(self, x):
            return view(x)

        def backward(self, grad):
            return grad.reshape(2)

    x, w = leaf(1.0, 2.0), leaf(1.0, 1.0)
    y = (x * w).sum()
    out = View()(x)
    with no_grad():
        out.mul_(2)
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()


def test_one_object_is_one_node():
    square = Square()
    y = square(leaf(1.0)).sum()
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"called twice\n  try: Square\(\.\.\.\) anew"):
            square(leaf(2.0))
        with pytest.raises(RuntimeError, match="called twice"), no_grad():
            square(leaf(2.0))  # forward would overwrite what backward of the first call reads
        y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="called twice"):
        square(leaf(2.0))


def test_errors_of_custom_functions():
    class Bad(Function):
        def __init__(self, result=None, value=None):
            self.result, self.value = result, value

        def forward(self, *xs):
            return xs[0] * 1.0 if self.value is None else self.value

        def backward(self, grad):
            return self.result

    def back(result):
        return lambda: Bad(result)(leaf(1.0)).sum().backward()

    for call, error, text in [
        (back((None, None)), ValueError, "one gradient for each of its 1 inputs, got 2"),
        (back(lucid.ones(3)), ValueError, r"expected \(1,\), got \(3,\)"),
        (back(np.ones(1)), TypeError, "must return tensors, got ndarray"),
        (lambda: Bad()(1.0), TypeError, "called with tensors, got float"),
        (lambda: Bad(value=np.ones(1) * 1j)(leaf(1.0)), TypeError, "complex128"),
        (lambda: Function()(leaf(1.0)), NotImplementedError, "Function has no forward"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_only_floats_carry_gradients():
    class Round(Function):
        def forward(self, x):
            return x.astype(np.int64)

    x = leaf(1.5, 2.5)
    assert not Round()(x).requires_grad
    assert not x.long().requires_grad
    assert not (x > 1).requires_grad
    assert not x.bool().requires_grad
    assert x.float().requires_grad
    x.long().numpy()


def test_gradients_come_back_in_the_dtype_of_the_input():
    a = lucid.tensor([1.0, 2.0], requires_grad=True)
    b = lucid.tensor([3.0, 4.0], dtype=lucid.float64, requires_grad=True)
    (a * b).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (lucid.float32, lucid.float64)

    class Double(Function):
        def forward(self, x):
            return x * 2

        def backward(self, grad):
            return grad.double() * 2

    for create_graph in (False, True):
        a.grad = None
        for _ in range(2):
            Double()(a).sum().backward(create_graph=create_graph)
            assert a.grad.dtype is lucid.float32
        assert a.grad.tolist() == [4, 4]


def test_an_output_is_drawn_with_its_node():
    y = Square()(leaf(2.0))
    assert repr(y.grad_fn) == "<Square>"
    assert not y.is_leaf
    assert (y * 1).grad_fn.edges[0] is y.grad_fn


def test_a_graph_freed_during_a_walk_is_an_error():
    x = lucid.tensor([1.0, 1.0], requires_grad=True)
    a, b = x * 2.0, x * 3.0
    s = a.sum()
    b.register_hook(lambda g: lucid.autograd.grad(s, x) and None)
    with pytest.raises(RuntimeError, match="a second time"):
        lucid.autograd.grad((b + a).sum(), x)


def test_a_backward_that_fails_changes_nothing():
    x, w = (lucid.ones(2, requires_grad=True) for _ in range(2))
    y = w * 2

    def hook(grad):
        raise KeyError("mine")

    handle = y.register_hook(hook)
    loss = (y * x).sum()
    with pytest.raises(KeyError):
        loss.backward()
    assert x.grad is None
    assert w.grad is None
    handle.remove()
    loss.backward()  # the graph is still there
    assert x.grad.tolist() == [2, 2]
    assert w.grad.tolist() == [2, 2]


def test_threads_that_train_on_one_parameter_lose_no_gradient():
    p = lucid.zeros(100_000, requires_grad=True)

    def work():
        for _ in range(20):
            (p * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert p.grad.numpy().min() == p.grad.numpy().max() == 160


def test_a_kept_gradient_makes_no_reference_cycle():
    gc.disable()
    try:
        x = lucid.ones(2, requires_grad=True)
        y = x * 2
        y.retain_grad()
        ghost = weakref.ref(y)
        del y
        assert ghost() is None
    finally:
        gc.enable()


def test_a_generator_cannot_be_decorated():
    with pytest.raises(TypeError, match="is a generator"):

        @lucid.no_grad()
        def numbers():
            yield 1
