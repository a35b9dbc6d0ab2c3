"""Whether operations are recorded for ``backward``: a switch that every thread has of its own."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any, NoReturn, TypeVar

__all__ = ["enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]

_F = TypeVar("_F", bound=Callable[..., Any])


class _Mode(threading.local):
    """Whether this thread records a graph, and what to go back to after the blocks it is in.

    One list for all blocks: should they not end in order, as in generators, the thread still goes
    back to where it began.
    """

    def __init__(self) -> None:
        self.enabled = True
        self.before: list[bool] = []


recording = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations are being recorded for ``backward``.

    Examples
    --------
    >>> import lucid
    >>> with lucid.no_grad():
    ...     lucid.is_grad_enabled()
    False
    """
    return recording.enabled


class Switch(type):
    """The class of the switches' classes, which says what ``with lucid.no_grad:`` lacks."""

    def __enter__(cls) -> NoReturn:
        """Refuse: it is the call that makes what ``with`` takes."""
        name = cls.__name__
        option = "True" if name == "set_grad_enabled" else ""
        raise TypeError(
            f"{name} is a class, whose objects are for with\n  try: with lucid.{name}({option}):"
        )

    def __exit__(cls, *_: object) -> None:
        """Python looks for it before it calls ``__enter__``; nothing comes here."""


class Recording(ContextDecorator, metaclass=Switch):
    """Within the block, record or do not; one object may be entered again, by any thread."""

    _wanted: bool

    def __call__(self, function: _F) -> _F:
        """Decorate a function."""
        if inspect.isgeneratorfunction(function):
            raise TypeError(
                f"{function.__name__} is a generator: it runs between the calls of whoever loops\n"
                f"  try: with lucid.{type(self).__name__}(...): inside it"
            )
        return super().__call__(function)

    def __enter__(self) -> None:
        recording.before.append(recording.enabled)
        recording.enabled = self._wanted

    def __exit__(self, *_: object) -> None:
        recording.enabled = recording.before.pop()


class set_grad_enabled(Recording):
    """Switch recording on or off, from now on, or for a ``with`` block.

    Parameters
    ----------
    mode : bool
        Whether operations are recorded.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.ones(2, requires_grad=True)
    >>> with lucid.set_grad_enabled(False):
    ...     (x * 2).requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        self._wanted = bool(mode)
        self._outside: bool | None = recording.enabled  # until it is known to be no bare switch
        recording.enabled = self._wanted

    def __enter__(self) -> None:
        if self._outside is not None:
            recording.enabled, self._outside = self._outside, None
        super().__enter__()

    def __call__(self, function: _F) -> _F:
        """Decorate a function: the switch is made in its calls, not now."""
        if self._outside is not None:
            recording.enabled, self._outside = self._outside, None
        return super().__call__(function)


class no_grad(Recording):
    """Within the block, or the decorated function, nothing is recorded for ``backward``.

    Examples
    --------
    >>> import lucid
    >>> w = lucid.ones(2, requires_grad=True)
    >>> with lucid.no_grad():
    ...     w -= 0.5          # an update, not a computation to differentiate
    >>> w
    tensor([0.5000, 0.5000], requires_grad=True)
    """

    _wanted = False


class enable_grad(Recording):
    """Within the block, operations are recorded even where ``no_grad`` surrounds it.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.ones(2, requires_grad=True)
    >>> with lucid.no_grad(), lucid.enable_grad():
    ...     (x * 2).requires_grad
    True
    """

    _wanted = True
