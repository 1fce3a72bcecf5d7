"""Shapes: a visual mesh and the convex parts that collide, both built from one set of dimensions.

Every shape's origin is the middle of its height on its axis of symmetry, z up.
"""

from __future__ import annotations

from robokiln.assets.containers import CONTAINERS
from robokiln.assets.furniture import FURNITURE
from robokiln.assets.hollow import HOLLOW
from robokiln.assets.kinds import Part, ShapeKind, Size
from robokiln.assets.meshes import Mesh
from robokiln.assets.primitives import PRIMITIVES
from robokiln.assets.revolved import REVOLVED
from robokiln.types import RobokilnError, Shape, lookup

SHAPES: dict[str, ShapeKind] = {**PRIMITIVES, **REVOLVED, **HOLLOW, **CONTAINERS, **FURNITURE}


def _checked(shape: Shape) -> tuple[ShapeKind, Size]:
    """The shape's kind, and its size with the style that it leaves out."""
    kind: ShapeKind = lookup("shape", shape.kind, SHAPES)
    known = {*kind.dims, *kind.style}
    bad = {k for k, v in shape.size.items() if k not in known or not 0 < v < 100}
    if bad or not set(kind.dims) <= set(shape.size):
        may = f" (and {', '.join(kind.style)})" if kind.style else ""
        raise RobokilnError(
            f"shape '{shape.kind}': expected {', '.join(kind.dims)}{may} in metres, "
            f"got {dict(shape.size)}"
        )
    size = {**kind.style, **shape.size}
    complaint = kind.complaint(size)
    if complaint:
        raise RobokilnError(f"shape '{shape.kind}': expected {complaint}; got {dict(shape.size)}")
    return kind, size


def build_mesh(shape: Shape) -> Mesh:
    """The visual mesh in the body frame."""
    kind, size = _checked(shape)
    return kind.mesh(size)


def collision_parts(shape: Shape) -> tuple[Part, ...]:
    """The convex parts that collide, in the body frame."""
    kind, size = _checked(shape)
    return kind.parts(size)


def height(shape: Shape) -> float:
    """Extent along the shape's own z axis in metres."""
    kind, size = _checked(shape)
    return kind.height(size)


def footprint(shape: Shape) -> float:
    """Radius about the shape's own z axis in metres."""
    kind, size = _checked(shape)
    return kind.footprint(size)
