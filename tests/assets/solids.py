"""Every kind of shape in a few sizes, and how far points are from meshes and from parts."""

from __future__ import annotations

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from robokiln.assets import Part, build_mesh
from robokiln.geometry import quat_to_matrix
from robokiln.types import Array, Shape

BAR = {"reach": 0.03, "grip": 0.006}
EXAMPLES = [
    Shape("box", {"x": 0.04, "y": 0.05, "z": 0.03}),
    Shape("cylinder", {"radius": 0.02, "height": 0.05}),
    Shape("sphere", {"radius": 0.02}),
    Shape("capsule", {"radius": 0.02, "length": 0.03}),
    Shape("bottle", {"radius": 0.022, "height": 0.09}),
    Shape("bottle", {"radius": 0.024, "height": 0.09, "shoulder": 0.45, "neck": 0.5}),
    Shape("cup", {"radius": 0.03, "height": 0.06}),
    Shape("cup", {"radius": 0.033, "height": 0.055, "taper": 0.95, "wall": 0.003}),
    Shape("bowl", {"radius": 0.08, "height": 0.05}),
    Shape("bowl", {"radius": 0.075, "height": 0.05, "foot": 0.6, "curve": 0.8}),
    Shape("plate", {"radius": 0.085, "height": 0.024}),
    Shape("plate", {"radius": 0.08, "height": 0.022, "foot": 0.5, "well": 0.8, "dip": 0.2}),
    Shape("can", {"radius": 0.02, "height": 0.06}),
    Shape("can", {"radius": 0.022, "height": 0.09, "neck": 0.88, "rim": 0.0025}),
    Shape("ring", {"radius": 0.022, "tube": 0.006}),
    Shape("ring", {"radius": 0.018, "tube": 0.005, "tall": 1.4}),
    Shape("prism", {"radius": 0.022, "height": 0.04, "sides": 6.0}),
    Shape("prism", {"radius": 0.022, "height": 0.04, "sides": 8.0}),
    Shape("mug", {"radius": 0.034, "height": 0.08}),
    Shape("mug", {"radius": 0.038, "height": 0.07, "taper": 0.85, "loop": 0.03, "grip": 0.005}),
    Shape("tray", {"x": 0.18, "y": 0.14, "z": 0.03}),
    Shape("tray", {"x": 0.20, "y": 0.15, "z": 0.035, "lean": 0.009, "wall": 0.005}),
    Shape("crate", {"x": 0.16, "y": 0.13, "z": 0.08}),
    Shape("crate", {"x": 0.16, "y": 0.13, "z": 0.08, "slats": 3.0, "gap": 0.007}),
    Shape("peg", {"side": 0.03, "length": 0.09}),
    Shape("zone", {"x": 0.12, "y": 0.09}),
    Shape("zone", {"x": 0.12, "y": 0.09, "frame": 0.01}),
    Shape("socket", {"x": 0.1, "y": 0.09, "z": 0.04, "hole": 0.034}),
    Shape("cabinet", {"x": 0.2, "y": 0.3, "z": 0.3, "wall": 0.012, "rows": 1.0}),
    Shape("cabinet", {"x": 0.2, "y": 0.24, "z": 0.32, "wall": 0.01, "rows": 3.0}),
    Shape("drawer", {"x": 0.18, "y": 0.2, "z": 0.09, "wall": 0.008, "handle": 0.07, **BAR}),
    Shape(
        "door", {"x": 0.015, "y": 0.2, "z": 0.25, "handle": 0.1, "inset": 0.03, **BAR}
    ),
]  # fmt: skip
GRAIN = 0.0004
"""Metres between the sampled points of a surface that distances are measured to, about."""


def solid(shape: Shape) -> trimesh.Trimesh:
    """The visual mesh with coincident vertices merged."""
    mesh = build_mesh(shape)
    merged = trimesh.Trimesh(np.round(mesh.vertices, 9), mesh.faces, merge_norm=True)
    merged.update_faces(merged.nondegenerate_faces())  # at a sphere's poles
    return merged


def surface(mesh: trimesh.Trimesh, count: int) -> Array:
    """Points [count, 3] all over a surface."""
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=0)
    return np.asarray(points)


def winding(mesh: trimesh.Trimesh, points: Array) -> Array:
    """How often the surface goes round points [N, 3]: 0 outside.

    Van Oosterom and Strackee, "The solid angle of a plane triangle", 1983.
    """
    a, b, c = np.moveaxis(mesh.triangles[None] - points[:, None, None], 2, 0)
    la, lb, lc = (np.linalg.norm(v, axis=-1) for v in (a, b, c))
    top = (a * np.cross(b, c)).sum(-1)
    bottom = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return np.asarray(2 * np.arctan2(top, bottom).sum(axis=1) / (4 * np.pi))


def distance_to_surface(mesh: trimesh.Trimesh, points: Array) -> Array:
    """Distances [N] to the nearest of many points on the surface."""
    count = int(np.clip(mesh.area / GRAIN**2, 20_000, 400_000))
    found, _ = cKDTree(surface(mesh, count)).query(points)
    return np.asarray(found)


def distance_to_part(part: Part, points: Array) -> Array:
    """Signed distances [N] to a part, negative inside."""
    local = (points - part.pose[:3]) @ quat_to_matrix(np.array(part.pose[3:]))
    if part.kind == "box":
        return _outside(np.abs(local) - part.size)
    if part.kind == "cylinder":
        flat = np.linalg.norm(local[:, :2], axis=1) - part.size[0]
        return _outside(np.stack([flat, np.abs(local[:, 2]) - part.size[1] / 2], -1))
    if part.kind == "capsule":
        over = np.maximum(np.abs(local[:, 2]) - part.size[1] / 2, 0)
        return np.asarray(np.hypot(np.linalg.norm(local[:, :2], axis=1), over) - part.size[0])
    return np.asarray(np.linalg.norm(local, axis=1) - part.size[0])


def _outside(over: Array) -> Array:
    """From how far points lie beyond each pair of sides."""
    inside = np.minimum(over.max(axis=-1), 0)
    return np.asarray(np.linalg.norm(np.maximum(over, 0), axis=-1) + inside)


def corners(part: Part) -> Array:
    """The outermost points of a part [N, 3]: corners, or points on its round sides."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], -1) * part.size[0]
    ball = np.random.default_rng(0).normal(size=(60, 3))
    ball *= part.size[0] / np.linalg.norm(ball, axis=1, keepdims=True)
    if part.kind == "box":
        signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), -1).reshape(-1, 3)
        local = signs * np.array(part.size)
    elif part.kind == "sphere":
        local = ball
    else:
        half = part.size[1] / 2
        ends = [np.concatenate([circle, np.full((16, 1), z)], 1) for z in (-half, half)]
        caps = [ball + np.array([0, 0, half * s]) for s in (-1, 1) if part.kind == "capsule"]
        local = np.concatenate([*ends, *caps])
    return np.asarray(local @ quat_to_matrix(np.array(part.pose[3:])).T + part.pose[:3])
