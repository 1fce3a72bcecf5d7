"""Two evaluations scene by scene: real expert rollouts, one of them hurried."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import CAMERAS, CONFIG

from robokiln.cli import main
from robokiln.report.compare import compare
from robokiln.report.evaluate import evaluate
from robokiln.report.journal import NAME
from robokiln.report.rollouts import EvaluateConfig
from robokiln.serial import to_json
from robokiln.types import RobokilnError
from robokiln.workers import Execution

BRIEF = EvaluateConfig(
    "lift", "panda", CAMERAS, {"expert": 3}, episode=replace(CONFIG, max_steps=70), filmed=""
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes: `good` as they are; `bad` with the first two outcomes written over."""
    out = tmp_path_factory.mktemp("compare")
    evaluate(BRIEF, {}, out / "good", Execution())
    for name, failed in (("bad", (0, 1)), ("worse", (0, 1, 2))):
        (out / name).mkdir()
        first, *rest = (out / "good" / NAME).read_text().splitlines()
        lines = [json.loads(line) for line in rest]
        changed = [
            {**line, "success": False, "failure": "slipped"} if line["scene"] in failed else line
            for line in lines
        ]
        text = "\n".join([first, *(json.dumps(line) for line in changed)]) + "\n"
        (out / name / NAME).write_text(text)
        evaluate(BRIEF, {}, out / name, Execution())
    return out


def test_one_against_one_is_mcnemar(finished: Path) -> None:
    found = compare([finished / "good"], [finished / "bad"], "expert")
    assert (found.a.pooled.successes, found.b.pooled.successes, found.scenes) == (3, 1, 3)
    test = found.pooled
    assert (test.both, test.only_first, test.only_second, test.neither) == (1, 2, 0, 0)
    assert found.p == test.p == found.tests[0].p == 0.5
    assert [(s.scene, s.a, s.b) for s in found.differing] == [(0, 1, 0), (1, 1, 0)]
    assert found.b.failures == {"slipped": 2}
    assert found.better.value == pytest.approx(2 / 3)
    assert found.better.low < 0.5 < 0.8 < found.better.high


def test_seeds_are_pooled_and_a_scene_counts_once(finished: Path, tmp_path: Path) -> None:
    copy, bad = (shutil.copytree(finished / n, tmp_path / n) for n in ("good", "bad"))
    found = compare([finished / "good", copy], [finished / "bad", finished / "worse"], "expert")
    assert [r.successes for r in found.b.seeds] == [1, 0]
    assert (found.a.pooled.n, found.b.pooled.n, found.b.pooled.successes) == (6, 6, 1)
    assert found.pooled.only_first == 5
    # Three scenes were worse, however many rollouts in them were.
    assert found.p == 2 * 0.5**3
    # A second seed that does as the first in every scene says nothing new.
    alike = compare([finished / "bad", bad], [finished / "good", copy], "expert")
    assert (alike.a.pooled.successes, alike.a.pooled.n) == (2, 6)
    assert alike.a.pooled.high == pytest.approx(alike.a.seeds[0].high)


def _changed(finished: Path, out: Path, **configuration: object) -> Path:
    """`good`, as if it had been made with another configuration."""
    first, *rest = (finished / "good" / NAME).read_text().splitlines(keepends=True)
    plan = json.loads(first)
    plan["configuration"] |= configuration
    out.mkdir()
    (out / NAME).write_text(json.dumps(plan) + "\n" + "".join(rest))
    (out / "evaluation.json").write_bytes((finished / "good" / "evaluation.json").read_bytes())
    return out


def test_other_scenes_are_refused_by_name(finished: Path, tmp_path: Path) -> None:
    scene = to_json(replace(BRIEF.scene, ranges="D1"))
    wide = _changed(finished, tmp_path / "wide", scene=scene)
    with pytest.raises(RobokilnError, match=r"another scene \(ranges: D0 and D1\)"):
        compare([finished / "good"], [wide], "expert")
    other = _changed(finished, tmp_path / "other", seed=5, task="stack_two")
    with pytest.raises(
        RobokilnError, match=r"another seed \(0 and 5\), task \(lift and stack_two\)"
    ):
        compare([finished / "good"], [other], "expert")
    seen = _changed(finished, tmp_path / "seen", cameras=[], scenes={"expert": 9})
    assert compare([finished / "good"], [seen], "expert").scenes == 3


def test_mistakes_name_the_offender(finished: Path, tmp_path: Path) -> None:
    good, bad = finished / "good", finished / "bad"
    with pytest.raises(RobokilnError, match="row 'image_policy' not found; available: expert"):
        compare([good], [bad], "image_policy")
    with pytest.raises(RobokilnError, match="given twice"):
        compare([good], [good], "expert")
    with pytest.raises(RobokilnError, match="as many training seeds of a as of b, got 2, 1"):
        compare([good, bad], [finished / "worse"], "expert")
    with pytest.raises(RobokilnError, match=r"no evaluation; rollouts\.jsonl is missing"):
        compare([good], [tmp_path], "expert")
    (tmp_path / NAME).write_text('{"format": "robokiln-rollouts-2", "sha256": ""}\n')
    with pytest.raises(RobokilnError, match="expected robokiln-rollouts-2"):
        compare([good], [tmp_path], "expert")
    assert main(["compare", str(good), str(bad), "row=expert", f"out={good / NAME}"]) == 2


def test_only_scenes_that_both_have_are_compared(finished: Path, tmp_path: Path) -> None:
    fewer = _changed(finished, tmp_path / "fewer")
    found = json.loads((fewer / "evaluation.json").read_text())
    found["rollouts"] = [r for r in found["rollouts"] if r["scene"] > 0]
    (fewer / "evaluation.json").write_text(json.dumps(found))
    assert compare([finished / "bad"], [fewer], "expert").pooled.only_second == 1
    found["rollouts"][0]["instruction"] = "something else"
    (fewer / "evaluation.json").write_text(json.dumps(found))
    with pytest.raises(RobokilnError, match="scene 1 is another one than in"):
        compare([finished / "bad"], [fewer], "expert")


def test_the_command(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    places = [str(finished / "good"), str(finished / "bad")]
    assert main(["compare", *places, "row=expert", f"out={out}"]) == 0
    said = capsys.readouterr().out
    assert "only a      2" in said
    assert "0 (1:0), 1 (1:0)" in said
    assert json.loads((out / "compare.json").read_text())["p"] == 0.5
    assert (out / "compare.png").read_bytes()[:4] == b"\x89PNG"
    assert main(["compare", str(finished / "good")]) == 2
    assert "compare: expected two, got 1" in capsys.readouterr().err
