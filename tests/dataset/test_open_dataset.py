"""The reader: what a training run is given."""

from __future__ import annotations

import copy
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from written import CAMERAS, FPS, TASKS

from robokiln import dataset
from robokiln.dataset import EpisodeRecord, RecordedCamera, write_cameras
from robokiln.dataset.cache import cache_folder
from robokiln.dataset.video import decode
from robokiln.geometry import IDENTITY
from robokiln.types import RobokilnError

STARTS = (0, 21, 51, 63)


def test_columns_and_pictures_round_trip(root: Path, records: list[EpisodeRecord]) -> None:
    ds = dataset.open(root)
    assert len(ds) == 89
    assert ds.info.robot_type == "panda"
    assert ds.instructions == [TASKS[0], TASKS[1], TASKS[0], TASKS[1]]
    np.testing.assert_array_equal(ds.episode_bounds[:, 0], STARTS)
    for name in records[0].columns:
        expected = np.concatenate([r.columns[name] for r in records])
        np.testing.assert_array_equal(ds.column(name), expected)
    for camera in CAMERAS:
        feature = dataset.IMAGES + camera.name
        parts = [np.stack([f for _, f in decode(r.videos[feature], FPS)]) for r in records]
        frames = ds.frames(camera.name)
        assert (frames.dtype, frames.shape) == (np.uint8, (89, 32, 48, 3))
        np.testing.assert_array_equal(frames, np.concatenate(parts))
        for episode, part in enumerate(parts):
            np.testing.assert_array_equal(ds.video(camera.name, episode), part)


def test_chunks_end_with_their_episode(root: Path) -> None:
    ds = dataset.open(root, chunk=8)
    item, action = ds[18], ds.column("action")
    assert item["action_is_pad"].tolist() == [False] * 3 + [True] * 5
    np.testing.assert_array_equal(item["action"][:3], action[18:21])
    np.testing.assert_array_equal(item["action"][3:], np.repeat(action[20:21], 5, axis=0))
    assert item["instruction"] == TASKS[0]
    np.testing.assert_array_equal(ds[-1]["action"][0], action[88])
    with pytest.raises(IndexError):
        ds[89]


def test_items_are_copies(root: Path) -> None:
    ds = dataset.open(root)
    before = copy.deepcopy(ds[5])
    for value in ds[5].values():
        if isinstance(value, np.ndarray):
            value[...] = 0
    np.testing.assert_equal(ds[5], before)


def test_default_collate_takes_it(root: Path) -> None:
    ds = dataset.open(root, chunk=4, cameras=["front"], columns=["observation.state", "action"])
    loader = DataLoader(ds, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(0))
    batch = next(iter(loader))
    assert set(batch) == {
        "observation.state",
        "action",
        "action_is_pad",
        "observation.images.front",
        "instruction",
    }
    assert batch["action"].shape == (16, 4, 10)
    assert batch["observation.images.front"].dtype == torch.uint8
    assert len(batch["instruction"]) == 16
    assert sum(len(b["action"]) for b in loader) == 89


def test_state_only_never_decodes(root: Path) -> None:
    ds = dataset.open(root, cameras=[], columns=["observation.state"])
    assert set(ds[0]) == {"observation.state", "instruction"}
    assert ds.column("subtask_index").shape == (89,)


def test_spawned_workers_get_no_pictures_through_the_pipe(root: Path) -> None:
    ds = dataset.open(root)
    ds.frames("front")
    sent = pickle.dumps(ds)
    assert len(sent) < ds.frames("front").nbytes / 2
    np.testing.assert_array_equal(pickle.loads(sent).frames("wrist"), ds.frames("wrist"))


def test_unknown_names_list_what_there_is(root: Path) -> None:
    ds = dataset.open(root)
    with pytest.raises(RobokilnError, match="camera 'top' not found; available: front, wrist"):
        ds.frames("top")
    with pytest.raises(RobokilnError, match="column 'reward' not found; available: action,"):
        ds.column("reward")
    with pytest.raises(RobokilnError, match="episode 4: the dataset has 4"):
        ds.video("front", 4)
    with pytest.raises(RobokilnError, match="chunk 0"):
        dataset.open(root, chunk=0)


def test_damaged_video_leaves_no_cache(tmp_path: Path, root: Path) -> None:
    broken = Path(shutil.copytree(root, tmp_path / "broken"))
    path = broken / "videos/observation.images.front/chunk-000/file-000.mp4"
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    (broken / "SHA256SUMS").write_text("another key\n")
    before = set(cache_folder().glob("*/*"))
    with pytest.raises(RobokilnError, match=r"file-000\.mp4"):
        dataset.open(broken).frames("front")
    assert set(cache_folder().glob("*/*")) == before


def test_cameras_round_trip(tmp_path: Path) -> None:
    cameras = (
        RecordedCamera("front", 96, 96, 60.0, "base", IDENTITY),
        RecordedCamera("wrist", 96, 96, 75.0, "tool", (0.0, 0.1, -0.05, 0.0, 0.0, 0.0, 1.0)),
    )
    write_cameras(tmp_path, cameras)
    assert dataset.read_cameras(tmp_path) == cameras
    assert dataset.read_cameras(tmp_path / "none") == ()
