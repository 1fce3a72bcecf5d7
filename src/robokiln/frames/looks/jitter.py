"""Cameras a little off, as cameras are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from robokiln.geometry import compose
from robokiln.types import Camera, PoseTuple, SceneSpec

if TYPE_CHECKING:
    from robokiln.frames.looks.config import LookConfig


def jittered(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> tuple[Camera, ...]:
    """The spec's cameras, each moved, turned and zoomed; () where the configuration moves none."""
    sizes = (config.camera_shift, config.mount_shift, config.camera_turn, config.camera_zoom)
    if not any(sizes):
        return ()
    return tuple(_moved(camera, r, config) for camera, r in _each(spec.cameras, rng))


def _each(
    cameras: tuple[Camera, ...], rng: np.random.Generator
) -> list[tuple[Camera, np.random.Generator]]:
    return list(zip(cameras, rng.spawn(len(cameras)), strict=True))


def _moved(camera: Camera, rng: np.random.Generator, config: LookConfig) -> Camera:
    shift = config.mount_shift if camera.mount else config.camera_shift
    offset, turn, zoom = rng.uniform(-1, 1, 3), rng.uniform(-1, 1, 3), float(rng.uniform(-1, 1))
    # Half the angle stands for its tangent: no libm, and 1e-4 off at 5 degrees.
    half = np.append(turn * (config.camera_turn * np.pi / 360), 1.0)
    moved = compose(camera.pose, np.concatenate([offset * shift, half]))
    length = np.sqrt((moved[3:] * moved[3:]).sum())
    moved[3:] /= length
    x, y, z, qx, qy, qz, qw = (round(float(v), 9) for v in moved)
    pose: PoseTuple = (x, y, z, qx, qy, qz, qw)
    factor = 1 + config.camera_zoom * zoom
    if camera.calibration is None:
        return replace(camera, pose=pose, fov=round(camera.fov * factor, 6))
    fx, fy, cx, cy = camera.calibration
    return replace(camera, pose=pose, calibration=(fx / factor, fy / factor, cx, cy))
