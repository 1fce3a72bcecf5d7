"""Furniture that opens towards the robot: a chest of two drawers, or a cabinet with two doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from robokiln.assets import FAMILIES, compartment, handle_offset
from robokiln.geometry import (
    IDENTITY,
    compose,
    inverse,
    pose,
    pose_tuple,
    quat_from_yaw,
    quat_to_matrix,
)
from robokiln.scene.grasps import facing, yaw_of
from robokiln.scene.joints import moved, position
from robokiln.scene.layout import Area
from robokiln.scene.objects import draw_colors
from robokiln.scene.robots import Robot, get
from robokiln.scene.skills import CLOSING_SPEED, fetch, lead, retreat, touched
from robokiln.types import Array, Body, Joint, SceneSpec, Shape, Skill, State

TABLE = 1.15
"""How deep (m) the table is under furniture, which stands beyond where the arm reaches."""
PITCH = 1.12
"""How far (rad) the tool points down at a handle. Flatter, a Panda's wrist is near its singularity
and its limit (0.9: 3 of 25 scenes fail); steeper, its hand would touch the handle above."""
FOLLOW = 0.4
"""Share of a door's turning that the tool follows; the bar turns between the fingers by the rest,
which keeps them off the panel and the arm's joints off their limits."""
GAP = 0.004
"""Metres between moving parts."""
DRAWER = {
    "x": (0.190, 0.205), "y": (0.18, 0.22), "z": (0.094, 0.104),
    "handle": (0.040, 0.046), "reach": (0.025, 0.030),
}  # fmt: skip
"""Metres. Deep enough to hold what lies on the table, bars so short that the
palm stays clear of their ends, and the hand of the next bar above."""
DOOR = {
    "y": (0.14, 0.17), "z": (0.24, 0.28), "handle": (0.040, 0.048), "reach": (0.042, 0.050),
}  # fmt: skip
"""Its bar stands out far enough for a hand not to touch the panel as that turns."""
WALL = (0.009, 0.013)
PLINTH, LOW_PLINTH = (0.07, 0.10), (0.09, 0.12)
"""Metres that a chest with two compartments, and a cupboard, are raised by."""
PULLED = 0.82
"""Travel of a drawer as a share of its depth."""
SWING = 1.9
"""How far (rad) a door opens."""

AT_HANDLE = 0.03
"""How far (m) from a handle's middle the tool may be and hold it."""
SLACK = 0.1
"""Share of its opening by which a gripper that holds a bar may be wider than the bar."""
AHEAD = 0.05
"""How far (m) the tool leads a handle that it moves: more would cut the corner of a door's arc."""
HOVER, BACK, CLEAR = 0.09, 0.08, 0.03
"""Metres before a handle where the tool arrives and to where it leaves, and above a drawer's rim
where it passes."""


def stand(robot: Robot, ranges: str, beyond: float = 0.0) -> Area:
    """Where the middle of a cabinet stands, the back of it out of the robot's reach, or so far (m)
    beyond that."""
    x = robot.workspace.x[1] + beyond
    if ranges == "D0":
        return Area((x + 0.02, x + 0.07), (-0.08, 0.08), (-0.22, 0.22))
    return Area((x + 0.01, x + 0.08), (-0.14, 0.14), (-0.40, 0.40))


def chest(
    rng: np.random.Generator, where: Area, colors: Sequence[str], opened: Sequence[float] | Array
) -> list[Body]:
    """A cabinet and its two drawers, the lower one first, opened by these shares of their travel.

    It stands on a plinth, or has a third compartment below that is empty: either lifts the lower
    handle to where the tool gets.
    """
    drawer = _drawn(rng, "drawer", DRAWER)
    d, wall = drawer.size, round(float(rng.uniform(*WALL)), 4)
    rows = int(rng.integers(2, 4))
    size = {
        "x": round(d["x"] + wall + GAP, 4),
        "y": round(d["y"] + 2 * (wall + GAP), 4),
        "z": round(rows * (d["z"] + GAP) + (rows + 1) * wall, 4),
        "wall": wall,
        "rows": float(rows),
    }
    plinth = round(float(rng.uniform(*PLINTH)), 4) if rows == 2 else 0.0
    parts = _cabinet(rng, where, size, plinth)
    cabinet = parts[-1]
    upper = round(PULLED * d["x"], 4)
    friction, damping = round(float(rng.uniform(1, 4)), 3), round(float(rng.uniform(2, 10)), 3)
    mass = round(float(rng.uniform(*FAMILIES["drawer"].mass)), 4)
    for i, (color, share) in enumerate(zip(colors, opened, strict=False)):
        low, high = compartment(cabinet.shape, rows - 2 + i)
        rest = (d["x"] / 2 - size["x"] / 2, 0.0, (low + high) / 2)
        joint = Joint(
            "cabinet", "prismatic", (-1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (*rest, *IDENTITY[3:]),
            0.0, upper, friction, damping,
        )  # fmt: skip
        parts.append(_part(cabinet, f"drawer_{i}", drawer, mass, color, joint, share))
    return parts


def cupboard(
    rng: np.random.Generator, where: Area, colors: Sequence[str], opened: Sequence[float] | Array
) -> list[Body]:
    """A cabinet and its two doors, the right one first, opened by these angles (rad).

    Hinges are outside and handles in the middle: the left door is the right one turned over.
    """
    door = _drawn(rng, "door", DOOR)
    d = door.size
    size = {
        "x": round(float(rng.uniform(0.16, 0.20)), 4),
        "y": round(2 * d["y"] + GAP, 4),
        "z": round(d["z"] + 2 * GAP, 4),
        "wall": round(float(rng.uniform(*WALL)), 4),
        "rows": float(rng.integers(1, 3)),
    }
    parts = _cabinet(rng, where, size, round(float(rng.uniform(*LOW_PLINTH)), 4))
    cabinet = parts[-1]
    friction, damping = (
        round(float(rng.uniform(0.03, 0.15)), 3),
        round(float(rng.uniform(0.05, 0.3)), 3),
    )
    mass = round(float(rng.uniform(*FAMILIES["door"].mass)), 4)
    anchor = (d["x"] / 2, -d["y"] / 2, 0.0)
    for i, (color, angle) in enumerate(zip(colors, opened, strict=False)):
        side = -1 if i == 0 else 1
        x, y = -(size["x"] + d["x"]) / 2, side * (d["y"] + GAP) / 2
        turned = (0.0, 0.0, 0.0, 1.0) if i == 0 else (1.0, 0.0, 0.0, 0.0)
        joint = Joint(
            "cabinet", "revolute", (0.0, 0.0, 1.0), anchor, (x, y, 0.0, *turned),
            0.0, SWING, friction, damping,
        )  # fmt: skip
        parts.append(_part(cabinet, f"door_{i}", door, mass, color, joint, angle / SWING))
    return parts


def _drawn(
    rng: np.random.Generator, family: str, ranges: Mapping[str, tuple[float, float]]
) -> Shape:
    """A member of the family, some of whose dimensions (m) have other ranges here."""
    found = FAMILIES[family]
    return replace(found, ranges={**found.ranges, **ranges}).draw(rng)


def _cabinet(
    rng: np.random.Generator, where: Area, size: Mapping[str, float], plinth: float
) -> list[Body]:
    """The cabinet, and before it the plinth (m) that it stands on, if any."""
    centre, turn = where.draw(rng), quat_from_yaw(where.turn(rng))
    shape = Shape("cabinet", dict(size))
    body = pose((*centre, plinth + size["z"] / 2), turn)
    found = [Body("cabinet", shape, pose_tuple(body), 0.0, 0.6)]
    if plinth:
        base = Shape("box", {"x": size["x"] - 0.03, "y": size["y"] - 0.02, "z": plinth})
        below = pose_tuple(pose((*centre, plinth / 2), turn))
        found.insert(0, Body("plinth", base, below, 0.0, 0.6))
    return found


def _part(
    cabinet: Body, name: str, shape: Shape, mass: float, color: str, joint: Joint, share: float
) -> Body:
    """A body on a joint that has moved by a share of its range."""
    where = moved(joint, np.array(cabinet.pose), share * joint.upper)
    return Body(name, shape, pose_tuple(where), mass, 1.0, color, joint)


def opened(spec: SceneSpec, state: State, index: int) -> float:
    """By which share of its range a drawer or a door is open."""
    joint = spec.bodies[index].joint
    assert joint is not None
    return position(spec, state, spec.bodies[index].name) / joint.upper


def grip(spec: SceneSpec, state: State, index: int, share: float | None = None) -> Array:
    """The tool pose [7] at the handle of a drawer or a door, as it stands or where it would be if
    open by this share of its range."""
    body = spec.bodies[index]
    assert body.joint is not None
    cabinet = state.body_pose[spec.index(body.joint.parent)]
    there = state.body_pose[index]
    if share is not None:
        there = moved(body.joint, cabinet, share * body.joint.upper)
    bar = compose(there, (*handle_offset(body.shape), 0.0, 0.0, 0.0, 1.0))
    yaw = yaw_of(cabinet)
    turn = (yaw_of(there) - yaw + np.pi) % (2 * np.pi) - np.pi
    return facing(bar[:3], yaw + FOLLOW * turn, PITCH)


def within(state: State, index: int, point: Array) -> Array:
    """A point [3] of the world in the frame of a body."""
    return compose(inverse(state.body_pose[index]), pose(point, IDENTITY[3:]))[:3]


def slide(
    spec: SceneSpec, state: State, index: int, to: float, phase: str, opening: float = 1.0
) -> Skill:
    """Take a drawer or a door by its handle, as a gripper open so far fits it, and move it until it
    is open by this share of its range."""
    grasp = grip(spec, state, index)
    offset = within(state, index, state.ee_pose[:3])
    if held(spec, state, index):
        now = opened(spec, state, index)
        step = AHEAD / _stroke(spec.bodies[index])
        return lead(state, lambda at: grip(spec, state, index, at), now, to, step, phase)
    size = spec.bodies[index].shape.size
    behind = offset[0] > -size["x"] / 2 - 0.01 and abs(offset[1]) < size["y"] / 2 + 0.02
    if behind and offset[2] < size["z"] / 2 + CLEAR:
        return retreat(state, state.ee_pose[2] + size["z"] / 2 + CLEAR - offset[2] + 0.02)
    return fetch(state, grasp, HOVER, opening)


def _stroke(body: Body) -> float:
    """How far (m) the handle of a drawer or a door goes from one end of its range to the other."""
    joint = body.joint
    assert joint is not None
    if joint.kind == "prismatic":
        return joint.upper - joint.lower
    arm = np.subtract(handle_offset(body.shape), joint.anchor)[:2]
    return float(np.hypot(*arm)) * (joint.upper - joint.lower)


def let_go(state: State, opening: float = 1.0) -> Skill:
    """Open so far where the gripper is, then move back, flatter than the tool points: the hand
    stays clear of what is above the handle."""
    axis = quat_to_matrix(state.ee_pose[3:])[:, 2]
    level = axis * [1.0, 1.0, 0.0]
    back = -axis - level / max(float(np.linalg.norm(level)), 1e-6)
    step = BACK if state.gripper > opening - 0.1 else 0.0
    there = state.ee_pose[:3] + step * back / max(float(np.linalg.norm(back)), 1e-6)
    return Skill("retreat", pose(there, state.ee_pose[3:]), opening)


def stand_back(spec: SceneSpec, state: State, index: int, opening: float = 1.0) -> Skill:
    """Let go of a drawer or a door that is where it belongs, leave its handle, and stop."""
    if away(spec, state, index) < BACK:
        return let_go(state, opening)
    return Skill("retreat", state.ee_pose.copy(), opening, noise=0.0)


def held(spec: SceneSpec, state: State, index: int) -> bool:
    """The gripper is about as far open as the bar is thick, and touches it: one finger may lose it
    for a moment while the other pulls."""
    widest = get(spec.robot).gripper.widest
    thick = 2 * spec.bodies[index].shape.size["grip"] / widest
    closed = abs(state.gripper - thick) < SLACK and state.gripper_speed > -CLOSING_SPEED
    return closed and touched(state, index) and away(spec, state, index) < AT_HANDLE


def away(spec: SceneSpec, state: State, index: int) -> float:
    """How far (m) the tool is from where it would hold the handle."""
    return float(np.linalg.norm(grip(spec, state, index)[:3] - state.ee_pose[:3]))


def draw_fronts(rng: np.random.Generator, objects: str) -> list[str]:
    """The colors of two fronts: as often one for both as two."""
    first, second = draw_colors(rng, objects)[:2]
    return [first, second if rng.random() < 0.5 else first]
