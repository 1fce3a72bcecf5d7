"""Files that are either whole and on the disk, or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.faults import reach
from robokiln.serial import parse_json, to_json
from robokiln.types import Array, RobokilnError

MAX_ARRAYS = 2 * 2**30
"""Bytes of the arrays of one .npz, unpacked."""


def config_directory() -> Path:
    """configs/ of the checkout, or of the installed package."""
    package = Path(__file__).parent
    installed, checkout = package / "configs", package.parents[1] / "configs"
    return installed if installed.is_dir() else checkout


class DiskFull(OSError):
    """No space is left where the run writes; what is committed stays, and a resume continues."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.ENOSPC, what)


def is_storage_failure(error: Exception) -> bool:
    """Whether a device failed: trying again would prove nothing."""
    return getattr(error, "errno", None) in (errno.EIO, errno.EROFS, errno.ENODEV, errno.ESTALE)


def is_disk_full(error: Exception) -> bool:
    """Whether the device, the quota or the size limit of files is exhausted."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return getattr(error, "errno", None) in full  # the video library's errors have it, too


class StorageFailed(OSError):
    """The device failed to write or to sync; what is committed stays, the run ends."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EIO, what)


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz; a pickle, damage and what unpacks to gigabytes are a RobokilnError."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_ARRAYS:
            raise ValueError(f"unpacks to {size} bytes")
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, EOFError, KeyError, TypeError, MemoryError, NotImplementedError,
            zipfile.BadZipFile, zlib.error) as error:  # fmt: skip
        raise RobokilnError(f"{path}: not arrays that can be read ({error})") from None


def refuse_links(root: Path) -> None:
    """An error for a symbolic link anywhere below `root`: we write there, and clear up there."""
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = Path(folder, name)
            if path.is_symlink():
                raise RobokilnError(f"{path}: is a symbolic link, which is refused; remove it")


def write_json(path: Path, value: Any, sort_keys: bool = True) -> None:
    """Readable JSON, whole or not at all, synced; unsorted where the order says something."""
    text = json.dumps(to_json(value), indent=1, sort_keys=sort_keys, allow_nan=False) + "\n"
    write_file(path, text.encode())


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """One compact JSON value a line, each written as it comes."""
    with path.open("w") as file:
        for value in values:
            file.write(json.dumps(to_json(value), sort_keys=True, allow_nan=False) + "\n")


def read_json_lines(path: Path) -> Iterator[Any]:
    """The values of `write_json_lines`, one at a time."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield parse_json(line)


def write_file(path: Path, content: bytes) -> None:
    """Write beside `path`, sync, and rename over it."""
    reach("files.write")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        sync_file(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_unfinished(name: str) -> bool:
    """Whether `write_file` was cut short before it could rename this file to its real name."""
    return re.fullmatch(r"\.[\w.-]+\.json\.\d+", name) is not None


def sync_file(path: Path) -> None:
    """A failure is fatal: the kernel may have dropped the data, so a second try proves nothing."""
    reach("files.fsync")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    reach("files.fsync")
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_directory(path: Path) -> None:
    """`path` and the directories above it that are missing, all of them with durable names."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    # Even if it is there: whoever made it may have been killed before the sync.
    for folder in missing or [path]:
        above = folder.absolute().parent
        if os.access(above, os.R_OK):  # else it can't be opened, so not be synced
            sync_directory(above)


def sync_tree(root: Path) -> None:
    """Every file and directory below `root`, and `root` itself."""
    for path in sorted(root.rglob("*"), reverse=True):
        (sync_directory if path.is_dir() else sync_file)(path)
    sync_directory(root)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def new_directory(out: Path) -> Iterator[Path]:
    """A directory to fill, which becomes `out` when all is well and else leaves nothing.

    `out` must not exist. What a killed process left of an earlier try is cleared away.
    """
    if out.exists() or out.is_symlink():
        raise RobokilnError(f"{out}: already exists; it is never written over, choose another")
    unfinished = out.absolute().with_name(f".{out.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    make_directory(unfinished)
    try:
        yield unfinished
        sync_tree(unfinished)
        unfinished.rename(out)
        sync_directory(out.absolute().parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def cache_directory(kind: str) -> Path:
    """`$ROBOKILN_CACHE/kind` or `~/.cache/robokiln/kind`, made for this user alone.

    Compiled kernels are machine code, so nobody else may be able to write there.
    """
    root = Path(os.environ.get("ROBOKILN_CACHE") or Path.home() / ".cache" / "robokiln")
    directory = root / kind
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RobokilnError(
            f"cache '{directory}' cannot be made ({error.strerror}); "
            "set ROBOKILN_CACHE to a directory that you may write"
        ) from error
    return directory
