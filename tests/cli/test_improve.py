"""`robokiln improve`: mistakes cost nothing; a whole small run, continued and refused."""

import json
from pathlib import Path

import pytest

from robokiln import dataset
from robokiln.cli import main

TINY = (
    *("task=lift", "episodes=2", "rounds=1", "per_round=2", "scenes.state_policy=2", "workers=2"),
    *("policy.steps=20", "policy.width=16", "image_size=32", "antialias=false"),
)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("rounds=0", "rounds: expected at least 1, got 0"),
        ("rounds=many", "rounds: expected a whole number, got 'many'"),
        ("per_roud=3", "did you mean 'per_round'"),
        ("hard_attempts=-1", "hard_attempts: expected at least 0"),
        ("policy=stat", "did you mean 'state'"),
        ("policy.model=stat", "policy.model: 'stat' has no row in scenes"),
        ("policy.steps=0", "policy.steps: expected at least 1, got 0"),
        ("scenes.state_policy=0", "scenes.state_policy: expected at least 1, got 0"),
        ("seed=4294967294", "seed: expected 0 to 4294967295"),
        ("plan=somewhere.json", "improve makes plans of its own"),
        ("task=lfit", "did you mean 'lift'"),
        ("robot=so101 task=pour", "so101"),
    ],
)
def test_a_mistake_ends_before_any_work(
    argument: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["improve", *argument.split(), f"out={out}"]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_directory_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").touch()
    assert main(["improve", f"out={tmp_path}"]) == 2
    assert "not begun by `robokiln improve`" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_round_ends_with_both_arms_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "improve"
    command = ["improve", *TINY, f"out={out}"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "round 1, flywheel" in said
    assert "McNemar" in said
    found = json.loads((out / "improve.json").read_text())
    start, ours, theirs = found["standings"]
    assert [s["arm"] for s in (start, ours, theirs)] == ["start", "flywheel", "plain"]
    assert (start["demonstrations"], ours["demonstrations"]) == (2, 4)
    assert theirs["frames"] > start["frames"]
    assert {len(s["outcomes"]) for s in found["standings"]} == {2}
    corrected = out / "round-1" / "flywheel" / "rollouts" / "dataset"
    assert dataset.check(corrected).frames == ours["frames"] - start["frames"]
    plan = json.loads((corrected / "meta" / "robokiln" / "plan.json").read_text())
    policy = json.loads((out / "round-0" / "policy" / "policy.json").read_text())
    relabel = plan["configuration"]["relabel"]
    assert (relabel["round"], relabel["weights_sha256"]) == (1, policy["weights_sha256"])
    kept = [p for p in out.rglob("*") if p.name in ("SHA256SUMS", "policy.safetensors")]
    assert len(kept) == 6
    before = [p.stat().st_mtime_ns for p in kept], (out / "improve.json").read_bytes()
    assert main(command) == 0
    after = [p.stat().st_mtime_ns for p in kept], (out / "improve.json").read_bytes()
    assert before == after
    capsys.readouterr()
    assert main([*command, "per_round=3"]) == 2
    assert "per_round: there 2, now 3" in capsys.readouterr().err
