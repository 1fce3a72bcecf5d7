"""Every damaged or hostile dataset is refused with the file's name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from robokiln.dataset import DatasetError, check, verify_checksums
from robokiln.dataset import open as open_dataset
from robokiln.dataset.layout import checked_name

DATA = "data/chunk-000/file-000.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
VIDEO = "videos/observation.images.front/chunk-000/file-000.mp4"


@pytest.fixture
def copy(tmp_path: Path, root: Path) -> Path:
    """A dataset of our own to break."""
    return Path(shutil.copytree(root, tmp_path / "copy"))


def edit(key: str, value: object) -> Callable[[Path], None]:
    """Changes one entry of info.json; dots lead inwards."""

    def apply(root: Path) -> None:
        path = root / "meta" / "info.json"
        info: dict[str, Any] = json.loads(path.read_text())
        *outer, last = key.split("/")
        inner = info
        for name in outer:
            inner = inner[name]
        inner[last] = value
        path.write_text(json.dumps(info))

    return apply


def cut(name: str, keep: float) -> Callable[[Path], None]:
    """Cuts a file short."""

    def apply(root: Path) -> None:
        data = (root / name).read_bytes()
        (root / name).write_bytes(data[: int(len(data) * keep)])

    return apply


def remove(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()


def link(root: Path) -> None:
    target = (root / VIDEO).rename(root.parent / "outside.mp4")
    (root / VIDEO).symlink_to(target)


def drop_rows(root: Path) -> None:
    pq.write_table(pq.read_table(root / DATA).slice(0, 60), root / DATA)


def drop_column(root: Path) -> None:
    pq.write_table(pq.read_table(root / DATA).drop(["action.executed"]), root / DATA)


def swap_episodes(root: Path) -> None:
    table = pq.read_table(root / EPISODES)
    pq.write_table(table.take([1, 0, 2, 3]), root / EPISODES)


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no info": (remove("meta/info.json"), "not a LeRobot dataset, or an unfinished one"),
    "info cut": (cut("meta/info.json", 0.5), "info.json: not readable JSON"),
    "info a list": (lambda r: (r / "meta/info.json").write_text("[1]") and None, "info.json"),
    "old": (edit("codebase_version", "v2.1"), "'v2.1', expected 'v3.0'; convert it"),
    "new": (edit("codebase_version", "v4.0"), "'v4.0', expected 'v3.0'; a newer robokiln"),
    "no version": (edit("codebase_version", None), "None, expected 'v3.0'"),
    "fps": (edit("fps", 0), "'fps' expected a whole number of at least 1, got 0"),
    "fps text": (edit("fps", "20"), "'fps' expected a whole number"),
    "frames": (
        edit("total_frames", 90),
        "4 episodes with 89 frames; meta/info.json says 4 with 90",
    ),
    "episodes": (edit("total_episodes", 5), "says 5 with 89"),
    "tasks": (edit("total_tasks", 3), "total_tasks 3, but 2 tasks"),
    "absolute": (edit("data_path", "/etc/{file_index}.parquet"), "path template '/etc"),
    "parent": (edit("video_path", "../../x-{file_index:03d}.mp4"), "path template '../../x"),
    "attribute": (edit("video_path", "{video_key.__class__}{file_index}"), "path template"),
    "width": (edit("data_path", "{file_index:999999999d}"), "path template"),
    "escape": (
        edit("features/..%2f..", {"dtype": "video", "shape": [2, 2, 3], "names": None}),
        "name '..%2f..' refused",
    ),
    "slash": (edit("features/a", None), "feature 'a' expected a dtype and a shape"),
    "size": (edit("features/observation.images.front/shape", [64, 64, 3]), "file-000.mp4: frames"),
    "no shape": (edit("features/action/shape", []), "feature 'action' expected a dtype and a"),
    "giant": (edit("features/action/shape", [10**12]), "column 'action' is fixed_size_list"),
    "dtype": (edit("features/action/dtype", "int64"), "column 'action' is fixed_size_list"),
    "stats": (remove("meta/stats.json"), "stats.json: is missing"),
    "task file": (remove("meta/tasks.parquet"), "tasks.parquet: is missing"),
    "episode file": (cut(EPISODES, 0.9), f"{EPISODES}: not a complete Parquet file"),
    "swapped": (swap_episodes, "meta/episodes: episodes don't follow"),
    "data cut": (cut(DATA, 0.9), f"{DATA}: not a complete Parquet file"),
    "data empty": (cut(DATA, 0), f"{DATA}: not a complete Parquet file"),
    "data missing": (remove(DATA), f"{DATA}: is missing"),
    "rows": (drop_rows, f"{DATA}: 60 rows; its episodes have 89"),
    "column": (drop_column, f"{DATA}: columns differ from meta/info.json: action.executed"),
    "video cut": (cut(VIDEO, 0.9), f"{VIDEO}: not a complete MP4 file"),
    "video head": (cut(VIDEO, 0.01), f"{VIDEO}: not a complete MP4 file"),
    "video empty": (cut(VIDEO, 0), f"{VIDEO}: not a complete MP4 file"),
    "video missing": (remove(VIDEO), f"{VIDEO}: is missing"),
    "link": (link, f"{VIDEO}: is a symbolic link"),
    "stray": (
        lambda r: shutil.copy(r / DATA, r / "data/chunk-000/file-001.parquet") and None,
        "file-001.parquet: no episode is in this file",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_damage_is_named(copy: Path, name: str) -> None:
    apply, message = BROKEN[name]
    apply(copy)
    with pytest.raises(DatasetError) as error:
        check(copy)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a..b", "/etc", ".hidden", "a\nb", "a\0"]
)
def test_names_that_could_leave_the_root(name: str) -> None:
    with pytest.raises(DatasetError, match="refused"):
        checked_name("features", name)


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: is not a directory"):
        check(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="file: is not a directory"):
        check(tmp_path / "file")


def test_verify_names_a_flipped_byte(copy: Path) -> None:
    verify_checksums(copy)
    data = bytearray((copy / VIDEO).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / VIDEO).write_bytes(data)
    (copy / "notes.txt").touch()
    (copy / "meta/subtasks.parquet").unlink()
    with pytest.raises(DatasetError) as error:
        verify_checksums(copy)
    for problem in (
        f"{VIDEO} was changed",
        "notes.txt isn't listed",
        "subtasks.parquet is missing",
    ):
        assert problem in str(error.value)


def test_task_index_outside_the_tasks(copy: Path) -> None:
    table = pq.read_table(copy / DATA)
    position = table.column_names.index("task_index")
    wrong = table["frame_index"].cast("int64")
    pq.write_table(table.set_column(position, table.schema.field("task_index"), wrong), copy / DATA)
    with pytest.raises(DatasetError, match="task_index lies outside the 2 tasks"):
        open_dataset(copy)
