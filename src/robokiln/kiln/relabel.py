"""Rollouts of a policy that its expert takes over: what the policy's own mistakes can teach.

DAgger (Ross et al. 2011) labels every state that a policy visits. A policy that predicts chunks of
actions needs more: the labels of the next steps have to be what the expert does from here, not what
it would do in each of the states that the policy goes on to. So the expert is handed the robot, and
what is kept begins there (as in HG-DAgger, Kelly et al. 2019, with chance in the human's place).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from robokiln.episode import Driver, EpisodeConfig, Observe, run
from robokiln.physics.world import World
from robokiln.scene.tasks import Task
from robokiln.types import Actor, Episode, RobokilnError, SceneSpec

SUCCEEDS = "relabel: the policy succeeds alone"
PolicyFactory = Callable[[], Actor]
"""Makes a fresh actor of one policy for each episode; it travels to the workers, so it pickles."""


@dataclass(frozen=True)
class Relabel:
    """Which policy is rolled out, by the SHA-256 of its weights, and in which round of improving.

    The first `hard_attempts` attempts at a slot count only where the policy fails by itself, so
    that scenes which it has mastered are drawn again; later ones count anyhow.
    """

    weights_sha256: str
    round: int
    hard_attempts: int = 10

    def __post_init__(self) -> None:
        digits = set(self.weights_sha256) <= set("0123456789abcdef")
        if len(self.weights_sha256) != 64 or not digits:
            raise RobokilnError(
                f"relabel.weights_sha256: expected 64 hexadecimal digits, got "
                f"'{self.weights_sha256[:80]}'"
            )
        for name, least in (("round", 1), ("hard_attempts", 0)):
            if getattr(self, name) < least:
                raise RobokilnError(
                    f"relabel.{name}: expected at least {least}, got {getattr(self, name)}"
                )


class Refused(Exception):
    """The attempt can't teach anything, with the reason."""


@dataclass(frozen=True)
class Correction:
    """One rollout to be taken over: the policy, what it sees, when chance says so.

    `hard`: only a policy that fails alone is corrected.
    """

    policy: PolicyFactory
    observe: Observe
    rng: np.random.Generator
    hard: bool

    def __call__(
        self,
        world: World,
        task: Task,
        spec: SceneSpec,
        expert: Actor,
        config: EpisodeConfig,
        noise: np.random.Generator,
    ) -> Episode:
        """The episode from the takeover on; Refused if the policy needs no help.

        The policy is rolled out alone first, then again up to a step of that rollout drawn
        uniformly. From there the expert has as much time as in any demonstration.
        """
        alone = run(world, task, spec, self.policy(), config, observe=self.observe)
        if alone.outcome.success and self.hard:
            raise Refused(SUCCEEDS)
        start = int(self.rng.integers(len(alone)))
        longer = replace(config, max_steps=start + config.limit(task.horizon))
        driver = Driver(self.policy(), start)
        whole = run(world, task, spec, expert, longer, noise, self.observe, driver=driver)
        if len(whole) <= start:
            raise Refused("relabel: nothing was left to correct")
        return whole.since(start)
