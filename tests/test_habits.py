"""What someone who comes from PyTorch or NumPy writes first, and what is said where it differs."""

from __future__ import annotations

import importlib
import operator
import pickle
import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lucid
from lucid import nn
from lucid.nn import functional as F

# -------------------------------------------------------------------------------- names of modules


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        ("lucid.nn", "Conv2d", ": signals have one axis of positions, .*\n  try: nn.Conv1d$"),
        ("lucid.nn", "MaxPool3d", "\n  try: nn.MaxPool1d$"),
        ("lucid.nn", "Fold2d", "so there is 1d only$"),
        ("lucid.nn", "LazyConv1D", "\n  try: nn.LazyConv1d$"),
        ("lucid.nn", "Transformer", "^module 'lucid.nn' has no attribute 'Transformer'$"),
        ("lucid.nn.functional", "conv2d", "\n  try: F.conv1d$"),
        ("lucid.nn.functional", "crossentropy", "\n  try: F.cross_entropy$"),
        ("lucid.optim", "Adam2", "\n  try: optim.Adam$"),
        ("lucid", "cuda", ': lucid computes on the CPU\n  try: "cpu"$'),
        ("lucid", "cumsun", "\n  try: lucid.cumsum$"),
        ("lucid", "foo", "^module 'lucid' has no attribute 'foo'$"),
    ],
)
def test_a_name_that_is_not_there(module, name, said):
    found = importlib.import_module(module)
    assert not hasattr(found, name)
    assert not hasattr(found, "__wrapped__")
    with pytest.raises(AttributeError, match=f"'{module}' has no attribute '{name}'") as caught:
        getattr(found, name)
    assert re.search(said, str(caught.value))


def test_what_is_on_the_gpu_there():
    for thing, cure in [(lucid.ones(2), r"x.cpu\(\)"), (nn.Linear(2, 3), r'model.to\("cpu"\)')]:
        assert not hasattr(thing, "cuda")
        assert not hasattr(type(thing), "cuda")
        said = f"{type(thing).__name__} has no cuda: lucid computes on the CPU\n  try: {cure}"
        with pytest.raises(AttributeError, match=said):
            thing.cuda()
        with pytest.raises(ValueError, match="the only device is 'cpu', got 'cuda'\n  try: "):
            thing.to("cuda")


# -------------------------------------------------------------------------------------- functions


class Square(lucid.autograd.Function):
    def forward(self, x):
        return x * x


def test_an_op_is_called_not_applied():
    with pytest.raises(AttributeError, match=r"Square has no apply: .*\n  try: Square\(\)\(x\)"):
        Square.apply(lucid.ones(2))
    assert not hasattr(lucid.autograd.Function, "apply")
    with pytest.raises(TypeError, match=r"forward of Cube must be a method.*\n  try: def forward"):

        class Cube(lucid.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x**3

    with pytest.raises(
        TypeError, match=r"^backward of Half must be a method.*\n  try: def forward"
    ):

        class Half(lucid.autograd.Function):
            def forward(self, x):
                return x / 2

            @staticmethod
            def backward(ctx, grad):
                return grad / 2

    with pytest.raises(AttributeError, match=r"inputs are kept\n  try: self.saved\(0\)"):
        Square().save_for_backward(lucid.ones(2))


class Exp(lucid.autograd.Function):
    def forward(self, x):
        return lucid.exp(x)


class Relu(lucid.autograd.Function):
    def forward(self, x):
        return x.relu()


class Silent(Relu):
    silent = True


def test_lucid_inside_of_forward():
    said = r"forward of Exp gets NumPy arrays and returns one\n  try: NumPy's .* np.exp\(x\)"
    with pytest.raises(TypeError, match=said):
        Exp()(lucid.ones(2))
    for kind in (Relu, Silent):
        with pytest.raises(AttributeError, match="relu") as caught:
            kind()(lucid.ones(2))
        assert any("gets NumPy arrays" in note for note in caught.value.__notes__)


# ------------------------------------------------------------------------------ NumPy's functions


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (np.exp, r"np.exp .*\n  try: lucid.exp\(x\)\n  or:  np.exp\(x.detach\(\).numpy\(\)\)"),
        (np.arctan, r"np.arctan .*\n  try: lucid.atan\(x\)\n  or:  np.arctan\("),
        (np.abs, r"np.absolute .*\n  try: lucid.abs\(x\)"),
        (np.cbrt, r"np.cbrt .*\n  try: np.cbrt\(x.detach\(\).numpy\(\)\)$"),
        (
            lambda x: np.maximum(x, 0.0),
            r"\n  try: lucid.maximum\(x, 0.0\)\n  or:  np.maximum\(x.detach\(\).numpy\(\), 0.0\) ",
        ),
        (np.add.reduce, r"np.add.reduce .*\n  try: "),
        (lambda x: np.add(np.ones(2), x), r"got a NumPy array\n  try: lucid.from_numpy\(array\)"),
    ],
)
def test_a_function_of_numpy_names_that_of_lucid(call, said, grad):
    with pytest.raises(TypeError, match=said):
        call(lucid.ones(2, requires_grad=grad))


def test_an_array_does_not_take_a_tensor_in():
    array = np.ones(2)
    with pytest.raises(TypeError, match=r"np.add .*\n  try: lucid.from_numpy\(array\)"):
        array += lucid.ones(2)


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2), np.int32(2)])
@pytest.mark.parametrize("compute", OPERATORS)
def test_a_number_of_numpy_is_a_number(compute, number):
    x = lucid.tensor([1.0, 2.0, 3.0], requires_grad=True)
    out, expected = compute(number, x), compute(2.0, x)
    assert type(out) is lucid.Tensor
    assert (out.dtype, out.requires_grad) == (expected.dtype, expected.requires_grad)
    assert out.tolist() == expected.tolist()
    assert compute(number, lucid.arange(1, 4)).tolist() == compute(2, lucid.arange(1, 4)).tolist()


@pytest.mark.parametrize("compute", [operator.and_, operator.or_, operator.xor])
def test_a_bool_of_numpy_is_a_bool(compute):
    x = lucid.tensor([True, False])
    for value in (True, False):
        assert compute(np.bool_(value), x).tolist() == compute(value, x).tolist()


# ----------------------------------------------------------------------------- gradients and state


def test_the_gradient_of_a_computed_tensor_is_not_kept():
    x = lucid.ones(2, requires_grad=True)
    y = x * 2
    said = r"gradients of leaves only, .* by <Mul>: grad is None\n  try: x.retain_grad\(\)"
    with pytest.warns(UserWarning, match=said):
        assert y.grad is None
    y.sum().backward()
    with pytest.warns(UserWarning, match=said) as caught:
        assert y.grad is None
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert x.grad.tolist() == [2, 2]
        assert x.detach().grad is None
        z = x * 2
        z.retain_grad()
        assert z.grad is None  # asked for, and not there yet
        z.sum().backward()
        assert z.grad.tolist() == [1, 1]
        y.grad = lucid.ones(2)
        assert y.grad.tolist() == [1, 1]
        repr(x * 2), (x * 2)._repr_html_()


def test_backward_of_what_was_not_recorded():
    said = (
        r"got one that was not\n  usual reasons: argmax, .*detach\(\).*numpy\(\) or no_grad\(\)"
        r".*\n.*\n  try: loss = .*\n  or:  x.requires_grad_\(\)    .*# before"
    )
    x = lucid.ones(2, requires_grad=True)
    with lucid.no_grad(), pytest.raises(RuntimeError, match=said):
        (x * 2).sum().backward()
    with pytest.raises(RuntimeError, match=said):
        lucid.ones(1).backward()


def test_a_placeholder_names_its_layer():
    layer = nn.LazyConv1d(4, 3)
    said = r"its {} has not seen an input.\n  try: model.materialize\(x\)    # or run one forward"
    for copy in (layer, pickle.loads(pickle.dumps(layer))):
        with pytest.raises(lucid.UninitializedParameterError, match=said.format("LazyConv1d")):
            next(copy.parameters()).tolist()
    with pytest.raises(lucid.UninitializedParameterError, match=said.format("lazy layer")):
        nn.UninitializedParameter().tolist()


# ------------------------------------------------------------------------------- one number of many


@given(
    numbers=st.lists(st.integers(0, 5), max_size=6),
    more=st.integers(0, 3),
    dtype=st.sampled_from([lucid.int64, lucid.int32, lucid.uint8]),
)
def test_one_hot_by_its_definition(numbers, more, dtype):
    count = max(numbers, default=0) + 1 + more
    out = F.one_hot(lucid.tensor(numbers, dtype=dtype), count)
    assert (out.dtype, out.shape) == (lucid.int64, (len(numbers), count))
    assert out.tolist() == [[int(c == n) for c in range(count)] for n in numbers]
    if numbers:
        assert out.argmax(1).tolist() == numbers
        assert F.one_hot(lucid.tensor(numbers)).shape == (len(numbers), max(numbers) + 1)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3), (2, 2, 2)])
@pytest.mark.parametrize("count", [-1, 7])
def test_one_hot_is_that_of_pytorch(shape, count):
    torch = pytest.importorskip("torch")
    numbers = np.random.default_rng(0).integers(0, 7, shape)
    if not numbers.size and count < 0:
        with pytest.raises(ValueError, match=r"do not tell how many classes .*\n  try: num_cl"):
            F.one_hot(lucid.from_numpy(numbers))
        return
    theirs = torch.nn.functional.one_hot(torch.from_numpy(np.asarray(numbers)), count)
    ours = F.one_hot(lucid.from_numpy(np.asarray(numbers)), count)
    assert ours.shape == tuple(theirs.shape)
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize(
    ("numbers", "count", "error", "said"),
    [
        ([1.0], -1, lucid.DtypeError, r"whole numbers, got float32\n  try: tensor.long\(\)"),
        ([True], -1, lucid.DtypeError, "whole numbers, got bool"),
        ([0, -1], 3, ValueError, r"count from 0, got -1\n  try: tensor.clamp\(min=0\)"),
        ([3], 3, ValueError, "of num_classes=3, the last is 2, got 3\n  try: num_classes=4"),
        ([0], 0, ValueError, "num_classes must be at least 1, got 0"),
    ],
)
def test_one_hot_of_no_classes(numbers, count, error, said):
    with pytest.raises(error, match=said):
        F.one_hot(lucid.tensor(numbers), count)
    with pytest.raises(TypeError, match="one_hot needs a tensor"):
        F.one_hot(numbers)


# --------------------------------------------------------------------- NumPy's names for options

X = lucid.ones(2, 4, 8)

AXES = [lucid.sum, lucid.mean, lucid.var, lucid.std, lucid.amax, lucid.amin, lucid.nansum,
        lucid.nanmean, lucid.argmax, lucid.prod, lucid.norm, lucid.logsumexp]  # fmt: skip


def as_lists(out):
    return [t.tolist() for t in out] if isinstance(out, tuple) else out.tolist()


@pytest.mark.parametrize("op", [*AXES, lucid.max, lucid.min, lucid.median])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_axis_is_dim_and_keepdims_is_keepdim(op, axis):
    x = lucid.randn(3, 4, dtype="float64", requires_grad=True)
    expected = as_lists(op(x, dim=axis, keepdim=True))
    assert as_lists(op(x, axis=axis, keepdims=True)) == expected
    assert as_lists(getattr(x, op.__name__)(axis=axis, keepdim=True)) == expected
    assert as_lists(op(x, axis=axis)) == as_lists(op(x, dim=axis))


def test_axis_of_what_is_no_reduction():
    x = lucid.randn(3, 4)
    assert x.softmax(axis=1).tolist() == x.softmax(1).tolist()
    assert x.cumsum(axis=0).tolist() == x.cumsum(0).tolist()
    assert as_lists(x.sort(axis=0)) == as_lists(x.sort(0))
    assert lucid.cat([x, x], axis=1).shape == (3, 8)
    assert lucid.stack([x, x], axis=2).shape == (3, 4, 2)


@pytest.mark.parametrize(
    "function",
    [np.mean, np.sum, np.max, np.min, np.prod, np.std, np.var, np.any, np.all, np.argmax],
)
def test_a_reduction_of_numpy_is_that_of_lucid(function):
    x = lucid.randn(3, 4, dtype="float64", requires_grad=True)
    array = x.detach().numpy()
    assert type(function(x)) is lucid.Tensor
    np.testing.assert_allclose(function(x).tolist(), function(array), 1e-12)
    if function in (np.max, np.min):  # with an axis, as PyTorch has it
        assert function(x, axis=1).values.tolist() == function(array, axis=1).tolist()
        assert function(x, keepdims=True).tolist() == function(array, keepdims=True).tolist()
        return
    np.testing.assert_allclose(function(x, axis=1).tolist(), function(array, axis=1), 1e-12)
    assert function(x).requires_grad == (function not in (np.any, np.all, np.argmax))
    kept = function(x, axis=0, keepdims=True)
    np.testing.assert_allclose(kept.tolist(), function(array, axis=0, keepdims=True), 1e-12)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: X.mean(axis=1, dim=1), r"mean takes dim once, got axis, dim\n  try: dim"),
        (lambda: X.sum(axes=1), r"sum\(\) got an unexpected keyword argument 'axes'$"),
        (lambda: np.sum(X, out=np.ones(1)), r"sum makes a new tensor.*\n  try: out = x.sum\(\)"),
        (lambda: X.mean(axis=1, keep=True), r"unexpected keyword argument 'keep'$"),
        (lambda: X.argmax(ddof=1), "unexpected keyword argument 'correction'"),
    ],
)
def test_other_names_are_errors(call, said):
    with pytest.raises(TypeError, match=said):
        call()


# --------------------------------------------------------------------- what else is written first


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: nn.Conv1d(4, 2, 3, padding="causal", dilation=2), "F.pad(x, (4, 0))"),
        (lambda: nn.LazyConv1d(2, 3, padding="causal"), "F.pad(x, (2, 0))"),
        (lambda: nn.Conv1d(4, 2, 3, padding=(1, 2)), "F.pad(x, (1, 2))"),
        (lambda: F.conv1d(X, lucid.ones(2, 4, 3), padding=[1, 2]), "F.pad(x, (1, 2))"),
    ],
)
def test_a_padding_of_two_sides_is_made_before(make, code):
    with pytest.raises((TypeError, ValueError), match=r"\n  try: F.pad\(x, ") as caught:
        make()
    cure = str(caught.value).split("  try: ")[1]
    assert cure == f"{code}    # before it, and padding=0"
    left, right = eval(code.removeprefix("F.pad(x, ").removesuffix(")"))
    assert eval(cure, {"F": F, "x": X}).shape == (2, 4, 8 + left + right)


def test_a_padding_to_the_left_sees_no_future():
    conv = nn.Conv1d(4, 2, 3, dilation=2)
    x = lucid.randn(1, 4, 10)
    later = x.clone()
    later[:, :, 5:] = 0.0
    out, other = (conv(F.pad(signal, (4, 0))) for signal in (x, later))
    assert out.shape == (1, 2, 10)
    assert out[:, :, :5].tolist() == other[:, :, :5].tolist()
    assert (out != other)[:, :, 5:].all()


@pytest.mark.parametrize(("size", "cure"), [(3.5, 3), (0.5, 1), (7.0, 7)])
def test_a_size_that_is_no_whole_number(size, cure):
    said = rf"kernel_size must be an int, got {size}\n  try: kernel_size={cure}$"
    with pytest.raises(TypeError, match=said):
        nn.Conv1d(4, 2, size)
    with pytest.raises(TypeError, match=r"got nan$"):
        nn.Conv1d(4, 2, float("nan"))


@pytest.mark.parametrize("name", ["no_grad", "enable_grad", "set_grad_enabled"])
def test_a_switch_without_parentheses(name):
    before = lucid.is_grad_enabled()
    said = rf"{name} is a class.*\n  try: "
    with pytest.raises(TypeError, match=said) as caught, getattr(lucid, name):
        raise AssertionError("entered")
    assert lucid.is_grad_enabled() == before
    code = str(caught.value).split("  try: ")[1]
    exec(f"{code}\n    pass", {"lucid": lucid})
    assert lucid.is_grad_enabled() == before


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (F.relu, "nn.ReLU()"),
        (lucid.relu, "nn.ReLU()"),
        (F.leaky_relu, "nn.LeakyReLU()"),
        (F.max_pool1d, "nn.MaxPool1d(kernel_size)"),
        (
            lambda x: x,
            "a class of your own, class Layer(nn.Module), whose forward calls the function",
        ),
    ],
)
def test_a_function_is_no_module(function, code):
    said = f"Sequential holds modules, got function\n  try: {code}"
    with pytest.raises(TypeError, match=re.escape(said)):
        nn.Sequential(nn.Conv1d(4, 2, 3), function)


@pytest.mark.parametrize(
    ("module", "name", "code"),
    [
        ("lucid", "summary", "lucid.explain.summary"),
        ("lucid", "DataLoader", "data.DataLoader"),
        ("lucid", "Conv1d", "nn.Conv1d"),
        ("lucid", "Conv2d", "nn.Conv1d"),
        ("lucid", "concatenate", "lucid.cat"),
        ("lucid", "swapaxes", "lucid.transpose"),
        ("lucid.nn", "one_hot", "F.one_hot"),
        ("lucid.nn", "Adam", "optim.Adam"),
        ("lucid.optim", "Linear", "nn.Linear"),
        ("lucid.nn.functional", "stack", "lucid.stack"),
    ],
)
def test_a_name_that_is_elsewhere(module, name, code):
    with pytest.raises(AttributeError, match=rf"has no attribute '{name}'.*\n  try: {code}$"):
        getattr(importlib.import_module(module), name)
    importlib.import_module("lucid.explain")
    assert callable(eval(code, {"lucid": lucid, "nn": nn, "F": F, **vars(lucid)}))
