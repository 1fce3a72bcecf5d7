"""Observations that a policy would get: an expert's, in scenes rendered for its cameras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robokiln.cli.compose import compose
from robokiln.cli.progress import announce_compiling
from robokiln.cli.settings import evaluation
from robokiln.types import Actor, Array, Observation, RobokilnError

if TYPE_CHECKING:
    from robokiln.policy import TrainedPolicy
    from robokiln.policy.export import Sample
    from robokiln.report.rollouts import EvaluateConfig

SCENES, EVERY = 4, 12


@dataclass
class _Watched:
    """An actor whose observations are kept, one of EVERY."""

    actor: Actor
    steps: int
    seen: list[Sample]

    def act(self, observation: Observation) -> Array:
        from robokiln.policy.export import Sample

        if self.steps % EVERY == 0:
            o = observation
            pictures = o.images()
            self.seen.append(Sample(pictures, o.proprioception, o.instruction, o.target_goal_pose))
        self.steps += 1
        return self.actor.act(observation)


def rendered_samples(directory: Path) -> list[Sample]:
    """Observations of the expert in some of the default evaluation's scenes."""
    from robokiln.episode import Expert, run
    from robokiln.frames import Observer
    from robokiln.physics.bullet import BulletWorld
    from robokiln.policy import load
    from robokiln.report.rollouts import held_out, scene_look
    from robokiln.scene import tasks
    from robokiln.seeds import Domain, sensor_draws

    config = _configuration(directory, load(directory, "cpu"))
    announce_compiling()
    world = BulletWorld(config.episode.control_hz, config.episode.physics_hz)
    task = tasks.get(config.task)
    seen: list[Sample] = []
    for scene in range(SCENES):
        spec, attempt = held_out(world, config, scene)
        look = scene_look(spec, config, scene, attempt)
        draws = sensor_draws(Domain.EVALUATION, config.seed, scene, attempt)
        observe = Observer(spec, look, config.sensors, draws, antialias=False)
        watched = _Watched(Expert(task, spec, config.episode), 0, seen)
        run(world, task, spec, watched, config.episode, observe=observe)
    world.close()
    return seen


def _configuration(directory: Path, policy: TrainedPolicy) -> EvaluateConfig:
    """The default evaluation, with pictures of the policy's size."""
    sizes = {side for c in policy.cameras for side in (c.width, c.height)}
    arguments = [f"image_size={size}" for size in sizes] if len(sizes) == 1 else []
    config = evaluation(compose("evaluate", arguments), {})
    here = {(c.name, c.width, c.height) for c in config.cameras}
    for camera in policy.cameras:
        if (camera.name, camera.width, camera.height) not in here:
            raise RobokilnError(
                f"{directory}: its camera '{camera.name}' is none of the default ones; "
                "dataset=DIR gives observations to check the export on"
            )
    return config
