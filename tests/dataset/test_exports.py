"""Exports read back by what isn't ours: pyarrow, PyAV and h5py after the published layouts."""

from __future__ import annotations

import json
from pathlib import Path

import av
import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from labelled import make_labelled, write_labelled
from written import CAMERAS, FPS, TASKS, make_records, write
from written import pictures as drawn

from robokiln import dataset
from robokiln.dataset.exports import FORMATS
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.video import cut, encode_video
from robokiln.types import Array, RobokilnError


def quiet(done: int, total: int) -> None:
    """No progress line."""


@pytest.fixture(scope="module")
def exported(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The dataset in every format."""
    folder = tmp_path_factory.mktemp("exports")
    for name, export in FORMATS.items():
        export(root, folder / name, quiet)
    return {name: folder / name for name in FORMATS}


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def pictures(path: Path) -> Array:
    """As any reader decodes them."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert [round(f.time * FPS) for f in frames] == list(range(len(frames)))
    return np.stack([f.to_ndarray(format="rgb24") for f in frames])


def test_lerobot21_has_a_table_an_episode(root: Path, exported: dict[str, Path]) -> None:
    ours, new = dataset.open(root), exported["lerobot21"]
    info = json.loads((new / "meta/info.json").read_text())
    assert info["codebase_version"] == "v2.1"
    assert (info["total_episodes"], info["total_frames"]) == (4, len(ours))
    for episode, (first, last) in enumerate(ours.episode_bounds):
        where = {"episode_chunk": 0, "episode_index": episode}
        table = pq.read_table(new / info["data_path"].format(**where))
        plain = {n: f for n, f in info["features"].items() if f["dtype"] != "video"}
        assert table.column_names == list(plain)
        for name in plain:
            values = np.array(table[name].to_pylist())
            np.testing.assert_array_equal(values, ours.column(name)[first:last])
    named = {f.name: f.names for f in ours.info.features}
    assert tuple(info["features"]["action"]["names"]) == named["action"]


def test_lerobot21_videos_are_the_same_pictures(root: Path, exported: dict[str, Path]) -> None:
    ours, new = dataset.open(root), exported["lerobot21"]
    template = json.loads((new / "meta/info.json").read_text())["video_path"]
    for episode in range(4):
        for camera in CAMERAS:
            key = dataset.IMAGES + camera.name
            name = template.format(episode_chunk=0, episode_index=episode, video_key=key)
            np.testing.assert_array_equal(pictures(new / name), ours.video(camera.name, episode))


def test_lerobot21_meta(root: Path, exported: dict[str, Path]) -> None:
    ours, meta = dataset.open(root), exported["lerobot21"] / "meta"
    assert lines(meta / "tasks.jsonl") == [
        {"task_index": i, "task": text} for i, text in enumerate(sorted(TASKS))
    ]
    bounds = ours.episode_bounds
    assert lines(meta / "episodes.jsonl") == [
        {"episode_index": e, "tasks": [ours.instructions[e]], "length": int(b - a)}
        for e, (a, b) in enumerate(bounds)
    ]
    for (a, b), entry in zip(bounds, lines(meta / "episodes_stats.jsonl"), strict=True):
        stats = entry["stats"]
        assert isinstance(stats, dict)
        action = ours.column("action")[a:b].astype(float)
        np.testing.assert_allclose(stats["action"]["mean"], action.mean(0))
        assert stats["action"]["count"] == [b - a]
        mean = np.array(stats["observation.images.front"]["mean"])
        assert mean.shape == (3, 1, 1)
        seen = ours.frames("front")[a:b].mean((0, 1, 2)) / 255
        np.testing.assert_allclose(mean[:, 0, 0], seen, atol=0.01)


def test_modality_covers_state_and_action(exported: dict[str, Path]) -> None:
    meta = exported["lerobot21"] / "meta"
    info = json.loads((meta / "info.json").read_text())
    found = json.loads((meta / "modality.json").read_text())
    for group, column in (("state", "observation.state"), ("action", "action")):
        spans = [p for p in found[group].values() if p["original_key"] == column]
        spans.sort(key=lambda p: p["start"])
        edges = [spans[0]["start"], *(p["end"] for p in spans)]
        assert edges[1:-1] == [p["start"] for p in spans[1:]]
        assert (edges[0], edges[-1]) == (0, info["features"][column]["shape"][0])
    assert {v["original_key"] for v in found["video"].values()} <= set(info["features"])


def test_robomimic_has_what_its_reader_asks_for(root: Path, exported: dict[str, Path]) -> None:
    ours = dataset.open(root)
    with h5py.File(exported["robomimic"] / "demos.hdf5") as file:
        data = file["data"]
        assert data.attrs["total"] == len(ours)
        assert {"env_name", "type", "env_kwargs"} <= set(json.loads(data.attrs["env_args"]))
        for episode, (a, b) in enumerate(ours.episode_bounds):
            demo = data[f"demo_{episode}"]
            assert demo.attrs["num_samples"] == b - a
            assert json.loads(demo.attrs["ep_meta"])["lang"] == ours.instructions[episode]
            np.testing.assert_array_equal(demo["actions"], ours.column("action")[a:b])
            state = demo["obs/state"]
            np.testing.assert_array_equal(state, ours.column("observation.state")[a:b])
            front = demo["obs/front_image"]
            assert front.dtype == np.uint8
            np.testing.assert_array_equal(front, ours.video("front", episode))
            assert demo["dones"][:].tolist() == [0] * (b - a - 1) + [1]
            assert demo["rewards"][:].sum() == 1
        masks = [{n.decode() for n in file[f"mask/{name}"]} for name in ("train", "valid")]
        assert masks[0] | masks[1] == set(data)
        assert not masks[0] & masks[1]


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_left_of_an_export_that_stops(name: str, root: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FORMATS[name](root, tmp_path / "out", stop)
    assert not list(tmp_path.iterdir())
    (tmp_path / "out").mkdir()
    with pytest.raises(RobokilnError, match="already exists"):
        FORMATS[name](root, tmp_path / "out", quiet)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_dataset_gives_the_same_bytes(
    name: str, root: Path, exported: dict[str, Path], tmp_path: Path
) -> None:
    FORMATS[name](root, tmp_path / "again", quiet)
    sums = [(folder / "SHA256SUMS").read_text() for folder in (exported[name], tmp_path / "again")]
    assert sums[0] == sums[1]
    dataset.verify_checksums(tmp_path / "again")


def test_av1_is_cut_too(tmp_path: Path) -> None:
    records = make_records(tmp_path / "parts", (9, 12), "av1")
    root = write(tmp_path / "dataset", records, codec="av1")
    FORMATS["lerobot21"](root, tmp_path / "out", quiet)
    key = "observation.images.front"
    found = pictures(tmp_path / f"out/videos/chunk-000/{key}/episode_000001.mp4")
    np.testing.assert_array_equal(found, dataset.open(root).video("front", 1))


def test_only_what_begins_with_a_key_frame_is_cut(tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    encode_video(source, drawn(np.random.default_rng(0), 12), FPS)
    whole = pictures(source)
    assert not cut(tmp_path / "middle.mp4", source, 3, 5, FPS)
    assert not cut(tmp_path / "long.mp4", source, 5, 20, FPS)
    assert not list(tmp_path.glob("[ml]*.mp4"))
    assert cut(tmp_path / "part.mp4", source, 5, 6, FPS)
    np.testing.assert_array_equal(pictures(tmp_path / "part.mp4"), whole[5:11])


def test_a_damaged_source_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere"):
        FORMATS["robomimic"](tmp_path / "nowhere", tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_depth_goes_where_there_is_room_for_it(tmp_path: Path) -> None:
    records, _ = make_labelled(tmp_path / "parts")
    root = write_labelled(tmp_path / "dataset", records)
    for name, export in FORMATS.items():
        told = dict(export(root, tmp_path / name, quiet))
        assert ("front_depth" in told["left out"]) == (name == "lerobot21")
    meta = tmp_path / "lerobot21/meta"
    for file in ("info.json", "stats.json", "episodes_stats.jsonl"):
        assert "front_depth" not in (meta / file).read_text()
    with h5py.File(tmp_path / "robomimic/demos.hdf5") as file:
        stored = file["data/demo_0/obs/front_depth"][:]
    np.testing.assert_array_equal(stored[..., 0], dataset.open(root).depth("front", 0))
