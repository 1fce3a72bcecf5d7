"""Insert the named peg into the hole of the named block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.assets import footprint
from robokiln.geometry import pose, quat_from_yaw, quat_to_matrix
from robokiln.scene.config import SceneConfig
from robokiln.scene.extent import below
from robokiln.scene.grasps import top_down
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import Area, Item, area, place, scene
from robokiln.scene.objects import body, draw_colors
from robokiln.scene.robots import Robot
from robokiln.scene.skills import fetch, holding, insert, retreat, role
from robokiln.scene.tasks.base import TableTask, on_table, released, still, upright
from robokiln.types import Array, SceneSpec, Shape, Skill, State

CLEARANCE = {"D0": 0.002, "D1": 0.001}
"""How much wider (m) the hole is than the peg."""
CHAMFER = 0.001
"""How far (m) off the axis a peg, slimmer at its end, may be to enter: half of what it could."""
DEEP = 0.8
"""Share of the block's height that the peg has to be in."""
MASS = (0.05, 0.12)

PHRASINGS = Phrasings(
    seen=(
        "insert the {target} into the {goal}",
        "put the {target} into the {goal}",
        "plug the {target} into the {goal}",
        "stick the {target} into the {goal}",
        "fit the {target} into the {goal}",
        "the {target} goes into the {goal}",
    ),
    held_out=(
        "slot the {target} into the {goal}",
        "lower the {target} into the {goal}",
        "the {target} belongs in the {goal}",
    ),
)


@dataclass(frozen=True)
class InsertPeg(TableTask):
    """One target among two pegs that fit alike, one goal among 1 to 2 blocks with a hole."""

    name: str = "insert_peg"
    phases: tuple[str, ...] = ("approach", "grasp", "lift", "move", "align", "insert", "retreat")
    horizon: float = 12.0
    points_down: ClassVar[float] = 0.12
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "the peg is in the hole by 80 % of the block's height, upright, let go and at rest"
    )

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """D0 is 0.20 x 0.30 m, D1 0.40 x 0.50 m, where the hole is narrower, too."""
        where = area(robot, 0.2, 0.3) if ranges == "D0" else area(robot, 0.4, 0.5)
        return {"target": where, "goal": where}

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """Every peg and every block has its own color; the blocks are fixed."""
        where = self.ranges(robot, config.ranges)["target"]
        side, tall = round(float(rng.uniform(0.027, 0.034)), 4), rng.uniform(0.086, 0.096)
        hole = round(side + CLEARANCE[config.ranges], 4)
        pegs = [_peg(side, tall + rng.uniform(-0.002, 0.002)) for _ in range(2)]
        sockets = [_socket(rng, hole) for _ in range(int(rng.integers(1, 3)))]
        shapes = [pegs[0], sockets[0], pegs[1], *sockets[1:]]
        names = ("peg_0", "socket_0", "peg_1", "socket_1")
        areas = [where, where, *[where.wider(0.05, robot)] * 2]
        items = [
            Item(footprint(shape), 0.05 if shape.kind == "peg" else 0.02, a)
            for shape, a in zip(shapes, areas, strict=False)
        ]
        centres, colors = place(rng, items), draw_colors(rng, config.colors)
        bodies = [
            body(rng, name, shape, centre, where, color, MASS if shape.kind == "peg" else (0, 0))
            for name, shape, centre, color in zip(names, shapes, centres, colors, strict=False)
        ]
        return scene(self.name, rng, robot, bodies, {"target": "peg_0", "goal": "socket_0"})

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """The other peg, or the other block if there is one."""
        goals = [b.name for b in spec.bodies if b.shape.kind == "socket"]
        both = list(super().others(spec, rng))
        both += [{**spec.goal, "goal": g} for g in goals if g != spec.goal["goal"]]
        yield from (both[i] for i in rng.permutation(len(both)))

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """Grasp from above, line up over the hole, and lower."""
        target, goal = role(spec, "target"), role(spec, "goal")
        held, socket = state.body_pose[target], spec.bodies[goal].shape
        if holding(state, target):
            bottom = state.body_pose[goal, :3].copy()
            bottom[2] += (spec.bodies[target].shape.size["length"] - socket.size["z"]) / 2
            there = pose(bottom, _turned(held, state.body_pose[goal]))
            return insert(state, held, there, socket.size["z"], CHAMFER)
        if _depth(spec, state) > DEEP * socket.size["z"]:
            return retreat(state)
        return fetch(state, top_down(spec.bodies[target].shape, held, state.ee_pose))

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """The tip deep in the hole, the peg upright, at rest and let go."""
        target, goal = role(spec, "target"), role(spec, "goal")
        deep = _depth(spec, state) > DEEP * spec.bodies[goal].shape.size["z"]
        free = released(state, target) and still(state, target)
        return deep and upright(state, target) and free and on_table(spec, state)


def _depth(spec: SceneSpec, state: State) -> float:
    """How far (m) the peg's lowest point is below the rim, 0 unless the peg is over the hole."""
    target, goal = role(spec, "target"), role(spec, "goal")
    held, block, shape = state.body_pose[target], state.body_pose[goal], spec.bodies[goal].shape
    offset = (held[:3] - block[:3]) @ quat_to_matrix(block[3:])
    if np.abs(offset[:2]).max() > shape.size["hole"] / 4:
        return 0.0
    rim = block[2] + shape.size["z"] / 2
    return float(rim - held[2] + below(spec.bodies[target].shape, held))


def _turned(held: Array, block: Array) -> Array:
    """The quaternion [4] of an upright peg in line with the block, turned as little as it takes."""
    now, goal = (np.arctan2(m[1, 0], m[0, 0]) for m in map(quat_to_matrix, (held[3:], block[3:])))
    return quat_from_yaw(float(goal + np.pi / 2 * np.round((now - goal) / (np.pi / 2))))


def _peg(side: float, length: float) -> Shape:
    return Shape("peg", {"side": side, "length": round(float(length), 4)})


def _socket(rng: np.random.Generator, hole: float) -> Shape:
    size = {k: round(float(rng.uniform(0.085, 0.100)), 4) for k in "xy"}
    return Shape("socket", {**size, "z": round(float(rng.uniform(0.028, 0.036)), 4), "hole": hole})
