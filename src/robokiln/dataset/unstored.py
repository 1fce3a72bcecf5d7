"""Pictures that are decoded as they are read, for want of room to keep them."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from robokiln.dataset.info import DatasetInfo, EpisodeIndex
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.video import Video
from robokiln.types import Array

OPEN_FILES = 16
AHEAD = 16
"""Pictures up to this far ahead are reached by decoding on, others from the key frame before."""


class UnstoredFrames:
    """Like uint8 [N, H, W, 3], by a row, a slice or several; what follows cuts each picture.

    Files stay open, so that reading in order decodes each picture once. Threads take turns, and a
    forked worker opens files of its own.
    """

    def __init__(self, info: DatasetInfo, episodes: EpisodeIndex, feature: str) -> None:
        self.shape = (info.frames, *next(f.shape for f in info.features if f.name == feature))
        self._info, self._episodes, self._feature = info, episodes, feature
        self._start()

    def _start(self) -> None:
        self._open: OrderedDict[Path, _Position] = OrderedDict()
        self._lock = Lock()
        self._process = os.getpid()

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, index: Any) -> Array:
        rows, *rest = index if isinstance(index, tuple) else (index,)
        if isinstance(rows, (int, np.integer)):
            return self._image(int(rows))[tuple(rest)]
        if isinstance(rows, slice):
            rows = range(*rows.indices(len(self)))
        return np.stack([self._image(int(row))[tuple(rest)] for row in rows])

    def _image(self, row: int) -> Array:
        if not 0 <= row < len(self):
            raise IndexError(f"picture {row} of {len(self)}")
        episode = int(np.searchsorted(self._episodes.bounds[:, 1], row, side="right"))
        chunk, file, first = (int(v) for v in self._episodes.video[self._feature][episode])
        path = self._info.video_file(self._feature, chunk, file)
        if self._process != os.getpid():  # a fork shares its parent's file offsets
            self._start()
        with self._lock:
            return self._position(path).image(first + row - int(self._episodes.bounds[episode, 0]))

    def _position(self, path: Path) -> _Position:
        if path not in self._open:
            if len(self._open) >= OPEN_FILES:
                self._open.popitem(last=False)[1].video.close()
            self._open[path] = _Position(Video(path, self._info.fps))
        self._open.move_to_end(path)
        return self._open[path]


@dataclass
class _Position:
    """An open file, and where in it decoding stands."""

    video: Video
    following: int = 0
    images: Iterator[tuple[int, Array]] = field(default_factory=lambda: iter(()))

    def image(self, n: int) -> Array:
        if not 0 < self.following <= n < self.following + AHEAD:
            self.images = self.video.images(n)
        self.following = 0  # should an error follow, nothing is known
        for found, image in self.images:
            if found == n:
                self.following = n + 1
                return image
            if found > n:
                break
        raise DatasetError(f"{self.video.path}: frame {n} is missing")
