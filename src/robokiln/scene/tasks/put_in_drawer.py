"""Put the named object into the named drawer: open it, put the object in, shut it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from robokiln.assets import footprint
from robokiln.scene.config import SceneConfig
from robokiln.scene.extent import below
from robokiln.scene.furniture import (
    PULLED,
    TABLE,
    away,
    chest,
    draw_fronts,
    held,
    let_go,
    opened,
    slide,
    stand,
    stand_back,
    within,
)
from robokiln.scene.grasps import down, top_down, yaw_of
from robokiln.scene.joints import position
from robokiln.scene.language import Phrasings
from robokiln.scene.layout import TRIES, Area, place, scene
from robokiln.scene.objects import body, draw_colors, draw_shape, item
from robokiln.scene.refused import SceneRefused
from robokiln.scene.robots import Robot
from robokiln.scene.skills import carry, fetch, holding, role
from robokiln.scene.tasks.base import TableTask, on_table
from robokiln.scene.tasks.close_drawer import BEYOND, ENOUGH, SHUT
from robokiln.scene.tasks.fronts import at_rest, other
from robokiln.types import Array, Body, SceneSpec, Shape, Skill, State

OPEN, WIDE, BEYOND_WIDE = 0.88, 0.95, 1.05
"""Shares of its travel: as long as it is held a drawer is opened to the second, by pulling towards
the third, and when it is not held, the first is enough."""
FRONT = 0.038
"""How far (m) behind a drawer's front things are put, clear of the handle above."""
DEEP = 0.024
"""How far (m) below a drawer's rim the tool goes with the palm above it."""
PASS = 0.07
"""Metres above a rim at which the tool passes."""
ROOM = 0.10
"""Metres that objects keep from an open drawer, for the hand that takes them."""
PHRASINGS = Phrasings(
    seen=(
        "put the {target} into the {goal} and close it",
        "open the {goal}, put the {target} inside and close it again",
        "place the {target} in the {goal} and shut it",
        "put the {target} away in the {goal}",
        "store the {target} in the {goal} and push it shut",
        "the {target} goes into the {goal}, which should be closed afterwards",
    ),
    held_out=(
        "tidy the {target} away into the {goal}",
        "hide the {target} in the {goal} and close it",
        "leave the {target} shut away in the {goal}",
    ),
)


@dataclass(frozen=True)
class PutInDrawer(TableTask):
    """One of 2 to 3 objects, one of two drawers."""

    name: str = "put_in_drawer"
    phases: tuple[str, ...] = (
        "approach", "grasp", "pull", "lift", "move", "place", "push", "retreat",
    )  # fmt: skip
    horizon: float = 18.0
    phrasings: Phrasings = PHRASINGS
    criterion: ClassVar[str] = (
        "the object is within the drawer, the drawer shut, both let go and at rest, as is the arm"
    )
    joints: ClassVar[int] = 6
    from_side: ClassVar[bool] = True

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """Objects before the chest: D0 is 0.09 x 0.40 m, D1 0.14 x 0.50 m and beside it as well.
        The chest is farther away than in the other tasks."""
        x, y = robot.workspace.x[0], robot.workspace.y[1]
        objects = Area((x, x + 0.09), (0.05 - y, y - 0.05)) if ranges == "D0" else Area(
            (x, x + 0.14), (-y, y)
        )  # fmt: skip
        return {"target": objects, "cabinet": _stand(robot, ranges)}

    def sample(self, rng: np.random.Generator, robot: Robot, config: SceneConfig) -> SceneSpec:
        """Objects in a color each, clear of where the drawers open to."""
        goal = int(rng.integers(2))
        shares = (rng.uniform(0.0, 0.15, 2) * [1, goal]).tolist()
        fronts = draw_fronts(rng, config.colors)
        chest_ = chest(rng, _stand(robot, config.ranges), fronts, shares)
        where = self.ranges(robot, config.ranges)["target"]
        roles = ["target"] + ["object"] * int(rng.integers(1, 3))
        shapes = [draw_shape(rng, "target", config.shapes) for _ in roles]
        centres = _clear_of(rng, chest_, shapes, where)
        colors = draw_colors(rng, config.colors)
        objects = [
            body(rng, f"{role}_{i}", shape, centre, where, colors[i])
            for i, (role, shape, centre) in enumerate(zip(roles, shapes, centres, strict=True))
        ]
        named = {"target": objects[0].name, "goal": f"drawer_{goal}", "cabinet": "cabinet"}
        return scene(self.name, rng, robot, [*chest_, *objects], named, TABLE)

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """Another object and the other drawer."""
        free = [b.name for b in spec.bodies if b.mass > 0 and b.joint is None]
        for name in rng.permutation([n for n in free if n != spec.goal["target"]]):
            yield {**spec.goal, "target": str(name), "goal": other(spec, spec.goal["goal"])}

    def next_skill(self, spec: SceneSpec, state: State) -> Skill:
        """Open, fetch, place, shut."""
        target, drawer = role(spec, "target"), role(spec, "goal")
        share, at_handle = opened(spec, state, drawer), held(spec, state, drawer)
        if holding(state, target):
            return self._place(spec, state, share)
        if inside(spec, state, target, drawer):
            if position(spec, state, spec.goal["goal"]) < ENOUGH:
                return stand_back(spec, state, drawer)
            return slide(spec, state, drawer, BEYOND, "push")
        if share < (WIDE if at_handle else OPEN):
            return slide(spec, state, drawer, BEYOND_WIDE, "pull")
        if away(spec, state, drawer) < 0.08:
            return let_go(state)
        grasp = top_down(spec.bodies[target].shape, state.body_pose[target], state.ee_pose)
        return fetch(state, grasp, hover=_rim(spec, state, drawer) + PASS - grasp[2])

    def _place(self, spec: SceneSpec, state: State, share: float) -> Skill:
        """Over the drawer's front into it, or back onto the table where the drawer is not open."""
        target, drawer = role(spec, "target"), role(spec, "goal")
        now = state.body_pose[target]
        hang = state.ee_pose[2] - now[2]
        if share < OPEN - 0.1:
            low = below(spec.bodies[target].shape, now)
            return carry(state, now, np.array([now[0], now[1], low]))
        size, turn = spec.bodies[drawer].shape.size, state.body_pose[drawer]
        ahead = np.array([np.cos(yaw_of(turn)), np.sin(yaw_of(turn)), 0.0])
        point = turn[:3] + (size["wall"] + FRONT - size["x"] / 2) * ahead
        rim = _rim(spec, state, drawer)
        point[2] = rim - DEEP - hang
        spin = (yaw_of(turn) - yaw_of(state.ee_pose) + np.pi / 2) % np.pi - np.pi / 2
        skill = carry(state, now, point, spin, reach=0.012, height=rim + PASS + hang)
        if skill.gripper > 0:
            return skill
        # Far from home the arm lags, and a hand that has tilted would meet the drawer's walls.
        return replace(skill, pose=down(skill.pose[:3], yaw_of(state.ee_pose) + spin))

    def satisfied(self, spec: SceneSpec, state: State) -> bool:
        """In the shut drawer, both let go and at rest."""
        target, drawer = role(spec, "target"), role(spec, "goal")
        is_shut = abs(position(spec, state, spec.goal["goal"])) <= SHUT
        done = is_shut and inside(spec, state, target, drawer)
        return done and at_rest(state, target, drawer) and on_table(spec, state)


def inside(spec: SceneSpec, state: State, target: int, drawer: int) -> bool:
    """The target's centre is between a drawer's walls and below its rim."""
    size = spec.bodies[drawer].shape.size
    offset = np.abs(within(state, drawer, state.body_pose[target, :3]))
    room = np.array([size["x"] / 2 - size["wall"], size["y"] / 2 - size["wall"], size["z"] / 2])
    return bool((offset < room).all())


def _rim(spec: SceneSpec, state: State, drawer: int) -> float:
    return float(state.body_pose[drawer, 2] + spec.bodies[drawer].shape.size["z"] / 2)


def _stand(robot: Robot, ranges: str) -> Area:
    return stand(robot, ranges, 0.05)


def _clear_of(
    rng: np.random.Generator, chest_: list[Body], shapes: list[Shape], where: Area
) -> Array:
    """Centres [N, 2] of objects that keep away from the chest and its open drawers."""
    cabinet, drawer = next(b for b in chest_ if b.name == "cabinet"), chest_[-1].shape.size
    c, s = np.cos(yaw_of(np.array(cabinet.pose))), np.sin(yaw_of(np.array(cabinet.pose)))
    front = -cabinet.shape.size["x"] / 2 - PULLED * drawer["x"] - drawer["reach"]
    for _ in range(TRIES):
        centres = place(rng, [item("target", shape, where) for shape in shapes])
        along = (centres - cabinet.pose[:2]) @ np.array([[c, -s], [s, c]])
        room = ROOM + np.array([footprint(shape) for shape in shapes])
        before = along[:, 0] < front - room
        aside = np.abs(along[:, 1]) > cabinet.shape.size["y"] / 2 + room
        if (before | aside).all():
            return centres
    raise SceneRefused("layout: no room beside the furniture")
