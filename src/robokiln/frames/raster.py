"""Kernels that find what each sample of a picture sees: a depth buffer and a triangle's number.

A picture's samples lie on a grid; sample (x, y) has its centre at (x + 0.5, y + 0.5). Nearness is a
number that is linear on the screen and grows towards the viewer: 1 / depth in a camera or about a
point light, the height along the light's direction for a directional one. Buffers of samples are
flat, row after row, with `simd.WIDTH` to spare.
"""

from __future__ import annotations

import numpy as np

from robokiln.frames.jit import inlined, kernel
from robokiln.frames.model import Triangles
from robokiln.frames.placing import (
    NEAR,
    Placed,
    View,
    camera_point,
    crosses_near,
    is_outside,
    list_front_faces,
    project,
)
from robokiln.frames.simd import WIDTH, test_samples
from robokiln.types import Array

f32, i32, i64 = np.float32, np.int32, np.int64
EDGE = f32(1e-6)
"""How far outside a triangle a sample still counts, so that no crack opens along shared edges."""
WIDE = 3 * WIDTH
"""Samples of a row from which it pays to solve for the part inside the triangle first."""
FARTHEST = f32(-1e30)
"""Nearness of nothing in a parallel projection; about a point it is 0."""


@kernel
def clear(nearness: Array, view: View) -> None:
    """Nothing is seen yet."""
    nearness[:] = FARTHEST if view.parallel else f32(0.0)


@kernel
def draw_triangles(
    triangles: Triangles,
    placed: Placed,
    chosen: Array,
    view: View,
    nearness: Array,
    labels: Array | None,
) -> None:
    """Draw over nearness float32 and labels int32: a triangle's number + 1, 0 for none.

    Only links whose `chosen` bool [L] is set; a shadow map passes None for labels.
    """
    for link in range(placed.spheres.shape[0]):
        if not chosen[link] or is_outside(placed.spheres[link], view):
            continue
        count = list_front_faces(triangles, placed, link, view)
        project(triangles, placed, link, view)
        if crosses_near(placed.spheres[link], view):
            _fill_near(triangles, placed, count, view, nearness, labels)
        else:
            _fill_all(triangles, placed, count, view, nearness, labels)


@kernel
def _fill_all(
    triangles: Triangles,
    placed: Placed,
    count: int,
    view: View,
    nearness: Array,
    labels: Array | None,
) -> None:
    """Fill listed triangles that all lie in front of the viewer."""
    x, y, k = placed.screen[0], placed.screen[1], placed.screen[2]
    first, second, third = triangles.faces[0], triangles.faces[1], triangles.faces[2]
    for i in range(count):
        face = placed.drawn[i]
        # Counter-clockwise seen from outside is clockwise on a screen whose y points down.
        a, c, b = first[face], second[face], third[face]
        _fill(
            x[a], y[a], k[a], x[b], y[b], k[b], x[c], y[c], k[c],
            i32(face + 1), view.width, view.height, nearness, labels,
        )  # fmt: skip


@kernel
def _fill_near(
    triangles: Triangles,
    placed: Placed,
    count: int,
    view: View,
    nearness: Array,
    labels: Array | None,
) -> None:
    """Fill listed triangles, each cut off at the near plane."""
    corners, polygon = placed.corners, placed.polygon
    for i in range(count):
        face = placed.drawn[i]
        for j in range(3):
            v = triangles.faces[j, face]
            corners[j, 0], corners[j, 1], corners[j, 2] = camera_point(
                placed.vertices[0, v], placed.vertices[1, v], placed.vertices[2, v], view
            )
        kept = _cut(corners, polygon)
        for j in range(kept):
            inverse = f32(1.0) / polygon[j, 2]
            polygon[j, 0] = view.focal_x * polygon[j, 0] * inverse + view.center_x
            polygon[j, 1] = view.focal_y * polygon[j, 1] * inverse + view.center_y
            polygon[j, 2] = inverse
        for j in range(1, kept - 1):
            a, b, c = polygon[0], polygon[j + 1], polygon[j]
            _fill(
                a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2],
                i32(face + 1), view.width, view.height, nearness, labels,
            )  # fmt: skip


@inlined
def _cut(corners: Array, polygon: Array) -> int:
    """The part of a triangle beyond the near plane, as 0, 3 or 4 corners."""
    count = 0
    for here in range(3):
        there = (here + 1) % 3
        depth, next_depth = corners[here, 2], corners[there, 2]
        if depth >= NEAR:
            for axis in range(3):
                polygon[count, axis] = corners[here, axis]
            count += 1
        if (depth >= NEAR) != (next_depth >= NEAR):
            share = (NEAR - depth) / (next_depth - depth)
            for axis in range(3):
                start = corners[here, axis]
                polygon[count, axis] = start + share * (corners[there, axis] - start)
            count += 1
    return count


@inlined
def _fill(
    x0: np.float32, y0: np.float32, k0: np.float32,
    x1: np.float32, y1: np.float32, k1: np.float32,
    x2: np.float32, y2: np.float32, k2: np.float32,
    label: np.int32, width: int, height: int, nearness: Array, labels: Array | None,
) -> None:  # fmt: skip
    """Write the samples inside a triangle that are nearer than what is there; none if it shows
    its back. k is the nearness of a corner."""
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not area > f32(1e-9):
        return
    half = f32(0.5)
    left = _first_sample(min(x0, x1, x2) - half, width)
    right = _last_sample(max(x0, x1, x2) - half, width)
    top = _first_sample(min(y0, y1, y2) - half, height)
    bottom = _last_sample(max(y0, y1, y2) - half, height)
    if left > right or top > bottom:
        return
    # Barycentric coordinates u (of corner 1), v (of corner 2) and nearness k are planes.
    scale = f32(1.0) / area
    ux, uy = (y2 - y0) * scale, (x0 - x2) * scale
    vx, vy = (y0 - y1) * scale, (x1 - x0) * scale
    kx, ky = ux * (k1 - k0) + vx * (k2 - k0), uy * (k1 - k0) + vy * (k2 - k0)
    px = f32(left) + half - x0
    count = i32(right - left + 1)
    wide = count > WIDE
    for row in range(top, bottom + 1):
        py = f32(row) + half - y0
        u, v, k = ux * px + uy * py, vx * px + vy * py, k0 + kx * px + ky * py
        begin, end = i32(0), count
        if wide:
            begin, end = _inner_span(u, ux, v, vx, count)
        offset = i64(row) * width + left
        for first in range(begin, end, WIDTH):
            test_samples(
                nearness, labels, offset + first,
                u, ux, v, vx, k, kx, EDGE, i32(first), end, label,
            )  # fmt: skip


@inlined
def _inner_span(
    u: np.float32, ux: np.float32, v: np.float32, vx: np.float32, count: np.int32
) -> tuple[np.int32, np.int32]:
    """A row's columns that can lie inside a triangle, with one to spare on either side."""
    low, high = f32(0.0), f32(count)
    low, high = _clip_span(low, high, u, ux)
    low, high = _clip_span(low, high, v, vx)
    low, high = _clip_span(low, high, f32(1.0) - u - v, -(ux + vx))
    begin = max(i32(low) - i32(1), i32(0))
    return begin, min(i32(max(high, f32(0.0))) + i32(2), count)


@inlined
def _clip_span(
    low: np.float32, high: np.float32, value: np.float32, slope: np.float32
) -> tuple[np.float32, np.float32]:
    """Where value + slope x >= 0 within low..high."""
    if abs(slope) < f32(1e-12):
        return low, high
    zero = -value / slope
    if slope > 0:
        return min(max(low, zero), high), high
    return low, max(min(high, zero), low)


@inlined
def _first_sample(low: np.float32, size: int) -> np.int32:
    return i32(np.ceil(min(max(low, f32(0.0)), f32(size))))


@inlined
def _last_sample(high: np.float32, size: int) -> np.int32:
    return i32(np.floor(max(min(high, f32(size - 1)), f32(-1.0))))
