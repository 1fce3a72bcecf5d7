"""What goes into an environment and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from robokiln.types import ACTION_DIM, Array, Camera, RobokilnError

REACH = 1.2
"""Metres from the robot's base, farther than any of ours reaches."""
POSES = 14
"""Positions and quaternions of the target and of the goal."""


def action_space() -> spaces.Box:
    """The end-effector target [10]; unlike `episode.run`, learners want to know bounds."""
    return spaces.Box(_vector(-REACH, -1, 0), _vector(REACH, 1, 1))


def observation_space(cameras: Sequence[Camera]) -> spaces.Dict:
    """Pictures of the cameras beside agent_pos [10], or, if there are none, the true poses of
    target and goal [14]."""
    # A measured rotation may be a rounding error longer than 1, and a robot out of bounds.
    found: dict[str, spaces.Space[Any]] = {
        "agent_pos": spaces.Box(_vector(-2 * REACH, -2, 0), _vector(2 * REACH, 2, 1))
    }
    if cameras:
        sizes = {camera.name: (camera.height, camera.width, 3) for camera in cameras}
        views: dict[str, spaces.Space[Any]] = {
            name: spaces.Box(0, 255, size, np.uint8) for name, size in sizes.items()
        }
        found["pixels"] = spaces.Dict(views)
    else:
        found["environment_state"] = spaces.Box(-np.inf, np.inf, (POSES,), np.float32)
    return spaces.Dict(found)


def nothing(space: spaces.Space[Any]) -> Any:
    """Zeros in the shape of an observation."""
    if isinstance(space, spaces.Dict):
        return {name: nothing(part) for name, part in space.spaces.items()}
    assert space.shape is not None
    return np.zeros(space.shape, space.dtype)


def checked(action: Array) -> Array:
    """The action as physics takes it; RobokilnError if it is no target."""
    found = np.asarray(action, float)
    if found.shape != (ACTION_DIM,) or not np.isfinite(found).all():
        raise RobokilnError(
            f"action: expected {ACTION_DIM} finite numbers (x, y, z, two columns of the rotation, "
            f"gripper), got {np.array2string(found, precision=3, threshold=20)}"
        )
    return found


def _vector(position: float, rotation: float, gripper: float) -> Array:
    return np.array([position] * 3 + [rotation] * 6 + [gripper], np.float32)
