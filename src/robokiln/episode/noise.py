"""What disturbs a demonstration, so that it shows how to recover: noise on executed actions (DART,
Laskey 2017), a gripper that slips, and pushed bodies."""

from __future__ import annotations

from collections import deque

import numpy as np

from robokiln.episode.config import EpisodeConfig
from robokiln.geometry import (
    action_to_pose,
    pose,
    pose_to_action,
    quat_from_axis_angle,
    quat_multiply,
)
from robokiln.types import Array, SceneSpec

CLOSED = 0.5
"""A commanded opening below which the gripper may slip."""
ROUND = ("sphere", "capsule")
NO_PUSH = (-1.0, 0.0, 0.0, 0.0)


class ActionNoise:
    """Correlated wandering, rare kicks, and slips of a closed gripper."""

    def __init__(self, rng: np.random.Generator, config: EpisodeConfig) -> None:
        self._rng, self._config = rng, config
        self._wander = np.zeros(6)
        self._kick, self._kick_left, self._slip_left = np.zeros(3), 0, 0
        self._twist = np.zeros(3)
        self._keep = float(np.exp(-1 / (config.control_hz * config.noise_seconds)))

    def __call__(self, action: Array, scale: float = 1.0) -> Array:
        """The action [10] to execute in place of a clean one, thrown off by `scale` times as much
        as the configuration says."""
        config, rng = self._config, self._rng
        fresh = rng.standard_normal(6) * np.sqrt(1 - self._keep**2)
        self._wander = self._keep * self._wander + fresh
        self._kick_left -= 1
        if rng.random() < config.kicks_per_second / config.control_hz:
            direction = rng.standard_normal(3)
            self._kick = direction / np.linalg.norm(direction) * config.kick_size
            self._kick_left = round(config.kick_seconds * config.control_hz)
            if config.kick_turn:  # draws nothing otherwise, so that other demonstrations stay
                self._twist[2] = rng.uniform(-1, 1) * config.kick_turn
        shift = self._wander[:3] * config.noise_position
        turn = self._wander[3:] * config.noise_rotation
        if self._kick_left > 0:
            shift, turn = shift + self._kick, turn + self._twist
        shift, turn = scale * shift, scale * turn
        angle = float(np.linalg.norm(turn))
        clean = action_to_pose(action)
        quat = quat_multiply(quat_from_axis_angle(turn / max(angle, 1e-9), angle), clean[3:])
        return pose_to_action(pose(clean[:3] + shift, quat), self._slip(float(action[9])))

    def _slip(self, gripper: float) -> float:
        config = self._config
        self._slip_left -= 1
        rate = config.slips_per_second / config.control_hz
        if rate and gripper < CLOSED and self._rng.random() < rate:
            self._slip_left = round(config.slip_seconds * config.control_hz)
        return 1.0 if self._slip_left > 0 else gripper


class Latency:
    """Every action comes so many control steps late; until the first does, the arm stays."""

    def __init__(self, steps: int) -> None:
        self._steps, self._waiting = steps, deque[Array]()
        self._rest: Array | None = None

    def __call__(self, action: Array, measured: Array) -> Array:
        """The action [10] that arrives now; `measured` is where the arm is, laid out as one."""
        if self._rest is None:
            self._rest = measured.astype(float)
        self._waiting.append(action)
        return self._waiting.popleft() if len(self._waiting) > self._steps else self._rest


class Pushes:
    """Now and then a velocity for one of the free bodies that have a role in the task."""

    def __init__(self, rng: np.random.Generator, spec: SceneSpec, config: EpisodeConfig) -> None:
        self._rng, self._config, self._spec = rng, config, spec
        roles = {spec.index(name) for name in spec.goal.values()}
        bodies = [(i, spec.bodies[i]) for i in sorted(roles)]
        self._free = [i for i, body in bodies if body.mass > 0 and body.joint is None]

    def __call__(self) -> Array:
        """The index of the body to push, or -1, and its impulse (N s, world frame): [4]."""
        config, rng = self._config, self._rng
        rate = config.pushes_per_second / config.control_hz
        if not self._free or rate == 0 or rng.random() >= rate:
            return np.array(NO_PUSH)
        index = self._free[int(rng.integers(len(self._free)))]
        body = self._spec.bodies[index]
        # What rolls would leave the table at a speed at which others slide for centimetres.
        share = 0.25 if body.shape.kind in ROUND else 1.0
        impulse = share * body.mass * config.push_speed * rng.uniform(0.5, 1.0)
        angle = rng.uniform(-np.pi, np.pi)
        return np.array([index, impulse * np.cos(angle), impulse * np.sin(angle), 0.0])
