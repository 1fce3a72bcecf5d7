"""Small real datasets: random walks, and pictures of a moving blob."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robokiln.dataset import (
    EpisodeRecord,
    assemble,
    encode_video,
    image_histogram,
    standard_features,
    write_checksums,
)
from robokiln.geometry import IDENTITY
from robokiln.types import Array, Camera, Feature

FPS = 20
SUBTASKS = ("reach", "grasp", "place")
CAMERAS = (
    Camera("front", 48, 32, 60.0, IDENTITY),
    Camera("wrist", 48, 32, 60.0, IDENTITY, "panda_hand"),
)
FEATURES = standard_features(CAMERAS, 7)
TASKS = ("put the red cube into the bowl", "put the blue cube into the bowl")


def pictures(rng: np.random.Generator, length: int, height: int = 32, width: int = 48) -> Array:
    """A smooth background that differs between episodes, and a square that moves over it."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x / width, y / height, (x + y) / (height + width)], -1) * rng.uniform(80, 200)
    frames = np.repeat(base[None], length, axis=0).astype(np.uint8)
    for t in range(length):
        column = (5 + 2 * t) % (width - 8)
        frames[t, 8:16, column : column + 8] = rng.integers(0, 255, 3)
    return frames


def columns(
    rng: np.random.Generator, length: int, features: tuple[Feature, ...]
) -> dict[str, Array]:
    """Random walks, and subtasks in order."""
    walks = {
        f.name: rng.normal(0, 0.05, (length, *f.shape)).cumsum(axis=0).astype(np.float32)
        for f in features
        if f.dtype == "float32"
    }
    return {**walks, "subtask_index": np.sort(rng.integers(0, len(SUBTASKS), length))}


def make_records(
    folder: Path, lengths: tuple[int, ...], codec: str = "h264"
) -> list[EpisodeRecord]:
    """One record a length; episodes alternate between two tasks."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for episode, length in enumerate(lengths):
        rng = np.random.default_rng(episode)
        videos, histograms = {}, {}
        for feature in (f for f in FEATURES if f.dtype == "video"):
            frames = pictures(rng, length)
            videos[feature.name] = folder / f"{episode}-{feature.name}.mp4"
            encode_video(videos[feature.name], frames, FPS, codec)
            histograms[feature.name] = image_histogram(frames)
        extra = {"seed": 7, "slot": episode, "success": True, "score": 0.5, "look": "plain"}
        records.append(
            EpisodeRecord(
                columns(rng, length, FEATURES), TASKS[episode % 2], videos, histograms, extra
            )
        )
    return records


def write(
    root: Path, records: list[EpisodeRecord], max_steps: int = 50, codec: str = "h264"
) -> Path:
    """A complete dataset with its checksums."""
    assemble(root, records, FEATURES, FPS, "panda", SUBTASKS, max_steps, codec)
    write_checksums(root)
    return root
