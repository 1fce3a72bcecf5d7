"""What happens in a scene: states, what actors see and do, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Protocol

from robokiln.types.basics import Array
from robokiln.types.scene import SceneSpec

ACTION_DIM = 10
"""End-effector target in the robot's base frame: xyz, two rotation columns, gripper opening."""
ACTION_NAMES = ("x", "y", "z", "r00", "r10", "r20", "r01", "r11", "r21", "gripper")


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
    """What an expert does next: a named motion towards an end-effector pose (world) [7].

    `speed` and `noise` scale how fast it is, and how much its execution is disturbed.
    """

    phase: str
    pose: Array
    gripper: float
    speed: float = 1.0
    noise: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """How an episode ended: `reason` is "success" or why not."""

    success: bool
    reason: str


@dataclass(frozen=True)
class Episode:
    """One rollout of T control steps; row t is the state seen and the action chosen at step t.

    joint_position, joint_velocity [T, J]; gripper [T]; ee_pose [T, 7] (world); action and
    executed_action [T, 10]; joint_target [T, J]; push [T, 4], the index of the body that was
    pushed before the step, or -1, and the impulse (N s); link_poses float32 [T, L, 7] of the
    robot's visual links and then the spec's bodies; contacts int16 [T, 2], the body each finger
    touches or -1; target_goal_pose [T, 14]; phase int64 [T], an index into the task's phases;
    wrist_wrench [T, 6], joint_torque [T, J] and finger_force [T, 2] as in State; penetration [T],
    how deep (m) the two bodies that overlap most do.
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
    push: Array
    link_poses: Array
    contacts: Array
    target_goal_pose: Array
    phase: Array
    wrist_wrench: Array
    joint_torque: Array
    finger_force: Array
    penetration: Array

    def __len__(self) -> int:
        return len(self.action)

    def since(self, step: int) -> Episode:
        """The same without the steps before `step`."""
        rows = [f.name for f in fields(self) if f.name not in ("spec", "outcome")]
        return replace(self, **{name: getattr(self, name)[step:] for name in rows})
