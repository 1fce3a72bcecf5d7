"""The one loop: observe, act, step, record. Demonstrations and evaluation both run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from robokiln.episode.config import EpisodeConfig
from robokiln.episode.noise import ActionNoise
from robokiln.geometry import pose_to_action
from robokiln.physics.world import World
from robokiln.scene.tasks import Task
from robokiln.types import Actor, Array, Episode, Observation, Outcome, SceneSpec, State

Observe = Callable[[SceneSpec, Array], dict[str, Array]]
"""(spec, link poses float32 [2, L, 7] of the last step and of this one; [1, L, 7] at the first) ->
camera -> uint8 [H, W, 3]. It is asked only where an actor looks, which need not be every step."""
OFF_TABLE = -0.05


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
) -> Episode:
    """One rollout from the spec's start to success, failure or the step limit."""
    world.load(spec)
    disturb = ActionNoise(noise, config) if noise is not None else None
    recorder, held = _Recorder(), 0
    need = round(config.hold_seconds * config.control_hz)
    reason, recent = "step limit", np.empty((0, 0, 7), np.float32)
    for _ in range(config.max_steps):
        state, links = world.state(), world.visual_poses()
        recent = np.concatenate([recent[-1:], links[None]]) if len(recent) else links[None]
        held = held + 1 if task.satisfied(spec, state) else 0
        ended = "success" if held > need else _lost(spec, state)
        if ended:
            reason = ended
            break
        observation = _observation(spec, state, recent, observe)
        action = np.asarray(actor.act(observation), float)
        executed = action if disturb is None else disturb(action)
        phase = task.phases.index(task.next_skill(spec, state).phase)
        joint_target = world.step(executed)
        recorder.add(
            joint_position=state.joint_position,
            joint_velocity=state.joint_velocity,
            gripper=state.gripper,
            ee_pose=state.ee_pose,
            action=action,
            executed_action=executed,
            joint_target=joint_target,
            link_poses=links,
            contacts=_contacts(state),
            target_goal_pose=observation.target_goal_pose,
            phase=np.array(phase),
            wrist_wrench=state.wrist_wrench,
            joint_torque=state.joint_torque,
            finger_force=state.finger_force,
        )
    return Episode(spec=spec, outcome=Outcome(reason == "success", reason), **recorder.arrays())


def _observation(
    spec: SceneSpec, state: State, recent: Array, observe: Observe | None
) -> Observation:
    def images() -> dict[str, Array]:
        assert observe is not None, "an actor that sees needs `observe`"
        return observe(spec, recent)

    roles = [spec.index(spec.goal[role]) for role in ("target", "goal")]
    return Observation(
        state=state,
        target_goal_pose=state.body_pose[roles].reshape(-1),
        proprioception=pose_to_action(state.ee_pose, state.gripper).astype(np.float32),
        instruction=spec.instruction,
        images=images,
    )


def _lost(spec: SceneSpec, state: State) -> str:
    """Why the episode can't succeed any more, or ""."""
    free = np.array([body.mass > 0 for body in spec.bodies])
    if (state.body_pose[free, 2] < OFF_TABLE).any():
        return "knocked off the table"
    return "" if np.isfinite(state.body_pose).all() else "physics diverged"


def _contacts(state: State) -> Array:
    return np.array([min(t, default=-1) for t in state.touching], dtype=np.int16)
