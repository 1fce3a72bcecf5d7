"""Why a rollout of any task failed: by poses, contacts, joints and what was to be moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from robokiln.assets import footprint, handle_offset, height
from robokiln.geometry import compose
from robokiln.report.witness import Watched, bodies_of, first_left
from robokiln.scene.joints import travel
from robokiln.types import Array, Body, Episode, SceneSpec

SUCCESS = "success"
FAILURES: dict[str, str] = {
    "physics_diverged": "positions were no longer finite",
    "knocked_off_table": "something ended below the table top",
    "spilled": "what the target held lies neither in it nor in the goal",
    "wrong_object_moved": "another object, drawer or door was moved, what was named never",
    "never_reached_target": "the gripper stayed away from what was named",
    "reached_not_moved": "the gripper came to what was named, but never took it along",
    "not_released": "what was named was still held at the end",
    "slipped": "it slipped out of a gripper that meant to hold it, before it was where it belongs",
    "placed_on_another_body": "it was let go inside or on top of something else",
    "left_half_way": "it was moved and left before it was where it belongs",
    "at_goal_not_done": "it was left at the goal, but not as the task asks: not in, not level, "
    "not at rest, or too late",
    "out_of_time": "none of the above: time was up",
}
"""Classes in the order in which they are tried: the first that applies is the rollout's."""

NEAR = 0.04
"""Metres between the tool centre point and a body, or the handle of one, that count as reached."""
LIFTED = 0.02
"""Metres that a held body must rise above where it stood to count as moved."""
PUSHED = 0.02
"""Metres that a touched body must be pushed along the table to count as moved, where the task is to
push it."""
OPENED = 0.1
"""Share of its range that a touched joint must move to count as moved."""
FALLEN = 0.0
"""Height in metres below which a body's centre has left the table."""
CLOSED = 0.5
"""Commanded opening below which the gripper is meant to hold."""
SPILLED = 0.15
"""Share of what a body holds that may be lost."""


@dataclass(frozen=True)
class Seen:
    """A failed episode: poses [T, B, 7], and the index of what was next to be moved."""

    episode: Episode
    phases: tuple[str, ...]
    poses: Array
    parts: Mapping[str, bool]
    target: int
    goal: int

    @property
    def spec(self) -> SceneSpec:
        return self.episode.spec


def classify(watched: Watched) -> str:
    """A key of `FAILURES`, or "success"."""
    episode = watched.episode
    if episode.outcome.success:
        return SUCCESS
    if not np.isfinite(episode.link_poses).all() or "diverged" in episode.outcome.reason:
        return "physics_diverged"
    spec, task, left = episode.spec, watched.task, first_left(watched.parts)
    target, goal = spec.index(left), spec.index(task.destination(spec, left))
    seen = Seen(episode, task.phases, bodies_of(episode), watched.parts, target, goal)
    if _fell(seen):
        return "knocked_off_table"
    if _spilled(seen):
        return "spilled"
    if not moved(seen, target):
        return _unmoved(seen)
    if _held(episode, target)[-1] and "retreat" in task.phases:
        return "not_released"
    return _misplaced(seen)


def moved(seen: Seen, body: int) -> bool:
    """Was it lifted, pulled or pushed by the gripper, as its kind and the task ask?"""
    joint, own = seen.spec.bodies[body].joint, seen.poses[:, body]
    if joint is not None:
        parent = seen.poses[0, seen.spec.index(joint.parent)]
        way = np.array([travel(joint, parent, pose) for pose in own])
        share = np.abs(way - way[0]) / (joint.upper - joint.lower)
        return bool((share > OPENED).any() and _touched(seen.episode, body).any())
    if "grasp" in seen.phases:
        high = own[:, 2] > own[0, 2] + LIFTED
        return bool((_held(seen.episode, body) & high).any())
    away = np.linalg.norm(own[:, :2] - own[0, :2], axis=1)
    return bool((away > PUSHED).any() and _touched(seen.episode, body).any())


def resting_on(spec: SceneSpec, poses: Array, body: int, among: Iterable[int]) -> int | None:
    """The body of `among` in whose footprint the centre of `body` lies, and not under it; poses
    [B, 7]."""
    for other in among:
        shape, offset = spec.bodies[other].shape, poses[body, :3] - poses[other, :3]
        above = offset[2] > -height(shape) / 2
        if other != body and above and np.hypot(*offset[:2]) < footprint(shape):
            return other
    return None


def _unmoved(seen: Seen) -> str:
    """Of a target that stayed: another was taken, or it was reached, or not even that."""
    meant = {*seen.parts}
    others = [
        i
        for i, body in enumerate(seen.spec.bodies)
        if body.mass > 0 and body.name not in meant and not _part_of_the_way(seen.spec, body)
    ]
    if any(moved(seen, i) for i in others):
        return "wrong_object_moved"
    return "reached_not_moved" if _reached(seen) else "never_reached_target"


def _part_of_the_way(spec: SceneSpec, body: Body) -> bool:
    """A drawer that has to be opened before something goes into it is no wrong object."""
    return body.joint is not None and body.name in spec.goal.values()


def _misplaced(seen: Seen) -> str:
    """Of a target that was moved, by how the gripper lost it and where it is."""
    episode, spec, target, last = seen.episode, seen.spec, seen.target, seen.poses[-1]
    held = _touched(episode, target) if spec.bodies[target].joint else _held(episode, target)
    goal = seen.goal
    apart = goal != target and spec.bodies[target].joint is None
    if held[-1]:
        return "out_of_time"
    if apart and resting_on(spec, last, target, [goal]) is not None:
        return "at_goal_not_done"
    if "grasp" in seen.phases and held.any():
        left = int(np.flatnonzero(held)[-1])
        if episode.action[left : left + 2, 9].max() < CLOSED:
            return "slipped"
    things = [i for i, body in enumerate(spec.bodies) if body.mass > 0 or body.color]
    if apart and resting_on(spec, last, target, things) is not None:
        return "placed_on_another_body"
    return "left_half_way"


def _fell(seen: Seen) -> bool:
    """The loop stops as a body falls, so it may not be seen below the table: extrapolate a step."""
    free = [i for i, body in enumerate(seen.spec.bodies) if body.mass > 0 and body.joint is None]
    z = seen.poses[-2:, free, 2]
    return bool((z[-1] + np.diff(z, axis=0).sum(axis=0) < FALLEN).any())


def _spilled(seen: Seen) -> bool:
    """Bodies that were within the target at first, and are neither there nor in the goal now."""
    spec, target = seen.spec, seen.target
    free = [i for i, body in enumerate(spec.bodies) if body.mass > 0 and body.joint is None]
    held = [i for i in free if resting_on(spec, seen.poses[0], i, [target]) is not None]
    among = [target, seen.goal]
    lost = [i for i in held if resting_on(spec, seen.poses[-1], i, among) is None]
    return len(lost) > SPILLED * len(held)


def _held(episode: Episode, body: int) -> Array:
    """bool [T]: both fingers touch the body."""
    held: Array = (episode.contacts == body).all(axis=1)
    return held


def _touched(episode: Episode, body: int) -> Array:
    """bool [T]: any finger touches the body."""
    touched: Array = (episode.contacts == body).any(axis=1)
    return touched


def _reached(seen: Seen) -> bool:
    body, tool = seen.spec.bodies[seen.target], seen.episode.ee_pose[:, :3]
    if _touched(seen.episode, seen.target).any():
        return True
    where, reach = seen.poses[:, seen.target], 0.0
    if body.joint is not None:
        bar = (*handle_offset(body.shape), 0.0, 0.0, 0.0, 1.0)
        where = np.array([compose(pose, bar) for pose in where])
    else:
        reach = max(footprint(body.shape), height(body.shape) / 2)
    away = np.linalg.norm(tool - where[:, :3], axis=1)
    return bool(away.min() < NEAR + reach)
