"""The bundled speech data: nine people saying "ae"."""

from __future__ import annotations

import zipfile
import zlib
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np

from lucid import ops
from lucid.data.dataset import TensorDataset
from lucid.types import Array

__all__ = ["japanese_vowels"]

FILE = resources.files("lucid.data") / "japanese_vowels.npz"

COEFFICIENTS, LONGEST = 12, 29
UTTERANCES = {"train": 270, "test": 370}
KEYS = ("frames", "lengths", "speaker")


def japanese_vowels() -> tuple[TensorDataset, TensorDataset]:
    """(train, test), two data sets of (x, length, speaker): who of nine people says "ae"?

    Nine male speakers uttered the two Japanese vowels /ae/, 640 times in all. An utterance is a
    series of 7 to 29 frames, one every 6.4 ms, and a frame has 12 LPC cepstrum coefficients, which
    describe the shape of the vocal tract at that moment. The split is the official one: 270
    utterances for training, 30 per speaker, and 370 for testing.

    Returns
    -------
    train, test : TensorDataset
        The three tensors of each, for N = 270 and N = 370:

        - x, float32 of shape (N, 12, 29): coefficients along axis 1, frames along axis 2, filled
          up with zeros at the end;
        - length, int64 of shape (N,): how many frames are real;
        - speaker, int64 of shape (N,): 0 to 8.

    Raises
    ------
    FileNotFoundError
        If the file with the data is missing from the installation.
    ValueError
        If the file is damaged.

    Notes
    -----
    The data come with lucid under the licence CC BY 4.0; ``lucid/data/README.md`` has the details.

    References
    ----------
    M. Kudo, J. Toyama, M. Shimbo, "Multidimensional curve classification using passing-through
    regions", Pattern Recognition Letters 20 (1999).

    UCI Machine Learning Repository, https://doi.org/10.24432/C5NS47.

    Examples
    --------
    >>> from lucid.data import japanese_vowels
    >>> train, test = japanese_vowels()
    >>> len(train), len(test)
    (270, 370)
    >>> x, length, speaker = train[0]
    >>> x.shape, length, speaker
    ((12, 29), tensor(20), tensor(0))
    """
    arrays = _read(FILE)
    return _dataset(arrays, "train"), _dataset(arrays, "test")


def _read(file: Traversable) -> dict[str, Array]:
    """All arrays of the file, checked: whole, and of the sizes that are known."""
    cure = "try: pip install --force-reinstall lucid-edu"
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        for part in UTTERANCES:
            _check(arrays, part)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the bundled data are missing from the installation: no file {file}\n  {cure}"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the bundled data in {file} are damaged: {error}\n  {cure}") from error
    return arrays


def _check(arrays: dict[str, Array], part: str) -> None:
    frames, lengths, speaker = (arrays[f"{part}_{what}"] for what in KEYS)
    n = UTTERANCES[part]
    if (
        lengths.shape != (n,)
        or speaker.shape != (n,)
        or frames.shape != (lengths.sum(), COEFFICIENTS)
        or not (lengths.min() > 0 and lengths.max() <= LONGEST)
        or not (speaker.min() == 1 and speaker.max() == 9)
    ):
        raise ValueError(
            f"the {part} part should have {n} utterances, and frames for each; got shapes "
            f"{frames.shape}, {lengths.shape}, {speaker.shape}"
        )


def _dataset(arrays: dict[str, Array], part: str) -> TensorDataset:
    frames, lengths, speaker = (arrays[f"{part}_{what}"] for what in KEYS)
    x = np.zeros((len(lengths), COEFFICIENTS, LONGEST), np.float32)
    starts = np.cumsum(lengths) - lengths
    for i, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        x[i, :, :length] = frames[start : start + length].T
    numbers = (x, lengths.astype(np.int64), speaker.astype(np.int64) - 1)
    return TensorDataset(*[ops.tensor(a) for a in numbers])
