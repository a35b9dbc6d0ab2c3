"""A graph as SVG.

The picture has colours of its own for the boxes, in two sets, light and dark, of which the reader's
settings choose (``prefers-color-scheme``); lines are of a grey that is seen on either. Boxes differ
by their form as well. Nothing in it has an id, so two pictures on one page cannot get in each
other's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lucid.explain.layout import Edge, arrange, layers_of
from lucid.notebook import markup

LETTER, LINE = 7.4, 16.0  # of the 12 pixel monospaced font: the widest in use, and a line
LONGEST = 26  # letters of a label
#: So many layers a line from a tensor, or from an op, may pass.
NEAR, FAR = 6, 24

STYLE = """
.lucid-graph text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;
text-anchor:middle}
.lucid-graph .small{font-size:11px}
.lucid-graph path{fill:none;stroke:#808590;stroke-width:1.3}
.lucid-graph polygon{fill:#808590}
.lucid-graph rect{stroke-width:1.3}
.lucid-graph .data rect{stroke-dasharray:4 3}
.lucid-graph .end rect{stroke-width:3}
.lucid-graph .op rect{fill:#e9effc;stroke:#4a6cb8}.lucid-graph .op text{fill:#15234a}
.lucid-graph .parameter rect,.lucid-graph .leaf rect{fill:#fdf1dc;stroke:#a86f14}
.lucid-graph .parameter text,.lucid-graph .leaf text{fill:#402a00}
.lucid-graph .data rect{fill:#eaf5ec;stroke:#3a8549}.lucid-graph .data text{fill:#10381a}
@media (prefers-color-scheme:dark){
.lucid-graph .op rect{fill:#1f2c4d;stroke:#86a5ee}.lucid-graph .op text{fill:#e8eeff}
.lucid-graph .parameter rect,.lucid-graph .leaf rect{fill:#43320f;stroke:#dda750}
.lucid-graph .parameter text,.lucid-graph .leaf text{fill:#fff1d6}
.lucid-graph .data rect{fill:#183a20;stroke:#6fc17d}.lucid-graph .data text{fill:#e4f7e7}}
""".replace("\n", "")


class Box(NamedTuple):
    """An op or a tensor.

    Attributes
    ----------
    kind : str
        ``"op"``, ``"parameter"``, ``"leaf"`` or ``"data"``.
    label : str
        The name of the op's class, or of the tensor.
    shape : tuple of int
        Of the tensor, or of what the op computes.
    sources : tuple of int
        The numbers of the boxes that an op takes its inputs from.
    tip : str
        What is shown for who points at it.
    """

    kind: str
    label: str
    shape: tuple[int, ...]
    sources: tuple[int, ...]
    tip: str


def draw(boxes: Sequence[Box], title: str) -> str:
    """The boxes as a picture."""
    edges = [(source, i) for i, box in enumerate(boxes) for source in box.sources]
    layers = layers_of(len(boxes), edges, FAR)
    near = [edge for edge in edges if is_near(boxes, layers, edge)]
    texts = lines_of(boxes, [edge for edge in edges if not is_near(boxes, layers, edge)])
    sizes = [(max(map(len, text)) * LETTER + 16, len(text) * LINE + 8) for text in texts]
    places = arrange(sizes, layers, near)
    parts = lines_between(boxes, sizes, near, places.routes, places.centers)
    for i, (box, text, size, center) in enumerate(
        zip(boxes, texts, sizes, places.centers, strict=True)
    ):
        kind = f"{box.kind} end" if i == len(boxes) - 1 else box.kind
        parts.append(drawn(box, text, size, center, kind))
    width, height = round(places.width), round(places.height)
    # Smaller than that, letters cannot be read: then the page scrolls.
    style = f"max-width:100%;min-width:{round(0.8 * width)}px;height:auto"
    what = "Autograd graph"
    last = f"It ends in {boxes[-1].label} {boxes[-1].shape}."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lucid-graph" role="img" '
        f'aria-label="{what}: {markup(title)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" style="{style}"><title>{what}</title>'
        f"<desc>{markup(title)}. From top to bottom. {markup(last)}</desc>"
        f"<style>{STYLE}</style>{''.join(parts)}</svg>"
    )


def is_near(boxes: Sequence[Box], layers: Sequence[int], edge: Edge) -> bool:
    """Whether a line is short enough to be followed."""
    source, target = edge
    most = FAR if boxes[source].kind == "op" else NEAR
    return layers[target] - layers[source] <= most


def lines_of(boxes: Sequence[Box], far: Sequence[Edge]) -> list[list[str]]:
    """What stands in each box: its label, its shape, and the other ends of lines not drawn."""
    texts = [[short(box.label), short(str(box.shape))] for box in boxes]
    for source in sorted({source for source, _ in far if boxes[source].kind == "op"}):
        texts[source][0] = f"%{source} {texts[source][0]}"
    for source, target in far:
        name = f"%{source}" if boxes[source].kind == "op" else short(boxes[source].label)
        if f"from {name}" not in texts[target]:
            texts[target].append(f"from {name}")
    for text in texts:
        if len(text) > 5:  # of very many, say how many
            text[4:] = [f"and {len(text) - 4} more"]
    return texts


def short(text: str) -> str:
    """A text that fits into a box: of a long one both ends."""
    if len(text) <= LONGEST:
        return text
    half = (LONGEST - 1) // 2
    return f"{text[: LONGEST - 1 - half]}…{text[-half:]}"


def drawn(
    box: Box, text: list[str], size: tuple[float, float], center: tuple[float, float], kind: str
) -> str:
    """One box: what it shows when pointed at, its frame, its lines of text."""
    (width, height), (x, y) = size, center
    left, top = x - width / 2, y - height / 2
    round_by = 4 if box.kind == "op" else 14
    rows = []
    for i, line in enumerate(text):
        small = ' class="small"' if i else ""
        rows.append(f'<text x="{x:.1f}" y="{top + 16 + i * LINE:.1f}"{small}>{markup(line)}</text>')
    return (
        f'<g class="{kind}"><title>{markup(box.tip)}</title>'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{round_by}"/>{"".join(rows)}</g>'
    )


def lines_between(
    boxes: Sequence[Box],
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[Edge],
    routes: Sequence[list[tuple[float, float, float]]],
    centers: Sequence[tuple[float, float]],
) -> list[str]:
    """The lines, with their heads: those to one box arrive side by side, as they come."""
    arriving: dict[int, list[int]] = {}
    for number, (_, target) in enumerate(edges):
        arriving.setdefault(target, []).append(number)
    parts = []
    for target, lines in arriving.items():
        lines.sort(key=lambda number: routes[number][-2][0])
        for k, number in enumerate(lines):
            source = edges[number][0]
            width = sizes[target][0]
            end_x = centers[target][0] + width * ((k + 1) / (len(lines) + 1) - 0.5)
            end_y = centers[target][1] - sizes[target][1] / 2
            x, y = centers[source][0], centers[source][1] + sizes[source][1] / 2
            path = [f"M{x:.1f} {y:.1f}"]
            for passing, upper, lower in routes[number][1:-1]:
                path += [curve(x, y, passing, upper), f"V{lower:.1f}"]
                x, y = passing, lower
            path.append(curve(x, y, end_x, end_y - 5))
            head = f"{end_x - 3.5:.1f},{end_y - 6:.1f} {end_x + 3.5:.1f},{end_y - 6:.1f}"
            parts.append(
                f'<path d="{"".join(path)}"/><polygon points="{head} {end_x:.1f},{end_y:.1f}"/>'
            )
    return parts


def curve(x: float, y: float, to_x: float, to_y: float) -> str:
    """A line that leaves and arrives upright."""
    middle = (y + to_y) / 2
    return f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
