"""Module.materialize: a whole model comes to life, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn
import lucid.nn.functional as F
from lucid.optim import SGD

from lazy_layers import assert_same, seeded


class Noisy(nn.Module):
    """Draws random numbers in any mode, and counts how often it is called."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return F.dropout(x, 0.5, training=True)


def convnet(lazy=True):
    if lazy:
        layers = (nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.LazyLinear(2))
    else:
        layers = (nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.Linear(4 * 6, 2))
    conv, norm, linear = layers
    return nn.Sequential(
        conv, norm, nn.Dropout(0.5), nn.BatchNorm1d(4), Noisy(), nn.Flatten(), linear
    )


@pytest.mark.parametrize(
    "example", [(2, 3, 8), [0, 3, 8], lucid.randn(5, 3, 8), (lucid.zeros(1, 3, 8),), ((1, 3, 8),)]
)
def test_fills_everything_and_leaves_no_other_trace(example):
    model, eager = seeded(convnet), seeded(lambda: convnet(lazy=False))
    placeholders = list(model.parameters())
    model[2].eval()  # one module in another mode than the rest
    modes = [m.training for m in model.modules()]
    before = lucid.get_rng_state()
    assert model.has_uninitialized_parameters()
    assert model.materialize(example) is model
    assert not model.has_uninitialized_parameters()
    assert lucid.get_rng_state() == before
    assert [m.training for m in model.modules()] == modes
    assert all(a is b for a, b in zip(model.parameters(), placeholders, strict=True))
    assert all(p.grad is None and p.requires_grad and p.is_leaf for p in model.parameters())
    # the averages of batch norm, lazy or not, have seen nothing
    assert list(model.state_dict()) == list(eager.state_dict())
    for key, value in eager.state_dict().items():
        assert_same(model.state_dict()[key], value)


def test_records_nothing():
    seen = []
    model = nn.Sequential(nn.LazyLinear(2))
    model.register_forward_hook(lambda m, args, out: seen.append(out.requires_grad))
    model.materialize((1, 3))
    assert seen == [False]
    assert lucid.is_grad_enabled()
    model(lucid.ones(1, 3)).sum().backward()
    assert seen[-1] is True


def test_a_single_layer_and_one_that_knows_its_size():
    layer = nn.LazyGroupNorm(2).materialize((1, 4, 3))
    assert layer.num_channels == 4
    layer.materialize((1, 4, 3))
    with pytest.raises(lucid.ShapeError, match="num_channels=4, inferred at the first forward"):
        layer.materialize((1, 6, 3))
    assert layer.num_channels == 4
    bare = nn.LazyBatchNorm1d(affine=False, track_running_stats=False)
    assert bare.has_uninitialized_parameters()  # it waits, though it will have none
    assert not bare.materialize((2, 3)).has_uninitialized_parameters()
    assert not nn.Linear(2, 2).has_uninitialized_parameters()


def test_zeros_come_in_the_dtype_of_the_model():
    assert convnet().double().materialize((1, 3, 8))[0].weight.dtype is lucid.float64
    lucid.set_default_dtype("float64")
    seen = []
    bare = nn.Sequential(nn.ReLU())
    bare.register_forward_hook(lambda m, args, out: seen.append(args[0].dtype))
    bare.materialize((1, 3))
    assert seen == [lucid.float64]


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.LazyLinear(3), nn.LazyConv1d(3, 1)

    def forward(self, x, y):
        return self.left(x)[:, :, None] + self.right(y)


@pytest.mark.parametrize(
    "example", [((2, 5), (2, 7, 4)), [(2, 5), lucid.zeros(2, 7, 4)], (lucid.zeros(2, 5), [2, 7, 4])]
)
def test_several_inputs(example):
    model = Two().materialize(example)
    assert (model.left.in_features, model.right.in_channels) == (5, 7)


def test_whole_numbers_as_an_example():
    class Embedded(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.scores = nn.Parameter(lucid.randn(10, 4)), nn.LazyLinear(2)

        def forward(self, words):
            return self.scores(self.table[words])

    model = Embedded()
    with pytest.raises((TypeError, IndexError)):
        model.materialize((2, 3))
    assert model.has_uninitialized_parameters()
    model.materialize(lucid.zeros(2, 3, dtype="int64"))
    assert model.scores.in_features == 4


class Failing(nn.Module):
    error = RuntimeError

    def forward(self, x):
        raise self.error("mine")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_all_or_nothing(error):
    failing = Failing()
    failing.error = error
    model = nn.Sequential(convnet(), failing, nn.LazyLinear(2))
    placeholders = list(model.parameters())
    waiting = [m for m in model.modules() if isinstance(m, nn.lazy.LazyMixin)]
    optimizer = SGD(model.parameters(), lr=0.1)
    before = lucid.get_rng_state()
    model[0][2].eval()
    with pytest.raises(error, match="mine"):
        model.materialize((1, 3, 8))
    assert lucid.get_rng_state() == before
    assert [m.training for m in model[0]] == [True, True, False, True, True, True, True]
    for layer in waiting:
        assert layer._pending
        assert getattr(layer, layer.inferred) is None
        assert layer.state_dict() == {}
    assert all(a is b for a, b in zip(model.parameters(), placeholders, strict=True))
    assert lucid.is_grad_enabled()
    optimizer.step()
    # another try, of another size, is as if there had been none
    del model[1]
    model.materialize((1, 5, 8))
    assert model[0][0].in_channels == 5
    expected = seeded(lambda: nn.Conv1d(5, 4, 3))
    again = seeded(lambda: nn.LazyConv1d(4, 3))
    with pytest.raises(lucid.ShapeError):
        nn.Sequential(again, nn.Linear(1, 1)).materialize((1, 3, 8))
    again.materialize((1, 5, 8))
    assert_same(again.weight, expected.weight)


def test_a_layer_that_forward_does_not_come_to():
    class Auxiliary(nn.Module):
        def __init__(self):
            super().__init__()
            self.main, self.helper = nn.LazyLinear(2), nn.LazyLinear(3)

        def forward(self, x):
            return (self.main(x), self.helper(x)) if self.training else self.main(x)

    model = Auxiliary()
    with pytest.raises(ValueError, match=r"left out: helper \(LazyLinear\)\n  try: "):
        model.materialize((1, 5))
    assert model.main.weight is None
    model.helper.materialize((1, 5))
    model.materialize((1, 5))
    assert not model.has_uninitialized_parameters()


@pytest.mark.parametrize("bad", [5, None, "abc", {"x": 1}])
def test_what_is_no_example(bad):
    with pytest.raises(TypeError, match=r"takes an example or its shape.*\n  try: model.mater"):
        convnet().materialize(bad)


def test_shapes_are_checked():
    for bad, error in (((1, -3, 8), ValueError), ((1, 3.0, 8), TypeError)):
        with pytest.raises(error, match="a size in the shape of an example must be"):
            convnet().materialize(bad)
    with pytest.raises(TypeError, match=r"takes an example or its shape .*, got ndarray"):
        convnet().materialize(np.zeros((1, 3, 8)))


def test_an_error_names_the_layer():
    model = nn.Sequential(nn.Sequential(nn.LazyConv1d(4, 3)))
    with pytest.raises(lucid.ShapeError, match=r"in model: 0\.0 \(LazyConv1d\)"):
        model.materialize((1, 3, 2))
