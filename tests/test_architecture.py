"""What may import what, and what every file keeps to."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lucid
import lucid.explain

PACKAGE = Path(lucid.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Each layer may import itself and those before it.
LAYERS = [
    {"_version", "_ext", "cures", "errors", "types", "random", "grad_mode", "memory", "notebook"},
    {
        "autograd",
        "backward",
        "tensor",
        "methods",
        "ops",
        "ufuncs",
        "config",
    },  # the one cycle: tensors have the ops for methods
    {"nn"},
    {"optim", "data", "io", "check"},
    {"utils", "explain"},
    {"__init__", "__main__"},
]


def layer(module: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if module in names)


def imports(path: Path) -> list[str]:
    """The modules of lucid that a file imports, as ``lucid.nn.module``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lucid":
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] == "lucid"]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    known = set().union(*LAYERS)
    for name in imports(path):
        parts = name.split(".")
        there = parts[1] if len(parts) > 1 and parts[1] in known else "__init__"
        if there != "__init__":
            assert layer(there) <= layer(here), f"{path.name} imports {name}"
        else:
            assert here in ("__main__",), f"{path.name} imports the whole package: {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_star_imports_no_pickle_no_hasattr(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert [a.name for a in node.names] != ["*"]
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None), *(a.name for a in node.names)]
            assert not {"pickle", "marshal", "shelve"} & set(names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            # os.register_at_fork does not exist on Windows, which cannot fork
            assert node.func.id != "hasattr" or path.name == "lazy.py"


def test_all_is_what_is_public():
    for module in (
        lucid,
        lucid.nn,
        lucid.nn.functional,
        lucid.nn.utils,
        lucid.optim,
        lucid.data,
        lucid.autograd,
        lucid.check,
        lucid.explain,
    ):
        for name in module.__all__:
            assert getattr(module, name) is not None
        assert len(set(module.__all__)) == len(module.__all__)
