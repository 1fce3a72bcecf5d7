"""Kernels that find what each sample of a picture sees: a depth buffer and a triangle's number.

A picture's samples lie on a grid; sample (x, y) has its centre at (x + 0.5, y + 0.5). Nearness is a
number that is linear on the screen and grows towards the viewer: 1 / depth in a camera, the height
along the light's direction in a shadow map.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from robokiln.frames.jit import inlined, kernel
from robokiln.frames.model import Triangles
from robokiln.types import Array

f32 = np.float32
NEAR = f32(0.01)
"""Metres in front of the camera where triangles are cut off."""
EDGE = f32(1e-6)
"""How far outside a triangle a sample still counts, so that no crack opens along shared edges."""


class View(NamedTuple):
    """A pinhole camera (or, with focal 0, a parallel projection at `scale` samples a metre).

    rotation float32 [3, 3]: rows are the camera's right, down and forward axes in the world;
    eye float32 [3]; focal, center_x and center_y in samples.
    """

    rotation: Array
    eye: Array
    focal: np.float32
    scale: np.float32
    center_x: np.float32
    center_y: np.float32


@kernel
def place(
    triangles: Triangles, poses: Array, vertices: Array, normals: Array, spheres: Array
) -> None:
    """Move every link's rows into the world: poses float32 [L, 7], the others are written."""
    for link in range(poses.shape[0]):
        x, y, z, w = poses[link, 3], poses[link, 4], poses[link, 5], poses[link, 6]
        s = f32(2.0) / (x * x + y * y + z * z + w * w)
        m00, m01, m02 = f32(1.0) - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)
        m10, m11, m12 = s * (x * y + z * w), f32(1.0) - s * (x * x + z * z), s * (y * z - x * w)
        m20, m21, m22 = s * (x * z - y * w), s * (y * z + x * w), f32(1.0) - s * (x * x + y * y)
        px, py, pz = poses[link, 0], poses[link, 1], poses[link, 2]
        for i in range(triangles.vertex_start[link], triangles.vertex_start[link + 1]):
            a, b, c = triangles.vertices[i, 0], triangles.vertices[i, 1], triangles.vertices[i, 2]
            vertices[i, 0] = m00 * a + m01 * b + m02 * c + px
            vertices[i, 1] = m10 * a + m11 * b + m12 * c + py
            vertices[i, 2] = m20 * a + m21 * b + m22 * c + pz
            a, b, c = triangles.normals[i, 0], triangles.normals[i, 1], triangles.normals[i, 2]
            normals[i, 0] = m00 * a + m01 * b + m02 * c
            normals[i, 1] = m10 * a + m11 * b + m12 * c
            normals[i, 2] = m20 * a + m21 * b + m22 * c
        a, b, c = triangles.spheres[link, 0], triangles.spheres[link, 1], triangles.spheres[link, 2]
        spheres[link, 0] = m00 * a + m01 * b + m02 * c + px
        spheres[link, 1] = m10 * a + m11 * b + m12 * c + py
        spheres[link, 2] = m20 * a + m21 * b + m22 * c + pz
        spheres[link, 3] = triangles.spheres[link, 3]


@kernel
def draw_triangles(
    triangles: Triangles,
    vertices: Array,
    spheres: Array,
    view: View,
    screen: Array,
    nearness: Array,
    labels: Array,
) -> None:
    """Fill nearness float32 [H, W] and labels int32 [H, W]: the triangle's number + 1, 0 for none.

    `screen` float32 [V, 3] is scratch. A shadow map passes labels of shape [0, 0]. A link whose
    sphere has radius 0 or less is left out.
    """
    nearness[:] = f32(0.0) if view.focal > 0 else f32(-1e30)
    labels[:] = 0
    height, width = nearness.shape
    for link in range(spheres.shape[0]):
        if _is_outside(spheres[link], view, width, height):
            continue
        crosses_near = _project(
            vertices, triangles.vertex_start[link], triangles.vertex_start[link + 1], view, screen
        )
        for face in range(triangles.face_start[link], triangles.face_start[link + 1]):
            if crosses_near and _cut_and_fill(triangles, vertices, face, view, nearness, labels):
                continue
            # Counter-clockwise seen from outside is clockwise on a screen whose y points down.
            a, c, b = triangles.faces[face, 0], triangles.faces[face, 1], triangles.faces[face, 2]
            _fill(
                screen[a, 0], screen[a, 1], screen[a, 2],
                screen[b, 0], screen[b, 1], screen[b, 2],
                screen[c, 0], screen[c, 1], screen[c, 2],
                face + 1, nearness, labels,
            )  # fmt: skip


@inlined
def _camera_point(vertices: Array, i: int, view: View) -> tuple[np.float32, np.float32, np.float32]:
    """Vertex i in the camera's frame."""
    x = vertices[i, 0] - view.eye[0]
    y = vertices[i, 1] - view.eye[1]
    z = vertices[i, 2] - view.eye[2]
    r = view.rotation
    return (
        r[0, 0] * x + r[0, 1] * y + r[0, 2] * z,
        r[1, 0] * x + r[1, 1] * y + r[1, 2] * z,
        r[2, 0] * x + r[2, 1] * y + r[2, 2] * z,
    )


@kernel
def _is_outside(sphere: Array, view: View, width: int, height: int) -> bool:
    """Whether a sphere lies beyond the near plane or one of the picture's four sides."""
    radius = sphere[3]
    if radius <= 0:
        return True
    x, y, z = _camera_point(sphere.reshape(1, 4), 0, view)
    if view.focal == 0:
        right, down = f32(width) / view.scale / f32(2.0), f32(height) / view.scale / f32(2.0)
        return bool(abs(x) > right + radius or abs(y) > down + radius)
    if z < NEAR - radius:
        return True
    left, top = view.center_x, view.center_y
    right, bottom = f32(width) - left, f32(height) - top
    return bool(
        -view.focal * x - left * z > radius * math.sqrt(view.focal**2 + left**2)
        or view.focal * x - right * z > radius * math.sqrt(view.focal**2 + right**2)
        or -view.focal * y - top * z > radius * math.sqrt(view.focal**2 + top**2)
        or view.focal * y - bottom * z > radius * math.sqrt(view.focal**2 + bottom**2)
    )


@kernel
def _project(vertices: Array, start: int, stop: int, view: View, screen: Array) -> bool:
    """Write x, y and nearness of some vertices; whether one lies before the near plane."""
    crosses_near = False
    for i in range(start, stop):
        x, y, z = _camera_point(vertices, i, view)
        if view.focal == 0:
            screen[i, 0] = view.scale * x + view.center_x
            screen[i, 1] = view.scale * y + view.center_y
            screen[i, 2] = -z
        else:
            crosses_near = crosses_near or bool(z < NEAR)
            inverse = f32(1.0) / z
            screen[i, 0] = view.focal * x * inverse + view.center_x
            screen[i, 1] = view.focal * y * inverse + view.center_y
            screen[i, 2] = inverse
    return crosses_near


@kernel
def _cut_and_fill(
    triangles: Triangles, vertices: Array, face: int, view: View, nearness: Array, labels: Array
) -> bool:
    """Cut a triangle at the near plane and fill what remains; False if it needs no cut."""
    corners = np.empty((3, 3), np.float32)
    for j in range(3):
        x, y, z = _camera_point(vertices, triangles.faces[face, j], view)
        corners[j, 0], corners[j, 1], corners[j, 2] = x, y, z
    if corners[0, 2] >= NEAR and corners[1, 2] >= NEAR and corners[2, 2] >= NEAR:
        return False
    polygon = np.empty((4, 3), np.float32)
    count = 0
    for j in range(3):
        here, there = corners[j], corners[(j + 1) % 3]
        if here[2] >= NEAR:
            polygon[count] = here
            count += 1
        if (here[2] >= NEAR) != (there[2] >= NEAR):
            share = (NEAR - here[2]) / (there[2] - here[2])
            for axis in range(3):
                polygon[count, axis] = here[axis] + share * (there[axis] - here[axis])
            count += 1
    for j in range(count):
        inverse = f32(1.0) / polygon[j, 2]
        polygon[j, 0] = view.focal * polygon[j, 0] * inverse + view.center_x
        polygon[j, 1] = view.focal * polygon[j, 1] * inverse + view.center_y
        polygon[j, 2] = inverse
    for j in range(1, count - 1):
        a, b, c = polygon[0], polygon[j + 1], polygon[j]
        _fill(
            a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2], face + 1, nearness, labels
        )  # fmt: skip
    return True


@inlined
def _fill(
    x0: np.float32, y0: np.float32, k0: np.float32,
    x1: np.float32, y1: np.float32, k1: np.float32,
    x2: np.float32, y2: np.float32, k2: np.float32,
    label: int, nearness: Array, labels: Array,
) -> None:  # fmt: skip
    """Write the samples inside a triangle that are nearer than what is there; none if it shows
    its back. k is the nearness of a corner."""
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not area > f32(1e-9):
        return
    height, width = nearness.shape
    left = max(math.ceil(min(x0, x1, x2) - f32(0.5)), 0)
    right = min(math.floor(max(x0, x1, x2) - f32(0.5)), width - 1)
    top = max(math.ceil(min(y0, y1, y2) - f32(0.5)), 0)
    bottom = min(math.floor(max(y0, y1, y2) - f32(0.5)), height - 1)
    if left > right or top > bottom:
        return
    # Barycentric coordinates u (of corner 1), v (of corner 2) and nearness k are planes.
    scale = f32(1.0) / area
    ux, uy = (y2 - y0) * scale, (x0 - x2) * scale
    vx, vy = (y0 - y1) * scale, (x1 - x0) * scale
    kx, ky = ux * (k1 - k0) + vx * (k2 - k0), uy * (k1 - k0) + vy * (k2 - k0)
    px = f32(left) + f32(0.5) - x0
    write_labels = labels.size > 0
    for row in range(top, bottom + 1):
        py = f32(row) + f32(0.5) - y0
        u_row, v_row, k_row = ux * px + uy * py, vx * px + vy * py, k0 + kx * px + ky * py
        for column in range(left, right + 1):
            step = f32(column - left)
            u, v, k = u_row + ux * step, v_row + vx * step, k_row + kx * step
            inside = (u >= -EDGE) & (v >= -EDGE) & (u + v <= f32(1.0) + EDGE)
            if inside & (k > nearness[row, column]):
                nearness[row, column] = k
                if write_labels:
                    labels[row, column] = label
