"""Open the named drawer of a chest and let go of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.scene.config import SceneConfig
from robokiln.scene.furniture import TABLE, chest, draw_fronts, opened, slide, stand_back
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import scene
from robokiln.scene.robots import Robot
from robokiln.scene.skills import role
from robokiln.scene.tasks.fronts import FARTHER, FrontTask, at_rest
from robokiln.types import SceneSpec, Skill, State

OPEN, ENOUGH, WIDE = 0.8, 0.88, 0.95
"""Shares of its travel: from the first on a drawer is open, at the second the expert lets go of it,
and it pulls towards the third."""
AJAR = 0.15
PHRASINGS = Phrasings(
    seen=(
        "open the {target}",
        "pull the {target} open",
        "slide the {target} open",
        "pull out the {target}",
        "grasp the handle of the {target} and pull it open",
        "open up the {target}",
    ),
    held_out=(
        "draw the {target} out",
        "the {target} should be open",
        "tug the {target} open by its handle",
    ),
)


@dataclass(frozen=True)
class OpenDrawer(FrontTask):
    """One of two drawers, shut or ajar."""

    name: str = "open_drawer"
    phases: tuple[str, ...] = ("approach", "grasp", "pull", "retreat")
    horizon: float = 8.0
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "the drawer is open by 80 % of its travel, let go and at rest, as is the arm"
    )
    beyond: ClassVar[float] = FARTHER

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """A drawer above the one to be opened is shut, or its handle would be in the way."""
        target = int(rng.integers(2))
        shares = (rng.uniform(0.0, AJAR, 2) * [1, target]).tolist()
        where = self.ranges(robot, config.ranges)["goal"]
        bodies = chest(rng, where, draw_fronts(rng, config.colors), shares)
        goal = {"target": f"drawer_{target}", "goal": "cabinet"}
        return scene(self.name, rng, robot, bodies, goal, TABLE)

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """By the handle."""
        target = role(spec, "target")
        if opened(spec, state, target) > ENOUGH:
            return stand_back(spec, state, target)
        return slide(spec, state, target, WIDE, "pull")

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Open, let go and at rest."""
        target = role(spec, "target")
        return opened(spec, state, target) >= OPEN and at_rest(state, target)
