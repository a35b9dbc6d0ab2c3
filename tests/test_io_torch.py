"""PyTorch's checkpoints: read without PyTorch, written for it, and nothing in them ever runs."""

from __future__ import annotations

import contextlib
import io
import math
import os
import pathlib
import pickle
import pickletools
import struct
import tempfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
import lucid.nn as nn
from lucid.autograd import make_tensor
from lucid.errors import CheckpointError
from lucid.io.torch import Archive

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
KINDS = ["Float", "Double", "Long", "Int", "Byte", "Bool"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.pt"


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def archive(code, folder="archive", compression=zipfile.ZIP_STORED, **storages):
    """The bytes of a checkpoint: a pickle, and storages ``s0=…`` by their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        file.writestr(f"{folder}/data.pkl", code)
        for name, numbers in storages.items():
            file.writestr(f"{folder}/data/{name[1:]}", numbers)
    return out.getvalue()


def string(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def number(n):
    return b"J" + struct.pack("<i", n) if abs(n) < 2**31 else b"\x8a\x09" + n.to_bytes(9, "little")


def numbers(*ns):
    return b"(" + b"".join(map(number, ns)) + b"t"


def storage(kind="Float", key="0", size=4):
    name = f"ctorch\n{kind}Storage\n".encode()
    return b"(" + string("storage") + name + string(key) + string("cpu") + number(size) + b"tQ"


def tensor(offset=0, shape=(4,), strides=(1,), place=None):
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + (storage() if place is None else place)
        + number(offset) + numbers(*shape) + numbers(*strides) + b"\x89NtR"
    )  # fmt: skip


FOUR = np.arange(1.0, 5.0, dtype="<f4").tobytes()


def loaded(path, *args, **kwargs):
    path.write_bytes(archive(*args, **kwargs))
    return lucid.load(path)


# -------------------------------------------------------------------------------- without PyTorch


def trees():
    text = st.text(st.characters(exclude_categories=[]))
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), text)
    return st.recursive(
        leaves,
        lambda t: st.lists(t) | st.lists(t).map(tuple) | st.dictionaries(text | st.integers(), t),
        max_leaves=12,
    )


@settings(deadline=None)
@given(trees())
def test_any_plain_tree_comes_back(tree):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tree.PTH")
        lucid.save(tree, path)
        back = lucid.load(path)
        assert repr(back) == repr(tree)  # types, order, and the sign of -0.0
        with zipfile.ZipFile(path) as file:  # Python's own machine reads the same
            code = file.read("archive/data.pkl")
        assert repr(pickle.loads(code)) == repr(tree)
        pickletools.dis(code, io.StringIO())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3), (4, 3, 2)])
def test_every_dtype_and_layout(path, dtype, shape):
    a = (np.arange(math.prod(shape)) % 7).astype(dtype).reshape(shape)
    layouts = [a, a.T, np.asfortranarray(a), np.repeat(a, 2, axis=-1)[..., ::2] if shape else a]
    lucid.save([make_tensor(x) for x in layouts], path)
    for got, x in zip(lucid.load(path), layouts, strict=True):
        np.testing.assert_array_equal(got.numpy(), x, strict=True)
        assert got.numpy().flags.writeable
        assert not got.requires_grad


def test_views_of_one_storage_share_its_memory(path):
    rows = tensor(0, (2, 2), (2, 1))
    a, columns, last, nothing = loaded(
        path, b"](" + rows + tensor(0, (2, 2), (1, 2)) + tensor(3, (), ()) + tensor(4, (0,), (1,))
        + b"e.", s0=FOUR,
    )  # fmt: skip
    assert (a.tolist(), columns.tolist()) == ([[1, 2], [3, 4]], [[1, 3], [2, 4]])
    assert (last.item(), nothing.shape) == (4, (0,))
    a.fill_(7)
    assert columns.tolist() == [[7, 7], [7, 7]]
    w = a.requires_grad_()
    loss = (w * w).sum()
    columns.zero_()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_big_endian_and_small_numbers(path):
    out = io.BytesIO(archive(tensor(place=storage("Half")) + b".", s0=b"\x3e\0\xbe\0\0\0\x7c\0"))
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("archive/byteorder", "big")
    path.write_bytes(out.getvalue())
    assert lucid.load(path).tolist() == [1.5, -1.5, 0, math.inf]
    back = loaded(
        path, tensor(place=storage("BFloat16")) + b".", s0=b"\xc0\x3f\xc0\xbf\0\0\x80\x7f"
    )
    assert back.dtype is lucid.float32
    assert back.tolist() == [1.5, -1.5, 0, math.inf]
    back = loaded(path, tensor(place=storage("Short")) + b".", s0=b"\xff\xff\1\0\2\0\3\0")
    assert (back.dtype, back.tolist()) == (lucid.int32, [-1, 1, 2, 3])


# -------------------------------------------------------------------------------- broken, hostile


@pytest.mark.parametrize("order", [b"middle", b"", b"LITTLE", b"big\n", bytes(1000)])
def test_another_order_of_bytes_is_refused(path, order):
    out = io.BytesIO(archive(tensor() + b".", s0=FOUR))
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("archive/byteorder", order)
    path.write_bytes(out.getvalue())
    with pytest.raises(CheckpointError, match="'little' or 'big', got b'"):
        lucid.load(path)


def test_a_flipped_bit_is_refused_or_harmless(path):
    """The zip format has parts that nobody reads, such as dates; all else is under checksums."""
    tree = {"w": lucid.tensor([[1.0, 2.0]]), "e": 3}
    lucid.save(tree, path)
    small, refused = path.read_bytes(), 0
    for i in range(8 * len(small)):
        broken = bytearray(small)
        broken[i // 8] ^= 1 << i % 8
        path.write_bytes(broken)
        try:
            back = lucid.load(path)
        except CheckpointError:
            refused += 1
        else:
            assert repr(back) == repr(tree)
            assert back["w"].dtype is lucid.float32
    assert refused > 3 * len(small)
    for n in range(0, len(small), 5):
        path.write_bytes(small[:n])
        with pytest.raises(CheckpointError):
            lucid.load(path)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


class Object:
    pass


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", [Evil(), Object(), eval, np.float64(1.5), 1j, {1}, b"x"])
def test_whatever_is_no_plain_value_is_refused_and_not_run(
    path, tmp_path, monkeypatch, protocol, value
):
    monkeypatch.chdir(tmp_path)
    path.write_bytes(archive(pickle.dumps({"w": value}, protocol)))
    with pytest.raises(CheckpointError, match=r"try: in PyTorch, torch.save"):
        lucid.load(path)
    assert os.listdir(tmp_path) == [path.name]


def laughs(n):
    """A tuple of tuples of tuples …: 2**n strings, if someone writes it out."""
    return string("ha") + b"".join(b"q\0h\0\x86" for _ in range(n))


BIG = 2**62
HOSTILE = {
    "empty": b"",
    "no end": string("a"),
    "nothing left": b".",
    "two left": b"NN.",
    "stack empty": b"0.",
    "tuple of too few": b"N\x87.",
    "no mark": b"t.",
    "list of a dict": b"}(NNe.",
    "dict of a list": b"](NNu.",
    "odd pairs": b"}(" + string("a") + b"u.",
    "a list as key": b"}(]Nu.",
    "a bool as key": b"}(\x88Nu.",
    "unknown memo": b"h\7.",
    "unknown instruction": b"\xff.",
    "a string cut short": b"X\xff\xff\xff\x7fabc",
    "a number cut short": b"\x8b\xff\xff\xff\x7fabc",
    "eval": b"cbuiltins\neval\n" + string("1") + b"\x85R.",
    "eval by strings": string("builtins") + string("eval") + b"\x93.",
    "name of laughs": laughs(60) + laughs(60) + b"\x93.",
    "call laughs": laughs(60) + b")R.",
    "getattr of torch": b"ctorch\nload\n.",
    "a name as value": b"}(" + string("a") + b"]ctorch\nSize\nau.",
    "a storage as value": storage() + b".",
    "a class as storage": b"(" + string("storage") + b"ctorch\nSize\n" + string("0") * 2 + b"NtQ.",
    "no storage": b"NQ.",
    "storage of laughs": laughs(60) + b"Q.",
    "storage of another size": tensor(place=storage(size=5)) + b".",
    "huge storage": tensor(shape=(0,), place=storage(size=BIG)) + b".",
    "storage that is not there": tensor(place=storage(key="1")) + b".",
    "storage elsewhere": tensor(place=storage(key="../data.pkl")) + b".",
    "two kinds": b"](" + tensor() + tensor(place=storage("Int")) + b"e.",
    "bool of 2": tensor(place=storage("Bool", size=16)) + b".",
    "behind the end": tensor(1) + b".",
    "far behind the end": tensor(BIG) + b".",
    "before the beginning": tensor(-1) + b".",
    "stride too long": tensor(0, (2,), (4,)) + b".",
    "negative stride": tensor(3, (4,), (-1,)) + b".",
    "huge stride": tensor(0, (2,), (BIG,)) + b".",
    "negative size": tensor(0, (-4,), (1,)) + b".",
    "huge": tensor(0, (BIG,), (1,)) + b".",
    "huge by stride 0": tensor(0, (BIG,), (0,)) + b".",
    "huge product": tensor(0, (BIG,) * 60, (0,) * 60) + b".",
    "huge and empty": tensor(0, (BIG, BIG, 0), (1, 1, 1)) + b".",
    "many axes": tensor(0, (1,) * 65, (1,) * 65) + b".",
    "strides too few": tensor(0, (2, 2), (1,)) + b".",
    "shape of laughs": b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage() + number(0)
    + laughs(60) + laughs(60) + b"\x89NtR.",
}  # fmt: skip


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
def test_forged_pickles_are_refused(path, code):
    path.write_bytes(archive(code, s0=FOUR))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            lucid.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_what_holds_itself_or_laughs_is_loaded_at_once(path):
    """Shared parts are legal, and are what they are: one object."""
    assert loaded(path, b"]q\0h\0a.")[0][0] is not None
    value = loaded(path, laughs(200) + b".")
    assert value[0] is value[1]


def test_bombs_are_refused(path):
    path.write_bytes(archive(tensor() + b".", compression=zipfile.ZIP_DEFLATED, s0=FOUR))
    with pytest.raises(CheckpointError, match="compressed"):
        lucid.load(path)
    many = b"".join(tensor(place=storage("Byte", str(i), 10_000)) for i in range(1000))
    one = archive(b"](" + many + b"e.", s0=bytes(10_000))
    # a directory that names the same ten thousand bytes a thousand times
    start = one.rindex(b"PK\1\2")
    item = one[start : one.rindex(b"PK\5\6")]
    folder = one[one.index(b"PK\1\2") : start]
    names = [item.replace(b"data/0", f"data/{i}".encode()) for i in range(10)] * 100
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1001, 1001, len(folder + b"".join(names)),
                      one.index(b"PK\1\2"), 0)  # fmt: skip
    path.write_bytes(one[: one.index(b"PK\1\2")] + folder + b"".join(names) + end)
    with pytest.raises(CheckpointError):
        lucid.load(path)


def test_no_byte_is_read_twice():
    """Whatever a directory says: what is read is never more than the file."""
    with zipfile.ZipFile(io.BytesIO(archive(b"N.", s0=FOUR))) as file:
        reader = Archive(file, 30)
        assert reader.read("data/0") == FOUR
        with pytest.raises(ValueError, match="larger than it is"):
            reader.read("data/0")


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from([
    b"N", b"\x88", b"(", b")", b"]", b"}", b"t", b"e", b"u", b"a", b"s", b"R", b"b", b"Q", b"0",
    b"\x85", b"\x86", b"\x87", b"q\0", b"h\0", b"\x94", b"\x93", string("storage"), string("0"),
    number(0), number(4), number(BIG), b"ctorch\nFloatStorage\n", b"ccollections\nOrderedDict\n",
    storage(), tensor(), b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nSize\n",
])))  # fmt: skip
def test_any_program_loads_or_is_refused(steps):
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(CheckpointError):
        loaded(pathlib.Path(folder, "any.pt"), b"".join(steps) + b".", s0=FOUR)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_archive_loads_or_is_refused(data):
    blob = bytearray(archive(tensor() + b".", s0=FOUR))
    for _ in range(data.draw(st.integers(1, 5))):
        blob[data.draw(st.integers(40, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(CheckpointError):
        path = pathlib.Path(folder, "damaged.pt")
        path.write_bytes(blob)
        lucid.load(path)


# ----------------------------------------------------------------------------------- with PyTorch


def nets(library):
    """A 1-D model, in either library."""
    n = library.nn
    return n.Sequential(
        n.Conv1d(3, 8, 5, padding=2, dilation=1, groups=1), n.BatchNorm1d(8), n.ReLU(),
        n.Conv1d(8, 8, 3, groups=4, bias=False), n.BatchNorm1d(8, affine=False), n.MaxPool1d(2),
        n.AdaptiveAvgPool1d(1), n.Flatten(), n.Linear(8, 5),
    )  # fmt: skip


def lazy_net():
    return nn.Sequential(
        nn.LazyConv1d(8, 5, padding=2), nn.LazyBatchNorm1d(), nn.ReLU(),
        nn.LazyConv1d(8, 3, groups=4, bias=False), nn.LazyBatchNorm1d(affine=False),
        nn.MaxPool1d(2), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.LazyLinear(5),
    )  # fmt: skip


def assert_same_outputs(ours, theirs, torch):
    x = np.random.default_rng(0).standard_normal((4, 3, 32)).astype(np.float32)
    y = ours.eval()(lucid.tensor(x)).detach().numpy()
    with torch.no_grad():
        np.testing.assert_allclose(y, theirs.eval()(torch.tensor(x)).numpy(), 1e-5, 1e-5)


@pytest.mark.parametrize("suffix", ["pt", "pth", "safetensors"])
@pytest.mark.parametrize("make", [lambda: nets(lucid), lazy_net], ids=["eager", "lazy"])
def test_a_model_from_pytorch(tmp_path, torch, suffix, make):
    theirs = nets(torch)
    theirs(torch.randn(4, 3, 32))  # so that the running averages are not those of a new layer
    path = tmp_path / f"model.{suffix}"
    if suffix == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(theirs.state_dict(), path)
    else:
        torch.save(theirs.state_dict(), path)
    ours = make()
    assert not any(ours.load_state_dict(lucid.load(path)))
    assert ours[1].num_batches_tracked.dtype is lucid.int64
    assert_same_outputs(ours, theirs, torch)


@pytest.mark.parametrize("suffix", ["pt", "pth", "safetensors"])
def test_a_model_to_pytorch(tmp_path, torch, suffix):
    ours = lazy_net()
    ours(lucid.randn(4, 3, 32))
    path = tmp_path / f"model.{suffix}"
    lucid.save(ours.state_dict(), path)
    if suffix == "safetensors":
        state = pytest.importorskip("safetensors.torch").load_file(path)
    else:
        state = torch.load(path, weights_only=True)
    theirs = nets(torch)
    theirs.load_state_dict(state)
    assert_same_outputs(ours, theirs, torch)


def test_state_dicts_in_memory_go_both_ways(torch):
    theirs, ours = nets(torch), nets(lucid)
    theirs(torch.randn(4, 3, 32))
    ours.load_state_dict(theirs.state_dict())
    assert_same_outputs(ours, theirs, torch)
    ours.train()(lucid.randn(4, 3, 32))
    theirs.load_state_dict({k: torch.from_dlpack(v) for k, v in ours.state_dict().items()})
    assert_same_outputs(ours, theirs, torch)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_checkpoints_of_training(path, torch, protocol):
    model = nets(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model(torch.randn(4, 3, 32)).sum().backward()
    optimizer.step()
    state = {
        "epoch": 3, "loss": 0.25, "best": None, "names": ["a", "é"], "done": False, "n": -(2**70),
        "shape": torch.ones(2, 3).shape, "parameter": model[0].bias, "betas": (0.9, 0.999),
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "few": 300, "less": 7,
    }  # fmt: skip
    torch.save(state, path, pickle_protocol=protocol)
    back = lucid.load(path)

    def compare(ours, theirs):
        if isinstance(theirs, torch.Tensor):
            np.testing.assert_array_equal(ours.numpy(), theirs.detach().numpy(), strict=True)
        elif isinstance(theirs, dict):
            assert list(ours) == list(theirs)
            [compare(ours[k], theirs[k]) for k in theirs]
        elif isinstance(theirs, list | tuple):
            assert isinstance(ours, list | tuple)
            [compare(o, t) for o, t in zip(ours, theirs, strict=True)]
        else:
            assert (type(ours), ours) == (type(theirs), theirs)

    compare(back, state)
    lucid.save(back, path)  # and back to PyTorch
    compare(back, torch.load(path, weights_only=True))


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "bfloat16", "int16", "int8"])
def test_every_dtype_of_pytorch(path, torch, dtype):
    x = torch.arange(24).reshape(2, 3, 4).to(getattr(torch, dtype))
    views = [x, x.T if x.ndim == 2 else x.mT, x[1], x[:, 1:, ::2], x[0, 0, 1], x[:0], x[:, :1]]
    torch.save(views, path)
    for ours, theirs in zip(lucid.load(path), views, strict=True):
        assert ours.tolist() == theirs.tolist()
        assert ours.dtype.name == (dtype if dtype in DTYPES else ours.dtype.name)
    a, _, row, *_ = lucid.load(path)
    row.zero_()
    assert a[1].sum().item() == 0  # the memory is shared, as torch.load shares it


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_reads_every_dtype(path, torch, dtype):
    arrays = [np.ones((), dtype), np.zeros((0, 3), dtype), np.ones((2, 3), dtype).T]
    lucid.save([make_tensor(a) for a in arrays], path)
    for a, theirs in zip(arrays, torch.load(path, weights_only=True), strict=True):
        np.testing.assert_array_equal(theirs.numpy(), a, strict=True)
        assert theirs.is_contiguous()


def test_an_expanded_tensor_names_its_cure(path, torch):
    torch.save(torch.ones(1).expand(1000), path)
    with pytest.raises(CheckpointError, match=r"larger than its storage; in PyTorch: .*clone\(\)"):
        lucid.load(path)


def test_a_whole_model_is_refused(path, torch):
    torch.save(nets(torch), path)
    with pytest.raises(
        CheckpointError, match=r"(?s)asks for torch\.nn.*torch.save\(model.state_dict"
    ):
        lucid.load(path)


def test_the_old_format_is_named(path, torch):
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"before 1.6\n  try: in PyTorch, torch.save"):
        lucid.load(path)
