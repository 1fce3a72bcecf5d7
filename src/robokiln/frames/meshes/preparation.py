"""From a mesh file to what the renderer draws, made once a machine and found by content."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from robokiln.files import cache_directory
from robokiln.frames.cache import load_arrays, save_arrays
from robokiln.frames.meshes.hidden import seen_faces
from robokiln.frames.meshes.normals import drawn_vertices, facing_outwards
from robokiln.frames.meshes.reading import read, sources
from robokiln.frames.meshes.simplify import simplify
from robokiln.frames.meshes.triangles import Surface, rotated
from robokiln.geometry import quat_to_matrix
from robokiln.scene.robots import Robot
from robokiln.types import Array, PoseTuple

MAX_ERROR = 0.0003
"""Metres; see docs/meshes.md for what other values give."""
SMALLEST = 0.003
"""Metres: separate pieces no larger than this (screws' heads, lettering) are left out."""
FIELDS = ("vertices", "normals", "faces", "colors")
_SOURCE = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
"""Read with the code it stands for, so that an edit never names what older code prepared."""


@dataclass(frozen=True)
class LinkMesh:
    """A mesh in its link's or body's frame: vertices and unit normals float32 [V, 3], faces int32
    [F, 3], counter-clockwise outside, and each face's sRGB color uint8 [F, 3]."""

    vertices: Array
    normals: Array
    faces: Array
    colors: Array


@functools.cache
def robot_meshes(robot: Robot) -> tuple[LinkMesh, ...]:
    """One mesh a link of `robot.links`, in that order and in the links' frames."""
    parts: dict[str, list[LinkMesh]] = {link: [] for link in robot.links}
    for visual in robot.visuals:
        mesh = prepare(visual.mesh, robot.mesh_error / visual.scale, robot.textures)
        if visual.scale != 1:
            mesh = replace(mesh, vertices=mesh.vertices * np.float32(visual.scale))
        if visual.color is not None:
            color = np.round(np.array(visual.color) * 255).astype(np.uint8)
            mesh = replace(mesh, colors=np.tile(color, (len(mesh.faces), 1)))
        parts[visual.link].append(placed(mesh, visual.origin))
    return tuple(_joined(meshes) for meshes in parts.values())


def prepare(path: Path, max_error: float = MAX_ERROR, textures: bool = True) -> LinkMesh:
    """A robot's or an object's mesh file in its own frame, fit to be drawn fast; kept in the cache.

    `max_error` in metres bounds what simplification may change; 0 keeps every triangle, also those
    that nobody sees. Errors: see `read`.
    """
    stored = cache_directory("meshes") / f"{path.stem}-{_key(path, max_error, textures)}.npz"
    arrays = load_arrays(stored)
    if arrays is None or set(arrays) != set(FIELDS):
        arrays = vars(prepared(read(path, textures), max_error))
        save_arrays(stored, arrays)
    return LinkMesh(*(arrays[field] for field in FIELDS))


def placed(mesh: LinkMesh, origin: PoseTuple) -> LinkMesh:
    """The same in the frame in which `origin` is the mesh's pose."""
    rotation = quat_to_matrix(np.array(origin[3:]))
    vertices, normals = (rotated(r.astype(float), rotation) for r in (mesh.vertices, mesh.normals))
    vertices = (vertices + origin[:3]).astype(np.float32)
    return LinkMesh(vertices, normals.astype(np.float32), mesh.faces, mesh.colors)


def _joined(meshes: list[LinkMesh]) -> LinkMesh:
    if len(meshes) == 1:
        return meshes[0]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return LinkMesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate(faces).astype(np.int32),
        np.concatenate([mesh.colors for mesh in meshes]),
    )


def _key(path: Path, max_error: float, textures: bool) -> str:
    """Of all that a prepared mesh follows from: this package's code, the files, the options."""
    digest = hashlib.sha256(_SOURCE)
    digest.update(repr((path.suffix.lower(), max_error, textures)).encode())
    for file in sources(path):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def prepared(original: Surface, max_error: float) -> LinkMesh:
    original = facing_outwards(original)
    surface = original
    if max_error > 0:
        surface = without_unseen(simplified(without_small_pieces(original), max_error))
    vertices, normals, faces = drawn_vertices(surface, original)
    return LinkMesh(
        vertices.astype(np.float32),
        normals.astype(np.float32),
        np.ascontiguousarray(faces, np.int32),
        np.ascontiguousarray(surface.colors, np.uint8),
    )


def simplified(surface: Surface, max_error: float) -> Surface:
    """Fewer triangles; see `simplify`."""
    colors, group = np.unique(surface.colors, axis=0, return_inverse=True)
    points, faces, group = simplify(surface.points, surface.faces, group.ravel(), max_error)
    return Surface(points, faces, colors[group])


def without_unseen(surface: Surface) -> Surface:
    """Without the faces that nobody outside can see, except where that is all of them."""
    seen = seen_faces(surface.points, surface.faces)
    return _chosen(surface, seen) if seen.any() else surface


def without_small_pieces(surface: Surface) -> Surface:
    """Without separate pieces whose bounding box has a diagonal of at most SMALLEST metres, unless
    the whole is as small."""
    faces, points = surface.faces, surface.points
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    links = coo_array((np.ones(len(edges), np.int8), edges.T), shape=(len(points), len(points)))
    count, piece = connected_components(links, directed=False)
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, piece, points)
    np.maximum.at(high, piece, points)
    large = ((high - low) ** 2).sum(axis=1) > SMALLEST**2
    return _chosen(surface, large[piece[faces[:, 0]]]) if large.any() else surface


def _chosen(surface: Surface, kept: Array) -> Surface:
    used, index = np.unique(surface.faces[kept], return_inverse=True)
    faces = index.reshape(-1, 3).astype(np.int32)
    return Surface(surface.points[used], faces, surface.colors[kept])
