"""Skills that experts are made of. Each looks at the state alone, so it can begin anywhere.

A tool pose is where the tool centre point is to be, world frame; see `grasps` for how it is turned.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robokiln.geometry import compose, inverse, pose, quat_from_yaw, quat_multiply, quat_to_matrix
from robokiln.scene.grasps import down, yaw_of
from robokiln.types import Array, SceneSpec, Skill, State

HOVER = 0.07
"""How far (m) above a grasp the tool arrives."""
CARRY = 0.17
"""The tool's height (m) at which what it holds passes over everything that stands on the table."""
CLOSING_SPEED = 0.4
"""Openings a second above which the gripper still closes, and may not yet hold what it touches."""
OPEN = 0.9
CLOSE = 0.035
"""Metres before a grasp from which on the fingers are about the body."""
FINE = 0.2
STEADY = 0.4
"""Scales of the noise at a hole, and a step or two away from what the fingers would hit."""
PUSHING = 0.12
"""Radius (m) behind a body within which closed fingers, once low, push it."""
TOOL_RADIUS = 0.018
"""Of closed fingers about the tool's axis (m), and a little room."""
PRESSED = 2.0
"""Newtons by which what presses on a rim may outweigh the hand and all that it holds."""


def role(spec: SceneSpec, name: str) -> int:
    """The index of the body that has a role."""
    return spec.index(spec.goal[name])


def holding(state: State, body: int) -> bool:
    """Both fingers press on the body, and have stopped closing (or began to open)."""
    pressed = all(body in touched for touched in state.touching)
    return pressed and state.gripper_speed > -CLOSING_SPEED


def touched(state: State, body: int) -> bool:
    """Any finger is in contact with the body."""
    return any(body in fingers for fingers in state.touching)


def angle_between(a: Array, b: Array) -> float:
    """The angle (rad) by which two poses [7] are turned against each other."""
    cosine = np.trace(quat_to_matrix(a[3:]).T @ quat_to_matrix(b[3:])) / 2 - 0.5
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)))


def fetch(state: State, grasp: Array, hover: float = HOVER, opening: float = 1.0) -> Skill:
    """Come to a grasp [7] along the tool's axis, open so far, and close.

    The way is a funnel: the tool advances only as its error sideways and in rotation shrinks.
    """
    axis = quat_to_matrix(grasp[3:])[:, 2]
    offset = grasp[:3] - state.ee_pose[:3]
    ahead = float(offset @ axis)
    aside = float(np.linalg.norm(offset - ahead * axis))
    turn = angle_between(grasp, state.ee_pose)
    closing = state.gripper < opening - 0.03 and state.gripper_speed < -0.05
    slack = 3.0 if closing else 1.0
    if aside < 0.007 * slack and abs(ahead) < 0.008 * slack and turn < 0.12 * slack:
        return Skill("grasp", grasp, 0.0, noise=STEADY)
    back = float(np.clip(3 * (aside - 0.006) + 0.12 * (turn - 0.06), 0, hover))
    noise = STEADY if ahead < CLOSE else 1.0
    return Skill("approach", pose(grasp[:3] - back * axis, grasp[3:]), opening, noise=noise)


def carry(
    state: State,
    held: Array,
    goal: Array,
    turn: float = 0.0,
    *,
    reach: float = 0.018,
    drop: float = 0.012,
    height: float = CARRY,
    noise: float = STEADY,
) -> Skill:
    """Bring what is held, at pose [7], to the point goal [3], turned by `turn` (rad) about z.

    Lift it where it is low and far away, move above the goal, come down as the error shrinks, and
    let go within `reach` (m) of it sideways and `drop` (m) above it. `noise` scales what disturbs
    the last centimetres.
    """
    tool = state.ee_pose
    offset = goal - held[:3]
    flat = float(np.hypot(offset[0], offset[1]))
    if flat < reach and offset[2] > -drop and abs(turn) < 0.15:
        return Skill("place", tool.copy(), 1.0, noise=noise)
    if flat > 0.05 and tool[2] < height - 0.05:
        up = np.array([tool[0], tool[1], height])
        return Skill("lift", pose(up, tool[3:]), 0.0)
    spin = quat_from_yaw(turn)
    arm = quat_to_matrix(spin) @ (tool[:3] - held[:3])
    there = goal + arm
    error = max(flat - 0.4 * reach, 0.1 * (abs(turn) - 0.08))
    there[2] = min(there[2] + max(0.0, 3 * error), max(height, there[2]))
    near = flat < 0.05
    phase = "place" if near else "move"
    return Skill(phase, pose(there, quat_multiply(spin, tool[3:])), 0.0, noise=noise if near else 1)


def lead(
    state: State, along: Callable[[float], Array], now: float, to: float, step: float, phase: str
) -> Skill:
    """Take what is held, and has moved so far on its joint, on to another position of the joint:
    `along` gives the tool pose [7] at each, `step` is how far ahead the tool is sent.

    A tool that holds it before or behind that point stays so, or it would stop short of the end.
    """
    here, there = along(now), along(now + float(np.clip(to - now, -step, step)))
    way = there[:3] - here[:3]
    way /= max(float(np.linalg.norm(way)), 1e-9)
    slip = float((state.ee_pose[:3] - here[:3]) @ way)
    return Skill(phase, pose(there[:3] + slip * way, there[3:]), 0.0)


def retreat(state: State, height: float = CARRY + 0.05) -> Skill:
    """Open where the gripper is, then rise."""
    away = state.ee_pose[:3].copy()
    opened = state.gripper > OPEN
    if opened:
        away[2] = max(away[2], height)
    noise = 1.0 if opened and state.ee_pose[2] > height - CLOSE else STEADY
    return Skill("retreat", down(away, yaw_of(state.ee_pose)), 1.0, noise=noise)


def back_off(state: State, distance: float = 0.08) -> Skill:
    """Open where the gripper is, then move back along the tool's axis."""
    axis = quat_to_matrix(state.ee_pose[3:])[:, 2]
    step = distance if state.gripper > OPEN else 0.0
    return Skill("retreat", pose(state.ee_pose[:3] - step * axis, state.ee_pose[3:]), 1.0)


def push(state: State, body: Array, goal: Array, radius: float, low: float) -> Skill:
    """Push a body at pose [7] and of a radius (m) along the table to the point goal [3], with
    closed fingers at the height `low` (m): come down behind it, then drive it on.

    Where the body slips aside, the fingers come back to the line through it and the goal, and where
    they lose it, they go over it and begin again.
    """
    tool = state.ee_pose
    way = goal[:2] - body[:2]
    far = float(np.linalg.norm(way))
    ahead = way / max(far, 1e-9)
    yaw = _quarter_turns(float(np.arctan2(ahead[1], ahead[0])), yaw_of(tool))
    behind = float((body[:2] - tool[:2]) @ ahead)
    aside = float(np.linalg.norm(body[:2] - tool[:2] - behind * ahead))
    if tool[2] < low + 0.012 and 0.3 * radius < behind < PUSHING and aside < 0.6 * radius:
        step = float(np.clip(far, 0.012, 0.04))
        point = body[:2] - (behind - step) * ahead
        speed = float(np.clip(8 * far, 0.25, 0.5))
        return Skill("push", down(np.array([*point, low]), yaw), 0.0, speed, STEADY)
    start = body[:2] - (radius + 2 * TOOL_RADIUS) * ahead
    off = float(np.linalg.norm(start - tool[:2]))
    high = low + float(np.clip(3 * (off - 0.01), 0, HOVER))
    if tool[2] < high - 0.02:
        return Skill("approach", down(np.array([*tool[:2], high]), yaw_of(tool)), 0.0)
    noise = STEADY if tool[2] < low + CLOSE else 1.0
    return Skill("approach", down(np.array([*start, high]), yaw), 0.0, noise=noise)


def leave(state: State, body: Array, height: float = 0.1) -> Skill:
    """Move closed fingers away from a body at pose [7], then up."""
    tool = state.ee_pose
    offset = tool[:2] - body[:2]
    away = tool[:3].copy()
    if tool[2] < height - 0.03:
        away[:2] += 0.03 * offset / max(float(np.linalg.norm(offset)), 1e-9)
    away[2] = height
    return Skill("retreat", down(away, yaw_of(tool)), 0.0)


def insert(state: State, held: Array, goal: Array, depth: float, slack: float) -> Skill:
    """Lower what is held, at pose [7], into a hole of a depth (m), at whose bottom its pose is goal
    [7]; `slack` (m) is how far off the axis it still enters.

    It stays above the rim until it is in line, turns upright with the tool, comes up a little where
    it presses on the rim, and is let go once it is a tenth of the depth from the bottom.
    """
    tool, place = state.ee_pose, goal.copy()
    flat, up = float(np.hypot(*(goal - held)[:2])), float(held[2] - goal[2])
    turn = angle_between(held, goal)
    if flat < 0.005 and up < 0.1 * depth:
        return Skill("insert", tool.copy(), 1.0, noise=FINE)
    if flat > 0.05 and tool[2] < CARRY - 0.04 and up < 1.5 * depth:
        return Skill("lift", pose((*tool[:2], CARRY), tool[3:]), 0.0)
    inside = up < depth - 0.004
    wrong = 0.0 if inside else max(flat - slack, 0.02 * (turn - 0.03))
    pressed = state.wrist_wrench[2] < -PRESSED
    if wrong > 0:
        place[2] += depth + 0.002 + 3 * wrong
    elif pressed:
        place[2] += up + 0.004
    there = compose(place, compose(inverse(held), tool))
    there[2] = min(there[2], max(CARRY, tool[2]))
    if flat > 0.05:
        return Skill("move", there, 0.0)
    noise = FINE if inside else STEADY
    if wrong > 0 or pressed:
        return Skill("align", there, 0.0, 0.5, noise=noise)
    return Skill("insert", there, 0.0, 0.18, noise=noise)


def _quarter_turns(angle: float, now: float) -> float:
    """The angle, give or take quarter turns, that is nearest to another one."""
    quarter = np.pi / 2
    return float(angle + quarter * np.round((now - angle) / quarter))
