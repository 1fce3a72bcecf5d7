"""The picture and the table of families."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robokiln.assets import FAMILIES
from robokiln.cli import main
from robokiln.frames import LookConfig
from robokiln.report.assets import CAPTION, AssetSheetConfig, family_table, members, picture
from robokiln.report.show import GAP, MARGIN
from robokiln.types import Shape

DOCS = Path(__file__).parents[2] / "docs"


def test_the_command_writes_a_picture_and_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "sheet.png"
    line = f"assets count=5 columns=3 image_size=48 antialias=false out={out}"
    assert main(line.split()) == 0
    said = capsys.readouterr().out
    assert str(out) in said
    assert all(f"\n{family} " in said for family in FAMILIES)
    with Image.open(out) as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    assert pixels.shape == (2 * MARGIN + 2 * (48 + CAPTION), 2 * MARGIN + 3 * (48 + GAP), 3)
    tiles = [
        pixels[y : y + 48, x : x + 48]
        for x, y in (
            (MARGIN + i % 3 * (48 + GAP), MARGIN + i // 3 * (48 + CAPTION)) for i in range(5)
        )
    ]
    assert all(tile.std() > 8 for tile in tiles)
    first = out.read_bytes()
    assert main([*line.split(), "seed=1"]) == 0
    assert out.read_bytes() != first


@pytest.mark.parametrize("name", ["mine.png", "folder.png", "sheet.jpg"])
def test_what_is_not_ours_is_left_alone(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "mine.png":
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    if name == "folder.png":
        (tmp_path / name).mkdir()
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert main(["assets", "count=1", f"out={tmp_path / name}"]) == 2
    assert f"{name}: expected a .png file" in capsys.readouterr().err
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_every_family_has_its_members() -> None:
    config = AssetSheetConfig(LookConfig(), count=2 * len(FAMILIES) + 1)
    found = [family.name for family, _, _ in members(config)]
    counts = [found.count(name) for name in FAMILIES]
    assert sorted(counts) == [2] * (len(FAMILIES) - 1) + [3]
    assert members(config) == members(config)


def test_a_picture_shows_the_thing_in_its_color() -> None:
    config = AssetSheetConfig(LookConfig(), image_size=32)
    red = picture(Shape("sphere", {"radius": 0.02}), "red", config, 0)[16, 16].astype(int)
    green = picture(Shape("sphere", {"radius": 0.02}), "green", config, 0)[16, 16].astype(int)
    assert red.argmax() == 0
    assert green.argmax() == 1


def test_the_documentation_has_the_table() -> None:
    text = (DOCS / "assets.md").read_text()
    for name, kind, split, parts, roles, _, dimensions in family_table():
        assert f"| {name} | {kind} | {split} | {parts} | {roles} | {dimensions} |" in text


def test_a_table_says_how_many_parts_and_in_which_units() -> None:
    rows = {row[0]: row for row in family_table()}
    assert rows["tray"][3] == "5-9"
    assert rows["varied_cup"][6] == "radius 27-36, height 48-70, taper 0.62-0.97, wall 3-6"
