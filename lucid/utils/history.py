"""What was measured in the course of training."""

from __future__ import annotations

import copy
import csv
import importlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from lucid.autograd import is_tensor
from lucid.cures import choice_cure

__all__ = ["History"]


class History:
    """A table of what was measured: one record per epoch, or per step

    Examples
    --------
    >>> from lucid.utils import History
    >>> history = History()
    >>> history.add(epoch=0, loss=0.75)
    >>> history.add(epoch=1, loss=0.5, accuracy=0.9)
    >>> history["loss"], len(history), history.last
    ([0.75, 0.5], 2, {'epoch': 1, 'loss': 0.5, 'accuracy': 0.9})
    >>> history
    <History of 2 records, the last {'epoch': 1, 'loss': 0.5, 'accuracy': 0.9}>
    >>> history.best("loss")
    {'epoch': 1, 'loss': 0.5, 'accuracy': 0.9}
    """

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def add(self, **values: Any) -> None:
        """Append a record of numbers or strings; of a tensor of one number, the number."""
        record = {name: v.item() if is_tensor(v) else v for name, v in values.items()}
        for name, value in record.items():
            if not isinstance(value, int | float | str):
                raise TypeError(
                    f"a record holds numbers and strings, got {name} of "
                    f"{type(value).__name__}\n  try: float({name})"
                )
        self.records.append(record)

    def __getitem__(self, name: str) -> list[Any]:
        found = [record[name] for record in self.records if name in record]
        if not found:
            raise KeyError(f"{name!r} is in no record; there are {self.columns}")
        return found

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        newest = f", the last {self.last}" if self.records else ""
        return f"<History of {len(self.records)} records{newest}>"

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.records)

    @property
    def columns(self) -> list[str]:
        """All names there are, in the order in which they first came."""
        return list({name: None for record in self.records for name in record})

    @property
    def last(self) -> dict[str, Any]:
        """The newest record; IndexError if there is none."""
        return self.records[-1]

    def best(self, name: str, mode: str = "min") -> dict[str, Any]:
        """Return the first record in which ``name`` is smallest, or, for ``"max"``, largest."""
        if mode not in ("min", "max"):
            raise ValueError(
                f"mode is 'min' or 'max', got {mode!r}" + choice_cure("mode", mode, ("min", "max"))
            )
        wanted = (min if mode == "min" else max)(self[name])
        return next(record for record in self.records if record.get(name) == wanted)

    # -------------------------------------------------------------------------------- in and out

    def to_csv(self, f: str | os.PathLike[str]) -> None:
        """Write all records to a file, one per line, below the names of the columns."""
        with open(f, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.records)

    @classmethod
    def from_csv(cls, f: str | os.PathLike[str]) -> History:
        """Read what ``to_csv`` wrote."""
        history = cls()
        with open(f, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                history.add(**{name: read(text) for name, text in row.items() if text})
        return history

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of all records, for a checkpoint."""
        return {"records": copy.deepcopy(self.records)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that ``state_dict`` returned."""
        self.records = copy.deepcopy(list(state_dict["records"]))

    def plot(self, *names: str, x: str = "epoch", f: str | os.PathLike[str] | None = None) -> Any:
        """Draw columns as curves over another.

        Parameters
        ----------
        *names : str
            The columns to draw; all that hold numbers, unless given.
        x : str
            The column along the horizontal axis; where it is missing, the number of the record.
        f : str or os.PathLike, optional
            A file to write the picture to.

        Returns
        -------
        matplotlib.figure.Figure
            The picture.

        Raises
        ------
        ImportError
            If matplotlib is not installed: ``pip install 'lucid-edu[plot]'``.
        KeyError
            If a column does not exist.
        """
        try:
            figure = importlib.import_module("matplotlib.figure")
        except ImportError:
            raise ImportError(
                "plots are drawn by matplotlib, which is not installed\n"
                "  try: pip install 'lucid-edu[plot]'"
            ) from None
        if not names:
            numeric = (n for n in self.columns if not isinstance(self[n][0], str))
            names = tuple(n for n in numeric if n != x)
        picture = figure.Figure(layout="constrained")
        axes = picture.add_subplot()
        for name in names:
            values = self[name]
            having = [(i, r) for i, r in enumerate(self.records) if name in r]
            axes.plot([r.get(x, i) for i, r in having], values, label=name)
        axes.set_xlabel(x)
        if names:
            axes.legend()
        if f is not None:
            picture.savefig(f)
        return picture


def read(text: str) -> int | float | str:
    """A number, if it is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
