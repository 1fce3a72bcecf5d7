"""Centre of mass and inertia of a shape that is equally dense throughout."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from robokiln.assets.shapes import build_mesh
from robokiln.geometry import matrix_to_quat
from robokiln.types import Array, Shape


@dataclass(frozen=True)
class MassProperties:
    """centre [3] (m), and the principal axes at it as a quaternion xyzw, in the shape's frame;
    inertia [3], the moments about them for each unit of mass (m^2)."""

    centre: tuple[float, float, float]
    axes: tuple[float, float, float, float]
    inertia: tuple[float, float, float]


def mass_properties(shape: Shape) -> MassProperties:
    """Of what the visual mesh encloses: facets make round things up to 2.3 % less inert.

    Where a mug's handle is rooted in its wall, what both enclose counts twice.
    """
    return _properties(shape.kind, tuple(sorted(shape.size.items())))


@functools.lru_cache(maxsize=4096)
def _properties(kind: str, size: tuple[tuple[str, float], ...]) -> MassProperties:
    mesh = build_mesh(Shape(kind, dict(size)))
    centre, inertia = _integrals(mesh.vertices[mesh.faces])
    moments, axes = _principal(inertia)
    qx, qy, qz, qw = (float(v) for v in matrix_to_quat(axes))
    return MassProperties(_triple(centre), (qx, qy, qz, qw), _triple(moments))


def _integrals(corners: Array) -> tuple[Array, Array]:
    """Centre [3] and inertia about it [3, 3] over the mass within triangles [F, 3, 3].

    Each triangle spans a tetrahedron with the origin, whose signed volumes add up to the whole;
    its second moments are those of its corners and their sum.
    """
    volumes = np.linalg.det(corners) / 6
    total = volumes.sum()
    sums = corners.sum(axis=1)
    centre = volumes @ sums / 4 / total
    spread = np.einsum("f,fci,fcj->ij", volumes, corners, corners)
    spread += np.einsum("f,fi,fj->ij", volumes, sums, sums)
    spread = spread / 20 / total - np.outer(centre, centre)
    return centre, np.trace(spread) * np.eye(3) - spread


def _principal(inertia: Array) -> tuple[Array, Array]:
    """Moments [3] and a rotation [3, 3] whose columns are their axes, the nearest to x, y, z."""
    rounded = np.where(np.abs(inertia) < 1e-9 * np.trace(inertia), 0.0, inertia)
    moments, axes = np.linalg.eigh(rounded)
    order = max(
        itertools.permutations(range(3)),
        key=lambda p: float(np.abs(np.diagonal(axes[:, p])).sum()),
    )
    moments, axes = moments[list(order)], axes[:, order]
    axes = axes * np.where(np.diagonal(axes) < 0, -1.0, 1.0)
    if np.linalg.det(axes) < 0:
        axes[:, int(np.argmin(np.abs(np.diagonal(axes))))] *= -1
    return moments, axes


def _triple(values: Array) -> tuple[float, float, float]:
    x, y, z = (round(float(v), 12) for v in values)
    return x, y, z
