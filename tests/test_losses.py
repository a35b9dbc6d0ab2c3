"""Losses: against their definitions, finite differences, algebra, and PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

from gradients import check_gradients

REDUCTIONS = ("mean", "sum", "none")
INF, NAN = math.inf, math.nan


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# of one number each: input, target
DEFINITIONS = {
    "MSELoss": ({}, lambda x, t: (x - t) ** 2),
    "L1Loss": ({}, lambda x, t: abs(x - t)),
    "SmoothL1Loss": (
        {"beta": 0.7},
        lambda x, t: (x - t) ** 2 / 1.4 if abs(x - t) < 0.7 else abs(x - t) - 0.35,
    ),
    "HuberLoss": (
        {"delta": 0.7},
        lambda x, t: (x - t) ** 2 / 2 if abs(x - t) <= 0.7 else 0.7 * (abs(x - t) - 0.35),
    ),
    "BCELoss": ({}, lambda x, t: -t * math.log(x) - (1 - t) * math.log(1 - x)),
    "BCEWithLogitsLoss": (
        {},
        lambda x, t: -t * math.log(sigmoid(x)) - (1 - t) * math.log(1 - sigmoid(x)),
    ),
    "KLDivLoss": ({}, lambda x, t: t * (math.log(t) - x)),
}
each = pytest.mark.parametrize("name", DEFINITIONS)


def pairs(name, *shape, dtype="float64"):
    """An input and a target that the loss accepts."""
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal(shape), rng.standard_normal(shape)
    if name in ("BCELoss", "BCEWithLogitsLoss", "KLDivLoss"):
        t = rng.uniform(0.05, 0.95, shape)
    if name == "BCELoss":
        x = rng.uniform(0.05, 0.95, shape)
    return lucid.tensor(x, dtype=dtype), lucid.tensor(t, dtype=dtype)


def reduce(losses, reduction):
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()


@each
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(4,), (3, 2, 5), ()])
def test_by_the_definition(name, reduction, shape):
    options, definition = DEFINITIONS[name]
    x, t = pairs(name, *shape)
    loss = getattr(nn, name)(reduction=reduction, **options)
    expected = np.vectorize(definition)(x.numpy(), t.numpy())
    np.testing.assert_allclose(loss(x, t).numpy(), reduce(expected, reduction), 1e-12)
    single = loss(x.float(), t.float())
    assert single.dtype is lucid.float32
    np.testing.assert_allclose(single.numpy(), reduce(expected, reduction), 1e-5, 1e-6)


@each
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_derivatives(name, reduction):
    options, _ = DEFINITIONS[name]
    loss = getattr(nn, name)(reduction=reduction, **options)
    check_gradients(loss, *pairs(name, 3, 2), tolerance=1e-5 if name == "BCELoss" else 1e-6)


@each
def test_empty_and_strided(name):
    options, _ = DEFINITIONS[name]
    loss = getattr(nn, name)(reduction="none", **options)
    x, t = pairs(name, 4, 3, 2)
    expected = loss(x, t).numpy()
    transposed = loss(
        x.transpose(0, 2).contiguous().transpose(0, 2), t.transpose(0, 2).transpose(2, 0)
    )
    np.testing.assert_array_equal(transposed.numpy(), expected)
    empty = lucid.zeros(0, 3, requires_grad=True)
    assert loss(empty, lucid.zeros(0, 3)).shape == (0, 3)
    total = getattr(nn, name)(reduction="sum", **options)(empty, lucid.zeros(0, 3))
    total.backward()
    assert (total.item(), empty.grad.shape) == (0, (0, 3))
    assert math.isnan(getattr(nn, name)(**options)(empty, lucid.zeros(0, 3)).item())


@each
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
def test_the_same_as_in_torch(name, reduction):
    torch = pytest.importorskip("torch")
    options, _ = DEFINITIONS[name]
    ours = getattr(nn, name)(reduction=reduction, **options)
    theirs = getattr(torch.nn, name)(reduction=reduction, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x, t = (x.requires_grad_() for x in pairs(name, 4, 3, 5))
    compare_with_torch(torch, ours, theirs, x, t)


def compare_with_torch(torch, ours, theirs, *inputs, tolerance=1e-9):
    """Equal values and gradients, for inputs that require one or not."""
    others = [
        torch.tensor(x.detach().numpy().copy(), requires_grad=x.requires_grad) for x in inputs
    ]
    y, u = ours(*inputs), theirs(*others)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), tolerance, tolerance)
    g = np.random.default_rng(2).standard_normal(y.shape)
    y.backward(lucid.tensor(g, dtype=y.dtype))
    u.backward(torch.tensor(g, dtype=u.dtype))
    for x, other in zip(inputs, others, strict=True):
        if x.requires_grad:
            np.testing.assert_allclose(x.grad.numpy(), other.grad.numpy(), tolerance, tolerance)


# --------------------------------------------------------------------------------------- numbers


def test_huber_and_smooth_l1_are_one():
    x, t = pairs("L1Loss", 50)
    for width in (0.1, 1.0, 3.0):
        huber = F.huber_loss(x, t, "none", delta=width)
        smooth = F.smooth_l1_loss(x, t, "none", beta=width)
        np.testing.assert_allclose(huber.numpy(), (smooth * width).numpy(), 1e-12)
    assert F.smooth_l1_loss(x, t, beta=0).item() == F.l1_loss(x, t).item()
    wide = F.huber_loss(x, t, delta=INF)
    assert wide.item() == pytest.approx(F.mse_loss(x, t).item() / 2)


@pytest.mark.parametrize("name", ["HuberLoss", "SmoothL1Loss", "L1Loss"])
def test_corners_and_what_is_not_finite(name):
    torch = pytest.importorskip("torch")
    options = {"reduction": "none"} | DEFINITIONS[name][0]
    # at a distance of 0.7 from 0 begins the line: 1 and -1 stand on either side of it
    x = lucid.tensor([0.0, 0.7, -0.7, 1.0, -1.0, 1e4, INF, -INF], requires_grad=True)
    compare_with_torch(
        torch, getattr(nn, name)(**options), getattr(torch.nn, name)(**options), x, lucid.zeros(8),
        tolerance=1e-6,
    )  # fmt: skip


def test_whole_numbers():
    x, t = lucid.tensor([1, 5]), lucid.tensor([1, 2])
    assert F.l1_loss(x, t, "sum").item() == 3
    assert F.huber_loss(x, t, "sum").item() == 2.5


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "kl_div"])
def test_shapes_that_differ(name):
    function = getattr(F, name)
    with pytest.raises(lucid.ShapeError, match=r"got \(3, 1\) and \(3,\)\n  try: target.reshape"):
        function(lucid.zeros(3, 1), lucid.zeros(3))
    with pytest.raises(lucid.ShapeError, match=r"got \(3, 1\) and \(3, 3\)\n  try: x.expand"):
        function(lucid.zeros(3, 1), lucid.zeros(3, 3))
    with pytest.raises(TypeError, match=f"{name} needs a tensor for target, got list"):
        function(lucid.zeros(1), [0.0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.HuberLoss(delta=0), ValueError, "delta must be greater than 0, got 0"),
        (lambda: nn.HuberLoss(delta=NAN), ValueError, "delta must be greater than 0, got nan"),
        (lambda: nn.SmoothL1Loss(beta=-1.0), ValueError, "beta must be at least 0, got -1.0"),
        (lambda: nn.SmoothL1Loss(beta="1"), TypeError, "beta must be a number, got str"),
        (lambda: nn.L1Loss("average"), ValueError, "'mean', 'sum' or 'none', got 'average'"),
        (lambda: nn.L1Loss("batchmean"), ValueError, "'mean', 'sum' or 'none', got 'batchmean'"),
        (lambda: nn.KLDivLoss("max"), ValueError, "'mean', 'sum', 'batchmean' or 'none', got"),
        (lambda: nn.BCELoss(reduction=lucid.ones(2)), TypeError, "reduction must be .* got Tensor"),
        (lambda: nn.NLLLoss(None, 0.5), TypeError, "ignore_index must be an int, got float"),
    ],
)
def test_wrong_options(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --------------------------------------------------------------------------------- probabilities


def test_scores_and_probabilities_give_one_loss():
    x, t = pairs("BCEWithLogitsLoss", 40)
    np.testing.assert_allclose(
        F.binary_cross_entropy_with_logits(x, t, reduction="none").numpy(),
        F.binary_cross_entropy(x.sigmoid(), t, reduction="none").numpy(),
        1e-10,
    )
    # yes and no are two classes, of which one has the score 0
    scores = lucid.stack([x * 0, x], 1)
    both = lucid.stack([1 - t, t], 1)
    np.testing.assert_allclose(
        F.binary_cross_entropy_with_logits(x, t).item(), F.cross_entropy(scores, both).item(), 1e-12
    )


def test_certain_and_wrong():
    x = lucid.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    t = lucid.tensor([1.0, 0.0, 0.0, 1.0])
    loss = F.binary_cross_entropy(x, t, reduction="none")
    assert loss.tolist() == [100, 100, 0, 0]
    loss.sum().backward()
    assert lucid.isfinite(x.grad).all()
    assert (x.grad[:2].abs() > 1e6).all()
    assert x.grad[2:].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_of_any_size(dtype):
    x = lucid.tensor([1e4, -1e4, 1e4, -1e4, 0.0], dtype=dtype, requires_grad=True)
    t = lucid.tensor([1.0, 0.0, 0.0, 1.0, 0.5], dtype=dtype)
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    np.testing.assert_allclose(loss.detach().numpy(), [0, 0, 1e4, 1e4, math.log(2)], 1e-6)
    loss.sum().backward()
    assert x.grad.tolist() == [0, 0, 1, -1, 0]
    never = F.binary_cross_entropy_with_logits(lucid.tensor([-INF]), lucid.tensor([1.0]))
    assert never.item() == INF  # nan in PyTorch
    small = F.binary_cross_entropy_with_logits(lucid.tensor([-30.0]), lucid.tensor([0.0]))
    assert small.item() == pytest.approx(math.exp(-30), rel=1e-5)  # not rounded to 0


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(4, 3), (3,), (4, 1), (1,), ()])
def test_weights_of_binary_losses(shape, reduction):
    torch = pytest.importorskip("torch")
    weight = 0.5 + lucid.rand(*shape, dtype="float64")
    positive = 0.5 + lucid.rand(*shape, dtype="float64")
    others = [torch.tensor(w.numpy()) for w in (weight, positive)]
    x, t = (x.requires_grad_() for x in pairs("BCELoss", 4, 3))
    compare_with_torch(
        torch,
        nn.BCELoss(weight, reduction=reduction),
        torch.nn.BCELoss(others[0], reduction=reduction),
        x, t,
    )  # fmt: skip
    x, t = (x.requires_grad_() for x in pairs("BCEWithLogitsLoss", 4, 3))
    compare_with_torch(
        torch,
        nn.BCEWithLogitsLoss(weight, reduction=reduction, pos_weight=positive),
        torch.nn.BCEWithLogitsLoss(others[0], reduction=reduction, pos_weight=others[1]),
        x, t,
    )  # fmt: skip


def test_extremes_are_those_of_torch():
    torch = pytest.importorskip("torch")
    x = lucid.tensor([0.0, 1.0, 0.0, 1.0, 0.3, 1e-30], requires_grad=True)
    t = lucid.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 0.4])
    options = {"reduction": "none"}
    compare_with_torch(
        torch, nn.BCELoss(**options), torch.nn.BCELoss(**options), x, t, tolerance=1e-6
    )
    x = lucid.tensor([1e4, -1e4, 1e4, -1e4, 50.0, INF, NAN, INF], requires_grad=True)
    t = lucid.tensor([1.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.0, 1.0])
    compare_with_torch(
        torch, nn.BCEWithLogitsLoss(**options), torch.nn.BCEWithLogitsLoss(**options), x, t,
        tolerance=1e-6,
    )  # fmt: skip


def test_errors_of_binary_losses():
    x, t = pairs("BCELoss", 4, 3)
    for function in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        with pytest.raises(
            TypeError, match=r"float64 for input and int64 for target\n  try: target"
        ):
            function(x, t.long())
        with pytest.raises(TypeError, match="needs a float32 or float64 input, got int64"):
            function(x.long(), t.long())
        with pytest.raises(lucid.ShapeError, match=r"must have one shape, got \(4, 3\) and \(4,\)"):
            function(x, t[:, 0])
        for shape in ((4,), (2, 4, 3)):
            with pytest.raises(lucid.ShapeError, match=r"weight must broadcast to .*\(4, 3\); got"):
                function(x, t, lucid.ones(*shape).double())
    with pytest.raises(lucid.ShapeError, match="pos_weight must broadcast"):
        F.binary_cross_entropy_with_logits(x, t, pos_weight=lucid.ones(2).double())
    for wrong in (-0.1, 1.5, NAN):
        with pytest.raises(ValueError, match=rf"from 0 to 1; got {wrong}\n  try: F.binary_cross_"):
            F.binary_cross_entropy(lucid.tensor([0.5, wrong]), lucid.ones(2))


@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("reduction", ["batchmean", *REDUCTIONS])
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
def test_kl_div(reduction, log_target):
    rng = np.random.default_rng(0)
    x = lucid.tensor(rng.standard_normal((4, 3, 2))).log_softmax(1)
    t = lucid.tensor(rng.standard_normal((4, 3, 2))).log_softmax(1)
    expected = np.exp(t.numpy()) * (t.numpy() - x.numpy())
    given = t if log_target else lucid.exp(t)
    loss = nn.KLDivLoss(reduction, log_target)
    expected = expected.sum() / 4 if reduction == "batchmean" else reduce(expected, reduction)
    np.testing.assert_allclose(loss(x, given).numpy(), expected, 1e-10)
    check_gradients(loss, x[:2, :, 0], given[:2, :, 0])
    torch = pytest.importorskip("torch")
    theirs = torch.nn.KLDivLoss(reduction=reduction, log_target=log_target)
    compare_with_torch(
        torch, loss, theirs, x.detach().requires_grad_(), given.detach().requires_grad_()
    )


def test_kl_div_is_a_divergence():
    p = lucid.tensor([[0.2, 0.3, 0.5]], dtype="float64")
    assert F.kl_div(lucid.log(p), p, "batchmean").item() == 0
    q = lucid.tensor([[0.3, 0.3, 0.4]], dtype="float64")
    assert F.kl_div(lucid.log(q), p, "batchmean").item() > 0
    sure = lucid.tensor([[0.0, 1.0, 0.0]], dtype="float64", requires_grad=True)
    loss = F.kl_div(lucid.log(q), sure, "batchmean")  # 0 log 0 is 0
    assert loss.item() == pytest.approx(-math.log(0.3))
    loss.backward()
    assert lucid.isfinite(sure.grad).all()


# --------------------------------------------------------------------------------------- classes


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 2, 2)])
@pytest.mark.parametrize("ignore", [-100, 1])
def test_nll(shape, weighted, reduction, ignore):
    scores = lucid.randn(*shape, dtype="float64").log_softmax(1)
    target = lucid.randint(0, 3, (shape[0], *shape[2:]))
    target[0] = ignore
    weight = 0.5 + lucid.rand(3, dtype="float64") if weighted else None
    loss = nn.NLLLoss(weight, ignore, reduction)
    out = np.zeros(target.shape)
    counted = 0.0
    for place in np.ndindex(target.shape):
        c = int(target[place].item())
        if c != ignore:
            share = weight[c].item() if weighted else 1.0
            out[place] = -share * scores[(place[0], c, *place[1:])].item()
            counted += share
    expected = {"mean": out.sum() / counted, "sum": out.sum(), "none": out}[reduction]
    np.testing.assert_allclose(loss(scores, target).numpy(), expected, 1e-10)
    x = lucid.randn(*shape, dtype="float64")
    np.testing.assert_allclose(
        nn.CrossEntropyLoss(weight, ignore, reduction)(x, target).numpy(),
        loss(x.log_softmax(1), target).numpy(),
        1e-10,
    )
    check_gradients(lambda s: loss(s, target), scores)
    torch = pytest.importorskip("torch")
    other = torch.tensor(weight.numpy()) if weighted else None
    theirs = torch.nn.NLLLoss(other, ignore_index=ignore, reduction=reduction)
    assert list(loss.state_dict()) == list(theirs.state_dict())
    compare_with_torch(torch, loss, theirs, scores.detach().requires_grad_(), target)


@pytest.mark.parametrize("scale", [1e4, -1e4])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_scores_of_any_size(scale, smoothing):
    torch = pytest.importorskip("torch")
    x = lucid.tensor([[scale, 0.0, 1.0], [0.0, scale, -scale]], requires_grad=True)
    ours = nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="none")
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="none")
    compare_with_torch(torch, ours, theirs, x, lucid.tensor([0, 2]), tolerance=1e-6)
    x = x.detach().requires_grad_()
    wanted = lucid.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    compare_with_torch(torch, ours, theirs, x, wanted, tolerance=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2)])
def test_cross_entropy_derivatives(shape, weighted, smoothing):
    weight = 0.5 + lucid.rand(3, dtype="float64") if weighted else None
    x = lucid.randn(*shape, dtype="float64")
    target = lucid.randint(0, 3, (shape[0], *shape[2:]))
    loss = nn.CrossEntropyLoss(weight, label_smoothing=smoothing)
    check_gradients(loss, x, target)
    check_gradients(loss, x, lucid.randn(*shape, dtype="float64").softmax(1))


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, nn.CrossEntropyLoss()])
@pytest.mark.parametrize("more", [(), (5,)])
def test_classes_before_the_scores(loss, more):
    scores, target = lucid.zeros(4, 3, *more), lucid.zeros(4, *more).long()
    with pytest.raises(lucid.DtypeError, match="takes the scores first") as caught:
        loss(target, scores)
    name = "nll_loss" if loss is F.nll_loss else "cross_entropy"
    assert str(caught.value).endswith(f"\n  try: F.{name}(scores, target)")
    assert f"int64 of shape {target.shape}, the second float32" in str(caught.value)
    loss(scores, target)
