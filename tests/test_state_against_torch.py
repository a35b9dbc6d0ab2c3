"""Every layer's state goes to PyTorch and comes from there, by file; both compute the same."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn

torch = pytest.importorskip("torch")

NORM = (3, 4, 5)
LAYERS = {  # name: arguments, options, the shape of an input
    "Conv1d": ((4, 6, 3), {"groups": 2, "padding": 1, "padding_mode": "circular"}, (2, 4, 9)),
    "ConvTranspose1d": ((4, 6, 3), {"groups": 2, "stride": 2, "output_padding": 1}, (2, 4, 9)),
    "Linear": ((4, 3), {"bias": False}, (2, 4)),
    "BatchNorm1d": ((4,), {}, NORM),
    "InstanceNorm1d": ((4,), {"affine": True, "track_running_stats": True}, NORM),
    "GroupNorm": ((2, 4), {}, NORM),
    "LayerNorm": (((4, 5),), {}, NORM),
    "RMSNorm": ((5,), {"eps": 1e-5}, NORM),
    "PReLU": ((4,), {}, NORM),
    "Embedding": ((7, 3), {"padding_idx": 2}, None),
    "RNN": ((4, 3), {"nonlinearity": "relu"}, (5, 2, 4)),
    "GRU": ((4, 3), {"num_layers": 2, "bidirectional": True, "batch_first": True}, (2, 5, 4)),
    "LSTM": ((4, 3), {"num_layers": 2, "bidirectional": True}, (5, 2, 4)),
    "LazyConv1d": ((4, 3), {}, (2, 3, 9)),
    "LazyConvTranspose1d": ((4, 3), {}, (2, 3, 9)),
    "LazyLinear": ((4,), {}, (2, 3)),
    "LazyBatchNorm1d": ((), {}, NORM),
}
WEIGHT_NORMS = {
    "weight_norm": lambda lib: lib.nn.utils.weight_norm,
    "parametrizations": lambda lib: lib.nn.utils.parametrizations.weight_norm,
}


def numbers(shape):
    """An input: floats, or places for an embedding to look up."""
    if shape is None:
        return np.array([[0, 2, 6], [1, 1, 3]])
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def assert_equal_outputs(ours, theirs, x):
    ours.eval()
    theirs.eval()
    got, expected = ours(lucid.tensor(x)), theirs(torch.tensor(x))
    if isinstance(got, tuple):
        got, expected = got[0], expected[0]
    np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), 1e-4, 1e-5)


def exchange(make, x, path):
    """From PyTorch to lucid, and from a second layer of lucid's to PyTorch."""
    theirs, ours = make(torch), make(lucid)
    theirs(torch.tensor(x))  # lazy ones know their size, running statistics have moved
    torch.save(theirs.state_dict(), path)
    ours.load_state_dict(lucid.load(path))
    assert_equal_outputs(ours, theirs, x)
    lucid.manual_seed(1)
    second = make(lucid)
    second(lucid.tensor(x))
    lucid.save(second.state_dict(), path)
    state = torch.load(path, weights_only=True)
    assert list(state) == list(theirs.state_dict())
    theirs.load_state_dict(state)
    assert_equal_outputs(second, theirs, x)


@pytest.mark.parametrize("name", LAYERS)
def test_state_of_a_layer(name, tmp_path):
    args, options, shape = LAYERS[name]
    exchange(
        lambda lib: getattr(lib.nn, name)(*args, **options), numbers(shape), tmp_path / "layer.pt"
    )


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("kind", WEIGHT_NORMS)
@pytest.mark.parametrize("name", ["Conv1d", "ConvTranspose1d", "Linear"])
def test_state_of_a_weight_norm(name, kind, tmp_path):
    args, options, shape = LAYERS[name]
    exchange(
        lambda lib: WEIGHT_NORMS[kind](lib)(getattr(lib.nn, name)(*args, **options)),
        numbers(shape),
        tmp_path / "layer.pt",
    )


def test_every_layer_with_parameters_is_here():
    with_state = {
        name
        for name in nn.__all__
        if "reset_parameters" in dir(getattr(nn, name)) and name in torch.nn.modules.__all__
    }
    # PyTorch's lazy instance norm forgets its size when it loads a state
    assert with_state == {*LAYERS, "LazyInstanceNorm1d"}
