"""Pour what is in the cup into the named bowl, and set the cup down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robokiln.assets import footprint, height
from robokiln.geometry import pose, pose_tuple, quat_to_matrix
from robokiln.scene.config import SceneConfig
from robokiln.scene.grasps import facing
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import Area, Item, area, place, scene
from robokiln.scene.objects import body, draw_colors
from robokiln.scene.robots import Robot
from robokiln.scene.skills import back_off, fetch, holding, role
from robokiln.scene.tasks.base import TableTask, on_table, released, still, upright
from robokiln.types import Array, Body, SceneSpec, Shape, Skill, State

SHARE = 0.85
"""Of the pellets that must arrive."""
PITCH = 1.1
"""How far (rad) below the horizontal the tool points at an upright cup, which it takes from the
right across its nearer and its farther side. Tilting the cup to the left turns the tool on through
the vertical: the fingers are never below the mouth, and the arm has the room to turn so far."""
GRIP = 0.022
"""How far (m) below its rim the cup is held."""
OVER = 0.022
"""How far (m) above a bowl's rim the bottom of an upright cup passes."""
SLACK = 0.012
"""How much (m) lower it may be when it sets out."""
BEFORE = 0.025
"""How far (m) short of the bowl's middle the mouth is tilted: pellets fly on."""
TILT, TURN = 2.1, 0.15
"""How far (rad) the cup is tilted, and how far ahead of where it is its target turns."""
APART = 0.045
"""Metres between the cup and other things where it is set down."""
ROOM = 0.05
"""Metres about the cup for the open fingers."""
MIDDLE, HALF = np.array([0.52, 0.0]), np.array([0.14, 0.24])
"""Where the cup may be set down (m): middle and half sides of a rectangle."""
COUNT = 12
WALL, TAPER = 0.0035, 0.96
PHRASINGS = Phrasings(
    seen=(
        "pour the {target} into the {goal}",
        "empty the {target} into the {goal}",
        "pour the contents of the {target} into the {goal}",
        "pour what is in the {target} into the {goal}",
        "tip the {target} out into the {goal}",
        "fill the {goal} from the {target}",
    ),
    held_out=(
        "transfer the contents of the {target} to the {goal}",
        "turn the {target} over above the {goal}",
        "let what the {target} holds fall into the {goal}",
    ),
)


@dataclass(frozen=True)
class Pour(TableTask):
    """A cup with a dozen pellets, and two bowls."""

    name: str = "pour"
    phases: tuple[str, ...] = ("approach", "grasp", "lift", "move", "pour", "place", "retreat")
    horizon: float = 16.0
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "85 % of the pellets lie in the bowl, and the cup stands on the table, let go"
    )
    joints: ClassVar[int] = 7  # a UR5e, which has six, spills or drops the cup in most attempts

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """D0 is 0.20 x 0.36 m, D1 0.26 x 0.44 m."""
        where = area(robot, 0.2, 0.36) if ranges == "D0" else area(robot, 0.26, 0.44)
        return {"target": where, "goal": where}

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """The pellets lie on the cup's bottom, in rings."""
        where = self.ranges(robot, config.ranges)["target"]
        cup = _drawn(rng, "cup", (0.030, 0.0315), (0.075, 0.082), wall=WALL, taper=TAPER)
        bowls = [_drawn(rng, "bowl", (0.068, 0.078), (0.038, 0.044)) for _ in range(2)]
        items = [Item(footprint(s), ROOM if s is cup else 0.02, where) for s in (cup, *bowls)]
        centres = place(rng, items)
        colors = draw_colors(rng, config.colors)
        bodies = [
            body(rng, f"{shape.kind}_{i}", shape, centre, where, colors[i])
            for i, (shape, centre) in enumerate(zip((cup, *bowls), centres, strict=True))
        ]
        goal = {"target": bodies[0].name, "goal": bodies[1].name}
        return scene(self.name, rng, robot, [*bodies, *_pellets(rng, bodies[0])], goal)

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """The other bowl."""
        for found in spec.bodies:
            if found.shape.kind == "bowl" and found.name != spec.goal["goal"]:
                yield {**spec.goal, "goal": found.name}

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """Take the cup, tilt it over the bowl until it is empty, and set it down beside it."""
        cup = role(spec, "target")
        if not holding(state, cup):
            if self._poured(spec, state) and upright(state, cup):
                return back_off(state)
            return fetch(state, _grasp(spec, state), hover=0.09)
        if _count(spec, state, "target"):
            return _pour(spec, state)
        return _set_down(spec, state)

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """Enough lies in the bowl, and the cup stands on the table, let go."""
        cup, bowl = role(spec, "target"), role(spec, "goal")
        low = state.body_pose[cup, 2] < height(spec.bodies[cup].shape) / 2 + 0.006
        stands = low and upright(state, cup) and upright(state, bowl) and released(state, cup)
        resting = still(state, cup, bowl) and bool(
            (np.abs(state.body_velocity[_indices(spec)]) < 0.02).all()
        )
        return stands and resting and self._poured(spec, state) and on_table(spec, state)

    def _poured(self, spec: SceneSpec, state: State) -> bool:
        return _count(spec, state, "goal") >= SHARE * len(_indices(spec))


def _drawn(
    rng: np.random.Generator,
    kind: str,
    radius: tuple[float, float],
    tall: tuple[float, float],
    **style: float,
) -> Shape:
    size = {"radius": rng.uniform(*radius), "height": rng.uniform(*tall)}
    return Shape(kind, {k: round(float(v), 4) for k, v in size.items()} | style)


def _pellets(rng: np.random.Generator, cup: Body) -> Iterator[Body]:
    """One layer on the bottom, where nothing moves until the cup does."""
    radius = round(float(rng.uniform(0.005, 0.0055)), 4)
    mass = round(float(rng.uniform(0.002, 0.003)), 4)
    size, bottom = cup.shape.size, cup.pose[2] - height(cup.shape) / 2
    places = _rings(
        TAPER * size["radius"] - WALL - 0.0006, radius + 0.0001, float(rng.uniform(0, 6))
    )
    for i, (x, y) in enumerate(places[:COUNT]):
        where = pose((cup.pose[0] + x, cup.pose[1] + y, bottom + WALL + radius), (0, 0, 0, 1))
        yield Body(f"pellet_{i}", Shape("sphere", {"radius": radius}), pose_tuple(where), mass, 0.5)


def _rings(inside: float, radius: float, turn: float) -> list[tuple[float, float]]:
    """Where circles of this radius have room side by side in a circle, from the wall inwards."""
    found: list[tuple[float, float]] = []
    out = inside - radius
    while out > radius:
        count = int(np.pi / np.arcsin(radius / out))
        angles = turn + 2 * np.pi * np.arange(count) / count
        found += [(float(out * np.cos(a)), float(out * np.sin(a))) for a in angles]
        out -= 2 * radius
    return [*found, (0.0, 0.0)] if out >= 0 else found


def _indices(spec: SceneSpec) -> list[int]:
    return [i for i, b in enumerate(spec.bodies) if b.name.startswith("pellet")]


def _count(spec: SceneSpec, state: State, name: str) -> int:
    """How many pellets' middles are within the wall and under the rim of a role's body."""
    index = role(spec, name)
    shape, at = spec.bodies[index].shape, state.body_pose[index]
    away = (state.body_pose[_indices(spec), :3] - at[:3]) @ quat_to_matrix(at[3:])
    level = np.abs(away[:, 2]) < height(shape) / 2
    return int((level & (np.hypot(away[:, 0], away[:, 1]) < footprint(shape))).sum())


def _side(point: Array) -> float:
    """The yaw of a tool that points to the left, across the line from the base to a point."""
    return float(np.arctan2(point[1], point[0])) + np.pi / 2


def _grasp(spec: SceneSpec, state: State) -> Array:
    cup = role(spec, "target")
    at = state.body_pose[cup]
    rim = quat_to_matrix(at[3:])[:, 2] * (height(spec.bodies[cup].shape) / 2 - GRIP)
    return facing(at[:3] + rim, _side(at), PITCH)


def _tilted(state: State, cup: int, point: Array, tilt: float) -> tuple[Array, Array, float]:
    """A tool pose [7] at the tool's position with which the cup would be tilted so far to the left
    of the line from the base to a point; that left [3]; and by how much the cup is now."""
    yaw, tool = _side(point), state.ee_pose
    left = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    up, out = quat_to_matrix(state.body_pose[cup, 3:])[:, 2], quat_to_matrix(tool[3:])[:, 2]
    now = float(np.arctan2(up @ left, up[2]))
    pitch = float(np.arctan2(-out[2], out @ left))
    return facing(tool[:3], yaw, pitch + tilt - now), left, now


def _pour(spec: SceneSpec, state: State) -> Skill:
    """Carry the cup upright until its mouth is over the bowl, then tilt it about its mouth."""
    cup, bowl = role(spec, "target"), role(spec, "goal")
    tool, above = state.ee_pose, _travel(spec, state)
    middle = state.body_pose[bowl, :3]
    upright_pose, left, now = _tilted(state, cup, middle, 0.0)
    offset = (middle - BEFORE * left - _mouth(spec, state))[:2]
    away = float(np.hypot(*offset))
    if away > 0.05:
        if tool[2] < above - SLACK:
            return Skill("lift", pose((*tool[:2], above + SLACK), upright_pose[3:]), 0.0)
        return Skill("move", pose((*(tool[:2] + offset), above), upright_pose[3:]), 0.0)
    return _tilt(spec, state, min(now + TURN, TILT) if away < 0.03 else now)


def _mouth(spec: SceneSpec, state: State) -> Array:
    """The middle [3] of the cup's rim."""
    cup = role(spec, "target")
    at = state.body_pose[cup]
    up: Array = quat_to_matrix(at[3:])[:, 2]
    return at[:3] + up * height(spec.bodies[cup].shape) / 2


def _tilt(spec: SceneSpec, state: State, tilt: float) -> Skill:
    """Turn the cup to this tilt with its mouth where it pours into the bowl."""
    cup, middle = role(spec, "target"), state.body_pose[role(spec, "goal"), :3]
    tool, mouth = state.ee_pose, _mouth(spec, state)
    turned, left, _ = _tilted(state, cup, middle, tilt)
    arm = quat_to_matrix(tool[3:]).T @ (mouth - tool[:3])
    to = (middle - BEFORE * left - quat_to_matrix(turned[3:]) @ arm)[:2]
    return Skill("pour", pose((*to, _travel(spec, state)), turned[3:]), 0.0, noise=0.5)


def _set_down(spec: SceneSpec, state: State) -> Skill:
    """Turn the empty cup upright where it is, then lower it beside the bowl and let go."""
    cup, tool = role(spec, "target"), state.ee_pose
    at, half = state.body_pose[cup], height(spec.bodies[cup].shape) / 2
    spot = _spot(spec, state)
    level, _, now = _tilted(state, cup, spot, 0.0)
    if abs(now) > 0.3:
        return _tilt(spec, state, max(0.0, now - TURN))
    offset = np.array([*(spot - at[:2]), half - at[2]])
    away = float(np.hypot(*offset[:2]))
    if away < 0.012 and offset[2] > -0.006:
        return Skill("place", tool.copy(), 1.0)
    above, low = max(_travel(spec, state), float(tool[2])), float(tool[2] + offset[2])
    to = (*(tool[:2] + offset[:2]), min(above, low + max(0.0, 4 * (away - 0.008))))
    phase, noise = ("place", 0.5) if away < 0.04 else ("move", 1.0)
    return Skill(phase, pose(to, level[3:]), 0.0, noise=noise)


def _travel(spec: SceneSpec, state: State) -> float:
    """The tool's height (m) with which an upright cup passes over every bowl."""
    rim = max(height(b.shape) for b in spec.bodies if b.shape.kind == "bowl")
    cup = spec.bodies[role(spec, "target")].shape
    return rim + OVER + height(cup) - GRIP


def _spot(spec: SceneSpec, state: State) -> Array:
    """Where [2] to set the cup down: beside the bowl, clear of everything, near the tool."""
    bowl, cup = role(spec, "goal"), role(spec, "target")
    distance = footprint(spec.bodies[bowl].shape) + footprint(spec.bodies[cup].shape) + APART
    turns = 2 * np.pi * np.arange(16) / 16
    around = np.stack([np.cos(turns), np.sin(turns)], -1)
    spots = state.body_pose[bowl, :2] + distance * around
    others = [i for i, b in enumerate(spec.bodies) if b.mass > 0 and i not in (cup, bowl)]
    at, sizes = state.body_pose[others, :2], [footprint(spec.bodies[i].shape) for i in others]
    poured = np.hypot(*(at - state.body_pose[bowl, :2]).T) < footprint(spec.bodies[bowl].shape)
    gaps = np.hypot(*(spots[:, None] - at).T).T - sizes - footprint(spec.bodies[cup].shape) - APART
    crowded = np.maximum(0.0, -np.where(poured, np.inf, gaps).min(axis=1))
    beyond = np.maximum(0.0, np.abs(spots - MIDDLE) - HALF).max(axis=1)
    away = np.hypot(*(spots - state.ee_pose[:2]).T)
    return spots[int(np.argmin(away + 10 * (crowded + beyond)))]
