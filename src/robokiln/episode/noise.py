"""Noise on executed actions, so that demonstrations show how to recover (DART, Laskey 2017)."""

from __future__ import annotations

import numpy as np

from robokiln.episode.config import EpisodeConfig
from robokiln.geometry import (
    action_to_pose,
    pose,
    pose_to_action,
    quat_from_axis_angle,
    quat_multiply,
)
from robokiln.types import Array


class ActionNoise:
    """Correlated wandering and rare kicks; the gripper's command is left alone."""

    def __init__(self, rng: np.random.Generator, config: EpisodeConfig) -> None:
        self._rng, self._config = rng, config
        self._wander = np.zeros(6)
        self._kick, self._kick_left = np.zeros(3), 0
        self._keep = float(np.exp(-1 / (config.control_hz * config.noise_seconds)))

    def __call__(self, action: Array) -> Array:
        """The action [10] to execute in place of a clean one."""
        config, rng = self._config, self._rng
        fresh = rng.standard_normal(6) * np.sqrt(1 - self._keep**2)
        self._wander = self._keep * self._wander + fresh
        self._kick_left -= 1
        if rng.random() < config.kicks_per_second / config.control_hz:
            direction = rng.standard_normal(3)
            self._kick = direction / np.linalg.norm(direction) * config.kick_size
            self._kick_left = round(config.kick_seconds * config.control_hz)
        shift = self._wander[:3] * config.noise_position
        if self._kick_left > 0:
            shift = shift + self._kick
        turn = self._wander[3:] * config.noise_rotation
        angle = float(np.linalg.norm(turn))
        clean = action_to_pose(action)
        quat = quat_multiply(quat_from_axis_angle(turn / max(angle, 1e-9), angle), clean[3:])
        return pose_to_action(pose(clean[:3] + shift, quat), action[9])
