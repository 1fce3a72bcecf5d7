"""Small real evaluations: rows, resuming, workers, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds import CAMERAS, CONFIG, TASK, scene

from robokiln.episode import run
from robokiln.physics.bullet import BulletWorld
from robokiln.policy.export import dataset_samples, export
from robokiln.report.baselines import RandomMotion
from robokiln.report.evaluate import Evaluation, evaluate, film_path, read, summarize
from robokiln.report.journal import NAME, identity
from robokiln.report.rollouts import (
    EvaluateConfig,
    Job,
    Rollout,
    held_out,
    load_film,
    roll_out,
)
from robokiln.report.statistics import Rate
from robokiln.serial import to_json
from robokiln.types import RobokilnError
from robokiln.workers import Execution

SCENES = {"noop": 2, "expert": 2}
SMALL = EvaluateConfig(
    "pick_place", "panda", CAMERAS, SCENES, episode=replace(CONFIG, max_steps=130), filmed="expert"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluation") / "small"
    evaluate(SMALL, {}, out, Execution())
    return out


def test_rows_of_a_real_evaluation(finished: Path) -> None:
    found = read(finished)
    expert, noop = found.rows["expert"], found.rows["noop"]
    assert (expert.successes, expert.n, noop.successes, noop.n) == (2, 2, 0, 2)
    assert noop.failures == {"never_reached_target": 2}
    assert noop.seconds is None
    assert (noop.progress, noop.phases) == (0.0, {"approach": 2})
    assert (expert.progress, expert.phases) == (1.0, {})
    assert (expert.obeyed.successes, noop.obeyed.successes, noop.obeyed.n) == (2, 0, 2)
    assert expert.seconds is not None
    assert 2 < expert.seconds.median < 6.5
    assert expert.low < 1.0 == expert.high


def test_rows_share_their_scenes(finished: Path) -> None:
    by_row = {name: [r for r in read(finished).rollouts if r.row == name] for name in SCENES}
    first, second = ([(r.scene, r.attempt, r.instruction) for r in by_row[n]] for n in SCENES)
    assert first == second
    assert len({text for _, _, text in first}) == 2


def test_a_killed_evaluation_continues_to_the_same_result(finished: Path, tmp_path: Path) -> None:
    out, seen = tmp_path / "again", list[tuple[int, int]]()
    out.mkdir()
    lines = (finished / NAME).read_text().splitlines(keepends=True)
    (out / NAME).write_text("".join(lines[:3]) + lines[3][:40])

    def progress(done: int, total: int, rates: Mapping[str, Rate]) -> None:
        seen.append((done, total))
        assert sum(r.n for r in rates.values()) == done

    found = evaluate(SMALL, {}, out, Execution(2), progress=progress)
    assert to_json(found) == to_json(read(finished))
    assert seen == [(3, 4), (4, 4)]
    assert (out / "evaluation.json").read_bytes() == (finished / "evaluation.json").read_bytes()


def test_another_plan_or_a_foreign_directory_is_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match="another seed"):
        evaluate(replace(SMALL, seed=1), {}, finished, Execution())
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RobokilnError, match="holds no evaluation"):
        evaluate(SMALL, {}, tmp_path, Execution())
    with pytest.raises(RobokilnError, match="no finished evaluation"):
        read(tmp_path)


def test_mistakes_name_the_offender(tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match=r"'nop' not found; available: .*noop"):
        replace(SMALL, scenes={"nop": 1})
    with pytest.raises(RobokilnError, match=r"scenes\.noop: expected at least 1, got 0"):
        replace(SMALL, scenes={"noop": 0})
    with pytest.raises(RobokilnError, match="task 'stak' not found"):
        replace(SMALL, task="stak")
    learned = replace(SMALL, scenes={"image_policy": 1})
    with pytest.raises(RobokilnError, match="needs a trained 'image_policy'; given: none"):
        evaluate(learned, {}, tmp_path / "out", Execution())
    with pytest.raises(RobokilnError, match=r"policy\.json is missing"):
        evaluate(learned, {"image_policy": tmp_path}, tmp_path / "out", Execution())


def test_a_film_is_the_rollout(finished: Path, world: BulletWorld) -> None:
    rollout = next(r for r in read(finished).rollouts if r.row == "expert")
    film = load_film(film_path(finished, "expert", rollout.scene))
    assert len(film.link_poses) == rollout.steps
    assert film.spec == held_out(world, SMALL, rollout.scene)[0]
    assert len(film.look.materials) == len(film.spec.bodies)


def test_random_motion_is_smooth_and_stays_among_the_bodies(world: BulletWorld) -> None:
    spec = scene(world, 0)
    actor = RandomMotion(spec, np.random.default_rng(0))
    episode = run(world, TASK, spec, actor, replace(CONFIG, max_steps=150))
    targets = episode.action[:, :3]
    assert np.linalg.norm(np.diff(targets, axis=0), axis=1).max() < 0.016
    assert np.linalg.norm(episode.ee_pose[20:, :3] - targets[20:], axis=1).max() < 0.05
    assert np.ptp(targets[:, :2], axis=0).min() > 0.05
    assert set(np.unique(episode.action[:, 9])) == {0.0, 1.0}


def test_summary_pairs_rows_scene_by_scene() -> None:
    config = replace(SMALL, scenes={"expert": 3, "image_policy": 4})
    outcomes = {"expert": [1, 1, 0], "image_policy": [1, 0, 0, 1]}
    rollouts = [
        Rollout(
            row,
            i,
            0,
            "",
            bool(ok),
            "",
            "success" if ok else "out_of_time",
            20,
            1.0,
            0.5,
            "lift",
            ok,
        )
        for row, found in outcomes.items()
        for i, ok in enumerate(found)
    ]
    found: Evaluation = summarize(config, rollouts[::-1])
    (comparison,) = found.comparisons
    assert (comparison.first, comparison.second) == ("image_policy", "expert")
    test = comparison.test
    assert (test.both, test.only_first, test.only_second, test.neither) == (1, 0, 1, 1)
    assert list(found.rows) == ["expert", "image_policy"]


def test_swapped_rows_keep_the_scene_and_change_the_words(
    tmp_path: Path, untrained: Path, world: BulletWorld
) -> None:
    brief = replace(SMALL, episode=replace(CONFIG, max_steps=12), filmed="image_policy")
    spec, attempt = held_out(world, brief, 0)
    found = {
        row: roll_out(Job(brief, row, 0, untrained, tmp_path / "films" / f"{row}.npz"))
        for row in ("image_policy", "blank_images", "blank_instruction", "swapped_instruction")
    }
    films = {row: load_film(tmp_path / "films" / f"{row}.npz") for row in found}
    assert found["image_policy"].instruction == spec.instruction
    assert found["swapped_instruction"].instruction != spec.instruction
    swapped = films["swapped_instruction"].spec
    assert replace(swapped, instruction=spec.instruction) == spec
    assert found["blank_instruction"].instruction == spec.instruction
    assert {r.attempt for r in found.values()} == {attempt}
    poses = {row: film.link_poses for row, film in films.items()}
    assert not np.array_equal(poses["image_policy"], poses["blank_images"])
    assert not np.array_equal(poses["image_policy"], poses["swapped_instruction"])
    assert not np.array_equal(poses["image_policy"], poses["blank_instruction"])
    again = roll_out(Job(brief, "image_policy", 0, untrained, tmp_path / "films" / "again.npz"))
    assert again == found["image_policy"]
    assert np.array_equal(
        load_film(tmp_path / "films" / "again.npz").link_poses, poses["image_policy"]
    )


def test_an_exported_policy_does_what_the_policy_does(
    tmp_path: Path, untrained: Path, demonstrations: Path
) -> None:
    brief = replace(SMALL, episode=replace(CONFIG, max_steps=12), filmed="image_policy")
    exported = export(untrained, tmp_path / "onnx", dataset_samples(demonstrations), "its data")
    films = []
    for i, policy in enumerate((untrained, exported)):
        roll_out(Job(brief, "image_policy", 0, policy, tmp_path / f"{i}.npz"))
        films.append(load_film(tmp_path / f"{i}.npz").link_poses)
    np.testing.assert_allclose(films[0], films[1], atol=1e-4)
    assert not np.array_equal(films[0][0], films[0][-1])
    plans = [identity(brief, {"image_policy": policy}) for policy in (untrained, exported)]
    assert plans[0]["policies"] != plans[1]["policies"]


def test_one_worker_and_two_write_the_same_bytes(tmp_path: Path, untrained: Path) -> None:
    """With a policy that sees: pictures, torch and physics in processes of their own."""
    rows = {"image_policy": 3, "noop": 2}
    brief = replace(SMALL, scenes=rows, episode=replace(CONFIG, max_steps=10), filmed="")
    written = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        evaluate(brief, {"image_policy": untrained}, out, Execution(workers))
        written.append((out / "evaluation.json").read_bytes())
    assert written[0] == written[1]
