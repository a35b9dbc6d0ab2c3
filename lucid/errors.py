"""The errors lucid raises, and the checks of sizes that every layer shares.

A message gives the rule, the values that broke it, and, where there is one to give, the cure.
"""

from __future__ import annotations

import operator
import re
from typing import NoReturn, SupportsIndex

import numpy as np

__all__ = [
    "AxisError",
    "CheckpointError",
    "DtypeError",
    "ShapeError",
    "UninitializedParameterError",
]

#: Sizes stay below this, so that the kernels' index arithmetic cannot overflow.
SIZE_LIMIT = 2**31


class ShapeError(ValueError):
    """A tensor has the wrong rank or the wrong size along an axis.

    Examples
    --------
    >>> import lucid
    >>> try:
    ...     lucid.zeros(2, 3) @ lucid.zeros(2, 3)
    ... except lucid.ShapeError as error:
    ...     print(type(error).__name__)
    ShapeError
    """


class AxisError(ShapeError, IndexError):
    """A tensor has no such axis.

    Examples
    --------
    >>> import lucid
    >>> issubclass(lucid.AxisError, ValueError), issubclass(lucid.AxisError, IndexError)
    (True, True)
    """


class DtypeError(TypeError):
    """A tensor's numbers are of a type that the operation, or its other input, does not take.

    Examples
    --------
    >>> import lucid
    >>> try:
    ...     lucid.arange(3).mean()
    ... except lucid.DtypeError as error:
    ...     print(type(error).__name__)
    DtypeError
    """


class UninitializedParameterError(ValueError):
    """A parameter of a lazy layer was used before the layer saw its first input.

    Examples
    --------
    >>> import lucid.nn as nn
    >>> placeholder, bias = nn.LazyConv1d(8, 3).parameters()
    >>> placeholder.shape
    Traceback (most recent call last):
    ...
    lucid.errors.UninitializedParameterError: this parameter has no shape yet: its LazyConv1d
    has not seen an input.
      try: model.materialize(x)    # or run one forward pass, before you read it
    """


class CheckpointError(ValueError):
    """A file is not a checkpoint, is incomplete, or was altered after it was written.

    Examples
    --------
    >>> import lucid
    >>> issubclass(lucid.CheckpointError, ValueError)
    True
    """


class NotHere:
    """An attribute that PyTorch has and lucid has not: like any other, but the error says why.

    A property would do for instances; of a class, too, ``hasattr`` is to be False.
    """

    def __init__(self, why: str) -> None:
        self.why = why

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        who = owner.__name__
        raise AttributeError(f"{who} has no {self.name}: {self.why.format(who)}")


def no_such_name(module: str, name: str, names: list[str]) -> AttributeError:
    """The error for a name that a module has not, with the one that was perhaps meant."""
    import difflib  # not before a name is missing

    message = f"module {module!r} has no attribute {name!r}"
    short = {"lucid.nn.functional": "F"}.get(module, module.removeprefix("lucid."))
    if name.startswith("_"):  # asked for by Python itself
        return AttributeError(message)
    flat = re.sub("[23]d", "1d", name)
    if flat != name:
        message += ": signals have one axis of positions, so there is 1d only"
    meant = [flat] if flat in names else difflib.get_close_matches(name, names, 1, 0.8)
    if name == "cuda":
        message += ': lucid computes on the CPU\n  try: "cpu"'
    elif meant:
        message += f"\n  try: {short}.{meant[0]}"
    return AttributeError(message)


def check_size(name: str, value: SupportsIndex | tuple[SupportsIndex], minimum: int) -> int:
    """Return ``value`` as an int of at least ``minimum``; ``(3,)`` counts as 3.

    Raises TypeError for what is not a whole number (a bool is not: ``stride=True`` is a slip),
    ValueError for one that is out of range.
    """
    if isinstance(value, tuple | list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an int, got the bool {value}\n  try: {name}={int(value)}")
    try:
        size = operator.index(value)  # a longer tuple fails here
    except TypeError:
        cure = ""
        if isinstance(value, float) and value.is_integer():
            cure = f"\n  try: {name}={int(value)}"
        elif isinstance(value, str) and value.strip().isdecimal():
            cure = f"\n  try: {name}={value.strip()}, without quotation marks"
        got = repr(value)
        got = got if len(got) < 80 else type(value).__name__  # all the numbers of a tensor
        raise TypeError(f"{name} must be an int, got {got}{cure}") from None
    if size < minimum:
        option = f"\n  try: {name}={minimum}" if name.isidentifier() else ""
        raise ValueError(f"{name} must be at least {minimum}, got {size}{option}")
    if size >= SIZE_LIMIT:
        raise ValueError(f"{name} must be below 2**31, got {size}")
    return size


def add_to_message(error: BaseException, line: str) -> None:
    """Add a line to what an error says, in place of an earlier line that begins the same.

    The code to try stays last; the type and the traceback stay. An error whose message is its one
    argument gets the line there, so that ``str(error)`` shows it; any other (a ``KeyError``'s
    argument is the key) gets it as a note.
    """
    start = line.split(":")[0] + ":"
    if isinstance(error, ValueError | TypeError) and [type(a) for a in error.args] == [str]:
        kept = [old for old in error.args[0].split("\n") if not old.startswith(f"  {start}")]
        tries = [i for i, old in enumerate(kept) if old.startswith("  try:")]
        kept.insert(tries[0] if tries else len(kept), f"  {line}")
        error.args = ("\n".join(kept),)
    else:
        notes = list(getattr(error, "__notes__", []))  # only there once a note was added
        error.__notes__ = [old for old in notes if not old.startswith(f"  {start}")]
        error.add_note(f"  {line}")
