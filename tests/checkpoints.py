"""Trees to be saved, files to be forged, and what there is to compare."""

import hashlib
import json
import os
import struct

import pytest

from lucid.io.native import MAGIC
from lucid.tensor import Tensor

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and links as on POSIX")


DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]


def same(a, b):
    """Whether two trees are equal in types, order, and every bit."""
    if isinstance(a, Tensor):
        x, y = a._array, b._array
        return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(v, w) for v, w in zip(a, b, strict=True))
    if isinstance(a, float):
        # which of the many nans of a float it is, no Python program asks
        return (a != a and b != b) or struct.pack("d", a) == struct.pack("d", b)
    return a == b


def forged(header, numbers=b""):
    """A file with a right checksum, whatever the header says."""
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    body = MAGIC + struct.pack("<Q", len(header)) + header + numbers
    return body + hashlib.sha256(body).digest()


def only_file_in(folder, path):
    return [p.name for p in folder.iterdir()] == [path.name]


def nested(depth, wrap):
    tree = 1
    for _ in range(depth):
        tree = wrap(tree)
    return tree
