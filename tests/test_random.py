"""Random numbers: seeds, states, generators, child seeds, and what is drawn."""

from __future__ import annotations

import copy
import json
import threading

import numpy as np
import pytest

import lucid
from lucid import random

DRAWS = {
    "rand": lambda g: lucid.rand(3, generator=g),
    "randn": lambda g: lucid.randn(3, dtype=lucid.float64, generator=g),
    "randint": lambda g: lucid.randint(0, 1000, (3,), generator=g),
    "randperm": lambda g: lucid.randperm(50, generator=g),
    "rand_like": lambda g: lucid.rand_like(lucid.zeros(3), generator=g),
    "randn_like": lambda g: lucid.randn_like(lucid.zeros(3), generator=g),
    "randint_like": lambda g: lucid.randint_like(lucid.zeros(3), 1000, generator=g),
    "bernoulli": lambda g: lucid.bernoulli(lucid.full((50,), 0.5), generator=g),
    "multinomial": lambda g: lucid.multinomial(lucid.ones(50), 20, generator=g),
    "normal": lambda g: lucid.normal(lucid.ones(3), 2.0, generator=g),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_decides_what_is_drawn(draw):
    lucid.manual_seed(5)
    first, second = draw(None).tolist(), draw(None).tolist()
    assert first != second
    lucid.manual_seed(5)
    assert draw(None).tolist() == first
    lucid.manual_seed(6)
    assert draw(None).tolist() != first


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_generator_is_a_stream_of_its_own(draw):
    g = lucid.Generator().manual_seed(5)
    state = lucid.get_rng_state()
    first = draw(g).tolist()
    assert lucid.get_rng_state() == state
    lucid.manual_seed(5)
    assert draw(None).tolist() == first
    assert draw(g.manual_seed(5)).tolist() == first


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_state_brings_the_numbers_back(draw):
    draw(None)
    random.spawn_seed()
    state = json.loads(json.dumps(lucid.get_rng_state()))  # it is made of plain values
    first, child = draw(None).tolist(), random.spawn_seed().generate_state(2).tolist()
    lucid.set_rng_state(state)
    assert draw(None).tolist() == first
    assert random.spawn_seed().generate_state(2).tolist() == child


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_generator_of_another_kind_is_named(draw):
    with pytest.raises(TypeError, match=r"got Generator\n  try: lucid.Generator\(\).manual_seed"):
        draw(np.random.default_rng(0))


def test_a_state_is_a_snapshot():
    state = lucid.get_rng_state()
    before = copy.deepcopy(state)
    lucid.rand(10)
    assert state == before


@pytest.mark.parametrize(
    "state", [{}, {"seed": 1}, "state", None, 5, {"seed": 1, "children": 0, "stream": {}}]
)
def test_what_is_no_state_changes_nothing(state):
    before = lucid.get_rng_state()
    with pytest.raises(ValueError, match="no state from get_state"):
        lucid.set_rng_state(state)
    assert lucid.get_rng_state() == before


def test_initial_seed_and_seed():
    assert lucid.manual_seed(7).initial_seed() == lucid.initial_seed() == 7
    drawn = lucid.seed()
    assert drawn == lucid.initial_seed() != 7
    first = lucid.rand(3).tolist()
    lucid.manual_seed(drawn)
    assert lucid.rand(3).tolist() == first
    assert lucid.Generator().initial_seed() != lucid.Generator().initial_seed()
    assert lucid.manual_seed(np.int64(3)).initial_seed() == 3


@pytest.mark.parametrize(
    ("seed", "error", "text"),
    [
        (-1, ValueError, r"at least 0, got -1\n  try: lucid.manual_seed\(1\)"),
        (1.0, TypeError, "a whole number, got 1.0"),
        ("1", TypeError, "a whole number, got '1'"),
        (True, TypeError, "a whole number, got True"),
        (None, TypeError, "a whole number, got None"),
    ],
)
def test_errors_of_seeds(seed, error, text):
    before = lucid.get_rng_state()
    for start in (lucid.manual_seed, lucid.Generator().manual_seed):
        with pytest.raises(error, match=text):
            start(seed)
    assert lucid.get_rng_state() == before


def test_child_seeds_do_not_touch_the_stream_nor_the_stream_them():
    lucid.manual_seed(1)
    numbers = lucid.rand(4).tolist()
    lucid.manual_seed(1)
    children = [random.spawn_seed().generate_state(1)[0] for _ in range(3)]
    assert len(set(children)) == 3
    assert lucid.rand(4).tolist() == numbers
    lucid.manual_seed(1)
    lucid.rand(100)
    assert [random.spawn_seed().generate_state(1)[0] for _ in range(3)] == children


def test_drawing_from_a_child_seed():
    child = random.spawn_seed()
    state = lucid.get_rng_state()
    drawn: list = []

    def draw():
        drawn.append(lucid.rand(3).tolist())

    def draw_twice():
        draw()
        random.drawing_from(child, draw)  # starts anew
        draw()  # goes on

    random.drawing_from(child, draw_twice)
    assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(ZeroDivisionError):
        random.drawing_from(child, lambda: 1 / 0)
    assert lucid.get_rng_state() == state
    outside = random.stream()
    seen: list = []

    def look_from_another_thread():
        thread = threading.Thread(target=lambda: seen.append(random.stream()))
        thread.start()
        thread.join()

    random.drawing_from(child, look_from_another_thread)
    assert seen == [outside]  # a scope is for one thread


def test_numpys_own_numbers_are_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    lucid.manual_seed(0)
    lucid.rand(3)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# ----------------------------------------------------------------------------------- what is drawn


def test_distributions():
    n = 20_000
    even, normal = lucid.rand(n), lucid.randn(n)
    assert 0 <= even.min().item() < 0.01
    assert 0.99 < even.max().item() < 1
    assert even.mean().item() == pytest.approx(0.5, abs=0.01)
    assert normal.mean().item() == pytest.approx(0, abs=0.03)
    assert normal.std().item() == pytest.approx(1, abs=0.03)
    whole = lucid.randint(-2, 3, (n,))
    assert np.unique(whole.numpy()).tolist() == [-2, -1, 0, 1, 2]
    assert sorted(lucid.randperm(20).tolist()) == list(range(20))


def test_shapes_and_dtypes():
    assert lucid.rand(2, 3).shape == lucid.rand((2, 3)).shape == (2, 3)
    assert lucid.randn().shape == ()
    assert lucid.rand(0).shape == (0,)
    assert lucid.rand(2).dtype is lucid.randn(2).dtype is lucid.float32
    assert lucid.rand(2, dtype=lucid.float64).dtype is lucid.float64
    assert lucid.rand(2, requires_grad=True).requires_grad
    lucid.set_default_dtype(lucid.float64)
    assert lucid.rand(2).dtype is lucid.float64
    lucid.set_default_dtype(lucid.float32)
    assert lucid.randint(5, (2,)).dtype is lucid.randperm(3).dtype is lucid.int64
    assert lucid.randint(5, size=(2, 2)).shape == (2, 2)
    assert lucid.randint(0, 5, (2,), dtype=lucid.uint8).dtype is lucid.uint8
    assert lucid.randint_like(lucid.zeros(2), 3, 5).dtype is lucid.float32
    assert lucid.randperm(0).shape == (0,)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: lucid.rand(-1), ValueError, r"sizes are at least 0, got \(-1,\)"),
        (lambda: lucid.rand(2.0), TypeError, "a shape is made of ints"),
        (lambda: lucid.rand(2, dtype=lucid.int64), TypeError, "rand draws float32 or float64, got"),
        (lambda: lucid.randn(2, dtype="bool"), TypeError, r"randn draws.*\n  try: dtype="),
        (lambda: lucid.randint(5), TypeError, "randint needs a size"),
        (lambda: lucid.randint(5, 5, (2,)), ValueError, "got low=5, high=5"),
        (lambda: lucid.randint(0, (2,)), ValueError, "got low=0, high=0"),
        (lambda: lucid.randperm(-1), ValueError, "at least 0"),
        (lambda: lucid.rand(2, device="cuda"), ValueError, "the only device is 'cpu', got 'cuda'"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
