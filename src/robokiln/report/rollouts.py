"""One closed-loop rollout in one held-out scene, run in a worker process."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from robokiln.assets import footprint
from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.episode.loop import Observe
from robokiln.files import write_file
from robokiln.frames import Capture, LookConfig, SensorConfig, sample_look
from robokiln.physics.bullet import BulletWorld
from robokiln.report import rows
from robokiln.report.baselines import Hold, RandomMotion
from robokiln.report.failures import classify
from robokiln.scene import robots, tasks
from robokiln.scene.tasks import SceneRefused
from robokiln.seeds import Domain, Draws, Stream, generator, sensor_draws
from robokiln.serial import from_json, to_json
from robokiln.types import Actor, Array, Camera, Episode, Look, RobokilnError, SceneSpec

if TYPE_CHECKING:
    from robokiln.policy import Policy

MAX_ATTEMPTS = 50
"""Layouts tried for one scene before the evaluation gives up."""


@dataclass(frozen=True)
class EvaluateConfig:
    """Everything that an evaluation's result depends on, besides the policies' weights.

    `scenes` says how many held-out scenes each row is tried in; rows share their scenes, from 0.
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

    def __post_init__(self) -> None:
        tasks.get(self.task)
        robots.get(self.robot)
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
    `seconds` of simulated time; `named_placed` whether the first thing that the instruction names
    ended in or on the second.
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
    named_placed: bool


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
    spec, attempt = held_out_scene(world, config, job.scene)
    if job.row == "swapped_instruction":
        spec = task.swapped(spec, _generator(config, job.scene, attempt, Stream.INSTRUCTION, 1))
    look = sample_look(spec, _generator(config, job.scene, attempt, Stream.LOOK), config.look)
    actor = _actor(job, spec, attempt)
    draws = sensor_draws(Domain.EVALUATION, config.seed, job.scene, attempt)
    observe = _observer(spec, look, config, draws)
    episode = run(world, task, spec, actor, config.episode, observe=observe)
    if job.film is not None:
        _save_film(job.film, Film(spec, look, episode.link_poses))
    return Rollout(
        row=job.row,
        scene=job.scene,
        attempt=attempt,
        instruction=spec.instruction,
        success=episode.outcome.success,
        reason=episode.outcome.reason,
        failure=classify(episode),
        steps=len(episode),
        seconds=len(episode) / config.episode.control_hz,
        named_placed=named_placed(episode),
    )


def held_out_scene(world: BulletWorld, config: EvaluateConfig, scene: int) -> tuple[SceneSpec, int]:
    """The scene's first layout that settles, and its attempt: the same for every row."""
    task, robot = tasks.get(config.task), robots.get(config.robot)
    reason = ""
    for attempt in range(MAX_ATTEMPTS):
        try:
            where = (Domain.EVALUATION, config.seed, scene, attempt)
            return draw_scene(world, task, robot, config.cameras, *where), attempt
        except SceneRefused as refusal:
            reason = str(refusal)
    raise RobokilnError(f"scene {scene}: {MAX_ATTEMPTS} layouts refused, the last for {reason!r}")


def named_placed(episode: Episode) -> bool:
    """Whether the instruction's first coloured body ended, let go, over its second."""
    spec = episode.spec
    found = [(spec.instruction.find(b.color), i) for i, b in enumerate(spec.bodies) if b.color]
    named = [i for place, i in sorted(found) if place >= 0]
    if len(named) < 2 or (episode.contacts[-1] == named[0]).any():
        return False
    poses = episode.link_poses[-1, -len(spec.bodies) :, :2]
    offset = np.linalg.norm(poses[named[0]] - poses[named[1]])
    return bool(offset < footprint(spec.bodies[named[1]].shape))


def load_film(path: Path) -> Film:
    """What `roll_out` kept."""
    with np.load(path, allow_pickle=False) as data:
        spec = from_json(SceneSpec, json.loads(str(data["spec"])))
        look = from_json(Look, json.loads(str(data["look"])))
        return Film(spec, look, data["link_poses"])


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
    return _policy_actor(job.policy, blank_images=job.row == "blank_images")


def _policy_actor(directory: Path, blank_images: bool) -> Actor:
    # Imported late: torch takes seconds, and most rows need none.
    from robokiln.policy import PolicyActor

    return PolicyActor(_policy(directory), blank_images=blank_images)


def _observer(spec: SceneSpec, look: Look, config: EvaluateConfig, draws: Draws) -> Observe:
    """The pictures that a policy sees, of one scene; nothing is prepared for rows that see none."""

    @cache
    def capture() -> Capture:
        return Capture(spec, look, config.sensors, draws, antialias=config.antialias)

    def observe(_: SceneSpec, recent: Array) -> dict[str, Array]:
        frames = capture().frames(recent[-1:], previous=recent[0])
        return {name: images.rgb[0] for name, images in frames.items()}

    return observe


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
    from robokiln.policy import load

    return load(directory, device="cpu")
