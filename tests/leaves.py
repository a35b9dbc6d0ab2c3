"""Leaves of a graph, and what is said when one was changed."""

from __future__ import annotations

import lucid

DEEP = 100_000


def leaf(*numbers, **options):
    return lucid.tensor(list(numbers), dtype=lucid.float64, requires_grad=True, **options)


CHANGED = "has been changed in place since"
