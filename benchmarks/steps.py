"""Whole training steps: zero_grad, forward, cross entropy, backward, Adam."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import lucid
from benchmarks.agree import DisagreementError, check
from benchmarks.models import Model

__all__ = ["Step", "pair"]


class Step:
    """One framework, one model and its optimizer; calling it takes one step."""

    def __init__(self, lib: Any, model: Any, x: Any, labels: Any) -> None:
        self.model, self.x, self.labels = model, x, labels
        self.optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)
        self.cross_entropy = lib.nn.functional.cross_entropy

    def __call__(self) -> Any:
        """Take a step; return the loss before it."""
        self.optimizer.zero_grad()
        loss = self.cross_entropy(self.model(self.x), self.labels)
        loss.backward()
        self.optimizer.step()
        return loss


def pair(model: Model) -> dict[str, Callable[[], Any]]:
    """The same model twice, with the same weights and data, after a first step that agreed."""
    random = np.random.default_rng(0)
    x = random.standard_normal((model.N, model.C, model.L)).astype(np.float32)
    labels = random.integers(0, model.classes, model.N)
    torch.manual_seed(0)
    theirs = model.build(torch, model.C, model.classes)
    ours = model.build(lucid, model.C, model.classes)
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    steps = {
        "lucid": Step(lucid, ours, lucid.tensor(x), lucid.tensor(labels)),
        "torch": Step(torch, theirs, torch.tensor(x), torch.tensor(labels)),
    }
    with warnings.catch_warnings():
        # PyTorch says once that padding="same" of an even kernel costs it a copy: so it does
        warnings.filterwarnings("ignore", "Using padding='same'", UserWarning)
        losses = {name: np.array(steps[name]().item()) for name in ("torch", "lucid")}
    check(f"{model.name}, loss of the first step", losses, tolerance=1e-4)
    check_gradients(model.name, ours, theirs)
    return dict(steps)


def check_gradients(name: str, ours: Any, theirs: Any) -> None:
    """Each gradient of the first step, within 1e-3 of the largest number in any of them.

    Some gradients are 0 but for rounding, as that of a bias before a batch norm, which takes it
    away again; so they are not compared with their own size.
    """
    expected, found = gradients(theirs), gradients(ours)
    if list(expected) != list(found):
        raise DisagreementError(f"{name}: other parameters have gradients")
    largest = max(float(np.abs(g).max()) for g in expected.values())
    for key, g in expected.items():
        both = {"torch": g, "lucid": found[key]}
        check(f"{name}, gradient of {key}", both, tolerance=1e-3, scale=largest)


def gradients(model: Any) -> dict[str, Any]:
    """The gradients by the names of their parameters, of those that the loss depends on."""
    return {
        name: parameter.grad.numpy()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
