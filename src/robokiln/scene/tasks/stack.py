"""Stack cubes in the order that is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from robokiln.geometry import quat_to_matrix
from robokiln.scene.config import SceneConfig
from robokiln.scene.grasps import top_down
from robokiln.scene.language import CUBE, Phrasings
from robokiln.scene.layout import Area, Item, area, place, scene
from robokiln.scene.objects import body, draw_colors
from robokiln.scene.robots import Robot
from robokiln.scene.skills import carry, fetch, holding, retreat, role
from robokiln.scene.tasks.base import TableTask, on_table, released, still
from robokiln.types import Array, SceneSpec, Shape, Skill, State

ROOM = 0.045
"""Metres between cubes, for open fingers."""
CLEAR = 0.05
"""How far (m) above a finished stack the fingers pass."""
ABOUT = 0.045
"""How far (m) beside a cube's middle the tool is about it, and not about its neighbour."""
ROLES = ("goal", "target", "top")
"""From the bottom upwards."""
TWO = Phrasings(
    seen=(
        "stack the {target} on the {goal}",
        "put the {target} on top of the {goal}",
        "place the {target} on the {goal}",
        "set the {target} on top of the {goal}",
        "pick up the {target} and stack it on the {goal}",
        "the {target} goes on top of the {goal}",
    ),
    held_out=(
        "build a tower with the {target} above the {goal}",
        "rest the {target} upon the {goal}",
        "move the {target} onto the {goal}",
    ),
)
THREE = Phrasings(
    seen=(
        "stack the {target} on the {goal} and the {top} on the {target}",
        "put the {target} on the {goal}, then the {top} on top",
        "build a tower: the {goal}, then the {target}, then the {top}",
        "place the {target} on top of the {goal} and the {top} above it",
        "stack three cubes with the {goal} below, the {target} between and the {top} above",
        "first the {target} goes on the {goal}, then the {top} on the {target}",
    ),
    held_out=(
        "make a pile of the {goal}, the {target} and the {top}, from the bottom up",
        "the {goal} carries the {target}, which carries the {top}",
        "rest the {target} upon the {goal} and finish with the {top}",
    ),
)


@dataclass(frozen=True)
class Stack(TableTask):
    """Two or three cubes, each in its own color."""

    name: str
    count: int
    horizon: float
    phrasings: Phrasings
    phases: tuple[str, ...] = ("approach", "grasp", "lift", "move", "place", "retreat")
    criterion: ClassVar[str] = "every cube stands level on the one below it, let go and at rest"
    points_down: ClassVar[float] = 0.09
    nouns: ClassVar[Mapping[str, tuple[str, ...]]] = {"box": (CUBE,)}

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """MimicGen's: D0 is 0.16 x 0.16 m for two cubes, 0.20 x 0.20 m for three, D1 0.40 x 0.40 m,
        in any yaw."""
        wide = 0.4 if ranges == "D1" else 0.16 if self.count == 2 else 0.2
        return dict.fromkeys(ROLES[: self.count], area(robot, wide, wide))

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """Cubes of 38 to 46 mm."""
        where = self.ranges(robot, config.ranges)["goal"]
        sides = [round(float(rng.uniform(0.038, 0.046)), 4) for _ in range(self.count)]
        shapes = [Shape("box", dict.fromkeys("xyz", side)) for side in sides]
        centres = place(rng, [Item(side / 2**0.5, ROOM, where) for side in sides])
        colors = draw_colors(rng, config.colors)
        bodies = [
            body(rng, f"cube_{i}", shape, centre, where, colors[i])
            for i, (shape, centre) in enumerate(zip(shapes, centres, strict=True))
        ]
        goal = {name: cube.name for name, cube in zip(ROLES, bodies, strict=False)}
        return scene(self.name, rng, robot, bodies, goal)

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """Upside down."""
        names = [spec.goal[name] for name in ROLES[: self.count]]
        yield dict(zip(ROLES, reversed(names), strict=False))

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """The lowest cube that isn't where it belongs comes next."""
        cubes = self._cubes(spec)
        top = max(state.body_pose[i, 2] + _half(spec, i) for i in cubes)
        stacked: list[Array] = []
        wanted = next((b for a, b in pairwise(cubes) if not _on(spec, state, a, b)), None)
        for lower, upper in pairwise(cubes):
            if _on(spec, state, lower, upper):
                if self._near(spec, state, upper, wanted):
                    return retreat(state)
                stacked.append(state.body_pose[upper])
                continue
            if holding(state, upper):
                point = state.body_pose[lower, :3].copy()
                point[2] += _half(spec, lower) + _half(spec, upper)
                return carry(state, state.body_pose[upper], point, reach=0.006, drop=0.004)
            shape = spec.bodies[upper].shape
            grasp = top_down(shape, state.body_pose[upper], state.ee_pose, stacked)
            return fetch(state, grasp, hover=max(0.07, top + CLEAR - grasp[2]))
        return retreat(state)

    def parts(self, spec: SceneSpec, state: State) -> Mapping[str, bool]:
        """Each cube but the lowest, from below; those on one that is not there are not either."""
        found, there = {}, True
        for lower, upper in pairwise(self._cubes(spec)):
            there = there and _on(spec, state, lower, upper)
            found[spec.bodies[upper].name] = there
        return found

    def destination(self, spec: SceneSpec, part: str) -> str:
        """The cube below."""
        return next(
            spec.goal[lower]
            for lower, upper in pairwise(ROLES[: self.count])
            if spec.goal[upper] == part
        )

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Every cube stands level on the one below, at rest and let go."""
        cubes = self._cubes(spec)
        stacked = all(_on(spec, state, a, b) for a, b in pairwise(cubes))
        free = released(state, *cubes) and still(state, *cubes)
        return stacked and free and on_table(spec, state)

    def _cubes(self, spec: SceneSpec) -> list[int]:
        return [role(spec, name) for name in ROLES[: self.count]]

    def _near(self, spec: SceneSpec, state: State, cube: int, wanted: int | None) -> bool:
        """The fingers are still about a cube, would take it with them, and are not about the wanted
        one."""
        offset = state.ee_pose[:3] - state.body_pose[cube, :3]
        away, low = np.hypot(offset[0], offset[1]), offset[2] < _half(spec, cube) + CLEAR
        other = np.inf
        if wanted is not None:
            other = float(np.linalg.norm(state.ee_pose[:2] - state.body_pose[wanted, :2]))
        return bool(away < min(ABOUT, other) and low)


def _half(spec: SceneSpec, cube: int) -> float:
    return spec.bodies[cube].shape.size["z"] / 2


def _on(spec: SceneSpec, state: State, lower: int, upper: int) -> bool:
    """The upper cube stands level on the lower one and is not held."""
    offset: Array = state.body_pose[upper, :3] - state.body_pose[lower, :3]
    gap = offset[2] - _half(spec, lower) - _half(spec, upper)
    beside = max(abs(float(offset[0])), abs(float(offset[1])))
    centred = np.hypot(offset[0], offset[1]) < 0.8 * _half(spec, lower) and beside < 0.03
    level = _level(state, upper) and _level(state, lower)
    return bool(abs(gap) < 0.006 and centred and level and not holding(state, upper))


def _level(state: State, cube: int) -> bool:
    """Whether the cube stands on a face, whichever it is."""
    return bool(np.abs(quat_to_matrix(state.body_pose[cube, 3:])[2]).max() > 0.97)


STACK_TWO = Stack("stack_two", 2, 8.0, TWO)
STACK_THREE = Stack("stack_three", 3, 16.0, THREE)
