"""nn.utils: clipped gradients, parameters as a vector, weight norm, fused batch norm."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import lucid
import lucid.nn as nn
from lucid.errors import ShapeError, UninitializedParameterError
from lucid.nn import utils
from lucid.optim.swa_utils import AveragedModel

from gradients import check_gradients

NORMS = [2.0, 1, 3.5, 0.5, float("inf"), "inf", -1.0, 0.0]


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def with_grads(*grads, dtype="float64"):
    """Parameters with these gradients."""
    made = []
    for grad in grads:
        p = nn.Parameter(lucid.zeros(np.shape(grad), dtype=dtype))
        p.grad = lucid.tensor(np.asarray(grad, dtype))
        made.append(p)
    return made


def some_grads(dtype="float64"):
    rng = np.random.default_rng(0)
    shapes = [(3, 2), (4,), (), (2, 3, 4)]
    return with_grads(*(rng.standard_normal(s) for s in shapes), dtype=dtype)


def all_numbers(parameters):
    return np.concatenate([p.grad.numpy().ravel() for p in parameters])


# -------------------------------------------------------------------------------------- clipping


@pytest.mark.parametrize("p", NORMS)
def test_total_norm_is_that_of_one_long_vector(p):
    ps = some_grads()
    expected = np.linalg.norm(all_numbers(ps), float(p))
    total = utils.get_total_norm([q.grad for q in ps], p)
    if p != 0:  # of 0, the reference takes the norm of norms, and so does lucid
        assert total.item() == pytest.approx(expected, rel=1e-12)
    assert (total.shape, total.dtype, total.requires_grad) == ((), lucid.float64, False)


@pytest.mark.parametrize("p", [2.0, 1.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.0, 0.1, 1.0, 1e6])
def test_clipping_shortens_and_keeps_the_direction(p, max_norm):
    ps = some_grads()
    before, objects = all_numbers(ps), [q.grad for q in ps]
    norm = np.linalg.norm(before, p)
    assert utils.clip_grad_norm_(iter(ps), max_norm, p).item() == pytest.approx(norm)
    after = all_numbers(ps)
    np.testing.assert_allclose(after, before * min(1, max_norm / (norm + 1e-6)), rtol=1e-12)
    assert np.linalg.norm(after, p) <= max(max_norm, 0) or max_norm > norm
    assert all(q.grad is g for q, g in zip(ps, objects, strict=True))  # in place


def test_clipping_by_value():
    (p,) = with_grads([3.0, -0.5, -9.0, np.nan, np.inf])
    utils.clip_grad_value_(p, 1.5)
    np.testing.assert_array_equal(p.grad.numpy(), [1.5, -0.5, -1.5, np.nan, 1.5])


def test_parameters_without_gradients_are_left_out():
    p, (q,) = nn.Parameter(lucid.ones(2)), with_grads([3.0, 4.0], dtype="float32")
    lazy = nn.LazyConv1d(3, 2)
    assert utils.clip_grad_norm_([p, q, *lazy.parameters()], 1).item() == 5
    np.testing.assert_allclose(q.grad.numpy(), [0.6, 0.8], 1e-6)
    assert p.grad is None
    for found in ([p], [], lazy.parameters()):
        assert utils.clip_grad_norm_(found, 1).item() == 0
        utils.clip_grad_value_(list(found), 1)


def test_empty_gradients_and_two_dtypes():
    ps = [*with_grads(np.zeros((0, 3))), *with_grads([3.0], dtype="float32"), *with_grads([4.0])]
    for p, expected in ((2, 5), (1, 7), ("inf", 4)):
        assert utils.get_total_norm([q.grad for q in ps], p).item() == expected
    assert utils.get_total_norm(ps[0].grad, "inf").item() == 0
    utils.clip_grad_norm_(ps, 2.5)
    assert ps[1].grad.dtype is lucid.float32
    assert ps[2].grad.item() == pytest.approx(2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite(bad):
    ps = with_grads([1.0, bad], [2.0])
    before = all_numbers(ps)
    for p in (2, 1, "inf"):
        with pytest.raises(
            RuntimeError, match=r"order .* is (nan|inf).*\n  try: .*error_if_nonfin"
        ):
            utils.clip_grad_norm_(ps, 1.0, p, error_if_nonfinite=True)
        np.testing.assert_array_equal(all_numbers(ps), before)
    assert not np.isfinite(utils.clip_grad_norm_(ps, 1.0).item())
    assert all_numbers(ps)[2] == (0 if bad == np.inf else pytest.approx(np.nan, nan_ok=True))


def test_an_exhausted_generator_is_mentioned():
    ps = iter(some_grads())
    utils.clip_grad_norm_(ps, 1.0)
    with pytest.warns(UserWarning, match="gone through once"):
        utils.clip_grad_norm_(ps, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        utils.clip_grad_norm_([], 1.0)


def test_bad_limits_and_parameters():
    ps = some_grads()
    before = all_numbers(ps)
    for bad in (-1, np.nan, -np.inf):
        with pytest.raises(ValueError, match="max_norm is a number from 0 up"):
            utils.clip_grad_norm_(ps, bad)
        with pytest.raises(ValueError, match="clip_value is a number from 0 up"):
            utils.clip_grad_value_(ps, bad)
    for bad in (nn.Linear(1, 1), 3, "ab", [1.0], None):
        with pytest.raises(TypeError, match=r"got .*\n  try: model.parameters\(\)"):
            utils.clip_grad_norm_(bad, 1.0)
    np.testing.assert_array_equal(all_numbers(ps), before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", NORMS)
def test_clipping_against_pytorch(torch, p, dtype):
    ps = some_grads(dtype)
    ts = [torch.zeros(q.shape, dtype=getattr(torch, dtype)).requires_grad_() for q in ps]
    for q, t in zip(ps, ts, strict=True):
        t.grad = torch.tensor(q.grad.numpy().copy())
    ours, theirs = utils.clip_grad_norm_(ps, 0.7, p), torch.nn.utils.clip_grad_norm_(ts, 0.7, p)
    assert ours.dtype.name == dtype
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), tolerance)
    for q, t in zip(ps, ts, strict=True):
        np.testing.assert_allclose(q.grad.numpy(), t.grad.numpy(), tolerance)


# ---------------------------------------------------------------------------- one long vector


def test_parameters_as_a_vector_and_back():
    model = nn.Sequential(nn.Conv1d(2, 3, 2), nn.Linear(4, 1))
    vector = utils.parameters_to_vector(model.parameters())
    expected = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    np.testing.assert_array_equal(vector.detach().numpy(), expected)
    objects = list(model.parameters())
    new = lucid.arange(len(expected)).float()
    utils.vector_to_parameters(new, model.parameters())
    np.testing.assert_array_equal(utils.parameters_to_vector(objects).detach().numpy(), new.numpy())
    assert all(p.requires_grad and p.is_leaf for p in objects)
    objects[0].detach().zero_()
    assert new[1].item() == 1  # the numbers were copied
    utils.vector_to_parameters(vector, model.parameters())  # one that was computed


def test_gradients_flow_through_the_vector():
    check_gradients(
        lambda a, b: utils.parameters_to_vector([a, b.T]) ** 3,
        lucid.randn(2, 3, dtype="float64"),
        lucid.randn(2, 2, dtype="float64"),
    )


def test_bad_vectors_change_nothing():
    layer = nn.Linear(2, 3)
    before = layer.weight.tolist()
    for bad in (lucid.zeros(8), lucid.zeros(10), lucid.zeros(3, 3), lucid.tensor(0.0)):
        with pytest.raises(ShapeError, match=r"9 numbers in all: expected .*\(9,\), got"):
            utils.vector_to_parameters(bad, layer.parameters())
    with pytest.raises(TypeError, match=r"got ndarray\n  try: lucid.tensor"):
        utils.vector_to_parameters(np.zeros(9), layer.parameters())
    with pytest.raises(UninitializedParameterError):
        utils.vector_to_parameters(lucid.zeros(9), [layer.weight, *nn.LazyLinear(3).parameters()])
    with pytest.raises(UninitializedParameterError):
        utils.parameters_to_vector(nn.LazyLinear(3).parameters())
    with pytest.raises(TypeError, match=r"try: model.parameters\(\)"):
        utils.parameters_to_vector(layer)
    assert layer.weight.tolist() == before


# ------------------------------------------------------------------------------------ weight norm

BOTH = pytest.mark.parametrize(
    "weight_norm", [utils.weight_norm, utils.parametrizations.weight_norm], ids=["old", "new"]
)


def filled_lazy():
    layer = nn.LazyConv1d(4, 3)
    layer(lucid.zeros(1, 2, 5))
    return layer


@BOTH
@pytest.mark.parametrize("dim", [0, 1, None, -1])
@pytest.mark.parametrize(
    "make",
    [lambda: nn.Conv1d(2, 4, 3), lambda: nn.Linear(5, 3), filled_lazy],
    ids=["Conv1d", "Linear", "LazyConv1d"],
)
def test_weight_norm_keeps_the_weight_and_can_be_removed(weight_norm, make, dim):
    layer = make()
    weight, kind, options = layer.weight.detach().clone(), type(layer), repr(layer)
    assert weight_norm(layer, dim=dim) is layer
    assert isinstance(layer, kind)
    np.testing.assert_allclose(layer.weight.detach().numpy(), weight.numpy(), 1e-6, 1e-7)
    state = layer.state_dict()
    assert "weight" not in state
    (g,) = (v for k, v in state.items() if k.endswith(("_g", "original0")))
    others = tuple(i for i in range(weight.ndim) if i != dim)
    expected = np.linalg.norm(weight.numpy().reshape(-1))
    if dim in (0, 1):
        expected = np.sqrt((weight.numpy() ** 2).sum(others, keepdims=True))
    np.testing.assert_allclose(g.numpy(), expected, 1e-6)
    assert g.shape == expected.shape
    utils.remove_weight_norm(layer)
    assert type(layer) is kind
    assert repr(layer) == options
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    assert type(layer.weight) is nn.Parameter
    np.testing.assert_allclose(layer.weight.detach().numpy(), weight.numpy(), 1e-6, 1e-7)


@BOTH
def test_length_and_direction_train_apart(weight_norm):
    layer = weight_norm(nn.Conv1d(2, 3, 2)).double()
    g, v = list(layer.parameters())[-2:]
    x = lucid.randn(2, 2, 6, dtype="float64")

    def output(g_new, v_new):
        weight = v_new * g_new / (v_new * v_new).sum((1, 2), keepdim=True).sqrt()
        return nn.functional.conv1d(x, weight, layer.bias)

    np.testing.assert_allclose(layer(x).detach().numpy(), output(g, v).detach().numpy(), 1e-12)
    layer(x).pow(2).sum().backward()
    gg, gv = lucid.autograd.grad(output(g, v).pow(2).sum(), [g, v])
    np.testing.assert_allclose(g.grad.numpy(), gg.numpy(), 1e-10)
    np.testing.assert_allclose(v.grad.numpy(), gv.numpy(), 1e-10)
    np.testing.assert_allclose((v.grad * v).sum((1, 2)).detach().numpy(), 0, atol=1e-10)
    with lucid.no_grad():
        v.mul_(3)  # only the direction counts
    np.testing.assert_allclose(layer(x).detach().numpy(), output(g, v / 3).detach().numpy(), 1e-12)
    (layer.weight * layer.weight).sum().backward()  # reading it is part of the graph


@BOTH
@pytest.mark.parametrize("make", [lambda: nn.Linear(5, 3), filled_lazy], ids=["Linear", "Lazy"])
def test_weight_norm_is_copied_pickled_and_averaged(weight_norm, make):
    layer = weight_norm(make(), dim=None)
    x = lucid.randn(2, 5) if isinstance(layer, nn.Linear) else lucid.randn(1, 2, 5)
    y = layer(x)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), AveragedModel(layer)):
        assert twin(x).tolist() == y.tolist()
        twin.double()
        assert layer(x).dtype is lucid.float32
    twin = pickle.loads(pickle.dumps(layer))
    assert type(twin) is type(layer)
    assert type(utils.remove_weight_norm(twin)) is layer.plain
    assert layer(x).tolist() == y.tolist()
    before = [p.tolist() for p in layer.parameters()]
    optimizer = lucid.optim.Adam(layer.parameters())
    y.pow(2).sum().backward()
    optimizer.step()
    assert all(p.tolist() != old for p, old in zip(layer.parameters(), before, strict=True))


@BOTH
def test_two_weights_of_one_module(weight_norm):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Parameter(lucid.randn(3, 2)), nn.Parameter(lucid.randn(2, 4))

        def forward(self, x):
            return x @ self.a @ self.b

    module, x = Two(), lucid.ones(1, 3)
    y = module(x)
    weight_norm(weight_norm(module, "a"), "b", dim=1)
    np.testing.assert_allclose(module(x).detach().numpy(), y.detach().numpy(), 1e-5)
    assert type(module).__name__ == "ParametrizedTwo"
    for name in ("a", "b"):
        module = copy.deepcopy(module)
        utils.remove_weight_norm(module, name)
        np.testing.assert_allclose(module(x).detach().numpy(), y.detach().numpy(), 1e-5)
    assert type(module) is Two
    assert sorted(module.__dict__) == sorted(Two().__dict__)


def test_weight_norm_errors_change_nothing():
    layer, lazy = nn.Linear(5, 3), nn.LazyLinear(3)
    before = dict(layer.__dict__)
    for weight_norm in (utils.weight_norm, utils.parametrizations.weight_norm):
        with pytest.raises(ValueError, match="has no parameter 'wait', it has: weight, bias"):
            weight_norm(layer, "wait")
        for dim in (2, -2):
            with pytest.raises(IndexError, match=r"of shape \(3, 5\), or None; got"):
                weight_norm(layer, dim=dim)
        with pytest.raises(ValueError, match=r"no shape yet.*\n  try: run one forward pass"):
            weight_norm(lazy)
    with pytest.raises(ValueError, match="Linear has no weight norm of 'weight'"):
        utils.remove_weight_norm(layer)
    assert layer.__dict__ == before
    assert lazy(lucid.ones(1, 2)).shape == (1, 3)
    frozen = utils.weight_norm(nn.Linear(2, 2).requires_grad_(False))
    assert not any(p.requires_grad for p in frozen.parameters())
    utils.weight_norm(layer)
    with pytest.raises(ValueError, match="has no parameter 'weight', it has: bias, weight_g, wei"):
        utils.weight_norm(layer)
    with pytest.raises(ValueError, match="'weight' is already an attribute of ParametrizedLinear"):
        layer.weight = nn.Parameter(lucid.zeros(3, 5))


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize(("name", "args", "shape"), [("Conv1d", (2, 4, 3), (5, 2, 9)),
                                                     ("Linear", (6, 4), (5, 6))])  # fmt: skip
def test_weight_norm_against_pytorch(torch, new, dim, name, args, shape):
    ours, theirs = getattr(nn, name)(*args).double(), getattr(torch.nn, name)(*args).double()
    where = ("parametrizations",) * new
    for layer, module in ((ours, utils), (theirs, torch.nn.utils)):
        for part in where:
            module = getattr(module, part)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the old one is deprecated there
            module.weight_norm(layer, dim=dim)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in state.items()
    }
    ours.load_state_dict(state)
    x = np.random.default_rng(0).standard_normal(shape)
    y, t = ours(lucid.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(y.detach().numpy(), t.detach().numpy(), 1e-10, 1e-12)
    y.pow(2).sum().backward()
    t.pow(2).sum().backward()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), 1e-8, 1e-10)
    theirs.load_state_dict({k: torch.from_dlpack(v) for k, v in ours.state_dict().items()})


# ----------------------------------------------------------------------------------------- fusion


def used_norm(channels, **options):
    """A batch norm with numbers of its own, in eval mode."""
    norm = nn.BatchNorm1d(channels, **options).double()
    for tensor in norm.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(lucid.rand(*tensor.shape, dtype="float64") + 0.5)
    return norm.eval()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_and_batch_norm_in_one(bias, affine, groups):
    conv = nn.Conv1d(4, 6, 3, padding=2, stride=2, groups=groups, bias=bias).double().eval()
    norm = used_norm(6, affine=affine, eps=0.1)
    x = lucid.randn(3, 4, 11, dtype="float64")
    before = {k: v.tolist() for k, v in conv.state_dict().items()}
    fused = utils.fuse_conv_bn_eval(conv, norm)
    np.testing.assert_allclose(
        fused(x).detach().numpy(), norm(conv(x)).detach().numpy(), 1e-12, 1e-12
    )
    assert {k: v.tolist() for k, v in conv.state_dict().items()} == before
    assert repr(fused) == repr(nn.Conv1d(4, 6, 3, padding=2, stride=2, groups=groups))
    assert [n for n, p in fused.named_parameters() if p.requires_grad] == ["weight", "bias"]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("channels", "shape"), [(5, (3, 4)), (1, (3, 1, 4))])
def test_linear_and_batch_norm_in_one(bias, channels, shape):
    linear, norm = nn.Linear(4, 5, bias=bias).double().eval(), used_norm(channels)
    x = lucid.randn(*shape, dtype="float64")
    fused = utils.fuse_linear_bn_eval(linear, norm)
    np.testing.assert_allclose(
        fused(x).detach().numpy(), norm(linear(x)).detach().numpy(), 1e-12, 1e-12
    )


def test_lazy_layers_fuse_once_they_are_there():
    model = nn.Sequential(nn.LazyConv1d(3, 2), nn.LazyBatchNorm1d())
    with pytest.raises(ValueError, match=r"no weight of its own to fuse\n  try: run one forward"):
        utils.fuse_conv_bn_eval(*model.eval())
    x = lucid.randn(4, 2, 8)
    model.train()(x)
    fused = utils.fuse_conv_bn_eval(*model.eval())
    np.testing.assert_allclose(fused(x).detach().numpy(), model(x).detach().numpy(), 1e-5, 1e-5)
    assert fused.weight.dtype is lucid.float32


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_transposed_convolutions(torch, groups):
    """Against PyTorch's layers: its own fusion knows groups=1 only."""
    norm = used_norm(8)
    conv = torch.nn.ConvTranspose1d(4, 8, 3, groups=groups).double()
    theirs = torch.nn.BatchNorm1d(8).double().eval()
    theirs.load_state_dict({k: torch.from_dlpack(v) for k, v in norm.state_dict().items()})
    x = torch.randn(2, 4, 9, dtype=torch.float64)
    expected = theirs(conv(x))
    weight, bias = (lucid.from_dlpack(p.detach()) for p in (conv.weight, conv.bias))
    statistics = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    w, b = utils.fuse_conv_bn_weights(weight, bias, *statistics, transpose=True)
    assert w.shape == weight.shape
    conv.weight.data, conv.bias.data = (torch.from_dlpack(p.detach()) for p in (w, b))
    np.testing.assert_allclose(conv(x).detach().numpy(), expected.detach().numpy(), 1e-10, 1e-10)


def test_fusion_against_pytorch(torch):
    conv, norm = nn.Conv1d(3, 4, 2).double().eval(), used_norm(4)
    theirs = torch.nn.Conv1d(3, 4, 2).double().eval(), torch.nn.BatchNorm1d(4).double().eval()
    for mine, other in zip((conv, norm), theirs, strict=True):
        other.load_state_dict({k: torch.tensor(v.numpy()) for k, v in mine.state_dict().items()})
    ours = utils.fuse_conv_bn_eval(conv, norm).state_dict()
    state = torch.nn.utils.fuse_conv_bn_eval(*theirs).state_dict()
    for key, value in state.items():
        np.testing.assert_allclose(ours[key].numpy(), value.numpy(), 1e-12, 1e-12)


def test_what_cannot_be_fused():
    conv, norm, linear = nn.Conv1d(3, 4, 2), nn.BatchNorm1d(4), nn.Linear(3, 4)
    for train in ((conv, norm), (conv.eval(), norm.train()), (conv.train(), norm.eval())):
        with pytest.raises(RuntimeError, match=r"not for training\n  try: model.eval\(\)"):
            utils.fuse_conv_bn_eval(*train)
    conv.eval(), norm.eval(), linear.eval()
    with pytest.raises(RuntimeError, match="not for training"):
        utils.fuse_linear_bn_eval(linear.train(), norm)
    alone = nn.BatchNorm1d(4, track_running_stats=False).eval()
    for fuse, layer in (
        (utils.fuse_conv_bn_eval, conv),
        (utils.fuse_linear_bn_eval, linear.eval()),
    ):
        with pytest.raises(ValueError, match="with running averages"):
            fuse(layer, alone)
        with pytest.raises(ValueError, match=r"remove_weight_norm\(layer\)"):
            fuse(utils.weight_norm(copy.deepcopy(layer)), norm)
        with pytest.raises(ShapeError, match="a batch norm of 7 channels does not fit"):
            fuse(layer, nn.BatchNorm1d(7).eval())
    statistics = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    with pytest.raises(ShapeError, match=r"shape \(4, 3, 2\)\n  try: transpose=False$"):
        utils.fuse_conv_bn_weights(conv.weight, conv.bias, *statistics, transpose=True)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_is_fused_as_one(groups):
    """Also with as many inputs as outputs, where the wrong axis would fit as well."""
    conv, norm = nn.ConvTranspose1d(6, 6, 3, stride=2, groups=groups), nn.BatchNorm1d(6)
    x = lucid.randn(5, 6, 10)
    norm(conv(x))
    conv.eval(), norm.eval()
    for options in ({}, {"transpose": True}):
        fused = utils.fuse_conv_bn_eval(conv, norm, **options)
        assert float((fused(x) - norm(conv(x))).abs().max()) < 1e-5
    with pytest.raises(ValueError, match="transpose=True is for a ConvTranspose1d, got a Conv1d"):
        utils.fuse_conv_bn_eval(nn.Conv1d(6, 6, 3).eval(), norm, transpose=True)
