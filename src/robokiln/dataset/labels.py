"""What the simulator knows of an episode beside its columns: poses, cameras, segments, boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from robokiln.types import Array


@dataclass(frozen=True)
class Runs:
    """uint16 [T, H, W] without loss, as runs of equal neighbours in a row-by-row walk.

    values uint16 [R]; lengths int32 [R]; counts int32 [T]: the runs of each picture, none of which
    goes on into the next.
    """

    values: Array
    lengths: Array
    counts: Array


@dataclass(frozen=True)
class Boxes:
    """Boxes of N (frame, id) pairs that are in the picture, by frame and then by id.

    frame int32 [N], in the episode; id uint16 [N]: 1 the robot, 2 + i the scene's body i; box int32
    [N, 4]: x0, y0, x1, y1 in pixels, x1 and y1 one beyond the last, round what is visible, -1 where
    others hide all of it; pixels int32 [N], how many are visible; amodal_box and amodal_pixels the
    same with nothing in front.
    """

    frame: Array
    id: Array
    box: Array
    pixels: Array
    amodal_box: Array
    amodal_pixels: Array

    @property
    def visibility(self) -> Array:
        """Share of its pixels in the picture that others don't hide: float32 [N]."""
        return (self.pixels / np.maximum(self.amodal_pixels, 1)).astype(np.float32)


@dataclass(frozen=True)
class CameraLabels:
    """One camera over T steps: its pose in the world (OpenCV) float32 [T, 7], its fx, fy, cx, cy
    in pixels float32 [T, 4], how many of its pixels show the robot and each body int32
    [T, 1 + bodies], and what else was recorded of its pictures."""

    pose: Array
    intrinsics: Array
    pixels: Array
    segmentation: Runs | None = None
    boxes: Boxes | None = None


@dataclass(frozen=True)
class EpisodeLabels:
    """link_poses float32 [T, L, 7] of the robot's visual links and then the scene's bodies;
    contacts int16 [T, 2], the body each finger touches or -1; the cameras by name."""

    link_poses: Array
    contacts: Array
    cameras: Mapping[str, CameraLabels]


def to_runs(segmentation: Array) -> Runs:
    """Run lengths of uint16 [T, H, W]."""
    flat = segmentation.reshape(len(segmentation), -1)
    first = np.ones(flat.shape, bool)
    first[:, 1:] = flat[:, 1:] != flat[:, :-1]
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=flat.size)
    counts = first.sum(axis=1)
    return Runs(flat.ravel()[starts], lengths.astype(np.int32), counts.astype(np.int32))


def from_runs(runs: Runs, height: int, width: int) -> Array:
    """The inverse of `to_runs`."""
    flat = np.repeat(runs.values, runs.lengths)
    return flat.reshape(len(runs.counts), height, width)
