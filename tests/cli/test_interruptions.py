"""Killed, interrupted or out of space: nothing looks whole that isn't, and the rest continues."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import SMALL

from robokiln.cli import main

Start = Callable[..., "subprocess.Popen[str]"]


def wait_for(process: "subprocess.Popen[str]", reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def units(out: Path) -> int:
    return len(list((out / "units").glob("*")))


def test_a_run_that_was_killed_and_stopped_ends_with_the_same_bytes(
    start: Start, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ("generate", *SMALL, f"out={out}", "workers=2")
    first = start(*command)
    wait_for(first, lambda: units(out) >= 1)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert not (out / "dataset").exists()

    if units(out) < 3:
        second = start(*command)
        wait_for(second, lambda: "pid " in (out / ".lock").read_text() and bool(staged(out)))
        os.killpg(second.pid, signal.SIGINT)
        said = second.communicate(timeout=30)[1]
        assert second.returncode == 130
        assert "the same command continues" in said
        assert "Traceback" not in said
        assert not (out / "dataset").exists()

    assert main([*command]) == 0
    sums = "dataset/SHA256SUMS"
    assert (out / sums).read_bytes() == (finished / sums).read_bytes()
    assert not list((out / "staging").iterdir())
    sessions = json.loads((out / "run.json").read_text())["sessions"]
    assert sessions[-1]["ended"] == "complete"
    capsys.readouterr()
    assert main([*command]) == 0
    assert "already complete" in capsys.readouterr().out


def staged(out: Path) -> list[Path]:
    return list((out / "staging").glob("*"))


def test_files_that_can_grow_no_more_end_as_a_full_disk_does(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = subprocess.run(
        [sys.executable, "-m", "robokiln.cli", "generate", *SMALL, f"out={out}", "workers=1"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 4, result.stderr
    assert "the same command continues" in result.stderr
    assert not list((out / "units").iterdir())
    assert not staged(out)
    assert not (out / "dataset").exists()


def test_too_little_space_is_found_before_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["generate", "episodes=100000000", f"out={out}"]) == 4
    assert "GB needed" in capsys.readouterr().err
    assert not (out / "dataset").exists()


def test_slots_without_a_success_leave_no_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ["generate", *SMALL, f"out={out}", "workers=1", "max_attempts=2"]
    assert main([*command, "episode.max_steps=3"]) == 3
    said = capsys.readouterr().err
    assert "incomplete" in said
    assert "all 2 attempts refused" in said
    record = json.loads((out / "quarantine" / "slot-00000000.json").read_text())
    assert record["refusals"] == ["step limit", "step limit"]
    assert not (out / "dataset").exists()


def test_a_second_writer_is_told_who_the_first_is(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ("generate", *SMALL, f"out={out}", "workers=1")
    first = start(*command)
    wait_for(first, lambda: (out / "staging").exists())
    assert main([*command]) == 2
    assert f"being written by pid {first.pid}" in capsys.readouterr().err
    os.killpg(first.pid, signal.SIGINT)
    first.communicate(timeout=30)
    assert first.returncode == 130


def test_training_that_is_stopped_leaves_no_policy(
    start: Start, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "policy"
    data = f"dataset={finished / 'dataset'}"
    process = start("train", data, "policy=state", "policy.steps=1000000", f"out={out}")
    wait_for(process, lambda: (out / "train_log.jsonl").exists())
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert not (out / "policy.json").exists()
