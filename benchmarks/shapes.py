"""The convolutions that are measured."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DENSE", "Shape", "choose", "read_all"]

FOLDER = Path(__file__).parent

# Many channels in and out: what bounds these is the number of multiplications, so their time is
# compared with the limit that the processor's multipliers set.
DENSE = (
    "ucr-fcn-2",
    "ucr-fcn-3",
    "inception-39",
    "ecg-block",
    "wav2vec-1",
    "whisper-1",
    "whisper-2",
    "pointwise",
)


@dataclass(frozen=True)
class Shape:
    """One convolution: the sizes of input, kernel and output, and where such a one occurs."""

    name: str
    N: int
    C_in: int
    L: int
    C_out: int
    K: int
    stride: int
    padding: int
    dilation: int
    groups: int
    dtype: str
    origin: str
    listed: bool  # in conv1d_shapes.csv, whose shapes the targets are about

    @property
    def L_out(self) -> int:
        """floor((L + 2*padding - dilation * (K - 1) - 1) / stride) + 1"""
        reach = self.dilation * (self.K - 1) + 1
        return (self.L + 2 * self.padding - reach) // self.stride + 1

    @property
    def gflop(self) -> float:
        """Multiplications and additions of one forward by the definition, in 1e9.

        A method that multiplies less, as one by Fourier transforms does, is credited with the same
        number; so it may go beyond the limit of the multipliers.
        """
        per_output = 2 * (self.C_in // self.groups) * self.K
        return 1e-9 * self.N * self.C_out * self.L_out * per_output

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of ``Conv1d`` after the first three, by their names."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }


def read(path: Path, listed: bool) -> list[Shape]:
    """The shapes in one file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sizes = ("N", "C_in", "L", "C_out", "K", "stride", "padding", "dilation", "groups")
    return [
        Shape(
            name=row["name"],
            **{size: int(row[size]) for size in sizes},
            dtype=row.get("dtype", "float32"),
            origin=row["from"],
            listed=listed,
        )
        for row in rows
    ]


def read_all() -> list[Shape]:
    """The shapes of the targets, then the others."""
    return read(FOLDER / "conv1d_shapes.csv", True) + read(FOLDER / "more_shapes.csv", False)


def choose(wish: str) -> list[Shape]:
    """The shapes of these names, parted by commas; ``listed``, ``more`` and ``all`` are groups."""
    shapes = read_all()
    groups = {
        "all": shapes,
        "listed": [s for s in shapes if s.listed],
        "more": [s for s in shapes if not s.listed],
    }
    named = {s.name: [s] for s in shapes} | groups
    chosen = []
    for name in wish.split(","):
        if name not in named:
            raise ValueError(f"no shape {name!r}; there are: {', '.join(named)}")
        chosen += [s for s in named[name] if s not in chosen]
    return chosen
