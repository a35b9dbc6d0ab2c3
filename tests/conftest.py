"""What every test starts from: a known seed, the usual default dtype, recording switched on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

import lucid

from browser import browser, opened, site  # noqa: F401  (fixtures: pytest finds them here)

# They need PyTorch; the tests only read what they made.
collect_ignore = ["data/make_reference_cnn.py", "data/make_torch_names.py"]

# The gate tries the same examples every time; a developer's run looks for new ones.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("gate" if os.environ.get("CI") else "search")


@pytest.fixture(autouse=True)
def _known_state() -> Iterator[None]:
    lucid.manual_seed(0)
    yield
    lucid.set_default_dtype(lucid.float32)
    assert lucid.is_grad_enabled(), "a test left recording switched off"


@pytest.fixture
def set_threads():
    """``lucid.set_num_threads``, undone afterwards."""
    before = lucid.get_num_threads()
    yield lucid.set_num_threads
    lucid.set_num_threads(before)
