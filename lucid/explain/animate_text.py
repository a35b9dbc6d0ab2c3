"""A step as text, for a terminal."""

from __future__ import annotations

import textwrap

from lucid.explain.animate_scene import Row, Scene

WIDTH = 96  # what words are broken at; rows are as wide as they are


def draw_text(scenes: list[Scene], i: int, title: str, legend: str) -> str:
    """The i-th of ``scenes``. Columns are wide enough for all of them, so that nothing jumps."""
    rows = [row for scene in scenes for row in scene.rows]
    # an index needs a space beside it, a number two brackets
    width = max(len(c.text) + (1 if row.kind == "index" else 2) for row in rows for c in row.cells)
    margin = 1 + max(len(row.label) for row in rows)
    lines = textwrap.wrap(f"{title.replace('…', '...')}: step {i + 1} of {len(scenes)}", WIDTH)
    for row in scenes[i].rows:
        if row.cells and row.kind != "funnel":
            lines.append(draw_row(row, margin, width))
    for line in scenes[i].words:
        lines += textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    plain = legend.removeprefix("dashed, ")
    return "\n".join([*lines, plain] if plain else lines)


def draw_row(row: Row, margin: int, width: int) -> str:
    """A label, and the cells; those of the window in brackets, those still to come as dots."""
    line = row.label.ljust(margin)
    for cell in row.cells:
        text = cell.text
        if row.kind == "cells":
            text = f"[{text or '.'}]" if cell.now else text or ("" if cell.pad else ".")
        elif row.kind == "kernel":
            text = text or "."
        # a bracket stands to the right of where the number of a plain cell ends
        end = margin + round(cell.at * width) + width - (0 if text.endswith("]") else 1)
        line = line.ljust(end - len(text)) + text
    return line.rstrip()
