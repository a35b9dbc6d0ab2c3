"""All ratios in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # draws to a file; needs no screen
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from benchmarks.targets import TITLES, amount, best_peer, telling

__all__ = ["draw"]

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart also by the colour-blind
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def draw(results: dict[str, Any], path: Path) -> None:
    """One panel for each kind of case: right of the line at 1, lucid is faster."""
    sections = [s for s in TITLES if results.get(s)]
    longest = max(len({c["name"] for c in results[s]}) for s in sections)
    figure, panels = plt.subplots(
        1,
        len(sections),
        figsize=(4.6 * len(sections), 1.6 + 0.2 * max(longest, 8)),
        layout="constrained",
        squeeze=False,
    )
    for section, axes in zip(sections, panels[0], strict=True):
        panel(axes, results, section)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.savefig(path, dpi=110, metadata={"Software": None})  # no version: the file stays equal
    plt.close(figure)


def panel(axes: Any, results: dict[str, Any], section: str) -> None:
    """The median ratios of one section, each with its quartiles as a line."""
    names = list(dict.fromkeys(c["name"] for c in results[section]))
    axes.axvline(1, color="black", linewidth=1)
    several = len(results["threads"]) > 1
    for i, threads in enumerate(results["threads"]):
        cases = telling(c for c in results[section] if c["threads"] == threads)
        shift = 0.3 * (i / (len(results["threads"]) - 1) - 0.5) if several else 0.0
        heights = [names.index(c["name"]) + shift for c in cases]
        ratios = [c["ratios"][best_peer(c)] for c in cases]
        color = COLORS[i % len(COLORS)]
        axes.hlines(
            heights, [r["low"] for r in ratios], [r["high"] for r in ratios], color, linewidth=1
        )
        axes.plot(
            [r["median"] for r in ratios], heights, "o", color=color, markersize=4,
            label=amount(threads),
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first on top
    axes.grid(axis="x", color="0.85", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(TITLES[section])
    axes.set_xlabel("times as fast as the best peer")
    axes.tick_params(labelsize=8)
