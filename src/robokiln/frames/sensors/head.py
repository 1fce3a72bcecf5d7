"""One camera's sensor in one episode: clean pictures in, recorded pictures out, step by step."""

from __future__ import annotations

import numpy as np

from robokiln.frames.sensors.config import SensorConfig
from robokiln.frames.sensors.exposure import Exposure, WhiteBalance
from robokiln.frames.sensors.lens import LensMap
from robokiln.frames.sensors.light import decode, encode
from robokiln.seeds import Draws, Noise
from robokiln.types import Array, Camera, Frames


class SensorHead:
    """Draws one step after another; `rendered` is the camera that its clean pictures are of."""

    def __init__(self, camera: Camera, sensor: SensorConfig, draws: Draws) -> None:
        self.camera, self.sensor = camera, sensor
        lens = sensor.lens
        bends = lens is not None and any(lens.coefficients)
        self._map = LensMap(camera, lens) if lens is not None and bends else None
        self.rendered = camera if self._map is None else self._map.wide
        self._rng = {noise: draws(noise, camera.name) for noise in Noise}
        self._exposure = self._gain(sensor.exposure, Noise.EXPOSURE)
        self._balance = self._gain(sensor.white_balance, Noise.WHITE_BALANCE)

    def _gain(self, part: Exposure | WhiteBalance | None, noise: Noise) -> Array | None:
        return None if part is None else part.gain(self._rng[noise])

    def record(self, clean: Frames) -> Frames:
        """One step's recorded pictures [1, ...] from its clean ones over the exposure [k, ...]."""
        others = {
            name: self._nearest(value[-1])[None]
            for name, value in vars(clean).items()
            if name not in ("rgb", "depth") and value is not None
        }
        depth = self._measure(self._nearest(clean.depth[-1]))
        return Frames(rgb=self._expose(clean.rgb)[None], depth=depth[None], **others)

    def _nearest(self, picture: Array) -> Array:
        return picture if self._map is None else self._map.nearest(picture)

    def _expose(self, rgb: Array) -> Array:
        """uint8 [k, H', W', 3] while the shutter is open -> uint8 [H, W, 3]."""
        picture = rgb[-1]
        if self.sensor.distorts_light:
            picture = encode(self._develop(self._gather(rgb)))
        return picture if self.sensor.jpeg is None else self.sensor.jpeg(picture)

    def _gather(self, rgb: Array) -> Array:
        """The light that reaches the pixels: float32 [H, W, 3]."""
        light = decode(rgb[0])
        for picture in rgb[1:]:
            light = light + decode(picture)
        if len(rgb) > 1:
            light = light / np.float32(len(rgb))
        if self._map is not None:
            light = self._map.bilinear(light)
        if self._exposure is not None:
            light = light * self._exposure
        return np.minimum(light, np.float32(1))

    def _develop(self, light: Array) -> Array:
        """The light with the sensor's own noise and its white balance."""
        if self.sensor.shot is not None:
            light = self.sensor.shot(light, self._rng[Noise.SHOT])
        if self.sensor.read is not None:
            light = self.sensor.read(light, self._rng[Noise.READ])
        return light if self._balance is None else np.minimum(light, np.float32(1)) * self._balance

    def _measure(self, depth: Array) -> Array:
        """Depth float32 [H, W] as the sensor measures it."""
        found = depth
        if self.sensor.fringes is not None:
            found = self.sensor.fringes(found, self._rng[Noise.FRINGES])
        if self.sensor.disparity is not None:
            found = self.sensor.disparity(found, self._rng[Noise.DISPARITY])
        if self.sensor.holes is not None:
            found = self.sensor.holes(found, depth, self.camera, self._rng[Noise.HOLES])
        return found
