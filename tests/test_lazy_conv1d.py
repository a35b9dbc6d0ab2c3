"""LazyConv1d under the whole contract. Each test names the statements it shows."""

from __future__ import annotations

import copy
import gc
import inspect
import multiprocessing
import pickle
import sys
import threading
import warnings
import weakref
from functools import partial

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F
from lucid.nn.parameter import UninitializedParameter
from lucid.optim import SGD, Adam, AdamW


def assert_pending(layer: nn.LazyConv1d) -> None:
    assert layer.weight is None
    assert layer.bias is None
    assert layer.in_channels is None
    assert layer.state_dict() == {}
    assert all(isinstance(p, UninitializedParameter) for p in layer.parameters())
    assert "in_channels=None" in repr(layer)


def assert_same(a: lucid.Tensor, b: lucid.Tensor) -> None:
    assert a.shape == b.shape
    assert a.dtype is b.dtype
    assert np.array_equal(a.detach().numpy(), b.detach().numpy())


def seeded(make, seed=0):
    lucid.manual_seed(seed)
    return make()


# ------------------------------------------------------------------------------------ construction


def test_signature():
    # contract 1
    expected = {
        "out_channels": inspect.Parameter.empty,
        "kernel_size": inspect.Parameter.empty,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
        "bias": True,
        "padding_mode": "zeros",
        "device": None,
        "dtype": None,
    }
    parameters = inspect.signature(nn.LazyConv1d).parameters
    assert {name: p.default for name, p in parameters.items()} == expected
    assert list(parameters) == list(expected)
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


def test_is_a_conv1d_and_stays_what_it_is():
    # contract 2, 26
    class Mine(nn.LazyConv1d):
        pass

    layer = Mine(4, 3)
    assert isinstance(layer, nn.Conv1d)
    layer(lucid.zeros(1, 2, 5))
    assert type(layer) is Mine


def test_attributes_are_none_before():
    # contract 3, 4
    assert_pending(nn.LazyConv1d(4, 3))
    layer = nn.LazyConv1d(4, 3, bias=False)
    assert_pending(layer)
    assert len(list(layer.parameters())) == 1
    layer(lucid.zeros(1, 2, 5))
    assert layer.bias is None
    assert len(list(layer.parameters())) == 1
    assert len(list(nn.LazyConv1d(4, 3).parameters())) == 2


def test_construction_takes_one_child_seed_and_allocates_nothing():
    # contract 5
    lucid.manual_seed(0)
    before = lucid.get_rng_state()
    layer = nn.LazyConv1d(2**20, 2**10 - 1)  # a gigabyte per input channel, were it allocated
    after = lucid.get_rng_state()
    assert after["children"] == before["children"] + 1
    assert after["stream"] == before["stream"]
    assert_pending(layer)
    nn.Conv1d(3, 4, 3)
    assert lucid.get_rng_state()["children"] == before["children"] + 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        # contract 6
        ({"padding": "SAME"}, ValueError, "padding='same'"),
        ({"padding": "full"}, ValueError, "'same' or 'valid', got 'full'"),
        ({"padding_mode": "mirror"}, ValueError, "'zeros', 'reflect', 'replicate', 'circular'"),
        ({"padding_mode": None}, ValueError, "'zeros', 'reflect', 'replicate', 'circular'"),
        # contract 7
        ({"padding": "same", "stride": 2}, ValueError, "needs stride=1, got stride=2\n.*padding=2"),
        # contract 8, 9
        ({"groups": 0}, ValueError, "groups must be at least 1, got 0"),
        ({"groups": 3}, ValueError, "out_channels=4, groups=3\n  try: groups=2"),
        # contract 10
        ({"out_channels": 0}, ValueError, "out_channels must be at least 1, got 0"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
        # contract 11
        (
            {"kernel_size": 3.0},
            TypeError,
            "kernel_size must be an int, got 3.0\n  try: kernel_size=3",
        ),
        ({"stride": True}, TypeError, "stride must be an int, got the bool True\n  try: stride=1"),
        ({"padding": np.bool_(True)}, TypeError, "padding must be an int, got the bool"),
        ({"dilation": 1.5}, TypeError, "dilation must be an int, got 1.5"),
        ({"out_channels": "8"}, TypeError, "out_channels must be an int, got '8'"),
        ({"groups": None}, TypeError, "groups must be an int, got None"),
        ({"kernel_size": (3, 3)}, TypeError, r"kernel_size must be an int, got \(3, 3\)"),
        # contract 13
        ({"padding": 9223372036854775803}, ValueError, r"below 2\*\*31"),
        ({"dilation": 2**31}, ValueError, r"below 2\*\*31"),
        ({"kernel_size": 2**63}, ValueError, r"below 2\*\*31"),
        ({"stride": 2**31}, ValueError, r"below 2\*\*31"),
        # contract 61
        ({"device": "cuda"}, ValueError, "the only device is 'cpu', got 'cuda'"),
        ({"device": 0}, TypeError, "a device is named by a string"),
        # contract 58
        ({"dtype": "int64"}, TypeError, "float32 or float64, not int64"),
        ({"dtype": "float16"}, TypeError, "no dtype 'float16'"),
    ],
)
@pytest.mark.parametrize("lazy", [True, False], ids=["lazy", "eager"])
def test_bad_arguments(options, error, message, lazy):
    before = seeded(lucid.get_rng_state)
    make = nn.LazyConv1d if lazy else partial(nn.Conv1d, 12)
    with pytest.raises(error, match=message):
        make(**{"out_channels": 4, "kernel_size": 5, **options})
    assert lucid.get_rng_state() == before  # an error takes no seed


@pytest.mark.parametrize("bad", [{"in_channels": 0}, {"in_channels": 3, "groups": 2}])
def test_bad_in_channels_of_an_eager_layer(bad):
    before = seeded(lucid.get_rng_state)
    with pytest.raises(ValueError, match="in_channels"):
        nn.Conv1d(out_channels=4, kernel_size=3, **bad)
    with pytest.raises(TypeError, match="in_channels must be an int, got None"):
        nn.Conv1d(None, 4, 3)
    assert lucid.get_rng_state() == before


def test_a_tuple_of_one_and_numpy_integers_are_sizes():
    # contract 11, 12
    layer = nn.LazyConv1d(np.int64(4), (3,), (2,), [1], (np.int32(2),))
    found = layer.out_channels, layer.kernel_size, layer.stride, layer.padding, layer.dilation
    assert found == (4, 3, 2, 1, 2)
    assert {type(size) for size in found} == {int}


def test_weights_too_large_for_any_memory():
    # contract 13, 27
    layer = nn.LazyConv1d(2**31 - 1, 2**31 - 1, padding=2**30)
    with pytest.raises(ValueError, match=r"2\*\*31"):
        layer(lucid.zeros(1, 8, 4))
    assert_pending(layer)


# --------------------------------------------------------------------------------- materialization


def test_shapes_after_the_first_forward():
    # contract 14, 20, 23
    layer = nn.LazyConv1d(6, 5, groups=2)
    layer.eval()
    y = layer(x=lucid.zeros(3, 4, 9))
    assert y.shape == (3, 6, 5)
    assert layer.in_channels == 4
    assert type(layer.in_channels) is int
    assert layer.weight.shape == (6, 2, 5)
    assert layer.bias.shape == (6,)
    assert not layer.training


@pytest.mark.parametrize("groups", [1, 4])
def test_initialization_is_kaiming_uniform(groups):
    # contract 15
    layer = nn.LazyConv1d(400, 5, groups=groups)
    layer(lucid.zeros(1, 8, 5))
    bound = 1 / np.sqrt(8 // groups * 5)
    for p in (layer.weight, layer.bias):
        numbers = p.detach().numpy().ravel()
        assert np.abs(numbers).max() <= bound * (1 + 1e-6)
        assert np.abs(numbers).max() > 0.97 * bound
        # evenly: the variance is bound^2 / 3
        assert np.isclose(numbers.var(), bound**2 / 3, rtol=0.15)


def mixed_model(lazy: bool):
    conv = (lambda i, *rest, **kw: nn.LazyConv1d(*rest, **kw)) if lazy else nn.Conv1d
    linear = (lambda i, o: nn.LazyLinear(o)) if lazy else nn.Linear
    norm = (lambda c: nn.LazyBatchNorm1d()) if lazy else nn.BatchNorm1d
    return nn.Sequential(
        conv(3, 8, 3, padding=1), norm(8), nn.ReLU(), nn.Conv1d(8, 4, 1), nn.Dropout(0.5),
        conv(4, 6, 3, groups=2), nn.Flatten(), linear(6 * 10, 5), nn.Linear(5, 2),
    )  # fmt: skip


def test_same_seed_same_weights_as_eager():
    # contract 16
    lazy, eager = (seeded(lambda k=k: mixed_model(k)) for k in (True, False))
    # another order of materialization, with random numbers drawn in between
    lazy[5](lucid.randn(1, 4, 5))
    lucid.rand(7)
    lazy[7](lucid.randn(1, 60))
    lazy(lucid.randn(2, 3, 12))
    assert list(lazy.state_dict()) == list(eager.state_dict())
    for name, p in eager.named_parameters():
        assert_same(p, dict(lazy.named_parameters())[name])


def test_a_second_forward_changes_nothing():
    # contract 17
    layer = nn.LazyConv1d(4, 3)
    x = lucid.randn(2, 3, 8)
    first = layer(x)
    weight, before = layer.weight.clone(), lucid.get_rng_state()
    assert_same(layer(x), first)
    assert_same(layer.weight, weight)
    assert lucid.get_rng_state() == before


def test_first_forward_draws_nothing_from_the_global_stream():
    # contract 5, 17
    layer, before = nn.LazyConv1d(4, 3), lucid.get_rng_state()
    layer(lucid.zeros(2, 3, 8))
    assert lucid.get_rng_state() == before


def test_forward_called_directly():
    # contract 18
    layer = nn.LazyConv1d(4, 3)
    layer.forward(lucid.zeros(2, 3, 8))
    assert layer.in_channels == 3


def test_pre_hooks_run_first():
    # contract 19
    layer = nn.LazyConv1d(4, 3)
    seen = []
    layer.register_forward_pre_hook(lambda m, args: seen.append(m.in_channels))
    layer.register_forward_pre_hook(lambda m, args: (lucid.cat([args[0], args[0]], 1),))
    assert layer(lucid.zeros(2, 3, 8)).shape == (2, 4, 6)
    assert seen == [None]
    assert layer.in_channels == 6


def test_another_number_of_channels_later():
    # contract 21
    layer = nn.LazyConv1d(4, 3)
    layer(lucid.zeros(2, 16, 8))
    before = layer.weight.clone()
    with pytest.raises(
        ValueError,
        match=r"expected 16 channels.*got \(2, 5, 8\)\n"
        r"  this LazyConv1d has in_channels=16, inferred at the first forward",
    ):
        layer(lucid.zeros(2, 5, 8))
    assert_same(layer.weight, before)
    with pytest.raises(ValueError, match="in_channels=3, given at construction"):
        nn.Conv1d(3, 4, 3)(lucid.zeros(2, 5, 8))
    loaded = nn.LazyConv1d(4, 3)
    loaded.load_state_dict(layer.state_dict())
    with pytest.raises(ValueError, match="in_channels=16, taken from the loaded state dict"):
        loaded(lucid.zeros(2, 5, 8))


def test_several_in_a_row_and_one_used_twice():
    # contract 22
    calls = []

    class Counting(nn.LazyConv1d):
        def reset_parameters(self):
            calls.append(self.in_channels)
            super().reset_parameters()

    shared = Counting(5, 3, padding=1)
    model = nn.Sequential(Counting(5, 3), shared, nn.ReLU(), shared, Counting(2, 1))
    model(lucid.zeros(1, 7, 9))
    assert calls == [7, 5, 5]


def test_first_forward_without_grad_leaves_it_trainable():
    # contract 24
    layer = nn.LazyConv1d(4, 3)
    with lucid.no_grad():
        layer(lucid.zeros(2, 3, 8))
    layer(lucid.ones(2, 3, 8)).sum().backward()
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf
    assert float(layer.weight.grad.abs().sum()) > 0


def test_an_empty_batch_materializes():
    # contract 25
    layer = nn.LazyConv1d(4, 3)
    assert layer(lucid.zeros(0, 3, 8)).shape == (0, 4, 6)
    assert layer.in_channels == 3


# --------------------------------------------------------------- a failed first forward: no trace


FAILURES = {
    "rank": (lambda: lucid.zeros(3, 8), ValueError),
    "groups": (lambda: lucid.zeros(1, 3, 8), ValueError),
    "no channels": (lambda: lucid.zeros(1, 0, 8), ValueError),
    "dtype": (lambda: lucid.zeros(1, 4, 8, dtype="int64"), TypeError),
    "float64": (lambda: lucid.zeros(1, 4, 8).double(), TypeError),
    "too short": (lambda: lucid.zeros(1, 4, 2), ValueError),
    "padding limit": (lambda: lucid.zeros(1, 4, 1), ValueError),
    "no tensor": (lambda: [[1.0]], TypeError),
    "numpy": (lambda: np.zeros((1, 4, 8), np.float32), TypeError),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_first_forward_leaves_no_trace(failure):
    # contract 27, 28, 29, 31, 32
    make, error = FAILURES[failure]
    layer = seeded(lambda: nn.LazyConv1d(4, 5, padding=1, groups=2, padding_mode="reflect"))
    twin = seeded(lambda: nn.Conv1d(6, 4, 5, padding=1, groups=2, padding_mode="reflect"))
    placeholders = list(layer.parameters())
    before = lucid.get_rng_state()
    for call in (layer, layer.forward):
        with pytest.raises(error):
            call(make())
        assert_pending(layer)
        assert lucid.get_rng_state() == before
    layer(lucid.zeros(1, 6, 8))  # a retry, with other channels
    assert layer.in_channels == 6
    assert [id(p) for p in layer.parameters()] == [id(p) for p in placeholders]
    assert_same(layer.weight, twin.weight)
    assert_same(layer.bias, twin.bias)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
@pytest.mark.parametrize("step", ["weights", "initialization", "output", "kernel"])
def test_interrupted_anywhere(error, step, monkeypatch):
    # contract 27, 28, 29
    def fail(*args, **kwargs):
        raise error

    layer = nn.LazyConv1d(4, 3)
    before = lucid.get_rng_state()
    with monkeypatch.context() as patch:
        if step == "weights":
            patch.setattr("lucid.nn.parameter.np.empty", fail)
        elif step == "initialization":
            patch.setattr("lucid.nn.init.uniform_", fail)
        elif step == "output":
            patch.setattr("lucid.ops.conv.np.empty", fail)
        else:
            patch.setattr(lucid.ops.conv.kernels, "conv1d_forward", fail)
        with pytest.raises(error):
            layer(lucid.zeros(2, 3, 8))
    assert_pending(layer)
    assert lucid.get_rng_state() == before
    assert layer(lucid.zeros(2, 5, 8)).shape == (2, 4, 6)


def test_initialize_checks_the_groups():
    # contract 30, 31
    layer = nn.LazyConv1d(4, 3, groups=2)
    with pytest.raises(ValueError, match="in_channels=5, groups=2"):
        layer._initialize(5)
    with pytest.raises(ValueError, match="in_channels must be at least 1, got 0"):
        layer._initialize(0)
    assert_pending(layer)
    layer._initialize(6)
    assert layer.weight.shape == (4, 3, 3)
    with pytest.raises(ValueError, match=r"in_channels=6.*initialized once"):
        layer._initialize(4)
    assert layer.in_channels == 6


def test_rank_error_shows_shape_and_cure():
    # contract 32, 82
    layer = nn.LazyConv1d(4, 3)
    with pytest.raises(ValueError, match=r"got \(3, 8\)\n.*\n  try: x\[None\] .*-> \(1, 3, 8\)"):
        layer(lucid.zeros(3, 8))
    assert layer(lucid.zeros(3, 8)[None]).shape == (1, 4, 6)


def test_an_error_in_a_hook_afterwards_keeps_the_weights():
    # contract 33
    layer = nn.LazyConv1d(4, 3)

    def hook(module, args, out):
        raise RuntimeError("mine")

    handle = layer.register_forward_hook(hook)
    with pytest.raises(RuntimeError, match="mine"):
        layer(lucid.zeros(2, 3, 8))
    assert layer.in_channels == 3
    before = layer.weight.clone()
    handle.remove()
    layer(lucid.zeros(2, 3, 8))
    assert_same(layer.weight, before)


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
        pytest.raises(ValueError, match=r"no shape yet.*\n  try: run one"),
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


# -------------------------------------------------------------------------------------- state_dict


def materialized(make=lambda: nn.LazyConv1d(4, 3, groups=2), channels=6):
    layer = make()
    layer(lucid.zeros(1, channels, 9))
    return layer


def test_pending_state():
    # contract 43, 44, 45
    layer = nn.LazyConv1d(4, 3)
    assert layer.state_dict() == {}
    other = nn.LazyConv1d(4, 3)
    assert other.load_state_dict(layer.state_dict()) == ([], [])
    assert_pending(other)
    with pytest.raises(ValueError, match=r"missing: weight, bias\n.*lazy layer saved before"):
        nn.Conv1d(2, 4, 3).load_state_dict(layer.state_dict())


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


# ------------------------------------------------------------------- copy, dtype, device, threads


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_a_pending_layer(how):
    # contract 55, 56, 64
    layer = seeded(lambda: nn.LazyConv1d(4, 3, dtype="float64").requires_grad_(False).eval())
    eager = seeded(lambda: nn.Conv1d(2, 4, 3, dtype="float64"))
    twin = how(layer)
    twin(lucid.zeros(1, 2, 5).double())
    assert_pending(layer)
    assert not twin.training
    assert not twin.weight.requires_grad
    assert twin.weight.dtype is lucid.float64
    assert twin.weight.device == lucid.device("cpu")
    assert_same(twin.weight, eager.weight)
    layer(lucid.zeros(1, 2, 5).double())
    assert_same(layer.weight, twin.weight)
    assert layer.weight is not twin.weight


def test_an_optimizer_on_the_copy_trains_the_copy():
    # contract 55
    layer = nn.LazyConv1d(4, 3)
    twin = copy.deepcopy(layer)
    optimizer = SGD(twin.parameters(), lr=0.1)
    twin(lucid.ones(1, 2, 5)).sum().backward()
    before = twin.weight.clone()
    optimizer.step()
    assert not bool((twin.weight == before).any())
    assert_pending(layer)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_a_materialized_layer(how):
    # contract 57
    layer = materialized()
    twin = how(layer)
    assert_same(twin.weight, layer.weight)
    assert_same(twin.bias, layer.bias)
    assert twin.weight is not layer.weight
    assert twin.in_channels == 6
    x = lucid.randn(1, 6, 9)
    assert_same(twin(x), layer(x))


def test_a_shallow_copy_shares_the_parameters():
    layer = nn.LazyConv1d(4, 3)
    twin = copy.copy(layer)
    layer(lucid.zeros(1, 2, 5))
    twin(lucid.zeros(1, 2, 5))
    assert twin.weight is layer.weight


def test_dtype_at_construction():
    # contract 58
    assert materialized(lambda: nn.LazyConv1d(4, 3), 2).weight.dtype is lucid.float32
    layer = nn.LazyConv1d(4, 3, dtype=lucid.float64)
    layer(lucid.zeros(1, 2, 5).double())
    assert layer.bias.dtype is lucid.float64
    lucid.set_default_dtype("float64")
    try:
        layer = nn.LazyConv1d(4, 3)
    finally:
        lucid.set_default_dtype("float32")
    layer(lucid.zeros(1, 2, 5).double())
    assert layer.weight.dtype is lucid.float64


@pytest.mark.parametrize(
    "convert",
    [lambda m: m.double(), lambda m: m.to(lucid.float64), lambda m: m.to("cpu", "float64")],
)
def test_conversion_before_materialization(convert):
    # contract 59
    layer = convert(nn.LazyConv1d(4, 3))
    layer(lucid.zeros(1, 2, 5).double())
    assert layer.weight.dtype is lucid.float64


def test_dtype_mismatch():
    # contract 60
    with pytest.raises(TypeError, match=r"float64 for input and float32 for weight\n  try: x.to"):
        materialized()(lucid.zeros(1, 6, 9).double())


def test_devices():
    # contract 61
    for device in (None, "cpu", lucid.device("cpu")):
        layer = nn.LazyConv1d(4, 3, device=device)
        layer(lucid.zeros(1, 2, 5))
        assert layer.weight.device == lucid.device("cpu")
    with pytest.raises(ValueError, match="the only device is 'cpu'"):
        nn.LazyConv1d(4, 3).to("cuda:0")


def race(layer, inputs):
    """Call the layer from one thread per input, all at once; (outputs, errors) in their order."""
    start = threading.Barrier(len(inputs))
    outputs, errors = [None] * len(inputs), [None] * len(inputs)

    def work(i):
        start.wait()
        try:
            outputs[i] = layer(inputs[i])
        except Exception as error:
            errors[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outputs, errors


def test_threads_racing_the_first_forward():
    # contract 62
    for round_ in range(20):
        calls, torn, done = [], [], threading.Event()

        class Counting(nn.LazyConv1d):
            def reset_parameters(self, calls=calls):
                calls.append(1)
                super().reset_parameters()

        layer = Counting(16, 5)

        def watch(layer=layer, torn=torn, done=done):
            while not done.is_set():
                # read the last that is set first: what is there must be followed by the others
                if layer.weight is not None and (layer.bias is None or layer.in_channels is None):
                    torn.append("weight without bias or in_channels")
                if layer.in_channels is not None and layer.weight is None:
                    torn.append("in_channels without weight")

        watcher = threading.Thread(target=watch)
        watcher.start()
        x = lucid.randn(2, 8, 64)
        outputs, errors = race(layer, [x] * 8)
        done.set()
        watcher.join()
        assert errors == [None] * 8
        assert len(calls) == 1, round_
        assert torn == []
        for y in outputs:
            assert_same(y, layer(x))


def test_threads_with_other_channels_get_the_ordinary_error():
    # contract 63
    for _ in range(10):
        layer = nn.LazyConv1d(4, 3)
        outputs, errors = race(layer, [lucid.zeros(1, 2 + i % 2, 8) for i in range(8)])
        assert layer.in_channels in (2, 3)
        for i in range(8):
            if 2 + i % 2 == layer.in_channels:
                assert outputs[i].shape == (1, 4, 6)
            else:
                assert "inferred at the first forward" in str(errors[i])


def test_if_the_first_builder_fails_the_next_may_build():
    # contract 63
    for _ in range(10):
        layer = nn.LazyConv1d(4, 3, groups=2)
        inputs = [lucid.zeros(1, 3 if i % 2 else 4, 8) for i in range(8)]
        _, errors = race(layer, inputs)
        assert layer.in_channels == 4
        assert all(errors[i] is None for i in range(0, 8, 2))
        assert all(isinstance(errors[i], ValueError) for i in range(1, 8, 2))


def test_the_materialized_path_takes_no_lock():
    # contract 64
    from lucid.nn import lazy

    layer = materialized()
    held, release = threading.Event(), threading.Event()

    def hold():
        with lazy.materializing:
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        assert layer(lucid.zeros(1, 6, 9)).shape == (1, 4, 7)
    finally:
        release.set()
        holder.join()


def test_a_forked_child_can_materialize():
    # contract 64: the lock may have been held, by another thread, at the moment of the fork
    if sys.platform == "win32":
        pytest.skip("no fork on Windows")
    from lucid.nn import lazy

    layer = nn.LazyConv1d(4, 3)
    held, release = threading.Event(), threading.Event()

    def hold():
        with lazy.materializing:
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: forking with threads
        fork = multiprocessing.get_context("fork")
        child = fork.Process(target=layer, args=(lucid.zeros(1, 2, 5),))
        child.start()
    child.join(20)
    hung = child.is_alive()
    if hung:
        child.kill()
    release.set()
    holder.join()
    assert not hung
    assert child.exitcode == 0


def test_a_layer_can_be_deleted():
    """No lock, hook or graph keeps a layer alive."""
    layer = nn.LazyConv1d(4, 3)
    layer(lucid.zeros(1, 2, 5)).sum().backward()
    ghost = weakref.ref(layer)
    del layer
    gc.collect()
    assert ghost() is None


# ------------------------------------------------------------------------------- errors and repr


def test_an_error_carries_the_path():
    # contract 79
    model = nn.Sequential()
    model.register_module("encoder", nn.Sequential(nn.LazyConv1d(4, 3), nn.ReLU()))
    with pytest.raises(ValueError, match=r"in model: encoder\.0 \(LazyConv1d\)") as caught:
        model(lucid.zeros(1, 2, 1))
    assert type(caught.value) is lucid.ShapeError
    assert str(caught.value).count("in model:") == 1
    with pytest.raises(TypeError, match=r"in model: encoder\.0 \(LazyConv1d\)"):
        model(lucid.zeros(1, 2, 9, dtype="int64"))


def test_extra_repr():
    # contract 80
    layer = nn.LazyConv1d(4, 3)
    assert layer.extra_repr() == "in_channels=None, out_channels=4, kernel_size=3"
    layer(lucid.zeros(1, 2, 5))
    assert layer.extra_repr() == "in_channels=2, out_channels=4, kernel_size=3"
    layer = nn.LazyConv1d(4, 3, 2, 1, 2, 2, False, "reflect")
    rest = "stride=2, padding=1, dilation=2, groups=2, bias=False, padding_mode='reflect'"
    assert layer.extra_repr() == f"in_channels=None, out_channels=4, kernel_size=3, {rest}"
    layer.load_state_dict({"weight": lucid.zeros(4, 3, 3)})
    assert layer.extra_repr() == f"in_channels=6, out_channels=4, kernel_size=3, {rest}"
    assert repr(nn.LazyConv1d(4, 3, padding="same")).endswith("kernel_size=3, padding='same')")


def test_repr_never_materializes():
    # contract 81
    model = nn.Sequential(nn.LazyConv1d(4, 3), nn.LazyConv1d(4, 3, bias=False))
    assert "LazyConv1d(in_channels=None" in repr(model)
    assert str(list(model.parameters())) == str([nn.UninitializedParameter()] * 3)
    assert_pending(model[0])


def test_channels_last_input_is_recognized():
    # contract 82
    layer = nn.LazyConv1d(4, 3)
    layer(lucid.zeros(1, 3, 64))
    with pytest.raises(ValueError, match=r"try: x\.transpose\(1, 2\)    # -> \(4, 3, 64\)"):
        layer(lucid.zeros(4, 64, 3))
    assert layer(lucid.zeros(4, 64, 3).transpose(1, 2)).shape == (4, 4, 62)


# ------------------------------------------------------------------- interrupted at any line at all


REPAIRS = ("undo", "drop", "_empty", "dematerialize")


def interrupted_at_every_line(make, act, check):
    """Run ``act(make())`` again and again, raising KeyboardInterrupt at its 1st, 2nd, ... line."""

    from lucid.nn import lazy

    n, interrupted = 0, True
    while interrupted:
        n += 1
        subject, left, interrupted = make(), n, False

        def trace(frame, event, argument):
            nonlocal left, interrupted
            name = frame.f_code.co_filename
            if event == "call":
                # what puts things back must itself be let alone
                ours = "lucid" in name and not name.endswith(("grad_mode.py", "random.py"))
                return trace if ours and frame.f_code.co_name not in REPAIRS else None
            if event == "line":
                left -= 1
                if left == 0:
                    interrupted = True
                    raise KeyboardInterrupt
            return trace

        # Python traces the end of a `with` as a line, where no signal can ever interrupt it: an
        # error there leaves the lock taken. So each try has a new one.
        lazy._renew_lock()
        before = sys.gettrace()
        try:
            sys.settrace(trace)
            act(subject)
        except KeyboardInterrupt as error:
            sys.settrace(before)
            check(subject, error)  # with the traceback alive, as in an interactive session
        finally:
            sys.settrace(before)
    lazy._renew_lock()
    return n


def test_a_first_forward_interrupted_at_any_line():
    # contract 27, 29
    x = lucid.ones(1, 3, 8)

    def check(layer, error):
        if layer.in_channels is None:
            assert_pending(layer)
            assert layer(lucid.ones(1, 5, 8)).shape == (1, 4, 6)  # a retry with another C
        else:
            assert layer.weight.shape == (4, 3, 3)
            assert layer.bias.shape == (4,)
            assert all(
                p is q for p, q in zip(layer.parameters(), (layer.weight, layer.bias), strict=True)
            )

    assert interrupted_at_every_line(lambda: nn.LazyConv1d(4, 3), lambda m: m(x), check) > 100


def test_loading_interrupted_at_any_line():
    # contract 49
    def make():
        return nn.Sequential(nn.Conv1d(2, 4, 3), nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d())

    source = make()
    source(lucid.randn(2, 2, 9))
    state = source.state_dict()

    def check(model, error):
        new = np.array_equal(model[0].weight.tolist(), state["0.weight"].tolist())
        assert [m._pending for m in (model[1], model[2])] == [not new] * 2
        if new:
            for key, value in model.state_dict().items():
                assert_same(value, state[key])

    assert interrupted_at_every_line(make, lambda m: m.load_state_dict(state), check) > 100


def test_copies_made_while_another_thread_materializes():
    # contract 55, 62
    for _ in range(20):
        layer, copies, done = nn.LazyConv1d(16, 5), [], threading.Event()

        def copying(layer=layer, copies=copies, done=done):
            while not done.is_set():
                copies.append(copy.deepcopy(layer))

        thread = threading.Thread(target=copying)
        thread.start()
        layer(lucid.zeros(1, 32, 64))
        done.set()
        thread.join()
        for twin in copies:
            if twin.in_channels is None:
                assert_pending(twin)
            else:
                assert_same(twin.weight, layer.weight)


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


def test_two_faults_in_one_layer_are_both_told():
    # contract 49
    with pytest.raises(ValueError, match=r"weight: expected .*\n  bias: expected shape \(4,\)"):
        nn.LazyConv1d(4, 3).load_state_dict(
            {"weight": lucid.zeros(5, 2, 3), "bias": lucid.zeros(7)}
        )
    with pytest.raises(ValueError, match=r"weight: expected .*\n  missing: bias"):
        nn.LazyConv1d(4, 3).load_state_dict({"weight": lucid.zeros(5, 2, 3)})


def test_a_shallow_copy_cannot_take_other_channels():
    layer = nn.LazyConv1d(4, 3)
    twin = copy.copy(layer)
    layer(lucid.zeros(1, 2, 5))
    with pytest.raises(ValueError, match=r"shared with a copy of this layer.*\(4, 5, 3\)"):
        twin(lucid.zeros(1, 5, 5))
    assert layer.weight.shape == (4, 2, 3)


def test_eval_during_the_first_forward_is_not_lost():
    # contract 23
    class Slow(nn.LazyConv1d):
        def reset_parameters(self):
            layer.eval()  # as another thread would, meanwhile
            super().reset_parameters()

    layer = Slow(4, 3)
    layer(lucid.zeros(1, 2, 5))
    assert not layer.training


def test_a_placeholder_belongs_to_its_layer():
    # contract 40
    eager, lazy = nn.Conv1d(2, 4, 3), nn.LazyConv1d(4, 3)
    before = eager.weight
    with pytest.raises(ValueError, match="waits for the first input of its own layer"):
        eager.weight = next(lazy.parameters())
    assert eager.weight is before


def test_an_exception_keeps_its_type_and_arguments():
    # contract 79
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    class Failing(nn.Module):
        def forward(self, error):
            raise error

    model = nn.Sequential(Failing())
    for error in (Frozen(3), ValueError(5), KeyError("k"), ValueError("a", "b")):
        arguments = error.args
        with pytest.raises(type(error)) as caught:
            model(error)
        assert caught.value is error
        assert error.args == arguments


def test_an_error_does_not_carry_the_model_along():
    model = nn.Sequential(nn.Linear(300, 300))
    with pytest.raises(lucid.ShapeError) as caught:
        model(lucid.zeros(1, 2))
    assert len(pickle.dumps(caught.value)) < 2000
    assert "in model: 0 (Linear)" in str(pickle.loads(pickle.dumps(caught.value)))
