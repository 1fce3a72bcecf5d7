"""One closed-loop rollout in one held-out scene, run in a worker process."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from robokiln.deploy import Policy, PolicyActor
from robokiln.episode import EpisodeConfig, Expert, held_out_scene
from robokiln.files import read_arrays, write_file
from robokiln.frames import LookConfig, Observer, SensorConfig, sample_look
from robokiln.physics.bullet import BulletWorld
from robokiln.report import rows
from robokiln.report.baselines import Hold, RandomMotion
from robokiln.report.failures import classify
from robokiln.report.policies import load_policy
from robokiln.report.witness import watched
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.serial import from_json, parse_json, to_json
from robokiln.types import Actor, Array, Camera, Look, RobokilnError, SceneSpec


@dataclass(frozen=True)
class EvaluateConfig:
    """Everything that an evaluation's result depends on, besides the policies' weights.

    `scenes` says how many held-out scenes each row is tried in; rows share their scenes, from 0.
    Of the row `filmed`, "" for none, motions are kept to be shown.
    """

    task: str
    robot: str
    cameras: tuple[Camera, ...]
    scenes: dict[str, int]
    seed: int = 0
    look: LookConfig = field(default_factory=LookConfig)
    antialias: bool = True
    episode: EpisodeConfig = field(default_factory=EpisodeConfig)
    filmed: str = rows.IMAGE_POLICY
    sensors: Mapping[str, SensorConfig] = field(default_factory=dict)
    scene: SceneConfig = field(default_factory=SceneConfig)

    def __post_init__(self) -> None:
        tasks.get(self.task, robots.get(self.robot))
        if self.filmed:
            rows.get(self.filmed)
        rows.check_counts(self.scenes)
        if not 0 <= self.seed < 2**32:
            raise RobokilnError(f"seed: expected 0 to {2**32 - 1}, got {self.seed}")


@dataclass(frozen=True)
class Job:
    """One row in one scene; `film` is where to keep the motion, if anywhere."""

    config: EvaluateConfig
    row: str
    scene: int
    policy: Path | None
    film: Path | None


@dataclass(frozen=True)
class Rollout:
    """What became of a job.

    `failure` is a key of `failures.FAILURES` or "success"; `attempt` the layout that settled;
    `seconds` of simulated time; `progress`, `phase` and `obeyed` as in `witness.Watched`.
    """

    row: str
    scene: int
    attempt: int
    instruction: str
    success: bool
    reason: str
    failure: str
    steps: int
    seconds: float
    progress: float
    phase: str
    obeyed: bool | None


@dataclass(frozen=True)
class Film:
    """Enough of a rollout to render it again."""

    spec: SceneSpec
    look: Look
    link_poses: Array


def roll_out(job: Job) -> Rollout:
    """Draw the scene, let the row's actor act, and say what happened."""
    config = job.config
    world = _world(config.episode.control_hz, config.episode.physics_hz)
    task = tasks.get(config.task)
    spec, attempt = held_out(world, config, job.scene)
    if job.row == "swapped_instruction":
        rng = _generator(config, job.scene, attempt, Stream.INSTRUCTION, 1)
        spec = task.swapped(spec, rng, config.scene)
    look = scene_look(spec, config, job.scene, attempt)
    actor = _actor(job, spec, attempt)
    draws = sensor_draws(Domain.EVALUATION, config.seed, job.scene, attempt)
    observe = Observer(spec, look, config.sensors, draws, config.antialias)
    found = watched(world, task, spec, actor, config.episode, observe)
    episode = found.episode
    if job.film is not None:
        _save_film(job.film, Film(spec, look, episode.link_poses))
    return Rollout(
        row=job.row,
        scene=job.scene,
        attempt=attempt,
        instruction=spec.instruction,
        success=episode.outcome.success,
        reason=episode.outcome.reason,
        failure=classify(found),
        steps=len(episode),
        seconds=len(episode) / config.episode.control_hz,
        progress=found.progress,
        phase=found.phase,
        obeyed=found.obeyed,
    )


def held_out(world: BulletWorld, config: EvaluateConfig, scene: int) -> tuple[SceneSpec, int]:
    """A scene of the evaluation, and its attempt: the same for every row."""
    what = (tasks.get(config.task), robots.get(config.robot), config.cameras, config.scene)
    return held_out_scene(world, *what, config.seed, scene)


def scene_look(spec: SceneSpec, config: EvaluateConfig, scene: int, attempt: int) -> Look:
    """The look in which every row sees the scene."""
    return sample_look(spec, _generator(config, scene, attempt, Stream.LOOK), config.look)


def load_film(path: Path) -> Film:
    """What `roll_out` kept."""
    data = read_arrays(path)
    try:
        spec = from_json(SceneSpec, parse_json(str(data["spec"])))
        look = from_json(Look, parse_json(str(data["look"])))
        return Film(spec, look, data["link_poses"])
    except (ValueError, KeyError) as error:
        raise RobokilnError(f"{path}: not a film ({error})") from None


def _save_film(path: Path, film: Film) -> None:
    """Whole or not at all: an interrupted evaluation continues over it."""
    buffer = io.BytesIO()
    spec, look = (json.dumps(to_json(v)) for v in (film.spec, film.look))
    np.savez_compressed(buffer, spec=spec, look=look, link_poses=film.link_poses)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, buffer.getvalue())


def _actor(job: Job, spec: SceneSpec, attempt: int) -> Actor:
    config = job.config
    if job.row == "noop":
        return Hold()
    if job.row == "random":
        return RandomMotion(spec, _generator(config, job.scene, attempt, Stream.BASELINE))
    if job.row == "expert":
        return Expert(tasks.get(config.task), spec, config.episode)
    assert job.policy is not None
    return _policy_actor(job.policy, job.row)


def _policy_actor(directory: Path, row: str) -> Actor:
    blank = "" if row == "blank_instruction" else None
    return PolicyActor(_policy(directory), row == "blank_images", blank)


def _generator(
    config: EvaluateConfig, scene: int, attempt: int, stream: Stream, index: int = 0
) -> np.random.Generator:
    return generator(Domain.EVALUATION, config.seed, scene, attempt, stream, index)


@cache
def _world(control_hz: int, physics_hz: int) -> BulletWorld:
    """One a process: creating a Bullet client is not free."""
    return BulletWorld(control_hz, physics_hz)


@cache
def _policy(directory: Path) -> Policy:
    """Loaded once a process."""
    return load_policy(directory)
