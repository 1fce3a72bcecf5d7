"""Open the named door of a cupboard and let go of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.scene.config import SceneConfig
from robokiln.scene.furniture import SWING, TABLE, cupboard, draw_fronts, opened, slide, stand_back
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import scene
from robokiln.scene.robots import Robot
from robokiln.scene.skills import role
from robokiln.scene.tasks.fronts import FrontTask, at_rest
from robokiln.types import SceneSpec, Skill, State

OPEN, ENOUGH, WIDE = 0.9, 1.0, 1.1
"""Angles (rad): from the first on a door is open, at the second the expert lets go of it, and it
pulls towards the third."""
AJAR = 0.15
OPENING = 0.55
"""How far the gripper opens, so that it passes the other door's handle."""
PHRASINGS = Phrasings(
    seen=(
        "open the {target}",
        "pull the {target} open",
        "swing the {target} open",
        "open up the {target}",
        "grasp the handle of the {target} and pull it open",
        "take the {target} by its handle and open it",
    ),
    held_out=(
        "swing the {target} out",
        "the {target} should be open",
        "tug the {target} open by its handle",
    ),
)


@dataclass(frozen=True)
class OpenDoor(FrontTask):
    """One of two doors, shut or ajar."""

    name: str = "open_door"
    phases: tuple[str, ...] = ("approach", "grasp", "pull", "retreat")
    horizon: float = 9.0
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = "the door is open by 0.9 rad, let go and at rest, as is the arm"

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """The other door is shut, or its handle would be in the way."""
        target = int(rng.integers(2))
        where = self.ranges(robot, config.ranges)["goal"]
        ajar = rng.uniform(0.0, AJAR) * np.eye(2)[target]
        bodies = cupboard(rng, where, draw_fronts(rng, config.colors), ajar)
        goal = {"target": f"door_{target}", "goal": "cabinet"}
        return scene(self.name, rng, robot, bodies, goal, TABLE)

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """By the handle."""
        target = role(spec, "target")
        if opened(spec, state, target) * SWING > ENOUGH:
            return stand_back(spec, state, target, OPENING)
        return slide(spec, state, target, WIDE / SWING, "pull", OPENING)

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Open, let go and at rest."""
        target = role(spec, "target")
        return opened(spec, state, target) * SWING >= OPEN and at_rest(state, target)
