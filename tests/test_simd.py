"""Every SIMD level that this machine has, chosen by ``LUCID_SIMD`` before the import."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

import lucid
from lucid import _ext

from running import python

LEVELS = ("avx512", "avx2", "sse2", "neon", "portable")
FOLDER = Path(__file__).parent

pytestmark = pytest.mark.skipif(not _ext.COMPILED, reason="the twins have no levels")


@functools.cache
def refusal() -> str:
    """What an unknown level is answered with."""
    done = python("-c", "import lucid", LUCID_SIMD="nonsense")
    assert done.returncode != 0
    return done.stderr


def known() -> list[str]:
    """The levels of this machine, widest first."""
    found = re.search(r"LUCID_SIMD must be one of (.*) on this machine, got 'nonsense'", refusal())
    assert found, refusal()
    return found[1].split(", ")


def test_an_unknown_level_is_refused_with_those_that_there_are():
    assert "ImportError" in refusal()
    assert "pip install" not in refusal()  # the kernels are built, and building helps nobody
    assert known() == [level for level in LEVELS if level in known()]
    assert known()[-1] == "portable"


def test_the_widest_level_is_the_default():
    done = python("-c", "import lucid; lucid.show_config()", LUCID_SIMD="")
    assert f"SIMD     {known()[0]}\n" in done.stdout, done.stderr
    assert _ext.kernels.simd_level in known()


@pytest.mark.parametrize("level", LEVELS)
def test_kernels_at_each_level(level):
    """``LUCID_SIMD=... pytest`` runs everything; this is a short run, so that none is forgotten."""
    if level not in known():
        pytest.skip(f"this machine has no {level}")
    done = python("-c", "import lucid; lucid.show_config()", LUCID_SIMD=level)
    assert f"SIMD     {level}\n" in done.stdout, done.stderr
    if level == _ext.kernels.simd_level:
        return  # test_paths.py runs at this one
    done = python(
        "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(FOLDER / "test_paths.py"),
        "-k", "definition or touch", cwd=FOLDER.parent, LUCID_SIMD=level, LUCID_TEST_CASES="8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 20, done.stdout


def test_a_library_that_does_not_load_is_not_called_missing():
    """A build that is older than the source, for example: the reason is told, and the cure."""
    code = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "lucid._ext.conv1d":
            raise ImportError("undefined symbol: something")
sys.meta_path.insert(0, Finder())
import lucid
"""
    done = python("-c", code, LUCID_KERNELS="")
    assert "do not load, or are from another version (undefined symbol: something)" in done.stderr
    assert "never built" not in done.stderr
    if (Path(lucid.__file__).parents[1] / "setup.py").exists():
        assert "pip install -e" in done.stderr
