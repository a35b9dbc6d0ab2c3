"""What ``gradcheck`` found, to read and to look things up in."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass, field

import numpy as np

from lucid.check.picture import picture
from lucid.types import Array

__all__ = ["CheckError", "GradcheckReport", "InputReport"]


class CheckError(AssertionError):
    """What was checked is wrong; ``report`` tells what about it.

    Attributes
    ----------
    report : GradcheckReport or CompareReport
        The report, which is also the message.

    Examples
    --------
    >>> import lucid
    >>> try:
    ...     lucid.check.compare(sorted, list, [([2, 1],)])
    ... except lucid.check.CheckError as error:
    ...     print(error.report.ok)
    False
    """

    def __init__(self, report: object) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True)
class InputReport:
    """The gradients of one input: a part of what ``gradcheck`` returns.

    Parameters
    ----------
    name : str
        Of the argument, or the path of the parameter.
    analytic, numeric : numpy.ndarray
        By backward, and by finite differences. These arrays, and those below, have the shape of the
        input.
    wrong : numpy.ndarray of bool
        Where they disagree.
    kinks : numpy.ndarray of bool
        Where they disagree, but the slopes to the right and to the left do, too.
    unclear : numpy.ndarray of bool
        Where they disagree, but the differences are not finite, or lost in rounding.
    hidden : bool
        Whether all differences are so small that rounding hides them.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    >>> report = lucid.check.gradcheck(lambda x: x.sum(), x)
    >>> report.inputs[0].name, report.inputs[0].wrong.tolist()
    ('x', [False, False])
    """

    name: str
    analytic: Array
    numeric: Array
    wrong: Array
    kinks: Array
    unclear: Array
    hidden: bool = False

    @property
    def excused(self) -> Array:
        """Where backward was not judged."""
        return self.kinks | self.unclear

    @property
    def error(self) -> Array:
        """analytic - numeric where that is wrong, 0 elsewhere"""
        with np.errstate(invalid="ignore"):
            return np.where(self.wrong, self.analytic - self.numeric, 0.0)

    def worst(self) -> tuple[int, ...]:
        """Return the index where they are furthest apart."""
        size = np.where(np.isfinite(self.error), np.abs(self.error), np.inf)
        return tuple(int(i) for i in np.unravel_index(size.argmax(), size.shape))


@dataclass(frozen=True, repr=False)
class GradcheckReport:
    """What ``gradcheck`` found; true if the gradients are right.

    Parameters
    ----------
    ok : bool
        Whether all is right.
    inputs : tuple of InputReport
        The gradients of every input that was checked; empty if they could not be compared.
    input : str or None
        The input whose gradient is furthest off.
    index : tuple of int or None
        Where it is.
    analytic, numeric : float or None
        The two gradients there.
    through : str or None
        The output number by which the error comes in there, with its two slopes.
    picture : str or None
        Where the error lives, in text, for every input that has one.
    problem : str or None
        Why the gradients could not be compared.
    diagnosis : str or None
        A known mistake that explains all of it, and its cure; several, if they fit equally well.
    notes : tuple of str
        What else to know: inputs that were converted, places without a derivative.
    weights : tuple of numpy.ndarray
        The gradients are those of the sum of these times the outputs.

    Examples
    --------
    >>> import lucid
    >>> x = lucid.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    >>> lucid.check.gradcheck(lambda x: x**2, x)
    gradcheck: right, all 2 numbers of the gradient of x
    """

    ok: bool
    inputs: tuple[InputReport, ...] = ()
    input: str | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    through: str | None = None
    picture: str | None = None
    problem: str | None = None
    diagnosis: str | None = None
    notes: tuple[str, ...] = ()
    weights: tuple[Array, ...] = field(default=(), compare=False)

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        parts = [self._headline()]
        if self.input is not None:
            parts.append(self._worst())
            parts.append(f"where the error lives\n{textwrap.indent(self.picture or '', '  ')}")
        if self.diagnosis:
            parts.append(f"diagnosis\n{indented(self.diagnosis)}")
        elif not self.ok and self.problem is None:
            parts.append("diagnosis\n  none of the mistakes that lucid knows explains this")
        if self.notes:
            parts.append("\n".join(indented(f"note: {note}")[2:] for note in self.notes))
        return ("\n" if self.ok else "\n\n").join(parts)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

    def _headline(self) -> str:
        if self.problem is not None:
            return f"gradcheck: {self.problem}"
        count = sum(i.wrong.size for i in self.inputs)
        if self.ok:
            names = ", ".join(i.name for i in self.inputs if i.wrong.size)
            names = " and ".join(names.rsplit(", ", 1))
            return f"gradcheck: right, all {count} numbers of the gradient of {names}"
        wrong = [
            f"{i.name} ({i.wrong.sum()} of {i.wrong.size} numbers)"
            for i in self.inputs
            if i.wrong.any()
        ]
        right = [i.name for i in self.inputs if not i.wrong.any()]
        others = f"; right: {', '.join(right)}" if right else ""
        return f"gradcheck: WRONG gradient of {', '.join(wrong)}{others}"

    def _worst(self) -> str:
        place = (
            f"{self.input}[{', '.join(map(str, self.index or ()))}]" if self.index else self.input
        )
        lines = [
            f"worst at {place} (of the sum of report.weights * output)",
            f"  backward     {self.analytic:.6g}",
            f"  differences  {self.numeric:.6g}",
        ]
        if self.through:
            lines.append(f"  {self.through}")
        return "\n".join(lines)


def draw(inputs: tuple[InputReport, ...]) -> str:
    """A picture for every input with an error."""
    return "\n\n".join(
        f"{i.name}, shape {i.wrong.shape}:  {picture(i.error, i.excused)}"
        for i in inputs
        if i.wrong.any()
    )


def indented(text: str, width: int = 88) -> str:
    """Two spaces before each line, and long ones broken."""
    lines = []
    for line in text.split("\n"):
        margin = " " * (2 + len(line) - len(line.lstrip()))
        first, later = margin, margin + "  "
        lines.append(textwrap.fill(line.lstrip(), width, initial_indent=first,
                                   subsequent_indent=later, break_long_words=False))  # fmt: skip
    return "\n".join(lines)
