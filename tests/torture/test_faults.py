"""Faults of a unit, of the storage and of the environment: reported, and the bytes stay the same.

Each test is a line or two of the torture list in docs/reliability.md.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import undisturbed as runs
from undisturbed import Undisturbed, undisturbed

from robokiln.faults import SLOW, VARIABLE, reach
from robokiln.kiln.unit import unit_name
from robokiln.types import RobokilnError

pytestmark = pytest.mark.timeout(600)
EPISODES = 3
UNIT_1 = unit_name(1)
RECORDED_PLAN = "meta/robokiln/plan.json"


@pytest.fixture(scope="module")
def peace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the undisturbed run of two workers goes; read only."""
    return tmp_path_factory.mktemp("undisturbed") / "run"


@pytest.fixture(scope="module")
def expected(peace: Path) -> Undisturbed:
    """Three episodes in peace."""
    return undisturbed(peace, EPISODES, "workers=2")


def run(out: Path, *more: str, **how: Any) -> tuple[int, str]:
    """The exit code, and what the run said on its error stream: never a traceback."""
    words = out.with_name("words")
    code = runs.finish(runs.start(out, EPISODES, *more, words=words, **how))
    said = words.read_text()
    assert "Traceback" not in said
    return code, said


def assert_undisturbed(out: Path, expected: Undisturbed) -> None:
    """Nothing is lost, doubled or different, and nothing was given up."""
    assert not +runs.compare_finished(out, expected)
    assert not [*(out / "staging").iterdir(), *(out / "quarantine").iterdir()]


def test_a_crashing_unit_is_given_up_alone(expected: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, said = run(out, "workers=2", faults="unit.start@1=segfault")
    assert code == 3
    assert f"{UNIT_1}: worker died (exit code -11)" in said
    assert sorted(runs.manifests(out)) == [unit_name(0), unit_name(2)]
    facts = json.loads((out / "quarantine" / f"{UNIT_1}.json").read_text())
    assert facts == {"slot": 1, "reason": "worker died (exit code -11)", "refusals": []}
    assert not (out / "dataset").exists()
    assert run(out, "workers=2")[0] == 0
    assert_undisturbed(out, expected)


ONCE = {
    # One worker: the slot comes again after the others, so that they are made out of order.
    "crash": ("unit.start@0=segfault", ("workers=1",), {"PYTHONHASHSEED": "0"}),
    "hang": ("unit.simulated@1=hang", ("workers=2", "deadline_s=15"), {}),
    "memory": ("unit.simulated@1=memory", ("workers=2", "memory_mb=800"), {}),
    "straggler": ("unit.start@0=slow", ("workers=2",), {SLOW: "4"}),
    "many workers": ("unit.start@0=kill", ("workers=4",), {"PYTHONHASHSEED": "1"}),
}
"""Fault, how the run is executed, environment. Neither hang nor memory ends by itself."""


@pytest.mark.parametrize("name", ONCE)
def test_a_fault_that_passes_changes_no_byte(
    name: str, expected: Undisturbed, tmp_path: Path
) -> None:
    fault, how, environment = ONCE[name]
    out, once = tmp_path / "run", tmp_path / "once"
    began = time.monotonic()
    assert run(out, *how, faults=fault, once=once, **environment)[0] == 0
    assert time.monotonic() - began < 300, "a job's default deadline is 600 s"
    assert [mark.name for mark in once.iterdir()] == [fault]
    assert_undisturbed(out, expected)
    if name in ("crash", "straggler"):
        assert made_in_order(out)[-1] == unit_name(0)


def made_in_order(out: Path) -> list[str]:
    """The units by the time of their receipts."""
    receipts = (out / "receipts").glob("slot-*.json")
    return [file.stem for file in sorted(receipts, key=lambda file: file.stat().st_mtime_ns)]


STORAGE = {
    "unit.staged@0=hang;unit.written@1=enospc": (4, "no space left: No space left on device;"),
    "files.fsync=eio": (1, "the storage failed: Input/output error;"),
    "files.write=eio": (1, "the storage failed: Input/output error;"),
    "unit.written@1=eio": (1, "the storage failed: Input/output error;"),
    "unit.written@1=enospc": (4, "no space left: No space left on device;"),
    "publish.begun=enospc": (4, "no space left: No space left on device;"),
}
"""Exit code and message. In the first, another worker is half way, and no unit was made before; the
next two strike the coordinator, which writes and syncs first."""


def test_failing_storage_ends_the_run_and_the_next_one_continues(
    expected: Undisturbed, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    for fault, (code, message) in STORAGE.items():
        found = run(out, "workers=2", faults=fault)
        assert (found[0], message in found[1]) == (code, True), (fault, found)
        assert "the same command continues" in found[1]
        assert (UNIT_1 in runs.manifests(out)) == fault.startswith("publish.")
        assert not list(out.glob("staging/*"))
        assert not (out / "dataset").exists()
    assert run(out, "workers=2")[0] == 0
    assert_undisturbed(out, expected)


def test_another_environment_is_refused_or_recorded(expected: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(out, "workers=2", faults="commit.durable@1=kill_coordinator", once=tmp_path / "once")
    plan = json.loads((out / "plan.json").read_text())
    assert "overrides" not in plan
    now = plan["environment"]["packages"]["numpy"]
    plan["environment"]["packages"]["numpy"] = "1.0.0"
    (out / "plan.json").write_text(json.dumps(plan))
    units = runs.manifests(out)
    assert UNIT_1 in units
    code, said = run(out, "workers=2")
    assert code == 2
    assert f'  environment.packages.numpy: there "1.0.0", now "{now}"' in said
    assert runs.manifests(out) == units
    assert run(out, "workers=2", "accept_environment=true")[0] == 0
    recorded = json.loads((out / "dataset" / RECORDED_PLAN).read_text())
    assert recorded["environment"]["packages"]["numpy"] == "1.0.0"
    assert [o["environment"]["packages"]["numpy"] for o in recorded["overrides"]] == [now]
    assert runs.manifests(out) == expected.manifests


def test_a_unit_that_comes_out_otherwise_ends_the_run(
    peace: Path, expected: Undisturbed, tmp_path: Path
) -> None:
    """Somebody else commits slot 1, with other bytes, while it is being made."""
    out, other, words = tmp_path / "run", tmp_path / "other", tmp_path / "words"
    shutil.copytree(peace / "units" / unit_name(0), other)
    process = runs.start(
        out, EPISODES, "workers=2", faults="unit.staged@1=slow", words=words, **{SLOW: "5"}
    )
    ours = wait_for_staging(process, out)
    other.rename(out / "units" / UNIT_1)
    assert runs.finish(process) == 1
    said = words.read_text()
    assert f"{UNIT_1} came out with other bytes than before" in said
    assert "Traceback" not in said
    assert runs.manifests(out)[UNIT_1] == expected.manifests[unit_name(0)]
    assert (out / "quarantine" / ours / "unit.json").read_bytes() == expected.manifests[UNIT_1]
    assert not (out / "dataset").exists()


def wait_for_staging(process: subprocess.Popen[bytes], out: Path) -> str:
    """The name under which slot 1 is being made."""
    while process.poll() is None:
        for found in out.glob(f"staging/{UNIT_1}.*"):
            return found.name
        time.sleep(0.01)
    raise AssertionError("slot 1 was never begun")


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ("unit.begin=kill", "point 'unit.begin' not found; available: commit.durable, "),
        ("unit.start=explode", "action 'explode' not found; available: eio, enospc, "),
        ("unit.start", "'unit.start': expected point=action or point@slot=action"),
        ("unit.start@x=kill", "'unit.start@x=kill': expected point=action or point@slot=action"),
    ],
)
def test_a_mistyped_fault_is_a_mistake(
    faults: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, faults)
    with pytest.raises(RobokilnError) as error:
        reach("run.locked")
    assert f"{VARIABLE}: {expected}" in str(error.value)


def test_a_mistyped_delay_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "run.locked=slow")
    monkeypatch.setenv(SLOW, "soon")
    with pytest.raises(RobokilnError, match=f"{SLOW}: expected seconds, got 'soon'"):
        reach("run.locked")
