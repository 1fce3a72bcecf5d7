"""Actors that know nothing: what success is worth beside chance."""

from __future__ import annotations

import numpy as np

from robokiln.geometry import pose_to_action
from robokiln.scene.grasps import down, yaw_of
from robokiln.types import Array, Observation, SceneSpec

STEP = 0.015
"""Metres that the target moves in a control step."""
TURN = 0.08
"""Radians that the target turns in a control step."""
MARGIN = 0.05
"""Metres around the bodies within which targets are drawn."""
HEIGHTS = (0.01, 0.25)


class Hold:
    """Keeps the pose that it finds."""

    def __init__(self) -> None:
        self._action: Array | None = None

    def act(self, observation: Observation) -> Array:
        """The first proprioception, again and again."""
        if self._action is None:
            self._action = np.array(observation.proprioception, float)
        return self._action


class RandomMotion:
    """Smooth straight motions between random poses among the scene's bodies.

    The tool points down with a random yaw; the gripper opens or closes for each motion.
    """

    def __init__(self, spec: SceneSpec, rng: np.random.Generator) -> None:
        places = np.array([body.pose[:2] for body in spec.bodies if body.mass > 0])
        self._low = np.array([*(places.min(axis=0) - MARGIN), HEIGHTS[0]])
        self._high = np.array([*(places.max(axis=0) + MARGIN), HEIGHTS[1]])
        self._rng = rng
        self._now: Array | None = None
        self._next = np.zeros(5)

    def act(self, observation: Observation) -> Array:
        """A step towards the current random pose, or the first towards another."""
        if self._now is None:
            tool = observation.state.ee_pose
            self._now = self._next = np.array([*tool[:3], yaw_of(tool), 1.0])
        away = self._next[:4] - self._now[:4]
        if np.linalg.norm(away[:3]) < STEP and abs(away[3]) < TURN:
            self._next = self._draw()
            away = self._next[:4] - self._now[:4]
        share = min(1.0, STEP / max(float(np.linalg.norm(away[:3])), 1e-9))
        turn = float(np.clip(away[3], -TURN, TURN))
        self._now = np.array(
            [*(self._now[:3] + share * away[:3]), self._now[3] + turn, self._next[4]]
        )
        return pose_to_action(down(self._now[:3], float(self._now[3])), float(self._now[4]))

    def _draw(self) -> Array:
        place = self._rng.uniform(self._low, self._high)
        return np.array([*place, self._rng.uniform(-np.pi / 2, np.pi / 2), self._rng.integers(2)])
