"""The docs' table of PyTorch's names is that of the code, and PyTorch's names are all in it."""

from __future__ import annotations

import importlib.util
import re
import warnings

import pytest

import lucid
from lucid import nn

import parity
from parity_tensor import TENSOR_DIFFERENT


@pytest.mark.parametrize("path", parity.pages(), ids=lambda path: path.name)
def test_the_page_is_that_of_the_code(path):
    assert path.read_text(encoding="utf-8") == parity.pages()[path], "try: python tests/parity.py"


def test_every_note_is_about_a_name():
    keys = {f"{module}:{name}" for module, some in parity.names().items() for name in some}
    assert set(parity.DIFFERENT) <= keys
    for pattern, _ in parity.LEFT_OUT:
        assert any(re.match(pattern, key) for key in keys), pattern


def test_a_name_without_a_reason_is_an_error():
    with pytest.raises(KeyError, match="say why"):
        parity.state("nn", "NoSuchLayer")


def test_the_names_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13."):
        pytest.skip(f"the names are those of 2.13, this is {torch.__version__}")
    path = parity.NAMES.with_name("make_torch_names.py")
    spec = importlib.util.spec_from_file_location("make_torch_names", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.names() == parity.names(), f"try: python {path}"
    assert made.parameters() == parity.parameters(), f"try: python {path}"


ONE = "nn.Parameter(m.ones(1))"
TWO = "m.zeros(3), m.zeros(2, 3)"
OF_ONE_SAMPLE = "(m.ones(3), m.tensor(1))"
WHOLE = "(m.arange(8)[None, None])"
NO_CHANNELS = "(m.ones(1, 8), m.ones(1, 1, 3))"
OPTIMIZERS = ("Adadelta", "Adagrad", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "SGD")
LAZY = "LazyBatchNorm1d() LazyConv1d(2,3) LazyConvTranspose1d(2,3) LazyLinear(2)"

# One of the two raises, or what they return is not equal.
CALLS = {
    "nn:Module": "hasattr(nn.Module, 'register_full_backward_hook')",
    "nn:Sequential": "nn.Sequential(nn.ReLU()).pop(0) is not None",
    "nn:ModuleList": "nn.ModuleList([nn.ReLU()]).pop(0) is not None",
    "nn:ModuleDict": "nn.ModuleDict({'a': nn.ReLU()}).pop('a') is not None",
    "nn:LSTM": "nn.LSTM(3, 4, proj_size=2) is not None",
    "nn:ConvTranspose1d": "nn.ConvTranspose1d(1, 1, 3)(m.ones(1, 8)).ndim",
    "nn:Conv1d": "nn.Conv1d(1, 1, 3)(m.ones(1, 8)).ndim",
    "nn:InstanceNorm1d": "nn.InstanceNorm1d(1)(m.ones(1, 8)).ndim",
    **{f"nn:{made.partition('(')[0]}": f"len(nn.{made}.state_dict()) > 1" for made in LAZY.split()},
    "nn:LazyInstanceNorm1d": "nn.LazyInstanceNorm1d().num_features",
    "nn:Softmax": "nn.Softmax()(m.ones(2, 3)).ndim",
    "nn:LogSoftmax": "nn.LogSoftmax()(m.ones(2, 3)).ndim",
    "nn:MSELoss": f"nn.MSELoss()({TWO}).item()",
    "nn:L1Loss": f"nn.L1Loss()({TWO}).item()",
    "nn:SmoothL1Loss": f"nn.SmoothL1Loss()({TWO}).item()",
    "nn:HuberLoss": f"nn.HuberLoss()({TWO}).item()",
    "nn:KLDivLoss": f"nn.KLDivLoss(reduction='sum')({TWO}).item()",
    "nn:BCEWithLogitsLoss": "nn.BCEWithLogitsLoss()(m.ones(3), m.ones(3).double()).ndim",
    "nn:CrossEntropyLoss": f"nn.CrossEntropyLoss(){OF_ONE_SAMPLE}.ndim",
    "nn:NLLLoss": f"nn.NLLLoss(){OF_ONE_SAMPLE}.ndim",
    "nn:Hardtanh": f"nn.Hardtanh(){WHOLE}.ndim",
    "nn:ReLU6": f"nn.ReLU6(){WHOLE}.ndim",
    "nn:AvgPool1d": f"nn.AvgPool1d(2){WHOLE}.ndim",
    "nn:Unflatten": "nn.Unflatten('a', (2, 2)) is not None",
    "nn.functional:conv1d": f"F.conv1d{NO_CHANNELS}.ndim",
    "nn.functional:conv_transpose1d": f"F.conv_transpose1d{NO_CHANNELS}.ndim",
    "nn.functional:softmax": "F.softmax(m.ones(2, 3)).ndim",
    "nn.functional:log_softmax": "F.log_softmax(m.ones(2, 3)).ndim",
    "nn.functional:mse_loss": f"F.mse_loss({TWO}).item()",
    "nn.functional:l1_loss": f"F.l1_loss({TWO}).item()",
    "nn.functional:smooth_l1_loss": f"F.smooth_l1_loss({TWO}).item()",
    "nn.functional:huber_loss": f"F.huber_loss({TWO}).item()",
    "nn.functional:kl_div": f"F.kl_div({TWO}, reduction='sum').item()",
    "nn.functional:binary_cross_entropy_with_logits":
        "F.binary_cross_entropy_with_logits(m.ones(3), m.ones(3).double()).ndim",
    "nn.functional:cross_entropy": f"F.cross_entropy{OF_ONE_SAMPLE}.ndim",
    "nn.functional:nll_loss": f"F.nll_loss{OF_ONE_SAMPLE}.ndim",
    "nn.functional:hardtanh": f"F.hardtanh{WHOLE}.ndim",
    "nn.functional:relu6": f"F.relu6{WHOLE}.ndim",
    "nn.functional:avg_pool1d": "F.avg_pool1d(m.arange(8)[None, None], 2).ndim",
    "nn.functional:linear": "F.linear(m.ones(3), m.ones(3)).ndim",
    "nn.functional:adaptive_avg_pool1d": "F.adaptive_avg_pool1d(m.ones(1, 1, 8), 0).ndim",
    "nn.utils:clip_grad_norm_": f"nn.utils.clip_grad_norm_([{ONE}], -1.0).item()",
    "nn.utils:vector_to_parameters": f"nn.utils.vector_to_parameters(m.ones(5), [{ONE}])",
    "nn.utils:weight_norm":
        "hasattr(nn.utils, 'parametrize')",
    "optim:Optimizer": "hasattr(m.optim.Optimizer, 'register_step_post_hook')",
    **{f"optim:{name}": f"m.optim.{name}([('w', {ONE})]) is not None" for name in OPTIMIZERS},
    "utils.data:DataLoader": "next(iter(data.DataLoader([1, 2], batch_size=None)))",
}  # fmt: skip


@pytest.mark.parametrize("key", [key for key in parity.DIFFERENT if key not in TENSOR_DIFFERENT])
def test_what_is_called_different_is(key):
    torch = pytest.importorskip("torch")
    assert outcome(CALLS[key], lucid, lucid.data) != outcome(CALLS[key], torch, torch.utils.data)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_differ_in_the_other_ways_too(name):
    torch = pytest.importorskip("torch")
    for code in (
        f"m.optim.{name}([{ONE}], lr=m.tensor(0.1)) is not None",
        f"hasattr(m.optim.{name}, 'register_step_post_hook')",
    ):
        assert outcome(code, lucid, lucid.data) != outcome(code, torch, torch.utils.data)


def outcome(code, m, data):
    """What a line returns, with PyTorch or lucid for ``m``; "error" if it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, about guesses and broadcasting
        try:
            return eval(code, {"m": m, "nn": m.nn, "F": m.nn.functional, "data": data})
        except (TypeError, ValueError, RuntimeError, AttributeError):
            return "error"


def test_a_parameter_that_is_missing_makes_a_row():
    assert parity.not_taken("nn:Embedding", lambda num_embeddings: None)[0].startswith(
        "without ``embedding_dim``, ``padding_idx``, ``max_norm``"
    )
    assert parity.not_taken("nn:ReLU", lambda *, inplace: None) == [
        "``inplace`` by name only",
        "``inplace`` changes nothing",
    ]
    assert parity.not_taken("nn:GELU", lambda approximate: None) == []


@pytest.mark.parametrize("name", ["ReLU", "ELU", "Hardtanh", "Dropout", "Mish"])
def test_inplace_changes_nothing(name):
    x = lucid.ones(3)
    assert getattr(nn, name)(inplace=True)(x) is not x
    assert x.tolist() == [1.0, 1.0, 1.0]
