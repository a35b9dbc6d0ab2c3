"""Every page of the site in a browser: anybody can read it, and copy its examples."""

from __future__ import annotations

import os
import re

import pytest

from browser import BUILT, axe_source, violations

built = pytest.mark.skipif(not BUILT, reason="LUCID_DOCS_HTML names no site")


def pages_to_look_at(site):
    """All pages written by hand, and some of those of single names, which one template makes.

    ``LUCID_ALL_PAGES=1`` takes all of those, too: that is some minutes.
    """
    pages = sorted(site.rglob("*.html"))
    names = [path for path in pages if "generated" in path.parts]
    if not os.environ.get("LUCID_ALL_PAGES"):
        names = names[:: max(1, len(names) // 12)]
    return [path for path in pages if "generated" not in path.parts] + names


@pytest.mark.parametrize("part", range(8))
def test_axe_finds_nothing_serious_on_any_page_of_the_site(browser, site, part):
    axe = axe_source()
    found = {}
    page = browser.new_page()
    for path in pages_to_look_at(site)[part::8]:
        page.goto(path.as_uri())
        if problems := violations(page, axe):
            found[path.name] = problems
    page.close()
    assert found == {}


@pytest.fixture
def clipboard(browser):
    """A page whose scripts may write to the clipboard, and ``copied(button)``, what they wrote."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()

    def copied(button) -> str:
        page.evaluate("navigator.clipboard.writeText('nothing')")
        button.click()
        page.wait_for_function("async () => await navigator.clipboard.readText() !== 'nothing'")
        return page.evaluate("navigator.clipboard.readText()")

    yield page, copied
    context.close()


@built
@pytest.mark.parametrize("name", ["start", "lazy", "api/generated/lucid.nn.LazyConv1d"])
def test_an_example_is_copied_without_prompts_and_outputs(clipboard, site, name):
    page, copied = clipboard
    page.goto((site / f"{name}.html").as_uri())
    blocks = page.locator(".highlight", has=page.locator(".gp"))
    assert blocks.count() >= 2
    for block in blocks.all():
        text = block.locator("pre").inner_text()
        text = re.sub(r"^(Traceback .*)\n\.\.\.$", r"\1", text, flags=re.M)  # was not typed
        typed = "\n".join(re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", text, re.M))
        assert copied(block.locator("button.copybtn")) == typed.removesuffix("\n")


@built
def test_a_cell_of_a_tutorial_is_copied_whole_and_its_output_has_no_button(clipboard, site):
    page, copied = clipboard
    page.goto((site / "tutorials" / "first-tensor.html").as_uri())
    cell = page.locator("div.cell", has=page.locator(".cell_output pre")).first
    code = cell.locator(".cell_input pre").inner_text()
    assert copied(cell.locator("button.copybtn")) == code.rstrip("\n")
    assert page.locator(".cell_output button.copybtn").count() == 0


@built
def test_the_button_is_seen_when_the_keyboard_reaches_it(clipboard, site):
    page, _ = clipboard
    page.goto((site / "start.html").as_uri())
    page.locator("button.copybtn").first.wait_for(state="attached")
    page.locator(".highlight pre").first.focus()
    page.keyboard.press("Tab")
    page.wait_for_function("getComputedStyle(document.activeElement).opacity === '1'")
    assert page.evaluate("document.activeElement.className").startswith("copybtn")


def test_no_page_scrolls_sideways(browser, site):
    page = browser.new_page()
    wide = []
    for path in pages_to_look_at(site):
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append((path.name, width))
    page.close()
    assert wide == []


def test_one_wrong_colour_among_many_repeated_ones_is_seen(browser, site):
    axe = axe_source()
    page = browser.new_page()
    page.goto((site / "explorer.html").as_uri())
    block = "<div class=highlight><pre tabindex=0><span>word</span></pre></div>"
    add = "html => document.querySelector('#explorer').insertAdjacentHTML('beforeend', html)"
    page.evaluate(add, 3 * block)
    assert violations(page, axe) == []
    page.evaluate(add, block.replace("<span>", "<span style='color: #888888'>"))
    assert "#888888" in "".join(violations(page, axe))
    page.close()
