"""Every picture of a camera, to its row's place in a file, on all cores."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from robokiln.dataset.info import DatasetInfo, EpisodeIndex
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.video import decode
from robokiln.machine import cores
from robokiln.types import Array

SEGMENT = 500
"""Pictures that a thread decodes at a time, at least: opening a file and looking for the first one
take as long as a few of them."""

Decoded = Callable[[int], None]
"""Told how many pictures were decoded since the last call."""


@dataclass(frozen=True)
class _Segment:
    """Pictures that follow each other in a file, from number `first`, and the `rows` they are."""

    path: Path
    first: int
    rows: Array
    ends_file: bool


def decode_all(
    info: DatasetInfo,
    episodes: EpisodeIndex,
    feature: str,
    descriptor: int,
    progress: Decoded | None = None,
) -> None:
    """Write each picture once; PyAV decodes and converts without holding the interpreter's lock."""
    with ThreadPoolExecutor(cores()) as pool:
        segments = _segments(info, episodes, feature)
        jobs = [pool.submit(_decode_segment, s, info.fps, descriptor) for s in segments]
        try:
            for job in as_completed(jobs):
                done = job.result()
                if progress is not None:
                    progress(done)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _segments(info: DatasetInfo, episodes: EpisodeIndex, feature: str) -> Iterator[_Segment]:
    where = episodes.video[feature]
    for chunk, file in np.unique(where[:, :2], axis=0):
        here = np.flatnonzero((where[:, :2] == (chunk, file)).all(axis=1))
        here = here[np.argsort(where[here, 2])]
        path = info.video_file(feature, int(chunk), int(file))
        ends = np.cumsum(episodes.lengths[here])
        # Cut after the first episode that ends beyond each multiple of SEGMENT.
        for part in np.split(here, np.flatnonzero(np.diff(ends // SEGMENT)) + 1):
            rows = np.concatenate([np.arange(*episodes.bounds[e]) for e in part])
            yield _Segment(path, int(where[part[0], 2]), rows, part[-1] == here[-1])


def _decode_segment(segment: _Segment, fps: int, descriptor: int) -> int:
    """How many pictures it had; a file may hold neither fewer nor more than its episodes."""
    count, expected = 0, len(segment.rows)
    images = decode(segment.path, fps, segment.first)
    for n, image in images if segment.ends_file else islice(images, expected):
        if n != segment.first + count or count >= expected:
            raise DatasetError(
                f"{segment.path}: frame {n} stands where frame {segment.first + count} was expected"
            )
        place = int(segment.rows[count]) * image.nbytes
        if os.pwrite(descriptor, np.ascontiguousarray(image).data, place) < image.nbytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count += 1
    if count != expected:
        raise DatasetError(
            f"{segment.path}: {segment.first + count} frames; its episodes have more"
        )
    return count
