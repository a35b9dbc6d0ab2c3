"""Data sets, batches, shuffling, and the bundled data."""

from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import lucid
from lucid import data
from lucid.data import (
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    default_collate,
    japanese_vowels,
    random_split,
    vowels,
)


class Plain(Dataset):
    """The same samples as a TensorDataset, without the fast path."""

    def __init__(self, *tensors):
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(t[index] for t in self.tensors)

    def __len__(self):
        return len(self.tensors[0])


def samples(n=10):
    return lucid.arange(n * 6).reshape(n, 2, 3).float(), lucid.arange(n)


def lists(batches):
    return [[t.tolist() for t in batch] for batch in batches]


def test_everything_public_is_there():
    assert set(data.__all__) <= set(dir(data))


# -------------------------------------------------------------------------------------- data sets


def test_tensor_dataset():
    x, y = samples()
    dataset = TensorDataset(x, y)
    a, b = dataset[3]
    assert len(dataset) == 10
    assert a.tolist() == x[3].tolist()
    assert b.item() == 3
    assert dataset[-1][1].item() == 9
    assert dataset[2:4][1].tolist() == [2, 3]
    assert [pair[1].item() for pair in dataset] == list(range(10))
    with pytest.raises(IndexError):
        dataset[10]


def test_refused_tensors():
    with pytest.raises(lucid.ShapeError, match=r"got shapes \(3, 2\), \(4,\)"):
        TensorDataset(lucid.zeros(3, 2), lucid.zeros(4))
    with pytest.raises(lucid.ShapeError, match=r"got shapes \(\)"):
        TensorDataset(lucid.tensor(1.0))
    with pytest.raises(TypeError, match=r"got ndarray\n  try: lucid.tensor"):
        TensorDataset(np.zeros(3))
    with pytest.raises(ValueError, match="at least one"):
        TensorDataset()


def test_a_dataset_without_samples_says_so():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]


def test_subset():
    part = Subset(TensorDataset(*samples()), [7, 2])
    assert len(part) == 2
    assert part[1][1].item() == 2


def test_random_split():
    lucid.manual_seed(0)
    parts = random_split(range(10), [5, 3, 2])
    assert [len(p) for p in parts] == [5, 3, 2]
    found = [i for part in parts for i in part]
    assert sorted(found) == list(range(10))
    assert found != list(range(10))
    lucid.manual_seed(0)
    assert [i for part in random_split(range(10), [5, 3, 2]) for i in part] == found
    assert [len(p) for p in random_split(range(10), [0.35, 0.35, 0.3])] == [4, 3, 3]
    assert [len(p) for p in random_split(range(3), [1.0, 0.0])] == [3, 0]


def test_random_split_with_its_own_generator_leaves_the_global_stream_alone():
    before = lucid.get_rng_state()
    a, b = (random_split(range(9), [0.5, 0.5], lucid.Generator().manual_seed(1)) for _ in range(2))
    assert [list(p) for p in a] == [list(p) for p in b]
    assert lucid.get_rng_state() == before


def test_refused_splits():
    with pytest.raises(ValueError, match="add up to the 10 samples"):
        random_split(range(10), [5, 4])
    for lengths in ([0.5, 0.4], [2.5, 7.5], []):
        with pytest.raises(ValueError, match="fractions that add up to 1"):
            random_split(range(10), lengths)
    with pytest.raises(ValueError, match="at least 0"):
        random_split(range(10), [11, -1])


# ---------------------------------------------------------------------------------------- collate


def test_collate():
    Point = namedtuple("Point", "x name")
    batch = [
        {"t": lucid.ones(2) * i, "p": Point(i, f"n{i}"), "n": (i, float(i)), "a": np.ones(3)}
        for i in range(3)
    ]
    out = default_collate(batch)
    assert out["t"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert type(out["p"]) is Point
    assert out["p"].x.tolist() == [0, 1, 2]
    assert out["p"].name == ["n0", "n1", "n2"]
    assert type(out["n"]) is list
    assert [t.dtype for t in out["n"]] == [lucid.int64, lucid.float64]
    assert out["a"].shape == (3, 3)
    assert out["a"].dtype is lucid.float64
    assert default_collate([True, False]).dtype is lucid.bool
    assert default_collate([np.float32(1), np.float32(2)]).dtype is lucid.float32


def test_collating_what_requires_a_gradient_is_recorded():
    x = lucid.ones(2, requires_grad=True)
    (default_collate([x, 3 * x])[1] * 2).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]
    with pytest.raises(TypeError, match="of one dtype"):
        default_collate([lucid.ones(2), lucid.ones(2).double()])


def test_collate_like_the_reference():
    torch = pytest.importorskip("torch")
    from torch.utils.data import default_collate as reference

    batches = [[1, 2], [1.5, 2.5], [True, False], ["a", "b"], [(1, 2.0), (3, 4.0)],
               [[1, 2], [3, 4]], [{"a": 1}, {"a": 2}], [np.int64(3), np.int64(4)],
               [np.zeros(2, np.float32)] * 2]  # fmt: skip

    def plain(tree):
        if isinstance(tree, dict):
            return {k: plain(v) for k, v in tree.items()}
        if isinstance(tree, list | tuple):
            return [plain(v) for v in tree]
        if isinstance(tree, lucid.Tensor):
            return tree.dtype.name, tree.tolist()
        if isinstance(tree, torch.Tensor):
            return str(tree.dtype).removeprefix("torch."), tree.tolist()
        return tree

    for batch in batches:
        assert plain(default_collate(batch)) == plain(reference(batch))


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([], ValueError, "at least one"),
        ([lucid.zeros(2), lucid.zeros(3)], lucid.ShapeError, "pad the samples"),
        ([None, None], TypeError, "got NoneType(.|\n)*collate_fn"),
        ([{"a": 1}, {"b": 1}], ValueError, "sample 0 is a dict of .'a'.*sample 1 is"),
        ([(1, 2), (1, 2, 3)], ValueError, "sample 0 is 2 entries, sample 1"),
        ([(1, 2), 3], ValueError, "sample 1 is '3'"),
    ],
)
def test_refused_batches(batch, error, message):
    with pytest.raises(error, match=message):
        default_collate(batch)


# ----------------------------------------------------------------------------------------- loader


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 11])
@pytest.mark.parametrize("kind", [TensorDataset, Plain])
def test_batches_in_order(kind, batch_size, drop_last):
    x, y = samples()
    loader = DataLoader(kind(x, y), batch_size, drop_last=drop_last)
    batches = list(loader)
    assert len(batches) == len(loader) == (10 // batch_size if drop_last else -(-10 // batch_size))
    assert all(len(b[1]) == batch_size for b in batches[: 10 // batch_size])
    found = [i for b in batches for i in b[1].tolist()]
    assert found == list(range(10))[: len(found)]
    for xb, yb in batches:
        assert xb.tolist() == x[yb].tolist()


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: Subset(Subset(d, range(1, 9)), [5, 0, 3])])
def test_the_fast_path_gives_what_collating_gives(wrap):
    x, y = samples()
    fast, slow = (DataLoader(wrap(kind(x, y)), 2, shuffle=True) for kind in (TensorDataset, Plain))
    lucid.manual_seed(0)
    a = list(fast)
    lucid.manual_seed(0)
    b = list(slow)
    assert lists(a) == lists(b)
    assert [type(batch) for batch in a] == [type(batch) for batch in b] == [list] * len(a)
    assert [t.dtype for t in a[0]] == [t.dtype for t in b[0]]


def test_a_batch_is_a_copy():
    x, y = samples()
    for kind in (TensorDataset, Plain):
        xb, _ = next(iter(DataLoader(kind(x, y), 4)))
        xb.zero_()
    assert x[1, 1, 1].item() == 10


def test_a_subclass_decides_what_a_sample_is():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(t * 2 for t in super().__getitem__(index))

    (batch,) = DataLoader(Doubled(lucid.arange(3)), 3)
    assert batch[0].tolist() == [0, 2, 4]


def test_shuffling():
    dataset = TensorDataset(lucid.arange(50))
    loader = DataLoader(dataset, 7, shuffle=True)

    def epoch():
        return [i for (batch,) in loader for i in batch.tolist()]

    lucid.manual_seed(0)
    first, second = epoch(), epoch()
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert first != list(range(50))
    lucid.manual_seed(0)
    assert [epoch(), epoch()] == [first, second]


def test_the_order_is_drawn_when_the_epoch_begins():
    loader = DataLoader(list(range(20)), 20, shuffle=True)
    lucid.manual_seed(0)
    (expected,) = loader
    lucid.manual_seed(0)
    epoch = iter(loader)
    lucid.rand(3)
    assert next(epoch).tolist() == expected.tolist()


def test_its_own_generator():
    def order(seed):
        loader = DataLoader(range(20), 20, True, generator=lucid.Generator().manual_seed(seed))
        return next(iter(loader)).tolist()

    before = lucid.get_rng_state()
    assert order(1) == order(1) != order(2)
    assert lucid.get_rng_state() == before


def test_two_epochs_at_once():
    loader = DataLoader(range(4), 2)
    pairs = [(a.tolist(), b.tolist()) for a in loader for b in loader]
    assert len(pairs) == 4


def test_lists_samplers_and_collate():
    assert [b.tolist() for b in DataLoader([1, 2, 3], 2)] == [[1, 2], [3]]
    loader = DataLoader("abcdef", 2, sampler=[5, 0, 1], drop_last=True)
    assert (list(loader), len(loader)) == ([["f", "a"]], 1)
    loader = DataLoader("abcdef", batch_sampler=[[0], [3, 4]])
    assert (list(loader), len(loader)) == ([["a"], ["d", "e"]], 2)
    assert list(DataLoader("abc", 2, collate_fn="".join)) == ["ab", "c"]
    dataset = TensorDataset(lucid.arange(4))
    (batch,) = DataLoader(dataset, 2, sampler=lucid.tensor([3, 1]))
    assert batch[0].tolist() == [3, 1]
    ((batch,),) = DataLoader(dataset, 2, collate_fn=lambda b: [len(b)], sampler=[0, 1])
    assert batch == 2


def test_an_empty_dataset_has_no_batches():
    for shuffle in (False, True):
        loader = DataLoader(TensorDataset(lucid.zeros(0, 3)), 2, shuffle)
        assert (len(loader), list(loader)) == (0, [])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": True}, TypeError, "batch_size must be an int, got the bool"),
        ({"batch_size": 2.0}, TypeError, "try: batch_size=2"),
        ({"batch_size": None}, TypeError, "batch_size must be an int"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"num_workers": -1}, ValueError, "num_workers must be at least 0, got -1"),
        ({"shuffle": 3}, TypeError, "shuffle must be True or False, got 3"),
        ({"drop_last": None}, TypeError, "drop_last must be"),
        ({"sampler": [0], "shuffle": True}, ValueError, "try: leave shuffle out"),
        ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "contradict"),
        ({"batch_sampler": [[0]], "drop_last": True}, ValueError, "contradict"),
        ({"collate_fn": 3}, TypeError, "collate_fn must be a function"),
        ({"generator": 3}, TypeError, r"got int(.|\n)*manual_seed"),
    ],
)
def test_refused_options(options, error, message):
    with pytest.raises(error, match=message):
        DataLoader([1, 2, 3], **options)


def test_a_dataset_without_length_is_refused():
    with pytest.raises(TypeError, match="generator has none"):
        DataLoader(i for i in range(3))
    with pytest.raises(TypeError, match="Dataset has none"):
        DataLoader(Dataset())


# ----------------------------------------------------------------------------------- bundled data


def test_japanese_vowels():
    train, test = japanese_vowels()
    for dataset, counts in (
        (train, [30] * 9),
        (test, [31, 35, 88, 44, 29, 24, 40, 50, 29]),  # as the UCI page lists them
    ):
        x, lengths, speaker = dataset.tensors
        n = sum(counts)
        assert x.shape == (n, 12, 29)
        assert (lengths.shape, speaker.shape) == ((n,), (n,))
        assert [t.dtype for t in dataset.tensors] == [lucid.float32, lucid.int64, lucid.int64]
        assert np.bincount(speaker.numpy()).tolist() == counts
        frame = np.arange(29)
        real = frame < lengths.numpy()[:, None]
        numbers = x.numpy()
        assert (numbers.transpose(0, 2, 1)[~real] == 0).all()
        assert (numbers.transpose(0, 2, 1)[real] != 0).any(axis=1).all()
    assert int(train.tensors[1].sum()) == 4274
    assert int(test.tensors[1].sum()) == 5687
    assert train[0][0][:3, 0].tolist() == pytest.approx([1.860936, -0.207383, 0.261557])


def test_japanese_vowels_are_fresh_each_time():
    (a, _), (b, _) = japanese_vowels(), japanese_vowels()
    a.tensors[0].zero_()
    assert bool((b.tensors[0] != 0).any())


def test_japanese_vowels_missing_or_damaged(tmp_path, monkeypatch):
    path = tmp_path / "japanese_vowels.npz"
    monkeypatch.setattr(vowels, "FILE", path)
    with pytest.raises(FileNotFoundError, match=r"missing(.|\n)*try: pip install"):
        japanese_vowels()
    whole = (Path(data.__file__).parent / "japanese_vowels.npz").read_bytes()
    flipped = bytearray(whole)
    flipped[200_000] ^= 255
    for content in (b"", b"text", whole[:1000], whole[:-100], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged(.|\n)*try: pip install"):
            japanese_vowels()
    np.savez(path, train_frames=np.zeros((3, 12)))
    with pytest.raises(ValueError, match="damaged"):
        japanese_vowels()
    with np.load(Path(data.__file__).parent / "japanese_vowels.npz") as archive:
        arrays = dict(archive)
    np.savez(path, **{**arrays, "test_frames": arrays["test_frames"][1:]})
    with pytest.raises(ValueError, match="the test part should have 370 utterances"):
        japanese_vowels()
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.write_bytes(path.with_suffix(".npy").read_bytes())
    with pytest.raises(ValueError, match="damaged"):
        japanese_vowels()


def test_stop_iteration_in_a_data_set_is_an_error_and_not_the_end():
    class Broken(data.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return next(iter([])) if i == 4 else i

    with pytest.raises(RuntimeError):
        list(data.DataLoader(Broken(), batch_size=2))


def test_what_a_data_set_shows_of_itself():
    train = TensorDataset(lucid.zeros(270, 12, 29), lucid.zeros(270).long())
    assert repr(train) == "TensorDataset(270 samples: (12, 29) float32, () int64)"
    some = Subset(train, range(30))
    assert repr(some) == f"Subset(30 of {train!r})"
    assert repr(some + train) == f"ConcatDataset({some!r}, {train!r})"
    assert repr(Subset([1, 2, 3], [0])) == "Subset(1 of list(3 samples))"

    class Own(Dataset):
        def __getitem__(self, i):
            return i

    class Sized(Own):
        def __len__(self):
            return 5

    assert repr(Own()) == "Own()"
    assert repr(Sized()) == "Sized(5 samples)"
    assert repr(Subset(Sized(), [1])) == "Subset(1 of Sized(5 samples))"


def test_what_a_loader_shows_of_itself():
    assert repr(DataLoader([1, 2, 3])) == "DataLoader(list(3 samples), batch_size=1)"
    train = TensorDataset(lucid.zeros(9, 2))
    loader = DataLoader(train, 4, shuffle=True, drop_last=True)
    assert repr(loader) == f"DataLoader({train!r}, batch_size=4, shuffle=True, drop_last=True)"
    assert repr(DataLoader(train, 2, num_workers=1)) == (
        f"DataLoader({train!r}, batch_size=2, num_workers=1)"
    )
    assert repr(DataLoader(train, sampler=[0, 1])) == (
        f"DataLoader({train!r}, batch_size=1, sampler=list)"
    )
    assert repr(DataLoader(train, batch_sampler=[[0, 1]])) == (
        f"DataLoader({train!r}, batch_sampler=list)"
    )
