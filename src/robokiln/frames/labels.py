"""Labels that follow from geometry: boxes and visibility of each body, point clouds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from robokiln.frames.jit import kernel
from robokiln.frames.renderer import Renderer
from robokiln.geometry import intrinsics, quat_to_matrix
from robokiln.types import Array, Camera, Frames


@dataclass(frozen=True)
class ObjectLabels:
    """Labels of one camera's pictures; column i is segmentation id i + 1: the robot, the bodies.

    boxes int32 [T, N, 4]: left, top, right, bottom in pixels, the last two exclusive, round the
    pixels that show the body; amodal_boxes the same round all its pixels, hidden by others or not,
    within the picture; -1 where there is none. pixels and amodal_pixels int32 [T, N] count them.
    """

    boxes: Array
    amodal_boxes: Array
    pixels: Array
    amodal_pixels: Array

    @property
    def visibility(self) -> Array:
        """Share of a body's pixels in the picture that others do not hide, float32 [T, N]."""
        seen: Array = self.pixels / np.maximum(self.amodal_pixels, 1)
        return seen.astype(np.float32)


def object_labels(
    renderer: Renderer,
    link_poses: Array,
    frames: Mapping[str, Frames],
    cameras: Sequence[Camera] | None = None,
) -> dict[str, ObjectLabels]:
    """Boxes and visibility by camera name, of the frames that `renderer` drew at these poses."""
    ids = 1 + len(renderer.spec.bodies)
    labels = {}
    for camera, alone in renderer.render_alone(link_poses, cameras):
        boxes, pixels = _measure(frames[camera].segmentation, ids)
        shape = boxes.shape[:2]
        amodal_boxes, amodal_pixels = np.empty((*shape, 4), np.int32), np.empty(shape, np.int32)
        for t, body, mask in alone:
            _measure_ids(mask, amodal_boxes[t, body : body + 1], amodal_pixels[t, body : body + 1])
        labels[camera] = ObjectLabels(boxes, amodal_boxes, pixels, amodal_pixels)
    return labels


def visible_pixels(segmentation: Array, ids: int) -> Array:
    """How many pixels of segmentation uint16 [T, H, W] show each of the ids 1 to `ids`: int32
    [T, ids]."""
    return _measure(segmentation, ids)[1]


def point_cloud(depth: Array, camera: Camera, camera_pose: Array) -> Array:
    """World points float32 [H, W, 3] of a depth picture [H, W]; NaN where nothing is.

    camera_pose [7] is the camera's in the world (OpenCV), as from `camera_poses`.
    """
    height, width = depth.shape
    k = intrinsics(camera)
    x = (np.arange(width) + 0.5 - k[0, 2]) / k[0, 0]
    y = (np.arange(height) + 0.5 - k[1, 2]) / k[1, 1]
    rays = np.stack([*np.meshgrid(x, y), np.ones((height, width))], axis=-1)
    distance = np.where(depth > 0, depth, np.nan)[..., None]
    points = (rays * distance) @ quat_to_matrix(camera_pose[3:]).T + camera_pose[:3]
    return points.astype(np.float32)


def _measure(segmentation: Array, ids: int) -> tuple[Array, Array]:
    """Boxes [T, ids, 4] and pixel counts [T, ids] of segmentation [T, H, W]."""
    steps = len(segmentation)
    boxes, pixels = np.empty((steps, ids, 4), np.int32), np.empty((steps, ids), np.int32)
    for t in range(steps):
        _measure_ids(segmentation[t], boxes[t], pixels[t])
    return boxes, pixels


@kernel
def _measure_ids(segmentation: Array, boxes: Array, pixels: Array) -> None:
    """Of the ids 1 to N in uint16 [H, W]: boxes int32 [N, 4] and pixels int32 [N]."""
    height, width = segmentation.shape
    ids = pixels.shape[0]
    for i in range(ids):
        pixels[i] = 0
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = width, height, -1, -1
    for y in range(height):
        for x in range(width):
            i = int(segmentation[y, x]) - 1
            if 0 <= i < ids:
                pixels[i] += 1
                boxes[i, 0], boxes[i, 1] = min(boxes[i, 0], x), min(boxes[i, 1], y)
                boxes[i, 2], boxes[i, 3] = max(boxes[i, 2], x + 1), max(boxes[i, 3], y + 1)
    for i in range(ids):
        if pixels[i] == 0:
            boxes[i, 0], boxes[i, 1] = -1, -1
