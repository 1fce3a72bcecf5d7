"""Gates of one look's pictures, each camera's alone and all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from robokiln.frames import camera_poses, visible_pixels
from robokiln.geometry import project
from robokiln.kiln.gates import GateConfig, refusal
from robokiln.scene import robots
from robokiln.types import Array, Camera, Frames, SceneSpec

ROBOT, FIRST_BODY = 0, 1
"""Columns of `visible_pixels`."""


def check_pictures(
    spec: SceneSpec,
    cameras: Sequence[Camera],
    link_poses: Array,
    frames: Mapping[str, Frames],
    config: GateConfig,
) -> str:
    """Why a look is refused, or ""; `cameras` are those that the look was rendered with."""
    return refusal(_reasons(spec, cameras, link_poses, frames, config))


def _reasons(
    spec: SceneSpec,
    cameras: Sequence[Camera],
    link_poses: Array,
    frames: Mapping[str, Frames],
    config: GateConfig,
) -> Iterator[str]:
    ids = 1 + len(spec.bodies)
    pixels = {c.name: visible_pixels(frames[c.name].segmentation, ids) for c in cameras}
    for camera in cameras:
        rgb = frames[camera.name].rgb
        yield _named(missing(rgb, camera, len(link_poses)), camera)
        yield _named(black(rgb, config), camera)
        seen = in_view(spec, camera, link_poses, pixels[camera.name])
        yield _named(frozen(rgb, seen, config), camera)
    yield unseen_target(spec, list(pixels.values()), config)


def _named(reason: str, camera: Camera) -> str:
    return reason and f"{reason}: {camera.name}"


def missing(rgb: Array, camera: Camera, steps: int) -> str:
    """A picture each step, of the camera's size."""
    expected = (steps, camera.height, camera.width, 3)
    return "" if rgb.shape == expected and rgb.dtype == np.uint8 else "missing pictures"


def black(rgb: Array, config: GateConfig) -> str:
    """A picture that shows nothing: too dark, or all of one color."""
    # A picture at a time: their sums want eight bytes a value.
    if config.black_mean is not None and any(p.mean() < config.black_mean for p in rgb):
        return "black frames"
    if config.black_contrast is not None and any(p.std() < config.black_contrast for p in rgb):
        return "blank frames"
    return ""


def in_view(spec: SceneSpec, camera: Camera, link_poses: Array, pixels: Array) -> Array:
    """Where the origins of links and loose bodies are in the picture: [T, L, 2], NaN where the
    camera doesn't have them or sees nothing of what they belong to."""
    poses = camera_poses(spec, camera, link_poses)[:, None]
    at = project(camera, poses, link_poses[:, :, :3].astype(float))
    arm = len(robots.get(spec.robot).links)
    ids = [ROBOT] * arm + list(range(FIRST_BODY, FIRST_BODY + len(spec.bodies)))
    # Table and floor look the same wherever their middle is.
    loose = np.array([True] * arm + [body.mass > 0 for body in spec.bodies])
    inside = (at[..., :2] >= 0) & (at[..., :2] < (camera.width, camera.height))
    shown = inside.all(axis=-1) & (at[..., 2] > 0) & (pixels[:, ids] > 0) & loose
    return np.where(shown[..., None], at[..., :2], np.nan)


def frozen(rgb: Array, seen: Array, config: GateConfig) -> str:
    """The same picture again and again while something that it shows moves."""
    if config.frozen_frames is None:
        return ""
    same = [False, *(np.array_equal(a, b) for a, b in pairwise(rgb)), False]
    edges = np.flatnonzero(np.diff(np.array(same, int)))
    for first, last in edges.reshape(-1, 2):
        moved = np.linalg.norm(seen[first : last + 1] - seen[first], axis=-1)
        far = np.nan_to_num(moved).max(initial=0.0) > config.frozen_pixels
        if last + 1 - first > config.frozen_frames and far:
            return "frozen frames"
    return ""


def unseen_target(spec: SceneSpec, pixels: Sequence[Array], config: GateConfig) -> str:
    """What is to be handled is never properly in any camera's picture."""
    if config.target_pixels is None:
        return ""
    target = FIRST_BODY + spec.index(spec.goal["target"])
    best = np.max([counts[:, target] for counts in pixels], axis=0)
    return "" if (best >= config.target_pixels).sum() >= config.target_frames else "target unseen"
