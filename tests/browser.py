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


def violations(page, axe: str, where: str = "html", rules: list[str] | None = None) -> list[str]:
    """What axe finds serious or critical, each with the first element that it is about."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(axe)
    options = {
        "resultTypes": ["violations"],
        "preload": False,
        **({"runOnly": rules} if rules else {}),
    }
    found = page.evaluate("([where, options]) => axe.run(where, options)", [where, options])
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    first = [(v["id"], v["nodes"][0]) for v in serious]
    return [f"{rule}: {node['html'][:120]}: {node['failureSummary']}" for rule, node in first]
