"""Files of safetensors: what lucid writes, what it reads, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import pathlib
import struct
import sys
import tempfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lucid
import lucid.nn as nn
from lucid.autograd import make_tensor
from lucid.errors import CheckpointError, UninitializedParameterError

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_without_the_library_the_message_says_what_to_install(path, monkeypatch):
    path.write_bytes(forged({}))
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for action in (lambda: lucid.save({"w": lucid.ones(2)}, path), lambda: lucid.load(path)):
        with pytest.raises(ImportError, match=r"pip install 'lucid-edu\[safetensors\]'"):
            action()
    assert path.read_bytes() == forged({})


def forged(header, numbers=b"", length=None):
    """A file with any header."""
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + numbers


def entry(dtype, shape, start, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.fixture
def library():
    return pytest.importorskip("safetensors.numpy")


needs_library = pytest.mark.usefixtures("library")


# ------------------------------------------------------------------------------------- round trips


def same(a, b):
    """Whether two dicts of tensors are equal in names, types, and every bit."""
    x, y = ({k: (t.dtype, t.shape, t.numpy().tobytes()) for k, t in d.items()} for d in (a, b))
    return x == y


@needs_library
@settings(deadline=None)
@given(
    st.dictionaries(
        st.text().filter(lambda name: name != "__metadata__"),
        st.sampled_from(DTYPES)
        .flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0)))
        .map(make_tensor),
    )
)
def test_any_dict_of_tensors_comes_back_bit_by_bit(tensors):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "any.SafeTensors")  # the suffix counts, not its case
        lucid.save(tensors, path)
        assert same(lucid.load(path), tensors)
        assert same(lucid.load(path.rename(pathlib.Path(folder, "other.name"))), tensors)


@needs_library
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_layout_is_written_in_order(path, dtype):
    """Version 0.8 of the library writes memory as it lies: a transposed array comes out wrong."""
    a = (np.arange(24) % 7).astype(dtype).reshape(2, 3, 4)
    readonly = a.copy()
    readonly.flags.writeable = False
    layouts = {
        "C": a, "Fortran": np.asfortranarray(a), "T": a.T, "turned": a[..., ::-1],
        "step": np.repeat(a, 2, axis=1)[:, ::2], "broadcast": np.broadcast_to(a[:1], (5, 3, 4)),
        "part": a[1, 1:], "scalar": a[0, 0, 1], "empty": a[:, :0].T, "readonly": readonly,
    }  # fmt: skip
    lucid.save({k: make_tensor(x) for k, x in layouts.items()}, path)
    other = pytest.importorskip("safetensors.numpy").load_file(path)
    for name, tensor in lucid.load(path).items():
        np.testing.assert_array_equal(tensor.numpy(), layouts[name], strict=True)
        np.testing.assert_array_equal(other[name], layouts[name], strict=True)
        assert tensor.numpy().flags.writeable
        assert tensor.is_contiguous()
        assert not tensor.requires_grad


@needs_library
def test_a_model_with_shared_weights(path):
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    model(lucid.randn(4, 3))
    lucid.save(model.state_dict(), path)
    lucid.manual_seed(1)
    twin = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    twin[2].weight = twin[0].weight
    twin.load_state_dict(lucid.load(path))
    assert twin[2].weight is twin[0].weight
    assert same(twin.state_dict(), model.state_dict())


@needs_library
def test_files_of_others_have_no_checksums_and_load(path, library):
    arrays = {"a": np.arange(6.0, dtype=np.float32).reshape(2, 3), "b": np.array(True)}
    library.save_file(arrays, path, metadata={"format": "pt"})
    back = lucid.load(path)
    np.testing.assert_array_equal(back["a"].numpy(), arrays["a"], strict=True)
    np.testing.assert_array_equal(back["b"].numpy(), arrays["b"], strict=True)


@needs_library
def test_small_numbers_become_wider_ones(path, library):
    half = np.array([1.5, np.inf, 6e-8], np.float16)
    library.save_file({"h": half, "i": np.int16([-7]), "j": np.int8([-3])}, path)
    back = lucid.load(path)
    assert back["h"].dtype is lucid.float32
    np.testing.assert_array_equal(back["h"].numpy(), half.astype(np.float32))
    assert (back["i"].dtype, back["i"].tolist(), back["j"].tolist()) == (lucid.int32, [-7], [-3])
    brain = struct.pack("<4H", 0x3FC0, 0xFF80, 0x8000, 0x0001)
    path.write_bytes(forged({"b": entry("BF16", [4], 0, 8)}, brain))
    bits = lucid.load(path)["b"].numpy().view(np.uint32).tolist()
    assert bits == [0x3FC00000, 0xFF800000, 0x80000000, 0x00010000]


# --------------------------------------------------------------------------- what cannot be saved


@pytest.mark.parametrize(
    ("obj", "match"),
    [
        ([lucid.ones(1)], r"one dict of tensors, got list\n  try: lucid.save\(model.state_dict"),
        (lucid.ones(1), "one dict of tensors, got Tensor"),
        ({"a": {"w": lucid.ones(1)}}, r"got dict at obj\['a'\]\n  try: .*\.ckpt"),
        ({"w": lucid.ones(1), "epoch": 3}, r"got int at obj\['epoch'\]"),
        ({1: lucid.ones(1)}, r"tensors with names, got Tensor at obj\[1\]"),
        ({"w": np.zeros(2)}, r"got ndarray at obj\['w'\]"),
    ],
)
def test_other_things_are_refused(path, obj, match):
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=match):
        lucid.save(obj, path)
    assert path.read_bytes() == b"old"


def test_impossible_names_and_placeholders_are_refused(path):
    with pytest.raises(ValueError, match="named '__metadata__'"):
        lucid.save({"__metadata__": lucid.ones(1)}, path)
    with pytest.raises(UninitializedParameterError):
        lucid.save({"w": nn.UninitializedParameter()}, path)
    assert not path.exists()


@needs_library
def test_a_name_that_utf8_cannot_hold_is_refused(path):
    with pytest.raises(ValueError, match="surrogates not allowed"):
        lucid.save({"\ud800": lucid.ones(1)}, path)
    assert not path.exists()


# ------------------------------------------------------------------------------------ broken files


SMALL = {
    "two": lambda: {"w": lucid.tensor([[1.0, 2.0]]), "v": lucid.tensor([True])},
    "scalar": lambda: {"": lucid.tensor(0)},
    "nothing": dict,
    "empty": lambda: {"a": lucid.zeros(0, 3), "b": lucid.zeros(3, 0)},
}


@needs_library
@pytest.mark.parametrize("kind", SMALL)
def test_every_flipped_bit_is_refused(path, kind):
    lucid.save(SMALL[kind](), path)
    small = path.read_bytes()
    for i in range(8 * len(small)):
        broken = bytearray(small)
        broken[i // 8] ^= 1 << i % 8
        path.write_bytes(broken)
        with pytest.raises(CheckpointError):
            lucid.load(path)


@needs_library
def test_every_truncation_and_every_appended_byte_is_refused(path):
    lucid.save(SMALL["two"](), path)
    small = path.read_bytes()
    for broken in [small[:n] for n in range(len(small))] + [small + b"\0", small + b" "]:
        path.write_bytes(broken)
        with pytest.raises(CheckpointError, match="try: "):
            lucid.load(path)


@needs_library
def test_numbers_exchanged_between_tensors_are_noticed(path):
    lucid.save({"a": lucid.ones(2), "b": lucid.zeros(2)}, path)
    blob = path.read_bytes()
    path.write_bytes(blob[:-16] + blob[-8:] + blob[-16:-8])
    with pytest.raises(CheckpointError, match=r"altered .* do not match: sha256:a, sha256:b"):
        lucid.load(path)


F = "F32"
HOSTILE = {
    "not JSON": b"{",
    "a list": b"{}[",
    "deep": b'{"a":' + b"[" * 100_000,
    "no dtype": {"a": {"shape": [1], "data_offsets": [0, 4]}},
    "unknown dtype": {"a": entry("F99", [1], 0, 8)},
    "dtype lucid has not": {"a": entry("U64", [1], 0, 8)},
    "complex": {"a": entry("C64", [1], 0, 8)},
    "half a byte": {"a": entry("F4", [16], 0, 8)},
    "negative size": {"a": entry(F, [-2], 0, 8)},
    "float size": {"a": entry(F, [2.0], 0, 8)},
    "too large": {"a": entry(F, [3], 0, 8)},
    "huge": {"a": entry(F, [2**40], 0, 2**42)},
    "overflow": {"a": entry(F, [2**32, 2**32, 2], 0, 8)},
    "absurd": {"a": entry(F, [10**30], 0, 8)},
    "many axes": {"a": entry("U8", [8, *[1] * 100], 0, 8)},
    "empty and absurd": {"a": entry(F, [0, 2**62, 2**62], 0, 0), "b": entry(F, [2], 0, 8)},
    "overlap": {"a": entry(F, [2], 0, 8), "b": entry(F, [1], 4, 8)},
    "the same bytes": {"a": entry(F, [2], 0, 8), "b": entry(F, [2], 0, 8)},
    "a hole": {"a": entry(F, [1], 4, 8)},
    "backwards": {"a": entry(F, [2], 8, 0)},
    "behind the end": {"a": entry(F, [2], 8, 16)},
    "bytes of no tensor": {"a": entry(F, [1], 0, 4)},
    "bool of 2": {"a": entry("BOOL", [8], 0, 8)},
    "metadata of numbers": {"a": entry(F, [2], 0, 8), "__metadata__": {"writer": 1}},
    "metadata no dict": {"a": entry(F, [2], 0, 8), "__metadata__": [1]},
    "checksums left out": {"a": entry(F, [2], 0, 8), "__metadata__": {"writer": "lucid"}},
}


@needs_library
@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_forged_headers_are_refused(path, header):
    path.write_bytes(forged(header, b"\1\0\1\0\1\0\2\1"))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            lucid.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


@needs_library
@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**31, 100_000_001, 9])
def test_a_header_longer_than_the_file_is_refused(path, length):
    path.write_bytes(forged({"a": 1}, length=length))
    with pytest.raises(CheckpointError):
        lucid.load(path)


@needs_library
@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=100), st.integers(0, 120))
def test_noise_is_refused(noise, length):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "noise")
        path.write_bytes(forged(b"{" + noise, length=length))
        with contextlib.suppress(CheckpointError):
            assert lucid.load(path) == {}  # "{}" and spaces
