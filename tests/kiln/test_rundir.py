"""Whose directory it is, for which plan, and who writes to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from robokiln.kiln.plan import differences
from robokiln.kiln.rundir import open_run
from robokiln.types import RobokilnError


def who(**configuration: Any) -> dict[str, Any]:
    return {
        "format": "robokiln-plan-1",
        "configuration": {"episodes": 3, "look": {"lights": [1, 2]}, **configuration},
        "code_sha256": "c" * 64,
        "environment": {"packages": {"numpy": "2.4.6"}},
    }


def test_a_fresh_directory_is_prepared_and_stale_work_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    with open_run(out, who()):
        assert json.loads((out / "plan.json").read_text()) == who()
        (out / "units" / "slot-00000000").mkdir()
        (out / "staging" / "torn").mkdir()
        (out / "dataset.building").mkdir()
        (out / "quarantine" / "slot-00000001.json").touch()
        (out / "quarantine" / "slot-00000000.other-bytes").mkdir()
    with open_run(out, who()):
        assert not list((out / "staging").iterdir())
        assert not (out / "dataset.building").exists()
        kept = [p.name for p in (out / "quarantine").iterdir()]
        assert kept == ["slot-00000000.other-bytes"]
        assert [p.name for p in (out / "units").iterdir()] == ["slot-00000000"]


def test_files_that_were_cut_short_are_swept_and_block_nothing(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".plan.json.123").touch()
    with open_run(tmp_path, who()):
        (tmp_path / ".run.json.123").touch()
        (tmp_path / "receipts" / ".slot-00000000.json.123").touch()
    with open_run(tmp_path, who()):
        kept = sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("."))
        assert kept == [".lock"]
        assert not list((tmp_path / "receipts").iterdir())


@pytest.mark.parametrize("name", ["notes.txt", ".notes.json.123", ".plan.json.txt"])
def test_a_directory_of_someone_else_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(RobokilnError, match="not a run directory"), open_run(tmp_path, who()):
        pass
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_another_plan_is_refused_until_published_then_only_another_configuration(
    tmp_path: Path,
) -> None:
    with open_run(tmp_path, who()):
        pass
    upgraded = {**who(), "environment": {"packages": {"numpy": "2.5.0"}}}
    with (
        pytest.raises(RobokilnError, match=r'environment.packages.numpy: there "2.4.6"'),
        open_run(tmp_path, upgraded),
    ):
        pass
    with open_run(tmp_path, upgraded, accept_environment=True) as held:
        assert held["environment"] == who()["environment"]
        assert [o["environment"] for o in held["overrides"]] == [upgraded["environment"]]
    with open_run(tmp_path, upgraded) as held:
        assert len(held["overrides"]) == 1
    with pytest.raises(RobokilnError, match="accept_environment=true"), open_run(tmp_path, who()):
        pass
    (tmp_path / "dataset").mkdir()
    with open_run(tmp_path, who()):
        pass
    with (
        pytest.raises(RobokilnError, match="episodes: there 3, now 4"),
        open_run(tmp_path, who(episodes=4)),
    ):
        pass


def test_differences_name_each_key() -> None:
    lines = differences(who(), who(look={"lights": [1, 1]}, seed=7))
    assert lines == ["  look.lights: there [1, 2], now [1, 1]", "  seed: there absent, now 7"]


def test_a_second_writer_is_refused_and_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    with (
        open_run(tmp_path, who()),
        pytest.raises(RobokilnError, match="being written by pid"),
        open_run(tmp_path, who()),
    ):
        pass
    with open_run(tmp_path, who()):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "other"}'])
def test_a_plan_that_is_not_ours_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(RobokilnError, match="not a plan of robokiln"), open_run(tmp_path, who()):
        pass


def test_a_file_is_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with (
        pytest.raises(RobokilnError, match="expected a directory"),
        open_run(tmp_path / "run", who()),
    ):
        pass
