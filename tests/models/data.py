"""The data sets that the models are compared on, standardized by the training part.

Japanese Vowels is bundled with lucid. ItalyPowerDemand (E. Keogh et al., UCR archive) and
BasicMotions (A. Bagnall et al., UEA archive) are read from an installed sktime: its wheel has them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

DATA_SETS = ("JapaneseVowels", "ItalyPowerDemand", "BasicMotions")


def load(name: str) -> tuple[Any, Any, Any, Any]:
    """x (N, C, L) and labels (N,) for training, then for testing, as NumPy arrays."""
    if name == "JapaneseVowels":
        from lucid.data import japanese_vowels

        parts = [part[: len(part)] for part in japanese_vowels()]
        x, labels, test_x, test_labels = (
            tensor.numpy() for x, _, labels in parts for tensor in (x, labels)
        )
    else:
        classes: dict[str, int] = {}
        x, labels = read_ts(folder() / name / f"{name}_TRAIN.ts", classes)
        test_x, test_labels = read_ts(folder() / name / f"{name}_TEST.ts", classes)
    mean, std = x.mean((0, 2), keepdims=True), x.std((0, 2), keepdims=True) + 1e-6
    return (x - mean) / std, labels, (test_x - mean) / std, test_labels


def folder() -> Path:
    """Where sktime keeps its data; it is not imported itself, which would take seconds."""
    spec = importlib.util.find_spec("sktime")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "ItalyPowerDemand and BasicMotions are read from an installed sktime\n"
            "  try: pip install 'lucid-edu[sktime]'"
        )
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


def read_ts(path: Path, classes: dict[str, int]) -> tuple[Any, Any]:
    """A ``.ts`` file: a series a line, channels separated by colons, and its class at the end.

    Classes are numbered as they come; ``classes`` remembers them.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.lower().strip() == "@data") + 1
    series, labels = [], []
    for line in lines[start:]:
        if line.strip():
            *channels, label = line.split(":")
            series.append([np.array(channel.split(","), np.float32) for channel in channels])
            labels.append(classes.setdefault(label.strip(), len(classes)))
    return np.array(series, np.float32), np.array(labels, np.int64)
