"""How a scene goes on, an action at a time: what the loop and the environments share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robokiln.episode.config import EpisodeConfig
from robokiln.episode.noise import NO_PUSH, Latency
from robokiln.geometry import pose_to_action
from robokiln.physics.world import World
from robokiln.scene.tasks import Task
from robokiln.types import Array, Observation, SceneSpec, State

Observe = Callable[[SceneSpec, Array], dict[str, Array]]
"""(spec, link poses float32 [2, L, 7] of the last step and of this one; [1, L, 7] at the first) ->
camera -> uint8 [H, W, 3]. It is asked only where an actor looks, which need not be every step."""
OFF_TABLE = -0.05
SUCCESS, LIMIT, DIVERGED = "success", "step limit", "physics diverged"


class Stepper:
    """A scene from its start to its end. `ended` is "", or why it is over: "success" after the task
    was satisfied for as long as the configuration asks, or why not.

    `state` and `links` float32 [L, 7] are those that the last step led to; `executed` [10],
    `joint_target` [J] and `push` [4] are what it did.
    """

    def __init__(
        self,
        world: World,
        task: Task,
        spec: SceneSpec,
        config: EpisodeConfig,
        observe: Observe | None = None,
    ) -> None:
        world.load(spec)
        self.spec, self.steps, self.limit = spec, 0, config.limit(task.horizon)
        self._world, self._task, self._observe = world, task, observe
        self._held, self._need = 0, round(config.hold_seconds * config.control_hz)
        self._late = Latency(config.latency)
        self.links: Array = np.empty((0, 7), np.float32)
        self._look_around()

    def step(self, action: Array, push: Array | None = None) -> None:
        """Execute an action [10], as late as the configuration says, after a push [4] if there is
        one."""
        self.executed = as_stored(self._late(action, self._measured))
        self.push = as_stored(np.array(NO_PUSH) if push is None else push)
        if self.push[0] >= 0:
            self._world.push(int(self.push[0]), self.push[1:])
        self.joint_target = self._world.step(self.executed)
        self.steps += 1
        self._look_around()

    def observation(self) -> Observation:
        """What an actor is shown now."""
        spec, state, recent, observe = self.spec, self.state, self._recent, self._observe

        def images() -> dict[str, Array]:
            assert observe is not None, "an actor that sees needs `observe`"
            return observe(spec, recent)

        roles = [spec.index(spec.goal[role]) for role in ("target", "goal")]
        return Observation(
            state=state,
            target_goal_pose=state.body_pose[roles].reshape(-1),
            proprioception=self._measured,
            instruction=spec.instruction,
            images=images,
        )

    def _look_around(self) -> None:
        before = [self.links] if self.steps else []
        self.state, self.links = self._world.state(), self._world.visual_poses()
        measured = pose_to_action(self.state.ee_pose, self.state.gripper)
        self._measured = measured.astype(np.float32)
        self._recent = np.stack([*before, self.links])
        self.ended = LIMIT if self.steps == self.limit else self._judged()

    def _judged(self) -> str:
        self._held = self._held + 1 if self._task.satisfied(self.spec, self.state) else 0
        return SUCCESS if self._held > self._need else _lost(self.spec, self.state)


def as_stored(values: Array) -> Array:
    """To float32 and back: what a dataset keeps is what was done, so that it replays to the bit. A
    peg that fits by half a millimetre goes in or not by less than rounding makes."""
    return values.astype(np.float32).astype(float)


def _lost(spec: SceneSpec, state: State) -> str:
    """Why the episode can't succeed any more, or ""."""
    free = np.array([body.mass > 0 for body in spec.bodies])
    if (state.body_pose[free, 2] < OFF_TABLE).any():
        return "knocked off the table"
    return "" if np.isfinite(state.body_pose).all() else DIVERGED
