"""The same scenes in PyBullet's TinyRenderer: segmentation and depth agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from arranged import gray_look, reach, resized, table_scene
from scipy.ndimage import maximum_filter, minimum_filter
from tiny_renderer import TinyRenderer

from robokiln import frames
from robokiln.geometry import compose, intrinsics, quat_from_axis_angle
from robokiln.types import Array, SceneSpec

SCENES = 20


@pytest.fixture(scope="module")
def tiny() -> Iterator[TinyRenderer]:
    renderer = TinyRenderer(resized(table_scene(), 128, 128), prepared=True)
    yield renderer
    renderer.close()


def scattered(spec: SceneSpec, poses: Array, seed: int) -> Array:
    """Objects moved and turned every which way, some of them in the air."""
    rng = np.random.default_rng(seed)
    poses = poses.copy()
    first = poses.shape[1] - len(spec.bodies) + 2
    for row in range(first, poses.shape[1]):
        turn = quat_from_axis_angle(rng.normal(size=3), float(rng.uniform(0, 3)))
        shift = rng.uniform([-0.1, -0.1, 0.0], [0.1, 0.1, 0.15])
        poses[:, row] = compose(poses[:, row], np.array([*shift, *turn]))
    return poses


def at_corners(spec: SceneSpec) -> SceneSpec:
    """TinyRenderer looks through a pixel's lower left corner, we through its centre."""
    moved = []
    for camera in spec.cameras:
        k = intrinsics(camera)
        lens = float(k[0, 0]), float(k[1, 1]), float(k[0, 2]) + 0.5, float(k[1, 2]) - 0.5
        moved.append(dataclasses.replace(camera, calibration=lens))
    return dataclasses.replace(spec, cameras=tuple(moved))


def test_twenty_scenes_agree(tiny: TinyRenderer) -> None:
    spec = resized(table_scene(), 128, 128)
    sweep = reach(SCENES)
    spec = at_corners(spec)
    renderer = frames.Renderer(spec, dataclasses.replace(gray_look(spec), lights=()))
    agree, off = [], []
    for i in range(SCENES):
        poses = scattered(spec, sweep[i : i + 1], i)
        ours = renderer.render(poses)
        for name, (segmentation, depth) in tiny.render(poses[0]).items():
            found = ours[name].segmentation[0]
            edge = maximum_filter(found, 3) != minimum_filter(found, 3)
            theirs = maximum_filter(segmentation, 3) != minimum_filter(segmentation, 3)
            inside = ~edge & ~theirs
            assert inside.mean() > 0.5
            agree.append((found == segmentation)[inside].mean())
            both = inside & (found == segmentation) & (found > 0)
            off.append(np.median(np.abs(ours[name].depth[0] - depth)[both]))
    assert min(agree) >= 0.99
    assert max(off) <= 1e-3
