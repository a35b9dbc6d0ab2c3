"""An animation as a GIF, by matplotlib: for slides, and where no SVG is shown."""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np

from lucid.explain.animate_shapes import FONT, Box, Line, Picture, Shape
from lucid.explain.animate_svg import LIGHT

SCALE = 2  # pixels of the file for each unit of the picture


def draw_gif(picture: Picture, seconds: float) -> bytes:
    """All steps, again and again, each for ``seconds``."""
    try:
        figure = importlib.import_module("matplotlib.figure")
        agg = importlib.import_module("matplotlib.backends.backend_agg")
        image = importlib.import_module("PIL.Image")  # matplotlib needs it, too
    except ImportError:
        raise ImportError(
            "GIFs are drawn by matplotlib, which is not installed\n"
            "  try: pip install 'lucid-edu[plot]', or save as .svg or .html, which need nothing"
        ) from None
    images = []
    for step in picture.steps:
        # 72 units are an inch; so a font's size in points is its size in units
        page = figure.Figure((picture.width / 72, picture.height / 72), dpi=72 * SCALE)
        page.set_facecolor(LIGHT["paper"])
        axes = page.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, picture.width), ylim=(picture.height, 0))
        axes.axis("off")
        for order, shape in enumerate(step):
            draw_shape(axes, shape, order)
        canvas = agg.FigureCanvasAgg(page)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # all of it is opaque
        images.append(image.fromarray(np.ascontiguousarray(pixels)))
    file = io.BytesIO()
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], duration=seconds * 1000, loop=0
    )
    return file.getvalue()


def draw_shape(axes: Any, shape: Shape, order: int) -> None:
    """One shape, on top of those before it, in the colours that its look stands for."""
    look = shape.look.split()
    group = next((name[1] for name in look if name in ("g0", "g1", "g2", "g3")), None)
    line = LIGHT["edge"] if group is None else LIGHT[f"l{group}"]
    if isinstance(shape, Box):
        patches = importlib.import_module("matplotlib.patches")
        fill = LIGHT["pad" if "pad" in look else "paper"]
        if group is not None:
            fill = LIGHT[f"f{group}"] if "now" in look else line
        axes.add_patch(
            patches.FancyBboxPatch(
                (shape.x, shape.y), shape.width, shape.height,
                boxstyle=f"round,pad=0,rounding_size={min(shape.radius, shape.width / 2)}",
                facecolor=fill, edgecolor=line, linewidth=2 if "now" in look else 1,
                linestyle=(0, (3, 2.5)) if "pad" in look else "-", zorder=order,
            )
        )  # fmt: skip
        if shape.text:
            draw_shape(axes, shape.words, order)
    elif isinstance(shape, Line):
        axes.plot(
            [shape.x, shape.to_x], [shape.y, shape.to_y], color=line, linewidth=1, zorder=order
        )
    else:
        faint = {"index", "note", "faint"} & set(look)
        axes.text(
            shape.x, shape.y, shape.text, fontfamily="monospace",
            fontsize=FONT - 1 if {"index", "label"} & set(look) else FONT,
            fontweight="bold" if "title" in look else "normal",
            color=LIGHT["faint" if faint else "ink"], parse_math=False, zorder=order,
            ha="left" if shape.anchor == "start" else "center", va="baseline",
        )  # fmt: skip
