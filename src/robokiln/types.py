"""The values that stages hand each other. SI units, quaternions xyzw, world frame unless said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]
PoseTuple = tuple[float, float, float, float, float, float, float]
"""x, y, z (m), then the quaternion x, y, z, w."""
Color = tuple[float, float, float]
"""sRGB in [0, 1]."""

ACTION_DIM = 10
"""End-effector target in the robot's base frame: xyz, two rotation columns, gripper opening."""
ACTION_NAMES = ("x", "y", "z", "r00", "r10", "r20", "r01", "r11", "r21", "gripper")


class RobokilnError(ValueError):
    """A user's mistake or a refused input: shown as one message, never as a traceback."""


def lookup(kind: str, name: str, available: Mapping[str, Any]) -> Any:
    """`available[name]`, or an error that names the offender and what there is."""
    if name in available:
        return available[name]
    raise RobokilnError(f"{kind} '{name}' not found; available: {', '.join(sorted(available))}")


@dataclass(frozen=True)
class Shape:
    """A kind of `robokiln.assets.SHAPES` and its dimensions in metres."""

    kind: str
    size: Mapping[str, float]


@dataclass(frozen=True)
class Body:
    """A rigid body; `mass` 0 fixes it. `color` is a name of `assets.COLORS`, "" if unnamed."""

    name: str
    shape: Shape
    pose: PoseTuple
    mass: float
    friction: float
    color: str = ""


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


@dataclass(frozen=True)
class Light:
    """A directional light, or a point light where `position` (world) is given.

    `direction` points from the scene to the light; shadows of a point light are drawn within 60
    degrees of its axis, towards the bodies. `intensity` is the linear brightness of a white surface
    that faces the light, at 1 m from a point light. `softness` is the least width of a shadow's
    edge in metres, in three steps: what two texels of a shadow map of 512, 256 or 128 cover.
    """

    direction: tuple[float, float, float]
    color: Color
    intensity: float
    shadows: bool = True
    position: tuple[float, float, float] | None = None
    softness: float = 0.0


@dataclass(frozen=True)
class Texture:
    """A procedural texture: a family of `frames.looks.TEXTURES`, drawn from `seed` in `colors`.

    One square tile covers `scale` metres; it repeats without a seam.
    """

    family: str
    seed: int
    colors: tuple[Color, ...]
    scale: float


@dataclass(frozen=True)
class Material:
    """Metallic-roughness material; `color` is the base colour, times the texture where one is."""

    color: Color
    roughness: float
    metallic: float = 0.0
    texture: Texture | None = None


@dataclass(frozen=True)
class Prop:
    """Something that is only seen: it stands still at `pose` (world), and physics knows nothing
    of it."""

    name: str
    shape: Shape
    pose: PoseTuple
    material: Material


@dataclass(frozen=True)
class Look:
    """How a scene appears. It never changes the motion.

    `materials` holds one entry a body of the spec; `robot` multiplies the arm's own colours.
    `props` are walls and distractors. `cameras`, where there are any, stand in for the spec's of
    the same names.
    """

    materials: tuple[Material, ...]
    robot: Material
    lights: tuple[Light, ...]
    ambient_sky: Color
    ambient_ground: Color
    background_top: Color
    background_bottom: Color
    props: tuple[Prop, ...] = ()
    cameras: tuple[Camera, ...] = ()


@dataclass(frozen=True)
class State:
    """What physics knows after a control step; bodies in the order of the spec.

    `gripper` is the opening in [0, 1], `gripper_speed` its rate per second. `touching` holds, for
    each finger, the indices of the bodies in contact with it. The forces are means over the control
    step that led here: `wrist_wrench` [6] is what the hand and all that it holds exert on the
    wrist, gravity included: force (N) and torque (N m) about the tool centre point, in the tool's
    axes; `joint_torque` [J] (N m) is what the arm's motors exert; `finger_force` [2] (N) is the sum
    of the normal forces on each finger.
    """

    joint_position: Array
    joint_velocity: Array
    gripper: float
    gripper_speed: float
    ee_pose: Array
    ee_velocity: Array
    body_pose: Array
    body_velocity: Array
    touching: tuple[frozenset[int], frozenset[int]]
    wrist_wrench: Array
    joint_torque: Array
    finger_force: Array


@dataclass(frozen=True)
class Observation:
    """What an actor is shown. Only experts and the state policy may read the privileged fields.

    `proprioception` is float32 [10] laid out as an action: the measured end-effector pose in the
    base frame and the gripper's opening. `images` renders when it is called: camera -> uint8
    [H, W, 3].
    """

    state: State
    target_goal_pose: Array
    proprioception: Array
    instruction: str
    images: Callable[[], dict[str, Array]]


class Actor(Protocol):
    """An expert or a policy; a fresh one acts in each episode."""

    def act(self, observation: Observation) -> Array:
        """The action [10]: the absolute end-effector target in the base frame."""
        ...


@dataclass(frozen=True)
class Skill:
    """What an expert does next: a named motion towards an end-effector pose (world) [7]."""

    phase: str
    pose: Array
    gripper: float
    speed: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """How an episode ended: `reason` is "success" or why not."""

    success: bool
    reason: str


@dataclass(frozen=True)
class Episode:
    """One rollout of T control steps; row t is the state seen and the action chosen at step t.

    joint_position, joint_velocity [T, J]; gripper [T]; ee_pose [T, 7] (world); action and
    executed_action [T, 10]; joint_target [T, J]; link_poses float32 [T, L, 7] of the robot's visual
    links and then the spec's bodies; contacts int16 [T, 2], the body each finger touches or -1;
    target_goal_pose [T, 14]; phase int64 [T], an index into the task's phases; wrist_wrench [T, 6],
    joint_torque [T, J] and finger_force [T, 2] as in State.
    """

    spec: SceneSpec
    outcome: Outcome
    joint_position: Array
    joint_velocity: Array
    gripper: Array
    ee_pose: Array
    action: Array
    executed_action: Array
    joint_target: Array
    link_poses: Array
    contacts: Array
    target_goal_pose: Array
    phase: Array
    wrist_wrench: Array
    joint_torque: Array
    finger_force: Array

    def __len__(self) -> int:
        return len(self.action)


@dataclass(frozen=True)
class Frames:
    """One camera's pictures over T steps.

    rgb uint8 [T, H, W, 3]; depth float32 [T, H, W], metres along the optical axis, 0 where nothing
    is; segmentation uint16 [T, H, W]: 0 nothing, 1 the robot, 2 + i the spec's body i, then the
    look's props. On request: normals float32 [T, H, W, 3], unit and in the world frame, 0 where
    nothing is; links uint16 [T, H, W]: 0 nothing, 1 + i the link i of `visual_links`, then the
    look's props.
    """

    rgb: Array
    depth: Array
    segmentation: Array
    normals: Array | None = None
    links: Array | None = None


@dataclass(frozen=True)
class Feature:
    """A column of the dataset: LeRobot dtype, shape, and the names of its entries."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None
    unit: str = ""
