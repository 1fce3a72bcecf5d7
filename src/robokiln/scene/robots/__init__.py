"""Robots by name. A robot is a description; adding one is one file here and one YAML."""

from __future__ import annotations

from robokiln.scene.robots.description import Robot, Visual
from robokiln.scene.robots.panda import PANDA
from robokiln.types import SceneSpec, lookup

ROBOTS: dict[str, Robot] = {"panda": PANDA}


def get(name: str) -> Robot:
    """The robot called `name`, or an error that lists what there is."""
    robot: Robot = lookup("robot", name, ROBOTS)
    return robot


def visual_links(spec: SceneSpec) -> tuple[str, ...]:
    """Names of the rows of `Episode.link_poses`: the robot's visual links, then the bodies."""
    robot = get(spec.robot)
    return tuple(v.link for v in robot.visuals) + tuple(b.name for b in spec.bodies)


__all__ = ["ROBOTS", "Robot", "Visual", "get", "visual_links"]
