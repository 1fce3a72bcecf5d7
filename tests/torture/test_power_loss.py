"""A power loss at any moment of a run loses nothing that was committed, and the run resumes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from power_loss import INTERRUPTED, RUN, Crash, Findings, Recording, inspect, recorded, resume
from power_model import NAMES_KEPT, NOTHING_UNSYNCED
from power_trace import Operation, installable, why_not

QUICK_RESUMES = (
    (NAMES_KEPT, ".plan.json.N"),
    (NOTHING_UNSYNCED, "slot-00000001"),
    (NAMES_KEPT, "dataset.building"),
)
"""Variant, and a name that the state must have."""


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A recorded run; skipped where none can be made, unless CI forgot to install strace."""
    reason = why_not()
    if reason is not None and "isn't installed" in reason and os.environ.get("CI") == "true":
        assert not installable(), f"{reason}, although .ci/run could have installed it"
    if reason is not None:
        pytest.skip(reason)
    return recorded(tmp_path_factory.mktemp("power"))


@pytest.fixture(scope="session")
def inspected(recording: Recording) -> tuple[Findings, list[Crash]]:
    """The invariants' findings over all crash points, and the distinct states."""
    findings = Findings()
    return findings, inspect(recording.operations, findings)


def test_nothing_committed_is_lost_at_any_crash_point(
    inspected: tuple[Findings, list[Crash]],
) -> None:
    findings, _ = inspected
    assert findings.crash_points > 1000
    assert findings.lost == []
    assert findings.doubled == []


def ends_with_the_same_bytes(states: list[Crash], recording: Recording) -> None:
    findings = Findings()
    for crash in states:
        resume(crash, recording.made, findings)
    assert findings.lost == []
    assert findings.doubled == []
    assert findings.different_bytes == []


def test_a_run_resumes_after_a_power_loss(
    recording: Recording, inspected: tuple[Findings, list[Crash]]
) -> None:
    states = [
        next(c for c in inspected[1] if c.variant == variant and name in c.state())
        for variant, name in QUICK_RESUMES
    ]
    ends_with_the_same_bytes(states, recording)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_resumes_after_every_kind_of_power_loss(
    recording: Recording, inspected: tuple[Findings, list[Crash]]
) -> None:
    ends_with_the_same_bytes(inspected[1], recording)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_runs_that_were_killed_and_then_lost_power_resume(
    recording: Recording, tmp_path: Path
) -> None:
    interrupted = recorded(tmp_path, INTERRUPTED)
    findings = Findings()
    states = inspect(interrupted.operations, findings)
    assert findings.lost == []
    assert findings.doubled == []
    ends_with_the_same_bytes(states, recording)


@pytest.mark.parametrize("folder", [".", "new", RUN])
def test_a_directory_that_was_never_synced_is_noticed(recording: Recording, folder: str) -> None:
    steps = first_commit(recording)
    opened = {s.file for s in steps if s.kind == "open" and s.path == folder}
    findings = Findings()
    inspect([s for s in steps if s.kind != "sync" or s.file not in opened], findings)
    assert f"{RUN}/units/slot-00000000" in findings.lost[0]


def test_files_that_were_never_synced_are_noticed(recording: Recording) -> None:
    findings = Findings()
    inspect([s for s in first_commit(recording) if s.kind != "sync"], findings)
    assert any("slot-00000000/unit.json" in line for line in findings.lost)


def first_commit(recording: Recording) -> list[Operation]:
    """The operations until the first unit is acknowledged."""
    steps = list(recording.operations)
    renamed = next(i for i, s in enumerate(steps) if s.other == f"{RUN}/units/slot-00000000")
    return steps[: renamed + 3]
