"""Top-down grasps: the tool points down and its fingers close along a horizontal axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robokiln.geometry import cross, matrix_to_quat, pose, quat_to_matrix
from robokiln.scene.extent import above
from robokiln.types import Array, Shape

LOWEST = 0.012
"""Tool height (m) at which the fingertips clear the table."""
REACH = 0.032
"""How far (m) below a body's top the tool may go before the palm is near."""
WIDEST = 0.055
"""Metres across which the fingers close without touching on their way down."""
PALM = (0.065, 0.13)
"""Half of what the palm takes (m), and half a cube: across the fingers' axis and along it."""
UPRIGHT = 0.7
"""Cosine above which an axis counts as vertical."""


def down(position: Array, yaw: float) -> Array:
    """A tool pose [7] at `position` that points down, turned by `yaw` from facing forward."""
    c, s = np.cos(yaw), np.sin(yaw)
    matrix = np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])
    return pose(position, matrix_to_quat(matrix))


def yaw_of(tool: Array) -> float:
    """The yaw of a pose's [7] x axis: a body's, or that of a tool that points roughly down."""
    x = quat_to_matrix(tool[3:])[:, 0]
    return float(np.arctan2(x[1], x[0]))


def facing(position: Array, yaw: float, pitch: float) -> Array:
    """A tool pose [7] at `position` that points along `yaw` (rad) and `pitch` down from the
    horizontal; the fingers close sideways. At a pitch of a right angle it is `down`."""
    out = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    aside = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    return pose(position, matrix_to_quat(np.stack([cross(aside, out), aside, out], axis=-1)))


def top_down(shape: Shape, body: Array, tool: Array, beside: Sequence[Array] = ()) -> Array:
    """The grasp pose [7] of a body at pose [7] that needs the least turning from the tool pose, and
    keeps the palm off tall things at the poses `beside` where any does."""
    rotation = quat_to_matrix(body[3:])
    z = max(body[2], body[2] + above(shape, body) - REACH, LOWEST)
    now, away = yaw_of(tool), [other[:2] - body[:2] for other in beside]
    turned = [a + np.pi * np.round((now - a) / np.pi) for a in _across(shape, rotation)]
    # Any would do where the body is round seen from above.
    yaw = min(turned, key=lambda a: (_blocked(a, away), abs(a - now)), default=0.0)
    return down(np.array([body[0], body[1], z]), float(yaw))


def _blocked(yaw: float, offsets: Sequence[Array]) -> bool:
    """Whether the palm of a tool turned so meets things at these offsets [2] from it."""
    c, s = np.cos(yaw), np.sin(yaw)
    across = [(abs(c * x + s * y), abs(s * x - c * y)) for x, y in offsets]
    return any(x < PALM[0] and y < PALM[1] for x, y in across)


def _across(shape: Shape, rotation: Array) -> list[float]:
    """Yaws of tools whose fingers would close across the body, apart from half turns."""
    if shape.kind == "box":
        level = [k for k in range(3) if abs(rotation[2, k]) < UPRIGHT]
        narrow = [k for k in level if shape.size["xyz"[k]] <= WIDEST] or level
        axes = [rotation[:2, k] for k in narrow]
        return [float(np.arctan2(-axis[0], axis[1])) for axis in axes]
    if abs(rotation[2, 2]) < UPRIGHT and shape.kind != "sphere":
        return [float(np.arctan2(rotation[1, 2], rotation[0, 2]))]
    if shape.kind in ("prism", "peg"):
        sides = int(shape.size.get("sides", 4))
        first = float(np.arctan2(rotation[1, 0], rotation[0, 0])) + np.pi / 2
        return [first + 2 * np.pi * k / sides for k in range(sides // 2)]
    return []
