"""What reviews found, so that it stays mended."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

import lucid
import lucid.nn.functional as F

from running import python


def test_a_huge_pooling_window_ends_where_the_input_does():
    start = time.perf_counter()
    y = F.max_pool1d(lucid.ones(1, 64, 5), 2**31 - 1, 2**31 - 1, ceil_mode=True)
    assert y.shape == (1, 64, 1)
    assert time.perf_counter() - start < 5  # it was a minute


def test_padding_that_is_folded_onto_one_position_keeps_its_digits():
    # contract 73: 100 000 gradients arrive at the first number
    x = lucid.ones(1, 1, 10, requires_grad=True)
    y = F.conv1d(x, lucid.ones(1, 1, 1), padding=100_000, padding_mode="replicate")
    y.backward(lucid.full(y.shape, 0.1))
    exact = 100_001 * float(np.float32(0.1))
    assert abs(float(x.grad[0, 0, 0]) - exact) <= 1e-5 * exact


@pytest.mark.parametrize("wrong", [(True,), [True], (1.0,)])
def test_a_wrong_option_is_wrong_whatever_came_before(wrong):
    x, w = lucid.ones(1, 1, 8), lucid.ones(1, 1, 3)
    for right in (1, (1,), [1]):
        F.conv1d(x, w, None, right)
    with pytest.raises(TypeError, match="stride must be an int"):
        F.conv1d(x, w, None, wrong)


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_gradient_of_a_loss_that_ignores_everything_is_zero(create_graph):
    x = lucid.randn(3, 4, requires_grad=True)
    loss = F.cross_entropy(x, lucid.full((3,), -100, dtype="int64"))
    assert np.isnan(loss.item())
    (grad,) = lucid.autograd.grad(loss, x, create_graph=create_graph)
    assert grad.tolist() == np.zeros((3, 4)).tolist()


def test_a_hook_may_return_another_dtype():
    x, w = lucid.randn(2, 3, 9), lucid.randn(4, 3, 3, requires_grad=True)
    y = F.conv1d(x, w)
    y.register_hook(lambda grad: grad.double())
    y.sum().backward()
    assert w.grad.dtype is lucid.float32


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_during_a_backward_can_go_backward():
    code = """
import os, threading, warnings, lucid
warnings.simplefilter("ignore")
w = lucid.ones(50, requires_grad=True)
stop = False
def loop():
    while not stop:
        w.sum().backward()
thread = threading.Thread(target=loop)
thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        w.sum().backward()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop = True
thread.join()
print("done")
"""
    assert "done" in python("-c", code, timeout=60).stdout


def test_waiting_threads_sleep_and_the_environment_stays_as_it_was():
    show = "import os, lucid; print(os.environ.get('GOMP_SPINCOUNT'))"
    assert python("-c", show).stdout.strip() == "None"
    assert python("-c", show, GOMP_SPINCOUNT="7").stdout.strip() == "7"


# ------------------------------------------------------------------- at the edges of what is finite

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("options", [{}, {"align_corners": True}])
def test_interpolating_to_the_same_length_is_a_copy(options):
    x = lucid.tensor([[[1.0, 2.0, NAN, 4.0, INF, 6.0]]])
    for size in ({"size": 6}, {"scale_factor": 1.0}, {"scale_factor": 1.1}):
        y = F.interpolate(x, mode="linear", **size, **options)
        np.testing.assert_array_equal(y.numpy(), x.numpy())


def test_a_limit_that_is_nan_makes_nan():
    x = lucid.tensor([1.0, NAN, 3.0])
    np.testing.assert_array_equal(x.clamp(min=NAN).numpy(), [NAN] * 3)
    np.testing.assert_array_equal(x.clamp(max=NAN).numpy(), [NAN] * 3)
    limits = lucid.tensor([NAN, 0.0, 2.0])
    np.testing.assert_array_equal(x.clamp(max=limits).numpy(), [NAN, NAN, 2])
    np.testing.assert_array_equal(x.clamp(min=2).numpy(), [2, NAN, 3])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_cross_entropy_of_nothing(reduction):
    scores = lucid.zeros(0, 3, requires_grad=True)
    loss = F.cross_entropy(scores, lucid.zeros(0, dtype="int64"), reduction=reduction)
    expected = {"mean": NAN, "sum": 0.0, "none": np.zeros(0)}[reduction]
    np.testing.assert_array_equal(loss.detach().numpy(), expected)
    loss.sum().backward()
    assert scores.grad.shape == (0, 3)


def test_cross_entropy_of_one_sample_says_what_is_missing():
    for target in (lucid.tensor([0.5, 0.5]), lucid.tensor(1)):
        with pytest.raises(lucid.ShapeError, match=r"\(N, C\).*got \(2,\)\n  try: scores\[None\]"):
            F.cross_entropy(lucid.tensor([0.0, 0.0]), target)


def test_nans_share_the_gradient_of_the_extreme_that_they_are():
    for extreme in (lucid.Tensor.amax, lucid.Tensor.amin, lucid.Tensor.max, lucid.Tensor.min):
        x = lucid.tensor([3.0, NAN, 1.0, NAN], requires_grad=True)
        extreme(x).backward()
        assert x.grad.tolist() == [0, 0.5, 0, 0.5]


def test_the_origin_has_no_direction():
    y, x = (lucid.tensor([0.0, 1.0], requires_grad=True) for _ in range(2))
    lucid.atan2(y, x).sum().backward()
    assert y.grad.tolist() == [0, 0.5]
    assert x.grad.tolist() == [0, -0.5]
