"""A map-style dataset for anyone's training run: numpy out, PyTorch's default collate takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.dataset import depth, tables
from robokiln.dataset.cameras import RecordedCamera, read_cameras
from robokiln.dataset.check import checked
from robokiln.dataset.depth import DEPTHS
from robokiln.dataset.features import ACTION, DEPTH, IMAGES
from robokiln.dataset.info import DatasetInfo, EpisodeIndex
from robokiln.dataset.label_reader import StoredLabels, read_pixels, recorded_labels
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.pictures import Pictures, open_pictures
from robokiln.dataset.video import decode
from robokiln.types import Array, Feature, RobokilnError, lookup

Progress = Callable[[int, int], None]
"""Told how many pictures are decoded, and how many there are."""


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
    chosen camera uint8 [H, W, 3]; "instruction". `ds.batch(rows)` is the same of several frames.
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
        self._frames: dict[str, Pictures] = {}
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

    def __getitem__(self, i: int | Sequence[int]) -> dict[str, Any]:
        """Frame i, or the `batch` of several: a DataLoader without batches of its own asks so."""
        if isinstance(i, (int, np.integer)):
            return self.__getitems__([int(i)])[0]
        return self.batch(i)

    def __getitems__(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """What PyTorch's DataLoader calls for the items of a batch."""
        batch = self.batch(rows)
        return [{name: values[k] for name, values in batch.items()} for k in range(len(rows))]

    def batch(self, rows: Sequence[int] | Array) -> dict[str, Any]:
        """Several frames at once: arrays with the batch in front, and a list of instructions."""
        found = np.asarray(rows, np.int64)
        outside = (found < -len(self)) | (found >= len(self))
        if outside.any():
            raise IndexError(f"frame {found[outside][0]} of {len(self)}")
        found = found % len(self)
        batch: dict[str, Any] = {name: values[found] for name, values in self._selected.items()}
        if ACTION in batch:
            steps, end = found[:, None] + np.arange(self.chunk), self._end[found, None]
            batch[ACTION] = self._selected[ACTION][np.minimum(steps, end - 1)]
            batch["action_is_pad"] = steps >= end
        for feature in self._videos:
            batch[feature] = self.frames(feature)[found]
        batch["instruction"] = [self.info.tasks[t] for t in self._tasks[found]]
        return batch

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
            column = np.concatenate(parts).astype(feature.dtype, copy=False)
            if len(column) != self.info.frames:
                raise DatasetError(f"{paths[0]}: column '{name}' has {len(column)} rows")
            self._columns[name] = column
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

    def decode(self, progress: Progress | None = None) -> None:
        """Decode what the cache lacks of the chosen cameras now, not at the first access."""
        for k, feature in enumerate(self._videos):
            done = k * len(self)

            def count(pictures: int) -> None:
                nonlocal done
                done += pictures
                if progress is not None:
                    progress(done, len(self._videos) * len(self))

            self._frames[feature] = open_pictures(self.info, self._episodes, feature, count)

    def frames(self, camera: str) -> Pictures:
        """The pictures of a camera, decoded into the user's cache at the very first call."""
        feature = self._video_feature(camera)
        if feature not in self._frames:
            self._frames[feature] = open_pictures(self.info, self._episodes, feature)
        return self._frames[feature]

    def video(self, camera: str, episode: int) -> Array:
        """uint8 [T, H, W, 3] of one episode, decoded by itself."""
        return self._decode(self._video_feature(camera), episode, "rgb24")

    def video_place(self, camera: str, episode: int) -> tuple[Path, int, int]:
        """Where one episode's pictures lie: the MP4, its first frame in it, and how many."""
        self._check_episode(episode)
        feature = self._video_feature(camera)
        return self._place(feature, episode)

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

    def pixels(self, camera: str) -> list[Array]:
        """How many of its pixels show the robot and each body, of every episode: int32
        [T, 1 + bodies] each. What `labels(episode).pixels(camera)` says of one."""
        return read_pixels(self.info, camera, self.episode_bounds)

    def slots(self) -> Array:
        """Which motion each episode shows [E]: equal numbers are looks of one. In a dataset from
        elsewhere every episode is its own."""
        folder = self.info.root / "meta" / "episodes"
        paths = sorted(folder.glob("*/*.parquet"))
        if "slot" in tables.read_schema(paths[0])[0].names:
            return tables.read_numbers(folder, ["slot"])["slot"]
        return np.arange(self.info.episodes)

    def task_families(self) -> list[str]:
        """The name of each episode's task, such as "pick_place"; "" in a dataset from elsewhere."""
        folder = self.info.root / "meta" / "episodes"
        found: list[str] = []
        for path in sorted(folder.glob("*/*.parquet")):
            schema, rows = tables.read_schema(path)
            known = "task_family" in schema.names
            column = tables.read_table(path, ["task_family"]).column(0) if known else None
            found += [""] * rows if column is None else [str(v) for v in column.to_pylist()]
        return found

    @property
    def recorded(self) -> tuple[str, ...]:
        """Which labels there are: "motion" and "cameras", and what was asked for."""
        return recorded_labels(self.info.root)

    def cameras(self) -> tuple[RecordedCamera, ...]:
        """The cameras as robokiln described them; none in a dataset from elsewhere."""
        return read_cameras(self.info.root)

    def _decode(self, feature: str, episode: int, kind: str) -> Array:
        self._check_episode(episode)
        path, first, length = self._place(feature, episode)
        images: list[Array] = []
        for n, image in decode(path, self.info.fps, first, kind):
            if n != first + len(images):
                raise DatasetError(f"{path}: frame {first + len(images)} is missing")
            images.append(image)
            if len(images) == length:
                return np.stack(images)
        raise DatasetError(f"{path}: ends before episode {episode} does")

    def _place(self, feature: str, episode: int) -> tuple[Path, int, int]:
        chunk, file, first = (int(v) for v in self._episodes.video[feature][episode])
        path = self.info.video_file(feature, chunk, file)
        return path, first, int(self._episodes.lengths[episode])

    def _check_episode(self, episode: int) -> None:
        if not 0 <= episode < self.info.episodes:
            raise RobokilnError(f"episode {episode}: the dataset has {self.info.episodes}")

    def _video_feature(self, camera: str) -> str:
        if camera in self.info.videos:
            return camera
        short = {v.removeprefix(IMAGES): v for v in self.info.videos}
        feature: str = lookup("camera", camera, short)
        return feature
