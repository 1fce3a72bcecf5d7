"""Lens distortion: a wider ideal picture is drawn, and looked up where the lens bends its rays."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from robokiln.geometry import distort, intrinsics
from robokiln.types import Array, Camera, RobokilnError

ITERATIONS = 20
TOLERANCE = 1e-9
MAX_SIZE = 3.0
"""How many times as wide or as high as the camera's the ideal picture may be."""


@dataclass(frozen=True)
class Lens:
    """Brown-Conrady coefficients as OpenCV has them: radial k1, k2, k3, tangential p1, p2."""

    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0

    @property
    def coefficients(self) -> tuple[float, float, float, float, float]:
        """In OpenCV's order."""
        return self.k1, self.k2, self.p1, self.p2, self.k3

    def undistort(self, points: Array) -> Array:
        """Ideal normalised image points of distorted ones [..., 2]; the inverse of `distort`."""
        ideal = np.array(points, float)
        for _ in range(ITERATIONS):
            (a, b, d), error = self._slopes(ideal), distort(ideal, self.coefficients) - points
            scale = 1 / (a * d - b * b)
            step = np.stack(
                [d * error[..., 0] - b * error[..., 1], a * error[..., 1] - b * error[..., 0]], -1
            )
            ideal = ideal - step * scale[..., None]
        return ideal

    def _slopes(self, points: Array) -> tuple[Array, Array, Array]:
        """The distortion's derivatives dx/dx, dx/dy = dy/dx and dy/dy."""
        x, y = points[..., 0], points[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        slope = 2 * (self.k1 + r2 * (2 * self.k2 + r2 * 3 * self.k3))
        return (
            radial + slope * x * x + 2 * self.p1 * y + 6 * self.p2 * x,
            slope * x * y + 2 * self.p1 * x + 2 * self.p2 * y,
            radial + slope * y * y + 6 * self.p1 * y + 2 * self.p2 * x,
        )


class LensMap:
    """From the ideal picture of `wide` to the picture of a camera behind a lens.

    The camera's intrinsics are those of the distorted picture, as a calibration gives them.
    """

    def __init__(self, camera: Camera, lens: Lens) -> None:
        ideal = _ideal_points(camera, lens)
        focal = float(max(intrinsics(camera)[0, 0], intrinsics(camera)[1, 1]))
        low, high = ideal.min(axis=(0, 1)) * focal, ideal.max(axis=(0, 1)) * focal
        # A pixel round it, so that every neighbour of a lookup exists.
        left, top = math.ceil(-low[0]) + 1, math.ceil(-low[1]) + 1
        width, height = left + math.ceil(high[0]) + 1, top + math.ceil(high[1]) + 1
        if width > MAX_SIZE * camera.width or height > MAX_SIZE * camera.height:
            raise RobokilnError(
                f"camera '{camera.name}': the lens needs an ideal picture of {width} x {height} "
                f"for {camera.width} x {camera.height}; expected at most {MAX_SIZE:.0f} times"
            )
        calibration = (focal, focal, float(left), float(top))
        self.wide = dataclasses.replace(camera, width=width, height=height, calibration=calibration)
        self._look_up(ideal[..., 0] * focal + left, ideal[..., 1] * focal + top)

    def _look_up(self, x: Array, y: Array) -> None:
        """Nearest pixels, and the four round each point with their weights."""
        width = self.wide.width
        self._nearest = np.floor(y).astype(np.int64) * width + np.floor(x).astype(np.int64)
        left, top = np.floor(x - 0.5), np.floor(y - 0.5)
        right, down = x - 0.5 - left, y - 0.5 - top
        corner = top.astype(np.int64) * width + left.astype(np.int64)
        self._corners = [corner, corner + 1, corner + width, corner + width + 1]
        weights = [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down]
        self._weights = [w.astype(np.float32)[..., None] for w in weights]

    def nearest(self, picture: Array) -> Array:
        """Depth or labels [H', W', ...] of the wide picture -> [H, W, ...]."""
        return picture.reshape(-1, *picture.shape[2:])[self._nearest]

    def bilinear(self, light: Array) -> Array:
        """Linear light float32 [H', W', C] -> [H, W, C]."""
        rows = light.reshape(-1, light.shape[-1])
        pairs = zip(self._corners, self._weights, strict=True)
        total = np.zeros((*self._nearest.shape, light.shape[-1]), np.float32)
        for corner, weight in pairs:
            total += rows[corner] * weight
        return total


def _ideal_points(camera: Camera, lens: Lens) -> Array:
    """Normalised ideal image points [H, W, 2] of the pixels' centres."""
    k = intrinsics(camera)
    y, x = np.mgrid[0 : camera.height, 0 : camera.width] + 0.5
    seen = np.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1]], axis=-1)
    with np.errstate(all="ignore"):  # a lens that folds runs away; that is what is checked
        ideal = lens.undistort(seen)
        a, b, d = lens._slopes(ideal)
        error = np.abs(distort(ideal, lens.coefficients) - seen).max()
        fine = error < TOLERANCE and (a > 0).all() and (a * d - b * b > 0).all()
    if not fine:
        raise RobokilnError(
            f"camera '{camera.name}': the lens {lens.coefficients} (k1, k2, p1, p2, k3) folds the "
            f"picture over within its {camera.width} x {camera.height} pixels; "
            "expected a calibration of the whole picture"
        )
    return ideal
