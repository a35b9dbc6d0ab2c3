"""What reviews found, so that it stays mended."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

import lucid
import lucid.nn.functional as F
from lucid import nn

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


# ------------------------------------------------------------- of the merged ops and explanations


@pytest.mark.parametrize("size", [1e4, 1e6, 1e8])
def test_a_sum_of_probabilities_has_gradients_that_add_up_to_one(size):
    a, b = (lucid.tensor([size], requires_grad=True) for _ in range(2))
    lucid.logaddexp(a, b).sum().backward()
    assert a.grad.item() == b.grad.item() == 0.5


def test_a_running_product_is_never_the_input_itself():
    for x, dim in ((lucid.tensor([3.0]), 0), (lucid.tensor(3.0), 0), (lucid.ones(1, 2), 0)):
        before = x.numpy().copy()
        out = lucid.cumprod(x, dim)
        out += 1
        np.testing.assert_array_equal(x.numpy(), before)
    x = lucid.tensor([3.0, 4.0])
    out = lucid.diff(x, n=0)
    out += 1
    assert x.tolist() == [3.0, 4.0]
    with pytest.raises(lucid.AxisError):
        lucid.cumprod(lucid.tensor(2.0), 7)


def test_hyperbolic_functions_reach_as_far_as_their_dtype():
    for x in (lucid.tensor([-89.0, 89.0]), lucid.tensor([-710.0, 710.0], dtype="float64")):
        for ours, theirs in ((lucid.sinh, np.sinh), (lucid.cosh, np.cosh)):
            assert np.isfinite(ours(x).numpy()).all()
            np.testing.assert_array_equal(ours(x).numpy(), theirs(x.numpy()))


def test_a_fraction_is_not_added_to_whole_numbers():
    x, places, source = (lucid.tensor(numbers) for numbers in ([0, 0], [0], [3]))
    with pytest.raises(ValueError, match="alpha must be a whole number"):
        lucid.index_add(x, 0, places, source, alpha=0.5)
    assert lucid.index_add(x, 0, places, source, alpha=2).tolist() == [6, 0]


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: x.exp().sum(), [22.0, 0.0, -1.0]),
        (lambda x: (x**8 * 1e4).sum(), [5.0, 1.0, 0.2]),
        (lambda x: (x + 1e8).sum(), [1.0, 2.0]),
        (lambda x: (x * x + 1e8).mean(), [1.0, 2.0]),
    ],
)
def test_large_outputs_are_no_wrong_gradients(function, at):
    x = lucid.tensor(at, dtype="float64", requires_grad=True)
    assert lucid.check.gradcheck(function, x, raise_exception=False).problem is None
    assert "WRONG" not in str(lucid.check.gradcheck(function, x, raise_exception=False))


class Changing(nn.Module):
    """Changes what it is given, and keeps what it has computed."""

    def __init__(self):
        super().__init__()
        self.layer, self.seen = nn.Linear(3, 3), []

    def forward(self, x):
        x *= 2
        x = self.layer(x)
        self.seen.append({"x": x})
        return x


def test_explanations_leave_the_input_alone_and_copy_what_is_kept():
    model, x = Changing(), lucid.ones(1, 3)
    model(lucid.ones(1, 3))
    lucid.explain.summary(model, x)
    lucid.explain.explain(model, x)
    assert x.tolist() == [[1.0] * 3]
    assert len(model.seen) == 1


def test_a_graph_is_saved_as_what_its_name_says(tmp_path):
    graph = lucid.explain.graph(lucid.ones(2, requires_grad=True).sum())
    with pytest.raises(ValueError, match=r"try: 'loss\.svg'"):
        graph.save(tmp_path / "loss.png")
    assert not list(tmp_path.iterdir())
    graph.save(tmp_path / "loss.svg")


@pytest.mark.parametrize("mode", ["replicate", "reflect"])
def test_infinite_gradients_of_padding_are_computed_without_a_word(mode):
    layer = nn.Conv1d(8, 32, 5, padding=2, padding_mode=mode)
    g = np.zeros((2, 32, 33), np.float32)
    g[0, 0, 0], g[0, -1, 0] = np.inf, -np.inf
    layer(lucid.randn(2, 8, 33, requires_grad=True)).backward(lucid.tensor(g))


def test_blocks_that_do_not_end_in_order_leave_recording_as_it_was():
    def generator():
        with lucid.no_grad():
            yield 1

    it = generator()
    next(it)
    with lucid.enable_grad():
        list(it)  # ends the block around this one
    assert lucid.is_grad_enabled()
