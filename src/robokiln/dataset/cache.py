"""Decoded pictures in the user's cache: made once, mapped by every run, bounded.

A camera's pictures are one file, `.rgb`, and `.partial` while it is made. Whoever makes or reads it
holds a lock (flock) on the file itself, which the kernel drops when the process ends, however it
ends. So a second maker waits for the first, a partial file without a lock is a killed maker's, and
a finished one without a lock is read by nobody and may leave.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import math
import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from robokiln.dataset import layout
from robokiln.dataset.info import DatasetInfo
from robokiln.dataset.layout import DatasetError
from robokiln.files import cache_directory, is_disk_full
from robokiln.types import Array, RobokilnError

LIMIT_VARIABLE = "ROBOKILN_CACHE_GB"
LIMIT_GB = 20.0
"""Of all decoded pictures together, unless the variable says otherwise."""
SPARE_BYTES = 10**9
"""What is left free on the disk: whoever trains writes there, too."""

Fill = Callable[[int], None]
_log = logging.getLogger(__name__)


class NoRoom(Exception):
    """Neither the limit nor the disk leaves room for these pictures; the text says what would."""


def cache_folder() -> Path:
    """`$ROBOKILN_CACHE/pictures`, by default below ~/.cache/robokiln."""
    return cache_directory("pictures")


def limit_bytes() -> int:
    """What all decoded pictures together may take."""
    text = os.environ.get(LIMIT_VARIABLE) or str(LIMIT_GB)
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if 0 <= limit < math.inf:
        return int(limit * 1e9)
    raise RobokilnError(f"{LIMIT_VARIABLE}={text}: expected gigabytes, such as {LIMIT_GB:g}, or 0")


def stored_frames(info: DatasetInfo, feature: str, shape: tuple[int, ...], fill: Fill) -> Array:
    """Read-only uint8 of `shape`, by `fill(descriptor)` unless a run has made it before.

    NoRoom where it can't be kept.
    """
    path = cache_folder() / f"{_key(info)}-{feature}.rgb"
    size = math.prod(shape)
    try:
        while True:
            found = _mapped(path, size)
            if found is not None:
                return found.reshape(shape)
            _make(path, size, fill)
    except OSError as error:
        if is_disk_full(error):
            raise NoRoom(
                f"{path.parent}: {error.strerror}; ROBOKILN_CACHE chooses a disk"
            ) from None
        raise DatasetError(
            f"{path}: can't keep decoded pictures: {error.strerror}; "
            f"ROBOKILN_CACHE chooses another place, {LIMIT_VARIABLE}=0 keeps none"
        ) from None


def _mapped(path: Path, size: int) -> Array | None:
    """The finished file, locked against eviction for as long as the array lives."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        state = os.fstat(file.fileno())
        if state.st_nlink == 0:  # evicted between opening and locking
            return None
        if state.st_size != size:
            path.unlink()
            return None
        with contextlib.suppress(OSError):  # a cache that was made for us and is read-only
            os.utime(file.fileno())
        # The mapping has a duplicate of the descriptor, and with it the lock.
        mapping = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        return np.frombuffer(mapping, np.uint8)
    return None


def _make(path: Path, size: int, fill: Fill) -> None:
    """The file is there completely or not at all, also after a power loss: hence the sync."""
    partial = path.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        _wait_for_lock(file, path)
        if path.exists() or not _is_at(file, partial):
            return  # another run made it while we waited, or swept our file away
        try:
            _reserve(file, size, path.parent)
            # Written, not mapped: on a full disk a write fails, a mapping would kill the process.
            fill(file.fileno())
            assert os.fstat(file.fileno()).st_size == size, f"{partial}: not {size} bytes"
            os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _wait_for_lock(file: BinaryIO, path: Path) -> None:
    if not _locked(file):
        _log.warning("waiting for another run, which decodes the same pictures (%s)", path.name)
        fcntl.flock(file, fcntl.LOCK_EX)


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _reserve(file: BinaryIO, size: int, folder: Path) -> None:
    """Take the room at once, so that no other run counts on it and no hour of decoding is lost."""
    with (folder / "lock").open("ab") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        file.truncate(0)
        _make_room(size, folder)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)


def _make_room(size: int, folder: Path) -> None:
    """Remove killed makers' files, then what was opened longest ago and is read by nobody."""
    limit = limit_bytes()
    if size > limit:
        raise NoRoom(f"{size / 1e9:.1f} GB are more than {LIMIT_VARIABLE} allows ({limit / 1e9:g})")
    for partial in folder.glob("*.partial"):
        _remove_unused(partial)
    for path in _oldest_first(folder):
        if _fits(size, limit, folder):
            return
        _remove_unused(path)
    if not _fits(size, limit, folder):
        raise NoRoom(
            f"{size / 1e9:.1f} GB more don't fit into {folder}: {LIMIT_VARIABLE} is "
            f"{limit / 1e9:g}, what is there is in use, {_free(folder) / 1e9:.1f} GB are free"
        )


def _fits(size: int, limit: int, folder: Path) -> bool:
    used = sum(state.st_size for _, state in _files(folder))
    return used + size <= limit and size + SPARE_BYTES <= _free(folder)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _oldest_first(folder: Path) -> list[Path]:
    finished = [(state.st_mtime_ns, path) for path, state in _files(folder)]
    return [path for _, path in sorted(finished) if path.suffix == ".rgb"]


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob("*-*"):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.stat()


def _remove_unused(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        if _locked(file):
            path.unlink()


def _key(info: DatasetInfo) -> str:
    """Tells datasets apart, and decoders whose colors might differ, without reading the videos.

    By the time of a file's last change as the disk keeps it, which no archive can bring along: else
    a dataset could pass its pictures off as another's.
    """
    digest = hashlib.sha256(repr(sorted(av.library_versions.items())).encode())
    for name in (layout.INFO, layout.STATS, layout.CHECKSUMS):
        path = info.root / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    for pattern in ("videos/*/*/*.mp4", "meta/episodes/*/*.parquet"):
        for path in sorted(info.root.glob(pattern)):
            state = path.stat()
            name = path.relative_to(info.root).as_posix()
            digest.update(f"{name} {state.st_size} {state.st_ctime_ns}\n".encode())
    return digest.hexdigest()[:32]
