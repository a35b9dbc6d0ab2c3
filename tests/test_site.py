"""The documentation as a site: what was built is whole, and comes from one host.

The site is built by ``sphinx-build -n -W docs docs/_build/html``; where it was not, the tests of
its pages are skipped.
"""

from __future__ import annotations

import html
import importlib.util
import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SITE = DOCS / "_build" / "html"

built = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="the site was not built")


class Page(NamedTuple):
    """What a page links to, what it loads, and the places that can be linked to."""

    links: set[str]
    loaded: set[str]
    anchors: set[str]


ADDRESS = re.compile(r"""<(\w+)\b[^>]*?\s(?:href|src|data)=["']?([^"'>\s]*)""")
LOADING = ("link", "script", "img", "audio", "video", "source", "iframe", "embed", "object")


@cache
def page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    found = [(tag, html.unescape(address)) for tag, address in ADDRESS.findall(text)]
    return Page(
        links={address for tag, address in found if tag == "a"},
        loaded={address for tag, address in found if tag in LOADING},
        anchors=set(re.findall(r"""\s(?:id|name)=["']?([^"'>\s]+)""", text)),
    )


def pages() -> list[Path]:
    return sorted(p for p in SITE.rglob("*.html") if "_static" not in p.parts)


@cache
def places(path: str) -> set[str] | None:
    """The places on a page that can be linked to; None if there is no such file."""
    target = Path(path)
    if not target.is_file():
        return None
    return page(target).anchors if target.suffix == ".html" else set()


@cache
def settings() -> set[str]:
    """What may stand in the address of the convolution explorer."""
    script = (DOCS / "explorer" / "settings.js").read_text(encoding="utf-8")
    declared = re.search(r"const RANGES = .*?const PADDING = ", script, re.S)
    return {"padding", "at", *re.findall(r"^  (\w+): \[", declared[0], re.M)}


def missing(link: str, source: Path) -> str | None:
    """What is wrong with a link within the site; None if it leads somewhere."""
    if re.match(r"[a-z]+:", link):  # to another site
        return None
    address, anchor = urlsplit(link).path, urlsplit(link).fragment
    found = places(os.path.normpath(source.parent / unquote(address)) if address else str(source))
    if found is None:
        return f"{source.relative_to(SITE)}: no file {address}"
    if "=" in anchor and (address or source.name).endswith("explorer.html"):
        unknown = set(parse_qs(anchor, keep_blank_values=True)) - settings()
        return f"{source.relative_to(SITE)}: no setting {link}" if unknown else None
    if anchor and unquote(anchor) not in found:
        return f"{source.relative_to(SITE)}: no place {link}"
    return None


@built
def test_local_links_lead_somewhere():
    links = [(path, link) for path in pages() for link in page(path).links]
    assert len(links) > 1000
    broken = [text for path, link in links if (text := missing(link, path))]
    assert not broken, "\n".join(broken)


@built
def test_what_a_page_loads_is_there_and_nothing_comes_from_another_host():
    for path in pages():
        for address in page(path).loaded:
            assert not re.match(r"(?!data:)[a-z]+:|//", address), (path.name, address)
            assert missing(address, path) is None, (path.name, address)


@built
def test_no_style_sheet_loads_from_another_host():
    sheets = list(SITE.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", text), sheet


@built
def test_the_search_index_knows_a_layer_and_a_tutorial():
    index = (SITE / "searchindex.js").read_text(encoding="utf-8")
    assert "LazyConv1d" in index
    assert "tutorials/backward" in index


def test_the_checker_sees_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SITE", tmp_path)
    (tmp_path / "b.html").write_text('<p id="here">', encoding="utf-8")
    (tmp_path / "explorer.html").write_text("", encoding="utf-8")
    first = tmp_path / "a.html"
    first.write_text(
        '<a href="b.html#here"><a href="b.html#gone"><a href="c.html"><a href="https://x.org">'
        '<a href="explorer.html#stride=2&amp;at=x,0,3"><a href="explorer.html#step=2">'
        '<script src="https://x.org/x.js"></script>',
        encoding="utf-8",
    )
    wrong = {missing(link, first) for link in page(first).links}
    assert wrong == {
        None,
        "a.html: no place b.html#gone",
        "a.html: no file c.html",
        "a.html: no setting explorer.html#step=2",
    }
    assert page(first).loaded == {"https://x.org/x.js"}


@pytest.mark.parametrize("name", ["python", "numpy"])
def test_the_inventories_are_those_of_their_text(name):
    folder = DOCS / "inventories"
    spec = importlib.util.spec_from_file_location("make_inventories", folder / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    text = (folder / f"{name}.txt").read_text(encoding="utf-8")
    assert (folder / f"{name}.inv").read_bytes() == make.inventory(text)


TUTORIALS = sorted(path for path in (ROOT / "tutorials").glob("*.md") if path.stem != "index")


def cells(path: Path) -> list[tuple[bool, str]]:
    """Each code cell of a tutorial: is it a solution, and its code."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^```\{code-cell\} python3\n(.*?)^```$", text, re.S | re.M)
    return [("hide-cell" in cell.split("\n")[0], cell) for cell in found]


def test_every_tutorial_is_in_the_table_of_contents():
    index = (ROOT / "tutorials" / "index.md").read_text(encoding="utf-8")
    assert len(TUTORIALS) >= 10
    for path in TUTORIALS:
        assert re.search(rf"^{path.stem}$", index, re.M), path.stem


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_every_exercise_of_a_tutorial_has_a_solution_that_is_checked(path):
    lecture, _, exercises = path.read_text(encoding="utf-8").partition("\n## Now you\n")
    assert "hide-cell" not in lecture
    parts = re.split(r"^\*\*\d+\. ", exercises, flags=re.M)[1:]
    assert len(parts) >= 3
    for part in parts:
        solution = part.partition(":tags: [hide-cell]")[2]
        assert re.search(r"^ *(assert |raise AssertionError|check\()", solution, re.M), part[:40]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_the_code_of_a_tutorial_is_readable(path):
    for _, code in cells(path):
        assert max(map(len, code.splitlines())) <= 88  # what docs/_static/lucid.css has room for
        if "%%writefile" not in code:
            lines = code.splitlines()
            source = "\n".join(line for line in lines if not line.startswith(":tags:"))
            compile(source, path.stem, "exec")
