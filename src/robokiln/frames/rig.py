"""The cameras of a configuration, each with its sensor, on a robot and in the size asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from robokiln.frames.calibration import Calibration
from robokiln.frames.cameras import CameraConfig, on_robot, with_calibration
from robokiln.frames.sensors import Lens, LensMap, SensorConfig
from robokiln.geometry import resized
from robokiln.scene.robots import Robot
from robokiln.serial import from_json
from robokiln.types import Camera, RobokilnError, lookup


@dataclass(frozen=True)
class Rig:
    """Cameras as they are written, those of them that have a calibration, and their sensors.

    A camera without a sensor has an ideal one.
    """

    cameras: tuple[Camera, ...]
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    sensors: Mapping[str, SensorConfig] = field(default_factory=dict)

    def with_sensors(self, every: SensorConfig | None, own: Mapping[str, SensorConfig]) -> Rig:
        """`every` camera's sensor, but for those that get their `own`."""
        names = {camera.name: camera for camera in self.cameras}
        for name in own:
            lookup("sensors: camera", name, names)
        common = dict.fromkeys(names, every) if every is not None else self.sensors
        return replace(self, sensors={**common, **own})

    def equipped(self, size: int | None) -> tuple[tuple[Camera, ...], dict[str, SensorConfig]]:
        """The cameras, square where there is a `size`, with their sensors' or their own
        calibrations; those sensors that do anything."""
        views, sensors = [], {}
        for written in self.cameras:
            camera = written if size is None else resized(written, size, size)
            sensor = self._sensor(camera.name)
            views.append(sensor.fitted(camera))
            _check(views[-1], sensor)
            if not sensor.ideal:
                sensors[camera.name] = sensor
        return tuple(views), sensors

    def _sensor(self, name: str) -> SensorConfig:
        """A calibration brings its lens."""
        sensor = self.sensors.get(name, SensorConfig())
        if name not in self.calibrations:
            return sensor
        bends = self.calibrations[name].distortion
        return replace(sensor, lens=Lens(*bends) if any(bends) else None)


def read_rig(entries: Sequence[Mapping[str, Any]], robot: Robot, side: bool) -> Rig:
    """Entries of `configs/cameras` on a robot; from beside it for a task seen from the `side`."""
    built, calibrations = [], {}
    for i, written in enumerate(entries):
        entry, calibration = with_calibration(written)
        camera = from_json(CameraConfig, on_robot(entry, robot, side), f"cameras.{i}").build()
        if calibration is not None:
            camera = replace(camera, calibration=calibration.intrinsics)
            calibrations[camera.name] = calibration
        built.append(camera)
    return Rig(tuple(built), calibrations)


def _check(camera: Camera, sensor: SensorConfig) -> None:
    """What can't be encoded, or can't be seen whole, is refused here, not in every worker."""
    if camera.width % 2 or camera.height % 2:
        raise RobokilnError(
            f"camera '{camera.name}': {camera.width} x {camera.height}: "
            "video needs an even width and height"
        )
    if sensor.lens is not None:
        LensMap(camera, sensor.lens)
