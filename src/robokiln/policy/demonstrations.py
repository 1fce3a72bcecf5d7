"""Demonstrations in memory, and the labels that the simulator's privileged poses give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robokiln import dataset
from robokiln.dataset import RecordedCamera
from robokiln.geometry import action_to_pose, compose, project, quat_to_matrix
from robokiln.policy.hindsight import Alternative, read_alternatives
from robokiln.types import Array, RobokilnError


@dataclass(frozen=True)
class Demonstrations:
    """N frames of E episodes.

    frames: camera -> uint8 [N, H, W, 3]; proprioception and action float32 [N, 10];
    target_goal_pose float32 [N, 14]; bounds int64 [E, 2], the first frame and past the last;
    alternatives: what else could have been said in each episode, or empty.
    """

    cameras: tuple[RecordedCamera, ...]
    frames: Mapping[str, Array]
    proprioception: Array
    action: Array
    target_goal_pose: Array
    bounds: Array
    instructions: tuple[str, ...]
    alternatives: tuple[tuple[Alternative, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.action)

    @property
    def episode(self) -> Array:
        """The episode of each frame, int64 [N]."""
        return np.repeat(np.arange(len(self.bounds)), np.diff(self.bounds, axis=1)[:, 0])

    def chunk_rows(self, index: Array, chunk: int) -> Array:
        """Rows of the chunks that start at `index` [B]; the last repeats: int64 [B, chunk]."""
        last = self.bounds[self.episode[index], 1] - 1
        rows: Array = np.minimum(index[:, None] + np.arange(chunk), last[:, None])
        return rows


def read_demonstrations(root: Path, images: bool = True) -> Demonstrations:
    """Everything that training needs of the dataset at `root`."""
    data = dataset.open(root, columns=())
    cameras = data.cameras()
    if images and not cameras:
        raise RobokilnError(f"{root}: an image policy needs cameras; the dataset has none")
    instructions = tuple(data.instructions)
    return Demonstrations(
        cameras if images else (),
        {c.name: data.frames(c.name) for c in cameras} if images else {},
        data.column(dataset.STATE),
        data.column(dataset.ACTION),
        data.column(dataset.TARGET_GOAL_POSE),
        data.episode_bounds,
        instructions,
        read_alternatives(root, instructions) if images else (),
    )


def role_positions(target_goal_pose: Array) -> Array:
    """Positions of the target and the goal: [..., 14] -> [..., 2, 3]."""
    return np.stack([target_goal_pose[..., :3], target_goal_pose[..., 7:10]], axis=-2)


def role_features(target_goal_pose: Array) -> Array:
    """Positions and two rotation columns of the target and the goal: [..., 14] -> [..., 2, 9]."""
    poses = np.stack([target_goal_pose[..., :7], target_goal_pose[..., 7:]], axis=-2)
    m = quat_to_matrix(poses[..., 3:])
    return np.concatenate([poses[..., :3], m[..., :, 0], m[..., :, 1]], axis=-1)


def role_pixels(camera: RecordedCamera, proprioception: Array, places: Array) -> Array:
    """Where a camera has the positions [N, 2, 3]: pixel x, y and depth, float32 [N, 2, 3]."""
    pose = np.asarray(camera.pose)
    if camera.frame == "tool":
        pose = compose(action_to_pose(proprioception.astype(np.float64)), pose)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return project(camera.pinhole(), pose, places, camera.distortion).astype(np.float32)
