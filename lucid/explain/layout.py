"""Where the boxes of a graph go: layer by layer, as few crossings as possible, lines short.

The steps are those of Sugiyama and others: give every box a layer (the longest way to the end), put
an invisible box into every layer that a line passes, order each layer by where its neighbours are
(the barycenter), and then move the boxes sideways, as close to their neighbours as the order and
the distances between them allow.

K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical System
Structures", IEEE Transactions on Systems, Man, and Cybernetics 11, 1981.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

GAP, ROOM = 14.0, 26.0  # between boxes of one layer, and between two layers
PASSAGE = 8.0  # the width that a passing line takes
LIGHT = 0.02  # how much a box with nothing above it counts beside another
SWEEPS = 12

Point: TypeAlias = tuple[float, float]
Edge: TypeAlias = tuple[int, int]  # from box to box, by their numbers


class Layout(NamedTuple):
    """The middle of each box, the stations of each line, and the size of everything."""

    centers: list[Point]
    routes: list[list[tuple[float, float, float]]]  # x, and the upper and lower y, in each layer
    width: float
    height: float


def layers_of(count: int, edges: Sequence[Edge], far: int) -> list[int]:
    """The layer of each box, from the top: just above the first that uses it.

    A box that would be more than ``far`` layers from all that it is computed from goes to these
    instead. Boxes are numbered so that every edge goes from a lower number to a higher one.
    """
    from_end = [0] * count
    for source, target in sorted(edges, key=lambda edge: -edge[1]):
        from_end[source] = max(from_end[source], from_end[target] + 1)
    last = max(from_end, default=0)
    layers = [last - n for n in from_end]
    sources: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        sources[target].append(source)
    for box in range(count):
        computed = [layers[source] for source in sources[box] if sources[source]]
        if computed and layers[box] - max(computed) > far:
            layers[box] = max(layers[source] for source in sources[box]) + 1
    return layers


def arrange(sizes: Sequence[tuple[float, float]], layers: list[int], edges: list[Edge]) -> Layout:
    """Place boxes of the given sizes, in their layers, along the edges.

    What has nothing above it stands on the left of what it is used by, and gives way to the rest,
    so that the way from one computed box to the next is as straight as can be.
    """
    widths, layer_of = [w for w, _ in sizes], list(layers)
    begins = set(range(len(sizes))) - {target for _, target in edges}
    lines: list[list[int]] = []  # the boxes that each edge passes, its ends included
    links: list[Edge] = []  # from one layer to the next
    for source, target in edges:
        line = [source]
        for layer in range(layers[source] + 1, layers[target]):
            line.append(len(widths))
            widths.append(PASSAGE)
            layer_of.append(layer)
        line.append(target)
        lines.append(line)
        links += itertools.pairwise(line)
    above: list[list[int]] = [[] for _ in widths]
    under: list[list[int]] = [[] for _ in widths]
    for upper, lower in links:
        above[lower].append(upper)
        under[upper].append(lower)
    rows: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    used = {source: k for k, (source, _) in reversed(list(enumerate(edges)))}  # first of all
    for box in sorted(range(len(layer_of)), key=lambda b: (b not in begins, used.get(b, 0))):
        rows[layer_of[box]].append(box)
    rows = ordered(rows, above, under)
    weights = [LIGHT if box in begins else 1.0 for box in range(len(widths))]
    xs = placed(rows, widths, weights, above, under)
    least = min((xs[box] - widths[box] / 2 for row in rows for box in row), default=0.0)
    xs = [x - least + GAP for x in xs]
    heights = [max((sizes[b][1] for b in row if b < len(sizes)), default=0.0) for row in rows]
    tops = [GAP]
    for height in heights:
        tops.append(tops[-1] + height + ROOM)
    middles = [top + height / 2 for top, height in zip(tops, heights, strict=False)]
    centers = [(xs[box], middles[layers[box]]) for box in range(len(sizes))]
    routes = []
    for line in lines:
        spans = [(tops[layer_of[b]], tops[layer_of[b]] + heights[layer_of[b]]) for b in line]
        routes.append([(xs[b], *span) for b, span in zip(line, spans, strict=True)])
    right = max((xs[b] + widths[b] / 2 for b in range(len(xs))), default=0.0)
    return Layout(centers, routes, right + GAP, tops[-1] - ROOM + GAP)


# ------------------------------------------------------------------------------- order in the rows


def ordered(
    rows: list[list[int]], above: list[list[int]], under: list[list[int]]
) -> list[list[int]]:
    """The rows, each sorted by where its neighbours are; of all tries what crosses least."""
    place = [0.0] * len(above)

    def number(row: list[int]) -> None:
        for i, box in enumerate(row):
            place[box] = float(i)

    def sort(row: list[int], neighbours: list[list[int]]) -> None:
        def wanted(box: int) -> float:
            near = neighbours[box] or above[box] or under[box]
            return sum(place[n] for n in near) / len(near) if near else place[box]

        row.sort(key=wanted)
        number(row)

    for row in rows:
        number(row)
    best, fewest = [list(row) for row in rows], crossings(rows, under, place)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        for row in rows[1:] if sweep % 2 else rows[-2::-1]:
            sort(row, above if sweep % 2 else under)
        count = crossings(rows, under, place)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
    return best


def crossings(rows: list[list[int]], under: list[list[int]], place: list[float]) -> int:
    """How many pairs of lines cross."""
    count = 0
    for row in rows:
        ends = [place[lower] for box in row for lower in sorted(under[box], key=place.__getitem__)]
        # Lines in the order of their upper ends: each pair of lower ends in the wrong order crosses
        seen: list[float] = []
        for end in ends:
            count += sum(1 for other in seen if other > end)
            seen.append(end)
    return count


# ---------------------------------------------------------------------------------- places in rows


def placed(
    rows: list[list[int]],
    widths: list[float],
    weights: list[float],
    above: list[list[int]],
    under: list[list[int]],
) -> list[float]:
    """The middle of each box along its row."""
    xs = [0.0] * len(widths)
    for row in rows:
        spread(row, xs, widths, weights)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            for box in row:
                near = above[box] + under[box]
                total = sum(weights[n] for n in near)
                if near:
                    xs[box] = sum(xs[n] * weights[n] for n in near) / total
            spread(row, xs, widths, weights)
    return xs


def spread(row: list[int], xs: list[float], widths: list[float], weights: list[float]) -> None:
    """Move the boxes of a row apart, in their order, by the least weighted sum of squares.

    With the distances that they need subtracted, this is a regression with rising values: boxes
    that come too close form a block, which stands at the mean of what its boxes want.
    """
    offset, offsets = 0.0, []
    for i, box in enumerate(row):
        if i:
            offset += (widths[row[i - 1]] + widths[box]) / 2 + GAP
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # the mean of a block, its weight, how many boxes
    for box, start in zip(row, offsets, strict=True):
        mean, weight, count = xs[box] - start, weights[box], 1
        while blocks and blocks[-1][0] > mean:
            other, more, boxes = blocks.pop()
            mean = (mean * weight + other * more) / (weight + more)
            weight, count = weight + more, count + boxes
        blocks.append((mean, weight, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    for box, mean, start in zip(row, means, offsets, strict=True):
        xs[box] = mean + start
