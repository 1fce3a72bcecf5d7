"""Drawing from ranges, and HSV colors; what is recorded is rounded where libm had a say."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import numpy as np

from robokiln.types import Color

Range = tuple[float, float]


def draw(rng: np.random.Generator, limits: Range) -> float:
    """Evenly from [low, high)."""
    return float(rng.uniform(*limits))


def choose(rng: np.random.Generator, names: Sequence[str]) -> str:
    """One of the names."""
    return names[int(rng.integers(len(names)))]


def hsv(hue: float, saturation: float, value: float) -> Color:
    """sRGB of a hue on the circle [0, 1); saturation and value are cut to [0, 1]."""
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))


def between(limits: Range, at: float) -> float:
    """Low at -1, high at 1."""
    return limits[0] + (limits[1] - limits[0]) * (at + 1) / 2


def srgb(linear: float) -> float:
    """sRGB of linear light, both in [0, 1]."""
    return round(1.055 * min(linear, 1.0) ** (1 / 2.4) - 0.055, 6)


def direction(elevation: float, azimuth: float) -> tuple[float, float, float]:
    """A unit vector from angles in degrees."""
    up, turn = math.radians(elevation), math.radians(azimuth)
    x, y = math.cos(up) * math.cos(turn), math.cos(up) * math.sin(turn)
    return round(x, 6), round(y, 6), round(math.sin(up), 6)
