"""What a policy takes things to be in its own rollouts, beside what they are.

    python benchmarks/trace.py out/policy task=insert_peg --scenes 6
    python benchmarks/trace.py out/policy task=insert_peg --scenes 1 --every

A line a scene, or with --every one a chunk: the phase, how far the tool is from each role (cm), by
how much its place is mistaken (mm, level and in height), and how far the tool has to turn to be
lined up with it and by how much that is mistaken (degrees). `held_out.py` tells the same of
demonstrations; a policy gets itself where those never were.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from robokiln import policy
from robokiln.cli.compose import compose
from robokiln.cli.settings import evaluation
from robokiln.deploy import PolicyActor
from robokiln.episode import run
from robokiln.frames import Observer
from robokiln.physics.bullet import BulletWorld
from robokiln.policy.facing import degrees_between, quarter_of, seen_by_tool
from robokiln.policy.models.image import ImageModel
from robokiln.policy.policy import TrainedPolicy
from robokiln.policy.roles import ROLES, roles_of, stand_of
from robokiln.report.rollouts import EvaluateConfig, held_out, scene_look
from robokiln.scene import tasks
from robokiln.scene.tasks import Task
from robokiln.seeds import Domain, sensor_draws
from robokiln.types import Array, Observation, RobokilnError, SceneSpec

LINED_UP = np.array([1.0, 0.0])


@dataclass(frozen=True)
class Belief:
    """At the start of a chunk, for each role: [R] each, metres and degrees."""

    step: int
    phase: str
    away: Array
    level: Array
    height: Array
    askew: Array
    mistaken: Array


class Tracer:
    """A policy that acts, and what it believes whenever a chunk begins."""

    def __init__(self, trained: TrainedPolicy, task: Task, spec: SceneSpec) -> None:
        if not isinstance(trained.model, ImageModel):
            raise SystemExit(f"expected a policy of pictures, got '{trained.spec.model}'")
        self.trained, self.model, self.task, self.spec = trained, trained.model, task, spec
        self.cameras, self.trained_on = trained.cameras, trained.trained_on
        self.uses_images, self.chunk, self.execute = True, trained.chunk, trained.execute
        self.roles = roles_of(spec)
        self.beliefs: list[Belief] = []
        self._actor, self._steps = PolicyActor(self), 0
        self._now: Observation | None = None

    def act(self, observation: Observation) -> Array:
        """The next action [10]."""
        self._now = observation
        self._steps += 1
        return self._actor.act(observation)

    def predict(
        self,
        images: Mapping[str, Array],
        proprioception: Array,
        instructions: Sequence[str],
        target_goal_pose: Array | None = None,
    ) -> Array:
        """The policy's own chunk; what it believes is kept."""
        with torch.inference_mode():
            found = self.model.look(self.trained.inputs(images, proprioception, instructions))
        self._keep(
            self.trained.spec.position.inverse(found.places[0].double().cpu().numpy()),
            found.quarters[0].double().cpu().numpy(),
            proprioception,
        )
        return self.trained.predict(images, proprioception, instructions, target_goal_pose)

    def _keep(self, places: Array, quarters: Array, proprioception: Array) -> None:
        assert self._now is not None
        state = self._now.state
        stands = np.stack(
            [stand_of(self.spec.bodies[i], state.body_pose[i]) for i in self.roles.values()]
        )
        rows = [ROLES.index(role) for role in self.roles]
        off = places[rows] - stands[:, :3]
        truth = quarter_of(seen_by_tool(stands[None, :, 3:], proprioception))[0]
        self.beliefs.append(
            Belief(
                self._steps - 1,
                self.task.next_skill(self.spec, state).phase,
                np.linalg.norm(stands[:, :3] - proprioception[0, :3], axis=1),
                np.linalg.norm(off[:, :2], axis=1),
                off[:, 2],
                degrees_between(truth, LINED_UP),
                degrees_between(quarters[rows], truth),
            )
        )


def traced(trained: TrainedPolicy, config: EvaluateConfig, scene: int) -> tuple[Tracer, str]:
    """A rollout of the evaluation's scene of this number: its beliefs and how it ended."""
    world = BulletWorld(config.episode.control_hz, config.episode.physics_hz)
    task = tasks.get(config.task)
    spec, attempt = held_out(world, config, scene)
    look = scene_look(spec, config, scene, attempt)
    draws = sensor_draws(Domain.EVALUATION, config.seed, scene, attempt)
    observe = Observer(spec, look, config.sensors, draws, config.antialias)
    tracer = Tracer(trained, task, spec)
    episode = run(world, task, spec, tracer, config.episode, observe=observe)
    world.close()
    return tracer, episode.outcome.reason


def line(belief: Belief, roles: Sequence[str]) -> str:
    """One line for people."""
    said = [
        f"{role} {100 * belief.away[i]:.0f} cm: {1000 * belief.level[i]:.1f} mm "
        f"{1000 * belief.height[i]:+.1f}, {belief.askew[i]:.0f} deg askew, off by "
        f"{belief.mistaken[i]:.0f}"
        for i, role in enumerate(roles)
    ]
    return f"{belief.step:4d} {belief.phase:9s} {'   '.join(said)}"


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("policy", type=Path)
    parser.add_argument("settings", nargs="+", help="of `robokiln evaluate`, like task=insert_peg")
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--every", action="store_true", help="a line a chunk")
    options = parser.parse_args(given)
    configuration = compose("evaluate", [*options.settings, f"image_policy={options.policy}"])
    config = evaluation(configuration, {"image_policy": options.policy})
    trained = policy.load(options.policy, "cpu")
    for scene in range(options.scenes):
        tracer, reason = traced(trained, config, scene)
        last = tracer.beliefs[-1]
        print(f"scene {scene}: {reason} after {len(tracer.beliefs)} chunks", flush=True)
        for belief in tracer.beliefs if options.every else [last]:
            print(line(belief, list(tracer.roles)), flush=True)


if __name__ == "__main__":
    try:
        main()
    except RobokilnError as error:
        raise SystemExit(str(error)) from None
