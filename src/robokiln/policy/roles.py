"""The things that an instruction is about: which body has which role, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robokiln.assets import landmark
from robokiln.dataset import Dataset, RecordedCamera
from robokiln.deploy import words_of
from robokiln.geometry import compose, pose_to_action
from robokiln.policy.facing import side_of
from robokiln.serial import from_json, parse_json
from robokiln.types import Array, Body, RobokilnError, SceneSpec

ROLES = ("target", "goal", "top")
"""The roles of tasks that a policy points at, in this order everywhere."""
TOLD = 2
"""The first so many are those whose poses a privileged policy is told."""
SHOWN = 6 / 96**2
"""The share of a picture, and at least a pixel of it, below which it is said not to show a body."""
SCENES = "meta/robokiln/scenes.jsonl"


def read_scenes(root: Path, episodes: int) -> list[SceneSpec]:
    """The scene of each episode; none where the dataset says nothing of its scenes."""
    path = root / SCENES
    if not path.is_file():
        return []
    try:
        rows = [parse_json(line) for line in path.read_text().splitlines()]
        specs = [from_json(SceneSpec, row["spec"], f"{path}:{i + 1}") for i, row in enumerate(rows)]
    except (ValueError, KeyError, TypeError) as error:
        raise RobokilnError(f"{path}: not the scenes of this dataset ({error})") from None
    if len(specs) != episodes:
        raise RobokilnError(f"{path}: {len(specs)} scenes for {episodes} episodes")
    return specs


def roles_of(spec: SceneSpec) -> dict[str, int]:
    """Role -> the body that has it, of the roles that the scene's task knows."""
    return {role: spec.index(spec.goal[role]) for role in ROLES if role in spec.goal}


def place_of(body: Body, pose: Array) -> Array:
    """The point [..., 3] to point at, of a body at pose [..., 7]: its landmark's."""
    return compose(pose, (*landmark(body.shape), 0.0, 0.0, 0.0, 1.0))[..., :3]


def named(spec: SceneSpec, instruction: str) -> Array:
    """Which roles the instruction names: bool [R]. A body that has a color is named by it; one that
    has none has no other like it."""
    said, found = set(words_of(instruction)), np.zeros(len(ROLES), bool)
    for role, index in roles_of(spec).items():
        color = spec.bodies[index].color
        found[ROLES.index(role)] = not color or color in said
    return found


def stand_of(body: Body, pose: Array) -> Array:
    """Where a body at pose [..., 7] is pointed at, and its flattest axis: [..., 6]."""
    return np.concatenate([place_of(body, pose), side_of(pose)], -1)


def read_stands(data: Dataset, specs: Sequence[SceneSpec], target_goal_pose: Array) -> Array:
    """Where the bodies of the roles are in each frame and how they are turned, as `stand_of` says:
    float32 [N, R, 6], 0 for roles that a task doesn't know. `target_goal_pose` [N, 14] holds the
    first two roles' poses."""
    told = target_goal_pose.reshape(len(target_goal_pose), TOLD, 7).astype(np.float64)
    stands = np.zeros((len(told), len(ROLES), 6), np.float32)
    stands[:, :TOLD] = np.concatenate([told[..., :3], side_of(told)], -1)
    for episode, spec in enumerate(specs):
        rows = slice(*data.episode_bounds[episode])
        poses = None
        for role, index in roles_of(spec).items():
            i, body = ROLES.index(role), spec.bodies[index]
            if i >= TOLD and poses is None:
                poses = data.labels(episode).link_poses()[:, -len(spec.bodies) :]
            at = told[rows, i] if i < TOLD or poses is None else poses[:, index]
            stands[rows, i] = stand_of(body, at.astype(np.float64))
    return stands


def role_bodies(specs: Sequence[SceneSpec], episodes: int) -> Array:
    """The body of each role in each episode, 0 for roles that a task doesn't know: int64 [E, R]."""
    found = np.zeros((episodes, len(ROLES)), np.int64)
    for episode, spec in enumerate(specs):
        for role, index in roles_of(spec).items():
            found[episode, ROLES.index(role)] = index
    return found


def read_shown(
    data: Dataset, cameras: Sequence[RecordedCamera], specs: Sequence[SceneSpec]
) -> Array:
    """Whether each camera shows enough of a body to point at it: bool [N, V, bodies]. Scenes differ
    in their number of bodies; what a scene lacks counts as shown, as does all of an unknown one."""
    bodies = max((len(spec.bodies) for spec in specs), default=1)
    shown = np.ones((len(data), len(cameras), bodies), bool)
    for i, camera in enumerate(cameras if specs else ()):
        bounds, least = data.episode_bounds, max(1.0, SHOWN * camera.width * camera.height)
        for (first, end), pixels in zip(bounds, data.pixels(camera.name), strict=True):
            shown[first:end, i, : pixels.shape[1] - 1] = pixels[:, 1:] >= least
    return shown


def role_features(target_goal_pose: Array) -> Array:
    """Positions and two rotation columns of the target and the goal: [..., 14] -> [..., 2, 9]."""
    poses = np.stack([target_goal_pose[..., :7], target_goal_pose[..., 7:]], axis=-2)
    return pose_to_action(poses, 0.0)[..., :9]
