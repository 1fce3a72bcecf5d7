"""Welded surfaces, and what is asked of their triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robokiln.types import Array

WELD = 6
"""Decimal places of a metre: corners that agree to a micrometre are one point."""
FINEST = 0.005
"""Least distance of samples as a share of the whole's diagonal, so that their number is bounded."""


@dataclass(frozen=True)
class Surface:
    """points float64 [V, 3], welded; faces int32 [F, 3]; colors uint8 [F, 3], few different ones.

    No face is degenerate, and every point is some face's.
    """

    points: Array
    faces: Array
    colors: Array


def weld(corners: Array, colors: Array) -> Surface:
    """Triangle corners [F, 3, 3] as a surface; triangles without an area are left out, and of
    several that cover each other the first stays."""
    flat = corners.reshape(-1, 3)
    _, first, index = np.unique(
        np.round(flat, WELD), axis=0, return_index=True, return_inverse=True
    )
    points, faces = flat[first], index.reshape(-1, 3).astype(np.int32)
    distinct = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    kept = np.flatnonzero(distinct & (double_areas(points[faces]) > 1e-12))
    start = np.argmin(faces[kept], axis=1)
    turned = np.take_along_axis(faces[kept], (start[:, None] + np.arange(3)) % 3, axis=1)
    _, once = np.unique(turned, axis=0, return_index=True)
    kept = kept[np.sort(once)]
    used, index = np.unique(faces[kept], return_inverse=True)
    return Surface(points[used], index.reshape(-1, 3).astype(np.int32), colors[kept])


def double_areas(corners: Array) -> Array:
    """Twice the area of each triangle [F, 3, 3]."""
    normal = area_normals(corners)
    return np.sqrt((normal * normal).sum(axis=1))


def area_normals(corners: Array) -> Array:
    """Each triangle's [F, 3, 3] normal, as long as twice its area."""
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def edges_of(faces: Array) -> tuple[Array, Array]:
    """Each corner's edge to the next corner, as sorted pairs [3 F, 2], and its face [3 F]."""
    pairs = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    return np.sort(pairs, axis=1), np.repeat(np.arange(len(faces)), 3)


def inner_samples(corners: Array, spacing: float) -> tuple[Array, Array, Array]:
    """Points [N, 3] inside the triangles [F, 3, 3] that are longer than `spacing`, about that far
    apart (farther in slivers, and at least FINEST of the whole's size); their triangles [N] and
    barycentric coordinates [N, 3]."""
    size = corners.max(axis=(0, 1)) - corners.min(axis=(0, 1))
    spacing = max(spacing, FINEST * float(np.sqrt((size * size).sum())))
    longest = np.sqrt(((corners - np.roll(corners, 1, axis=1)) ** 2).sum(axis=2)).max(axis=1)
    across, along = np.sqrt(double_areas(corners)) / spacing, np.sqrt(longest / spacing)
    rows = np.where(longest > spacing, np.ceil(np.maximum(across, along)), 1).astype(int)
    owners, shares = [np.empty(0, int)], [np.empty((0, 3))]
    for n in np.unique(rows[rows > 1]):
        found, grid = np.flatnonzero(rows == n), barycentric_grid(int(n))
        owners.append(np.repeat(found, len(grid)))
        shares.append(np.tile(grid, (len(found), 1)))
    owner, share = np.concatenate(owners), np.concatenate(shares)
    return (corners[owner] * share[:, :, None]).sum(axis=1), owner, share


def barycentric_grid(rows: int) -> Array:
    """Evenly spread inside a triangle: barycentric coordinates [rows (rows + 1) / 2, 3]."""
    i, j = np.meshgrid(np.arange(rows), np.arange(rows), indexing="ij")
    inside = i + j < rows
    a, b = (3 * i[inside] + 1) / (3 * rows), (3 * j[inside] + 1) / (3 * rows)
    return np.stack([a, b, 1 - a - b], axis=1)


def rotated(points: Array, matrix: Array) -> Array:
    """Points [N, 3] times a matrix [3, 3]. Not by matmul: its last bit depends on the machine."""
    x, y, z = (points[:, k, None] * matrix[:, k] for k in range(3))
    return x + y + z
