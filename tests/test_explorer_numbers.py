"""The convolution explorer computes, draws and writes down what lucid computes.

A failure prints the variables that repeat it.
"""

from __future__ import annotations

import contextlib
import io
import re

import numpy as np
import pytest

import lucid
import lucid.nn.functional as F
from lucid import nn
from lucid._ext.numpy_twins import pad_index
from lucid.ops.conv import PADDING_MODES

from exploring import CASES, EXPLORE, click, lucid_call, many_settings, read_cells, same, written


@pytest.fixture(scope="module")
def explored(browser, site):
    """What the page says of hundreds of settings."""
    page = browser.new_page()
    page.goto((site / "explorer.html").as_uri())
    yield page.evaluate(EXPLORE, many_settings(CASES))
    page.close()


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
