"""Checkpoints: what goes in comes out, bit by bit, and nothing else ever does."""

import collections
import enum
import json
import math
import os
import struct
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lucid
from lucid.autograd import make_tensor
from lucid.errors import UninitializedParameterError
from lucid.io import load, save
from lucid.tensor import Tensor

from checkpoints import DTYPES, forged, nested, only_file_in, same


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.ckpt"


# ------------------------------------------------------------------------------------- round trips


def trees():
    arrays = st.sampled_from(DTYPES).flatmap(
        lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    )
    text = st.text(st.characters(exclude_categories=[]))  # lone surrogates included
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), text, arrays.map(make_tensor)
    )
    keys = text | st.integers()
    return st.recursive(
        leaves,
        lambda t: st.lists(t) | st.lists(t).map(tuple) | st.dictionaries(keys, t),
        max_leaves=12,
    )


@settings(deadline=None)
@given(trees())
def test_any_tree_comes_back_bit_by_bit(tree):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tree")
        save(tree, path)
        assert same(load(path), tree)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3), (4, 3, 2)])
def test_every_dtype_and_layout(path, dtype, shape):
    a = (np.arange(math.prod(shape)) % 7).astype(dtype).reshape(shape)
    layouts = [a, a.T, np.asfortranarray(a), a[..., ::-1] if shape else a, np.repeat(a, 2)[::2]]
    readonly = a.copy()
    readonly.flags.writeable = False
    layouts.append(readonly)
    save([make_tensor(x) for x in layouts], path)
    for tensor, x in zip(load(path), layouts, strict=True):
        got = tensor._array
        assert got.dtype == x.dtype
        assert got.shape == x.shape
        assert got.tobytes() == x.tobytes()
        flags = got.flags
        assert flags.c_contiguous
        assert flags.writeable
        assert flags.aligned
        assert flags.owndata or got.base.flags.owndata
        assert not tensor.requires_grad


def test_nan_payloads_and_negative_zero_survive(path):
    bits = np.array([0x7FC00001, 0xFFC12345, 0x7F800000, 0x80000000, 1], np.uint32)
    save(make_tensor(bits.view(np.float32)), path)
    assert load(path)._array.view(np.uint32).tolist() == bits.tolist()


def test_python_numbers(path):
    tree = [-0.0, 5e-324, 1e308, math.inf, -math.inf, 2**53, 2**53 - 1, -(2**53), 2**64, True, 1]
    tree += [10**20000, -(7**20000), {2**200: 1, -(2**53): 2, "1": 3, 1: 4, "": 5}]
    save([*tree, math.nan], path)
    *got, nan = load(path)
    assert same(got, tree)
    assert math.isnan(nan)


@pytest.mark.parametrize("tree", [None, 0, "", [], (), {}, [[], ((),), {"": {}}], "\ud800\0é𝄞\n"])
def test_small_trees(path, tree):
    save(tree, path)
    assert same(load(path), tree)


def test_the_usual_checkpoint(path):
    lucid.manual_seed(2**100)
    state = {
        "model": collections.OrderedDict(weight=make_tensor(np.ones((2, 3), np.float32))),
        "optimizer": {"state": {0: {"step": 7}}, "param_groups": [{"betas": (0.9, 0.999)}]},
        "rng": lucid.get_rng_state(),
        "epoch": 3,
    }
    save(state, path)
    back = load(path)
    assert same(back, {**state, "model": dict(state["model"])})
    numbers = lucid.rand(4)
    lucid.set_rng_state(back["rng"])
    assert same(lucid.rand(4), numbers)


def test_subclasses_come_back_as_their_base(path):
    class Name(enum.StrEnum):
        a = "x"

        def __str__(self):
            return "other"

    class Level(enum.IntEnum):
        high = 3

    class Celsius(float):
        def __float__(self):
            return -1.0

    Pair = collections.namedtuple("Pair", "a b")
    tree = {
        Name.a: Level.high,
        Level.high: Celsius(2.5),
        "pair": Pair(np.float64(1.5), collections.defaultdict(list, a=1)),
    }
    save(tree, path)
    assert same(load(path), {"x": 3, 3: 2.5, "pair": (1.5, {"a": 1})})


def test_what_requires_a_gradient_is_saved_by_its_numbers(path):
    leaf = lucid.tensor([1.0, 2.0], requires_grad=True)
    save({"leaf": leaf, "computed": leaf * 2, "parameter": lucid.nn.Parameter(leaf)}, path)
    back = load(path)
    assert [t.tolist() for t in back.values()] == [[1.0, 2.0], [2.0, 4.0], [1.0, 2.0]]
    assert not any(t.requires_grad for t in back.values())
    assert {type(t) for t in back.values()} == {Tensor}


def test_tensors_on_one_memory_come_back_apart(path):
    x = lucid.zeros(4)
    save([x, x, x[:2]], path)
    a, b, c = load(path)
    a.fill_(1.0)
    assert b.tolist() == [0.0] * 4
    assert c.tolist() == [0.0] * 2


def test_a_reader_in_ten_lines(path):
    def build(node, file):
        if not isinstance(node, list):
            return node
        kind, *parts = node
        if kind == "tensor":
            dtype, *shape = parts
            size = math.prod(shape) * np.dtype(dtype).itemsize
            return np.frombuffer(file.read(size), dtype).reshape(shape)
        if kind == "dict":
            return {build(k, file): build(v, file) for k, v in parts}
        if kind in ("int", "float"):
            return int(parts[0], 16) if kind == "int" else float(parts[0])
        return {"list": list, "tuple": tuple}[kind](build(v, file) for v in parts)

    values = {1: make_tensor(np.arange(6.0).reshape(2, 3)), "b": (make_tensor(np.uint8(7)), 2**70)}
    save(values, path)
    with open(path, "rb") as file:
        file.seek(8)
        (size,) = struct.unpack("<Q", file.read(8))
        back = build(json.loads(file.read(size)), file)
        assert len(file.read()) == 32
    assert back[1].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert back["b"] == (7, 2**70)


def test_the_bytes_of_version_1_stay_readable(path):
    """Written down by hand: files of today must load tomorrow."""
    header = b'["dict",["w",["tensor","int32",2]],[7,["tuple",null,true,1.5,["float","nan"]]]]'
    path.write_bytes(forged(header, b"\1\0\0\0\xff\xff\xff\xff"))
    back = load(path)
    assert back["w"].dtype is lucid.int32
    assert back["w"].tolist() == [1, -1]
    assert back[7][:3] == (None, True, 1.5)
    save(back, again := path.with_name("again"))
    assert again.read_bytes() == path.read_bytes()


# --------------------------------------------------------------------------- what cannot be saved


class WithState:
    def state_dict(self):
        return {}


@pytest.mark.parametrize(
    ("value", "name", "cure"),
    [
        (np.zeros(2), "ndarray", r"lucid.from_numpy\(obj\['a'\]\[1\]\)"),
        (np.float32(1), "float32", r"obj\['a'\]\[1\].item\(\)"),
        (np.int64(1), "int64", r"item\(\)"),
        (np.True_, type(np.True_).__name__, r"item\(\)"),
        (WithState(), "WithState", r"obj\['a'\]\[1\].state_dict\(\)"),
        ({1, 2}, "set", r"sorted\(obj\['a'\]\[1\]\)"),
        (b"x", "bytes", "numbers and strings"),
        (1j, "complex", "numbers and strings"),
        (WithState, "type", "numbers and strings"),
        (print, "builtin_function_or_method", "numbers and strings"),
        (lucid.float32, "dtype", "numbers and strings"),
    ],
)
def test_other_values_are_refused_with_place_and_cure(path, value, name, cure):
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=cure) as info:
        save({"a": (0, value)}, path)
    assert f"got {name} at obj['a'][1]\n  try: " in str(info.value)
    assert path.read_bytes() == b"old"
    assert only_file_in(path.parent, path)


@pytest.mark.parametrize("key", [None, True, 1.5, (1, 2), np.int64(3), b"a"])
def test_other_keys_are_refused(path, key):
    with pytest.raises(TypeError, match=r"keys of a saved dict are str or int, got .* in obj\[0\]"):
        save([{key: 1}], path)
    assert not path.exists()


def test_a_module_is_refused_with_its_state_dict_as_the_cure(path):
    with pytest.raises(TypeError, match=r"got Linear at obj\n  try: obj.state_dict\(\)"):
        save(lucid.nn.Linear(2, 3), path)


def test_a_waiting_parameter_raises_its_own_error(path):
    path.write_bytes(b"old")
    with pytest.raises(UninitializedParameterError):
        save({"a": lucid.zeros(3), "w": lucid.nn.UninitializedParameter()}, path)
    assert path.read_bytes() == b"old"
    assert only_file_in(path.parent, path)


def test_cycles_are_refused(path):
    a = []
    a.append(a)
    d = {}
    d["self"] = (1, d)
    for tree in (a, d):
        with pytest.raises(ValueError, match="does it hold itself"):
            save(tree, path)
    assert not path.exists()


@pytest.mark.parametrize("wrap", [lambda t: [t], lambda t: (t,), lambda t: {"k": t}])
def test_depth(path, wrap):
    save(nested(100, wrap), path)
    assert load(path) == nested(100, wrap)
    for depth in (101, 100_000):
        with pytest.raises(ValueError, match="save goes 100 levels deep"):
            save(nested(depth, wrap), path)
    assert load(path) == nested(100, wrap)


@pytest.mark.parametrize("f", [3, None, b"name", open])
def test_paths_are_str_or_pathlike(f):
    with pytest.raises(TypeError, match="named by a str or a pathlib"):
        save({}, f)
    with pytest.raises(TypeError, match="named by a str or a pathlib"):
        load(f)


def test_a_path_that_is_bytes_inside_is_refused(tmp_path):
    class Odd(os.PathLike):
        def __fspath__(self):
            return os.fsencode(tmp_path / "x")

    with pytest.raises(TypeError, match="got Odd"):
        save({}, Odd())


def test_an_open_file_is_refused(path):
    with open(path, "wb") as file, pytest.raises(TypeError, match="the path of the file"):
        save({}, file)
