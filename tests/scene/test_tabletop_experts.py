"""Pushing, inserting, sorting and stacking: experts begin anywhere and recover."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from tabletop import CONFIG, NEW, settled

from robokiln.episode import Expert, run
from robokiln.geometry import compose, pose, pose_tuple, quat_from_yaw
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import tasks
from robokiln.scene.grasps import down
from robokiln.scene.tasks.base import inside
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Array, Episode, Observation, SceneSpec


@pytest.fixture(scope="module")
def world() -> BulletWorld:
    return BulletWorld(CONFIG.control_hz, CONFIG.physics_hz)


class Disturbed:
    """An expert in whose scene something else happens at one step."""

    def __init__(self, task: str, spec: SceneSpec, step: int, event: Callable[[], None]) -> None:
        self._expert = Expert(tasks.get(task), spec, CONFIG)
        self._step, self._event, self._count = step, event, 0

    def act(self, observation: Observation) -> Array:
        """The expert's action."""
        self._count += 1
        if self._count == self._step:
            self._event()
        return self._expert.act(observation)


def disturbed(world: BulletWorld, task: str, step: int, speed: float) -> Episode:
    """A rollout in which the target is pushed sideways at one step, to a speed (m/s)."""
    spec = settled(world, task)
    target = spec.index(spec.goal["target"])
    impulse = spec.bodies[target].mass * np.array([0.0, speed, 0.0])
    actor = Disturbed(task, spec, step, lambda: world.push(target, impulse))
    return run(world, tasks.get(task), spec, actor, CONFIG)


@pytest.mark.parametrize(
    ("task", "step", "speed"),
    [("push_to_zone", 40, 0.7), ("sort_by_colour", 18, 0.6), ("stack_two", 18, 0.5)],
)
def test_the_expert_recovers_when_its_object_is_moved(
    world: BulletWorld, task: str, step: int, speed: float
) -> None:
    episode = disturbed(world, task, step, speed)
    target = episode.target_goal_pose[:, :2]
    moved = np.linalg.norm(target[step + 8] - target[step - 1])
    assert moved > 0.015
    assert episode.outcome.success


@pytest.mark.parametrize("task", [*NEW, "stack_two", "stack_three", "lift"])
def test_the_expert_begins_with_its_tool_anywhere(world: BulletWorld, task: str) -> None:
    spec = settled(world, task, 1)
    world.load(spec)
    target, goal = (
        np.array(spec.bodies[spec.index(spec.goal[r])].pose) for r in ("target", "goal")
    )
    way = goal[:2] - target[:2] if task != "lift" else np.array([0.1, 0.0])
    beside = target[:2] + 0.07 * way / np.linalg.norm(way)
    joints = world.solve_ik(down(np.array([*beside, 0.03 if task == "push_to_zone" else 0.2]), 0.4))
    assert joints is not None
    start = dataclasses.replace(spec, robot_joints=tuple(float(q) for q in joints))
    episode = run(world, tasks.get(task), start, Expert(tasks.get(task), start, CONFIG), CONFIG)
    assert episode.outcome.success


def test_a_peg_that_leans_on_the_rim_is_brought_in(world: BulletWorld) -> None:
    task, spec = tasks.get("insert_peg"), settled(world, "insert_peg")
    index, block = spec.index(spec.goal["target"]), spec.bodies[spec.index(spec.goal["goal"])]
    body = spec.bodies[index]
    up = block.shape.size["z"] + body.shape.size["length"] / 2 + 0.001
    on_rim = pose_tuple(compose(pose((*block.pose[:2], up), block.pose[3:]), _shift(0.012)))
    bodies = list(spec.bodies)
    bodies[index] = dataclasses.replace(body, pose=on_rim)
    start = dataclasses.replace(spec, bodies=tuple(bodies))
    assert run(world, task, start, Expert(task, start, CONFIG), CONFIG).outcome.success


def test_a_block_in_the_wrong_container_beside_a_right_one_is_moved(world: BulletWorld) -> None:
    task, spec = tasks.get("sort_by_colour"), settled(world, "sort_by_colour", 3)
    middle = np.array(spec.bodies[spec.index("container_1")].pose[:3])
    bodies = list(spec.bodies)
    for name, x in (("block_0", 0.021), ("block_1", -0.021)):
        i = spec.index(name)
        spot = pose(np.add(middle, [x, 0.0, 0.02]), quat_from_yaw(0.0))
        bodies[i] = dataclasses.replace(bodies[i], pose=pose_tuple(spot))
    start = dataclasses.replace(spec, bodies=tuple(bodies))
    world.load(start)
    begun = world.state()
    wrong, right = (inside(start, begun, start.index(b), start.index("container_1"))
                    for b in ("block_0", "block_1"))  # fmt: skip
    assert wrong
    assert right
    assert run(world, task, start, Expert(task, start, CONFIG), CONFIG).outcome.success


def _shift(x: float) -> Array:
    return pose((x, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))


@pytest.mark.parametrize("task", NEW)
def test_a_demonstration_with_noise_succeeds_and_is_closed_where_it_pushes(
    world: BulletWorld, task: str
) -> None:
    spec = settled(world, task, 2)
    noise = generator(Domain.ROBUSTNESS, 0, 2, 0, Stream.NOISE)
    episode = run(
        world, tasks.get(task), spec, Expert(tasks.get(task), spec, CONFIG), CONFIG, noise
    )
    assert episode.outcome.success
    assert episode.penetration.max() < 0.01
    assert not np.array_equal(episode.action, episode.executed_action)
    if task == "push_to_zone":
        z = episode.target_goal_pose[:, 2]
        assert z.max() < z[0] + 0.004
        assert episode.action[:, 9].max() == 0
