"""Files that are broken, or not ours; and writing that is interrupted."""

import contextlib
import errno
import hashlib
import json
import os
import pathlib
import pickle
import stat
import struct
import sys
import tempfile
import threading
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid import autograd, types
from lucid.autograd import make_tensor
from lucid.errors import CheckpointError
from lucid.io import load, save
from lucid.io.native import MAGIC

from checkpoints import DTYPES, forged, nested, only_file_in, posix, same


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.ckpt"


# ------------------------------------------------------------------------------------ broken files


@pytest.fixture
def small(path):
    save({"w": lucid.tensor([1.0, 2.0]), "e": 3}, path)
    return path.read_bytes()


def test_every_flipped_bit_is_refused(path, small):
    for i in range(8 * len(small)):
        broken = bytearray(small)
        broken[i // 8] ^= 1 << i % 8
        path.write_bytes(broken)
        with pytest.raises(CheckpointError):
            load(path)


def test_every_truncation_is_refused(path, small):
    for n in range(len(small)):
        path.write_bytes(small[:n])
        with pytest.raises(CheckpointError, match="try: "):
            load(path)


def test_every_appended_byte_is_refused(path, small):
    for extra in range(256):
        path.write_bytes(small + bytes([extra]))
        with pytest.raises(CheckpointError, match="incomplete, or was altered"):
            load(path)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.booleans())
def test_noise_is_refused(noise, with_magic):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "noise")
        path.write_bytes(MAGIC * with_magic + noise)
        with pytest.raises(CheckpointError):
            load(path)


T = "tensor"
HOSTILE = {
    "no header": b"",
    "not JSON": b"{",
    "two values": b"1 2",
    "not ASCII": b'"\xc3\xa9"',
    "UTF-16": '"a"'.encode("utf-16"),
    "object": {"a": 1},
    "empty list": [],
    "unknown kind": ["exec", "print(1)"],
    "kind no string": [["list"]],
    "digits without end": b"1" * 5000,
    "deep": b"[" * 200_000,
    "deep and closed": b"[" * 200_000 + b"]" * 200_000,
    "too deep": json.dumps(nested(101, lambda t: ["list", t])).encode(),
    "deep key": json.dumps(nested(300, lambda t: ["dict", [t, 1]])).encode(),
    "int without digits": ["int"],
    "int of a number": ["int", 5],
    "int of a word": ["int", "0xzz"],
    "float of a word": ["float", "1.0"],
    "float of a list": ["float", []],
    "pair of one": ["dict", ["a"]],
    "pair of three": ["dict", ["a", 1, 2]],
    "pair no list": ["dict", "ab"],
    "pair an object": ["dict", {"a": 1, "b": 2}],
    "twice the same key": ["dict", ["a", 1], ["a", 2]],
    "the same int twice": ["dict", [1, 1], [["int", "0x1"], 2]],
    "bool key": ["dict", [True, 1]],
    "float key": ["dict", [1.5, 1]],
    "null key": ["dict", [None, 1]],
    "list key": ["dict", [["list"], 1]],
    "tuple key": ["dict", [["tuple"], 1]],
    "tensor without dtype": [T],
    "dtype no string": [T, 1, 4],
    "dtype a list": [T, ["float32"], 4],
    "dtype unknown": [T, "float16", 4],
    "dtype object": [T, "object", 1],
    "dtype a record": [T, "f4,O", 1],
    "dtype of other bytes": [T, ">f4", 2],
    "negative": [T, "uint8", -8],
    "two negatives": [T, "uint8", -2, -4],
    "bool size": [T, "float64", True],
    "float size": [T, "uint8", 8.0],
    "string size": [T, "uint8", "8"],
    "nested shape": [T, "uint8", [8]],
    "null size": [T, "uint8", None],
    "too large": [T, "uint8", 9],
    "too small": [T, "uint8", 7],
    "huge": [T, "float64", 2**40],
    "huge product": [T, "float64", *[2**62] * 60],
    "size of 2**63": [T, "uint8", 2**63],
    "size that overflows": [T, "uint8", 2**61, 8],
    "absurd size": [T, "uint8", 10**4000],
    "many axes": [T, "uint8", 8, *[1] * 64],
    "very many axes": [T, "uint8", 8, *[1] * 100_000],
    "empty and absurd": [T, "uint8", 0, 2**63],
    "two on the same bytes": ["list", [T, "uint8", 8], [T, "uint8", 8]],
    "bytes of no tensor": 5,
    "bool of 2": [T, "bool", 8],
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_forged_headers_are_refused(path, header):
    path.write_bytes(forged(header, b"\1\0\1\0\1\0\2\1"))
    with pytest.raises(CheckpointError, match="breaks a rule of the format"):
        load(path)


def test_absurd_empty_shapes_do_no_harm(path):
    """NumPy itself decides what it can make of them."""
    for shape in ([0, 2**62], [2**62, 2**62, 0], [0] * 64, [2**31, 0, 2**31, 2**31]):
        path.write_bytes(forged(["tensor", "float64", *shape]))
        with contextlib.suppress(CheckpointError):
            assert load(path).shape == tuple(shape)


def test_many_tensors_on_few_bytes_take_no_memory(path):
    """A header may repeat a tensor, but each time its bytes must really be there."""
    path.write_bytes(forged(["list", *[["tensor", "uint8", 10**6]] * 10_000], bytes(10**6)))
    with pytest.raises(CheckpointError, match="larger than the file"):
        load(path)


@pytest.mark.parametrize("size", [2**64 - 1, 2**63, 2**40, 100])
def test_a_header_longer_than_the_file_is_refused(path, size):
    body = MAGIC + struct.pack("<Q", size) + b"1"
    path.write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(CheckpointError, match="header is longer"):
        load(path)


@pytest.mark.parametrize("body", [MAGIC, MAGIC + b"\0" * 7])
def test_a_right_checksum_on_no_header_is_refused(path, body):
    path.write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(CheckpointError):
        load(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda v: (
        st.lists(v, max_size=4)
        | st.dictionaries(st.text(max_size=3), v, max_size=2)
        | st.tuples(st.sampled_from(["list", "tuple", "dict", "int", "float"]), v, v).map(list)
        | st.tuples(st.just("tensor"), st.sampled_from(DTYPES), v, st.integers(-1, 9)).map(list)
    ),
    max_leaves=10,
)


@settings(deadline=None, max_examples=500)
@given(json_values, st.binary(max_size=16))
def test_any_header_loads_or_is_refused(header, numbers):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "forged")
        path.write_bytes(forged(header, numbers))
        try:
            tree = load(path)
        except CheckpointError:
            return
        save(tree, path)  # what does load can be saved
        assert same(load(path), tree)


def test_a_deep_header_met_deep_in_the_stack(path):
    path.write_bytes(forged(HOSTILE["deep and closed"]))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        with pytest.raises(CheckpointError):
            load(path)
    finally:
        sys.setrecursionlimit(limit)


# ------------------------------------------------------------------------------- files of others


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_refused_and_not_run(path, protocol, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path.write_bytes(pickle.dumps({"w": Evil()}, protocol))
    with pytest.raises(CheckpointError, match="a pickle" if protocol >= 2 else "begins otherwise"):
        load(path)
    assert only_file_in(tmp_path, path)


def test_files_of_others_are_named(path):
    def refused(match):
        with pytest.raises(CheckpointError, match=match):
            load(path)

    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({"model": Evil()}))
    refused(r"a checkpoint of PyTorch's: it asks for posix\.mkdir|nt\.mkdir")
    path.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
    refused(r"PyTorch before 1.6\n  try: in PyTorch, torch.save")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "")
    refused("zip file")
    with open(path, "wb") as out:
        np.savez(out, weight=np.zeros(3))
    refused(r"npz file\n  try: .*from_numpy.*numpy.load\(path\)")
    with open(path, "wb") as out:
        np.save(out, np.zeros(3))
    refused(r"NumPy file\n  try: lucid.from_numpy\(numpy.load\(path\)\)")
    path.write_bytes(b"")
    refused("is empty")
    path.write_bytes(MAGIC[:3])
    refused("incomplete")
    path.write_bytes(MAGIC.replace(b"1", b"2") + bytes(100))
    refused(r"version is unknown\n  try: a newer lucid")
    path.write_bytes(b"import os\n")
    refused("begins otherwise")


def test_the_cure_for_npz_works(path, tmp_path):
    np.savez(tmp_path / "m.npz", weight=np.arange(3.0))
    with np.load(tmp_path / "m.npz") as arrays:
        save({k: make_tensor(a) for k, a in arrays.items()}, path)
    assert load(path)["weight"].tolist() == [0, 1, 2]


def test_missing_files_and_folders(path, tmp_path):
    with pytest.raises(FileNotFoundError):
        load(path)
    with pytest.raises(OSError, match=r"directory|denied"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no .*nowhere.*\n  try: os.makedirs"):
        save({}, tmp_path / "nowhere" / "model.ckpt")
    with pytest.raises(IsADirectoryError, match="try: another name"):
        save({}, tmp_path)
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------- atomicity


def fail_in(monkeypatch, where, error):
    def fail(*args, **kwargs):
        raise error

    if where == "write":
        monkeypatch.setattr("lucid.io.native.contents", lambda *args: chunks_then(error))
    else:
        monkeypatch.setattr(os, where, fail)


def chunks_then(error):
    yield b"first half"
    raise error


@pytest.mark.parametrize("where", ["write", "fsync", "replace", "chmod"])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt(), MemoryError()]
)
def test_a_failure_leaves_the_old_file_and_no_other(path, monkeypatch, where, error):
    save({"epoch": 1}, path)
    with monkeypatch.context() as patch:
        fail_in(patch, where, error)
        with pytest.raises(type(error)):
            save({"epoch": 2}, path)
    assert load(path) == {"epoch": 1}
    assert only_file_in(path.parent, path)


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_failed_first_save_leaves_nothing(path, monkeypatch, where):
    with monkeypatch.context() as patch:
        fail_in(patch, where, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            save({"epoch": 2}, path)
    assert list(path.parent.iterdir()) == []


@posix
def test_the_file_and_then_its_folder_are_forced_to_disk(path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def noted(fd):
        done.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("replace"), replace(a, b)))
    save({"epoch": 1}, path)
    assert done == ["file", "replace", "folder"]


def test_a_folder_that_cannot_be_synced_is_no_failure(path, monkeypatch):
    fsync = os.fsync

    def fails_on_folders(fd):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not here")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", fails_on_folders)
    save({"epoch": 1}, path)
    assert load(path) == {"epoch": 1}


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o777])
def test_permissions_are_kept(path, mode):
    save({"epoch": 1}, path)
    path.chmod(mode)
    save({"epoch": 2}, path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert load(path) == {"epoch": 2}


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_new_file_honours_the_umask(path, umask):
    before = os.umask(umask)
    try:
        save({}, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@posix
def test_a_private_file_is_never_public_while_it_is_written(path, monkeypatch):
    save({}, path)
    path.chmod(0o600)
    seen = []

    def pieces(*args):
        seen.extend(stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir())
        yield b""

    monkeypatch.setattr("lucid.io.native.contents", pieces)
    save({}, path)
    assert seen == [0o600, 0o600]


@posix
def test_a_write_protected_file_is_not_replaced(path, monkeypatch):
    save({"best": True}, path)
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *args: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="write-protected"):
        save({}, path)
    assert load(path) == {"best": True}


@posix
def test_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PermissionError, match="is not a file"):
        save({}, tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@posix
def test_a_link_stays_and_what_it_points_at_is_replaced(path, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    path.symlink_to(other / "real.ckpt")  # dangling at first
    for epoch in (1, 2):
        save({"epoch": epoch}, path)
        assert path.is_symlink()
        assert load(other / "real.ckpt") == load(path) == {"epoch": epoch}
    assert only_file_in(other, other / "real.ckpt")
    assert sorted(os.listdir(tmp_path)) == ["model.ckpt", "other"]


@posix
def test_a_link_in_a_circle_is_an_error(path):
    path.symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        save({}, path)


def test_a_name_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save({"epoch": 1}, "m")
    assert load("m") == load(tmp_path / "m") == {"epoch": 1}
    long = "n" * 255
    save({"epoch": 2}, long)
    assert load(long) == {"epoch": 2}


# ----------------------------------------------------------------------------------------- threads


def test_threads_that_save_to_one_path_leave_a_whole_file(path):
    save({"who": -1, "w": lucid.zeros(1)}, path)
    errors, readings = [], []

    def work(who):
        try:
            for _ in range(10):
                save({"who": who, "w": make_tensor(np.full(1000 * (who + 1), who))}, path)
                readings.append(load(path))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for back in [*readings, load(path)]:
        assert back["w"].tolist() == [back["who"]] * (1000 * (back["who"] + 1))
    assert only_file_in(path.parent, path)


def test_a_tensor_that_changes_meanwhile_leaves_a_whole_file(path):
    array = np.zeros(200_000, np.int64)
    tensor, stop = make_tensor(array), threading.Event()

    def train():
        while not stop.is_set():
            np.add(array, 1, out=array)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for _ in range(10):
            save(tensor, path)
            load(path)
    finally:
        stop.set()
        thread.join()


def test_what_is_loaded_can_be_trained_on(path):
    save(lucid.ones(3), path)
    w = load(path).requires_grad_()
    (w * w).sum().backward()
    assert w.grad.tolist() == [2.0] * 3
    with autograd.no_grad():
        w.sub_(w.grad)
    assert w.tolist() == [-1.0] * 3
    assert w.dtype is types.float32
