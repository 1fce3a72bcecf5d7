"""From ranges to a Look: materials, lights, ambient light and background."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from robokiln.assets import COLORS
from robokiln.types import Body, Color, Light, Look, Material, SceneSpec, lookup

Range = tuple[float, float]


@dataclass(frozen=True)
class LookConfig:
    """Ranges (low, high) from which a look is drawn evenly; a single number twice fixes a value.

    Angles in degrees; intensities as the linear brightness that the light gives a white surface
    facing it; saturation and value of HSV. `shade_jitter` and `hue_jitter` are the largest change
    of a named color: a factor on its value, and a part of the color circle.
    """

    lights: tuple[int, int] = (1, 2)
    light_elevation: Range = (40.0, 75.0)
    light_azimuth: Range = (-180.0, 180.0)
    key_intensity: Range = (0.55, 0.85)
    fill_intensity: Range = (0.10, 0.30)
    light_warmth: Range = (-0.06, 0.10)
    ambient_intensity: Range = (0.22, 0.38)
    ground_share: Range = (0.5, 0.8)
    ambient_saturation: Range = (0.0, 0.08)
    table_saturation: Range = (0.0, 0.18)
    table_value: Range = (0.45, 0.85)
    floor_saturation: Range = (0.0, 0.20)
    floor_value: Range = (0.35, 0.75)
    background_value: Range = (0.50, 0.90)
    background_saturation: Range = (0.0, 0.20)
    roughness: Range = (0.35, 0.9)
    robot_roughness: Range = (0.35, 0.7)
    robot_tint: float = 0.06
    shade_jitter: float = 0.10
    hue_jitter: float = 0.008


def sample_look(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> Look:
    """One look for this scene; a body with a named color keeps that color's hue."""
    materials = tuple(_material(i, body, rng, config) for i, body in enumerate(spec.bodies))
    tint = (1 - config.robot_tint * rng.uniform(0, 1, 3)).tolist()
    robot = Material((tint[0], tint[1], tint[2]), _draw(rng, config.robot_roughness))
    lights = tuple(
        _light(i, rng, config) for i in range(int(rng.integers(*config.lights, endpoint=True)))
    )
    sky, ground = _ambient(rng, config)
    top, bottom = _background(rng, config)
    return Look(materials, robot, lights, sky, ground, top, bottom)


def _draw(rng: np.random.Generator, limits: Range) -> float:
    return float(rng.uniform(*limits))


def _hsv(hue: float, saturation: float, value: float) -> Color:
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))


def _material(index: int, body: Body, rng: np.random.Generator, config: LookConfig) -> Material:
    """A named color within its hue; the floor (body 0) and other unnamed bodies in any hue."""
    hue, first, second = (float(v) for v in rng.uniform(-1, 1, 3))
    roughness = _draw(rng, config.roughness)
    if body.color:
        h, s, v = colorsys.rgb_to_hsv(*lookup("color", body.color, COLORS))
        value = v * (1 + config.shade_jitter * first)
        saturation = s * (1 + 0.5 * config.shade_jitter * second)
        return Material(_hsv(h + config.hue_jitter * hue, saturation, value), roughness)
    saturations = config.floor_saturation if index == 0 else config.table_saturation
    values = config.floor_value if index == 0 else config.table_value
    color = _hsv(hue, _between(saturations, first), _between(values, second))
    return Material(color, roughness)


def _between(limits: Range, at: float) -> float:
    """Low at -1, high at 1."""
    return limits[0] + (limits[1] - limits[0]) * (at + 1) / 2


def _light(index: int, rng: np.random.Generator, config: LookConfig) -> Light:
    """The first light is the key, which casts shadows; the others fill."""
    elevation = np.radians(_draw(rng, config.light_elevation))
    azimuth = np.radians(_draw(rng, config.light_azimuth))
    warmth = _draw(rng, config.light_warmth)
    limits = config.key_intensity if index == 0 else config.fill_intensity
    flat = np.cos(elevation)
    direction = (
        float(flat * np.cos(azimuth)),
        float(flat * np.sin(azimuth)),
        float(np.sin(elevation)),
    )
    color = (min(1.0, 1 + warmth), 1 - abs(warmth) / 3, min(1.0, 1 - warmth))
    return Light(direction, color, _draw(rng, limits), shadows=index == 0)


def _ambient(rng: np.random.Generator, config: LookConfig) -> tuple[Color, Color]:
    """Sky and ground, nearly gray; intensities are linear, colors sRGB."""
    sky = _draw(rng, config.ambient_intensity)
    ground = sky * _draw(rng, config.ground_share)
    hue, saturation = float(rng.uniform()), _draw(rng, config.ambient_saturation)
    return _hsv(hue, saturation, _srgb(sky)), _hsv(hue, saturation, _srgb(ground))


def _srgb(linear: float) -> float:
    return float(1.055 * linear ** (1 / 2.4) - 0.055)


def _background(rng: np.random.Generator, config: LookConfig) -> tuple[Color, Color]:
    hue = float(rng.uniform())
    saturation = _draw(rng, config.background_saturation)
    top, bottom = (_draw(rng, config.background_value) for _ in range(2))
    return _hsv(hue, saturation, top), _hsv(hue, saturation, bottom)
