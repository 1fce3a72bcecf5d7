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

from robokiln.dataset import depth_histogram, encode_depth, encode_video, image_histogram
from robokiln.episode import Expert, draw_scene, run
from robokiln.files import is_disk_full, write_json
from robokiln.frames import Capture, Renderer, object_labels, sample_look
from robokiln.frames.renderer import scene_cameras
from robokiln.kiln.commit import commit
from robokiln.kiln.labels import BOXES, DEPTH, SEGMENTATION, camera_labels, pack
from robokiln.kiln.motion import Motion, load_motion, motion_of, save_motion
from robokiln.kiln.plan import Plan
from robokiln.kiln.stored import Source, open_source
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.tasks import SceneRefused
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.serial import from_json, to_json
from robokiln.types import Array, Episode, Frames, Look, RobokilnError, SceneSpec


@dataclass(frozen=True)
class Job:
    """Fill `slot` of the plan in the run directory `out`; `source` is the dataset whose motions are
    rendered again, None where they are simulated."""

    plan: Plan
    out: Path
    slot: int
    source: Path | None = None


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
    """Take the slot's motion, render and encode its looks, and commit the unit."""
    clock = Clock()
    staging = job.out / "staging" / f"{unit_name(job.slot)}.{uuid.uuid4().hex}"
    try:
        with clock.stage("simulate" if job.source is None else "read"):
            motion, refusals = _motion(job)
        if motion is not None:
            staging.mkdir()
            _write(job, staging, motion, refusals, clock)
    except Exception as error:
        shutil.rmtree(staging, ignore_errors=True)
        if not is_disk_full(error):
            raise
        return Receipt(None, (), disk_full=str(error))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024  # the unit differs by system
    accepted = None if motion is None else len(refusals)
    return Receipt(accepted, tuple(refusals), seconds=clock.seconds, peak_bytes=peak)


@cache
def _source(root: Path) -> Source:
    """Opened once a process."""
    return open_source(root)


def _motion(job: Job) -> tuple[Motion | None, list[str]]:
    """The motion to render, with the refusals before it: the source's, or the first success."""
    if job.source is None:
        episode, refusals = _first_success(job.plan, job.slot)
        return (None if episode is None else motion_of(episode)), refusals
    source = _source(job.source)
    stored = source.motion(job.slot)
    spec = dataclasses.replace(stored.spec, cameras=job.plan.cameras)
    return dataclasses.replace(stored, spec=spec), source.refusals(job.slot)


def _look(job: Job, spec: SceneSpec, attempt: int, index: int) -> Look:
    """The plan's index-th look. Where the source was drawn from the same ranges and seed, it is the
    recorded one, whatever has changed in how looks are drawn since."""
    rng = generator(Domain.TRAINING, job.plan.seed, job.slot, attempt, Stream.LOOK, index)
    drawn = sample_look(spec, rng, job.plan.look)
    if job.source is None:
        return drawn
    source = _source(job.source)
    same = (source.plan.look, source.plan.seed) == (job.plan.look, job.plan.seed)
    recorded = source.look(job.slot, index) if same else None
    if recorded is None or source.plan.cameras == spec.cameras:
        return recorded or drawn
    return dataclasses.replace(recorded, cameras=drawn.cameras)


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


def _write(job: Job, staging: Path, motion: Motion, refusals: list[str], clock: Clock) -> None:
    save_motion(staging, motion)
    write_json(staging / "refusals.json", refusals)
    histograms: dict[str, Any] = {}
    for index in range(job.plan.looks_per_episode):
        draws = sensor_draws(Domain.TRAINING, job.plan.seed, job.slot, len(refusals), index)
        with clock.stage("render"):
            look = _look(job, motion.spec, len(refusals), index)
            cameras = scene_cameras(motion.spec, look)
            capture = Capture(
                motion.spec, look, job.plan.sensors, draws, job.plan.antialias, cameras
            )
            frames = capture.frames(motion.link_poses)
        write_json(staging / f"look-{index}.json", look)
        with clock.stage("label"):
            objects = {}
            if BOXES in job.plan.record:
                renderer = Renderer(motion.spec, look)
                objects = object_labels(renderer, motion.link_poses, frames, cameras)
        labels = {}
        for camera in cameras:
            pictures = frames.pop(camera.name)
            with clock.stage("encode"):
                name = f"{index}.{camera.name}"
                histograms |= _encode(staging / f"look-{name}", name, pictures, job.plan)
            with clock.stage("label"):
                ids = pictures.segmentation if SEGMENTATION in job.plan.record else None
                labels[camera.name] = camera_labels(
                    motion.spec, camera, motion.link_poses, ids, objects.get(camera.name)
                )
        packed: dict[str, Any] = pack(labels)
        np.savez_compressed(staging / f"look-{index}.labels.npz", **packed)
    np.savez_compressed(staging / "histograms.npz", **histograms)
    with clock.stage("commit"):
        _read_back(staging, motion)
        facts = {
            "slot": job.slot,
            "attempt": len(refusals),
            "looks": job.plan.looks_per_episode,
            "frames": len(motion),
        }
        commit(staging, job.out / "units" / unit_name(job.slot), facts)


def _encode(stem: Path, name: str, pictures: Frames, plan: Plan) -> dict[str, Array]:
    """Write a camera's videos; their histograms by `name`."""
    fps = plan.episode.control_hz
    encode_video(stem.with_name(f"{stem.name}.mp4"), pictures.rgb, fps, plan.codec)
    histograms = {name: image_histogram(pictures.rgb)}
    if DEPTH in plan.record:
        encode_depth(stem.with_name(f"{stem.name}.depth.mp4"), pictures.depth, fps)
        histograms[f"{name}.depth"] = depth_histogram(pictures.depth)
    return histograms


def load_look(directory: Path, index: int) -> Look:
    """The index-th look of a unit."""
    return from_json(Look, json.loads((directory / f"look-{index}.json").read_text()))


def _read_back(staging: Path, motion: Motion) -> None:
    """What was written gives the same motion again."""
    again = load_motion(staging)
    before, after = ({**m.columns, "": m.link_poses} for m in (motion, again))
    same = all(np.array_equal(before[name], after[name]) for name in before)
    if not same or to_json(again.spec) != to_json(motion.spec):
        raise RobokilnError(f"{staging.name}: the unit does not read back as it was written")
