"""Kernels that prepare visible triangles for shading, and write depth, ids and normals.

A triangle that is seen gets a slot in a table with everything that is linear in the screen's
coordinates; then each row of samples is a plain loop.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from robokiln.frames.jit import LOW_BITS, inlined, kernel
from robokiln.frames.model import Triangles
from robokiln.frames.placing import Placed, View, camera_point
from robokiln.types import Array

f32, i64 = np.float32, np.int64

# Columns of the table. With dx, dy the distance in samples from the reference sample, a plane is
# (slope over dx, slope over dy, value at the reference); U / depth, V / depth and 1 / depth are
# planes. A linear value is (at corner 0, difference to corner 1, difference to corner 2).
REFERENCE, PLANE_U, PLANE_V, PLANE_K = 0, 2, 5, 8
NORMAL, TEXTURE_S, TEXTURE_T = 11, 20, 23
COLUMNS = 26


class Visible(NamedTuple):
    """table float32 [F * COLUMNS], a row a slot; face int32 [F] of each slot; slot int32 [F] of
    each face, -1 for none; used int64 [1], how many slots are."""

    table: Array
    face: Array
    slot: Array
    used: Array


def make_visible(triangles: Triangles) -> Visible:
    """An empty table for the triangles of a scene."""
    faces = triangles.faces.shape[1]
    return Visible(
        np.empty(faces * COLUMNS, np.float32),
        np.empty(faces, np.int32),
        np.full(faces, -1, np.int32),
        np.zeros(1, np.int64),
    )


@kernel
def forget(visible: Visible) -> None:
    """Empty the table."""
    for i in range(visible.used[0]):
        visible.slot[visible.face[i]] = -1
    visible.used[0] = 0


@kernel
def find_visible(
    triangles: Triangles, placed: Placed, view: View, labels: Array, visible: Visible
) -> None:
    """Give every triangle on the sample grid a slot and fill the table."""
    last, count = 0, 0
    for y in range(view.height):
        for x in range(view.width):
            label = labels[y * view.width + x]
            if label == last:
                continue
            last = label
            if label > 0 and visible.slot[label - 1] < 0:
                visible.slot[label - 1], visible.face[count] = count, label - 1
                row = count * COLUMNS + REFERENCE
                visible.table[row], visible.table[row + 1] = f32(x) + f32(0.5), f32(y) + f32(0.5)
                count += 1
    visible.used[0] = count
    for slot in range(count):
        _set_up(visible.face[slot], triangles, placed, view, visible.table, slot * COLUMNS)


@inlined
def _set_up(
    face: int, triangles: Triangles, placed: Placed, view: View, table: Array, row: int
) -> None:
    """Fill a table row with a triangle's planes about its reference point.

    Homogeneous coordinates relative to that point keep small triangles precise: the approach of
    Olano and Greer, "Triangle scan conversion using 2D homogeneous coordinates", 1997.
    """
    x, y = table[row + REFERENCE], table[row + REFERENCE + 1]
    a, b, c = triangles.faces[0, face], triangles.faces[1, face], triangles.faces[2, face]
    x0, y0, w0 = _about(placed.vertices, a, x, y, view)
    x1, y1, w1 = _about(placed.vertices, b, x, y, view)
    x2, y2, w2 = _about(placed.vertices, c, x, y, view)
    ax, ay, aw = x1 - x0, y1 - y0, w1 - w0
    bx, by, bw = x2 - x0, y2 - y0, w2 - w0
    nx, ny, nw = ay * bw - aw * by, aw * bx - ax * bw, ax * by - ay * bx
    volume = x0 * nx + y0 * ny + w0 * nw
    scale = f32(1.0) / volume if abs(volume) > f32(1e-30) else f32(0.0)
    _write_row(table, row + PLANE_K, nx * scale, ny * scale, nw * scale)
    _write_row(
        table,
        row + PLANE_U,
        (y2 * w0 - w2 * y0) * scale,
        (w2 * x0 - x2 * w0) * scale,
        (x2 * y0 - y2 * x0) * scale,
    )
    _write_row(
        table,
        row + PLANE_V,
        (y0 * w1 - w0 * y1) * scale,
        (w0 * x1 - x0 * w1) * scale,
        (x0 * y1 - y0 * x1) * scale,
    )
    for axis in range(3):
        _write_linear(table, row + NORMAL + 3 * axis, placed.normals, axis, a, b, c)
    along = triangles.axis[face]
    _write_linear(table, row + TEXTURE_S, triangles.vertices, (along + 1) % 3, a, b, c)
    _write_linear(table, row + TEXTURE_T, triangles.vertices, (along + 2) % 3, a, b, c)


@inlined
def _about(
    vertices: Array, i: int, x: np.float32, y: np.float32, view: View
) -> tuple[np.float32, np.float32, np.float32]:
    """Vertex i in homogeneous samples relative to the point (x, y) of the grid."""
    px, py, pz = camera_point(vertices[0, i], vertices[1, i], vertices[2, i], view)
    return (
        view.focal_x * px - (x - view.center_x) * pz,
        view.focal_y * py - (y - view.center_y) * pz,
        pz,
    )


@inlined
def _write_row(table: Array, at: int, a: np.float32, b: np.float32, c: np.float32) -> None:
    table[at], table[at + 1], table[at + 2] = a, b, c


@inlined
def _write_linear(table: Array, at: int, values: Array, axis: int, a: int, b: int, c: int) -> None:
    first = values[axis, a]
    _write_row(table, at, first, values[axis, b] - first, values[axis, c] - first)


@kernel
def write_geometry(
    triangles: Triangles,
    owner: Array,
    view: View,
    supersample: int,
    labels: Array,
    visible: Visible,
    depth: Array,
    segmentation: Array,
) -> None:
    """Depth float32 and segmentation uint16, both flat [H * W], at the pixels' centres."""
    width = (view.width - supersample + 1) // supersample
    height = depth.shape[0] // width
    for row in range(height):
        y = supersample * row + supersample - 1
        line = y * view.width + supersample - 1
        start = 0
        while start < width:
            label = labels[line + supersample * start]
            stop = start + 1
            while stop < width and labels[line + supersample * stop] == label:
                stop += 1
            if label == 0:
                first = row * width + start
                depth[first : first + stop - start] = f32(0.0)
                segmentation[first : first + stop - start] = 0
            else:
                x = supersample * start + supersample - 1
                slot = visible.slot[label - 1]
                first = row * width + start
                _write_depth(
                    visible.table, slot * COLUMNS, x, y, supersample, depth, first, stop - start
                )
                _write_owner(owner[triangles.paint[label - 1]], segmentation, first, stop - start)
            start = stop


@inlined
def _write_depth(
    table: Array, at: int, x: int, y: int, step: int, depth: Array, first: int, count: int
) -> None:
    dx = f32(x) + f32(0.5) - table[at + REFERENCE]
    dy = f32(y) + f32(0.5) - table[at + REFERENCE + 1]
    slope = table[at + PLANE_K] * f32(step)
    start = table[at + PLANE_K] * dx + table[at + PLANE_K + 1] * dy + table[at + PLANE_K + 2]
    first = first & LOW_BITS
    for i in range(count):
        depth[first + i] = f32(1.0) / (start + slope * f32(np.int32(i)))


@inlined
def _write_owner(owner: int, segmentation: Array, first: int, count: int) -> None:
    first = first & LOW_BITS
    for i in range(count):
        segmentation[first + i] = owner


@kernel
def write_extras(
    triangles: Triangles,
    view: View,
    supersample: int,
    labels: Array,
    visible: Visible,
    depth: Array,
    normals: Array,
    links: Array,
) -> None:
    """Unit normals float32 [H, W, 3] (world) and links uint16 [H, W] at the pixels' centres."""
    height, width = depth.shape
    for row in range(height):
        for column in range(width):
            x, y = supersample * (column + 1) - 1, supersample * (row + 1) - 1
            label = labels[y * view.width + x]
            if label == 0:
                links[row, column] = 0
                for axis in range(3):
                    normals[row, column, axis] = f32(0.0)
                continue
            slot = visible.slot[label - 1]
            links[row, column] = triangles.link[label - 1] + 1
            _write_normal(
                visible.table, slot * COLUMNS, x, y, depth[row, column], normals[row, column]
            )


@inlined
def _write_normal(table: Array, at: int, x: int, y: int, depth: np.float32, normal: Array) -> None:
    dx = f32(x) + f32(0.5) - table[at + REFERENCE]
    dy = f32(y) + f32(0.5) - table[at + REFERENCE + 1]
    u, v = at + PLANE_U, at + PLANE_V
    u_value = (table[u] * dx + table[u + 1] * dy + table[u + 2]) * depth
    v_value = (table[v] * dx + table[v + 1] * dy + table[v + 2]) * depth
    total = f32(0.0)
    for axis in range(3):
        n = at + NORMAL + 3 * axis
        normal[axis] = table[n] + u_value * table[n + 1] + v_value * table[n + 2]
        total += normal[axis] * normal[axis]
    inverse = f32(1.0) / math.sqrt(total + f32(1e-20))
    for axis in range(3):
        normal[axis] *= inverse
