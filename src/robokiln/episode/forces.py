"""Noise of the arm's own force sensors, added to what physics recorded."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from robokiln.seeds import Draws, Noise
from robokiln.types import Array, Episode, RobokilnError


@dataclass(frozen=True)
class ForceNoise:
    """Standard deviations of independent Gaussian noise at each control step; 0 is none.

    `wrist_force` and `finger_force` in N, `wrist_torque` and `joint_torque` in N m.
    """

    wrist_force: float = 0.0
    wrist_torque: float = 0.0
    joint_torque: float = 0.0
    finger_force: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no standard deviation."""
        for field in fields(self):
            if not 0 <= getattr(self, field.name) < np.inf:
                raise RobokilnError(
                    f"force_noise.{field.name}: expected 0 or more, got {getattr(self, field.name)}"
                )

    def __call__(self, episode: Episode, draws: Draws) -> Episode:
        """The episode as noisy sensors record it; a sensor without noise keeps its bytes."""
        wrist = np.repeat([self.wrist_force, self.wrist_torque], 3)
        return replace(
            episode,
            wrist_wrench=_noisy(episode.wrist_wrench, wrist, Noise.WRIST_WRENCH, draws),
            joint_torque=_noisy(episode.joint_torque, self.joint_torque, Noise.JOINT_TORQUE, draws),
            finger_force=_noisy(episode.finger_force, self.finger_force, Noise.FINGER_FORCE, draws),
        )


def _noisy(values: Array, deviation: Array | float, noise: Noise, draws: Draws) -> Array:
    if not np.any(deviation):
        return values
    return values + draws(noise, "").standard_normal(values.shape) * deviation
