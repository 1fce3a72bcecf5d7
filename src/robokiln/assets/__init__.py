"""Procedural shapes and named colours. Everything here is made by our own code (Apache-2.0)."""

from robokiln.assets.colors import ALL_COLORS, COLORS, UNSEEN_COLORS
from robokiln.assets.families import FAMILIES, Family, families
from robokiln.assets.furniture import compartment, handle_offset, landmark
from robokiln.assets.kinds import Part
from robokiln.assets.mass import MassProperties, mass_properties
from robokiln.assets.meshes import Mesh
from robokiln.assets.shapes import SHAPES, build_mesh, collision_parts, footprint, height

__all__ = [
    "ALL_COLORS",
    "COLORS",
    "FAMILIES",
    "SHAPES",
    "UNSEEN_COLORS",
    "Family",
    "MassProperties",
    "Mesh",
    "Part",
    "build_mesh",
    "collision_parts",
    "compartment",
    "families",
    "footprint",
    "handle_offset",
    "height",
    "landmark",
    "mass_properties",
]
