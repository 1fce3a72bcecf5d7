"""A policy that acts, one chunk after another."""

from __future__ import annotations

import numpy as np

from robokiln.policy.policy import Policy
from robokiln.types import Array, Observation


class PolicyActor:
    """Carries out the first `execute` actions of each chunk; a fresh one acts in each episode.

    Two controls of evaluation: `blank_images` blackens every picture, `instruction` replaces what
    the task says.
    """

    def __init__(
        self, policy: Policy, blank_images: bool = False, instruction: str | None = None
    ) -> None:
        self.policy, self.blank_images, self.instruction = policy, blank_images, instruction
        self._left: list[Array] = []

    def act(self, observation: Observation) -> Array:
        """The next action [10]; pictures are asked for only where a new chunk begins."""
        if not self._left:
            chunk = self.policy.predict(
                self._images(observation),
                observation.proprioception[None],
                [observation.instruction if self.instruction is None else self.instruction],
                None if self.policy.uses_images else observation.target_goal_pose[None],
            )
            self._left = list(chunk[0, : self.policy.execute])
        return self._left.pop(0)

    def _images(self, observation: Observation) -> dict[str, Array]:
        if not self.policy.uses_images:
            return {}
        images = {name: image[None] for name, image in observation.images().items()}
        return {k: np.zeros_like(v) for k, v in images.items()} if self.blank_images else images
