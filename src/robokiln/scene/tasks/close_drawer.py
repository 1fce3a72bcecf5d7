"""Shut the named drawer of a chest and let go of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.scene.config import SceneConfig
from robokiln.scene.furniture import TABLE, chest, draw_fronts, slide, stand_back
from robokiln.scene.joints import position
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import scene
from robokiln.scene.robots import Robot
from robokiln.scene.skills import role
from robokiln.scene.tasks.fronts import FARTHER, FrontTask, at_rest
from robokiln.types import SceneSpec, Skill, State

SHUT, ENOUGH = 0.005, 0.003
"""Metres: up to the first a drawer is shut, at the second the expert lets go of it."""
BEYOND = -0.03
"""Share of its travel towards which the expert pushes, or it might stop short."""
WIDE, AJAR = (0.4, 1.0), 0.15
PHRASINGS = Phrasings(
    seen=(
        "close the {target}",
        "shut the {target}",
        "push the {target} shut",
        "push in the {target}",
        "grasp the handle of the {target} and push it closed",
        "slide the {target} closed",
    ),
    held_out=(
        "the {target} should be closed",
        "move the {target} all the way in",
        "push the {target} back into the cabinet",
    ),
)


@dataclass(frozen=True)
class CloseDrawer(FrontTask):
    """One drawer is open by 40 to 100 % of its travel, the other one is shut or ajar."""

    name: str = "close_drawer"
    phases: tuple[str, ...] = ("approach", "grasp", "push", "retreat")
    horizon: float = 8.0
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "the drawer is open by 5 mm at most, let go and at rest, as is the arm"
    )
    beyond: ClassVar[float] = FARTHER

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """A drawer above the one to be shut is shut, or its handle would be in the way."""
        target = int(rng.integers(2))
        shares = [float(rng.uniform(*WIDE)), float(rng.uniform(0.0, AJAR)) * target]
        where = self.ranges(robot, config.ranges)["goal"]
        in_order = shares if target == 0 else shares[::-1]
        bodies = chest(rng, where, draw_fronts(rng, config.colors), in_order)
        goal = {"target": f"drawer_{target}", "goal": "cabinet"}
        return scene(self.name, rng, robot, bodies, goal, TABLE)

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """By the handle."""
        target = role(spec, "target")
        if position(spec, state, spec.goal["target"]) < ENOUGH:
            return stand_back(spec, state, target)
        return slide(spec, state, target, BEYOND, "push")

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Shut, let go and at rest."""
        is_shut = position(spec, state, spec.goal["target"]) <= SHUT
        return is_shut and at_rest(state, role(spec, "target"))
