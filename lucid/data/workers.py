"""Worker processes that make batches ahead of time.

Each worker has a pipe of its own, and takes every n-th batch: the order of the batches does not
depend on who is quick, and what happens to one worker does not disturb the others. A worker reads
its tasks in a thread of its own; so the loader never waits in ``send`` for a worker that waits in
``send`` for the loader.

Batches of an epoch that was left early may still be on their way when the next one begins, so
every task and every answer carries the number of its epoch.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random as python_random
import signal
import threading
import time
import traceback
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from lucid import random
from lucid.config import set_num_threads
from lucid.data import worker_info
from lucid.data.collate import Collate, fetch
from lucid.data.worker_info import WorkerInfo

__all__ = ["Workers"]

PATIENCE = 1.0  # seconds that a worker has to end by itself

Task = tuple[
    int, int, int, list[int]
]  # number of the epoch, its seed, number of the batch, indices


# -------------------------------------------------------------------------------- in the worker


def work(
    pipe: Connection,
    inherited: list[Connection],
    info: WorkerInfo,
    collate_fn: Collate,
    init: Callable[[int], None] | None,
) -> None:
    """Make batches until the loader says that it is enough, or is gone."""
    worker_info.info = info
    for other in inherited:  # a copy that stays open would hide that the loader closed its own
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the loader, which ends this
    set_num_threads(1)
    random.manual_seed(info.seed)
    python_random.seed(info.seed)
    np.random.seed(info.seed % 2**32)  # noqa: NPY002  # data sets may still draw from it
    failure = None
    try:
        if init is not None:
            init(info.id)
    except Exception as error:
        failure = portable(error, info.id)
    tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(pipe, tasks), daemon=True).start()
    with contextlib.suppress(OSError):  # the loader has closed its end
        while (task := tasks.get()) is not None:
            epoch, seed, number, indices = task
            answer: tuple[int, Exception | None, Any] = epoch, failure, None
            try:
                if failure is None:
                    batch = fetch(info.dataset, collate_fn, indices, seed, number)
                    answer = epoch, None, ForkingPickler.dumps(batch)
            except Exception as error:
                answer = epoch, portable(error, info.id), None
            pipe.send(answer[:2])
            if answer[2] is not None:
                pipe.send_bytes(answer[2])


def listen(pipe: Connection, tasks: queue.SimpleQueue[Task | None]) -> None:
    """Take tasks from the pipe as soon as they come; end the process when the loader is gone."""
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):  # the loader is gone
            break
        tasks.put(task)
    tasks.put(None)
    time.sleep(PATIENCE)
    os._exit(1)  # whatever the data set waits for


def portable(error: Exception, worker: int) -> Exception:
    """An error that survives the way to the loader, with the worker's traceback as a note."""
    text = "".join(traceback.format_exception(error))
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"in worker {worker} of a DataLoader:\n\n{text}")
    return error


# ------------------------------------------------------------------------------- in the loader


class Workers:
    """The worker processes of one loader."""

    def __init__(
        self,
        dataset: Any,
        collate_fn: Collate,
        count: int,
        seed: int,
        init: Callable[[int], None] | None,
        context: BaseContext,
        timeout: float,
    ) -> None:
        self.timeout, self.epoch = timeout, 0
        self.pipes: list[Connection] = []
        self.processes: list[BaseProcess] = []
        self.close = weakref.finalize(self, end, self.pipes, self.processes, os.getpid())
        forks = context.get_start_method() == "fork"
        for i in range(count):
            here, there = context.Pipe()
            self.pipes.append(here)
            info = WorkerInfo(i, count, seed + i, dataset)
            arguments = (there, self.pipes if forks else [], info, collate_fn, init)
            process = context.Process(target=work, args=arguments, daemon=True)  # type: ignore[attr-defined]
            with warnings.catch_warnings():
                # Newer Pythons warn that a fork does not take threads along. The threads here are
                # the kernels', and a forked process does without: see lucid/config.py.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            self.processes.append(process)
            there.close()

    def run(self, order: Iterator[tuple[int, list[int]]], seed: int, ahead: int) -> Iterator[Any]:
        """Yield the batches of an epoch in order, with up to ``ahead`` per worker in the making."""
        self.epoch = mine = self.epoch + 1
        count, busy = len(self.pipes), deque[int]()
        for k, (number, indices) in enumerate(islice(order, ahead * count)):
            self._send(k % count, (self.epoch, seed, number, indices))
            busy.append(k % count)
        while busy:
            worker = busy.popleft()
            batch = self._receive(worker)
            for number, indices in islice(order, 1):
                self._send(worker, (self.epoch, seed, number, indices))
                busy.append(worker)
            yield batch
            if self.epoch != mine:
                raise RuntimeError(
                    "with persistent_workers, a loader makes one epoch at a time, and another "
                    "began\n  try: persistent_workers=False, or a second DataLoader"
                )

    def _send(self, worker: int, task: Task) -> None:
        try:
            self.pipes[worker].send(task)
        except OSError:
            raise self._dead(worker) from None

    def _receive(self, worker: int) -> Any:
        pipe, process = self.pipes[worker], self.processes[worker]
        while True:
            if not wait([pipe, process.sentinel], self.timeout or None):
                raise RuntimeError(
                    f"worker {worker} of the DataLoader made no batch within {self.timeout:g} "
                    "seconds\n  try: a larger timeout, or 0 to wait for ever"
                )
            try:
                if not pipe.poll():  # it is the process that is ready: it has ended
                    raise EOFError
                epoch, error = pipe.recv()
                data = pipe.recv_bytes() if error is None else b""
            except (EOFError, OSError):
                raise self._dead(worker) from None
            if epoch != self.epoch:
                continue  # of an epoch that was left early
            if error is not None:
                raise error
            return ForkingPickler.loads(data)

    def _dead(self, worker: int) -> RuntimeError:
        process = self.processes[worker]
        process.join(PATIENCE)
        code = process.exitcode
        self.close()
        how = f"exit code {code}"
        if code is not None and code < 0:
            how = f"signal {signal.Signals(-code).name}"
        return RuntimeError(
            f"worker {worker} of the DataLoader (pid {process.pid}) ended unexpectedly: {how}\n"
            "  try: fewer workers or smaller batches, if memory ran out; num_workers=0 to debug"
        )


def end(pipes: list[Connection], processes: list[BaseProcess], owner: int) -> None:
    """Let workers end: by themselves, if they do so soon."""
    if os.getpid() != owner:  # a fork of the process whose workers they are
        return
    for pipe in pipes:
        with contextlib.suppress(OSError):
            pipe.close()
    latest = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(0.0, latest - time.monotonic()))
        if process.is_alive():
            process.terminate()
            process.join()
