"""What the tests of lazy layers have in common."""

from __future__ import annotations

import numpy as np

import lucid
import lucid.nn as nn
from lucid.nn.parameter import UninitializedParameter


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


def materialized(make=lambda: nn.LazyConv1d(4, 3, groups=2), channels=6):
    layer = make()
    layer(lucid.zeros(1, channels, 9))
    return layer
