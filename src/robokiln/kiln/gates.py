"""Gates: what is mechanically wrong with one attempt, before anything of it is kept.

A gate gives the reason why it refuses, or "". It sees no other attempt, so that which attempt fills
a slot stays a function of plan and slot. Pictures have their gates in picture_gates.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from robokiln.episode.settle import drift
from robokiln.kiln.motion import Motion
from robokiln.physics.world import World
from robokiln.scene import robots, tasks
from robokiln.scene.robots import visual_links
from robokiln.types import Episode, Feature, RobokilnError

PREFIX = "gate: "
"""What tells a gate's refusals from the expert's own failures."""
AT_SPEED = 0.99
"""Share of a joint's speed limit from which on a step counts as one at the limit."""


@dataclass(frozen=True)
class GateConfig:
    """Thresholds; null switches a gate off. What pick_place shows: see configs/gates.

    `sound`: columns and their types as the dataset declares them, every number finite.
    `idle_begin_s`, `idle_end_s`: seconds without motion, where motion is more than `still_speed`
    (m/s), `still_turn` (rad/s) or `still_gripper` (openings a second).
    `limit_share`: share of the steps whose joint target lies within `limit_margin` (rad) of a
    joint's end, or whose joint targets move at a joint's speed limit.
    `dead_joint`: rad that every joint must move, where half of them move more than `alive_joint`.
    `penetration_m`: how deep any two bodies, or a body and the arm, may overlap at a control step.
    `settle_s`: seconds for which the world is watched after a success: the task must stay
    satisfied, and no body may shift by more than `settle_shift_m` or turn by `settle_turn` (rad).
    `frozen_frames`: how many pictures in a row may be the same to the last bit while something in
    view moves by more than `frozen_pixels`.
    `black_mean`, `black_contrast`: least mean and standard deviation of a picture's values (0 to
    255).
    `target_pixels`: the target is seen where any camera has so many pixels of it, and that must
    be so in `target_frames` pictures.
    """

    sound: bool = True
    idle_begin_s: float | None = 0.5
    idle_end_s: float | None = 1.0
    still_speed: float = 0.01
    still_turn: float = 0.05
    still_gripper: float = 0.05
    limit_share: float | None = 0.3
    limit_margin: float = 0.01
    dead_joint: float | None = 0.002
    alive_joint: float = 0.1
    penetration_m: float | None = 0.01
    settle_s: float | None = 1.0
    settle_shift_m: float = 0.01
    settle_turn: float = 0.2
    frozen_frames: int | None = 4
    frozen_pixels: float = 2.0
    black_mean: float | None = 8.0
    black_contrast: float | None = 3.0
    target_pixels: int | None = 2
    target_frames: int = 10

    def __post_init__(self) -> None:
        """Refuse what is no threshold."""
        greatest = {"limit_share": 1.0, "black_mean": 255.0, "black_contrast": 127.5}
        least = {"frozen_frames": 1, "target_pixels": 1, "target_frames": 1}
        for field in fields(self):
            value = getattr(self, field.name)
            low, high = least.get(field.name, 0), greatest.get(field.name, np.inf)
            if value is None or (low <= value <= high and value < np.inf):
                continue
            expected = f"{low:g} to {high:g}" if high < np.inf else f"{low:g} or more"
            raise RobokilnError(f"gates.{field.name}: expected {expected}, got {value}")
        if self.settle_s == 0:
            raise RobokilnError("gates.settle_s: expected more than 0 or null, got 0")


def check_motion(
    episode: Episode, motion: Motion, features: Sequence[Feature], hz: int, config: GateConfig
) -> str:
    """Why the attempt is refused before a pixel is drawn, or ""; `features` are the dataset's."""
    return refusal(_reasons(episode, motion, features, hz, config))


def _reasons(
    episode: Episode, motion: Motion, features: Sequence[Feature], hz: int, config: GateConfig
) -> Iterator[str]:
    if config.sound:
        yield schema(motion, features)
        yield not_finite(motion)
    yield idle(episode, hz, config)
    yield at_limits(episode, hz, config)
    yield dead_joints(episode, config)
    yield penetration(episode, config)


def refusal(reasons: Iterator[str]) -> str:
    """The first reason, marked as a gate's, or ""; gates after it are not asked."""
    first = next((reason for reason in reasons if reason), "")
    return first and PREFIX + first


def schema(motion: Motion, features: Sequence[Feature]) -> str:
    """Every declared column and no other, each of T rows in its declared shape and type."""
    declared = {f.name: f for f in features if f.dtype != "video"}
    for name in sorted(declared.keys() ^ motion.columns.keys()):
        return f"schema: {name} is {'missing' if name in declared else 'not declared'}"
    steps = len(motion)
    for name, values in motion.columns.items():
        feature = declared[name]
        # A column of one number a step may be flat.
        shapes = {(steps, *feature.shape), *([(steps,)] if feature.shape == (1,) else [])}
        if values.shape not in shapes or values.dtype != feature.dtype:
            return f"schema: {name}"
    if motion.link_poses.shape != (steps, len(visual_links(motion.spec)), 7):
        return "schema: link poses"
    return "" if steps and motion.contacts.shape == (steps, 2) else "schema: contacts"


def not_finite(motion: Motion) -> str:
    """NaN or infinity anywhere."""
    for name, values in {**motion.columns, "link poses": motion.link_poses}.items():
        if not np.isfinite(values).all():
            return f"not finite: {name}"
    return ""


def idle(episode: Episode, hz: int, config: GateConfig) -> str:
    """A beginning or an end in which neither end effector nor gripper moves."""
    begin, end = idle_seconds(episode, hz, config)
    if config.idle_begin_s is not None and begin > config.idle_begin_s:
        return "idle beginning"
    return "idle end" if config.idle_end_s is not None and end > config.idle_end_s else ""


def idle_seconds(episode: Episode, hz: int, config: GateConfig) -> tuple[float, float]:
    """For how long nothing moves at first, and at last."""
    position, quat = episode.ee_pose[:, :3], episode.ee_pose[:, 3:]
    cosine = np.abs((quat[1:] * quat[:-1]).sum(axis=1)).clip(0, 1)
    moves = np.linalg.norm(np.diff(position, axis=0), axis=1) * hz > config.still_speed
    moves |= 2 * np.arccos(cosine) * hz > config.still_turn
    moves |= np.abs(np.diff(episode.gripper)) * hz > config.still_gripper
    moving = np.flatnonzero(moves)
    if not len(moving):
        return len(episode) / hz, len(episode) / hz
    return int(moving[0]) / hz, int(len(moves) - 1 - moving[-1]) / hz


def at_limits(episode: Episode, hz: int, config: GateConfig) -> str:
    """Joint targets at their limits: the arm can't do what it is told."""
    if config.limit_share is None or limit_share(episode, hz, config) <= config.limit_share:
        return ""
    return "actions at limits"


def limit_share(episode: Episode, hz: int, config: GateConfig) -> float:
    """Share of the steps in which a joint target is at an end or moves at the speed limit."""
    lower, upper, speed = robots.get(episode.spec.robot).limits
    target = episode.joint_target
    outside = (target <= lower + config.limit_margin) | (target >= upper - config.limit_margin)
    step = np.abs(np.diff(target, axis=0, prepend=episode.joint_position[:1]))
    return float((outside | (step >= AT_SPEED * speed / hz)).any(axis=1).mean())


def dead_joints(episode: Episode, config: GateConfig) -> str:
    """A joint that stands still while the others move."""
    moved = np.ptp(episode.joint_position, axis=0)
    if config.dead_joint is None or np.median(moved) <= config.alive_joint:
        return ""
    return "dead joint" if (moved < config.dead_joint).any() else ""


def penetration(episode: Episode, config: GateConfig) -> str:
    """Bodies inside of each other, or of the arm."""
    deepest, limit = episode.penetration.max(initial=0.0), config.penetration_m
    return "penetration" if limit is not None and deepest > limit else ""


def unstable(world: World, episode: Episode, config: GateConfig) -> str:
    """Whether a success that `world` has just run to its end does not last."""
    if config.settle_s is None or not episode.outcome.success:
        return ""
    shift, turn = drift(world, config.settle_s)
    lasts = tasks.get(episode.spec.task).satisfied(episode.spec, world.state())
    small = shift <= config.settle_shift_m and turn <= config.settle_turn
    return "" if lasts and small else f"{PREFIX}unstable end"
