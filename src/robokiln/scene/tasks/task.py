"""What a task must say. Tasks hold no state: everything follows from the spec and the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from robokiln.scene.config import SceneConfig
from robokiln.scene.layout import Area
from robokiln.scene.robots import Robot
from robokiln.types import SceneSpec, Skill, State


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

    @property
    def horizon(self) -> float:
        """Seconds after which a demonstration is given up."""
        ...

    @property
    def criterion(self) -> str:
        """What counts as success, as part of a sentence."""
        ...

    @property
    def from_side(self) -> bool:
        """Whether the fixed camera had better stand beside the robot than face it."""
        ...

    def suits(self, robot: Robot) -> str:
        """Why the robot can't do it, or ""."""
        ...

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """Where the bodies of some roles start under ranges D0 or D1; a role whose body goes with
        another's, as a drawer with its cabinet, is left out."""
        ...

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """A scene without its cameras and instruction; SceneRefused if there is no room."""
        ...

    def instruction(self, spec: SceneSpec, rng: np.random.Generator, config: SceneConfig) -> str:
        """One of several phrasings, unambiguous in this scene; SceneRefused if none is."""
        ...

    def named(self, spec: SceneSpec) -> Mapping[str, tuple[str, ...]]:
        """Role -> the bodies that the spec's instruction may mean by it, as a listener would."""
        ...

    def swapped(self, spec: SceneSpec, rng: np.random.Generator, config: SceneConfig) -> SceneSpec:
        """The same scene and goal, with an instruction that names something else."""
        ...

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """What an expert does in this state, whoever brought it about."""
        ...

    def told(self, spec: SceneSpec) -> SceneSpec:
        """The spec whose goal is what its instruction says, whatever its goal was; RobokilnError if
        the words are not clear."""
        ...

    def parts(self, spec: SceneSpec, state: State) -> Mapping[str, bool]:
        """The bodies that are to be moved, in order, and whether each is where it belongs."""
        ...

    def destination(self, spec: SceneSpec, part: str) -> str:
        """The body to which one of the parts belongs."""
        ...

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Whether the state is a success; the loop asks that it stays one."""
        ...
