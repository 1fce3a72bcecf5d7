"""Datasets and run directories from a stranger: nothing outside is read, written or removed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import DEEP, edit_json, pickled, refusal

from robokiln.cli import main
from robokiln.dataset import DatasetError, check
from robokiln.dataset import open as open_dataset
from robokiln.kiln.rundir import open_run
from robokiln.types import RobokilnError

FILE = "chunk-000/file-000"
DATA = f"data/{FILE}.parquet"
EPISODES = f"meta/episodes/{FILE}.parquet"
TASKS = "meta/tasks.parquet"
VIDEO = f"videos/observation.images.front/{FILE}.mp4"
INFO = "meta/info.json"
FRONT = "features/observation.images.front"


def info(**changes: Any) -> Callable[[Path], None]:
    return lambda root: edit_json(
        root / INFO, {k.replace("__", "/"): v for k, v in changes.items()}
    )


def content(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda root: (root / name).write_bytes(data) and None


def garbage(name: str) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        size = (root / name).stat().st_size
        (root / name).write_bytes(random.Random(5).randbytes(size))

    return apply


def zeros(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).write_bytes(bytes((root / name).stat().st_size)) and None


def column(name: str, key: str, value: Any) -> Callable[[Path], None]:
    """Every row of a Parquet file's column is this value."""

    def apply(root: Path) -> None:
        table = pq.read_table(root / name)
        place, count = table.column_names.index(key), len(table)
        pq.write_table(table.set_column(place, key, pa.array([value] * count)), root / name)

    return apply


def swap(name: str, other: str) -> Callable[[Path], None]:
    return lambda root: shutil.copy(root / other, root / name) and None


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "data outside": (info(data_path="../../x-{file_index}.parquet"), "info.json: path template"),
    "inside out": (info(data_path="data/../../x{file_index}"), "info.json: path template"),
    "nul": (info(data_path="data\0/{file_index}"), "info.json: path template"),
    "windows": (info(data_path="..\\..\\x{file_index}"), "info.json: path template"),
    "drive": (info(data_path="C:/x{file_index}"), "info.json: path template"),
    "no text": (info(data_path=["{file_index}"]), "info.json: path template"),
    "frames": (info(total_frames=10**12), "'total_frames' expected at most"),
    "endless": (info(total_frames=10**4000), "'total_frames' expected at most"),
    "episodes": (info(total_episodes=10**12), "'total_episodes' expected at most"),
    "picture": (info(**{f"{FRONT}__shape": [10**6, 10**6, 3]}), "expected at most 16384 a side"),
    "picture less": (
        info(**{f"{FRONT}__shape": [16384, 16384, 3]}),
        "file-000.mp4: frames, height",
    ),
    "deep info": (content(INFO, DEEP.encode()), "info.json: not readable JSON: nested"),
    "deep stats": (content("meta/stats.json", DEEP.encode()), "stats.json: not readable JSON"),
    "pickled info": (content(INFO, b"\x80\x05\x95"), "info.json: not readable JSON"),
    "zero data": (zeros(DATA), f"{DATA}: not a complete Parquet file"),
    "zero episodes": (zeros(EPISODES), f"{EPISODES}: not a complete Parquet file"),
    "zero tasks": (zeros(TASKS), f"{TASKS}: not a complete Parquet file"),
    "zero video": (zeros(VIDEO), f"{VIDEO}: not a readable video"),
    "garbage data": (garbage(DATA), f"{DATA}: not a complete Parquet file"),
    "garbage tasks": (garbage(TASKS), f"{TASKS}: not a complete Parquet file"),
    "garbage video": (garbage(VIDEO), f"{VIDEO}: not a complete MP4 file"),
    "no video": (swap(VIDEO, DATA), f"{VIDEO}: not a complete MP4 file"),
    "no table": (swap(DATA, VIDEO), f"{DATA}: not a complete Parquet file"),
    "other table": (swap(EPISODES, TASKS), f"{EPISODES}: lacks "),
    "chunk": (column(EPISODES, "data/chunk_index", 10**12), "'data/chunk_index' holds a number"),
    "chunk nan": (column(EPISODES, "data/chunk_index", float("nan")), "holds a number outside"),
    "chunk below": (column(EPISODES, "data/file_index", -1), "'data/file_index' holds a number"),
    "chunk text": (column(EPISODES, "data/file_index", "../x"), "expected numbers in data/file"),
    "length": (column(EPISODES, "length", 2**62), "episodes with|holds a number"),
    "start": (
        column(EPISODES, "videos/observation.images.front/from_timestamp", float("inf")),
        "holds a number outside",
    ),
    "task numbers": (column(TASKS, "task_index", 10**12), "doesn't count up from 0"),
    "camera nan": (
        lambda root: edit_json(root / "meta/robokiln/cameras.json", {"0/fov": float("nan")}),
        "cameras.json[0].fov: expected a finite number",
    ),
    "cameras deep": (
        content("meta/robokiln/cameras.json", DEEP.encode()),
        "cameras.json: not readable JSON",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_lies_and_damage_are_one_message(
    victim: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    apply, message = HOSTILE[name]
    apply(victim)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for verb in ("show", "train"):
        said = refusal(capsys, verb, f"dataset={victim}", f"out={tmp_path / 'out'}")
        assert any(part in said for part in message.split("|"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000, "kilobytes"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["victim"]


NAMES = ("../x", "/etc/x", "a/b", "a\\b", "a\0b", "..", "C:x", ".hidden", "a\nb")


@pytest.mark.parametrize("name", NAMES)
def test_names_that_become_paths(
    victim: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    tree = json.loads((victim / INFO).read_text())
    tree["features"][name] = tree["features"]["observation.images.front"]
    (victim / INFO).write_text(json.dumps(tree))
    said = refusal(capsys, "show", f"dataset={victim}", f"out={tmp_path / 'out'}")
    assert "info.json: features: name" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["victim"]


@pytest.mark.parametrize("verb", ["show", "train", "rerender"])
@pytest.mark.parametrize("what", [VIDEO, "videos", "meta/episodes", TASKS, INFO, "labels"])
def test_links_are_refused_by_every_verb(
    victim: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, what: str
) -> None:
    outside = tmp_path / "outside"
    if (victim / what).exists():
        shutil.move(victim / what, outside)
    (victim / what).symlink_to(outside)
    said = refusal(capsys, verb, f"dataset={victim}", f"out={tmp_path / 'out'}")
    assert f"{what}: is a symbolic link" in said or "not a LeRobot dataset" in said
    assert not (tmp_path / "out").exists()


def test_a_pipe_is_not_waited_for(victim: Path) -> None:
    (victim / TASKS).unlink()
    os.mkfifo(victim / TASKS)
    with pytest.raises(DatasetError, match=r"tasks\.parquet: is not a plain file"):
        check(victim)


def test_a_pickled_arrow_type_is_not_loaded(victim: Path, marker: Path) -> None:
    """Old pyarrow unpickled the types that a Parquet file declares."""
    table = pq.read_table(victim / TASKS)
    kind = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickled(marker),
    }
    schema = pa.schema([field.with_metadata(kind) for field in table.schema])
    pq.write_table(table.cast(schema), victim / TASKS)
    with contextlib.suppress(DatasetError):
        check(victim)
    assert not marker.exists()


@pytest.mark.parametrize("name", [DATA, EPISODES, TASKS, VIDEO])
def test_flipped_bytes_never_end_in_a_traceback(victim: Path, name: str) -> None:
    """Read, or refused with the file's name: nothing else, wherever the damage is."""
    whole, dice = (victim / name).read_bytes(), random.Random(name)
    refused = []
    for turn in range(30):
        data = bytearray(whole)
        for _ in range(1 + turn % 3):
            # The footer and the boxes are where lies are told.
            place = dice.choice([dice.randrange(len(data)), len(data) - 1 - dice.randrange(400)])
            data[max(place, 0)] ^= 1 << dice.randrange(8)
        (victim / name).write_bytes(data)
        try:
            opened = open_dataset(victim, cameras=())
            opened.video("front", 1)
        except DatasetError as error:
            refused.append(str(error))
    assert refused
    assert all(str(victim) in said for said in refused)


def plan() -> dict[str, Any]:
    return {"format": "robokiln-plan-1", "configuration": {}, "code_sha256": "", "environment": {}}


@pytest.mark.parametrize(
    "what",
    [
        *("staging", "units", "quarantine", "receipts", "dataset", "dataset.building", ".lock"),
        *("plan.json", "run.json", "units/slot-00000000", "units/slot-00000001/motion.npz"),
    ],
)
def test_a_run_directory_that_leads_elsewhere(tmp_path: Path, what: str) -> None:
    """Refused before anything is locked, swept or written through a link."""
    out, outside = tmp_path / "run", tmp_path / "outside"
    with open_run(out, plan()):
        (out / "units" / "slot-00000001").mkdir()
    outside.mkdir()
    (outside / "slot-00000000.json").write_text("years of work")
    file = "." in what and "building" not in what
    target = outside / "slot-00000000.json" if file else outside
    if (out / what).is_dir():
        shutil.rmtree(out / what)
    (out / what).unlink(missing_ok=True)
    (out / what).symlink_to(target)
    with pytest.raises(RobokilnError, match="is a symbolic link"), open_run(out, plan()):
        pass
    assert [p.name for p in outside.iterdir()] == ["slot-00000000.json"]
    assert (outside / "slot-00000000.json").read_text() == "years of work"


def test_a_link_in_a_run_is_refused_by_generate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, outside = tmp_path / "run", tmp_path / "outside"
    outside.mkdir()
    (outside / "a.json").write_text("years of work")
    with open_run(out, plan()):
        pass
    (out / "quarantine").rmdir()
    (out / "quarantine").symlink_to(outside)
    said = refusal(capsys, "generate", "episodes=1", f"out={out}", "workers=1")
    assert "quarantine: is a symbolic link" in said
    assert (outside / "a.json").exists()


def test_a_sheet_is_not_written_through_a_link(
    victim: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["show", f"dataset={victim}", f"out={out}", "videos=0", "episodes=1"]) == 0
    capsys.readouterr()
    (tmp_path / "precious").write_text("years of work")
    (out / "contact_sheet.png").unlink()
    (out / "contact_sheet.png").symlink_to(tmp_path / "precious")
    said = refusal(capsys, "show", f"dataset={victim}", f"out={out}", "videos=0")
    assert "contact_sheet.png: is a symbolic link" in said
    assert (tmp_path / "precious").read_text() == "years of work"
