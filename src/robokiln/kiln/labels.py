"""Labels of rendered pictures, and the form in which a unit keeps them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from robokiln.dataset import Boxes, CameraLabels, Runs, to_runs
from robokiln.frames import ObjectLabels, SensorConfig, camera_poses, visible_pixels
from robokiln.geometry import intrinsics
from robokiln.types import Array, Camera, RobokilnError, SceneSpec, lookup

DEPTH, SEGMENTATION, BOXES = "depth", "segmentation", "boxes"
RECORDABLE = {
    DEPTH: "a depth video beside each camera's pictures",
    SEGMENTATION: "body ids of each pixel",
    BOXES: "tight and amodal boxes, and how much is visible",
}


def check_record(
    record: tuple[str, ...], cameras: tuple[Camera, ...], sensors: Mapping[str, SensorConfig]
) -> None:
    """An error where a name is unknown, comes twice, or asks for what the pictures can't have."""
    for name in record:
        lookup("record", name, RECORDABLE)
    if len(set(record)) < len(record):
        raise RobokilnError(f"record: {', '.join(record)}: expected each name once")
    for name, sensor in sensors.items() if BOXES in record else ():
        if sensor.lens is not None:
            raise RobokilnError(
                f"record: boxes: camera '{name}' has a lens that distorts, amodal boxes are those "
                f"of a pinhole camera; sensors.{name}=none, or leave boxes out"
            )
    for camera in cameras if DEPTH in record else ():
        if min(camera.width, camera.height) <= 16:
            raise RobokilnError(
                f"camera '{camera.name}': {camera.width} x {camera.height}: "
                "depth needs more than 16 a side"
            )


def camera_labels(
    spec: SceneSpec,
    camera: Camera,
    link_poses: Array,
    segmentation: Array,
    objects: ObjectLabels | None,
    whole: bool,
) -> CameraLabels:
    """Where a camera was, and what is to be kept of what it saw: how many pixels show each body,
    boxes where there are `objects`, and the segmentation where it is to be kept `whole`."""
    k = intrinsics(camera)
    lens = np.array([k[0, 0], k[1, 1], k[0, 2], k[1, 2]], np.float32)
    return CameraLabels(
        pose=camera_poses(spec, camera, link_poses).astype(np.float32),
        intrinsics=np.tile(lens, (len(link_poses), 1)),
        pixels=visible_pixels(segmentation, 1 + len(spec.bodies)),
        segmentation=to_runs(segmentation) if whole else None,
        boxes=None if objects is None else _boxes(objects),
    )


def _boxes(found: ObjectLabels) -> Boxes:
    """Those of bodies that are in the picture."""
    frame, body = np.nonzero(found.amodal_pixels)
    return Boxes(
        frame=frame.astype(np.int32),
        id=(body + 1).astype(np.uint16),
        box=found.boxes[frame, body],
        pixels=found.pixels[frame, body],
        amodal_box=found.amodal_boxes[frame, body],
        amodal_pixels=found.amodal_pixels[frame, body],
    )


def pack(labels: Mapping[str, CameraLabels]) -> dict[str, Array]:
    """Named arrays of all cameras' labels."""
    packed: dict[str, Array] = {}
    for camera, found in labels.items():
        packed |= _flat(f"{camera}", found)
    return packed


def unpack(packed: Mapping[str, Array], camera: str) -> CameraLabels:
    """The inverse of `pack` for one camera."""
    return CameraLabels(
        pose=packed[f"{camera}/pose"],
        intrinsics=packed[f"{camera}/intrinsics"],
        pixels=packed[f"{camera}/pixels"],
        segmentation=_part(Runs, packed, f"{camera}/segmentation"),
        boxes=_part(Boxes, packed, f"{camera}/boxes"),
    )


def _flat(prefix: str, value: Any) -> dict[str, Array]:
    if not dataclasses.is_dataclass(value):
        return {} if value is None else {prefix: value}
    found: dict[str, Array] = {}
    for field in dataclasses.fields(value):
        found |= _flat(f"{prefix}/{field.name}", getattr(value, field.name))
    return found


def _part(kind: Any, packed: Mapping[str, Array], prefix: str) -> Any:
    names = [field.name for field in dataclasses.fields(kind)]
    if f"{prefix}/{names[0]}" not in packed:
        return None
    return kind(**{name: packed[f"{prefix}/{name}"] for name in names})
