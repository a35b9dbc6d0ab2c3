"""Threads: they change no bit, are as many as asked for, and survive a fork."""

from __future__ import annotations

import os
import sys
import threading

import numpy as np
import pytest
from test_paths import KINDS, cases, drawn_arrays

import lucid
import lucid.nn.functional as F
from lucid import _ext
from lucid._ext import kernels

from configs import Config
from running import python, run_kernels

ENOUGH = 2_000_000  # products: twice as many operations as threads.pyx asks for a second thread

openmp = pytest.mark.skipif(not kernels.has_openmp(), reason="built without OpenMP")
compiled = pytest.mark.skipif(not _ext.COMPILED, reason="the twins have no threads")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks by default, and tells")


def assert_bitwise_equal_for_any_number(config, dtype, message, set_threads):
    arrays = drawn_arrays(config, dtype)
    set_threads(1)
    expected = run_kernels(kernels, config, *arrays)
    for threads in (2, 2, 3, 4, 7, 1):  # twice with 2: which thread does what, differs
        set_threads(threads)
        found = run_kernels(kernels, config, *arrays)
        for name, ours, theirs in zip(("y", "gx", "gw"), found, expected, strict=True):
            assert ours.tobytes() == theirs.tobytes(), f"{name}, {threads} threads: {message}"


@compiled
@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_no_bit(kind, set_threads):
    # contract 78
    several = 0
    for config, dtype, _, message in cases(kind, 4, least=ENOUGH, most=2 * ENOUGH):
        several += config.N > 0
        assert_bitwise_equal_for_any_number(config, dtype, message, set_threads)
    assert several > 0
    assert kernels.have_been_used()


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "config",
    [
        Config(1, 64, 500, 64, 7, 1, 3, 1, 1, "zeros", 1),  # one sample: a row is cut
        Config(1, 300, 40, 300, 3, 1, 1, 1, 1, "zeros", 2),  # one short row: the channels are cut
        Config(1, 1, 9000, 2, 300, 1, 150, 1, 1, "reflect", 3),  # one input channel
        Config(1, 16, 4000, 16, 3, 3, 4, 600, 1, "zeros", 4),  # far taps: rows of their own
        Config(3, 10, 900, 15, 9, 4, 6, 2, 5, "circular", 5),  # strides in phases
        Config(2, 96, 800, 96, 31, 1, 15, 1, 96, "replicate", 6),  # depthwise
        Config(16, 128, 20, 128, 9, 1, 4, 1, 1, "zeros", 7),  # the weight gradient by tiles
        Config(1, 1, 30_000, 1, 800, 1, 400, 1, 1, "zeros", 8),  # by Fourier transforms
    ],
    ids=str,
)
def test_threads_change_no_bit_of_these(config, dtype, set_threads):
    # contract 78
    assert_bitwise_equal_for_any_number(config, dtype, config, set_threads)


def test_threads_of_python_at_once_get_what_one_gets(set_threads):
    """Each calls kernels that start threads of their own."""
    set_threads(2)
    x, w = lucid.randn(4, 24, 700), lucid.randn(32, 24, 7)

    def results():
        a, b = x.detach().requires_grad_(), w.detach().requires_grad_()
        y = F.conv1d(a, b, padding=3)
        y.sum().backward()
        return [y.detach().numpy(), a.grad.numpy(), b.grad.numpy()]

    expected, found = results(), []
    start = threading.Barrier(4)

    def run():
        start.wait(30)
        for _ in range(5):
            found.append(results())

    workers = [threading.Thread(target=run, daemon=True) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert len(found) == 20
    for result in found:
        for ours, theirs in zip(result, expected, strict=True):
            assert np.array_equal(ours, theirs)


# ------------------------------------------------------------------------------------ how many


@pytest.mark.parametrize(
    ("num", "error"),
    [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError), ("2", TypeError),
     (None, TypeError)],
)  # fmt: skip
def test_numbers_of_threads_that_make_no_sense(num, error):
    before = lucid.get_num_threads()
    with pytest.raises(error, match="num must be"):
        lucid.set_num_threads(num)
    assert lucid.get_num_threads() == before


def test_a_number_that_was_set_is_returned(set_threads):
    for num in (3, np.int64(2), 1):
        set_threads(num)
        assert lucid.get_num_threads() == num


@pytest.mark.parametrize(
    ("wish", "threads"), [("3", 3), ("5,2", 5), (" 4 ", 4), ("99999999", 1024)]
)
def test_omp_num_threads_is_honoured(wish, threads):
    done = python("-c", "import lucid; print(lucid.get_num_threads())", OMP_NUM_THREADS=wish)
    assert done.stdout.strip() == str(threads), done.stderr


@linux
@pytest.mark.parametrize("wish", ["", "0", "many", "-2"])
def test_without_it_the_processors_that_the_process_may_use(wish):
    code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import lucid
print(lucid.get_num_threads())
"""
    assert python("-c", code, OMP_NUM_THREADS=wish).stdout.strip() == "1"
    done = python("-c", "import lucid; print(lucid.get_num_threads())", OMP_NUM_THREADS=wish)
    assert done.stdout.strip() == str(len(os.sched_getaffinity(0)))


# -------------------------------------------------------------------------------- after a fork

# What each of the processes below begins with. `work` needs several threads, and tells whether it
# computed the right thing. A child that hangs is killed, and so is its parent, by time-outs.
FORK = """
import multiprocessing, os, sys, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)     # Python 3.12: forking with threads
import numpy as np
import lucid, lucid.nn.functional as F

x, w = lucid.randn(4, 32, 600), lucid.randn(32, 32, 5)
def work():
    a, b = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = F.conv1d(a, b, padding=2)
    y.sum().backward()
    return [y.detach().numpy(), a.grad.numpy(), b.grad.numpy()]

def same(): return all(np.array_equal(*pair) for pair in zip(work(), expected, strict=True))

def refused():
    try:
        lucid.set_num_threads(2)
    except RuntimeError as error:
        return "get_context('spawn')" in str(error) and lucid.get_num_threads() == 1
    return False

def wait(pid):
    "The exit code of a child, which has 30 seconds."
    for _ in range(3000):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, 9)
    return "hangs"

def fork(child):
    "The exit code of a process that does nothing but child()."
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = 0 if child() else 1
        finally:
            os._exit(code)
    return wait(pid)
"""


def run_fork(code: str) -> None:
    done = python("-c", FORK + code, OMP_NUM_THREADS="2", timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("done"), done.stdout


@linux
@openmp
def test_a_child_of_a_process_that_has_used_threads():
    run_fork("""
expected = work()
def child(): return lucid.get_num_threads() == 1 and same() and refused() and same()
for _ in range(5):
    assert fork(child) == 0
assert lucid.get_num_threads() == 2 and same()          # the parent goes on as before

def grandchild(): return lucid.get_num_threads() == 1 and same() and refused()
assert fork(lambda: same() and fork(grandchild) == 0) == 0
assert fork(lambda: fork(grandchild) == 0 and fork(lambda: fork(grandchild) == 0) == 0) == 0
print("done")
""")


@linux
@openmp
def test_workers_of_multiprocessing():
    run_fork("""
expected = work()
def child(): sys.exit(not (lucid.get_num_threads() == 1 and same() and refused()))
workers = [multiprocessing.get_context("fork").Process(target=child) for _ in range(3)]
for worker in workers: worker.start()
for worker in workers: worker.join(30)
codes = [worker.exitcode for worker in workers]         # None: it hangs
for worker in workers: worker.kill()
assert codes == [0, 0, 0], codes
print("done")
""")


@linux
@openmp
def test_a_child_of_a_process_that_has_not_used_threads_may_use_them():
    run_fork("""
def child():
    global expected
    assert lucid.get_num_threads() == 1
    expected = work()
    lucid.set_num_threads(2)
    # its own children may not
    return same() and fork(lambda: same() and refused()) == 0
assert fork(child) == 0
print("done")
""")


# That of GCC 12 does not release its own locks in a child, which may then wait for memory for ever.
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer may hang")
@linux
@openmp
def test_a_fork_while_another_thread_computes():
    run_fork("""
import threading
expected = work()
stop = threading.Event()
def busy():
    while not stop.is_set(): work()
thread = threading.Thread(target=busy)
thread.start()
codes = [fork(lambda: same() and refused()) for _ in range(8)]
stop.set()
thread.join()
assert codes == [0] * 8, codes
print("done")
""")


@linux
def test_a_child_has_one_thread_with_any_kernels():
    run_fork("""
expected = work()
assert fork(lambda: lucid.get_num_threads() == 1 and same()) == 0
print("done")
""")


@openmp
def test_this_file_tests_threads():
    """The shapes above are large enough: else all of it would hold without a single thread."""
    code = FORK + "work(); from lucid._ext import kernels; print(kernels.have_been_used())"
    assert python("-c", code, OMP_NUM_THREADS="2").stdout.strip() == "True"
    assert python("-c", code, OMP_NUM_THREADS="1").stdout.strip() == "False"
