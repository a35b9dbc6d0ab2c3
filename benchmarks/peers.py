"""The frameworks that lucid is measured beside."""

from __future__ import annotations

import importlib.util

__all__ = ["PEERS", "missing"]

PEERS = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime"}
NEEDED = (*PEERS, "onnx", "matplotlib")  # onnx writes the models that ONNX Runtime reads


def missing() -> list[str]:
    """Which packages of the extra ``[bench]`` are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]
