"""Metrics against slow definitions, the history of a training, and the bar."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lucid
from lucid.data import DataLoader
from lucid.utils import History, metrics, progress

# ------------------------------------------------------------------------------------- metrics

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


def slow_f1(predicted, true, k):
    tp = sum(p == t == k for p, t in zip(predicted, true, strict=True))
    wrong = sum((p == k) != (t == k) for p, t in zip(predicted, true, strict=True))
    return 2 * tp / (2 * tp + wrong) if tp + wrong else 0.0


@given(pairs)
def test_metrics_against_their_definitions(both):
    predicted, true = zip(*both, strict=True)
    a, b = lucid.tensor(list(predicted)), lucid.tensor(list(true))
    table = metrics.confusion_matrix(a, b, 6)
    for i in range(6):
        for j in range(6):
            assert table[i, j].item() == both.count((j, i))
    right = sum(p == t for p, t in both) / len(both)
    assert metrics.accuracy(a, b) == pytest.approx(right)
    assert metrics.f1_score(a, b, "micro") == pytest.approx(right)
    there = sorted({*predicted, *true})
    f1 = {k: slow_f1(predicted, true, k) for k in range(max(there) + 1)}
    assert metrics.f1_score(a, b, None).tolist() == pytest.approx(list(f1.values()))
    assert metrics.f1_score(a, b) == pytest.approx(np.mean([f1[k] for k in there]))
    assert metrics.f1_score(a, b, "weighted") == pytest.approx(np.mean([f1[t] for t in true]))
    # Scores say the same as the classes they are largest for.
    scores = lucid.eye(5)[a] + 0.1
    assert metrics.accuracy(scores, b) == metrics.accuracy(a, b)
    assert metrics.confusion_matrix(scores, b).shape == (5, 5)
    assert metrics.f1_score(scores, b) == metrics.f1_score(a, b)


def test_matrices_of_batches_add_up():
    rng = np.random.default_rng(0)
    a, b = (lucid.tensor(rng.integers(0, 3, 20)) for _ in range(2))
    whole = metrics.confusion_matrix(a, b, 3)
    parts = metrics.confusion_matrix(a[:7], b[:7], 3) + metrics.confusion_matrix(a[7:], b[7:], 3)
    assert whole.tolist() == parts.tolist()
    assert whole.dtype is lucid.int64


@pytest.mark.parametrize(
    ("input", "target", "error", "message"),
    [
        ([[[1.0]]], [0], lucid.ShapeError, r"got \(1, 1, 1\) and \(1,\)"),
        ([0, 1], [0], lucid.ShapeError, "got"),
        ([0], [[0]], lucid.ShapeError, "got"),
        ([0.5], [0], TypeError, "scores .*got input of float32"),
        ([0], [0.5], TypeError, "got target of float32"),
        ([-1], [0], ValueError, "at least 0, got -1 in input"),
        ([0], [-1], ValueError, "at least 0, got -1 in target"),
        ([[0.5, 0.5]], [2], ValueError, "scores for 2 classes, and target has 2"),
        (np.zeros(0, int), np.zeros(0, int), ValueError, "got 0 predictions"),
        (np.zeros((1, 0)), [0], lucid.ShapeError, "K of at least 1"),
    ],
)
def test_refused_predictions(input, target, error, message):
    for metric in (metrics.accuracy, metrics.confusion_matrix, metrics.f1_score):
        with pytest.raises(error, match=message):
            metric(lucid.tensor(input), lucid.tensor(target))


def test_other_refused_arguments():
    one = lucid.tensor([3])
    with pytest.raises(ValueError, match="below num_classes=2, got 3"):
        metrics.confusion_matrix(one, one, 2)
    with pytest.raises(ValueError, match="got 'mean'"):
        metrics.f1_score(one, one, "mean")
    with pytest.raises(TypeError, match="list"):
        metrics.accuracy([3], one)


# ------------------------------------------------------------------------------------- history


def filled():
    history = History()
    history.add(epoch=0, loss=lucid.tensor(0.75), note="first, and best")
    history.add(epoch=1, loss=0.25)
    history.add(epoch=2, loss=0.25, accuracy=1.0)
    return history


def test_history():
    history = filled()
    assert history["loss"] == [0.75, 0.25, 0.25]
    assert history["accuracy"] == [1.0]
    assert history.columns == ["epoch", "loss", "note", "accuracy"]
    assert len(history) == 3
    assert list(history)[1] == {"epoch": 1, "loss": 0.25}
    assert history.best("loss")["epoch"] == 1
    assert history.best("loss", "max")["epoch"] == 0
    with pytest.raises(KeyError, match="'lr' is in no record"):
        history["lr"]
    with pytest.raises(ValueError, match="got 'less'"):
        history.best("loss", "less")
    with pytest.raises(TypeError, match="got loss of list\n  try: float"):
        history.add(loss=[1.0])
    assert len(history) == 3


def test_history_in_files(tmp_path):
    history = filled()
    history.to_csv(tmp_path / "run.csv")
    assert (tmp_path / "run.csv").read_text().splitlines()[0] == "epoch,loss,note,accuracy"
    assert History.from_csv(tmp_path / "run.csv").records == history.records
    lucid.save(history.state_dict(), tmp_path / "run")
    other = History()
    other.load_state_dict(lucid.load(tmp_path / "run"))
    other.add(epoch=3)
    assert other.records[:3] == history.records
    assert len(history) == 3


def test_plots(tmp_path):
    pytest.importorskip("matplotlib")
    history = filled()
    axes = history.plot(f=tmp_path / "run.png").axes[0]
    assert [line.get_label() for line in axes.lines] == ["loss", "accuracy"]
    assert axes.lines[0].get_ydata().tolist() == [0.75, 0.25, 0.25]
    assert axes.lines[1].get_xdata().tolist() == [2]
    assert (tmp_path / "run.png").stat().st_size > 1000
    assert len(history.plot("loss", x="step").axes[0].lines) == 1
    with pytest.raises(KeyError):
        history.plot("lr")
    History().plot()


def test_plots_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"try: pip install 'lucid-edu\[plot\]'"):
        filled().plot()


# ----------------------------------------------------------------------------------------- bar


def test_progress(capsys):
    loader = DataLoader(range(6), 2)
    seen = [batch.tolist() for batch in progress(loader, "epoch 1")]
    assert seen == [[0, 1], [2, 3], [4, 5]]
    shown = capsys.readouterr().err
    assert "epoch 1: 100%" in shown
    assert "3/3" in shown
    loader.load_state_dict({"seed": 0, "done": 2})
    assert len(list(progress(loader))) == 1
    assert "3/3" in capsys.readouterr().err
    bar = progress((i for i in range(4)), total=4, disable=True)
    assert list(bar) == [0, 1, 2, 3]
    assert capsys.readouterr().err == ""
