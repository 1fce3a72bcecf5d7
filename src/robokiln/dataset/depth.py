"""Depth as LeRobot stores it: 12-bit codes, logarithmic in metres, in a lossless gray video."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from robokiln.types import Array

CODES = 4096
DEPTH_MIN, DEPTH_MAX, SHIFT = 0.01, 10.0, 3.5
"""Metres, as lerobot's own encoder has them: the depths of the first and the last code, and what
is added before the logarithm."""
PIXEL_FORMAT = "gray12le"
PRESET, GROUP = "superfast", 5
"""Of 12 combinations on the wrist's depth the fastest but for `ultrafast`, which takes half as much
disk again; slower ones save a tenth."""
OPTIONS = {"x265-params": "lossless=1"}

_LOW = math.log(DEPTH_MIN + SHIFT)
_STEP = (math.log(DEPTH_MAX + SHIFT) - _LOW) / (CODES - 1)


def _depth_at(code: float) -> float:
    return math.exp(_LOW + code * _STEP) - SHIFT


_BORDERS = np.array([_depth_at(code + 0.5) for code in range(CODES - 1)], np.float32)
DEPTHS: Array = np.array([0.0, *(_depth_at(code) for code in range(1, CODES))], np.float32)
"""Metres of each code [4096]. Code 0 is what has no depth, or less than a centimetre: 0 here, and
`DEPTH_MIN` in lerobot. From there to 2.5 m the nearest code is less than 1 mm away."""
DEPTHS.flags.writeable = False


def depth_codes(depth: Array) -> Array:
    """float32 metres [T, H, W] -> uint16 codes.

    By comparison with the codes' borders: a logarithm of each pixel could differ in its last bit
    from one CPU to the next, and with it the file.
    """
    codes = np.empty(depth.shape, np.uint16)
    for image, found in zip(np.asarray(depth, np.float32), codes, strict=True):
        found[...] = np.searchsorted(_BORDERS, image, side="right")
    return codes


def depth_histogram(depth: Array) -> Array:
    """How often each code occurs: int64 [1, 4096]."""
    return np.bincount(depth_codes(depth).ravel(), minlength=CODES)[None]


def video_info() -> dict[str, Any]:
    """What info.json says of a depth video beyond its size and rate."""
    return {
        "video.codec": "hevc",
        "video.pix_fmt": PIXEL_FORMAT,
        "is_depth_map": True,
        "depth_unit": "m",
        "video.depth_min": DEPTH_MIN,
        "video.depth_max": DEPTH_MAX,
        "video.shift": SHIFT,
        "video.use_log": True,
        "video.g": GROUP,
        "video.preset": PRESET,
        "video.extra_options": OPTIONS,
    }


def readable(info: object) -> bool:
    """Whether a video's info says that it holds depth in the codes above."""
    keys = ("is_depth_map", "video.pix_fmt", "video.depth_min", "video.depth_max")
    expected = video_info()
    return isinstance(info, Mapping) and all(
        info.get(key) == expected[key] for key in (*keys, "video.shift", "video.use_log")
    )
