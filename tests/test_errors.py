"""Every error of shapes and dtypes: its message, its cure, and that none is left out."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    case
    for case in CASES
    if re.search(r"^(\w+) = nn\.(.*\n)+\1(\.eval\(\))?\(x.*\)$", "\n".join(case.lines))
]


class Model(nn.Module):
    """A layer at the path encoder.1.0, called with whatever arguments the model is."""

    def __init__(self, layer):
        super().__init__()
        self.encoder = nn.Sequential(nn.Identity(), nn.Sequential(layer))

    def forward(self, *args):
        return self.encoder[1][0](*args)


@pytest.mark.parametrize("case", LAYERS, ids=[case.title for case in LAYERS])
def test_inside_a_model_the_error_says_where(case):
    error, names = catalogue.failure(case.lines)
    call = ast.parse(case.lines[-1], mode="eval").body
    layer = names[re.match(r"\w+", case.lines[-1])[0]]
    model = Model(layer)
    if layer.training is False:
        model.eval()
    with pytest.raises(type(error)) as caught:
        model(*[names[arg.id] for arg in call.args])
    where = f"  in model: encoder.1.0 ({type(layer).__name__})"
    notes = getattr(caught.value, "__notes__", [])  # an IndexError keeps its message
    assert where in [*str(caught.value).split("\n"), *notes]
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


# Errors that speak of shapes, but are about what someone's own function or file gave back.
NOT_OF_SHAPES = {"backward.py", "lazy.py", "optimizer.py", "state.py", "vowels.py"}


def test_an_error_about_a_dtype_or_a_shape_has_its_class():
    """Else nobody would look for it in the catalogue."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            code = ast.unparse(node) if isinstance(node, ast.Raise) else ""
            if "TypeError(" in code:
                assert ".dtype" not in code, f"{path}:{node.lineno}: try: DtypeError"
            if "ValueError(" in code and path.name not in NOT_OF_SHAPES:
                assert ".shape" not in code, f"{path}:{node.lineno}: try: ShapeError"


# --------------------------------------------------------------------------- cures of any shapes

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
TRIED = [  # with tensors named as the messages name them
    "a + b",
    "a @ b",
    "lucid.bmm(a, b)",
    "lucid.mm(a, b)",
    "lucid.cat([a, b], dim=1)",
    "lucid.stack([a, b])",
    "lucid.einsum('ij,jk->ik', a, b)",
    "lucid.einsum('...ii,i->...', a, b)",
    "lucid.where(condition > 0, x, 0.0)",
    "F.conv1d(x, weight, bias, groups=2)",
    "F.conv1d(x, weight, padding=2, padding_mode='reflect')",
    "F.conv_transpose1d(x, weight, bias, padding=1)",
    "F.linear(x, weight, bias)",
    "F.batch_norm(x, None, None, weight, bias, training=True)",
    "F.instance_norm(x, weight=weight)",
    "F.group_norm(x, 2, weight)",
    "F.layer_norm(x, (2, 3), weight)",
    "F.layer_norm(x, 3, weight)",
    "F.prelu(x, weight)",
    "F.glu(x)",
    "F.max_pool1d(x, 3, dilation=2, padding=1)",
    "F.avg_pool1d(x, 3)",
    "F.adaptive_max_pool1d(x, 2)",
    "F.interpolate(x, scale_factor=0.5)",
    "F.pad(x, (1, -2))",
    "F.pad(x, (3, 2), mode='circular')",
    "F.mse_loss(x, target)",
    "F.binary_cross_entropy_with_logits(x, target, weight)",
    "F.cross_entropy(scores, target.long() * 0, weight)",
    "x.gather(1, index.long() * 0)",
    "x.index_select(0, index.long() * 0)",
    "x.expand(3, 4)",
    "x.reshape(2, -1, 3)",
    "x.unflatten(1, (2, -1))",
    "x.repeat(2, 2)",
    "x.repeat_interleave(repeats.long(), dim=0)",
    "x.permute(0, 2, 2)",
    "x.transpose(1, 2)",
    "x.unfold(1, 3, 1)",
    "x.topk(3)",
    "x.tril()",
    "x.amax(1)",
    "lucid.logsumexp(x, 0)",
    "lucid.dot(a, b)",
    "lucid.mv(a, b)",
    "lucid.outer(a, b)",
    "lucid.hypot(a, b)",
    "lucid.diag(x, -1)",
    "lucid.diagonal(x, 1, 0, 2)",
    "lucid.trace(x)",
    "lucid.hstack([a, b])",
    "lucid.vstack([a, b])",
    "lucid.broadcast_tensors(a, b)",
    "lucid.meshgrid(a, b)",
    "lucid.lerp(x, end, weight)",
    "lucid.addcmul(x, tensor1, tensor2)",
    "lucid.normal(mean, std)",
    "lucid.normal(mean, std, size=(2, 3))",
    "lucid.multinomial(x, 2, replacement=True)",
    "lucid.bincount(x.long(), weights)",
    "lucid.searchsorted(sorted_sequence, x)",
    "lucid.bucketize(x, boundaries)",
    "x.quantile(q, dim=1)",
    "x.median(0)",
    "x.cumprod(1)",
    "x.diff(prepend=prepend, append=append)",
    "x.diff(dim=0, append=append)",
    "x.scatter(1, index.long() * 0, src)",
    "x.scatter_add(0, index.long() * 0, src)",
    "x.index_add(1, index.long() * 0, source)",
    "lucid.utils.metrics.accuracy(x.long() * 0, target.long() * 0)",
    "nn.LazyConv1d(2, 3)(x)",
    "nn.Conv1d(3, 2, 2)(x)",
    "nn.Linear(3, 2)(x)",
    "nn.BatchNorm1d(3)(x)",
    "nn.LSTM(3, 2)(x)",
    "nn.ReflectionPad1d(2)(x)",
    "nn.ZeroPad1d(2)(x)",
    "lucid.masked_select(x, mask > 0)",
    "x.flip(0, 1)",
    "a.add_(b)",
    "x.copy_(source)",
    "x.fill_(value)",
    "x.clamp_(min)",
]


@pytest.mark.parametrize("line", TRIED)
@given(data=st.data())
@settings(max_examples=60)
def test_whatever_the_shapes_a_cure_gives_what_it_says(line, data):
    used = [n.id for n in ast.walk(ast.parse(line)) if isinstance(n, ast.Name)]
    shapes = {name: data.draw(SHAPES, name) for name in used if name not in catalogue.KNOWN}
    names = {name: lucid.ones(*shape) for name, shape in shapes.items()} | catalogue.KNOWN
    error = error_of(line, names)
    if isinstance(error, lucid.ShapeError):
        assert catalogue.cures(str(error)), error
    for cure, shape in catalogue.cures(str(error)):
        assert not shape or str(eval(cure, names).shape) == shape, error
        if not cure.startswith(
            ("lucid.", "model.", "nn.Flatten(), ")
        ):  # which the line does not have
            another_op = cure == "F.group_norm(x, 1)"  # in place of this one, not of its x
            case = catalogue.Case("", "", [line], another_op)
            (mended,) = catalogue.cured(case, cure, names)
            assert str(error_of(mended, names)) != str(error), mended


def error_of(line, names):
    """The error that a line raises, or None; of a kind that shapes may raise."""
    try:
        eval(line, dict(names))
    except (ValueError, IndexError, NotImplementedError) as error:
        return error
    return None


@pytest.mark.parametrize("n", [3, 60])
def test_one_of_many_tensors_has_a_name(n):
    many = [lucid.zeros(2, 3)] * n + [lucid.zeros(5, 4)]
    name = "d" if n == 3 else "tensors[60]"
    with pytest.raises(lucid.ShapeError, match=re.escape(f"try: {name}[..., :3]    # -> (5, 3)")):
        lucid.cat(many)
    with pytest.raises(lucid.DtypeError, match=re.escape(f"try: {name}.to(lucid.float32)")):
        lucid.stack([*many[:n], lucid.arange(3)])
    with pytest.raises(lucid.ShapeError, match=r"try: .*\[:2\]    # -> \(2, 4\)"):
        lucid.data.TensorDataset(*many)


# --------------------------------------------------------------------- cures for several tensors


@pytest.mark.parametrize(
    ("condition", "a", "b"),
    [
        ((6, 4, 1), (6, 3), (6, 1)), ((2, 3), (2, 4), (2, 4)), ((4,), (4, 8, 5), (4, 1, 5)),
        ((3, 2), (2, 3), (1, 3)), ((2, 5), (2, 4), (2, 1)), ((4,), (4, 8), ()),
        ((7, 5), (6,), (2, 1, 6)),
    ],
)  # fmt: skip
def test_a_condition_that_does_not_fit(condition, a, b):
    names = {"lucid": lucid, "condition": lucid.ones(*condition) > 0, "x": lucid.ones(*a)}
    names["y"] = lucid.ones(*b) if b else 0.0
    with pytest.raises(lucid.ShapeError, match="must broadcast with both choices") as caught:
        eval("lucid.where(condition, x, y)", names)
    ((code, shape),) = catalogue.cures(str(caught.value))
    name = code.partition("[")[0].partition(".")[0]
    assert name == "condition"
    names[name] = eval(code, names)
    assert str(names[name].shape) == shape
    eval("lucid.where(condition, x, y)", names)


@pytest.mark.parametrize(
    "call",
    [
        "np.maximum(x, y)", "np.hypot(x, array)", "np.hypot(array, y)", "np.divmod(x, y)",
        "np.add.outer(x, y)", "np.exp(x)", "np.maximum(x, 2.0)",
    ],
)  # fmt: skip
def test_the_cures_for_a_function_of_numpy_are_whole_calls(call):
    array = np.array([3.0, 1.0], np.float32)
    names = {"np": np, "lucid": lucid, "x": lucid.tensor([1.0, 2.0]), "y": lucid.ones(2)}
    names["array"] = array
    with pytest.raises(TypeError, match="computes with arrays, and was given a tensor") as caught:
        eval(call, names)
    first, _, second = call.partition("(")[2].rstrip(")").partition(", ")
    given = {"x": eval(first, names), "y": eval(second or "None", names)}
    plain = {k: v.numpy() if isinstance(v, lucid.Tensor) else v for k, v in names.items()}
    expected = eval(call, plain)
    found = re.findall("(?:try|or): +([^#\n]*)", str(caught.value))
    assert found
    for code in found:
        result = eval(code, names | given)
        result = result.numpy() if isinstance(result, lucid.Tensor) else result
        np.testing.assert_allclose(result, expected, 1e-6)
