"""Cameras as a configuration writes them, and where a mounted camera is at each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.frames.calibration import Calibration, read_calibration
from robokiln.geometry import compose, look_at
from robokiln.scene.robots import Robot, visual_links
from robokiln.types import Array, Camera, RobokilnError, SceneSpec, lookup

Point = tuple[float, float, float]


@dataclass(frozen=True)
class CameraConfig:
    """One entry of `configs/cameras`: a camera at `eye` that looks at `target`, `up` upwards.

    All three are in the frame of the link `mount`, or of the world where that is "". Where
    `calibration` names a file, size and field of view are that file's: see `with_calibration`.
    """

    name: str
    width: int
    height: int
    fov: float
    eye: Point
    target: Point
    up: Point = (0.0, 0.0, 1.0)
    mount: str = ""
    calibration: str = ""

    def build(self) -> Camera:
        """The camera, or an error where it could not see."""
        if min(self.width, self.height) < 1 or not 0 < self.fov < 180:
            raise RobokilnError(
                f"camera '{self.name}': expected a positive size and a fov in (0, 180) degrees, "
                f"got {self.width} x {self.height} and {self.fov}"
            )
        axis = np.subtract(self.target, self.eye)
        if not np.linalg.norm(np.cross(axis, self.up)) > 1e-9:
            raise RobokilnError(
                f"camera '{self.name}': eye {self.eye}, target {self.target} and up {self.up} "
                "do not span a plane"
            )
        pose = look_at(self.eye, self.target, self.up)
        return Camera(self.name, self.width, self.height, self.fov, pose, self.mount)


def on_robot(entry: Mapping[str, Any], robot: Robot, side: bool = False) -> dict[str, Any]:
    """An entry of `configs/cameras` with what its mount means on this robot.

    "front" and "wrist" are the robot's own views, of which the entry may change what it likes;
    for a task that is seen from the `side`, "front" is that view. "tool" is the link that carries
    the tool.
    """
    mount = entry.get("mount", "")
    fixed = robot.side_camera if side and robot.side_camera else robot.front_camera
    views = {"front": (fixed, ""), "wrist": (robot.wrist_camera, robot.tool_link)}
    if mount in views:
        view, link = views[mount]
        return {**asdict(view), **entry, "mount": link}
    return {**entry, "mount": robot.tool_link if mount == "tool" else mount}


def with_calibration(entry: Mapping[str, Any]) -> tuple[dict[str, Any], Calibration | None]:
    """An entry of `configs/cameras` with the size and field of view of its calibration file."""
    if not entry.get("calibration"):
        return dict(entry), None
    for key in ("width", "height", "fov"):
        if key in entry:
            raise RobokilnError(
                f"camera '{entry.get('name')}': '{key}' is what its calibration says; leave it out"
            )
    found = read_calibration(Path(str(entry["calibration"])))
    size = {"width": found.width, "height": found.height, "fov": found.fov}
    return {**entry, **size}, found


def camera_poses(spec: SceneSpec, camera: Camera, link_poses: Array) -> Array:
    """The camera's pose in the world at each step [T, 7]; it moves with the link it is on."""
    steps = len(link_poses)
    if not camera.mount:
        return np.tile(np.array(camera.pose, float), (steps, 1))
    links = {name: i for i, name in enumerate(visual_links(spec))}
    index = lookup(f"camera '{camera.name}': mount", camera.mount, links)
    return compose(
        np.asarray(link_poses)[:, index], np.broadcast_to(np.array(camera.pose), (steps, 7))
    )
