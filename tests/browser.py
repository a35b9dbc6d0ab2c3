"""Debian's Chromium, driven by Playwright, on the pages of the documentation.

``LUCID_DOCS_HTML`` names a built site: then whatever is missing is a failure. Without it the
tests build the explorer's page alone, and skip where there is no browser to look at it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILT = os.environ.get("LUCID_DOCS_HTML")


def need(found: object, what: str) -> None:
    """Skip the tests, or fail them where a site was built in order to be tested."""
    if not found and BUILT:
        pytest.fail(f"LUCID_DOCS_HTML is set, but there is no {what}")
    if not found:
        pytest.skip(f"no {what}")


def chromium() -> str:
    """Where the browser is."""
    path = shutil.which("chromium")
    need(path, "chromium: apt-get install chromium")
    return str(path)


def build_site(folder: Path) -> Path:
    """The site that is asked for, or one of a single page."""
    if BUILT:
        return Path(BUILT).resolve()
    pytest.importorskip("sphinx")
    pytest.importorskip("furo")
    source, html = folder / "source", folder / "html"
    shutil.copytree(ROOT / "docs" / "explorer", source / "explorer")
    for name in ("conf.py", "explorer.rst"):
        shutil.copy(ROOT / "docs" / name, source)
    for name in ("_static", "_templates", "inventories"):
        shutil.copytree(ROOT / "docs" / name, source / name)
    (folder / "tutorials").mkdir()  # none of them
    # Links to the other pages lead nowhere; all else is as on the site.
    options = ["-q", "-D", "root_doc=explorer", "-D", "nitpicky=0"]
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(html)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return html


def axe_source() -> str:
    """The script of axe-core, which the package brings along."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


# Contrast takes axe most of its time, and a page repeats a few looks thousands of times: keywords
# in code, rows of a table. These are the parts in which everything looks like something before.
REPEATED = """where => {
    const seen = new Set();
    const look = (element, ...names) => names.map(name => getComputedStyle(element)[name]).join();
    return [...document.querySelectorAll(`${where} :is(.highlight pre, tr, li)`)].filter(part => {
        let behind = "";
        for (let e = part; e; e = e.parentElement) behind += look(e, "backgroundColor", "opacity");
        const looks = [part, ...part.querySelectorAll("*")].map(element => behind +
            look(element, "color", "backgroundColor", "opacity", "fontSize", "fontWeight"));
        const is_new = looks.some(one => !seen.has(one));
        looks.forEach(one => seen.add(one));
        return !is_new;
    });
}"""


OF_COLOUR = ["color-contrast", "link-in-text-block"]


def violations(page, axe: str, where: str = "html") -> list[str]:
    """What axe finds serious or critical, each with the first element that it is about.

    The page is looked at as it is, and its colours on the light and on the dark page.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(axe)
    run = """([context, options]) =>
        axe.run(context, {resultTypes: ["violations"], preload: false, ...options})"""
    options = {"rules": {rule: {"enabled": False} for rule in OF_COLOUR}}
    found = page.evaluate(run, [where, options])["violations"]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        repeated = page.evaluate_handle(REPEATED, where)
        context = {"include": [where], "exclude": repeated}
        found += page.evaluate(run, [context, {"runOnly": OF_COLOUR}])["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    first = [(v["id"], v["nodes"][0]) for v in serious]
    return [f"{rule}: {node['html'][:120]}: {node['failureSummary']}" for rule, node in first]


# ---------------------------------------------------------------- fixtures, which conftest.py takes


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder with the pages."""
    return build_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser():
    """A browser, for all tests of a file."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        need(False, "playwright: pip install 'lucid-edu[browser]'")
    path = chromium()
    with sync_playwright() as playwright:
        # root, in a container, has no sandbox; the pages are our own
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, site):
    """``opened(settings, ...)`` is the explorer's page; a script's error fails the test."""
    errors, contexts = [], []

    def open_page(settings: str = "", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{(site / 'explorer.html').as_uri()}#{settings}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors
