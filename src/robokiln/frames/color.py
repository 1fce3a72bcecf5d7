"""sRGB and linear light (IEC 61966-2-1)."""

from __future__ import annotations

import functools

import numpy as np

from robokiln.types import Array

LEVELS = 1 << 16
"""Steps of linear light that the table tells apart: a fifteenth of the smallest sRGB step."""


def to_linear(srgb: Array) -> Array:
    """sRGB in [0, 1] -> linear light in [0, 1], float64."""
    srgb = np.asarray(srgb, np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@functools.cache
def srgb_table() -> Array:
    """uint8 [LEVELS]: the nearest sRGB byte of linear light i / (LEVELS - 1)."""
    linear = np.arange(LEVELS) / (LEVELS - 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.floor(255 * srgb + 0.5).astype(np.uint8)
