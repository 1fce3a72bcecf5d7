"""Cameras as they really are: what lenses, shutters, pixels and stereo matching do to a picture."""

from robokiln.frames.sensors.capture import Capture
from robokiln.frames.sensors.config import SensorConfig
from robokiln.frames.sensors.depth import DepthHoles, DisparityNoise, EdgeFringes
from robokiln.frames.sensors.exposure import Exposure, MotionBlur, WhiteBalance
from robokiln.frames.sensors.jpeg import Jpeg
from robokiln.frames.sensors.lens import Lens, LensMap
from robokiln.frames.sensors.noise import ReadNoise, ShotNoise

__all__ = [
    "Capture",
    "DepthHoles",
    "DisparityNoise",
    "EdgeFringes",
    "Exposure",
    "Jpeg",
    "Lens",
    "LensMap",
    "MotionBlur",
    "ReadNoise",
    "SensorConfig",
    "ShotNoise",
    "WhiteBalance",
]
