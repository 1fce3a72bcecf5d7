"""Mesh files made by hand, and what tests ask of their triangles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from robokiln.frames.meshes.triangles import edges_of
from robokiln.types import Array


def open_edges(faces: Array) -> int:
    """Edges of only one triangle."""
    _, count = np.unique(edges_of(faces)[0], axis=0, return_counts=True)
    return int((count == 1).sum())


def volume(points: Array, faces: Array) -> float:
    """Of a closed surface; negative where it is inside out."""
    a, b, c = (points[faces[:, k]].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def two_colored_sphere(radius: float = 0.1) -> tuple[Array, Array, Array]:
    """20,480 triangles of a sphere about the origin, of color group 1 where z > 0.4 radius."""
    ball = trimesh.creation.icosphere(subdivisions=5, radius=radius)
    points, faces = np.array(ball.vertices), np.array(ball.faces)
    return points, faces, (points[faces].mean(axis=1)[:, 2] > 0.4 * radius).astype(int)


def write_stl(path: Path, mesh: trimesh.Trimesh) -> Path:
    """A binary STL: triangles alone, unwelded."""
    path.write_bytes(trimesh.exchange.stl.export_stl(mesh))
    return path


def write_textured_square(folder: Path, diffuse: str = "1 1 1") -> Path:
    """A square of 1 m in z = 0 as two triangles; its image is red where u < v, else blue."""
    side = np.arange(64)
    u, v = (side[None] + 0.5) / 64, 1 - (side[:, None] + 0.5) / 64
    image = np.where((u < v)[:, :, None], [200, 0, 0], [0, 0, 100]).astype(np.uint8)
    Image.fromarray(image).save(folder / "square.png")
    (folder / "square.mtl").write_text(f"newmtl cloth\nKd {diffuse}\nmap_Kd square.png\n")
    (folder / "square.obj").write_text(
        "mtllib square.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
        "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nusemtl cloth\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n"
    )
    return folder / "square.obj"
