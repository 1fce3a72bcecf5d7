"""Where a LeRobotDataset v3.0 keeps its files, and the refusal of anything that leaves its root."""

from __future__ import annotations

import re
from pathlib import Path

from robokiln.serial import shown
from robokiln.types import Feature, RobokilnError

CODEBASE_VERSION = "v3.0"
CHUNK_FILES = 1000
"""Files in one chunk directory."""
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
INFO = "meta/info.json"
STATS = "meta/stats.json"
TASKS = "meta/tasks.parquet"
SUBTASKS = "meta/subtasks.parquet"
CAMERAS = "meta/robokiln/cameras.json"
LABELS = "labels"
"""Outside everything that the format's readers look through."""
CARD = "README.md"
CHECKSUMS = "SHA256SUMS"

BOOKKEEPING = (
    Feature("timestamp", "float32", (1,)),
    Feature("frame_index", "int64", (1,)),
    Feature("episode_index", "int64", (1,)),
    Feature("index", "int64", (1,)),
    Feature("task_index", "int64", (1,)),
)
"""The columns that every LeRobotDataset ends with; the writer fills them in."""

_FIELD = re.compile(r"\{(?:video_key|(?:chunk_index|file_index)(?::0[1-9]d)?)\}")
_PLAIN = re.compile(r"[A-Za-z0-9_.\-/]*")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\- ]*")


class DatasetError(RobokilnError):
    """A dataset that can't be read or written as asked; the file is named."""


def checked_name(where: str, name: str) -> str:
    """A feature's name that may become part of a path, or an error."""
    if _NAME.fullmatch(name) and ".." not in name:
        return name
    raise DatasetError(f"{where}: name {name!r} refused; expected letters, digits, '_', '.', '-'")


def checked_template(where: str, template: object) -> str:
    """A relative path template with LeRobot's own fields only, or an error."""
    if isinstance(template, str) and "{file_index" in template:
        text = _FIELD.sub("0", template)
        if _PLAIN.fullmatch(text) and not text.startswith("/") and ".." not in text.split("/"):
            return template
    raise DatasetError(
        f"{where}: path template {shown(template)} refused; "
        f"expected a relative path like '{DATA_PATH}'"
    )


def fill(root: Path, template: str, chunk: int, file: int, video_key: str = "") -> Path:
    """The file that a checked template names; an error if it lies outside `root`."""
    path = root / template.format(chunk_index=chunk, file_index=file, video_key=video_key)
    if not path.resolve().is_relative_to(root.resolve()):
        raise DatasetError(f"{path}: lies outside the dataset {root}")
    return path


def location(number: int) -> tuple[int, int]:
    """(chunk, file) of the n-th file of a kind."""
    return number // CHUNK_FILES, number % CHUNK_FILES
