"""Things on the table that are only seen."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import numpy as np

from robokiln.assets import COLORS, footprint, height
from robokiln.frames.looks.draw import choose, draw, hsv
from robokiln.frames.looks.materials import tinted
from robokiln.geometry import pose, pose_tuple, quat_from_yaw
from robokiln.types import Array, Body, Color, Prop, SceneSpec, Shape

if TYPE_CHECKING:
    from robokiln.frames.looks.config import LookConfig

TRIES = 60
"""Draws for one distractor before it is left out."""
AROUND = 0.16
"""Metres that distractors may lie beyond the bodies: about as far as the front camera sees."""
BASE = 0.28
"""Metres from the robot's base that stay free."""
ROLE_ROOM, ROOM = 0.09, 0.015
"""Metres round a body that stay free: where the fingers come down, and elsewhere."""
SIZES: dict[str, dict[str, tuple[float, float]]] = {
    "box": {"x": (0.02, 0.06), "y": (0.02, 0.06), "z": (0.01, 0.045)},
    "cylinder": {"radius": (0.012, 0.03), "height": (0.015, 0.045)},
    "sphere": {"radius": (0.012, 0.022)},
    "plate": {"radius": (0.03, 0.05), "height": (0.012, 0.018)},
    "bowl": {"radius": (0.03, 0.045), "height": (0.02, 0.035)},
}


def distractors(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> tuple[Prop, ...]:
    """Low things between and around the bodies, where neither hand nor target passes.

    Physics knows nothing of them, so nothing may touch them: they are at most 4.5 cm tall, which
    fingers and carried objects pass over, and keep 9 cm from the bodies that the goal names, where
    the fingers come down, and 1.5 cm from the others as they first stand. A body that is pushed or
    dropped can still end within one. They are gray or of named colors that no body of the scene
    has, so that an instruction stays unambiguous. Where there is no room there are fewer.
    """
    count = int(rng.integers(*config.distractors, endpoint=True))
    found: list[Prop] = []
    for index, own in enumerate(rng.spawn(count)):
        shape = _shape(own)
        centre = _free(spec, shape, found, own)
        if centre is not None:
            material = tinted(own, config, _color(spec, own), config.textures.distractor)
            top = _table(spec)
            where = pose(
                (*centre, top + height(shape) / 2), quat_from_yaw(draw(own, (-np.pi, np.pi)))
            )
            rounded = pose_tuple(np.round(where, 9))
            found.append(Prop(f"distractor_{index}", shape, rounded, material))
    return tuple(found)


def _shape(rng: np.random.Generator) -> Shape:
    kind = choose(rng, tuple(SIZES))
    return Shape(kind, {k: round(draw(rng, limits), 4) for k, limits in SIZES[kind].items()})


def _free(
    spec: SceneSpec, shape: Shape, others: list[Prop], rng: np.random.Generator
) -> Array | None:
    """A centre [2] with room on every side, or None."""
    bodies = [body for body in spec.bodies if body.mass > 0]
    low, high = _zone(spec, bodies, footprint(shape))
    taken = [(body.pose, _radius(body.shape) + _room(spec, body)) for body in bodies]
    taken += [(prop.pose, footprint(prop.shape) + ROOM) for prop in others]
    taken.append(((0.0,) * 7, BASE))
    for _ in range(TRIES):
        centre = rng.uniform(low, high)
        gaps = [
            (centre[0] - p[0]) ** 2 + (centre[1] - p[1]) ** 2 - (footprint(shape) + r) ** 2
            for p, r in taken
        ]
        if min(gaps) >= 0:
            return centre
    return None


def _zone(spec: SceneSpec, bodies: list[Body], radius: float) -> tuple[Array, Array]:
    """Corners [2] of the rectangle for centres: round the bodies, on the table."""
    table = spec.bodies[spec.index("table")]
    half = np.array([table.shape.size["x"], table.shape.size["y"]]) / 2 - radius
    middle, at = np.array(table.pose[:2]), np.array([body.pose[:2] for body in bodies])
    low = np.maximum(at.min(axis=0) - AROUND, middle - half)
    return low, np.maximum(low, np.minimum(at.max(axis=0) + AROUND, middle + half))


def _room(spec: SceneSpec, body: Body) -> float:
    return ROLE_ROOM if body.name in spec.goal.values() else ROOM


def _radius(shape: Shape) -> float:
    """Of what a body covers however it lies."""
    return max(footprint(shape), height(shape) / 2)


def _table(spec: SceneSpec) -> float:
    table = spec.bodies[spec.index("table")]
    return table.pose[2] + table.shape.size["z"] / 2


def _color(spec: SceneSpec, rng: np.random.Generator) -> Color:
    """Gray, or a named color that the scene does not have."""
    used = {body.color for body in spec.bodies}
    name = choose(rng, ["", "", *(color for color in COLORS if color not in used)])
    if not name:
        return hsv(float(rng.random()), draw(rng, (0.0, 0.06)), draw(rng, (0.15, 0.95)))
    h, s, v = colorsys.rgb_to_hsv(*COLORS[name])
    return hsv(h, s, v * draw(rng, (0.85, 1.05)))
