"""A look's parts: each draws for itself, and what is added stays out of the way."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from test_looks import sample, shipped

from robokiln.assets import COLORS, footprint, height
from robokiln.cli.compose import compose
from robokiln.cli.settings import cameras
from robokiln.frames import LookConfig, sample_look
from robokiln.frames.looks import BACKDROPS, LIGHTS, TEXTURES, Textures
from robokiln.geometry import project, quat_to_matrix
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.types import Array, Look, SceneSpec

VIEWS = cameras(compose("generate", []))


def scene(seed: int) -> SceneSpec:
    """A drawn scene of `pick_place`, not simulated."""
    rng = np.random.default_rng(seed)
    drawn = tasks.get("pick_place").sample(rng, robots.get("panda"), SceneConfig())
    return dataclasses.replace(drawn, cameras=VIEWS)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"distractors": (3, 5)}, {"props"}),
        ({"backdrop_families": ("room",)}, {"props"}),
        ({"camera_turn": 3.0}, {"cameras"}),
        ({"light_families": ("lamp",)}, {"lights", "ambient_sky", "ambient_ground"}),
        ({"lights": (3, 3)}, {"lights", "ambient_sky", "ambient_ground"}),
        ({"textured": 1.0, "textures": Textures(object=("dots",))}, {"materials"}),
        ({"robot_tint": 0.5}, {"robot"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_part_leaves_the_others_as_they_were(changes: dict[str, Any], parts: set[str]) -> None:
    changed: set[str] = set()
    for seed in range(4):
        before = sample("random", seed, scene(0))
        after = sample("random", seed, scene(0), **changes)
        names = {f.name for f in dataclasses.fields(Look)}
        changed |= {n for n in names if getattr(before, n) != getattr(after, n)}
    assert changed == parts


def test_distractors_leave_the_walls_as_they_were() -> None:
    for seed in range(6):
        without = sample("rich", seed, scene(1), distractors=(0, 0)).props
        assert sample("rich", seed, scene(1), distractors=(4, 4)).props[: len(without)] == without


def test_distractors_lie_on_the_table_and_clear_of_every_body() -> None:
    counts = []
    for seed in range(60):
        spec = scene(seed)
        props = sample("random", seed, spec, distractors=(4, 4)).props
        counts.append(len(props))
        for i, prop in enumerate(props):
            assert height(prop.shape) <= 0.045
            assert prop.pose[2] == pytest.approx(height(prop.shape) / 2)
            assert -0.1 + footprint(prop.shape) <= prop.pose[0] <= 0.8 - footprint(prop.shape)
            assert abs(prop.pose[1]) <= 0.6 - footprint(prop.shape)
            assert np.hypot(*prop.pose[:2]) > 0.28
            for body in spec.bodies[2:]:
                goal = body.name in spec.goal.values()
                assert gap(prop, body) >= (0.09 if goal else 0.015) - 1e-6
            assert all(gap(prop, other) > 0 for other in props[:i])
    assert np.mean(counts) > 2.5


def gap(a: Any, b: Any) -> float:
    """Metres between two footprints on the table."""
    apart = np.hypot(a.pose[0] - b.pose[0], a.pose[1] - b.pose[1])
    return float(apart - footprint(a.shape) - footprint(b.shape))


def test_distractors_never_have_a_color_of_the_scene() -> None:
    names = set()
    for seed in range(60):
        spec = scene(seed)
        used = np.array([COLORS[b.color] for b in spec.bodies if b.color])
        for prop in sample("random", seed, spec, distractors=(4, 4)).props:
            color = np.array(prop.material.color)
            chroma = color.max() - color.min()
            if chroma > 0.1:  # not gray: then it is a color, and another one
                others = {n: unit(np.array(c)) @ unit(color) for n, c in COLORS.items()}
                name = max(others, key=lambda n: others[n])
                assert name not in {b.color for b in spec.bodies}, prop
                names.add(name)
                assert (used @ unit(color) < 0.999 * np.linalg.norm(used, axis=1)).all()
    assert len(names) >= 5


def unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


@pytest.mark.parametrize("family", BACKDROPS)
def test_walls_stand_beyond_the_arm_and_behind_no_camera_s_back(family: str) -> None:
    """From every camera's eye to the work, and all over the arm's reach, there is no wall."""
    views = (*VIEWS, dataclasses.replace(VIEWS[0], name="side", pose=(0.4, 1.6, 0.9, 0, 0, 0, 1)))
    for seed in range(20):
        spec = dataclasses.replace(scene(seed), cameras=views)
        look = sample("rich", seed, spec, backdrop_families=(family,), distractors=(0, 0))
        eyes = [c.pose[:3] for c in (*spec.cameras, *look.cameras) if not c.mount]
        share = np.linspace(0, 1, 200)[:, None]
        sights = np.concatenate([e + share * (np.array([0.48, 0, 0]) - e) for e in np.array(eyes)])
        turn = share[:, 0] * 2 * np.pi
        circle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], -1)
        reach = np.maximum(0.9 * circle, [-0.4, -1, 0]) + np.array([0, 0, 0.3])
        for wall in look.props:
            half = np.array([wall.shape.size[k] for k in "xyz"]) / 2
            assert np.linalg.norm(half) > 1.5  # larger than what casts shadows
            for points in (sights, reach):
                inside = np.abs(points - wall.pose[:3]) <= half
                assert not inside.all(axis=1).any(), wall.name


def test_rooms_stand_on_the_floor_that_is_there() -> None:
    for seed in range(20):
        floor = scene(seed).bodies[0]
        for wall in sample("rich", seed, scene(seed), backdrop_families=("room",)).props[:4]:
            assert abs(wall.pose[0] - floor.pose[0]) < floor.shape.size["x"] / 2
            assert abs(wall.pose[1] - floor.pose[1]) < floor.shape.size["y"] / 2
            assert wall.pose[2] - wall.shape.size["z"] / 2 < floor.pose[2] + 0.01


@pytest.mark.parametrize("family", LIGHTS)
def test_lights_come_from_above_and_reach_the_work(family: str) -> None:
    for seed in range(20):
        lights = sample("rich", seed, light_families=(family,)).lights
        assert sum(light.shadows for light in lights) == (2 if family == "two_lamps" else 1)
        received = 0.0
        for light in lights:
            toward = np.array(light.direction)
            assert np.linalg.norm(toward) == pytest.approx(1, abs=1e-5)
            assert toward[2] > 0.2
            squared = 1.0
            if light.position is not None:
                offset = np.array(light.position) - [0.48, 0, 0]
                assert unit(offset) == pytest.approx(toward, abs=1e-5)
                squared = offset @ offset
                assert toward[2] > 0.5  # the table lies within its shadows' 60 degrees
            received += light.intensity / squared
        assert 0.2 < received < 1.7


def test_cameras_move_turn_and_zoom_within_their_bounds() -> None:
    config = LookConfig(camera_shift=0.02, mount_shift=0.003, camera_turn=2.0, camera_zoom=0.05)
    spec, turned = scene(0), []
    calibrated = dataclasses.replace(VIEWS[0], name="real", calibration=(90.0, 92.0, 47.0, 49.0))
    spec = dataclasses.replace(spec, cameras=(*VIEWS, calibrated))
    for seed in range(50):
        found = sample_look(spec, np.random.default_rng(seed), config).cameras
        assert [c.name for c in found] == ["front", "wrist", "real"]
        for camera, before in zip(found, spec.cameras, strict=True):
            own = quat_to_matrix(np.array(before.pose[3:])).T
            shift = own @ np.subtract(camera.pose[:3], before.pose[:3])
            assert np.abs(shift).max() <= (0.003 if camera.mount else 0.02) + 1e-8
            turn = own @ quat_to_matrix(np.array(camera.pose[3:]))
            turned.append(np.degrees(np.arccos(min(1, (np.trace(turn) - 1) / 2))))
            assert camera.mount == before.mount
        assert 0.95 <= found[0].fov / VIEWS[0].fov <= 1.05
        assert found[2].calibration is not None
        assert 0.95 <= 90 / found[2].calibration[0] <= 1.0527
        assert found[2].calibration[2:] == (47.0, 49.0)
    assert 1.5 < max(turned) <= 2.0 * np.sqrt(3) + 0.01
    assert sample("random", 0).cameras == ()


def test_the_rich_jitter_is_small_beside_what_a_policy_points_at() -> None:
    """The image policy is taught by the cameras as they were meant to be."""
    front, spec = VIEWS[0], scene(0)
    points = np.array([[x, y, 0.02] for x in (0.33, 0.48, 0.64) for y in (-0.21, 0, 0.21)])
    meant = project(front, np.array(front.pose), points)[:, :2]
    moved = []
    for seed in range(200):
        camera = sample("rich", seed, spec).cameras[0]
        seen = project(camera, np.array(camera.pose), points)[:, :2]
        moved.append(np.linalg.norm(seen - meant, axis=1).mean())
    assert front.width == 96
    assert 0.5 < np.median(moved) < 2.0


def test_textures_of_bodies_are_finer_than_those_of_furniture() -> None:
    config = shipped("rich")
    for seed in range(20):
        for i, material in enumerate(sample("rich", seed).materials):
            low, high = config.object_texture_scale if i >= 2 else config.texture_scale
            if material.texture:
                own = TEXTURES[material.texture.family].scale
                assert own * low - 1e-4 <= material.texture.scale <= own * high + 1e-4
