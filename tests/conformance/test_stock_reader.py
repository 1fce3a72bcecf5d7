"""The stock LeRobotDataset reads what we write: every column, every frame, every chunk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stock_reader
from labelled import make_labelled, write_labelled
from safetensors import safe_open
from written import CAMERAS, SUBTASKS, make_records, write

from robokiln import dataset
from robokiln.types import Array

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(1800)]
CHUNK = 16
LENGTHS = (21, 30, 12, 26, 40)


@pytest.fixture(scope="module", params=["h264", "av1"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dataset.Dataset, dict[str, Array], dict[str, Any]]:
    """Our reader, and lerobot's tensors and facts; two episodes share a video file."""
    folder = tmp_path_factory.mktemp(request.param)
    records = make_records(folder / "parts", LENGTHS, request.param)
    root = write(folder / "dataset", records, max_steps=10_000, codec=request.param)
    output = folder / "read.safetensors"
    stock_reader.run("read_with_lerobot.py", str(root), str(output), str(CHUNK), home=folder)
    with safe_open(output, "np") as file:
        facts = json.loads(file.metadata()["facts"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return dataset.open(root, chunk=CHUNK), tensors, facts


def test_columns_are_equal(both: tuple[dataset.Dataset, dict[str, Array], dict[str, Any]]) -> None:
    ours, tensors, facts = both
    assert facts["episodes"] == len(LENGTHS)
    for feature in ours.info.features:
        if feature.dtype != "video" and feature.name != dataset.ACTION:
            np.testing.assert_array_equal(tensors[feature.name], ours.column(feature.name))
    items = [ours[i] for i in range(len(ours))]
    for name in (dataset.ACTION, "action_is_pad"):
        np.testing.assert_array_equal(tensors[name], np.stack([item[name] for item in items]))
    assert facts["task"] == [item["instruction"] for item in items]
    assert facts["subtask"] == [SUBTASKS[item[dataset.SUBTASK]] for item in items]


def test_every_frame_is_the_same(
    both: tuple[dataset.Dataset, dict[str, Array], dict[str, Any]],
) -> None:
    """Another FFmpeg converts the colours, so a level of difference is allowed, never a frame."""
    ours, tensors, _ = both
    for camera in CAMERAS:
        theirs = tensors[dataset.IMAGES + camera.name].transpose(0, 2, 3, 1) * 255
        difference = np.abs(theirs - ours.frames(camera.name).astype(np.float32))
        print(f"{camera.name}: largest difference {difference.max():.3f} of 255")
        assert difference.max() < 2.5


def test_statistics_arrive(
    both: tuple[dataset.Dataset, dict[str, Array], dict[str, Any]],
) -> None:
    ours, _, facts = both
    action = ours.column(dataset.ACTION)
    stats = facts["stats"][dataset.ACTION]
    np.testing.assert_allclose(stats["q99"], np.quantile(action.astype(float), 0.99, axis=0))
    assert np.shape(facts["stats"]["observation.images.front"]["mean"]) == (3, 1, 1)


def test_stock_policies_take_the_right_columns(
    both: tuple[dataset.Dataset, dict[str, Array], dict[str, Any]],
) -> None:
    _, _, facts = both
    types = facts["policies"]["types"]
    assert types["action"] == "ACTION"
    assert types["observation.state"] == "STATE"
    assert types["observation.images.front"] == "VISUAL"
    assert "privileged.target_goal_pose" not in types
    for policy in ("act", "diffusion"):
        taken = facts["policies"][policy]
        assert taken["action"] == taken["state"] == [10]
        assert taken["environment"] is False
        assert sorted(taken["images"]) == [f"observation.images.{n}" for n in ("front", "wrist")]
        assert taken["images"]["observation.images.front"] == [3, 32, 48]


def test_depth_and_labels_are_in_nobody_s_way(tmp_path: Path) -> None:
    records, _ = make_labelled(tmp_path / "parts")
    root = write_labelled(tmp_path / "dataset", records)
    output = tmp_path / "read.safetensors"
    stock_reader.run("read_with_lerobot.py", str(root), str(output), str(CHUNK), home=tmp_path)
    ours = dataset.open(root)
    with safe_open(output, "np") as file:
        for name in ("observation.state", "timestamp", "index"):
            np.testing.assert_array_equal(file.get_tensor(name), ours.column(name))
        for camera in CAMERAS:
            theirs = file.get_tensor(dataset.IMAGES + camera.name).transpose(0, 2, 3, 1) * 255
            assert np.abs(theirs - ours.frames(camera.name).astype(np.float32)).max() < 2.5
            depth = file.get_tensor(f"{dataset.IMAGES}{camera.name}{dataset.DEPTH}")
            assert len(depth) == len(ours)


def test_we_read_what_lerobot_writes(tmp_path: Path) -> None:
    stock_reader.run("write_with_lerobot.py", str(tmp_path / "foreign"), home=tmp_path)
    ours = dataset.open(tmp_path / "foreign", chunk=4)
    assert ours.episode_bounds.tolist() == [[0, 20], [20, 50], [50, 75]]
    assert ours.instructions == ["task 0", "task 1", "task 0"]
    assert ours[18]["action"][:, 0].tolist() == [18, 19, 19, 19]
    brightness = ours.frames("top").mean(axis=(1, 2, 3))
    expected = np.concatenate([50 * e + 2 * np.arange(n) for e, n in enumerate((20, 30, 25))])
    assert np.abs(brightness - expected).max() < 1.5
    np.testing.assert_array_equal(ours.video("top", 1), ours.frames("top")[20:50])
