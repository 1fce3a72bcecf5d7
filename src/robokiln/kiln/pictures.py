"""The files of a motion's looks: videos, labels and histograms, one look's pictures at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.dataset import depth_histogram, encode_depth, encode_video, image_histogram
from robokiln.files import write_json
from robokiln.frames import Capture, Renderer, object_labels
from robokiln.frames.renderer import scene_cameras
from robokiln.kiln.clock import Clock
from robokiln.kiln.labels import BOXES, DEPTH, SEGMENTATION, camera_labels, pack
from robokiln.kiln.motion import Motion
from robokiln.kiln.picture_gates import check_pictures
from robokiln.kiln.plan import Plan
from robokiln.seeds import Draws
from robokiln.types import Array, Camera, Frames, Look


@dataclass(frozen=True)
class Appearance:
    """How a motion's index-th pictures come about: the look, and the cameras' noise."""

    look: Callable[[int], Look]
    draws: Callable[[int], Draws]


def write_looks(
    staging: Path, plan: Plan, motion: Motion, appearance: Appearance, clock: Clock
) -> str:
    """Write all looks into `staging`; the reason if a gate refuses one, which leaves what was
    written before it."""
    histograms: dict[str, Any] = {}
    for index in range(plan.looks_per_episode):
        with clock.stage("render"):
            look = appearance.look(index)
            cameras = scene_cameras(motion.spec, look)
            draws = appearance.draws(index)
            capture = Capture(motion.spec, look, plan.sensors, draws, plan.antialias, cameras)
            frames = capture.frames(motion.link_poses)
        with clock.stage("gate"):
            poses = motion.link_poses
            reason = check_pictures(motion.spec, cameras, poses, frames, plan.gates)
        if reason:
            return reason
        stem = staging / f"look-{index}"
        write_json(stem.with_suffix(".json"), look)
        histograms |= _write_look(stem, index, plan, motion, look, cameras, frames, clock)
    np.savez_compressed(staging / "histograms.npz", **histograms)
    return ""


def _write_look(
    stem: Path,
    index: int,
    plan: Plan,
    motion: Motion,
    look: Look,
    cameras: tuple[Camera, ...],
    frames: dict[str, Frames],
    clock: Clock,
) -> dict[str, Array]:
    """Videos and labels of one look; the histograms. A camera's frames are dropped once they are
    written."""
    objects, labels = {}, {}
    histograms: dict[str, Array] = {}
    with clock.stage("label"):
        if BOXES in plan.record:
            renderer = Renderer(motion.spec, look)
            objects = object_labels(renderer, motion.link_poses, frames, cameras)
    for camera in cameras:
        pictures = frames.pop(camera.name)
        with clock.stage("encode"):
            video = stem.with_name(f"{stem.name}.{camera.name}")
            histograms |= _encode(video, f"{index}.{camera.name}", pictures, plan)
        with clock.stage("label"):
            labels[camera.name] = camera_labels(
                motion.spec,
                camera,
                motion.link_poses,
                pictures.segmentation,
                objects.get(camera.name),
                whole=SEGMENTATION in plan.record,
            )
    packed: dict[str, Any] = pack(labels)
    np.savez_compressed(stem.with_suffix(".labels.npz"), **packed)
    return histograms


def _encode(stem: Path, name: str, pictures: Frames, plan: Plan) -> dict[str, Array]:
    """Write a camera's videos; their histograms by `name`."""
    fps = plan.episode.control_hz
    encode_video(stem.with_name(f"{stem.name}.mp4"), pictures.rgb, fps, plan.codec)
    histograms = {name: image_histogram(pictures.rgb)}
    if DEPTH in plan.record:
        encode_depth(stem.with_name(f"{stem.name}.depth.mp4"), pictures.depth, fps)
        histograms[f"{name}.depth"] = depth_histogram(pictures.depth)
    return histograms
