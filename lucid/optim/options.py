"""What optimizers and schedules check of their options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from lucid.autograd import is_tensor
from lucid.nn.module import Module

INFINITY = float("inf")


def number(name: str, value: Any, below: float = INFINITY, at_most: float = INFINITY) -> float:
    """Return an option as a finite float that is at least 0 and within its limit.

    Raises TypeError for what is not a number (a bool is not), ValueError for one out of range.
    """
    if type(value) is float and 0 <= value < below and value <= at_most:
        return value  # as it is at every step but the first
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}\n  try: a float, such as 0.001")
    found = float(value)
    if not (0 <= found < below and found <= at_most):
        limit = "finite"
        if at_most != INFINITY:
            limit = f"at most {at_most:g}"
        elif below != INFINITY:
            limit = f"below {below:g}"
        raise ValueError(f"{name} must be at least 0 and {limit}, got {value}")
    return found


def flag(name: str, value: Any) -> bool:
    """Return an option that is True or False; TypeError for anything else."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def pair_of_betas(betas: Any) -> tuple[float, ...]:
    """Return how much two running means keep: numbers from 0 up to, but not including, 1."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"betas must be a pair of numbers, got {betas!r}\n  try: (0.9, 0.999)")
    return tuple([number("each of betas", beta, below=1) for beta in betas])


def as_list(params: Any) -> list[Any]:
    """Return parameters as a list; a TypeError for what only looks like several parameters."""
    if is_tensor(params):
        raise TypeError("params must be an iterable of tensors, got one tensor\n  try: [tensor]")
    if isinstance(params, Module):
        raise TypeError(
            f"params must be an iterable of tensors, got the module {type(params).__name__} itself"
            "\n  try: model.parameters()"
        )
    if isinstance(params, Mapping) and params and all(map(is_tensor, params.values())):
        raise TypeError(
            "params must be an iterable of tensors, got a dict of them, such as a state dict, "
            "which has buffers as well\n  try: model.parameters()"
        )
    if isinstance(params, dict):
        raise TypeError("params must be an iterable of groups, got one dict\n  try: [group]")
    if isinstance(params, set | frozenset):
        raise TypeError("params must have an order, which a set has not\n  try: a list")
    if not isinstance(params, Iterable):
        raise TypeError(
            f"params must be an iterable of tensors, got {shown(params)}\n  try: model.parameters()"
        )
    return list(params)


def shown(value: object) -> str:
    """Say what a value is, in a few words, without reading a tensor that may be a placeholder."""
    if isinstance(value, Mapping):
        return f"a {type(value).__name__} of {list(value)}"
    return f"a {type(value).__name__}"
