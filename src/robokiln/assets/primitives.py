"""Solid shapes of one or a few primitives."""

from __future__ import annotations

import numpy as np

from robokiln.assets.kinds import RECESS, Part, ShapeKind, Size, first_complaint
from robokiln.assets.meshes import Mesh, arc, box_mesh, revolve, stack, union
from robokiln.geometry import pose, pose_tuple, quat_from_yaw
from robokiln.types import Array

CHAMFER, MOST_CHAMFER = 0.12, 0.003
"""Of a peg: share of its side, at most so many metres."""
ZONE_HEIGHT = 0.001


def _cylinder_profile(s: Size) -> Array:
    r, h = s["radius"], s["height"] / 2
    return np.array([[0, -h], [r, -h], [r, h], [0, h]])


def _capsule_profile(s: Size) -> Array:
    h = s["length"] / 2
    low = arc(s["radius"], -h, 0, np.pi / 2, 6)
    high = arc(s["radius"], h, np.pi / 2, np.pi, 6)
    return np.concatenate([low, high])


def rectangle(x: float, y: float, z: float) -> Array:
    """An outline [4, 3] by its whole sides and its height."""
    return np.array([[-x, -y, 2 * z], [x, -y, 2 * z], [x, y, 2 * z], [-x, y, 2 * z]]) / 2


def _prism_mesh(s: Size) -> Mesh:
    """Its flat sides face +x and -x."""
    n = int(s["sides"])
    turn = (np.arange(n) + 0.5) * (2 * np.pi / n)
    ring = s["radius"] * np.stack([np.cos(turn), np.sin(turn), np.zeros(n)], -1)
    up = np.array([0, 0, s["height"] / 2])
    return stack([ring - up, ring + up])


def _prism_parts(s: Size) -> tuple[Part, ...]:
    """A box for each pair of sides: together they are the prism; it stands on the first."""
    n, r, h = int(s["sides"]), s["radius"], s["height"] / 2
    x, y = float(r * np.cos(np.pi / n)), float(r * np.sin(np.pi / n))
    parts = []
    for k in range(n // 2):
        where = pose_tuple(pose((0, 0, 0), quat_from_yaw(2 * np.pi * k / n)))
        parts.append(Part("box", (x, y, h - RECESS * (k > 0)), where))
    return tuple(parts)


def _chamfer(s: Size) -> float:
    return min(CHAMFER * s["side"], MOST_CHAMFER)


def _peg_mesh(s: Size) -> Mesh:
    a, h, c = s["side"], s["length"] / 2, _chamfer(s)
    b = a - 2 * c
    ends = ((b, -h), (a, c - h), (a, h - c), (b, h))
    return stack([rectangle(side, side, z) for side, z in ends])


def _peg_parts(s: Size) -> tuple[Part, ...]:
    """The shaft, and a slimmer box that is as long as the chamfered ends reach: it finds a slanted
    rim that the shaft alone would stand on."""
    a, h, c = s["side"] / 2, s["length"] / 2, _chamfer(s)
    return (Part("box", (a, a, h - c)), Part("box", (a - c, a - c, h)))


def _zone_mesh(s: Size) -> Mesh:
    """A frame, or all of the rectangle where the frame leaves nothing free."""
    x, y, z, w = s["x"] / 2, s["y"] / 2, ZONE_HEIGHT / 2, s["frame"]
    if w >= min(x, y):
        return box_mesh(s["x"], s["y"], ZONE_HEIGHT)
    return union(
        [
            ((-x, -y, -z), (x, w - y, z)),
            ((-x, y - w, -z), (x, y, z)),
            ((-x, -y, -z), (w - x, y, z)),
            ((x - w, -y, -z), (x, y, z)),
        ]
    )


def corner_radius(s: Size) -> float:
    """Of a rectangle x by y about its middle."""
    return float(np.hypot(s["x"], s["y"])) / 2


PRIMITIVES: dict[str, ShapeKind] = {
    "box": ShapeKind(
        ("x", "y", "z"),
        lambda s: box_mesh(s["x"], s["y"], s["z"]),
        lambda s: (Part("box", (s["x"] / 2, s["y"] / 2, s["z"] / 2)),),
        lambda s: s["z"],
        corner_radius,
    ),
    "cylinder": ShapeKind(
        ("radius", "height"),
        lambda s: revolve(_cylinder_profile(s)),
        lambda s: (Part("cylinder", (s["radius"], s["height"])),),
        lambda s: s["height"],
    ),
    "sphere": ShapeKind(
        ("radius",),
        lambda s: revolve(arc(s["radius"], 0, 0, np.pi, 13)),
        lambda s: (Part("sphere", (s["radius"],)),),
        lambda s: 2 * s["radius"],
    ),
    "capsule": ShapeKind(
        ("radius", "length"),
        lambda s: revolve(_capsule_profile(s)),
        lambda s: (Part("capsule", (s["radius"], s["length"])),),
        lambda s: s["length"] + 2 * s["radius"],
    ),
    "prism": ShapeKind(
        ("radius", "height", "sides"),
        _prism_mesh,
        _prism_parts,
        lambda s: s["height"],
        complaint=lambda s: first_complaint((s["sides"] in (4, 6, 8, 10), "sides: 4, 6, 8 or 10")),
    ),
    "peg": ShapeKind(
        ("side", "length"),
        _peg_mesh,
        _peg_parts,
        lambda s: s["length"],
        lambda s: s["side"] / float(np.sqrt(2)),
        complaint=lambda s: first_complaint((s["length"] > s["side"] / 2, "length above side / 2")),
    ),
    "zone": ShapeKind(
        ("x", "y"),
        _zone_mesh,
        lambda s: (),
        lambda s: ZONE_HEIGHT,
        corner_radius,
        style={"frame": 1.0},
    ),
}
