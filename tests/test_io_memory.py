"""Tensors handed to NumPy, to other libraries, to copy and to pickle."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lucid
import lucid.nn as nn

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


# ------------------------------------------------------------------------------------- __array__


def test_asarray_shares_and_array_copies():
    x = lucid.tensor([1.0, 2.0])
    assert np.asarray(x) is x.numpy()
    np.asarray(x)[0] = 7
    assert x.tolist() == [7, 2]
    for a in (
        np.array(x),
        np.asarray(x, dtype="float64"),
        np.array(x, copy=True),
        np.asarray(x) * 1,
    ):
        a[:] = 0
    assert x.tolist() == [7, 2]
    assert np.asarray(x, dtype="float64").dtype == np.float64
    assert np.array(x, copy=False) is np.asarray(x, dtype="float32") is x.numpy()
    with pytest.raises(ValueError, match="copy"):
        np.array(x, dtype="float64", copy=False)
    assert np.stack([x, x]).shape == (2, 2)


@pytest.mark.parametrize("export", [np.array, np.asarray, np.from_dlpack, lucid.from_dlpack])
def test_what_requires_a_gradient_is_not_given_away(export):
    x = lucid.ones(2, requires_grad=True)
    for tensor in (x, x * 2, nn.Parameter(lucid.ones(2))):
        with pytest.raises((RuntimeError, BufferError), match=r"a gradient\n  try: x.detach\(\)"):
            export(tensor)
        assert export(tensor.detach()).shape == (2,)
    np.testing.assert_array_equal((x * 2).numpy(force=True), [2, 2])


def test_only_a_shared_array_makes_lucid_watch_the_memory():
    """A watched tensor costs a checksum in every op, so copies do not start it."""
    x = lucid.ones(3)
    np.array(x)
    np.asarray(x, dtype="int64")
    x.__dlpack__(copy=True)
    assert x._memory.block is None
    np.asarray(x)
    assert x._memory.block is not None


# ---------------------------------------------------------------------------------------- DLPack


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layout", [lambda a: a, lambda a: a.T, lambda a: a[1:, ::2], lambda a: a[:0]]
)
def test_numpy_both_ways_without_a_copy(dtype, layout):
    a = layout(np.ones((3, 4), dtype))
    x = lucid.from_dlpack(a)
    np.testing.assert_array_equal(x.numpy(), a, strict=True)
    assert x.numpy().ctypes.data == a.ctypes.data
    back = np.from_dlpack(x)
    np.testing.assert_array_equal(back, a, strict=True)
    assert back.ctypes.data == a.ctypes.data
    a[...] = 0
    assert not x.any()
    assert not back.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layout", [lambda a: a, lambda a: a.T, lambda a: a[1:, ::2], lambda a: a[0, 0]]
)
def test_pytorch_both_ways_without_a_copy(torch, dtype, layout):
    t = layout(torch.ones(3, 4, dtype=getattr(torch, dtype)))
    x = lucid.from_dlpack(t)
    assert x.dtype.name == dtype
    assert x.shape == tuple(t.shape)
    assert x.numpy().ctypes.data == t.data_ptr()
    back = torch.from_dlpack(x)
    assert back.dtype is t.dtype
    assert (back.data_ptr(), back.stride()) == (t.data_ptr(), t.stride())
    t.fill_(0)
    assert not x.any()
    x.fill_(1)
    assert t.all()
    assert back.all()


def test_the_memory_outlives_its_first_owner(torch):
    x = lucid.from_dlpack(torch.full((1000,), 7.0))
    t = torch.from_dlpack(lucid.full((1000,), 5.0))
    lucid.zeros(1000), torch.zeros(1000)
    assert set(x.tolist()) == {7.0}
    assert set(t.tolist()) == {5.0}


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_write_by_pytorch_that_would_spoil_a_gradient_is_noticed(torch, ours_first):
    if ours_first:
        x = lucid.ones(3)
        t = torch.from_dlpack(x)
    else:
        t = torch.ones(3)
        x = lucid.from_dlpack(t)
    w = x.requires_grad_()
    loss = (w * w).sum()
    t.mul_(2)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
    loss = (w * w).sum()
    loss.backward()
    assert w.grad.tolist() == [4, 4, 4]


def test_a_write_after_a_late_export_is_noticed(torch):
    x = lucid.ones(3, requires_grad=True)
    loss = (x * x).sum()
    torch.from_dlpack(x.detach()).zero_()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_read_only_memory():
    a = np.ones(3)
    a.flags.writeable = False
    x = lucid.from_numpy(a)
    with pytest.raises(BufferError, match="readonly"):
        x.__dlpack__()
    assert not np.from_dlpack(x).flags.writeable
    y = lucid.from_dlpack(a)
    with pytest.raises(ValueError, match="read-only"):
        y.fill_(2)
    lucid.from_dlpack(a, copy=True).fill_(2)
    assert a.tolist() == [1, 1, 1]


def test_what_runs_backwards_is_not_given_away(torch):
    x = lucid.arange(6).reshape(2, 3)
    for turned in (x[::-1], x[:, ::-1], x[:, ::-2]):  # PyTorch would end the process
        for take in (np.from_dlpack, torch.from_dlpack):
            with pytest.raises(BufferError, match=r"backwards.*\n  try: x.contiguous\(\)"):
                take(turned)
            assert take(turned.contiguous()).tolist() == turned.tolist()
        assert np.from_dlpack(turned, copy=True).tolist() == turned.tolist()
    assert torch.from_dlpack(x[:1][::-1]).tolist() == [[0, 1, 2]]  # one row has no direction
    assert lucid.from_dlpack(x.numpy()[::-1]).tolist() == [[3, 4, 5], [0, 1, 2]]


def test_copies_share_nothing(torch):
    t = torch.ones(3)
    x = lucid.from_dlpack(t, copy=True, device="cpu")
    torch.from_dlpack(x, copy=True).zero_()
    t.zero_()
    assert x.tolist() == [1, 1, 1]
    assert x._memory.block is None


def test_what_cannot_be_taken(torch):
    for other in ([1.0], 3, None, "x", object()):
        with pytest.raises(TypeError, match=r"one with __dlpack__\), got .*\n  try: lucid.tensor"):
            lucid.from_dlpack(other)
    with pytest.raises(BufferError, match="require gradient"):
        lucid.from_dlpack(torch.ones(2, requires_grad=True))
    for dtype in (torch.bfloat16, torch.float16, torch.int8, torch.complex64):
        with pytest.raises(TypeError, match=r"try: "):
            lucid.from_dlpack(torch.ones(2, dtype=dtype))
    with pytest.raises(ValueError, match="only device is 'cpu'"):
        lucid.from_dlpack(torch.ones(2), device="cuda")

    class Elsewhere:
        def __dlpack__(self, **options):
            raise AssertionError("it was asked for its address")

        def __dlpack_device__(self):
            return 2, 0  # CUDA

    with pytest.raises(ValueError, match=r"memory of the CPU only\n  try: x.cpu\(\)"):
        lucid.from_dlpack(Elsewhere())


# ---------------------------------------------------------------------------------- copy, pickle


def twice(f):
    """The same for a copy and for each protocol of pickle."""
    return pytest.mark.parametrize(
        "twin",
        [copy.deepcopy, *(lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in range(2, 6))],
        ids=["deepcopy", *(f"pickle{p}" for p in range(2, 6))],
    )(f)


@twice
@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_come_back_bit_by_bit_and_apart(twin, dtype):
    a = np.arange(6).reshape(2, 3).astype(dtype)
    for x in (lucid.tensor(a), lucid.tensor(a).T, lucid.tensor(a)[:0], lucid.tensor(a)[0, 1]):
        y, before = twin(x), x.tolist()
        np.testing.assert_array_equal(y.numpy(), x.numpy(), strict=True)
        assert (type(y), y.requires_grad, y.grad) == (lucid.Tensor, False, None)
        y.fill_(1)
        assert x.tolist() == before
        assert not np.may_share_memory(x.numpy(), y.numpy())


@twice
def test_what_is_shared_stays_shared(twin):
    p = nn.Parameter(lucid.ones(2), requires_grad=False)
    a, (b, c) = twin([p, (p, p)])
    assert a is b is c
    assert type(a) is nn.Parameter
    assert not a.requires_grad
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    other = twin(model)
    assert other[1].weight is other[0].weight
    assert other[0].weight is not model[0].weight
    assert len(list(other.parameters())) == 3


@twice
def test_a_layer_and_its_optimizer_stay_together(twin):
    layer = nn.LazyLinear(2)
    optimizer = lucid.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(2):  # waiting, then filled
        layer, optimizer = twin((layer, optimizer))
        before = None if layer.weight is None else layer.weight.tolist()
        optimizer.zero_grad()
        layer(lucid.ones(1, 3)).sum().backward()
        optimizer.step()
        assert layer.weight.tolist() != before


def test_deepcopy_keeps_the_gradient_and_pickle_does_not():
    p = nn.Parameter(lucid.ones(2))
    (p * 3).sum().backward()
    twin = copy.deepcopy(p)
    assert twin.grad.tolist() == [3, 3]
    twin.grad.zero_()
    assert p.grad.tolist() == [3, 3]
    assert pickle.loads(pickle.dumps(p)).grad is None


def test_computed_tensors_say_what_to_do():
    y = lucid.ones(2, requires_grad=True) * 2
    for twin in (copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match=r"(?s)computed tensor .*try: x.detach"):
            twin(y)


def test_a_shallow_copy_shares():
    x = lucid.ones(2)
    copy.copy(x).fill_(3)
    assert x.tolist() == [3, 3]
