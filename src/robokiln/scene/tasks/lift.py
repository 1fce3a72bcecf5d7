"""Lift the named object off the table and hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.geometry import pose
from robokiln.scene.config import SceneConfig
from robokiln.scene.extent import below
from robokiln.scene.grasps import top_down
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import Area, area, place, scene
from robokiln.scene.objects import body, draw_colors, draw_shape, item
from robokiln.scene.robots import Robot
from robokiln.scene.skills import fetch, holding, role
from robokiln.scene.tasks.base import TableTask, on_table
from robokiln.types import SceneSpec, Skill, State

HIGH = 0.10
"""How far (m) above the table the object's lowest point has to be."""

PHRASINGS = Phrasings(
    seen=(
        "lift the {target}",
        "lift up the {target}",
        "pick up the {target}",
        "raise the {target}",
        "take the {target} off the table",
        "grasp the {target} and lift it",
    ),
    held_out=(
        "pick the {target} up off the table",
        "grab the {target} and hold it up",
        "get the {target} into the air",
    ),
)


@dataclass(frozen=True)
class Lift(TableTask):
    """One target among 2 to 3 objects."""

    name: str = "lift"
    phases: tuple[str, ...] = ("approach", "grasp", "lift")
    horizon: float = 6.0
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "the object's lowest point is 10 cm above the table, between the fingers"
    )

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """D0 is 0.20 x 0.30 m, D1 0.40 x 0.50 m."""
        return {"target": area(robot, 0.2, 0.3) if ranges == "D0" else area(robot, 0.4, 0.5)}

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """Objects in a color each."""
        where = self.ranges(robot, config.ranges)["target"]
        roles = ["target"] + ["object"] * int(rng.integers(1, 3))
        shapes = [draw_shape(rng, role, config.shapes) for role in roles]
        colors = draw_colors(rng, config.colors)
        centres = place(rng, [item(r, s, where) for r, s in zip(roles, shapes, strict=True)])
        bodies = [
            body(rng, f"{role}_{i}", shape, centre, where, colors[i])
            for i, (role, shape, centre) in enumerate(zip(roles, shapes, centres, strict=True))
        ]
        goal = {"target": bodies[0].name, "goal": bodies[0].name}
        return scene(self.name, rng, robot, bodies, goal)

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """Grasp from above, then straight up."""
        target = role(spec, "target")
        if holding(state, target):
            up = state.ee_pose.copy()
            up[2] += HIGH + 0.05 - self._height(spec, state)
            return Skill("lift", pose(up[:3], up[3:]), 0.0)
        grasp = top_down(spec.bodies[target].shape, state.body_pose[target], state.ee_pose)
        return fetch(state, grasp)

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """High above the table and between the fingers."""
        target = role(spec, "target")
        high = self._height(spec, state) > HIGH
        return high and holding(state, target) and on_table(spec, state)

    def _height(self, spec: SceneSpec, state: State) -> float:
        """Of the object's lowest point (m)."""
        target = role(spec, "target")
        at = state.body_pose[target]
        return float(at[2]) - below(spec.bodies[target].shape, at)
