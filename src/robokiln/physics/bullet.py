"""The world in PyBullet. The only file that knows the engine."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from robokiln.geometry import action_to_pose, matrix_to_quat
from robokiln.physics.bodies import Bodies, Place
from robokiln.physics.forces import ForceSensors
from robokiln.physics.gripper import POSITION_GAIN, GripperMotors
from robokiln.physics.kinematics import PULLS, Kinematics
from robokiln.scene.robots import Robot, get, model_file
from robokiln.types import Array, SceneSpec, State


def _import_quietly() -> Any:
    """pybullet greets on file descriptor 2 when imported; a user's terminal stays clean."""
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        return importlib.import_module("pybullet")
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


pybullet = _import_quietly()

FINGER_FRICTION = 1.2


class BulletWorld:
    """A headless Bullet client, reset completely by each `load`."""

    def __init__(self, control_hz: int = 20, physics_hz: int = 240) -> None:
        self._client = pybullet.connect(pybullet.DIRECT)
        self._dt = 1.0 / control_hz
        self._substeps = physics_hz // control_hz
        self._physics_dt = 1.0 / physics_hz

    def close(self) -> None:
        """Free the engine."""
        pybullet.disconnect(physicsClientId=self._client)

    def load(self, spec: SceneSpec) -> None:
        """Reset, then add the robot and the bodies in the spec's order."""
        p, c = pybullet, self._client
        p.resetSimulation(physicsClientId=c)
        p.setGravity(0, 0, -9.81, physicsClientId=c)
        p.setPhysicsEngineParameter(
            fixedTimeStep=self._physics_dt,
            deterministicOverlappingPairs=1,
            numSolverIterations=40,
            contactBreakingThreshold=0.002,
            physicsClientId=c,
        )
        self._spec, self._robot = spec, get(spec.robot)
        self._kinematics = Kinematics(self._robot)
        self._load_robot(self._robot, np.array(spec.robot_joints))
        self._bodies = Bodies(p, c, spec.bodies)

    def _load_robot(self, robot: Robot, joints: Array) -> None:
        p, c = pybullet, self._client
        flags = p.URDF_IGNORE_VISUAL_SHAPES | p.URDF_USE_INERTIA_FROM_FILE
        with model_file(robot) as file:
            self._arm = p.loadURDF(str(file), useFixedBase=True, flags=flags, physicsClientId=c)
        count = p.getNumJoints(self._arm, physicsClientId=c)
        infos = [p.getJointInfo(self._arm, i, physicsClientId=c) for i in range(count)]
        joint = {info[1].decode(): info[0] for info in infos}
        link = {info[12].decode(): info[0] for info in infos}
        self._arm_joints = [joint[name] for name in robot.arm_joints]
        self._finger_links = [link[name] for name in robot.gripper.links]
        self._visual_links = [link.get(name, -1) for name in robot.links]
        for i in range(-1, count):
            p.changeDynamics(self._arm, i, linearDamping=0, angularDamping=0, physicsClientId=c)
        for i in self._finger_links:
            p.changeDynamics(
                self._arm,
                i,
                lateralFriction=FINGER_FRICTION,
                spinningFriction=0.02,
                rollingFriction=0.0005,
                physicsClientId=c,
            )
        for i, q in zip(self._arm_joints, joints, strict=True):
            p.resetJointState(self._arm, i, q, physicsClientId=c)
        self._gripper = GripperMotors(pybullet, c, self._arm, robot.gripper, joint)
        self._target, self._opening = joints.copy(), 1.0
        self._forces = ForceSensors(
            pybullet, c, self._arm, robot, self._arm_joints, link[robot.tool_link],
            self._finger_links,
        )  # fmt: skip

    def step(self, target: Array) -> Array:
        """Inverse kinematics from the last target, limited in joint speed, then the substeps."""
        wanted, _ = self._kinematics.solve(action_to_pose(target), self._target, PULLS)
        limit = self._kinematics.speed * self._dt
        start = self._target
        self._target = start + np.clip(wanted - start, -limit, limit)
        self._opening = float(np.clip(target[9], 0, 1))
        self._substep(start, self._target, self._substeps)
        return self._target

    def settle(self, seconds: float) -> None:
        """Wake the bodies and let them come to rest while the arm holds its pose."""
        self._bodies.wake()
        still, count = self._target, round(seconds / self._physics_dt)
        # Forces are those of one control step, here the last.
        for steps, sense in ((count - self._substeps, False), (min(count, self._substeps), True)):
            if steps > 0:
                self._substep(still, still, steps, sense)

    def _substep(self, start: Array, stop: Array, count: int, sense: bool = True) -> None:
        """Joint targets move evenly from start to stop, with their speed fed forward."""
        p, c = pybullet, self._client
        speed = (stop - start) / (count * self._physics_dt)
        forces = [self._robot.joint_force] * len(self._arm_joints)
        gains = [POSITION_GAIN] * len(self._arm_joints)
        if sense:
            self._forces.begin()
        self._gripper.drive(self._opening)
        for k in range(1, count + 1):
            p.setJointMotorControlArray(
                self._arm,
                self._arm_joints,
                p.POSITION_CONTROL,
                targetPositions=(start + (stop - start) * (k / count)).tolist(),
                targetVelocities=speed.tolist(),
                forces=forces,
                positionGains=gains,
                physicsClientId=c,
            )
            self._gripper.follow()
            p.stepSimulation(physicsClientId=c)
            if sense:
                self._forces.read()
        if sense:
            self._forces.end(count * self._physics_dt)

    def state(self) -> State:
        """What is where, and how fast."""
        p, c = pybullet, self._client
        arm = p.getJointStates(self._arm, self._arm_joints, physicsClientId=c)
        q, dq = np.array([j[0] for j in arm]), np.array([j[1] for j in arm])
        tool, jacobian = self._kinematics.forward(q)
        opening, opening_speed = self._gripper.reading()
        forces = self._forces.now
        return State(
            joint_position=q,
            joint_velocity=dq,
            gripper=float(np.clip(opening, 0, 1)),
            gripper_speed=opening_speed,
            ee_pose=np.concatenate([tool[:3, 3], matrix_to_quat(tool[:3, :3])]),
            ee_velocity=jacobian @ dq,
            body_pose=self._bodies.poses(),
            body_velocity=self._bodies.velocities(),
            touching=(self._touched(self._finger_links[0]), self._touched(self._finger_links[1])),
            wrist_wrench=forces.wrench,
            joint_torque=forces.torque,
            finger_force=forces.finger,
        )

    def push(self, body: int, impulse: Array) -> None:
        """An impulse [3] (N s, world frame) on the spec's free body of that index."""
        self._bodies.push(body, impulse)

    def penetration(self) -> float:
        """The deepest overlap (m) of any two bodies or of one and the arm; 0 if none."""
        points = pybullet.getContactPoints(physicsClientId=self._client)
        return max(0.0, -min((q[8] for q in points), default=0.0))

    def visual_poses(self) -> Array:
        """float32 [L, 7]: URDF link frames of the robot's visual links, then the bodies."""
        p, c = pybullet, self._client
        moving = [i for i in self._visual_links if i >= 0]
        states = p.getLinkStates(self._arm, moving, computeForwardKinematics=1, physicsClientId=c)
        found = {i: (*s[4], *s[5]) for i, s in zip(moving, states, strict=True)}
        base = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
        links = [found.get(i, base) for i in self._visual_links]
        return np.concatenate([links, self._bodies.poses()]).astype(np.float32)

    def solve_ik(self, pose: Array) -> Array | None:
        """Joint positions [J] that bring the tool to a world pose [7], or None."""
        joints, error = self._kinematics.solve(pose, self._kinematics.home, 100)
        return joints if error < 1e-3 else None

    def _touched(self, link: int) -> frozenset[int]:
        points = pybullet.getContactPoints(
            bodyA=self._arm, linkIndexA=link, physicsClientId=self._client
        )
        places = [Place(q[2], q[4]) for q in points if q[8] < 1e-3]
        index = self._bodies.index
        return frozenset(index[place] for place in places if place in index)
