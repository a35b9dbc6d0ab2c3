"""The documentation says what is true: the walk through the source, the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lucid
from lucid import nn

ROOT = Path(__file__).parents[1]
INTERNALS = (ROOT / "docs" / "internals.rst").read_text(encoding="utf-8")


def stations() -> list[tuple[str, str]]:
    """Each (file, name) pair of the walk: a file in backquotes, then names up to the next file."""
    found, file = [], None
    for quoted in re.findall(r"``([^`]+)``", INTERNALS):
        if re.fullmatch(r"[\w/]+\.(py|pyx|pxd|h|md)", quoted):
            file = quoted
        elif file and re.fullmatch(r"[A-Za-z_]\w+(\.\w+)?|NAME\(\w+\)", quoted):
            found.append((file, quoted))
    return found


# How a name is defined in each kind of file; in a header, as NAME(x), with a body after it.
DEFINITION = {
    ".py": r"^(def|class) {0}\b|^{0}(: \w+)? = ",
    ".pyx": r"^(def |cdef [\w *]+[ *]){0}\(",
    ".pxd": r"^cdef inline [\w *]+[ *]{0}\(",
    ".h": r"^TARGET [\w ]+ {0}\([^;{{]*\)\s*\{{",
}

# Words in backquotes that are not defined where they are mentioned: attributes, and modules.
NOT_DEFINITIONS = {"weight", "bias", "__init__", "forward", "backward", "edges", "weight.grad"}


def test_the_files_of_the_walk_exist():
    files = set(re.findall(r"``((?:lucid|tests)/[\w/]+\.\w+)``", INTERNALS))
    assert len(files) > 12
    for file in files:
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize(
    ("file", "name"), [s for s in stations() if s[1] not in NOT_DEFINITIONS], ids=str
)
def test_every_station_of_the_walk_exists(file, name):
    text = (ROOT / file).read_text(encoding="utf-8")
    *owner, last = name.split(".")
    if owner:  # a method: in the class of that name
        found = re.search(rf"^class {owner[0]}\b.*?(?=^\S|\Z)", text, re.S | re.M)
        assert found, f"{file} has no class {owner[0]}"
        assert re.search(rf"def {last}\b", found[0]), f"{file}: {owner[0]} has no {last}"
    else:
        definition = DEFINITION[Path(file).suffix].format(re.escape(last))
        assert re.search(definition, text, re.M), f"{file} defines no {name}"


def test_the_kernels_readme_names_every_file():
    folder = ROOT / "lucid" / "_ext"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    first_column = "".join(re.findall(r"^\| (.*?) \|", readme, re.M))
    listed = set(re.findall(r"`(.*?)`", first_column))
    kinds = (".py", ".pyx", ".pxd", ".h")
    sources = {path.name for path in folder.iterdir() if path.suffix in kinds}
    assert sources == listed - {"*.pyi"}


def test_the_readme_begins_with_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(.*?)```", readme, re.S)[1]
    assert block.splitlines() == [
        "pip install -e . && python -m lucid",
        "pip install -e '.[test]' && pytest",
    ]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "lucid/_ext/README.md"])
def test_local_links_and_named_files_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link:
            assert ((ROOT / page).parent / link).exists(), link
    for file in re.findall(r"`((?:lucid|tests|docs)/(?!_build)[\w/]+\.\w+)`", text):
        assert (ROOT / file).exists(), file


def test_the_table_of_lazy_layers_has_them_all():
    text = (ROOT / "docs" / "lazy.rst").read_text(encoding="utf-8")
    assert set(re.findall(r"^``(\w+)``  ", text, re.M)) == {n for n in nn.__all__ if "Lazy" in n}


def test_the_table_of_models_has_them_all():
    text = (ROOT / "docs" / "models.rst").read_text(encoding="utf-8")
    files = {path.name for path in (ROOT / "tests" / "models").glob("*.py")}
    assert set(re.findall(r"^   \* - ``(\w+\.py)``", text, re.M)) == files - {
        "__init__.py",
        "data.py",
    }


def test_the_readme_says_what_each_extra_is_for():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = re.findall(r"^\| `(\w+)` \| ", readme, re.M)
    assert listed == list(project["optional-dependencies"])


def test_the_changelog_has_the_version():
    assert f"## {lucid.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_specifications_examples_stand_in_the_docstring():
    doc = nn.LazyConv1d.__doc__
    for line in (
        ">>> model = nn.Sequential(",
        "...     nn.LazyConv1d(out_channels=32, kernel_size=3, padding=1),",
        ">>> x = lucid.zeros(4, 16, 64)   # in_channels=16 inferred here",
        "(4, 32, 64)",
        ">>> lazy = nn.LazyConv1d(out_channels=8, kernel_size=5, padding=2)",
        ">>> _ = lazy(lucid.zeros(1, 3, 20))",
    ):
        assert line in doc


@pytest.mark.parametrize("page", ["README.md", "docs/start.rst"])
def test_the_first_examples_can_be_pasted(page):
    """Without their prompts, as they come from a page: a block then ends with an empty line."""
    text = (ROOT / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^ *(?:>>>|\.\.\.) ?(.*)$", text, re.M)) + "\n"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-i", "-q"], input=code, env=env, capture_output=True, text=True
    )
    assert "import lucid" in code
    for kind in ("SyntaxError", "IndentationError", "NameError"):
        assert kind not in run.stderr, run.stderr
