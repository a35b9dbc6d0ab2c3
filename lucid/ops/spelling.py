"""NumPy's names of options: ``x.mean(axis=1, keepdims=True)``, as PyTorch has them, too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

#: An op with its signature: to the type checker, and to ``help``, the decorator changes nothing.
Op = TypeVar("Op", bound=Callable[..., Any])

#: ``ddof`` is what ``np.std(x)`` hands over.
NAMES = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction"}


def numpy_names(op: Op) -> Op:
    """Let an op take NumPy's names for its options, too; ``np.mean(x)`` calls it with them.

    They are looked for only where Python finds a name that the op does not have, so that a call by
    the op's own names costs a tenth of a microsecond more.
    """

    @functools.wraps(op)
    def either(*args: Any, **kwargs: Any) -> Any:
        try:
            return op(*args, **kwargs)
        except TypeError:
            if NAMES.keys().isdisjoint(kwargs):
                raise
        return op(*args, **by_own_names(op.__name__, kwargs))

    return cast(Op, either)


def by_own_names(op: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options by the op's own names; what is still wrong with them is Python's to say."""
    own: dict[str, Any] = {}
    for name, value in given.items():
        known = NAMES.get(name, name)
        if known in own:
            names = ", ".join(given)
            raise TypeError(f"{op} takes {known} once, got {names}\n  try: {known}=...")
        if value is not None or name not in ("out", "dtype"):  # as NumPy hands them over
            own[known] = value
    if "out" in own:
        raise TypeError(f"{op} makes a new tensor, and got out=...\n  try: out = x.{op}()")
    return own
