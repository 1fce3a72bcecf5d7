"""The world in PyBullet. The only file that knows the engine."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from robokiln.assets import Part, collision_parts
from robokiln.geometry import action_to_pose, matrix_to_quat
from robokiln.physics.forces import ForceSensors
from robokiln.physics.kinematics import Kinematics
from robokiln.scene.robots import Robot, get
from robokiln.types import Array, Body, SceneSpec, State


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

ARM_FORCE = 400.0
"""Newton metres (or newtons) that an arm joint's motor may use to follow its target."""
POSITION_GAIN = 0.3
"""Share of the position error that a joint motor removes each substep."""
FINGER_SPEED = 0.15
"""Metres per second of each finger."""
FINGER_FRICTION = 1.2
ROLLING_FRICTION = 0.0008
SPINNING_FRICTION = 0.002
_KINDS = {
    "box": pybullet.GEOM_BOX,
    "sphere": pybullet.GEOM_SPHERE,
    "cylinder": pybullet.GEOM_CYLINDER,
    "capsule": pybullet.GEOM_CAPSULE,
}


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
        self._bodies = [self._add(body) for body in spec.bodies]
        self._sleep()
        self._index = {bullet: i for i, bullet in enumerate(self._bodies)}

    def _load_robot(self, robot: Robot, joints: Array) -> None:
        p, c = pybullet, self._client
        flags = p.URDF_IGNORE_VISUAL_SHAPES | p.URDF_USE_INERTIA_FROM_FILE
        self._arm = p.loadURDF(str(robot.urdf), useFixedBase=True, flags=flags, physicsClientId=c)
        count = p.getNumJoints(self._arm, physicsClientId=c)
        infos = [p.getJointInfo(self._arm, i, physicsClientId=c) for i in range(count)]
        joint = {info[1].decode(): info[0] for info in infos}
        link = {info[12].decode(): info[0] for info in infos}
        self._arm_joints = [joint[name] for name in robot.arm_joints]
        self._fingers = [joint[name] for name in robot.finger_joints]
        self._finger_links = [link[name] for name in robot.finger_links]
        self._visual_links = [link.get(v.link, -1) for v in robot.visuals]
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
        self._tie_fingers()
        for i, q in zip(self._arm_joints, joints, strict=True):
            p.resetJointState(self._arm, i, q, physicsClientId=c)
        for i in self._fingers:
            p.resetJointState(self._arm, i, robot.finger_open, physicsClientId=c)
        self._target, self._opening = joints.copy(), 1.0
        self._forces = ForceSensors(
            pybullet, c, self._arm, robot, self._arm_joints, link[robot.tool_link],
            self._finger_links,
        )  # fmt: skip

    def _tie_fingers(self) -> None:
        """A gear keeps the fingers symmetric, as the real hand's single motor does."""
        left, right = self._finger_links
        gear = pybullet.createConstraint(
            self._arm,
            left,
            self._arm,
            right,
            jointType=pybullet.JOINT_GEAR,
            jointAxis=[0, 1, 0],
            parentFramePosition=[0, 0, 0],
            childFramePosition=[0, 0, 0],
            physicsClientId=self._client,
        )
        pybullet.changeConstraint(
            gear, gearRatio=-1, erp=0.1, maxForce=50, physicsClientId=self._client
        )

    def _add(self, body: Body) -> int:
        p, c = pybullet, self._client
        shape = _collision_shape(collision_parts(body.shape), c)
        made = p.createMultiBody(
            body.mass, shape, -1, body.pose[:3], body.pose[3:], physicsClientId=c
        )
        p.changeDynamics(
            made,
            -1,
            lateralFriction=body.friction,
            rollingFriction=ROLLING_FRICTION if body.mass else 0,
            spinningFriction=SPINNING_FRICTION if body.mass else 0,
            restitution=0.0,
            linearDamping=0.04,
            angularDamping=0.2,
            physicsClientId=c,
        )
        return int(made)

    def _sleep(self) -> None:
        """Bodies at rest cost nothing until something touches them (25 times fewer CPU cycles)."""
        p = pybullet
        for body in self._bodies:
            for state in (p.ACTIVATION_STATE_ENABLE_SLEEPING, p.ACTIVATION_STATE_SLEEP):
                p.changeDynamics(body, -1, activationState=state, physicsClientId=self._client)

    def step(self, target: Array) -> Array:
        """Inverse kinematics from the last target, limited in joint speed, then the substeps."""
        wanted, _ = self._kinematics.solve(action_to_pose(target), self._target, iterations=4)
        limit = self._kinematics.speed * self._dt
        start = self._target
        self._target = start + np.clip(wanted - start, -limit, limit)
        self._opening = float(np.clip(target[9], 0, 1))
        self._substep(start, self._target, self._substeps)
        return self._target

    def settle(self, seconds: float) -> None:
        """Wake the bodies and let them come to rest while the arm holds its pose."""
        for body in self._bodies:
            pybullet.changeDynamics(
                body,
                -1,
                activationState=pybullet.ACTIVATION_STATE_WAKE_UP,
                physicsClientId=self._client,
            )
        self._substep(self._target, self._target, round(seconds / self._physics_dt))

    def _substep(self, start: Array, stop: Array, count: int) -> None:
        """Joint targets move evenly from start to stop, with their speed fed forward."""
        p, c = pybullet, self._client
        speed = (stop - start) / (count * self._physics_dt)
        forces = [ARM_FORCE] * len(self._arm_joints)
        gains = [POSITION_GAIN] * len(self._arm_joints)
        width = self._opening * self._robot.finger_open
        self._forces.begin()
        for i in self._fingers:
            p.setJointMotorControl2(
                self._arm,
                i,
                p.POSITION_CONTROL,
                targetPosition=width,
                force=self._robot.finger_force,
                maxVelocity=FINGER_SPEED,
                physicsClientId=c,
            )
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
            p.stepSimulation(physicsClientId=c)
            self._forces.read()
        self._forces.end(count * self._physics_dt)

    def state(self) -> State:
        """What is where, and how fast."""
        p, c = pybullet, self._client
        arm = p.getJointStates(self._arm, self._arm_joints, physicsClientId=c)
        fingers = p.getJointStates(self._arm, self._fingers, physicsClientId=c)
        q, dq = np.array([j[0] for j in arm]), np.array([j[1] for j in arm])
        tool, jacobian = self._kinematics.forward(q)
        scale = len(self._fingers) * self._robot.finger_open
        forces = self._forces.now
        return State(
            joint_position=q,
            joint_velocity=dq,
            gripper=float(np.clip(sum(f[0] for f in fingers) / scale, 0, 1)),
            gripper_speed=sum(f[1] for f in fingers) / scale,
            ee_pose=np.concatenate([tool[:3, 3], matrix_to_quat(tool[:3, :3])]),
            ee_velocity=jacobian @ dq,
            body_pose=np.array([self._body_pose(b) for b in self._bodies]),
            body_velocity=np.array([self._body_velocity(b) for b in self._bodies]),
            touching=(self._touched(self._finger_links[0]), self._touched(self._finger_links[1])),
            wrist_wrench=forces.wrench,
            joint_torque=forces.torque,
            finger_force=forces.finger,
        )

    def visual_poses(self) -> Array:
        """float32 [L, 7]: URDF link frames of the robot's visual links, then the bodies."""
        p, c = pybullet, self._client
        moving = [i for i in self._visual_links if i >= 0]
        states = p.getLinkStates(self._arm, moving, computeForwardKinematics=1, physicsClientId=c)
        found = {i: (*s[4], *s[5]) for i, s in zip(moving, states, strict=True)}
        base = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
        links = [found.get(i, base) for i in self._visual_links]
        return np.array(links + [self._body_pose(b) for b in self._bodies], dtype=np.float32)

    def solve_ik(self, pose: Array) -> Array | None:
        """Joint positions [J] that bring the tool to a world pose [7], or None."""
        joints, error = self._kinematics.solve(pose, self._kinematics.home, 100)
        return joints if error < 1e-3 else None

    def _body_pose(self, body: int) -> tuple[float, ...]:
        position, quat = pybullet.getBasePositionAndOrientation(body, physicsClientId=self._client)
        return (*position, *quat)

    def _body_velocity(self, body: int) -> tuple[float, ...]:
        linear, angular = pybullet.getBaseVelocity(body, physicsClientId=self._client)
        return (*linear, *angular)

    def _touched(self, link: int) -> frozenset[int]:
        points = pybullet.getContactPoints(
            bodyA=self._arm, linkIndexA=link, physicsClientId=self._client
        )
        return frozenset(self._index[q[2]] for q in points if q[2] in self._index and q[8] < 1e-3)


def _collision_shape(parts: tuple[Part, ...], client: int) -> int:
    """One Bullet shape; several parts become a compound."""
    columns: dict[str, list[Any]] = {
        "shapeTypes": [_KINDS[part.kind] for part in parts],
        "radii": [0.0 if part.kind == "box" else part.size[0] for part in parts],
        "halfExtents": [part.size if part.kind == "box" else (1.0, 1.0, 1.0) for part in parts],
        "lengths": [part.size[1] if len(part.size) == 2 else 1.0 for part in parts],
        "collisionFramePositions": [part.pose[:3] for part in parts],
        "collisionFrameOrientations": [part.pose[3:] for part in parts],
    }
    return int(pybullet.createCollisionShapeArray(**columns, physicsClientId=client))
