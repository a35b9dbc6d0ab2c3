"""A model as a table: what each call of each layer takes, returns, learns and costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lucid import notebook
from lucid.explain import counting, reading
from lucid.explain.running import Inputs, Run, check_model
from lucid.nn.lazy import SizedLayer
from lucid.nn.module import Module
from lucid.nn.parameter import Parameter, UninitializedParameter
from lucid.nn.utils.rnn import PackedSequence

__all__ = ["Row", "Summary", "summary"]

NONE = "-"
UNITS = ("B", "kB", "MB", "GB")
NUMERIC = ("params", "mult-adds", "sees")
WIDTH = 100
#: What every module has itself.
REGISTRIES = ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks")


class Row(NamedTuple):
    """One call of a module; without an input, or if it was not called, the module itself.

    Parameters
    ----------
    path, kind : str
        Of the module in the model, "" for the model itself, and its class.
    depth : int
        In how many calls this one was made.
    inputs, outputs : tuple of shapes
        Of all tensors in the arguments and in the result.
    parameters, trainable : int
        Its own parameters, without those of modules below and those that an earlier row has.
    multiply_adds, receptive_field : int or None
        None where it is not known; of a module that calls others, theirs count instead.
    note : str
        What is unusual: "in_channels=12, waits", "again", "shared", "frozen", "not called".

    Examples
    --------
    >>> import lucid.nn as nn
    >>> from lucid.explain import summary
    >>> row = summary(nn.Conv1d(2, 8, kernel_size=3), (4, 2, 16)).rows[0]
    >>> row.kind, row.outputs, row.parameters, row.receptive_field
    ('Conv1d', ((4, 8, 14),), 56, 3)
    """

    path: str
    kind: str
    depth: int
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    parameters: int
    trainable: int
    multiply_adds: int | None
    receptive_field: int | None
    note: str


class Summary:
    """What ``summary`` has found; printing it, or showing it in a notebook, makes a table.

    Parameters
    ----------
    title : str
        What the table is headed by.
    rows : list of Row
        One for each call, in the order of the calls; without an input one for each module.
    parameters : sequence of Parameter
        All of the model, each once. They are counted, and not kept.

    Attributes
    ----------
    parameters, trainable, waiting : int
        How many numbers are learned, how many of them change in training, and how many parameters
        have no shape yet.
    bytes : int
        The memory of the parameters.
    multiply_adds : int or None
        Of all calls together; None without an input.
    complete : bool
        Whether the multiply-adds of every call are known.
    hidden : list of str
        Attributes that hold layers in a plain list or dict, where no optimizer finds them.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> from lucid.explain import summary
    >>> found = summary(nn.Sequential(nn.Conv1d(2, 8, 3), nn.ReLU()), (4, 2, 16))
    >>> found.parameters, found.multiply_adds, [row.path for row in found.rows]
    (56, 2688, ['', '0', '1'])
    """

    def __init__(self, title: str, rows: list[Row], parameters: Sequence[Parameter]) -> None:
        shaped = [p for p in parameters if not isinstance(p, UninitializedParameter)]
        self.title, self.rows = title, rows
        self.parameters = sum(p.numel() for p in shaped)
        self.trainable = sum(p.numel() for p in shaped if p.requires_grad)
        self.waiting = len(parameters) - len(shaped)
        self.bytes = sum(p._array.nbytes for p in shaped)
        self.multiply_adds: int | None = None
        self.complete = True
        self.hidden: list[str] = []

    def __repr__(self) -> str:
        header, rows = self._cells()
        lines = aligned([header, *rows])
        if max(len(line) for line in lines) > WIDTH and "input" in header:
            # what goes into a layer is mostly what came out of the one above
            i = header.index("input")
            lines = aligned([[*row[:i], *row[i + 1 :]] for row in [header, *rows]])
        lines.insert(1, "-" * max(len(line) for line in lines))
        return "\n".join([self.title, *lines, *self._totals()])

    def _repr_html_(self) -> str:
        header, rows = self._cells()
        right = [i for i, name in enumerate(header) if name in NUMERIC]
        totals = "\n".join(self._totals())
        return notebook.page(self.title, notebook.table(rows, header, right), totals)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        """The header, and the text of every cell; columns that would be empty are left out."""
        called = self.multiply_adds is not None
        callers: dict[int, str] = {}  # the path of the last row at each depth
        cells = []
        for row in self.rows:
            callers[row.depth] = row.path
            name = below(row.path, callers.get(row.depth - 1, "")) or "(model)"
            learned = f"{row.parameters:,}" if row.parameters else NONE
            adds = NONE if row.multiply_adds is None else f"{row.multiply_adds:,}"
            field = NONE if row.receptive_field is None else f"{row.receptive_field}"
            shapes = [written(row.inputs), written(row.outputs)] if called else []
            costs = [adds, field] if called else []
            cells.append(["  " * row.depth + name, row.kind, *shapes, learned, *costs, row.note])
        header = ["layer", "type", "input", "output", *NUMERIC, ""]
        if not called:
            header = ["layer", "type", "params", ""]
        if not any(row.note for row in self.rows):
            return header[:-1], [row[:-1] for row in cells]
        return header, cells

    def _totals(self) -> list[str]:
        frozen = self.parameters - self.trainable
        trained = f", {self.trainable:,} of them trained" if frozen else ""
        lines = [f"parameters: {self.parameters:,}{trained}, {memory(self.bytes)}"]
        if self.waiting:
            lines[0] += f"; {self.waiting} more wait for a first input"
        if self.multiply_adds is not None:
            least = "" if self.complete else "at least "
            lines.append(f"multiply-adds: {least}{self.multiply_adds:,}")
        if any(len(shapes) > 1 for row in self.rows for shapes in (row.inputs, row.outputs)):
            lines.append("+1: one tensor more, and so on")
        for name in self.hidden:
            attribute = name.rpartition(".")[2]
            lines.append(
                f"missing: the layers in {name}, which is no part of the model but a plain list or "
                "dict; they would not be trained or saved\n"
                f"  try: self.{attribute} = nn.ModuleList(...), or nn.ModuleDict(...)"
            )
        return lines


def summary(model: Module, x: Inputs | None = None) -> Summary:
    """A table of a model: for each layer its shapes, parameters, multiply-adds and receptive field.

    With an input, or its shape, a copy of the model is run as in use (after ``eval()``), and there
    is a row for each call. The model itself stays as it is: a lazy layer still waits, and the table
    says what it would infer. Without one, there is a row for each module.

    Parameters
    ----------
    model : Module
        A layer or a model.
    x : Tensor, shape, or tuple of these, optional
        Its input, of the shape that the model takes, or just that shape; a tuple of them for a
        model of several inputs.

    Returns
    -------
    Summary
        An object with ``rows`` and totals, that prints itself.

    Raises
    ------
    TypeError
        If ``model`` is no module, or ``x`` no input. Errors of the model come as they are.

    Notes
    -----
    ``params`` are a module's own; a parameter that several have is counted once. ``mult-adds``
    are products with a learned weight (see ``explain``); what a ``forward`` computes by itself is
    not in them. ``sees`` is the receptive field: how many positions of the model's input one
    output is made from, where layer follows layer; ``-`` is not known.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> from lucid.explain import summary
    >>> model = nn.Sequential(
    ...     nn.LazyConv1d(8, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.LazyLinear(9)
    ... )
    >>> summary(model, (4, 12, 28))
    Sequential on (4, 12, 28)
    layer    type        input        output      params  mult-adds  sees
    ---------------------------------------------------------------------------------------------
    (model)  Sequential  (4, 12, 28)  (4, 9)           -          -    28
      0      LazyConv1d  (4, 12, 28)  (4, 8, 26)     296     29,952     3  in_channels=12, waits
      1      ReLU        (4, 8, 26)   (4, 8, 26)       -          0     3
      2      MaxPool1d   (4, 8, 26)   (4, 8, 13)       -          0     4
      3      Flatten     (4, 8, 13)   (4, 104)         -          0     4
      4      LazyLinear  (4, 104)     (4, 9)         945      3,744    28  in_features=104, waits
    parameters: 1,241, 5.0 kB
    multiply-adds: 33,696
    """
    check_model(model, "summary")
    if x is None:
        found = Summary(type(model).__name__, rows_of_modules(model), list(model.parameters()))
        found.hidden = hidden_in(model)
        return found
    run = Run(model, x, in_use=True)
    inputs = written(run.calls[0].input_shapes)
    packed = "packed " if isinstance(run.inputs[0], PackedSequence) else ""
    title = f"{type(model).__name__} on {packed}{inputs}"
    found = Summary(title, rows_of_calls(run), list(run.copy.parameters()))
    found.multiply_adds, found.complete = counting.total_multiply_adds(run.calls)
    found.hidden = hidden_in(model)
    return found


def hidden_in(model: Module) -> list[str]:
    """The attributes that hold modules which are no part of the model, by their paths."""
    known = {id(module) for module in model.modules()}
    return [
        f"{path}.{name}" if path else name
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, list | tuple | dict) and name not in REGISTRIES
        if any(id(part) not in known for part in modules_in(value))
    ]


def modules_in(value: object, around: tuple[object, ...] = ()) -> Iterator[Module]:
    """All modules in lists, tuples and dicts, however nested, as ``tensors_in`` goes through."""
    if isinstance(value, Module):
        yield value
    elif isinstance(value, list | tuple | dict) and not any(value is outer for outer in around):
        for part in value.values() if isinstance(value, dict) else value:
            yield from modules_in(part, (*around, value))


# ---------------------------------------------------------------------------------------- the rows


def rows_of_calls(run: Run) -> list[Row]:
    """A row for each call, then one for each module with parameters that was not called."""
    seen: dict[int, str] = {}  # parameters that have been counted, and where
    called: set[int] = set()
    callers = {id(call.caller) for call in run.calls}
    rows = []
    for call in run.calls:
        counts = counting.multiply_adds(call) if id(call) not in callers else None
        chain = reading.chain_to(run.calls, call.outputs[0], run.inputs[0]) if call.outputs else []
        field = reading.receptive_field(chain) if chain else None
        row = row_of(call.path, call.module, call.depth, seen)
        first = id(call.module) not in called
        notes = [call.note, row.note] if first else ["again"]
        called.add(id(call.module))
        rows.append(row._replace(
            inputs=call.input_shapes, outputs=tuple(t.shape for t in call.outputs),
            multiply_adds=None if counts is None else counts[0], receptive_field=field,
            note=", ".join(note for note in notes if note),
        ))  # fmt: skip
    for path, module in run.copy.named_modules():
        busy = any(id(part) in called for part in module.modules())
        if not busy:
            row = row_of(path, module, 1, seen)
            rows.append(row._replace(note=", ".join(n for n in ("not called", row.note) if n)))
    return rows


def rows_of_modules(model: Module) -> list[Row]:
    """A row for each module, in the order of their paths."""
    seen: dict[int, str] = {}
    return [
        row_of(path, module, path.count(".") + 1 if path else 0, seen)
        for path, module in model.named_modules()
    ]


def row_of(path: str, module: Module, depth: int, seen: dict[int, str]) -> Row:
    """A module with its own parameters, those left out that another row has counted."""
    own = [p for p in module._parameters.values() if p is not None]
    shaped = [p for p in own if not isinstance(p, UninitializedParameter)]
    new = [p for p in shaped if id(p) not in seen]
    owners = sorted({seen[id(p)] for p in shaped if seen.get(id(p), path) != path})
    for p in new:
        seen[id(p)] = path
    total = sum(p.numel() for p in new)
    trained = sum(p.numel() for p in new if p.requires_grad)
    notes = []
    if isinstance(module, SizedLayer) and module._pending:
        notes.append(f"waits for {module.inferred}")
    notes += [f"shared with {owner or 'the model'}" for owner in owners]
    if trained < total:
        notes.append("frozen" if trained == 0 else f"{total - trained:,} frozen")
    kind = type(module).__name__
    return Row(path, kind, depth, (), (), total, trained, None, None, ", ".join(notes))


# ---------------------------------------------------------------------------------------- in words


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows as lines of text, the columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = [name not in NUMERIC for name in rows[0]]
    lines = []
    for row in rows:
        cells = zip(row, widths, left, strict=True)
        line = "  ".join(c.ljust(w) if text else c.rjust(w) for c, w, text in cells)
        lines.append(line.rstrip())
    return lines


def written(shapes: Sequence[tuple[int, ...]]) -> str:
    """(4, 12, 29), and how many more there are"""
    if not shapes:
        return NONE
    more = f" +{len(shapes) - 1}" if len(shapes) > 1 else ""
    return f"{shapes[0]}{more}"


def below(path: str, caller: str) -> str:
    """A path as seen from the caller's."""
    return path.removeprefix(f"{caller}.") if caller else path


def memory(size: int) -> str:
    """5.0 kB"""
    step = min(int(math.log(size, 1000)) if size else 0, len(UNITS) - 1)
    return f"{size / 1000**step:.1f} {UNITS[step]}" if step else f"{size} B"
