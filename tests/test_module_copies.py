"""Modules written down, copied and pickled; and where in a model an error was."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F

from modules import Shared, assert_state, numbers

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
    assert f"\n  in model: {path}\n  try: " in str(caught.value)
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
    with pytest.raises(TypeError, match="Linear needs a tensor for input, got list") as caught:
        model([1.0, 2.0])
    assert str(caught.value).endswith("\n  in model: 0 (Linear)\n  try: lucid.tensor(x)")


class Own(nn.Conv1d):
    """A user's layer, with lucid's forward."""


class Written(nn.Conv1d):
    """A user's layer, whose forward names the function."""

    def forward(self, x):
        return F.conv1d(x, self.weight)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.Conv1d(3, 2, 1), "Conv1d"),
        (nn.LazyConv1d(2, 1), "LazyConv1d"),
        (nn.ConvTranspose1d(3, 2, 1), "ConvTranspose1d"),
        (nn.LazyLinear(2), "LazyLinear"),
        (nn.LayerNorm(5), "LayerNorm"),
        (Own(3, 2, 1), "Own"),
        (Written(3, 2, 1), "conv1d"),
        (nn.Sequential(Written(3, 2, 1)), "conv1d"),
        (lambda x: nn.Conv1d(3, 2, 1).forward(x), "conv1d"),
    ],
)
def test_an_error_begins_with_the_layer_where_lucid_calls_the_function(layer, name):
    seen, other = lucid.zeros(4, 3, 5), lucid.zeros(4, 2, 6)
    layer(seen)
    with pytest.raises(lucid.ShapeError, match=rf"^{name} expected "):
        layer(other)


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
