"""Scenes at rest: drawn, dropped into physics, and refused if they won't stay where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from robokiln.geometry import pose_tuple, quat_to_matrix
from robokiln.physics.world import World
from robokiln.scene.altered import altered
from robokiln.scene.config import SceneConfig
from robokiln.scene.refused import SceneRefused
from robokiln.scene.robots import Robot
from robokiln.scene.tasks import Task
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Array, Camera, RobokilnError, SceneSpec

SETTLE_SECONDS = 0.5
MAX_ATTEMPTS = 50
"""Layouts tried for one held-out scene before it is given up."""
MAX_SHIFT = 0.01
"""Metres that a body may move while it settles."""
MAX_TILT = 0.15
"""Radians that a body's axes may tilt while it settles."""
MAX_SPEED = 0.03
REST_SPEED, REST_TURN = 1e-3, 1e-2
"""m/s and rad/s below which everything counts as at rest after a success, which has lasted for a
while already: bodies of centimetres topple within a tenth of a second. 40 demonstrations of
pick_place ended at 0.03 mm/s and 0.002 rad/s or less."""


def draw_scene(
    world: World,
    task: Task,
    robot: Robot,
    cameras: tuple[Camera, ...],
    config: SceneConfig,
    domain: Domain,
    seed: int,
    slot: int,
    attempt: int,
) -> SceneSpec:
    """The scene of one attempt, its bodies at rest. Raises SceneRefused with the reason."""
    drawn = task.sample(generator(domain, seed, slot, attempt, Stream.SCENE), robot, config)
    rng = generator(domain, seed, slot, attempt, Stream.SCENE, 1)
    drawn = altered(drawn, robot, config, rng)
    spec = settled(world, replace(drawn, cameras=cameras))
    rng = generator(domain, seed, slot, attempt, Stream.INSTRUCTION)
    words = task.instruction(spec, rng, config)
    return replace(spec, instruction=words)


def held_out_scene(
    world: World,
    task: Task,
    robot: Robot,
    cameras: tuple[Camera, ...],
    config: SceneConfig,
    seed: int,
    scene: int,
) -> tuple[SceneSpec, int]:
    """The first layout that settles of a scene that no demonstration is drawn from; its attempt."""
    reason = ""
    for attempt in range(MAX_ATTEMPTS):
        try:
            where = (Domain.EVALUATION, seed, scene, attempt)
            return draw_scene(world, task, robot, cameras, config, *where), attempt
        except SceneRefused as refusal:
            reason = str(refusal)
    raise RobokilnError(f"scene {scene}: {MAX_ATTEMPTS} layouts refused, the last for {reason!r}")


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


def drift(world: World, seconds: float) -> tuple[float, float]:
    """How far any body moves (m) and turns (rad) if the world is left alone for so long.

    A world at rest is not simulated: that is a fifth of what a whole demonstration costs.
    """
    state = world.state()
    before, velocity = state.body_pose, np.abs(state.body_velocity)
    if velocity[:, :3].max() < REST_SPEED and velocity[:, 3:].max() < REST_TURN:
        return 0.0, 0.0
    world.settle(seconds)
    after = world.state().body_pose
    shift = np.linalg.norm(after[:, :3] - before[:, :3], axis=1)
    cosine = np.abs((after[:, 3:] * before[:, 3:]).sum(axis=1)).clip(0, 1)
    return float(shift.max()), float(2 * np.arccos(cosine.min()))


def _tilt(before: Array, now: Array) -> float:
    """Angle (rad) between a body's vertical direction before and after."""
    a, b = quat_to_matrix(before[3:])[2], quat_to_matrix(now[3:])[2]
    return float(np.arccos(np.clip(a @ b, -1, 1)))
