"""What stands where, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from robokiln.types.basics import PoseTuple


@dataclass(frozen=True)
class Shape:
    """A kind of `robokiln.assets.SHAPES` and its dimensions in metres."""

    kind: str
    size: Mapping[str, float]


@dataclass(frozen=True)
class Joint:
    """What ties a body to an earlier one, a fixed one without a joint: a drawer to its cabinet.

    `kind` is "prismatic" or "revolute"; `axis` (unit) and `anchor` (m), a point on it, are in the
    body's frame, `rest` is the body's pose in the parent's frame where the joint is at 0. Limits
    and what opposes motion are in m and N, or rad and N m: `friction` is constant, `damping` times
    the speed.
    """

    parent: str
    kind: str
    axis: tuple[float, float, float]
    anchor: tuple[float, float, float]
    rest: PoseTuple
    lower: float
    upper: float
    friction: float
    damping: float


@dataclass(frozen=True)
class Body:
    """A rigid body; `mass` 0 fixes it. `color` is a name of `assets.COLORS`, "" if unnamed."""

    name: str
    shape: Shape
    pose: PoseTuple
    mass: float
    friction: float
    color: str = ""
    joint: Joint | None = None


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; the pose is x right, y down, z forward (OpenCV).

    `mount` is the visual link that carries it ("" for the world); `pose` is in that link's frame.
    `fov` is the vertical field of view in degrees; a calibrated camera has `calibration` instead:
    fx, fy, cx, cy in pixels, where the top left pixel's centre is (0.5, 0.5).
    """

    name: str
    width: int
    height: int
    fov: float
    pose: PoseTuple
    mount: str = ""
    calibration: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class SceneSpec:
    """What stands where, and what is to be done: all that physics and the task need."""

    task: str
    robot: str
    robot_joints: tuple[float, ...]
    bodies: tuple[Body, ...]
    cameras: tuple[Camera, ...]
    instruction: str
    goal: Mapping[str, str]
    """The task's roles -> body names; "target" and "goal" are always there."""

    def index(self, name: str) -> int:
        """Position of a body in `bodies`."""
        return next(i for i, body in enumerate(self.bodies) if body.name == name)
