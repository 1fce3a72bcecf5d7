"""A bad policy that travels to workers: it always goes to one place with a closed gripper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robokiln.types import Array, Observation

STEP = 0.01


@dataclass(frozen=True)
class Wanderer:
    """Fails at anything; called, it gives an actor, which is itself: it remembers nothing."""

    place: tuple[float, float, float] = (0.45, 0.15, 0.2)

    def __call__(self) -> Wanderer:
        return self

    def act(self, observation: Observation) -> Array:
        """A step nearer to the place."""
        action = np.array(observation.proprioception, float)
        way = np.array(self.place) - action[:3]
        action[:3] += way * min(1.0, STEP / max(float(np.linalg.norm(way)), 1e-9))
        action[9] = 0.0
        return action
