"""Modules to try things on, and what there is to compare of them."""

from __future__ import annotations

import numpy as np

import lucid.nn as nn


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
