"""Jobs over spawned processes: a crash, a hang or an exception costs one job, never the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any

from pebble import ProcessExpired, ProcessPool

from robokiln.workers.execution import Execution, Failure
from robokiln.workers.inside import (
    MEMORY_EXIT,
    ONE_THREAD,
    POLL_S,
    Job,
    Result,
    environment,
    guarded,
    leave_over,
)

LOOK_S = 1.0
"""Between looks whether the workers' pool still works, while no job ends."""
BROKEN = Failure("workers could not run: all of them died", transient=True)


def map_unordered(
    function: Callable[[Job], Result], jobs: Iterable[Job], execution: Execution
) -> Generator[tuple[Job, Result | Failure], None, None]:
    """As `workers.map_unordered`; each worker is a fresh process of this machine."""
    queue = iter(jobs)
    pending = dict[Future[Any], Job]()
    with environment(dict.fromkeys(ONE_THREAD, "1")):
        pool = _start(execution)
        try:
            while True:
                broken = not pool.active
                if broken:
                    _stop(pool)
                    pool = _start(execution)
                # A pool that breaks while a job is on its way to it forgets that job.
                ended = list(pending) if broken else wait(pending, LOOK_S, FIRST_COMPLETED).done
                for done in ended:
                    yield pending.pop(done), _result(done, execution)
                for job in islice(queue, execution.workers - len(pending)):
                    try:
                        with held_interrupts():
                            future = pool.schedule(
                                guarded, (function, job), timeout=execution.deadline_s
                            )
                    except RuntimeError:  # it broke since it was asked
                        yield job, BROKEN
                        broken = True
                        break
                    pending[future] = job
                if not pending and not broken:
                    return
        finally:
            _stop(pool)


def _start(execution: Execution) -> ProcessPool:
    context = multiprocessing.get_context("spawn")
    # Python's tracker, when it starts, unblocks interrupts in the thread that needed it first.
    resource_tracker.ensure_running()
    pool = ProcessPool(
        execution.workers,
        execution.recycle_after,
        _watch,
        (execution.memory_bound_mb,),
        context=context,
    )
    with held_interrupts():
        assert pool.active  # asking starts the pool's threads, which start the workers
    return pool


def _stop(pool: ProcessPool) -> None:
    """Workers are killed before pebble closes their pipes: one that takes a crashed one's place and
    has only just begun would answer that with a traceback. Pebble has no public name for them."""
    pool.stop()  # type: ignore[no-untyped-call]
    for worker in list(pool._pool_manager.worker_manager.workers.values()):
        worker.kill()
    pool.join()


def _result(future: Future[Any], execution: Execution) -> Any:
    if not future.done():
        return BROKEN
    try:
        return future.result()
    except TimeoutError:
        return Failure(f"timed out after {execution.deadline_s:g} s", transient=True)
    except ProcessExpired as error:
        if error.exitcode == MEMORY_EXIT:
            return Failure(
                f"worker exceeded its memory bound of {execution.memory_bound_mb} MB; "
                "memory_mb=N raises it",
                transient=True,
            )
        return Failure(f"worker died (exit code {error.exitcode})", transient=True)
    except BrokenProcessPool as error:
        return Failure(f"workers could not run: {error}", transient=True)


def _watch(bound_mb: int) -> None:
    """A worker whose parent was killed must not go on writing beside the next run, and one that
    takes too much memory goes before the system kills another process for it."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        while parent.is_alive():
            leave_over(bound_mb)
            parent.join(POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
