"""Random numbers: one global seed, one stream of numbers, and one child seed per layer.

``manual_seed(s)`` starts both anew:

* a *stream*, from which ``lucid.rand``, ``randn``, ``randint``, dropout and shuffling draw;
* a *sequence of child seeds*. Every layer with parameters takes exactly one, when it is
  constructed, and initializes its parameters from that seed alone. A lazy layer that first sees
  its input much later therefore gets the very weights that its eager twin would have got, in
  whatever order the lazy layers of a model come to life.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["Generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


class Generator:
    """A stream of random numbers of its own, for what must not disturb the global one.

    Examples
    --------
    >>> import lucid
    >>> g = lucid.Generator().manual_seed(7)
    >>> a = lucid.rand(2, generator=g)
    >>> bool((a == lucid.rand(2, generator=g.manual_seed(7))).all())
    True
    """

    def __init__(self) -> None:
        self._seeds = np.random.SeedSequence()
        self.numpy = np.random.Generator(np.random.PCG64(self._seeds))

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew at ``seed``, a whole number from 0 up; return the generator."""
        check_seed(seed)
        self._seeds = np.random.SeedSequence(int(seed))
        self.numpy = np.random.Generator(np.random.PCG64(self._seeds))
        return self

    def initial_seed(self) -> int:
        """Return the number that the stream was started with."""
        entropy = self._seeds.entropy
        assert isinstance(entropy, int)  # always one whole number here
        return entropy

    def spawn(self) -> np.random.SeedSequence:
        """Take the next child seed."""
        with _lock:
            return self._seeds.spawn(1)[0]

    def get_state(self) -> dict[str, Any]:
        """Return all that decides the numbers to come, as plain Python numbers and strings."""
        return {
            "seed": self.initial_seed(),
            "children": self._seeds.n_children_spawned,
            "stream": self.numpy.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to a state that ``get_state`` returned."""
        try:
            check_seed(state["seed"])
            seeds = np.random.SeedSequence(state["seed"], n_children_spawned=state["children"])
            stream = np.random.PCG64(seeds)
            stream.state = state["stream"]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError("this is no state from get_state() or get_rng_state()") from error
        self._seeds, self.numpy = seeds, np.random.Generator(stream)


def check_seed(seed: int) -> None:
    """Raise unless ``seed`` is a whole number from 0 up."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"a seed is a whole number, got {seed!r}\n  try: lucid.manual_seed(0)")
    if seed < 0:
        raise ValueError(f"a seed is at least 0, got {seed}\n  try: lucid.manual_seed({-seed})")


class _Scope(threading.local):
    """The generator that a thread draws from instead of the global one, if any."""

    generator: np.random.Generator | None = None


_lock = threading.Lock()
_scope = _Scope()
_global = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the global stream and the sequence of child seeds anew.

    Parameters
    ----------
    seed : int
        A whole number from 0 up.

    Returns
    -------
    Generator
        The global generator.

    Examples
    --------
    >>> import lucid
    >>> _ = lucid.manual_seed(0)
    >>> a = lucid.randn(3)
    >>> _ = lucid.manual_seed(0)
    >>> bool((a == lucid.randn(3)).all())
    True
    """
    _scope.generator = None  # who seeds anew in the middle of a batch wants the numbers of the seed
    return _global.manual_seed(seed)


def seed() -> int:
    """Start anew from a seed that the operating system draws, and return it.

    Examples
    --------
    >>> import lucid
    >>> s = lucid.seed()
    >>> s == lucid.initial_seed()
    True
    """
    _global.manual_seed(Generator().initial_seed())
    return _global.initial_seed()


def initial_seed() -> int:
    """Return the seed that the global random numbers were started with.

    Examples
    --------
    >>> import lucid
    >>> _ = lucid.manual_seed(3)
    >>> lucid.initial_seed()
    3
    """
    return _global.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """Return the state of the global random numbers, a dict that a checkpoint can hold.

    Examples
    --------
    >>> import lucid
    >>> state = lucid.get_rng_state()
    >>> a = lucid.rand(3)
    >>> lucid.set_rng_state(state)
    >>> bool((a == lucid.rand(3)).all())
    True
    """
    return _global.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Go back to a state that ``get_rng_state`` returned.

    Parameters
    ----------
    state : dict
        What ``get_rng_state`` returned, or a checkpoint's copy of it.

    Raises
    ------
    ValueError
        If ``state`` is nothing of the kind; the random numbers are then as before.

    Examples
    --------
    >>> import lucid
    >>> lucid.set_rng_state(lucid.get_rng_state())
    """
    _global.set_state(state)


def spawn_seed() -> np.random.SeedSequence:
    """Take the next child of the global seed: what a layer does once, at construction."""
    return _global.spawn()


def stream(generator: Generator | None = None) -> np.random.Generator:
    """Return the NumPy generator to draw from: the given one, the scope's, or the global one."""
    if generator is not None:
        if not isinstance(generator, Generator):
            raise TypeError(
                f"generator must be a lucid.Generator, got {type(generator).__name__}\n"
                "  try: lucid.Generator().manual_seed(0)"
            )
        return generator.numpy
    return _scope.generator or _global.numpy


@contextmanager
def drawn_from(generator: np.random.Generator) -> Iterator[None]:
    """Let what this thread draws come from another generator than the global one."""
    before = _scope.generator
    try:
        _scope.generator = generator
        yield
    finally:
        _scope.generator = before


def drawing_from(child: np.random.SeedSequence, function: Callable[[], object]) -> None:
    """Call a function that, in this thread, draws from ``child`` instead of the global stream."""
    with drawn_from(np.random.Generator(np.random.PCG64(child))):
        function()
