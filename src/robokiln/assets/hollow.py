"""Hollow shapes of revolution: bowls, cups, plates and mugs, whose walls are rings of boxes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from robokiln.assets.kinds import RECESS, Part, ShapeKind, Size, first_complaint
from robokiln.assets.meshes import Mesh, merge, revolve, tube
from robokiln.geometry import matrix_to_quat, pose, pose_tuple, quat_from_yaw
from robokiln.types import Array

WALL_PARTS = 12
"""Boxes round the wall of a bowl, a cup or a plate."""
MUG_PARTS = 8
HANDLE_PARTS = 4
WALL = 0.005
"""Thickness of bowls, cups and plates in metres."""
STYLES: dict[str, dict[str, float]] = {
    "bowl": {"foot": 0.45, "curve": 1.0, "wall": WALL},
    "cup": {"taper": 0.80, "wall": WALL},
    "plate": {"foot": 0.62, "well": 0.78, "dip": 0.35, "wall": WALL},
    "mug": {"taper": 0.92, "wall": 0.004, "loop": 0.024, "grip": 0.004},
}
"""Radii over the rim's, and a plate's dip over its height; curve: above 1 a flatter bottom and a
steeper wall; wall, loop (how far the handle's middle stands out) and grip (its radius) in metres.
"""


def wall_outline(kind: str, s: Size) -> Array:
    """Outer wall (r, z) from the foot to the rim, z from 0."""
    r, h = s["radius"], s["height"]
    if kind in ("cup", "mug"):
        return np.array([[s["taper"] * r, 0], [r, h]])
    if kind == "plate":
        return np.array([[s["foot"] * r, 0], [s["well"] * r, s["dip"] * h], [r, h]])
    angle = np.linspace(0, np.pi / 2, 6)
    foot = s["foot"] * r
    return np.stack([foot + (r - foot) * np.sin(angle), h * (1 - np.cos(angle)) ** s["curve"]], -1)


def _profile(kind: str, s: Size) -> Array:
    """Foot, outer wall, rim, and the inner wall back to the axis."""
    wall, outer = s["wall"], wall_outline(kind, s)
    inner = outer[::-1] - [wall, 0]
    inner[:, 1] = np.maximum(inner[:, 1], wall)
    inner[-1, 1] = wall
    profile = np.concatenate([[[0, 0]], outer, inner, [[0, wall]]])
    return profile - [0, s["height"] / 2]


def _parts(kind: str, s: Size) -> tuple[Part, ...]:
    """An eight-pointed foot and rings of boxes for the wall."""
    outline = wall_outline(kind, s)
    if kind == "bowl":
        outline = outline[[0, 3, 5]]
    half = float(outline[0, 0]) / np.sqrt(2)
    return (
        *crossed_foot(s, half, half, (0.0, np.pi / 4)),
        *wall_rings(s, outline, WALL_PARTS, s["wall"]),
    )


def crossed_foot(
    s: Size, x: float, y: float, turns: Sequence[float], recess: float = 0.0
) -> list[Part]:
    """Crossed boxes with half sides x and y, all but the first of them above the table by `recess`.

    Bullet's contacts on a cylinder thinner than its margin are wrong.
    """
    wall, middle, parts = s["wall"], s["wall"] / 2 - s["height"] / 2, []
    for k, turn in enumerate(turns):
        up = recess / 2 * (k > 0)
        where = pose_tuple(pose((0, 0, middle + up), quat_from_yaw(turn)))
        parts.append(Part("box", (x, y, wall / 2 - up), where))
    return parts


def wall_rings(s: Size, outline: Array, count: int, lowest: float) -> list[Part]:
    """Rings of `count` boxes, their outer faces on the outline (r, z), from `lowest` upwards.

    Only the foot touches the table: a wall that does multiplies the contacts to be solved.
    """
    wall, down = s["wall"], s["height"] / 2
    outline[0, 1] = lowest
    parts = []
    for (r0, z0), (r1, z1) in itertools.pairwise(outline):
        slope = np.array([r1 - r0, z1 - z0])
        length = float(np.linalg.norm(slope))
        along = slope / length
        width = max(r0, r1) * np.tan(np.pi / count)
        for k in range(count):
            turn = 2 * np.pi * k / count
            radial = np.array([np.cos(turn), np.sin(turn), 0.0])
            tangent = np.array([-np.sin(turn), np.cos(turn), 0.0])
            up = along[0] * radial + along[1] * np.array([0, 0, 1.0])
            out = np.cross(tangent, up)
            centre = (r0 + r1) / 2 * radial + np.array([0, 0, (z0 + z1) / 2 - down])
            centre = centre - out * wall / 2
            frame = np.stack([out, tangent, up], -1)
            where = pose_tuple(pose(centre, matrix_to_quat(frame)))
            parts.append(Part("box", (wall / 2, float(width), length / 2), where))
    return parts


def _handle_path(s: Size, count: int) -> Array:
    """Half an ellipse (x, z), whose ends lie in the middle of the wall."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, count)
    z = 0.28 * s["height"] * np.sin(angle)
    outside = s["radius"] * (1 + (s["taper"] - 1) * (0.5 - z / s["height"]))
    return np.stack([outside - s["wall"] / 2 + s["loop"] * np.cos(angle), z], -1)


def _mug_mesh(s: Size) -> Mesh:
    return merge([revolve(_profile("mug", s)), _handle_mesh(s)])


def _handle_mesh(s: Size) -> Mesh:
    return tube(_handle_path(s, 17), s["grip"])


def _mug_parts(s: Size) -> tuple[Part, ...]:
    """An octagon for a wall, whose sides and corners lie as far within the circle as beyond it; it
    reaches down between the points of the foot, but not to the table."""
    outline = wall_outline("mug", s)
    half = float(outline[0, 0]) / np.sqrt(2)
    outline = outline * [2 / (1 + 1 / np.cos(np.pi / MUG_PARTS)), 1]
    foot = crossed_foot(s, half, half, (0.0, np.pi / 4), RECESS)
    side = s["grip"] * float(np.sqrt(np.pi)) / 2
    path, bars = _handle_path(s, HANDLE_PARTS + 1), []
    for a, b in itertools.pairwise(path):
        along = (b - a) / np.linalg.norm(b - a)
        up = np.array([along[0], 0, along[1]])
        frame = np.stack([np.array([along[1], 0, -along[0]]), [0.0, 1.0, 0.0], up], -1)
        where = pose_tuple(pose(((a[0] + b[0]) / 2, 0, (a[1] + b[1]) / 2), matrix_to_quat(frame)))
        bars.append(Part("box", (side, side, float(np.linalg.norm(b - a)) / 2), where))
    return (*foot, *wall_rings(s, outline, MUG_PARTS, s["wall"] / 2), *bars)


def _mug_footprint(s: Size) -> float:
    return float(np.linalg.norm(_handle_mesh(s).vertices[:, :2], axis=1).max())


def _complaint(kind: str, s: Size) -> str:
    widest = [s[k] for k in ("foot", "well", "taper") if k in s]
    return first_complaint(
        (widest == sorted(widest) and max(widest) <= 1, "foot, well, taper: rising, at most 1"),
        (s["wall"] < min(widest) * s["radius"], "wall < radius of the foot"),
        (s["wall"] < s["height"], "wall < height"),
        (s.get("dip", 0.5) < 1 and s.get("curve", 1.0) < 4, "dip < 1, curve < 4"),
    )


def _hollow(kind: str) -> ShapeKind:
    return ShapeKind(
        ("radius", "height"),
        lambda s: revolve(_profile(kind, s)),
        lambda s: _parts(kind, s),
        lambda s: s["height"],
        style=STYLES[kind],
        complaint=lambda s: _complaint(kind, s),
    )


HOLLOW: dict[str, ShapeKind] = {
    "bowl": _hollow("bowl"),
    "cup": _hollow("cup"),
    "plate": _hollow("plate"),
    "mug": ShapeKind(
        ("radius", "height"),
        _mug_mesh,
        _mug_parts,
        lambda s: s["height"],
        _mug_footprint,
        style=STYLES["mug"],
        complaint=lambda s: _complaint("mug", s),
    ),
}
