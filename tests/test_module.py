"""Modules: registration, hooks, walking, conversion, state, repr, copies; where an error was."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F


def numbers(model):
    """The state as arrays of its own, to be compared with later."""
    return {key: value.clone().numpy() for key, value in model.state_dict().items()}


def assert_state(model, expected):
    got = numbers(model)
    assert list(got) == list(expected)
    for key, value in expected.items():
        assert got[key].dtype == value.dtype
        np.testing.assert_array_equal(got[key], value, err_msg=key)


def convnet():
    return nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6, 3)
    )


class Shared(nn.Module):
    """One layer under two names."""

    def __init__(self, layer=None):
        super().__init__()
        self.first = layer or nn.Linear(2, 2)
        self.second = self.first

    def forward(self, x):
        return self.second(self.first(x))


# --------------------------------------------------------------------------------- registration


def test_attributes_are_registered_by_their_kind_and_in_order():
    class Everything(nn.Module):
        def __init__(self):
            super().__init__()
            self.number = 3
            self.late = nn.Parameter(lucid.zeros(2))
            self.early = nn.Parameter(lucid.ones(1))
            self.layer = nn.Linear(2, 3)
            self.plain = lucid.zeros(5)
            self.register_buffer("count", lucid.tensor(0))
            self.register_buffer("cache", lucid.zeros(1), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("none", None)

    model = Everything()
    assert [n for n, _ in model.named_parameters()] == [
        "late",
        "early",
        "layer.weight",
        "layer.bias",
    ]
    assert [n for n, _ in model.named_parameters(recurse=False)] == ["late", "early"]
    assert [n for n, _ in model.named_buffers()] == ["count", "cache"]
    assert dict(model.named_children()) == {"layer": model.layer}
    assert list(model.state_dict()) == ["late", "early", "count", "layer.weight", "layer.bias"]
    assert model.nothing is None
    assert model.none is None
    assert next(n for n, _ in model.named_parameters("net")) == "net.late"


def test_a_parameter_attribute_takes_parameters_and_none_only():
    model = nn.Linear(2, 3)
    for value in (3, lucid.zeros(3), np.zeros(3), nn.ReLU):
        with pytest.raises(TypeError, match=r"'bias' is a parameter(.|\n)*nn.Parameter\(value\)"):
            model.bias = value
    model.bias = None
    assert model.bias is None
    assert [n for n, _ in model.named_parameters()] == ["weight"]
    assert model(lucid.zeros(1, 2)).tolist() == [[0, 0, 0]]
    model.bias = new = nn.Parameter(lucid.ones(3))
    assert dict(model.named_parameters())["bias"] is new
    assert model(lucid.zeros(1, 2)).tolist() == [[1, 1, 1]]


def test_a_module_attribute_takes_modules_and_none_only():
    model = Shared()
    with pytest.raises(
        TypeError, match=r"'first' is a module: assign an nn.Module or None, not in"
    ):
        model.first = 3
    model.first = None
    assert [n for n, _ in model.named_modules()] == ["", "second"]
    model.first = new = nn.ReLU()
    assert model.get_submodule("first") is new


def test_a_buffer_attribute_takes_tensors_and_none_only():
    model = nn.BatchNorm1d(2)
    with pytest.raises(TypeError, match="a buffer is a tensor or None, got float for 'running_mea"):
        model.running_mean = 0.5
    model.running_mean = new = lucid.ones(2)
    assert dict(model.named_buffers())["running_mean"] is new
    model.running_mean = None
    assert "running_mean" not in model.state_dict()


def test_an_assigned_buffer_stays_transient():
    model = nn.Module()
    model.register_buffer("cache", None, persistent=False)
    model.cache = lucid.ones(1)
    assert [n for n, _ in model.named_buffers()] == ["cache"]
    assert model.state_dict() == {}
    model.register_buffer("cache", lucid.ones(1))
    assert list(model.state_dict()) == ["cache"]


@pytest.mark.parametrize("persistent", [True, False])
def test_a_name_may_change_its_kind(persistent):
    kinds = {
        "parameter": lambda: nn.Parameter(lucid.ones(1)),
        "module": lambda: nn.Linear(1, 1),
        "plain": lambda: 3,
    }
    for kind, make in kinds.items():
        model = nn.Module()
        model.register_buffer("x", lucid.zeros(1), persistent)
        if kind == "plain":
            del model.x
        model.x = value = make()
        assert model.x is value
        assert list(model.buffers()) == []
        assert (
            list(model.state_dict())
            == {
                "parameter": ["x"],
                "module": ["x.weight", "x.bias"],
                "plain": [],
            }[kind]
        )


def test_deleting_attributes():
    model = convnet()
    model.register_buffer("scratch", lucid.zeros(1), persistent=False)
    del model.scratch
    model.register_buffer("kept", lucid.zeros(1))
    del model[1].weight, model[1].running_mean, model.kept
    assert [n for n, _ in model[1].named_parameters()] == ["bias"]
    assert [n for n, _ in model[1].named_buffers()] == ["running_var", "num_batches_tracked"]
    for name in ("weight", "running_mean"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(model[1], name)
    with pytest.raises(AttributeError, match="typo"):
        del model.typo
    model.scratch = nn.Parameter(lucid.ones(1))  # nothing of the old buffer is left
    assert "scratch" in model.state_dict()


def test_a_typo_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'LazyConv1d' object has no attribute 'wieght'"):
        nn.LazyConv1d(2, 3).wieght  # noqa: B018


@pytest.mark.parametrize("name", ["a.b", "", 3])
def test_names_that_are_none(name):
    model = nn.Module()
    for register, value in (
        (model.register_parameter, nn.Parameter(lucid.ones(1))),
        (model.register_buffer, lucid.ones(1)),
        (model.register_module, nn.ReLU()),
        (model.add_module, nn.ReLU()),
    ):
        with pytest.raises(ValueError, match="a name is a string that is not empty and has no dot"):
            register(name, value)


@pytest.mark.parametrize("name", ["forward", "training", "_modules", "_parameters", "state_dict"])
def test_names_that_are_taken(name):
    model = nn.Module()
    message = f"'{name}' is already an attribute of Module"
    with pytest.raises(ValueError, match=message):
        model.register_buffer(name, lucid.ones(1))
    with pytest.raises(ValueError, match=message):
        setattr(model, name, nn.ReLU())
    with pytest.raises(ValueError, match=message):
        model.register_parameter(name, nn.Parameter(lucid.ones(1)))
    assert nn.Sequential(model).state_dict() == {}  # all of it still works


def test_registering_the_wrong_thing():
    model = nn.Module()
    with pytest.raises(TypeError, match=r"expected an nn.Parameter or None, got Tensor"):
        model.register_parameter("x", lucid.ones(1))
    with pytest.raises(TypeError, match=r"a buffer is a tensor or None, got ndarray for 'x'"):
        model.register_buffer("x", np.ones(1))
    with pytest.raises(TypeError, match=r"expected an nn.Module or None, got type"):
        model.register_module("x", nn.ReLU)
    with pytest.raises(TypeError, match=r"made of a tensor, got list\n  try: nn.Parameter\(lucid"):
        nn.Parameter([1.0])
    with pytest.raises(TypeError, match="only float32 and float64 tensors have gradients"):
        nn.Parameter(lucid.tensor([1]))
    assert nn.Parameter(lucid.tensor([1]), requires_grad=False).dtype is lucid.int64
    assert "x" not in vars(model)


def test_a_pending_parameter_is_not_replaced_by_anything():
    lazy = nn.LazyConv1d(2, 3)
    before = list(lazy.parameters())
    for value in (None, nn.Parameter(lucid.ones(1)), nn.ReLU()):
        with pytest.raises(ValueError, match="'weight' waits for its layer's first input"):
            lazy.weight = value
    with pytest.raises(ValueError, match="'weight' waits for its layer's first input"):
        lazy.register_buffer("weight", lucid.ones(1))
    assert [a is b for a, b in zip(lazy.parameters(), before, strict=True)] == [True, True]


def test_a_module_cannot_contain_itself():
    outer = nn.Module()
    outer.inner = nn.Sequential(nn.ReLU())
    for inside, name in ((outer.inner, "parent"), (outer, "me")):
        with pytest.raises(ValueError, match=r"part of itself\n  try: self.parent = \(parent,\)"):
            setattr(inside, name, outer)
    outer.inner.parent = (outer,)
    assert [n for n, _ in outer.named_modules()] == ["", "inner", "inner.0"]


class Forgetful(nn.Module):
    def __init__(self, *attributes):
        self.size = 3
        for name, value in attributes:
            setattr(self, name, value)


@pytest.mark.parametrize(
    "use",
    [
        lambda: Forgetful(("layer", nn.Linear(1, 1))),
        lambda: Forgetful(("weight", nn.Parameter(lucid.ones(1)))),
        lambda: Forgetful().register_buffer("b", lucid.ones(1)),
        lambda: Forgetful()(lucid.ones(1)),
        lambda: list(Forgetful().parameters()),
        lambda: Forgetful().train(),
        lambda: Forgetful().state_dict(),
        lambda: nn.Sequential(Forgetful()),
        lambda: Forgetful().__delattr__("size"),
    ],
)
def test_forgetting_super_init(use):
    with pytest.raises(AttributeError, match=r"Forgetful has not been set up yet\n  try: super\("):
        use()


def test_a_module_without_forward():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no forward\n  try: def forward"):
        Empty()(lucid.zeros(1))


# ---------------------------------------------------------------------------------------- hooks


def test_hooks_run_in_order_and_replace_what_they_return():
    layer, seen = nn.ReLU(), []

    def note(name, result=None):
        return lambda module, *rest: seen.append((name, module is layer, *rest)) or result

    x, y = lucid.tensor([2.0]), lucid.tensor([3.0])
    layer.register_forward_pre_hook(note("pre", (y,)))
    layer.register_forward_pre_hook(note("first"), prepend=True)
    layer.register_forward_hook(note("post", "replaced"))
    layer.register_forward_hook(note("last"))
    layer.register_forward_hook(note("before"), prepend=True)
    assert layer(x) == "replaced"
    assert [s[:2] for s in seen] == [
        ("first", True),
        ("pre", True),
        ("before", True),
        ("post", True),
        ("last", True),
    ]
    assert seen[0][2] == (x,)
    assert seen[1][2] == (x,)
    assert seen[2][2] == (y,)  # forward saw what the pre-hook returned
    assert seen[2][3].tolist() == [3.0]
    assert seen[4][3] == "replaced"


def test_a_pre_hook_may_return_a_single_value():
    layer = nn.ReLU()
    layer.register_forward_pre_hook(lambda module, args: args[0] + 1)
    assert layer(lucid.tensor([1.0])).tolist() == [2.0]


class Scaled(nn.Module):
    def forward(self, x, factor=1.0):
        return x * factor


def test_hooks_with_kwargs():
    layer, seen = Scaled(), []
    layer.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {"factor": kwargs["factor"] * 10}), with_kwargs=True
    )
    layer.register_forward_hook(
        lambda module, args, kwargs, out: seen.append((args, kwargs)) or out + 1, with_kwargs=True
    )
    layer.register_forward_hook(lambda module, args, out: seen.append((args, out.item())))
    x = lucid.tensor([1.0])
    assert layer(x, factor=2.0).item() == 21.0
    assert seen == [((x,), {"factor": 20.0}), ((x,), 21.0)]


@pytest.mark.parametrize("wrong", [lucid.zeros(2, 2), (1, 2, 3), ([1], {}), ((1,), None), "ab"])
def test_a_pre_hook_with_kwargs_must_return_a_pair(wrong):
    layer = Scaled()
    layer.register_forward_pre_hook(lambda module, args, kwargs: wrong, with_kwargs=True)
    with pytest.raises(TypeError, match=r"a pre-hook with kwargs returns(.|\n)*return \(x,\), kw"):
        layer(lucid.zeros(1))


def test_removing_hooks():
    layer, seen = nn.ReLU(), []

    def hook(*_):
        seen.append(1)

    handles = [layer.register_forward_hook(hook), layer.register_forward_hook(hook)]
    pre = layer.register_forward_pre_hook(hook)
    layer(lucid.zeros(1))
    assert len(seen) == 3
    handles[0].remove()
    handles[0].remove()  # only its own, however often
    pre.remove()
    layer(lucid.zeros(1))
    assert len(seen) == 4
    handles[1].remove()
    layer(lucid.zeros(1))
    assert len(seen) == 4


def test_a_hook_may_remove_itself():
    layer, seen = nn.ReLU(), []

    def once(*_):
        seen.append("once")
        handle.remove()

    handle = layer.register_forward_hook(once)
    layer.register_forward_hook(lambda *_: seen.append("always"))
    layer(lucid.zeros(1))
    layer(lucid.zeros(1))
    assert seen == ["once", "always", "always"]


# -------------------------------------------------------------------------------------- walking


def test_walking_visits_a_shared_module_once():
    model = nn.Sequential(Shared(), nn.ReLU())
    assert [n for n, _ in model.named_modules()] == ["", "0", "0.first", "1"]
    assert [n for n, _ in model.named_modules(remove_duplicate=False)] == [
        "",
        "0",
        "0.first",
        "0.second",
        "1",
    ]
    assert [n for n, _ in model.named_modules("net")] == ["net", "net.0", "net.0.first", "net.1"]
    assert [n for n, _ in model.named_parameters()] == ["0.first.weight", "0.first.bias"]
    assert len(list(model.parameters())) == 2
    assert list(model.children()) == [model[0], model[1]]
    assert len(list(model.modules())) == 4


def test_a_shared_parameter_is_yielded_once():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.weight = a.weight
    model = nn.ModuleList([a, b])
    assert [n for n, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_get_submodule():
    model = nn.Sequential(Shared())
    assert model.get_submodule("0.second") is model[0].first
    assert model.get_submodule("") is model
    with pytest.raises(AttributeError, match=r"Sequential has no submodule '0.third'"):
        model.get_submodule("0.third")


def test_train_and_eval():
    model = nn.Sequential(nn.Dropout(), nn.ModuleDict({"a": nn.LazyBatchNorm1d()}))
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert model.train() is model
    assert all(m.training for m in model.modules())
    model.train(False)
    assert not any(m.training for m in model.modules())


def test_apply_goes_from_below_upwards():
    model, seen = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Flatten()), []
    assert model.apply(seen.append) is model
    assert seen == [model[0][0], model[0], model[1], model]


def test_zero_grad():
    model = nn.Linear(2, 1)
    for _ in range(2):
        model(lucid.ones(1, 2)).sum().backward()
        model.zero_grad(set_to_none=False)
        assert [p.grad.tolist() for p in model.parameters()] == [[[0, 0]], [0]]
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [None, None]
    nn.LazyLinear(2).zero_grad(set_to_none=False)  # placeholders have none


def test_requires_grad_():
    model = convnet()
    assert model.requires_grad_(False) is model
    assert not any(p.requires_grad for p in model.parameters())
    assert not model(lucid.zeros(2, 2, 8)).requires_grad
    model.requires_grad_()
    assert all(p.requires_grad for p in model.parameters())
    assert not any(b.requires_grad for b in model.buffers())


@pytest.mark.parametrize(
    "convert",
    [
        lambda m: m.double(),
        lambda m: m.to(lucid.float64),
        lambda m: m.to("float64"),
        lambda m: m.to(np.float64),
        lambda m: m.to(np.dtype("float64")),
        lambda m: m.to("cpu", lucid.float64),
        lambda m: m.to(lucid.device("cpu"), dtype="float64"),
        lambda m: m.to(dtype=lucid.float64, device="cpu"),
    ],
)
def test_conversion(convert):
    model = convnet()
    parameters, before = list(model.parameters()), numbers(model)
    model(lucid.ones(2, 2, 8)).sum().backward()
    model[1].reset_parameters()
    assert convert(model) is model
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    for key, value in model.state_dict().items():
        integer = key.endswith("num_batches_tracked")
        assert value.dtype is (lucid.int64 if integer else lucid.float64), key
        np.testing.assert_array_equal(value.numpy(), before[key])
    assert {p.grad.dtype for p in parameters} == {lucid.float64}
    assert all(p.is_leaf and p.requires_grad for p in parameters)
    model(lucid.ones(2, 2, 8, dtype="float64")).sum().backward()  # adds to the old gradients
    assert model.float() is model
    assert {p.dtype for p in model.parameters()} == {lucid.float32}
    assert model(lucid.ones(2, 2, 8)).dtype is lucid.float32


def test_conversions_that_do_not_exist():
    model = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="a module computes in float32 or float64, not int64"):
        model.to(lucid.int64)
    for device in ("cuda", "cuda:0"):
        with pytest.raises(ValueError, match=f"the only device is 'cpu', got '{device}'"):
            model.to(device)
    with pytest.raises(ValueError, match="the only device is 'cpu'"):
        model.to(lucid.float64, device="mps")
    assert model.to("cpu").weight.dtype is lucid.float32
    assert model.to(None).weight.dtype is lucid.float32


# ---------------------------------------------------------------------------------------- state


def test_state_dict_shares_memory_but_no_graph():
    model = nn.Linear(2, 2)
    state = model.state_dict()
    assert not state["weight"].requires_grad
    state["weight"].fill_(7)
    assert model.weight.tolist() == [[7, 7], [7, 7]]
    assert model.state_dict(keep_vars=True)["weight"] is model.weight
    assert list(model.state_dict(prefix="net.")) == ["net.weight", "net.bias"]


def test_loading_copies_into_the_same_parameters():
    source, model = convnet(), convnet()
    source(lucid.randn(4, 2, 8))  # batch norm has seen something
    parameters = list(model.parameters())
    state = source.state_dict()
    result = model.load_state_dict(state)
    assert result == ([], [])
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert_state(model, numbers(source))
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    state["0.weight"].zero_()
    assert model[0].weight.abs().sum().item() > 0  # a copy, not a view
    x = lucid.randn(4, 2, 8)
    source.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(source.eval()(x).tolist(), model.eval()(x).tolist())


def test_loading_converts_to_the_dtype_of_the_model():
    source, model = nn.Linear(2, 2, dtype="float64"), nn.Linear(2, 2)
    model.load_state_dict(source.state_dict())
    assert model.weight.dtype is lucid.float32
    np.testing.assert_array_equal(
        model.weight.tolist(), source.weight.detach().numpy().astype("f4")
    )
    model.load_state_dict({"weight": np.ones((2, 2)), "bias": np.zeros(2, int)})
    assert model.weight.tolist() == [[1, 1], [1, 1]]
    norm = nn.BatchNorm1d(1)
    norm.load_state_dict({"num_batches_tracked": np.array(np.nan)}, strict=False)  # no warning


def test_loading_is_noticed_by_backward():
    model = nn.Linear(2, 2)
    x = lucid.ones(1, 2, requires_grad=True)
    out = model(x).sum()
    model.load_state_dict(nn.Linear(2, 2).state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        out.backward()


def test_reading_the_state_does_not_disturb_training():
    model = nn.Linear(4, 3)
    seen = model.state_dict()["weight"].numpy()
    x = lucid.ones(2, 4, requires_grad=True)
    model(x).sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), [seen.sum(0)] * 2, rtol=1e-6)


def test_all_problems_at_once_and_nothing_loaded():
    source, model = convnet(), convnet()
    before = numbers(model)
    state = source.state_dict()
    state["0.weight"] = lucid.zeros(4, 2, 5)
    state["1.bias"] = "text"
    state["1.running_var"] = np.zeros(4, complex)
    state["extra"] = lucid.zeros(1)
    state[7] = lucid.zeros(1)
    del state["4.bias"], state["1.num_batches_tracked"]
    with pytest.raises(lucid.ShapeError) as caught:
        model.load_state_dict(state)
    assert str(caught.value).split("\n") == [
        "this state does not fit Sequential; nothing was loaded",
        "  0.weight: expected shape (4, 2, 3), found (4, 2, 5)",
        "  1.bias: expected a tensor that NumPy can read, found str",
        "  1.running_var: expected a tensor that NumPy can read, found an array of complex128",
        "  missing: 1.num_batches_tracked, 4.bias",
        "  unexpected: extra, 7",
    ]
    assert_state(model, before)
    with pytest.raises(ValueError, match=r"0.weight: expected shape"):
        model.load_state_dict(state, strict=False)  # a wrong shape is an error all the same
    assert_state(model, before)
    for key in ("extra", 7, "0.weight", "1.bias", "1.running_var"):
        del state[key]
    with pytest.raises(ValueError, match="missing") as caught:
        model.load_state_dict(state)
    assert type(caught.value) is ValueError
    assert_state(model, before)
    with pytest.raises(TypeError, match=r"maps names to tensors, got str\n  try: .*lucid.load"):
        model.load_state_dict("model.lucid")


def test_a_waiting_layer_among_the_problems_goes_on_waiting():
    model = nn.Sequential(nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.Linear(3, 3))
    state = {
        "0.weight": lucid.zeros(4, 2, 3),
        "0.bias": lucid.zeros(4),
        "1.weight": [1.0, 2.0],
        "1.bias": lucid.zeros(2),
        "2.weight": lucid.zeros(3, 3),
        "2.bias": lucid.zeros(3),
    }
    with pytest.raises(
        ValueError, match=r"1.weight: expected a tensor that NumPy can read, found list"
    ) as caught:
        model.load_state_dict(state)
    assert "missing" not in str(caught.value)
    assert "unexpected" not in str(caught.value)
    assert model[0].weight is None
    assert model[0].in_channels is None
    assert all(type(p) is nn.UninitializedParameter for p in model[0].parameters())


def test_placeholders_are_no_values():
    model = nn.Linear(2, 2)
    before = numbers(model)
    weight, bias = nn.LazyLinear(2).parameters()
    with pytest.raises(ValueError, match=r"weight: .* found UninitializedParameter"):
        model.load_state_dict({"weight": weight, "bias": bias})
    assert_state(model, before)


def test_strict_false_loads_what_there_is():
    model = convnet()
    before = numbers(model)
    result = model.load_state_dict(
        {"4.bias": lucid.full((3,), 5.0), "5.bias": lucid.zeros(1)}, strict=False
    )
    assert result.unexpected_keys == ["5.bias"]
    assert result.missing_keys == [k for k in before if k != "4.bias"]
    assert_state(model, {**before, "4.bias": np.full(3, 5.0, "f4")})


def test_assign_takes_memory_and_dtype():
    source, model = nn.Linear(2, 2, dtype="float64"), nn.Linear(2, 2)
    model.requires_grad_(False)
    parameters = list(model.parameters())
    state = source.state_dict()
    model.load_state_dict(state, assign=True)
    assert list(map(id, model.parameters())) == list(map(id, parameters))
    assert model.weight.dtype is lucid.float64
    assert not model.weight.requires_grad  # the model's own choice
    state["weight"].fill_(3)
    assert model.weight.tolist() == [[3, 3], [3, 3]]
    with pytest.raises(ValueError, match="weight: a parameter is floating, found int64"):
        model.load_state_dict({**state, "weight": lucid.zeros(2, 2).long()}, assign=True)


def test_assign_keeps_gradients_of_the_new_dtype():
    model = nn.Linear(2, 1)
    model(lucid.ones(1, 2)).sum().backward()
    model.load_state_dict(nn.Linear(2, 1, dtype="float64").state_dict(), assign=True)
    assert model.weight.grad.dtype is lucid.float64
    model(lucid.ones(1, 2, dtype="float64")).sum().backward()
    assert model.weight.grad.tolist() == [[2, 2]]


def test_transient_buffers_are_no_part_of_the_state():
    model = nn.Module()
    model.register_buffer("cache", lucid.ones(2), persistent=False)
    assert model.state_dict() == {}
    model.load_state_dict({})
    assert model.cache.tolist() == [1, 1]
    with pytest.raises(ValueError, match="unexpected: cache"):
        model.load_state_dict({"cache": lucid.zeros(2)})
    model.double()
    assert model.cache.dtype is lucid.float64


@pytest.mark.parametrize("lazy", [False, True])
def test_state_of_shared_layers(lazy):
    source = Shared()
    state = source.state_dict()
    assert list(state) == ["first.weight", "first.bias", "second.weight", "second.bias"]
    model = Shared(nn.LazyLinear(2)) if lazy else Shared()
    model.load_state_dict(state)
    assert model.first is model.second
    assert_state(model, numbers(source))
    x = lucid.randn(3, 2)
    np.testing.assert_array_equal(model(x).tolist(), source(x).tolist())


@pytest.mark.parametrize(
    ("assign", "when"), [(False, i) for i in range(11)] + [(True, i) for i in range(6)]
)
def test_interrupted_writing_leaves_the_model_as_before(assign, when, monkeypatch):
    """The interruption comes after each of the writes in turn."""

    def make():
        return nn.Sequential(Shared(), nn.LazyLinear(3), nn.BatchNorm1d(3))

    source, model = make(), make()
    source(lucid.randn(4, 2))
    before = numbers(model)
    arrays = [p._array for p in model[0].parameters()]
    calls = 0
    copyto = np.copyto

    def interrupted(target, *args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == when + 1:
            copyto(target, *args, **kwargs)
            raise KeyboardInterrupt
        copyto(target, *args, **kwargs)

    state = source.state_dict()
    if assign:  # arrays that are no tensors are copied in between
        for key in list(state)[::2]:
            state[key] = state[key].numpy()
    monkeypatch.setattr(np, "copyto", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.load_state_dict(state, assign=assign)
    monkeypatch.undo()
    assert calls > when + 1  # what was written has been put back
    assert_state(model, before)
    assert all(p._array is a for p, a in zip(model[0].parameters(), arrays, strict=True))
    assert model[1].weight is None
    assert model[1].in_features is None
    model.load_state_dict(state, assign=assign)
    assert_state(model, numbers(source))


# ----------------------------------------------------------------------------- repr, copy, pickle


def test_repr():
    model = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ModuleDict({"a": nn.Linear(1, 2, bias=False)}))
    model.register_module("gone", nn.ReLU())
    assert repr(model) == (
        "Sequential(\n"
        "  (0): Conv1d(in_channels=2, out_channels=4, kernel_size=3)\n"
        "  (1): ModuleDict(\n"
        "    (a): Linear(in_features=1, out_features=2, bias=False)\n"
        "  )\n"
        "  (gone): ReLU()\n"
        ")"
    )

    class Noted(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.ReLU()

        def extra_repr(self):
            return "size=3"

    assert repr(Noted()) == "Noted(\n  size=3\n  (layer): ReLU()\n)"
    assert repr(nn.Module()) == "Module()"


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Dropout(0.25), "Dropout(p=0.25)"),
        (nn.Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
        (nn.AdaptiveAvgPool1d(3), "AdaptiveAvgPool1d(output_size=3)"),
        (
            nn.MaxPool1d(3),
            "MaxPool1d(kernel_size=3, stride=3, padding=0, dilation=1, ceil_mode=False)",
        ),
        (nn.LazyLinear(3, bias=False), "LazyLinear(in_features=None, out_features=3, bias=False)"),
        (nn.LazyLinear(3), "LazyLinear(in_features=None, out_features=3)"),
        (
            nn.BatchNorm1d(3, eps=0.1, momentum=None, affine=False, track_running_stats=False),
            "BatchNorm1d(num_features=3, eps=0.1, momentum=None, affine=False, "
            "track_running_stats=False)",
        ),
        (nn.LazyBatchNorm1d(), "LazyBatchNorm1d(num_features=None)"),
        (
            nn.Conv1d(2, 4, 3, 1, "same", 2, 2, False, "reflect"),
            "Conv1d(in_channels=2, out_channels=4, kernel_size=3, padding='same', dilation=2, "
            "groups=2, bias=False, padding_mode='reflect')",
        ),
    ],
)
def test_repr_of_layers(layer, text):
    assert repr(layer) == text


def shared_and_trained():
    model = nn.Sequential(Shared(), nn.BatchNorm1d(2), nn.LazyLinear(3), nn.LazyConv1d(2, 3)).eval()
    model[0].train()
    model[2].requires_grad_(False)
    model[2](lucid.ones(1, 2))
    model[0](lucid.ones(1, 2)).sum().backward()
    return model


def as_pickled(model):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("how", [copy.deepcopy, as_pickled])
def test_copies_of_models(how):
    model = shared_and_trained()
    twin = how(model)
    assert_state(twin, numbers(model))
    assert twin[0].first is twin[0].second
    assert twin[0].first is not model[0].first
    assert twin[0].first.weight is twin[0].first._parameters["weight"]
    assert [m.training for m in twin.modules()] == [m.training for m in model.modules()]
    assert [p.requires_grad for p in twin.parameters()] == [
        p.requires_grad for p in model.parameters()
    ]
    assert twin[3].weight is None
    before = numbers(model)
    with lucid.no_grad():
        twin[0].first.weight.fill_(3)
        twin[1].running_mean.fill_(3)
    assert_state(model, before)
    x = lucid.randn(2, 4, 7)
    np.testing.assert_array_equal(twin[3](x).tolist(), model[3](x).tolist())  # the seed came along


def test_deepcopy_keeps_gradients_and_hooks_on_the_copy():
    model, seen = shared_and_trained(), []
    model.register_forward_pre_hook(lambda module, args: seen.append(module))
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(
        twin[0].first.weight.grad.tolist(), model[0].first.weight.grad.tolist()
    )
    assert twin[0].first.weight.grad is not model[0].first.weight.grad
    with pytest.raises(lucid.ShapeError):
        twin(lucid.ones(1, 2))
    assert seen == [twin]


# ------------------------------------------------------------------------------ where an error was


class Encoder(nn.Module):
    """Calls the modules it holds in the way that their container asks for."""

    def __init__(self, blocks):
        super().__init__()
        self.blocks = blocks

    def forward(self, x):
        blocks = self.blocks.values() if isinstance(self.blocks, nn.ModuleDict) else self.blocks
        for block in blocks:
            x = block(x)
        return x


def lazy():
    return nn.LazyConv1d(2, 3)


def deep(levels):
    model = lazy()
    for _ in range(levels):
        model = nn.Sequential(model)
    return model


used_twice = lazy()


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (nn.Sequential(lazy()), "0 (LazyConv1d)"),
        (nn.Sequential({"encoder": nn.Sequential(lazy())}), "encoder.0 (LazyConv1d)"),
        (Encoder(nn.ModuleList([nn.ReLU(), lazy()])), "blocks.1 (LazyConv1d)"),
        (Encoder(nn.ModuleDict({"in": lazy()})), "blocks.in (LazyConv1d)"),
        (nn.Sequential(Encoder(nn.ModuleList([Encoder(nn.ModuleDict({"a": lazy()}))]))),
         "0.blocks.0.blocks.a (LazyConv1d)"),
        (Shared(lazy()), "first (LazyConv1d)"),
        (nn.Sequential(nn.ReLU(), Encoder(nn.ModuleList([used_twice])), used_twice),
         "1.blocks.0 (LazyConv1d)"),
        (deep(5), "0.0.0.0.0 (LazyConv1d)"),
    ],
)  # fmt: skip
def test_an_error_says_where(model, path):
    # contract 79
    with pytest.raises(lucid.ShapeError, match=r"LazyConv1d expected an input \(N, C") as caught:
        model(lucid.zeros(5))
    assert type(caught.value) is lucid.ShapeError
    assert str(caught.value).count("in model:") == 1
    assert str(caught.value).endswith(f"\n  in model: {path}")
    with pytest.raises(lucid.ShapeError) as again:
        model(lucid.zeros(5))
    assert str(again.value) == str(caught.value)


def test_a_layer_on_its_own_has_no_path():
    with pytest.raises(lucid.ShapeError) as caught:
        lazy()(lucid.zeros(5))
    assert "in model" not in str(caught.value)


class Failing(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


class Custom(Exception):
    """Its argument is not a message."""

    def __init__(self, code):
        super().__init__(code, "more")
        self.code = code


@pytest.mark.parametrize(
    "error",
    [KeyError("key"), RuntimeError("bad luck"), Custom(3), OSError(2, "no"), ValueError("a", "b")],
)
def test_other_errors_get_a_note(error):
    args, kind = error.args, type(error)
    model = nn.Sequential(nn.ReLU(), nn.Sequential(Failing(error)))
    with pytest.raises(kind) as caught:
        model(lucid.zeros(1))
    assert caught.value is error
    assert error.args == args
    assert error.__notes__ == ["  in model: 1.0 (Failing)"]


def test_a_type_error_is_extended_like_a_value_error():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(TypeError, match="linear needs a tensor for input, got list") as caught:
        model([1.0, 2.0])
    assert str(caught.value).endswith("  in model: 0 (Linear)")


def test_an_interruption_passes_untouched():
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        nn.Sequential(Failing(error))(lucid.zeros(1))
    assert vars(error) == {}


def test_an_error_in_a_hook_or_in_the_models_own_forward():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.ReLU())

        def forward(self, x):
            return F.linear(self.inner(x), x)

    model = nn.Sequential(Mixed())
    with pytest.raises(lucid.ShapeError, match=r"in model: 0 \(Mixed\)"):
        model(lucid.zeros(5))
    model[0].inner[0].register_forward_hook(lambda *_: [].pop())
    with pytest.raises(IndexError) as caught:
        model(lucid.zeros(5))
    assert caught.value.__notes__ == ["  in model: 0.inner.0 (ReLU)"]


@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
def test_a_state_dict_of_the_reference_loads_with_equal_outputs(lazy):
    # contract 54; the file is made by tests/data/make_reference_cnn.py
    with np.load(Path(__file__).parent / "data" / "reference_cnn.npz") as file:
        arrays = dict(file)
    x, expected = lucid.tensor(arrays.pop("input")), arrays.pop("output")
    if lazy:
        layers = (
            nn.LazyConv1d(8, 5, padding=2, padding_mode="reflect"),
            nn.LazyBatchNorm1d(),
            nn.LazyConv1d(4, 3, stride=2, groups=2, bias=False),
            nn.LazyLinear(5),
        )
    else:
        layers = (
            nn.Conv1d(3, 8, 5, padding=2, padding_mode="reflect"),
            nn.BatchNorm1d(8),
            nn.Conv1d(8, 4, 3, stride=2, groups=2, bias=False),
            nn.Linear(36, 5),
        )
    first, norm, second, last = layers
    model = nn.Sequential(first, norm, nn.ReLU(), second, nn.Flatten(), last).eval()
    assert model.load_state_dict(arrays) == ([], [])
    assert np.abs(model(x).detach().numpy() - expected).max() < 1e-5
    # and back: the same keys, in the same order, with the same shapes and dtypes
    ours = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    assert list(ours) == list(arrays)
    for name, array in arrays.items():
        assert ours[name].dtype == array.dtype
        assert np.array_equal(ours[name], array)
