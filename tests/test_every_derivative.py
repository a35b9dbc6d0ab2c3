"""Every op's first and second derivative, without exception: a new one fails until it has a case.

A case is checked to have the op in its graph, with a gradient wanted for each of its inputs. The
first derivative is that of ``backward`` where nothing is recorded (a kernel, where there is one);
the second one comes from ``backward`` where it is recorded, the formula.
"""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F
from lucid.autograd import Function, grad
from lucid.ops.broadcast import SumTo
from lucid.ops.embedding import AddRows
from lucid.ops.index import AddAt, PutItem
from lucid.ops.normal import NormalCDF
from lucid.ops.recurrent import TakeRows
from lucid.ops.repeat import Fold
from lucid.ops.smooth import Smooth

from gradients import check_gradients


def spread(*shape, low=-2.0, high=2.0, seed=0):
    """Numbers no two of which are close to each other, to 0 or 1, nor to those of another seed."""
    numbers = np.linspace(low, high, int(np.prod(shape))) + 0.013 * (seed + 1)
    return np.random.default_rng([seed, *shape]).permutation(numbers).reshape(shape)


def positive(*shape, seed=0):
    return spread(*shape, low=0.3, high=0.9, seed=seed)


def weight_gradient(x, seed):
    """The gradient of a convolution in its weight: an op of the input and of what comes in."""
    weight = lucid.tensor(W, requires_grad=True)
    return grad(F.conv1d(x, weight), weight, seed, create_graph=True)[0]


def recurrent(name):
    """A recurrent layer as a function of all that it computes with."""
    layer = getattr(nn, name)(2, 3).double()
    states = 2 if name == "LSTM" else 1

    def function(x, h, *rest):
        *c, w_ih, w_hh, b_ih, b_hh = rest
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        for parameter, value in zip(names, (w_ih, w_hh, b_ih, b_hh), strict=True):
            vars(layer)[parameter] = value  # not a parameter: what it is computed from
        return layer(x, (h, *c) if c else h)[0]

    gates = {"RNN": 3, "LSTM": 12, "GRU": 9}[name]
    shapes = [(4, 2, 2), *[(1, 2, 3)] * states, (gates, 2), (gates, 3), (gates,), (gates,)]
    return function, [spread(*shape, seed=i) for i, shape in enumerate(shapes)]


A, B, C, P = spread(2, 3), spread(2, 3, seed=1), spread(2, 3, 4, seed=2), positive(2, 3)
W, Z = spread(4, 3, 2, seed=3), spread(2, 4, 3, seed=4)  # a weight, and the output of a conv1d
PLACES = np.array([[[2, 0], [1, 1], [3, 2]]] * 2)
ROWS = np.array([[1, 0], [1, 2]])
MASK = A > 0

# the name of the class: (a function with such a node, the arrays it is a function of)
CASES = {
    "Abs": (lucid.abs, [A]),
    "Acos": (lucid.acos, [A / 3]),
    "AdaptiveMaxPool": (lambda x: F.adaptive_max_pool1d(x, 3), [C]),
    "Add": (lucid.add, [A, A[:, :1]]),
    "AddAt": (lambda x: AddAt(PLACES, (2, 3, 5))(x), [C[:, :, :2]]),
    "AddRows": (lambda x: AddRows(ROWS, 4)(x), [C[:, :2]]),
    "Amax": (lambda x: x.amax(1), [A]),
    "Asin": (lucid.asin, [A / 3]),
    "Atan2": (lucid.atan2, [A, B]),
    "AvgPool": (lambda x: F.avg_pool1d(x, 3, 2, 1), [C]),
    "BatchNorm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [C, A[0], B[0]]),
    "BinaryCrossEntropy": (
        lambda x, t: F.binary_cross_entropy(x, t, reduction="none"), [P, positive(2, 3, seed=1)]
    ),
    "Cast": (lambda x: x.float().double(), []),
    "Cat": (lambda a, b: lucid.cat([a, b], 1), [A, B]),
    "Clone": (lucid.clone, [A]),
    "Conv1d": (lambda x, w, b: F.conv1d(x, w, b, padding=1, dilation=2), [C, W, Z[0, :, 0]]),
    "Conv1dInput": (lambda g, w, b: F.conv_transpose1d(g, w, b), [Z, W, A[0]]),
    "Conv1dWeight": (weight_gradient, [C, Z]),
    "Cosh": (lucid.cosh, [A]),
    "Cos": (lucid.cos, [A]),
    "CrossEntropy": (lambda x: F.cross_entropy(x, lucid.tensor([2, 0])), [A]),
    "CumSum": (lambda x: x.cumsum(1), [A]),
    "Div": (lucid.div, [A, P]),
    "ELU": (F.elu, [A]),
    "Einsum": (lambda a, b: lucid.einsum("ij,kj->ik", a, b), [A, B]),
    "Erf": (lucid.erf, [A]),
    "Erfc": (lucid.erfc, [A]),
    "Exp": (lucid.exp, [A]),
    "Expand": (lambda x: x.expand(4, 2, 3), [A]),
    "Expm1": (lucid.expm1, [A]),
    "Flip": (lambda x: x.flip(1), [A]),
    "Fold": (lambda x: Fold(1, 3, 2, (2, 7))(x), [C[:, :, :3]]),
    "GELU": (F.gelu, [A]),
    "GetItem": (lambda x: x[:, [0, 2, 0]] * x[:, 1:2], [A]),
    "GroupNorm": (lambda x, w, b: F.group_norm(x, 1, w, b), [C, A[0], B[0]]),
    "Hardtanh": (F.hardtanh, [A]),
    "Huber": (lambda x, t: F.huber_loss(x, t, reduction="none"), [A, B]),
    "Hypot": (lucid.hypot, [A, B]),
    "LeakyReLU": (F.prelu, [C, P[0]]),
    "Linear": (F.linear, [C, spread(2, 4, seed=6), P[0, :2]]),
    "Log": (lucid.log, [P]),
    "Log1p": (lucid.log1p, [P]),
    "LogAddExp": (lucid.logaddexp, [A, B]),
    "LogSigmoid": (F.logsigmoid, [A]),
    "LogSoftmax": (lambda x: x.log_softmax(1), [A]),
    "LogitLoss": (
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"), [A, P]
    ),
    "Logit": (lucid.logit, [P / 3]),
    "LogTo": (lucid.log2, [P]),
    "MatMul": (lucid.matmul, [C, spread(4, 2, seed=5)]),
    "MaxPool": (lambda x: F.max_pool1d(x, 2, 1), [C]),
    "Maximum": (lucid.maximum, [A, B]),
    "Mean": (lambda x: x.mean(1), [A]),
    "Minimum": (lucid.minimum, [A, B]),
    "Mish": (F.mish, [A]),
    "Mul": (lucid.mul, [A, A[:1]]),
    "Neg": (lucid.neg, [A]),
    "NormalCDF": (lambda x: NormalCDF()(x), [A]),
    "PadConstant": (lambda x: F.pad(x, (1, 2)), [A]),
    "Permute": (lambda x: x.permute(2, 0, 1), [C]),
    "Pow": (lucid.pow, [P, A]),
    "PutAt": (
        lambda x: F.max_unpool1d(x, lucid.tensor(np.array([[[0, 2, 5, 6]] * 3] * 2)), 2), [C]
    ),
    "PutItem": (lambda x: PutItem((slice(None), slice(0, 6, 2)), (2, 6))(x), [A]),
    "ReLU": (lucid.relu, [A]),
    "ReadAt": (lambda x: x.gather(2, lucid.tensor(PLACES)), [C]),
    "Recurrence": recurrent("GRU"),
    "Remainder": (lucid.remainder, [A, P]),
    "Reshape": (lambda x: x.reshape(3, 2), [A]),
    "Roll": (lambda x: x.roll(1, 1), [A]),
    "RowMap": (lambda x: F.interpolate(x, 7, mode="linear"), [C]),
    "Rows": (lambda w: F.embedding(lucid.tensor(ROWS), w), [spread(4, 2)]),
    "Scatter": (lambda x, s: x.scatter(1, lucid.tensor(ROWS), s), [A, B]),
    "ScatterAdd": (lambda x, s: x.scatter_add(1, lucid.tensor(ROWS), s), [A, B]),
    "SiLU": (F.silu, [A]),
    "Sigmoid": (lucid.sigmoid, [A]),
    "Sinh": (lucid.sinh, [A]),
    "Sin": (lucid.sin, [A]),
    "Softmax": (lambda x: x.softmax(1), [A]),
    "Softplus": (F.softplus, [A]),
    "Sqrt": (lucid.sqrt, [P]),
    "Sub": (lucid.sub, [A, A[0]]),
    "Sum": (lambda x: x.sum(1), [A]),
    "SumTo": (lambda x: SumTo((3, 1))(x), [C]),
    "TakeRows": (lambda x: TakeRows(np.array([2, -1, 0]))(x), [C.reshape(6, 4)]),
    "Tan": (lucid.tan, [P]),
    "TanhGELU": (lambda x: F.gelu(x, approximate="tanh"), [A]),
    "Tanh": (lucid.tanh, [A]),
    "Unfold": (lambda x: x.unfold(2, 2, 1), [C]),
    "Where": (lambda a, b: lucid.where(lucid.tensor(MASK), a, b), [A, B[:1]]),
    "XLogY": (lucid.xlogy, [A, P]),
}  # fmt: skip
BESIDES = {  # ops of which one class has several kinds
    "Recurrence, RNN": recurrent("RNN"),
    "Recurrence, LSTM": recurrent("LSTM"),
    "GroupNorm, rms": (lambda x, w: F.rms_norm(x, (4,), w), [C, Z[0, :, 0]]),
    "GroupNorm, groups": (lambda x, w, b: F.group_norm(x, 3, w, b), [C, A[0], B[0]]),
    "BatchNorm, given": (
        lambda x, w, b: F.batch_norm(
            x, lucid.tensor(A[0]), lucid.tensor(P[0]), w, b
        ), [C, A[0], B[0]]
    ),
    "LeakyReLU, one slope": (F.prelu, [C, P[0, :1]]),
    "CrossEntropy, positions": (
        lambda x: F.cross_entropy(x, lucid.tensor(ROWS), lucid.tensor(P[0])), [C[:, :, :2]]
    ),
}  # fmt: skip
CASES |= BESIDES


def ops(kind=Function):
    """The classes of ops that lucid has."""
    for child in kind.__subclasses__():
        if child.__module__.startswith("lucid.") and child is not Smooth:  # what some share
            yield child
        yield from ops(child)


def nodes(tensor):
    """All nodes behind a tensor."""
    found, stack = {}, [tensor.grad_fn]
    while stack:
        node = stack.pop()
        if isinstance(node, Function) and id(node) not in found:
            found[id(node)] = node
            stack += node.edges
    return found.values()


def test_there_is_a_case_for_every_op():
    names = [kind.__name__ for kind in ops()]
    assert len(names) == len(set(names)), "two ops of one name"
    assert {name.split(",")[0] for name in CASES} == set(names)


@pytest.mark.parametrize("name", [name for name in CASES if name != "Cast"])
def test_both_derivatives(name):
    function, arrays = CASES[name]
    inputs = [lucid.tensor(a, requires_grad=True) for a in arrays]
    of_this_kind = [n for n in nodes(function(*inputs)) if type(n).__name__ == name.split(",")[0]]
    assert any(all(node.needs) for node in of_this_kind), "not in the graph, or not whole"
    grad(function(*inputs).sum(), inputs)  # an error, if one is not used
    check_gradients(function, *[lucid.tensor(a) for a in arrays])


def test_both_derivatives_of_another_dtype():
    # of float32 there are too few digits for finite differences: by what is known of them instead
    x = lucid.tensor(A, requires_grad=True)
    weights = lucid.tensor(B, requires_grad=True)
    y = x.float()
    assert type(y.grad_fn).__name__ == "Cast"
    (first,) = grad(y * y, x, weights.float(), create_graph=True)
    assert first.dtype is lucid.float64
    np.testing.assert_allclose(first.detach().numpy(), 2 * A * B, 1e-6)
    second = grad(first.sum(), [x, weights])
    np.testing.assert_allclose(second[0].numpy(), 2 * B, 1e-6)
    np.testing.assert_allclose(second[1].numpy(), 2 * A, 1e-6)
