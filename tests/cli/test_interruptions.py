"""Killed, interrupted or out of space: nothing looks whole that isn't, and the rest continues."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_run import EPISODES, SMALL

from robokiln.cli import main

Start = Callable[..., subprocess.Popen[str]]


def wait_for(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def units(out: Path) -> int:
    return len(list((out / "units").glob("*")))


def staged(out: Path) -> list[Path]:
    return list((out / "staging").glob("*"))


def stop(process: subprocess.Popen[str]) -> None:
    """Ctrl-C: what every process of the terminal's foreground group gets."""
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "the same command continues" in said
    assert "Traceback" not in said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 8 MB, or None where this user may not mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        yield None
        return
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_run_in_trouble_ends_with_the_bytes_of_an_undisturbed_one(
    start: Start,
    finished: Path,
    small_disk: Path | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = (small_disk or tmp_path) / "run"
    command = ("generate", *SMALL, f"out={out}")

    process = start(*command, "workers=1")
    wait_for(process, lambda: units(out) >= 1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 1 <= units(out) < EPISODES

    if small_disk is not None:
        fill_up(start(*command, "workers=1"), out, small_disk / "filler")
        assert 1 <= units(out) < EPISODES

    process = start(*command, "workers=1")
    wait_for(process, lambda: f"pid {process.pid} " in (out / ".lock").read_text())
    assert main(command) == 2
    assert f"being written by pid {process.pid} on" in capsys.readouterr().err
    stop(process)
    assert not (out / "dataset").exists()

    assert main([*command, "workers=2"]) == 0
    sums = "dataset/SHA256SUMS"
    assert (out / sums).read_bytes() == (finished / sums).read_bytes()
    assert not staged(out)
    sessions = json.loads((out / "run.json").read_text())["sessions"]
    assert sessions[-1]["ended"] == "complete"
    capsys.readouterr()
    assert main(command) == 0
    assert "already complete" in capsys.readouterr().out


def test_a_killed_rerender_ends_with_the_bytes_of_an_undisturbed_one(
    start: Start, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(finished / "dataset")
    command = ("rerender", source, "looks_per_episode=3", "seed=5", "record=[depth,segmentation]")
    out, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    process = start(*command, f"out={out}", "workers=1")
    wait_for(process, lambda: units(out) >= 1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 1 <= units(out) < EPISODES
    assert not (out / "dataset").exists()
    assert main([*command, f"out={out}", "workers=2"]) == 0
    assert main([*command, f"out={undisturbed}", "workers=1"]) == 0
    sums = "dataset/SHA256SUMS"
    assert (out / sums).read_bytes() == (undisturbed / sums).read_bytes()
    assert not staged(out)
    capsys.readouterr()
    assert main([*command, f"out={out}"]) == 0
    assert "already complete" in capsys.readouterr().out
    recorded = f"plan={out}/dataset/meta/robokiln/plan.json"
    assert main(["rerender", source, recorded, f"out={tmp_path / 'again'}"]) == 0
    assert (tmp_path / "again" / sums).read_bytes() == (out / sums).read_bytes()


def fill_up(process: subprocess.Popen[str], out: Path, filler: Path) -> None:
    """Take all space while the run is at work, see it stop cleanly, and free the space."""
    wait_for(process, lambda: bool(staged(out)))
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 4, said
    assert "the same command continues" in said
    assert not staged(out)
    filler.unlink()


def test_too_little_space_is_found_before_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["generate", "episodes=10000000", f"out={out}"]) == 4
    assert "GB needed" in capsys.readouterr().err
    assert not (out / "dataset").exists()


def test_slots_without_a_success_leave_no_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ["generate", *SMALL, f"out={out}", "episodes=1", "max_attempts=2"]
    assert main([*command, "episode.max_steps=3"]) == 3
    said = capsys.readouterr().err
    assert "incomplete" in said
    assert "all 2 attempts refused" in said
    record = json.loads((out / "quarantine" / "slot-00000000.json").read_text())
    assert record["refusals"] == ["step limit", "step limit"]
    assert not (out / "dataset").exists()


def test_training_that_is_stopped_leaves_no_policy(
    start: Start, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "policy"
    data = f"dataset={finished / 'dataset'}"
    process = start("train", data, "policy=state", "policy.steps=1000000", f"out={out}")
    wait_for(process, lambda: (out / "train_log.jsonl").exists())
    stop(process)
    assert not (out / "policy.json").exists()


def test_an_evaluation_that_is_stopped_has_no_result(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    rows = [f"scenes.{row}=1" for row in ("random", "expert")]
    process = start("evaluate", "scenes.noop=1000", *rows, f"out={out}", "workers=1")
    wait_for(process, lambda: bool(list(out.glob("rollouts.jsonl"))))
    stop(process)
    assert not (out / "evaluation.json").exists()
