"""LazyConv1d: placeholders and parameters, optimizers, state_dict."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F
from lucid.optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, RAdam, RMSprop

from lazy_layers import assert_pending, assert_same, materialized, seeded

# -------------------------------------------------------------------- parameters and optimizers


def test_the_placeholders_are_filled_in_place():
    # contract 34
    layer = nn.LazyConv1d(4, 3)
    before = list(layer.parameters())
    layer(lucid.zeros(2, 3, 8))
    after = list(layer.parameters())
    assert [id(p) for p in before] == [id(p) for p in after]
    assert before[0] is layer.weight
    assert before[1] is layer.bias
    assert all(type(p) is nn.Parameter for p in before)


OPTIMIZERS = {
    "SGD": lambda ps: SGD(ps, lr=0.1),
    "SGD with momentum": lambda ps: SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda ps: Adam(ps, lr=0.1, amsgrad=True),
    "AdamW": lambda ps: AdamW(ps, lr=0.1),
    "NAdam": lambda ps: NAdam(ps, lr=0.1),
    "RAdam": lambda ps: RAdam(ps, lr=0.1),
    "RMSprop": lambda ps: RMSprop(ps, lr=0.1, momentum=0.5, centered=True),
    "Adagrad": lambda ps: Adagrad(ps, lr=0.1),
    "Adadelta": lambda ps: Adadelta(ps, lr=0.1),
}


def test_every_optimizer_of_the_package_is_in_the_list():
    from lucid import optim

    found = {
        name
        for name in optim.__all__
        if isinstance(getattr(optim, name), type)
        and issubclass(getattr(optim, name), optim.Optimizer)
    } - {"Optimizer"}
    assert found == {name.split()[0] for name in OPTIMIZERS}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_made_first_trains_the_layer(name):
    # contract 35, 36, 38
    lazy = seeded(lambda: nn.LazyConv1d(4, 3))
    eager = seeded(lambda: nn.Conv1d(2, 4, 3))
    first, second = OPTIMIZERS[name](lazy.parameters()), OPTIMIZERS[name](eager.parameters())
    lazy.zero_grad()
    first.zero_grad()
    first.step()  # nothing to do yet
    assert_pending(lazy)
    x = lucid.randn(2, 2, 8)
    for _ in range(3):
        for layer, optimizer in ((lazy, first), (eager, second)):
            optimizer.zero_grad()
            (layer(x) ** 2).sum().backward()
            optimizer.step()
    assert_same(lazy.weight, eager.weight)
    assert_same(lazy.bias, eager.bias)
    for state in first.state.values():
        for value in state.values():
            if isinstance(value, lucid.Tensor):
                assert value.shape in ((4, 2, 3), (4,))


def test_requires_grad_set_before_survives():
    # contract 37
    layer = nn.LazyConv1d(4, 3).requires_grad_(False)
    y = layer(lucid.zeros(2, 3, 8))
    assert not y.requires_grad
    assert not layer.weight.requires_grad
    one = nn.LazyConv1d(4, 3)
    next(one.parameters()).requires_grad = False
    one(lucid.ones(2, 3, 8)).sum().backward()
    assert one.weight.grad is None
    assert one.bias.grad is not None


@pytest.mark.parametrize(
    "use",
    [
        lambda p: p.shape, lambda p: p.numel(), lambda p: p + 1, lambda p: p.ndim, lambda p: p[0],
        lambda p: p.detach(), lambda p: p.data, lambda p: p.clone(), lambda p: len(p),
        lambda p: p.sum(),
        lambda p: p.fill_(0), lambda p: p.numpy(force=True), lambda p: p == p, lambda p: F.relu(p),
    ],
)  # fmt: skip
def test_a_placeholder_has_no_shape_and_no_numbers(use):
    # contract 39
    p = next(nn.LazyConv1d(4, 3).parameters())
    with (
        lucid.no_grad(),
        pytest.raises(ValueError, match=r"no shape yet: its Lazy.*\n  try: model.mat"),
    ):
        use(p)


def test_a_pending_parameter_cannot_be_tied_or_replaced():
    # contract 40
    a, b = nn.LazyConv1d(4, 3), nn.LazyConv1d(4, 3)
    with pytest.raises(ValueError, match="run one forward pass through both layers, then tie them"):
        b.weight = a.weight
    with pytest.raises(ValueError, match="waits for its layer's first input"):
        b.bias = nn.Parameter(lucid.zeros(4))
    assert_pending(b)
    a(lucid.zeros(1, 2, 5))
    b(lucid.zeros(1, 2, 5))
    b.weight = a.weight
    assert b.weight is a.weight


def test_apply_and_reset_before_materialization():
    # contract 41
    seen = []
    model = nn.Sequential(nn.LazyConv1d(4, 3), nn.ReLU())
    model.apply(lambda m: seen.append(m.weight) if isinstance(m, nn.Conv1d) else None)
    assert seen == [None]
    before = lucid.get_rng_state()
    model[0].reset_parameters()
    assert_pending(model[0])
    assert lucid.get_rng_state() == before
    with pytest.raises(TypeError, match="run one forward first, or override reset_parameters"):
        model.apply(lambda m: nn.init.ones_(m.weight) if isinstance(m, nn.Conv1d) else None)
    assert_pending(model[0])


def test_an_overridden_reset_parameters_runs_once():
    # contract 41
    class Ones(nn.LazyConv1d):
        calls = 0

        def reset_parameters(self):
            type(self).calls += 1
            nn.init.ones_(self.weight)
            nn.init.normal_(self.bias)

    layer = Ones(4, 3)
    before = lucid.get_rng_state()
    layer(lucid.zeros(1, 2, 5))
    layer(lucid.zeros(1, 2, 5))
    assert Ones.calls == 1
    assert layer.weight.detach().numpy().min() == 1
    assert lucid.get_rng_state() == before


def test_reset_parameters_afterwards_draws_anew():
    layer = nn.LazyConv1d(4, 3)
    layer(lucid.zeros(1, 2, 5))
    before = layer.weight.clone()
    layer.reset_parameters()
    assert not bool((layer.weight == before).all())


def test_reset_parameters_may_assign_new_parameters():
    # contract 34, 41: as older PyTorch code writes it
    class Assigning(nn.LazyConv1d):
        def reset_parameters(self):
            self.weight = nn.Parameter(lucid.full(self.weight.shape, 0.5))

    layer = Assigning(4, 3)
    placeholders = list(layer.parameters())
    with pytest.raises(ValueError, match="longer than the padded input"):
        layer(lucid.zeros(1, 7, 2))
    assert layer.weight is None
    layer(lucid.zeros(1, 2, 8))
    assert layer.weight is placeholders[0]
    assert layer.weight.shape == (4, 2, 3)
    assert layer.weight.detach().numpy().min() == 0.5


def test_a_placeholder_belongs_to_its_layer():
    # contract 40
    eager, lazy = nn.Conv1d(2, 4, 3), nn.LazyConv1d(4, 3)
    before = eager.weight
    with pytest.raises(ValueError, match="waits for the first input of its own layer"):
        eager.weight = next(lazy.parameters())
    assert eager.weight is before


# -------------------------------------------------------------------------------------- state_dict


def test_pending_state():
    # contract 43, 44, 45
    layer = nn.LazyConv1d(4, 3)
    assert layer.state_dict() == {}
    other = nn.LazyConv1d(4, 3)
    assert other.load_state_dict(layer.state_dict()) == ([], [])
    assert_pending(other)
    with pytest.raises(ValueError, match=r"missing: weight, bias\n.*lazy layer saved before"):
        nn.Conv1d(2, 4, 3).load_state_dict(layer.state_dict())


def test_a_lazy_layer_that_gets_nothing_is_reported():
    # contract 44: a state without entries for a waiting layer loads, and the result says so
    def make():
        return nn.Sequential(
            nn.Linear(3, 2), nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.LazyLinear(5, bias=False)
        )

    keys = ["1.weight", "1.bias", "2.weight", "2.bias", "2.running_mean", "2.running_var"]
    keys.append("3.weight")
    model = make()
    result = model.load_state_dict(make().state_dict())
    assert result == ([], [])
    assert repr(result) == (
        "<All keys matched; still waiting, as the state has no entries for them: 1, 2, 3>"
    )
    own = model.state_dict()
    assert model.load_state_dict(own, strict=False) == (keys, [])
    assert model.load_state_dict({**own, "odd": own["0.bias"]}, strict=False) == (keys, ["odd"])
    part = {**own, "1.weight": lucid.zeros(4, 2, 3), "1.bias": lucid.zeros(4)}
    half = make()
    assert repr(half.load_state_dict(part)).endswith("for them: 2, 3>")
    assert half[1].in_channels == 2
    assert half[3].weight is None
    missing = re.escape(f"missing: 0.bias, {', '.join(keys[2:])}\n    (a lazy layer saved before")
    with pytest.raises(ValueError, match=missing) as caught:
        model.load_state_dict({k: v for k, v in part.items() if k != "0.bias"})
    assert str(caught.value).endswith("\n  try: model.load_state_dict(state, strict=False)")
    with pytest.raises(ValueError, match=f"missing: {', '.join(keys)}\n  unexpected: odd"):
        model.load_state_dict({**own, "odd": own["0.bias"]})
    with pytest.raises(ValueError, match=r"missing: 0\.weight, 0\.bias, 1\.weight"):
        model.load_state_dict({})
    assert_pending(model[1])
    assert model.load_state_dict(part, strict=False).missing_keys == keys[2:]
    assert model[1].in_channels == 2
    assert repr(model.load_state_dict({**part, "2.odd": own["0.bias"]}, strict=False)) == (
        f"missing_keys={keys[2:]}, unexpected_keys=['2.odd']"
    )


@pytest.mark.parametrize(
    ("model", "source", "option"),
    [
        (nn.Conv1d(3, 8, 5), nn.Conv1d(3, 16, 5), "out_channels=16"),
        (nn.Conv1d(4, 8, 5, groups=2), nn.Conv1d(6, 8, 5, groups=2), "in_channels=6"),
        (nn.LazyConv1d(8, 5), nn.Conv1d(3, 16, 5), "out_channels=16"),
        (nn.LazyConv1d(8, 5, bias=False), nn.Conv1d(3, 8, 3, bias=False), "kernel_size=3"),
        (nn.ConvTranspose1d(3, 8, 5), nn.ConvTranspose1d(3, 16, 5), "out_channels=16"),
        (nn.ConvTranspose1d(4, 4, 3, groups=2), nn.ConvTranspose1d(4, 4, 3), "groups=1"),
        (nn.Linear(4, 8), nn.Linear(4, 7), "out_features=7"),
        (nn.LazyLinear(8), nn.Linear(4, 7), "out_features=7"),
        (nn.Linear(4, 8), nn.Linear(6, 8), "in_features=6"),
        (nn.BatchNorm1d(8), nn.BatchNorm1d(9), "num_features=9"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_state_of_another_size_says_which_option_the_layer_needs(model, source, option):
    state = {f"0.{key}": value for key, value in source.state_dict().items()}
    of = re.escape(f"; a {type(model).__name__} with {option} has that")
    with pytest.raises(ValueError, match=rf"0\.weight: expected .*{of}") as caught:
        nn.Sequential(model).load_state_dict(state)
    assert f"\n  try: {option}\n  or:  model.load_state_dict({{k: v" in str(caught.value)


def test_a_layer_that_never_ran_does_not_keep_a_run_from_going_on():
    # contract 43, 44
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.LazyLinear(3), nn.LazyLinear(5)

        def forward(self, x):
            return self.used(x)

    model, fresh = Branches(), Branches()
    model(lucid.ones(1, 4))
    assert repr(fresh.load_state_dict(model.state_dict())).endswith("entries for them: unused>")
    assert fresh.used.in_features == 4
    assert fresh.unused.weight is None
    assert repr(nn.LazyLinear(3).load_state_dict({})).endswith("for them: the model itself>")


def test_where_several_options_differ_none_is_proposed():
    with pytest.raises(ValueError, match=r"weight: expected .*, found \(4, 1, 3\)\n"):
        nn.Conv1d(4, 4, 3).load_state_dict(nn.Conv1d(4, 4, 3, groups=4).state_dict())
    with pytest.raises(ValueError, match=r"weight: expected .*, found \(0, 3, 5\)\n"):
        nn.Conv1d(3, 8, 5).load_state_dict({"weight": lucid.zeros(0, 3, 5), "bias": lucid.zeros(0)})
    with pytest.raises(
        ValueError, match=r"weight: expected shape \(8, 3, 5\), found \(9, 4, 5\)\n"
    ):
        nn.Conv1d(3, 8, 5).load_state_dict(nn.Conv1d(4, 9, 5).state_dict())


def test_a_compatible_state_materializes():
    # contract 46, 47
    source, layer = materialized(), nn.LazyConv1d(4, 3, groups=2)
    before = lucid.get_rng_state()
    layer.load_state_dict(source.state_dict())
    assert lucid.get_rng_state() == before
    assert layer.in_channels == 6
    assert layer.weight.shape == (4, 3, 3)
    x = lucid.randn(2, 6, 9)
    assert_same(layer(x), source(x))
    assert_same(layer.weight, source.weight)


@pytest.mark.parametrize(
    ("key", "shape", "message"),
    [
        ("weight", (4, 3), r"weight: expected shape \(4, in_channels / 2, 3\), found \(4, 3\)"),
        (
            "weight",
            (5, 3, 3),
            r"weight: expected shape \(4, in_channels / 2, 3\), found \(5, 3, 3\)",
        ),
        (
            "weight",
            (4, 3, 5),
            r"weight: expected shape \(4, in_channels / 2, 3\), found \(4, 3, 5\)",
        ),
        ("weight", (4, 0, 3), "weight: in_channels must be at least 1, got 0"),
        ("bias", (5,), r"bias: expected shape \(4,\), found \(5,\)"),
        ("bias", (4, 1), r"bias: expected shape \(4,\), found \(4, 1\)"),
    ],
)
def test_an_incompatible_state_changes_nothing(key, shape, message):
    # contract 48
    state = {**materialized().state_dict(), key: lucid.zeros(shape)}
    layer = nn.LazyConv1d(4, 3, groups=2)
    with pytest.raises(ValueError, match=message):
        layer.load_state_dict(state)
    assert_pending(layer)
    layer(lucid.zeros(1, 8, 9))
    assert layer.in_channels == 8


@pytest.mark.parametrize(
    "value", [None, "abc", object(), np.array(["a"]), np.zeros((4, 3, 3), complex)]
)
def test_a_state_that_holds_no_tensors(value):
    # contract 48, 49
    layer = nn.LazyConv1d(4, 3, groups=2)
    with pytest.raises(ValueError, match=r"weight: |missing: weight"):
        layer.load_state_dict({"weight": value, "bias": lucid.zeros(4)})
    assert_pending(layer)
    with pytest.raises(TypeError, match="maps names to tensors, got list"):
        layer.load_state_dict([("weight", value)])


def test_loading_is_all_or_nothing_and_tells_everything():
    # contract 49
    def make():
        return nn.Sequential(
            nn.Conv1d(2, 4, 3), nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.LazyLinear(5)
        )

    source, model = make(), make()
    source(lucid.zeros(2, 2, 9))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = source.state_dict()
    state["3.weight"] = lucid.zeros(5, 5, 5)
    state["1.bias"] = lucid.zeros(9)
    state["odd"] = lucid.zeros(1)
    del state["0.bias"]
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        model.load_state_dict(state)
    for part in (
        "3.weight: expected shape (5, in_features), found (5, 5, 5)",
        "1.bias: expected shape (4,), found (9,)",
        "unexpected: odd",
        "missing: 0.bias",
    ):
        assert part in str(caught.value)
    after = model.state_dict()
    assert list(after) == list(before)
    for key in before:
        assert_same(before[key], after[key])
    assert_pending(model[1])
    for reason in ({}, {"odd": lucid.zeros(1)}):
        good = {**source.state_dict(), **reason}
        if not reason:
            del good["2.running_mean"]
        with pytest.raises(ValueError, match=r"2\.running_mean|odd"):
            model.load_state_dict(good)
        assert_pending(model[1])
        assert_same(model.state_dict()["0.weight"], before["0.weight"])


def test_partial_states_that_need_not_be_complete():
    # contract 50
    source = materialized()
    expected = seeded(lambda: nn.Conv1d(6, 4, 3, groups=2))
    layer = seeded(lambda: nn.LazyConv1d(4, 3, groups=2))
    result = layer.load_state_dict({"weight": source.weight}, strict=False)
    assert result.missing_keys == ["bias"]
    assert_same(layer.weight, source.weight)
    assert_same(layer.bias, expected.bias)  # initialized, from the layer's own seed
    layer = nn.LazyConv1d(4, 3, groups=2)
    result = layer.load_state_dict({"bias": source.bias}, strict=False)
    assert "weight" in result.missing_keys
    assert result.unexpected_keys == ["bias"]
    assert_pending(layer)
    with pytest.raises(ValueError, match="missing: weight"):
        layer.load_state_dict({"bias": source.bias})


def test_assign():
    # contract 51, 52
    source = materialized().double()
    layer = nn.LazyConv1d(4, 3, groups=2)
    placeholders = list(layer.parameters())
    layer.load_state_dict(source.state_dict(), assign=True)
    assert layer.weight.dtype is lucid.float64
    assert layer.in_channels == 6
    layer(lucid.zeros(1, 6, 9).double())
    assert_same(layer.weight, source.weight)
    assert layer.weight is placeholders[0]
    kept = nn.LazyConv1d(4, 3, groups=2)
    kept.load_state_dict(source.state_dict())
    assert kept.weight.dtype is lucid.float32
    assert np.array_equal(kept.weight.detach().numpy(), source.float().weight.detach().numpy())


def test_nested_prefixes_and_an_early_optimizer():
    # contract 53
    def make():
        return nn.ModuleDict({"encoder": nn.Sequential(nn.Sequential(nn.LazyConv1d(4, 3)))})

    source, model = make(), make()
    source["encoder"](lucid.zeros(1, 2, 9))
    assert list(source.state_dict()) == ["encoder.0.0.weight", "encoder.0.0.bias"]
    optimizer = SGD(model.parameters(), lr=0.1)
    model.load_state_dict(source.state_dict())
    layer = model["encoder"][0][0]
    before = layer.weight.clone()
    model["encoder"](lucid.ones(1, 2, 9)).sum().backward()
    optimizer.step()
    assert not bool((layer.weight == before).any())


def test_state_of_a_loaded_layer_is_its_own():
    source, layer = materialized(), nn.LazyConv1d(4, 3, groups=2)
    layer.load_state_dict(source.state_dict())
    with lucid.no_grad():
        layer.weight.zero_()
    assert float(source.weight.abs().sum()) > 0
