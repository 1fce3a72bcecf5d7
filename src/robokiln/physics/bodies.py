"""A scene's bodies in the engine: free and fixed ones, and those that move along a joint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from robokiln.assets import Part, collision_parts, mass_properties
from robokiln.geometry import IDENTITY, compose, inverse, pose, pose_tuple
from robokiln.scene.joints import travel
from robokiln.types import Array, Body, PoseTuple

ROLLING_FRICTION = 0.0008
SPINNING_FRICTION = 0.002
ANGULAR_DAMPING = 0.2
GRAIN = 0.01
"""Mass (kg) below which a body is one of many. Such scenes are made of Bullet's plain rigid bodies
instead of multibodies without links, whose contacts take a third more time."""


class Place(NamedTuple):
    """Where the engine keeps a body: its own number, and -1 or a link of that one."""

    body: int
    link: int


class Bodies:
    """Of one loaded scene, by their index in the spec; `engine` is the pybullet module."""

    def __init__(self, engine: Any, client: int, bodies: Sequence[Body]) -> None:
        self._engine, self._client, self._bodies = engine, client, bodies
        self._plain = any(0 < body.mass < GRAIN for body in bodies)
        self._places: list[Place] = []
        for body in bodies:
            jointed = [b for b in bodies if b.joint and b.joint.parent == body.name]
            if body.joint is None:
                self._places.append(Place(self._add(body, jointed), -1))
            else:
                self._places.append(self._place_of(body))
        self.index = {place: i for i, place in enumerate(self._places)}
        self._fixed = [body.mass == 0 for body in bodies]
        self._to_body = [inverse(_inertial(body)) for body in bodies]
        self._start = np.array([body.pose for body in bodies]).reshape(-1, 7)
        for body, place in zip(bodies, self._places, strict=True):
            self._set_dynamics(body, place)
        self._activate("ENABLE_SLEEPING", "SLEEP")

    def poses(self) -> Array:
        """[N, 7], world frame."""
        found = self._start.copy()
        for i, place in enumerate(self._places):
            if not self._fixed[i]:
                found[i] = self._pose(i, place)
        return found

    def velocities(self) -> Array:
        """[N, 6]: linear (m/s) of the centre of mass, then angular (rad/s)."""
        found = np.zeros((len(self._places), 6))
        for i, place in enumerate(self._places):
            if not self._fixed[i]:
                found[i] = self._velocity(place)
        return found

    def wake(self) -> None:
        """Let every body move again."""
        self._activate("WAKE_UP")

    def push(self, index: int, impulse: Array) -> None:
        """An impulse [3] (N s, world frame) on a free body, through its centre of mass."""
        p, c = self._engine, self._client
        body, link = self._places[index]
        assert link == -1, "jointed bodies are not pushed"
        self._activate("WAKE_UP", only=[index])
        # It takes a substep to wake up, which would undo whatever velocity it was given before.
        p.stepSimulation(physicsClientId=c)
        linear, angular = p.getBaseVelocity(body, physicsClientId=c)
        added = np.asarray(impulse) / self._bodies[index].mass
        p.resetBaseVelocity(body, (np.array(linear) + added).tolist(), angular, physicsClientId=c)

    def _activate(self, *states: str, only: Iterable[int] | None = None) -> None:
        """Bodies at rest cost nothing until something touches them (25 times fewer CPU cycles)."""
        places = self._places if only is None else [self._places[i] for i in only]
        for body, link in places:
            for state in states:
                value = getattr(self._engine, f"ACTIVATION_STATE_{state}")
                self._engine.changeDynamics(
                    body, link, activationState=value, physicsClientId=self._client
                )

    def _place_of(self, body: Body) -> Place:
        """A jointed body came with its parent, as the link of that place among its siblings."""
        assert body.joint is not None
        parent = next(i for i, b in enumerate(self._bodies) if b.name == body.joint.parent)
        siblings = [b for b in self._bodies if b.joint and b.joint.parent == body.joint.parent]
        return Place(self._places[parent].body, siblings.index(body))

    def _add(self, body: Body, jointed: Sequence[Body]) -> int:
        p, c = self._engine, self._client
        shapes = [_collision_shape(p, b, _frame(b), c) for b in jointed]
        inertial = _inertial(body)
        made = p.createMultiBody(
            body.mass,
            _collision_shape(p, body, IDENTITY, c),
            -1,
            body.pose[:3],
            body.pose[3:],
            inertial[:3],
            inertial[3:],
            **_links(p, jointed, shapes),
            useMaximalCoordinates=int(self._plain and not jointed),
            physicsClientId=c,
        )
        for link, child in enumerate(jointed):
            assert child.joint is not None
            start = travel(child.joint, np.array(body.pose), np.array(child.pose))
            p.resetJointState(made, link, start, physicsClientId=c)
            p.setJointMotorControl2(
                made, link, p.VELOCITY_CONTROL, targetVelocity=0, force=child.joint.friction,
                physicsClientId=c,
            )  # fmt: skip
        return int(made)

    def _set_dynamics(self, body: Body, place: Place) -> None:
        joint, free = body.joint, body.mass > 0
        limits = {} if joint is None else {
            "jointLowerLimit": joint.lower,
            "jointUpperLimit": joint.upper,
            "jointDamping": joint.damping,
        }  # fmt: skip
        moments = mass_properties(body.shape).inertia if free else (0.0, 0.0, 0.0)
        # The engine reads the mass of a plain body here, given or not.
        mass = {"mass": body.mass} if self._plain and joint is None else {}
        self._engine.changeDynamics(
            *place,
            localInertiaDiagonal=[body.mass * moment for moment in moments],
            lateralFriction=body.friction,
            rollingFriction=ROLLING_FRICTION if free else 0,
            spinningFriction=SPINNING_FRICTION if free else 0,
            restitution=0.0,
            linearDamping=0.04 if joint is None else 0.0,
            angularDamping=ANGULAR_DAMPING if joint is None else 0.0,
            **limits,
            **mass,
            physicsClientId=self._client,
        )

    def _pose(self, index: int, place: Place) -> Array:
        """The engine says where the centre of mass is."""
        p, c = self._engine, self._client
        if place.link < 0:
            position, quat = p.getBasePositionAndOrientation(place.body, physicsClientId=c)
        else:
            position, quat = p.getLinkState(*place, computeForwardKinematics=1, physicsClientId=c)[
                :2
            ]
        centre = np.array([*position, *quat])
        inertial = self._to_body[index]
        return centre if np.array_equal(inertial, IDENTITY) else compose(centre, inertial)

    def _velocity(self, place: Place) -> tuple[float, ...]:
        p, c = self._engine, self._client
        if place.link < 0:
            linear, angular = p.getBaseVelocity(place.body, physicsClientId=c)
        else:
            linear, angular = p.getLinkState(*place, computeLinkVelocity=1, physicsClientId=c)[6:8]
        return (*linear, *angular)


def _frame(body: Body) -> PoseTuple:
    """The body's frame in that of its link, whose origin lies on the joint's axis."""
    assert body.joint is not None
    x, y, z = body.joint.anchor
    return (-x, -y, -z, 0.0, 0.0, 0.0, 1.0)


def _inertial(body: Body) -> PoseTuple:
    """The centre of mass and the principal axes in the body's frame; a fixed body needs none."""
    if body.mass == 0:
        return IDENTITY
    found = mass_properties(body.shape)
    return pose_tuple(pose(np.round(found.centre, 9) + 0.0, found.axes))


def _links(engine: Any, bodies: Sequence[Body], shapes: Sequence[int]) -> dict[str, list[Any]]:
    """What createMultiBody is told of the links."""
    kinds = {"prismatic": engine.JOINT_PRISMATIC, "revolute": engine.JOINT_REVOLUTE}
    joints = [body.joint for body in bodies if body.joint]
    frames = [compose(j.rest, pose(j.anchor, IDENTITY[3:])) for j in joints]
    inertial = [pose_tuple(compose(_frame(body), _inertial(body))) for body in bodies]
    return {
        "linkMasses": [body.mass for body in bodies],
        "linkCollisionShapeIndices": list(shapes),
        "linkVisualShapeIndices": [-1] * len(bodies),
        "linkPositions": [frame[:3].tolist() for frame in frames],
        "linkOrientations": [frame[3:].tolist() for frame in frames],
        "linkInertialFramePositions": [frame[:3] for frame in inertial],
        "linkInertialFrameOrientations": [frame[3:] for frame in inertial],
        "linkParentIndices": [0] * len(bodies),
        "linkJointTypes": [kinds[joint.kind] for joint in joints],
        "linkJointAxis": [joint.axis for joint in joints],
    }


def _collision_shape(engine: Any, body: Body, frame: PoseTuple, client: int) -> int:
    """One shape of the engine; several parts become a compound, none is -1."""
    parts = collision_parts(body.shape)
    if not parts:
        return -1
    kinds = {
        "box": engine.GEOM_BOX,
        "sphere": engine.GEOM_SPHERE,
        "cylinder": engine.GEOM_CYLINDER,
        "capsule": engine.GEOM_CAPSULE,
    }
    poses = [pose_tuple(compose(frame, part.pose)) for part in parts]
    columns: dict[str, list[Any]] = {
        "shapeTypes": [kinds[part.kind] for part in parts],
        "radii": [_radius(part) for part in parts],
        "halfExtents": [part.size if part.kind == "box" else (1.0, 1.0, 1.0) for part in parts],
        "lengths": [part.size[1] if len(part.size) == 2 else 1.0 for part in parts],
        "collisionFramePositions": [place[:3] for place in poses],
        "collisionFrameOrientations": [place[3:] for place in poses],
    }
    return int(engine.createCollisionShapeArray(**columns, physicsClientId=client))


def _radius(part: Part) -> float:
    return 0.0 if part.kind == "box" else part.size[0]
