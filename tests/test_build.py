"""Kernels are compiled when something has changed, and otherwise taken from ``build/kernels``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TINY = """
def answer():
    \"\"\"The number that this kernel was built with.\"\"\"
    return NUMBER
"""


@pytest.fixture
def tree(tmp_path):
    """A checkout with one small kernel."""
    pytest.importorskip("Cython", "3.1")
    pytest.importorskip("setuptools", "77")
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    shutil.copy(ROOT / "setup.py", tmp_path)
    (tmp_path / "lucid" / "_ext").mkdir(parents=True)
    (tmp_path / "lucid" / "_ext" / "tiny.pyx").write_text(TINY.replace("NUMBER", "1"))
    return tmp_path


def build(tree: Path, **settings: str) -> bool:
    """Build as an installation does; whether anything was compiled."""
    options = ["--build-lib", "out", "--build-temp", "temp"]
    shutil.rmtree(tree / "out", ignore_errors=True)
    shutil.rmtree(tree / "temp", ignore_errors=True)
    command = [sys.executable, "setup.py", "-q", "build_ext", *options]
    subprocess.run(command, cwd=tree, check=True, env={**os.environ, "CC": "cc", **settings})
    return any((tree / "temp").rglob("*.o"))


def answer(tree: Path) -> int:
    """What the kernel that was built says."""
    command = [sys.executable, "-c", "from tiny import answer; print(answer())"]
    env = {**os.environ, "PYTHONPATH": str(tree / "out" / "lucid" / "_ext")}
    run = subprocess.run(command, env=env, capture_output=True, check=True)
    return int(run.stdout)


def test_kernels_are_compiled_once_for_the_same_sources_and_settings(tree):
    without = {"LUCID_OPENMP": "0"}
    assert build(tree, **without)
    assert answer(tree) == 1
    assert not build(tree, **without)
    assert answer(tree) == 1
    assert (tree / "out" / "lucid" / "_ext" / "build.json").exists()
    # a setting, and a source that is no newer than what was built
    assert build(tree, **without, LUCID_BOUNDSCHECK="1")
    source = tree / "lucid" / "_ext" / "tiny.pyx"
    times = source.stat()
    source.write_text(TINY.replace("NUMBER", "2"))
    os.utime(source, (times.st_atime, times.st_mtime))
    assert build(tree, **without)
    assert answer(tree) == 2
    source.write_text(TINY.replace("NUMBER", "1"))
    assert not build(tree, **without)
    assert answer(tree) == 1


def test_a_build_that_failed_is_not_kept(tree):
    broken = {"LUCID_OPENMP": "0", "CC": "/no/such/compiler"}
    build(tree, **broken)
    assert "no/such/compiler" in (tree / "out/lucid/_ext/build.json").read_text()
    assert not (tree / "build" / "kernels").exists()


def test_in_place_both_what_is_built_and_what_was_kept_come_beside_the_source(tree):
    folder = tree / "lucid" / "_ext"
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    env = {**os.environ, "CC": "cc", "LUCID_OPENMP": "0"}
    for _ in ("built", "kept"):
        subprocess.run(command, cwd=tree, check=True, env=env)
        assert {path.suffix for path in folder.iterdir()} >= {".json", ".pyx"}
        binaries = [path for path in folder.iterdir() if path.suffix in (".so", ".pyd")]
        assert len(binaries) == 1
        binaries[0].unlink()
    assert len(list((tree / "build" / "kernels").iterdir())) == 1
