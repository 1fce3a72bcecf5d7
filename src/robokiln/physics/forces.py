"""What the arm feels: wrist wrench, joint torques and finger forces, as means over a control step.

The wrist's wrench is a balance over the hand and what it holds between both fingers: contacts with
anything else, weight, and the change of momentum. Bullet's own readings would not do: its joint
reactions leave out what the gear between the fingers carries (4 N where 0.4 kg hang along them),
its contact points the torque of spinning friction, which is what keeps a held bar from tilting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from robokiln.geometry import cross, pose_to_matrix, quat_to_matrix
from robokiln.scene.robots import Robot
from robokiln.types import Array

GRAVITY = np.array([0.0, 0.0, -9.81])


class Forces(NamedTuple):
    """wrist_wrench [6], joint_torque [J] and finger_force [2] as in `State`."""

    wrench: Array
    torque: Array
    finger: Array


class _Masses(NamedTuple):
    """N rigid bodies in the world: mass [N, 1]; centres, velocities, angular momenta [N, 3]."""

    mass: Array
    centres: Array
    velocities: Array
    spins: Array


class _Hand(NamedTuple):
    """The tool's position [3] and axes [3, 3] (columns), and the links from the hand onwards."""

    tool: Array
    axes: Array
    links: _Masses


class _Substep(NamedTuple):
    """Wrenches [6] about the world's origin by body: on the hand, and on it from elsewhere."""

    on_hand: dict[int, Array]
    from_elsewhere: dict[int, Array]


class ForceSensors:
    """Of one loaded arm; `engine` is the pybullet module. Reading never changes the motion."""

    def __init__(
        self,
        engine: Any,
        client: int,
        arm: int,
        robot: Robot,
        arm_joints: Sequence[int],
        hand: int,
        fingers: Sequence[int],
    ) -> None:
        self._engine, self._client, self._arm = engine, client, arm
        self._arm_joints, self._fingers = list(arm_joints), list(fingers)
        self._tool, self._tool_axes = np.array(robot.tool[:3]), pose_to_matrix(robot.tool)[:3, :3]
        # A URDF's links are numbered depth first, and the hand ends the chain.
        self._links = list(range(hand, engine.getNumJoints(arm, physicsClientId=client)))
        facts = [engine.getDynamicsInfo(arm, i, physicsClientId=client) for i in self._links]
        self._mass = np.array([[f[0]] for f in facts])
        self._inertia = np.array([[f[2]] for f in facts])
        self._hand, self._held = self._look(), set[int]()
        self._free: dict[int, bool] = {}
        self.now = self._at_rest()

    def begin(self) -> None:
        """Start a control step."""
        self._before = {body: self._body(body) for body in sorted(self._held)}
        self._substeps: list[_Substep] = []
        self._rows: list[list[float]] = []

    def read(self) -> None:
        """Take down what the last substep found."""
        p, c = self._engine, self._client
        states = p.getJointStates(self._arm, self._arm_joints, physicsClientId=c)
        points = p.getContactPoints(bodyA=self._arm, physicsClientId=c)
        normal = [sum(q[9] for q in points if q[3] == finger) for finger in self._fingers]
        touched = [{q[2] for q in points if q[3] == finger} for finger in self._fingers]
        self._held = {body for body in set.intersection(*touched) if self._is_free(body)}
        on_hand: dict[int, Array] = {}
        for point in points:
            if point[3] >= self._links[0]:
                on_hand.setdefault(point[2], np.zeros(6))
                on_hand[point[2]] += _wrench_of(point)
        elsewhere = {body: self._elsewhere(body) for body in self._held}
        self._substeps.append(_Substep(on_hand, elsewhere))
        self._rows.append([*(s[3] for s in states), *normal])

    def end(self, seconds: float) -> None:
        """Sum the control step up in `now`."""
        before, self._hand = self._hand, self._look()
        held = [b for b in self._before if all(b in s.from_elsewhere for s in self._substeps)]
        touched = self._touched(before.tool, set(held))
        pairs = [(before.links, self._hand.links)]
        pairs += [(self._before[b], self._body(b)) for b in held]
        path = before.tool, self._hand.tool, seconds
        wrench = touched + sum(_balance(x, y, *path) for x, y in pairs)
        # Within a step the hand turns by a tenth of a radian at most: the mean of axes will do.
        axes = (before.axes + self._hand.axes) / 2
        means = np.array(self._rows).sum(axis=0) / len(self._rows)
        arm = len(self._arm_joints)
        self.now = Forces((wrench.reshape(2, 3) @ axes).ravel(), means[:arm], means[arm:])

    def _touched(self, start: Array, held: set[int]) -> Array:
        """The mean wrench [6] of contacts in the world, about the tool that comes from `start`."""
        total, count = np.zeros(6), len(self._substeps)
        for k, substep in enumerate(self._substeps):
            outer = [w for b, w in substep.on_hand.items() if b not in held]
            outer += [substep.from_elsewhere[b] for b in sorted(held)]
            if not outer:
                continue
            wrench, share = np.sum(outer, axis=0), (k + 0.5) / count
            tool = start * (1 - share) + self._hand.tool * share
            wrench[3:] -= cross(tool, wrench[:3])
            total += wrench
        return total / count

    def _is_free(self, body: int) -> bool:
        """Whether a body can be held at all: what keeps a fixed one in place is not known."""
        if body not in self._free:
            facts = self._engine.getDynamicsInfo(body, -1, physicsClientId=self._client)
            self._free[body] = facts[0] > 0
        return self._free[body]

    def _elsewhere(self, body: int) -> Array:
        """The wrench [6] on a body from whatever is not the arm."""
        points = self._engine.getContactPoints(bodyA=body, physicsClientId=self._client)
        wrenches = [_wrench_of(point) for point in points if point[2] != self._arm]
        return np.sum(wrenches, axis=0) if wrenches else np.zeros(6)

    def _look(self) -> _Hand:
        states = self._engine.getLinkStates(
            self._arm,
            self._links,
            computeLinkVelocity=1,
            computeForwardKinematics=1,
            physicsClientId=self._client,
        )
        hand, *axes = quat_to_matrix(np.array([states[0][5], *(s[1] for s in states)]))
        centres, velocities, turning = (np.array([s[i] for s in states]) for i in (0, 6, 7))
        spins = _spins(np.array(axes), turning, self._inertia)
        links = _Masses(self._mass, centres, velocities, spins)
        return _Hand(np.array(states[0][4]) + hand @ self._tool, hand @ self._tool_axes, links)

    def _body(self, body: int) -> _Masses:
        p, c = self._engine, self._client
        position, quat = p.getBasePositionAndOrientation(body, physicsClientId=c)
        linear, turning = p.getBaseVelocity(body, physicsClientId=c)
        facts = p.getDynamicsInfo(body, -1, physicsClientId=c)
        axes = quat_to_matrix(np.array([quat]))
        spins = _spins(axes, np.array([turning]), np.array([[facts[2]]]))
        return _Masses(np.array([[facts[0]]]), np.array([position]), np.array([linear]), spins)

    def _at_rest(self) -> Forces:
        """The first reading, before any step: the arm holds itself up and touches nothing."""
        p, c = self._engine, self._client
        joints = range(p.getNumJoints(self._arm, physicsClientId=c))
        free = [i for i in joints if p.getJointInfo(self._arm, i, physicsClientId=c)[3] >= 0]
        q = [s[0] for s in p.getJointStates(self._arm, free, physicsClientId=c)]
        still = [0.0] * len(free)
        torques = p.calculateInverseDynamics(self._arm, q, still, still, physicsClientId=c)
        arm = np.array([torques[free.index(i)] for i in self._arm_joints])
        hand = self._hand
        weight = _balance(hand.links, hand.links, hand.tool, hand.tool, 1.0).reshape(2, 3)
        return Forces((weight @ hand.axes).ravel(), arm, np.zeros(len(self._fingers)))


def _balance(before: _Masses, after: _Masses, start: Array, stop: Array, seconds: float) -> Array:
    """Weight less change of momentum: a wrench [6] about a point that moves from start to stop."""
    forces = before.mass * (GRAVITY - (after.velocities - before.velocities) / seconds)
    arms = (before.centres - start + after.centres - stop) / 2
    moments = cross(arms, forces) - (after.spins - before.spins) / seconds
    return np.concatenate([forces.sum(axis=0), moments.sum(axis=0)])


def _spins(axes: Array, turning: Array, inertia: Array) -> Array:
    """Angular momenta [N, 3] of principal axes [N, 3, 3] with inertia [N, 1, 3]."""
    inward = (turning[:, None] @ axes) * inertia
    return (inward @ np.swapaxes(axes, 1, 2))[:, 0]


def _wrench_of(point: Any) -> Array:
    """A contact's force on its body A, and the moment of it about the world's origin: [6]."""
    x, y, z = point[5]
    nx, ny, nz = point[7]
    n, a, (ax, ay, az), b, (bx, by, bz) = point[9:14]
    fx, fy, fz = n * nx + a * ax + b * bx, n * ny + a * ay + b * by, n * nz + a * az + b * bz
    return np.array([fx, fy, fz, y * fz - z * fy, z * fx - x * fz, x * fy - y * fx])
