"""Optimizers: their formulas, the step, and what they refuse."""

import inspect
import math

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
)

from optimizers import ALL, array, give, leaf, trained

# ---------------------------------------------------------------------------------- the formulas


@pytest.mark.parametrize(("kind", "options"), ALL)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-12)])
def test_step_by_step_like_the_reference(kind, options, dtype, tolerance, request):
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(getattr(torch, dtype))  # in it, NAdam keeps the product of its mu
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape).astype(dtype) for shape in [(3, 4), (5,), ()]]
    ours = [lucid.tensor(a, requires_grad=True) for a in start]
    theirs = [torch.tensor(a, requires_grad=True) for a in start]
    groups = [{}, {"lr": 0.03}]
    a = kind([{"params": ours[:2]}, {"params": ours[2:], **groups[1]}], **options)
    b = getattr(torch.optim, kind.__name__)(
        [{"params": theirs[:2]}, {"params": theirs[2:], **groups[1]}], **options
    )
    for step in range(12):
        for p, q in zip(ours, theirs, strict=True):
            g = (rng.standard_normal(p.shape) * 10.0 ** rng.integers(-3, 2)).astype(dtype)
            p.grad = None if step == 0 and p.shape == () else lucid.tensor(g)
            q.grad = None if step == 0 and p.shape == () else torch.tensor(g)
        if step == 6:
            a.param_groups[0]["lr"] = b.param_groups[0]["lr"] = 0.02
        if step == 8:  # what the reference saved goes on here
            a.load_state_dict(b.state_dict())
        a.step()
        b.step()
        for p, q in zip(ours, theirs, strict=True):
            assert p.dtype.name == dtype
            np.testing.assert_allclose(array(p), q.detach().numpy(), rtol=tolerance, atol=tolerance)
            for name, value in b.state[q].items():
                if not a.state[p]:  # Adagrad's has something to remember from the beginning
                    assert b.state[q]["step"] == 0
                    continue
                mine = a.state[p][name]
                if name in ("step", "mu_product"):
                    assert mine == pytest.approx(value.item(), rel=tolerance)
                else:
                    assert mine.dtype.name == dtype
                    np.testing.assert_allclose(
                        array(mine), value.numpy(), rtol=10 * tolerance, atol=tolerance
                    )


def test_defaults_and_order_of_arguments_are_the_references():
    torch = pytest.importorskip("torch")
    for kind in {kind for kind, _ in ALL}:
        other = getattr(torch.optim, kind.__name__)
        mine = kind([leaf(1.0)])
        theirs = other([torch.ones(1)])
        for name, value in mine.defaults.items():
            assert theirs.defaults[name] == value
        known = inspect.signature(kind).parameters.values()
        position = [p.name for p in known if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert list(inspect.signature(other).parameters)[: len(position)] == position


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_the_reference_goes_on_from_our_state(kind, options):
    torch = pytest.importorskip("torch")
    (p, q), optimizer = trained(kind, options)
    p2, q2, unused = (torch.tensor(a) for a in (array(p), array(q), np.float32([4])))
    other = getattr(torch.optim, kind.__name__)(
        [{"params": [p2, unused]}, {"params": [q2], "lr": 0.05}], **options
    )
    to_theirs = lambda x: torch.tensor(array(x)) if isinstance(x, lucid.Tensor) else x  # noqa: E731
    saved = optimizer.state_dict()
    saved["state"] = {
        n: {name: to_theirs(x) for name, x in s.items()} for n, s in saved["state"].items()
    }
    other.load_state_dict(saved)
    p.grad, p2.grad = lucid.tensor([0.3, 0.7]), torch.tensor([0.3, 0.7])
    q.grad, q2.grad = lucid.tensor([0.1]), torch.tensor([0.1])
    optimizer.step()
    other.step()
    np.testing.assert_allclose(array(p), p2.numpy(), rtol=2e-6)
    np.testing.assert_allclose(array(q), q2.numpy(), rtol=2e-6)


def test_sgd_against_the_formula():
    p = leaf(1.0, -2.0, dtype=lucid.float64)
    optimizer = SGD([p], lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.2)
    x, b = np.array([1.0, -2.0]), None
    for t in range(5):
        g = np.array([t + 1.0, -t]) + 0.2 * x
        b = g if b is None else 0.9 * b + 0.5 * g
        x = x - 0.1 * b
        give(p, t + 1.0, -t)
        optimizer.step()
        np.testing.assert_allclose(array(p), x, rtol=1e-14)


@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_against_the_formula(decoupled):
    p = leaf(1.0, -2.0, dtype=lucid.float64)
    kind = AdamW if decoupled else Adam
    optimizer = kind([p], lr=0.1, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.3)
    x, m, v = np.array([1.0, -2.0]), 0, 0
    for t in range(1, 6):
        g = np.array([float(t), -1.0])
        give(p, *g)
        if decoupled:
            x = x - 0.1 * 0.3 * x
        else:
            g = g + 0.3 * x
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g**2
        x = x - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-4)
        optimizer.step()
        np.testing.assert_allclose(array(p), x, rtol=1e-13)


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_large_and_strided_parameters_step_as_small_ones_do(kind, options):
    rng = np.random.default_rng(0)
    numbers, grads = (rng.standard_normal((3, 2, 9001)).astype(np.float32) for _ in range(2))

    def stepped(pieces):
        ps = [lucid.from_numpy(a).requires_grad_() for a, _ in pieces]
        optimizer = kind(ps, **options)
        for _ in range(3):
            for p, (_, g) in zip(ps, pieces, strict=True):
                p.grad = lucid.from_numpy(g)
            optimizer.step()
        return [array(p) for p in ps]

    rows = stepped([(a.copy(), g) for a, g in zip(numbers, grads, strict=True)])
    (whole,) = stepped([(numbers.copy(), grads)])  # several blocks, the last one not full
    assert np.stack(rows).tobytes() == whole.tobytes()
    turned = np.ascontiguousarray(numbers.transpose(2, 0, 1)).transpose(1, 2, 0)
    (strided,) = stepped([(turned, grads)])
    np.testing.assert_allclose(strided, whole, rtol=1e-5, atol=1e-6)


def test_first_step_of_adam_is_lr_whatever_the_scale():
    for scale in (1e-3, 1.0, 1e6):
        p = leaf(0.0)
        give(p, scale)
        Adam([p], lr=0.5).step()
        assert p.item() == pytest.approx(-0.5, rel=1e-4)


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_they_find_the_minimum_or_climb(kind, options):
    p = leaf(1.5, -1.0)
    optimizer = kind([p], **{**options, "lr": 0.01, "weight_decay": 0.0})
    sign = -1.0 if options.get("maximize") else 1.0
    first = last = None
    for _ in range(60):
        optimizer.zero_grad()
        loss = sign * (p * p).sum()
        loss.backward()
        optimizer.step()
        first, last = first or loss.item(), loss.item()
    assert last * sign < first * sign


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_gradient_of_nan_or_inf_is_applied_silently(kind):
    p = leaf(1.0, 1.0, 1.0, 1.0)
    optimizer = kind([p], lr=0.1, weight_decay=0.1)
    for _ in range(2):
        give(p, math.nan, math.inf, 3e38, 1.0)
        optimizer.step()
    x = array(p)
    assert np.isnan(x[0])
    assert not np.isnan(x[3])


# ----------------------------------------------------------------------------- the step as a whole


def test_step_returns_what_the_closure_returns_and_records_in_it():
    p = leaf(2.0)
    optimizer = SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with lucid.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert p.item() == 1.0
    assert optimizer.step() is None


def test_step_without_gradients_does_nothing():
    p = leaf(1.0)
    optimizer = Adam([p])
    optimizer.step()
    optimizer.zero_grad()
    assert p.item() == 1.0
    assert not optimizer.state


def test_a_step_between_forward_and_backward_is_noticed():
    p = leaf(1.0, 2.0)
    loss = (p * p).sum()
    give(p, 1.0, 1.0)
    SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_gradient_of_another_shape_changes_nothing(kind):
    p, q = leaf(1.0), leaf(1.0, 2.0)
    give(p, 1.0)
    q._grad = lucid.ones(1)  # the setter of grad refuses it
    optimizer = kind([p, q], lr=0.1)
    with pytest.raises(ValueError, match=r"expected \(2,\), got \(1,\)"):
        optimizer.step()
    assert p.item() == 1.0
    assert not optimizer.state


def test_an_option_broken_later_changes_nothing():
    p, q = leaf(1.0), leaf(1.0)
    give(p, 1.0)
    give(q, 1.0)
    optimizer = SGD([{"params": [p]}, {"params": [q]}], lr=0.1)
    optimizer.param_groups[1]["lr"] = "0.1"
    with pytest.raises(TypeError, match=r"lr must be a number, got '0\.1'"):
        optimizer.step()
    assert p.item() == 1.0


def test_numpy_numbers_become_plain_ones():
    p = leaf(1.0)
    give(p, 1.0)
    optimizer = SGD([p], lr=np.float32(0.5))
    assert type(optimizer.param_groups[0]["lr"]) is float
    optimizer.param_groups[0]["lr"] = np.float64(0.25)
    optimizer.step()
    assert p.dtype is lucid.float32
    assert p.item() == 0.75


def test_zero_grad():
    p = leaf(1.0)
    give(p, 5.0)
    optimizer = SGD([p], momentum=0.5)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_an_optimizer_of_ones_own_with_only_step():
    class Plain(Optimizer):
        def __init__(self, params, rate):
            super().__init__(params, {"rate": rate})

        @lucid.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad, alpha=group["rate"])

    p = leaf(1.0)
    give(p, 2.0)
    Plain([p], rate=0.25).step()
    assert p.item() == 0.5


def test_a_subclass_without_a_formula_says_so():
    p = leaf(1.0)
    give(p, 2.0)
    with pytest.raises(NotImplementedError, match="def update"):
        Optimizer([p], {"lr": 0.1}).step()


def test_parameters_of_a_converted_model_keep_their_state():
    model = nn.Linear(2, 1)
    optimizer = Adam(model.parameters())
    model(lucid.ones(1, 2)).sum().backward()
    optimizer.step()
    model.double()
    optimizer.step()
    state = optimizer.state[model.weight]
    assert state["step"] == 2
    assert state["exp_avg"].dtype is model.weight.dtype is lucid.float64


# ------------------------------------------------------------------------------- what is refused


class PlainList(nn.Module):
    """Keeps its layers where no module looks."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 3)]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (list, ValueError, r"at least one parameter(.|\n)*try: model.parameters\(\)"),
        (lambda: iter(()), ValueError, "at least one parameter"),
        (
            lambda: PlainList().parameters(),
            ValueError,
            r"in a list or dict(.|\n)*\n  or:  self.layers = nn.ModuleList\(layers\), or nn.Module",
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 3)),
            TypeError,
            r"got the module Sequential itself\n  try: model.parameters\(\)$",
        ),
        (lambda: nn.Linear(2, 3), TypeError, r"Linear itself\n  try: model.parameters\(\)$"),
        (
            lambda: nn.BatchNorm1d(3).state_dict(),
            TypeError,
            r"got a dict of them, such as a state dict(.|\n)*\n  try: model.parameters\(\)$",
        ),
        (dict, TypeError, r"got one dict\n  try: \[group\]"),
        (lambda: leaf(1.0), TypeError, r"got one tensor\n  try: \[tensor\]"),
        (lambda: {"params": [leaf(1.0)]}, TypeError, r"got one dict\n  try: \[group\]"),
        (lambda: {leaf(1.0)}, TypeError, "an order"),
        (lambda: 3, TypeError, "iterable of tensors"),
        (lambda: ["weight"], TypeError, "changes tensors, got a str at place 0"),
        (lambda: [leaf(1.0), None], TypeError, "got a NoneType at place 1"),
        (lambda: [("weight", leaf(1.0))], TypeError, "got a tuple at place 0"),
        (lambda: [leaf(1.0), {"params": [leaf(1.0)]}], TypeError, "groups that are all dicts"),
        (lambda: [{"params": [leaf(1.0)]}, leaf(1.0)], TypeError, 'dict with "params"'),
        (lambda: [{"lr": 0.1}], TypeError, 'dict with "params"'),
        (lambda: [leaf(1.0) * 2], ValueError, "leaf tensors(.|\n)*detach"),
        (lambda: [leaf(1.0)] * 2, ValueError, "the one at place 1 came before"),
        (lambda: [{"params": p} for p in [leaf(1.0)] * 2], ValueError, "came before"),
    ],
)
def test_refused_parameters(kind, params, error, message):
    with pytest.raises(error, match=message):
        kind(params())


@pytest.mark.parametrize(
    ("kind", "options", "error", "message"),
    [
        (SGD, {"lr": -0.1}, ValueError, "lr must be at least 0 and finite, got -0.1"),
        (SGD, {"lr": math.nan}, ValueError, "lr must be"),
        (SGD, {"lr": math.inf}, ValueError, "finite, got inf"),
        (SGD, {"lr": True}, TypeError, "lr must be a number, got True"),
        (SGD, {"lr": "0.1"}, TypeError, "lr must be a number, got '0.1'"),
        (SGD, {"lr": None}, TypeError, "lr must be a number"),
        (SGD, {"momentum": -1}, ValueError, "momentum"),
        (SGD, {"weight_decay": -1}, ValueError, "weight_decay"),
        (SGD, {"nesterov": True}, ValueError, "needs momentum > 0"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, "dampening = 0"),
        (SGD, {"maximize": 1}, TypeError, "maximize must be True or False"),
        (Adam, {"betas": (0.9, 1.0)}, ValueError, "below 1, got 1.0"),
        (Adam, {"betas": (-0.1, 0.9)}, ValueError, "betas must be at least 0"),
        (Adam, {"betas": 0.9}, TypeError, "pair"),
        (Adam, {"betas": (0.9,)}, TypeError, "pair"),
        (Adam, {"eps": -1e-8}, ValueError, "eps"),
        (Adam, {"lr": -1}, ValueError, "lr"),
        (AdamW, {"weight_decay": -1}, ValueError, "weight_decay"),
        (AdamW, {"amsgrad": None}, TypeError, "amsgrad must be True or False"),
        (NAdam, {"momentum_decay": -1}, ValueError, "momentum_decay must be at least 0"),
        (RAdam, {"betas": (0.9, 1)}, ValueError, "below 1, got 1"),
        (RMSprop, {"alpha": -0.1}, ValueError, "alpha must be at least 0"),
        (RMSprop, {"centered": 1}, TypeError, "centered must be True or False"),
        (Adagrad, {"lr_decay": -1}, ValueError, "lr_decay must be"),
        (Adagrad, {"initial_accumulator_value": -1}, ValueError, "initial_accumulator_value"),
        (Adadelta, {"rho": 1.5}, ValueError, "rho must be at least 0 and at most 1, got 1.5"),
    ],
)
def test_refused_options(kind, options, error, message):
    with pytest.raises(error, match=message):
        kind([leaf(1.0)], **options)
    with pytest.raises(error, match=message):  # nor as the options of a group
        kind([{"params": [leaf(1.0)], **options}])


def test_a_refused_group_leaves_the_optimizer_as_it_was():
    p = leaf(1.0)
    optimizer = SGD([p], lr=0.1)
    bad = [
        {"params": [leaf(1.0), p]},
        {"params": [leaf(1.0), 3]},
        {"params": leaf(1.0), "lr": -1},
        {"params": leaf(1.0), "nesterov": True},
    ]
    for group in bad:
        with pytest.raises((TypeError, ValueError)):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1


def test_groups_and_their_options():
    p, q, r = leaf(1.0), leaf(1.0), leaf(1.0)
    optimizer = SGD([{"params": (x for x in [p])}, {"params": q, "lr": 0.5, "name": "q"}], lr=0.25)
    given = {"params": [r], "lr": 0.125}
    optimizer.add_param_group(given)
    assert given == {"params": [r], "lr": 0.125}
    for x in (p, q, r):
        give(x, 1.0)
    optimizer.step()
    assert (p.item(), q.item(), r.item()) == (0.75, 0.5, 0.875)
    assert optimizer.param_groups[1]["name"] == "q"


def test_repr():
    assert repr(SGD([leaf(1.0)], lr=0.5)) == (
        "SGD (\nParameter Group 0\n    dampening: 0.0\n    lr: 0.5\n    maximize: False\n"
        "    momentum: 0.0\n    nesterov: False\n    weight_decay: 0.0\n)"
    )
