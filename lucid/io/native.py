r"""lucid's own format: trees of tensors and plain Python values, and nothing else.

A pickle is a program, and loading one runs it; this format has no way to say "call that". A file
consists of

* 8 bytes, ``b"\x89LUCID1\n"``: a checkpoint, in version 1 of the format;
* 8 bytes, the length of the header, an unsigned integer, little-endian;
* the header, JSON in ASCII, which describes the tree;
* the numbers of all tensors, one tensor after the other in the order of the header, without gaps,
  little-endian, the last axis fastest;
* 32 bytes, the SHA-256 of all that comes before.

In the header, null, true, false, numbers and strings stand for themselves, and all else is a list
that begins with what it is:

* ``["tensor", "float32", 2, 3]``: the dtype, then the shape;
* ``["list", value, …]``, ``["tuple", value, …]``;
* ``["dict", [key, value], …]``, whose keys are strings or whole numbers;
* ``["int", "0x…"]``, a whole number of 2**53 or more, which not every JSON reader gets right;
* ``["float", "nan"]``, ``"inf"`` or ``"-inf"``, which JSON does not have.

``describe`` and ``Reader.build`` are these rules, one in each direction.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lucid import types
from lucid.autograd import make_tensor
from lucid.errors import CheckpointError
from lucid.io.files import altered, broken
from lucid.tensor import Tensor
from lucid.types import Array

MAGIC = b"\x89LUCID1\n"
MAX_DEPTH = 100  # of a tree: far above any real one, far below Python's recursion limit
DTYPES = {t.name: t.numpy for t in types.ALL}


def write(obj: object) -> Iterator[bytes]:
    """Return the pieces of a file for a tree, all of which is checked first."""
    arrays: list[Array] = []
    tree = describe(obj, "obj", 0, arrays)
    header = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode("ascii")
    return contents(header, arrays)


def read(path: str, blob: bytes) -> Any:
    """Return the tree that a file holds; CheckpointError for a file that ``write`` did not make."""
    body, digest = memoryview(blob)[:-32], blob[-32:]
    if len(body) < 16 or hashlib.sha256(body).digest() != digest:
        raise CheckpointError(altered(path, f"its {len(blob)} bytes do not match their checksum"))
    # Whoever forges a file also computes its checksum, so all that follows is checked as well.
    try:
        end = 16 + int.from_bytes(body[8:16], "little")
        if end > len(body):
            raise ValueError("the header is longer than the file")
        reader = Reader(body[end:])
        obj = reader.build(json.loads(str(body[16:end], "ascii")), 0)
        if reader.position != len(reader.numbers):
            raise ValueError("there are numbers that belong to no tensor")
    except (ValueError, RecursionError) as error:
        raise CheckpointError(broken(path, "lucid.save", error)) from None
    return obj


def describe(value: object, place: str, depth: int, arrays: list[Array]) -> Any:
    """Return the JSON for ``value``, found at ``place``, and append its tensors to ``arrays``."""
    if depth > MAX_DEPTH:
        raise ValueError(
            f"save goes {MAX_DEPTH} levels deep, and {place[:60]}... goes deeper: does it hold "
            "itself?\n  try: a dict of tensors and numbers, such as model.state_dict()"
        )
    match value:
        case None | bool():
            return value
        # The base class's own conversions: a subclass, an Enum for one, may have others.
        case str():
            return str.__str__(value)
        case int():
            number = int.__int__(value)
            return number if abs(number) < 2**53 else ["int", hex(number)]
        case float():
            real = float.__float__(value)
            return real if math.isfinite(real) else ["float", repr(real)]
        case Tensor():
            array = value._array
            arrays.append(array)
            return ["tensor", array.dtype.name, *array.shape]
        case list() | tuple():
            kind = "list" if isinstance(value, list) else "tuple"
            items = [describe(v, f"{place}[{i}]", depth + 1, arrays) for i, v in enumerate(value)]
            return [kind, *items]
        case dict():
            pairs = []
            for key, v in value.items():
                if isinstance(key, bool) or not isinstance(key, str | int):
                    raise TypeError(
                        f"the keys of a saved dict are str or int, got {key!r} "
                        f"({type(key).__name__}) in {place}\n  try: str(key)"
                    )
                there = f"{place}[{key!r}]"
                name = describe(key, there, depth + 1, arrays)
                pairs.append([name, describe(v, there, depth + 1, arrays)])
            return ["dict", *pairs]
    raise TypeError(
        "a checkpoint holds tensors, str, int, float, bool and None, in dicts, lists and tuples; "
        f"got {type(value).__name__} at {place}\n  try: {cure(value, place)}"
    )


class Reader:
    """Builds the tree that a header describes. It trusts nothing: what is wrong is a ValueError."""

    def __init__(self, numbers: memoryview) -> None:
        self.numbers = numbers  # of all tensors
        self.position = 0  # where those of the next tensor begin

    def build(self, node: Any, depth: int) -> Any:
        """Return what a JSON value stands for."""
        if depth > MAX_DEPTH:
            raise ValueError(f"the tree is more than {MAX_DEPTH} levels deep")
        match node:
            case None | bool() | int() | float() | str():
                return node
            case ["tensor", str(name), *shape]:
                return self.tensor(name, shape)
            case ["list", *nodes]:
                return [self.build(n, depth + 1) for n in nodes]
            case ["tuple", *nodes]:
                return tuple([self.build(n, depth + 1) for n in nodes])
            case ["dict", *pairs]:
                result = {}
                for pair in pairs:
                    if not isinstance(pair, list) or len(pair) != 2:
                        raise ValueError("a dict consists of pairs")
                    key = self.build(pair[0], depth + 1)
                    if isinstance(key, bool) or not isinstance(key, str | int) or key in result:
                        raise ValueError("the keys of a dict are strings or ints, all different")
                    result[key] = self.build(pair[1], depth + 1)
                return result
            case ["int", str(digits)]:
                return int(digits, 16)
            case ["float", "nan" | "inf" | "-inf" as name]:
                return float(name)
        raise ValueError("the header holds something that the format does not have")

    def tensor(self, name: str, shape: list[Any]) -> Tensor:
        """Make a tensor of the next numbers."""
        if name not in DTYPES:
            raise ValueError(f"there is no dtype {name[:20]!r}")
        # NumPy has at most 64 axes, and sizes below 2**63.
        if len(shape) > 64 or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
            raise ValueError("a shape is at most 64 whole numbers from 0 up")
        # Every byte is read once, so a forged file cannot ask for more memory than it fills.
        start = self.position
        self.position += math.prod(shape) * DTYPES[name].itemsize
        if self.position > len(self.numbers):
            raise ValueError("the tensors are larger than the file")
        raw = np.frombuffer(self.numbers[start : self.position], np.uint8)
        if name == "bool" and (raw > 1).any():
            raise ValueError("a bool is 0 or 1")
        array = raw.view(DTYPES[name].newbyteorder("<")).reshape(shape)
        return make_tensor(array.astype(DTYPES[name]))  # a copy, which can be written to


def contents(header: bytes, arrays: list[Array]) -> Iterator[bytes]:
    """Yield the bytes of a checkpoint, piece by piece."""
    start = MAGIC + len(header).to_bytes(8, "little") + header
    digest = hashlib.sha256(start)
    yield start
    for array in arrays:
        # Copied once, so that even while another thread trains on, what is hashed is written.
        numbers = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        digest.update(numbers)
        yield numbers
    yield digest.digest()


def cure(value: object, place: str) -> str:
    """What to save instead of a value that a checkpoint cannot hold."""
    if isinstance(value, np.ndarray):
        return f"lucid.from_numpy({place})"
    if isinstance(value, np.generic):
        return f"{place}.item()"
    if isinstance(value, set | frozenset):
        return f"sorted({place})"
    if callable(getattr(type(value), "state_dict", None)):  # a model, an optimizer, a schedule
        return f"{place}.state_dict()"
    if inspect.ismethod(value):  # model.state_dict, without its ()
        return f"{place}()"
    return "the tensors, numbers and strings it is made of; make it from them after load"
