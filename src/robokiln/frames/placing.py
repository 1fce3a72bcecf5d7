"""Kernels that place a scene's triangles in the world and project them into a view.

Inner loops run over plain one-dimensional views of arrays: the compiler then turns them into vector
code.
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


class View(NamedTuple):
    """A pinhole, or a parallel projection whose focal lengths are samples a metre.

    rotation float32 [3, 3]: rows are the view's right, down and forward axes in the world; eye
    float32 [3]; focal lengths and centre in samples; width and height of the sample grid.
    """

    rotation: Array
    eye: Array
    focal_x: np.float32
    focal_y: np.float32
    center_x: np.float32
    center_y: np.float32
    parallel: bool
    width: int
    height: int


class Placed(NamedTuple):
    """Triangles in the world, and scratch for drawing them; overwritten at every step.

    vertices, normals, screen (x, y, nearness) float32 [3, V]; frames float32 [L, 3, 4], each
    link's rotation and position; spheres float32 [L, 4]; front uint8 [F] and drawn int32 [F + 1],
    scratch of the face lists; corners [3, 3] and polygon [4, 3] float32, of cutting at NEAR.
    """

    vertices: Array
    normals: Array
    screen: Array
    frames: Array
    spheres: Array
    front: Array
    drawn: Array
    corners: Array
    polygon: Array


def make_placed(triangles: Triangles) -> Placed:
    """Buffers for the triangles of a scene."""
    links, faces = len(triangles.spheres), triangles.faces.shape[1]
    return Placed(
        np.empty_like(triangles.vertices),
        np.empty_like(triangles.vertices),
        np.empty_like(triangles.vertices),
        np.empty((links, 3, 4), np.float32),
        np.empty_like(triangles.spheres),
        np.empty(faces, np.uint8),
        np.empty(faces + 1, np.int32),
        np.empty((3, 3), np.float32),
        np.empty((4, 3), np.float32),
    )


@kernel
def place(triangles: Triangles, poses: Array, placed: Placed) -> None:
    """Move every link into the world: poses float32 [L, 7]."""
    for link in range(poses.shape[0]):
        frame = placed.frames[link]
        _pose_to_frame(poses[link], frame)
        start, stop = triangles.vertex_start[link], triangles.vertex_start[link + 1]
        for axis in range(3):
            a, b, c, d = frame[axis, 0], frame[axis, 1], frame[axis, 2], frame[axis, 3]
            _affine(triangles.vertices, start, stop, a, b, c, d, placed.vertices[axis])
            _affine(triangles.normals, start, stop, a, b, c, f32(0.0), placed.normals[axis])
            x, y, z = (
                triangles.spheres[link, 0],
                triangles.spheres[link, 1],
                triangles.spheres[link, 2],
            )
            placed.spheres[link, axis] = a * x + b * y + c * z + d
        placed.spheres[link, 3] = triangles.spheres[link, 3]


@inlined
def _pose_to_frame(pose: Array, frame: Array) -> None:
    x, y, z, w = pose[3], pose[4], pose[5], pose[6]
    s = f32(2.0) / (x * x + y * y + z * z + w * w)
    one = f32(1.0)
    frame[0, 0], frame[0, 1], frame[0, 2] = (
        one - s * (y * y + z * z),
        s * (x * y - z * w),
        s * (x * z + y * w),
    )
    frame[1, 0], frame[1, 1], frame[1, 2] = (
        s * (x * y + z * w),
        one - s * (x * x + z * z),
        s * (y * z - x * w),
    )
    frame[2, 0], frame[2, 1], frame[2, 2] = (
        s * (x * z - y * w),
        s * (y * z + x * w),
        one - s * (x * x + y * y),
    )
    frame[0, 3], frame[1, 3], frame[2, 3] = pose[0], pose[1], pose[2]


@inlined
def _affine(
    source: Array, start: int, stop: int,
    a: np.float32, b: np.float32, c: np.float32, d: np.float32, target: Array,
) -> None:  # fmt: skip
    """target = a x + b y + c z + d over some columns of source [3, V]."""
    x, y, z = source[0, start:stop], source[1, start:stop], source[2, start:stop]
    out = target[start:stop]
    for i in range(out.shape[0]):
        out[i] = a * x[i] + b * y[i] + c * z[i] + d


@inlined
def camera_point(
    x: np.float32, y: np.float32, z: np.float32, view: View
) -> tuple[np.float32, np.float32, np.float32]:
    """A world point in the view's frame."""
    x, y, z = x - view.eye[0], y - view.eye[1], z - view.eye[2]
    r = view.rotation
    return (
        r[0, 0] * x + r[0, 1] * y + r[0, 2] * z,
        r[1, 0] * x + r[1, 1] * y + r[1, 2] * z,
        r[2, 0] * x + r[2, 1] * y + r[2, 2] * z,
    )


@kernel
def is_outside(sphere: Array, view: View) -> bool:
    """Whether a sphere lies beyond the near plane or one of the picture's four sides."""
    x, y, z = camera_point(sphere[0], sphere[1], sphere[2], view)
    radius = sphere[3]
    left, top = view.center_x, view.center_y
    right, bottom = f32(view.width) - left, f32(view.height) - top
    if view.parallel:
        across, down = view.focal_x * x, view.focal_y * y
        reach_x, reach_y = view.focal_x * radius, view.focal_y * radius
        return bool(
            across + reach_x < -left or across - reach_x > right
            or down + reach_y < -top or down - reach_y > bottom
        )  # fmt: skip
    if z < NEAR - radius:
        return True
    fx, fy = view.focal_x, view.focal_y
    return bool(
        -fx * x - left * z > radius * math.sqrt(fx * fx + left * left)
        or fx * x - right * z > radius * math.sqrt(fx * fx + right * right)
        or -fy * y - top * z > radius * math.sqrt(fy * fy + top * top)
        or fy * y - bottom * z > radius * math.sqrt(fy * fy + bottom * bottom)
    )


@kernel
def crosses_near(sphere: Array, view: View) -> bool:
    _, _, z = camera_point(sphere[0], sphere[1], sphere[2], view)
    return bool(not view.parallel and z - sphere[3] < NEAR * f32(1.01))


@kernel
def list_front_faces(triangles: Triangles, placed: Placed, link: int, view: View) -> int:
    """List the link's faces that turn their front to the viewer in `placed.drawn`; their count.

    The test happens in the link's frame, where the planes of faces never change.
    """
    m = placed.frames[link]
    if view.parallel:
        x, y, z, w = -view.rotation[2, 0], -view.rotation[2, 1], -view.rotation[2, 2], f32(0.0)
    else:
        x, y, z, w = view.eye[0] - m[0, 3], view.eye[1] - m[1, 3], view.eye[2] - m[2, 3], f32(1.0)
    ex = m[0, 0] * x + m[1, 0] * y + m[2, 0] * z
    ey = m[0, 1] * x + m[1, 1] * y + m[2, 1] * z
    ez = m[0, 2] * x + m[1, 2] * y + m[2, 2] * z
    start, stop = triangles.face_start[link], triangles.face_start[link + 1]
    a, b = triangles.planes[0, start:stop], triangles.planes[1, start:stop]
    c, d = triangles.planes[2, start:stop], triangles.planes[3, start:stop]
    front = placed.front[start:stop]
    for i in range(front.shape[0]):
        front[i] = (a[i] * ex + b[i] * ey + c[i] * ez + d[i] * w) > f32(0.0)
    count = 0
    for i in range(front.shape[0]):  # without a branch, which would be guessed wrong half the time
        placed.drawn[count] = start + i
        count += front[i]
    return count


@kernel
def project(triangles: Triangles, placed: Placed, link: int, view: View) -> None:
    """Write the link's vertices on the screen; what lies behind the viewer comes out wrong."""
    start, stop = triangles.vertex_start[link], triangles.vertex_start[link + 1]
    r, eye = view.rotation, view.eye
    for axis in range(3):
        a, b, c = r[axis, 0], r[axis, 1], r[axis, 2]
        shift = -(a * eye[0] + b * eye[1] + c * eye[2])
        _affine(placed.vertices, start, stop, a, b, c, shift, placed.screen[axis])
    x, y, k = (
        placed.screen[0, start:stop],
        placed.screen[1, start:stop],
        placed.screen[2, start:stop],
    )
    if view.parallel:
        for i in range(k.shape[0]):
            x[i] = view.focal_x * x[i] + view.center_x
            y[i] = view.focal_y * y[i] + view.center_y
            k[i] = -k[i]
    else:
        for i in range(k.shape[0]):
            k[i] = f32(1.0) / k[i]
            x[i] = view.focal_x * x[i] * k[i] + view.center_x
            y[i] = view.focal_y * y[i] * k[i] + view.center_y
