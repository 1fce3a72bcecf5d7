"""The user's cache: prepared meshes and compiled kernels, made once and found by content."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.types import Array, RobokilnError


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


def load_arrays(path: Path) -> dict[str, Array] | None:
    """The arrays of an .npz, or None where it is absent or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write an .npz in one step: a reader sees all of it or nothing, whoever else writes it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        stored: dict[str, Any] = dict(arrays)
        np.savez(file, **stored)
    os.replace(file.name, path)
