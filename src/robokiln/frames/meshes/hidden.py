"""Triangles that nobody outside can see: inner shells, and what is buried in other parts."""

from __future__ import annotations

import math

import numpy as np

from robokiln.frames.jit import inlined, kernel
from robokiln.frames.meshes.triangles import inner_samples, rotated
from robokiln.types import Array

SIDE = 5
"""Views on each side of a cube round the mesh, a side: 150 in all, 15 to 20 degrees apart."""
PIXELS = 256
"""Of a view's longer side: 1 mm for a typical link."""
BEHIND = 2.0
"""Pixels by which something must lie behind all that is drawn within a pixel of it to be hidden:
what a viewpoint between a link's own parts sees, and none from afar, is mostly shallow."""
PROBES = 0.002
"""Metres between the points by which a large triangle is looked at."""


def seen_faces(points: Array, faces: Array) -> Array:
    """Whether each face [F] shows its front to some viewpoint outside; in doubt, it does.

    An inside that opens towards a joint is seen through the opening, and stays.
    """
    seen = np.zeros(len(faces), np.bool_)
    probes, owner = _probes(points[faces])
    for axes in _views():
        turned = rotated(points, axes)
        low, high = turned.min(axis=0), turned.max(axis=0)
        pixel = max(float((high - low)[:2].max()), 1e-9) / PIXELS
        _look(turned, low - pixel, pixel, axes, probes, owner, faces, seen)
    return seen


def _probes(corners: Array) -> tuple[Array, Array]:
    """Points [N, 3] of triangles [F, 3, 3] and their faces [N], ascending: near the corners, the
    middles of the edges, and evenly spread inside."""
    middle = corners.mean(axis=1, keepdims=True)
    halves = (corners + np.roll(corners, -1, axis=1)) / 2
    rim = np.concatenate([middle, corners, halves], axis=1)
    rim = rim + 0.02 * (middle - rim)
    inner, owner, _ = inner_samples(corners, PROBES)
    owner = np.concatenate([np.repeat(np.arange(len(corners)), 7), owner])
    order = np.argsort(owner, kind="stable")
    return np.concatenate([rim.reshape(-1, 3), inner])[order], owner[order]


def _views() -> Array:
    """Right, down and forward axes [150, 3, 3], forward evenly spread over a cube's sides."""
    steps = (2 * np.arange(SIDE) + 1) / SIDE - 1
    a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
    one = np.ones(SIDE * SIDE)
    side = np.stack([a, b, one], axis=1)
    forward = np.concatenate(
        [np.roll(sign * side, k, axis=1) for k in range(3) for sign in (1, -1)]
    )
    helper = np.eye(3)[np.argmin(np.abs(forward), axis=1)]
    right = np.cross(helper, forward)
    axes = np.stack([right, np.cross(forward, right), forward], axis=1)
    return axes / np.sqrt((axes * axes).sum(axis=2, keepdims=True))


@kernel
def _look(
    points: Array, corner: Array, pixel: float, axes: Array, probes: Array, owner: Array,
    faces: Array, seen: Array,
) -> None:  # fmt: skip
    """One parallel view along z: mark the faces of which a probe [N, 3] is not behind others.

    `points` are in the view's axes already, `probes` are not; `corner` is one pixel beyond the
    smallest x and y.
    """
    nearest = np.full((PIXELS + 4, PIXELS + 4), np.inf)
    for f in range(len(faces)):
        _draw(points, faces[f], corner[0], corner[1], pixel, nearest)
    for i in range(len(probes)):
        f = owner[i]
        if seen[f] or _double_area(points, faces[f]) >= 0.0:
            continue
        x, y, z = _along(axes[0], probes[i]), _along(axes[1], probes[i]), _along(axes[2], probes[i])
        column, row = int((x - corner[0]) / pixel), int((y - corner[1]) / pixel)
        farthest = -np.inf
        for k in range(9):
            farthest = max(farthest, nearest[row - 1 + k // 3, column - 1 + k % 3])
        seen[f] = z <= farthest + BEHIND * pixel


@inlined
def _along(axis: Array, point: Array) -> float:
    return axis[0] * point[0] + axis[1] * point[1] + axis[2] * point[2]


@kernel
def _double_area(points: Array, face: Array) -> float:
    """On the view's plane, negative where the face shows its front (y points down)."""
    a, b, c = points[face[0]], points[face[1]], points[face[2]]
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])


@kernel
def _draw(
    points: Array, face: Array, left: float, top: float, pixel: float, nearest: Array
) -> None:
    """Keep the smaller depth at the centres of the pixels that a front covers."""
    area = _double_area(points, face)
    if area >= 0.0:
        return
    a, b, c = points[face[0]], points[face[1]], points[face[2]]
    x0, x1 = min(a[0], b[0], c[0]) - left, max(a[0], b[0], c[0]) - left
    y0, y1 = min(a[1], b[1], c[1]) - top, max(a[1], b[1], c[1]) - top
    for row in range(math.ceil(y0 / pixel - 0.5), math.floor(y1 / pixel - 0.5) + 1):
        y = top + (row + 0.5) * pixel
        for column in range(math.ceil(x0 / pixel - 0.5), math.floor(x1 / pixel - 0.5) + 1):
            x = left + (column + 0.5) * pixel
            u = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
            v = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
            if u >= 0.0 and v >= 0.0 and u + v <= 1.0:
                depth = a[2] + u * (b[2] - a[2]) + v * (c[2] - a[2])
                nearest[row, column] = min(nearest[row, column], depth)
