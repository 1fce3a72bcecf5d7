"""meta/robokiln/cameras.json: what a policy's page or a renderer needs to know of each camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robokiln.dataset import layout
from robokiln.dataset.assemble import write_json
from robokiln.dataset.info import load_json
from robokiln.dataset.layout import DatasetError
from robokiln.serial import from_json, to_json
from robokiln.types import Camera, PoseTuple

FRAMES = ("base", "tool")


@dataclass(frozen=True)
class RecordedCamera:
    """A camera of the dataset; `pose` (OpenCV) is in the robot's base or end-effector frame.

    `intrinsics` are the matrix's fx, fy, cx, cy in pixels of the recorded picture, the top left
    pixel's centre at (0.5, 0.5); None for a pinhole of that vertical `fov` (degrees). `distortion`
    holds OpenCV's k1, k2, p1, p2, k3; `sensor` is the name of a configs/sensor. Where a look moves
    the camera, the labels say by how much in each episode.
    """

    name: str
    width: int
    height: int
    fov: float
    frame: str
    pose: PoseTuple
    intrinsics: tuple[float, float, float, float] | None = None
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    sensor: str = "none"

    def pinhole(self) -> Camera:
        """Its size and intrinsics; the pose is in `frame`."""
        return Camera(
            self.name, self.width, self.height, self.fov, self.pose, calibration=self.intrinsics
        )


def write_cameras(root: Path, cameras: Sequence[RecordedCamera]) -> None:
    """Write the file; it belongs before the checksums."""
    write_json(root / layout.CAMERAS, to_json(tuple(cameras)))


def read_cameras(root: Path) -> tuple[RecordedCamera, ...]:
    """The cameras, or none where the dataset doesn't describe them."""
    path = root / layout.CAMERAS
    if not path.exists():
        return ()
    cameras: tuple[RecordedCamera, ...] = from_json(
        tuple[RecordedCamera, ...], load_json(path), str(path)
    )
    for camera in cameras:
        if camera.frame not in FRAMES:
            raise DatasetError(f"{path}: frame '{camera.frame}' expected {' or '.join(FRAMES)}")
    return cameras
