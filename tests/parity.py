"""What lucid has of PyTorch's 1-D world, as two pages of the docs: ``python tests/parity.py``.

The names are PyTorch's own, in ``data/torch_names.json``, with what their functions can be given.
What is here is looked up, and compared with that; what else is different, and why something is left
out, is said below, by the first pattern that fits; for
``torch`` itself and the methods of a tensor in ``parity_tensor.py``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lucid

from parity_tensor import TENSOR_DIFFERENT, TENSOR_LEFT_OUT

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
NAMES = Path(__file__).parent / "data" / "torch_names.json"
DOCS = Path(__file__).parents[1] / "docs"
TENSOR = ("torch", "Tensor", "autograd", "autograd.functional", "linalg", "fft")  # the second page

PLANE = "of images or volumes, or for them only"
DEPRECATED = "an older name of what is here"
LATER = "not here yet"
ATTENTION = "attention: not here yet"

LEFT_OUT = [
    *TENSOR_LEFT_OUT,
    (r"nn(\.functional)?:.*([23]d|2d_with_indices|3d_with_indices)$", PLANE),
    (r"nn(\.functional)?:(Fold|fold|Unfold|unfold|affine_grid|grid_sample)$", PLANE),
    (r"nn(\.functional)?:(Pixel(Uns|S)huffle|pixel_(un)?shuffle|.*hannel_?[sS]huffle)$", PLANE),
    (r"nn(\.functional)?:(CrossMapLRN2d|LocalResponseNorm|local_response_norm)$", PLANE),
    (r"nn.functional:upsample(_bilinear|_nearest)?$", "older names of ``interpolate``"),
    (r"nn:(Container|NLLLoss2d)$", DEPRECATED),
    (r"nn:(Transformer.*|MultiheadAttention)$", ATTENTION),
    (r"nn.functional:(multi_head_.*|scaled_dot_.*)$", ATTENTION),
    (r"nn(\.functional)?:(LinearCrossEntropy.*|linear_cross_entropy|.*_mm)$",
     "for large language models"),
    (r"nn(\.functional)?:(AdaptiveLogSoftmaxWithLoss|EmbeddingBag|embedding_bag)$",
     "for large vocabularies"),
    (r"nn:(RNNBase|RNNCellBase)$", "a base class; lucid's is ``Recurrent``"),
    (r"nn:(RNN|LSTM|GRU)Cell$", "one step of a sequence of length 1"),
    (r"nn:SyncBatchNorm$", "one process trains here"),
    (r"nn:Parameter(List|Dict)$", "register parameters by ``setattr``; a list of modules is here"),
    (r"nn(\.functional)?:.*Loss.*|nn.functional:.*_loss$|nn.functional:p?dist$", LATER),
    (r"nn(\.functional)?:(Cosine|cosine_|Pairwise|pairwise_|Bilinear|bilinear).*", LATER),
    (r"nn(\.functional)?:(Hard|Soft|Tanh)shrink|nn.functional:(hard|soft|tanh)shrink", LATER),
    (r"nn(\.functional)?:(Softmin|softmin)$", "``softmax(-x, dim)``"),
    (r"nn(\.functional)?:(Threshold|threshold)$", "``lucid.where(x > threshold, x, value)``"),
    (r"nn(\.functional)?:(RReLU|rrelu|FeatureAlphaDropout|feature_alpha_dropout)$", LATER),
    (r"nn.functional:normalize$", "``x / x.norm(2, dim, keepdim=True).clamp(min=1e-12)``"),
    (r"nn.functional:gumbel_softmax$", LATER),
    (r"nn.functional:conv_tbc$", "a layout for text; ``conv1d`` on a transposed input"),
    (r"nn.functional:.*_with_indices$", "``return_indices=True``"),
    (r"nn.functional:.*_$", "in place: ops return new tensors here"),
    (r"nn.init:\w+[a-z]$", "the older name without an underscore"),
    (r"nn.utils:clip_grad_norm$", DEPRECATED),
    (r"nn.utils:convert_conv.*", PLANE),
    (r"nn.utils:(remove_)?spectral_norm$", LATER),
    (r"nn.utils:(parametrize|stateless|skip_init)$", "tools for machinery that is not here"),
    (r"optim:(ASGD|Adafactor|Adamax|LBFGS|Muon|Rprop)$", LATER),
    (r"optim:SparseAdam$", "there are no sparse tensors"),
    (r"optim:swap_.*", "a tool of PyTorch's own"),
    (r"utils.data:.*(DataPipe|datapipe|DataChunk|determinis|validation).*", "PyTorch's data pipes"),
    (r"utils.data:DistributedSampler$", "one process trains here"),
    (r"utils.data:(IterableDataset|ChainDataset|StackDataset|default_convert)$", LATER),
]  # fmt: skip

ONE_SHAPE = "does not broadcast"
SCORES = "a sample (C,) is refused"
FLOATS = "takes floats only"
ONE_DTYPE = "one dtype for input and target"
LAZY = "before the first input, parameters and sizes read None, and are not in the state"
OPTIMIZER = "no tensor for ``lr``, no ``named_parameters()``, no hooks"

IDLE = ("inplace", "foreach", "pin_memory")  # what is accepted, and has no effect

# Beside what is seen by the parameters; test_parity.py has a call for each that shows it.
DIFFERENT = {
    **TENSOR_DIFFERENT,
    "nn:Module": "no hooks around backward and states, no ``get_parameter``, ``to_empty``, ...",
    "nn:Sequential": "no ``pop``",
    "nn:ModuleList": "no ``pop``",
    "nn:ModuleDict": "no ``pop`` and ``clear``",
    "nn:LSTM": "no ``proj_size``",
    "nn:ConvTranspose1d": "takes (N, C, L) only",
    "nn:Conv1d": "takes (N, C, L) only",
    "nn:InstanceNorm1d": "takes (N, C, L) only; refuses other channels",
    "nn:LazyBatchNorm1d": LAZY,
    "nn:LazyConv1d": f"takes (N, C, L) only; {LAZY}",
    "nn:LazyConvTranspose1d": f"takes (N, C, L) only; {LAZY}",
    "nn:LazyInstanceNorm1d": f"takes (N, C, L) only; {LAZY}",
    "nn:LazyLinear": LAZY,
    "nn:Softmax": "needs ``dim``",
    "nn:LogSoftmax": "needs ``dim``",
    "nn:MSELoss": ONE_SHAPE,
    "nn:L1Loss": ONE_SHAPE,
    "nn:SmoothL1Loss": ONE_SHAPE,
    "nn:HuberLoss": ONE_SHAPE,
    "nn:KLDivLoss": ONE_SHAPE,
    "nn:BCEWithLogitsLoss": ONE_DTYPE,
    "nn:CrossEntropyLoss": SCORES,
    "nn:NLLLoss": SCORES,
    "nn:Hardtanh": FLOATS,
    "nn:ReLU6": FLOATS,
    "nn:AvgPool1d": FLOATS,
    "nn:Unflatten": "knows axes by number",
    "nn.functional:conv1d": "takes (N, C, L) only",
    "nn.functional:conv_transpose1d": "takes (N, C, L) only",
    "nn.functional:softmax": "needs ``dim``",
    "nn.functional:log_softmax": "needs ``dim``",
    "nn.functional:mse_loss": ONE_SHAPE,
    "nn.functional:l1_loss": ONE_SHAPE,
    "nn.functional:smooth_l1_loss": ONE_SHAPE,
    "nn.functional:huber_loss": ONE_SHAPE,
    "nn.functional:kl_div": ONE_SHAPE,
    "nn.functional:binary_cross_entropy_with_logits": ONE_DTYPE,
    "nn.functional:cross_entropy": SCORES,
    "nn.functional:nll_loss": SCORES,
    "nn.functional:hardtanh": FLOATS,
    "nn.functional:relu6": FLOATS,
    "nn.functional:avg_pool1d": FLOATS,
    "nn.functional:linear": "the weight has two axes",
    "nn.functional:adaptive_avg_pool1d": "no ``output_size=0``",
    "nn.utils:clip_grad_norm_": "refuses a negative ``max_norm``",
    "nn.utils:vector_to_parameters": "copies, and wants the exact length",
    "nn.utils:weight_norm": "either of PyTorch's names; no ``parametrize`` below it",
    "optim:Optimizer": "no hooks",
    "optim:Adadelta": OPTIMIZER,
    "optim:Adagrad": OPTIMIZER,
    "optim:Adam": OPTIMIZER,
    "optim:AdamW": OPTIMIZER,
    "optim:NAdam": OPTIMIZER,
    "optim:RAdam": OPTIMIZER,
    "optim:RMSprop": OPTIMIZER,
    "optim:SGD": OPTIMIZER,
    "utils.data:DataLoader": "the same batches for any number of workers; no ``batch_size=None``",
}


LAYERS_SAY = """\
Every public name of the modules of PyTorch that a model of signals imports: *here*, *different* (in
what, is said; more on :doc:`differences`), or *left out*, and why. *Without* is followed by what
PyTorch's can be given and this cannot. The functions of ``torch`` and
the methods of a tensor have a page of their own, :doc:`parity_tensor`. The tables are made from
PyTorch's own lists by ``tests/parity.py``, which looks up each name in lucid and compares the
parameters; a test holds them to the code.
"""
TENSORS_SAY = """\
Every public function and dtype of ``torch``, every method and property of a tensor, and what there
is for differentiation, linear algebra and Fourier transforms: *here*, *different*, or *left out*,
and why. Layers, optimizers and data are on :doc:`parity`, where it is said how these tables are
made.
"""


@functools.cache
def told() -> dict[str, Any]:
    """What has been written down of PyTorch."""
    return json.loads(NAMES.read_text(encoding="utf-8"))


def names() -> dict[str, list[str]]:
    """PyTorch's names, by module."""
    return told()["names"]


def parameters() -> dict[str, str]:
    """What PyTorch's layers, functions and tools can be given; "*" before what is by name only."""
    return told()["parameters"]


def found(module: str) -> Any:
    """What of lucid has the names of a module of PyTorch; None if there is no such thing."""
    if module in ("autograd.functional", "linalg", "fft"):
        return None
    if module == "Tensor":
        return lucid.Tensor
    name = {"utils.data": ".data", "torch": ""}.get(module, f".{module}")
    return importlib.import_module(f"lucid{name}")


def not_taken(key: str, own: Any) -> list[str]:
    """What lucid's layer or function cannot be given, or by name only, or without any effect."""
    theirs = [word for word in parameters().get(key, "").split(", ") if word]
    if not theirs:
        return []
    ours = inspect.signature(own).parameters
    missing = [f"``{word.lstrip('*')}``" for word in theirs if word.lstrip("*") not in ours]
    by_name = [f"``{word}``" for word in theirs if word in ours and ours[word].kind is KEYWORD_ONLY]
    idle = [f"``{word}`` changes nothing" for word in theirs if word in ours and word in IDLE]
    reasons = [f"without {', '.join(missing)}"] if missing else []
    return reasons + ([f"{', '.join(by_name)} by name only"] if by_name else []) + idle


def state(module: str, name: str) -> tuple[str, str]:
    """("here" | "different" | "left out", why); KeyError if nobody has said why."""
    key = f"{module}:{name}"
    if hasattr(found(module), name):
        reasons = [DIFFERENT[key]] if key in DIFFERENT else []
        reasons += not_taken(key, getattr(found(module), name))
        return ("different", "; ".join(reasons)) if reasons else ("here", "")
    keys = [key]
    if module in ("torch", "Tensor"):  # which have many of the functions of layers, too
        if hasattr(lucid.nn.functional, name):
            return "different", "in ``nn.functional``"
        keys.append(f"nn.functional:{name}")
    for pattern, reason in LEFT_OUT:
        if any(re.match(pattern, k) for k in keys):
            return "left out", reason
    raise KeyError(f"{key} is not in lucid: say why in tests/parity.py")


def pages() -> dict[Path, str]:
    """Both pages, as reStructuredText."""
    layers = [module for module in names() if module not in TENSOR]
    return {
        DOCS / "parity.rst": page("PyTorch's 1-D world, name by name", LAYERS_SAY, layers),
        DOCS / "parity_tensor.rst": page("PyTorch's tensors, name by name", TENSORS_SAY, TENSOR),
    }


def page(title: str, text: str, modules: Iterable[str]) -> str:
    """A page: for each module what is here, and a table of the rest."""
    text = f"{title}\n{'=' * len(title)}\n\n{text}"
    for module in modules:
        known = names()[module]
        states = {name: state(module, name) for name in known}
        heading = module if module == "torch" else f"torch.{module}"
        here = [name for name, (what, _) in states.items() if what == "here"]
        text += f"\n{heading}\n{'-' * len(heading)}\n\n"
        if here:
            text += f"Of {len(known)} names, {len(here)} are here as they are there:\n"
            text += ", ".join(f"``{name}``" for name in here) + ".\n"
        else:
            text += f"Of {len(known)} names, none is here.\n"
        rest = {(what, why) for what, why in states.values() if what != "here"}
        if rest:
            text += "\n.. list-table::\n   :widths: 50 15 35\n\n"
        for what, why in sorted(rest):
            some = ", ".join(f"``{n}``" for n, found in states.items() if found == (what, why))
            text += f"   * - {some}\n     - {what}\n     - {why}\n"
    return text


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
