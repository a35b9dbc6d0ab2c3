"""Optimizers: their formulas, what they refuse, and that lazy layers do not confuse them."""

import copy
import inspect
import math
import pickle

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
from lucid.optim.swa_utils import (
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)

ALL = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "weight_decay": 0.3, "maximize": True}),
    (SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.4, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.5, "nesterov": True, "maximize": True}),
    (Adam, {}),
    (Adam, {"lr": 0.1, "betas": (0.5, 0.8), "eps": 1e-3, "weight_decay": 0.2}),
    (Adam, {"lr": 0.1, "betas": (0.0, 0.3), "amsgrad": True}),
    (Adam, {"lr": 0.1, "maximize": True, "amsgrad": True, "weight_decay": 0.1}),
    (AdamW, {}),
    (AdamW, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.5, "amsgrad": True}),
    (AdamW, {"lr": 0.1, "weight_decay": 0.5, "maximize": True}),
    (Adam, {"lr": 0.1, "weight_decay": 0.5, "decoupled_weight_decay": True}),
    (NAdam, {}),
    (NAdam, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "momentum_decay": 0.1}),
    (NAdam, {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True}),
    (RAdam, {}),
    (RAdam, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "eps": 1e-3}),
    (RAdam, {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True}),
    (RMSprop, {}),
    (RMSprop, {"lr": 0.1, "alpha": 0.8, "weight_decay": 0.2, "eps": 1e-3, "maximize": True}),
    (RMSprop, {"alpha": 0.5, "momentum": 0.9}),
    (RMSprop, {"alpha": 0.5, "momentum": 0.9, "centered": True, "eps": 1e-2}),
    (Adagrad, {}),
    (Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.2, "maximize": True}),
    (Adagrad, {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    (Adadelta, {}),
    (Adadelta, {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.2, "maximize": True}),
]


def leaf(*numbers, dtype=lucid.float32):
    return lucid.tensor(list(numbers), dtype=dtype, requires_grad=True)


def give(p, *numbers):
    """Set a gradient."""
    p.grad = lucid.tensor(list(numbers), dtype=p.dtype)


def array(t):
    return t.detach().numpy().copy()


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


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (list, ValueError, r"at least one parameter(.|\n)*try: model.parameters\(\)"),
        (lambda: iter(()), ValueError, "at least one parameter"),
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


# ------------------------------------------------------------------------------------- the state


def trained(kind, options, steps=3):
    p, q, unused = leaf(1.0, 2.0), leaf(3.0), leaf(4.0)
    optimizer = kind([{"params": [p, unused]}, {"params": [q], "lr": 0.05}], **options)
    for i in range(steps):
        give(p, 1.0 + i, -1.0)
        give(q, 0.5)
        optimizer.step()
    return [p, q], optimizer


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_going_on_from_a_state_is_as_if_never_stopped(kind, options):
    (p, q), optimizer = trained(kind, options)
    saved = optimizer.state_dict()
    (p2, q2), other = trained(kind, options, steps=0)
    with lucid.no_grad():
        p2.copy_(p)
        q2.copy_(q)
    other.load_state_dict(saved)
    optimizer_twice = copy.deepcopy(saved)
    for x in (p, p2):
        give(x, 0.3, 0.7)
    for x in (q, q2):
        give(x, 0.1)
    optimizer.step()
    other.step()
    assert array(p).tobytes() == array(p2).tobytes()
    assert array(q).tobytes() == array(q2).tobytes()
    # What was saved is a copy: neither optimizer has changed it.
    assert repr(saved) == repr(optimizer_twice)


def is_plain(tree):
    if isinstance(tree, dict):
        return all(isinstance(k, str | int) and is_plain(v) for k, v in tree.items())
    if isinstance(tree, list | tuple):
        return all(map(is_plain, tree))
    return tree is None or type(tree) in (str, int, float, bool, lucid.Tensor)


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_state_dict_is_a_plain_tree_in_the_references_layout(kind, options):
    _, optimizer = trained(kind, options)
    state = optimizer.state_dict()
    assert is_plain(state)
    assert set(state) == {"state", "param_groups"}
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert state["param_groups"][1]["lr"] == 0.05
    assert set(state["state"]) == (set() if kind is SGD and "momentum" not in options else {0, 2})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("state"), '"state" and "param_groups"'),
        (lambda s: s.update(state=[]), '"state" a dict'),
        (lambda s: s["param_groups"].pop(), "this one has 2, the state 1"),
        (lambda s: s["param_groups"][0]["params"].pop(), "group 0 has 2, its state 1"),
        (lambda s: s["param_groups"][0].pop("params"), 'dict with "params"'),
        (lambda s: s["param_groups"][0].pop("lr"), "has no lr"),
        (lambda s: s["param_groups"][1].update(lr=-1), "lr must be at least 0"),
        (lambda s: s["param_groups"][1].update(lr="x"), "in the state of group 1: lr must be"),
        (lambda s: s["param_groups"][1].update(params=[0]), "have a number each"),
        (lambda s: s["state"].update({7: {}}), "parameter 7 belongs to no group"),
        (lambda s: s["state"][2].pop("exp_avg"), "the state of parameter 2 has step, exp_avg_sq"),
        (lambda s: s["state"].update({2: 5}), "the state of parameter 2 has a int"),
        (lambda s: s["state"][2].update(exp_avg=lucid.ones(3)), r"expected \(1,\), got \(3,\)"),
        (lambda s: s["state"][2].update(exp_avg=1.0), "exp_avg of parameter 2 is a tensor"),
        (lambda s: s["state"][2].update(step=-1), "step of parameter 2"),
        (lambda s: s["state"][2].update(step="many"), "step of parameter 2"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    _, optimizer = trained(Adam, {"lr": 0.1})
    before = repr(optimizer.state_dict())
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0]["lr"] = 0.7
    state["state"][0]["step"] = 99
    change(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before


def test_states_from_before_adam_had_an_option_still_load():
    for kind in (Adam, AdamW):
        _, optimizer = trained(kind, {})
        state = optimizer.state_dict()
        for group in state["param_groups"]:
            assert group.pop("decoupled_weight_decay") is (kind is AdamW)
        optimizer.load_state_dict(state)
        assert optimizer.param_groups[0]["decoupled_weight_decay"] is (kind is AdamW)
    _, adamw = trained(AdamW, {})
    adamw.load_state_dict(trained(Adam, {})[1].state_dict())
    assert adamw.param_groups[0]["decoupled_weight_decay"] is True


def test_a_scalar_of_a_state_is_checked():
    _, optimizer = trained(NAdam, {})
    state = optimizer.state_dict()
    state["state"][0]["mu_product"] = "x"
    with pytest.raises(ValueError, match="mu_product of parameter 0 is a number, got a str"):
        optimizer.load_state_dict(state)


def test_the_state_of_another_optimizer_is_refused():
    _, sgd = trained(SGD, {"momentum": 0.9})
    _, adam = trained(Adam, {})
    with pytest.raises(ValueError, match="has no betas, eps, amsgrad"):
        adam.load_state_dict(sgd.state_dict())
    with pytest.raises(ValueError, match="an optimizer of the same kind"):
        sgd.load_state_dict(adam.state_dict())
    with pytest.raises(ValueError, match="optimizer's state is a dict"):
        sgd.load_state_dict(None)


def test_copy_and_pickle():
    model = nn.Linear(2, 1)
    optimizer = Adam(model.parameters())
    model(lucid.ones(1, 2)).sum().backward()
    optimizer.step()
    for model2, optimizer2 in (
        copy.deepcopy((model, optimizer)),
        pickle.loads(pickle.dumps((model, optimizer))),
    ):
        assert optimizer2.param_groups[0]["params"][0] is model2.weight
        assert repr(optimizer2.state_dict()) == repr(optimizer.state_dict())
        model2.zero_grad()
        model2(lucid.ones(1, 2)).sum().backward()
        optimizer2.step()
        assert optimizer2.state[model2.weight]["step"] == 2
    assert optimizer.state[model.weight]["step"] == 1


# ----------------------------------------------------------------------------------- lazy layers


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_an_optimizer_built_before_the_first_forward(kind, options):  # contract 35, 36, 38
    lucid.manual_seed(0)
    lazy = nn.LazyConv1d(4, 3)
    optimizer = kind(lazy.parameters(), **options)
    optimizer.step()
    optimizer.zero_grad()
    optimizer.zero_grad(set_to_none=False)
    optimizer.load_state_dict(optimizer.state_dict())
    assert repr(optimizer).startswith(kind.__name__)
    assert lazy.weight is None
    lucid.manual_seed(0)
    eager = nn.Conv1d(2, 4, 3)
    other = kind(eager.parameters(), **options)
    x = lucid.randn(5, 2, 9)
    for _ in range(3):
        for model, opt in ((lazy, optimizer), (eager, other)):
            opt.zero_grad()
            (model(x) ** 2).mean().backward()
            opt.step()
    for name in ("weight", "bias"):
        p, q = getattr(lazy, name), getattr(eager, name)
        assert p.requires_grad
        assert array(p).tobytes() == array(q).tobytes()
        for value in optimizer.state[p].values():
            assert not isinstance(value, lucid.Tensor) or value.shape == p.shape


def test_a_placeholder_twice_is_refused():
    lazy = nn.LazyConv1d(4, 3)
    with pytest.raises(ValueError, match="came before"):
        SGD([*lazy.parameters(), *lazy.parameters()])


@pytest.mark.parametrize("channels", [2, 3])
def test_a_state_loaded_before_the_first_forward_is_checked_at_the_first_step(channels):
    eager = nn.Conv1d(2, 4, 3)
    optimizer = Adam(eager.parameters())
    eager(lucid.ones(1, 2, 5)).sum().backward()
    optimizer.step()
    lazy = nn.LazyConv1d(4, 3)
    other = Adam(lazy.parameters())
    other.load_state_dict(optimizer.state_dict())
    lazy(lucid.ones(1, channels, 5)).sum().backward()
    before = array(lazy.weight)
    if channels == 2:
        other.step()
        assert other.state[lazy.weight]["step"] == 2
        assert (array(lazy.weight) != before).any()
    else:
        with pytest.raises(ValueError, match=r"expected \(4, 3, 3\), got \(4, 2, 3\)"):
            other.step()
        assert (array(lazy.weight) == before).all()


# ------------------------------------------------------------------------------------- averages


def test_averages_of_a_model():
    model = nn.Linear(1, 1, bias=False)
    mean, ema = AveragedModel(model), AveragedModel(model, avg_fn=get_ema_avg_fn(0.75))
    values, expected = [4.0, 8.0, 0.0], None
    for value in values:
        nn.init.constant_(model.weight, value)
        mean.update_parameters(model)
        ema.update_parameters(model)
        expected = value if expected is None else 0.75 * expected + 0.25 * value
    assert mean.module.weight.item() == pytest.approx(np.mean(values))
    assert ema.module.weight.item() == pytest.approx(expected)
    assert mean.n_averaged.item() == 3
    assert mean(lucid.ones(1, 1)).item() == mean.module.weight.item()
    assert model.weight.item() == 0.0
    assert set(mean.state_dict()) == {"n_averaged", "module.weight"}


def test_averages_like_the_references():
    torch = pytest.importorskip("torch")
    from torch.optim import swa_utils as theirs

    for ours_fn, theirs_fn in (
        ({}, {}),
        ({"avg_fn": get_ema_avg_fn(0.9)}, {"avg_fn": theirs.get_ema_avg_fn(0.9)}),
        ({"avg_fn": get_swa_avg_fn()}, {"avg_fn": theirs.get_swa_avg_fn()}),
        ({"multi_avg_fn": f(0.9)} for f in (get_ema_multi_avg_fn, theirs.get_ema_multi_avg_fn)),
        ({"multi_avg_fn": f()} for f in (get_swa_multi_avg_fn, theirs.get_swa_multi_avg_fn)),
    ):
        a, b = nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
        whole = "multi_avg_fn" in theirs_fn  # the reference divides whole numbers, an error
        for use_buffers in (False,) if whole else (False, True):
            mine = AveragedModel(a, **ours_fn, use_buffers=use_buffers)
            other = theirs.AveragedModel(b, **theirs_fn, use_buffers=use_buffers)
            for i in range(4):
                x = np.random.default_rng(i).standard_normal((3, 2, 4)).astype(np.float32)
                a(lucid.tensor(x))
                b(torch.tensor(x))
                nn.init.constant_(a.weight, i)
                torch.nn.init.constant_(b.weight, i)
                mine.update_parameters(a)
                other.update_parameters(b)
            for name, value in other.state_dict().items():
                if "num_batches" not in name:
                    got = mine.state_dict()[name].numpy()
                    np.testing.assert_allclose(got, value.numpy(), rtol=1e-5, atol=1e-6)


def test_all_averages_at_once():
    def halfway(averages, new, n):
        for a, b in zip(averages, new, strict=True):
            a.copy_((a + b) / 2)

    model = nn.Linear(1, 2)
    average = AveragedModel(model, multi_avg_fn=halfway)
    for value in (1.0, 3.0):
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    assert average.module.weight.tolist() == [[2.0], [2.0]]


def test_buffers_are_copied_or_averaged():
    model = nn.BatchNorm1d(1)
    copied, averaged = AveragedModel(model), AveragedModel(model, use_buffers=True)
    for value in (2.0, 6.0):
        model.running_mean.fill_(value)
        model.num_batches_tracked.add_(1)
        copied.update_parameters(model)
        averaged.update_parameters(model)
    assert copied.module.running_mean.item() == 6.0
    assert averaged.module.running_mean.item() == 4.0
    assert averaged.module.num_batches_tracked.item() == 2


@pytest.mark.parametrize("lazy", [False, True])
def test_averages_of_batch_norms_computed_anew(lazy):
    torch = pytest.importorskip("torch")
    model = nn.LazyBatchNorm1d() if lazy else nn.BatchNorm1d(3, momentum=0.3)
    other = torch.nn.BatchNorm1d(3, momentum=0.3)
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 3, 5)).astype(np.float32) for n in (4, 4, 2)]
    if not lazy:
        model(lucid.ones(2, 3))
    model.eval()
    update_bn([(lucid.tensor(b), 0) for b in batches], model)
    torch.optim.swa_utils.update_bn([(torch.tensor(b), 0) for b in batches], other)
    for name, value in other.state_dict().items():
        got = model.state_dict()[name].numpy()
        np.testing.assert_allclose(got, value.numpy(), rtol=1e-5, atol=1e-6)
    assert model.momentum == (0.1 if lazy else 0.3)
    assert not model.training
    update_bn(iter(()), nn.ReLU())

    def broken():
        yield lucid.ones(2, 3)
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        update_bn(broken(), model)
    assert model.momentum is not None


@pytest.mark.parametrize("decay", [None, 0.5, "multi"])
def test_an_average_made_before_materialization_follows(decay):  # contract 42
    model = nn.Sequential(nn.LazyConv1d(3, 2), nn.LazyBatchNorm1d(), nn.LazyConv1d(1, 2))
    options = {None: {}, 0.5: {"avg_fn": get_ema_avg_fn(0.5)},
               "multi": {"multi_avg_fn": get_ema_multi_avg_fn(0.5)}}  # fmt: skip
    average = AveragedModel(model, **options[decay])
    average.update_parameters(model)  # nothing there yet: not an update
    assert average.n_averaged.item() == 0
    assert average.module[0].weight is None
    x = lucid.randn(4, 2, 8)
    model(x)
    seen = []
    for value in (1.0, 2.0, 6.0):
        nn.init.constant_(model[0].weight, value)
        average.update_parameters(model)
        seen.append(value)
    expected = np.mean(seen) if decay is None else 0.25 * 1 + 0.25 * 2 + 0.5 * 6
    assert average.module[0].in_channels == 2
    assert average.module[0].weight.tolist() == np.full((3, 2, 2), expected).tolist()
    assert average.module[1].running_mean.tolist() == model[1].running_mean.tolist()
    assert average(x).shape == model(x).shape
    assert all(p is not q for p, q in zip(average.parameters(), model.parameters(), strict=True))


def test_an_average_follows_layer_by_layer():  # contract 42
    class TwoPaths(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.LazyConv1d(1, 1), nn.LazyConv1d(1, 1)

    model = TwoPaths()
    average = AveragedModel(model)
    model.a(lucid.ones(1, 2, 3))
    average.update_parameters(model)
    assert average.module.a.weight.tolist() == model.a.weight.tolist()
    assert average.module.b.weight is None
    model.b(lucid.ones(1, 5, 3))
    average.update_parameters(model)
    assert average.module.b.weight.tolist() == model.b.weight.tolist()


def test_an_average_of_another_model_is_refused():
    average = AveragedModel(nn.Sequential(nn.Linear(1, 2), nn.LazyConv1d(1, 1)))
    conv = nn.LazyConv1d(1, 1)
    conv(lucid.ones(1, 2, 3))
    others = [nn.Sequential(nn.Linear(1, 3), conv), nn.Sequential(nn.Linear(1, 2)), nn.Linear(1, 2)]
    for other in others:
        with pytest.raises(ValueError, match="the model that it was made of"):
            average.update_parameters(other)
    assert average.module[1].weight is None
    assert average.n_averaged.item() == 0


def test_refused_averages():
    with pytest.raises(ValueError, match=r"at most 1, got 1\.5"):
        get_ema_avg_fn(1.5)
    with pytest.raises(ValueError, match="got both"):
        AveragedModel(nn.ReLU(), avg_fn=get_ema_avg_fn(), multi_avg_fn=lambda a, b, n: None)


def test_loading_restores_the_options_of_the_groups():
    p = lucid.ones(2, requires_grad=True)
    source = SGD([p], lr=0.25, momentum=0.5, weight_decay=0.125)
    target = SGD([p], lr=1.0)
    target.load_state_dict(source.state_dict())
    group = target.param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.25, 0.5, 0.125)
    assert group["params"][0] is p


def test_an_averaged_model_can_be_pickled():
    import pickle

    from lucid import nn
    from lucid.optim.swa_utils import AveragedModel, get_ema_avg_fn

    for fn in (None, get_ema_avg_fn(0.5)):
        twin = pickle.loads(pickle.dumps(AveragedModel(nn.Linear(2, 1), avg_fn=fn)))
        twin.update_parameters(nn.Linear(2, 1))
        assert twin.n_averaged.item() == 1
