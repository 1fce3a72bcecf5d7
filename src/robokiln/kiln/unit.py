"""One slot's work, start to commit, inside one worker process."""

from __future__ import annotations

import dataclasses
import json
import resource
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.dataset import encode_video, image_histogram
from robokiln.episode import Expert, draw_scene, run
from robokiln.files import is_disk_full, write_json
from robokiln.frames import Capture, sample_look
from robokiln.kiln.columns import columns
from robokiln.kiln.commit import commit
from robokiln.kiln.plan import Plan
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.tasks import SceneRefused
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.serial import from_json, to_json
from robokiln.types import Array, Episode, Look, Outcome, RobokilnError, SceneSpec

_ARRAYS = tuple(f.name for f in dataclasses.fields(Episode) if f.name not in ("spec", "outcome"))


@dataclass(frozen=True)
class Job:
    """Fill `slot` of the plan in the run directory `out`."""

    plan: Plan
    out: Path
    slot: int


@dataclass(frozen=True)
class Receipt:
    """What became of a job. `accepted` is the attempt that was kept, None if all were refused.

    `seconds` holds wall time by stage, `peak_bytes` the worker's largest resident set so far.
    """

    accepted: int | None
    refusals: tuple[str, ...]
    disk_full: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int = 0


class Clock:
    """Wall seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def unit_name(slot: int) -> str:
    """The name of a slot's directory; sorted names are sorted slots."""
    return f"slot-{slot:08d}"


def make_unit(job: Job) -> Receipt:
    """Try attempts until one succeeds, render and encode its looks, and commit the unit."""
    clock = Clock()
    staging = job.out / "staging" / f"{unit_name(job.slot)}.{uuid.uuid4().hex}"
    try:
        with clock.stage("simulate"):
            episode, refusals = _first_success(job.plan, job.slot)
        if episode is not None:
            staging.mkdir()
            _write(job, staging, episode, refusals, clock)
    except Exception as error:
        shutil.rmtree(staging, ignore_errors=True)
        if not is_disk_full(error):
            raise
        return Receipt(None, (), disk_full=str(error))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024  # the unit differs by system
    accepted = None if episode is None else len(refusals)
    return Receipt(accepted, tuple(refusals), seconds=clock.seconds, peak_bytes=peak)


def _first_success(plan: Plan, slot: int) -> tuple[Episode | None, list[str]]:
    refusals: list[str] = []
    for attempt in range(plan.max_attempts):
        try:
            episode = simulate(plan, slot, attempt)
        except SceneRefused as refused:
            refusals.append(str(refused))
            continue
        if episode.outcome.success:
            return episode, refusals
        refusals.append(episode.outcome.reason)
    return None, refusals


@cache
def _world(control_hz: int, physics_hz: int) -> BulletWorld:
    """One a process: creating a Bullet client is not free."""
    return BulletWorld(control_hz, physics_hz)


def simulate(plan: Plan, slot: int, attempt: int) -> Episode:
    """The attempt's episode, successful or not; SceneRefused if its scene can't be set up."""
    task, robot = tasks.get(plan.task), robots.get(plan.robot)
    identity = (Domain.TRAINING, plan.seed, slot, attempt)
    world = _world(plan.episode.control_hz, plan.episode.physics_hz)
    spec = draw_scene(world, task, robot, plan.cameras, *identity)
    noise = generator(*identity, Stream.NOISE)
    expert = Expert(task, spec, plan.episode)
    episode = run(world, task, spec, expert, plan.episode, noise=noise)
    return plan.force_noise(episode, sensor_draws(*identity))


def _write(job: Job, staging: Path, episode: Episode, refusals: list[str], clock: Clock) -> None:
    save_episode(staging, episode)
    write_json(staging / "refusals.json", refusals)
    histograms: dict[str, Any] = {}
    for index in range(job.plan.looks_per_episode):
        where = (Domain.TRAINING, job.plan.seed, job.slot, len(refusals))
        rng, draws = generator(*where, Stream.LOOK, index), sensor_draws(*where, index)
        with clock.stage("render"):
            look = sample_look(episode.spec, rng, job.plan.look)
            capture = Capture(
                episode.spec, look, job.plan.sensors, draws, antialias=job.plan.antialias
            )
            frames = capture.frames(episode.link_poses)
        write_json(staging / f"look-{index}.json", look)
        with clock.stage("encode"):
            for camera, pictures in frames.items():
                path = staging / f"look-{index}.{camera}.mp4"
                encode_video(path, pictures.rgb, job.plan.episode.control_hz, job.plan.codec)
                histograms[f"{index}.{camera}"] = image_histogram(pictures.rgb)
    np.savez(staging / "histograms.npz", **histograms)
    with clock.stage("commit"):
        _read_back(staging, episode)
        facts = {
            "slot": job.slot,
            "attempt": len(refusals),
            "looks": job.plan.looks_per_episode,
            "frames": len(episode),
        }
        commit(staging, job.out / "units" / unit_name(job.slot), facts)


def save_episode(directory: Path, episode: Episode) -> None:
    """The spec and outcome as JSON, the arrays beside them."""
    write_json(directory / "scene.json", {"spec": episode.spec, "outcome": episode.outcome})
    arrays: dict[str, Any] = {name: getattr(episode, name) for name in _ARRAYS}
    np.savez_compressed(directory / "episode.npz", **arrays)


def load_episode(directory: Path) -> Episode:
    """The inverse of `save_episode`."""
    scene = json.loads((directory / "scene.json").read_text())
    arrays = load_arrays(directory / "episode.npz")
    spec = from_json(SceneSpec, scene["spec"])
    return Episode(spec, from_json(Outcome, scene["outcome"]), **arrays)


def load_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def load_look(directory: Path, index: int) -> Look:
    """The index-th look of a unit."""
    return from_json(Look, json.loads((directory / f"look-{index}.json").read_text()))


def _read_back(staging: Path, episode: Episode) -> None:
    """What was written gives the same columns again."""
    again = load_episode(staging)
    before, after = columns(episode), columns(again)
    same = all(np.array_equal(before[name], after[name]) for name in before)
    if not same or to_json(again.spec) != to_json(episode.spec):
        raise RobokilnError(f"{staging.name}: the unit does not read back as it was written")
