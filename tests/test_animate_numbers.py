"""Animated convolutions: every number that is drawn, beside one from a plain loop.

The numbers are read out of what a reader sees, the rows of the text and those of the SVG, and are
compared with loops over lists that use nothing of lucid.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_animate import MODES, convolutions, whole

import lucid
import lucid.nn.functional as F
from lucid.explain import animate_conv1d

# ----------------------------------------------------------------------------------- plain loops


def source(p, L, mode):
    """The position that stands at p; None beyond the ends, where there are zeros."""
    if 0 <= p < L:
        return p
    if mode == "reflect":
        return -p if p < 0 else 2 * (L - 1) - p
    if mode == "replicate":
        return 0 if p < 0 else L - 1
    return p % L if mode == "circular" else None


class Loop:
    """What is to be seen at each step, row by row, as lists of words; blanks are left out."""

    def __init__(self, x, w, b, g, options):
        self.x, self.w, self.b, self.g = x, w, b, g
        self.s, self.d = options.get("stride", 1), options.get("dilation", 1)
        self.groups, self.mode = options.get("groups", 1), options.get("padding_mode", "zeros")
        self.transposed, K = options.get("transposed", False), len(w[0][0])
        self.left = self.right = options.get("padding", 0)
        if options.get("causal"):
            self.left, self.right = self.d * (K - 1), 0
        reach = self.d * (K - 1) + 1
        if self.transposed:
            T = (len(x[0]) - 1) * self.s + reach - 2 * self.left + options["output_padding"]
            self.y_shape = len(w[0]) * self.groups, T
            self.short, self.L = x, T
            # what is cut off on the right; output_padding may show more than there is
            self.right = max(0, (len(x[0]) - 1) * self.s + reach - T - self.left)
        else:
            T = (len(x[0]) + self.left + self.right - reach) // self.s + 1
            self.y_shape, self.L = (len(w), T), len(x[0])
            self.short = [[0] * T for _ in w]
        self.gx = [[0] * len(row) for row in x]
        self.gw = [[[0] * K for _ in rows] for rows in w]
        self.gb = [0] * self.y_shape[0]
        self.y = [[0 if b is None else b[o]] * self.y_shape[1] for o in range(self.y_shape[0])]

    def places(self):
        """Each place of the kernel, in turn."""
        return [(s, t) for s in range(len(self.short)) for t in range(len(self.short[0]))]

    def window(self, s, t):
        """(channel of the long row, its number in the group, tap, position, where that is from)"""
        each = len(self.w[s])
        first = s * self.groups // len(self.short) * each
        for i in range(each):
            for k in range(len(self.w[s][i])):
                p = t * self.s + k * self.d - self.left
                yield first + i, i, k, p, source(p, self.L, self.mode)

    def add(self, s, t):
        """Carry out one step."""
        for c, i, k, _, q in self.window(s, t):
            weight = self.w[s][i][k]
            read = None if q is None else (self.g if self.transposed else self.x)
            if self.g is None and self.transposed:
                if q is not None:
                    self.y[c][q] += self.x[s][t] * weight
            elif self.g is None:
                self.y[s][t] += 0 if q is None else self.x[c][q] * weight
            elif self.transposed:
                self.gx[s][t] += 0 if q is None else self.g[c][q] * weight
                self.gw[s][i][k] += 0 if q is None else read[c][q] * self.x[s][t]
            elif q is not None:
                self.gx[c][q] += self.g[s][t] * weight
                self.gw[s][i][k] += self.g[s][t] * read[c][q]
        if self.g is not None and not self.transposed:
            self.gb[s] += self.g[s][t]

    def rows(self, s, t):
        """The rows after a step, by their labels."""
        done = (s, t)
        seen = {f"w[{s},{i}]": list(map(str, taps)) for i, taps in enumerate(self.w[s])}
        if self.g is None:
            if self.transposed:
                seen |= self.plain("x", self.x) | self.written("y", self.y, s, t)
            else:
                seen |= self.read("x", self.x) | self.so_far("y", self.y, done)
            return seen
        seen |= {f"gw[{s},{i}]": list(map(str, taps)) for i, taps in enumerate(self.gw[s])}
        if self.transposed:
            seen |= self.read("g", self.g) | self.plain("x", self.x)
            return seen | self.so_far("gx", self.gx, done)
        seen |= self.plain("g", self.g) | self.read("x", self.x)
        if self.b is not None:
            seen[f"gb[{s}]"] = [str(self.gb[s])]
        return seen | self.written("gx", self.gx, s, t)

    def positions(self):
        return range(-self.left, self.L + self.right)

    def plain(self, name, rows):
        return {f"{name}[{c}]": list(map(str, row)) for c, row in enumerate(rows)}

    def so_far(self, name, rows, done):
        return {
            f"{name}[{c}]": [str(v) for t, v in enumerate(row) if (c, t) <= done]
            for c, row in enumerate(rows)
        }

    def read(self, name, rows):
        """A row with its padding; what a transposed convolution cuts off is blank."""
        found = {}
        for c, row in enumerate(rows):
            sources = [source(p, self.L, self.mode) for p in self.positions()]
            beyond = [] if self.transposed else ["0"]
            found[f"{name}[{c}]"] = [
                word for q in sources for word in (beyond if q is None else [str(row[q])])
            ]
        return found

    def written(self, name, rows, s, t):
        """A row that is added to; beyond its ends, where the window is: ``>i`` or ``-``."""
        covered = {(c, p) for c, _, _, p, _ in self.window(s, t)}
        found = {}
        for c, row in enumerate(rows):
            words = []
            for p in self.positions():
                q = source(p, self.L, self.mode)
                if 0 <= p < self.L:
                    words.append(str(row[p]))
                elif (c, p) in covered:
                    words.append("-" if q is None else f">{q}")
            found[f"{name}[{c}]"] = words
        return found


# ------------------------------------------------------------------------------ what is to be seen

LABEL = r"(?:[A-Z] )?((?:x|y|g|gx|gw|gb|w)\[[\d,]+\]) "


def rows_of_text(text):
    """The words of every row, by its label."""
    found = {}
    for line in text.split("\n"):
        if (match := re.match(LABEL, line)) and not re.match(r" *(=|at|\+=)", line[match.end() :]):
            words = line[match.end() :].replace("[", " ").replace("]", " ").split()
            found[match[1]] = [word for word in words if word != "."]
    return found


def rows_of_svg(svg):
    """The same from a picture: what stands beside a label, from left to right."""
    texts = []
    for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        words = e.text.replace("−", "-").replace("→", ">")
        texts.append((e.get("class"), float(e.get("x")), float(e.get("y")), words))
    found = {}
    for look, _, y, words in texts:
        if look == "label" and (match := re.fullmatch(LABEL, f"{words} ")):
            beside = [t for t in texts if t[0] in ("number", "faint") and abs(t[2] - y) < 4]
            found[match[1]] = [t[3] for t in sorted(beside, key=lambda t: t[1])]
    return found


def check_sentences(text, loop, s, t):
    """The equations below the rows, computed again."""
    lines = text.replace("\n    ", " ").split("\n")
    sums = [m for line in lines if (m := re.match(r"(?:\w: )?(y|gx)\[(\d+),(\d+)\] = ", line))]
    for match in sums:
        terms, result = match.string[match.end() :].split(" = ")
        value = {"y": loop.y, "gx": loop.gx}[match[1]][s][t]
        assert (int(match[2]), int(match[3])) == (s, t)
        assert eval(terms) == int(result) == value
    added = r"(?:\w: )?(\w+)\[([\d,]+)\](?: at ([\d -]+))? \+= \(?(-?\d+)\)?\*\((.*)\) = \((.*)\)"
    windows = list(loop.window(s, t))
    equations = [m for line in lines if (m := re.match(added, line))]
    for match in equations:
        name, place, at, number, factors, products = match.groups()
        factors, products = ([int(v) for v in part.split(",")] for part in (factors, products))
        assert [int(number) * f for f in factors] == products
        assert int(number) == (loop.x if loop.transposed else loop.g)[s][t]
        if name == "gw":
            assert place.split(",")[0] == str(s)
            of = [v for v in windows if v[1] == int(place.split(",")[1])]
            read = loop.g if loop.transposed else loop.x
            assert factors == [0 if q is None else read[c][q] for c, _, _, _, q in of]
        else:
            of = [v for v in windows if v[0] == int(place)]
            assert at.split() == ["-" if q is None else str(q) for *_, q in of]
            assert factors == [loop.w[s][i][k] for _, i, k, _, _ in of]
    assert sums or equations


def check(x, w, b, g, options):
    """Every number of every step, in text and in the picture."""
    rest = {"backward": True, "grad": g} if g is not None else {}
    animation = animate_conv1d(x, w, b, **options, **rest)
    lists = [
        None if a is None else [[int(v) for v in row] for row in a.tolist()[0]] for a in (x, g)
    ]
    weights = [[[int(v) for v in taps] for taps in rows] for rows in w.tolist()]
    biases = None if b is None else [*map(int, b.tolist())]
    loop = Loop(lists[0], weights, biases, lists[1], options)
    assert len(animation) == len(loop.places())
    for frame, (s, t) in enumerate(loop.places()):
        loop.add(s, t)
        expected, text = loop.rows(s, t), animation.text(frame)
        assert rows_of_text(text) == expected
        assert rows_of_svg(animation.svg(frame)) == expected
        check_sentences(text, loop, s, t)


@given(convolutions(), st.integers(0, 2**32 - 1), st.booleans())
def test_convolutions(convolution, seed, backward):
    x, w, b, options = convolution
    g = whole(seed, F.conv1d(x, w, b, **options)) if backward else None
    check(x, w, b, g, options)


@given(convolutions(transposed=True), st.integers(0, 2**32 - 1), st.booleans())
def test_transposed_convolutions(convolution, seed, backward):
    x, w, b, options = convolution
    g = whole(seed, F.conv_transpose1d(x, w, b, **options)) if backward else None
    check(x, w, b, g, {**options, "transposed": True})


@given(convolutions(), st.sampled_from(MODES), st.integers(0, 2**32 - 1), st.booleans())
def test_causal_convolutions(convolution, mode, seed, backward):
    x, w, b, options = convolution
    options = {**options, "causal": True, "padding": 0, "padding_mode": mode}
    left = options["dilation"] * (w.shape[2] - 1)
    if left > x.shape[2] - 1 and mode in ("reflect", "circular"):
        return
    T = (x.shape[2] - 1) // options["stride"] + 1
    g = whole(seed, lucid.zeros(1, w.shape[0], T)) if backward else None
    del options["padding"]
    check(x, w, b, g, options)


@pytest.mark.parametrize("row", ["x[0]", "y[0]", "w[0,0]"])
def test_a_number_that_is_wrong_would_be_seen(row):
    animation = animate_conv1d(length=5)
    text, svg = animation.text(2), animation.svg(2)
    assert rows_of_text(text) == rows_of_svg(svg)
    line = next(line for line in text.split("\n") if line.startswith(row))
    wrong = text.replace(line, re.sub(r"(\d)(\]?)$", r"9\2", line.rstrip(" .")))
    assert rows_of_text(wrong) != rows_of_svg(svg)
