"""Every public name is documented, and wholly: place, parameters, shapes, errors, source, example.

Public are the names in ``lucid.__all__``, and in the ``__all__`` of every module among them.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lucid
from lucid.nn.lazy import LazyMixin

ROOT = Path(__file__).parents[1]


def public_modules(module: ModuleType, found: dict[str, ModuleType]) -> dict[str, ModuleType]:
    """This module and those that it names as public, by their names."""
    found[module.__name__] = module
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.ismodule(value) and value.__name__ not in found:
            public_modules(value, found)
    return found


def documented() -> dict[int, str]:
    """What the API pages list: the page, by the identity of the object."""
    found = {}
    for page in sorted((ROOT / "docs" / "api").glob("*.rst")):
        module = None
        for line in page.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"\.\. currentmodule:: (\S+)", line):
                module = import_module(match[1])
            elif module and (match := re.match(r"   ([\w.]+)$", line)):
                value: Any = module
                for part in match[1].split("."):
                    value = getattr(value, part)
                found[id(value)] = page.name
    return found


MODULES = public_modules(lucid, {})
PUBLIC = {  # classes and functions, each once, under the first of its names
    id(value): (f"{module.__name__}.{name}", value)
    for module in reversed(MODULES.values())
    for name in reversed(module.__all__)
    if inspect.isclass(value := getattr(module, name)) or inspect.isfunction(value)
}

MADE_BY_LUCID = {"dtype", "RemovableHandle"}  # never constructed by a user

# What computes nothing, or something that is said best in words.
NO_FORMULA = {
    "Sequential", "ModuleList", "ModuleDict", "Module", "Parameter", "UninitializedParameter",
    "Flatten", "Unflatten", "allclose", "equal", "calculate_gain", "LRScheduler", "Optimizer",
    "ChainedScheduler", "SequentialLR", "AveragedModel",
}  # fmt: skip
COMPUTING = ("lucid.ops.", "lucid.nn.", "lucid.optim.")
NOT_COMPUTING = ("lucid.nn.utils.", "lucid.optim.swa_utils")


def sections(doc: str) -> dict[str, str]:
    """The parts of a docstring by their headings; what stands before the first under \"\"."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(doc), flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def parameters(text: str) -> dict[str, tuple[str, str]]:
    """Type and description of each name in a section \"Parameters\"."""
    found = {}
    for names, kind, description in re.findall(
        r"^(\*{0,2}\w[\w, *]*?)(?: : (.*))?\n((?:[ ]+.*\n?|\n)*)", text, re.M
    ):
        for name in names.split(","):
            found[name.strip().lstrip("*")] = (kind, description.strip())
    return found


def own_code(value: Any) -> str:
    """The source that runs when the name is called, without docstrings."""
    function = value.__dict__.get("__init__") if inspect.isclass(value) else value
    if not inspect.isfunction(function):
        return ""
    try:
        source = inspect.getsource(function)
    except OSError:  # made by dataclasses
        return ""
    return re.sub(r'""".*?"""', "", source, flags=re.S)


def test_there_are_as_many_names_as_one_would_think():
    assert len(PUBLIC) > 350
    assert {"lucid.nn.functional", "lucid.optim.lr_scheduler"} <= set(MODULES)


every_name = pytest.mark.parametrize(
    ("name", "value"), PUBLIC.values(), ids=[name for name, _ in PUBLIC.values()]
)
PLACES = documented()


@every_name
def test_it_is_on_a_page_and_has_all_its_parts(name, value):
    gaps = [text for text in problems(name, value) if text]
    assert not gaps, f"{name}: {'; '.join(gaps)}"


def problems(name: str, value: Any) -> list[str | None]:
    doc = value.__doc__ or ""
    parts = sections(doc)
    return [
        None if id(value) in PLACES else "is on no page of docs/api",
        None if ">>>" in parts.get("Examples", "") else "has no example",
        missing_parameters(value, parameters(parts.get("Parameters", ""))),
        missing_shape(value, doc, parameters(parts.get("Parameters", ""))),
        "raises, and does not say what"
        if re.search(r"^\s+raise \w+", own_code(value), re.M) and "Raises" not in parts
        else None,
        missing_source(value, parts),
    ]


def missing_parameters(value: Any, described: dict[str, tuple[str, str]]) -> str | None:
    if value.__name__ in MADE_BY_LUCID or issubclass_of(value, BaseException):
        return None
    try:
        wanted = list(inspect.signature(value).parameters)
    except ValueError:
        return None
    left = [n for n in wanted if n not in described]
    return f"does not describe {left}" if left else None


SHAPE = r"shape|\(.*\)|axes|axis|single number|matri|vector|row|size"


def missing_shape(value: Any, doc: str, described: dict[str, tuple[str, str]]) -> str | None:
    """Each tensor that is taken has its shape, as has the input of a layer."""
    unclear = [
        name
        for name, (kind, text) in described.items()
        if "Tensor" in kind and "dict" not in kind and not re.search(SHAPE, text)
    ]
    if unclear:
        return f"does not say of which shape {unclear} may be"
    if issubclass_of(value, lucid.nn.Module) and value.__name__ not in NO_FORMULA:
        forward = inspect.getdoc(value.forward) or ""
        if not re.search(r"shape|\(N|\(\.\.\.|\(C", doc + forward):
            return "does not say which shapes go in and come out"
    return None


def missing_source(value: Any, parts: dict[str, str]) -> str | None:
    """What computes has a formula, or a rule ("Fill with"), or names its source."""
    module = value.__module__ + "."
    if not module.startswith(COMPUTING) or module.startswith(NOT_COMPUTING):
        return None
    if value.__name__ in NO_FORMULA or "References" in parts:
        return None
    if issubclass_of(value, LazyMixin):  # its formula is that of its eager twin
        twin = value.__mro__[2].__name__
        return None if f"``{twin}``" in value.__doc__ else f"does not name {twin}"
    if re.search(r"=|->|::|^out|^Fill", parts[""], re.M):
        return None
    return "has neither a formula nor a source"


def issubclass_of(value: Any, base: type) -> bool:
    return inspect.isclass(value) and issubclass(value, base)


def test_the_check_finds_what_is_missing():
    def scale(x, factor):
        """Scale.

        Parameters
        ----------
        x : Tensor
            Numbers.
        """
        if not factor:
            raise ValueError("factor is 0")

    scale.__module__ = "lucid.ops.scale"
    assert [text for text in problems("scale", scale) if text] == [
        "is on no page of docs/api",
        "has no example",
        "does not describe ['factor']",
        "does not say of which shape ['x'] may be",
        "raises, and does not say what",
        "has neither a formula nor a source",
    ]
