"""Jobs as Ray Core tasks, on this machine or on a cluster. The only file that knows Ray.

Tasks, not actors, as no job needs what another one left behind. Ray retries nothing: callers try
failed jobs again, so that each try has its own deadline and is counted once.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from robokiln.types import RobokilnError
from robokiln.workers.execution import Execution, Failure
from robokiln.workers.inside import (
    ONE_THREAD,
    POLL_S,
    Job,
    Result,
    environment,
    guarded,
    leave_over,
)
from robokiln.workers.local import held_interrupts

# Ray reads this once, as it is imported. Without it, whoever reaches a port may run code.
os.environ.setdefault("RAY_AUTH_MODE", "token")

import ray
from ray._private import ray_constants, worker
from ray.exceptions import RayError, RayTaskError

_STORE_BYTES = 128 * 2**20
"""Results are small, and wait for nobody."""
_CANCELLED_S = 10.0
"""Given to a cancelled task to be gone."""


def map_unordered(
    function: Callable[[Job], Result], jobs: Iterable[Job], execution: Execution
) -> Generator[tuple[Job, Result | Failure], None, None]:
    """As `workers.map_unordered`; at most as many tasks are submitted as can run at once, so a
    deadline counts from the submission."""
    queue = iter(jobs)
    pending = dict[Any, tuple[Job, float]]()
    with _connected(execution):
        task = _task(execution)
        try:
            while True:
                for job in islice(queue, max(0, _places(execution) - len(pending))):
                    ref = task.remote(function, job)
                    pending[ref] = (job, time.monotonic() + execution.deadline_s)
                if not pending:
                    return
                for ref in ray.wait(list(pending), num_returns=1, timeout=POLL_S)[0]:
                    yield pending.pop(ref)[0], _result(ref, execution)
                for ref in _overdue(pending):
                    _cancel([ref])
                    reason = f"timed out after {execution.deadline_s:g} s"
                    yield pending.pop(ref)[0], Failure(reason, transient=True)
        finally:
            _cancel(list(pending))


def _task(execution: Execution) -> Any:
    """The remote function of (function, job)."""
    options: dict[str, Any] = {}
    if execution.memory_mb is not None:
        options["memory"] = execution.memory_mb * 2**20
    # A share of this machine says nothing about a cluster's; there, Ray guards each node's memory.
    alone = execution.address is None
    bound = execution.memory_bound_mb if alone else execution.memory_mb
    folder = Path.cwd()

    def work(function: Callable[[Job], Result], job: Job) -> Result | Failure:
        return _inside(function, job, folder, bound)

    return ray.remote(
        num_cpus=1,
        max_retries=0,
        retry_exceptions=False,
        max_calls=execution.recycle_after,
        **options,
    )(work)


def _inside(
    function: Callable[[Job], Result], job: Job, folder: Path, bound_mb: int | None
) -> Result | Failure:
    """Runs in the worker; relative paths mean what they mean to the driver, if they can."""
    with suppress(OSError):
        os.chdir(folder)
    if bound_mb is not None:
        _watch(bound_mb)
    return guarded(function, job)


@cache
def _watch(bound_mb: int) -> None:
    """Once a process."""

    def watch() -> None:
        while True:
            leave_over(bound_mb)
            time.sleep(POLL_S)

    threading.Thread(target=watch, daemon=True).start()


def _places(execution: Execution) -> int:
    """Tasks that can run at once: nodes come and go."""
    known: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(1, min(execution.workers, int(known.get("CPU", 0))))


def _overdue(pending: dict[Any, tuple[Job, float]]) -> list[Any]:
    now = time.monotonic()
    return [ref for ref, (_, end) in pending.items() if end < now]


def _cancel(refs: list[Any]) -> None:
    """Kill the tasks' workers, and wait until they are gone."""
    if not refs or not ray.is_initialized():
        return
    for ref in refs:
        ray.cancel(ref, force=True)
    ray.wait(refs, num_returns=len(refs), timeout=_CANCELLED_S)


def _result(ref: Any, execution: Execution) -> Any:
    try:
        return ray.get(ref)
    except RayTaskError as error:  # what can't be pickled, or imported there
        return Failure(f"{type(error.cause).__name__}: {error.cause}")
    except RayError as error:
        # Ray does not tell the exit code, so neither whether it was the bound.
        bound = f"; memory_mb={execution.memory_mb}" if execution.memory_mb is not None else ""
        said = str(error).partition("\n")[0]
        return Failure(f"worker died ({type(error).__name__}{bound}): {said}", transient=True)


@contextmanager
def _connected(execution: Execution) -> Iterator[None]:
    """Within, this process is a driver of the cluster, or of a Ray that lives as long."""
    # Ray prints of each lost worker, in the middle of the progress line; callers say so themselves.
    worker.print_to_stdstream = lambda *_, **__: None
    connect = _own(execution) if execution.address is None else _joined(execution.address)
    with connect:
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def _joined(address: str) -> Iterator[None]:
    inherited = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    try:
        _init(address, inherited)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        reason = " ".join(str(error).split())
        raise RobokilnError(f"ray_address: {address}: {reason}") from None
    yield


@contextmanager
def _own(execution: Execution) -> Iterator[None]:
    """Ray on the loopback interface, with a token and a folder that only this user can read."""
    # A socket's path has about a hundred characters, of which Ray takes sixty.
    private = tempfile.mkdtemp(prefix="robokiln-ray-", dir="/tmp")
    memory = {} if execution.memory_mb is None else {"_memory": _all_memory(execution)}
    reachable = ray_constants.ENABLE_RAY_CLUSTER
    try:
        with held_interrupts(), environment(_own_environment()):
            ray_constants.ENABLE_RAY_CLUSTER = False  # else it listens on every interface
            _init(
                "local",
                {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
                num_cpus=execution.workers,
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                _temp_dir=str(Path(private, "ray")),
                **memory,
            )
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = reachable
        shutil.rmtree(private, ignore_errors=True)


def _init(address: str, environment: dict[str, str], **settings: Any) -> None:
    variables = {**environment, **dict.fromkeys(ONE_THREAD, "1")}
    ray.init(
        address,
        runtime_env={"env_vars": variables},
        log_to_driver=False,
        configure_logging=False,
        **settings,
    )


def _all_memory(execution: Execution) -> int:
    """What tasks may ask for together, so that none waits for memory."""
    return execution.workers * execution.memory_bound_mb * 2**20


def _own_environment() -> dict[str, str]:
    """What the processes of a Ray of our own inherit."""
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    token = {} if given else {"RAY_AUTH_TOKEN": _token()}
    return {
        **token,
        "RAY_USAGE_STATS_ENABLED": "0",
        ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0",
    }


@cache
def _token() -> str:
    """One a process, since Ray remembers the first."""
    return secrets.token_hex(32)
