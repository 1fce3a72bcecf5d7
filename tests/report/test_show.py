"""Contact sheet and sample videos of a real dataset."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from worlds import CAMERAS

from robokiln import dataset
from robokiln.dataset.video import decode
from robokiln.kiln import Plan, again, generate, open_source
from robokiln.report.overlays import LEGEND, depth_colors, depth_limits, id_colors
from robokiln.report.show import GAP, SHEET, TILE, contact_sheet, show, side_by_side, spread
from robokiln.types import RobokilnError
from robokiln.workers import Execution


def test_show_writes_a_sheet_and_videos(demonstrations: Path, tmp_path: Path) -> None:
    out = tmp_path / "show"
    files = show(demonstrations, out, episodes=2, columns=5, videos=1)
    assert [f.name for f in files] == [SHEET, "episode_000000.mp4"]
    data = dataset.open(demonstrations)
    assert sum(1 for _ in decode(files[1], data.info.fps)) == data.episode_bounds[0, 1]
    with Image.open(files[0]) as sheet:
        assert sheet.width >= 5 * (TILE + GAP)
        assert sheet.height >= 2 * 2 * TILE
    assert show(demonstrations, out, episodes=1, columns=2, videos=0) == [out / SHEET]
    assert sorted(f.name for f in out.iterdir()) == [SHEET]


def test_tiles_are_the_dataset_s_frames_from_first_to_last(demonstrations: Path) -> None:
    data = dataset.open(demonstrations)
    sheet = np.asarray(contact_sheet(data, [[1]], columns=3)).astype(float)
    last = Image.fromarray(data.video("front", 1)[-1]).resize(
        (TILE, TILE), Image.Resampling.BICUBIC
    )
    x, y = 14 + 2 * (TILE + GAP), 14 + 26
    tile = sheet[y : y + TILE, x : x + TILE]
    assert np.abs(tile - np.asarray(last))[30:].max() == 0


def test_cameras_stand_side_by_side(demonstrations: Path) -> None:
    data = dataset.open(demonstrations)
    frames = side_by_side(data, 0, 96)
    assert frames.shape == (data.episode_bounds[0, 1], 96, 192, 3)
    assert frames.dtype == np.uint8


@pytest.mark.parametrize(
    ("total", "count", "expected"), [(10, 3, [0, 4, 9]), (2, 5, [0, 1]), (1, 1, [0]), (5, 0, [])]
)
def test_spread(total: int, count: int, expected: list[int]) -> None:
    assert spread(total, count) == expected


def test_mistakes_name_the_offender(demonstrations: Path, tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match="columns: expected at least 2, got 1"):
        show(demonstrations, tmp_path / "out", columns=1)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RobokilnError, match="not a folder of ours"):
        show(demonstrations, tmp_path)
    with pytest.raises(RobokilnError, match="nothing"):
        show(tmp_path / "nothing", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run's dataset, and two looks of its motion with every label."""
    folder = tmp_path_factory.mktemp("labelled")
    made = generate(
        Plan("pick_place", "panda", CAMERAS, episodes=1), folder / "a", Execution()
    ).dataset
    assert made is not None
    source = open_source(made)
    changes = {"seed": 1, "looks_per_episode": 2, "record": ("depth", "segmentation", "boxes")}
    plan = again(source, dataclasses.replace(source.plan, **changes))  # type: ignore[arg-type]
    rendered = generate(plan, folder / "b", Execution(), source=made).dataset
    assert rendered is not None
    return made, rendered


def test_looks_and_labels_stand_below_each_other(
    labelled: tuple[Path, Path], tmp_path: Path
) -> None:
    original, rendered = labelled
    data, other = dataset.open(rendered), dataset.open(original)
    sheet = np.asarray(contact_sheet(data, [[0, 1]], 2, other))
    pitch = TILE + GAP
    # Two looks, segments and depth of each camera, then the original's two cameras.
    assert sheet.shape[0] == 14 + 26 + 10 * pitch + 14
    legend = sheet[14 + 26 + 2 * pitch :][:TILE, 14 + 2 * pitch :][:, :LEGEND]
    assert len(np.unique(legend.reshape(-1, 3), axis=0)) > 5
    rows = [sheet[14 + 26 + i * pitch + 30 :][: TILE - 60, 14 : 14 + TILE] for i in range(10)]
    expected = {0: data.video("front", 0), 1: data.video("front", 1), 8: other.video("front", 0)}
    for i, video in expected.items():
        tile = Image.fromarray(video[0]).resize((TILE, TILE), Image.Resampling.BICUBIC)
        assert np.array_equal(rows[i], np.asarray(tile)[30 : TILE - 30])
    frames = side_by_side(data, 0, 96)
    assert frames.shape == (len(data.video("front", 0)), 2 * 96, 3 * 96 + 2 * LEGEND, 3)
    files = show(rendered, tmp_path / "show", columns=3, videos=1, beside=original)
    assert [f.name for f in files] == [SHEET, "episode_000000.mp4"]


def test_beside_wants_the_same_motions(
    demonstrations: Path, labelled: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(RobokilnError, match="expected a dataset of the same motions"):
        show(labelled[0], tmp_path / "show", beside=demonstrations)
    assert not (tmp_path / "show").exists()


def test_colors_tell_ids_and_distances_apart() -> None:
    ids = np.arange(15, dtype=np.uint16)
    assert len(np.unique(id_colors(ids), axis=0)) == 15
    assert np.array_equal(id_colors(np.array([15, 18, 40_000])), id_colors(np.array([4, 7, 4])))
    depth = np.geomspace(0.2, 3.0, 20, dtype=np.float32)
    brightness = depth_colors(depth, (0.2, 3.0)).astype(int) @ (2, 7, 1)
    assert (np.diff(brightness) < 0).all()
    assert depth_limits(np.zeros((2, 3))) == (0.1, 1.0)
    assert depth_limits(np.linspace(0.31, 1.22, 1000)) == (0.3, 1.25)
