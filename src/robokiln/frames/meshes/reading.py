"""Mesh files as one welded surface with a color a face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from robokiln.frames.color import to_srgb
from robokiln.frames.meshes.limits import check_count, inspect, named
from robokiln.frames.meshes.palette import area_mean, limited
from robokiln.frames.meshes.triangles import Surface, double_areas, rotated, weld
from robokiln.types import Array, RobokilnError

FORMATS = (".obj", ".stl", ".glb", ".ply")
WHITE = (230, 235, 237)
"""sRGB of a mesh file without materials."""


def read(path: Path, textures: bool = True) -> Surface:
    """The file's triangles; without `textures`, materials have their plain color alone.

    Errors: a format that is not read, a damaged or empty file, vertices that are not finite.
    """
    if path.suffix.lower() not in FORMATS:
        raise RobokilnError(f"mesh '{path}': expected one of {', '.join(FORMATS)}")
    inspect(path)
    try:
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused below
            parts = [_part(*found, textures) for found in _geometries(path)]
    except RobokilnError:
        raise
    except (ValueError, IndexError, TypeError) as error:
        raise RobokilnError(f"mesh '{path}': cannot be read ({error})") from error
    except OSError as error:
        raise RobokilnError(f"mesh '{path}': its image cannot be read ({error})") from error
    corners = np.concatenate([corners for corners, _ in parts] or [np.empty((0, 3, 3))])
    colors = np.concatenate([colors for _, colors in parts] or [np.empty((0, 3), np.uint8)])
    broken = int((~np.isfinite(corners)).any(axis=2).sum())
    if broken:
        raise RobokilnError(f"mesh '{path}': {broken} triangle corners are not finite numbers")
    surface = weld(corners, colors)
    if not len(surface.faces):
        raise RobokilnError(f"mesh '{path}': it has no triangle of any area")
    return surface


def sources(path: Path) -> list[Path]:
    """The file and, of an OBJ, the material and image files that it names and that exist."""
    found = [path]
    if path.suffix.lower() == ".obj":
        libraries = [path.parent / name for name in named(path, rb"mtllib")]
        images = [m.parent / name for m in libraries for name in named(m, rb"map_Kd")]
        found += [*libraries, *images]
    return [file for file in found if file.is_file()]


def _geometries(path: Path) -> list[tuple[Any, Array]]:
    """Each mesh of the file and its transform [4, 4], in the file's order."""
    try:
        scene = trimesh.load_scene(path, process=False, group_material=True, split_objects=False)
    except Exception as error:  # a reader of many formats: whatever it stumbles over
        raise RobokilnError(f"mesh '{path}': cannot be read ({error})") from error
    nodes = [scene.graph[name] for name in scene.graph.nodes_geometry]
    meshes = [(scene.geometry[geometry], transform) for transform, geometry in nodes]
    found = [(mesh, transform) for mesh, transform in meshes if hasattr(mesh, "faces")]
    # Counted here once more: a scene may show one mesh a million times.
    check_count(path, "triangles", sum(len(mesh.faces) for mesh, _ in found))
    check_count(path, "vertices", sum(len(mesh.vertices) for mesh, _ in found))
    return found


def _part(mesh: Any, transform: Array, textures: bool) -> tuple[Array, Array]:
    """Corners float64 [F, 3, 3] in the file's frame and colors uint8 [F, 3]."""
    points = np.asarray(mesh.vertices, np.float64)
    if not np.array_equal(transform, np.eye(4)):
        points = rotated(points, transform[:3, :3]) + transform[:3, 3]
    faces = np.asarray(mesh.faces)
    corners = points[faces]
    if np.linalg.det(transform[:3, :3]) < 0:  # a mirrored copy would face inwards
        corners = corners[:, ::-1]
    return corners, _face_colors(mesh, faces, textures)


def _base_color(material: Any) -> Array:
    """sRGB uint8 [3]; glTF's factors are in linear light, an MTL's are not."""
    if hasattr(material, "baseColorFactor"):
        linear = np.asarray(material.main_color)[:3] / 255.0
        return to_srgb(linear)
    diffuse = getattr(material, "diffuse", None)
    return np.asarray(WHITE if diffuse is None else diffuse)[:3].astype(np.uint8)


def _face_colors(mesh: Any, faces: Array, textures: bool) -> Array:
    """Of the material: its color times the mean of its texture under each face."""
    plain = np.tile(np.array(WHITE, np.uint8), (len(faces), 1))
    visual = mesh.visual
    material = getattr(visual, "material", None)
    if material is None:
        kind = getattr(visual, "kind", None)
        return plain if kind is None else np.asarray(visual.face_colors)[:, :3].astype(np.uint8)
    base = _base_color(material)
    image = getattr(material, "image", None) or getattr(material, "baseColorTexture", None)
    uv = getattr(visual, "uv", None)
    if not textures or image is None or uv is None:
        return np.tile(base, (len(faces), 1))
    texels = np.asarray(image.convert("RGB"))
    sampled = area_mean(texels, np.asarray(uv)[faces])
    corners = mesh.vertices[faces]
    return limited(np.round(sampled * (base / 255.0)).astype(np.uint8), double_areas(corners))
