"""Actors that must not succeed: two that know nothing, and experts with one fault each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from robokiln.assets import footprint
from robokiln.episode import EpisodeConfig, Expert
from robokiln.report.baselines import Hold, RandomMotion
from robokiln.scene import tasks
from robokiln.scene.objects import is_a
from robokiln.scene.skills import holding
from robokiln.types import Array, Observation, SceneSpec

ASIDE = 0.05
"""Metres beyond the edge of the goal."""
CONTENTS = 0.05
"""Metres from the middle of what is held within which nameless bodies are thought to be in it."""


class Failer(Protocol):
    """An actor that says whether it came to do what it is named after."""

    meant_it: bool

    def act(self, observation: Observation) -> Array: ...


class _Blind:
    """A baseline, which always does what it is named after."""

    meant_it = True

    def __init__(self, inner: Hold | RandomMotion) -> None:
        self._inner = inner

    def act(self, observation: Observation) -> Array:
        return self._inner.act(observation)


class NeverReleases:
    """The expert, whose gripper stays shut after its first grasp."""

    def __init__(self, spec: SceneSpec, config: EpisodeConfig) -> None:
        self._expert = Expert(tasks.get(spec.task), spec, config)
        self._shut = self.meant_it = False

    def act(self, observation: Observation) -> Array:
        action = self._expert.act(observation)
        self._shut |= bool(action[9] < 0.5)
        self.meant_it |= self._shut and bool(action[9] >= 0.5)
        if self._shut:
            action[9] = 0.0
        return action


class DropsAside:
    """The expert, which takes itself and what it holds to be elsewhere, and so lets it go beside
    the goal."""

    def __init__(self, spec: SceneSpec, config: EpisodeConfig) -> None:
        self._expert = Expert(tasks.get(spec.task), spec, config)
        self._bodies = [i for i, b in enumerate(spec.bodies) if b.mass > 0 and b.joint is None]
        self._nameless = [i for i in self._bodies if not spec.bodies[i].color]
        goals = [b for b in spec.bodies if b.name == spec.goal["goal"] or is_a(b.shape, "goal")]
        goal = next(b for b in spec.bodies if b.name == spec.goal["goal"])
        distance = max(footprint(b.shape) for b in goals) + ASIDE
        self._shift = np.array([0.0, -np.copysign(distance, goal.pose[1]), 0.0])
        self.meant_it = False

    def act(self, observation: Observation) -> Array:
        state = observation.state
        held = [i for i in self._bodies if holding(state, i)]
        if not held:
            return self._expert.act(observation)
        self.meant_it = True
        bodies, tool = state.body_pose.copy(), state.ee_pose.copy()
        bodies[[*held, *self._contents(bodies, held[0])], :3] -= self._shift
        tool[:3] -= self._shift
        elsewhere = replace(state, body_pose=bodies, ee_pose=tool)
        action = self._expert.act(replace(observation, state=elsewhere))
        action[:3] += self._shift
        return action

    def _contents(self, bodies: Array, held: int) -> list[int]:
        """What lies in a cup comes along."""
        apart = np.linalg.norm(bodies[:, :3] - bodies[held, :3], axis=1)
        return [i for i in self._nameless if i != held and apart[i] < CONTENTS]


Make = Callable[[SceneSpec, EpisodeConfig, np.random.Generator], Failer]
ACTORS: dict[str, Make] = {
    "no-op": lambda spec, config, rng: _Blind(Hold()),
    "random": lambda spec, config, rng: _Blind(RandomMotion(spec, rng)),
    "never releases": lambda spec, config, rng: NeverReleases(spec, config),
    "drops aside": lambda spec, config, rng: DropsAside(spec, config),
}


def applies(actor: str, spec: SceneSpec, ends_open: bool) -> bool:
    """Whether the fault is one in this task: a task that ends with a closed gripper does not ask to
    let go, and one whose goal is the target itself or moves on a joint has no place beside it."""
    if actor == "never releases":
        return ends_open
    if actor == "drops aside":
        goal = spec.bodies[spec.index(spec.goal["goal"])]
        return (
            spec.goal["goal"] != spec.goal["target"]
            and ends_open
            and (goal.joint is None or spec.bodies[spec.index(spec.goal["target"])].joint is None)
        )
    return True
