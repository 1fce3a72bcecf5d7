"""Put the named object into the named container, among others that are to stay where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.assets import height
from robokiln.scene.config import SceneConfig
from robokiln.scene.extent import below
from robokiln.scene.grasps import LOWEST, top_down
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import Area, area, place, scene
from robokiln.scene.objects import body, draw_colors, draw_shape, is_a, item
from robokiln.scene.robots import Robot
from robokiln.scene.skills import carry, fetch, holding, retreat, role
from robokiln.scene.tasks.base import TableTask, inside, on_table, released, still, upright
from robokiln.types import SceneSpec, Skill, State

MARGIN = 0.03
"""Metres by which distractors may stand outside the area of target and goal, on each side."""

PHRASINGS = Phrasings(
    seen=(
        "put the {target} {into} the {goal}",
        "place the {target} {into} the {goal}",
        "move the {target} {into} the {goal}",
        "pick up the {target} and put it {into} the {goal}",
        "take the {target} and place it {into} the {goal}",
        "the {target} goes {into} the {goal}",
    ),
    held_out=(
        "transfer the {target} {into} the {goal}",
        "grab the {target} and drop it {into} the {goal}",
        "the {target} belongs {into} the {goal}",
    ),
)


ROOMY = 0.1
"""Square metres in which all of them find room."""


@dataclass(frozen=True)
class PickPlace(TableTask):
    """One target among 2 to 5 objects, one goal among 1 to 2 containers; fewer where the robot
    reaches little of the table."""

    name: str = "pick_place"
    phases: tuple[str, ...] = ("approach", "grasp", "lift", "move", "place", "retreat")
    horizon: float = 7.5
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "the target is inside the container, let go and at rest, the container upright"
    )

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """D0 is 0.31 x 0.42 m, D1 0.40 x 0.50 m."""
        where = area(robot, 0.31, 0.42) if ranges == "D0" else area(robot, 0.4, 0.5)
        return {"target": where, "goal": where}

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """Every object and container has its own color."""
        where = self.ranges(robot, config.ranges)["target"]
        roomy = where.size > ROOMY
        objects = int(rng.integers(2, 6)) if roomy else 2
        containers = int(rng.integers(1, 3)) if roomy else 1
        colors = draw_colors(rng, config.colors)
        roles = ["target", "goal"] + ["container"] * (containers - 1) + ["object"] * (objects - 1)
        shapes = [draw_shape(rng, role, config.shapes) for role in roles]
        areas = [where.wider(MARGIN, robot) if role == "object" else where for role in roles]
        items = [item(r, s, a) for r, s, a in zip(roles, shapes, areas, strict=True)]
        bodies = [
            body(rng, f"{role}_{i}", shape, centre, where, colors[i])
            for i, (role, shape, centre) in enumerate(
                zip(roles, shapes, place(rng, items), strict=True)
            )
        ]
        goal = {"target": bodies[0].name, "goal": bodies[1].name}
        return scene(self.name, rng, robot, bodies, goal)

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """Another object, one that could be a target if there is any, and the other container
        where there is one."""
        rest = [b for b in spec.bodies if b.mass > 0 and b.name not in spec.goal.values()]
        goals = [b.name for b in rest if is_a(b.shape, "goal")] or [spec.goal["goal"]]
        objects = [b for b in rest if not is_a(b.shape, "goal")]
        targets = [b for b in objects if is_a(b.shape, "target")] or objects
        for i in rng.permutation(len(targets)):
            yield {"target": targets[i].name, "goal": goals[0]}

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """Approach, grasp, lift, move, place, retreat; chosen from the state alone."""
        target, goal = role(spec, "target"), role(spec, "goal")
        shape, held, bowl = spec.bodies[target].shape, state.body_pose[target], spec.bodies[goal]
        if holding(state, target):
            half = height(bowl.shape) / 2
            low = below(shape, held)
            hang = state.ee_pose[2] - held[2]
            # Into the bowl as far as the fingers get, and not deeper than needed.
            bottom = max(-half + 0.016 + low, half - 0.012 - hang)
            point = state.body_pose[goal, :3] + [0.0, 0.0, bottom]
            point[2] = max(point[2], LOWEST + 0.01 - hang)
            return carry(state, held, point)
        if inside(spec, state, target, goal):
            return retreat(state)
        return fetch(state, top_down(shape, held, state.ee_pose))

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Inside, released, at rest, the container upright, and nothing off the table."""
        target, goal = role(spec, "target"), role(spec, "goal")
        done = inside(spec, state, target, goal) and upright(state, goal)
        free = released(state, target) and still(state, target)
        return done and free and on_table(spec, state)
