"""Drawing what stands on the table."""

from __future__ import annotations

import numpy as np

from robokiln.assets import COLORS, FAMILIES, UNSEEN_COLORS, Family, families, footprint, height
from robokiln.scene.layout import Area, Item, lying, standing
from robokiln.types import Array, Body, Shape

ROOMS = {"target": 0.045, "object": 0.02}
"""Metres that a body keeps clear around it: a target wants room for the open fingers."""
ROOM, TALL_ROOM, TALL = 0.03, 0.085, 0.065
"""Of others, and of things so tall (m) that the palm would touch them."""
TAGS: dict[str, frozenset[str]] = {
    "target": frozenset({"graspable"}),
    "object": frozenset({"graspable", "tall"}),
    "goal": frozenset({"container"}),
    "container": frozenset({"container"}),
}
"""What families are drawn for a role: those that have any of these tags."""


def draw_colors(rng: np.random.Generator, objects: str) -> list[str]:
    """All colors of the split "seen" or "unseen", in random order. What is drawn after them does
    not depend on the split, which so changes the colors of a scene and nothing else."""
    order = [str(c) for c in rng.permutation(list(COLORS))]
    if objects == "seen":
        return order
    stand_in = dict(zip(COLORS, UNSEEN_COLORS, strict=False))
    return [stand_in[color] for color in order if color in stand_in]


def is_a(shape: Shape, role: str) -> bool:
    """Whether shapes of this kind are drawn for a role."""
    return any(f.kind == shape.kind and _suits(f, role) for f in FAMILIES.values())


def _suits(family: Family, role: str) -> bool:
    return bool(TAGS[role] & family.roles) and "furniture" not in family.roles


def draw_shape(rng: np.random.Generator, role: str, objects: str) -> Shape:
    """A shape of a random family of that role, of the split "seen" or "unseen"."""
    found = [family for family in families(split=objects) if _suits(family, role)]
    return found[int(rng.integers(len(found)))].draw(rng)


def item(role: str, shape: Shape, area: Area) -> Item:
    """A shape to be placed: tall things stay clear of the palm."""
    lies = shape.kind == "capsule"
    tall = height(shape) > TALL and not lies
    radius = height(shape) / 2 if lies else footprint(shape)
    return Item(radius, TALL_ROOM if tall else ROOMS.get(role, ROOM), area)


def body(
    rng: np.random.Generator,
    name: str,
    shape: Shape,
    centre: Array,
    area: Area,
    color: str,
    mass: tuple[float, float] | None = None,
) -> Body:
    """A free body at rest on the table, turned as its area allows; capsules lie on their side."""
    yaw = area.turn(rng)
    lies = shape.kind == "capsule"
    where = (
        lying(centre, shape.size["radius"], yaw) if lies else standing(centre, height(shape), yaw)
    )
    low, high = mass or next(f.mass for f in FAMILIES.values() if f.kind == shape.kind)
    friction = round(float(rng.uniform(0.6, 1.0)), 3)
    return Body(name, shape, where, round(float(rng.uniform(low, high)), 4), friction, color)
