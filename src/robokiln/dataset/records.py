"""What the writer is handed for each episode, checked against the dataset's features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robokiln.dataset.labels import EpisodeLabels
from robokiln.dataset.layout import DatasetError
from robokiln.types import Array, Feature


@dataclass(frozen=True)
class EpisodeRecord:
    """One finished episode of T frames.

    `columns` holds [T] or [T, n] for exactly the features that are neither video nor bookkeeping;
    `videos` an MP4 by feature; `histograms` the int64 [3, 256] of each video's pictures, [1, 4096]
    of depth; `extra` columns of meta/episodes (seed, attempt, success), alike in every record;
    `labels`, in all records or in none, go to labels/.
    """

    columns: Mapping[str, Array]
    instruction: str
    videos: Mapping[str, Path]
    histograms: Mapping[str, Array]
    extra: Mapping[str, int | float | str | bool]
    labels: EpisodeLabels | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def check_record(record: EpisodeRecord, features: Sequence[Feature], where: str) -> None:
    """An error that names the first way in which a record does not fit the features."""
    plain = {f.name: f for f in features if f.dtype != "video"}
    cameras = {f.name for f in features if f.dtype == "video"}
    _same_names(where, "columns", set(record.columns), set(plain))
    _same_names(where, "videos", set(record.videos), cameras)
    _same_names(where, "histograms", set(record.histograms), cameras)
    if not record.instruction.strip():
        raise DatasetError(f"{where}: the instruction is empty")
    for name, value in record.extra.items():
        if type(value) not in (bool, int, float, str):
            raise DatasetError(
                f"{where}: extra column '{name}' expected bool, int, float or str, "
                f"got {type(value).__name__}"
            )
    if record.labels is not None:
        _check_labels(record.labels, len(record), where)
    for name, feature in plain.items():
        values = record.columns[name]
        scalar = feature.shape == (1,)
        shape = (len(record),) if scalar and values.ndim == 1 else (len(record), *feature.shape)
        if values.shape != shape or values.dtype != np.dtype(feature.dtype) or not len(values):
            raise DatasetError(
                f"{where}: column '{name}' expected {feature.dtype} {list(shape)}, "
                f"got {values.dtype} {list(values.shape)}"
            )
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DatasetError(f"{where}: column '{name}' holds a value that is not finite")


def _check_labels(labels: EpisodeLabels, steps: int, where: str) -> None:
    poses = labels.link_poses
    if poses.dtype != np.float32 or poses.ndim != 3 or len(poses) != steps or poses.shape[2] != 7:
        raise DatasetError(
            f"{where}: link_poses expected float32 [{steps}, L, 7], "
            f"got {poses.dtype} {list(poses.shape)}"
        )
    for name, camera in labels.cameras.items():
        runs = camera.segmentation
        lengths = (
            len(camera.pose),
            len(camera.intrinsics),
            len(camera.pixels),
            steps if runs is None else len(runs.counts),
        )
        if lengths != (steps,) * 4:
            raise DatasetError(
                f"{where}: labels of camera '{name}' have {lengths} frames, not {steps}"
            )


def _same_names(where: str, kind: str, got: set[str], expected: set[str]) -> None:
    for problem, names in (("lacks", expected - got), ("has unknown", got - expected)):
        if names:
            raise DatasetError(f"{where}: {problem} {kind} {', '.join(sorted(names))}")
