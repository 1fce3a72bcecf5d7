"""A policy's files, read with errors that name them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from robokiln.serial import parse_json
from robokiln.types import RobokilnError


def read_json(path: Path) -> Any:
    """The content, or an error that names the file."""
    try:
        return parse_json(path.read_text(encoding="utf-8"))
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
