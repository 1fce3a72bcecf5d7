"""Scenes to look at: specs, cameras and link poses built by hand, without a simulation."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import yaml

from robokiln.assets import height
from robokiln.frames import CameraConfig
from robokiln.frames.cameras import on_robot
from robokiln.geometry import IDENTITY, compose, quat_from_axis_angle, quat_from_yaw
from robokiln.scene import robots
from robokiln.serial import from_json
from robokiln.types import Array, Body, Camera, Light, Look, Material, SceneSpec, Shape

CAMERAS = Path(__file__).parents[2] / "configs" / "cameras" / "front_wrist.yaml"
FRONT, WRIST = (
    from_json(CameraConfig, on_robot(entry, robots.get("panda"))).build()
    for entry in yaml.safe_load(CAMERAS.read_text())["cameras"]
)
FLOOR = Body(
    "floor", Shape("box", {"x": 4.0, "y": 4.0, "z": 0.02}), (0, 0, -0.41, 0, 0, 0, 1), 0.0, 1.0
)
TABLE = Body(
    "table", Shape("box", {"x": 0.8, "y": 1.2, "z": 0.04}), (0.5, 0, -0.02, 0, 0, 0, 1), 0.0, 1.0
)
OBJECTS = (
    ("red", Shape("box", {"x": 0.045, "y": 0.045, "z": 0.045}), (0.40, -0.05)),
    ("blue", Shape("cylinder", {"radius": 0.025, "height": 0.06}), (0.50, 0.10)),
    ("green", Shape("sphere", {"radius": 0.025}), (0.58, -0.15)),
    ("yellow", Shape("bowl", {"radius": 0.07, "height": 0.05}), (0.45, -0.20)),
    ("purple", Shape("cup", {"radius": 0.035, "height": 0.08}), (0.60, 0.02)),
    ("cyan", Shape("bottle", {"radius": 0.025, "height": 0.14}), (0.35, 0.18)),
    ("orange", Shape("plate", {"radius": 0.08, "height": 0.02}), (0.55, 0.21)),
    ("pink", Shape("capsule", {"radius": 0.02, "length": 0.05}), (0.34, -0.12)),
)


def table_scene(objects: int = 8, cameras: tuple[Camera, ...] = (FRONT, WRIST)) -> SceneSpec:
    """Floor, table and some of eight objects, each of another shape and named color."""
    bodies = [FLOOR, TABLE]
    for color, shape, (x, y) in OBJECTS[:objects]:
        pose = (x, y, height(shape) / 2, *quat_from_yaw(0.6).tolist())
        bodies.append(Body(f"{color} {shape.kind}", shape, pose, 0.1, 1.0, color))
    home = robots.get("panda").home
    return SceneSpec("by hand", "panda", home, tuple(bodies), cameras, "", {})


def lone_body(body: Body, camera: Camera) -> SceneSpec:
    """A spec of one body; see `link_poses` with the robot away."""
    return SceneSpec("by hand", "panda", (), (body,), (camera,), "", {})


def link_poses(spec: SceneSpec, joints: Array | None = None) -> Array:
    """float32 [1, L, 7] with the arm at some joints, or 50 m below the floor if None."""
    links = [v.link for v in robots.get(spec.robot).visuals]
    away = (0.0, 0.0, -50.0, 0.0, 0.0, 0.0, 1.0)
    rows = dict.fromkeys(links, away) if joints is None else _arm(joints)
    poses = [rows[link] for link in links] + [body.pose for body in spec.bodies]
    return np.array(poses, np.float32)[None]


def _arm(joints: Array) -> dict[str, Array]:
    """Poses of the Panda's links by forward kinematics, the gripper open."""
    robot = robots.get("panda")
    frame = np.array(IDENTITY)
    rows = {"panda_link0": frame}
    for i, joint in enumerate(robot.chain):
        frame = compose(frame, joint.origin)
        if joint.name in robot.arm_joints:
            turn = quat_from_axis_angle(np.array(joint.axis), float(joints[i]))
            frame = compose(frame, np.array([0.0, 0.0, 0.0, *turn]))
        rows[f"panda_link{i + 1}"] = frame
    rows["panda_hand"] = frame
    for link, y in (("panda_leftfinger", 0.04), ("panda_rightfinger", -0.04)):
        rows[link] = compose(frame, (0.0, y, 0.0584, 0.0, 0.0, 0.0, 1.0))
    return rows


def reach(count: int) -> Array:
    """float32 [count, L, 7] of `table_scene()`: the arm sweeps over the objects."""
    spec, home = table_scene(), np.array(robots.get("panda").home)
    waves = np.sin(np.arange(count)[:, None] * [0.31, 0.23, 0.17, 0.29, 0.0, 0.37, 0.41])
    swing = np.array([0.5, 0.15, 0.2, 0.2, 0.0, 0.2, 0.5])
    down = np.array([0.0, 0.35, 0.0, -0.15, 0.0, 0.35, 0.0])
    return np.concatenate([link_poses(spec, home + down + wave * swing) for wave in waves])


def gray_look(spec: SceneSpec, shadows: bool = True) -> Look:
    """Gray matte bodies under one light from straight above."""
    gray = Material((0.6, 0.6, 0.6), 0.9)
    light = Light((0.0, 0.0, 1.0), (1.0, 1.0, 1.0), 0.8, shadows)
    sky, ground = (0.4, 0.4, 0.4), (0.3, 0.3, 0.3)
    return Look((gray,) * len(spec.bodies), gray, (light,), sky, ground, sky, ground)


def resized(spec: SceneSpec, width: int, height: int) -> SceneSpec:
    """The same scene with cameras of another size."""
    cameras = tuple(dataclasses.replace(c, width=width, height=height) for c in spec.cameras)
    return dataclasses.replace(spec, cameras=cameras)
