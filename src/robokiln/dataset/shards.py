"""Files that grow episode by episode: frames, videos, and the table of episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from robokiln.dataset import layout, tables
from robokiln.dataset.depth import CODES
from robokiln.dataset.label_tables import LabelShards
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.records import EpisodeRecord
from robokiln.dataset.stats import column_stats, image_stats
from robokiln.dataset.video import concatenate
from robokiln.types import Array, Feature

DATA_EPISODES = 500
"""Episodes in a Parquet file; a fixed number, never a size in bytes, so that shards repeat."""
META_EPISODES = 1000
VIDEO_EPISODES = 500
VIDEO_SECONDS = 1024
"""Timestamps in float32 are exact to 1e-4 s up to here."""


def episodes_per_video(fps: int, max_episode_steps: int) -> int:
    """How many episodes share a video file, whatever their lengths turn out to be."""
    fitting = VIDEO_SECONDS * fps // max_episode_steps
    if fitting < 1:
        raise DatasetError(
            f"max_episode_steps {max_episode_steps} refused; expected at most {VIDEO_SECONDS * fps}"
        )
    return min(fitting, VIDEO_EPISODES)


class Shards:
    """Takes records in order; `close` writes what is still open.

    `features` are all of the dataset's, bookkeeping included. Afterwards `frames` is the number of
    rows, `histograms` the sum of each camera's.
    """

    def __init__(
        self, root: Path, features: Sequence[Feature], fps: int, tasks: Sequence[str], steps: int
    ) -> None:
        self.root = root
        self.features = features
        self.cameras = [f.name for f in features if f.dtype == "video"]
        self.histograms = {f.name: _empty_histogram(f) for f in features if f.dtype == "video"}
        self.frames = self.episodes = 0
        self.data_files: list[Path] = []
        self._fps = fps
        self._steps = steps
        self._task_index = {task: i for i, task in enumerate(tasks)}
        self._per_video = episodes_per_video(fps, steps)
        self._schema = tables.data_schema(features)
        self._data: pq.ParquetWriter | None = None
        self._extra_types: dict[str, type] = {}
        self._rows: list[dict[str, Any]] = []
        self._video_parts: list[tuple[Mapping[str, Path], int]] = []
        self._labels = LabelShards(root)

    def add(self, record: EpisodeRecord) -> None:
        """Append one episode."""
        episode, length = self.episodes, len(record)
        if length > self._steps:
            raise DatasetError(f"episode {episode}: {length} frames; at most {self._steps} fit")
        if episode and episode % self._per_video == 0:
            self._flush_videos()
        if episode and episode % META_EPISODES == 0:
            self._flush_rows()
        columns = {**record.columns, **self._bookkeeping(record)}
        self._write_data(columns)
        if record.labels is not None:
            self._labels.add(episode, record.labels)
        self._rows.append(self._row(record, columns))
        self._video_parts.append((record.videos, length))
        for camera in self.cameras:
            self.histograms[camera] += record.histograms[camera]
        self.episodes += 1
        self.frames += length

    def close(self) -> None:
        """Finish every open file."""
        self._flush_videos()
        self._flush_rows()
        self._labels.close()
        if self._data is not None:
            self._data.close()

    def _bookkeeping(self, record: EpisodeRecord) -> dict[str, Array]:
        steps = np.arange(len(record))
        return {
            "timestamp": (steps / self._fps).astype(np.float32),
            "frame_index": steps,
            "episode_index": np.full(len(record), self.episodes),
            "index": steps + self.frames,
            "task_index": np.full(len(record), self._task_index[record.instruction]),
        }

    def _write_data(self, columns: Mapping[str, Array]) -> None:
        if self.episodes % DATA_EPISODES == 0:
            if self._data is not None:
                self._data.close()
            where = layout.location(self.episodes // DATA_EPISODES)
            self.data_files.append(layout.fill(self.root, layout.DATA_PATH, *where))
            self._data = tables.writer(self.data_files[-1], self._schema)
        assert self._data is not None
        self._data.write_table(tables.frame_table(columns, self._schema))

    def _row(self, record: EpisodeRecord, columns: Mapping[str, Array]) -> dict[str, Any]:
        """One episode's entry of meta/episodes."""
        chunk, file = layout.location(self.episodes // DATA_EPISODES)
        row: dict[str, Any] = {
            "episode_index": self.episodes,
            "tasks": [record.instruction],
            "length": len(record),
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": self.frames,
            "dataset_to_index": self.frames + len(record),
        }
        first = sum(length for _, length in self._video_parts)
        chunk, file = layout.location(self.episodes // self._per_video)
        for camera in self.cameras:
            row[f"videos/{camera}/chunk_index"] = chunk
            row[f"videos/{camera}/file_index"] = file
            row[f"videos/{camera}/from_timestamp"] = first / self._fps
            row[f"videos/{camera}/to_timestamp"] = (first + len(record)) / self._fps
        for feature in self.features:
            stats = (
                image_stats(record.histograms[feature.name], len(record))
                if feature.dtype == "video"
                else column_stats(columns[feature.name])
            )
            row |= {f"stats/{feature.name}/{k}": v for k, v in stats.items()}
        chunk, file = layout.location(self.episodes // META_EPISODES)
        row |= {"meta/episodes/chunk_index": chunk, "meta/episodes/file_index": file}
        return row | self._extra(record, row)

    def _extra(self, record: EpisodeRecord, row: Mapping[str, Any]) -> dict[str, Any]:
        """The record's own columns: one schema for all episodes, none of the format's names."""
        where = f"episode {self.episodes}"
        for name in record.extra:
            if name in row or "/" in name:
                raise DatasetError(f"{where}: extra column '{name}' is the format's own")
        types = {name: type(value) for name, value in record.extra.items()}
        self._extra_types = self._extra_types or types
        if types != self._extra_types:
            raise DatasetError(f"{where}: extra columns differ from those of episode 0")
        return dict(record.extra)

    def _flush_rows(self) -> None:
        where = layout.location((self.episodes - 1) // META_EPISODES)
        path = layout.fill(self.root, layout.EPISODES_PATH, *where)
        tables.write_episodes(path, self._rows, self.cameras)
        self._rows = []

    def _flush_videos(self) -> None:
        where = layout.location((self.episodes - 1) // self._per_video)
        for camera in self.cameras:
            path = layout.fill(self.root, layout.VIDEO_PATH, *where, video_key=camera)
            path.parent.mkdir(parents=True, exist_ok=True)
            parts = [videos[camera] for videos, _ in self._video_parts]
            counts = concatenate(path, parts, self._fps)
            for part, count, (_, length) in zip(parts, counts, self._video_parts, strict=True):
                if count != length:
                    raise DatasetError(f"{part}: {count} frames; its episode has {length}")
        self._video_parts = []


def _empty_histogram(video: Feature) -> Array:
    return np.zeros((3, 256) if video.shape[2] == 3 else (1, CODES), np.int64)
