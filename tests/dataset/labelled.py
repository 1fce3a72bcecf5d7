"""Small real datasets with every label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from written import CAMERAS, FPS, SUBTASKS, make_records

from robokiln import dataset
from robokiln.dataset import (
    Boxes,
    CameraLabels,
    EpisodeLabels,
    EpisodeRecord,
    assemble,
    depth_histogram,
    encode_depth,
    standard_features,
    to_runs,
    write_checksums,
)
from robokiln.types import Array

FEATURES = standard_features(CAMERAS, 7, depth=True)
LENGTHS = (21, 30, 12)


def scene_depth(rng: np.random.Generator, length: int) -> Array:
    """A tilted plane, a box in front of it that moves, noise, and a border where nothing is."""
    y, x = np.mgrid[0:32, 0:48]
    depth = np.repeat((0.4 + y / 30 + x / 60)[None], length, axis=0)
    for t in range(length):
        depth[t, 8:16, t % 40 : t % 40 + 8] = 0.3
    depth += rng.normal(0, 0.002, depth.shape)
    depth[:, :2] = 0
    return depth.astype(np.float32)


def segments(rng: np.random.Generator, length: int) -> Array:
    ids = np.zeros((length, 32, 48), np.uint16)
    for identity in (1, 2, 7, 40_000):
        for t in range(length):
            y, x = rng.integers(0, 24), rng.integers(0, 40)
            ids[t, y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] = identity
    return ids


def boxes(ids: Array) -> Boxes:
    """Of everything visible, as if each thing went on for two pixels more to the right."""
    rows = []
    for t, picture in enumerate(ids):
        for identity in np.unique(picture[picture > 0]):
            y, x = np.nonzero(picture == identity)
            box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
            rows.append([t, identity, *box, len(x), *box[:2], box[2] + 2, box[3], 2 * len(x)])
    table = np.array(rows, np.int32)
    box, pixels, amodal, all_pixels = table[:, 2:6], table[:, 6], table[:, 7:11], table[:, 11]
    return Boxes(table[:, 0], table[:, 1].astype(np.uint16), box, pixels, amodal, all_pixels)


def shown(ids: Array) -> Array:
    """How many pixels show each of the first three ids."""
    counts = [[(picture == identity).sum() for identity in (1, 2, 3)] for picture in ids]
    return np.array(counts, np.int32)


def make_labelled(folder: Path) -> tuple[list[EpisodeRecord], list[dict[str, dict[str, Array]]]]:
    """Records with every label, and what was put into them by kind and camera."""
    records, truth = [], []
    for episode, record in enumerate(make_records(folder, LENGTHS)):
        rng, steps = np.random.default_rng(100 + episode), len(record)
        depths = {c.name: scene_depth(rng, steps) for c in CAMERAS}
        ids = {c.name: segments(rng, steps) for c in CAMERAS}
        poses = {c.name: rng.normal(size=(steps, 7)).astype(np.float32) for c in CAMERAS}
        videos, histograms = dict(record.videos), dict(record.histograms)
        for name, depth in depths.items():
            feature = f"{dataset.IMAGES}{name}{dataset.DEPTH}"
            videos[feature] = folder / f"{episode}-{feature}.mp4"
            encode_depth(videos[feature], depth, FPS)
            histograms[feature] = depth_histogram(depth)
        lens = np.tile(np.float32([50, 51, 24, 16]), (steps, 1))
        cameras = {
            n: CameraLabels(poses[n], lens, shown(ids[n]), to_runs(ids[n]), boxes(ids[n]))
            for n in ids
        }
        links = rng.normal(size=(steps, 5 + episode, 7)).astype(np.float32)
        contacts = rng.integers(-1, 4, (steps, 2)).astype(np.int16)
        labels = EpisodeLabels(links, contacts, cameras)
        records.append(replace(record, videos=videos, histograms=histograms, labels=labels))
        truth.append({"depth": depths, "ids": ids, "poses": poses})
    return records, truth


def write_labelled(root: Path, records: list[EpisodeRecord]) -> Path:
    assemble(root, records, FEATURES, FPS, "panda", SUBTASKS, 110)
    write_checksums(root)
    return root
