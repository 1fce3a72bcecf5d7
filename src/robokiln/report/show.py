"""A dataset at a glance: a contact sheet, and sample videos with everything side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robokiln import dataset
from robokiln.dataset import Dataset, encode_video
from robokiln.files import refuse_links
from robokiln.report.overlays import LEGEND
from robokiln.report.strips import Strip, beside_strips, color_strips, label_strips, motions
from robokiln.types import Array, RobokilnError

SHEET = "contact_sheet.png"
TILE = 144
"""Pixels of a tile's height on the sheet."""
VIDEO_HEIGHT = 256
GAP = 3
CAPTION = 26
MARGIN = 14
INK, FAINT, PAPER = (32, 36, 40), (110, 116, 122), (255, 255, 255)


def show(
    root: Path,
    out: Path,
    episodes: int = 8,
    columns: int = 8,
    videos: int = 4,
    beside: Path | None = None,
) -> list[Path]:
    """Write `contact_sheet.png` and sample videos of the dataset `root` into `out`; the files.

    Looks of one motion share a block of the sheet. `beside` is a dataset of the same motions,
    whose pictures are put below.
    """
    for name, count, least in (
        ("episodes", episodes, 1),
        ("columns", columns, 2),
        ("videos", videos, 0),
    ):
        if count < least:
            raise RobokilnError(f"{name}: expected at least {least}, got {count}")
    data = dataset.open(root, columns=())
    other = None if beside is None else dataset.open(beside, columns=())
    if out.exists() and not (out / SHEET).exists() and (not out.is_dir() or any(out.iterdir())):
        raise RobokilnError(f"{out}: exists and is not a folder of ours; choose another")
    refuse_links(out)
    shown = [motions(data)[i] for i in spread(len(motions(data)), episodes)]
    sheet = contact_sheet(data, shown, columns, other)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("episode_*.mp4"):
        old.unlink()
    files = [out / f"episode_{e:06d}.mp4" for e in spread(data.info.episodes, videos)]
    for file, episode in zip(files, spread(data.info.episodes, videos), strict=True):
        encode_video(file, side_by_side(data, episode), data.info.fps)
    sheet.save(out / SHEET)
    return [out / SHEET, *files]


def spread(total: int, count: int) -> list[int]:
    """Up to `count` numbers below `total`, evenly apart, from the first on."""
    return sorted({int(i) for i in np.linspace(0, total - 1, min(count, total)).round()})


def contact_sheet(
    data: Dataset, shown: Sequence[Sequence[int]], columns: int, other: Dataset | None = None
) -> Image.Image:
    """A block a motion, whose looks are the episodes of one entry of `shown`: the instruction, then
    rows with time to the right."""
    blocks = [_block(data, list(looks), columns, other) for looks in shown]
    width = max(b.width for b in blocks) + 2 * MARGIN
    sheet = Image.new("RGB", (width, sum(b.height + MARGIN for b in blocks) + MARGIN), PAPER)
    y = MARGIN
    for block in blocks:
        sheet.paste(block, (MARGIN, y))
        y += block.height + MARGIN
    return sheet


def side_by_side(data: Dataset, episode: int, height: int = VIDEO_HEIGHT) -> Array:
    """All cameras of an episode: uint8 [T, H, W, 3], enlarged to `height` each.

    Without labels the cameras stand beside each other, else below each other with their segments
    and their depth to the right.
    """
    rows = []
    for camera in data.info.videos:
        labels = list(label_strips(data, episode, camera, height))
        rows.append([*color_strips(data, [episode], camera), *labels])
    if all(len(row) == 1 for row in rows):
        rows = [[row[0] for row in rows]]
    steps = range(min(len(s.pictures) for row in rows for s in row))
    return np.stack([_grid([_abreast(row, t, height) for row in rows]) for t in steps])


def _abreast(row: Sequence[Strip], t: int, height: int) -> Array:
    """The strips' pictures of one step, each before its legend."""
    parts = []
    for strip in row:
        parts.append(_resize(strip.pictures[t], height))
        if strip.legend is not None:
            parts.append(strip.legend)
    return np.concatenate(parts, axis=1)


def _grid(rows: Sequence[Array]) -> Array:
    """Rows below each other, on paper as wide as the widest."""
    width = max(row.shape[1] for row in rows)
    paper = [((0, 0), (0, width - row.shape[1]), (0, 0)) for row in rows]
    padded = [np.pad(r, p, constant_values=255) for r, p in zip(rows, paper, strict=True)]
    return np.concatenate(padded)


def _block(data: Dataset, looks: list[int], columns: int, other: Dataset | None) -> Image.Image:
    strips = _strips(data, looks, other)
    length = min(len(s.pictures) for s in strips)
    steps = spread(length, columns)
    rows = [_row(strip, steps) for strip in strips]
    picture = _grid([np.pad(r, ((0, GAP), (0, 0), (0, 0)), constant_values=255) for r in rows])
    block = Image.new("RGB", (picture.shape[1], picture.shape[0] + CAPTION), PAPER)
    block.paste(Image.fromarray(picture), (0, CAPTION))
    seconds = length / data.info.fps
    which = f"episode {looks[0]}" if len(looks) == 1 else f"episodes {looks[0]} to {looks[-1]}"
    _label(block, data.instructions[looks[0]], f"{which}, {length} frames, {seconds:.1f} s")
    pitch = _resize(strips[0].pictures[0], TILE).shape[1] + GAP
    _times(block, [t / data.info.fps for t in steps], pitch)
    for i, strip in enumerate(strips):
        _tag(block, strip.tag, (4, CAPTION + i * (TILE + GAP) + TILE - 18))
    return block


def _strips(data: Dataset, looks: list[int], other: Dataset | None) -> list[Strip]:
    """Each camera in its looks, with the labels of the first, then the other dataset's rows."""
    strips: list[Strip] = []
    for camera in data.info.videos:
        strips += color_strips(data, looks, camera)
        strips += label_strips(data, looks[0], camera, TILE)
    if other is not None:
        slot, steps = int(data.slots()[looks[0]]), len(strips[0].pictures)
        strips += beside_strips(other, slot, steps, other.info.root.parent.name)
    return strips


def _row(strip: Strip, steps: Sequence[int]) -> Array:
    """The strip's pictures at some steps, then its legend."""
    tiles = [_padded(_resize(strip.pictures[t], TILE)) for t in steps]
    if strip.legend is not None:
        assert strip.legend.shape == (TILE, LEGEND, 3)
        tiles.append(strip.legend)
    return np.concatenate(tiles, axis=1)


def _label(block: Image.Image, caption: str, note: str) -> None:
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(17)
    draw.text((0, 2), caption, INK, font)
    draw.text((draw.textlength(caption, font) + 14, 5), note, FAINT, ImageFont.load_default(13))


def _times(block: Image.Image, seconds: Sequence[float], pitch: int) -> None:
    for i, value in enumerate(seconds):
        _tag(block, f"{value:.1f} s", (i * pitch + 4, CAPTION + 4))


def _tag(block: Image.Image, text: str, at: tuple[int, int]) -> None:
    """Light text on a dark plate, readable on any picture."""
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(12)
    x0, y0, x1, y1 = draw.textbbox(at, text, font)
    draw.rectangle((x0 - 3, y0 - 3, x1 + 3, y1 + 3), (24, 28, 32))
    draw.text(at, text, (255, 255, 255), font)


def _resize(image: Array, height: int) -> Array:
    width = 2 * round(image.shape[1] * height / image.shape[0] / 2)
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _padded(image: Array) -> Array:
    return np.pad(image, ((0, 0), (0, GAP), (0, 0)), constant_values=255)
