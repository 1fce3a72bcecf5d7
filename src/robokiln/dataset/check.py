"""The structural check: headers, footers and counts, fast enough to run before every use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robokiln.dataset import layout, tables
from robokiln.dataset.cameras import read_cameras
from robokiln.dataset.info import DatasetInfo, EpisodeIndex, load_episodes, load_info, load_json
from robokiln.dataset.label_tables import BY_FRAME
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.video import video_shape
from robokiln.types import Array


def check(root: Path) -> DatasetInfo:
    """What the dataset holds, or a DatasetError that names the file and what is wrong with it.

    Reads no pixels and no rows; `verify_checksums` reads every byte.
    """
    return checked(root)[0]


def checked(root: Path) -> tuple[DatasetInfo, EpisodeIndex]:
    """`check`, and the episode index that it had to read."""
    info = load_info(root)
    load_json(root / layout.STATS)
    read_cameras(root)
    episodes = load_episodes(info)
    _check_data(info, episodes)
    for feature in (*info.videos, *info.depths):
        _check_videos(info, episodes, feature)
    _check_labels(info)
    return info, episodes


def _files(locations: Array, lengths: Array) -> list[tuple[int, int, int]]:
    """(chunk, file, frames) of each file that `locations` [E, 2] name."""
    found, which = np.unique(locations, axis=0, return_inverse=True)
    frames = np.bincount(which.ravel(), weights=lengths).astype(np.int64)
    return [(int(c), int(f), int(n)) for (c, f), n in zip(found, frames, strict=True)]


def _check_data(info: DatasetInfo, episodes: EpisodeIndex) -> None:
    plain = {f.name: f for f in info.features if f.dtype != "video"}
    named = set()
    for chunk, file, frames in _files(episodes.data, episodes.lengths):
        path = info.data_file(chunk, file)
        schema, rows = tables.read_schema(path)
        named.add(path)
        if rows != frames:
            raise DatasetError(f"{path}: {rows} rows; its episodes have {frames}")
        if set(schema.names) != set(plain):
            odd = ", ".join(sorted(set(schema.names) ^ set(plain)))
            raise DatasetError(f"{path}: columns differ from {layout.INFO}: {odd}")
        for name, feature in plain.items():
            if not tables.fits(schema.field(name).type, feature):
                raise DatasetError(
                    f"{path}: column '{name}' is {schema.field(name).type}; "
                    f"{layout.INFO} says {feature.dtype} {list(feature.shape)}"
                )
    for path in sorted((info.root / "data").glob("*/*.parquet")):
        if path not in named:
            raise DatasetError(f"{path}: no episode is in this file, but readers would load it")


def _check_videos(info: DatasetInfo, episodes: EpisodeIndex, feature: str) -> None:
    height, width, _ = next(f.shape for f in info.features if f.name == feature)
    where = episodes.video[feature]
    for chunk, file, frames in _files(where[:, :2], episodes.lengths):
        path = info.video_file(feature, chunk, file)
        shape = video_shape(path)
        if shape != (frames, height, width):
            raise DatasetError(
                f"{path}: frames, height, width are {shape}; expected {(frames, height, width)}"
            )
        here = (where[:, :2] == (chunk, file)).all(axis=1)
        starts = np.concatenate([[0], np.cumsum(episodes.lengths[here])[:-1]])
        if (np.sort(where[here, 2]) != starts).any():
            raise DatasetError(f"{path}: meta/episodes names frames that this file doesn't hold")


def _check_labels(info: DatasetInfo) -> None:
    """A row for each frame, in the tables that have one."""
    for kind in BY_FRAME:
        folder = info.root / layout.LABELS / kind
        rows = [tables.read_schema(path)[1] for path in sorted(folder.glob("*/*.parquet"))]
        if folder.exists() and sum(rows) != info.frames:
            raise DatasetError(f"{folder}: {sum(rows)} rows; the dataset has {info.frames} frames")
