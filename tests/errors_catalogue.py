"""The errors of shapes and dtypes, each with its cure: ``python tests/errors_catalogue.py``.

``data/errors.txt`` holds a few lines for each that a student would write, the last of which fails.
They are run; the cure is read from the message, put into the lines, and these run again. What came
of it is written down as a page of the docs, to which a test holds the messages.

In a message, ``try:`` and ``or:`` are followed by code, and ``# ->`` by the shape it gives. The
code is one of:

- an option (``padding=2``), for the last call in the lines that has one of that name;
- a call of a function that the lines call (``x.reshape(2, -1)``), to be written in its place: if it
  makes a layer anew, the layer does not see the first input (``_ = layer(...)``) again;
- layers for a model (``nn.AdaptiveAvgPool1d(25), nn.Flatten()``), in the place of the last of them;
- an expression of one tensor (``x[None]``), to be given instead of that tensor;
- an expression of several (``a @ b``), to be written instead of the last line, as is any cure of a
  case whose title begins with ``#=``.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import lucid
from lucid import nn
from lucid.nn import functional as F

CASES = Path(__file__).parent / "data" / "errors.txt"
PAGE = Path(__file__).parents[1] / "docs" / "errors.rst"
KNOWN = {"lucid": lucid, "nn": nn, "F": F, "np": np}

TITLE = "Errors, and what to do about them"
INTRODUCTION = """
Every error about a shape or a dtype says which rule was broken and by which values, and ends with
code to try. In that code ``x`` stands for the tensor that was given, ``a`` and ``b`` for the two
sides of an operator; other names are those of arguments. A line with an option, such as
``padding=2``, belongs into the call that makes the layer, or into the call that failed. A layer's
error begins with its name, ``Conv1d expected``, that of a function with the function's, ``conv1d
expected``. Inside a model, one more line says where: ``in model: encoder.0 (LazyConv1d)``.

A wrong shape raises a :class:`lucid.ShapeError`, which is a ``ValueError``; an axis that does not
exist an :class:`lucid.AxisError`, which is both of these and an ``IndexError``; a wrong dtype a
:class:`lucid.DtypeError`, which is a ``TypeError``. All of them are on this page, with the code
that was tried and what it gave. The page is made by ``tests/errors_catalogue.py``; a test holds it
to the code, and sees that no error is left out.

>>> import numpy as np
>>> import lucid
>>> from lucid import nn
>>> from lucid.nn import functional as F
"""


class Case(NamedTuple):
    """Lines that fail, and what they are about; whether the cure is written instead of the last."""

    topic: str
    title: str
    lines: list[str]
    instead: bool


def cases() -> list[Case]:
    """All of them, as ``data/errors.txt`` has them."""
    found, topic = [], ""
    for block in CASES.read_text(encoding="utf-8").strip().split("\n\n"):
        title, *lines = block.split("\n")
        if lines:
            found.append(Case(topic, title.lstrip("#= "), lines, title.startswith("#=")))
        else:
            topic = title.removeprefix("## ")
    return found


def run(lines: list[str], names: dict[str, Any]) -> Any:
    """Run the lines; the value of the last, or None if it is a statement."""
    *before, last = ast.parse("\n".join(lines)).body
    exec(compile(ast.Module(before, []), "<lines>", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "<last line>", "eval"), names)
    return exec(compile(ast.Module([last], []), "<last line>", "exec"), names)


def failure(lines: list[str]) -> tuple[Exception, dict[str, Any]]:
    """The error that the lines raise, and the names they had made by then."""
    lucid.manual_seed(0)
    names = dict(KNOWN)
    try:
        run(lines, names)
    except Exception as error:
        return error, names
    raise AssertionError(f"no error: {lines}")


def cures(message: str) -> list[tuple[str, str]]:
    """Each code to try, and the shape it gives, where the message says so."""
    return re.findall(r"^  (?:try|or): +(.*?)(?:  +# -> (\(.*?\)).*)?$", message, re.M)


def cured(case: Case, cure: str, names: dict[str, Any]) -> list[str]:
    """The lines, with the cure in its place."""
    lines = case.lines
    if case.instead:
        return [*lines[:-1], cure]
    option = re.match(r"(\w+)=(?!=)(.*)", cure)
    if option:
        return with_option(lines, option[1], option[2], names)
    new = ast.parse(cure, mode="eval").body
    if isinstance(new, ast.Tuple):
        last = ast.unparse(new.elts[-1])
        return [line.replace(last, cure) for line in lines]
    if isinstance(new, ast.Call):
        for i in reversed(range(len(lines))):
            for call in calls(lines[i]):
                if ast.dump(call.func) == ast.dump(new.func):
                    after = [line for line in lines[i + 1 : -1] if not line.startswith("_ = ")]
                    after += lines[-1:] if i < len(lines) - 1 else []
                    return [*lines[:i], replaced(lines[i], call, new), *after]
    tensors = {node.id for node in ast.walk(new) if isinstance(node, ast.Name)} - set(KNOWN)
    if len(tensors) > 1:
        return [*lines[:-1], cure]
    for node in list(ast.walk(ast.parse(lines[-1]))):
        if isinstance(node, ast.Name) and node.id in tensors:
            return [*lines[:-1], replaced(lines[-1], node, new)]
    raise AssertionError(f"the cure {cure!r} has no place in {lines}")


def with_option(lines: list[str], name: str, value: str, names: dict[str, Any]) -> list[str]:
    """The lines, with an option in the last call that has one of that name."""
    for i in reversed(range(len(lines))):
        for call in calls(lines[i]):
            called = eval(ast.unparse(call.func), names)
            options = list(inspect.signature(called).parameters)
            if name in options:
                new = ast.parse(ast.unparse(call), mode="eval").body
                given = [word for word in new.keywords if word.arg != name]
                if options.index(name) < len(new.args):
                    new.args[options.index(name)] = ast.parse(value, mode="eval").body
                else:
                    given.append(ast.keyword(name, ast.parse(value, mode="eval").body))
                new.keywords = given
                return [*lines[:i], replaced(lines[i], call, new), *lines[i + 1 :]]
    raise AssertionError(f"no call has an option {name!r}: {lines}")


def calls(line: str) -> list[ast.Call]:
    """The calls in a line, outer ones first."""
    return [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)]


def replaced(line: str, old: ast.AST, new: ast.AST) -> str:
    """The line, with another expression wherever the old one stands."""
    before, after = ast.dump(old), new

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return after if ast.dump(node) == before else self.generic_visit(node)

    return ast.unparse(Replace().visit(ast.parse(line)))


def shown(lines: list[str]) -> tuple[str, str]:
    """The last line as the page has it, and what it prints there."""
    last, result = lines[-1], run(lines, dict(KNOWN))
    if isinstance(result, lucid.Tensor):
        value = ast.parse(last, mode="eval").body
        atom = isinstance(value, ast.Call | ast.Subscript | ast.Attribute)
        return f"{last}.shape" if atom else f"({last}).shape", repr(result.shape)
    if result is None or isinstance(result, bool | int | float | nn.Module):
        return last, "" if result is None else repr(result)
    return f"_ = {last}", ""


def example(case: Case) -> str:
    """A case as a doctest: the error, and what each cure gives."""
    error, names = failure(case.lines)
    text = "".join(f">>> {line}\n" for line in case.lines)
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    text += f"Traceback (most recent call last):\n...\n{module}{kind.__name__}: {error}\n"
    for cure, _ in cures(str(error)):
        lines = cured(case, cure, names)
        lucid.manual_seed(0)
        last, result = shown(lines)
        steps = [line for line in lines[:-1] if line not in case.lines]
        text += "".join(f">>> {line}\n" for line in [*steps, last])
        text += f"{result}\n" if result else ""
    return text


def page() -> str:
    """The page, as reStructuredText."""
    text, topic = f"{TITLE}\n{'=' * len(TITLE)}\n{INTRODUCTION}", ""
    for case in cases():
        if case.topic != topic:
            topic = case.topic
            text += f"\n{topic}\n{'-' * len(topic)}\n"
        text += f"\n{case.title}\n\n{example(case)}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
