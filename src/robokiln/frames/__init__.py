"""From a scene, its poses and a look to color, depth and segmentation pictures, on the CPU."""

from robokiln.frames.calibration import Calibration, read_calibration
from robokiln.frames.cameras import CameraConfig, camera_poses
from robokiln.frames.jit import is_compiled
from robokiln.frames.labels import ObjectLabels, object_labels, point_cloud, visible_pixels
from robokiln.frames.looks import LookConfig, sample_look
from robokiln.frames.observe import Observer
from robokiln.frames.renderer import Renderer, render, scene_cameras
from robokiln.frames.sensors import Capture, SensorConfig
from robokiln.frames.warm_up import warm_up

__all__ = [
    "Calibration",
    "CameraConfig",
    "Capture",
    "LookConfig",
    "ObjectLabels",
    "Observer",
    "Renderer",
    "SensorConfig",
    "camera_poses",
    "is_compiled",
    "object_labels",
    "point_cloud",
    "read_calibration",
    "render",
    "sample_look",
    "scene_cameras",
    "visible_pixels",
    "warm_up",
]
