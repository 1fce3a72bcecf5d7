"""Sort blocks of two colours into the containers of the same two colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from robokiln.assets import FAMILIES, footprint, height
from robokiln.scene.config import SceneConfig
from robokiln.scene.extent import below
from robokiln.scene.grasps import top_down, yaw_of
from robokiln.scene.language import Phrasings, describe, into, plural, understood
from robokiln.scene.layout import Area, Item, area, place, scene
from robokiln.scene.objects import body, draw_colors
from robokiln.scene.robots import Robot
from robokiln.scene.skills import carry, fetch, holding, retreat
from robokiln.scene.tasks.base import TableTask, inside, on_table, released, still, upright
from robokiln.types import Array, RobokilnError, SceneSpec, Shape, Skill, State

ROOM = 0.05
"""Metres between blocks, for open fingers."""
HOVER = 0.09
"""How far (m) above a grasp the fingers pass over blocks and containers."""
RING = 0.032
"""How far (m) from a container's middle blocks are put down."""
SWEEP, WIDTH = 0.062, 0.014
"""Half of what opening fingers take (m), along the axis on which they move and across it."""
NEAR = 0.06
"""How far (m) above a block's middle open fingers are clear of it."""
MASS = (0.04, 0.12)

PHRASINGS = Phrasings(
    seen=(
        "sort the {objects} by color {into} the {containers}",
        "sort all {objects} {into} the {containers} of the same color",
        "put the {objects} {into} the {containers} that match their color",
        "place all {objects} {into} the {containers} of their color",
        "move the {objects} {into} the {containers} of the same color",
        "the {objects} go {into} the {containers} of the same color",
    ),
    held_out=(
        "tidy the {objects} {into} the {containers} by color",
        "all {objects} belong {into} the {containers} of their own color",
        "divide the {objects} by color and put them {into} the {containers}",
    ),
)
ONE_COLOR = Phrasings(
    seen=(
        "put only the {objects} of its own color {into} the {goal}",
        "move nothing but the {objects} of its own color {into} the {goal}",
    ),
    held_out=("only the {objects} of its own color go {into} the {goal}",),
)
"""Of instructions that ask for less: one colour."""


@dataclass(frozen=True)
class SortByColour(TableTask):
    """3 to 4 blocks, one or two of each colour; two plates, or trays and plates if unseen."""

    name: str = "sort_by_colour"
    phases: tuple[str, ...] = ("approach", "grasp", "lift", "move", "place", "retreat")
    horizon: float = 28.0
    space: ClassVar[float] = 0.08
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "every block is inside the container of its color, let go and at rest"
    )

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """D0 is 0.31 x 0.42 m, D1 0.40 x 0.50 m."""
        where = area(robot, 0.31, 0.42) if ranges == "D0" else area(robot, 0.4, 0.5)
        return {"target": where, "goal": where}

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """The first block is the target, and the container of its colour the goal."""
        where = self.ranges(robot, config.ranges)["target"]
        first, second = draw_colors(rng, config.colors)[:2]
        colors = [first, second, *([first, second] if rng.random() < 0.5 else [first])]
        blocks = [_block(rng) for _ in colors]
        containers = _containers(rng, config.shapes)
        shapes = [blocks[0], containers[0], containers[1], *blocks[1:]]
        names = ["block_0", "container_0", "container_1", *(f"block_{i}" for i in range(1, 4))]
        paints = [colors[0], first, second, *colors[1:]]
        items = [Item(footprint(s), ROOM if s.kind == "box" else 0.03, where) for s in shapes]
        bodies = [
            body(rng, name, shape, centre, where, color, MASS if shape.kind == "box" else None)
            for name, shape, centre, color in zip(
                names, shapes, place(rng, items), paints, strict=False
            )
        ]
        goal = {"target": "block_0", "goal": "container_0"}
        return scene(self.name, rng, robot, bodies, goal)

    def instruction(self, spec: SceneSpec, rng: np.random.Generator, config: SceneConfig) -> str:
        """One of several phrasings; every block and every container in the scene is meant."""
        return self.phrasings.choose(rng, config.phrasings == "held_out").format(
            into=_into(spec), **_literals(spec, rng, config)
        )

    def named(self, spec: SceneSpec) -> Mapping[str, tuple[str, ...]]:
        """Of the words for one color, the container; else all are meant, by no role."""
        try:
            return super().named(spec)
        except RobokilnError:
            return understood(spec.instruction, ONE_COLOR, spec)

    def swapped(self, spec: SceneSpec, rng: np.random.Generator, config: SceneConfig) -> SceneSpec:
        """One colour alone is asked for, and the other is to be left."""
        names = [spec.bodies[i].name for i in _indices(spec, containers=True)]
        name = names[int(rng.integers(len(names)))]
        goal = describe(spec, name, rng, config.references == "rich")
        words = {"into": _into(spec), "goal": goal, **_literals(spec, rng, config)}
        template = ONE_COLOR.choose(rng, config.phrasings == "held_out")
        words.pop("containers")
        return replace(spec, instruction=template.format(**words))

    def told(self, spec: SceneSpec) -> SceneSpec:
        """Of the words for one color, with the container as the role "only"."""
        goal = self.named(spec).get("goal")
        if goal is None:
            return spec
        if len(goal) != 1:
            raise RobokilnError(f"language: '{spec.instruction}': expected one goal")
        return replace(spec, goal={**spec.goal, "only": goal[0]})

    def parts(self, spec: SceneSpec, state: State) -> Mapping[str, bool]:
        """Every block, or those of one color alone."""
        return {spec.bodies[i].name: _sorted(spec, state, i) for i in self._meant(spec)}

    def destination(self, spec: SceneSpec, part: str) -> str:
        """The container of its color."""
        return spec.bodies[_home(spec, spec.index(part))].name

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """A block that is held goes first, then the first that isn't where it belongs."""
        left = [i for i in self._meant(spec) if not _sorted(spec, state, i)]
        for block in sorted(left, key=lambda i: not holding(state, i)):
            shape, at = spec.bodies[block].shape, state.body_pose[block]
            if holding(state, block):
                return carry(state, at, _spot(spec, state, block), reach=0.008, drop=0.006)
            if any(_about(state, i, block) for i in self._meant(spec) if i not in left):
                return retreat(state)
            return fetch(state, top_down(shape, at, state.ee_pose), hover=HOVER)
        return retreat(state)

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """All blocks are in the container of their color, let go and at rest; where one color alone
        is meant, the others are in none."""
        blocks, containers = _indices(spec), _indices(spec, containers=True)
        meant = self._meant(spec)
        done = all(_sorted(spec, state, i) for i in meant)
        left = [i for i in blocks if i not in meant]
        done = done and not any(inside(spec, state, i, c) for i in left for c in containers)
        level = all(upright(state, i) for i in containers)
        free = released(state, *blocks) and still(state, *blocks, *containers)
        return done and level and free and on_table(spec, state)

    def _meant(self, spec: SceneSpec) -> list[int]:
        """The blocks that are to be sorted: those of the container "only" if there is one."""
        only = spec.goal.get("only")
        return [i for i in _indices(spec) if only in (None, spec.bodies[_home(spec, i)].name)]


def _indices(spec: SceneSpec, containers: bool = False) -> list[int]:
    """Of the blocks, or of the containers."""
    free = [(i, b) for i, b in enumerate(spec.bodies) if b.mass > 0]
    return [i for i, b in free if (b.shape.kind != "box") == containers]


def _home(spec: SceneSpec, block: int) -> int:
    """The container of a block's color."""
    color = spec.bodies[block].color
    return next(i for i in _indices(spec, containers=True) if spec.bodies[i].color == color)


def _sorted(spec: SceneSpec, state: State, block: int) -> bool:
    return inside(spec, state, block, _home(spec, block)) and not holding(state, block)


def _about(state: State, block: int, wanted: int) -> bool:
    """Whether the fingers would still take a block with them, and are not about the wanted one."""
    offsets = state.ee_pose[:3] - state.body_pose[[block, wanted], :3]
    near, other = np.hypot(offsets[:, 0], offsets[:, 1])
    return bool(near < min(0.06, other) and offsets[0, 2] < NEAR)


def _spot(spec: SceneSpec, state: State, block: int) -> Array:
    """Where [3] in its container a block is put: the nearest place at which the fingers, as they
    are turned now, open without touching another block, or else the farthest from it."""
    home = _home(spec, block)
    held, bowl = state.body_pose[block], state.body_pose[home, :3]
    shape = spec.bodies[home].shape
    others = [i for i in _indices(spec) if i != block]
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    spots = bowl[:2] + RING * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    yaw = yaw_of(state.ee_pose)
    turn = np.array([[np.cos(yaw), np.sin(yaw)], [np.sin(yaw), -np.cos(yaw)]])
    room = np.full(len(spots), 0.05)
    for i in others:
        radius = footprint(spec.bodies[i].shape)
        across, along = np.abs((state.body_pose[i, :2] - spots) @ turn.T).T
        apart = np.maximum(across - WIDTH, along - SWEEP) - radius
        touching = np.hypot(across, along) - radius - footprint(spec.bodies[block].shape)
        room = np.minimum(room, np.minimum(apart, touching))
    away = np.linalg.norm(spots - held[:2], axis=1)
    best = np.argmin(np.where(room > 0, away, 1.0 - room))
    low = bowl[2] - height(shape) / 2 + 0.008 + below(spec.bodies[block].shape, held)
    return np.array([*spots[best], low])


def _block(rng: np.random.Generator) -> Shape:
    return Shape("box", {k: round(float(rng.uniform(0.028, 0.034)), 4) for k in "xyz"})


def _containers(rng: np.random.Generator, objects: str) -> list[Shape]:
    """Two flat ones of one family."""
    flat = [f for f in FAMILIES.values() if {"container", "flat"} <= f.roles]
    fitting = [f for f in flat if f.split == objects]
    family = fitting[int(rng.integers(len(fitting)))]
    return [family.draw(rng) for _ in range(2)]


def _into(spec: SceneSpec) -> str:
    return into(spec.bodies[spec.index(spec.goal["goal"])].shape.kind)


def _literals(spec: SceneSpec, rng: np.random.Generator, config: SceneConfig) -> dict[str, str]:
    """Words for all blocks and for all containers."""
    kind = spec.bodies[spec.index(spec.goal["goal"])].shape.kind
    rich = config.references == "rich"
    blocks = ("blocks", "boxes")[int(rng.integers(2)) if rich else 0]
    general = rich and rng.random() < 0.3
    return {"objects": blocks, "containers": "containers" if general else plural(kind)}
