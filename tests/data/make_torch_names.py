"""Write down the public names of PyTorch's 1-D world: ``python tests/data/make_torch_names.py``.

Of ``torch`` itself the functions and the dtypes, of its classes those of tensors: the others are
parts of its compilers.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import torch
import torch.utils.data
from torch.optim import lr_scheduler, swa_utils

FILE = Path(__file__).with_name("torch_names.json")
# What PyTorch's modules import for themselves.
TOOLS = ("assert_int_or_pair", "boolean_dispatch", "handle_torch_function")


# The modules whose functions and classes are compared by what they can be given.
TOLD = (
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "nn.utils.rnn",
    "optim",
    "optim.lr_scheduler",
    "optim.swa_utils",
    "utils.data",
)


def functions(module: Any) -> list[str]:
    """What a module without a list of its own defines for others."""
    return [
        name
        for name, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and not name.startswith(("_", "has_torch_function"))
        and (getattr(value, "__module__", None) or "torch").startswith("torch")
        and name not in TOOLS
    ]


def of_tensors() -> list[str]:
    """The names of ``torch`` that make, take or describe tensors."""
    return [
        name
        for name, value in vars(torch).items()
        if (callable(value) or isinstance(value, torch.dtype))
        and not name.startswith(("_", "has_torch_function"))
        and (name[0].islower() or name in ("Generator", "Size", "Tensor"))
    ]


def public(some: list[str]) -> list[str]:
    """Those without an underscore in front."""
    return [name for name in some if not name.startswith("_")]


def names() -> dict[str, list[str]]:
    """The names of each module."""
    found = {
        "nn": torch.nn.modules.__all__,
        "nn.functional": functions(torch.nn.functional),
        "nn.init": functions(torch.nn.init),
        "nn.utils": torch.nn.utils.__all__,
        "nn.utils.rnn": torch.nn.utils.rnn.__all__,
        "optim": torch.optim.__all__,
        "optim.lr_scheduler": lr_scheduler.__all__,
        "optim.swa_utils": swa_utils.__all__,
        "utils.data": public(torch.utils.data.__all__),
        "torch": of_tensors(),
        "Tensor": public(dir(torch.Tensor)),
        "autograd": torch.autograd.__all__,
        "autograd.functional": torch.autograd.functional.__all__,
        "linalg": public(
            [n for n, f in vars(torch.linalg).items() if callable(f) and n[0].islower()]
        ),
        "fft": public([n for n, f in vars(torch.fft).items() if callable(f) and n[0].islower()]),
    }
    return {module: sorted(set(some)) for module, some in found.items()}


def parameters() -> dict[str, str]:
    """What layers, functions, optimizers and tools can be given, "*" before what is by name only.

    Functions written in C++ do not tell, and what begins with an underscore is PyTorch's own.
    """
    found = {}
    for module in TOLD:
        for name in names()[module]:
            value = getattr(importlib.import_module(f"torch.{module}"), name)
            try:
                given = inspect.signature(value).parameters.values()
            except (TypeError, ValueError):
                continue
            words = [
                p.name if p.kind is not p.KEYWORD_ONLY else f"*{p.name}"
                for p in given
                if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name[0] != "_"
            ]
            found[f"{module}:{name}"] = ", ".join(words)
    return found


if __name__ == "__main__":
    text = {
        "version": torch.__version__.split("+")[0],
        "names": names(),
        "parameters": parameters(),
    }
    FILE.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
