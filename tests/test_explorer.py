"""The convolution explorer computes what lucid computes, and anybody can use it.

A failure prints the seed that repeats it; ``LUCID_TEST_CASES`` and ``LUCID_TEST_SEED`` ask for more
settings, and for others.
"""

from __future__ import annotations

import contextlib
import io
import os
import re

import numpy as np
import pytest

import lucid
import lucid.nn.functional as F
from lucid import nn
from lucid._ext.numpy_twins import pad_index
from lucid.ops.conv import PADDING_MODES

from browser import axe_source, build_site, chromium, need, violations

CASES = int(os.environ.get("LUCID_TEST_CASES", "400"))
SEED = int(os.environ.get("LUCID_TEST_SEED", "0"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser():
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


# ------------------------------------------------------------------------------- random settings


def random_settings(rng: np.random.Generator) -> str:
    """An address: often of something that can be computed, sometimes of something that cannot."""
    groups = int(rng.choice([1, 1, 2, 3, 6]))
    channels = [n for n in range(1, 7) if n % groups == 0 or rng.random() < 0.05]
    padding = rng.choice(["same", "valid", str(rng.integers(0, 13)), str(rng.integers(0, 4))])
    stride = 1 if padding == "same" and rng.random() < 0.9 else rng.integers(1, 9)
    given = {
        "length": rng.integers(1, 25),
        "in_channels": rng.choice(channels),
        "out_channels": rng.choice(channels),
        "groups": groups,
        "kernel_size": rng.choice([rng.integers(1, 10), rng.integers(1, 4)]),
        "stride": stride,
        "dilation": rng.choice([1, 1, rng.integers(1, 7)]),
        "padding": padding,
        "padding_mode": rng.choice(list(PADDING_MODES)),
        "bias": rng.integers(0, 2),
        "seed": rng.integers(0, 1000),
        "x": rng.choice(["random", "random", "ramp", "impulse", "ones", own_numbers(rng)]),
        "w": rng.choice(
            ["random", "random", "ramp", "difference", "identity", "ones", own_numbers(rng)]
        ),
        "g": rng.choice(["ones", "ramp", "random"]),
        "at": f"{rng.choice(['x', 'y'])},{rng.integers(0, 6)},{rng.integers(0, 24)}",
    }
    return "&".join(f"{name}={value}" for name, value in given.items())


def own_numbers(rng: np.random.Generator) -> str:
    rows = rng.integers(-999, 999, (rng.integers(1, 7), rng.integers(1, 12))) / 100
    return "/".join(",".join(map(str, row)) for row in rows)


def many_settings(count: int) -> list[str]:
    print(f"repeat: LUCID_TEST_SEED={SEED} LUCID_TEST_CASES={count} pytest {__file__}")
    rng = np.random.default_rng(SEED)
    return [random_settings(rng) for _ in range(count)]


# What the page's functions say of an address.
EXPLORE = """addresses => addresses.map(address => {
    const s = fromAddress(address);
    const n = numbers(s);
    const said = {s, refused: refusal(s), code: pythonCode(s, n), ...n};
    if (said.refused) return said;
    change(address);
    return {
        ...said,
        y: convolve(s, n.x, n.w, n.b),
        x_grad: table(s.in_channels, s.length, (c, i) => gradientAt(s, n.w, n.g, c, i)),
        sum: byId("sum").textContent,
        symbols: byId("symbols").textContent,
    };
})"""


@pytest.fixture(scope="module")
def explored(browser, site):
    """What the page says of hundreds of settings."""
    page = browser.new_page()
    page.goto((site / "explorer.html").as_uri())
    yield page.evaluate(EXPLORE, many_settings(CASES))
    page.close()


def lucid_call(said: dict):
    """(y, x.grad) of lucid, from the numbers and the settings of the page."""
    s = said["s"]
    x = lucid.tensor([said["x"]], dtype=lucid.float64, requires_grad=True)
    w = lucid.tensor(said["w"], dtype=lucid.float64)
    b = lucid.tensor(said["b"], dtype=lucid.float64) if said["b"] else None
    names = ("stride", "padding", "dilation", "groups", "padding_mode")
    y = F.conv1d(x, w, b, **{name: s[name] for name in names})
    y.backward(lucid.tensor([said["g"]], dtype=lucid.float64))
    return y.detach().numpy()[0], x.grad.numpy()[0]


def layer(s: dict) -> nn.Conv1d:
    names = (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
    )
    return nn.Conv1d(**{name: s[name] for name in names}, padding_mode=s["padding_mode"])


def same(ours, theirs, said: dict) -> None:
    """Equal: whole numbers exactly, own numbers with decimals to 1e-12 of the largest."""
    ours, theirs = np.array(ours, float), np.array(theirs, float)
    assert ours.shape == theirs.shape, said["s"]
    whole = all(np.all(np.array(said[k]) % 1 == 0) for k in "xw")
    limit = 0 if whole else 1e-12 * max(1, np.abs(theirs).max())
    assert np.abs(ours - theirs).max() <= limit, said["s"]


# ------------------------------------------------------------------------------------ the numbers


def test_the_page_pads_as_lucid_pads(opened):
    page = opened()
    for mode, number in PADDING_MODES.items():
        for n in range(1, 7):
            pad = {"reflect": n - 1, "circular": n}.get(mode, 9)
            places = np.arange(-pad, n + pad)
            answer = page.evaluate(
                "([places, n, mode]) => places.map(i => padIndex(i, n, mode))",
                [places.tolist(), n, mode],
            )
            assert answer == pad_index(places, n, number).tolist(), (mode, n)


def written(sum_text: str) -> tuple[str, float, float]:
    """``"y[0, 0, 1] = 1 + 2·(−3) = −5"``: the name, what the sum comes to, what it says."""
    name, *middle, result = sum_text.replace("·", "*").replace("−", "-").split(" = ")
    return name, eval(middle[0]) if middle else float(result), float(result)


def check_sum(said: dict) -> None:
    """Both lines of the sum, in numbers and in names, come to what lucid says."""
    kind, row, column = said["s"]["at"]
    value = said["y" if kind == "y" else "x_grad"][row][column]
    name, *sums = written(said["sum"])
    assert name == f"{'y' if kind == 'y' else 'x.grad'}[0, {row}, {column}]"
    variables = {k: np.array(said[k]) for k in "wb"} | {k: np.array([said[k]]) for k in "xg"}
    in_names = said["symbols"].split(" = ")[1].replace("·", "*").split(", for no")[0]
    for each in (*sums, eval(in_names, variables)):
        assert each == pytest.approx(value, rel=1e-11, abs=1e-11), said["s"]


def test_outputs_sums_and_gradients_are_those_of_lucid(explored):
    computed = 0
    for said in explored:
        if said["refused"]:
            continue
        computed += 1
        y, x_grad = lucid_call(said)
        same(said["y"], y, said)
        same(said["x_grad"], x_grad, said)
        check_sum(said)
    assert computed > CASES / 2


def test_what_does_not_fit_is_refused_in_the_words_of_lucid(explored):
    kinds = set()
    for said in explored:
        s = said["s"]
        refused = None
        try:
            layer(s)(lucid.zeros(1, s["in_channels"], s["length"]))
        except ValueError as error:
            refused = [type(error).__name__, str(error)]
            kinds.add(refused[1][:22])
        assert said["refused"] == refused, s
    assert len(kinds) >= 6 or CASES < 400, kinds  # every rule was met


def run_code(code: str) -> tuple[dict, str]:
    """Run lines of Python as somebody who pastes them: their names, and what they print."""
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, names)
    return names, printed.getvalue()


def check_code(said: dict) -> None:
    if said["refused"]:
        kind, words = said["refused"]
        with pytest.raises(ValueError, match=re.escape(words)) as raised:
            run_code(said["code"])
        assert type(raised.value).__name__ == kind
        assert said["code"].endswith(kind)
        return
    names, printed = run_code(said["code"])
    same(names["y"].detach().numpy()[0], said["y"], said)
    variable, (kind, row, column) = names["x"], said["s"]["at"]
    chosen = said["y"][row][column] if kind == "y" else said["x_grad"][row][column]
    assert float(re.search(r"\((.*?),", printed)[1]) == pytest.approx(chosen, rel=1e-3)
    if kind == "x":
        same(variable.grad.numpy()[0], said["x_grad"], said)
    # the comment below is a layer of the same geometry
    conv = eval(said["code"].splitlines()[-1].removeprefix("# "), {"nn": nn})
    assert conv(lucid.zeros(*variable.shape)).shape == names["y"].shape
    assert (conv.bias is None) == (said["b"] is None)


def test_the_code_beside_it_computes_the_same(explored):
    for said in explored:
        check_code(said)


# ----------------------------------------------------------------------------------- what is drawn


def read_cells(page, grid: str) -> dict[str, float]:
    """What the cells of a grid say aloud, by their places."""
    return {
        key: float(name.replace("−", "-").split(" is ")[1])
        for key, name in page.eval_on_selector_all(
            f"#{grid} [data-key]", "cells => cells.map(c => [c.dataset.key, c.ariaLabel])"
        )
    }


def click(page, key: str) -> str:
    """Choose a cell; the sum that is shown then."""
    page.locator(f'[data-key="{key}"]').click()
    assert page.locator("[aria-selected=true]").get_attribute("data-key") == key
    return page.locator("#sum").inner_text()


def test_what_is_drawn_and_what_a_click_says(opened):
    page = opened()
    drawn = 0
    for address in many_settings(60):
        said = page.evaluate(EXPLORE, [address])[0]
        page.evaluate("address => change(address)", address)
        assert page.locator("#code").inner_text().rstrip() == said["code"]
        assert page.locator("#refusal").is_visible() == bool(said["refused"])
        assert page.locator("#picture").is_visible() != bool(said["refused"])
        if said["refused"]:
            assert page.locator("#refusal").inner_text() == ": ".join(said["refused"])
            continue
        drawn += 1
        y, x_grad = lucid_call(said)
        cells = read_cells(page, "output")
        assert len(cells) == y.size
        for o, t in np.ndindex(y.shape):
            assert cells[f"y,{o},{t}"] == pytest.approx(y[o, t], rel=1e-11, abs=1e-12)
        rng = np.random.default_rng(drawn)
        o, t = (int(rng.integers(n)) for n in y.shape)
        name, value, result = written(click(page, f"y,{o},{t}"))
        assert name == f"y[0, {o}, {t}]"
        assert value == pytest.approx(y[o, t], rel=1e-11, abs=1e-11)
        assert result == pytest.approx(y[o, t], rel=1e-11, abs=1e-11)
        check_padding(page, said)
        check_kernel(page, said, o)
        c, i = (int(rng.integers(n)) for n in x_grad.shape)
        name, value, result = written(click(page, f"x,{c},{i}"))
        assert name == f"x.grad[0, {c}, {i}]"
        assert value == pytest.approx(x_grad[c, i], rel=1e-11, abs=1e-11)
        assert result == pytest.approx(x_grad[c, i], rel=1e-11, abs=1e-11)
    assert drawn > 30


def check_padding(page, said: dict) -> None:
    """The rows of the input are those of ``F.pad``, and dashed where they were added."""
    s = said["s"]
    left, right = page.evaluate("s => pads(s)", s)
    mode = {"zeros": "constant"}.get(s["padding_mode"], s["padding_mode"])
    x = lucid.tensor([said["x"]], dtype=lucid.float64)
    shown = page.eval_on_selector_all(
        "#input .row",
        "rows => rows.map(r => [...r.querySelectorAll('.cell')].map(c => c.ariaLabel))",
    )
    values = [[float(re.search(r"[−\d.]+$", c)[0].replace("−", "-")) for c in row] for row in shown]
    assert values == F.pad(x, (left, right), mode=mode).tolist()[0]
    assert page.locator("#input .padded").count() == (left + right) * s["in_channels"]


def check_kernel(page, said: dict, o: int) -> None:
    """The kernel of the chosen output is drawn, its numbers in order, under what it meets."""
    cells = page.eval_on_selector_all(
        "#kernel .cell", "cells => cells.map(c => [c.firstChild.data, c.getBoundingClientRect().x])"
    )
    weights = [float(text.replace("−", "-")) for text, _ in cells]
    assert weights == pytest.approx(np.array(said["w"][o]).ravel().tolist(), rel=1e-3)


def test_the_kernel_lies_under_what_it_reads(opened):
    page = opened("kernel_size=3&dilation=2&stride=2&padding=same", reduced_motion="reduce")
    page.evaluate("change('kernel_size=3&dilation=2&stride=2&padding=2&length=12')")
    for t in range(6):
        click(page, f"y,0,{t}")
        left = "cells => cells.map(c => Math.round(c.getBoundingClientRect().x))"
        kernel = page.eval_on_selector_all("#kernel .cell", left)
        assert kernel == page.eval_on_selector_all("#input .touched", left)
        # and the output under the middle one
        assert kernel[1] == page.eval_on_selector_all("#output .selected", left)[0]


def test_a_click_on_padding_chooses_what_it_reads(opened):
    page = opened("padding=2&padding_mode=circular")
    page.locator("#input .padded").first.click()
    assert page.locator("[aria-selected=true]").get_attribute("data-key") == "x,0,6"
    # read once in its own place and three times from there on: as often as lucid says
    name, value, _ = written(page.locator("#sum").inner_text())
    said = page.evaluate(EXPLORE, ["padding=2&padding_mode=circular"])[0]
    assert (name, value) == ("x.grad[0, 0, 6]", lucid_call(said)[1][0, 6])


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


# ------------------------------------------------------------------------------------------- axe

SCHEMES = ("light", "dark")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_serious_on_the_explorer(opened, scheme):
    axe = axe_source()
    page = opened(color_scheme=scheme)
    for address in [
        "",
        "in_channels=6&out_channels=6&groups=6&padding=2&padding_mode=circular&at=x,3,1",
        "in_channels=6&out_channels=6&groups=6&dilation=2&at=y,5,1&x=1,2.125&w=3",
        "in_channels=2&out_channels=2&groups=2&at=x,0,3",
        "padding=12&padding_mode=reflect",
    ]:
        page.evaluate("address => change(address)", address)
        page.evaluate("document.getAnimations().forEach(a => a.finish())")
        assert violations(page, axe) == [], address
    for group in range(6):  # each has its own colour
        page.evaluate(f"change('in_channels=6&out_channels=6&groups=6&padding=0&at=y,{group},1')")
        page.evaluate("document.getAnimations().forEach(a => a.finish())")
        assert violations(page, axe, "#picture") == [], group


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
        page.emulate_media(color_scheme="light")
        page.goto(path.as_uri())
        problems = violations(page, axe)
        page.emulate_media(color_scheme="dark")
        if problems := problems + violations(page, axe, "html", ["color-contrast"]):
            found[path.name] = problems
    page.close()
    assert found == {}
