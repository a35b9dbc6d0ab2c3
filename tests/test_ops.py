"""Every op: its values against NumPy, its first and second derivatives against differences."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from test_more_ops import TESTED
from test_named_ops import TESTED as NAMED

import lucid
from lucid import ops

from gradients import check_gradients

NAN, INF = float("nan"), float("inf")


def array(*shape, low=-2.0, high=2.0, seed=0):
    """Numbers no two of which are close to each other or to 0, nor to those of another seed."""
    numbers = np.linspace(low, high, int(np.prod(shape))) + 0.013 * (seed + 1)
    return np.random.default_rng([seed, *shape]).permutation(numbers).reshape(shape)


def positive(*shape, seed=0):
    return array(*shape, low=0.3, high=2.3, seed=seed)


def softmax(x, dim):
    powers = np.exp(x - x.max(dim, keepdims=True))
    return powers / powers.sum(dim, keepdims=True)


MASK = np.array([[True, False, True], [False, False, True]])
INDEX = np.array([[2, 0, 0], [1, 1, 2]])

# name: (the op, the same in NumPy, its inputs)
CASES = {
    "add": (ops.add, np.add, [array(2, 3), array(2, 3, seed=1)]),
    "add, broadcast": (ops.add, np.add, [array(2, 1, 3), array(4, 1, seed=1)]),
    "add, 0-d": (ops.add, np.add, [array(), array(2, 3)]),
    "add, alpha": (
        lambda a, b: ops.add(a, b, alpha=3),
        lambda a, b: a + 3 * b,
        [array(2), array(2)],
    ),
    "sub": (ops.sub, np.subtract, [array(2, 3), array(3, seed=1)]),
    "sub, alpha": (
        lambda a, b: ops.sub(a, b, alpha=3),
        lambda a, b: a - 3 * b,
        [array(2), array(2)],
    ),
    "mul": (ops.mul, np.multiply, [array(2, 3), array(2, 3, seed=1)]),
    "mul, broadcast": (ops.mul, np.multiply, [array(2, 1, 3), array(4, 1, seed=1)]),
    "mul, itself": (lambda x: x * x, np.square, [array(3)]),
    "div": (ops.div, np.divide, [array(2, 3), positive(3)]),
    "div, broadcast": (ops.div, np.divide, [array(3, 1), positive(1, 2)]),
    "neg": (ops.neg, np.negative, [array(2, 3)]),
    "pow": (ops.pow, np.power, [positive(2, 3), array(3, seed=1)]),
    "pow 3": (lambda x: x**3, lambda x: x**3, [array(4)]),
    "pow 1": (lambda x: x**1, lambda x: x, [np.array([0.0, 1.0])]),
    "pow 2 at 0": (lambda x: x**2, lambda x: x**2, [np.array([0.0, 1.0])]),
    "pow 0": (lambda x: x**0 + x, lambda x: 1 + x, [np.array([0.0, 1.0])]),
    "pow -2": (lambda x: x**-2, lambda x: x**-2, [array(4)]),
    "2 pow": (lambda x: 2**x, lambda x: 2**x, [array(4)]),
    "reflected": (lambda x: 1 - 2 / x + 3 * x + 4, lambda x: 5 - 2 / x + 3 * x, [array(4)]),
    "abs": (ops.abs, np.abs, [array(2, 3)]),
    "exp": (ops.exp, np.exp, [array(2, 3)]),
    "log": (ops.log, np.log, [positive(2, 3)]),
    "sqrt": (ops.sqrt, np.sqrt, [positive(2, 3)]),
    "tanh": (ops.tanh, np.tanh, [array(2, 3)]),
    "sigmoid": (ops.sigmoid, lambda x: 1 / (1 + np.exp(-x)), [array(2, 3)]),
    "relu": (ops.relu, lambda x: x * (x > 0), [array(2, 3)]),
    "clamp": (lambda x: ops.clamp(x, -1, 1), lambda x: np.clip(x, -1, 1), [array(7)]),
    "clip, min": (lambda x: x.clip(min=0.5), lambda x: np.maximum(x, 0.5), [array(7)]),
    "clamp, tensors": (ops.clamp, np.clip, [array(5), array(5, seed=1) - 1, array(5, seed=1) + 1]),
    "maximum": (ops.maximum, np.maximum, [array(2, 3), array(3, seed=1)]),
    "minimum": (ops.minimum, np.minimum, [array(2, 3), array(2, 1, seed=1)]),
    "where": (
        lambda a, b: ops.where(lucid.tensor(MASK), a, b),
        lambda a, b: np.where(MASK, a, b),
        [array(3), array(2, 1, seed=1)],
    ),
    "masked_fill": (
        lambda x: x.masked_fill(lucid.tensor(MASK), -1),
        lambda x: np.where(MASK, -1, x),
        [array(2, 3)],
    ),
    "matmul": (ops.matmul, np.matmul, [array(2, 3), array(3, 4, seed=1)]),
    "matmul, vectors": (ops.matmul, np.matmul, [array(3), array(3, seed=1)]),
    "matmul, row": (ops.matmul, np.matmul, [array(3), array(2, 3, 2, seed=1)]),
    "matmul, column": (ops.matmul, np.matmul, [array(2, 2, 3), array(3, seed=1)]),
    "matmul, batches": (ops.matmul, np.matmul, [array(2, 1, 2, 3), array(3, 3, 1, seed=1)]),
    "sum": (ops.sum, np.sum, [array(2, 3)]),
    "sum, dim": (lambda x: x.sum(1), lambda x: x.sum(1), [array(2, 3, 2)]),
    "sum, dims": (
        lambda x: x.sum((0, -1), keepdim=True),
        lambda x: x.sum((0, -1), keepdims=True),
        [array(2, 3, 2)],
    ),
    "mean": (ops.mean, np.mean, [array(2, 3)]),
    "mean, dim": (lambda x: x.mean(-1, True), lambda x: x.mean(-1, keepdims=True), [array(2, 3)]),
    "var": (ops.var, lambda x: x.var(ddof=1), [array(2, 3)]),
    "var, dim": (lambda x: x.var(1, correction=0), lambda x: x.var(1), [array(2, 3)]),
    "std": (ops.std, lambda x: x.std(ddof=1), [array(2, 3)]),
    "std, dim": (
        lambda x: x.std((0, 2), keepdim=True),
        lambda x: x.std((0, 2), ddof=1, keepdims=True),
        [array(2, 3, 2)],
    ),
    "prod": (ops.prod, np.prod, [array(2, 3)]),
    "prod, dim": (lambda x: x.prod(1), lambda x: x.prod(1), [array(2, 5)]),
    "prod, zeros": (ops.prod, np.prod, [np.array([2.0, 0.0, 3.0, 0.0, 5.0])]),
    "prod, keepdim": (lambda x: x.prod(0, True), lambda x: x.prod(0, keepdims=True), [array(2, 2)]),
    "amax": (ops.amax, np.max, [array(2, 3)]),
    "amax, dims": (lambda x: x.amax((0, 2)), lambda x: x.max((0, 2)), [array(2, 3, 2)]),
    "amin": (lambda x: x.amin(1, True), lambda x: x.min(1, keepdims=True), [array(2, 3)]),
    "max": (ops.max, np.max, [array(2, 3)]),
    "max, dim": (lambda x: x.max(1).values, lambda x: x.max(1), [array(2, 3)]),
    "min, dim": (lambda x: x.min(0, True)[0], lambda x: x.min(0, keepdims=True), [array(2, 3)]),
    "max, tensor": (ops.max, np.maximum, [array(2, 3), array(2, 3, seed=1)]),
    "softmax": (lambda x: x.softmax(1), lambda x: softmax(x, 1), [array(2, 3, 2)]),
    "log_softmax": (lambda x: x.log_softmax(0), lambda x: np.log(softmax(x, 0)), [array(3, 2)]),
    "reshape": (lambda x: x.reshape(3, -1), lambda x: x.reshape(3, 2), [array(2, 3)]),
    "view": (lambda x: x.view(3, 2), lambda x: x.reshape(3, 2), [array(2, 3)]),
    "flatten": (lambda x: x.flatten(1), lambda x: x.reshape(2, 6), [array(2, 3, 2)]),
    "flatten, 0-d": (ops.flatten, lambda x: x.reshape(1), [array()]),
    "transpose": (lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, 2), [array(2, 3, 2)]),
    "permute": (lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), [array(2, 3, 2)]),
    "T": (lambda x: x.T, np.transpose, [array(2, 3)]),
    "mT": (lambda x: x.mT, lambda x: x.swapaxes(-1, -2), [array(2, 3, 2)]),
    "squeeze": (ops.squeeze, np.squeeze, [array(1, 3, 1)]),
    "squeeze, dim": (lambda x: x.squeeze(1), lambda x: x, [array(1, 3, 1)]),
    "unsqueeze": (lambda x: x.unsqueeze(-1), lambda x: x[..., None], [array(2, 3)]),
    "expand": (lambda x: x.expand(4, -1, 3), lambda x: np.tile(x, (4, 1, 3)), [array(2, 1)]),
    "flip": (lambda x: x.flip(0, -1), lambda x: x[::-1, ::-1], [array(2, 3)]),
    "getitem": (lambda x: x[1:, ..., None, -1], lambda x: x[1:, ..., None, -1], [array(3, 2, 2)]),
    "getitem, number": (lambda x: x[1, 0], lambda x: x[1, 0], [array(3, 2)]),
    "getitem, mask": (lambda x: x[lucid.tensor(MASK)], lambda x: x[MASK], [array(2, 3)]),
    "getitem, twice": (lambda x: x[[1, 1, 0]], lambda x: x[[1, 1, 0]], [array(2, 3)]),
    "getitem, tensors": (
        lambda x: x[lucid.tensor([1, 0]), :, lucid.tensor([0, 0])],
        lambda x: x[[1, 0], :, [0, 0]],
        [array(2, 3, 2)],
    ),
    "gather": (
        lambda x: x.gather(1, lucid.tensor(INDEX)),
        lambda x: np.take_along_axis(x, INDEX, 1),
        [array(2, 3)],
    ),
    "cat": (
        lambda a, b: ops.cat([a, b, a], 1),
        lambda a, b: np.concatenate([a, b, a], 1),
        [array(2, 3), array(2, 1, seed=1)],
    ),
    "stack": (
        lambda a, b: ops.stack([a, b], -1),
        lambda a, b: np.stack([a, b], -1),
        [array(2, 3), array(2, 3, seed=1)],
    ),
    "split": (lambda x: x.split([1, 2], 1)[1], lambda x: x[:, 1:], [array(2, 3)]),
    "clone": (ops.clone, np.copy, [array(2, 3)]),
    "contiguous": (lambda x: x.T.contiguous(), np.transpose, [array(2, 3)]),
    "to and back": (lambda x: x.to(lucid.float64).double() * 2, lambda x: x * 2, [array(3)]),
    "mse_loss": (ops.mse_loss, lambda a, b: ((a - b) ** 2).mean(), [array(4), array(4, seed=1)]),
    "batch_norm": (
        lambda x, w, b: ops.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: (
            ((x - x.mean((0, 2), keepdims=True)) / np.sqrt(x.var((0, 2), keepdims=True) + 1e-5))
            * w[:, None]
            + b[:, None]
        ),
        [array(2, 3, 4), array(3), array(3, seed=1)],
    ),
    "max_pool1d": (
        lambda x: ops.max_pool1d(x, 2, padding=1),
        lambda x: np.stack([x[..., 0], x[..., 1:3].max(-1), x[..., 3]], -1),
        [array(2, 2, 4)],
    ),
    "adaptive_avg_pool1d": (
        lambda x: ops.adaptive_avg_pool1d(x, 2),
        lambda x: np.stack([x[..., :3].mean(-1), x[..., 2:].mean(-1)], -1),
        [array(2, 2, 5)],
    ),
    "cross_entropy": (
        lambda x: ops.cross_entropy(x, lucid.tensor([2, 0]), label_smoothing=0.25),
        lambda x: (
            -(np.log(softmax(x, 1)) * (np.array([[0, 0, 0.75], [0.75, 0, 0]]) + 0.25 / 3)).sum() / 2
        ),
        [array(2, 3)],
    ),
    "nll_loss": (
        lambda x: ops.nll_loss(x, lucid.tensor([[2, 0], [1, 1]]), reduction="sum"),
        lambda x: -(x[0, 2, 0] + x[0, 0, 1] + x[1, 1, 0] + x[1, 1, 1]),
        [array(2, 3, 2)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    op, reference, inputs = CASES[name]
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        given = [np.asarray(a, dtype) for a in inputs]
        out = op(*[lucid.tensor(a) for a in given])
        expected = np.asarray(reference(*[a.astype(np.float64) for a in given]))
        if dtype is np.float64 or name != "to and back":
            assert out.dtype.numpy == dtype
        assert out.shape == expected.shape
        np.testing.assert_allclose(out.numpy(), expected, tolerance, tolerance)


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name):
    op, _, inputs = CASES[name]
    check_gradients(op, *[lucid.tensor(np.asarray(a, np.float64)) for a in inputs])


def test_every_op_is_tested():
    made_by_hand = {
        "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like",
        "linspace", "ones", "ones_like", "rand", "rand_like", "randint", "randint_like", "randn",
        "randn_like", "randperm", "tensor", "zeros", "zeros_like",
    }  # fmt: skip
    no_gradient = {
        "all", "any", "argmax", "argmin", "bitwise_and", "bitwise_not", "bitwise_or", "bool", "eq",
        "ge", "gt", "int", "isfinite", "isnan", "le", "logical_and", "logical_not", "logical_or",
        "long", "lt", "ne", "sign",
    }  # fmt: skip
    elsewhere = {"conv1d", "as_index", "raw", "tensor_repr", "one_hot"}  # test_habits.py
    elsewhere |= {  # test_activations.py, test_losses.py, test_small_layers.py
        "alpha_dropout", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu",
        "dropout", "dropout1d", "elu", "embedding", "gelu", "glu", "hardsigmoid", "hardswish",
        "hardtanh", "huber_loss", "kl_div", "l1_loss", "leaky_relu", "logsigmoid", "mish", "prelu",
        "relu6", "selu", "silu", "smooth_l1_loss", "softplus", "softsign", "unflatten",
    }  # fmt: skip
    elsewhere |= {"from_dlpack", "to_array", "to_dlpack", "to_numpy"}  # test_io_memory.py
    same_as = {"clip", "double", "float", "min", "getitem", "to"}
    elsewhere |= TESTED | NAMED | {"adaptive_max_pool1d", "avg_pool1d", "interpolate", "lp_pool1d"}
    elsewhere |= {"max_unpool1d", "pad"}  # in test_shapes_of_signals.py
    # test_conv_transpose.py, test_norms.py
    elsewhere |= {"conv_transpose1d", "group_norm", "instance_norm", "layer_norm", "rms_norm"}
    tested = {name.split(",")[0].split(" ")[0] for name in CASES}
    known = tested | made_by_hand | no_gradient | elsewhere | same_as
    public = {name for name in ops.__all__ if name not in known}
    assert not public - {"check_tensor", "linear"}, "ops without a case above"


# ---------------------------------------------------------------------------- without a gradient


def test_comparisons_and_logic():
    a, b = lucid.tensor([1.0, 2.0, NAN]), lucid.tensor([2, 2, 2])
    assert (a == b).tolist() == [False, True, False]
    assert (a != b).tolist() == [True, False, True]
    assert (a < b).tolist() == [True, False, False]
    assert (a <= b).tolist() == [True, True, False]
    assert (a > b).tolist() == [False, False, False]
    assert (a >= 2).tolist() == [False, True, False]
    assert (a < 2).tolist() == [True, False, False]
    assert a.isnan().tolist() == [False, False, True]
    assert lucid.isfinite(lucid.tensor([1.0, INF, NAN])).tolist() == [True, False, False]
    assert lucid.isfinite(b).tolist() == [True] * 3
    p, q = lucid.tensor([True, True, False]), lucid.tensor([True, False, False])
    assert (p & q).tolist() == p.logical_and(q).tolist() == [True, False, False]
    assert (p | q).tolist() == p.logical_or(q).tolist() == [True, True, False]
    assert (~p).tolist() == p.logical_not().tolist() == [False, False, True]
    assert (p & True).tolist() == p.tolist()
    assert all(t.dtype is lucid.bool for t in (a == b, a < 1, p & q, ~p, a.isnan()))


def test_bits_of_whole_numbers():
    x = lucid.tensor([0, 5, -1])
    assert (~x).tolist() == [-1, -6, 0]
    assert (x & 6).tolist() == [0, 4, 6]
    assert (x | 6).tolist() == [6, 7, -1]
    assert (~lucid.tensor([1], dtype=lucid.uint8)).tolist() == [254]
    for wrong in (lambda: ~lucid.ones(1), lambda: lucid.ones(1) & True, lambda: x | 1.5):
        with pytest.raises(TypeError, match="needs bools or whole numbers, got float32"):
            wrong()


def test_places_of_extremes():
    x = lucid.tensor([[1, 5, 5], [4, 4, 2]])
    assert x.argmax().item() == 1
    assert x.argmin(1).tolist() == [0, 2]
    assert x.argmax(0, keepdim=True).tolist() == [[1, 0, 0]]
    assert x.argmax().dtype is lucid.int64
    values, indices = x.max(1)
    assert (values.tolist(), indices.tolist()) == ([5, 4], [1, 0])
    assert x.min(0, keepdim=True).values.shape == (1, 3)
    assert lucid.tensor([1.0, NAN, 3.0]).argmax().item() == 1
    for dtype in (lucid.uint8, lucid.int32, lucid.int64):
        y = lucid.tensor([[3, 1], [0, 2]], dtype=dtype)
        assert (y.amin().item(), y.amax().item()) == (0, 3)
        assert y.amin(1).tolist() == [1, 0]
        assert y.amin().dtype is y.min().dtype is dtype
    b = lucid.tensor([[True, False], [True, True]])
    assert (b.amin(0).tolist(), b.amax(0).tolist()) == ([True, False], [True, True])


def test_any_all_and_sign():
    x = lucid.tensor([[0, 1], [0, 0]])
    assert (x.any().item(), x.all().item()) == (True, False)
    assert x.any(1).tolist() == [True, False]
    assert x.any(0, keepdim=True).shape == (1, 2)
    assert lucid.tensor([-2, 0, 3]).sign().tolist() == [-1, 0, 1]
    assert (lucid.zeros(0).all().item(), lucid.zeros(0).any().item()) == (True, False)


def test_conversions():
    x = lucid.tensor([-1.7, 0.0, 2.5])
    assert (x.long().tolist(), x.long().dtype) == ([-1, 0, 2], lucid.int64)
    assert (x.int().tolist(), x.int().dtype) == ([-1, 0, 2], lucid.int32)
    assert x.bool().tolist() == [True, False, True]
    assert x.double().float().dtype is lucid.float32
    assert x.to(lucid.float32) is x
    assert x.to("cpu") is x
    assert x.to("cpu", "float64").dtype is x.to(dtype=float).dtype is lucid.float64
    assert x.type_as(lucid.tensor([1])).dtype is lucid.int64
    with pytest.raises(ValueError, match="the only device is 'cpu', got 'cuda'"):
        x.to("cuda")
    with pytest.raises(TypeError, match="lucid has no dtype 'complex'"):
        x.to(complex)


# ------------------------------------------------------------------------------------- edge cases


def gradient(function, x):
    x = lucid.tensor(x, requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


def test_ties():
    assert gradient(lambda x: x.amax(), [1.0, 3.0, 3.0]) == [0, 0.5, 0.5]
    assert gradient(lambda x: x.amin(1), [[1.0, 1.0], [0.0, 2.0]]) == [[0.5, 0.5], [1, 0]]
    assert gradient(lambda x: x.max(0).values, [3.0, 3.0]) == [1, 0]
    assert gradient(lambda x: lucid.maximum(x, lucid.tensor([1.0, 2.0])), [1.0, 3.0]) == [0.5, 1]
    assert gradient(lambda x: lucid.minimum(x, x * 1), [1.0]) == [1]
    assert gradient(lambda x: lucid.ops.max_pool1d(x, 2), [[[4.0, 4.0]]]) == [[[1, 0]]]


def test_slopes_at_the_kinks():
    assert gradient(lambda x: x.relu(), [0.0]) == [0]
    assert gradient(lambda x: x.abs(), [0.0]) == [0]
    assert gradient(lambda x: x.clamp(-1, 1), [-1.0, 1.0, 1.5]) == [1, 1, 0]
    assert gradient(lambda x: x.std(), [2.0, 2.0]) == [0, 0]
    assert gradient(lambda x: x.sqrt(), [0.0]) == [INF]
    assert gradient(lambda x: x**0, [0.0]) == [0]
    assert gradient(lambda p: lucid.tensor([0.0, 2.0]) ** p, [2.0, 0.0])[0] == 0


def test_extremes_of_large_numbers():
    big = np.finfo(np.float32).max
    x, y = lucid.full((1,), float(big), requires_grad=True), lucid.full((1,), float(big))
    assert lucid.maximum(x, y).item() == lucid.minimum(x, y).item() == big
    assert gradient(lambda x: 1 / x, [1e30]) == [-0.0]
    assert gradient(lambda x: x / 1e30, [1e30])[0] == pytest.approx(1e-30)


def test_nan_passes_through():
    x = lucid.tensor([1.0, NAN])
    for out in (
        x.relu(), x.exp(), x.clamp(0, 2), x.abs(), x + 1, lucid.maximum(x, lucid.zeros(2)),
        lucid.minimum(lucid.zeros(2), x), x.sigmoid(), x.tanh(), x.sqrt(), x**2,
    ):  # fmt: skip
        assert out.isnan().tolist() == [False, True]
    for out in (x.sum(), x.mean(), x.max(), x.amin(), x.softmax(0)[0], x.prod(), x.std()):
        assert out.isnan().item()
    pooled, place = lucid.ops.max_pool1d(lucid.tensor([[[1.0, NAN, 2.0]]]), 3, return_indices=True)
    assert pooled.isnan().item()
    assert place.item() == 1


def test_arithmetic_out_of_range_is_silent():
    x = lucid.tensor([1e38, -1e38, 0.0, INF])
    assert (x * 100).tolist()[:2] == [INF, -INF]
    assert (x + x + x + x)[0].item() == INF
    assert (x - INF).isnan().tolist() == [False, False, False, True]
    assert (x / 0).tolist()[0] == INF
    assert (x / 0)[2].isnan()
    assert x.exp().tolist()[:2] == [INF, 0]
    assert x.log()[2].item() == -INF
    assert x.sum().item() == INF
    assert lucid.tensor([INF, -INF]).sum().isnan()
    assert lucid.tensor([-INF, -INF]).softmax(0).isnan().all()
    assert lucid.tensor([-INF, 0.0]).log_softmax(0).tolist() == [-INF, 0]
    assert (lucid.ones(1) * 1e300).item() == INF
    assert lucid.tensor([1e300], dtype=lucid.float64).float().item() == INF
    with lucid.no_grad():
        assert x.mul_(1e38)[0].item() == INF


def test_softmax_of_large_scores():
    x = lucid.tensor([1000.0, 0.0], requires_grad=True)
    assert x.softmax(0).tolist() == [1, 0]
    assert x.log_softmax(0).tolist() == [0, -1000]
    x.log_softmax(0)[1].backward()
    assert x.grad.tolist() == [-1, 1]
    assert lucid.sigmoid(lucid.tensor([-1000.0, 1000.0])).tolist() == [0, 1]


def test_zero_dimensional_tensors():
    x = lucid.tensor(2.0, dtype=lucid.float64, requires_grad=True)
    y = (x * x).exp().sum().mean().reshape(1).squeeze().amax().prod()
    assert y.shape == ()
    y.backward()
    assert x.grad.item() == pytest.approx(4 * np.exp(4))
    assert x[None].shape == (1,)
    assert x.expand(3).sum().item() == 6
    with pytest.raises(IndexError, match=r"axis 1 does not exist in a tensor of 1 axes"):
        x.sum(1)
    with pytest.raises(IndexError, match=r"axis 0 does not exist in a tensor of 0 axes"):
        x.unbind(0)


def test_empty_tensors():
    x = lucid.zeros(0, 3, requires_grad=True)
    assert (x * 2 + lucid.ones(3)).exp().relu().shape == (0, 3)
    assert x.sum(0).tolist() == [0, 0, 0]
    assert x.sum().item() == 0
    assert x.prod(0).tolist() == [1, 1, 1]
    assert x.mean().isnan().item()
    assert x.softmax(1).shape == x.softmax(0).shape == (0, 3)
    assert (x @ lucid.ones(3, 2)).shape == (0, 2)
    assert (x.T @ x).tolist() == [[0] * 3] * 3
    assert lucid.cat([x, lucid.ones(1, 3)]).shape == (1, 3)
    assert x.reshape(3, 0).flatten().flip(0).shape == (0,)
    assert x[:, [0, 0]].shape == (0, 2)
    assert x[[]].shape == (0, 3)
    assert [t.shape for t in x.split(2)] == [(0, 3)]
    (x.sum() + x.prod()).backward()
    assert x.grad.shape == (0, 3)
    for wrong in (lambda: x.amax(), lambda: x.max(0), lambda: x.argmin(), lambda: x.amin(0)):
        with pytest.raises(ValueError, match=r"no number to choose from: shape \(0, 3\)"):
            wrong()


def test_views_and_copies():
    x = lucid.zeros(2, 3)
    for view in (
        x[0], x[0, 0], x[:, 1:], x.T, x.reshape(6), x.view(3, 2), x.unsqueeze(0), x.squeeze(),
        x.flatten(), x.split(1)[0], x.expand(2, 2, 3), x.detach(), x.transpose(0, 1), next(iter(x)),
    ):  # fmt: skip
        assert np.shares_memory(view.numpy(), x.numpy())
    for copied in (x[[0]], x.clone(), x.T.reshape(6), x[x == 0], x.flip(0), x.double(), x + 0):
        assert not np.shares_memory(copied.numpy(), x.numpy())
    x[0][1].fill_(5)
    assert x[0].tolist() == [0, 5, 0]
    with pytest.raises(ValueError, match=r"view needs contiguous numbers.*\n  try: x.reshape"):
        x.T.view(6)


# ------------------------------------------------------------------------------------------- errors


X = lucid.arange(6, dtype=lucid.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: X + lucid.ones(2), lucid.ShapeError, r"got \(2, 3\) and \(2,\)"),
        (lambda: X * np.ones(3), TypeError, "got a NumPy array\n  try: lucid.from_numpy"),
        (lambda: np.ones(3) * X, TypeError, "got a NumPy array"),
        (lambda: X + "1", TypeError, "tensors compute with tensors and numbers, got str: '1'"),
        (lambda: X + 1j, TypeError, "got complex"),
        (lambda: lucid.tensor([2]) ** -1, ValueError, r"try: x.float\(\) \*\* p"),
        (lambda: lucid.tensor([True]) ** lucid.tensor([True]), TypeError, "no powers"),
        (lambda: -lucid.tensor([True]), TypeError, "has no negative"),
        (lambda: lucid.tensor([True]) - lucid.tensor([True]), TypeError, "cannot be subtracted"),
        (lambda: lucid.tensor([1], dtype="uint8") + 300, ValueError, "300 does not fit into uint8"),
        (lambda: lucid.tensor([1]) * 2**70, ValueError, "does not fit into int64"),
        (lambda: X @ X, lucid.ShapeError, r"got \(2, 3\) @ \(2, 3\)"),
        (lambda: X @ 2, TypeError, "@ needs two tensors, got Tensor @ int"),
        (lambda: X @ lucid.ones(3).double(), TypeError, "got float32 and float64"),
        (lambda: X @ lucid.tensor(1.0), lucid.ShapeError, "at least one axis"),
        (lambda: X.sum(2), IndexError, r"axis 2 does not exist in a tensor of 2 axes"),
        (lambda: X.sum((0, 0)), ValueError, r"each axis can be reduced once, got dim=\(0, 0\)"),
        (lambda: X.long().mean(), TypeError, r"got int64\n  try: x.float\(\)"),
        (lambda: X.reshape(4), lucid.ShapeError, r"\(2, 3\) has 6, which does not fit \(4,\)"),
        (lambda: X.reshape(-1, -1), lucid.ShapeError, "reshape"),
        (lambda: X.reshape(1.5), TypeError, "a shape is made of ints"),
        (lambda: X.flatten(1, 0), ValueError, "start_dim <= end_dim"),
        (lambda: X.permute(0), ValueError, r"each of the 2 axes of \(2, 3\) once, got \(0,\)"),
        (lambda: X.expand(4, 3), lucid.ShapeError, r"cannot expand \(2, 3\) to \(4, 3\)"),
        (lambda: X.expand(3), lucid.ShapeError, "only axes of size 1"),
        (lambda: X[2], IndexError, "out of bounds"),
        (lambda: X[lucid.ones(1)], TypeError, r"got float32\n  try: x\[index.long\(\)\]"),
        (lambda: X["a"], TypeError, "an index is made of whole numbers or bools"),
        (lambda: X.gather(1, lucid.tensor([0])), lucid.ShapeError, r"got index \(1,\) for input"),
        (lambda: X.gather(1, lucid.tensor([[3]])), IndexError, "looks up 0 to 2 along axis 1"),
        (lambda: X.gather(1, lucid.tensor([[-1]])), IndexError, "got -1 to -1"),
        (lambda: X.gather(1, lucid.tensor([[True]])), TypeError, "whole numbers, got bool"),
        (lambda: lucid.cat([X, lucid.ones(2, 2)]), lucid.ShapeError, "equal sizes along"),
        (lambda: lucid.cat([]), TypeError, "at least one tensor"),
        (lambda: lucid.cat([X, X.double()]), TypeError, r"one dtype, got \['float32', 'float64'\]"),
        (lambda: lucid.stack([X, X.T]), lucid.ShapeError, "tensors of one shape"),
        (lambda: X.split([1, 1], 1), ValueError, r"add up to 3, the size of axis 1, got \[1, 1\]"),
        (lambda: X.split(0), ValueError, "must be at least 1, got 0"),
        (lambda: X.clamp(), ValueError, "clamp needs min, max or both"),
        (lambda: lucid.where(X, X, X), TypeError, "got float32\n  try: condition != 0"),
        (lambda: lucid.where(X > 0, lucid.ones(2), 1), lucid.ShapeError, "broadcast with both"),
        (lambda: ops.mse_loss(X, X.T), lucid.ShapeError, r"try: target.reshape\(2, 3\)"),
        (lambda: ops.mse_loss(X, X, "avg"), ValueError, "'mean', 'sum' or 'none', got 'avg'"),
        (lambda: ops.cross_entropy(X, lucid.tensor([0, 3])), ValueError, "0 to 2, got 3$"),
        (lambda: ops.cross_entropy(X, X[:, 0]), TypeError, "whole numbers, got float32"),
        (lambda: ops.cross_entropy(X, lucid.tensor([[0], [1]])), lucid.ShapeError, "squeeze"),
        (lambda: ops.cross_entropy(X[0], lucid.tensor(0)), lucid.ShapeError, "one row per sample"),
        (lambda: ops.batch_norm(X[0], None, None), lucid.ShapeError, r"\(N, C\) or \(N, C, L\)"),
        (lambda: ops.batch_norm(X[:1], None, None, training=True), ValueError, "more than one"),
        (lambda: ops.max_pool1d(X[None], 4), lucid.ShapeError, "no window fits"),
        (lambda: ops.max_pool1d(X[None], 2, padding=2), ValueError, "half of kernel_size=2"),
        (lambda: ops.max_pool1d(X[0], 2), lucid.ShapeError, "max_pool1d expected an input"),
        (lambda: ops.adaptive_avg_pool1d(X[None], 0), ValueError, "output_size must be at least 1"),
    ],
)  # fmt: skip
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_the_builtins_are_not_shadowed_where_they_are_used():
    # lucid.ops.float and its like have the names of builtins; the ops must not mix them up
    assert ops.float is not builtins.float
    assert lucid.tensor([1.5]).long()[0].item() == 1
