"""The docs' table of PyTorch's names is that of the code, and PyTorch's names are all in it."""

from __future__ import annotations

import importlib.util
import re

import pytest

import parity


@pytest.mark.parametrize("path", parity.pages(), ids=lambda path: path.name)
def test_the_page_is_that_of_the_code(path):
    assert path.read_text(encoding="utf-8") == parity.pages()[path], "try: python tests/parity.py"


def test_every_note_is_about_a_name():
    keys = {f"{module}:{name}" for module, some in parity.names().items() for name in some}
    assert set(parity.DIFFERENT) <= keys
    for pattern, _ in parity.LEFT_OUT:
        assert any(re.match(pattern, key) for key in keys), pattern


def test_a_name_without_a_reason_is_an_error():
    with pytest.raises(KeyError, match="say why"):
        parity.state("nn", "NoSuchLayer")


def test_the_names_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13."):
        pytest.skip(f"the names are those of 2.13, this is {torch.__version__}")
    path = parity.NAMES.with_name("make_torch_names.py")
    spec = importlib.util.spec_from_file_location("make_torch_names", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.names() == parity.names(), f"try: python {path}"
