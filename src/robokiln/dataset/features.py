"""The columns that robokiln's datasets have, by the names that writer, policy and report share."""

from __future__ import annotations

from collections.abc import Sequence

from robokiln.types import ACTION_DIM, ACTION_NAMES, Camera, Feature

IMAGES = "observation.images."
DEPTH = "_depth"
"""A camera's depth is a feature beside its pictures: `observation.images.front_depth`."""
STATE = "observation.state"
JOINT_POSITION = "observation.joint_position"
JOINT_VELOCITY = "observation.joint_velocity"
WRIST_WRENCH = "observation.wrist_wrench"
JOINT_TORQUE = "observation.joint_torque"
FINGER_FORCE = "observation.finger_force"
TARGET_GOAL_POSE = "privileged.target_goal_pose"
ACTION = "action"
EXECUTED_ACTION = "action.executed"
JOINT_TARGET = "action.joint_position"
PUSH = "privileged.push"
"""Index of the body (of the scene's) that was pushed, or -1, and the impulse."""
SUBTASK = "subtask_index"

_WRENCH = ("force_x", "force_y", "force_z", "torque_x", "torque_y", "torque_z")
_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")


def image_feature(camera: Camera) -> Feature:
    """The video column of a camera."""
    shape = (camera.height, camera.width, 3)
    return Feature(IMAGES + camera.name, "video", shape, ("height", "width", "channels"))


def depth_feature(camera: Camera) -> Feature:
    """The depth video of a camera, named as lerobot names it."""
    shape = (camera.height, camera.width, 1)
    name = IMAGES + camera.name + DEPTH
    return Feature(name, "video", shape, ("height", "width", "channels"), "m")


def standard_features(
    cameras: Sequence[Camera],
    joints: int,
    depth: bool = False,
    positions: tuple[tuple[str, ...], str] | None = None,
) -> tuple[Feature, ...]:
    """Every column of an episode but the five that the writer adds, for an arm of `joints`.

    `positions` are the names and the unit of joint positions where a driver has its own.
    """
    joint_names = tuple(f"joint_{i + 1}" for i in range(joints))
    names, unit = positions or (joint_names, "rad")
    poses = tuple(f"{role}_{axis}" for role in ("target", "goal") for axis in _POSE)
    ee_unit = "m; rotation columns; opening in [0, 1]"
    return (
        *(image_feature(c) for c in cameras),
        *(depth_feature(c) for c in cameras if depth),
        Feature(STATE, "float32", (ACTION_DIM,), ACTION_NAMES, ee_unit),
        Feature(JOINT_POSITION, "float32", (len(names),), names, unit),
        Feature(JOINT_VELOCITY, "float32", (joints,), joint_names, "rad/s"),
        Feature(WRIST_WRENCH, "float32", (6,), _WRENCH, "N, N m; on the wrist, in the tool frame"),
        Feature(JOINT_TORQUE, "float32", (joints,), joint_names, "N m"),
        Feature(FINGER_FORCE, "float32", (2,), ("left", "right"), "N"),
        Feature(TARGET_GOAL_POSE, "float32", (14,), poses, "m; quaternion xyzw; world frame"),
        Feature(ACTION, "float32", (ACTION_DIM,), ACTION_NAMES, ee_unit),
        Feature(EXECUTED_ACTION, "float32", (ACTION_DIM,), ACTION_NAMES, ee_unit),
        Feature(JOINT_TARGET, "float32", (len(names),), names, unit),
        Feature(PUSH, "float32", (4,), ("body", "x", "y", "z"), "index; N s, world frame"),
        Feature(SUBTASK, "int64", (1,)),
    )
