"""sRGB and linear light (IEC 61966-2-1)."""

from __future__ import annotations

import functools

import numpy as np

from robokiln.types import Array

CODES = 1 << 12
"""Codes of linear light: code i stands for (i / (CODES - 1))^2, a tenth of an sRGB step or less."""


def to_linear(srgb: Array) -> Array:
    """sRGB in [0, 1] -> linear light in [0, 1], float64."""
    srgb = np.asarray(srgb, np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@functools.cache
def srgb_codes() -> Array:
    """uint8 [CODES]: the nearest sRGB byte of each code."""
    linear = (np.arange(CODES) / (CODES - 1)) ** 2
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.floor(255 * srgb + 0.5).astype(np.uint8)


def to_srgb(linear: Array) -> Array:
    """Linear light in [0, 1] -> the nearest sRGB bytes, uint8."""
    codes = np.sqrt(np.clip(linear, 0, 1)) * (CODES - 1)
    return srgb_codes()[np.round(codes).astype(np.int64)]
