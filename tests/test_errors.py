"""Every error of shapes and dtypes: its message, its cure, and that none is left out."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import lucid
from lucid import nn

import errors_catalogue as catalogue

PACKAGE = Path(lucid.__file__).parent
KINDS = {"ShapeError", "AxisError", "DtypeError"}

CASES = catalogue.cases()
by_title = pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])


def test_the_page_is_what_the_lines_give():
    assert catalogue.PAGE.read_text(encoding="utf-8") == catalogue.page(), (
        "try: python tests/errors_catalogue.py, and read what has changed"
    )


@by_title
def test_each_cure_works(case):
    error, names = catalogue.failure(case.lines)
    cures = catalogue.cures(str(error))
    assert cures, f"no cure: {error}"
    for cure, shape in cures:
        lines = catalogue.cured(case, cure, names)
        assert lines != case.lines
        catalogue.run(lines, dict(catalogue.KNOWN))
        if shape:
            assert str(eval(cure, dict(names)).shape) == shape


LAYERS = [
    case for case in CASES if re.search(r"^(\w+) = nn\.(.*\n)+\1\(x\)$", "\n".join(case.lines))
]


@pytest.mark.parametrize("case", LAYERS, ids=[case.title for case in LAYERS])
def test_inside_a_model_the_error_says_where(case):
    error, names = catalogue.failure(case.lines)
    layer = names[case.lines[-1].split("(")[0]]
    model = nn.Sequential(nn.Identity(), nn.Sequential(layer))
    with pytest.raises(type(error)) as caught:
        model(names["x"])
    where = f"  in model: 1.0 ({type(layer).__name__})"
    assert where in str(caught.value).split("\n")
    assert str(caught.value).replace(f"{where}\n", "") == str(error)


# ------------------------------------------------------------------------------- none is left out

# Where an error is made that the catalogue does not show, and why.
NOT_SHOWN = {
    ("ops/convert.py", "from_dlpack"): "needs another library; see test_io_memory.py",
}


def test_every_error_of_shapes_and_dtypes_is_in_the_catalogue():
    seen: set[tuple[str, int]] = set()

    def note(frame, event, arg):
        file = frame.f_code.co_filename
        if not file.startswith(str(PACKAGE)):
            return None
        if event == "line":
            seen.add((file, frame.f_lineno))
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        for case in CASES:
            catalogue.failure(case.lines)
    finally:
        sys.settrace(before)
    left_out = [
        f"{path.relative_to(PACKAGE).as_posix()}, in {function}"
        for path, function, lines in places()
        if not any((str(path), line) in seen for line in lines)
    ]
    shown = sorted({place for place in left_out if tuple(place.split(", in ")) not in NOT_SHOWN})
    assert not shown, f"try: add these to {catalogue.CASES}"


def places():
    """Where such an error is made: the file, the function, and the lines of the statement."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if makes_one(node):
                        yield path, function.name, range(node.lineno, node.end_lineno + 1)


def makes_one(node: ast.AST) -> bool:
    """Whether it is a call of one of the classes, or of one chosen from them."""
    if not isinstance(node, ast.Call):
        return False
    chosen = node.func
    names = [chosen.body, chosen.orelse] if isinstance(chosen, ast.IfExp) else [chosen]
    return any(isinstance(name, ast.Name) and name.id in KINDS for name in names)


def test_an_error_about_a_dtype_is_a_dtype_error():
    """Else nobody would look for it in the catalogue."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and "TypeError(" in (code := ast.unparse(node)):
                assert ".dtype" not in code, f"{path}:{node.lineno}: try: DtypeError"
