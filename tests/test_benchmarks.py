"""The benchmarks: what they measure agrees, and what they write is complete. Nothing is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # last, so that an installed lucid stays the one that is tested

from benchmarks import peers, report, shapes, targets, timing  # noqa: E402  (needs the path)
from benchmarks.agree import DisagreementError, check  # noqa: E402

NEED_PEERS = pytest.mark.skipif(bool(peers.missing()), reason="needs the extra [bench]")


def test_shapes_are_read_and_chosen():
    every = shapes.read_all()
    assert len({s.name for s in every}) == len(every)
    assert [s.name for s in shapes.choose("listed")][:2] == ["seed-1", "seed-2"]
    assert len(shapes.choose("listed,more,all")) == len(every)
    assert all(s.L_out >= 1 and s.C_in % s.groups == s.C_out % s.groups == 0 for s in every)
    (first,) = shapes.choose("seed-1")
    assert (first.L_out, first.dtype, first.listed) == (64, "float32", True)
    assert first.gflop == pytest.approx(2e-9 * 4 * 32 * 64 * 16 * 3)
    assert set(shapes.DENSE) <= {s.name for s in shapes.choose("listed")}
    with pytest.raises(ValueError, match="no shape 'sed-1'; there are: seed-1, "):
        shapes.choose("sed-1")


def test_a_difference_is_an_error():
    a = np.array([1.0, -100.0], np.float32)
    check("same", {"a": a, "b": a + np.float32(0.005)})
    for other in (a + 0.05, np.array([np.nan, -100.0]), a[:1]):
        with pytest.raises(DisagreementError, match=r"^conv: a .*b"):
            check("conv", {"a": a, "b": other})


def test_contestants_run_in_turns_until_time_is_up():
    found = timing.race({"lucid": lambda: sum(range(50)), "torch": lambda: 0}, 0.0, least=5)
    assert found.rounds == 5
    assert set(found.times) == {"lucid", "torch"}
    assert set(found.ratios) == {"torch"}


def test_help():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--threads" in done.stdout


@NEED_PEERS
@pytest.mark.parametrize("name", ["seed-1", "seed-2", "groups-3", "stride-5", "f64-odd"])
def test_contestants_compute_the_same(name):
    from benchmarks.conv import Conv

    case = Conv(shapes.choose(name)[0])
    assert ("onnxruntime" in case.forward(threads=1)) == (case.shape.dtype == "float32")
    assert list(case.backward()) == ["lucid", "torch"]


@NEED_PEERS
def test_every_station_of_the_small_call_can_be_called():
    from benchmarks import calls

    for station in calls.stations().values():
        station()


@NEED_PEERS
@pytest.mark.parametrize("i", range(6))
def test_models_have_the_same_first_loss_and_gradients(i):
    from benchmarks import models, steps

    model = models.MODELS[i]
    steps.pair(model._replace(N=2, L=min(model.L, 48)))


def spread(value):
    return {"median": value, "low": 0.9 * value, "high": 1.1 * value}


def case(name, threads, ours, others=0.0, **about):
    times = {"lucid": spread(ours), "torch": spread(2e-3), "onnxruntime": spread(1e-3)}
    ratios = {n: spread(t["median"] / ours) for n, t in times.items() if n != "lucid"}
    return {
        "name": name, "threads": threads, "listed": True, "dense": name in shapes.DENSE,
        "dtype": "float32", "gflop": 0.1, "times": times, "ratios": ratios, "rounds": 5,
        "others": others, **about,
    }  # fmt: skip


def synthetic():
    stations = {"module call": spread(9e-6), "kernel": spread(1e-6)}
    memory = {"input": 2.0**20, "output": 2.0**20, "extra": 3 * 2.0**20}
    versions = {"lucid": "0", "PyTorch": "2"}
    return {
        "machine": {
            "date": "2026-01-01", "processor": "a processor", "cores": 2, "system": "Linux",
            "kernels": "compiled", "simd": "AVX2", "versions": versions,
        },
        "threads": [1, 2],
        "errors": [],
        "limit": {"gflops": 100.0, "samples": 3},
        "forward": [
            case("pointwise", 1, 1.05e-3),
            case("pointwise", 2, 0.5e-3),
            case("seed-1", 1, 4e-3, others=0.5),
            case("seed-1", 2, 4e-3, others=0.5),
        ],
        "backward": [case("seed-1", 1, 1e-4)],
        "steps": [case("FCN", 1, 1e-4)],
        "calls": {
            "small": case("seed-2", 1, 9e-6),
            "stations": {"times": stations},
            "imports": {"lucid": 0.1, "torch": 2.0},
        },
        "memory": [{"name": "seed-1", "listed": True, "lucid": memory, "torch": memory}],
    }  # fmt: skip


def test_targets_and_what_is_behind():
    found = {line.what: line for line in targets.targets(synthetic())}
    each = found["conv1d forward, 1 thread: each case"]
    assert (each.met, each.figure) == (False, "slower in 2 of 2; lowest 0.25×, seed-1")
    each = found["conv1d forward, 2 threads: each case"]
    assert (each.met, each.figure) == (
        None, "slower in 0 of 1; lowest 2.00×, pointwise; 1 disturbed"
    )  # fmt: skip
    assert found["dense shapes, 1 thread"].figure == "1 of 1 reach it; lowest 95 %, pointwise"
    assert found["training step, 2 threads: geometric mean"].met is None
    assert not found["one small call, recorded"].met
    assert not found["memory beyond input and output, 1 thread"].met
    assert found["import lucid, beyond NumPy's"].met
    assert targets.behind(synthetic())[0] == (
        "conv1d forward, 1 thread: 2 of 2. seed-1 0.25× ONNX Runtime; "
        "pointwise 0.95× ONNX Runtime (within the noise)."
    )


def test_the_report_writes_every_file(tmp_path):
    results = synthetic()
    results["errors"].append("seed-9, forward: torch and lucid differ")
    if peers.missing():  # no matplotlib, no plot
        for section in targets.TITLES:
            del results[section]
    summary = report.write(results, tmp_path)
    for name in ("results.json", "table.md", "summary.rst", "behind.rst", "calls.rst", "table.rst"):
        assert (tmp_path / name).stat().st_size > 0
        assert name in summary
    assert "| module call | 9.00 | 8.00 |" in (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "**Results differed**" in (tmp_path / "summary.rst").read_text(encoding="utf-8")
    if not peers.missing():
        table = (tmp_path / "table.md").read_text(encoding="utf-8")
        assert "| seed-1 † | 4000 | 2000 | 1000 |" in table
        assert "Left out as disturbed (†): 1." in table
        assert (tmp_path / "plot.png").stat().st_size > 0


def test_a_run_of_nothing_can_be_reported(tmp_path):
    empty = {key: synthetic()[key] for key in ("machine", "threads", "errors", "limit")}
    assert "nothing was compared" in report.write(empty, tmp_path)
