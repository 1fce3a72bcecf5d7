"""A policy's rollouts, taken over by the expert: what is recorded, and what becomes of it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from wandering import Wanderer

from robokiln.cli import main
from robokiln.episode import Driver, EpisodeConfig, Expert, draw_scene, run
from robokiln.geometry import look_at
from robokiln.kiln import Plan, Relabel, generate
from robokiln.kiln.relabel import SUCCEEDS, Refused
from robokiln.kiln.unit import attempted, process_world, simulate
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Actor, Array, Camera, Observation, RobokilnError, SceneSpec
from robokiln.workers import Execution

FRONT = Camera("front", 32, 32, 42.0, look_at((0.98, 0.0, 0.8), (0.44, 0.0, 0.02)))
WEIGHTS = "5e" * 32
PLAN = Plan(
    "lift",
    "panda",
    (FRONT,),
    episodes=3,
    seed=3,
    antialias=False,
    episode=EpisodeConfig(max_steps=90),
    relabel=Relabel(WEIGHTS, round=1),
)
LIFT = tasks.get("lift")


def drawn(slot: int, attempt: int = 0) -> SceneSpec:
    config = PLAN.episode
    world = process_world(config.control_hz, config.physics_hz)
    where = (Domain.TRAINING, PLAN.seed, slot, attempt)
    return draw_scene(world, LIFT, robots.get("panda"), (FRONT,), SceneConfig(), *where)


class Overhearing:
    """An actor that keeps what it was shown."""

    def __init__(self, actor: Actor) -> None:
        self.actor, self.seen = actor, list[Observation]()

    def act(self, observation: Observation) -> Array:
        self.seen.append(observation)
        return self.actor.act(observation)


def test_the_expert_labels_what_the_policy_does(world: BulletWorld) -> None:
    spec, steps = drawn(0), 25
    expert, policy = Expert(LIFT, spec, PLAN.episode), Overhearing(Wanderer())
    driver, noise = Driver(policy, steps), np.random.default_rng(0)
    found = run(world, LIFT, spec, expert, PLAN.episode, noise, driver=driver)
    assert found.outcome.success
    assert len(policy.seen) == steps < len(found)
    for step, observation in enumerate(policy.seen):
        stored = Wanderer().act(observation).astype(np.float32)
        assert np.array_equal(found.executed_action[step], stored)
        assert np.array_equal(found.action[step], expert.act(observation))
    apart = np.abs(found.executed_action - found.action)[:, :3].max(axis=1)
    assert apart[:steps].max() > 0.01
    assert apart[steps:].max() > 0
    assert (found.push[:steps, 0] == -1).all()


def test_an_episode_begins_where_the_expert_takes_over(world: BulletWorld) -> None:
    found = simulate(PLAN, 0, 0, Wanderer())
    alone = run(world, LIFT, found.spec, Wanderer(), PLAN.episode)
    assert not alone.outcome.success
    rng = generator(Domain.TRAINING, PLAN.seed, 0, 0, Stream.TAKEOVER)
    start = int(rng.integers(len(alone)))
    assert start > 0
    assert found.outcome.success
    assert np.array_equal(found.ee_pose[0], alone.ee_pose[start])
    assert np.array_equal(found.link_poses[0], alone.link_poses[start])
    assert not np.array_equal(found.link_poses[0], alone.link_poses[0])
    noisy = np.abs(found.executed_action - found.action)[:, :3]
    assert noisy.max() < 0.05
    assert len(found) <= PLAN.episode.limit(LIFT.horizon)
    assert {len(v) for v in (found.action, found.phase, found.penetration)} == {len(found)}


def test_a_policy_that_succeeds_is_corrected_only_where_hard_scenes_ran_out() -> None:
    def mastered() -> Actor:
        return Expert(LIFT, drawn(0), PLAN.episode)

    with pytest.raises(Refused, match=SUCCEEDS):
        simulate(PLAN, 0, 0, mastered)
    assert attempted(PLAN, 0, 0, mastered) == SUCCEEDS
    easy = replace(PLAN, relabel=Relabel(WEIGHTS, round=1, hard_attempts=0))
    assert simulate(easy, 0, 0, mastered).outcome.success


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three corrected rollouts, by one worker."""
    out = tmp_path_factory.mktemp("relabel") / "run"
    assert generate(PLAN, out, Execution(workers=1), policy=Wanderer()).dataset is not None
    return out


def test_a_run_cut_short_goes_on_with_two_workers_to_the_same_bytes(
    made: Path, tmp_path: Path
) -> None:
    begun = shutil.copytree(made, tmp_path / "begun")
    for lost in ("dataset", "units/slot-00000001", "units/slot-00000002"):
        shutil.rmtree(begun / lost)
    kept = begun / "units" / "slot-00000000" / "unit.json"
    before = kept.stat().st_mtime_ns
    generate(PLAN, begun, Execution(workers=2), policy=Wanderer())
    sums = [(run / "dataset" / "SHA256SUMS").read_bytes() for run in (made, begun)]
    assert sums[0] == sums[1]
    assert kept.stat().st_mtime_ns == before


def test_a_dataset_says_whose_rollouts_were_corrected(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made / "dataset"
    plan = json.loads((root / "meta" / "robokiln" / "plan.json").read_text())
    relabel = {"weights_sha256": WEIGHTS, "round": 1, "hard_attempts": 10}
    assert plan["configuration"]["relabel"] == relabel
    card = (root / "README.md").read_text()
    assert WEIGHTS in card
    assert "robokiln improve" in card
    assert main(["verify", str(made)]) == 0
    for command in (["verify", str(made), "replay=1"], ["repair", str(made)]):
        assert main(command) == 2
        assert "a policy takes part in it" in capsys.readouterr().err
    with pytest.raises(RobokilnError, match=WEIGHTS):
        generate(PLAN, tmp_path / "none", Execution(workers=1))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"weights_sha256": "best"}, "64 hexadecimal digits, got 'best'"),
        ({"round": 0}, "relabel.round: expected at least 1, got 0"),
        ({"hard_attempts": -1}, "relabel.hard_attempts: expected at least 0, got -1"),
    ],
)
def test_what_is_no_round_is_refused(wrong: dict[str, str | int], said: str) -> None:
    facts: dict[str, str | int] = {"weights_sha256": WEIGHTS, "round": 1, **wrong}
    with pytest.raises(RobokilnError, match=said):
        Relabel(**facts)  # type: ignore[arg-type]
