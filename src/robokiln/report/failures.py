"""Why a rollout failed, read from what was recorded: poses, contacts and gripper."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from robokiln.assets import footprint
from robokiln.types import Array, Episode, SceneSpec

SUCCESS = "success"
FAILURES: dict[str, str] = {
    "knocked_off_table": "an object or container ended below the table top",
    "never_reached_target": "the gripper stayed away from the target",
    "wrong_object_grasped": "another object was lifted, the target never",
    "reached_not_grasped": "the gripper came to the target but never lifted it",
    "not_released": "the target was still held at the end",
    "grasped_then_dropped": "the target slipped out of a closed gripper, outside the goal",
    "placed_on_another_body": "the target was let go inside or on top of something else",
    "placed_outside": "the target was let go beside the goal",
    "timeout_other": "none of the above; for instance inside the goal, but not at rest in time",
}
"""Classes in the order in which they are tried: the first that applies is the rollout's."""

NEAR = 0.06
"""Metres between the tool centre point and the target's centre that count as reached."""
LIFTED = 0.02
"""Metres that a held body must rise above where it stood to count as grasped."""
FALLEN = 0.0
"""Height in metres below which a body's centre has left the table."""
CLOSED = 0.5
"""Commanded opening below which the gripper is meant to hold."""


def classify(episode: Episode) -> str:
    """A key of `FAILURES`, or "success"."""
    if episode.outcome.success:
        return SUCCESS
    spec = episode.spec
    bodies = episode.link_poses[:, -len(spec.bodies) :].astype(float)
    free = [i for i, body in enumerate(spec.bodies) if body.mass > 0]
    target = spec.index(spec.goal["target"])
    # The loop stops as a body falls, so it may not be seen below the table: extrapolate a step.
    ahead = bodies[-1, free, 2] + np.diff(bodies[-2:, free, 2], axis=0).sum(axis=0)
    if (ahead < FALLEN).any():
        return "knocked_off_table"
    if not lifted(episode, target):
        if any(lifted(episode, i) for i in free if i != target):
            return "wrong_object_grasped"
        return (
            "reached_not_grasped" if _reached(episode, bodies, target) else "never_reached_target"
        )
    if _held(episode, target)[-1]:
        return "not_released"
    return _misplaced(episode, bodies[-1], target)


def lifted(episode: Episode, body: int) -> bool:
    """Did both fingers hold the body while it was above where it stood?"""
    height = episode.link_poses[:, body - len(episode.spec.bodies), 2]
    return bool((_held(episode, body) & (height > height[0] + LIFTED)).any())


def resting_on(spec: SceneSpec, poses: Array, body: int, among: Iterable[int]) -> int | None:
    """The body of `among` in whose footprint the centre of `body` lies; poses [B, 7]."""
    for other in among:
        offset = poses[body, :2] - poses[other, :2]
        if other != body and np.linalg.norm(offset) < footprint(spec.bodies[other].shape):
            return other
    return None


def _misplaced(episode: Episode, poses: Array, target: int) -> str:
    """Of a target that was lifted and let go, by where it lies and how it left the gripper."""
    spec = episode.spec
    free = [i for i, body in enumerate(spec.bodies) if body.mass > 0]
    goal = spec.index(spec.goal["goal"])
    if resting_on(spec, poses, target, [goal]) is not None:
        return "timeout_other"
    last = int(np.flatnonzero(_held(episode, target))[-1])
    if episode.action[last : last + 2, 9].max() < CLOSED:
        return "grasped_then_dropped"
    containers = [i for i, body in enumerate(spec.bodies) if i > 1 and i != goal]
    if resting_on(spec, poses, target, set(free) | set(containers)) is not None:
        return "placed_on_another_body"
    return "placed_outside"


def _held(episode: Episode, body: int) -> Array:
    """bool [T]: both fingers touch the body."""
    held: Array = (episode.contacts == body).all(axis=1)
    return held


def _reached(episode: Episode, bodies: Array, target: int) -> bool:
    away = np.linalg.norm(episode.ee_pose[:, :3] - bodies[:, target, :3], axis=1)
    return bool(away.min() < NEAR or (episode.contacts == target).any())
