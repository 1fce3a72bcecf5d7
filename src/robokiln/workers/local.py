"""Jobs over spawned processes: a crash, a hang or an exception costs one job, never the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

Job = TypeVar("Job")
Result = TypeVar("Result")

_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Failure:
    """Why a job has no result; `transient` where the cause lies outside the job's own code."""

    reason: str
    transient: bool = False


def map_unordered(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    workers: int,
    timeout_s: float,
    recycle_after: int = 0,
) -> Iterator[tuple[Job, Result | Failure]]:
    """Yield (job, result or Failure) as jobs end; `jobs` is consumed as workers become free.

    `function`, jobs and results must be picklable. Each worker is a fresh process with one
    thread, replaced after `recycle_after` jobs (0: never). A job that overruns `timeout_s` is
    killed. Closing the iterator, or an interrupt, stops the workers at once.
    """
    queue = iter(jobs)
    pending = dict[Future[Any], Job]()
    with _one_thread():
        pool = _start(workers, recycle_after)
        try:
            while True:
                if not pool.active:
                    _stop(pool)
                    pool = _start(workers, recycle_after)
                for job in islice(queue, workers - len(pending)):
                    with held_interrupts():
                        future = pool.schedule(_guarded, (function, job), timeout=timeout_s)
                    pending[future] = job
                if not pending:
                    return
                for done in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(done), _result(done, timeout_s)
        finally:
            _stop(pool)


def _start(workers: int, recycle_after: int) -> ProcessPool:
    context = multiprocessing.get_context("spawn")
    # Python's tracker, when it starts, unblocks interrupts in the thread that needed it first.
    resource_tracker.ensure_running()
    pool = ProcessPool(workers, recycle_after, _leave_with_parent, context=context)
    with held_interrupts():
        assert pool.active  # asking starts the pool's threads, which start the workers
    return pool


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


def _guarded(function: Callable[[Job], Result], job: Job) -> Result | Failure:
    """Runs in the worker: an exception travels as text, since not every one can be unpickled."""
    try:
        return function(job)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")


def _result(future: Future[Any], timeout_s: float) -> Any:
    try:
        return future.result()
    except TimeoutError:
        return Failure(f"timed out after {timeout_s:g} s", transient=True)
    except ProcessExpired as error:
        return Failure(f"worker died (exit code {error.exitcode})", transient=True)
    except BrokenProcessPool as error:
        return Failure(f"workers could not run: {error}", transient=True)


def _leave_with_parent() -> None:
    """A worker whose parent was killed must not go on writing beside the next run."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Workers inherit the environment, also those that are started later."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Ctrl-C waits until the end. Threads started meanwhile, and so their processes, never get it;
    and inside a callback of the compiler, where it would be ignored, it isn't raised."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
