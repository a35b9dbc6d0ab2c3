"""The lazy family, and what its tests have in common.

A new lazy layer gets one ``Member`` in ``MEMBERS``; ``test_lazy_family.py`` then runs it through
the contract, and ``test_lazy_machine.py`` uses it in its models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import lucid
import lucid.nn as nn
from lucid.nn.parameter import UninitializedParameter

from scale import LazyScale, Scale


@dataclass
class Member:
    """A lazy layer, its eager twin, and inputs for them.

    Attributes
    ----------
    lazy, eager : type
        The two classes.
    args : dict
        The arguments both are made with, besides the size.
    inferred : str
        The attribute with the size.
    size, other : int or tuple
        Two sizes.
    shape : function
        The shape of an input of a size, with 4 samples in axis ``batch``.
    tensors : dict
        The shapes of the state, for ``size``; the first one tells the size.
    impossible : tuple
        Shapes of inputs that no first forward takes.
    sizes : dict
        The arguments of the constructor that are sizes, and the least each may be.
    axis : int
        Of the input, that the size is read from.
    signature : dict
        Where the defaults are not those of the eager twin; None for an argument it has not.
    """

    lazy: Any
    eager: Any
    args: dict[str, Any]
    inferred: str
    size: Any
    other: Any
    shape: Callable[[Any], tuple[int, ...]]
    tensors: dict[str, tuple[int, ...]]
    impossible: tuple[tuple[int, ...], ...]
    sizes: dict[str, int] = field(default_factory=dict)
    axis: int = 1
    batch: int = 0
    signature: dict[str, Any] = field(default_factory=dict)

    def make(self, **options: Any) -> nn.Module:
        return self.lazy(**self.args, **options)

    def make_eager(self, size: Any = None, **options: Any) -> nn.Module:
        args = {name: value for name, value in self.args.items() if self.signature.get(name, 1)}
        return self.eager(**{self.inferred: size or self.size}, **args, **options)

    def input(self, size: Any = None, dtype: str = "float32") -> lucid.Tensor:
        return lucid.randn(*self.shape(size or self.size), dtype=dtype)

    def empty(self) -> lucid.Tensor:
        shape = list(self.shape(self.size))
        shape[self.batch] = 0
        return lucid.zeros(*shape)

    @property
    def parameters(self) -> list[str]:
        return [n for n in self.tensors if "running" not in n and "num_batches" not in n]


SLIDING = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
RUNNING = {"running_mean": (6,), "running_var": (6,), "num_batches_tracked": ()}
AFFINE = {"weight": (6,), "bias": (6,)}


def channels(size: int) -> tuple[int, ...]:
    return (4, size, 5)


MEMBERS = {
    "LazyConv1d": Member(
        nn.LazyConv1d, nn.Conv1d, {"out_channels": 4, "kernel_size": 3, "groups": 2},
        "in_channels", 6, 8, channels,
        {"weight": (4, 3, 3), "bias": (4,)},
        impossible=((), (6, 5), (4, 0, 5), (4, 5, 5), (4, 6, 2), (4, 6, 0)),
        sizes={**SLIDING, "out_channels": 1, "groups": 1},
    ),
    "LazyConvTranspose1d": Member(
        nn.LazyConvTranspose1d, nn.ConvTranspose1d,
        {"out_channels": 4, "kernel_size": 3, "stride": 2, "groups": 2},
        "in_channels", 6, 8, channels,
        {"weight": (6, 2, 3), "bias": (4,)},
        impossible=((), (6, 5), (4, 0, 5), (4, 5, 5), (4, 6, 0)),
        sizes={**SLIDING, "out_channels": 1, "groups": 1, "output_padding": 0},
    ),
    "LazyDepthwiseConv1d": Member(
        nn.LazyDepthwiseConv1d, nn.DepthwiseConv1d, {"kernel_size": 3, "depth_multiplier": 2},
        "in_channels", 6, 8, channels,
        {"weight": (12, 1, 3), "bias": (12,)},
        impossible=((), (6, 5), (4, 0, 5), (4, 6, 2), (4, 6, 0)),
        sizes={**SLIDING, "depth_multiplier": 1},
    ),
    "LazyLinear": Member(
        nn.LazyLinear, nn.Linear, {"out_features": 3},
        "in_features", 6, 8, lambda size: (4, 5, size),
        {"weight": (3, 6), "bias": (3,)},
        impossible=((), (4, 0)),
        sizes={"out_features": 1},
        axis=-1,
    ),
    "LazyBatchNorm1d": Member(
        nn.LazyBatchNorm1d, nn.BatchNorm1d, {},
        "num_features", 6, 8, channels,
        AFFINE | RUNNING,
        impossible=((), (6,), (2, 3, 4, 5), (2, 0), (1, 6)),
    ),
    "LazyInstanceNorm1d": Member(
        nn.LazyInstanceNorm1d, nn.InstanceNorm1d, {"affine": True, "track_running_stats": True},
        "num_features", 6, 8, channels,
        AFFINE | RUNNING,
        impossible=((), (6, 5), (4, 0, 5), (4, 6, 1)),
        signature={"affine": True, "track_running_stats": True},
    ),
    "LazyGroupNorm": Member(
        nn.LazyGroupNorm, nn.GroupNorm, {"num_groups": 2},
        "num_channels", 6, 8, channels,
        AFFINE,
        impossible=((), (6,), (4, 0, 5), (4, 5, 5), (1, 2, 1)),
        sizes={"num_groups": 1},
    ),
    "LazyLayerNorm": Member(
        nn.LazyLayerNorm, nn.LayerNorm, {},
        "normalized_shape", (6,), (8,), lambda size: (4, 5, *size),
        AFFINE,
        impossible=((), (4, 0)),
        sizes={"normalized_ndim": 1},
        axis=-1,
        signature={"normalized_ndim": None},
    ),
    "LazyLayerNorm of two axes": Member(
        nn.LazyLayerNorm, nn.LayerNorm, {"normalized_ndim": 2},
        "normalized_shape", (6, 5), (8, 5), lambda size: (4, *size),
        {"weight": (6, 5), "bias": (6, 5)},
        impossible=((), (6,), (4, 6, 0)),
        axis=-2,
        signature={"normalized_ndim": None},
    ),
    **{
        f"Lazy{kind}": Member(
            getattr(nn, f"Lazy{kind}"), getattr(nn, kind), {"hidden_size": 3},
            "input_size", 6, 8, lambda size: (5, 4, size),
            {
                "weight_ih_l0": (3 * gates, 6), "weight_hh_l0": (3 * gates, 3),
                "bias_ih_l0": (3 * gates,), "bias_hh_l0": (3 * gates,),
            },
            impossible=((), (6,), (5, 4, 0), (2, 5, 4, 6)),
            sizes={"hidden_size": 1, "num_layers": 1},
            axis=-1,
            batch=1,
        )
        for kind, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4))
    },
    "the example of the docs": Member(
        LazyScale, Scale, {},
        "channels", 6, 8, channels,
        AFFINE,
        impossible=((), (6, 5), (4, 0, 5)),
    ),
}  # fmt: skip


def first(out: Any) -> lucid.Tensor:
    """The output, of a layer that returns its state as well, too."""
    return out[0] if isinstance(out, tuple) else out


def assert_waiting(layer: nn.Module, member: Member) -> None:
    """Nothing has a size yet, and nothing is left of a first forward that failed."""
    assert getattr(layer, member.inferred) is None
    assert all(getattr(layer, name) is None for name in member.tensors)
    assert layer.state_dict() == {}
    assert layer.has_uninitialized_parameters()
    assert [n for n, _ in layer.named_parameters()] == member.parameters
    assert all(type(p) is UninitializedParameter for p in layer.parameters())
    assert list(layer.buffers()) == []


def assert_equal_states(a: nn.Module, b: nn.Module) -> None:
    ours, theirs = a.state_dict(), b.state_dict()
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        assert_same(value, theirs[key])


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
