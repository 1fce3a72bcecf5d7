"""A map-style dataset for anyone's training run: numpy out, PyTorch's default collate takes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.dataset import depth, tables
from robokiln.dataset.cache import cached_frames
from robokiln.dataset.cameras import RecordedCamera, read_cameras
from robokiln.dataset.check import checked
from robokiln.dataset.depth import DEPTHS
from robokiln.dataset.features import ACTION, DEPTH, IMAGES
from robokiln.dataset.info import DatasetInfo, EpisodeIndex
from robokiln.dataset.label_reader import StoredLabels, recorded_labels
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.video import decode
from robokiln.types import Array, Feature, RobokilnError, lookup


def open(
    root: Path | str,
    chunk: int = 16,
    cameras: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> Dataset:
    """Open a LeRobotDataset v3.0 for training.

    `chunk` actions are given for each frame. `cameras` ("front") and `columns` default to all.
    """
    if chunk < 1:
        raise RobokilnError(f"chunk {chunk}: expected at least 1")
    info, episodes = checked(Path(root))
    return Dataset(info, episodes, chunk, cameras, columns)


class Dataset:
    """Frames by number, over all episodes in order.

    `ds[i]` is a dict: every chosen column at frame i, [n] or a scalar; "action" as [chunk, n],
    the last one repeated beyond the episode's end, where "action_is_pad" [chunk] is true; for each
    chosen camera uint8 [H, W, 3]; "instruction".
    """

    def __init__(
        self,
        info: DatasetInfo,
        episodes: EpisodeIndex,
        chunk: int,
        cameras: Sequence[str] | None,
        columns: Sequence[str] | None,
    ) -> None:
        self.info = info
        self.episode_bounds: Array = episodes.bounds
        self.chunk = chunk
        self._episodes = episodes
        self._numeric = {f.name: f for f in info.features if f.dtype in tables.DTYPES}
        self._columns: dict[str, Array] = {}
        self._frames: dict[str, Array] = {}
        self._selected = {
            n: self.column(n) for n in (self._numeric if columns is None else columns)
        }
        self._videos = [
            self._video_feature(c) for c in (info.videos if cameras is None else cameras)
        ]
        self._tasks = self.column("task_index")
        if self._tasks.min() < 0 or self._tasks.max() >= len(info.tasks):
            raise DatasetError(
                f"{info.root}: a task_index lies outside the {len(info.tasks)} tasks"
            )
        self._end = np.repeat(episodes.bounds[:, 1], episodes.lengths)

    def __len__(self) -> int:
        return self.info.frames

    def __getitem__(self, i: int) -> dict[str, Any]:
        if not -len(self) <= i < len(self):
            raise IndexError(f"frame {i} of {len(self)}")
        i %= len(self)
        item: dict[str, Any] = {name: values[i].copy() for name, values in self._selected.items()}
        if ACTION in item:
            rows = np.arange(i, i + self.chunk)
            item[ACTION] = self._selected[ACTION][np.minimum(rows, self._end[i] - 1)]
            item["action_is_pad"] = rows >= self._end[i]
        for feature in self._videos:
            item[feature] = self.frames(feature)[i].copy()
        item["instruction"] = self.info.tasks[self._tasks[i]]
        return item

    def __getstate__(self) -> dict[str, Any]:
        """Without the pictures: a spawned worker opens the cache for itself."""
        return self.__dict__ | {"_frames": {}}

    @property
    def instructions(self) -> list[str]:
        """The instruction of each episode."""
        return [self.info.tasks[t] for t in self._tasks[self.episode_bounds[:, 0]]]

    def column(self, name: str) -> Array:
        """A whole column: [N] for shape [1], else [N, n]."""
        feature: Feature = lookup("column", name, self._numeric)
        if name not in self._columns:
            files = np.unique(self._episodes.data, axis=0)
            paths = [self.info.data_file(int(c), int(f)) for c, f in files]
            parts = [tables.read_column(path, feature) for path in paths]
            self._columns[name] = np.concatenate(parts).astype(feature.dtype, copy=False)
        return self._columns[name]

    def rows(self, episode: int) -> dict[str, Array]:
        """Every column's rows of one episode, [T] or [T, n], read by themselves."""
        self._check_episode(episode)
        path = self.info.data_file(*(int(v) for v in self._episodes.data[episode]))
        table = tables.read_rows(path, ("episode_index", episode), list(self._numeric))
        return {
            name: tables.to_numpy(table[name], feature, path).astype(feature.dtype, copy=False)
            for name, feature in self._numeric.items()
        }

    def frames(self, camera: str) -> Array:
        """Read-only uint8 [N, H, W, 3]; the first call decodes into the user's cache folder."""
        feature = self._video_feature(camera)
        if feature not in self._frames:
            self._frames[feature] = cached_frames(self.info, self._episodes, feature)
        return self._frames[feature]

    def video(self, camera: str, episode: int) -> Array:
        """uint8 [T, H, W, 3] of one episode, decoded by itself."""
        return self._decode(self._video_feature(camera), episode, "rgb24")

    def depth(self, camera: str, episode: int) -> Array:
        """Metres float32 [T, H, W] of one episode, 0 where nothing is; see `dataset.depth`."""
        short = {v.removeprefix(IMAGES).removesuffix(DEPTH): v for v in self.info.depths}
        feature = lookup("depth of camera", camera.removeprefix(IMAGES).removesuffix(DEPTH), short)
        return DEPTHS[self._decode(feature, episode, depth.PIXEL_FORMAT)]

    def labels(self, episode: int) -> StoredLabels:
        """Poses, cameras, segments and boxes of one episode."""
        self._check_episode(episode)
        cameras = [f for f in self.info.features if f.name in self.info.videos]
        return StoredLabels(self.info, cameras, episode)

    def slots(self) -> Array:
        """Which motion each episode shows [E]: equal numbers are looks of one. In a dataset from
        elsewhere every episode is its own."""
        folder = self.info.root / "meta" / "episodes"
        paths = sorted(folder.glob("*/*.parquet"))
        if "slot" in tables.read_schema(paths[0])[0].names:
            return tables.read_numbers(folder, ["slot"])["slot"]
        return np.arange(self.info.episodes)

    @property
    def recorded(self) -> tuple[str, ...]:
        """Which labels there are: "motion" and "cameras", and what was asked for."""
        return recorded_labels(self.info.root)

    def cameras(self) -> tuple[RecordedCamera, ...]:
        """The cameras as robokiln described them; none in a dataset from elsewhere."""
        return read_cameras(self.info.root)

    def _decode(self, feature: str, episode: int, kind: str) -> Array:
        self._check_episode(episode)
        chunk, file, first = (int(v) for v in self._episodes.video[feature][episode])
        length = int(self._episodes.lengths[episode])
        path = self.info.video_file(feature, chunk, file)
        images: list[Array] = []
        for n, image in decode(path, self.info.fps, first, kind):
            if n != first + len(images):
                raise DatasetError(f"{path}: frame {first + len(images)} is missing")
            images.append(image)
            if len(images) == length:
                return np.stack(images)
        raise DatasetError(f"{path}: ends before episode {episode} does")

    def _check_episode(self, episode: int) -> None:
        if not 0 <= episode < self.info.episodes:
            raise RobokilnError(f"episode {episode}: the dataset has {self.info.episodes}")

    def _video_feature(self, camera: str) -> str:
        if camera in self.info.videos:
            return camera
        short = {v.removeprefix(IMAGES): v for v in self.info.videos}
        feature: str = lookup("camera", camera, short)
        return feature
