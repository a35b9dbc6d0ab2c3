"""Where the ink goes: the rows of a step as boxes, lines and words, in units of one pixel.

The page is 400 units wide, or more for long rows, so that on a telephone's screen a unit is about a
pixel. Nothing here knows of colours: each shape says what it is, and SVG and the GIF look it up.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from lucid.explain.animate_scene import Cell, Row, Scene

PAGE, BORDER = 400.0, 8.0
WORDS = 410.0  # how wide words may be: of a wider picture, a telephone shows so much at a time
FONT, LINE = 12.0, 17.0
GLYPH = 0.605  # how wide a character of a monospaced font is, by its size
HEIGHTS = {"index": 15.0, "cells": 27.0, "kernel": 25.0, "funnel": 20.0, "space": 8.0}
GROUP_COLOURS = 4


class Box(NamedTuple):
    """A rectangle with a number in it; ``look`` lists names that ``animate_svg`` has rules for."""

    x: float
    y: float
    width: float
    height: float
    look: str
    radius: float = 2.0
    text: str = ""
    text_look: str = "number"

    @property
    def words(self) -> Words:
        """The number, by itself."""
        foot = self.y + self.height / 2 + FONT * 0.36
        return Words(self.x + self.width / 2, foot, self.text, self.text_look)


class Line(NamedTuple):
    """From one point to another."""

    x: float
    y: float
    to_x: float
    to_y: float
    look: str


class Words(NamedTuple):
    """Text on one line, its middle (or its start) at x, its foot at y."""

    x: float
    y: float
    text: str
    look: str
    anchor: str = "middle"


Shape = Box | Line | Words


@dataclass(frozen=True)
class Picture:
    """All steps: the size that holds each of them, and their shapes."""

    width: float
    height: float
    steps: list[list[Shape]]


def draw(scenes: list[Scene], title: str, legend: str) -> Picture:
    """Every step in the same frame: one width of cells, and room for the longest words."""
    rows = [row for scene in scenes for row in scene.rows]
    columns = max(cell.at for row in rows for cell in row.cells) + 1
    indices = max(len(cell.text) for row in rows for cell in row.cells if row.kind == "index")
    numbers = max(len(short(c.text)) for row in rows for c in row.cells if row.kind != "index")
    least = max(FONT * GLYPH * numbers + 3.5, (FONT - 1) * GLYPH * indices + 1)
    margin = BORDER + (FONT - 1) * GLYPH * max(len(row.label) for row in rows) + 7
    fitting = (PAGE - margin - BORDER) / columns
    size = max(least, min(fitting, 34.0))
    width = max(PAGE, margin + columns * size + BORDER)
    chars = int((min(width, WORDS) - 2 * BORDER) / (FONT * GLYPH))
    heading = textwrap.wrap(title, chars)
    footing = textwrap.wrap(legend, chars)
    below = max(sum(len(wrapped(line, chars)) for line in scene.words) for scene in scenes)
    inside = sum(HEIGHTS[row.kind] for row in scenes[0].rows)
    height = 2 * BORDER + LINE * (len(heading) + below + len(footing)) + inside + 10

    pen = Pen(margin, size, chars)
    steps = [pen.draw(scene, heading, below, footing) for scene in scenes]
    return Picture(round(width, 1), round(height, 1), steps)


def split(steps: list[list[Shape]]) -> tuple[list[Shape], list[list[Shape]]]:
    """What stands in the same place in every step as it is in most, and what each step has else.

    A step is the first with the second on top of it: boxes are opaque, so one hides another. This
    makes files several times smaller.
    """
    seen: dict[tuple[float | str, ...], Counter[Shape]] = {}
    for step in steps:
        for shape in step:
            seen.setdefault(place(shape), Counter())[shape] += 1
    below = {
        where: shapes.most_common(1)[0][0]
        for where, shapes in seen.items()
        if shapes.total() == len(steps)
    }
    on_top = [[shape for shape in step if below.get(place(shape)) != shape] for step in steps]
    return list(below.values()), on_top


def place(shape: Shape) -> tuple[float | str, ...]:
    """What a shape hides: of a box another of its size there; lines and words hide nothing."""
    return shape[:4] if isinstance(shape, Box) else shape


def wrapped(line: str, chars: int) -> list[str]:
    """The lines of a sum, broken at spaces."""
    return textwrap.wrap(line, chars, subsequent_indent="    ", break_on_hyphens=False)


def short(number: str) -> str:
    """A number in a cell, where room is scarce: .57 for 0.57."""
    for sign in ("", "-"):
        if number.startswith(f"{sign}0."):
            return sign + number[len(sign) + 1 :]
    return number


def pretty(line: str) -> str:
    """With the signs of print in place of those of a keyboard."""
    return line.replace("*", "·").replace("-", "−").replace(">", "→")


class Pen:
    """Draws row below row; every step has the same rows, some of them empty."""

    def __init__(self, margin: float, size: float, chars: int) -> None:
        self.margin, self.size, self.chars = margin, size, chars
        self.y = BORDER
        self.shapes: list[Shape] = []

    def draw(self, scene: Scene, heading: list[str], below: int, footing: list[str]) -> list[Shape]:
        """All shapes of one step."""
        self.y, self.shapes = BORDER, []
        for line in heading:
            self.write(line, "title")
        self.y += 4
        for row in scene.rows:
            self.draw_row(row)
            self.y += HEIGHTS[row.kind]
        self.y += 6
        bottom = self.y + below * LINE
        for line in scene.words:
            for part in wrapped(line, self.chars):
                self.write(pretty(part), "sum")
        self.y = bottom
        for line in footing:
            self.write(pretty(line), "note")
        return self.shapes

    def write(self, line: str, look: str) -> None:
        """A line of text from the left."""
        indent = (len(line) - len(line.lstrip())) * FONT * GLYPH
        self.y += LINE
        self.shapes.append(Words(BORDER + indent, self.y - 5, line.strip(), look, "start"))

    def left(self, at: float) -> float:
        """Where a column begins."""
        return self.margin + at * self.size

    def draw_row(self, row: Row) -> None:
        """A label and its cells, or the lines of a funnel."""
        colour = f"g{row.group % GROUP_COLOURS}"
        if row.kind == "funnel":
            self.draw_funnel(row, colour)
            return
        height = HEIGHTS[row.kind] - 3
        foot = self.y + (height - 1 if row.kind == "index" else height / 2 + FONT * 0.36)
        if row.label:
            self.shapes.append(Words(BORDER, foot, row.label, "label", "start"))
        if row.kind == "kernel" and row.cells:
            middle = self.y + height / 2
            ends = [self.left(row.cells[i].at) + self.size / 2 for i in (0, -1)]
            self.shapes.append(Line(ends[0], middle, ends[1], middle, colour))
        for cell in row.cells:
            x = self.left(cell.at)
            if row.kind == "index":
                self.shapes.append(Words(x + self.size / 2, foot, pretty(cell.text), "index"))
                continue
            self.draw_cell(cell, x, height, row.kind, colour)

    def draw_cell(self, cell: Cell, x: float, height: float, kind: str, colour: str) -> None:
        """A box: filled under the window, dashed if padded, round for a weight."""
        middle = x + self.size / 2, self.y + height / 2
        if kind == "kernel" and cell.gap:
            self.shapes.append(Box(middle[0] - 2, middle[1] - 2, 4, 4, f"dot {colour}"))
            return
        look = f"now {colour}" if cell.now else "gap" if cell.gap else "cell"
        if cell.pad:
            look += " pad"
        radius = height / 2 if kind == "kernel" else 2.0
        text = pretty(short(cell.text))
        faint = "faint" if cell.pad and not cell.now else "number"
        box = Box(x + 1, self.y, self.size - 2, height, look, radius, text, faint)
        self.shapes.append(box)

    def draw_funnel(self, row: Row, colour: str) -> None:
        """From the edges of the window to those of the place, or the other way round."""
        above, above_end, below, below_end = (self.left(cell.at) for cell in row.cells)
        top, bottom = self.y - 1, self.y + HEIGHTS["funnel"] - 3
        right = self.size - 1
        self.shapes.append(Line(above + 1, top, below + 1, bottom, colour))
        self.shapes.append(Line(above_end + right, top, below_end + right, bottom, colour))
