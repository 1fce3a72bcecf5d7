"""LeRobotDataset v2.1: a Parquet file and an MP4 per camera for each episode; for GR00T and openpi.

The layout of lerobot 0.3.x, with meta/modality.json, which Isaac-GR00T asks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robokiln.dataset import layout, tables
from robokiln.dataset.assemble import write_json
from robokiln.dataset.checksums import write_checksums
from robokiln.dataset.exports.common import (
    Progress,
    Rows,
    episode_rows,
    instruction,
    left_out,
    opened,
    vectors,
    write_provenance,
)
from robokiln.dataset.exports.modality import modality
from robokiln.dataset.info import load_json
from robokiln.dataset.reader import Dataset
from robokiln.dataset.stats import column_stats, image_stats
from robokiln.dataset.video import cut, encode_video, image_histogram
from robokiln.files import new_directory, write_json_lines
from robokiln.types import Array, Feature

VERSION = "v2.1"
CHUNK = 1000
DATA = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
STATS = ("min", "max", "mean", "std", "count")
"""What v2.1 keeps of each episode."""


def export_lerobot21(root: Path, out: Path, progress: Progress) -> Rows:
    """Write `out`; videos are copied, or encoded again where an episode begins between key frames.

    Depth is left out: the format has none. Labels stay with the source.
    """
    data = opened(root)
    kept = vectors(data)
    videos = data.info.videos
    encoded = 0
    with new_directory(out) as new:
        meta = new / "meta"
        meta.mkdir()
        with (
            (meta / "episodes.jsonl").open("w", encoding="utf-8") as episodes,
            (meta / "episodes_stats.jsonl").open("w", encoding="utf-8") as stats,
        ):
            for episode, recorded in enumerate(episode_rows(root, _is_image_stat(videos))):
                rows = data.rows(episode)
                _write_rows(_path(new, DATA, episode), rows, kept)
                encoded += sum(_write_video(data, v, episode, new) for v in videos)
                text = instruction(data, rows, episode)
                entry = {"tasks": [text], "length": len(rows["index"])}
                print(_line(episode, entry), file=episodes)
                pictures = {v: _picture_stats(data, v, episode, recorded) for v in videos}
                numbers = {f.name: _only(column_stats(rows[f.name])) for f in kept}
                print(_line(episode, {"stats": pictures | numbers}), file=stats)
                progress(episode + 1, data.info.episodes)
        tasks = [{"task_index": i, "task": text} for i, text in enumerate(data.info.tasks)]
        write_json_lines(meta / "tasks.jsonl", tasks)
        write_json(meta / "modality.json", modality(kept, videos))
        write_json(new / layout.STATS, _kept(load_json(root / layout.STATS), kept, videos))
        write_provenance(data, f"LeRobotDataset {VERSION}", new)
        write_json(new / layout.INFO, _info(data, kept, videos))
        write_checksums(new)
    return [
        ("episodes, frames", f"{data.info.episodes}, {data.info.frames}"),
        (
            "videos copied, encoded again",
            f"{len(videos) * data.info.episodes - encoded}, {encoded}",
        ),
        ("left out", left_out(data, kept, videos)),
    ]


def _path(root: Path, template: str, episode: int, video: str = "") -> Path:
    path = root / template.format(
        episode_chunk=episode // CHUNK, episode_index=episode, video_key=video
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _line(episode: int, entry: Mapping[str, Any]) -> str:
    return json.dumps({"episode_index": episode, **entry}, allow_nan=False)


def _write_rows(path: Path, rows: Mapping[str, Array], kept: Sequence[Feature]) -> None:
    schema = tables.data_schema(kept).with_metadata({"huggingface": _hugging_face(kept)})
    with tables.writer(path, schema) as out:
        out.write_table(tables.frame_table(rows, schema))


def _hugging_face(kept: Sequence[Feature]) -> str:
    """As `datasets` 3 understands it, which lerobot 0.3 comes with: it knows no "List"."""

    def described(feature: Feature) -> dict[str, Any]:
        value = {"dtype": feature.dtype, "_type": "Value"}
        if feature.shape == (1,):
            return value
        return {"feature": value, "length": feature.shape[0], "_type": "Sequence"}

    return json.dumps({"info": {"features": {f.name: described(f) for f in kept}}})


def _write_video(data: Dataset, video: str, episode: int, new: Path) -> bool:
    """Whether it had to be encoded again."""
    path = _path(new, VIDEO, episode, video)
    source, first, count = data.video_place(video, episode)
    if cut(path, source, first, count, data.info.fps):
        return False
    encode_video(path, data.video(video, episode), data.info.fps)
    return True


def _is_image_stat(videos: Sequence[str]) -> Callable[[str], bool]:
    wanted = {f"stats/{video}/{stat}" for video in videos for stat in STATS}
    return lambda name: name in wanted or name == "episode_index"


def _picture_stats(
    data: Dataset, video: str, episode: int, recorded: Mapping[str, Any]
) -> dict[str, Any]:
    """Those that the source recorded, else of the pictures themselves."""
    found = {stat: recorded.get(f"stats/{video}/{stat}") for stat in STATS}
    if all(value is not None for value in found.values()):
        return found
    pictures = data.video(video, episode)
    return _only(image_stats(image_histogram(pictures), len(pictures)))


def _only(stats: Mapping[str, Array]) -> dict[str, Any]:
    return {name: stats[name].tolist() for name in STATS}


def _info(data: Dataset, kept: Sequence[Feature], videos: Sequence[str]) -> dict[str, Any]:
    """The source's entries of the features that are kept, names and codecs included."""
    source = load_json(data.info.root / layout.INFO)
    count = data.info.episodes
    return {
        "codebase_version": VERSION,
        "robot_type": data.info.robot_type,
        "total_episodes": count,
        "total_frames": data.info.frames,
        "total_tasks": len(data.info.tasks),
        "total_videos": count * len(videos),
        "total_chunks": -(-count // CHUNK),
        "chunks_size": CHUNK,
        "fps": data.info.fps,
        "splits": {"train": f"0:{count}"},
        "data_path": DATA,
        "video_path": VIDEO if videos else None,
        "features": _kept(source["features"], kept, videos),
    }


def _kept(
    entries: Mapping[str, Any], kept: Sequence[Feature], videos: Sequence[str]
) -> dict[str, Any]:
    """Those of the columns that the export has."""
    have = {f.name for f in kept} | set(videos)
    return {name: entry for name, entry in entries.items() if name in have}
