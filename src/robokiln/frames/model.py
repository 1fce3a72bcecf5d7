"""A scene's triangles as flat arrays: what the kernels read, built once for a scene and a look."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from robokiln.assets import Mesh, build_mesh
from robokiln.frames.meshes import LinkMesh, robot_meshes
from robokiln.scene import robots
from robokiln.types import Array, Look, SceneSpec, Shape

ShapeKey = tuple[str, tuple[tuple[str, float], ...]]


class Triangles(NamedTuple):
    """All links' triangles in one numbering; links as in `visual_links`, then the look's props.

    vertices, normals float32 [3, V] in the link's frame, an axis a row, so that kernels read
    neighbours together; faces uint32 [3, F], counter-clockwise outside; planes float32 [4, F], the
    outward unit normal and its offset: positive where a point sees the face's front; paint int32
    [F], an index into the paints; link int32 [F]; axis int32 [F], the normal's largest component,
    along which textures are projected; vertex_start, face_start int32 [L + 1], where each link's
    columns begin; spheres float32 [L, 4], a bounding centre and radius.
    """

    vertices: Array
    normals: Array
    faces: Array
    planes: Array
    paint: Array
    link: Array
    axis: Array
    vertex_start: Array
    face_start: Array
    spheres: Array


class Model(NamedTuple):
    """Triangles and their paints: the robot's sRGB colors [P, 3] first, then one a body or prop."""

    triangles: Triangles
    robot_colors: Array


def scene_model(spec: SceneSpec, look: Look) -> Model:
    """The triangles of a scene; scenes that differ only in poses and materials share one."""
    shapes = [b.shape for b in spec.bodies] + [p.shape for p in look.props]
    return _model(spec.robot, tuple((s.kind, tuple(sorted(s.size.items()))) for s in shapes))


@functools.lru_cache(maxsize=16)
def _model(robot: str, shapes: tuple[ShapeKey, ...]) -> Model:
    links = robot_meshes(robots.get(robot))
    colors, paint = np.unique(
        np.concatenate([link.colors for link in links]), axis=0, return_inverse=True
    )
    bodies = [build_mesh(Shape(kind, dict(size))) for kind, size in shapes]
    body_paint = np.repeat(np.arange(len(bodies)), [len(b.faces) for b in bodies]) + len(colors)
    meshes: list[LinkMesh | Mesh] = [*links, *bodies]
    vertex_start = _starts([len(m.vertices) for m in meshes])
    face_start = _starts([len(m.faces) for m in meshes])
    vertices = np.concatenate([m.vertices for m in meshes])
    faces = np.concatenate(
        [m.faces + start for m, start in zip(meshes, vertex_start[:-1], strict=True)]
    )
    planes = _planes(vertices[faces])
    triangles = Triangles(
        _rows(vertices, np.float32),
        _rows(np.concatenate([m.normals for m in meshes]), np.float32),
        _rows(faces, np.uint32),
        _rows(planes, np.float32),
        np.concatenate([paint.ravel(), body_paint]).astype(np.int32),
        np.repeat(np.arange(len(meshes)), np.diff(face_start)).astype(np.int32),
        np.abs(np.round(planes[:, :3], 3)).argmax(axis=1).astype(np.int32),
        vertex_start,
        face_start,
        np.array([_sphere(m.vertices) for m in meshes], np.float32),
    )
    return Model(triangles, colors / 255)


def _rows(columns: Array, dtype: type) -> Array:
    return np.ascontiguousarray(columns.T, dtype)


def _starts(counts: Sequence[int]) -> Array:
    return np.cumsum([0, *counts]).astype(np.int32)


def _planes(corners: Array) -> Array:
    """Corners [F, 3, 3] -> unit normal and offset [F, 4]; a micrometre keeps edge-on faces, for
    the screen to decide."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal = normal / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-30)
    offset = 1e-6 - (normal * corners[:, 0]).sum(axis=1)
    return np.concatenate([normal, offset[:, None]], axis=1)


def _sphere(points: Array) -> tuple[float, float, float, float]:
    """The middle of the bounding box and the farthest point's distance from it."""
    x, y, z = (float(v) for v in (points.min(axis=0) + points.max(axis=0)) / 2)
    radius = np.linalg.norm(points - [x, y, z], axis=1).max()
    return x, y, z, float(radius) * 1.0001
