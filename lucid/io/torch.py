"""Checkpoints of PyTorch, 1.6 or later: a zip archive, in which nothing is compressed.

``archive/data.pkl`` is a pickle that describes the tree and says where each tensor lies in which
storage; ``archive/data/0``, ``archive/data/1``, … are the storages, the plain numbers;
``archive/byteorder`` says which byte comes first. The zip format has a checksum of each.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any

import numpy as np

from lucid.autograd import make_tensor
from lucid.errors import CheckpointError
from lucid.io import native
from lucid.io.files import altered, numbers
from lucid.io.torch_pickle import Machine, Storage, program
from lucid.tensor import Tensor
from lucid.types import Array

BEFORE_1_6 = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how its checkpoints began: a magic number


def write(obj: object) -> list[bytes]:
    """Return the contents of a file for a tree, which ``torch.load(path)`` reads."""
    arrays: list[Array] = []
    tree = native.describe(obj, "obj", 0, arrays)
    files = {"data.pkl": b"".join(program(tree)), "byteorder": b"little", "version": b"3\n"}
    for i, array in enumerate(arrays):
        files[f"data/{i}"] = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), content)  # always of 1980
    return [out.getvalue()]


def read(path: str, blob: bytes) -> Any:
    """Return the tree that a file holds."""
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            reader = Archive(archive, len(blob))
            return Machine(reader.tensor).run(reader.read("data.pkl"))
    except (zipfile.BadZipFile, EOFError) as error:
        raise CheckpointError(altered(path, str(error))) from None
    except (
        ValueError, IndexError, OverflowError, TypeError, RuntimeError, NotImplementedError
    ) as error:  # fmt: skip
        raise CheckpointError(
            f"lucid cannot read {path!r}, a checkpoint of PyTorch's: {error}\n"
            "  try: in PyTorch, torch.save(model.state_dict(), path): a state dict, no objects"
        ) from None


class Archive:
    """The files in a checkpoint, and the tensors on them."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self.archive = archive
        self.left = size  # of the bytes that can be in it: files may be entered more than once
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError(f"it holds {len(pickles)} files named data.pkl")
        self.folder = pickles[0].removesuffix("data.pkl")
        given = f"{self.folder}byteorder" in archive.namelist()
        order = self.read("byteorder") if given else b"little"
        if order not in (b"little", b"big"):
            raise ValueError(f"the order of its bytes is 'little' or 'big', got {order[:20]!r}")
        self.order = "<" if order == b"little" else ">"
        self.storages: dict[str, tuple[Storage, Tensor]] = {}

    def read(self, name: str) -> bytes:
        """The contents of one file; their checksum is verified."""
        try:
            info = self.archive.getinfo(self.folder + name)
        except KeyError:
            raise ValueError(f"it holds no file {name[:40]!r}") from None
        self.left -= info.file_size
        if info.compress_type != zipfile.ZIP_STORED or self.left < 0:
            raise ValueError("its files are larger than it is, or compressed")
        return self.archive.read(info)

    def tensor(self, storage: Storage, offset: Any, shape: Any, strides: Any) -> Tensor:
        """A tensor on a part of a storage: those on one storage share its memory."""
        if storage.key not in self.storages:
            array = numbers(self.read(f"data/{storage.key}"), storage.dtype, self.order)
            if array.size != storage.size:
                raise ValueError(f"storage {storage.key[:20]} has not the size it should have")
            self.storages[storage.key] = storage, make_tensor(array)
        known, whole = self.storages[storage.key]
        sizes = (offset, *shape, *strides)
        if known != storage or not all(type(n) is int and 0 <= n < 2**63 for n in sizes):
            raise ValueError("a tensor does not fit its storage")
        if len(shape) != len(strides) or math.prod(shape) > storage.size:
            raise ValueError("a tensor is larger than its storage; in PyTorch: tensor.clone()")
        base = whole._array
        steps = [s * base.itemsize if n > 1 else 0 for n, s in zip(shape, strides, strict=True)]
        out = make_tensor(np.ndarray(shape, base.dtype, base, offset * base.itemsize, steps))
        out._memory = whole._memory
        return out
