"""What tasks at a table share: words for their roles, and what every success asks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from robokiln.assets import height
from robokiln.geometry import quat_to_matrix
from robokiln.scene.config import SceneConfig
from robokiln.scene.extent import below, over
from robokiln.scene.language import Phrasings, describe, into, understood
from robokiln.scene.refused import SceneRefused
from robokiln.scene.robots import Robot
from robokiln.types import RobokilnError, SceneSpec, State

STILL, STILL_TURN = 0.05, 0.2
"""Speeds (m/s and rad/s) below which a body counts as at rest. Stacks of three tremble by up to
0.07 rad/s in the engine while they move by 0.2 mm a second; nothing topples as slowly as that."""
STUCK = 50.0
"""Newtons at the wrist; hands weigh up to 10, and one that is jammed exerts hundreds and more."""


class TableTask(ABC):
    """The instruction names the bodies of the roles that the phrasings have placeholders for.

    `nouns` stand in for the standard ones of a kind of shape.
    """

    name: str
    phrasings: Phrasings
    criterion: ClassVar[str]
    """What counts as success, as part of a sentence."""
    nouns: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    from_side: ClassVar[bool] = False
    """Whether the fixed camera had better stand beside the robot than face it."""
    joints: ClassVar[int] = 5
    """How many the arm must have."""
    points_down: ClassVar[float] = 0.05
    """Up to what height (m) the tool must point straight down."""
    space: ClassVar[float] = 0.02
    """How much of the table (m²) it must reach."""

    def suits(self, robot: Robot) -> str:
        """Why the robot can't do it, or ""."""
        if len(robot.arm_joints) < self.joints:
            return f"needs {self.joints} joints or more; '{robot.name}' has {len(robot.arm_joints)}"
        reach = robot.workspace
        if reach.z[1] < self.points_down:
            return (
                f"needs a tool that points down at {self.points_down:g} m above the table; "
                f"'{robot.name}' does so up to {reach.z[1]:g}"
            )
        size = np.ptp(reach.x) * np.ptp(reach.y)
        if size < self.space:
            return f"needs {self.space:g} m² of table; '{robot.name}' reaches {size:.2g}"
        return ""

    def instruction(self, spec: SceneSpec, rng: np.random.Generator, config: SceneConfig) -> str:
        """One of several phrasings, unambiguous in this scene; SceneRefused if none is."""
        text = self._say(spec, spec.goal, rng, config)
        for role, bodies in understood(text, self.phrasings, spec).items():
            if bodies != (spec.goal[role],):
                raise SceneRefused(f"language: '{text}' may mean more than one {role}")
        return text

    def named(self, spec: SceneSpec) -> Mapping[str, tuple[str, ...]]:
        """Role -> the bodies that the spec's instruction may mean by it, as a listener would."""
        return understood(spec.instruction, self.phrasings, spec)

    def told(self, spec: SceneSpec) -> SceneSpec:
        """The spec whose goal is what its instruction says, whatever its goal was; RobokilnError if
        the words are not clear."""
        said = self.named(spec)
        for role, bodies in said.items():
            if len(bodies) != 1:
                raise RobokilnError(
                    f"language: '{spec.instruction}': expected one {role}, got {len(bodies)}"
                )
        return replace(spec, goal={**spec.goal, **{r: bodies[0] for r, bodies in said.items()}})

    def parts(self, spec: SceneSpec, state: State) -> Mapping[str, bool]:
        """The bodies that are to be moved, in order, and whether each is where it belongs."""
        return {spec.goal["target"]: self.satisfied(spec, state)}

    def destination(self, spec: SceneSpec, part: str) -> str:
        """The body to which one of the parts belongs."""
        return spec.goal["goal"]

    @abstractmethod
    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Whether the state is a success."""

    def swapped(self, spec: SceneSpec, rng: np.random.Generator, config: SceneConfig) -> SceneSpec:
        """The same scene and goal, with an instruction that names something else."""
        for goal in self.others(spec, rng):
            try:
                return replace(spec, instruction=self._say(spec, goal, rng, config))
            except SceneRefused:
                continue
        raise SceneRefused("language: nothing else can be named")

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """Other roles that the scene allows: by default another free body as the target."""
        free = [b.name for b in spec.bodies if b.mass > 0 and b.name not in spec.goal.values()]
        for name in rng.permutation(free):
            yield {**spec.goal, "target": str(name)}

    def _say(
        self,
        spec: SceneSpec,
        goal: Mapping[str, str],
        rng: np.random.Generator,
        config: SceneConfig,
    ) -> str:
        template = self.phrasings.choose(rng, config.phrasings == "held_out")
        rich = config.references == "rich"
        words = {
            name: describe(spec, body, rng, rich, nouns=self.nouns)
            for name, body in goal.items()
            if f"{{{name}}}" in template
        }
        return template.format(into=into(spec.bodies[spec.index(goal["goal"])].shape.kind), **words)


def on_table(spec: SceneSpec, state: State) -> bool:
    """Whether everything that can move is still on the table."""
    free = [i for i, body in enumerate(spec.bodies) if body.mass > 0]
    return bool((state.body_pose[free, 2] > -0.01).all())


def still(state: State, *bodies: int) -> bool:
    """Whether these bodies are at rest."""
    speed = np.abs(state.body_velocity[list(bodies)])
    return bool(speed[:, :3].max() < STILL and speed[:, 3:].max() < STILL_TURN)


def released(state: State, *bodies: int) -> bool:
    """Whether no finger touches any of these bodies."""
    return not any(body in fingers for fingers in state.touching for body in bodies)


def idle(state: State) -> bool:
    """Whether the arm stands still, as ManiSkill's tasks ask of it (Tao et al. 2024), and is not
    held back by what it presses against."""
    speed, force = np.abs(state.ee_velocity), np.linalg.norm(state.wrist_wrench[:3])
    return bool(speed[:3].max() < STILL and speed[3:].max() < STILL_TURN and force < STUCK)


def inside(spec: SceneSpec, state: State, body: int, container: int) -> bool:
    """The body's centre lies within the container's wall and under its rim by its own half size."""
    shape, at = spec.bodies[container].shape, state.body_pose[container]
    held = state.body_pose[body]
    up, reach = held[2] - at[2], below(spec.bodies[body].shape, held)
    level = -height(shape) / 2 < up < height(shape) / 2 + reach + 0.004
    return bool(level and over(shape, at, held[:3], 0.012))


def upright(state: State, body: int) -> bool:
    """Whether the body's z axis is within 14 degrees of the vertical."""
    return bool(quat_to_matrix(state.body_pose[body, 3:])[2, 2] > 0.97)
