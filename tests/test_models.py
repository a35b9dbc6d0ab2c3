"""Each model of ``tests/models``: shapes, gradients, training on speech, to PyTorch and back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import lucid
import lucid.nn.functional as F
from lucid import optim
from lucid.data import DataLoader, japanese_vowels
from lucid.optim.lr_scheduler import OneCycleLR
from lucid.utils import metrics

from models import MODELS, model, twin

each = pytest.mark.parametrize("file", MODELS)
EPOCHS, CLASSES = 30, 9
# Of the last layer only the way to the exit is used.
UNUSED = {"wavenet": {"layers.3.onward.weight", "layers.3.onward.bias"}}


def speech(count=None):
    """Utterances and speakers, for training and for testing."""
    for part in japanese_vowels():
        x, _, speaker = part[: len(part)]
        yield x[:count], speaker[:count]


def accuracy(net, x, speaker):
    net.eval()
    with lucid.no_grad():
        found = metrics.accuracy(net(x), speaker)
    net.train()
    return float(found)


@each
def test_shape_and_gradients(file):
    net = model(file)(classes=5)
    y = net(lucid.randn(3, 7, 40))
    assert y.shape == (3, 5)
    assert not net.has_uninitialized_parameters()
    (y * lucid.randn(3, 5)).sum().backward()
    grads = {name: parameter.grad for name, parameter in net.named_parameters()}
    assert {name for name, grad in grads.items() if grad is None} == UNUSED.get(file, set())
    for name, grad in grads.items():
        if grad is not None:
            assert np.isfinite(grad.numpy()).all(), name
            assert np.abs(grad.numpy()).max() > 0, name


@each
def test_a_model_is_filled_by_a_shape_alone(file):
    net = model(file)(classes=5).materialize((1, 7, 40))
    assert net(lucid.randn(2, 7, 40)).shape == (2, 5)


@each
def test_it_learns_who_is_speaking(file):
    """270 utterances of nine people: guessing gives 0.11."""
    lucid.manual_seed(1)
    (x, speaker), (test_x, test_speaker) = speech()
    net = model(file)(CLASSES).materialize(x[:1])
    loader = DataLoader(lucid.data.TensorDataset(x, speaker), batch_size=32, shuffle=True)
    optimizer = optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = OneCycleLR(optimizer, max_lr=1e-2, total_steps=EPOCHS * len(loader))
    for _ in range(EPOCHS):
        for batch, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(batch), labels).backward()
            lucid.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            schedule.step()
    assert accuracy(net, x, speaker) > 0.95
    assert accuracy(net, test_x, test_speaker) > 0.88


@each
def test_to_pytorch_and_back(file):
    """Equal outputs, equal gradients, and a step that leads to equal weights."""
    torch = pytest.importorskip("torch")
    (x, speaker), _ = speech(24)
    net = model(file)(CLASSES)
    with warnings.catch_warnings():  # PyTorch warns of lazy layers, and of even kernels
        warnings.simplefilter("ignore", UserWarning)
        theirs = twin(file)(CLASSES)
        tx, labels = torch.from_numpy(x.numpy().copy()), torch.from_numpy(speaker.numpy().copy())
        theirs(tx)
        net.load_state_dict({k: v.numpy().copy() for k, v in theirs.state_dict().items()})
        for part in (net, theirs):
            part.eval()
        ours, expected = net(x), theirs(tx)
    scale = np.abs(expected.detach().numpy()).max()
    assert np.abs(ours.detach().numpy() - expected.detach().numpy()).max() < 1e-5 * scale
    F.cross_entropy(ours, speaker).backward()
    torch.nn.functional.cross_entropy(expected, labels).backward()
    optim.SGD(net.parameters(), lr=0.1).step()
    torch.optim.SGD(theirs.parameters(), lr=0.1).step()
    for (name, p), q in zip(net.named_parameters(), theirs.parameters(), strict=True):
        assert np.abs(p.detach().numpy() - q.detach().numpy()).max() < 1e-5, name
    theirs.load_state_dict(
        {k: torch.from_numpy(v.numpy().copy()) for k, v in net.state_dict().items()}
    )
