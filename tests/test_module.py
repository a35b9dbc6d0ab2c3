"""Modules: registration, hooks, walking and conversion."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn

from modules import Shared, convnet, numbers

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
