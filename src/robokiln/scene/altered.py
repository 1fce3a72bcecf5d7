"""The same scene with another start of the arm, and with heavier or smoother bodies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from robokiln.scene.config import START, SceneConfig
from robokiln.scene.robots import Robot
from robokiln.types import Body, SceneSpec


def altered(
    spec: SceneSpec, robot: Robot, config: SceneConfig, rng: np.random.Generator
) -> SceneSpec:
    """The drawn scene as `start`, `mass` and `friction` say; everything stands where it stood."""
    joints = spec.robot_joints
    if config.start != START:
        home = np.array(robot.home)
        moved = home + (np.array(joints) - home) * (config.start / START)
        joints = tuple(float(q) for q in moved)
    if config.mass == config.friction == (1.0, 1.0):
        return replace(spec, robot_joints=joints)
    bodies = tuple(_body(body, config, rng) for body in spec.bodies)
    return replace(spec, robot_joints=joints, bodies=bodies)


def _body(body: Body, config: SceneConfig, rng: np.random.Generator) -> Body:
    heavier, rougher = float(rng.uniform(*config.mass)), float(rng.uniform(*config.friction))
    joint = body.joint and replace(
        body.joint,
        friction=round(body.joint.friction * rougher, 4),
        damping=round(body.joint.damping * rougher, 4),
    )
    mass, friction = round(body.mass * heavier, 5), round(body.friction * rougher, 4)
    return replace(body, mass=mass, friction=friction, joint=joint)
