"""Files of the library safetensors: one dict of tensors, which all frameworks read.

A file consists of the length of a header, the header (JSON: the dtype, the shape and the place of
each tensor, and a few strings, the metadata), and the numbers. It has no checksums of its own, so
``write`` puts some into the metadata: "sha256:weight" is that of the tensor "weight", of its dtype
and shape as well as of its numbers. Two more entries say that they are there; a flipped bit
cannot take away both.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from types import ModuleType

from lucid.autograd import make_tensor
from lucid.errors import CheckpointError
from lucid.io.files import altered, broken, numbers
from lucid.tensor import Tensor
from lucid.types import Array

# What the format calls the dtypes that lucid has, or can widen.
NAMES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
MARKS = {"writer": "lucid", "checksums": "sha256"}


def library() -> ModuleType:
    """The library; ImportError with a cure where there is none."""
    try:
        importlib.import_module("safetensors.numpy")
        return importlib.import_module("safetensors")
    except ImportError:
        raise ImportError(
            "a .safetensors file needs the library safetensors, which is not installed\n"
            "  try: pip install 'lucid-edu[safetensors]'"
        ) from None


def write(obj: object) -> list[bytes]:
    """Return the contents of a file for a dict of tensors."""
    example = "lucid.save(model.state_dict(), 'model.safetensors')"
    if not isinstance(obj, Mapping):
        raise TypeError(
            f"a .safetensors file holds one dict of tensors, got {type(obj).__name__}\n"
            f"  try: {example}"
        )
    arrays: dict[str, Array] = {}
    for name, tensor in obj.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise TypeError(
                "a .safetensors file holds one dict of tensors with names, got "
                f"{type(tensor).__name__} at obj[{name!r}]\n"
                f"  try: {example}, or a name that ends in .ckpt, for any tree"
            )
        if name == "__metadata__":
            raise ValueError(f"no tensor in a .safetensors file can be named {name!r}")
        # Always a copy in order: the library writes memory as it lies, whatever the strides are.
        little = tensor._array.dtype.newbyteorder("<")
        arrays[name] = tensor._array.astype(little, order="C", copy=True)
    metadata = MARKS | {
        f"sha256:{name}": checksum(a.dtype.name, a.shape, a.tobytes()) for name, a in arrays.items()
    }
    return [library().numpy.save(arrays, metadata)]


def read(path: str, blob: bytes) -> dict[str, Tensor]:
    """Return the dict of tensors that a file holds."""
    safetensors = library()
    try:
        entries = dict(safetensors.deserialize(blob))  # checks the header before it copies anything
        header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
        metadata = header.pop("__metadata__", None) or {}
        tensors, found = {}, dict(MARKS)
        for name in header:
            entry = entries[name]
            dtype = NAMES.get(entry["dtype"], entry["dtype"])
            shape, data = tuple(entry["shape"]), entry["data"]
            found[f"sha256:{name}"] = checksum(dtype, shape, data)
            tensors[name] = make_tensor(numbers(data, dtype).reshape(shape))
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise CheckpointError(broken(path, "the library safetensors", error)) from None
    marked = any(metadata.get(key) == value for key, value in MARKS.items())
    if marked and metadata != found:
        wrong = [key for key, value in found.items() if metadata.get(key) != value]
        raise CheckpointError(
            altered(path, f"the checksums do not match: {', '.join(wrong)[:200]}")
        )
    return tensors


def checksum(dtype: str, shape: tuple[int, ...], data: bytes | bytearray) -> str:
    """SHA-256 of all there is to know of a tensor."""
    digest = hashlib.sha256(json.dumps([dtype, *shape]).encode("ascii"))
    digest.update(data)
    return digest.hexdigest()
