"""Robots by name. A robot is a description; adding one is one file here and one YAML."""

from __future__ import annotations

from robokiln.scene.robots.description import Follower, Gripper, Robot, View, Visual, Workspace
from robokiln.scene.robots.driver import Driver
from robokiln.scene.robots.model import model_file
from robokiln.scene.robots.panda import PANDA
from robokiln.scene.robots.so101 import SO101
from robokiln.scene.robots.ur5e import UR5E
from robokiln.types import RobokilnError, SceneSpec, lookup

ROBOTS: dict[str, Robot] = {robot.name: robot for robot in (PANDA, SO101, UR5E)}


def get(name: str) -> Robot:
    """The robot called `name`, or an error: there is none, or its model is not installed."""
    robot: Robot = lookup("robot", name, ROBOTS)
    if not robot.installed:
        raise RobokilnError(
            f"robot '{name}': its model is not installed; pip install 'robokiln[{robot.extra}]'"
        )
    return robot


def visual_links(spec: SceneSpec) -> tuple[str, ...]:
    """Names of the rows of `Episode.link_poses`: the robot's visual links, then the bodies."""
    return get(spec.robot).links + tuple(b.name for b in spec.bodies)


__all__ = [
    "ROBOTS",
    "Driver",
    "Follower",
    "Gripper",
    "Robot",
    "View",
    "Visual",
    "Workspace",
    "get",
    "model_file",
    "visual_links",
]
