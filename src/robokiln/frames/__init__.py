"""From a scene, its poses and a look to color, depth and segmentation pictures, on the CPU."""

from robokiln.frames.cameras import CameraConfig, camera_poses
from robokiln.frames.looks import LookConfig, sample_look
from robokiln.frames.renderer import Renderer, render
from robokiln.frames.warm_up import warm_up

__all__ = [
    "CameraConfig",
    "LookConfig",
    "Renderer",
    "camera_poses",
    "render",
    "sample_look",
    "warm_up",
]
