"""Top-down grasps: the tool points down and its fingers close along a horizontal axis."""

from __future__ import annotations

import numpy as np

from robokiln.assets import height
from robokiln.geometry import matrix_to_quat, pose, quat_to_matrix
from robokiln.types import Array, Shape

LOWEST = 0.012
"""Tool height (m) at which the fingertips clear the table."""
REACH = 0.032
"""How far (m) below a body's top the tool may go before the palm is near."""
UPRIGHT = 0.7
"""Cosine above which an axis counts as vertical."""


def down(position: Array, yaw: float) -> Array:
    """A tool pose [7] at `position` that points down, turned by `yaw` from facing forward."""
    c, s = np.cos(yaw), np.sin(yaw)
    matrix = np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])
    return pose(position, matrix_to_quat(matrix))


def yaw_of(tool: Array) -> float:
    """The yaw of a tool pose [7] that points roughly down."""
    x = quat_to_matrix(tool[3:])[:, 0]
    return float(np.arctan2(x[1], x[0]))


def top_down(shape: Shape, body: Array, tool: Array) -> Array:
    """The grasp pose [7] of a body at pose [7] that needs the least turning from the tool pose."""
    rotation = quat_to_matrix(body[3:])
    half = _half_height(shape, rotation)
    z = max(body[2], body[2] + half - REACH, LOWEST)
    return down(np.array([body[0], body[1], z]), _nearest(shape, rotation, yaw_of(tool)))


def _half_height(shape: Shape, rotation: Array) -> float:
    if shape.kind == "box":
        half = np.array([shape.size[k] for k in "xyz"]) / 2
        return float(np.abs(rotation[2]) @ half)
    upright = abs(rotation[2, 2]) > UPRIGHT
    return height(shape) / 2 if upright else shape.size["radius"]


def _nearest(shape: Shape, rotation: Array, now: float) -> float:
    """Yaw for a grasp; 0 where the body is round seen from above, since any would do."""
    if shape.kind == "box":
        side = next(rotation[:, k] for k in range(3) if abs(rotation[2, k]) < UPRIGHT)
        angle, turn = np.arctan2(side[1], side[0]), np.pi / 2
    elif shape.kind != "sphere" and abs(rotation[2, 2]) < UPRIGHT:
        # Fingers close along the tool's y axis: across the body's axis when x lies along it.
        angle, turn = np.arctan2(rotation[1, 2], rotation[0, 2]), np.pi
    else:
        return 0.0
    return float(angle + turn * np.round((now - angle) / turn))
