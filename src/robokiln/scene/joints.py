"""How far a jointed body has moved, and where it is when it has moved so far."""

from __future__ import annotations

import numpy as np

from robokiln.geometry import compose, inverse, pose, quat_from_axis_angle, rotation_vector
from robokiln.geometry import quat_to_matrix as matrix
from robokiln.types import Array, Joint, SceneSpec, State


def travel(joint: Joint, parent: Array, body: Array) -> float:
    """The joint's position (m or rad) where parent and body are at these poses [7]."""
    moved = compose(inverse(np.asarray(joint.rest)), compose(inverse(parent), body))
    axis = np.array(joint.axis)
    if joint.kind == "prismatic":
        return float(moved[:3] @ axis)
    return float(rotation_vector(matrix(moved[3:])) @ axis)


def moved(joint: Joint, parent: Array, position: float) -> Array:
    """The body's pose [7] where the joint is at `position` (m or rad)."""
    axis, anchor = np.array(joint.axis), np.array(joint.anchor)
    rest = compose(parent, joint.rest)
    if joint.kind == "prismatic":
        return compose(rest, pose(axis * position, (0.0, 0.0, 0.0, 1.0)))
    turn = quat_from_axis_angle(axis, position)
    return compose(rest, pose(anchor - matrix(turn) @ anchor, turn))


def position(spec: SceneSpec, state: State, name: str) -> float:
    """How far (m or rad) the joint of the body called `name` has moved."""
    index = spec.index(name)
    joint = spec.bodies[index].joint
    assert joint is not None, f"{name} has no joint"
    return travel(joint, state.body_pose[spec.index(joint.parent)], state.body_pose[index])
