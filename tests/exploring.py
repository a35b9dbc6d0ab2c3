"""The convolution explorer under test: random settings, what its page and what lucid say of them.

``LUCID_TEST_CASES`` and ``LUCID_TEST_SEED`` ask for more settings, and for others.
"""

from __future__ import annotations

import os

import numpy as np

import lucid
import lucid.nn.functional as F
from lucid.ops.conv import PADDING_MODES

CASES = int(os.environ.get("LUCID_TEST_CASES", "400"))
SEED = int(os.environ.get("LUCID_TEST_SEED", "0"))


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
    print(f"repeat: LUCID_TEST_SEED={SEED} LUCID_TEST_CASES={count} pytest tests/test_explorer*.py")
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


def same(ours, theirs, said: dict) -> None:
    """Equal: whole numbers exactly, own numbers with decimals to 1e-12 of the largest."""
    ours, theirs = np.array(ours, float), np.array(theirs, float)
    assert ours.shape == theirs.shape, said["s"]
    whole = all(np.all(np.array(said[k]) % 1 == 0) for k in "xw")
    limit = 0 if whole else 1e-12 * max(1, np.abs(theirs).max())
    assert np.abs(ours - theirs).max() <= limit, said["s"]


def written(sum_text: str) -> tuple[str, float, float]:
    """``"y[0, 0, 1] = 1 + 2·(−3) = −5"``: the name, what the sum comes to, what it says."""
    name, *middle, result = sum_text.replace("·", "*").replace("−", "-").split(" = ")
    return name, eval(middle[0]) if middle else float(result), float(result)


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
