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
    """Tight boxes of what N (frame, id) pairs show, by frame and then by id.

    frame int32 [N], in the episode; id uint16 [N] as in the segmentation; box int32 [N, 4]: x0, y0,
    x1, y1 in pixels, x1 and y1 one beyond the last; pixels int32 [N], how many are visible.
    """

    frame: Array
    id: Array
    box: Array
    pixels: Array


@dataclass(frozen=True)
class CameraLabels:
    """One camera over T steps: its pose in the world (OpenCV) float32 [T, 7], its fx, fy, cx, cy
    in pixels float32 [T, 4], and what was recorded of its pictures."""

    pose: Array
    intrinsics: Array
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


def tight_boxes(segmentation: Array) -> Boxes:
    """What is visible in uint16 [T, H, W], the background (0) left out."""
    found = []
    for identity in np.unique(segmentation):
        if identity == 0:
            continue
        mask = segmentation == identity
        pixels = mask.sum(axis=(1, 2))
        frames = np.flatnonzero(pixels)
        rows, columns = mask[frames].any(axis=2), mask[frames].any(axis=1)
        (x0, x1), (y0, y1) = _extent(columns), _extent(rows)
        ids = np.full(len(frames), identity)
        found.append(np.stack([frames, ids, x0, y0, x1, y1, pixels[frames]], axis=1))
    table = np.concatenate(found) if found else np.empty((0, 7), int)
    table = table[np.lexsort((table[:, 1], table[:, 0]))].astype(np.int32)
    return Boxes(table[:, 0], table[:, 1].astype(np.uint16), table[:, 2:6], table[:, 6])


def _extent(filled: Array) -> tuple[Array, Array]:
    """First filled place, and one beyond the last, of each row of bool [N, S]."""
    first = filled.argmax(axis=1)
    return first, filled.shape[1] - filled[:, ::-1].argmax(axis=1)
