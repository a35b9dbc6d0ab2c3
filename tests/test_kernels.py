"""The kernels and their NumPy twins: both against the definition, and against each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import lucid
from lucid import _ext
from lucid._ext import numpy_twins

from configs import MODES, Config, configs
from reference import close, conv1d, conv1d_grads, pad_source
from running import output_grad, python, run_kernels

KERNELS = [numpy_twins, _ext.kernels] if _ext.COMPILED else [numpy_twins]
everywhere = pytest.mark.parametrize("kernels", KERNELS, ids=lambda m: m.__name__.split(".")[-1])


def run_all(kernels, config: Config, dtype, g=None):
    """((x, w, g), (y, gx, gw)) as the three kernels compute them."""
    x, w, _ = config.arrays(dtype)
    g = output_grad(config, dtype) if g is None else g.astype(dtype)
    return (x, w, g), run_kernels(kernels, config, x, w, None, g)


@everywhere
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@settings(max_examples=120, deadline=None)
@given(config=configs())
def test_against_the_definition(kernels, dtype, tolerance, config):
    # contract 65, 66, 67, 68, 70, 73
    (x, w, g), found = run_all(kernels, config, dtype)
    exact, sizes = (
        (conv1d(*a[:2], **config.options), *conv1d_grads(*a, **config.options)[:2])
        for a in ((x, w, g), (np.abs(x), np.abs(w), np.abs(g)))
    )
    for ours, theirs, size in zip(found, exact, sizes, strict=True):
        assert close(ours, theirs, size, tolerance)


@everywhere
@pytest.mark.parametrize(
    "config",
    [
        Config(2, 3, 2100, 4, 7, 1, 3, 1, 1, "reflect", 1),  # more than one block of a dot product
        Config(2, 8, 517, 8, 5, 3, 9, 2, 8, "circular", 2),  # depthwise
        Config(1, 1, 300, 2, 129, 1, "same", 1, 1, "zeros", 3),  # a long kernel
        Config(1, 5, 1, 7, 1, 1, 0, 1, 1, "zeros", 4),  # one position
    ],
    ids=str,
)
def test_larger_shapes(kernels, config):
    # contract 73: sums over thousands of positions stay within 1e-5 of float64
    (x, w, g), found = run_all(kernels, config, np.float32)
    _, exact = run_all(numpy_twins, config._replace(), np.float64, g)
    y = conv1d(x, w, **config.options) if config.L < 1000 else None
    for i, (ours, theirs) in enumerate(zip(found, exact, strict=True)):
        assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max(), i
    if y is not None:
        assert np.abs(found[0] - y).max() <= 1e-5 * np.abs(y).max()


@everywhere
def test_the_bias_is_where_the_sum_starts(kernels):
    config = Config(1, 1, 4, 2, 2, 1, 0, 1, 1, "zeros", 0)
    x, w, _ = config.arrays()
    y = np.full((1, 2, 3), np.nan)
    kernels.conv1d_forward(x, w, np.array([10.0, -3.0]), y, 1, 1, 1, 0, 0, 0)
    assert np.allclose(y, np.array([10.0, -3.0])[:, None] + conv1d(x, w))


@everywhere
def test_adjointness(kernels):
    """<g, conv(x, w)> = <conv_input(g, w), x> = <conv_weight(g, x), w>."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        groups, mode = int(rng.integers(1, 4)), MODES[seed % 4]
        config = Config(
            2, 2 * groups, 11, 3 * groups, 3, int(rng.integers(1, 4)), 2, int(rng.integers(1, 3)),
            groups, mode, seed,
        )  # fmt: skip
        (x, w, g), (y, gx, gw) = run_all(kernels, config, np.float64)
        assert np.isclose((g * y).sum(), (gx * x).sum(), rtol=1e-12)
        assert np.isclose((g * y).sum(), (gw * w).sum(), rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_pad_index_is_numpys_pad(mode):
    # contract 68
    name = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[
        mode
    ]
    for n in range(2, 7):
        pad = n - 1
        row = np.arange(1.0, n + 1)
        positions = np.arange(-pad, n + pad)
        source = numpy_twins.pad_index(positions, n, MODES.index(mode))
        assert np.array_equal(np.where(source < 0, 0, row[source]), np.pad(row, pad, mode=name))
        by_hand = [pad_source(int(i), n, mode) for i in positions]
        assert [None if s < 0 else int(s) for s in source] == by_hand


@everywhere
def test_kernels_run_without_the_interpreter_lock(kernels):
    """Two threads at once compute what one computes."""
    import threading

    config = Config(4, 8, 200, 8, 5, 1, 2, 1, 1, "zeros", 0)
    _, expected = run_all(kernels, config, np.float64)
    results: list = []
    threads = [
        threading.Thread(target=lambda: results.append(run_all(kernels, config, np.float64)[1]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        for ours, theirs in zip(result, expected, strict=True):
            assert np.array_equal(ours, theirs)


# ------------------------------------------------------------------------- which kernels are used


def test_the_twins_are_chosen_by_hand():
    done = python("-c", "import lucid; lucid.show_config()", LUCID_KERNELS="numpy")
    assert "NumPy twins, because LUCID_KERNELS=numpy asks for them" in done.stdout


def test_an_unknown_choice_is_refused():
    done = python("-c", "import lucid", LUCID_KERNELS="fast")
    assert "LUCID_KERNELS must be 'compiled' or 'numpy', got 'fast'" in done.stderr


def test_show_config_names_the_kernels_in_use(capsys):
    lucid.show_config()
    out = capsys.readouterr().out
    assert ("kernels  compiled" in out) == _ext.COMPILED
    assert "SIMD" in out
    assert f"threads  {lucid.get_num_threads()}" in out


@pytest.fixture
def bare_tree(tmp_path):
    """The package's source without anything that a build leaves behind."""
    import shutil

    source = Path(lucid.__file__).parent
    shutil.copytree(
        source,
        tmp_path / "lucid",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "build.json", "__pycache__"),
    )
    (tmp_path / "setup.py").write_text("")
    return tmp_path


def test_a_tree_that_was_never_built_says_so(bare_tree):
    done = python("-c", "import lucid", cwd=bare_tree, PYTHONPATH=str(bare_tree), LUCID_KERNELS="")
    assert done.returncode != 0
    assert "they were never built here" in done.stderr
    assert f"pip install -e {bare_tree}" in done.stderr
    assert "LUCID_KERNELS=numpy" in done.stderr


def test_a_tree_that_was_never_built_runs_on_the_twins_when_asked(bare_tree):
    code = "import lucid, lucid.nn as nn; print(nn.LazyConv1d(8, 3)(lucid.zeros(1, 2, 9)).shape)"
    done = python("-c", code, cwd=bare_tree, PYTHONPATH=str(bare_tree), LUCID_KERNELS="numpy")
    assert done.stdout.strip() == "(1, 8, 7)", done.stderr


def test_a_build_without_a_compiler_runs_on_the_twins_and_says_why(bare_tree):
    report = {"compiled": False, "failure": "CompileError: no gcc", "bounds_checks": False,
              "python": "3.11"}  # fmt: skip
    (bare_tree / "lucid" / "_ext" / "build.json").write_text(json.dumps(report))
    done = python(
        "-c", "import lucid; lucid.show_config()",
        cwd=bare_tree, PYTHONPATH=str(bare_tree), LUCID_KERNELS="",
    )  # fmt: skip
    assert "NumPy twins, because the build could not compile: CompileError: no gcc" in done.stdout
    insisting = python(
        "-c", "import lucid", cwd=bare_tree, PYTHONPATH=str(bare_tree), LUCID_KERNELS="compiled"
    )
    assert "could not compile them (CompileError: no gcc)" in insisting.stderr


def test_a_damaged_build_report_does_not_run_slow_in_silence(bare_tree):
    (bare_tree / "lucid" / "_ext" / "build.json").write_text('{"compiled": tr')
    done = python("-c", "import lucid", cwd=bare_tree, PYTHONPATH=str(bare_tree), LUCID_KERNELS="")
    assert done.returncode != 0
    assert "pip install -e" in done.stderr
