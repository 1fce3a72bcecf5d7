"""What the meta/ folder says, parsed without trust: every surprise is an error naming the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.dataset import layout, tables
from robokiln.dataset.checksums import dataset_files
from robokiln.dataset.depth import readable
from robokiln.dataset.layout import BOOKKEEPING, DatasetError
from robokiln.serial import parse_json, shown
from robokiln.types import Array, Feature

MAX_JSON = 64 * 2**20
MOST = 10**9
"""Frames, episodes or tasks: more than that is no dataset, but could fill the memory."""
MAX_SIDE = 16384
"""Pixels of a picture's side."""


@dataclass(frozen=True)
class DatasetInfo:
    """meta/info.json and the tasks; `features` are in the file's order."""

    root: Path
    fps: int
    robot_type: str
    episodes: int
    frames: int
    features: tuple[Feature, ...]
    tasks: tuple[str, ...]
    data_path: str
    video_path: str

    @property
    def videos(self) -> tuple[str, ...]:
        """Names of the features that are color video."""
        return tuple(f.name for f in self.features if f.dtype == "video" and f.shape[2] == 3)

    @property
    def depths(self) -> tuple[str, ...]:
        """Names of the features that are depth video."""
        return tuple(f.name for f in self.features if f.dtype == "video" and f.shape[2] == 1)

    def data_file(self, chunk: int, file: int) -> Path:
        """A Parquet file of frames."""
        return layout.fill(self.root, self.data_path, chunk, file)

    def video_file(self, feature: str, chunk: int, file: int) -> Path:
        """An MP4 file of a video feature."""
        return layout.fill(self.root, self.video_path, chunk, file, feature)


@dataclass(frozen=True)
class EpisodeIndex:
    """Where each of E episodes lies.

    `bounds` [E, 2]: first row and the row after the last; `data` [E, 2]: chunk and file; `video`
    by feature [E, 3]: chunk, file, and the number of its first frame in that file.
    """

    bounds: Array
    data: Array
    video: Mapping[str, Array]

    @property
    def lengths(self) -> Array:
        """Frames of each episode [E]."""
        return self.bounds[:, 1] - self.bounds[:, 0]


def load_info(root: Path) -> DatasetInfo:
    """Parse meta/info.json and meta/tasks.parquet."""
    if not root.is_dir():
        raise DatasetError(f"{root}: is not a directory")
    path = root / layout.INFO
    if not path.is_file():
        raise DatasetError(
            f"{root}: not a LeRobot dataset, or an unfinished one: {layout.INFO} is missing"
        )
    dataset_files(root)  # no link is followed, not even to read
    raw = load_json(path)
    if not isinstance(raw, dict):
        raise DatasetError(f"{path}: expected an object")
    _check_version(path, raw.get("codebase_version"))
    features = _features(path, raw.get("features"))
    has_video = any(f.dtype == "video" for f in features)
    tasks = tables.read_names(root / layout.TASKS, "task_index")
    info = DatasetInfo(
        root=root,
        fps=_count(path, raw, "fps", 1),
        robot_type=str(raw.get("robot_type") or ""),
        episodes=_count(path, raw, "total_episodes", 1),
        frames=_count(path, raw, "total_frames", 1),
        features=features,
        tasks=tasks,
        data_path=layout.checked_template(str(path), raw.get("data_path")),
        video_path=layout.checked_template(str(path), raw.get("video_path")) if has_video else "",
    )
    if _count(path, raw, "total_tasks", 1) != len(tasks):
        raise DatasetError(
            f"{path}: total_tasks {raw['total_tasks']}, but {len(tasks)} tasks listed"
        )
    return info


def load_episodes(info: DatasetInfo) -> EpisodeIndex:
    """Parse meta/episodes and check that it numbers the frames without gaps."""
    folder = info.root / "meta" / "episodes"
    names = ["episode_index", "length", "dataset_from_index", "dataset_to_index"]
    names += ["data/chunk_index", "data/file_index"]
    parts = ("chunk_index", "file_index", "from_timestamp")
    videos = (*info.videos, *info.depths)
    names += [f"videos/{v}/{part}" for v in videos for part in parts]
    table = tables.read_numbers(folder, names)
    start, stop = table["dataset_from_index"], table["dataset_to_index"]
    edges = np.concatenate([[0], np.cumsum(table["length"])])
    if len(start) != info.episodes or edges[-1] != info.frames:
        raise DatasetError(
            f"{folder}: {len(start)} episodes with {edges[-1]} frames; "
            f"{layout.INFO} says {info.episodes} with {info.frames}"
        )
    if (
        (table["episode_index"] != np.arange(len(start))).any()
        or (start != edges[:-1]).any()
        or (stop != edges[1:]).any()
        or (table["length"] < 1).any()
    ):
        raise DatasetError(f"{folder}: episodes don't follow each other without gaps")
    for name in names:
        if not ((table[name] >= 0) & (table[name] <= MOST)).all():
            raise DatasetError(f"{folder}: '{name}' holds a number outside 0 to {MOST}")
    video = {
        v: np.stack(
            [
                table[f"videos/{v}/chunk_index"],
                table[f"videos/{v}/file_index"],
                np.round(table[f"videos/{v}/from_timestamp"] * info.fps).astype(np.int64),
            ],
            axis=1,
        )
        for v in videos
    }
    data = np.stack([table["data/chunk_index"], table["data/file_index"]], axis=1)
    return EpisodeIndex(np.stack([start, stop], axis=1), data, video)


def load_json(path: Path) -> Any:
    """The parsed file, or an error that names it."""
    try:
        if path.stat().st_size > MAX_JSON:
            raise DatasetError(f"{path}: larger than {MAX_JSON} bytes")
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path}: is missing") from None
    except DatasetError:
        raise
    except ValueError as error:
        raise DatasetError(f"{path}: not readable JSON: {error}") from None


def read_json_line(path: Path, number: int) -> dict[str, Any]:
    """One object of a JSON-lines file, counted from 0, without holding the others."""
    try:
        with path.open(encoding="utf-8") as file:
            value = parse_json(next(islice(file, number, None), ""))
    except FileNotFoundError:
        raise DatasetError(f"{path}: is missing") from None
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    raise DatasetError(f"{path}:{number + 1}: missing or not a JSON object")


def _check_version(path: Path, version: object) -> None:
    major = re.fullmatch(r"v(\d+)\.\d+", version) if isinstance(version, str) else None
    if major is not None and major[1] == "3":
        return
    hint = ""
    if major is not None:
        older = int(major[1]) < 3
        hint = "; convert it with lerobot first" if older else "; a newer robokiln may read it"
    raise DatasetError(
        f"{path}: codebase_version {shown(version)}, expected '{layout.CODEBASE_VERSION}'{hint}"
    )


def _features(path: Path, raw: object) -> tuple[Feature, ...]:
    if not isinstance(raw, dict):
        raise DatasetError(f"{path}: 'features' expected an object")
    found = tuple(_feature(path, name, entry) for name, entry in raw.items())
    for needed in BOOKKEEPING:
        match = next((f for f in found if f.name == needed.name), None)
        if match is None or (match.dtype, match.shape) != (needed.dtype, needed.shape):
            raise DatasetError(f"{path}: feature '{needed.name}' expected {needed.dtype} [1]")
    return found


def _feature(path: Path, name: str, raw: object) -> Feature:
    layout.checked_name(f"{path}: features", name)
    entry = raw if isinstance(raw, dict) else {}
    dtype, shape = entry.get("dtype"), entry.get("shape")
    whole = isinstance(shape, list) and shape and all(type(n) is int and n > 0 for n in shape)
    if not isinstance(dtype, str) or not isinstance(shape, list) or not whole:
        raise DatasetError(
            f"{path}: feature '{name}' expected a dtype and a shape, got {shown(raw)}"
        )
    if dtype == "video":
        _check_video(path, name, shape, entry.get("info"))
    return Feature(name, dtype, tuple(shape), _names(entry.get("names")))


def _check_video(path: Path, name: str, shape: list[int], info: object) -> None:
    depth = len(shape) == 3 and shape[2] == 1
    if not depth and (len(shape) != 3 or shape[2] != 3):
        raise DatasetError(
            f"{path}: video '{name}' expected shape [H, W, 3], or [H, W, 1] of depth, got {shape}"
        )
    if max(shape) > MAX_SIDE:
        raise DatasetError(f"{path}: video '{name}' expected at most {MAX_SIDE} a side")
    if depth and not readable(info):
        raise DatasetError(f"{path}: depth video '{name}' expected lerobot's default depth codes")


def _names(raw: object) -> tuple[str, ...] | None:
    """A flat list of names; lerobot's other forms (a mapping, a list of lists) aren't kept."""
    flat = isinstance(raw, list) and all(isinstance(n, str) for n in raw)
    return tuple(raw) if flat and isinstance(raw, list) else None


def _count(path: Path, raw: Mapping[str, Any], key: str, least: int) -> int:
    value = raw.get(key)
    if type(value) is not int or value < least:
        raise DatasetError(
            f"{path}: '{key}' expected a whole number of at least {least}, got {shown(value)}"
        )
    if value > MOST:
        raise DatasetError(f"{path}: '{key}' expected at most {MOST}, got {str(value)[:40]}")
    return value
