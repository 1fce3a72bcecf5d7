"""Every gate of a motion refuses its defect, planted in a real demonstration."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gated import GATES, HZ, OFF, PLAN, changed, repeated

from robokiln.cli import main
from robokiln.cli.compose import compose
from robokiln.cli.settings import generation_plan
from robokiln.dataset import standard_features
from robokiln.kiln.gates import GateConfig, check_motion, idle_seconds, limit_share, unstable
from robokiln.kiln.motion import motion_of
from robokiln.kiln.unit import simulate
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots
from robokiln.types import Episode, Outcome, RobokilnError

LIMITS = robots.get("panda").limits


@pytest.fixture(scope="module")
def episode() -> Episode:
    """A demonstration that every gate lets through."""
    return simulate(PLAN, slot=0, attempt=0)


def motion_reason(episode: Episode, config: GateConfig = GATES, **columns: Any) -> str:
    motion = motion_of(episode)
    found = {**motion.columns, **columns}
    kept = {name: values for name, values in found.items() if values is not None}
    features = standard_features(PLAN.cameras, 7)
    return check_motion(episode, dataclasses.replace(motion, columns=kept), features, HZ, config)


def test_a_demonstration_passes(episode: Episode) -> None:
    assert episode.outcome.success
    assert motion_reason(episode) == ""


def test_the_shipped_thresholds_are_the_defaults_and_off_is_off() -> None:
    assert PLAN.gates == GATES == GateConfig()
    assert generation_plan(compose("run", [])).gates == GATES
    off = {name for name, value in vars(OFF).items() if value in (None, False)}
    assert {name for name, value in vars(GATES).items() if value in (None, False)} == set()
    assert len(off) == 11


def test_columns_are_as_the_dataset_declares_them(episode: Episode) -> None:
    action = motion_of(episode).columns["action"]
    for wrong in (action[:-1], action[:, :9], action.astype(np.float64)):
        assert motion_reason(episode, action=wrong) == "gate: schema: action"
        assert motion_reason(episode, OFF, action=wrong) == ""
    assert motion_reason(episode, action=None) == "gate: schema: action is missing"
    assert motion_reason(episode, extra=action) == "gate: schema: extra is not declared"
    short = dataclasses.replace(episode, contacts=episode.contacts[:-1])
    assert motion_reason(short) == "gate: schema: contacts"
    short = dataclasses.replace(episode, link_poses=episode.link_poses[:, 1:])
    assert motion_reason(short) == "gate: schema: link poses"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_every_number_is_finite(episode: Episode, value: float) -> None:
    forces = changed(episode.finger_force, (7, 1), value)
    broken = dataclasses.replace(episode, finger_force=forces)
    assert motion_reason(broken) == "gate: not finite: observation.finger_force"
    poses = changed(episode.link_poses, (3, 2, 0), value)
    broken = dataclasses.replace(episode, link_poses=poses)
    assert motion_reason(broken) == "gate: not finite: link poses"


def test_idle_beginnings_and_ends_are_refused(episode: Episode) -> None:
    assert idle_seconds(episode, HZ, GATES) == (0.0, 0.0)
    assert idle_seconds(repeated(episode, 0, 10), HZ, GATES) == (0.5, 0.0)
    assert motion_reason(repeated(episode, 0, 10)) == ""
    assert motion_reason(repeated(episode, 0, 11)) == "gate: idle beginning"
    assert motion_reason(repeated(episode, -1, 20)) == ""
    assert motion_reason(repeated(episode, -1, 21)) == "gate: idle end"
    assert motion_reason(repeated(episode, len(episode) // 2, 40)) == ""
    assert motion_reason(repeated(episode, 0, 11), OFF) == ""


def test_an_arm_at_its_limits_is_refused(episode: Episode) -> None:
    lower, upper, speed = LIMITS
    few, many = int(len(episode) * 0.2), int(len(episode) * 0.4)
    for joint, end in ((3, lower), (5, upper)):
        for rows, reason in ((few, ""), (many, "gate: actions at limits")):
            target = changed(episode.joint_target, (slice(rows), joint), end[joint])
            assert motion_reason(dataclasses.replace(episode, joint_target=target)) == reason
    racing = episode.joint_target.copy()
    racing[:many, 0] = racing[0, 0] + np.arange(many) % 2 * speed[0] / HZ
    raced = dataclasses.replace(episode, joint_target=racing)
    assert limit_share(raced, HZ, GATES) > 0.3
    assert motion_reason(raced) == "gate: actions at limits"
    assert motion_reason(raced, OFF) == ""


def test_a_joint_that_never_moves_is_refused(episode: Episode) -> None:
    joints = changed(episode.joint_position, (slice(None), 4), episode.joint_position[0, 4])
    dead = dataclasses.replace(episode, joint_position=joints)
    assert motion_reason(dead) == "gate: dead joint"
    assert motion_reason(dead, OFF) == ""
    still = np.repeat(episode.joint_position[:1], len(episode), axis=0)
    assert motion_reason(dataclasses.replace(episode, joint_position=still)) == ""


def test_bodies_inside_each_other_are_refused(episode: Episode, world: BulletWorld) -> None:
    """The depth is the engine's own: a box put halfway into the table."""
    assert 0 < episode.penetration.max() < GATES.penetration_m  # type: ignore[operator]
    bodies = list(episode.spec.bodies)
    index = episode.spec.index(episode.spec.goal["target"])
    x, y, _, *quat = bodies[index].pose
    bodies[index] = dataclasses.replace(bodies[index], pose=(x, y, 0.0, *quat))  # type: ignore[arg-type]
    world.load(dataclasses.replace(episode.spec, bodies=tuple(bodies)))
    world.settle(1 / 240)
    deep = world.penetration()
    assert deep > 0.01
    sunk = dataclasses.replace(episode, penetration=changed(episode.penetration, 5, deep))
    assert motion_reason(sunk) == "gate: penetration"
    assert motion_reason(sunk, OFF) == ""


def test_an_end_that_does_not_last_is_refused(episode: Episode, world: BulletWorld) -> None:
    """The target stands above the goal, as an expert leaves it that lets go too early."""
    spec = episode.spec
    last = episode.link_poses[-1, -len(spec.bodies) :].astype(float)
    rest = [
        dataclasses.replace(b, pose=tuple(p)) if b.mass else b
        for b, p in zip(spec.bodies, last, strict=True)
    ]
    world.load(dataclasses.replace(spec, bodies=tuple(rest)))
    assert unstable(world, episode, GATES) == ""
    target = spec.index(spec.goal["target"])
    high = last[target] + np.array([0.12, 0.0, 0.1, 0, 0, 0, 0])
    rest[target] = dataclasses.replace(rest[target], pose=tuple(high))
    world.load(dataclasses.replace(spec, bodies=tuple(rest)))
    world.settle(1 / 20)
    assert unstable(world, episode, OFF) == ""
    assert unstable(world, episode, GATES) == "gate: unstable end"
    failed = dataclasses.replace(episode, outcome=Outcome(False, "step limit"))
    assert unstable(world, failed, GATES) == ""


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("gates.black_mean=300", "gates.black_mean: expected 0 to 255, got 300"),
        ("gates.limit_share=-0.1", "gates.limit_share: expected 0 to 1, got -0.1"),
        ("gates.frozen_frames=0", "gates.frozen_frames: expected 1 or more, got 0"),
        ("gates.settle_s=0", "gates.settle_s: expected more than 0 or null, got 0"),
        ("gates.still_speed=null", "gates.still_speed: expected a number, got None"),
        ("gates.blak_mean=3", "did you mean 'gates.black_mean'"),
        ("gates=of", "did you mean 'off'"),
    ],
)
def test_a_wrong_threshold_is_a_mistake(
    argument: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", argument, f"out={tmp_path / 'run'}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_threshold_can_be_given_or_switched_off() -> None:
    plan = generation_plan(compose("generate", ["gates.black_mean=5", "gates.settle_s=null"]))
    assert (plan.gates.black_mean, plan.gates.settle_s) == (5.0, None)
    plan = generation_plan(compose("generate", ["gates=off", "gates.penetration_m=0.02"]))
    assert plan.gates == dataclasses.replace(OFF, penetration_m=0.02)
    with pytest.raises(RobokilnError, match=r"gates\.settle_turn: expected 0 or more, got nan"):
        GateConfig(settle_turn=float("nan"))
