"""What every test starts from: a known seed, the usual default dtype, recording switched on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lucid


@pytest.fixture(autouse=True)
def _known_state() -> Iterator[None]:
    lucid.manual_seed(0)
    yield
    lucid.set_default_dtype(lucid.float32)
    assert lucid.is_grad_enabled(), "a test left recording switched off"
