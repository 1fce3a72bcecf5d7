"""Contact sheet and sample videos of a real dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robokiln import dataset
from robokiln.dataset.video import decode
from robokiln.report.show import GAP, SHEET, TILE, contact_sheet, show, side_by_side, spread
from robokiln.types import RobokilnError


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
