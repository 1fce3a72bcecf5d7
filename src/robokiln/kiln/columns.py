"""What an episode becomes in the dataset: its columns, its cameras, its subtasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robokiln.dataset import RecordedCamera
from robokiln.dataset import features as names
from robokiln.frames import SensorConfig
from robokiln.frames.sensors import Lens
from robokiln.geometry import compose, intrinsics, inverse, pose_to_action, pose_tuple
from robokiln.scene.robots import Robot, get
from robokiln.types import Array, Camera, Episode, Feature, RobokilnError


def features(robot: Robot, cameras: Sequence[Camera], depth: bool = False) -> tuple[Feature, ...]:
    """The dataset's columns for a robot, without the ones that the writer adds."""
    driver = robot.driver
    positions = None if driver is None else (driver.names, driver.unit)
    return names.standard_features(cameras, len(robot.arm_joints), depth, positions)


def columns(episode: Episode) -> dict[str, Array]:
    """The dataset's columns of T steps, without the ones that the writer adds.

    Joint positions are the robot's driver's, where it has one.
    """
    position, target = episode.joint_position, episode.joint_target
    driver = get(episode.spec.robot).driver
    if driver is not None:
        position = driver.write(position, episode.gripper)
        target = driver.write(target, np.clip(episode.executed_action[:, 9], 0, 1))
    as_float = {
        names.STATE: pose_to_action(episode.ee_pose, episode.gripper),
        names.JOINT_POSITION: position,
        names.JOINT_VELOCITY: episode.joint_velocity,
        names.WRIST_WRENCH: episode.wrist_wrench,
        names.JOINT_TORQUE: episode.joint_torque,
        names.FINGER_FORCE: episode.finger_force,
        names.TARGET_GOAL_POSE: episode.target_goal_pose,
        names.ACTION: episode.action,
        names.EXECUTED_ACTION: episode.executed_action,
        names.JOINT_TARGET: target,
        names.PUSH: episode.push,
    }
    found = {name: values.astype(np.float32) for name, values in as_float.items()}
    return found | {names.SUBTASK: episode.phase.astype(np.int64)}


def recorded_camera(
    camera: Camera, robot: Robot, sensor: SensorConfig | None = None
) -> RecordedCamera:
    """A camera as the dataset describes it: in the robot's base frame or in the tool's frame."""
    sensor = SensorConfig() if sensor is None else sensor
    if camera.mount not in ("", robot.tool_link):
        raise RobokilnError(
            f"camera '{camera.name}': mount '{camera.mount}' not supported; "
            f"available: '' (the world), {robot.tool_link}"
        )
    frame, pose = "base", camera.pose
    if camera.mount:
        frame, pose = "tool", pose_tuple(compose(inverse(robot.tool), camera.pose))
    # To a millionth of a pixel: a tangent's last bit differs from machine to machine.
    k = intrinsics(camera).round(6)
    return RecordedCamera(
        camera.name,
        camera.width,
        camera.height,
        camera.fov,
        frame,
        pose,
        (float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2])),
        Lens().coefficients if sensor.lens is None else sensor.lens.coefficients,
        sensor.name,
    )
