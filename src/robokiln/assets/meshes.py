"""Triangles: boxes and their unions, surfaces of revolution, stacked outlines, bent tubes.

Every mesh is closed, counter-clockwise outside, its vertices doubled where there is a crease.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robokiln.types import Array

SEGMENTS = 24
"""Facets round a visual revolved shape."""
Span = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Opposite corners of a box along the axes."""


@dataclass(frozen=True)
class Mesh:
    """vertices and unit normals [V, 3] in the body frame; faces [F, 3], counter-clockwise outside.

    Vertices are doubled where a surface has a crease.
    """

    vertices: Array
    normals: Array
    faces: Array


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of several."""
    offsets = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)]).astype(
            np.int32
        ),
    )


def shifted(mesh: Mesh, offset: tuple[float, float, float]) -> Mesh:
    """The mesh, moved."""
    return Mesh(mesh.vertices + np.array(offset), mesh.normals, mesh.faces)


def box_mesh(x: float, y: float, z: float) -> Mesh:
    """A box about the origin, by its whole sides."""
    half = np.array([x, y, z]) / 2
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
    return merge(sides)


def union(spans: Sequence[Span]) -> Mesh:
    """The surface of boxes along the axes that touch or overlap, without what lies inside.

    All corners together span a grid, whose filled cells show the faces that border on empty ones.
    """
    ends = np.round(np.array(spans), 9)
    lines = [np.unique(ends[:, :, axis]) for axis in range(3)]
    middles = [(line[1:] + line[:-1]) / 2 for line in lines]
    grid = np.stack(np.meshgrid(*middles, indexing="ij"), -1)[..., None, :]
    filled = ((grid > ends[:, 0]) & (grid < ends[:, 1])).all(-1).any(-1)
    padded = np.pad(filled, 1)
    sides = []
    for axis in range(3):
        for sign in (-1, 1):
            beside = np.roll(padded, -sign, axis)[1:-1, 1:-1, 1:-1]
            cells = np.argwhere(filled & ~beside)
            sides.append(_squares(cells, lines, axis, sign))
    return merge(sides)


def _squares(cells: Array, lines: Sequence[Array], axis: int, sign: int) -> Mesh:
    """The faces of grid cells [N, 3] towards one side."""
    u, v = (axis + 1) % 3, (axis + 2) % 3
    corners = np.repeat(cells[:, None], 4, axis=1)
    corners[..., axis] += sign > 0
    corners[..., u] += [0, 1, 1, 0]
    corners[..., v] += [0, 0, 1, 1]
    points = np.stack([lines[k][corners[..., k]] for k in range(3)], -1).reshape(-1, 3)
    normal = np.zeros(3)
    normal[axis] = sign
    order = np.array([[0, 1, 2], [0, 2, 3]])[:, :: 1 if sign > 0 else -1]
    faces = (4 * np.arange(len(cells))[:, None, None] + order).reshape(-1, 3)
    return Mesh(points, np.tile(normal, (len(points), 1)), faces)


def revolve(profile: Array, crease: float = 0.6) -> Mesh:
    """Turn a profile [N, 2] of (radius, z), walked with the outside on its right, about z.

    Neighbouring segments share smooth normals unless they meet at more than `crease` radians. A
    profile ends on the axis, or where it began.
    """
    steps = np.diff(profile, axis=0)
    normals = np.stack([steps[:, 1], -steps[:, 0]], -1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    closed = bool(profile[0, 0] > 0)
    count = len(steps)
    bands = []
    for i in range(count):
        ends = []
        for other in (i - 1, i + 1):
            there = closed or 0 <= other < count
            smooth = there and normals[i] @ normals[other % count] > np.cos(crease)
            n = normals[i] + (normals[other % count] if smooth else 0)
            ends.append(n / np.linalg.norm(n))
        bands.append(_band(profile[i : i + 2], np.array(ends)))
    return merge(bands)


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


def arc(radius: float, z: float, start: float, stop: float, n: int) -> Array:
    """Points (r, z) on a quarter or half circle; angles from the downward axis."""
    angle = np.linspace(start, stop, n)
    return np.stack([radius * np.sin(angle), z - radius * np.cos(angle)], -1)


def stack(outlines: Sequence[Array]) -> Mesh:
    """Facets between flat convex outlines [N, 3], counter-clockwise seen from above, each beside
    the next: the first one's inside is a face that looks down, the last one's one that looks up,
    unless they are the same."""
    first, last = np.asarray(outlines[0]), np.asarray(outlines[-1])
    caps = [] if np.array_equal(first, last) else [facet(first[::-1]), facet(last)]
    meshes = []
    for a, b in itertools.pairwise(outlines):
        a_next, b_next = np.roll(a, -1, axis=0), np.roll(b, -1, axis=0)
        meshes += [facet(np.array(q)) for q in zip(a, a_next, b_next, b, strict=True)]
    return merge([*meshes, *caps])


def facet(corners: Array) -> Mesh:
    """A flat convex polygon [N, 3], counter-clockwise outside."""
    n = np.arange(1, len(corners) - 1)
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    normal = np.tile(normal / np.linalg.norm(normal), (len(corners), 1))
    return Mesh(np.asarray(corners, float), normal, np.stack([np.zeros_like(n), n, n + 1], -1))


def tube(path: Array, radius: float, sides: int = 10) -> Mesh:
    """A round bar along a path [N, 2] of (x, z) in the plane y = 0, closed by flat ends."""
    angle = np.arange(sides + 1) * (2 * np.pi / sides)
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    across = np.stack([-tangents[:, 1], np.zeros(len(path)), tangents[:, 0]], -1)
    normals = across[:, None] * np.cos(angle)[:, None] + np.sin(angle)[:, None] * [0.0, -1.0, 0.0]
    middle = np.stack([path[:, 0], np.zeros(len(path)), path[:, 1]], -1)
    rings = middle[:, None] + radius * normals
    row, column = np.meshgrid(np.arange(len(path) - 1), np.arange(sides), indexing="ij")
    a = (row * (sides + 1) + column).ravel()
    b = a + sides + 1
    faces = np.concatenate([np.stack([a, a + 1, b], -1), np.stack([b, a + 1, b + 1], -1)])
    bar = Mesh(rings.reshape(-1, 3), normals.reshape(-1, 3), faces)
    return merge([bar, facet(rings[0, -2::-1]), facet(rings[-1, :-1])])
