"""Scenes at rest: drawn, dropped into physics, and refused if they won't stay where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from robokiln.geometry import pose_tuple, quat_to_matrix
from robokiln.physics.world import World
from robokiln.scene.robots import Robot
from robokiln.scene.tasks import SceneRefused, Task
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Array, Camera, SceneSpec

SETTLE_SECONDS = 0.5
MAX_SHIFT = 0.01
"""Metres that a body may move while it settles."""
MAX_TILT = 0.15
"""Radians that a body's axes may tilt while it settles."""
MAX_SPEED = 0.03


def draw_scene(
    world: World,
    task: Task,
    robot: Robot,
    cameras: tuple[Camera, ...],
    domain: Domain,
    seed: int,
    slot: int,
    attempt: int,
) -> SceneSpec:
    """The scene of one attempt, its bodies at rest. Raises SceneRefused with the reason."""
    drawn = task.sample(generator(domain, seed, slot, attempt, Stream.SCENE), robot, cameras)
    spec = settled(world, drawn)
    words = task.instruction(spec, generator(domain, seed, slot, attempt, Stream.INSTRUCTION))
    return replace(spec, instruction=words)


def settled(world: World, drawn: SceneSpec) -> SceneSpec:
    """The scene with its bodies where they come to rest. Raises SceneRefused with the reason."""
    world.load(drawn)
    if any(world.state().touching):
        raise SceneRefused("layout: a body touches the gripper")
    world.settle(SETTLE_SECONDS)
    state, bodies = world.state(), []
    for body, now, velocity in zip(drawn.bodies, state.body_pose, state.body_velocity, strict=True):
        before = np.array(body.pose)
        if np.linalg.norm(now[:3] - before[:3]) > MAX_SHIFT or _tilt(before, now) > MAX_TILT:
            raise SceneRefused("unsettled: a body moved away")
        if np.linalg.norm(velocity[:3]) > MAX_SPEED:
            raise SceneRefused("unsettled: a body still moves")
        bodies.append(replace(body, pose=pose_tuple(now)) if body.mass > 0 else body)
    return replace(drawn, bodies=tuple(bodies))


def _tilt(before: Array, now: Array) -> float:
    """Angle (rad) between a body's vertical direction before and after."""
    a, b = quat_to_matrix(before[3:])[2], quat_to_matrix(now[3:])[2]
    return float(np.arccos(np.clip(a @ b, -1, 1)))
