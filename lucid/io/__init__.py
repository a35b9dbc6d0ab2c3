"""Files of tensors: lucid's own checkpoints, safetensors, and PyTorch's checkpoints.

    native.py       lucid's own format
    safetensors.py  a dict of tensors, for the library of that name
    torch.py        the .pt files of PyTorch; torch_pickle.py: the pickles in them
    files.py        what all three share

None of them ever runs what a file says: they read numbers, strings, and what holds these.
"""

from __future__ import annotations

import os
from typing import Any

from lucid.errors import CheckpointError
from lucid.io import native, safetensors, torch
from lucid.io.files import checked_path, replace_file
from lucid.io.native import MAGIC

__all__ = ["load", "save"]

WRITERS = {".safetensors": safetensors.write, ".pt": torch.write, ".pth": torch.write}


def save(obj: object, f: str | os.PathLike[str]) -> None:
    """Write a tree of tensors and plain values to a file, for ``load``.

    The suffix of the name says in which format:

    =================  ==============================================================
    ``.safetensors``   one dict of tensors, for other frameworks; needs the library
                       (``pip install 'lucid-edu[safetensors]'``)
    ``.pt``, ``.pth``  a checkpoint that ``torch.load`` reads
    any other          lucid's own format: any tree, protected by a checksum
    =================  ==============================================================

    The file appears complete or not at all: it is written under another name in the same folder,
    forced to disk, and only then takes the place, and the permissions, of an existing ``f``. If
    ``f`` is a symbolic link, what it points at is replaced.

    Parameters
    ----------
    obj : dict, list, tuple, Tensor, str, int, float, bool or None
        Any nesting of these, such as a state dict; keys are str or int. Of a tensor the numbers
        are saved, not ``requires_grad``; an instance of a subclass is saved as its base class.
        For ``.safetensors``, one dict of tensors with names.
    f : str or os.PathLike
        Where to. The folder must exist.

    Raises
    ------
    TypeError
        If something else is in the tree; the message says where.
    ValueError
        If the tree holds itself, or is nested more than 100 levels deep.
    OSError
        If the file cannot be written, as for a missing folder (``FileNotFoundError``).
    ImportError
        If the library safetensors is needed and is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> import lucid
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.ckpt")
    ...     lucid.save({"model": {"weight": lucid.ones(3)}, "epoch": 5}, path)
    ...     lucid.load(path)
    {'model': {'weight': tensor([1., 1., 1.])}, 'epoch': 5}
    """
    if isinstance(obj, str | os.PathLike) and not isinstance(f, str | os.PathLike):
        raise TypeError(
            f"save takes what is to be saved first, then the path; got {type(obj).__name__} and "
            f"{type(f).__name__}\n  try: lucid.save(obj, path)"
        )
    path = checked_path(f)
    write = WRITERS.get(os.path.splitext(path)[1].lower(), native.write)
    replace_file(os.path.realpath(path), write(obj))


def load(f: str | os.PathLike[str]) -> Any:
    """Read a file in any of the formats that ``save`` writes. Nothing in it is ever executed.

    What is in the file decides, whatever its name is. Files that other programs wrote in the
    format of safetensors or of PyTorch (1.6 or later) are read, too; numbers of 16 bits, which
    lucid does not have, become float32, and whole numbers of 8 or 16 bits int32.

    Parameters
    ----------
    f : str or os.PathLike
        The file.

    Returns
    -------
    object
        The tree, with new tensors, which require no gradient. Tensors that share memory in a file
        of PyTorch's share it here.

    Raises
    ------
    CheckpointError
        If the file is of another kind, or incomplete, or holds something else than tensors and
        plain values; also if it was altered by even one bit, for files that carry checksums:
        lucid's own, and the ``.safetensors`` that lucid wrote. (In a ``.pt`` all that is read is
        protected by the checksums of the zip format.)
    OSError
        If it cannot be read, as when it does not exist (``FileNotFoundError``).
    ImportError
        If the library safetensors is needed and is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> import lucid
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "state.ckpt")
    ...     lucid.save([lucid.tensor([1, 2]), (3, float("inf"))], path)
    ...     lucid.load(path)
    [tensor([1, 2]), (3, inf)]
    """
    path = checked_path(f)
    with open(path, "rb") as file:
        head = file.read(512)
        if head.startswith(MAGIC):
            read = native.read
        elif head.startswith(b"PK\3\4") and b"data.pkl" in head:
            read = torch.read
        elif head[4:9] == b"\0\0\0\0{":  # the length of the header, and its beginning
            read = safetensors.read
        else:
            raise CheckpointError(f"lucid.save did not write {path!r}: {looks_like(head)}")
        file.seek(0)
        return read(path, file.read())


def looks_like(head: bytes) -> str:
    """What a file that is no checkpoint seems to be, by its first bytes, and what to do."""
    npz = "{k: lucid.from_numpy(a) for k, a in numpy.load(path).items()}"
    zipped = head.startswith(b"PK\3\4")
    torch_again = "in PyTorch, torch.save(torch.load(path, weights_only=True), path)"
    for fits, kind, remedy in (
        (not head, "it is empty", "an earlier checkpoint"),
        (MAGIC[:6] == head[:6], "its version is unknown", "a newer lucid, or copy the file anew"),
        (MAGIC.startswith(head), "it is incomplete", "copy it anew, or an earlier checkpoint"),
        (zipped and b".npy" in head, "it is a NumPy .npz file", npz),
        (zipped, "it is a zip file", "unpack it"),
        (head[:6] == b"\x93NUMPY", "it is a NumPy file", "lucid.from_numpy(numpy.load(path))"),
        (head[2:15] == torch.BEFORE_1_6, "it is a checkpoint of PyTorch before 1.6", torch_again),
        (head[:1] == b"\x80", "it is a pickle, which lucid does not run",
         "in the program that made it, numpy.savez('model.npz', **{k: v.numpy() for k, v in\n"
         f"  state_dict.items()}}); then here {npz}"),
    ):  # fmt: skip
        if fits:
            return f"{kind}\n  try: {remedy}"
    return "it begins otherwise\n  try: the path of a file that lucid.save wrote"
