"""Shapes: a visual mesh and the convex parts that collide, both built from one set of dimensions.

Every shape's origin is the middle of its height on its axis of symmetry, z up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from robokiln.geometry import IDENTITY, matrix_to_quat, pose, pose_tuple, quat_from_yaw
from robokiln.types import Array, PoseTuple, RobokilnError, Shape, lookup

SEGMENTS = 24
"""Facets round a visual revolved shape."""
WALL_PARTS = 12
"""Boxes round a hollow shape's collision wall."""
WALL = 0.005
"""Thickness of bowls, cups and plates in metres."""


@dataclass(frozen=True)
class Mesh:
    """vertices and unit normals [V, 3] in the body frame; faces [F, 3], counter-clockwise outside.

    Vertices are doubled where a surface has a crease.
    """

    vertices: Array
    normals: Array
    faces: Array


@dataclass(frozen=True)
class Part:
    """A convex collision primitive in the body frame.

    kind "box": size = half extents; "cylinder" and "capsule": (radius, length along z, capsule
    without its caps); "sphere": (radius,).
    """

    kind: str
    size: tuple[float, ...]
    pose: PoseTuple = IDENTITY


@dataclass(frozen=True)
class ShapeKind:
    """How one kind of shape is built; `dims` are its dimensions' names."""

    dims: tuple[str, ...]
    mesh: Callable[[Mapping[str, float]], Mesh]
    parts: Callable[[Mapping[str, float]], tuple[Part, ...]]
    height: Callable[[Mapping[str, float]], float]
    footprint: Callable[[Mapping[str, float]], float] = field(default=lambda s: s["radius"])


def _merge(meshes: list[Mesh]) -> Mesh:
    offsets = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)]).astype(
            np.int32
        ),
    )


def _box_mesh(s: Mapping[str, float]) -> Mesh:
    half = np.array([s["x"], s["y"], s["z"]]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    sides = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal = np.zeros(3)
            normal[axis] = sign
            square = np.zeros((4, 3))
            square[:, axis] = sign
            square[:, (axis + 1) % 3], square[:, (axis + 2) % 3] = corners.T
            faces = np.array([[0, 1, 2], [0, 2, 3]])
            faces = faces if sign > 0 else faces[:, ::-1]
            sides.append(Mesh(square * half, np.tile(normal, (4, 1)), faces))
    return _merge(sides)


def revolve(profile: Array, crease: float = 0.6) -> Mesh:
    """Turn a profile [N, 2] of (radius, z), walked with the outside on its right, about z.

    Neighbouring segments share smooth normals unless they meet at more than `crease` radians.
    """
    steps = np.diff(profile, axis=0)
    normals = np.stack([steps[:, 1], -steps[:, 0]], -1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    bands = []
    for i in range(len(steps)):
        ends = []
        for other in (i - 1, i + 1):
            smooth = 0 <= other < len(steps) and normals[i] @ normals[other] > np.cos(crease)
            n = normals[i] + (normals[other] if smooth else 0)
            ends.append(n / np.linalg.norm(n))
        bands.append(_band(profile[i : i + 2], np.array(ends)))
    return _merge(bands)


def _band(ends: Array, normals: Array) -> Mesh:
    """One segment of a profile (2 x (r, z)) turned about z."""
    angle = np.arange(SEGMENTS + 1) * (2 * np.pi / SEGMENTS)
    c, s = np.cos(angle), np.sin(angle)
    rings = [np.stack([r * c, r * s, np.full_like(c, z)], -1) for r, z in ends]
    tilts = [np.stack([r * c, r * s, np.full_like(c, z)], -1) for r, z in normals]
    low = np.arange(SEGMENTS)
    high = low + SEGMENTS + 1
    faces = []
    if ends[0, 0] > 0:
        faces.append(np.stack([low, low + 1, high], -1))
    if ends[1, 0] > 0:
        faces.append(np.stack([low + 1, high + 1, high], -1))
    return Mesh(np.concatenate(rings), np.concatenate(tilts), np.concatenate(faces))


def _arc(radius: float, z: float, start: float, stop: float, n: int) -> Array:
    """Points (r, z) on a quarter or half circle; angles from the downward axis."""
    angle = np.linspace(start, stop, n)
    return np.stack([radius * np.sin(angle), z - radius * np.cos(angle)], -1)


def _cylinder_profile(s: Mapping[str, float]) -> Array:
    r, h = s["radius"], s["height"] / 2
    return np.array([[0, -h], [r, -h], [r, h], [0, h]])


def _capsule_profile(s: Mapping[str, float]) -> Array:
    h = s["length"] / 2
    low = _arc(s["radius"], -h, 0, np.pi / 2, 6)
    high = _arc(s["radius"], h, np.pi / 2, np.pi, 6)
    return np.concatenate([low, high])


def _bottle_outline(s: Mapping[str, float]) -> Array:
    """Body, shoulder, neck and cap as fractions of the radius and the height."""
    shape = [(0, 0), (1, 0), (1, 0.60), (0.85, 0.70), (0.42, 0.80), (0.38, 0.92), (0.46, 0.92)]
    shape += [(0.46, 1.0), (0, 1.0)]
    return np.array(shape) * [s["radius"], s["height"]] - [0, s["height"] / 2]


def _hollow_outline(kind: str, s: Mapping[str, float]) -> Array:
    """Outer wall (r, z) from the foot to the rim, z from 0."""
    r, h = s["radius"], s["height"]
    if kind == "cup":
        return np.array([[0.80 * r, 0], [r, h]])
    if kind == "plate":
        return np.array([[0.62 * r, 0], [0.78 * r, 0.35 * h], [r, h]])
    angle = np.linspace(0, np.pi / 2, 6)
    foot = 0.45 * r
    return np.stack([foot + (r - foot) * np.sin(angle), h * (1 - np.cos(angle))], -1)


def _hollow_profile(kind: str, s: Mapping[str, float]) -> Array:
    """Foot, outer wall, rim, and the inner wall back to the axis."""
    outer = _hollow_outline(kind, s)
    inner = outer[::-1] - [WALL, 0]
    inner[:, 1] = np.maximum(inner[:, 1], WALL)
    inner[-1, 1] = WALL
    profile = np.concatenate([[[0, 0]], outer, inner, [[0, WALL]]])
    return profile - [0, s["height"] / 2]


def _hollow_parts(kind: str, s: Mapping[str, float]) -> tuple[Part, ...]:
    """An eight-pointed foot and rings of boxes for the wall."""
    outline = _hollow_outline(kind, s)
    if kind == "bowl":
        outline = outline[[0, 3, 5]]
    # Only the foot touches the table: a wall that does multiplies the contacts to be solved.
    outline[0, 1] = WALL
    down = s["height"] / 2
    half, middle = float(outline[0, 0]) / np.sqrt(2), WALL / 2 - down
    # Two crossed boxes: Bullet's contacts on a cylinder thinner than its margin are wrong.
    parts = [
        Part("box", (half, half, WALL / 2), pose_tuple(pose((0, 0, middle), quat_from_yaw(turn))))
        for turn in (0.0, np.pi / 4)
    ]
    for (r0, z0), (r1, z1) in itertools.pairwise(outline):
        slope = np.array([r1 - r0, z1 - z0])
        length = float(np.linalg.norm(slope))
        along = slope / length
        width = max(r0, r1) * np.tan(np.pi / WALL_PARTS)
        for k in range(WALL_PARTS):
            turn = 2 * np.pi * k / WALL_PARTS
            radial = np.array([np.cos(turn), np.sin(turn), 0.0])
            tangent = np.array([-np.sin(turn), np.cos(turn), 0.0])
            up = along[0] * radial + along[1] * np.array([0, 0, 1.0])
            out = np.cross(tangent, up)
            centre = (r0 + r1) / 2 * radial + np.array([0, 0, (z0 + z1) / 2 - down])
            centre = centre - out * WALL / 2
            frame = np.stack([out, tangent, up], -1)
            where = pose_tuple(pose(centre, matrix_to_quat(frame)))
            parts.append(Part("box", (WALL / 2, float(width), length / 2), where))
    return tuple(parts)


def _bottle_parts(s: Mapping[str, float]) -> tuple[Part, ...]:
    r, h = s["radius"], s["height"]
    body = Part("cylinder", (r, 0.68 * h), (0, 0, 0.34 * h - h / 2, 0, 0, 0, 1))
    neck = Part("cylinder", (0.44 * r, 0.32 * h), (0, 0, 0.84 * h - h / 2, 0, 0, 0, 1))
    return (body, neck)


def _hollow(kind: str) -> ShapeKind:
    return ShapeKind(
        ("radius", "height"),
        lambda s: revolve(_hollow_profile(kind, s)),
        lambda s: _hollow_parts(kind, s),
        lambda s: s["height"],
    )


SHAPES: dict[str, ShapeKind] = {
    "box": ShapeKind(
        ("x", "y", "z"),
        _box_mesh,
        lambda s: (Part("box", (s["x"] / 2, s["y"] / 2, s["z"] / 2)),),
        lambda s: s["z"],
        lambda s: float(np.hypot(s["x"], s["y"])) / 2,
    ),
    "cylinder": ShapeKind(
        ("radius", "height"),
        lambda s: revolve(_cylinder_profile(s)),
        lambda s: (Part("cylinder", (s["radius"], s["height"])),),
        lambda s: s["height"],
    ),
    "sphere": ShapeKind(
        ("radius",),
        lambda s: revolve(_arc(s["radius"], 0, 0, np.pi, 13)),
        lambda s: (Part("sphere", (s["radius"],)),),
        lambda s: 2 * s["radius"],
    ),
    "capsule": ShapeKind(
        ("radius", "length"),
        lambda s: revolve(_capsule_profile(s)),
        lambda s: (Part("capsule", (s["radius"], s["length"])),),
        lambda s: s["length"] + 2 * s["radius"],
    ),
    "bottle": ShapeKind(
        ("radius", "height"),
        lambda s: revolve(_bottle_outline(s)),
        _bottle_parts,
        lambda s: s["height"],
    ),
    "bowl": _hollow("bowl"),
    "cup": _hollow("cup"),
    "plate": _hollow("plate"),
}


def _checked(shape: Shape) -> ShapeKind:
    kind: ShapeKind = lookup("shape", shape.kind, SHAPES)
    bad = {k: v for k, v in shape.size.items() if k not in kind.dims or not 0 < v < 100}
    if bad or len(shape.size) != len(kind.dims):
        raise RobokilnError(
            f"shape '{shape.kind}': expected {', '.join(kind.dims)} in metres, "
            f"got {dict(shape.size)}"
        )
    return kind


def build_mesh(shape: Shape) -> Mesh:
    """The visual mesh in the body frame."""
    return _checked(shape).mesh(shape.size)


def collision_parts(shape: Shape) -> tuple[Part, ...]:
    """The convex parts that collide, in the body frame."""
    return _checked(shape).parts(shape.size)


def height(shape: Shape) -> float:
    """Extent along the shape's own z axis in metres."""
    return _checked(shape).height(shape.size)


def footprint(shape: Shape) -> float:
    """Radius about the shape's own z axis in metres."""
    return _checked(shape).footprint(shape.size)
