"""The models of papers, as a student writes them: importing lucid alone.

PyTorch has the same names, so each file is also a model in PyTorch: ``twin`` reads it so.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

MODELS = {
    "fcn": "FCN",
    "resnet": "ResNet",
    "inception": "InceptionTime",
    "wavenet": "WaveNet",
    "tcn": "TCN",
    "unet": "UNet",
    "separable": "SeparableNet",
    "lstm": "ConvLSTM",
}


def model(file: str) -> Any:
    """The class of a model."""
    return getattr(importlib.import_module(f"models.{file}"), MODELS[file])


def twin(file: str) -> Any:
    """The same source, with every ``lucid`` in it read as ``torch``."""
    path = Path(__file__).with_name(f"{file}.py")
    module = ModuleType(f"torch_{file}")
    source = re.sub(r"\blucid\b", "torch", path.read_text(encoding="utf-8"))
    exec(compile(source, f"{path} in PyTorch", "exec"), module.__dict__)
    return getattr(module, MODELS[file])
