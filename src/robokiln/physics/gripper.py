"""A gripper's motors: what opens and closes the fingers, and how far they are open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robokiln.scene.robots import Gripper

POSITION_GAIN = 0.3
"""Share of the position error that a stiff motor removes each substep."""
LINKAGE_FORCE = 20.0
"""Newton metres with which a linkage's joint is kept where its leader has it."""


class GripperMotors:
    """Of one loaded arm, opened at once; `engine` is the pybullet module, `joint` the numbers of
    its joints, which are those of their links as well."""

    def __init__(
        self, engine: Any, client: int, arm: int, gripper: Gripper, joint: Mapping[str, int]
    ) -> None:
        self._engine, self._client, self._arm, self._gripper = engine, client, arm, gripper
        self._driven = [joint[name] for name in gripper.joints]
        self._followers = [(joint[f.joint], joint[f.leader], f.ratio) for f in gripper.followers]
        for i in self._driven + [i for i, _, _ in self._followers]:
            self._load(i)
        if gripper.axis is not None:
            self._tie(gripper.axis)
        where = dict(zip(self._driven, gripper.open, strict=True))
        where |= {i: ratio * where[leader] for i, leader, ratio in self._followers}
        for i, q in where.items():
            engine.resetJointState(arm, i, q, physicsClientId=client)

    def _load(self, joint: int) -> None:
        """Add the motor's inertia to the link that it turns."""
        if self._gripper.armature == 0:
            return
        p, c = self._engine, self._client
        inertia = p.getDynamicsInfo(self._arm, joint, physicsClientId=c)[2]
        loaded = [value + self._gripper.armature for value in inertia]
        p.changeDynamics(self._arm, joint, localInertiaDiagonal=loaded, physicsClientId=c)

    def _tie(self, axis: tuple[float, float, float]) -> None:
        """A gear keeps the fingers symmetric, as the real hand's single motor does."""
        left, right = self._driven
        gear = self._engine.createConstraint(
            self._arm,
            left,
            self._arm,
            right,
            jointType=self._engine.JOINT_GEAR,
            jointAxis=axis,
            parentFramePosition=[0, 0, 0],
            childFramePosition=[0, 0, 0],
            physicsClientId=self._client,
        )
        self._engine.changeConstraint(
            gear, gearRatio=-1, erp=0.1, maxForce=50, physicsClientId=self._client
        )

    def drive(self, opening: float) -> None:
        """Send the fingers to an opening in [0, 1]."""
        gripper = self._gripper
        for i, shut, wide in zip(self._driven, gripper.closed, gripper.open, strict=True):
            self._engine.setJointMotorControl2(
                self._arm,
                i,
                self._engine.POSITION_CONTROL,
                targetPosition=shut + opening * (wide - shut),
                force=gripper.force,
                maxVelocity=gripper.speed,
                physicsClientId=self._client,
            )

    def follow(self) -> None:
        """Keep linkages together, before each substep. By stiff motors: gears between links of a
        few grams give way under a grasp at as many solver iterations as a simulation can afford."""
        p, c = self._engine, self._client
        for joint, leader, ratio in self._followers:
            q, speed, *_ = p.getJointState(self._arm, leader, physicsClientId=c)
            p.setJointMotorControl2(
                self._arm,
                joint,
                p.POSITION_CONTROL,
                targetPosition=ratio * q,
                targetVelocity=ratio * speed,
                force=LINKAGE_FORCE,
                positionGain=POSITION_GAIN,
                physicsClientId=c,
            )

    def reading(self) -> tuple[float, float]:
        """The measured opening, not yet clipped to [0, 1], and its rate per second."""
        gripper = self._gripper
        states = self._engine.getJointStates(self._arm, self._driven, physicsClientId=self._client)
        shut, scale = sum(gripper.closed), sum(gripper.open) - sum(gripper.closed)
        return (sum(s[0] for s in states) - shut) / scale, sum(s[1] for s in states) / scale
