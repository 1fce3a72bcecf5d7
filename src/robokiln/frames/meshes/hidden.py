"""Triangles that nobody outside can see: inner shells, and what is buried in other parts."""

from __future__ import annotations

import math

import numpy as np

from robokiln.frames.jit import kernel
from robokiln.types import Array

SIDE = 5
"""Views on each side of a cube round the mesh, a side: 150 in all, 15 to 20 degrees apart."""
PIXELS = 256
"""Of a view's longer side, 1 mm for a typical link; what lies deeper than a pixel's neighbours by
less than one pixel still counts as seen."""
RINGS = 2
"""Neighbours of what is seen that stay, too."""


def seen_faces(points: Array, faces: Array) -> Array:
    """Whether each face [F] shows its front to some viewpoint outside; in doubt, it does.

    From a viewpoint between a link's own parts more can be seen than from afar: hence the rings.
    An inside that opens towards a joint is seen through the opening, and stays.
    """
    seen = np.zeros(len(faces), np.bool_)
    corners = points[faces]
    middle = corners.mean(axis=1, keepdims=True)
    probes = np.concatenate([middle, corners + 0.02 * (middle - corners)], axis=1)
    probes = np.concatenate([probes, (corners + np.roll(corners, -1, axis=1)) / 2], axis=1)
    for axes in _views():
        _look(_turned(points, axes), _turned(probes, axes), faces, seen)
    for _ in range(RINGS):
        touched = np.zeros(len(points), np.bool_)
        touched[faces[seen]] = True
        seen = touched[faces].any(axis=1)
    return seen


def _views() -> Array:
    """Right, down and forward axes [150, 3, 3], forward evenly spread over a cube's sides."""
    steps = (2 * np.arange(SIDE) + 1) / SIDE - 1
    a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
    one = np.ones(SIDE * SIDE)
    side = np.stack([a, b, one], axis=1)
    forward = np.concatenate([np.roll(sign * side, k, axis=1) for k in range(3) for sign in (1, -1)])
    helper = np.eye(3)[np.argmin(np.abs(forward), axis=1)]
    right = np.cross(helper, forward)
    axes = np.stack([right, np.cross(forward, right), forward], axis=1)
    return axes / np.sqrt((axes * axes).sum(axis=2, keepdims=True))


def _turned(points: Array, axes: Array) -> Array:
    """Not by matmul: its last bit depends on the machine."""
    return np.stack(
        [sum(points[..., k] * axis[k] for k in range(3)) for axis in axes], axis=-1
    )  # fmt: skip


@kernel
def _look(points: Array, probes: Array, faces: Array, seen: Array) -> None:
    """One parallel view along z: mark the faces of which a probe [F, P, 3] is not behind others."""
    low_x, low_y = points[:, 0].min(), points[:, 1].min()
    extent = max(points[:, 0].max() - low_x, points[:, 1].max() - low_y)
    pixel = max(extent, 1e-9) / PIXELS
    nearest = np.full((PIXELS + 3, PIXELS + 3), np.inf)
    for f in range(len(faces)):
        _draw(points, faces[f], low_x - pixel, low_y - pixel, pixel, nearest)
    for f in range(len(faces)):
        if seen[f] or _double_area(points, faces[f]) >= 0.0:
            continue
        for p in probes[f]:
            column = int((p[0] - low_x) / pixel) + 1
            row = int((p[1] - low_y) / pixel) + 1
            farthest = nearest[row - 1 : row + 2, column - 1 : column + 2].max()
            if p[2] <= farthest + pixel:
                seen[f] = True
                break


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
