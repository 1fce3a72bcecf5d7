"""Forward kinematics, the geometric Jacobian and damped-least-squares inverse kinematics.

The solver is Wampler's damped least squares (IEEE SMC 16(1), 1986) with a null-space pull towards
the home posture, so that a redundant arm keeps one branch.
"""

from __future__ import annotations

import numpy as np

from robokiln.geometry import pose_to_matrix, quat_to_matrix, rotation_vector
from robokiln.scene.robots import Robot
from robokiln.types import Array

DAMPING = 0.02
HOME_PULL = 0.05
_NEXT, _AFTER = [1, 2, 0], [2, 0, 1]
"""Axes of a cross product; numpy's own costs four times as much on seven rows."""


class Kinematics:
    """Of one robot's arm, in its base frame."""

    def __init__(self, robot: Robot) -> None:
        self.home = np.array(robot.home)
        self.lower, self.upper, self.speed = robot.limits
        self._before: list[Array] = []
        pending = np.eye(4)
        for joint in robot.chain:
            pending = pending @ pose_to_matrix(joint.origin)
            if joint.name in robot.arm_joints:
                assert joint.axis == (0.0, 0.0, 1.0), "arm joints turn about their z axis"
                self._before.append(pending)
                pending = np.eye(4)
        self._tool = pending @ pose_to_matrix(robot.tool)

    def forward(self, joints: Array) -> tuple[Array, Array]:
        """Tool matrix [4, 4] and Jacobian [6, J] (linear, then angular) at joints [J]."""
        turns = np.zeros((len(joints), 4, 4))
        c, s = np.cos(joints), np.sin(joints)
        turns[:, 0, 0], turns[:, 0, 1], turns[:, 1, 0], turns[:, 1, 1] = c, -s, s, c
        turns[:, 2, 2] = turns[:, 3, 3] = 1
        links = np.empty_like(turns)
        frame = np.eye(4)
        for i, (before, turn) in enumerate(zip(self._before, turns, strict=True)):
            frame = frame @ before @ turn
            links[i] = frame
        tool = frame @ self._tool
        axes, origins = links[:, :3, 2], links[:, :3, 3]
        arms = tool[:3, 3] - origins
        linear = axes[:, _NEXT] * arms[:, _AFTER] - axes[:, _AFTER] * arms[:, _NEXT]
        return tool, np.concatenate([linear, axes], axis=1).T

    def solve(
        self, pose: Array, start: Array, iterations: int = 20, tolerance: float = 2e-4
    ) -> tuple[Array, float]:
        """Joints [J] for a tool pose [7] from a start [J], and the error left (m and rad mixed)."""
        goal_position, goal_rotation = pose[:3], quat_to_matrix(pose[3:])
        joints, error = np.array(start, float), np.inf
        for _ in range(iterations):
            tool, jacobian = self.forward(joints)
            twist = np.concatenate(
                [goal_position - tool[:3, 3], rotation_vector(goal_rotation @ tool[:3, :3].T)]
            )
            error = float(np.linalg.norm(twist))
            if error < tolerance:
                break
            joints = np.clip(joints + self._update(jacobian, twist, joints), self.lower, self.upper)
        return joints, error

    def _update(self, jacobian: Array, twist: Array, joints: Array) -> Array:
        gram = jacobian @ jacobian.T + DAMPING**2 * np.eye(6)
        pull = HOME_PULL * (self.home - joints)
        both = np.linalg.solve(gram, np.stack([twist, jacobian @ pull], -1))
        return jacobian.T @ (both[:, 0] - both[:, 1]) + pull
