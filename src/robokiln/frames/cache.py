"""The user's cache: prepared meshes and compiled kernels, made once and found by content."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.files import read_arrays
from robokiln.types import Array, RobokilnError


def load_arrays(path: Path) -> dict[str, Array] | None:
    """The arrays of an .npz, or None where it is absent or damaged."""
    try:
        return read_arrays(path)
    except (OSError, RobokilnError):
        return None


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write an .npz in one step: a reader sees all of it or nothing, whoever else writes it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        stored: dict[str, Any] = dict(arrays)
        np.savez(file, **stored)
    os.replace(file.name, path)
