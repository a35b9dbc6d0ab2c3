"""Tensors: made, read, printed, copied, changed in place. What ops compute is in test_ops."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lucid

ALL = [lucid.float32, lucid.float64, lucid.int64, lucid.int32, lucid.uint8, lucid.bool]
INF, NAN = float("inf"), float("nan")


# ----------------------------------------------------------------------------------------- creation


def test_tensor_of_numbers():
    assert lucid.tensor([1.5, 2]).dtype is lucid.float32
    assert lucid.tensor([1, 2]).dtype is lucid.int64
    assert lucid.tensor([True]).dtype is lucid.bool
    assert lucid.tensor([]).dtype is lucid.float32
    assert lucid.tensor(3.0).shape == ()
    assert lucid.tensor(((1, 2), (3, 4))).tolist() == [[1, 2], [3, 4]]
    assert lucid.tensor(range(3)).tolist() == [0, 1, 2]
    assert lucid.tensor([lucid.tensor(1.0), lucid.tensor(2.0)]).tolist() == [1, 2]


@pytest.mark.parametrize("dtype", ALL)
def test_every_dtype(dtype):
    for x in (
        lucid.tensor([1, 0], dtype=dtype),
        lucid.tensor(np.array([1, 0], dtype.numpy)),
        lucid.from_numpy(np.array([1, 0], dtype.numpy)),
        lucid.tensor([1.0, 0.0], dtype=dtype.name),
        lucid.zeros(2, dtype=dtype.numpy) + lucid.tensor([1, 0], dtype=dtype),
    ):
        assert x.dtype is dtype
        assert x.numpy().dtype == dtype.numpy
        assert x.tolist() == [1, 0]
    assert x.is_floating_point() == dtype.is_floating_point == (dtype.name[:5] == "float")
    assert repr(dtype) == f"lucid.{dtype.name}"
    assert pickle.loads(pickle.dumps(dtype)) is copy.deepcopy(dtype) is dtype
    assert dtype.itemsize == dtype.numpy.itemsize


def test_float64_is_exact():
    assert lucid.tensor(0.1, dtype=lucid.float64).item() == 0.1
    assert lucid.tensor([2**53 + 1], dtype=lucid.int64).item() == 2**53 + 1
    assert lucid.tensor([[1e-300]], dtype=float).item() == 1e-300


def test_tensor_copies_and_from_numpy_shares():
    array = np.zeros(3)
    copied, shared = lucid.tensor(array), lucid.from_numpy(array)
    as_is = lucid.as_tensor(array)
    array[0] = 1
    assert copied.tolist() == [0, 0, 0]
    assert shared.tolist() == as_is.tolist() == [1, 0, 0]
    shared[1] = 2
    assert array.tolist() == [1, 2, 0]
    shared.numpy()[2] = 3
    assert shared.tolist() == [1, 2, 3]
    assert lucid.as_tensor(shared) is shared
    assert lucid.as_tensor(array, dtype=lucid.float32).dtype is lucid.float32
    again = lucid.tensor(shared)
    shared.zero_()
    assert again.tolist() == [1, 2, 3]


def test_from_numpy_of_any_layout():
    array = np.arange(6.0).reshape(2, 3)
    for view in (array.T, array[::-1], array[:, ::2], array[0, 0:0], array[..., None]):
        assert lucid.from_numpy(view).tolist() == view.tolist()
        assert (lucid.from_numpy(view) * 2).tolist() == (view * 2).tolist()
    fixed = np.zeros(2)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        lucid.from_numpy(fixed).zero_()


def test_shapes_of_new_tensors():
    for make in (lucid.zeros, lucid.ones, lucid.empty):
        assert make(2, 3).shape == make((2, 3)).shape == make([2, 3]).shape == (2, 3)
        assert make().shape == make(()).shape == ()
        assert make(0, 2).shape == (0, 2)
        assert make(2, dtype="int32").dtype is lucid.int32
        assert make(2, requires_grad=True).requires_grad
    like = lucid.tensor([[1, 2]], dtype=lucid.int32)
    for make_like in (lucid.zeros_like, lucid.ones_like, lucid.empty_like):
        assert make_like(like).shape == (1, 2)
        assert make_like(like).dtype is lucid.int32
        assert make_like(like, dtype=lucid.float64).dtype is lucid.float64
    assert lucid.full((2, 1), 7).tolist() == [[7], [7]]
    assert lucid.full_like(like, 3).tolist() == [[3, 3]]
    assert lucid.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert lucid.arange(2, 8, 3).tolist() == [2, 5]
    assert lucid.arange(3, 0, -1).tolist() == [3, 2, 1]
    assert lucid.arange(0).shape == (0,)
    assert lucid.linspace(0, 1, 3).tolist() == [0, 0.5, 1]


def test_the_default_dtype():
    lucid.set_default_dtype(lucid.float64)
    assert lucid.get_default_dtype() is lucid.float64
    for x in (lucid.tensor([1.0]), lucid.zeros(1), lucid.tensor([1]) / 2, lucid.tensor([1]) * 2.5):
        assert x.dtype is lucid.float64
    assert (lucid.ones(1, dtype=lucid.float32) * 2.5).dtype is lucid.float32
    lucid.set_default_dtype("float32")
    assert lucid.tensor([1.0]).dtype is lucid.float32
    with pytest.raises(TypeError, match="must be float32 or float64, got int64"):
        lucid.set_default_dtype(int)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: lucid.tensor("text"), TypeError, "a tensor is made of numbers, got str: 'text'"),
        (lambda: lucid.tensor(None), TypeError, "a tensor is made of numbers, got NoneType"),
        (lambda: lucid.tensor([1j]), TypeError, "made of numbers, got list"),
        (lambda: lucid.tensor(["1"], dtype="float32"), TypeError, "made of numbers"),
        (lambda: lucid.tensor([[1, 2], [3]]), ValueError, "nested lists must have equal lengths"),
        (lambda: lucid.tensor(["a", [1]]), TypeError, "a tensor is made of numbers"),
        (lambda: lucid.tensor([2**70]), TypeError, "made of numbers"),
        (lambda: lucid.tensor(np.zeros(1, "float16")), TypeError, r"astype\(np.float32\)"),
        (lambda: lucid.tensor(np.zeros(1, "uint16")), TypeError, r"uint16\n.*astype\(np.int64\)"),
        (lambda: lucid.from_numpy(np.zeros(1, complex)), TypeError, r"np.stack\(\[array.real"),
        (lambda: lucid.from_numpy(np.array(["a"])), TypeError, "got a NumPy array of <U1"),
        (lambda: lucid.from_numpy([1.0]), TypeError, r"got list\n  try: lucid.tensor\(data\)"),
        (lambda: lucid.zeros(2, -1), ValueError, r"sizes are at least 0, got \(2, -1\)"),
        (lambda: lucid.zeros(2.5), TypeError, "a shape is made of ints"),
        (lambda: lucid.zeros(10**10, 10**10), MemoryError, "does not fit into memory"),
        (lambda: lucid.zeros(1, dtype="float16"), TypeError, "no dtype 'float16', but float32"),
        (lambda: lucid.zeros(1, dtype="nonsense"), TypeError, "lucid has no dtype 'nonsense'"),
        (lambda: lucid.zeros(1, device="cuda:0"), ValueError, r"'cuda:0'\n  try: device='cpu'"),
        (lambda: lucid.zeros(1, device=0), TypeError, "a device is named by a string, got 0"),
        (lambda: lucid.ones(1, dtype=int, requires_grad=True), TypeError, "gradients, got int64"),
        (lambda: lucid.arange(0, 5, -1), ValueError, "step must lead from start to end"),
        (lambda: lucid.arange(0, 5, 0), ValueError, "step must lead"),
        (lambda: lucid.linspace(0, 1, -1), ValueError, "steps must be at least 0"),
    ],
)  # fmt: skip
def test_errors_of_creation(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_device():
    x = lucid.zeros(1, device="cpu")
    assert x.device == lucid.device("cpu") == lucid.device(lucid.device("cpu"))
    assert x.device.type == "cpu"
    assert repr(x.device) == "device(type='cpu')"
    assert len({x.device, lucid.device("cpu")}) == 1
    assert lucid.zeros(1, device=x.device).to(x.device).device == x.device


# ---------------------------------------------------------------------------- as a Python object


def test_what_it_is():
    x = lucid.zeros(2, 3, dtype=lucid.float64)
    assert (x.shape, x.size(), x.size(-1)) == ((2, 3), (2, 3), 3)
    assert x.ndim == x.dim() == len(x) == 2
    assert x.numel() == 6
    assert x.is_contiguous()
    assert not x.T.is_contiguous()
    assert x.is_leaf
    assert type(x.shape) is tuple
    assert [row.shape for row in x] == [(3,), (3,)]
    assert not isinstance(x.shape[0], np.integer)


def test_numbers_out():
    assert lucid.tensor([[2.5]]).item() == 2.5
    assert type(lucid.tensor(3).item()) is int
    assert type(lucid.tensor(True).item()) is bool
    assert float(lucid.tensor([1.5])) == 1.5
    assert int(lucid.tensor(2.7)) == 2
    assert [10, 20, 30][lucid.tensor(1)] == 20
    assert lucid.tensor([0.5]).tolist() == [0.5]
    assert f"{lucid.tensor(0.12345):.2f}" == "0.12"
    assert f"{lucid.tensor([1])}" == "tensor([1])"
    assert bool(lucid.tensor([[1]]))
    assert not lucid.tensor(0.0)
    assert 2 in lucid.tensor([1, 2])
    assert 3 not in lucid.tensor([1, 2])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: lucid.ones(2).item(), ValueError, r"of shape \(2,\)\n  try: x.tolist"),
        (lambda: lucid.ones(0).item(), ValueError, "exactly one number"),
        (lambda: bool(lucid.ones(2)), ValueError, r"shape \(2,\) is ambiguous\n  try: x.any"),
        (lambda: bool(lucid.ones(0)), ValueError, "ambiguous"),
        (lambda: len(lucid.tensor(1)), TypeError, "has no length"),
        (lambda: list(lucid.tensor(1)), TypeError, "cannot iterate"),
        (lambda: [0][lucid.tensor(0.0)], TypeError, "only one whole number can be an index"),
        (lambda: lucid.ones(1, requires_grad=True).numpy(), RuntimeError, r"x.detach\(\).numpy"),
        (lambda: np.asarray(lucid.ones(1, requires_grad=True)), RuntimeError, "leaves the graph"),
        (lambda: lucid.ones(1).shap, AttributeError, "shap"),
        (lambda: setattr(lucid.ones(1), "gard", 1), AttributeError, "gard"),
        (lambda: lucid.ones(1, requires_grad=True).exp().requires_grad_(False), RuntimeError,
         r"a computed tensor requires a gradient\n  try: x.detach\(\)"),
        (lambda: lucid.tensor([1]).requires_grad_(), TypeError, r"got int64\n  try: x.float"),
    ],
)  # fmt: skip
def test_errors_of_reading(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_tensor_is_a_key_by_identity():
    a, b = lucid.ones(1), lucid.ones(1)
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1


def test_numpy_meets_tensors():
    x = lucid.arange(3, dtype=lucid.float32)
    assert np.asarray(x) is not None
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert not np.shares_memory(np.array(x), x.numpy())
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert (np.float32(2) * x).tolist() == (x * np.float64(2)).tolist() == [0, 2, 4]
    assert (np.float64(2) * x).dtype is lucid.float32
    assert (x + np.int64(1)).tolist() == [1, 2, 3]
    for mixed in (lambda: np.ones(3) + x, lambda: x - np.ones(3), lambda: np.ones(3) @ x):
        with pytest.raises(TypeError):
            mixed()
    for wrong in (lambda: np.complex64(2) * x, lambda: x + np.complex128(2), lambda: x * 2j):
        with pytest.raises(TypeError, match=r"tensors and numbers, got complex.*\n  try: [02].0$"):
            wrong()
    with pytest.raises(TypeError):
        np.exp(x)
    tensor = lucid.ones(2, requires_grad=True)
    assert tensor.numpy(force=True).tolist() == tensor.detach().numpy().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (lambda: lucid.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (lambda: lucid.tensor([1.5, 2.0]), "tensor([1.5000, 2.0000])"),
        (lambda: lucid.tensor([[1, 2], [3, 40]]), "tensor([[ 1,  2],\n        [ 3, 40]])"),
        (lambda: lucid.tensor(3), "tensor(3)"),
        (lambda: lucid.tensor(0.1), "tensor(0.1000)"),
        (lambda: lucid.tensor([True, False]), "tensor([ True, False])"),
        (lambda: lucid.tensor([]), "tensor([])"),
        (lambda: lucid.zeros(2, 0), "tensor([], size=(2, 0))"),
        (lambda: lucid.tensor([1], dtype="uint8"), "tensor([1], dtype=lucid.uint8)"),
        (lambda: lucid.tensor([1.0]).double(), "tensor([1.], dtype=lucid.float64)"),
        (lambda: lucid.tensor([NAN, INF, 1.0]), "tensor([nan, inf,  1.])"),
        (lambda: lucid.ones(1, requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: lucid.ones(1, requires_grad=True) * 2, "tensor([2.], grad_fn=<Mul>)"),
    ],
)
def test_printing(tensor, text):
    assert repr(tensor()) == str(tensor()) == text


def test_printing_a_large_tensor_is_short():
    assert len(repr(lucid.zeros(1000, 1000))) < 1000
    assert "..." in repr(lucid.zeros(2000))


# ------------------------------------------------------------------------------- copies and pickles


def test_copies():
    x = lucid.tensor([1.0, 2.0], requires_grad=True)
    (x * 3).sum().backward()
    deep = copy.deepcopy(x)
    assert (deep.tolist(), deep.requires_grad, deep.grad.tolist()) == ([1, 2], True, [3, 3])
    assert not np.shares_memory(deep.numpy(force=True), x.numpy(force=True))
    assert deep.grad is not x.grad
    deep.grad.zero_()
    assert x.grad.tolist() == [3, 3]
    shallow = copy.copy(x)
    assert shallow is not x
    assert np.shares_memory(shallow.numpy(force=True), x.numpy(force=True))
    a, b = copy.deepcopy([x, x])
    assert a is b


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(protocol):
    for x in (
        lucid.tensor([[1.0, 2.0]], requires_grad=True),
        lucid.tensor(3),
        lucid.zeros(0, 2, dtype=lucid.bool),
        lucid.arange(6).reshape(2, 3).T,
    ):
        back = pickle.loads(pickle.dumps(x, protocol))
        assert type(back) is lucid.Tensor
        assert (back.dtype, back.requires_grad) == (x.dtype, x.requires_grad)
        assert back.shape == x.shape
        assert back.tolist() == x.tolist()
        if x.dtype.is_floating_point:
            (back * 2).sum().backward()


def test_a_computed_tensor_is_not_copied_into_a_leaf():
    y = lucid.ones(1, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"deep-copied\n  try: x.detach\(\).clone\(\)"):
        copy.deepcopy(y)
    with pytest.raises(RuntimeError, match=r"pickled\n  try: x.detach\(\)"):
        pickle.dumps(y)


# --------------------------------------------------------------------------------------- in place


def test_changes_in_place_return_the_tensor_itself():
    x = lucid.tensor([1.0, 2.0])
    array = x.numpy()
    for change in (
        lambda: x.add_(1),
        lambda: x.sub_(lucid.ones(2), alpha=2),
        lambda: x.mul_(2),
        lambda: x.div_(4),
        lambda: x.clamp_(0.25),
        lambda: x.copy_(lucid.tensor([3, 4])),
        lambda: x.fill_(lucid.tensor(5)),
        lambda: x.zero_(),
    ):
        assert change() is x
    x += 1
    x *= lucid.tensor([1.0, 2.0])
    x -= 0.5
    x /= 0.5
    assert x.tolist() == array.tolist() == [1, 3]
    assert x.dtype is lucid.float32


def test_assignment():
    x = lucid.zeros(3, 4)
    x[0] = 1
    x[1, :2] = lucid.tensor([5, 6])
    x[:, -1] += 10
    x[lucid.tensor([2]), [0]] = 9
    x[x == 9] = NAN
    x[2, 1] = np.float32(7)
    x[2, 2:] = [8, 8]
    x[1:2, 2] = np.array([4.0])
    assert x[0].tolist() == [1, 1, 1, 11]
    assert x[1].tolist() == [5, 6, 4, 10]
    assert x[2].tolist()[1:] == [7, 8, 8]
    whole = lucid.zeros(2, dtype=lucid.int64)
    whole[0] = 1.7
    assert whole.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda x: x.add_(lucid.ones(3).long()), ValueError, r"tensor of int64 and shape \(2,\)"),
        (lambda x: x.add_(2**70), ValueError, "cannot change a tensor of int64"),
        (lambda x: x.add_(0.5), TypeError, "cannot change a tensor of int64"),
        (lambda x: x.div_(2), TypeError, "cannot change a tensor of int64"),
        (lambda x: x.copy_(lucid.ones(3)), ValueError, "in place"),
        (lambda x: x.clamp_(0.5), lucid.DtypeError, "clamp_ keeps the dtype int64, and min has"),
        (lambda x: x.clamp_(max=lucid.ones(3).long()), lucid.ShapeError, "which a max of shape"),
        (lambda x: x.clamp_("a"), TypeError, "got str: 'a'"),
        (lambda x: x.mul_("1"), TypeError, "got str: '1'"),
        (lambda x: x.fill_(NAN), ValueError, "int64 does not hold nan"),
        (lambda x: x.add_("1"), TypeError, "got str: '1'"),
        (lambda x: x.__setitem__(5, 1), IndexError, "out of bounds"),
        (lambda x: x.__setitem__(slice(None), lucid.ones(3)), ValueError, "in place"),
        (lambda x: x.__setitem__(lucid.ones(1), 1), TypeError, r"got float32"),
        (lambda x: x.expand(2, 2).fill_(1), ValueError, "read-only"),
    ],
)
def test_a_change_that_fails_changes_nothing(change, error, text):
    x = lucid.tensor([1, 2])
    with pytest.raises(error, match=text):
        change(x)
    assert x.tolist() == [1, 2]
    assert x.dtype is lucid.int64
    assert x.shape == (2,)


def test_updates_of_leaves():
    w = lucid.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"try: with lucid.no_grad\(\): w -= "):
        w -= 1
    with lucid.no_grad():
        w -= 0.5
        w[0] = 3
    assert w.requires_grad
    assert w.is_leaf
    assert w.tolist() == [3, 0.5]
    w.data.mul_(2)
    assert w.tolist() == [6, 1]
    w.requires_grad = False
    w += 1
    assert w.tolist() == [7, 2]


def test_detach_shares_memory_and_leaves_the_graph():
    x = lucid.ones(2, requires_grad=True)
    y = (x * 2).detach()
    assert not y.requires_grad
    assert y.grad_fn is None
    assert np.shares_memory(x.detach().numpy(), x.data.numpy())


def test_hooks_can_be_removed_by_identity():
    x = lucid.ones(1, requires_grad=True)
    seen = []
    handles = [x.register_hook(lambda g, i=i: seen.append(i)) for i in range(3)]
    handles[1].remove()
    x.sum().backward()
    assert seen == [0, 2]


def test_chaining_reads_like_pytorch():
    x = lucid.arange(24, dtype=lucid.float32).view(2, 3, 4)
    y = x.transpose(1, 2).contiguous().view(2, -1).softmax(dim=1).log().mean(dim=0, keepdim=True)
    assert y.shape == (1, 12)
    assert x.masked_fill(x > 3, 0.0).sum().item() == 6
    assert x.type_as(lucid.tensor([1])).dtype is lucid.int64


def test_data_can_be_changed_and_replaced():
    """The update that older tutorials write: p.data -= lr * p.grad."""
    p = lucid.ones(2, requires_grad=True)
    (p * 3).sum().backward()
    p.data -= 0.5 * p.grad
    assert p.tolist() == [-0.5, -0.5]
    assert p.requires_grad
    y = (p * p).sum()
    p.data = lucid.zeros(2)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()
    with pytest.raises(lucid.DtypeError, match=r"float32 of shape \(2,\), got float64"):
        p.data = lucid.zeros(2, dtype="float64")
    assert p.tolist() == [0, 0]


def test_comparison_with_what_is_no_number():
    """As for any object: x == None is False, so that `x in [None]` and the like work."""
    x = lucid.ones(2)
    assert (x == None) is False  # noqa: E711  # the comparison itself is what is tested
    assert (x != "a") is True
    assert (x == 1).tolist() == [True, True]


@pytest.mark.parametrize("value", [None, "5", [None], 1j])
def test_only_numbers_can_be_written(value):
    x = lucid.ones(2)
    with pytest.raises(TypeError):
        x[0] = value
    assert x.tolist() == [1, 1]


def test_a_pickle_owns_its_numbers():
    import pickle

    x = lucid.ones(3)
    buffers: list = []
    data = pickle.dumps(x, protocol=5, buffer_callback=buffers.append)
    for buffer in buffers:
        buffer.raw()[:] = bytes(len(buffer.raw()))
    assert x.tolist() == [1, 1, 1]
    assert pickle.loads(data, buffers=buffers).shape == (3,)
