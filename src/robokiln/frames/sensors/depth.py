"""Depth as a stereo or structured-light camera measures it, by disparity between two views.

Disparity d = f B / z is matched to a fraction of a pixel, so that errors of depth grow with z²:
Khoshelham and Elberink, "Accuracy and resolution of Kinect depth data", Sensors 12(2), 2012;
Keselman et al., "Intel RealSense stereoscopic depth cameras", CVPR workshops 2017. Matching
windows that straddle an edge take either side's depth: the lookup at a random offset is that of
Barron and Malik, CVPR 2013, and Handa et al. (ICL-NUIM), ICRA 2014. Where one view sees nothing,
too slanted a surface, or an edge, there is a hole.

`focal` is the depth imager's own, in its own pixels, so that noise doesn't depend on the size of
our pictures. 0 is no measurement, before and after.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from robokiln.geometry import intrinsics
from robokiln.types import Array, Camera, RobokilnError


@dataclass(frozen=True)
class EdgeFringes:
    """Each pixel looks `spread` (standard deviation, pixels of our picture) beside itself."""

    spread: float

    def __call__(self, depth: Array, rng: np.random.Generator) -> Array:
        """Depth float32 [H, W] with edges that are frayed."""
        height, width = depth.shape
        offset = np.rint(self.spread * rng.standard_normal((2, height, width), np.float32))
        rows = np.clip(np.arange(height)[:, None] + offset[0].astype(np.int64), 0, height - 1)
        columns = np.clip(np.arange(width) + offset[1].astype(np.int64), 0, width - 1)
        return depth[rows, columns]


@dataclass(frozen=True)
class DisparityNoise:
    """Gaussian error `subpixel` of the disparity, then its rounding to `step`; both in pixels.

    `focal` in pixels, `baseline` in metres. The error of depth is about z² subpixel / (f B).
    """

    focal: float
    baseline: float
    subpixel: float
    step: float

    def __post_init__(self) -> None:
        """Refuse a camera that can't measure."""
        values = (self.focal, self.baseline, self.step)
        if not min(values) > 0 or self.subpixel < 0:
            raise RobokilnError(
                "disparity: expected focal, baseline and step above 0 and subpixel at least 0, "
                f"got {values} and {self.subpixel}"
            )

    def __call__(self, depth: Array, rng: np.random.Generator) -> Array:
        """Depth float32 [H, W] as the disparities that were matched give it."""
        scale = self.focal * self.baseline
        noise = self.subpixel * rng.standard_normal(depth.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            matched = np.rint((scale / depth + noise) / self.step) * self.step
            found = np.where(matched > 0, scale / matched, 0)
        return np.where(depth > 0, found, 0).astype(np.float32)


@dataclass(frozen=True)
class DepthHoles:
    """Where there is no measurement.

    Outside [nearest, farthest] (m); on surfaces that are seen at more than `grazing` degrees from
    their normal; on a share `edge_loss` of the pixels next to an edge and `loss` of all; and, with
    a `baseline` (m), where the second camera, so far to the right, is covered by something nearer.
    """

    nearest: float
    farthest: float
    grazing: float = 90.0
    edge_loss: float = 0.0
    loss: float = 0.0
    baseline: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an empty range, and shares that are none."""
        shares = 0 <= self.edge_loss <= 1 and 0 <= self.loss <= 1
        if not 0 <= self.nearest < self.farthest or not shares or not 0 < self.grazing <= 90:
            raise RobokilnError(
                "holes: expected 0 <= nearest < farthest, shares in [0, 1] and grazing in (0, 90], "
                f"got {self}"
            )

    def __call__(
        self, measured: Array, clean: Array, camera: Camera, rng: np.random.Generator
    ) -> Array:
        """Measured depth float32 [H, W] with 0 in the holes; geometry is that of clean depth."""
        luck = rng.random((2, *clean.shape), np.float32)
        lost = (measured < self.nearest) | (measured > self.farthest) | (luck[0] < self.loss)
        lost |= near_edges(clean) & (luck[1] < self.edge_loss)
        if self.grazing < 90:
            lost |= is_grazing(clean, camera, self.grazing)
        if self.baseline:
            lost |= is_covered(clean, camera, self.baseline)
        return np.where(lost, np.float32(0), measured)


def near_edges(depth: Array, jump: float = 0.05) -> Array:
    """Whether a neighbour's depth differs by more than a share `jump`: bool [H, W]."""
    found = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        a, b = np.moveaxis(depth, axis, 0)[:-1], np.moveaxis(depth, axis, 0)[1:]
        apart = np.abs(a - b) > jump * np.minimum(a, b)
        moved = np.moveaxis(found, axis, 0)
        moved[:-1] |= apart
        moved[1:] |= apart
    return found


def is_grazing(depth: Array, camera: Camera, degrees: float) -> Array:
    """Whether the line of sight is more than `degrees` from the surface's normal: bool [H, W].

    The slope is the flatter one of both sides, so that an edge's neighbour counts by its own
    surface. Of x = (u - cx) z / fx and so on, the normal is (fx dz/du, fy dz/dv, -z - ...).
    """
    k = intrinsics(camera)
    z = depth.astype(np.float64)
    y, x = np.mgrid[0 : depth.shape[0], 0 : depth.shape[1]] + 0.5
    x, y = (x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1]
    slope_x, slope_y = k[0, 0] * _flatter_slope(z, 1), k[1, 1] * _flatter_slope(z, 0)
    along = slope_x**2 + slope_y**2 + (z + x * slope_x + y * slope_y) ** 2
    # cos² of the angle between the normal and the ray (x, y, 1); their product is -z.
    limit = round(math.cos(math.radians(degrees)) ** 2, 12)
    return (depth > 0) & (z * z < limit * along * (x * x + y * y + 1))


def _flatter_slope(z: Array, axis: int) -> Array:
    """The smaller one of the differences to both neighbours, per pixel."""
    steps = np.diff(z, axis=axis)
    edge = [(0, 0), (0, 0)]
    edge[axis] = (1, 0)
    before = np.pad(steps, edge, mode="edge")
    edge[axis] = (0, 1)
    after = np.pad(steps, edge, mode="edge")
    return np.where(np.abs(before) < np.abs(after), before, after)


def is_covered(depth: Array, camera: Camera, baseline: float) -> Array:
    """Whether a camera at `baseline` metres to the right can't see it: bool [H, W].

    A pixel's column there is its own less its disparity; something nearer, further right in the
    picture, covers it if it lands as far left.
    """
    columns = np.arange(depth.shape[1]) + 0.5
    with np.errstate(divide="ignore"):
        disparity = np.where(depth > 0, intrinsics(camera)[0, 0] * baseline / depth, 0)
    there = columns - disparity
    nearest_right = np.minimum.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    covered = np.zeros(depth.shape, bool)
    covered[:, :-1] = there[:, :-1] > nearest_right[:, 1:]
    return covered & (depth > 0)
