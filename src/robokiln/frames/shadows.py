"""One shadow map a shadow-casting light, shared by all cameras; what stands still is drawn once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robokiln.frames.color import to_linear
from robokiln.frames.lighting import Lights
from robokiln.frames.model import Triangles
from robokiln.frames.placing import Placed, View
from robokiln.frames.raster import clear, draw_triangles
from robokiln.frames.simd import WIDTH
from robokiln.types import Array, Light, Look, RobokilnError

SIZE, SMALLEST = 512, 128
"""Texels along a shadow map's side: of a hard light, and of the softest."""
FURNITURE = 1.5
"""Metres: a link with a larger radius (floor, walls) receives shadows but casts none."""
HEADROOM = 0.2
"""Metres that the lit region reaches above the furniture's middle, for the arm."""
CONE = np.tan(np.radians(60.0))
"""How far from its axis a point light's shadow map reaches at most; it looks at the lit region."""


class Shadows:
    """A look's lights and their shadow maps.

    A link counts as still until it moves for the first time. Still links are drawn once into a map
    that each step's map starts from; the maps do not depend on which links those are.
    """

    def __init__(self, look: Look, bodies: Array, radii: Array) -> None:
        """bodies [B, 4]: spheres that bound the lit region; radii [L] of all links' spheres."""
        region = shadowed_region(bodies)
        casters = [light for light in look.lights if light.shadows]
        self._views = [_view(light, *region) for light in casters]
        self.lights = _lights(look, self._views)
        self._casts = radii <= FURNITURE
        self._still = self._casts.copy()
        self._poses: Array | None = None
        self._base = self.lights.maps.copy()

    def cast(self, triangles: Triangles, placed: Placed, poses: Array) -> None:
        """Draw all maps for links at poses [L, 7], placed already."""
        if not self._views:
            return
        if self._poses is None:
            self._poses = poses.copy()
            self._draw(triangles, placed, self._still, self._base, fresh=True)
        moved = self._still & (poses != self._poses).any(axis=1)
        if moved.any():
            self._still &= ~moved
            # What still stands was placed at self._poses too, so the present step will do.
            self._draw(triangles, placed, self._still, self._base, fresh=True)
        self.lights.maps[:] = self._base
        self._draw(triangles, placed, self._casts & ~self._still, self.lights.maps, fresh=False)

    def _draw(
        self, triangles: Triangles, placed: Placed, links: Array, maps: Array, fresh: bool
    ) -> None:
        for view, start in zip(self._views, self.lights.map_start, strict=True):
            depth = maps[start : start + view.width * view.height + WIDTH]
            if fresh:
                clear(depth, view)
            draw_triangles(triangles, placed, links, view, depth, None)


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


def _view(light: Light, center: Array, radius: float) -> View:
    """How a light sees the lit region: the softer the light, the coarser its map."""
    toward = _unit(light.direction)
    eye, extent, distance = center, radius, 1.0
    if light.position is not None:
        eye = np.array(light.position)
        distance = max(float(np.linalg.norm(eye - center)), 1e-3)
        toward = (eye - center) / distance if distance > 1e-3 else np.array([0.0, 0.0, 1.0])
        extent = min(CONE, radius / np.sqrt(max(distance**2 - radius**2, 1e-6)))
    texels = SIZE
    while texels > SMALLEST and 2 * 2 * extent * distance / texels < light.softness:
        texels //= 2
    focal, half = np.float32(texels / (2 * extent)), np.float32(texels / 2)
    axes = np.ascontiguousarray(_axes(toward), np.float32)
    parallel = light.position is None
    return View(axes, eye.astype(np.float32), focal, focal, half, half, parallel, texels, texels)


def _lights(look: Look, views: Sequence[View]) -> Lights:
    """The kernels' form of a look's lights; the shadow maps are still empty."""
    lights = look.lights
    at = [_unit(x.direction) if x.position is None else np.array(x.position) for x in lights]
    radiance = [to_linear(np.array(x.color)) * x.intensity for x in lights]
    casts = np.array([x.shadows for x in lights], bool)
    sizes = np.array([v.width for v in views], np.int64)
    starts = np.cumsum([0, *(sizes**2 + WIDTH)]).astype(np.int64)
    return Lights(
        np.array(at, np.float32).reshape(-1, 3),
        np.array([x.position is not None for x in lights], bool),
        np.array(radiance, np.float32).reshape(-1, 3),
        np.where(casts, np.cumsum(casts) - 1, -1).astype(np.int32),
        np.zeros(starts[-1], np.float32),
        starts[:-1],
        sizes,
        np.array([v.rotation for v in views], np.float32).reshape(-1, 3, 3),
        np.array([v.eye for v in views], np.float32).reshape(-1, 3),
        np.array([v.focal_x for v in views], np.float32),
        _linear_pair(look.ambient_sky, look.ambient_ground),
        _linear_pair(look.background_top, look.background_bottom),
    )


def _unit(direction: Sequence[float]) -> Array:
    length = float(np.linalg.norm(direction))
    if not length > 0:
        raise RobokilnError(f"light direction {tuple(direction)}: expected a vector of length > 0")
    return np.array(direction) / length


def _axes(toward: Array) -> Array:
    """Rows right, down and forward of a view along the light, from the light to the scene."""
    forward = -toward
    helper = np.eye(3)[int(np.argmin(np.abs(toward)))]
    right = np.cross(helper, forward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def _linear_pair(first: Sequence[float], second: Sequence[float]) -> Array:
    return to_linear(np.array([first, second])).astype(np.float32)
