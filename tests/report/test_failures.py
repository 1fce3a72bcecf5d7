"""The failure taxonomy on real rollouts of sabotaged experts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from worlds import CONFIG, TASK, roll_out, scene

from robokiln.episode import EpisodeConfig, Expert, run
from robokiln.geometry import pose_to_action
from robokiln.physics.bullet import BulletWorld
from robokiln.report.baselines import Hold
from robokiln.report.failures import classify
from robokiln.report.rollouts import named_placed
from robokiln.scene.grasps import down, yaw_of
from robokiln.types import Array, Observation, SceneSpec

Change = Callable[[Observation, Array, bool], Array]
"""(observation, the expert's action, whether the target is up in the gripper) -> action."""
SHORT = replace(CONFIG, max_steps=120)


class Sabotaged:
    """An expert whose actions are changed; once it has lifted the target it remembers so."""

    def __init__(self, spec: SceneSpec, change: Change) -> None:
        self._expert, self._change = Expert(TASK, spec, CONFIG), change
        self._target, self._lifted = spec.index(spec.goal["target"]), False

    def act(self, observation: Observation) -> Array:
        state = observation.state
        held = all(self._target in touched for touched in state.touching)
        self._lifted |= held and state.body_pose[self._target, 2] > 0.10
        return self._change(observation, self._expert.act(observation), self._lifted)


def _with_gripper(action: Array, opening: float) -> Array:
    return np.array([*action[:9], opening])


def _class(world: BulletWorld, spec: SceneSpec, change: Change) -> str:
    return classify(run(world, TASK, spec, Sabotaged(spec, change), SHORT))


def _retargeted(spec: SceneSpec, **roles: str) -> SceneSpec:
    return replace(spec, goal={**spec.goal, **roles})


def _slot(world: BulletWorld, wanted: Callable[[SceneSpec], bool]) -> SceneSpec:
    return next(s for s in (scene(world, slot) for slot in range(40)) if wanted(s))


def test_success_is_no_failure_and_the_named_thing_is_where_it_was_told(world: BulletWorld) -> None:
    episode = roll_out(world, scene(world, 0))
    assert classify(episode) == "success"
    assert named_placed(episode)


def test_staying_put_never_reaches(world: BulletWorld) -> None:
    episode = run(world, TASK, scene(world, 0), Hold(), SHORT)
    assert classify(episode) == "never_reached_target"
    assert not named_placed(episode)


def test_an_open_gripper_reaches_without_grasping(world: BulletWorld) -> None:
    found = _class(world, scene(world, 0), lambda o, a, up: _with_gripper(a, 1.0))
    assert found == "reached_not_grasped"


def test_the_other_object(world: BulletWorld) -> None:
    spec = _slot(world, lambda s: any(b.shape.kind == "box" for b in s.bodies[4:]))
    other = next(b.name for b in spec.bodies[4:] if b.shape.kind == "box")
    expert = Expert(TASK, _retargeted(spec, target=other), CONFIG)
    assert classify(run(world, TASK, spec, expert, SHORT)) == "wrong_object_grasped"


def test_the_other_container(world: BulletWorld) -> None:
    spec = _slot(world, lambda s: any(b.name.startswith("container") for b in s.bodies))
    other = next(b.name for b in spec.bodies if b.name.startswith("container"))
    expert = Expert(TASK, _retargeted(spec, goal=other), CONFIG)
    assert classify(run(world, TASK, spec, expert, SHORT)) == "placed_on_another_body"


def test_holding_on(world: BulletWorld) -> None:
    found = _class(world, scene(world, 0), lambda o, a, up: _with_gripper(a, 0.0) if up else a)
    assert found == "not_released"


def test_a_loosened_grip_drops_and_an_opened_one_places(world: BulletWorld) -> None:
    """Both let go of the target high up, before it is over the goal."""
    spec = _slot(world, lambda s: s.bodies[2].shape.size.get("radius", 1) < 0.018)

    def let_go(opening: float) -> Change:
        def change(observation: Observation, action: Array, up: bool) -> Array:
            still = pose_to_action(observation.state.ee_pose, opening)
            return still if up else action

        return change

    assert _class(world, spec, let_go(0.49)) == "grasped_then_dropped"
    assert _class(world, spec, let_go(1.0)) == "placed_outside"


def test_carried_over_the_edge(world: BulletWorld) -> None:
    beyond = np.array([0.25, 0.68, 0.25])

    def change(observation: Observation, action: Array, up: bool) -> Array:
        if not up:
            return action
        tool = observation.state.ee_pose
        away = beyond - tool[:3]
        far = float(np.linalg.norm(away))
        step = tool[:3] + away * min(1.0, 0.03 / far)
        return pose_to_action(down(step, yaw_of(tool)), float(far < 0.03))

    assert _class(world, scene(world, 0), change) == "knocked_off_table"


def test_placed_too_late(world: BulletWorld) -> None:
    spec = scene(world, 0)
    enough = len(roll_out(world, spec))
    late: EpisodeConfig = replace(CONFIG, max_steps=enough - 5)
    expert = Expert(TASK, spec, late)
    assert classify(run(world, TASK, spec, expert, late)) == "timeout_other"
