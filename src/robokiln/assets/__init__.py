"""Procedural shapes and named colours. Everything here is made by our own code (Apache-2.0)."""

from robokiln.assets.colors import COLORS
from robokiln.assets.shapes import (
    SHAPES,
    Mesh,
    Part,
    build_mesh,
    collision_parts,
    footprint,
    height,
)

__all__ = [
    "COLORS",
    "SHAPES",
    "Mesh",
    "Part",
    "build_mesh",
    "collision_parts",
    "footprint",
    "height",
]
