"""The models of ``tests/models``, trained in lucid and in PyTorch: accuracies, and times of steps.

``python -m benchmarks.accuracy`` needs the extras [bench] and [sktime], and takes some minutes.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lucid
from benchmarks.timing import race

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))  # the models belong to the tests, which are no package

from models import MODELS, model, twin  # noqa: E402  (see above)
from models.data import DATA_SETS, load  # noqa: E402  (see above)

EPOCHS, BATCH, SEEDS, THREADS = 30, 32, 5, (1, 2)


class Run:
    """One model of one framework, and how it is trained: AdamW, one cycle, clipped gradients."""

    def __init__(self, lib: Any, net: Any, x: Any, labels: Any, seed: int) -> None:
        self.lib, self.net, self.seed = lib, net, seed
        self.x, self.labels = lib.from_numpy(x.copy()), lib.from_numpy(labels.copy())
        with lib.no_grad():
            net(self.x[:2])  # lazy layers see an input
        steps = EPOCHS * -(-len(x) // BATCH)
        self.optimizer = lib.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
        self.schedule = lib.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=1e-2, total_steps=steps
        )

    def step(self, index: Any) -> None:
        """One step on the samples of an index."""
        chosen = self.lib.from_numpy(index)
        self.optimizer.zero_grad()
        scores = self.net(self.x[chosen])
        self.lib.nn.functional.cross_entropy(scores, self.labels[chosen]).backward()
        self.lib.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()

    def train(self) -> None:
        """All epochs; both frameworks see the samples in the same order."""
        order = np.random.default_rng(self.seed)
        for _ in range(EPOCHS):
            shuffled = order.permutation(len(self.x))
            for start in range(0, len(shuffled), BATCH):
                self.step(shuffled[start : start + BATCH])
                self.schedule.step()

    def accuracy(self, x: Any, labels: Any) -> float:
        """The part of the samples that gets the highest score for the right class."""
        self.net.eval()
        with self.lib.no_grad():
            found = self.net(self.lib.from_numpy(x.copy())).argmax(1).numpy()
        self.net.train()
        return float((found == labels).mean())


def frameworks(file: str) -> dict[str, tuple[Any, Callable[[int], Any]]]:
    """The two, and a model of each."""
    return {"lucid": (lucid, model(file)), "PyTorch": (torch, twin(file))}


def compare(file: str, name: str) -> dict[str, Any]:
    """Accuracies over the seeds, and how many times as fast lucid's step is, by threads."""
    x, labels, test_x, test_labels = load(name)
    classes = int(labels.max()) + 1
    found: dict[str, list[float]] = {"lucid": [], "PyTorch": []}
    for seed in range(SEEDS):
        runs = {}
        for who, (lib, build) in frameworks(file).items():
            lib.manual_seed(seed)
            runs[who] = Run(lib, build(classes), x, labels, seed)
            runs[who].train()
            found[who].append(runs[who].accuracy(test_x, test_labels))
    index = np.arange(min(BATCH, len(x)))
    steps = {who: functools.partial(run.step, index) for who, run in runs.items()}
    ratios = {}
    for threads in THREADS:
        set_threads(threads)
        ratios[threads] = race(steps, seconds=1.0, threads=threads).ratios["PyTorch"].median
    set_threads(1)
    return {**found, "ratios": ratios}


def set_threads(threads: int) -> None:
    """Let both use so many."""
    lucid.set_num_threads(threads)
    torch.set_num_threads(threads)


def table(rows: list[tuple[str, str, dict[str, Any]]]) -> str:
    """As reStructuredText."""
    lines = [
        f"{SEEDS} seeds, {EPOCHS} epochs, batches of {BATCH}. Accuracy on the test part, mean ±",
        "standard deviation in per cent; and how many times as fast as PyTorch's the training",
        "step of lucid is, on one thread and on two (medians).",
        f"{time.strftime('%Y-%m-%d')}, lucid {lucid.__version__}, PyTorch {torch.__version__}.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - data\n     - model\n     - lucid\n     - PyTorch",
        *[f"     - step, {threads} thread{'s'[: threads - 1]}" for threads in THREADS],
    ]
    for name, file, found in rows:
        cells = [
            f"{100 * np.mean(found[who]):.1f} ± {100 * np.std(found[who]):.1f}"
            for who in ("lucid", "PyTorch")
        ]
        lines.append(
            f"   * - {name}\n     - {MODELS[file]}\n     - {cells[0]}\n     - {cells[1]}\n"
            + "\n".join(f"     - {found['ratios'][threads]:.2f}×" for threads in THREADS)
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--out", default="benchmarks/results", help="where to write accuracy.rst")
    out = Path(parser.parse_args().out)
    warnings.simplefilter("ignore")  # PyTorch warns of lazy layers and of even kernels
    set_threads(1)
    rows = []
    for name in DATA_SETS:
        for file in MODELS:
            found = compare(file, name)
            rows.append((name, file, found))
            means = {who: float(np.mean(found[who])) for who in ("lucid", "PyTorch")}
            print(f"{name}, {MODELS[file]}: {means}, steps {found['ratios']}", flush=True)
            out.mkdir(parents=True, exist_ok=True)
            (out / "accuracy.rst").write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
