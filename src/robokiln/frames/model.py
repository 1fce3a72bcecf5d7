"""A scene's triangles as flat arrays: what the kernels read, built once for a spec."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from robokiln.assets import Mesh, build_mesh
from robokiln.frames.meshes import LinkMesh, robot_meshes
from robokiln.scene import robots
from robokiln.types import Array, SceneSpec, Shape


class Triangles(NamedTuple):
    """All links' triangles in one numbering; links as in `visual_links`.

    vertices, normals float32 [V, 3] in the link's frame; faces int32 [F, 3], counter-clockwise
    outside; paint int32 [F], an index into the paints; vertex_start, face_start int32 [L + 1],
    where each link's rows begin; spheres float32 [L, 4], a bounding centre and radius.
    """

    vertices: Array
    normals: Array
    faces: Array
    paint: Array
    vertex_start: Array
    face_start: Array
    spheres: Array


class Model(NamedTuple):
    """Triangles and their paints: the robot's sRGB colors [P, 3] first, then one a body."""

    triangles: Triangles
    robot_colors: Array


def scene_model(spec: SceneSpec) -> Model:
    """The triangles of a spec; specs that differ only in poses share one."""
    shapes = tuple((b.shape.kind, tuple(sorted(b.shape.size.items()))) for b in spec.bodies)
    return _model(spec.robot, shapes)


@functools.lru_cache(maxsize=16)
def _model(robot: str, shapes: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]) -> Model:
    links = robot_meshes(robots.get(robot))
    colors, paint = np.unique(
        np.concatenate([link.colors for link in links]), axis=0, return_inverse=True
    )
    bodies = [build_mesh(Shape(kind, dict(size))) for kind, size in shapes]
    body_paint = np.repeat(np.arange(len(bodies)), [len(b.faces) for b in bodies]) + len(colors)
    meshes: list[LinkMesh | Mesh] = [*links, *bodies]
    vertex_start = _starts([len(m.vertices) for m in meshes])
    triangles = Triangles(
        np.concatenate([m.vertices for m in meshes]).astype(np.float32),
        np.concatenate([m.normals for m in meshes]).astype(np.float32),
        np.concatenate(
            [m.faces + start for m, start in zip(meshes, vertex_start[:-1], strict=True)]
        ).astype(np.int32),
        np.concatenate([paint.ravel(), body_paint]).astype(np.int32),
        vertex_start,
        _starts([len(m.faces) for m in meshes]),
        np.array([_sphere(m.vertices) for m in meshes], np.float32),
    )
    return Model(triangles, colors / 255)


def _starts(counts: Sequence[int]) -> Array:
    return np.cumsum([0, *counts]).astype(np.int32)


def _sphere(points: Array) -> tuple[float, float, float, float]:
    """The middle of the bounding box and the farthest point's distance from it."""
    x, y, z = (float(v) for v in (points.min(axis=0) + points.max(axis=0)) / 2)
    radius = np.linalg.norm(points - [x, y, z], axis=1).max()
    return x, y, z, float(radius) * 1.0001
