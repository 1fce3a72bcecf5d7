"""Ray as the executor: failures are charged as locally, and the bytes are the same."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_local import work

from robokiln.cli import main
from robokiln.types import RobokilnError
from robokiln.workers import Execution, Failure, map_unordered

pytestmark = [
    # Importing Ray here would come before the executor has set how it authenticates.
    pytest.mark.skipif(find_spec("ray") is None, reason="needs ray"),
]

SMALL = ("image_size=32", "antialias=false", "episodes=3")
SUMS = "dataset/SHA256SUMS"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode of authentication, which importing the executor sets, is no other test's."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")


def test_each_failure_is_charged_to_its_own_job() -> None:
    jobs = ["a", "crash", "b", "raise", "hang", "c", "d"]
    results = dict(map_unordered(work, jobs, Execution(2, 6, executor="ray")))
    assert {job: results[job] for job in "abcd"} == {job: f"{job} 1" for job in "abcd"}
    assert results["raise"] == Failure("OSError: no such thing")
    assert results["hang"] == Failure("timed out after 6 s", transient=True)
    crashed = results["crash"]
    assert isinstance(crashed, Failure)
    assert crashed.transient
    assert crashed.reason.startswith("worker died (WorkerCrashedError)")


def test_a_ray_of_our_own_is_closed_to_others() -> None:
    results = map_unordered(work, "abc", Execution(1, 60, executor="ray"))
    assert next(results) == ("a", "a 1")
    import ray
    from ray._private import worker

    assert worker._global_node is not None
    assert worker._global_node.node_ip_address == "127.0.0.1"
    private = Path(worker._global_node.get_temp_dir_path()).parent
    assert private.stat().st_mode & 0o777 == 0o700
    results.close()  # type: ignore[attr-defined]
    assert not ray.is_initialized()
    assert not private.exists()


def test_without_ray_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robokiln.workers.execution.find_spec", lambda _: None)
    with pytest.raises(RobokilnError, match=r"pip install 'robokiln\[ray\]'"):
        Execution(executor="ray")


def wait_for_a_unit(process: subprocess.Popen[str], out: Path) -> None:
    """Returns once the run has committed something."""
    deadline = time.monotonic() + 120
    while not list((out / "units").glob("*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "robokiln.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The SHA256SUMS of a local run with one worker."""
    out = tmp_path_factory.mktemp("local") / "run"
    assert main(["generate", *SMALL, f"out={out}", "workers=1"]) == 0
    return (out / SUMS).read_bytes()


def test_the_dataset_is_that_of_a_local_run(undisturbed: bytes, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert main(["generate", *SMALL, f"out={out}", "executor=ray", "workers=2"]) == 0
    assert (out / SUMS).read_bytes() == undisturbed
    assert not list((out / "staging").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_driver_is_continued(
    kill: signal.Signals, undisturbed: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = ["generate", *SMALL, f"out={out}", "executor=ray", "workers=1"]
    process = start(*command)
    wait_for_a_unit(process, out)
    (os.killpg if kill is signal.SIGINT else os.kill)(process.pid, kill)
    said = process.communicate(timeout=60)
    assert "Traceback" not in said[1]
    assert process.returncode == (130 if kill is signal.SIGINT else -kill), said
    assert not (out / "dataset").exists()
    deadline = time.monotonic() + 30
    while ray_workers():
        assert time.monotonic() < deadline, ray_workers()
        time.sleep(0.1)
    assert main(command) == 0
    assert (out / SUMS).read_bytes() == undisturbed


def ray_workers() -> list[str]:
    """This machine's processes that run a task of ours."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            name = status.read_bytes().replace(b"\0", b" ").decode()
            if name.startswith("ray::work"):
                found.append(name)
    return found


@pytest.mark.slow
def test_an_evaluation_is_that_of_a_local_run(tmp_path: Path) -> None:
    rows = [f"scenes.{row}=2" for row in ("noop", "random", "expert")]
    found = []
    for executor in ("local", "ray"):
        out = tmp_path / executor
        command = ["evaluate", *rows, f"out={out}", f"executor={executor}", "workers=2"]
        assert main([*command, "image_size=32"]) == 0
        found.append(json.loads((out / "evaluation.json").read_text()))
    assert found[0] == found[1]


def slow_on_the_lost_node(job: tuple[int, str]) -> int:
    """Says where it runs, then takes its time."""
    import ray

    number, folder = job
    node = ray.get_runtime_context().get_node_id()
    Path(folder, f"{number}-{node}").touch()
    time.sleep(3)
    return number


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the nodes of a cluster and its driver share."""
    from robokiln.workers import ray as executor

    # Ray remembers this process's first token, which may have been that of a Ray of its own.
    monkeypatch.setenv("RAY_AUTH_TOKEN", executor._token())
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


@pytest.mark.slow
@pytest.mark.usefixtures("token")
def test_a_lost_node_costs_its_jobs_only(tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    second = cluster.add_node(num_cpus=1)
    try:
        execution = Execution(2, 60, executor="ray", address=cluster.address)
        jobs = [(i, str(tmp_path)) for i in range(4)]

        def remove() -> None:
            while not list(tmp_path.glob(f"*-{second.node_id}")):
                time.sleep(0.05)
            cluster.remove_node(second, allow_graceful=False)

        thread = threading.Thread(target=remove, daemon=True)
        thread.start()
        results = dict(map_unordered(slow_on_the_lost_node, jobs, execution))
        thread.join(30)
        lost = [job for job, result in results.items() if isinstance(result, Failure)]
        assert 1 <= len(lost) < 4
        assert all(r.transient for r in results.values() if isinstance(r, Failure))
        again = dict(map_unordered(slow_on_the_lost_node, lost, execution))
        assert again == {job: job[0] for job in lost}
    finally:
        cluster.shutdown()
