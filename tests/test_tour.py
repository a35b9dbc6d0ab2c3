"""The tour, and what it promises: 98 % of the test utterances, for each of five seeds."""

from __future__ import annotations

import pytest

import lucid
import lucid.__main__ as tour
from lucid.data import japanese_vowels


@pytest.mark.parametrize("seed", range(5))
def test_the_classifier_recognizes_98_percent(seed):
    train, test = japanese_vowels()
    lucid.manual_seed(seed)
    model = tour.make_model()
    tour.train(model, train, progress=False)
    assert tour.accuracy(model, test) >= 0.98


def test_the_tour_runs_and_shows_the_examples(monkeypatch, capsys):
    monkeypatch.setattr(tour, "EPOCHS", 2)
    tour.main(["--seed", "3"])
    out, err = capsys.readouterr()
    assert err == ""  # no progress bar where nobody watches it
    for line in (
        ">>> x = lucid.zeros(4, 16, 64)   # in_channels=16 inferred here",
        "(4, 32, 64)",
        ">>> print(lazy.in_channels)\nNone",
        ">>> print(lazy.in_channels)\n3",
        "LazyConv1d(in_channels=None, out_channels=48, kernel_size=5, padding='same')",
        "Test accuracy of the fresh model",
        "What next",
    ):
        assert line in out


def test_help(capsys):
    with pytest.raises(SystemExit) as stop:
        tour.main(["--help"])
    assert stop.value.code == 0
    assert "A tour of lucid" in capsys.readouterr().out


def test_no_layer_of_the_tour_is_told_its_input_size():
    lazy = [m for m in tour.make_model() if type(m).__name__.startswith("Lazy")]
    assert len(lazy) == 7
    assert all(m._pending for m in lazy)
