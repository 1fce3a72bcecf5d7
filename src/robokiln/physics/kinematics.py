"""Forward kinematics, the geometric Jacobian and damped-least-squares inverse kinematics.

The solver is Wampler's damped least squares (IEEE SMC 16(1), 1986) within the joints' limits. Its
first iterations draw a redundant arm towards home in the null space, so that it keeps one branch;
an arm of fewer than six joints puts the position before the rotation. benchmarks/ik.py compares it.
"""

from __future__ import annotations

import numpy as np

from robokiln.geometry import pose_to_matrix, quat_to_matrix, rotation_vector
from robokiln.scene.robots import Robot
from robokiln.types import Array, RobokilnError

PULLS = 4
"""Iterations that also draw towards home. To go on would keep the tool off its goal by the square
of what is left of the way: 89 % of poses that a Panda's joints have were then reached from joints
nearby, now all."""
HOME_PULL = 0.05
DAMPING, LAST_DAMPING = 0.02, 0.005
"""With the pull, which takes the arm further than a step is straight, and after it."""
POSITION_DAMPING = 0.003
"""The same for the position alone, in metres a radian: an arm of 0.4 m moves by 0.1 to 0.3."""
LONGEST_STEP = 0.5
"""Radians of any joint; near a singularity so little damping would ask for turns."""
_NEXT, _AFTER = [1, 2, 0], [2, 0, 1]
"""Axes of a cross product; numpy's own costs four times as much on seven rows."""


class Kinematics:
    """Of one robot's arm, in its base frame."""

    def __init__(self, robot: Robot) -> None:
        self.home = np.array(robot.home)
        lower, upper, self.speed = robot.limits
        self.lower, self.upper = lower + robot.joint_margin, upper - robot.joint_margin
        self._before: list[Array] = []
        pending = np.eye(4)
        for joint in robot.chain:
            pending = pending @ pose_to_matrix(joint.origin)
            if joint.name in robot.arm_joints:
                if joint.kind not in ("revolute", "continuous"):
                    raise RobokilnError(
                        f"robot '{robot.name}': joint '{joint.name}' is {joint.kind}; "
                        "expected an arm of revolute or continuous joints"
                    )
                turned = _z_along(joint.axis)
                self._before.append(pending @ turned)
                pending = turned.T
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
        for i in range(iterations):
            tool, jacobian = self.forward(joints)
            twist = np.concatenate(
                [goal_position - tool[:3, 3], rotation_vector(goal_rotation @ tool[:3, :3].T)]
            )
            error = float(np.linalg.norm(twist))
            if error < tolerance:
                break
            joints = joints + self._within_limits(jacobian, twist, joints, i < PULLS)
        return joints, error

    def _within_limits(self, jacobian: Array, twist: Array, joints: Array, pull: bool) -> Array:
        """A step that ends within the limits: joints that would pass theirs go there alone, and the
        others do without them (saturation in the null space; Flacco, De Luca and Khatib 2012)."""
        step = self._update(jacobian, twist, joints, pull)
        stuck = np.zeros(len(joints), bool)
        for _ in joints:
            reached = joints + step
            over = (reached < self.lower) | (reached > self.upper)
            if not (over & ~stuck).any():
                break
            stuck |= over
            fixed = np.where(stuck, np.clip(reached, self.lower, self.upper) - joints, 0.0)
            free = self._update(jacobian * ~stuck, twist - jacobian @ fixed, joints, pull)
            step = np.where(stuck, fixed, free)
        return np.clip(joints + step, self.lower, self.upper) - joints

    def _update(self, jacobian: Array, twist: Array, joints: Array, pull: bool) -> Array:
        if len(joints) < 6:
            return _prioritised(jacobian, twist)
        damping = DAMPING if pull else LAST_DAMPING
        gram = jacobian @ jacobian.T + damping**2 * np.eye(6)
        if not pull:
            return jacobian.T @ np.linalg.solve(gram, twist)
        home = HOME_PULL * (self.home - joints)
        both = np.linalg.solve(gram, np.stack([twist, jacobian @ home], -1))
        return jacobian.T @ (both[:, 0] - both[:, 1]) + home


def _prioritised(jacobian: Array, twist: Array) -> Array:
    """The step of an arm that can't have every orientation: first the position, then as much of the
    rotation as what is left of the joints' freedom allows (Siciliano and Slotine, ICAR 1991)."""
    position, rotation = jacobian[:3], jacobian[3:]
    u, sizes, v = np.linalg.svd(position)
    step = v[:3].T @ (sizes / (sizes**2 + POSITION_DAMPING**2) * (u.T @ twist[:3]))
    left = rotation @ v[3:].T
    gram = left @ left.T + DAMPING**2 * np.eye(3)
    step = step + v[3:].T @ (left.T @ np.linalg.solve(gram, twist[3:] - rotation @ step))
    return step / max(1.0, float(np.abs(step).max()) / LONGEST_STEP)


def _z_along(axis: tuple[float, float, float]) -> Array:
    """A rotation [4, 4] that takes z to the axis: joints are then turned about z alone."""
    z = np.array(axis) / np.linalg.norm(axis)
    x = np.array([1.0, 0.0, 0.0]) if abs(z[0]) < 0.9 else np.array([0.0, 0.0, 1.0])
    x -= (x @ z) * z
    x /= np.linalg.norm(x)
    found = np.eye(4)
    found[:3, :3] = np.stack([x, np.cross(z, x), z], axis=-1)
    return found
