"""One shadow map a shadow-casting light, shared by all cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robokiln.frames.color import to_linear
from robokiln.frames.lighting import Lights
from robokiln.frames.raster import View
from robokiln.types import Array, Look, RobokilnError

SIZE = 512
"""Texels along a shadow map's side."""
FURNITURE = 1.5
"""Metres: a link with a larger radius (the floor) receives shadows but casts none."""
HEADROOM = 0.2
"""Metres that the lit region reaches above the furniture's middle, for the arm."""


def shadowed_region(spheres: Array) -> tuple[Array, float]:
    """Centre and radius of the part of the world that shadow maps cover, from the placed bodies.

    It depends on the bodies' first poses alone, so shadows do not crawl from frame to frame.
    """
    found = spheres[spheres[:, 3] < FURNITURE]
    if not len(found):
        return np.zeros(3), 1.0
    low = (found[:, :3] - found[:, 3:]).min(axis=0)
    high = (found[:, :3] + found[:, 3:]).max(axis=0)
    radius = float(max(high[:2] - low[:2])) / 2 + HEADROOM / 2
    return (low + high) / 2 + [0, 0, HEADROOM], radius


def make_lights(look: Look, center: Array, radius: float) -> Lights:
    """The kernels' form of a look's lights; the shadow maps are still empty."""
    directions = np.array([_unit(light.direction) for light in look.lights]).reshape(-1, 3)
    radiance = [to_linear(np.array(light.color)) * light.intensity for light in look.lights]
    casts = np.array([light.shadows for light in look.lights], bool)
    axes = [_axes(direction) for direction in directions[casts]]
    count = int(casts.sum())
    return Lights(
        directions.astype(np.float32),
        np.array(radiance, np.float32).reshape(-1, 3),
        np.where(casts, np.cumsum(casts) - 1, -1).astype(np.int32),
        np.zeros((count, SIZE, SIZE), np.float32),
        np.array(axes, np.float32).reshape(count, 3, 3),
        center.astype(np.float32),
        np.float32(SIZE / (2 * radius)),
        _linear_pair(look.ambient_sky, look.ambient_ground),
        _linear_pair(look.background_top, look.background_bottom),
    )


def light_views(lights: Lights) -> Sequence[View]:
    """The parallel projection of each shadow map; sample centres match the lookup's."""
    half = np.float32(SIZE / 2)
    zero = np.float32(0)
    return [View(axes, lights.eye, zero, lights.scale, half, half) for axes in lights.axes]


def _unit(direction: Sequence[float]) -> Array:
    length = float(np.linalg.norm(direction))
    if not length > 0:
        raise RobokilnError(f"light direction {tuple(direction)}: expected a vector of length > 0")
    return np.array(direction) / length


def _axes(direction: Array) -> Array:
    """Rows right, down and forward of a view along the light, from the light to the scene."""
    forward = -direction
    helper = np.eye(3)[int(np.argmin(np.abs(direction)))]
    right = np.cross(helper, forward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def _linear_pair(first: Sequence[float], second: Sequence[float]) -> Array:
    return to_linear(np.array([first, second])).astype(np.float32)
