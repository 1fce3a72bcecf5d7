"""sRGB bytes and the linear light that noise happens in."""

from __future__ import annotations

import functools

import numpy as np

from robokiln.frames.color import CODES, srgb_codes, to_linear
from robokiln.types import Array


@functools.cache
def _linear_table() -> Array:
    """float32 [256]; rounded, as the last bit of a power differs between machines."""
    return np.round(to_linear(np.arange(256) / 255), 7).astype(np.float32)


def decode(rgb: Array) -> Array:
    """sRGB bytes -> linear light in [0, 1], float32."""
    return _linear_table()[rgb]


def encode(light: Array) -> Array:
    """Linear light -> the nearest sRGB bytes; what is darker or brighter than they go is cut."""
    code = np.sqrt(np.clip(light, np.float32(0), np.float32(1))) * np.float32(CODES - 1)
    return srgb_codes()[(code + np.float32(0.5)).astype(np.int32)]
