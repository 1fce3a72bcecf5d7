"""The one loop: observe, act, step, record. Demonstrations and evaluation both run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from robokiln.episode.config import EpisodeConfig
from robokiln.episode.noise import NO_PUSH, ActionNoise, Pushes
from robokiln.episode.stepper import SUCCESS, Observe, Stepper
from robokiln.physics.world import World
from robokiln.scene.tasks import Task
from robokiln.types import Actor, Array, Episode, Outcome, SceneSpec, State


@dataclass(frozen=True)
class Driver:
    """Another actor, whose actions are executed in the first `steps` steps."""

    actor: Actor
    steps: int


@dataclass
class _Recorder:
    rows: dict[str, list[Array]] = field(default_factory=dict)

    def add(self, **values: Array | float) -> None:
        for name, value in values.items():
            self.rows.setdefault(name, []).append(np.asarray(value))

    def arrays(self) -> dict[str, Array]:
        return {name: np.stack(rows) for name, rows in self.rows.items()}


def run(
    world: World,
    task: Task,
    spec: SceneSpec,
    actor: Actor,
    config: EpisodeConfig,
    noise: np.random.Generator | None = None,
    observe: Observe | None = None,
    pushes: Callable[[], Array] | None = None,
    driver: Driver | None = None,
) -> Episode:
    """One rollout from the spec's start to success, failure or the step limit.

    `noise` disturbs it, as the configuration says; `pushes` gives recorded pushes [4] instead. A
    `driver` acts at first, undisturbed, while the recorded actions are the actor's all along.
    """
    scene = Stepper(world, task, spec, config, observe)
    disturb = ActionNoise(noise, config) if noise is not None else None
    if pushes is None:
        pushes = Pushes(noise, spec, config) if noise is not None else lambda: np.array(NO_PUSH)
    recorder = _Recorder()
    while not scene.ended:
        state, links, observation = scene.state, scene.links, scene.observation()
        action = np.asarray(actor.act(observation), float)
        skill = task.next_skill(spec, state)
        if driver is not None and scene.steps < driver.steps:
            scene.step(np.asarray(driver.actor.act(observation), float))
        else:
            scene.step(action if disturb is None else disturb(action, skill.noise), pushes())
        recorder.add(
            joint_position=state.joint_position,
            joint_velocity=state.joint_velocity,
            gripper=state.gripper,
            ee_pose=state.ee_pose,
            action=action,
            executed_action=scene.executed,
            joint_target=scene.joint_target,
            push=scene.push,
            link_poses=links,
            contacts=_contacts(state),
            target_goal_pose=observation.target_goal_pose,
            phase=np.array(task.phases.index(skill.phase)),
            wrist_wrench=state.wrist_wrench,
            joint_torque=state.joint_torque,
            finger_force=state.finger_force,
            penetration=world.penetration(),
        )
    outcome = Outcome(scene.ended == SUCCESS, scene.ended)
    return Episode(spec=spec, outcome=outcome, **recorder.arrays())


def _contacts(state: State) -> Array:
    return np.array([min(t, default=-1) for t in state.touching], dtype=np.int16)
