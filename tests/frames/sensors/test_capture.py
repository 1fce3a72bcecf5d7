"""Capture: clean where nothing is asked for, the same in any portions, noises independent."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from arranged import FRONT, WRIST, gray_look, link_poses, lone_body, reach, table_scene

from robokiln import frames
from robokiln.cli.compose import choices, load_choice
from robokiln.frames import Capture, SensorConfig
from robokiln.frames.sensors import Lens, MotionBlur, ShotNoise
from robokiln.frames.sensors.light import decode
from robokiln.geometry import look_at
from robokiln.seeds import Domain, sensor_draws
from robokiln.serial import from_json, to_json
from robokiln.types import Array, Body, Frames, RobokilnError, Shape

DRAWS = sensor_draws(Domain.TRAINING, 0, 3, 1)
SPEC, POSES = table_scene(), reach(3)
LOOK = gray_look(SPEC)
NOISES = ("lens", "exposure", "shot", "read", "white_balance", "jpeg")


@cache
def catalogue(name: str) -> SensorConfig:
    return from_json(SensorConfig, load_choice("sensor", name))


def record(sensors: dict[str, SensorConfig], poses: Array = POSES) -> dict[str, Frames]:
    return Capture(SPEC, LOOK, sensors, DRAWS).frames(poses)


def same(a: Frames, b: Frames) -> bool:
    return all(
        np.array_equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


def test_without_sensors_it_is_the_renderer() -> None:
    clean = frames.render(SPEC, POSES, LOOK)
    for found in (record({}), record({"front": SensorConfig(name="none")})):
        assert list(found) == ["front", "wrist"]
        assert all(same(found[name], clean[name]) for name in clean)


def test_a_camera_s_sensor_leaves_the_other_camera_alone() -> None:
    clean, found = record({}), record({"front": catalogue("d435")})
    assert same(found["wrist"], clean["wrist"])
    assert not np.array_equal(found["front"].rgb, clean["front"].rgb)
    assert np.array_equal(found["front"].segmentation, clean["front"].segmentation)


@pytest.mark.parametrize("name", [n for n in choices("sensor") if n != "none"])
def test_steps_in_any_portions_give_the_same_pictures(name: str) -> None:
    sensors = {"front": catalogue(name), "wrist": catalogue("webcam")}
    whole, stepwise = record(sensors), Capture(SPEC, LOOK, sensors, DRAWS)
    for t in range(3):
        step = stepwise.frames(POSES[t : t + 1])
        for camera, found in step.items():
            assert np.array_equal(found.rgb[0], whole[camera].rgb[t])
            assert np.array_equal(found.depth[0], whole[camera].depth[t])


def test_the_last_pose_can_be_told() -> None:
    """An actor that looks at every fourth step still sees the blur of one step."""
    sensors = {"wrist": SensorConfig(blur=MotionBlur(1.0, 3))}
    whole = record(sensors)["wrist"].rgb
    skipping = Capture(SPEC, LOOK, sensors, DRAWS)
    skipping.frames(POSES[:1])
    told = skipping.frames(POSES[2:], previous=POSES[1])["wrist"].rgb
    assert np.array_equal(told[0], whole[2])
    untold = Capture(SPEC, LOOK, sensors, DRAWS)
    untold.frames(POSES[:1])
    assert not np.array_equal(untold.frames(POSES[2:])["wrist"].rgb[0], whole[2])


def test_switching_one_noise_off_leaves_the_draws_of_the_others() -> None:
    """Shot noise is the same pattern with and without each of the others before or after it."""
    only = SensorConfig(shot=ShotNoise(200.0))
    full = dataclasses.replace(catalogue("d435"), blur=None, exposure=None, white_balance=None)
    quiet = dataclasses.replace(full, read=None, shot=ShotNoise(200.0))
    a, b = record({"front": only})["front"], record({"front": quiet})["front"]
    assert np.array_equal(a.rgb, b.rgb)
    deaf = dataclasses.replace(full, fringes=None, holes=None)
    less = dataclasses.replace(deaf, shot=None, read=None)
    c, d = record({"front": deaf})["front"], record({"front": less})["front"]
    assert np.array_equal(c.depth, d.depth)


def test_each_noise_does_something_and_all_can_be_left_out() -> None:
    webcam, clean = catalogue("webcam"), record({})["front"].rgb
    for name in (*NOISES, "blur"):
        alone = SensorConfig(**{name: getattr(webcam, name)})
        assert not alone.ideal
        assert (record({"front": alone})["front"].rgb != clean).mean() > 0.01, name
    assert SensorConfig(name="any", fov=30.0).ideal


def test_other_episodes_looks_and_cameras_get_other_noise() -> None:
    sensors = {"front": SensorConfig(shot=ShotNoise(200.0))}
    seen = set()
    for where in ((0, 3, 1, 0), (1, 3, 1, 0), (0, 4, 1, 0), (0, 3, 2, 0), (0, 3, 1, 1)):
        draws = sensor_draws(Domain.TRAINING, *where)
        seen.add(Capture(SPEC, LOOK, sensors, draws).frames(POSES[:1])["front"].rgb.tobytes())
    twin = dataclasses.replace(FRONT, name="twin")
    both = {"front": sensors["front"], "twin": sensors["front"]}
    found = Capture(SPEC, LOOK, both, DRAWS, cameras=(FRONT, twin)).frames(POSES[:1])
    seen.add(found["twin"].rgb.tobytes())
    assert found["front"].rgb.tobytes() in seen
    assert len(seen) == 6


def test_a_moving_box_is_smeared_along_its_way_in_linear_light() -> None:
    """Over a full period of k samples, each pixel is the mean of the k ideal pictures' light."""
    box = Body("box", Shape("box", {"x": 0.1, "y": 0.1, "z": 0.1}), (0, 0, 0, 0, 0, 0, 1), 0.0, 1.0)
    view = dataclasses.replace(FRONT, pose=look_at((1.5, 0.0, 0.0), (0.0, 0.0, 0.0)))
    spec = lone_body(box, view)
    look = gray_look(spec)
    poses = np.repeat(link_poses(spec), 2, axis=0)
    poses[1, -1, 1] = 0.2
    between = np.repeat(poses[:1], 5, axis=0)
    between[:, -1, 1] = np.linspace(0.0, 0.2, 5)
    light = decode(frames.render(spec, between, look)["front"].rgb).mean(axis=0)
    sensors = {"front": SensorConfig(blur=MotionBlur(1.0, 5))}
    found = Capture(spec, look, sensors, DRAWS).frames(poses)["front"]
    assert np.abs(decode(found.rgb[1]) - light).max() < 0.005
    still = frames.render(spec, poses, look)["front"]
    assert np.array_equal(found.rgb[0], still.rgb[0]), "nothing had moved at the first step"
    assert np.array_equal(found.depth, still.depth)


def test_noise_in_bytes_is_what_the_parameters_say() -> None:
    """Through the whole head: shot noise of a flat gray picture, read back from its bytes."""
    config = SensorConfig(shot=ShotNoise(4500.0, 4.0))
    flat = dataclasses.replace(FRONT, pose=look_at((0.5, 0.0, 8.0), (0.5, 0.01, 9.0)))
    spec = dataclasses.replace(SPEC, cameras=(flat,))
    look = dataclasses.replace(LOOK, background_bottom=LOOK.background_top)
    found = Capture(spec, look, {"front": config}, DRAWS).frames(POSES)["front"].rgb
    clean = Capture(spec, look, {}, DRAWS).frames(POSES)["front"].rgb
    assert np.ptp(clean) == 0, "the sky alone"
    electrons = decode(found).astype(float) * 4500 / 4
    expected = float(decode(clean[0, 0, 0])[0]) * 4500 / 4
    # A byte's own rounding adds its step squared over twelve.
    step = np.gradient(decode(np.arange(256, dtype=np.uint8)).astype(float))[clean[0, 0, 0, 0]]
    variance = expected + (step * 4500 / 4) ** 2 / 12
    assert electrons.var() == pytest.approx(variance, rel=0.05)
    assert electrons.mean() == pytest.approx(expected, rel=0.01)


def test_a_look_s_cameras_stand_in_for_the_spec_s() -> None:
    moved = dataclasses.replace(WRIST, width=64, height=48)
    look = dataclasses.replace(LOOK, cameras=(FRONT, moved))
    found = Capture(SPEC, look, {"wrist": SensorConfig(lens=Lens(k1=-0.05))}, DRAWS).frames(POSES)
    assert found["wrist"].rgb.shape == (3, 48, 64, 3)


def test_configurations_are_plain_json() -> None:
    for name in choices("sensor"):
        config = catalogue(name)
        assert from_json(SensorConfig, to_json(config)) == config
    with pytest.raises(RobokilnError, match=r"camera 'back' not found; available: front, wrist"):
        record({"back": catalogue("d435")})
