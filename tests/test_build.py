"""Kernels are compiled when something has changed, and otherwise taken from ``build/kernels``."""

from __future__ import annotations

import os
import runpy
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


@pytest.fixture
def script(tree, monkeypatch):
    """The names in setup.py, which builds nothing by itself here."""
    monkeypatch.chdir(tree)
    monkeypatch.setattr("setuptools.setup", lambda **_: None)
    return runpy.run_path("setup.py")


@pytest.fixture
def command(script):
    """A build of one kernel, up to the compiler: it writes what stands for a kernel."""
    from setuptools import Distribution

    class Counted(script["BuildKernels"]):
        built = 0

        def build(self, folder, kept):
            self.built += 1
            for name in self.files():
                (folder / name).write_text(f"built {self.built}")
            self.keep(folder, kept)

    made = Counted(Distribution({"ext_modules": script["kernels"]}))
    made.build_lib = "out"
    made.ensure_finalized()
    return made


def kept_folders(tree: Path) -> list[Path]:
    """What is kept, the oldest first."""
    found = (tree / "build" / "kernels").iterdir()
    return sorted((path for path in found if path.is_dir()), key=lambda path: path.stat().st_mtime)


def test_whatever_goes_into_a_build_is_in_its_name(tree, script, monkeypatch):
    name = script["fingerprint"]
    first = name([])
    assert name([]) == first
    assert name(["debug"]) != first
    for setting in ("CC", "CFLAGS", "LDFLAGS", "CPATH", "LIBRARY_PATH"):
        with monkeypatch.context() as patch:
            patch.setenv(setting, "/no/such/place")
            assert name([]) != first, setting
    for version in ("sys.version", "Cython.__version__", "setuptools.__version__"):
        with monkeypatch.context() as patch:
            patch.setattr(version, "0.0")
            assert name([]) != first, version
    with monkeypatch.context() as patch:
        patch.setattr("platform.platform", lambda: "another machine")
        assert name([]) != first
    for file in (tree / "setup.py", tree / "lucid" / "_ext" / "tiny.pyx"):
        before = name([])
        file.write_text(file.read_text() + "# changed\n")
        assert name([]) != before, file


def test_another_compiler_of_the_same_name_is_another_build(tree, script, monkeypatch):
    compiler = tree / "compiler"
    monkeypatch.setenv("CC", str(compiler))
    names = []
    for version in (1, 2, 2):
        compiler.write_text(f"#!/bin/sh\necho compiler {version}\n")
        compiler.chmod(0o755)
        names.append(script["fingerprint"]([]))
    assert names[0] != names[1] == names[2]


def test_options_of_the_build_are_in_its_name_and_force_builds(command):
    command.run()
    command.run()
    assert command.built == 1
    for option, value in (("debug", True), ("define", [("SLOW", "1")]), ("libraries", ["m"])):
        before = getattr(command, option)
        setattr(command, option, value)
        built = command.built
        command.run()
        assert command.built == built + 1, option
        setattr(command, option, before)
    command.force = True
    built = command.built
    command.run()
    assert command.built == built + 1


def test_the_last_four_that_were_used_are_kept(tree, command):
    for k in range(4):
        command.define = [("CASE", str(k))]
        command.run()
        os.utime(kept_folders(tree)[-1], (1000 + k, 1000 + k))
    command.define = [("CASE", "0")]
    command.run()  # used once more: case 1 is now the oldest
    assert command.built == 4
    command.define = [("CASE", "4")]
    command.run()
    assert command.built == 5
    assert len(kept_folders(tree)) == 4
    for k in (0, 2, 3, 4):
        command.define = [("CASE", str(k))]
        command.run()
        assert command.built == 5, k
    command.define = [("CASE", "1")]
    command.run()
    assert command.built == 6


def test_what_is_not_whole_is_built_anew(tree, command):
    command.run()
    for name in command.files():
        (kept_folders(tree)[0] / name).unlink()
        built = command.built
        command.run()
        assert command.built == built + 1, name
        command.run()  # and kept: the broken one is replaced
        assert command.built == built + 1, name


def test_what_cannot_be_kept_fails_no_build(tree, command):
    kernels = tree / "build" / "kernels"
    kernels.parent.mkdir()
    kernels.write_text("a file where the folder should be")
    command.run()
    kernels.unlink()
    kernels.mkdir()
    for k in range(5):
        (kernels / f"stray{k}").write_text("")
        os.utime(kernels / f"stray{k}", (k, k))
    command.run()
    command.run()
    assert command.built == 2
    assert (tree / "out" / "lucid" / "_ext" / "build.json").read_text() == "built 2"


def test_of_two_builds_at_once_the_first_is_kept(tree, command, monkeypatch):
    folder, kept = tree / "out", tree / "build" / "kernels" / "name"
    folder.mkdir()
    for name in command.files():
        (folder / name).write_text("the second")

    def other_build(path, **options):
        """The other one has finished just before."""
        if path == Path("build/kernels/name"):
            kept.mkdir()
            (kept / "build.json").write_text("the first")
        else:
            remove(path, **options)

    remove = shutil.rmtree
    monkeypatch.setattr("shutil.rmtree", other_build)
    command.keep(folder, Path("build/kernels/name"))
    assert (kept / "build.json").read_text() == "the first"
    monkeypatch.undo()
    assert kept_folders(tree) == [kept]
