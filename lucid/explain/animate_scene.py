"""What stands where in the picture of a step: rows of cells, before any ink.

The terminal, SVG and the GIF all draw these rows. Columns are positions of the long row, padding
included, from 0 on; a cell of the short row stands below the middle of its window (of a causal one,
below its last tap), which may be between two columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lucid.explain.animate_steps import Case, Frame
from lucid.types import Array


class Cell(NamedTuple):
    """A number at a column. How it looks: of a window (now), padded (pad), skipped (gap)."""

    at: float
    text: str
    now: bool = False
    pad: bool = False
    gap: bool = False


class Row(NamedTuple):
    """Cells beside each other.

    ``kind`` is ``"index"`` for the numbers of positions, ``"cells"``, ``"kernel"``, ``"space"``,
    and ``"funnel"`` for what connects the window and its place: two cells above, two below.
    """

    kind: str
    label: str
    cells: list[Cell]
    group: int = 0


class Scene(NamedTuple):
    """All rows of a step from top to bottom, and what is computed, in words."""

    rows: list[Row]
    words: list[str]


def make_scene(case: Case, frame: Frame) -> Scene:
    """The picture of one step. What is read stands above what is written."""
    kernel, funnel = kernel_rows(case, frame), [funnel_row(case, frame)]
    short, long = [short_index(case)], [long_index(case)]
    g = case.g
    if g is None:
        reads, writes = case.x[0], frame.results["y"]
        if case.transposed:
            short += short_rows(case, frame, "x", reads)
            for c, row in enumerate(long_rows(case, frame, "y", writes, True)):
                long += [kernel[c], row]
        else:
            for c, row in enumerate(long_rows(case, frame, "x", reads, False)):
                long += [row, kernel[c]]
            short += short_rows(case, frame, "y", writes)
    elif case.transposed:
        for c, row in enumerate(long_rows(case, frame, "g", g[0], False)):
            long += [row, kernel[c]]
        short += short_rows(case, frame, "x", case.x[0])
        short += short_rows(case, frame, "gx", frame.results["gx"])
    else:
        short += short_rows(case, frame, "g", g[0])
        read = long_rows(case, frame, "x", case.x[0], False)
        written = long_rows(case, frame, "gx", frame.results["gx"], True)
        for c, (x, gx) in enumerate(zip(read, written, strict=True)):
            long += [x, kernel[c], gx]
    below = [*short[1:], short[0]]  # the index last, out of the funnel's way
    rows = [*long, *funnel, *below] if case.gathers else [*short, *funnel, *long]
    return Scene([*rows, *weight_rows(case, frame)], words(case, frame))


# ----------------------------------------------------------------------------------------- the rows


def column(case: Case, t: int) -> float:
    """Where a place of the short row stands."""
    reach = case.geometry.dilation * (int(case.w.shape[2]) - 1)
    return t * case.geometry.stride + (reach if case.options.causal else reach / 2)


def row_label(case: Case, name: str, channel: int, channels: int) -> tuple[str, int]:
    """``A x[0]``: the group, if there are several, the name and the channel."""
    group = channel * case.geometry.groups // channels
    letter = f"{group_letter(group)} " if case.geometry.groups > 1 else ""
    return f"{letter}{name}[{channel}]", group


def group_letter(group: int) -> str:
    """A, B, C: so that a group is known by more than its colour."""
    return chr(ord("A") + group)


def short_index(case: Case) -> Row:
    """Positions of the row that has one for each place of the window."""
    return Row("index", "", [Cell(column(case, t), str(t)) for t in range(case.short[1])])


def long_index(case: Case) -> Row:
    """Positions; of padded ones, in parentheses, that which they copy."""
    cells = []
    for at, p in enumerate(case.padded):
        source, inside = case.source(p), 0 <= p < case.long[1]
        text = str(p) if inside else "-" if source is None else f"({source})"
        cells.append(Cell(at, text, pad=not inside))
    return Row("index", "", cells)


def short_rows(case: Case, frame: Frame, name: str, values: Array) -> list[Row]:
    """The row of the places, the present one marked; NaN is still to come."""
    rows = []
    for s, numbers in enumerate(values):
        cells = [
            Cell(column(case, t), number_text(v), now=(s, t) == (frame.channel, frame.t))
            for t, v in enumerate(numbers)
        ]
        label, group = row_label(case, name, s, len(values))
        rows.append(Row("cells", label, cells, group))
    return rows


def long_rows(case: Case, frame: Frame, name: str, values: Array, written: bool) -> list[Row]:
    """A row that the window lies over, and reads, or adds to."""
    window = case.positions(frame.t)
    rows = []
    for c, numbers in enumerate(values):
        cells = []
        for at, p in enumerate(case.padded):
            source, inside = case.source(p), 0 <= p < case.long[1]
            now = c in frame.channels and p in window
            if written and inside:  # also what is added by way of a padded position
                now = c in frame.channels and p in frame.sources
                text = number_text(numbers[p])
            elif written:  # where it goes that is added here
                text = "" if not now else "-" if source is None else f">{source}"
            else:
                text = "0" if source is None else number_text(numbers[source])
                text = "" if source is None and case.transposed else text
            gap = not now and c in frame.channels and window[0] < p < window[-1]
            cells.append(Cell(at, text, now, not inside, gap))
        label, group = row_label(case, name, c, len(values))
        rows.append(Row("cells", label, cells, group))
    return rows


def kernel_rows(case: Case, frame: Frame) -> dict[int, Row]:
    """For each channel of the long row, the kernel in its place; empty, if it is not covered."""
    taps = [p + case.geometry.left for p in case.positions(frame.t)]
    found = {c: Row("kernel", "", []) for c in range(case.long[0])}
    for c, weights in zip(frame.channels, frame.kernel, strict=True):
        cells = [Cell(at, number_text(w), now=True) for at, w in zip(taps, weights, strict=True)]
        cells += [Cell(a, "", gap=True) for a in range(taps[0], taps[-1]) if a not in taps]
        label = f"w[{frame.channel},{c - frame.channels[0]}]"
        found[c] = Row("kernel", label, sorted(cells), frame.group)
    return found


def funnel_row(case: Case, frame: Frame) -> Row:
    """What connects the window with its place."""
    window = case.positions(frame.t)
    edges = [float(window[k] + case.geometry.left) for k in (0, -1)]
    place = [column(case, frame.t)] * 2
    ends = edges + place if case.gathers else place + edges
    return Row("funnel", "", [Cell(at, "") for at in ends], frame.group)


def weight_rows(case: Case, frame: Frame) -> list[Row]:
    """In a backward pass, the gradient of the kernel that is in use, so far."""
    if not case.backward:
        return []
    rows = [
        Row("space", "", []),
        Row("index", "k", [Cell(k, str(k)) for k in range(case.w.shape[2])]),
    ]
    for i, numbers in enumerate(frame.results["gw"][frame.channel]):
        cells = [Cell(k, number_text(v), now=True) for k, v in enumerate(numbers)]
        rows.append(Row("cells", f"gw[{frame.channel},{i}]", cells, frame.group))
    if "gb" in frame.results:
        number = number_text(frame.results["gb"][frame.channel])
        rows.append(Row("cells", f"gb[{frame.channel}]", [Cell(0, number, True)], frame.group))
    return rows


# ---------------------------------------------------------------------------------------- the words


def number_text(value: float) -> str:
    """A number in few characters: whole, or to two decimals; NaN is nothing."""
    value = float(value)
    if np.isnan(value):
        return ""
    size = abs(value)
    if size >= 1e4 or 0 < size < 0.005:
        mantissa, exponent = f"{value:.{1 if size > 1 else 0}e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def words(case: Case, frame: Frame) -> list[str]:
    """The step as equations, in plain characters."""
    prefix = f"{group_letter(frame.group)}: " if case.geometry.groups > 1 else ""
    lines = []
    if case.gathers:
        lines.append(prefix + sum_text(case, frame))
    else:
        name = "gx" if case.backward else "y"
        places = " ".join("-" if i is None else str(i) for i in frame.sources)
        for c, kernel, products in zip(frame.channels, frame.kernel, frame.products, strict=True):
            lines.append(
                f"{prefix}{name}[{c}] at {places} += {scaled(frame.number, kernel, products)}"
            )
    if case.backward and frame.window is not None and frame.weight_products is not None:
        for i, (window, products) in enumerate(
            zip(frame.window, frame.weight_products, strict=True)
        ):
            name = f"gw[{frame.channel},{i}]"
            lines.append(f"{prefix}{name} += {scaled(frame.number, window, products)}")
        if "gb" in frame.results:
            lines.append(f"{prefix}gb[{frame.channel}] += {number_text(frame.number or 0.0)}")
    return lines


def sum_text(case: Case, frame: Frame) -> str:
    """``y[0,2] = 1*6 + 2*4 - 3*2 = 8``"""
    text = f"{'gx' if case.backward else 'y'}[{frame.channel},{frame.t}] ="
    window = frame.window if frame.window is not None else np.zeros_like(frame.kernel)
    terms = [
        (w, f"{number_text(abs(w))}*{bracketed(v)}")
        for w, v in zip(frame.kernel.flat, window.flat, strict=True)
    ]
    if case.b is not None and not case.backward:
        bias = case.b[frame.channel]
        terms.append((bias, number_text(abs(bias))))
    for i, (sign, term) in enumerate(terms):
        text += (" -" if sign < 0 else " +" if i else "") + (" " if i or sign >= 0 else "") + term
    return f"{text} = {number_text(frame.sum or 0.0)}"


def scaled(number: float | None, numbers: Array, products: Array) -> str:
    """``2*(1, 2, -3) = (2, 4, -6)``"""
    listed = [", ".join(map(number_text, values)) for values in (numbers, products)]
    return f"{bracketed(number or 0.0)}*({listed[0]}) = ({listed[1]})"


def bracketed(value: float) -> str:
    """``2``, but ``(-2)``: a sign does not stand beside another one."""
    text = number_text(value)
    return f"({text})" if text.startswith("-") else text


def title(case: Case) -> str:
    """The call that is shown: its name and the options that are not the default."""
    stride, dilation, _, left, right, _ = case.geometry
    shown = ["conv_transpose1d" if case.transposed else "conv1d"]
    if case.backward:
        shown[0] += " backward"
    if case.options.causal:
        shown.append("causal")
    elif left or right:
        shown.append(f"padding={left}" if left == right else f"padding={left} and {right}")
    if case.options.padding_mode != "zeros":
        shown.append(case.options.padding_mode)
    options = {"stride": stride, "dilation": dilation, "groups": case.options.groups}
    shown += [f"{name}={n}" for name, n in options.items() if n != 1]
    if case.shape[1] < case.out_channels:
        last = case.shape[1] - 1
        which = f"channels 0 to {last}" if last else "channel 0"
        shown.append(f"output {which} of {case.out_channels} …")
    return ", ".join(shown)


def legend(case: Case) -> str:
    """What the dashed cells are; nothing, if there are none."""
    if not case.geometry.left + case.geometry.right:
        return ""
    if case.transposed:
        return "dashed, -: cut off by the padding"
    if case.options.padding_mode == "zeros":
        return "dashed, -: padded with zeros"
    return "dashed, (i): copies position i" + ("; >i: adds to it" if case.backward else "")
