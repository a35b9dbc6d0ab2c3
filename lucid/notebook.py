"""What a notebook shows of tensors, modules and explanations: all HTML is made here.

Colours are those of the page, with lines in a grey that is seen on light and dark ones; a table
wider than the page scrolls by itself. Every word from outside is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

#: So many rows and columns of numbers are shown, and so many modules.
NUMBERS, MODULES = 7, 40

LINE = "1px solid rgba(128,128,128,.4)"
FRAME = "overflow-x:auto;max-width:100%;font:13px/1.45 ui-monospace,Menlo,Consolas,monospace"
CELL = "padding:2px 10px 2px 0;vertical-align:top;background:none;color:inherit;"
#: Signs that have no place in XML, nor in a file: control characters, halves of surrogate pairs.
ILLEGAL = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def markup(text: str) -> str:
    """Text as a part of HTML or XML: escaped, and signs that have no place there replaced."""
    return escape(ILLEGAL.sub("\ufffd", text))


def page(title: str, body: str, foot: str = "") -> str:
    """A block with a title above and a line below; ``body`` is HTML, the others are text."""
    below = f'<div style="opacity:.75">{cell(foot)}</div>' if foot else ""
    return f'<div style="{FRAME}"><div><b>{cell(title)}</b></div>{body}{below}</div>'


def cell(text: object) -> str:
    """Text as HTML: escaped, with its line breaks and the blanks at the beginning of a line."""
    lines = markup(str(text)).split("\n")
    blanks = [len(line) - len(line.lstrip(" ")) for line in lines]
    parts = ["&nbsp;" * n + line[n:] for n, line in zip(blanks, lines, strict=True)]
    return "<br>".join(parts)


def table(
    rows: Iterable[Sequence[object]], header: Sequence[str] = (), right: Sequence[int] = ()
) -> str:
    """Rows of text as a table; the columns ``right`` hold numbers, which end at the same place.

    Under a header a row is one line; else the last column is prose, which is broken to fit.
    """

    def row(values: Sequence[object], tag: str, line: str) -> str:
        cells = []
        for i, value in enumerate(values):
            where = "right" if i in right else "left"
            where += ";white-space:nowrap" if header or i == 0 or i in right else ""
            cells.append(f'<{tag} style="{CELL}{line}text-align:{where}">{cell(value)}</{tag}>')
        return f'<tr style="background:none">{"".join(cells)}</tr>'

    head = f"<thead>{row(header, 'th', f'border-bottom:{LINE};')}</thead>" if header else ""
    body = "".join(row(values, "td", "") for values in rows)
    style = "border-collapse:collapse;margin:4px 0;font:inherit;color:inherit;border:none"
    return f'<table style="{style}">{head}<tbody>{body}</tbody></table>'


# --------------------------------------------------------------------------------------- tensors


def tensor_html(tensor: Any) -> str:
    """Shape, dtype and gradient of a tensor, and its numbers: of a large one those at the ends."""
    array = tensor._array
    facts = [f"{type(tensor).__name__} {array.shape}", tensor.dtype.name]
    if tensor.grad_fn is not None:
        facts.append(f"computed by {type(tensor.grad_fn).__name__}")
    elif tensor.requires_grad:
        facts.append("requires a gradient")
    if tensor._grad is not None:
        facts.append(f"has a gradient, of norm {norm(tensor._grad._array):.4g}")
    body = numbers_html(array) if array.size else ""
    return page(", ".join(facts), body, statistics(array))


def norm(array: Any) -> float:
    """Square root of the sum of squares, which do not overflow: the largest number is taken out."""
    largest = float(np.abs(array).max(initial=0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(array.ravel().astype(np.float64) / largest))


def numbers_html(array: Any) -> str:
    """The numbers of a vector or matrix, or of the first matrix in an array of more axes."""
    first = array[(0,) * max(array.ndim - 2, 0)]
    rows = np.atleast_2d(first)
    down, across = ends(rows.shape[0]), ends(rows.shape[1])
    shown = [[written(rows[i, j]) if i >= 0 <= j else "…" for j in across] for i in down]
    zeros = ", ".join(["0"] * (array.ndim - 2))
    note = f'<div style="opacity:.75">the first matrix, [{zeros}]:</div>' if zeros else ""
    return note + table(shown, right=range(len(across)))


def ends(n: int) -> list[int]:
    """The indices that are shown of n; -1 stands for those that are not."""
    if n <= NUMBERS:
        return list(range(n))
    half = NUMBERS // 2
    return [*range(half), -1, *range(n - half, n)]


def written(value: Any) -> str:
    """A number with four digits."""
    return f"{value:.4g}" if value.dtype.kind == "f" else str(value)


def statistics(array: Any) -> str:
    """Least, mean and largest of more numbers than one sees at a glance."""
    if array.size <= NUMBERS or array.dtype.kind != "f":
        return ""
    finite = array[np.isfinite(array)].astype(np.float64)
    odd = array.size - finite.size
    parts = [f"{odd} of {array.size} are nan or inf"] if odd else []
    if finite.size:
        size = float(np.abs(finite).max()) or 1.0  # so that the sum does not overflow
        mean = size * float((finite / size).mean())
        figures = {"min": finite.min(), "mean": mean, "max": finite.max()}
        parts += [f"{name} {value:.4g}" for name, value in figures.items()]
    return ", ".join(parts)


def waiting_html(dtype: object) -> str:
    """A parameter that waits for its layer's first input."""
    return page(f"UninitializedParameter, {dtype}", "", "waits for its layer's first input")


# --------------------------------------------------------------------------------------- modules


def module_html(module: Any) -> str:
    """The modules of a model, one a row, with their parameters."""
    rows, counts, waits = [], 0, 0
    known: set[int] = set()
    for path, part in module.named_modules():
        sizes = []
        for name, parameter in part._parameters.items():
            if parameter is None:
                continue
            waiting = type(parameter).__name__ == "UninitializedParameter"
            shape = "waits" if waiting else parameter.shape
            sizes.append(f"{name} {shape}" + (" shared" if id(parameter) in known else ""))
            if id(parameter) not in known:
                waits += waiting
                counts += 0 if waiting else parameter.numel()
            known.add(id(parameter))
        depth = path.count(".") + 1 if path else 0
        label = "  " * depth + (path.rpartition(".")[2] or "")
        rows.append((label, f"{type(part).__name__}({part.extra_repr()})", "\n".join(sizes)))
    left_out = len(rows) - MODULES
    if left_out > 0:
        rows[MODULES:] = [("…", f"{left_out} more", "")]
    foot = f"{counts:,} parameters" + (
        f", and {waits} that wait for a first input" if waits else ""
    )
    return page(type(module).__name__, table(rows, ("", "module", "parameters")), foot)
