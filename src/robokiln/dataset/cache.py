"""Decoded pictures, kept in the user's cache folder: a training run reads them at random."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import av
import numpy as np

from robokiln.dataset import layout
from robokiln.dataset.info import DatasetInfo, EpisodeIndex
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.video import decode
from robokiln.types import Array

LIMIT_BYTES = 20 * 2**30
"""Above this, the datasets opened longest ago leave the cache."""


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/robokiln/frames, by default below ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "robokiln" / "frames"


def cached_frames(info: DatasetInfo, episodes: EpisodeIndex, feature: str) -> Array:
    """Read-only uint8 [N, H, W, 3] of a camera, decoded at the first call."""
    folder = cache_folder() / _key(info)
    path = folder / f"{feature}.rgb"
    shape = next(f.shape for f in info.features if f.name == feature)
    if not path.is_file():
        size = info.frames * int(np.prod(shape))
        try:
            _make_room(size, folder)
            _fill_cache(info, episodes, feature, path)
        except OSError as error:
            raise DatasetError(
                f"{folder}: can't keep {size / 1e6:.0f} MB of decoded pictures: {error.strerror}; "
                "$XDG_CACHE_HOME chooses another place"
            ) from None
    os.utime(folder)
    frames = np.memmap(path, np.uint8, "r", shape=(info.frames, *shape))
    return frames.view(np.ndarray)


def _fill_cache(info: DatasetInfo, episodes: EpisodeIndex, feature: str, path: Path) -> None:
    """The file is there completely or not at all; two processes may race."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(suffix=".partial", dir=path.parent)
    try:
        decode_all(info, episodes, feature, descriptor)
        os.replace(partial, path)
    finally:
        os.close(descriptor)
        Path(partial).unlink(missing_ok=True)


def decode_all(info: DatasetInfo, episodes: EpisodeIndex, feature: str, descriptor: int) -> None:
    """Write every frame at its row's place, each file decoded once from its beginning.

    Written, not mapped: on a full disk a write fails, a mapping would kill the process.
    """
    where = episodes.video[feature]
    for chunk, file in np.unique(where[:, :2], axis=0):
        here = np.flatnonzero((where[:, :2] == (chunk, file)).all(axis=1))
        here = here[np.argsort(where[here, 2])]
        rows = np.concatenate([np.arange(*episodes.bounds[e]) for e in here])
        path = info.video_file(feature, int(chunk), int(file))
        count = 0
        for n, image in decode(path, info.fps):
            if n != count or count >= len(rows):
                raise DatasetError(f"{path}: frame {n} stands where frame {count} was expected")
            if os.pwrite(descriptor, image.tobytes(), int(rows[n]) * image.nbytes) < image.nbytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            count += 1
        if count != len(rows):
            raise DatasetError(f"{path}: {count} frames; its episodes have {len(rows)}")


def _key(info: DatasetInfo) -> str:
    """Tells datasets apart, and decoders whose colours might differ, without reading the videos."""
    digest = hashlib.sha256(repr(sorted(av.library_versions.items())).encode())
    for name in (layout.INFO, layout.STATS, layout.CHECKSUMS):
        path = info.root / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    for path in sorted(info.root.glob("videos/*/*/*.mp4")):
        digest.update(f"{path.relative_to(info.root).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()[:32]


def _make_room(needed: int, keep: Path) -> None:
    folders = [f for f in cache_folder().glob("*") if f != keep]
    sizes = {f: sum(p.stat().st_size for p in f.glob("*")) for f in folders}
    for folder in sorted(folders, key=lambda f: f.stat().st_mtime):
        if sum(sizes.values()) + needed <= LIMIT_BYTES:
            break
        shutil.rmtree(folder, ignore_errors=True)
        del sizes[folder]
