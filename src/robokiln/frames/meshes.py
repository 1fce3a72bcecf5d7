"""The robot's visual meshes: read from the URDF's OBJ files, decimated, given normals, cached."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

import fast_simplification
import numpy as np
import trimesh
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from robokiln.frames.cache import cache_directory, load_arrays, save_arrays
from robokiln.geometry import quat_to_matrix
from robokiln.scene.robots import Robot, Visual
from robokiln.types import Array

KEEP = 0.07
"""Share of a part's triangles that decimation keeps; a Panda has 103k."""
KEEP_AT_LEAST = 200
SMALLEST = 0.02
"""Metres: separate pieces no larger than this (letters, screws, button symbols) are left out."""
CREASE = np.cos(np.radians(40.0))
"""Faces that meet at more than this angle do not share a normal."""
WHITE = (230, 235, 237)
"""Of a mesh file without materials."""
_SOURCE = Path(__file__).read_bytes()
"""Read with the code it stands for, so that an edit never names what older code prepared."""


@dataclass(frozen=True)
class LinkMesh:
    """One visual link, in its link frame: vertices and normals float32 [V, 3], faces int32 [F, 3],
    and each face's sRGB color uint8 [F, 3]."""

    vertices: Array
    normals: Array
    faces: Array
    colors: Array


@functools.cache
def robot_meshes(robot: Robot) -> tuple[LinkMesh, ...]:
    """The meshes of `robot.visuals`, in that order; prepared once a machine."""
    path = cache_directory("meshes") / f"{robot.name}-{_content_hash(robot)}.npz"
    arrays = load_arrays(path)
    if arrays is None:
        prepared = [_prepare(visual) for visual in robot.visuals]
        arrays = {
            f"{key}{i}": a for i, mesh in enumerate(prepared) for key, a in vars(mesh).items()
        }
        save_arrays(path, arrays)
    fields = ("vertices", "normals", "faces", "colors")
    return tuple(LinkMesh(*(arrays[f"{f}{i}"] for f in fields)) for i in range(len(robot.visuals)))


def _content_hash(robot: Robot) -> str:
    """Of everything that the prepared meshes follow from: this file, the models, their origins."""
    digest = hashlib.sha256(_SOURCE)
    for visual in robot.visuals:
        digest.update(repr((visual.link, visual.origin)).encode())
        for file in (visual.mesh, visual.mesh.with_suffix(".mtl")):
            digest.update(file.read_bytes() if file.exists() else b"")
    return digest.hexdigest()[:16]


def _prepare(visual: Visual) -> LinkMesh:
    parts = [(color, _decimated(*part)) for color, part in _parts_by_color(visual.mesh).items()]
    parts = [(color, part) for color, part in parts if len(part[1])]
    offsets = np.cumsum([0] + [len(points) for _, (points, _) in parts])
    points = np.concatenate([points for _, (points, _) in parts])
    faces = np.concatenate([f + o for (_, (_, f)), o in zip(parts, offsets[:-1], strict=True)])
    colors = np.concatenate([np.tile(color, (len(f), 1)) for color, (_, f) in parts])
    points = points @ quat_to_matrix(np.array(visual.origin[3:])).T + visual.origin[:3]
    return LinkMesh(*_with_normals(points, faces), colors.astype(np.uint8))


def _parts_by_color(path: Path) -> dict[tuple[int, int, int], tuple[Array, Array]]:
    """The file's triangles, grouped by their material's diffuse color, welded by position."""
    loaded = trimesh.load_scene(path, process=False, group_material=True, split_objects=False)
    groups: dict[tuple[int, int, int], list[Array]] = {}
    for mesh in loaded.geometry.values():
        color = WHITE
        if path.with_suffix(".mtl").exists():
            r, g, b = (int(c) for c in mesh.visual.material.diffuse[:3])
            color = r, g, b
        groups.setdefault(color, []).append(mesh.vertices[mesh.faces].reshape(-1, 3))
    return {color: _weld(np.concatenate(corners)) for color, corners in groups.items()}


def _weld(corners: Array) -> tuple[Array, Array]:
    """Triangle corners [3 F, 3] -> points and faces [F, 3] without slivers."""
    _, first, index = np.unique(
        np.round(corners, 6), axis=0, return_index=True, return_inverse=True
    )
    faces = index.reshape(-1, 3)
    distinct = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    return corners[first], faces[distinct].astype(np.int32)


def _decimated(points: Array, faces: Array) -> tuple[Array, Array]:
    """Fewer triangles; open borders stay, so that parts of different colors still meet."""
    faces = _without_small_pieces(points, faces)
    target = max(int(KEEP * len(faces)), KEEP_AT_LEAST)
    if target < len(faces):
        points, faces = fast_simplification.simplify(
            points, faces, target_count=target, agg=2.0, preserve_border=True
        )
    area = np.linalg.norm(_area_normals(points, faces), axis=1)
    return points, faces[area > 1e-12]


def _without_small_pieces(points: Array, faces: Array) -> Array:
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    links = coo_array((np.ones(len(edges)), edges.T), shape=(len(points), len(points)))
    count, piece = connected_components(links, directed=False)
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, piece, points)
    np.maximum.at(high, piece, points)
    kept: Array = faces[np.linalg.norm(high - low, axis=1)[piece[faces[:, 0]]] > SMALLEST]
    return kept


def _area_normals(points: Array, faces: Array) -> Array:
    """Each face's normal, as long as twice its area [F, 3]."""
    edges = points[faces[:, 1:]] - points[faces[:, :1]]
    return np.cross(edges[:, 0], edges[:, 1])


def _with_normals(points: Array, faces: Array) -> tuple[Array, Array, Array]:
    """Vertices and normals, smooth except across creases, and faces."""
    area_normal = _area_normals(points, faces)
    unit = area_normal / np.linalg.norm(area_normal, axis=1, keepdims=True)
    corner, other = _corners_that_share_a_point(faces)
    smooth = (unit[corner // 3] * unit[other // 3]).sum(axis=1) > CREASE
    normals = np.zeros((faces.size, 3))
    np.add.at(normals, corner[smooth], area_normal[other[smooth] // 3])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.concatenate([points[faces.ravel()], normals], axis=1).astype(np.float32)
    rows, index = np.unique(rows, axis=0, return_inverse=True)
    vertices, normals = np.ascontiguousarray(rows[:, :3]), np.ascontiguousarray(rows[:, 3:])
    return vertices, normals, index.reshape(-1, 3).astype(np.int32)


def _corners_that_share_a_point(faces: Array) -> tuple[Array, Array]:
    """All ordered pairs of corners (index into faces.ravel()) at one point, itself included."""
    order = np.argsort(faces.ravel(), kind="stable")
    _, start, count = np.unique(faces.ravel()[order], return_index=True, return_counts=True)
    group = np.repeat(np.arange(len(count)), count)
    first = np.repeat(order, count[group])
    total = int((count**2).sum())
    pair_start = np.repeat(np.cumsum(count[group]) - count[group], count[group])
    second = order[np.repeat(start[group], count[group]) + np.arange(total) - pair_start]
    return first, second
