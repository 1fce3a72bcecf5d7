"""The map over processes: what one job does must not touch the others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from robokiln.workers import Failure, map_unordered


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
    results = dict(map_unordered(work, jobs, workers=2, timeout_s=3))
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

    results = map_unordered(work, jobs(), workers=1, timeout_s=10)
    next(results)
    results.close()
    assert len(drawn) <= 2


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_its_parent(kill: signal.Signals, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_local import beat\n"
        "from robokiln.workers import map_unordered\n"
        "if __name__ == '__main__':\n"
        "    list(map_unordered(beat, [sys.argv[2]] * 2, workers=2, timeout_s=60))\n"
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
