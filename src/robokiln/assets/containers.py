"""Rectangular containers that are open at the top: trays and crates."""

from __future__ import annotations

import itertools

import numpy as np

from robokiln.assets.kinds import Part, ShapeKind, Size, box_part, first_complaint, open_box
from robokiln.assets.meshes import Mesh, Span, stack, union
from robokiln.assets.primitives import corner_radius, rectangle
from robokiln.geometry import matrix_to_quat, pose, pose_tuple, quat_from_yaw, quat_multiply

STEEP = 0.005
"""Metres that a wall may lean outwards before it is made of two boxes, one above the other."""


def _tray_mesh(s: Size) -> Mesh:
    """`lean` is how far each wall comes out from the floor to the rim."""
    h, lean, wall = s["z"] / 2, s["lean"], s["wall"]
    low = lean * (1 - wall / s["z"])
    insets = ((lean, -h), (0.0, h), (wall, h), (wall + low, wall - h))
    return stack([rectangle(s["x"] - 2 * i, s["y"] - 2 * i, z) for i, z in insets])


def _tray_parts(s: Size) -> tuple[Part, ...]:
    h, wall, lean = s["z"] / 2, s["wall"], s["lean"]
    x, y = s["x"] / 2 - lean, s["y"] / 2 - lean
    parts = [box_part(((-x, -y, -h), (x, y, wall - h)))]
    ends = np.linspace(wall - h, h, 2 if lean <= STEEP else 3)
    for low, high in itertools.pairwise(ends):
        parts += [_wall(s, turn, float(low), float(high)) for turn in range(4)]
    return tuple(parts)


def _wall(s: Size, turn: int, low: float, high: float) -> Part:
    """A box between two heights on the side at `turn` quarter turns from +x."""
    wall, lean, z = s["wall"], s["lean"], s["z"]
    out, wide = (s["x"], s["y"]) if turn % 2 == 0 else (s["y"], s["x"])
    inset = lean * (0.5 - (low + high) / 2 / z)
    tilt = np.arctan2(lean, z)
    radial = out / 2 - inset - wall / 2 * np.cos(tilt)
    yaw = quat_from_yaw(turn * np.pi / 2)
    c, n = np.cos(tilt), np.sin(tilt)
    tilted = matrix_to_quat(np.array([[c, 0, n], [0, 1, 0], [-n, 0, c]]))
    a = turn * np.pi / 2
    centre = (radial * np.cos(a), radial * np.sin(a), (low + high) / 2 + wall / 2 * n)
    half = (wall / 2, wide / 2 - inset, (high - low) / 2 / c)
    return Part("box", half, pose_tuple(pose(centre, quat_multiply(yaw, tilted))))


def _crate_spans(s: Size) -> list[Span]:
    """Bottom, posts at the corners, and slats with gaps between them."""
    x, y, z, w = s["x"] / 2, s["y"] / 2, s["z"] / 2, s["wall"]
    slats = int(s["slats"])
    pitch = (s["z"] + s["gap"]) / slats
    ends = [(i * pitch - z, (i + 1) * pitch - s["gap"] - z) for i in range(slats)]
    post = 2 * w
    posts = [
        (
            (min(a, a - p * w), min(b, b - q * post), -z),
            (max(a, a - p * w), max(b, b - q * post), z),
        )
        for a, p in ((-x, -1), (x, 1))
        for b, q in ((-y, -1), (y, 1))
    ]
    posts += [
        (
            (min(a, a - p * post), min(b, b - q * w), -z),
            (max(a, a - p * post), max(b, b - q * w), z),
        )
        for a, p in ((-x, -1), (x, 1))
        for b, q in ((-y, -1), (y, 1))
    ]
    walls = open_box(s)
    boards = [
        ((low[0], low[1], a), (high[0], high[1], b)) for low, high in walls[1:] for a, b in ends
    ]
    return [walls[0], *posts, *boards]


CONTAINERS: dict[str, ShapeKind] = {
    "tray": ShapeKind(
        ("x", "y", "z"),
        _tray_mesh,
        _tray_parts,
        lambda s: s["z"],
        corner_radius,
        style={"wall": 0.004, "lean": 0.001},
        complaint=lambda s: first_complaint(
            (2 * (s["wall"] + s["lean"]) < min(s["x"], s["y"]), "2 (wall + lean) < x, y"),
            (s["wall"] < s["z"], "wall < z"),
        ),
    ),
    "crate": ShapeKind(
        ("x", "y", "z"),
        lambda s: union(_crate_spans(s)),
        lambda s: tuple(box_part(span) for span in open_box(s)),
        lambda s: s["z"],
        corner_radius,
        style={"wall": 0.006, "slats": 1.0, "gap": 0.006},
        complaint=lambda s: first_complaint(
            (s["slats"] in (1, 2, 3, 4), "slats: 1 to 4"),
            (4 * s["wall"] < min(s["x"], s["y"]), "4 wall < x, y"),
            (s["wall"] + s["gap"] < (s["z"] + s["gap"]) / s["slats"], "room for slats above wall"),
        ),
    ),
}
