"""JPEG compression, as a USB camera's MJPEG stream has it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from robokiln.types import Array, RobokilnError


@dataclass(frozen=True)
class Jpeg:
    """libjpeg's `quality` 1 to 95; colours at half resolution along x, as in YUYV and MJPEG."""

    quality: int

    def __post_init__(self) -> None:
        """Refuse what libjpeg doesn't know."""
        if not 1 <= self.quality <= 95:
            raise RobokilnError(f"jpeg: expected a quality of 1 to 95, got {self.quality}")

    def __call__(self, rgb: Array) -> Array:
        """uint8 [H, W, 3], compressed and opened again."""
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, "JPEG", quality=self.quality, subsampling="4:2:2")
        buffer.seek(0)
        with Image.open(buffer, formats=("JPEG",)) as picture:
            return np.asarray(picture.convert("RGB"))
