"""How far a body reaches as it is turned, by the parts that collide."""

from __future__ import annotations

from functools import cache

import numpy as np

from robokiln.assets import Part, collision_parts, footprint
from robokiln.geometry import quat_to_matrix
from robokiln.types import Array, Shape


def reach(shape: Shape, quat: Array, direction: Array) -> float:
    """How far (m) the shape, turned by a quaternion [4], extends from its origin in a unit
    direction [3] of the world."""
    local = quat_to_matrix(quat).T @ direction
    return max(_part_reach(part, local) for part in _parts(shape.kind, tuple(shape.size.items())))


def below(shape: Shape, body: Array) -> float:
    """How far (m) a body at pose [7] extends below its origin."""
    return reach(shape, body[3:], np.array([0.0, 0.0, -1.0]))


def above(shape: Shape, body: Array) -> float:
    """How far (m) a body at pose [7] extends above its origin."""
    return reach(shape, body[3:], np.array([0.0, 0.0, 1.0]))


def over(shape: Shape, at: Array, point: Array, margin: float) -> bool:
    """Whether a point [3] lies above or below the shape at pose [7], by `margin` (m) or more within
    its outline as seen along its own z axis."""
    local = (point - at[:3]) @ quat_to_matrix(at[3:])
    if {"x", "y"} <= shape.size.keys():
        return all(abs(local[k]) <= shape.size["xy"[k]] / 2 - margin for k in range(2))
    return bool(np.hypot(local[0], local[1]) <= footprint(shape) - margin)


@cache
def _parts(kind: str, size: tuple[tuple[str, float], ...]) -> tuple[tuple[Part, Array], ...]:
    parts = collision_parts(Shape(kind, dict(size)))
    return tuple((part, quat_to_matrix(np.array(part.pose[3:]))) for part in parts)


def _part_reach(placed: tuple[Part, Array], direction: Array) -> float:
    """Support of one convex part in a direction of the shape's frame."""
    part, rotation = placed
    local = direction @ rotation
    start = float(direction @ np.array(part.pose[:3]))
    if part.kind == "box":
        return start + float(np.abs(local) @ np.array(part.size))
    radius, length = part.size[0], part.size[1] if len(part.size) == 2 else 0.0
    along = abs(float(local[2])) * length / 2
    if part.kind == "cylinder":
        return start + along + radius * float(np.hypot(local[0], local[1]))
    return start + along + radius
