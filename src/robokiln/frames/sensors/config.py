"""A camera's sensor as configs/sensor writes it: which noises it has, and how strong."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from robokiln.frames.sensors.depth import DepthHoles, DisparityNoise, EdgeFringes
from robokiln.frames.sensors.exposure import Exposure, MotionBlur, WhiteBalance
from robokiln.frames.sensors.jpeg import Jpeg
from robokiln.frames.sensors.lens import Lens
from robokiln.frames.sensors.noise import ReadNoise, ShotNoise
from robokiln.types import Camera, RobokilnError


@dataclass(frozen=True)
class SensorConfig:
    """What is None is ideal, in the order in which light and signal meet it.

    `fov` is the vertical field of view in degrees that a camera gets with this sensor, unless it
    has a calibration of its own.
    """

    name: str = "none"
    fov: float | None = None
    lens: Lens | None = None
    exposure: Exposure | None = None
    blur: MotionBlur | None = None
    shot: ShotNoise | None = None
    read: ReadNoise | None = None
    white_balance: WhiteBalance | None = None
    jpeg: Jpeg | None = None
    fringes: EdgeFringes | None = None
    disparity: DisparityNoise | None = None
    holes: DepthHoles | None = None

    def __post_init__(self) -> None:
        """Refuse a field of view that is none."""
        if self.fov is not None and not 0 < self.fov < 180:
            raise RobokilnError(f"sensor {self.name}: fov: expected 0 to 180, got {self.fov}")

    @property
    def ideal(self) -> bool:
        """Whether pictures stay as they are rendered."""
        return self == SensorConfig(self.name, self.fov)

    @property
    def distorts_light(self) -> bool:
        """Whether colours pass through linear light."""
        parts = (self.lens, self.exposure, self.blur, self.shot, self.read, self.white_balance)
        return any(part is not None for part in parts)

    def fitted(self, camera: Camera) -> Camera:
        """The camera with this sensor's field of view."""
        if self.fov is None or camera.calibration is not None:
            return camera
        return dataclasses.replace(camera, fov=self.fov)
