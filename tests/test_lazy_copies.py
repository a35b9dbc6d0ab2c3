"""LazyConv1d: copies, dtypes, devices, threads, and interruptions at any line."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import pickle
import sys
import threading
import warnings
import weakref

import numpy as np
import pytest

import lucid
import lucid.nn as nn
from lucid.optim import SGD

from disturbing import interrupted_at_every_line, race
from lazy_layers import assert_pending, assert_same, materialized, seeded

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


# ------------------------------------------------------------------- interrupted at any line at all


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
