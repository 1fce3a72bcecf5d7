"""Files that are either whole or not there, and the hashes that tell."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from robokiln.serial import to_json
from robokiln.types import RobokilnError


def write_file(path: Path, content: bytes) -> None:
    """Write beside `path`, sync, and rename over it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Readable JSON of a dataclass or plain values."""
    text = json.dumps(to_json(value), indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_file(path, text.encode())


def read_json(path: Path) -> Any:
    """The content, or an error that names the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RobokilnError(f"{path}: is missing") from None
    except (ValueError, OSError) as error:
        raise RobokilnError(f"{path}: is damaged or truncated ({error})") from None


def read_file(path: Path) -> bytes:
    """The content, or an error that names the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RobokilnError(f"{path}: {error.strerror or error}") from None


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
