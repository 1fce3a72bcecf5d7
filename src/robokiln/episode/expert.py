"""The expert: the task's next skill, as a target that respects speed and acceleration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from robokiln.episode.config import EpisodeConfig
from robokiln.geometry import (
    pose,
    pose_to_action,
    quat_from_axis_angle,
    quat_multiply,
    quat_to_matrix,
    rotation_vector,
)
from robokiln.scene.tasks import Task
from robokiln.types import Array, Observation, SceneSpec, Skill


class Expert:
    """Sees privileged state and keeps none of its own, so it can take over anywhere."""

    def __init__(
        self,
        task: Task,
        spec: SceneSpec,
        config: EpisodeConfig,
        style: np.random.Generator | None = None,
    ) -> None:
        """With a `style` its pace is drawn; without, it is the configuration's."""
        pace = 1.0 if style is None else float(style.uniform(1 - config.style, 1 + config.style))
        self._task, self._spec = task, spec
        self._config = replace(
            config, speed=pace * config.speed, turn_speed=pace * config.turn_speed
        )

    def act(self, observation: Observation) -> Array:
        """The clean action [10] towards the skill's pose."""
        state = observation.state
        skill = self._task.next_skill(self._spec, state)
        return toward(skill, state.ee_pose, state.ee_velocity, self._config)


def toward(skill: Skill, now: Array, velocity: Array, config: EpisodeConfig) -> Array:
    """One control step's target [10]: a braking profile in position, a bounded turn in rotation."""
    dt = 1.0 / config.control_hz
    offset = skill.pose[:3] - now[:3]
    distance = float(np.linalg.norm(offset))
    # Speeding up is gradual; braking and turning aside are not, or noise would make it overshoot.
    ramp = float(np.linalg.norm(velocity[:3])) + config.acceleration * dt
    braking = float(np.sqrt(config.acceleration * distance))
    speed = min(config.speed * skill.speed, ramp, braking, distance / dt)
    move = offset / max(distance, 1e-9) * speed * dt
    turn = rotation_vector(quat_to_matrix(skill.pose[3:]) @ quat_to_matrix(now[3:]).T)
    angle = float(np.linalg.norm(turn))
    step = min(config.turn_speed * dt, 0.5 * angle)
    quat = quat_multiply(quat_from_axis_angle(turn / max(angle, 1e-9), step), now[3:])
    return pose_to_action(pose(now[:3] + move, quat), skill.gripper)
