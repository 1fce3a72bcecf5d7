"""Light set-ups by family. Adding one is one function and one line here.

A family takes (rng, config) and gives its lights and the ambient light. The first light is the
key; intensities, elevation, azimuth, warmth and softness come from the configuration's ranges
unless the family is defined by them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from robokiln.frames.looks.draw import direction, draw, hsv, srgb
from robokiln.types import Color, Light

if TYPE_CHECKING:
    from robokiln.frames.looks.config import LookConfig

WORK = (0.48, 0.0, 0.0)
"""The point of the table that lamps are aimed at."""


@dataclass(frozen=True)
class Lighting:
    """Lights, and ambient light from above and from below (sRGB)."""

    lights: tuple[Light, ...]
    sky: Color
    ground: Color


def sun(rng: np.random.Generator, config: LookConfig) -> Lighting:
    """A key light that casts shadows, and fills from anywhere that cast none."""
    count = int(rng.integers(*config.lights, endpoint=True))
    lights = tuple(_light(i, rng, config) for i in range(count))
    return _lit(lights, rng, config)


def overcast(rng: np.random.Generator, config: LookConfig) -> Lighting:
    """A weak key with broad shadows under a bright sky."""
    key = _light(0, rng, config)
    key = replace(key, intensity=0.45 * key.intensity, softness=draw(rng, (0.06, 0.12)))
    return _lit((key,), rng, config, share=1.7)


def lamp(rng: np.random.Generator, config: LookConfig) -> Lighting:
    """A lamp over the table, and a weak fill."""
    return _lit((_lamp(rng, config), _light(1, rng, config)), rng, config)


def studio(rng: np.random.Generator, config: LookConfig) -> Lighting:
    """Key, fill from its other side, and a rim light from behind the arm."""
    key = _light(0, rng, config)
    x, y, z = key.direction
    fill = replace(_light(1, rng, config), direction=(-x, -y, z))
    rim = replace(_light(2, rng, config), direction=direction(draw(rng, (30, 50)), 180))
    return _lit((key, fill, rim), rng, config, share=0.8)


def window(rng: np.random.Generator, config: LookConfig) -> Lighting:
    """Cool slanting light from the left or the right, with soft shadows."""
    side = 90.0 if rng.random() < 0.5 else -90.0
    toward = direction(draw(rng, (22, 38)), side + draw(rng, (-25, 25)))
    key = replace(
        _light(0, rng, config), direction=toward, color=_tinted(draw(rng, (-0.15, -0.05)))
    )
    key = replace(key, intensity=1.5 * key.intensity, softness=draw(rng, (0.03, 0.08)))
    return _lit((key,), rng, config, share=1.1, hue=0.6)


def evening(rng: np.random.Generator, config: LookConfig) -> Lighting:
    """Low warm light with long shadows under a bluish sky."""
    toward = direction(draw(rng, (15, 28)), draw(rng, config.light_azimuth))
    key = replace(_light(0, rng, config), direction=toward, color=_tinted(draw(rng, (0.10, 0.18))))
    key = replace(key, intensity=1.5 * key.intensity)
    return _lit((key,), rng, config, share=1.3, hue=0.6)


def two_lamps(rng: np.random.Generator, config: LookConfig) -> Lighting:
    """Two lamps over the table that both cast shadows, one warm and one cool."""
    warmths = (draw(rng, (0.05, 0.14)), draw(rng, (-0.14, -0.05)))
    lamps = tuple(replace(_lamp(rng, config), color=_tinted(w)) for w in warmths)
    return _lit(tuple(replace(x, intensity=0.6 * x.intensity) for x in lamps), rng, config)


LIGHTS: dict[str, Callable[[np.random.Generator, LookConfig], Lighting]] = {
    "sun": sun,
    "overcast": overcast,
    "lamp": lamp,
    "studio": studio,
    "window": window,
    "evening": evening,
    "two_lamps": two_lamps,
}


def _light(index: int, rng: np.random.Generator, config: LookConfig) -> Light:
    """The key (index 0) casts shadows; the others fill."""
    elevation, azimuth = draw(rng, config.light_elevation), draw(rng, config.light_azimuth)
    color = _tinted(draw(rng, config.light_warmth))
    intensity = draw(rng, config.fill_intensity if index else config.key_intensity)
    softness = draw(rng, config.light_softness)
    shadows = index == 0
    return Light(direction(elevation, azimuth), color, intensity, shadows, None, softness)


def _lamp(rng: np.random.Generator, config: LookConfig) -> Light:
    """A point light 0.9 to 1.4 m over the table; its intensity is what reaches the work."""
    key = _light(0, rng, config)
    offset = np.array([draw(rng, (-0.35, 0.45)), draw(rng, (-0.6, 0.6)), draw(rng, (0.9, 1.4))])
    squared = float(offset[0] * offset[0] + offset[1] * offset[1] + offset[2] * offset[2])
    x, y, z = (round(float(v), 6) for v in offset / np.sqrt(squared))
    where = (WORK[0] + float(offset[0]), WORK[1] + float(offset[1]), WORK[2] + float(offset[2]))
    return replace(key, direction=(x, y, z), position=where, intensity=key.intensity * squared)


def _tinted(warmth: float) -> Color:
    """White, towards orange (positive) or blue (negative)."""
    return (min(1.0, 1 + warmth), 1 - abs(warmth) / 3, min(1.0, 1 - warmth))


def _lit(
    lights: tuple[Light, ...],
    rng: np.random.Generator,
    config: LookConfig,
    share: float = 1.0,
    hue: float | None = None,
) -> Lighting:
    """With ambient light, nearly gray, `share` times as bright as configured."""
    sky = share * draw(rng, config.ambient_intensity)
    ground = sky * draw(rng, config.ground_share)
    drawn, saturation = float(rng.uniform()), draw(rng, config.ambient_saturation)
    hue = drawn if hue is None else hue
    return Lighting(lights, hsv(hue, saturation, srgb(sky)), hsv(hue, saturation, srgb(ground)))
