"""What a task must say. Tasks hold no state: everything follows from the spec and the state."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from robokiln.scene.robots import Robot
from robokiln.types import Camera, SceneSpec, Skill, State


class SceneRefused(Exception):
    """A drawn scene can't be used; the message is the reason, counted as a refused attempt."""


class Task(Protocol):
    """A family of scenes, what to do in them, how, and when it is done."""

    @property
    def name(self) -> str:
        """The registry's name."""
        ...

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the skills in the order of a smooth demonstration."""
        ...

    def sample(
        self, rng: np.random.Generator, robot: Robot, cameras: tuple[Camera, ...]
    ) -> SceneSpec:
        """A scene without its instruction; SceneRefused if there is no room."""
        ...

    def instruction(self, spec: SceneSpec, rng: np.random.Generator) -> str:
        """One of several phrasings, unambiguous in this scene."""
        ...

    def swapped(self, spec: SceneSpec, rng: np.random.Generator) -> SceneSpec:
        """The same scene and goal, with an instruction that names something else."""
        ...

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """What an expert does in this state, whoever brought it about."""
        ...

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Whether the state is a success; the loop asks that it stays one."""
        ...
