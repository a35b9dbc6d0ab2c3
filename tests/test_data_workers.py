"""Worker processes: the same batches as without, and no way to hang."""

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import lucid
from lucid.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    RandomSampler,
    TensorDataset,
    WorkerInfo,
    augment,
    default_collate,
    get_worker_info,
)

METHODS = [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()]


class Noisy(Dataset):
    """Samples that are changed at random, as an augmentation does."""

    def __getitem__(self, i):
        return i, augment.jitter(lucid.full((1, 3), float(i)), 0.1)

    def __len__(self):
        return 23


class Broken(Dataset):
    """A data set that does something special at one sample."""

    def __init__(self, what, at=5):
        self.what, self.at = what, at

    def __getitem__(self, i):
        if i == self.at:
            self.what()
        return i

    def __len__(self):
        return 12


def plain(batches):
    return [[t.tolist() for t in batch] if isinstance(batch, list) else batch for batch in batches]


def value_error():
    raise ValueError("no such sample")


class Picky(Exception):
    """An error that cannot be pickled."""

    def __init__(self, a, b):
        super().__init__(f"{a}{b}")


def picky():
    raise Picky("x", "y")


def unpicklable():
    raise ValueError(lambda: 0)


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    os._exit(3)


def sleep():
    time.sleep(60)


def children():
    return multiprocessing.active_children()


def lingering():
    """Those that have not ended yet: on a busy machine they take their time."""
    gc.collect()  # loaders of earlier tests, that the traceback of an error has held
    end = time.monotonic() + 10
    while (alive := children()) and time.monotonic() < end:
        time.sleep(0.01)
    return alive


# ------------------------------------------------------------------------------- the same batches


@pytest.mark.parametrize("shuffle", [False, True])
def test_any_number_of_workers_gives_the_same_batches(shuffle):
    def epochs(**options):
        lucid.manual_seed(3)
        loader = DataLoader(Noisy(), 4, shuffle, **options)
        return [plain(loader), plain(loader), lucid.rand(2).tolist()]

    expected = epochs()
    assert expected[0] != expected[1]  # at least the noise differs
    for workers in (1, 2, 3):
        for persistent in (False, True):
            assert epochs(num_workers=workers, persistent_workers=persistent) == expected
    assert epochs(num_workers=2, prefetch_factor=1) == expected
    assert not lingering()


@pytest.mark.parametrize("method", METHODS)
def test_ways_to_start(method):
    lucid.manual_seed(0)
    expected = plain(DataLoader(Noisy(), 8, True))
    lucid.manual_seed(0)
    for context in (method, multiprocessing.get_context(method)):
        lucid.manual_seed(0)
        loader = DataLoader(Noisy(), 8, True, num_workers=2, multiprocessing_context=context)
        assert plain(loader) == expected


def test_order_is_kept_also_where_it_need_not_be():
    loader = DataLoader(list(range(12)), batch_size=2, num_workers=2, in_order=False)
    assert [batch.tolist() for batch in loader] == [[i, i + 1] for i in range(0, 12, 2)]


def test_a_pinned_generator():
    def epoch(workers):
        g = lucid.Generator().manual_seed(5)
        return plain(DataLoader(Noisy(), 4, True, num_workers=workers, generator=g))

    before = lucid.get_rng_state()
    assert epoch(0) == epoch(2)
    assert lucid.get_rng_state() == before


class Seeded(Dataset):
    """What the random numbers of others are in a worker."""

    def __getitem__(self, i):
        info = get_worker_info()
        old = float(np.random.rand())  # noqa: NPY002
        return info.id, random.random(), old, lucid.initial_seed() - info.seed

    def __len__(self):
        return 4


def test_workers_have_random_numbers_of_their_own():
    def epoch():
        lucid.manual_seed(0)
        return plain(DataLoader(Seeded(), num_workers=2))

    first = epoch()
    assert first == epoch()
    assert [batch[0] for batch in first] == [[0], [1], [0], [1]]
    for column in (1, 2):
        assert len({batch[column][0] for batch in first}) == 4
    assert {batch[3][0] for batch in first} == {0}


class Named(Dataset):
    """What a worker knows about itself."""

    def __getitem__(self, i):
        info = get_worker_info()
        assert isinstance(info, WorkerInfo)
        return info.id, info.num_workers, lucid.get_num_threads(), len(info.dataset), STARTED

    def __len__(self):
        return 4


STARTED = -1


def started(worker):
    global STARTED
    STARTED = worker


def test_what_a_worker_knows():
    loader = DataLoader(Named(), num_workers=2, worker_init_fn=started)
    for k, batch in enumerate(plain(loader)):
        assert batch == [[k % 2], [2], [1], [4], [k % 2]]
    assert get_worker_info() is None
    assert STARTED == -1


class Process(Dataset):
    """Who makes the batches."""

    def __getitem__(self, i):
        return os.getpid()

    def __len__(self):
        return 6


def test_persistent_workers_live_on():
    loader = DataLoader(Process(), num_workers=2, persistent_workers=True)
    first, second = ([b.item() for b in loader] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2
    assert len(children()) == 2
    next(iter(loader))  # an epoch that is left early
    assert [b.item() for b in loader] == first
    one, two = iter(loader), iter(loader)
    next(one), next(two)
    with pytest.raises(RuntimeError, match="one epoch at a time"):
        next(one)
    del loader, one, two
    assert not lingering()


def test_an_epoch_that_is_left_early_leaves_no_process():
    for batch in DataLoader(Noisy(), 4, num_workers=2):
        assert batch[0].tolist() == [0, 1, 2, 3]
        break
    assert not lingering()


def test_two_epochs_at_once():
    loader = DataLoader(range(4), 2, num_workers=1)
    assert len([0 for _ in loader for _ in loader]) == 4


def large(samples):
    return lucid.zeros(len(samples), 300_000)


def test_large_tasks_and_large_batches_do_not_block():
    """More in each direction than a pipe holds."""
    batches = [list(range(100_000))] * 6

    class Light(Dataset):
        def __getitem__(self, i):
            return i

    def few(samples):
        return lucid.tensor(samples)

    loader = DataLoader(Light(), batch_sampler=batches, num_workers=1, collate_fn=few,
                        prefetch_factor=4, multiprocessing_context=METHODS[0])  # fmt: skip
    assert [len(b) for b in loader] == [100_000] * 6
    assert [b.shape for b in DataLoader(range(9), 3, collate_fn=large, num_workers=2)] == [
        (3, 300_000)
    ] * 3


@pytest.mark.skipif("fork" not in METHODS, reason="only where processes fork")
def test_a_fork_of_a_process_whose_kernels_had_threads_does_not_hang():
    threads = lucid.get_num_threads()
    lucid.set_num_threads(2)
    conv = lucid.nn.Conv1d(64, 64, 9)
    x = lucid.randn(16, 64, 512)
    with lucid.no_grad():
        expected = conv(x)

    class Convolved(Dataset):
        def __getitem__(self, i):
            with lucid.no_grad():
                return conv(x)

        def __len__(self):
            return 2

    try:
        loader = DataLoader(Convolved(), num_workers=2, multiprocessing_context="fork", timeout=60)
        for batch in loader:
            assert bool((batch[0] == expected).all())
    finally:
        lucid.set_num_threads(threads)


# -------------------------------------------------------------------------------------- mishaps


@pytest.mark.parametrize("persistent", [False, True])
def test_an_error_in_a_worker_reaches_the_loader(persistent):
    loader = DataLoader(Broken(value_error), 2, num_workers=2, persistent_workers=persistent)
    seen = []
    with pytest.raises(ValueError, match=r"^no such sample\n") as caught:
        seen.extend(batch.tolist() for batch in loader)
    assert seen == [[0, 1], [2, 3]]
    note = "\n".join(caught.value.__notes__)
    assert "in worker 0 of a DataLoader" in note
    assert "in value_error" in note
    assert len(children()) == (2 if persistent else 0)


@pytest.mark.parametrize(
    ("what", "message"), [(picky, "^Picky: xy\n"), (unpicklable, "^ValueError: <function")]
)
def test_an_error_that_cannot_be_pickled_is_told_all_the_same(what, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        list(DataLoader(Broken(what), 2, num_workers=1))
    assert f"in {what.__name__}" in "\n".join(caught.value.__notes__)


def test_a_batch_that_cannot_be_pickled_is_an_error():
    with pytest.raises(Exception, match="pickle"):
        list(DataLoader(range(4), collate_fn=lambda b: lambda: 0, num_workers=1,
                        multiprocessing_context=METHODS[0]))  # fmt: skip
    assert not lingering()


def test_an_error_in_worker_init_fn():
    with pytest.raises(ZeroDivisionError):
        list(DataLoader(range(4), num_workers=2, worker_init_fn=lambda i: 1 // (i - i),
                        multiprocessing_context=METHODS[0]))  # fmt: skip


@pytest.mark.parametrize(("what", "how"), [(kill, "signal SIGKILL"), (leave, "exit code 3")])
@pytest.mark.parametrize("persistent", [False, True])
def test_a_dead_worker_is_an_error(what, how, persistent):
    loader = DataLoader(Broken(what), 2, num_workers=2, persistent_workers=persistent)
    with pytest.raises(RuntimeError, match=f"worker 0 of(.|\n)*ended unexpectedly: {how}"):
        list(loader)
    assert not lingering()
    loader.dataset.at = None
    assert len(list(loader)) == 6  # with new workers
    del loader


def test_a_worker_that_takes_too_long_is_an_error():
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match=r"no batch within 0\.3 seconds"):
        list(DataLoader(Broken(sleep), 2, num_workers=2, timeout=0.3))
    assert time.monotonic() - begin < 30
    assert not lingering()


SCRIPT = """
import os, signal, sys, time
from lucid.data import DataLoader
class Slow:
    def __getitem__(self, i):
        if i >= 4: time.sleep(60)
        return os.getpid()
    def __len__(self):
        return 20
if __name__ == "__main__":
    # as in a terminal: what a shell starts in the background does not hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for batch in DataLoader(Slow(), num_workers=2, persistent_workers=PERSISTENT):
        print(batch.item(), flush=True)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="signals and /proc")
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("with_what", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_worse_end_the_workers(tmp_path, with_what, persistent):
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT).replace("PERSISTENT", str(persistent)))
    process = subprocess.Popen([sys.executable, script], stdout=-1, stderr=-1, text=True)
    try:
        pids = {int(process.stdout.readline()) for _ in range(4)}
        assert len(pids) == 2
        process.send_signal(with_what)
        _, errors = process.communicate(timeout=30)  # until the workers, too, have ended
    finally:
        process.kill()
    if with_what is signal.SIGINT:
        assert errors.count("Traceback") == 1
        assert "KeyboardInterrupt" in errors
    end = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, pids))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor is about workers"),
        ({"persistent_workers": True}, ValueError, "persistent_workers is about workers"),
        ({"multiprocessing_context": "fork"}, ValueError, "multiprocessing_context is about"),
        ({"num_workers": 1, "prefetch_factor": 0}, ValueError, "at least 1, got 0"),
        ({"num_workers": 1, "multiprocessing_context": "x"}, ValueError, "is one of .*got 'x'"),
        ({"timeout": -1}, ValueError, "timeout is a number of seconds of at least 0, got -1"),
        ({"timeout": "1"}, ValueError, "got '1'"),
        ({"worker_init_fn": 3}, TypeError, "worker_init_fn must be a function"),
        ({"num_workers": True}, TypeError, "num_workers must be an int"),
    ],
)
def test_refused_options(options, error, message):
    with pytest.raises(error, match=message):
        DataLoader([1, 2, 3], **options)


# -------------------------------------------------------------------------- within an epoch


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("own", [False, True])
def test_an_epoch_goes_on_at_every_batch(workers, own):
    def loader(**options):
        g = lucid.Generator().manual_seed(1) if own else None
        return DataLoader(Noisy(), 4, True, num_workers=workers, generator=g, **options)

    def rng(of):
        return of.generator.get_state() if own else lucid.get_rng_state()

    lucid.manual_seed(0)
    whole = loader()
    expected = plain(whole) + plain(whole)
    for stop in range(13):
        lucid.manual_seed(0)
        first, seen = loader(), []
        for _ in range(3):
            epoch = iter(first)
            for batch in epoch:
                if len(seen) == stop:
                    break  # this batch is not counted: a new one
                seen.append(batch)
                if len(seen) == stop:
                    state, stream = first.state_dict(), rng(first)
                    break
            else:
                continue
            break
        if stop == 0:
            state, stream = loader().state_dict(), None
        second = loader()
        if stream is not None:
            (second.generator.set_state if own else lucid.set_rng_state)(stream)
        else:
            lucid.manual_seed(0)
        second.load_state_dict(state)
        while len(seen) < 12:
            seen += list(second)
        assert plain(seen) == expected, stop


def test_between_epochs_there_is_no_position():
    loader = DataLoader(range(6), 2)
    nothing = {"seed": None, "done": 0}
    assert loader.state_dict() == nothing
    for k, _ in enumerate(loader):
        assert loader.state_dict()["done"] == k + 1
    assert loader.state_dict() == nothing
    for _ in loader:
        break
    assert loader.state_dict() == nothing
    loader.load_state_dict({"seed": 5, "done": 2})
    assert loader.state_dict() == {"seed": 5, "done": 2}
    assert [b.tolist() for b in loader] == [[4, 5]]
    assert len(list(loader)) == 3
    loader.load_state_dict({"seed": 5, "done": 3})
    assert list(loader) == []
    for bad in (None, {}, {"seed": 1}, {"seed": 1, "done": -1}, {"seed": "x", "done": 0}):
        with pytest.raises(ValueError, match="the state of a loader is a dict"):
            loader.load_state_dict(bad)


def test_samplers_draw_from_the_epoch():
    dataset = TensorDataset(lucid.arange(9))
    loader = DataLoader(dataset, 2, sampler=RandomSampler(dataset, replacement=True))
    epoch = iter(loader)
    next(epoch)
    state = loader.state_dict()
    lucid.rand(3)
    rest = plain(epoch)
    loader.load_state_dict(state)
    assert plain(loader) == rest


def test_a_data_set_may_seed_for_itself():
    class Pinned(Dataset):
        def __getitem__(self, i):
            lucid.manual_seed(i)
            return lucid.rand(1)

        def __len__(self):
            return 3

    batch = next(iter(DataLoader(Pinned(), 3)))
    assert batch.tolist() == [lucid.rand(1, generator=lucid.Generator().manual_seed(i)).tolist()
                              for i in range(3)]  # fmt: skip


def test_concatenated_data_sets():
    x = TensorDataset(lucid.arange(3))
    whole = x + TensorDataset(lucid.arange(0)) + TensorDataset(lucid.arange(3, 5))
    assert type(whole) is ConcatDataset
    assert [whole[i][0].item() for i in range(-5, 5)] == [*range(5), *range(5)]
    assert [b[0].tolist() for b in DataLoader(whole, 2)] == [[0, 1], [2, 3], [4]]
    assert list(ConcatDataset(["ab", "c"])) == ["a", "b", "c"]
    for i in (5, -6):
        with pytest.raises(IndexError, match=f"sample {i} of a data set of 5"):
            whole[i]
    with pytest.raises(ValueError, match="at least one"):
        ConcatDataset([])
    assert default_collate([1, 2]).tolist() == [1, 2]
