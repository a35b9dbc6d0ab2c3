"""The convolution explorer in use: its address and controls, its keys, on a phone, read aloud."""

from __future__ import annotations

import pytest

from browser import axe_source, violations
from exploring import CASES, click, many_settings, read_cells

# ------------------------------------------------------------------------------------ the address


def test_an_address_comes_back_from_its_settings(opened):
    page = opened()
    again = """addresses => addresses.map(a => {
        const s = fromAddress(a);
        return [s, fromAddress(toAddress(s)), toAddress(s)];
    })"""
    for before, after, address in page.evaluate(again, many_settings(CASES)):
        assert before == after
        assert " " not in address
    assert page.evaluate("toAddress(fromAddress(''))") == ""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("length=1000&stride=-3&padding=99", {"length": 24, "stride": 1, "padding": 12}),
        ("kernel_size=3.5&groups=two&bias=", {"kernel_size": 3, "groups": 1, "bias": 0}),
        ("padding=SAME&padding_mode=mirror", {"padding": 1, "padding_mode": "zeros"}),
        ("x=<b>&w=,&g=own&seed=1e3", {"x": "random", "w": "random", "g": "ones", "seed": 1}),
        ("x=1, 2.345 /-1e9,x", {"x": "1,2.35/-99,0"}),
        ("at=y,7,77", {"at": ["y", 0, 7]}),
        ("at=z,0,0&at", {"at": ["y", 0, 0]}),
        ("at=x,-1,2", {"at": ["y", 0, 0]}),
        ("constructor=1&__proto__=2&%E0%A4%A&&==", {"length": 8}),
        ("x=" + "9," * 5000 + "/" * 5000, {"length": 8}),
    ],
)
def test_a_bad_address_is_brought_into_range(opened, address, expected):
    page = opened(address)
    s = page.evaluate("s")
    assert {name: s[name] for name in expected} == expected
    assert page.locator("#picture").is_visible()


def test_the_controls_write_the_address_and_the_address_sets_the_controls(opened):
    page = opened("length=12&stride=2&padding=same&padding_mode=circular&bias=1&x=ramp")
    assert page.locator("[name=length]").input_value() == "12"
    assert page.locator("[name=padding_kind]").input_value() == "same"
    assert page.locator("[name=padding]").is_disabled()
    assert page.locator("[name=bias]").is_checked()
    assert "needs stride=1" in page.locator("#refusal").inner_text()
    page.locator("[name=stride]").press("ArrowLeft")
    assert page.locator("#refusal").is_hidden()
    page.locator("[name=padding_mode]").select_option("zeros")
    page.locator("[name=bias]").uncheck()
    page.locator("[name=padding_kind]").select_option("number")
    page.locator("[name=padding]").fill("4")
    page.wait_for_function("location.hash === '#length=12&padding=4&x=ramp'")
    page.evaluate("location.hash = 'kernel_size=5'")
    page.wait_for_function("document.querySelector('[name=kernel_size]').value === '5'")
    assert page.locator("[name=length]").input_value() == "8"
    page.locator("#reset").click()
    page.wait_for_function("location.hash === ''")
    page.locator(".examples a").nth(3).click()
    page.wait_for_function("document.querySelector('[name=dilation]').value === '3'")


def test_own_numbers_begin_with_those_that_are_there(opened):
    page = opened("x=ramp&length=4&kernel_size=1&padding=0&w=ones")
    field = page.get_by_label("x, channels between slashes")
    assert field.is_hidden()
    page.locator("[name=x]").select_option("own")
    assert field.input_value() == "1,2,3,4"
    field.fill("")
    assert field.is_visible()
    field.fill("5 -0.25, 7")
    assert list(read_cells(page, "output").values()) == [5, -0.25, 7, 0]
    field.blur()
    page.wait_for_function("document.querySelector('[name=own_x]').value === '5,-0.25,7'")


def test_every_example_shows_something_else(opened):
    page = opened()
    seen = {page.locator("#shown").inner_html()}
    links = page.locator(".examples a")
    for j in range(links.count()):
        links.nth(j).click()
        page.wait_for_function(
            "address => location.hash === address", arg=links.nth(j).get_attribute("href")
        )
        page.wait_for_timeout(50)
        seen.add(page.locator("#shown").inner_html() + page.locator("#refusal").inner_text())
    assert len(seen) == links.count() + 1
    assert "at most 3" in page.locator("#refusal").inner_text()


# ------------------------------------------------------------------------- keys, phones, and voices


def focused(page) -> str | None:
    return page.evaluate("document.activeElement.dataset.key ?? document.activeElement.id")


def test_the_keyboard_reaches_and_walks_through_everything(opened):
    page = opened("in_channels=2&out_channels=2")
    page.locator("#next").focus()
    stops = []
    for _ in range(4):
        page.keyboard.press("Tab")
        stops.append(focused(page))
    assert stops == ["picture", "x,0,0", "y,0,0", "code"]
    page.keyboard.press("Shift+Tab")
    for key, place in [
        ("ArrowRight", "y,0,1"), ("ArrowDown", "y,1,1"), ("End", "y,1,7"), ("ArrowRight", "y,1,7"),
        ("ArrowUp", "y,0,7"), ("ArrowUp", "y,0,7"), ("Home", "y,0,0"), ("ArrowLeft", "y,0,0"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert focused(page) == place
        assert page.locator("[aria-selected=true]").get_attribute("data-key") == place
        assert page.locator("#sum").inner_text().startswith(f"y[0, {place[2]}, {place[4]}] = ")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "x,0,0"
    assert page.locator("#sum").inner_text().startswith("y[0, 0, 0]")  # only looked at
    page.keyboard.press("Enter")
    assert page.locator("#sum").inner_text().startswith("x.grad[0, 0, 0]")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "x,1,0"


def test_the_focus_can_be_seen(opened):
    page = opened()
    page.locator("#next").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
        width = "parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
        assert page.evaluate(width) >= 2


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(opened, width):
    page = opened(viewport={"width": width, "height": 800})
    wide = "length=24&padding=12&kernel_size=9&in_channels=6&out_channels=6&x=own"
    for address in ["", wide, f"{wide}&dilation=6&padding=same", "padding=9&padding_mode=reflect"]:
        page.evaluate("address => change(address)", address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for control in page.locator("#explorer :is(input, select, button):visible").all():
            box = control.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_the_chosen_cells_are_scrolled_into_sight(opened):
    page = opened("length=24&padding=12", viewport={"width": 390, "height": 800})
    page.locator("#output [tabindex='0']").focus()
    for key in ("End", "Home"):
        page.keyboard.press(key)
        box = page.locator("#picture").bounding_box()
        label = page.locator("#input .label").first.bounding_box()
        for cell in page.locator("[role=gridcell].touched, .selected").all():
            at = cell.bounding_box()
            assert at["x"] >= label["x"] + label["width"]
            assert at["x"] + at["width"] <= box["x"] + box["width"]


def test_it_plays_step_by_step(opened):
    page = opened("length=4")
    page.clock.install()
    page.reload()
    progress = page.locator("#progress")
    page.locator("#play").click()
    for j in range(1, 5):
        assert progress.inner_text() == f"output {j} of 4"
        shown = page.eval_on_selector_all(
            "#output .cell", "cells => cells.map(c => c.firstChild.data)"
        )
        assert [text == "?" for text in shown] == [t >= j for t in range(4)]
        assert page.locator("#sum").get_attribute("aria-live") == "off"
        page.clock.run_for(1100)
    assert page.locator("#play").inner_text() == "Play"
    assert page.locator("#sum").get_attribute("aria-live") == "polite"
    page.locator("#next").click()
    assert progress.inner_text() == "output 1 of 4"
    page.locator("#back").click()
    assert progress.inner_text() == "output 4 of 4"
    page.locator("#play").click()
    assert progress.inner_text() == "output 1 of 4"
    assert page.locator("#play").inner_text() == "Pause"
    page.clock.run_for(1100)
    page.locator("#play").click()
    page.clock.run_for(5000)
    assert progress.inner_text() == "output 2 of 4"
    click(page, "x,0,1")
    page.locator("#next").click()
    assert progress.inner_text() == "input 3 of 4"


@pytest.mark.parametrize(("wish", "moving"), [("no-preference", 1), ("reduce", 0)])
def test_nothing_moves_for_those_who_want_no_motion(opened, wish, moving):
    page = opened(reduced_motion=wish)
    count = "step(1), document.getAnimations().length"
    assert page.evaluate(count) == moving


def test_code_and_link_are_copied(opened, site):
    page = opened("kernel_size=5", permissions=["clipboard-read", "clipboard-write"])
    read = "navigator.clipboard.readText()"
    page.locator("#copy-code").click()
    page.get_by_text("Code copied").wait_for()
    assert page.evaluate(read) == page.locator("#code").inner_text()
    page.locator("[name=stride]").press("ArrowRight")
    page.locator("#copy-link").click()
    page.get_by_text("Link copied").wait_for()
    assert page.evaluate(read).endswith("explorer.html#kernel_size=5&stride=2")


def test_every_control_has_a_name(opened):
    page = opened("x=1&w=1")
    for control in page.locator("#settings :is(input, select)").all():
        assert control.evaluate("c => c.labels.length") == 1, control.get_attribute("name")


def test_axe_finds_nothing_serious_on_the_explorer(opened):
    axe = axe_source()
    page = opened()
    for address in [
        "",
        "in_channels=6&out_channels=6&groups=6&padding=2&padding_mode=circular&at=x,3,1",
        "in_channels=6&out_channels=6&groups=6&dilation=2&at=y,5,1&x=1,2.125&w=3",
        "in_channels=2&out_channels=2&groups=2&at=x,0,3",
        "padding=12&padding_mode=reflect",
    ]:
        page.evaluate("address => change(address)", address)
        assert violations(page, axe) == [], address
    for group in range(6):  # each has its own colour
        page.evaluate(f"change('in_channels=6&out_channels=6&groups=6&padding=0&at=y,{group},1')")
        assert violations(page, axe, "#picture") == [], group
