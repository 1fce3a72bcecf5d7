"""What assembling a dataset costs: time, memory and bytes, by the number of episodes.

    python benchmarks/assembly.py --episodes 1000 2000 5000 10000 --json out/assembly.json

Each count is assembled and checksummed in a process of its own, from a few videos of 32 x 32 that
all episodes share and columns made from the episode's number, on one thread. `memory` is the peak
of that process, `imports` what it had before the first episode. A second process then computes the
same columns' statistics by numpy over whole columns, all of them in memory: what one would write
instead. `ratio` compares with the smallest count.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from robokiln import dataset
from robokiln.dataset import CameraLabels, EpisodeLabels, EpisodeRecord
from robokiln.geometry import IDENTITY
from robokiln.types import Array, Camera

FPS = 20
LENGTHS = (24, 36, 48, 60)
CAMERAS = tuple(Camera(name, 32, 32, 60.0, IDENTITY) for name in ("front", "wrist"))
FEATURES = dataset.standard_features(CAMERAS, 7)
PLAIN = [f for f in FEATURES if f.dtype != "video"]
LINKS = 14
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Clip:
    """A video, its frames and its histogram."""

    path: Path
    length: int
    histogram: Array


def write_clips(folder: Path) -> list[Clip]:
    """One clip a length: a square that moves over a gradient."""
    clips = []
    for length in LENGTHS:
        frames = np.zeros((length, 32, 32, 3), np.uint8)
        frames[:] = np.mgrid[0:32, 0:32].sum(axis=0)[..., None] * 3
        for t in range(length):
            frames[t, 8:16, t % 24 : t % 24 + 8] = (200, 40, 4 * t)
        path = folder / f"{length}.mp4"
        dataset.encode_video(path, frames, FPS)
        clips.append(Clip(path, length, dataset.image_histogram(frames)))
    return clips


@dataclass(frozen=True)
class Episodes:
    """Records made when they are asked for, the same in every walk."""

    count: int
    clips: list[Clip]

    def __iter__(self) -> Iterator[EpisodeRecord]:
        for number in range(self.count):
            yield _record(number, self.clips[number % len(self.clips)])


def _record(number: int, clip: Clip) -> EpisodeRecord:
    rng, steps = np.random.default_rng(number), clip.length
    columns: dict[str, Array] = {
        f.name: rng.normal(0, 0.05, (steps, *f.shape)).cumsum(axis=0).astype(np.float32)
        for f in PLAIN
        if f.dtype == "float32"
    }
    columns[dataset.SUBTASK] = np.sort(rng.integers(0, 3, steps))
    views = [f.name for f in FEATURES if f.dtype == "video"]
    return EpisodeRecord(
        columns,
        f"put cube {number % 6} into the bowl",
        dict.fromkeys(views, clip.path),
        dict.fromkeys(views, clip.histogram),
        {"slot": number, "attempt": 0, "look": 0, "success": True},
        _labels(rng, steps),
    )


def _labels(rng: np.random.Generator, steps: int) -> EpisodeLabels:
    lens = np.tile(np.float32([28, 28, 16, 16]), (steps, 1))
    poses = {c.name: rng.normal(size=(steps, 7)).astype(np.float32) for c in CAMERAS}
    links = rng.normal(size=(steps, LINKS, 7)).astype(np.float32)
    contacts = rng.integers(-1, 4, (steps, 2)).astype(np.int16)
    return EpisodeLabels(
        links, contacts, {name: CameraLabels(pose, lens) for name, pose in poses.items()}
    )


def assemble(root: Path, episodes: Episodes) -> None:
    """As publishing does, but for the card."""
    phases = ("reach", "grasp", "place")
    dataset.assemble(root, episodes, FEATURES, FPS, "panda", phases, max(LENGTHS))
    dataset.write_checksums(root)


def whole_columns(root: Path, episodes: Episodes) -> None:
    """All columns of a dataset in memory, and numpy's statistics of them."""
    files = sorted((root / "data").glob("*/*.parquet"))
    for column in pq.read_table(files).columns:
        flat = column.combine_chunks()
        while hasattr(flat.type, "value_type"):
            flat = flat.flatten()
        values = flat.to_numpy().reshape(len(column), -1).astype(np.float64)
        _ = values.min(axis=0), values.max(axis=0), values.mean(axis=0), values.std(axis=0)
        np.quantile(values, QUANTILES, axis=0)


JOBS = {"robokiln": assemble, "numpy, whole columns": whole_columns}


def _measured(job: str, root: Path, count: int, clips: list[Clip]) -> dict[str, float]:
    """In a fresh process, whose peak of memory is its own."""
    imports = _peak()
    start, cpu = time.perf_counter(), time.process_time()
    JOBS[job](root, Episodes(count, clips))
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
        "memory_mb": _peak(),
        "imports_mb": imports,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(count: int, folder: Path, clips: list[Clip]) -> list[dict[str, Any]]:
    """The rows of one count."""
    root, rows = folder / str(count), []
    for job in JOBS:
        fresh = multiprocessing.get_context("spawn")
        with fresh.Pool(1) as pool:
            facts = pool.apply(_measured, (job, root, count, clips))
        rows.append({"episodes": count, "what": job, **facts})
    written = sum((root / name).stat().st_size for name in dataset_names(root))
    rows[0]["bytes_per_episode"] = written / count
    return rows


def dataset_names(root: Path) -> list[str]:
    """The files that the checksums list."""
    lines = (root / dataset.CHECKSUMS).read_text().splitlines()
    return [line.partition("  ")[2] for line in lines]


def show(row: dict[str, Any], first: dict[str, Any]) -> None:
    """A line of the table."""
    print(
        f"{row['episodes']:>8}  {row['what']:<22}"
        f"{row['seconds']:>9.1f} s {row['cpu_seconds']:>9.1f} s CPU"
        f"{row['seconds'] / first['seconds']:>8.2f} x"
        f"{row['memory_mb']:>9.0f} MB{row['memory_mb'] / first['memory_mb']:>7.2f} x"
        + (f"{row['bytes_per_episode']:>9.0f} bytes/episode" if "bytes_per_episode" in row else ""),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--episodes", type=int, nargs="+", default=[1000, 2000, 5000, 10000])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        clips = write_clips(Path(folder))
        for count in sorted(options.episodes):
            rows += compare(count, Path(folder), clips)
            for row, first in zip(rows[-len(JOBS) :], rows, strict=False):
                show(row, first)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
