"""The failure taxonomy on real rollouts of sabotaged experts, for tasks of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds import CONFIG, scene

from robokiln.episode import Expert
from robokiln.geometry import pose_to_action, pose_tuple
from robokiln.physics.bullet import BulletWorld
from robokiln.report.baselines import Hold
from robokiln.report.failures import classify
from robokiln.report.witness import Watched, farthest, watched
from robokiln.scene import tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.grasps import down, yaw_of
from robokiln.scene.joints import moved
from robokiln.types import Actor, Array, Observation, PoseTuple, SceneSpec

Change = Callable[[Observation, Array, bool], Array]
"""(observation, the expert's action, whether the target is up in the gripper) -> action."""
SHORT = replace(CONFIG, max_steps=120)


class Sabotaged:
    """An expert whose actions are changed; once it has lifted the target it remembers so."""

    def __init__(self, spec: SceneSpec, change: Change) -> None:
        self._expert, self._change = Expert(tasks.get(spec.task), spec, CONFIG), change
        self._target, self._lifted = spec.index(spec.goal["target"]), False

    def act(self, observation: Observation) -> Array:
        state = observation.state
        held = all(self._target in touched for touched in state.touching)
        self._lifted |= held and state.body_pose[self._target, 2] > 0.10
        return self._change(observation, self._expert.act(observation), self._lifted)


def _with_gripper(action: Array, opening: float) -> Array:
    return np.array([*action[:9], opening])


def _watch(world: BulletWorld, spec: SceneSpec, actor: Actor, steps: int = 120) -> Watched:
    return watched(world, tasks.get(spec.task), spec, actor, replace(CONFIG, max_steps=steps))


def _class(world: BulletWorld, spec: SceneSpec, change: Change, steps: int = 120) -> str:
    return classify(_watch(world, spec, Sabotaged(spec, change), steps))


def _aiming_at(spec: SceneSpec, **roles: str) -> Expert:
    other = replace(spec, goal={**spec.goal, **roles})
    return Expert(tasks.get(spec.task), other, CONFIG)


def _slot(world: BulletWorld, wanted: Callable[[SceneSpec], bool]) -> SceneSpec:
    return next(s for s in (scene(world, slot) for slot in range(40)) if wanted(s))


def _expert_until(steps: int) -> Change:
    """The expert, then its action of that step again and again."""
    kept: list[Array] = []

    def change(observation: Observation, action: Array, up: bool) -> Array:
        kept.append(action)
        return kept[min(len(kept), steps) - 1]

    return change


def test_success_is_no_failure(world: BulletWorld) -> None:
    spec = scene(world, 0)
    found = _watch(world, spec, Expert(tasks.get("pick_place"), spec, CONFIG))
    assert classify(found) == "success"
    assert (found.progress, found.obeyed) == (1.0, True)


@pytest.mark.parametrize("task", ["pick_place", "open_door", "sort_by_colour", "pour"])
def test_staying_put_never_reaches(world: BulletWorld, task: str) -> None:
    found = _watch(world, scene(world, 0, task), Hold(), 20)
    assert classify(found) == "never_reached_target"
    assert (found.progress, found.obeyed) == (0.0, False)


@pytest.mark.parametrize("task", ["pick_place", "open_drawer", "stack_two"])
def test_an_open_gripper_reaches_without_moving(world: BulletWorld, task: str) -> None:
    spec = scene(world, 0, task)
    found = _watch(world, spec, Sabotaged(spec, lambda o, a, up: _with_gripper(a, 1.0)), 70)
    assert classify(found) == "reached_not_moved"
    assert found.phase == "grasp"


def test_the_other_object(world: BulletWorld) -> None:
    spec = _slot(world, lambda s: any(b.shape.kind == "box" for b in s.bodies[4:]))
    other = next(b.name for b in spec.bodies[4:] if b.shape.kind == "box")
    found = _watch(world, spec, _aiming_at(spec, target=other))
    assert classify(found) == "wrong_object_moved"
    assert found.obeyed is False


def test_the_other_drawer(world: BulletWorld) -> None:
    spec = scene(world, 0, "open_drawer")
    other = next(b.name for b in spec.bodies if b.joint and b.name != spec.goal["target"])
    assert classify(_watch(world, spec, _aiming_at(spec, target=other))) == "wrong_object_moved"


def test_the_other_container(world: BulletWorld) -> None:
    spec = _slot(world, lambda s: any(b.name.startswith("container") for b in s.bodies))
    other = next(b.name for b in spec.bodies if b.name.startswith("container"))
    found = _watch(world, spec, _aiming_at(spec, goal=other))
    assert classify(found) == "placed_on_another_body"


def test_the_other_zone(world: BulletWorld) -> None:
    spec = scene(world, 0, "push_to_zone")
    found = _watch(world, spec, _aiming_at(spec, goal="zone_1"))
    assert classify(found) == "placed_on_another_body"


def test_stopped_while_pushing(world: BulletWorld) -> None:
    spec = scene(world, 0, "push_to_zone")
    assert _class(world, spec, _expert_until(34), 49) == "left_half_way"


def test_holding_on(world: BulletWorld) -> None:
    found = _class(world, scene(world, 0), lambda o, a, up: _with_gripper(a, 0.0) if up else a)
    assert found == "not_released"


def test_a_loosened_grip_slips_and_an_opened_one_leaves(world: BulletWorld) -> None:
    """Both let go of the target high up, before it is over the goal."""
    spec = _slot(world, lambda s: s.bodies[2].shape.size.get("radius", 1) < 0.018)

    def let_go(opening: float) -> Change:
        def change(observation: Observation, action: Array, up: bool) -> Array:
            still = pose_to_action(observation.state.ee_pose, opening)
            return still if up else action

        return change

    assert _class(world, spec, let_go(0.49)) == "slipped"
    assert _class(world, spec, let_go(1.0)) == "left_half_way"


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


def test_pellets_beside_the_bowl(world: BulletWorld) -> None:
    spec = scene(world, 0, "pour")
    bowls = [b for b in spec.bodies if b.shape.kind == "bowl"]
    beside = replace(
        spec,
        bodies=tuple(
            replace(b, pose=(b.pose[0], b.pose[1] + 0.12, *b.pose[2:])) if b in bowls else b
            for b in spec.bodies
        ),
    )

    class Elsewhere:
        """The expert, who is shown the bowls where they are not."""

        def __init__(self) -> None:
            self._expert = Expert(tasks.get("pour"), beside, CONFIG)

        def act(self, observation: Observation) -> Array:
            state = observation.state
            poses = state.body_pose.copy()
            for body in bowls:
                poses[spec.index(body.name), 1] += 0.12
            return self._expert.act(replace(observation, state=replace(state, body_pose=poses)))

    assert classify(_watch(world, spec, Elsewhere(), 150)) in ("spilled", "knocked_off_table")


def test_placed_too_late(world: BulletWorld) -> None:
    spec = scene(world, 0)
    expert = Expert(tasks.get("pick_place"), spec, CONFIG)
    enough = len(_watch(world, spec, expert).episode)
    found = _watch(world, spec, expert, enough - 5)
    assert classify(found) == "at_goal_not_done"
    assert found.phase == "retreat"


def test_the_second_of_three_cubes_is_missing(world: BulletWorld) -> None:
    """Classified by what was next, and counted as half of it and a little."""
    spec = scene(world, 0, "stack_three")
    task = tasks.get("stack_three")

    class GivesUp:
        def __init__(self) -> None:
            self._expert, self._hold = Expert(task, spec, CONFIG), Hold()

        def act(self, observation: Observation) -> Array:
            done = next(iter(task.parts(spec, observation.state).values()))
            return (self._hold if done else self._expert).act(observation)

    found = _watch(world, spec, GivesUp(), 110)
    assert [*found.parts.values()] == [True, False]
    assert classify(found) in ("never_reached_target", "reached_not_moved")
    assert 0.5 <= found.progress < 0.7
    assert found.phase.endswith("2 of 2")


PHASES = ("approach", "grasp", "lift", "retreat")


def test_progress_counts_phases_in_order() -> None:
    assert farthest([0, 0, 1, 2], [0] * 4, PHASES, 1) == (0.5, "lift")
    # Backing off before anything was held is not the end of a demonstration.
    assert farthest([0, 3, 3, 0, 1], [0] * 5, PHASES, 1) == (0.25, "grasp")
    # What was reached once counts, though it was lost.
    assert farthest([0, 1, 2, 0, 0], [0] * 5, PHASES, 1) == (0.5, "lift")
    assert farthest([0, 1, 2, 3, 0, 1], [0, 0, 0, 1, 1, 1], PHASES, 2) == (0.625, "grasp, 2 of 2")


@pytest.mark.parametrize("name", ["lift", "stack_two", "put_in_drawer", "sort_by_colour"])
def test_an_expert_that_obeys_swapped_words_is_seen_to(world: BulletWorld, name: str) -> None:
    """The original goal is missed, and what the words say is done."""
    task, spec = tasks.get(name), scene(world, 0, name)
    swapped = task.swapped(spec, np.random.default_rng(0), SceneConfig())
    expert = Expert(task, task.told(swapped), CONFIG)
    found = _watch(world, swapped, expert, CONFIG.limit(task.horizon))
    assert not found.episode.outcome.success
    assert found.obeyed is True


def test_what_was_so_from_the_start_is_not_obedience(world: BulletWorld) -> None:
    task, spec = tasks.get("close_drawer"), scene(world, 0, "close_drawer")
    other = next(b for b in spec.bodies if b.joint and b.name != spec.goal["target"])
    assert other.joint is not None
    shut = replace(other, pose=_at_rest(spec, other.name))
    bodies = tuple(shut if b is other else b for b in spec.bodies)
    swapped = task.swapped(replace(spec, bodies=bodies), np.random.default_rng(0), SceneConfig())
    assert _watch(world, swapped, Hold(), 20).obeyed is None


def _at_rest(spec: SceneSpec, name: str) -> PoseTuple:
    joint = spec.bodies[spec.index(name)].joint
    assert joint is not None
    return pose_tuple(moved(joint, np.array(spec.bodies[spec.index(joint.parent)].pose), 0.0))
