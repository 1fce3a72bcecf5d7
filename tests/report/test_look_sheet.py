"""Sheets of looks and of textures: what they show is what `generate` would make."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robokiln.cli import main
from robokiln.cli.compose import compose
from robokiln.cli.settings import cameras, generation_plan
from robokiln.frames import LookConfig
from robokiln.frames.looks import TEXTURES, build_texture
from robokiln.kiln.unit import simulate
from robokiln.report.looks import (
    CAPTION,
    EXAMPLES,
    SHEET,
    TILES,
    SheetConfig,
    demonstration,
    described,
    texture_sheet,
)
from robokiln.report.show import MARGIN
from robokiln.types import Light, Look, Material, RobokilnError, Texture

SMALL = SheetConfig(
    "pick_place", "panda", cameras(compose("generate", ["image_size=32"])), LookConfig()
)


def test_the_command_writes_two_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "looks"
    line = f"looks look=rich count=3 columns=2 image_size=64 antialias=false out={out}"
    assert main(line.split()) == 0
    assert str(out / SHEET) in capsys.readouterr().out.replace("\n", "")
    assert sorted(p.name for p in out.iterdir()) == [SHEET, TILES]
    with Image.open(out / SHEET) as sheet:
        pixels = np.asarray(sheet).astype(int)
    tiles = [pixels[y : y + 64, x : x + 64] for x, y in corners(3, 2, 64)]
    assert all(tile.std() > 10 for tile in tiles)
    assert np.abs(tiles[0] - tiles[1]).mean() > 5


def corners(count: int, columns: int, size: int) -> list[tuple[int, int]]:
    """Top left corners of the tiles' first pictures; two cameras a tile."""
    wide, high = 2 * (size + 3) + MARGIN, size + CAPTION + 3
    places = [(i % columns, i // columns) for i in range(count)]
    return [(MARGIN + x * wide, MARGIN + y * high + CAPTION - 2) for x, y in places]


def test_the_scene_is_the_first_that_generate_makes() -> None:
    episode, attempt = demonstration(SMALL)
    plan = generation_plan(compose("generate", ["image_size=32"]))
    assert simulate(plan, 0, attempt).spec == episode.spec


def test_every_family_has_its_tile() -> None:
    sheet = np.asarray(texture_sheet(32, columns=3))
    for i, family in enumerate(TEXTURES):
        x, y = corners(len(TEXTURES), 3, 32)[i]
        tile = build_texture(Texture(family, 0, EXAMPLES[0], 1.0), 32)
        assert np.array_equal(sheet[y : y + 32, x : x + 32], tile)


def test_a_caption_says_what_is_there() -> None:
    gray = (0.5, 0.5, 0.5)
    wood = Material(gray, 0.5, texture=Texture("wood", 0, (gray,), 1.0))
    lamp = Light((0, 0, 1.0), gray, 1.0, position=(0, 0, 1.0))
    lights = (lamp, *2 * (dataclasses.replace(lamp, position=None),))
    look = Look((Material(gray, 0.5), wood), wood, lights, gray, gray, gray, gray)
    assert described(look) == "wood table, plain floor, 2 lights, 1 lamp"


def test_mistakes_name_the_offender(tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match="task 'stak' not found"):
        dataclasses.replace(SMALL, task="stak")
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["looks", f"out={tmp_path}"]) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
