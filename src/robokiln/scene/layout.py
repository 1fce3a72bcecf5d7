"""Placing things on the table by rejection, and the pieces that every table-top scene shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from robokiln.geometry import pose, pose_tuple, quat_from_axis_angle, quat_from_yaw, quat_multiply
from robokiln.scene.config import START
from robokiln.scene.refused import SceneRefused
from robokiln.scene.robots import Robot
from robokiln.types import Array, Body, PoseTuple, SceneSpec, Shape

TRIES = 200
"""Draws for one body, and redraws of the whole layout, before the scene is refused."""


@dataclass(frozen=True)
class Area:
    """A rectangle on the table in metres, world frame, and how things are turned there (rad)."""

    x: tuple[float, float]
    y: tuple[float, float]
    yaw: tuple[float, float] = (-np.pi, np.pi)

    def draw(self, rng: np.random.Generator) -> Array:
        """A uniform point [2]."""
        return rng.uniform([self.x[0], self.y[0]], [self.x[1], self.y[1]])

    @property
    def size(self) -> float:
        """Square metres."""
        return float(np.ptp(self.x) * np.ptp(self.y))

    def wider(self, margin: float, robot: Robot) -> Area:
        """Larger by a margin (m) on each side, where the robot still reaches."""
        reach = robot.workspace
        (x0, x1), (y0, y1) = self.x, self.y
        return Area(
            (max(x0 - margin, reach.x[0]), min(x1 + margin, reach.x[1])),
            (max(y0 - margin, reach.y[0]), min(y1 + margin, reach.y[1])),
            self.yaw,
        )

    def turn(self, rng: np.random.Generator) -> float:
        """A uniform yaw."""
        return float(rng.uniform(*self.yaw))


def area(robot: Robot, width: float, height: float) -> Area:
    """`width` (m, along x) x `height` (along y) in the middle of where the robot reaches, or as
    much of it as that is; things are turned in any way."""
    reach, middle = robot.workspace, sum(robot.workspace.x) / 2
    return Area(
        (max(reach.x[0], middle - width / 2), min(reach.x[1], middle + width / 2)),
        (max(reach.y[0], -height / 2), min(reach.y[1], height / 2)),
    )


@dataclass(frozen=True)
class Item:
    """Something to be placed: its radius on the table, and the room it wants beyond it."""

    radius: float
    room: float
    area: Area


def furniture(depth: float = 0.9) -> tuple[Body, ...]:
    """The floor and the table, whose top is z = 0, from x = -0.1 m to a depth further."""
    floor = Shape("box", {"x": 4.0, "y": 4.0, "z": 0.02})
    table = Shape("box", {"x": depth, "y": 1.2, "z": 0.04})
    middle = round(depth / 2 - 0.1, 4)
    return (
        Body("floor", floor, (0.5, 0.0, -0.41, 0.0, 0.0, 0.0, 1.0), 0.0, 0.8),
        Body("table", table, (middle, 0.0, -0.02, 0.0, 0.0, 0.0, 1.0), 0.0, 0.8),
    )


def place(rng: np.random.Generator, items: Sequence[Item]) -> Array:
    """Centres [N, 2], uniform in each item's area given that rooms don't overlap.

    Two items keep apart by the larger of their rooms. Raises SceneRefused.
    """
    for _ in range(TRIES):
        found: list[Array] = []
        for item in items:
            centre = _fit(rng, item, found, items)
            if centre is None:
                break
            found.append(centre)
        if len(found) == len(items):
            return np.array(found)
    raise SceneRefused("layout: no room without overlap")


def _fit(
    rng: np.random.Generator, item: Item, found: Sequence[Array], items: Sequence[Item]
) -> Array | None:
    # The first items are redrawn together with the rest rather than squeezed in, so that the
    # pair that matters is uniform over all layouts that fit.
    for _ in range(1 if len(found) < 2 else TRIES):
        centre = item.area.draw(rng)
        gaps = [
            np.linalg.norm(centre - c) - item.radius - o.radius - max(item.room, o.room)
            for c, o in zip(found, items, strict=False)
        ]
        if min(gaps, default=0.0) >= 0:
            return centre
    return None


def standing(centre: Array, height: float, yaw: float) -> PoseTuple:
    """Pose of a body that stands on the table."""
    return pose_tuple(pose((*centre, height / 2), quat_from_yaw(yaw)))


def lying(centre: Array, radius: float, yaw: float) -> PoseTuple:
    """Pose of a body whose own z axis lies along the table, at `yaw`."""
    tilt = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), np.pi / 2)
    return pose_tuple(pose((*centre, radius), quat_multiply(quat_from_yaw(yaw), tilt)))


def scene(
    task: str,
    rng: np.random.Generator,
    robot: Robot,
    bodies: Sequence[Body],
    goal: Mapping[str, str],
    table: float = 0.9,
) -> SceneSpec:
    """A scene on a table so deep (m), without cameras and instruction; the arm starts near home."""
    joints = start_joints(rng, robot, START)
    return SceneSpec(task, robot.name, joints, (*furniture(table), *bodies), (), "", dict(goal))


def start_joints(rng: np.random.Generator, robot: Robot, spread: float) -> tuple[float, ...]:
    """Home with every joint moved by up to `spread` rad."""
    home = np.array(robot.home)
    return tuple(float(q) for q in home + rng.uniform(-spread, spread, len(home)))
