"""Push the named object into the named zone, without grasping it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.assets import footprint
from robokiln.geometry import quat_to_matrix
from robokiln.scene.config import SceneConfig
from robokiln.scene.extent import below, reach
from robokiln.scene.grasps import LOWEST
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import TRIES, Area, Item, area, place, scene
from robokiln.scene.objects import body, draw_colors
from robokiln.scene.refused import SceneRefused
from robokiln.scene.robots import Robot
from robokiln.scene.skills import leave, push, role, touched
from robokiln.scene.tasks.base import TableTask, on_table, released, still, upright
from robokiln.types import Array, Body, SceneSpec, Shape, Skill, State

ROOM = 0.045
"""Metres between objects, for the fingers."""
BEHIND = 0.06
"""How far (m) behind an object the fingers come down."""
WELL_IN = 0.012
"""Metres from the zone's edge at which pushing ends."""
MASS = (0.06, 0.16)
RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "box": {"x": (0.042, 0.052), "y": (0.042, 0.052), "z": (0.022, 0.030)},
    "cylinder": {"radius": (0.024, 0.032), "height": (0.022, 0.030)},
    "prism": {"radius": (0.026, 0.034), "height": (0.022, 0.030)},
}
"""Lower than wide, so that they slide."""
KINDS = {"seen": ("box", "cylinder"), "unseen": ("prism",)}

PHRASINGS = Phrasings(
    seen=(
        "push the {target} into the {goal}",
        "push the {target} to the {goal}",
        "slide the {target} into the {goal}",
        "shove the {target} into the {goal}",
        "move the {target} into the {goal} by pushing it",
        "push the {target} until it is in the {goal}",
    ),
    held_out=(
        "nudge the {target} over to the {goal}",
        "slide the {target} across the table to the {goal}",
        "without lifting it, get the {target} into the {goal}",
    ),
)


@dataclass(frozen=True)
class PushToZone(TableTask):
    """One target among 1 to 2 low objects, one goal among 2 zones."""

    name: str = "push_to_zone"
    phases: tuple[str, ...] = ("approach", "push", "retreat")
    horizon: float = 12.0
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "all of the object is within the zone, upright on the table, let go and at rest"
    )

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """D0 is 0.20 x 0.30 m, D1 0.40 x 0.50 m; the fingers must fit behind the target."""
        where = area(robot, 0.2, 0.3) if ranges == "D0" else area(robot, 0.4, 0.5)
        return {"target": where, "goal": where}

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """Everything has its own color; nothing stands in the target's way."""
        where = self.ranges(robot, config.ranges)["target"]
        objects = int(rng.integers(1, 3))
        shapes = [_low(rng, config.shapes), _zone(rng), _zone(rng)]
        shapes += [_low(rng, config.shapes) for _ in range(objects - 1)]
        areas = [where, where, where.wider(0.05, robot), where.wider(0.08, robot)]
        items = [
            Item(footprint(s), 0.004 if s.kind == "zone" else ROOM if i else 0.01, a)
            for i, (s, a) in enumerate(zip(shapes, areas, strict=False))
        ]
        centres = _free_way(rng, items, robot)
        colors = draw_colors(rng, config.colors)
        names = ("object_0", "zone_0", "zone_1", "object_1")
        bodies = [
            body(rng, name, shape, centre, where, color, (0, 0) if "zone" in name else MASS)
            for name, shape, centre, color in zip(names, shapes, centres, colors, strict=False)
        ]
        return scene(self.name, rng, robot, bodies, {"target": "object_0", "goal": "zone_0"})

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """The other object, if there is one, or the other zone."""
        goals = [{**spec.goal, "goal": b.name} for b in _zones(spec)]
        both = [*super().others(spec, rng), *(g for g in goals if g != spec.goal)]
        yield from (both[i] for i in rng.permutation(len(both)))

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """Behind it, push until it is well within, and away."""
        target, goal = role(spec, "target"), role(spec, "goal")
        at = state.body_pose[target]
        if _margin(spec, state) > (WELL_IN if touched(state, target) else 0.0):
            return leave(state, at)
        radius = footprint(spec.bodies[target].shape)
        return push(state, at, state.body_pose[goal, :3], radius, LOWEST + 0.004)

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """All of it within the zone, upright on the table, at rest and let go; a state doesn't tell
        whether it was lifted on its way."""
        target = role(spec, "target")
        at = state.body_pose[target]
        flat = upright(state, target) and at[2] - below(spec.bodies[target].shape, at) < 0.003
        free = released(state, target) and still(state, target)
        return flat and free and _margin(spec, state) > 0 and on_table(spec, state)


def _margin(spec: SceneSpec, state: State) -> float:
    """How far (m) the target is within the zone, all of it; negative where some sticks out."""
    target, goal = role(spec, "target"), role(spec, "goal")
    at, zone, shape = state.body_pose[target], state.body_pose[goal], spec.bodies[goal].shape
    axes = quat_to_matrix(zone[3:]).T[:2]
    margins = []
    for axis, side in zip(axes, "xy", strict=True):
        half, off = shape.size[side] / 2, float((at[:3] - zone[:3]) @ axis)
        for sign in (1.0, -1.0):
            out = reach(spec.bodies[target].shape, at[3:], sign * axis)
            margins.append(half - sign * off - out)
    return float(min(margins))


def _low(rng: np.random.Generator, objects: str) -> Shape:
    kind = str(rng.choice(KINDS[objects]))
    size = {k: round(float(rng.uniform(*limits)), 4) for k, limits in RANGES[kind].items()}
    return Shape(kind, size | ({"sides": float(rng.choice((6, 8)))} if kind == "prism" else {}))


def _zone(rng: np.random.Generator) -> Shape:
    """A frame on the table, or all of the square."""
    side = round(float(rng.uniform(0.110, 0.130)), 4)
    style = {"frame": round(float(rng.uniform(0.006, 0.012)), 4)} if rng.random() < 0.5 else {}
    return Shape("zone", {"x": side, "y": side, **style})


def _zones(spec: SceneSpec) -> list[Body]:
    return [b for b in spec.bodies if b.shape.kind == "zone"]


def _free_way(rng: np.random.Generator, items: list[Item], robot: Robot) -> Array:
    """Centres [N, 2] such that the fingers fit behind the target, within reach, and that no other
    object is in the way of them or of what they push."""
    for _ in range(TRIES):
        centres = place(rng, items)
        way = centres[1] - centres[0]
        start = centres[0] - (items[0].radius + BEHIND) * way / np.linalg.norm(way)
        low, high = np.array([robot.workspace.x, robot.workspace.y]).T
        if ((start < low - 0.03) | (start > high + 0.03)).any():
            continue
        room = items[0].radius + 0.025
        if all(
            _distance(c, start, centres[1]) > room + i.radius
            for c, i in zip(centres[3:], items[3:], strict=True)
        ):
            return centres
    raise SceneRefused("layout: no room to push")


def _distance(point: Array, a: Array, b: Array) -> float:
    """Of a point [2] from the segment between two others (m)."""
    along = np.clip((point - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    return float(np.linalg.norm(point - a - along * (b - a)))
