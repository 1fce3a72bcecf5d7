"""The writer: episodes, in order, become one LeRobotDataset v3.0."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from robokiln.dataset import depth, layout, tables
from robokiln.dataset.layout import BOOKKEEPING, DatasetError
from robokiln.dataset.records import EpisodeRecord, check_record
from robokiln.dataset.shards import Shards
from robokiln.dataset.stats import image_stats, streamed_stats
from robokiln.dataset.video import PIXEL_FORMAT, SETTINGS
from robokiln.types import Array, Feature, lookup


def assemble(
    root: Path,
    records: Iterable[EpisodeRecord],
    features: Sequence[Feature],
    fps: int,
    robot_type: str,
    subtasks: Sequence[str],
    max_episode_steps: int,
    codec: str = "h264",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the dataset into `root`, which must not exist; equal records give equal bytes.

    `records` is walked twice and one of them is held at a time. `progress` is told (episodes done,
    episodes in all). meta/info.json comes last, so that an interrupted build is no dataset.
    """
    lookup("codec", codec, SETTINGS)
    _check_features(features)
    if iter(records) is records:
        raise TypeError("records must be iterable twice; got an iterator")
    if root.exists():
        raise DatasetError(f"{root}: already exists; a dataset is never written over")
    tasks, episodes = _tasks(records)
    if not episodes:
        raise DatasetError(f"{root}: there are no episodes to write")
    shards = Shards(root, (*features, *BOOKKEEPING), fps, tasks, max_episode_steps)
    for i, record in enumerate(records):
        check_record(record, features, f"episode {i}")
        shards.add(record)
        if progress is not None:
            progress(i + 1, episodes)
    shards.close()
    tables.write_names(root / layout.TASKS, "task_index", tasks)
    tables.write_names(root / layout.SUBTASKS, "subtask_index", subtasks)
    write_json(root / layout.STATS, _stats(shards))
    write_json(root / layout.INFO, _info(shards, fps, robot_type, len(tasks), codec))


def write_json(path: Path, value: Any) -> None:
    """Readable JSON, there completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".partial")
    unfinished.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def _check_features(features: Sequence[Feature]) -> None:
    names = [f.name for f in (*features, *BOOKKEEPING)]
    for feature in features:
        layout.checked_name("features", feature.name)
        if names.count(feature.name) > 1:
            raise DatasetError(f"feature '{feature.name}' is declared twice")
        if feature.dtype != "video":
            lookup(f"feature '{feature.name}': dtype", feature.dtype, tables.DTYPES)
            if len(feature.shape) != 1:
                raise DatasetError(f"feature '{feature.name}': expected a vector")


def _tasks(records: Iterable[EpisodeRecord]) -> tuple[list[str], int]:
    """The different instructions in order, and the number of records."""
    tasks, episodes = set(), 0
    for record in records:
        tasks.add(record.instruction)
        episodes += 1
    return sorted(tasks), episodes


def _stats(shards: Shards) -> dict[str, Any]:
    """Statistics of whole columns, each read back by itself and in parts."""
    stats = {}
    for feature in shards.features:
        if feature.dtype == "video":
            exact = image_stats(shards.histograms[feature.name], shards.frames)
        else:
            exact = streamed_stats(partial(_column, shards.data_files, feature))
        stats[feature.name] = {name: value.tolist() for name, value in exact.items()}
    return stats


def _column(files: Sequence[Path], feature: Feature) -> Iterator[Array]:
    for path in files:
        yield from tables.column_parts(path, feature)


def _info(shards: Shards, fps: int, robot_type: str, tasks: int, codec: str) -> dict[str, Any]:
    return {
        "codebase_version": layout.CODEBASE_VERSION,
        "robot_type": robot_type,
        "total_episodes": shards.episodes,
        "total_frames": shards.frames,
        "total_tasks": tasks,
        "chunks_size": layout.CHUNK_FILES,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": fps,
        "splits": {"train": f"0:{shards.episodes}"},
        "data_path": layout.DATA_PATH,
        "video_path": layout.VIDEO_PATH if shards.cameras else None,
        "features": {f.name: _feature_info(f, fps, codec) for f in shards.features},
    }


def _feature_info(feature: Feature, fps: int, codec: str) -> Mapping[str, Any]:
    names = None if feature.names is None else list(feature.names)
    entry = {"dtype": feature.dtype, "shape": list(feature.shape), "names": names}
    if feature.dtype != "video":
        return entry
    height, width, channels = feature.shape
    video: dict[str, Any] = {
        "video.height": height,
        "video.width": width,
        "video.codec": codec,
        "video.pix_fmt": PIXEL_FORMAT,
        "video.fps": fps,
        "video.channels": channels,
        "has_audio": False,
        "is_depth_map": False,
        **{f"video.{k}": v for k, v in (SETTINGS[codec] if channels == 3 else {}).items()},
        "video.fast_decode": 0,
        "video.video_backend": "pyav",
        "video.extra_options": {},
    }
    return entry | {"info": video if channels == 3 else video | depth.video_info()}
