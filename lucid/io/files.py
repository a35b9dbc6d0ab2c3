"""What all formats share: writing a file as a whole, and what is said of a file that is no good."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress

import numpy as np

from lucid import types
from lucid.types import Array

# Numbers that lucid has no dtype for, and the one that holds them all exactly.
WIDER = {"float16": "float32", "bfloat16": "float32", "int8": "int32", "int16": "int32"}


def replace_file(target: str, pieces: Iterable[bytes]) -> None:
    """Make ``pieces`` the contents of ``target``: all of them, or the file stays as it is."""
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"save needs an existing folder, and there is no {folder!r}\n"
            f"  try: os.makedirs({folder!r}, exist_ok=True)"
        )
    mode = os.stat(target).st_mode if os.path.lexists(target) else None
    permissions = 0o666 if mode is None else stat.S_IMODE(mode)
    # os.replace would not hesitate to replace a write-protected file, or /dev/null.
    if mode is not None and not (stat.S_ISREG(mode) and os.access(target, os.W_OK)):
        kind = IsADirectoryError if stat.S_ISDIR(mode) else PermissionError
        raise kind(f"{target!r} is write-protected, or is not a file\n  try: another name")
    temporary = os.path.join(folder, f".lucid-{os.urandom(8).hex()}.tmp")
    try:
        # A new file, with the permissions less the umask; chmod adds what an old one had beyond.
        with open(temporary, "xb", opener=lambda p, flags: os.open(p, flags, permissions)) as file:
            if mode is not None:
                os.chmod(temporary, permissions)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:  # also Ctrl-C
        with suppress(OSError):
            os.unlink(temporary)
        raise
    with suppress(OSError):  # make the new name last, too, where a folder can be synced
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def checked_path(f: object) -> str:
    """Return a path as a str; TypeError for an open file, a file descriptor, or bytes."""
    path = os.fspath(f) if isinstance(f, os.PathLike) else f
    if not isinstance(path, str):
        raise TypeError(
            f"a checkpoint is named by a str or a pathlib.Path, got {type(f).__name__}\n"
            "  try: the path of the file"
        )
    return path


def numbers(raw: bytes | bytearray, name: str, order: str = "<") -> Array:
    """The numbers of a dtype, by its name, that some bytes are; in a new array, with one axis."""
    if name not in [*WIDER, *(t.name for t in types.ALL)]:
        raise ValueError(f"lucid has no dtype {name[:20]!r}")
    if name == "bfloat16":  # the upper half of a float32
        upper = np.frombuffer(raw, f"{order}u2").astype(np.uint32)
        return (upper << 16).view(np.float32)
    if name == "bool" and (np.frombuffer(raw, np.uint8) > 1).any():
        raise ValueError("a bool is 0 or 1")
    kind = np.dtype(name).str[1:]  # without its byte order: "f4"
    return np.frombuffer(raw, f"{order}{kind}").astype(WIDER.get(name, name))


def altered(path: str, why: str) -> str:
    """What to say of a file that does not fit its checksum."""
    return (
        f"{path!r} is incomplete, or was altered after it was saved: {why}\n"
        "  try: copy it anew, or load an earlier checkpoint"
    )


def broken(path: str, writer: str, why: object) -> str:
    """What to say of a file that is not what it claims to be."""
    return (
        f"{path!r} breaks a rule of the format, so {writer} did not write it: {why}\n"
        "  try: load only checkpoints whose origin you know"
    )
