"""Files that are either whole and on the disk, or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from robokiln.serial import to_json


class DiskFull(OSError):
    """No space is left where the run writes; what is committed stays, and a resume continues."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.ENOSPC, what)


def is_disk_full(error: Exception) -> bool:
    """Whether the device, the quota or the size limit of files is exhausted."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return getattr(error, "errno", None) in full  # the video library's errors have it, too


def write_json(path: Path, value: Any) -> None:
    """Readable JSON, whole or not at all, synced."""
    text = json.dumps(to_json(value), indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_file(path, text.encode())


def write_json_lines(path: Path, values: list[Any]) -> None:
    """One compact JSON value a line."""
    lines = [json.dumps(to_json(v), sort_keys=True, allow_nan=False) + "\n" for v in values]
    path.write_text("".join(lines))


def write_file(path: Path, content: bytes) -> None:
    """Write beside `path`, sync, and rename over it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        sync_file(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """A failure is fatal: the kernel may have dropped the data, so a second try proves nothing."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(root: Path) -> None:
    """Every file and directory below `root`, and `root` itself."""
    for path in sorted(root.rglob("*"), reverse=True):
        (sync_directory if path.is_dir() else sync_file)(path)
    sync_directory(root)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
