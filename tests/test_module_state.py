"""State dicts of modules: all of it, or nothing."""

from __future__ import annotations

import numpy as np
import pytest

import lucid
import lucid.nn as nn

from modules import Shared, assert_state, convnet, numbers

# ---------------------------------------------------------------------------------------- state


def test_state_dict_shares_memory_but_no_graph():
    model = nn.Linear(2, 2)
    state = model.state_dict()
    assert not state["weight"].requires_grad
    state["weight"].fill_(7)
    assert model.weight.tolist() == [[7, 7], [7, 7]]
    assert model.state_dict(keep_vars=True)["weight"] is model.weight
    assert list(model.state_dict(prefix="net.")) == ["net.weight", "net.bias"]


def test_loading_copies_into_the_same_parameters():
    source, model = convnet(), convnet()
    source(lucid.randn(4, 2, 8))  # batch norm has seen something
    parameters = list(model.parameters())
    state = source.state_dict()
    result = model.load_state_dict(state)
    assert result == ([], [])
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert_state(model, numbers(source))
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    state["0.weight"].zero_()
    assert model[0].weight.abs().sum().item() > 0  # a copy, not a view
    x = lucid.randn(4, 2, 8)
    source.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(source.eval()(x).tolist(), model.eval()(x).tolist())


def test_loading_converts_to_the_dtype_of_the_model():
    source, model = nn.Linear(2, 2, dtype="float64"), nn.Linear(2, 2)
    model.load_state_dict(source.state_dict())
    assert model.weight.dtype is lucid.float32
    np.testing.assert_array_equal(
        model.weight.tolist(), source.weight.detach().numpy().astype("f4")
    )
    model.load_state_dict({"weight": np.ones((2, 2)), "bias": np.zeros(2, int)})
    assert model.weight.tolist() == [[1, 1], [1, 1]]
    norm = nn.BatchNorm1d(1)
    norm.load_state_dict({"num_batches_tracked": np.array(np.nan)}, strict=False)  # no warning


def test_loading_is_noticed_by_backward():
    model = nn.Linear(2, 2)
    x = lucid.ones(1, 2, requires_grad=True)
    out = model(x).sum()
    model.load_state_dict(nn.Linear(2, 2).state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        out.backward()


def test_reading_the_state_does_not_disturb_training():
    model = nn.Linear(4, 3)
    seen = model.state_dict()["weight"].numpy()
    x = lucid.ones(2, 4, requires_grad=True)
    model(x).sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), [seen.sum(0)] * 2, rtol=1e-6)


def test_all_problems_at_once_and_nothing_loaded():
    source, model = convnet(), convnet()
    before = numbers(model)
    state = source.state_dict()
    state["0.weight"] = lucid.zeros(4, 2, 5)
    state["1.bias"] = "text"
    state["1.running_var"] = np.zeros(4, complex)
    state["extra"] = lucid.zeros(1)
    state[7] = lucid.zeros(1)
    del state["4.bias"], state["1.num_batches_tracked"]
    with pytest.raises(lucid.ShapeError) as caught:
        model.load_state_dict(state)
    assert str(caught.value).split("\n") == [
        "this state does not fit Sequential; nothing was loaded",
        "  0.weight: expected shape (4, 2, 3), found (4, 2, 5); a Conv1d with kernel_size=5 has "
        "that",
        "  1.bias: expected a tensor that NumPy can read, found str",
        "  1.running_var: expected a tensor that NumPy can read, found an array of complex128",
        "  missing: 1.num_batches_tracked, 4.bias",
        "  unexpected: extra, 7",
        "  try: model.load_state_dict({k: v for k, v in state.items() if k not in "
        "('0.weight', '1.bias', '1.running_var')}, strict=False)",
    ]
    assert_state(model, before)
    with pytest.raises(ValueError, match=r"0.weight: expected shape"):
        model.load_state_dict(state, strict=False)  # a wrong shape is an error all the same
    assert_state(model, before)
    for key in ("extra", 7, "0.weight", "1.bias", "1.running_var"):
        del state[key]
    with pytest.raises(ValueError, match="missing") as caught:
        model.load_state_dict(state)
    assert type(caught.value) is ValueError
    assert_state(model, before)
    with pytest.raises(TypeError, match=r"maps names to tensors, got str\n  try: .*lucid.load"):
        model.load_state_dict("model.lucid")


def test_a_waiting_layer_among_the_problems_goes_on_waiting():
    model = nn.Sequential(nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.Linear(3, 3))
    state = {
        "0.weight": lucid.zeros(4, 2, 3),
        "0.bias": lucid.zeros(4),
        "1.weight": [1.0, 2.0],
        "1.bias": lucid.zeros(2),
        "2.weight": lucid.zeros(3, 3),
        "2.bias": lucid.zeros(3),
    }
    with pytest.raises(
        ValueError, match=r"1.weight: expected a tensor that NumPy can read, found list"
    ) as caught:
        model.load_state_dict(state)
    assert "missing" not in str(caught.value)
    assert "unexpected" not in str(caught.value)
    assert model[0].weight is None
    assert model[0].in_channels is None
    assert all(type(p) is nn.UninitializedParameter for p in model[0].parameters())


def test_placeholders_are_no_values():
    model = nn.Linear(2, 2)
    before = numbers(model)
    weight, bias = nn.LazyLinear(2).parameters()
    with pytest.raises(ValueError, match=r"weight: .* found UninitializedParameter"):
        model.load_state_dict({"weight": weight, "bias": bias})
    assert_state(model, before)


def test_strict_false_loads_what_there_is():
    model = convnet()
    before = numbers(model)
    result = model.load_state_dict(
        {"4.bias": lucid.full((3,), 5.0), "5.bias": lucid.zeros(1)}, strict=False
    )
    assert result.unexpected_keys == ["5.bias"]
    assert result.missing_keys == [k for k in before if k != "4.bias"]
    assert_state(model, {**before, "4.bias": np.full(3, 5.0, "f4")})


def test_assign_takes_memory_and_dtype():
    source, model = nn.Linear(2, 2, dtype="float64"), nn.Linear(2, 2)
    model.requires_grad_(False)
    parameters = list(model.parameters())
    state = source.state_dict()
    model.load_state_dict(state, assign=True)
    assert list(map(id, model.parameters())) == list(map(id, parameters))
    assert model.weight.dtype is lucid.float64
    assert not model.weight.requires_grad  # the model's own choice
    state["weight"].fill_(3)
    assert model.weight.tolist() == [[3, 3], [3, 3]]
    with pytest.raises(ValueError, match="weight: a parameter is floating, found int64"):
        model.load_state_dict({**state, "weight": lucid.zeros(2, 2).long()}, assign=True)


def test_assign_keeps_gradients_of_the_new_dtype():
    model = nn.Linear(2, 1)
    model(lucid.ones(1, 2)).sum().backward()
    model.load_state_dict(nn.Linear(2, 1, dtype="float64").state_dict(), assign=True)
    assert model.weight.grad.dtype is lucid.float64
    model(lucid.ones(1, 2, dtype="float64")).sum().backward()
    assert model.weight.grad.tolist() == [[2, 2]]


def test_transient_buffers_are_no_part_of_the_state():
    model = nn.Module()
    model.register_buffer("cache", lucid.ones(2), persistent=False)
    assert model.state_dict() == {}
    model.load_state_dict({})
    assert model.cache.tolist() == [1, 1]
    with pytest.raises(ValueError, match="unexpected: cache"):
        model.load_state_dict({"cache": lucid.zeros(2)})
    model.double()
    assert model.cache.dtype is lucid.float64


@pytest.mark.parametrize("lazy", [False, True])
def test_state_of_shared_layers(lazy):
    source = Shared()
    state = source.state_dict()
    assert list(state) == ["first.weight", "first.bias", "second.weight", "second.bias"]
    model = Shared(nn.LazyLinear(2)) if lazy else Shared()
    model.load_state_dict(state)
    assert model.first is model.second
    assert_state(model, numbers(source))
    x = lucid.randn(3, 2)
    np.testing.assert_array_equal(model(x).tolist(), source(x).tolist())


@pytest.mark.parametrize(
    ("assign", "when"), [(False, i) for i in range(11)] + [(True, i) for i in range(6)]
)
def test_interrupted_writing_leaves_the_model_as_before(assign, when, monkeypatch):
    """The interruption comes after each of the writes in turn."""

    def make():
        return nn.Sequential(Shared(), nn.LazyLinear(3), nn.BatchNorm1d(3))

    source, model = make(), make()
    source(lucid.randn(4, 2))
    before = numbers(model)
    arrays = [p._array for p in model[0].parameters()]
    calls = 0
    copyto = np.copyto

    def interrupted(target, *args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == when + 1:
            copyto(target, *args, **kwargs)
            raise KeyboardInterrupt
        copyto(target, *args, **kwargs)

    state = source.state_dict()
    if assign:  # arrays that are no tensors are copied in between
        for key in list(state)[::2]:
            state[key] = state[key].numpy()
    monkeypatch.setattr(np, "copyto", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.load_state_dict(state, assign=assign)
    monkeypatch.undo()
    assert calls > when + 1  # what was written has been put back
    assert_state(model, before)
    assert all(p._array is a for p, a in zip(model[0].parameters(), arrays, strict=True))
    assert model[1].weight is None
    assert model[1].in_features is None
    model.load_state_dict(state, assign=assign)
    assert_state(model, numbers(source))
