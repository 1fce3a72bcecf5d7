"""One simulated episode on its way into columns, a unit, and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from robokiln.dataset import (
    ACTION,
    FINGER_FORCE,
    JOINT_POSITION,
    JOINT_TORQUE,
    STATE,
    SUBTASK,
    TARGET_GOAL_POSE,
    WRIST_WRENCH,
    RecordedCamera,
    standard_features,
)
from robokiln.frames import SensorConfig, camera_poses
from robokiln.frames.sensors import Lens, ShotNoise
from robokiln.geometry import IDENTITY, action_to_pose, compose, look_at, project, quat_to_matrix
from robokiln.kiln.columns import columns, recorded_camera
from robokiln.kiln.motion import load_motion, motion_of, save_motion
from robokiln.kiln.plan import Plan
from robokiln.kiln.unit import simulate
from robokiln.policy.demonstrations import role_pixels
from robokiln.scene import robots
from robokiln.serial import from_json, to_json
from robokiln.types import Camera, Episode, RobokilnError

PANDA = robots.get("panda")
WRIST = Camera("wrist", 32, 32, 75.0, (0.07, 0.0, 0.03, 0.0, 0.2, 0.0, 0.98), "panda_hand")
FRONT = Camera("front", 32, 32, 42.0, look_at((0.98, 0.0, 0.8), (0.44, 0.0, 0.02)))
PLAN = Plan("pick_place", "panda", (FRONT, WRIST), episodes=1)


@pytest.fixture(scope="module")
def episode() -> Episode:
    return simulate(PLAN, slot=0, attempt=0)


def test_columns_are_what_the_dataset_declares(episode: Episode) -> None:
    found = columns(episode)
    declared = {f.name: f for f in standard_features(PLAN.cameras, 7) if f.dtype != "video"}
    assert found.keys() == declared.keys()
    for name, values in found.items():
        shape = (len(episode), *declared[name].shape)
        assert values.shape in (shape, shape[:1])
        assert values.dtype == declared[name].dtype
    assert np.allclose(found[STATE][:, :3], episode.ee_pose[:, :3], atol=1e-6)
    assert np.allclose(found[ACTION], episode.action, atol=1e-6)
    assert np.allclose(found[JOINT_POSITION], episode.joint_position, atol=1e-6)
    assert np.allclose(found[WRIST_WRENCH], episode.wrist_wrench, atol=1e-4)
    assert np.allclose(found[JOINT_TORQUE], episode.joint_torque, atol=1e-4)
    assert np.allclose(found[FINGER_FORCE], episode.finger_force, atol=1e-4)
    assert np.allclose(found[TARGET_GOAL_POSE], episode.target_goal_pose, atol=1e-6)
    assert set(found[SUBTASK]) <= set(range(6))


def test_the_same_attempt_gives_the_same_episode(episode: Episode) -> None:
    again = simulate(PLAN, slot=0, attempt=0)
    assert np.array_equal(again.link_poses, episode.link_poses)
    assert again.spec == episode.spec
    other = simulate(PLAN, slot=1, attempt=0)
    assert other.spec.bodies != episode.spec.bodies


def test_a_motion_reads_back_bit_for_bit(episode: Episode, tmp_path: Path) -> None:
    save_motion(tmp_path, motion_of(episode))
    again = load_motion(tmp_path)
    assert to_json(again.spec) == to_json(episode.spec)
    assert again.outcome == episode.outcome
    for name, values in columns(episode).items():
        assert np.array_equal(again.columns[name], values)
    assert np.array_equal(again.link_poses, episode.link_poses)
    assert np.array_equal(again.contacts, episode.contacts)
    (tmp_path / "again").mkdir()
    save_motion(tmp_path / "again", again)
    for name in ("motion.npz", "scene.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_recorded_wrist_camera_hangs_on_the_tool(episode: Episode) -> None:
    recorded = recorded_camera(WRIST, PANDA)
    assert recorded.frame == "tool"
    tool = action_to_pose(columns(episode)[STATE].astype(float))
    by_tool = compose(tool, np.broadcast_to(recorded.pose, (len(episode), 7)))
    by_link = camera_poses(episode.spec, WRIST, episode.link_poses)
    assert np.allclose(by_tool[:, :3], by_link[:, :3], atol=1e-4)
    assert np.allclose(quat_to_matrix(by_tool[:, 3:]), quat_to_matrix(by_link[:, 3:]), atol=1e-3)
    assert recorded_camera(FRONT, PANDA).frame == "base"
    assert recorded_camera(FRONT, PANDA).pose == FRONT.pose


def test_a_recorded_camera_has_its_matrix_lens_and_sensor() -> None:
    """What is recorded projects points as the renderer's own camera does, through the lens."""
    lens = Lens(k1=-0.2, p2=0.01)
    view = replace(FRONT, calibration=(41.123456789, 40.0, 15.5, 16.25))
    recorded = recorded_camera(view, PANDA, SensorConfig(name="webcam", lens=lens))
    assert recorded.intrinsics == (41.123457, 40.0, 15.5, 16.25)
    assert recorded.distortion == (-0.2, 0.0, 0.0, 0.01, 0.0)
    assert recorded.sensor == "webcam"
    assert from_json(RecordedCamera, to_json(recorded)) == recorded
    point, pose = np.array([[[0.4, 0.1, 0.0], [0.7, -0.3, 0.1]]]), np.array(FRONT.pose)
    expected = project(view, pose, point, lens.coefficients)
    found = role_pixels(recorded, np.zeros((1, 10)), point)
    assert np.allclose(found, expected, atol=1e-4)
    assert np.abs(found - project(view, pose, point))[..., :2].max() > 0.05
    plain = recorded_camera(FRONT, PANDA)
    assert np.allclose(role_pixels(plain, np.zeros((1, 10)), point), project(FRONT, pose, point))


def test_a_camera_elsewhere_on_the_arm_is_refused() -> None:
    with pytest.raises(RobokilnError, match="mount 'panda_link4' not supported"):
        recorded_camera(Camera("elbow", 32, 32, 60.0, IDENTITY, "panda_link4"), PANDA)


def test_a_plan_is_plain_json_and_checks_itself() -> None:
    noisy = replace(PLAN, sensors={"wrist": SensorConfig(shot=ShotNoise(4500.0))})
    for plan in (PLAN, noisy):
        assert from_json(Plan, to_json(plan)) == plan
    with pytest.raises(RobokilnError, match=r"camera 'back' not found; available: front, wrist"):
        replace(PLAN, sensors={"back": SensorConfig()})
    for wrong in ({"task": "stak"}, {"episodes": 0}, {"seed": 2**32}, {"codec": "gif"}):
        with pytest.raises(RobokilnError):
            from_json(Plan, {**to_json(PLAN), **wrong})
