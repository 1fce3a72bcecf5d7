"""What a policy offers to the loop that runs it, whatever computes it, and how it acts there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from robokiln.types import Array, Observation, PoseTuple, RobokilnError, lookup


@dataclass(frozen=True)
class TrainedOn:
    """What a policy's demonstrations were of: `control_hz` actions a second, which are its own too;
    robots and tasks by name, none where the datasets say nothing of them."""

    control_hz: int
    robots: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


class PolicyCamera(Protocol):
    """A camera as it was in training; see `dataset.RecordedCamera`."""

    @property
    def name(self) -> str: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def fov(self) -> float: ...
    @property
    def frame(self) -> str: ...
    @property
    def pose(self) -> PoseTuple: ...
    @property
    def sensor(self) -> str: ...


class Policy(Protocol):
    """Predicts `chunk` actions at a time, of which `execute` are carried out.

    `cameras` are those whose pictures it reads, as they were in training.
    """

    chunk: int
    execute: int
    uses_images: bool

    @property
    def cameras(self) -> Sequence[PolicyCamera]: ...
    @property
    def trained_on(self) -> TrainedOn: ...

    def predict(
        self,
        images: Mapping[str, Array],
        proprioception: Array,
        instructions: Sequence[str],
        target_goal_pose: Array | None = None,
    ) -> Array:
        """Absolute actions in the base frame [B, chunk, 10], their rotations orthonormal.

        images: camera -> uint8 [B, H, W, 3]; proprioception [B, 10]; target_goal_pose [B, 14],
        which only privileged policies read.
        """
        ...


def pictures_of(camera: PolicyCamera, images: Mapping[str, Array]) -> Array:
    """The camera's whole pictures uint8 [B, H, W, 3], or an error that says what is wrong."""
    pictures: Array = lookup("policy input: camera", camera.name, images)
    expected = (camera.height, camera.width, 3)
    if pictures.dtype != np.uint8 or pictures.shape[1:] != expected:
        raise RobokilnError(
            f"camera '{camera.name}': expected uint8 [B, {', '.join(map(str, expected))}], "
            f"got {pictures.dtype} {list(pictures.shape)}"
        )
    return pictures


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
