"""Real scenes, rollouts and a small dataset that this folder's tests share."""

from __future__ import annotations

from pathlib import Path

from robokiln.dataset import (
    IMAGES,
    EpisodeRecord,
    assemble,
    encode_video,
    image_histogram,
    standard_features,
    write_cameras,
    write_checksums,
)
from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.frames import LookConfig, render, sample_look
from robokiln.geometry import look_at
from robokiln.kiln.columns import columns, recorded_camera
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.refused import SceneRefused
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Actor, Camera, Episode, SceneSpec

TASK = tasks.get("pick_place")
CONFIG = EpisodeConfig()
CAMERAS = (
    Camera("front", 48, 48, 42.0, look_at((0.98, 0.0, 0.80), (0.44, 0.0, 0.02))),
    Camera("wrist", 48, 48, 75.0, (0.06, 0.0, 0.02, 0.0, 0.0, 0.0, 1.0), "panda_hand"),
)


def scene(world: BulletWorld, slot: int, task: str = "pick_place") -> SceneSpec:
    """A settled scene of the held-out range; those of pick_place settle at once."""
    robot, found = robots.get("panda"), tasks.get(task)
    for attempt in range(20):
        where = (Domain.EVALUATION, 0, slot, attempt)
        try:
            return draw_scene(world, found, robot, CAMERAS, SceneConfig(), *where)
        except SceneRefused:
            continue
    raise AssertionError(f"{task}: 20 scenes refused")


def roll_out(world: BulletWorld, spec: SceneSpec, actor: Actor | None = None) -> Episode:
    """The expert's rollout, or another actor's."""
    return run(world, TASK, spec, actor or Expert(TASK, spec, CONFIG), CONFIG)


def write_dataset(root: Path, world: BulletWorld, count: int) -> Path:
    """Expert demonstrations, rendered and assembled in this process."""
    records = [_record(root.parent, world, slot) for slot in range(count)]
    features = standard_features(CAMERAS, 7)
    limit = CONFIG.limit(TASK.horizon)
    assemble(root, records, features, CONFIG.control_hz, "panda", TASK.phases, limit)
    write_cameras(root, [recorded_camera(c, robots.get("panda")) for c in CAMERAS])
    write_checksums(root)
    return root


def _record(folder: Path, world: BulletWorld, slot: int) -> EpisodeRecord:
    spec = scene(world, slot)
    episode = roll_out(world, spec)
    look = sample_look(spec, generator(Domain.EVALUATION, 0, slot, 0, Stream.LOOK), LookConfig())
    videos, histograms = {}, {}
    for camera, frames in render(spec, episode.link_poses, look).items():
        videos[IMAGES + camera] = folder / f"{slot}-{camera}.mp4"
        encode_video(videos[IMAGES + camera], frames.rgb, CONFIG.control_hz)
        histograms[IMAGES + camera] = image_histogram(frames.rgb)
    return EpisodeRecord(columns(episode), spec.instruction, videos, histograms, {"slot": slot})
