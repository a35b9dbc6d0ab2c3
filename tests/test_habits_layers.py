"""What a beginner writes first: options, classes, losses, sums, data; and what is said then."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

import lucid
from lucid import nn
from lucid.data import DataLoader, TensorDataset
from lucid.nn import functional as F
from lucid.nn.lazy import PENDING, LazyMixin, SizedLayer

# ---------------------------------------------------------------------------------------- options

X = lucid.ones(2, 4, 8)


@pytest.mark.parametrize(
    ("call", "wrong", "cure"),
    [
        (lambda **o: nn.Conv1d(2, 2, 3, **o), {"padding_mode": "reflection"}, "'reflect'"),
        (lambda **o: nn.Conv1d(2, 2, 3, **o), {"padding_mode": 3}, None),
        (lambda **o: nn.Conv1d(2, 2, 3, **o), {"stride": 0}, "1"),
        (lambda **o: nn.Conv1d(2, 2, 3, **o), {"padding": -1}, "0"),
        (lambda **o: nn.Linear(2, **o), {"out_features": 0}, "1"),
        (lambda **o: F.mse_loss(X, X, **o), {"reduction": "average"}, None),
        (lambda **o: F.mse_loss(X, X, **o), {"reduction": "Mean"}, "'mean'"),
        (lambda **o: F.pad(X, (1, 1), **o), {"mode": "zero"}, None),
        (lambda **o: F.pad(X, (1, 1), **o), {"mode": "replication"}, "'replicate'"),
        (lambda **o: F.interpolate(X, 4, **o), {"mode": "linar"}, "'linear'"),
        (lambda **o: X.quantile(0.5, **o), {"interpolation": "line"}, "'linear'"),
        (lambda **o: F.gelu(X, **o), {"approximate": "Tanh"}, "'tanh'"),
        (lambda **o: nn.RNN(4, 2, **o), {"nonlinearity": "ReLU"}, "'relu'"),
        (lambda **o: nn.init.kaiming_normal_(X.clone(), **o), {"mode": "fanout"}, "'fan_out'"),
        (lambda **o: nn.init.calculate_gain(**o), {"nonlinearity": "sigmoids"}, "'sigmoid'"),
        (lambda **o: lucid.meshgrid(X[0, 0], **o), {"indexing": "yx"}, None),
        (lambda **o: nn.utils.rnn.pad_sequence([X], **o), {"padding_side": "rigth"}, "'right'"),
        (lambda **o: nn.Dropout(**o), {"p": 20}, "0.2"),
        (lambda **o: F.dropout(X, **o), {"p": -1}, "0.5"),
        (lambda **o: nn.LSTM(4, 2, 2, **o), {"dropout": 50}, "0.5"),
        (lambda **o: F.cross_entropy(X[:, :, 0], lucid.tensor([0, 1]), **o),
         {"label_smoothing": 10}, "0.1"),
    ],
)  # fmt: skip
def test_an_option_that_is_out_of_range_has_a_cure(call, wrong, cure):
    with pytest.raises((ValueError, NotImplementedError)) as caught:
        call(**wrong)
    (name,) = wrong
    found = re.search(rf"\n  try: {name}=(.*)$", str(caught.value))
    assert found, caught.value
    assert cure in (None, found[1])
    call(**{name: eval(found[1])})


# --------------------------------------------------------------------------------- layers, written


@pytest.mark.parametrize(
    ("make", "said", "made"),
    [
        (lambda: nn.LazyLinear(16, 9), r"got 9; a LazyLinear leaves in_features out\n  try: ",
         "nn.LazyLinear(9)"),
        (lambda: nn.Linear(16, 9, 2), r"^bias must be True or False, got 2\n  try: ", "bias=True"),
        (lambda: nn.LazyLinear(9, "no"), r"bias must be True or False, got 'no'\n", "bias=True"),
        (lambda: nn.Linear(16, 9, X), r"got a tensor of shape \(2, 4, 8\) and float32\n", None),
        (lambda: nn.LazyBatchNorm1d(16), r"leaves num_features out.*: got eps=16\n", "eps=1e-5"),
        (lambda: nn.LazyInstanceNorm1d(16), "leaves num_features out.* eps=16", "eps=1e-5"),
        (lambda: nn.LazyGroupNorm(4, 16), "leaves num_channels out.* eps=16", "eps=1e-5"),
        (lambda: nn.LazyLayerNorm(1, 16), "leaves normalized_shape out.* eps=16", "eps=1e-5"),
        (lambda: nn.BatchNorm1d(16, affine=1), "affine must be True or False, got 1", None),
        (lambda: nn.LazyConv1d(4, 3, bias=1), "got 1; a LazyConv1d leaves in_channels", None),
        (lambda: nn.LSTM(3, 4, 1, 2), "bias must be True or False, got 2", None),
        (lambda: nn.GRU(3, 4, batch_first=None), "batch_first .* got None", None),
    ],
)  # fmt: skip
def test_a_number_that_a_layer_has_no_place_for(make, said, made):
    with pytest.raises(TypeError, match=said) as caught:
        make()
    cure = str(caught.value).split("  try: ")[1]
    assert made in (None, cure)
    if cure.startswith("nn."):
        assert eval(cure)(X[:, 0]).shape == (2, 9)


def test_what_may_be_meant_is_no_error():
    assert nn.Linear(2, 3, np.bool_(False)).bias is None
    assert nn.LazyBatchNorm1d(16.0).eps == 16.0
    assert nn.BatchNorm1d(4, 1).eps == 1
    assert repr(nn.LazyConv1d(12, 16, 5)).endswith("kernel_size=16, stride=5)")


# ------------------------------------------------------------------------------- classes as layers


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        ("MaxPool1d", "kernel_size"),
        ("Linear", "in_features, out_features"),
        ("LSTM", "input_size, hidden_size"),
        ("LazyConv1d", "out_channels, kernel_size"),
        ("Embedding", "num_embeddings, embedding_dim"),
        ("GELU", ""),
        ("Sigmoid", ""),
        ("ReLU", ""),
        ("Flatten", ""),
        ("LazyBatchNorm1d", ""),
    ],
)
def test_a_class_is_not_a_layer(layer, options):
    with pytest.raises(TypeError, match=f"nn.{layer} is a class") as caught:
        getattr(nn, layer)(X)
    message = str(caught.value)
    assert "got a tensor of shape (2, 4, 8) and float32\n" in message
    assert message.endswith(f"\n  try: nn.{layer}({options})(x)")
    if not options:
        assert eval(message.split("try: ")[1], {"nn": nn, "x": X}) is not None


def test_a_layer_of_ones_own_may_be_made_of_tensors():
    class Filter(nn.Module):
        def __init__(self, kernel):
            super().__init__()
            self.register_buffer("kernel", kernel)

    assert Filter(X).kernel is X
    assert nn.CrossEntropyLoss(X[0, 0]).weight.shape == (8,)
    assert nn.Identity(X)(3) == 3
    for container in (nn.Sequential, nn.ModuleList):
        with pytest.raises(TypeError, match=f"{container.__name__} holds modules, got Tensor"):
            container(X)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: nn.Linear(8, out_features=x),
        lambda x: nn.MaxPool1d(kernel_size=x),
        lambda x: nn.GELU(approximate=x),
        lambda x: nn.Unflatten(dim=x, unflattened_size=(2, 2)),
        lambda x: lucid.cat([x.numpy()]),
    ],
)
def test_a_message_shows_what_a_tensor_is_and_no_numbers(call):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(lucid.zeros(100, 4))
    assert re.search(r"a (tensor|NumPy array) of shape \(100, 4\) and float32", str(caught.value))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "call",
    [
        lambda x: nn.Conv1d(4, 2, 3)(x),
        lambda x: nn.LazyLinear(2)(x),
        lambda x: nn.LSTM(8, 2)(x),
        lambda x: F.relu(x),
        lambda x: F.softmax(x, 1),
        lambda x: lucid.ones(2, 4, 8) + x,
        lambda x: x + lucid.ones(2, 4, 8),
        lambda x: lucid.sum(x),
        lambda x: lucid.cat([x, x]),
    ],
)
def test_a_tensor_of_pytorch_is_handed_over(call):
    torch = pytest.importorskip("torch")
    x = torch.ones(2, 4, 8)
    with pytest.raises(TypeError, match="got a PyTorch tensor") as caught:
        call(x)
    code = str(caught.value).split("  try: ")[1]
    cured = eval(code, {"lucid": lucid, "x": x, "tensors": [x, x]})
    assert cured.shape in ((2, 4, 8), (4, 4, 8))
    if not code.startswith("lucid.cat"):
        call(cured)


def test_softmax_needs_its_axis():
    for layer in (nn.Softmax, nn.LogSoftmax):
        said = rf"dim must be an int, got NoneType\n  try: nn.{layer.__name__}\(dim=1\)"
        with pytest.raises(TypeError, match=said):
            layer()


def test_the_extremes_of_an_axis_are_a_pair():
    x = lucid.tensor([[1.0, 5.0], [4.0, 2.0]])
    with pytest.raises(AttributeError, match=r"pair, values and indices, .* 'shape'") as caught:
        x.max(1).shape  # noqa: B018  (the error is what is wanted)
    code = str(caught.value).split("  try: ")[1]
    assert eval(code, {"x": x, "dim": 1}) == (2,)
    with pytest.raises(AttributeError, match=r"without 'shap'$"):
        x.min(1).shap  # noqa: B018  (as above)
    assert pickle.loads(pickle.dumps(x.max(1))).values.tolist() == [5, 4]


def test_a_sized_layer_of_ones_own_is_told_what_it_lacks():
    class Gain(SizedLayer):
        inferred = "channels"

        def __init__(self, channels):
            super().__init__()
            self.channels = None
            self._declare("weight")
            self._complete(channels)

        def forward(self, x):
            return x * self.weight[:, None]

    class LazyGain(LazyMixin, Gain):
        def __init__(self):
            super().__init__(PENDING)

    said = r"{} does not say which shapes .* channels\n  try: def _shapes\(self, size\)"
    with pytest.raises(NotImplementedError, match=said.format("Gain")):
        Gain(4)
    said = r"LazyGain does not say how .* channels\n  try: def _size_from_input\(self, x\)"
    with pytest.raises(NotImplementedError, match=said):
        LazyGain()(X)
    Gain._size_from_input = lambda self, x: x.shape[1]
    Gain._shapes = lambda self, size: {"weight": (size,)}
    with pytest.raises(NotImplementedError, match=r"begin with\n  try: def reset_parameters"):
        LazyGain()(X)
    Gain.reset_parameters = lambda self: self.weight is None or nn.init.ones_(self.weight)
    assert LazyGain()(X).tolist() == X.tolist()


# ------------------------------------------------------------------------------ losses and layers


@pytest.mark.parametrize("name", nn.loss.__all__)
def test_a_loss_is_made_before_it_is_called(name):
    x = lucid.full((4, 3), 0.5)
    said = rf"nn.{name} is a class, whose options make.*\n  try: nn.{name}\(\)\(input, target\)$"
    with pytest.raises(TypeError, match=said):
        getattr(nn, name)(x, x)


def test_a_loss_of_ones_own_is_made_of_anything():
    class Scaled(nn.MSELoss):
        def __init__(self, scale, shift):
            super().__init__()
            self.scale, self.shift = scale, shift

    assert Scaled(lucid.ones(1), lucid.ones(1)).reduction == "mean"


def test_one_score_for_two_classes():
    scores, target = lucid.randn(4, 1), lucid.tensor([0, 1, 1, 0])
    with pytest.raises(ValueError, match=r"to 0, got 1\n.*nn.Linear.*\n  try: F.binary_cross_en"):
        F.cross_entropy(scores, target)
    # what has both 0 and C is not counted from 1: less 1 would be a class of -1
    for classes in ([0, 3], [1, 4]):
        with pytest.raises(ValueError, match=r"classes go from 0 to 2, got [34]$"):
            F.cross_entropy(lucid.randn(2, 3), lucid.tensor(classes))


# ---------------------------------------------------------------------- what is given or returned


@pytest.mark.parametrize(
    "compute",
    [
        nn.Linear(4, 2), nn.ReLU(), nn.Tanh(), nn.Conv1d(4, 2, 3), nn.Dropout(), nn.Flatten(),
        nn.LSTM(4, 2), lucid.exp, F.relu, lambda x: x[0] + x, lambda x: nn.MSELoss()(x, x[0]),
        lambda x: F.cross_entropy(x, lucid.tensor([0])),
    ],
)  # fmt: skip
def test_an_lstm_returns_two_things(compute):
    said = r"got tuple\n.*nn.LSTM and nn.GRU return two things.*\n  try: out, _ = lstm\(x\)"
    with pytest.raises(TypeError, match=said):
        compute(nn.LSTM(3, 4)(lucid.ones(5, 3, 3)))


@pytest.mark.parametrize("compute", [nn.Linear(4, 2), nn.Tanh(), nn.ReLU()])
def test_a_tuple_of_numbers_is_none_of_an_lstm(compute):
    with pytest.raises(TypeError, match="got tuple") as caught:
        compute((1.0, 2.0))
    assert "LSTM" not in str(caught.value)


class Forgetful(lucid.autograd.Function):
    def forward(self, x):
        x * 2


class NoWayBack(lucid.autograd.Function):
    def forward(self, x):
        return x * 2

    def backward(self, grad):
        grad * 2


class NoGradient(NoWayBack):
    def backward(self, grad):
        return (None,)


def test_a_forgotten_return():
    x = lucid.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match=r"^forward of Forgetful returned None\n  try: return y$"):
        Forgetful()(x)
    with pytest.raises(
        TypeError, match=r"^backward of NoWayBack returned None\n  try: return grad"
    ):
        NoWayBack()(x).sum().backward()
    NoGradient()(x).sum().backward()
    assert x.grad is None


# ------------------------------------------------------------------------------ sums, states, steps


def test_a_second_backward_has_three_causes():
    x = lucid.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="its graph is gone") as caught:
        y.backward()
    cures = re.findall(r"^  (?:try|or): +(.*?) +#", str(caught.value), re.M)
    assert cures == [
        "total += loss.item()",
        "state = state.detach()",
        "backward(retain_graph=True)",
    ]


def test_a_change_in_place_by_what_it_is_for():
    w = lucid.ones(3, requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    total, before = lucid.zeros(()), lucid.zeros(3)
    for change, first in [
        (lambda: total.add_(loss), r"total \+= loss.item\(\)\n  or:  y = y \+ 1"),
        (lambda: w.sub_(0.1 * w.grad), r"with lucid.no_grad\(\): w -= 0.1 \* w.grad\n"),
        (lambda: before.add_(w), r"y = y \+ 1 instead .*\n.*\n  or:  with lucid.no_grad\(\): y"),
        (lambda: (w * 2).add_(1), r"y = y \+ 1 instead .*\n.*\n  or:  with lucid.no_grad\(\): y"),
    ]:
        with pytest.raises(RuntimeError, match="recorded for backward\n  try: " + first):
            change()
    total += loss.item()
    with lucid.no_grad():
        w -= 0.1 * w.grad
    assert total.item() == 3
    assert lucid.allclose(w, lucid.full((3,), 0.8))


# ------------------------------------------------------------------------------- data sets, states

SIGNALS, LABELS = lucid.ones(8, 1, 4), lucid.arange(8)


@pytest.mark.parametrize(
    ("make", "inside"),
    [
        (lambda: DataLoader(SIGNALS, LABELS), "x, y"),
        (lambda: DataLoader((SIGNALS, LABELS), batch_size=4), "x, y"),
        (lambda: DataLoader([SIGNALS, LABELS, LABELS]), "x, y, z"),
        (
            lambda: DataLoader((SIGNALS.numpy(), LABELS.numpy())),
            "lucid.from_numpy(x), lucid.from_numpy(y)",
        ),
    ],
)
def test_tensors_are_made_a_data_set(make, inside):
    said = r"got .* of shape \(8, 1, 4\) and .*\n  try: DataLoader\(TensorDataset\("
    with pytest.raises(TypeError, match=said + re.escape(f"{inside}), batch_size=32)") + "$"):
        make()


def test_a_list_of_tensors_is_a_data_set():
    (batch,) = DataLoader([SIGNALS, SIGNALS + 1], batch_size=2)
    assert batch.shape == (2, 8, 1, 4)
    unequal = DataLoader((SIGNALS, LABELS), batch_size=2, collate_fn=lambda samples: len(samples))
    assert list(unequal) == [2]

    class Pair(DataLoader):
        def __init__(self, x, y):
            super().__init__(TensorDataset(x, y), batch_size=4)

    assert [y.tolist() for _, y in Pair(SIGNALS, LABELS)] == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize(
    "data", [TensorDataset(SIGNALS, LABELS), DataLoader(TensorDataset(SIGNALS, LABELS))]
)
def test_a_model_reads_batches(data):
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten())
    with pytest.raises(TypeError, match=r"(Set|set|Loader)\n.*\n  try: for x, y in loader: model"):
        model(data)


def small_model():
    return nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(4, 2))


def test_the_states_of_a_model_and_of_its_optimizer():
    model = small_model()
    optimizer = lucid.optim.Adam(model.parameters())
    said = r"state of an optimizer\n  try: optimizer.load_state_dict\(state\)$"
    with pytest.raises(ValueError, match=said):
        model.load_state_dict(optimizer.state_dict())
    with pytest.raises(TypeError, match=r"got method\n  try: model.load_state_dict\(other.state"):
        model.load_state_dict(model.state_dict)


def test_a_state_of_a_wrapped_model():
    model, source = small_model(), small_model()
    state = {f"module.{name}": value for name, value in source.state_dict().items()}
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        model.load_state_dict(state)
    cure = re.search(r"\n  try: (.*)$", str(caught.value))[1]
    eval(cure, {"model": model, "state": state})
    assert all((a == b).all() for a, b in zip(model.parameters(), source.parameters(), strict=True))
    state["module.other"] = lucid.ones(1)  # what is left would be unexpected
    with pytest.raises(ValueError, match=r"unexpected: .*module.other$"):
        model.load_state_dict(state)


def test_what_is_saved_comes_first(tmp_path):
    model = small_model()
    path = tmp_path / "model.ckpt"
    with pytest.raises(TypeError, match=r"got str and dict\n  try: lucid.save\(obj, path\)"):
        lucid.save("model.ckpt", model.state_dict())
    with pytest.raises(TypeError, match=r"got method at obj\n  try: obj\(\)$"):
        lucid.save(model.state_dict, path)
    assert not path.exists()
    lucid.save("a string", path)
    assert lucid.load(path) == "a string"
