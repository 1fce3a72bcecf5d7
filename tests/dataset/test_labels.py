"""Depth, segments, boxes and poses: what is written is what is read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from labelled import LENGTHS, make_labelled, write_labelled
from lerobot_doctor.dataset_loader import load_dataset
from lerobot_doctor.runner import run_checks
from written import FPS

from robokiln import dataset
from robokiln.dataset import (
    EpisodeRecord,
    encode_depth,
    from_runs,
    standard_features,
    to_runs,
)
from robokiln.dataset.depth import DEPTH_MAX, DEPTHS, depth_codes
from robokiln.dataset.video import decode
from robokiln.types import Array, Camera, RobokilnError


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[EpisodeRecord], list[dict[str, dict[str, Array]]]]:
    folder = tmp_path_factory.mktemp("labelled")
    records, truth = make_labelled(folder / "parts")
    return write_labelled(folder / "dataset", records), records, truth


def test_every_label_comes_back(
    made: tuple[Path, list[EpisodeRecord], list[dict[str, dict[str, Array]]]],
) -> None:
    root, records, truth = made
    data = dataset.open(root)
    assert data.recorded == ("boxes", "cameras", "motion", "segmentation")
    for episode in (2, 0, 1):
        labels, record = data.labels(episode), records[episode].labels
        assert record is not None
        np.testing.assert_array_equal(labels.link_poses(), record.link_poses)
        np.testing.assert_array_equal(labels.contacts(), record.contacts)
        for camera in ("front", "wrist"):
            np.testing.assert_array_equal(
                labels.segmentation(camera), truth[episode]["ids"][camera]
            )
            np.testing.assert_array_equal(
                labels.camera_pose(camera), truth[episode]["poses"][camera]
            )
            assert labels.intrinsics(camera)[0].tolist() == [50, 51, 24, 16]
            np.testing.assert_array_equal(labels.pixels(camera), record.cameras[camera].pixels)
            boxes, expected = labels.boxes(camera), record.cameras[camera].boxes
            assert expected is not None
            for name in ("frame", "id", "box", "pixels", "amodal_box", "amodal_pixels"):
                np.testing.assert_array_equal(getattr(boxes, name), getattr(expected, name))
            assert (boxes.visibility == 0.5).all()


def test_depth_comes_back_within_half_a_code(
    made: tuple[Path, list[EpisodeRecord], list[dict[str, dict[str, Array]]]],
) -> None:
    root, _, truth = made
    data = dataset.open(root)
    assert data.info.videos == ("observation.images.front", "observation.images.wrist")
    for episode in range(3):
        stored, exact = data.depth("wrist", episode), truth[episode]["depth"]["wrist"]
        assert stored.dtype == np.float32
        assert ((stored == 0) == (exact == 0)).all()
        assert np.abs(stored - exact).max() < 0.001  # up to 2.5 m; nothing here is farther
        np.testing.assert_array_equal(stored, DEPTHS[depth_codes(exact)])
    stats = json.loads((root / "meta/stats.json").read_text())
    all_depths = np.concatenate([t["depth"]["wrist"].ravel() for t in truth])
    found = stats["observation.images.wrist_depth"]
    assert np.isclose(found["mean"][0][0][0], all_depths.mean(), atol=0.001)
    assert np.isclose(found["q99"][0][0][0], np.quantile(all_depths, 0.99), atol=0.002)
    info = json.loads((root / "meta/info.json").read_text())["features"]
    entry = info["observation.images.wrist_depth"]
    assert entry["shape"] == [32, 48, 1]
    assert entry["info"]["video.codec"] == "hevc"
    assert entry["info"]["is_depth_map"] is True


def test_codes_are_the_formula_s() -> None:
    """lerobot's, with ties and the last bits of a logarithm left aside."""
    depth = np.linspace(0.02, 9.99, 100_000, dtype=np.float32)
    low, high = np.log(3.51), np.log(13.5)
    exact = 4095 * (np.log(depth.astype(float) + 3.5) - low) / (high - low)
    codes = depth_codes(depth[None, None])[0, 0]
    assert np.abs(codes - exact).max() < 0.5 + 1e-3
    assert (np.abs(DEPTHS[codes] - depth) < (depth + 3.5) * 0.000165).all()
    edges = np.array([[[0.0, 0.005, DEPTH_MAX, 50.0, np.inf]]], np.float32)
    assert DEPTHS[depth_codes(edges)[0, 0]].tolist() == [0.0, 0.0, 10.0, 10.0, 10.0]


@pytest.mark.parametrize("size", [(18, 18), (32, 32), (48, 32), (64, 64), (100, 66), (96, 96)])
def test_depth_video_is_lossless_and_repeats(tmp_path: Path, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    depth = rng.uniform(0.2, 2.0, (23, *size)).astype(np.float32)
    for name in ("a", "b", "c"):
        encode_depth(tmp_path / f"{name}.mp4", depth, FPS)
        np.empty(1 << 20).fill(rng.uniform())  # other leftovers in the memory that comes next
    first = (tmp_path / "a.mp4").read_bytes()
    assert all((tmp_path / f"{name}.mp4").read_bytes() == first for name in "bc")
    late = list(decode(tmp_path / "a.mp4", FPS, 13, "gray12le"))
    assert [n for n, _ in late] == list(range(13, 23))
    np.testing.assert_array_equal([codes for _, codes in late], depth_codes(depth[13:]))


def test_depth_that_no_video_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match=r"expected float32 \[T, H, W\]"):
        encode_depth(tmp_path / "a.mp4", np.zeros((2, 32, 32)), FPS)
    with pytest.raises(RobokilnError, match="16x32 refused; depth needs more than 16 a side"):
        encode_depth(tmp_path / "b.mp4", np.zeros((2, 32, 16), np.float32), FPS)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (2, 1, 9)])
def test_runs_are_exact(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    for levels in (1, 2, 60_000):
        ids = rng.integers(0, levels, shape).astype(np.uint16)
        runs = to_runs(ids)
        assert runs.lengths.sum() == ids.size
        np.testing.assert_array_equal(from_runs(runs, *shape[1:]), ids)
    assert len(to_runs(np.zeros(shape, np.uint16)).values) == shape[0]


def test_equal_records_give_equal_bytes_and_lerobot_sees_nothing_odd(tmp_path: Path) -> None:
    roots = [
        write_labelled(tmp_path / n, make_labelled(tmp_path / f"{n}-parts")[0]) for n in ("a", "b")
    ]
    sums = [(root / "SHA256SUMS").read_bytes() for root in roots]
    assert sums[0] == sums[1]
    globbed = [*roots[0].glob("data/*/*.parquet"), *roots[0].glob("meta/episodes/*/*.parquet")]
    assert len(globbed) == 2
    report = run_checks(load_dataset(str(roots[0])))
    failed = [
        f"{result.name}: {m.message}"
        for result in report.results
        for m in result.messages
        if m.severity.value == "FAIL"
    ]
    assert failed == []


def test_a_row_group_an_episode(
    made: tuple[Path, list[EpisodeRecord], list[dict[str, dict[str, Array]]]],
) -> None:
    for kind in ("motion", "cameras", "segmentation"):
        file = pq.ParquetFile(made[0] / "labels" / kind / "chunk-000" / "file-000.parquet")
        groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        assert groups == list(LENGTHS)


def test_what_was_not_recorded_is_named(root: Path, made: tuple[Path, object, object]) -> None:
    plain, data = dataset.open(root), dataset.open(made[0])
    assert plain.recorded == ()
    with pytest.raises(RobokilnError, match="'segmentation' was not recorded; available: none"):
        plain.labels(0).segmentation("front")
    with pytest.raises(RobokilnError, match="depth of camera 'front' not found"):
        plain.depth("front", 0)
    with pytest.raises(RobokilnError, match="camera 'top' not found; available: front, wrist"):
        data.labels(0).segmentation("top")
    with pytest.raises(RobokilnError, match="episode 3: the dataset has 3"):
        data.labels(3)


def test_damage_is_found(tmp_path: Path) -> None:
    records, _ = make_labelled(tmp_path / "parts")
    root = write_labelled(tmp_path / "dataset", [records[0], replace(records[1], labels=None)])
    with pytest.raises(RobokilnError, match="21 rows; the dataset has 51 frames"):
        dataset.check(root)
    labels = records[1].labels
    assert labels is not None
    bad = replace(records[1], labels=replace(labels, link_poses=labels.link_poses[1:]))
    with pytest.raises(RobokilnError, match=r"link_poses expected float32 \[30, L, 7\]"):
        write_labelled(tmp_path / "bad", [bad])
    info = json.loads((root / "meta/info.json").read_text())
    info["features"]["observation.images.front_depth"]["info"]["video.shift"] = 1.0
    (root / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(RobokilnError, match="expected lerobot's default depth codes"):
        dataset.check(root)


def test_cameras_have_depth_features_of_their_size() -> None:
    wide = Camera("wide", 320, 240, 60.0, (0.0,) * 6 + (1.0,))
    found = {f.name: f.shape for f in standard_features((wide,), 7, depth=True)}
    assert found["observation.images.wide_depth"] == (240, 320, 1)
