"""The map over processes: what one job does must not touch the others."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robokiln.types import RobokilnError
from robokiln.workers import Execution, Failure, map_unordered


def work(job: str) -> str:
    """A job whose name says how it ends."""
    if job == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if job == "hang":
        time.sleep(60)
    if job == "raise":
        raise OSError("no such thing")
    return f"{job} {os.environ['OMP_NUM_THREADS']}"


def test_each_failure_is_charged_to_its_own_job() -> None:
    jobs = ["a", "crash", "b", "raise", "hang", "c", "d"]
    results = dict(map_unordered(work, jobs, Execution(2, 3)))
    assert {job: results[job] for job in "abcd"} == {job: f"{job} 1" for job in "abcd"}
    assert results["crash"] == Failure("worker died (exit code -11)", transient=True)
    assert results["raise"] == Failure("OSError: no such thing")
    assert results["hang"] == Failure("timed out after 3 s", transient=True)


def test_jobs_are_drawn_as_workers_become_free() -> None:
    drawn: list[int] = []

    def jobs() -> Iterator[str]:
        for i in range(100):
            drawn.append(i)
            yield str(i)

    results = map_unordered(work, jobs(), Execution(1, 10))
    next(results)
    results.close()
    assert len(drawn) <= 2


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_its_parent(kill: signal.Signals, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_local import beat\n"
        "from robokiln.workers import Execution, map_unordered\n"
        "if __name__ == '__main__':\n"
        "    list(map_unordered(beat, [sys.argv[2]] * 2, Execution(2, 60)))\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    here = str(Path(__file__).parent)
    parent = subprocess.Popen(
        [sys.executable, script, here, str(tmp_path)], stderr=subprocess.PIPE, process_group=0
    )
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("*.pid"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    if kill is signal.SIGINT:
        os.killpg(parent.pid, kill)
    else:
        os.kill(parent.pid, kill)
    _, errors = parent.communicate(timeout=20)
    children = [int(file.stem) for file in tmp_path.glob("*.pid")]
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert errors.count(b"Traceback") == (1 if kill is signal.SIGINT else 0)


def beat(directory: str) -> None:
    """Says that it lives, then waits to be stopped."""
    Path(directory, f"{os.getpid()}.pid").touch()
    time.sleep(60)


def allocate(megabytes: int) -> int:
    """Takes so much memory, and keeps it for a while if it is more than the others'."""
    held = bytearray(0)
    for _ in range(0, megabytes, 10):
        held += b"\1" * (10 * 2**20)
        time.sleep(0.01)
    return len(held)


def test_a_worker_over_its_memory_bound_is_stopped() -> None:
    results = dict(map_unordered(allocate, [10, 5000, 20, 30], Execution(2, 60, memory_mb=400)))
    assert results.pop(5000) == Failure(
        "worker exceeded its memory bound of 400 MB; memory_mb=N raises it", transient=True
    )
    assert results == {n: n * 2**20 for n in (10, 20, 30)}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"executor": "rya"}, "executor 'rya' not found; available: local, ray"),
        ({"workers": 0}, "workers: expected at least 1, got 0"),
        ({"deadline_s": 0}, "deadline_s: expected more than 0"),
        ({"recycle_after": -1}, "recycle_after: expected at least 0"),
        ({"memory_mb": 3}, "memory_mb: expected at least 100, got 3"),
        ({"address": "auto"}, "ray_address: has a meaning with executor=ray only"),
    ],
)
def test_bounds_are_checked(wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(RobokilnError, match=expected):
        Execution(**wrong)


def _jobs_while_workers_die(delay: float) -> Iterator[int]:
    for i in range(12):
        if i < 2:
            for child in multiprocessing.active_children():
                child.kill()
            time.sleep(delay)
        yield i


@pytest.mark.timeout(60)
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3])
def test_workers_that_die_before_their_first_job_cost_a_try(delay: float) -> None:
    results = dict(map_unordered(abs, _jobs_while_workers_die(delay), Execution(2, 60)))
    assert sorted(results) == list(range(12))
    # A pool's end is seen some time after its workers'; it takes at most the jobs on their way.
    failures = [r for r in results.values() if isinstance(r, Failure)]
    assert all(failure.transient for failure in failures)
    assert len(failures) <= 6
    assert results[11] == 11
