"""LazyConv1d under the whole contract. Each test names the statements it shows.

Its parameters and state are in test_lazy_state.py; copies, conversions, threads and interruptions
in test_lazy_copies.py.
"""

from __future__ import annotations

import inspect
import pickle
from functools import partial

import numpy as np
import pytest

import lucid
import lucid.nn as nn

from lazy_layers import assert_pending, assert_same, seeded

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
            patch.setattr("lucid.nn.init.scaled.uniform_", fail)
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


def test_two_faults_in_one_layer_are_both_told():
    # contract 49
    with pytest.raises(ValueError, match=r"weight: expected .*\n  bias: expected shape \(4,\)"):
        nn.LazyConv1d(4, 3).load_state_dict(
            {"weight": lucid.zeros(5, 2, 3), "bias": lucid.zeros(7)}
        )
    with pytest.raises(ValueError, match=r"weight: expected .*\n  missing: bias"):
        nn.LazyConv1d(4, 3).load_state_dict({"weight": lucid.zeros(5, 2, 3)})


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
