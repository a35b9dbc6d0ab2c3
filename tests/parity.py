"""What lucid has of PyTorch's 1-D world, as a page of the docs: ``python tests/parity.py``.

The names are PyTorch's own, in ``data/torch_names.json``. What is here is looked up; what is
different, and why something is left out, is said below, by the first pattern that fits.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

NAMES = Path(__file__).parent / "data" / "torch_names.json"
PAGE = Path(__file__).parents[1] / "docs" / "parity.rst"
MODULES = {"utils.data": "data"}  # where lucid's name is another

PLANE = "of images or volumes, or for them only"
DEPRECATED = "an older name of what is here"
LATER = "not here yet"
ATTENTION = "attention: not here yet"

LEFT_OUT = [
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
    (r"nn.functional:one_hot$", "``lucid.eye(classes)[labels]``"),
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

DIFFERENT = {
    "nn:LSTM": "no ``proj_size``",
    "nn:Embedding": "no ``max_norm``, ``sparse`` and their like",
    "nn:ConvTranspose1d": "takes (N, C, L) only",
    "nn:Conv1d": "takes (N, C, L) only",
    "nn:InstanceNorm1d": "takes (N, C, L) only; refuses other channels",
    "nn:Softmax": "needs ``dim``",
    "nn:LogSoftmax": "needs ``dim``",
    "nn:MSELoss": "does not broadcast",
    "nn:L1Loss": "does not broadcast",
    "nn:SmoothL1Loss": "does not broadcast",
    "nn:HuberLoss": "does not broadcast",
    "nn:KLDivLoss": "does not broadcast",
    "nn:BCELoss": "one dtype for input and target",
    "nn:BCEWithLogitsLoss": "one dtype for input and target",
    "nn:CrossEntropyLoss": "a sample (C,) is refused",
    "nn:NLLLoss": "a sample (C,) is refused",
    "nn:ReLU": "``inplace`` changes nothing",
    "nn.utils:vector_to_parameters": "copies, and wants the exact length",
    "nn.utils:weight_norm": "either of PyTorch's names; no ``parametrize`` below it",
    "utils.data:DataLoader": "the same batches for any number of workers; no ``batch_size=None``",
}


def names() -> dict[str, list[str]]:
    """PyTorch's names, by module."""
    return json.loads(NAMES.read_text(encoding="utf-8"))["names"]


def state(module: str, name: str) -> tuple[str, str]:
    """("here" | "different" | "left out", why); KeyError if nobody has said why."""
    key = f"{module}:{name}"
    lucids = importlib.import_module(f"lucid.{MODULES.get(module, module)}")
    if hasattr(lucids, name):
        return ("different", DIFFERENT[key]) if key in DIFFERENT else ("here", "")
    for pattern, reason in LEFT_OUT:
        if re.match(pattern, key):
            return "left out", reason
    raise KeyError(f"{key} is not in lucid: say why in tests/parity.py")


def page() -> str:
    """The page, as reStructuredText."""
    title = "PyTorch's 1-D world, name by name"
    text = f"""{title}
{"=" * len(title)}

Every public name of the modules of PyTorch that a model of signals imports: *here*, *different* (in
what, is said; more on :doc:`differences`), or *left out*, and why. The table is made from PyTorch's
own lists by ``tests/parity.py``, which looks up each name in lucid; a test holds it to the code.
"""
    for module, known in names().items():
        states = {name: state(module, name) for name in known}
        heading = f"torch.{module}"
        here = [name for name, (what, _) in states.items() if what == "here"]
        text += f"\n{heading}\n{'-' * len(heading)}\n\n"
        text += f"Of {len(known)} names, {len(here)} are here as they are there:\n"
        text += ", ".join(f"``{name}``" for name in here) + ".\n"
        rest = {(what, why) for what, why in states.values() if what != "here"}
        if rest:
            text += "\n.. list-table::\n   :widths: 50 15 35\n\n"
        for what, why in sorted(rest):
            some = ", ".join(f"``{n}``" for n, found in states.items() if found == (what, why))
            text += f"   * - {some}\n     - {what}\n     - {why}\n"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
