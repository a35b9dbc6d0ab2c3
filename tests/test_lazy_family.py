"""The contract of the lazy layers, statement by statement, for every member of the family.

What belongs to one layer alone stands in ``test_lazy_conv1d.py`` and its like. A new member is one
entry in ``lazy_layers.MEMBERS``.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import time

import numpy as np
import pytest

import lucid
import lucid.nn as nn
from lucid import optim
from lucid.nn.lazy import LazyMixin
from lucid.optim.swa_utils import AveragedModel

from disturbing import interrupted_at_every_line, race
from lazy_layers import (
    MEMBERS,
    assert_equal_states,
    assert_same,
    assert_waiting,
    first,
    seeded,
)
from scale import LazyScale


@pytest.fixture(params=MEMBERS)
def member(request):
    return MEMBERS[request.param]


def as_pickled(layer):
    return pickle.loads(pickle.dumps(layer))


def train(layer, optimizer, x):
    """One step; the gradient of the output is any but a constant, which norms do not feel."""
    optimizer.zero_grad()
    y = first(layer(x))
    y.backward(lucid.tensor(np.sin(np.arange(y.numel())).reshape(y.shape), dtype=y.dtype))
    optimizer.step()


def test_every_lazy_layer_is_here():
    public = {getattr(nn, name) for name in nn.__all__ if name.startswith("Lazy")}
    assert {m.lazy for m in MEMBERS.values()} == public | {LazyScale}
    assert all(issubclass(lazy, LazyMixin) for lazy in public)


# ------------------------------------------------------------------------------------ construction


def test_signature(member):
    # contract 1: that of the eager twin, without the size
    eager = dict(inspect.signature(member.eager).parameters)
    lazy = inspect.signature(member.lazy).parameters
    del eager[member.inferred]
    assert [n for n in lazy if member.signature.get(n, "") is not None] == list(eager)
    for name, parameter in eager.items():
        assert lazy[name].default == member.signature.get(name, parameter.default), name
        assert lazy[name].kind == parameter.kind
    assert eager["device"].default is eager["dtype"].default is None


def test_before_and_after(member):
    # contract 2, 3, 14, 20, 26, 34, 80
    class Mine(member.lazy):
        pass

    layer = Mine(**member.args)
    assert isinstance(layer, member.eager)
    assert_waiting(layer, member)
    assert f"{member.inferred}=None" in repr(layer)
    placeholders = list(layer.parameters())
    layer(x=member.input())
    assert type(layer) is Mine
    assert getattr(layer, member.inferred) == member.size
    assert type(getattr(layer, member.inferred)) is type(member.size)
    assert {n: t.shape for n, t in layer.state_dict().items()} == member.tensors
    assert list(layer.state_dict()) == list(member.tensors)
    assert not layer.has_uninitialized_parameters()
    assert all(a is b for a, b in zip(layer.parameters(), placeholders, strict=True))
    assert all(getattr(layer, n) is p for n, p in layer.named_parameters())
    assert all(type(p) is nn.Parameter and p.requires_grad for p in placeholders)
    assert f"{member.inferred}={member.size}" in repr(layer)


def test_without_bias(member):
    # contract 4
    layer = member.make(bias=False)
    names = [name for name in member.parameters if "bias" not in name]
    assert [n for n, _ in layer.named_parameters()] == names
    layer(member.input())
    assert [n for n, _ in layer.named_parameters()] == names
    assert all(getattr(layer, n, None) is None for n in member.parameters if "bias" in n)
    assert "bias=False" in repr(layer)


def test_construction_takes_one_seed(member):
    # contract 5
    before = lucid.get_rng_state()
    member.make()
    after = lucid.get_rng_state()
    assert after["children"] == before["children"] + 1
    assert after["stream"] == before["stream"]
    member.make_eager()
    assert lucid.get_rng_state()["children"] == before["children"] + 2


@pytest.mark.parametrize("lazy", [True, False], ids=["lazy", "eager"])
def test_sizes_are_whole_numbers_within_range(member, lazy):
    # contract 8, 10, 11, 12, 13
    def make(**options):
        if lazy:
            return member.lazy(**{**member.args, **options})
        args = {n: a for n, a in member.args.items() if member.signature.get(n, 1)}
        return member.eager(**{member.inferred: member.size, **args, **options})

    before = lucid.get_rng_state()
    sizes = {n: m for n, m in member.sizes.items() if lazy or member.signature.get(n, 1)}
    if not lazy:
        sizes[member.inferred] = 1
    for name, least in sizes.items():
        for bad in (True, 2.5, "3", None, np.bool_(True)):
            if not (bad == "3" and name == "padding"):  # where words are legal: a ValueError
                with pytest.raises(TypeError, match=f"{name} must be an int, got"):
                    make(**{name: bad})
        start = time.perf_counter()
        for bad in (least - 1, -(2**40), 2**31, 2**63):
            with pytest.raises(ValueError, match=f"{name} must be"):
                make(**{name: bad})
        assert time.perf_counter() - start < 0.1 * 4
    assert lucid.get_rng_state() == before
    for name in member.sizes:
        if name in member.args and lazy:
            layer = make(**{name: (np.int32(member.args[name]),)})
            assert getattr(layer, name) == member.args[name]
            assert type(getattr(layer, name)) is int


# --------------------------------------------------------------------------------- materialization


def test_same_seed_same_numbers_as_the_eager_twin(member):
    # contract 5, 16, 17, 47
    eager = seeded(lambda: [member.make_eager(), member.make_eager(member.other)])
    after = lucid.get_rng_state()
    lazy = seeded(lambda: [member.make(), member.make()])
    assert lucid.get_rng_state() == after
    inputs = [member.input(), member.input(member.other)]
    state = lucid.get_rng_state()
    for i in (1, 0):  # the order does not matter
        assert_same(first(lazy[i](inputs[i])), first(eager[i](inputs[i])))
        assert_equal_states(lazy[i], eager[i])
    assert lucid.get_rng_state() == state


def test_materializes_once(member):
    # contract 17, 18, 21, 23
    layer = member.make().eval()
    layer.forward(member.input())
    before, state = copy.deepcopy(layer), lucid.get_rng_state()
    other = member.input(member.other)
    state = lucid.get_rng_state()
    message = re.escape(f"has {member.inferred}={member.size}, inferred at the first forward")
    with pytest.raises(lucid.ShapeError, match=message):
        layer(other)
    layer(lucid.zeros(*member.shape(member.size)))
    assert_equal_states(layer, before)
    assert lucid.get_rng_state() == state
    assert not layer.training
    with pytest.raises(ValueError, match="a layer is initialized once"):
        layer._initialize(member.other)
    with pytest.raises(lucid.ShapeError, match="given at construction"):
        member.make_eager()(other)


def test_pre_hooks_run_first(member):
    # contract 19
    layer, seen = member.make(), []
    other = member.input(member.other)
    layer.register_forward_pre_hook(lambda m, args: seen.append(getattr(m, member.inferred)))
    layer.register_forward_pre_hook(lambda m, args: (other,))
    layer(member.input())
    assert seen == [None]
    assert getattr(layer, member.inferred) == member.other


def test_one_used_twice_materializes_once(member):
    # contract 22, 41
    calls = []

    class Counting(member.lazy):
        def reset_parameters(self):
            calls.append(getattr(self, member.inferred))
            super().reset_parameters()

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = self.again = Counting(**member.args)

        def forward(self, x):
            return first(self.layer(x)), first(self.again(x))

    model, before = Twice(), lucid.get_rng_state()
    x = lucid.ones(*member.shape(member.size))
    assert_same(*model(x))
    assert calls == [member.size]
    assert lucid.get_rng_state() == before


def test_without_grad_it_stays_trainable(member):
    # contract 24
    layer = member.make()
    with lucid.no_grad():
        layer(member.input())
    train(layer, optim.SGD(layer.parameters(), lr=0.1), member.input())
    assert all(p.requires_grad and p.is_leaf and bool(p.grad.any()) for p in layer.parameters())


def test_an_empty_batch_materializes(member):
    # contract 25, 76
    layer, x = member.make(), member.empty().requires_grad_()
    y = first(layer(x))
    assert y.shape[member.batch] == 0
    assert getattr(layer, member.inferred) == member.size
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert not any(bool(p.grad.any()) for p in layer.parameters())


# --------------------------------------------------------------- a failed first forward: no trace


def test_a_failed_first_forward_leaves_no_trace(member):
    # contract 27, 28, 29, 31, 32, 60, 77
    layer = seeded(member.make)
    expected = copy.deepcopy(layer)
    inputs = [lucid.zeros(*shape) for shape in member.impossible]
    inputs += [member.input(member.other).to(d) for d in ("float64", "int64", "bool")]
    for x in (*inputs, np.zeros(member.shape(member.other), np.float32), None, [[1.0]]):
        state = lucid.get_rng_state()
        for call in (layer, layer.forward):
            with pytest.raises((ValueError, TypeError)):
                call(x)
            assert_waiting(layer, member)
            assert lucid.get_rng_state() == state
    x = member.input()  # a retry, of another size
    assert_same(first(layer(x)), first(expected(x)))
    assert_equal_states(layer, expected)


def test_impossible_sizes(member):
    # contract 30, 31
    layer = member.make()
    for size in (0, -1, 2.5, None, True, 2**31):
        with pytest.raises((ValueError, TypeError), match=member.inferred):
            layer._initialize(size)
        assert_waiting(layer, member)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_a_first_forward_that_is_interrupted_leaves_no_trace(member, error, monkeypatch):
    # contract 27, 28, 29
    layer = member.make()
    expected, state = copy.deepcopy(layer), lucid.get_rng_state()

    def fail(*_, **__):
        raise error

    x = lucid.ones(*member.shape(member.size))
    for step in ("reset_parameters", "forward", "_make_buffers", "_shapes"):
        with monkeypatch.context() as patch:
            patch.setattr(member.eager, step, fail)
            with pytest.raises(error):
                layer(x)
        assert_waiting(layer, member)
        assert lucid.get_rng_state() == state
    layer(x)
    expected(x)
    assert_equal_states(layer, expected)


def test_interrupted_at_any_line(member):
    # contract 27, 29
    x, other = member.input(), member.input(member.other)

    def check(layer, error):
        if getattr(layer, member.inferred) is None:
            assert_waiting(layer, member)
            layer(other)
            assert getattr(layer, member.inferred) == member.other
        else:
            assert {n: t.shape for n, t in layer.state_dict().items()} == member.tensors
            assert all(getattr(layer, n) is p for n, p in layer.named_parameters())

    assert interrupted_at_every_line(member.make, lambda m: m(x), check) > 50


def test_an_error_in_a_hook_afterwards_keeps_the_weights(member):
    # contract 33
    layer = member.make()
    layer.register_forward_hook(lambda *_: [].pop())
    with pytest.raises(IndexError):
        layer(member.input())
    assert getattr(layer, member.inferred) == member.size


# --------------------------------------------------------------------- parameters and optimizers

OPTIMIZERS = [
    name
    for name in optim.__all__
    if name != "Optimizer"
    and isinstance(getattr(optim, name), type)
    and issubclass(getattr(optim, name), optim.Optimizer)
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_made_first_trains_the_layer(member, name):
    # contract 35, 36, 38
    lazy, eager = seeded(member.make), seeded(member.make_eager)
    ours, theirs = (getattr(optim, name)(m.parameters(), lr=0.1) for m in (lazy, eager))
    lazy.zero_grad()
    ours.zero_grad()
    ours.step()  # nothing to do yet
    assert_waiting(lazy, member)
    x = member.input()
    start = {}
    for _ in range(2):
        for layer, optimizer in ((lazy, ours), (eager, theirs)):
            train(layer, optimizer, x)
        start = start or {n: p.clone() for n, p in lazy.named_parameters()}
    assert_equal_states(lazy, eager)
    for n, p in lazy.named_parameters():
        assert bool((p != start[n]).any()), n


def test_requires_grad_set_before_survives(member):
    # contract 37
    layer = member.make().requires_grad_(False)
    assert not first(layer(member.input())).requires_grad
    assert not any(p.requires_grad for p in layer.parameters())
    one = member.make()
    frozen, *others = one.parameters()
    frozen.requires_grad = False
    train(one, optim.SGD(one.parameters(), lr=0.1), member.input())
    assert frozen.grad is None
    assert all(p.grad is not None for p in others)


def test_a_placeholder_has_no_shape_and_cannot_be_tied(member):
    # contract 39, 40
    layer, other = member.make(), member.make()
    for name, p in layer.named_parameters():
        for use in (lambda p: p.shape, lambda p: p.numel(), lambda p: p + 1):
            with pytest.raises(
                ValueError,
                match=r"no shape yet: its Lazy.*\n  try: model.mat",
            ):
                use(p)
        with pytest.raises(ValueError, match="run one forward pass through both layers, then tie"):
            setattr(other, name, getattr(layer, name))
        with pytest.raises(ValueError, match="waits for the first input of its own layer"):
            setattr(nn.Module(), name, p)
    assert_waiting(other, member)


def test_apply_reset_and_zero_grad_before(member):
    # contract 38, 41
    layer, seen = member.make(), []
    state = lucid.get_rng_state()
    layer.apply(lambda m: seen.append([getattr(m, n) for n in member.parameters]))
    layer.reset_parameters()
    layer.zero_grad()
    assert seen == [[None] * len(member.parameters)]
    assert_waiting(layer, member)
    assert lucid.get_rng_state() == state


def test_a_weight_average_made_first_follows(member):
    # contract 42
    model = nn.Sequential(member.make())
    average = AveragedModel(model)
    train(model[0], optim.SGD(model.parameters(), lr=0.1), member.input())
    average.update_parameters(model)
    mine = dict(average.module.named_parameters())
    for name, p in model.named_parameters():
        assert_same(mine[name], p)


# -------------------------------------------------------------------------------------- state_dict


def test_states_of_waiting_layers(member):
    # contract 43, 44, 45
    layer = member.make()
    assert layer.load_state_dict(member.make().state_dict()) == ([], [])
    assert_waiting(layer, member)
    missing = ", ".join(member.tensors)
    with pytest.raises(ValueError, match=rf"missing: {missing}(.|\n)*saved before its first forw"):
        member.make_eager().load_state_dict(layer.state_dict())


def test_loading_materializes(member):
    # contract 34, 46, 47, 53, 80
    source = nn.Sequential(nn.Sequential(member.make_eager()))
    train(source[0][0], optim.SGD(source.parameters(), lr=0.1), member.input())
    model = nn.Sequential(nn.Sequential(member.make()))
    layer = model[0][0]
    placeholders = list(layer.parameters())
    optimizer = optim.SGD(placeholders, lr=0.1)
    x, other = member.input(), member.input(member.other)
    state = lucid.get_rng_state()
    model.load_state_dict(source.state_dict())
    assert lucid.get_rng_state() == state
    assert getattr(layer, member.inferred) == member.size
    assert f"{member.inferred}={member.size}" in repr(layer)
    assert_equal_states(model, source)
    assert all(a is b for a, b in zip(layer.parameters(), placeholders, strict=True))
    assert_same(first(layer.eval()(x)), first(source[0][0].eval()(x)))
    message = re.escape(f"has {member.inferred}={member.size}, taken from the loaded state dict")
    with pytest.raises(lucid.ShapeError, match=message):
        layer(other)
    before = {n: p.clone() for n, p in layer.named_parameters()}
    train(layer.train(), optimizer, x)
    assert all(bool((p != before[n]).any()) for n, p in layer.named_parameters())


@pytest.mark.parametrize("value", [lucid.zeros(2, 2, 2, 2), lucid.zeros(0), "text", None])
def test_loading_that_fails_leaves_no_trace(member, value):
    # contract 48, 49
    good = member.make_eager().state_dict()
    layer = seeded(member.make)
    expected, state = copy.deepcopy(layer), lucid.get_rng_state()
    for key in good:
        with pytest.raises(ValueError, match=f"{key}: ") as caught:
            layer.load_state_dict({**good, key: value})
        if isinstance(value, lucid.Tensor):
            assert f"found {value.shape}" in str(caught.value) or value.shape == (0,)
        assert_waiting(layer, member)
        with pytest.raises(ValueError, match=f"missing: {key}"):
            layer.load_state_dict({k: v for k, v in good.items() if k != key})
        assert_waiting(layer, member)
    with pytest.raises(ValueError, match="unexpected: odd"):
        layer.load_state_dict({**good, "odd": lucid.zeros(1)})
    assert_waiting(layer, member)
    assert lucid.get_rng_state() == state
    x = member.input()
    assert_same(first(layer(x)), first(expected(x)))


def test_loading_is_all_or_nothing_for_the_whole_model(member):
    # contract 49
    model, source = (nn.Sequential(member.make(), nn.LazyLinear(2)) for _ in range(2))
    source[0](member.input())
    source[1](lucid.zeros(1, 3))
    state = {**source.state_dict(), "1.bias": lucid.zeros(7)}
    with pytest.raises(ValueError, match=r"1\.bias: expected shape \(2,\), found \(7,\)"):
        model.load_state_dict(state)
    assert_waiting(model[0], member)
    assert model[1].weight is None


def test_partial_states(member):
    # contract 50
    telling, *rest = member.tensors
    value = lucid.rand(*member.tensors[telling])
    eager, layer = seeded(member.make_eager), seeded(member.make)
    result = layer.load_state_dict({telling: value}, strict=False)
    assert result.missing_keys == rest
    assert getattr(layer, member.inferred) == member.size
    eager.load_state_dict({telling: value}, strict=False)
    assert_equal_states(layer, eager)  # the rest is initialized
    layer = member.make()
    others = {n: lucid.zeros(*member.tensors[n]) for n in rest}
    result = layer.load_state_dict(others, strict=False)
    assert telling in result.missing_keys
    assert result.unexpected_keys == rest
    assert_waiting(layer, member)
    with pytest.raises(ValueError, match=f"missing: {telling}"):
        layer.load_state_dict(others)


def test_assigning_and_dtypes_of_states(member):
    # contract 51, 52
    source = member.make_eager(dtype="float64")
    layer = member.make()
    placeholders = list(layer.parameters())
    layer.load_state_dict(source.state_dict(), assign=True)
    assert_equal_states(layer, source)
    assert all(a is b for a, b in zip(layer.parameters(), placeholders, strict=True))
    x = member.input(dtype="float64")
    assert_same(first(layer.eval()(x)), first(source.eval()(x)))
    kept = member.make()
    kept.load_state_dict(source.state_dict())
    assert_equal_states(kept, source.float())


def test_states_go_to_pytorch_and_back(member):
    # contract 54
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, member.eager.__name__, None)
    if theirs is None:
        assert member.lazy in (nn.LazyDepthwiseConv1d, LazyScale)  # what PyTorch has not
        return
    args = {n: a for n, a in member.args.items() if member.signature.get(n, 1)}
    other = theirs(**{member.inferred: member.size}, **args).double().eval()
    layer = member.make(dtype="float64").eval()
    layer.load_state_dict(other.state_dict())
    x = member.input(dtype="float64")
    y, expected = first(layer(x)), first(other(torch.tensor(x.numpy())))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), 1e-10, 1e-12)
    trained = member.make(dtype="float64")
    train(trained, optim.SGD(trained.parameters(), lr=0.1), x)
    state = {n: torch.tensor(t.numpy()) for n, t in trained.state_dict().items()}
    other.load_state_dict(state)
    y, expected = first(trained.eval()(x)), first(other(torch.tensor(x.numpy())))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), 1e-10, 1e-12)


# ------------------------------------------------------------------- copy, dtype, device, threads


@pytest.mark.parametrize("how", [copy.deepcopy, as_pickled])
def test_copies(member, how):
    # contract 55, 56, 57, 64
    layer = member.make(dtype="float64").eval().requires_grad_(False)
    twin = how(layer)
    assert_waiting(twin, member)
    assert not twin.training
    assert not any(p.requires_grad for p in twin.parameters())
    x = member.input(dtype="float64")
    assert_same(first(twin(x)), first(layer(x)))  # the dtype and the seed came along
    assert_equal_states(twin, layer)
    later = how(layer)
    assert_equal_states(later, layer)
    with lucid.no_grad():
        for p in later.parameters():
            p.fill_(3)
    assert_equal_states(twin, layer)  # on memory of its own
    waiting = member.make()
    twin = how(waiting)
    before = [id(p) for p in twin.parameters()]
    optimizer = optim.SGD(twin.parameters(), lr=0.1)
    with lucid.no_grad():
        twin(member.input())
    start = {n: p.clone() for n, p in twin.named_parameters()}
    train(twin, optimizer, member.input())
    assert [id(p) for p in twin.parameters()] == before
    assert all(bool((p != start[n]).any()) for n, p in twin.named_parameters())
    assert_waiting(waiting, member)  # independent


@pytest.mark.parametrize(
    "convert",
    [
        lambda m: m.double(),
        lambda m: m.to("float64"),
        lambda m: m.to("cpu", "float64"),
        lambda m: nn.Sequential(m).double(),
    ],
)
def test_conversion_before_materialization(member, convert):
    # contract 59, 60
    layer = member.make()
    convert(layer)
    assert all(p.dtype is lucid.float64 for p in layer.parameters())
    with pytest.raises(TypeError, match=r"float32(.|\n)*float64(.|\n)*try: "):
        layer(member.input())
    layer(member.input(dtype="float64"))
    for name, tensor in layer.state_dict().items():
        assert tensor.dtype is (lucid.int64 if "num" in name else lucid.float64)


def test_dtypes(member):
    # contract 58
    lucid.set_default_dtype(lucid.float64)
    early = member.make()
    lucid.set_default_dtype(lucid.float32)
    assert first(early(member.input(dtype="float64"))).dtype is lucid.float64
    layer = member.make(dtype="float64").float()
    assert first(layer(member.input())).dtype is lucid.float32
    before = lucid.get_rng_state()
    with pytest.raises(TypeError, match="float32 or float64, not int64"):
        member.make(dtype="int64")
    assert lucid.get_rng_state() == before


def test_devices(member):
    # contract 61
    for device in (None, "cpu", lucid.device("cpu")):
        layer = member.make(device=device)
        layer(member.input())
        assert all(t.device == lucid.device("cpu") for t in layer.state_dict().values())
    with pytest.raises(ValueError, match="the only device is 'cpu', got 'cuda'"):
        member.make(device="cuda")


def test_threads_racing_the_first_forward(member):
    # contract 62
    calls = []

    class Counting(member.lazy):
        def reset_parameters(self):
            calls.append(1)
            super().reset_parameters()

    x = member.input()
    for round_ in range(5):
        layer = Counting(**member.args)
        outputs, errors = race(layer, [x] * 6)
        assert errors == [None] * 6
        assert len(calls) == round_ + 1
        for y in outputs:
            assert_same(first(y), first(layer(x)))


def test_threads_with_inputs_of_other_sizes(member):
    # contract 63
    sizes = [member.size, member.other] * 3
    inputs = [member.input(size) for size in sizes]
    for _ in range(5):
        layer = member.make()
        _, errors = race(layer, inputs)
        kept = getattr(layer, member.inferred)
        for size, error in zip(sizes, errors, strict=True):
            assert (error is None) == (size == kept)
            assert error is None or "inferred at the first forward" in str(error)
    for _ in range(5):  # if the first builder fails, the next may build
        layer = member.make()
        _, errors = race(layer, [lucid.zeros(), inputs[0]] * 3)
        assert getattr(layer, member.inferred) == member.size
        assert [error is None for error in errors] == [False, True] * 3


# --------------------------------------------------------------------------------- the operation


def test_layouts_in_memory(member):
    # contract 75
    layer, x = member.make(), member.input()
    y = first(layer(x))
    array = x.numpy()
    for view in (
        np.asfortranarray(array),
        array[::-1].copy()[::-1],
        np.repeat(array, 2, axis=-1)[..., ::2],
        array.T.copy().T,
    ):
        before = view.copy()
        assert_same(first(layer(lucid.from_numpy(view))), y)
        assert np.array_equal(view, before)


# --------------------------------------------------------------------------------- errors and repr


def test_an_error_carries_the_path(member):
    # contract 79, 82
    model = nn.Sequential(nn.Sequential(member.make(), nn.ReLU()))
    path = rf"in model: 0\.0 \({member.lazy.__name__}\)"
    with pytest.raises(lucid.ShapeError, match=path) as caught:
        model(lucid.zeros())
    assert "()" in str(caught.value)
    with pytest.raises(TypeError, match=path):
        model(member.input().long())
    assert_waiting(model[0][0], member)


def test_repr_never_materializes(member):
    # contract 81
    layer = member.make()
    assert "None" in repr(nn.Sequential(layer))
    assert repr(list(layer.parameters())).count("UninitializedParameter") == len(member.parameters)
    assert_waiting(layer, member)
