"""What the writer leaves on disk, read with other tools than our reader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from lerobot_doctor.dataset_loader import load_dataset
from lerobot_doctor.runner import run_checks
from written import FEATURES, FPS, SUBTASKS, TASKS, make_records, pictures, write

from robokiln.dataset import EpisodeRecord, assemble, check, encode_video, image_histogram
from robokiln.dataset.layout import BOOKKEEPING
from robokiln.dataset.shards import episodes_per_video
from robokiln.dataset.stats import column_stats, image_stats
from robokiln.dataset.video import concatenate, decode
from robokiln.types import RobokilnError

FRONT = "observation.images.front"


def test_equal_records_give_equal_bytes(tmp_path: Path, root: Path) -> None:
    again = make_records(tmp_path / "parts", (21, 30, 12, 26))
    other = write(tmp_path / "elsewhere", again)
    assert (other / "SHA256SUMS").read_bytes() == (root / "SHA256SUMS").read_bytes()


def test_checksums_cover_every_file(root: Path) -> None:
    lines = (root / "SHA256SUMS").read_text().splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    present = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert list(listed) == sorted(present - {"SHA256SUMS"})
    for name, digest in listed.items():
        assert hashlib.sha256((root / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_joined_video_is_its_parts(tmp_path: Path, codec: str) -> None:
    lengths = (21, 1, 7)
    parts = [tmp_path / f"{n}.mp4" for n in lengths]
    for i, part in enumerate(parts):
        encode_video(part, pictures(np.random.default_rng(i), lengths[i]), FPS, codec)
    joined = tmp_path / "joined.mp4"
    assert concatenate(joined, parts, FPS) == list(lengths)
    expected = [image for part in parts for _, image in decode(part, FPS)]
    frames = list(decode(joined, FPS))
    assert [n for n, _ in frames] == list(range(29))
    np.testing.assert_array_equal([image for _, image in frames], expected)
    with av.open(str(joined)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        assert all(p.pts * p.time_base * FPS == n for n, p in enumerate(packets))
        assert all(packets[n].is_keyframe for n in (0, 21, 22))


def test_video_is_faithful_and_repeats(tmp_path: Path) -> None:
    frames = pictures(np.random.default_rng(0), 20)
    encode_video(tmp_path / "a.mp4", frames, FPS)
    encode_video(tmp_path / "b.mp4", frames, FPS)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    decoded = np.stack([image for _, image in decode(tmp_path / "a.mp4", FPS)])
    assert np.abs(decoded.astype(int) - frames).mean() < 6
    late = list(decode(tmp_path / "a.mp4", FPS, first=13))
    assert [n for n, _ in late] == list(range(13, 20))
    np.testing.assert_array_equal([image for _, image in late], decoded[13:])


def test_odd_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match="even sides"):
        encode_video(tmp_path / "x.mp4", np.zeros((2, 33, 48, 3), np.uint8), FPS)
    with pytest.raises(RobokilnError, match="codec 'vp9' not found; available: av1, h264"):
        encode_video(tmp_path / "x.mp4", np.zeros((2, 32, 48, 3), np.uint8), FPS, "vp9")


def test_frames_follow_the_format(root: Path, records: list[EpisodeRecord]) -> None:
    file = pq.ParquetFile(root / "data" / "chunk-000" / "file-000.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(4)] == [21, 30, 12, 26]
    table = file.read()
    names = [f.name for f in (*FEATURES, *BOOKKEEPING) if f.dtype != "video"]
    assert table.column_names == names
    described = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert list(described) == names
    assert described["action"]["length"] == 10
    assert str(table.schema.field("action").type) == "fixed_size_list<element: float>[10]"
    assert table["index"].to_pylist() == list(range(89))
    expected = np.concatenate([np.arange(n) / FPS for n in (21, 30, 12, 26)]).astype(np.float32)
    np.testing.assert_array_equal(table["timestamp"].to_numpy(), expected)
    assert table["task_index"].to_pylist()[20:22] == [1, 0]


def test_episode_rows(root: Path) -> None:
    rows = pq.read_table(root / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [r["dataset_from_index"] for r in rows] == [0, 21, 51, 63]
    assert [r[f"videos/{FRONT}/from_timestamp"] for r in rows] == [0, 21 / 20, 51 / 20, 63 / 20]
    assert rows[1]["tasks"] == [TASKS[1]]
    assert (rows[3]["slot"], rows[3]["success"], rows[3]["look"]) == (3, True, "plain")
    assert np.shape(rows[0][f"stats/{FRONT}/mean"]) == (3, 1, 1)


def test_names_load_as_a_pandas_index(root: Path) -> None:
    table = pq.read_table(root / "meta/subtasks.parquet")
    assert table["__index_level_0__"].to_pylist() == list(SUBTASKS)
    pandas = json.loads(table.schema.metadata[b"pandas"])
    assert pandas["index_columns"] == ["__index_level_0__"]


def test_statistics_are_those_of_the_raw_columns(root: Path, records: list[EpisodeRecord]) -> None:
    stats = json.loads((root / "meta/stats.json").read_text())
    for name in ("action", "observation.joint_velocity", "subtask_index"):
        raw = np.concatenate([r.columns[name] for r in records]).astype(np.float64)
        raw = raw.reshape(len(raw), -1)
        for key, q in (("q01", 0.01), ("q50", 0.5), ("q99", 0.99)):
            np.testing.assert_allclose(stats[name][key], np.quantile(raw, q, axis=0), rtol=1e-12)
        np.testing.assert_allclose(stats[name]["std"], raw.std(axis=0), rtol=1e-12)
        assert stats[name]["count"] == [89]
    histogram = sum(r.histograms[FRONT] for r in records)
    expected = image_stats(histogram, 89)
    np.testing.assert_array_equal(stats[FRONT]["mean"], expected["mean"])


def test_image_statistics_equal_those_of_pixels() -> None:
    frames = pictures(np.random.default_rng(3), 9)
    found = image_stats(image_histogram(frames), 9)
    expected = column_stats(frames.reshape(-1, 3) / 255)
    for name in set(expected) - {"count"}:
        np.testing.assert_allclose(found[name].ravel(), expected[name], atol=1e-12)


def test_lerobot_doctor_finds_nothing(tmp_path: Path) -> None:
    root = write(
        tmp_path / "dataset", make_records(tmp_path / "parts", (100, 110, 105)), max_steps=110
    )
    report = run_checks(load_dataset(str(root)))
    remarks = [
        f"{m.severity.value} {result.name}: {m.message}"
        for result in report.results
        for m in result.messages
        if m.severity.value != "PASS"
    ]
    assert remarks == []


def test_shards_hold_fixed_numbers_of_episodes(
    tmp_path: Path, records: list[EpisodeRecord]
) -> None:
    assert episodes_per_video(20, 200) == 102
    assert episodes_per_video(20, 1) == 500
    root = write(tmp_path / "dataset", records, max_steps=7000)
    files = sorted(p.name for p in (root / "videos" / FRONT / "chunk-000").iterdir())
    assert files == ["file-000.mp4", "file-001.mp4"]
    assert check(root).frames == 89
    with pytest.raises(RobokilnError, match="expected at most 20480"):
        write(tmp_path / "long", records, max_steps=20481)


def test_killed_writer_leaves_no_dataset(tmp_path: Path, records: list[EpisodeRecord]) -> None:
    class Stops:
        """Episodes from a source that fails at the third of the second pass."""

        passes = 0

        def __iter__(self) -> Iterator[EpisodeRecord]:
            self.passes += 1
            yield from records[:2]
            if self.passes == 2:
                raise KeyboardInterrupt
            yield from records[2:]

    root = tmp_path / "dataset"
    with pytest.raises(KeyboardInterrupt):
        assemble(root, Stops(), FEATURES, FPS, "panda", SUBTASKS, 50)
    assert (root / "data").exists()
    with pytest.raises(RobokilnError, match="unfinished"):
        check(root)
    with pytest.raises(RobokilnError, match="already exists"):
        write(root, records)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": np.zeros((30, 9), np.float32)}, r"'action' expected float32 \[30, 10\]"),
        ({"action": np.zeros((30, 10))}, "'action' expected float32 .* got float64"),
        ({"action": np.full((30, 10), np.nan, np.float32)}, "not finite"),
        ({"reward": np.zeros(30, np.float32)}, "unknown columns reward"),
    ],
)
def test_unfit_record_is_named(
    tmp_path: Path, records: list[EpisodeRecord], change: dict[str, np.ndarray], message: str
) -> None:
    bad = replace(records[1], columns={**records[1].columns, **change})
    with pytest.raises(RobokilnError, match=f"episode 1: .*{message}"):
        write(tmp_path / "dataset", [records[0], bad])


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"slot": np.int64(1)}, "extra column 'slot' expected bool, int, float or str, got int64"),
        ({"length": 3}, "extra column 'length' is the format's own"),
        ({"slot": 1}, "extra columns differ from those of episode 0"),
    ],
)
def test_unfit_extra_columns(
    tmp_path: Path, records: list[EpisodeRecord], extra: dict[str, int], message: str
) -> None:
    with pytest.raises(RobokilnError, match=message):
        write(tmp_path / "dataset", [records[0], replace(records[1], extra=extra)])


def test_video_of_another_length_is_named(tmp_path: Path, records: list[EpisodeRecord]) -> None:
    bad = replace(records[1], videos=records[0].videos)
    with pytest.raises(RobokilnError, match="21 frames; its episode has 30"):
        write(tmp_path / "dataset", [records[0], bad])
